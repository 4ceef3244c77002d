package e2e_test

import (
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// Every page and state can be reached, its controls are large enough for a finger where there is one, and links for
// anybody, those in sentences excepted; nothing is too wide, whatever the font; axe-core finds no violation in page and
// iframe. Where go test has -artifacts each is written as NAME.png.
func TestLooks(t *testing.T) {
	t.Parallel()
	for _, l := range []struct {
		name string
		o    browsertest.Options
	}{{"wide", browsertest.Options{}}, {"phone", browsertest.Options{Phone: true}}} {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{})
			finger := 24
			if l.o.Phone {
				finger = 44
			}
			look := func(p *browsertest.Page, size int) func(string) {
				return func(name string) {
					p.Picture(name)
					if small := p.MustEval(`(size) => (`+tooSmall+`)(size).join("\n")`, size).Str(); small != "" {
						t.Errorf("%s: too small:\n%s", name, small)
					}
					p.Audit(name, p.Page)
					if p.MustHas(kco) {
						frame := p.Frame(kco)
						if got, err := frame.Eval(`() => (` + tooSmall + `)(24).join("\n")`); err != nil || got.Value.Str() != "" {
							t.Errorf("the iframe of %s: too small: %v\n%s", name, err, got.Value.Str())
						}
						p.Audit("the iframe of "+name, frame)
					}
					if l.o.Phone {
						return
					}
					if wide := p.TooWide(); wide != "" {
						t.Errorf("%s scrolls sideways:\n%s", name, wide)
					}
				}
			}
			s := d.shopper(t, l.o)
			s.tour(func(name string) {
				look(s.Page, finger)(name)
				if l.o.Phone {
					s.As(browsertest.Options{Phone: true, Width: 320, Height: 640})
					s.narrow(name)
					s.As(l.o)
				}
			})
			s = d.shopper(t, l.o)
			s.states(look(s.Page, finger))
			d.inspections(t, l.o, func(p *browsertest.Page, name string) { look(p, 24)(name) })
			own := deploy(t, 1, fakeklarna.Options{}, "-shop", gifts(t, "checkout: {product: payments, payments_flow: review}\n"))
			s = own.shopper(t, l.o)
			s.paymentsTour(look(s.Page, finger))
			s = own.shopper(t, l.o)
			s.freeTour(look(s.Page, finger))
			url, names := accidents(t)
			for _, name := range names {
				s.Go(url + name)
				look(s.Page, finger)(name)
			}
		})
	}
}
