//go:build a11y

package backoffice_test

import (
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/order"
)

// looks are how the pages are looked at.
var looks = []struct {
	name string
	o    browsertest.Options
}{
	{"wide", browsertest.Options{}},
	{"wide, dark", browsertest.Options{Dark: true}},
	{"phone", browsertest.Options{Phone: true}},
	{"phone, dark", browsertest.Options{Phone: true, Dark: true}},
}

// Every page of the back office, light and dark, wide and on a phone, has nothing that
// axe-core finds fault with.
func TestAccessibility(t *testing.T) {
	o := newOffice(t)
	part := o.partly()
	o.do(o.sale(1).OrderID, order.Command{Action: order.ActionCancel})
	o.sale(1, "email", "ada+pend-accept-05@example.com")
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			p := browsertest.Open(t, l.o)
			o.tour(p, part, func(name string) { browsertest.Audit(t, name, p.Page) })
		})
	}
}
