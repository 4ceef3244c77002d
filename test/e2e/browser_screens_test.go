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

// Every page and state can be reached, its controls are large enough for a finger where there is one, and links for
// anybody, those in sentences excepted; nothing is too wide, whatever the font. Where go test has -artifacts each is
// written as NAME.png, in all looks.
func TestLooks(t *testing.T) {
	t.Parallel()
	for _, l := range looks {
		if l.o.Dark && !browsertest.Pictures() {
			continue
		}
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
					if p.MustHas(kco) {
						if got, err := p.Frame(kco).Eval(`() => (` + tooSmall + `)(24).join("\n")`); err != nil || got.Value.Str() != "" {
							t.Errorf("the iframe of %s: too small: %v\n%s", name, err, got.Value.Str())
						}
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
			s.tour(look(s.Page, finger))
			s = d.shopper(t, l.o)
			s.states(look(s.Page, finger))
			d.inspections(t, l.o, func(p *browsertest.Page, name string) { look(p, 24)(name) })
			s = deploy(t, 1, fakeklarna.Options{}, "-checkout", "payments", "-payments-flow", "review").shopper(t, l.o)
			s.paymentsTour(look(s.Page, finger))
			url, names := accidents(t)
			for _, name := range names {
				s.Go(url + name)
				look(s.Page, finger)(name)
			}
		})
	}
}
