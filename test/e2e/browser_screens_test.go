package e2e_test

import (
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// looks are the ways in which pages are looked at.
var looks = []struct {
	name string
	o    browsertest.Options
}{
	{"wide-light", browsertest.Options{}},
	{"wide-dark", browsertest.Options{Dark: true}},
	{"phone-light", browsertest.Options{Phone: true}},
	{"phone-dark", browsertest.Options{Phone: true, Dark: true}},
}

// Every page and state can be reached, and is written as NAME.png where go test has -artifacts.
func TestScreenshots(t *testing.T) {
	t.Parallel()
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{})
			shoot := func(s *shopper) func(string) {
				return func(name string) {
					if s.Screenshot(name) == "" {
						t.Errorf("no picture of %s", name)
					}
				}
			}
			s := d.shopper(t, l.o)
			s.tour(shoot(s))
			s = d.shopper(t, l.o)
			s.states(func(state string) { shoot(s)("checkout-" + state) })
			d.inspections(t, l.o, func(p *browsertest.Page, name string) {
				if p.Screenshot(name) == "" {
					t.Errorf("no picture of %s", name)
				}
			})
			s = deploy(t, 1, fakeklarna.Options{}, "-checkout", "payments", "-payments-flow", "review").shopper(t, l.o)
			s.paymentsTour(shoot(s))
			url, names := accidents(t)
			for _, name := range names {
				s.Go(url + name)
				shoot(s)(name)
			}
		})
	}
}
