//go:build a11y

package e2e_test

import (
	"fmt"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// Every page and state, light and dark, wide and on a phone, has nothing that axe-core finds fault with; nor has the
// iframe.
func TestAccessibility(t *testing.T) {
	for _, l := range looks {
		if !browsertest.Audited(l.o) {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{})
			look := func(s *shopper) func(string) {
				return func(name string) {
					t.Helper()
					browsertest.Audit(t, name, s.Page.Page)
					if s.MustHas(kco) {
						browsertest.Audit(t, fmt.Sprintf("the iframe of %s", name), s.Frame(kco))
					}
				}
			}
			s := d.shopper(t, l.o)
			s.tour(look(s))
			s = d.shopper(t, l.o)
			s.states(look(s))
			d.inspections(t, l.o, func(p *browsertest.Page, name string) { browsertest.Audit(t, name, p.Page) })
			s = deploy(t, 1, fakeklarna.Options{}, "-checkout", "payments", "-payments-flow", "review").shopper(t, l.o)
			s.paymentsTour(look(s))
			url, names := accidents(t)
			for _, name := range names {
				s.Go(url + name)
				look(s)(name)
			}
		})
	}
}
