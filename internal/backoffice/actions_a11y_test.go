//go:build a11y

package backoffice_test

import (
	"testing"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/browsertest"
)

// Every form, question and refusal, light and dark, wide and on a phone, has
// nothing that axe-core finds fault with.
func TestActionsAccessibility(t *testing.T) {
	d := newOffice(t)
	o, open := d.buy(), d.buy()
	d.clerk("ada").act(o, "capture", "what", "lines", mugField, "2", jamField, "0", deliveryField, "0", "carrier", "Bring", "tracking", "370")
	for _, l := range looks {
		if !browsertest.Audited(l.o) {
			continue
		}
		t.Run(l.name, func(t *testing.T) {
			s := d.screen(t, l.o)
			s.enter(open)
			for _, a := range aftersale.Actions {
				s.Go(d.URL + "/admin/orders/" + o.Number + "/" + a.Slug + "?shipment=1")
				browsertest.Audit(t, a.Title, s.Page.Page)
				switch form := s.MustHas(".act-form"); {
				case form:
					s.press("^Continue")
					browsertest.Audit(t, a.Title+", sent", s.Page.Page)
				case a.Form != nil:
					t.Errorf("%s has no form", a.Title)
				}
			}
			s.Go(d.URL + "/admin/")
			s.MustElement(`[name=order]`).MustClick()
			s.press("^Capture…")
			browsertest.Audit(t, "several orders", s.Page.Page)
		})
	}
}
