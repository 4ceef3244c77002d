//go:build a11y

package backoffice_test

import (
	"testing"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/order"
)

// Every page of the back office, light and dark, wide and on a phone, has nothing that
// axe-core finds fault with.
func TestAccessibility(t *testing.T) {
	o := newOffice(t)
	part := o.partly()
	o.do(o.sale(1).OrderID, order.Command{Action: aftersale.Cancel.Name})
	o.sale(1, "email", "ada+pend-accept-05@example.com")
	for _, l := range looks {
		if !browsertest.Audited(l.o) {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			p := browsertest.Open(t, l.o)
			o.tour(p, part, func(name string) { browsertest.Audit(t, name, p.Page) })
		})
	}
}
