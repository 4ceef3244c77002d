//go:build a11y

package backoffice_test

import (
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
)

// Every form, question and refusal, light and dark, wide and on a phone, has
// nothing that axe-core finds fault with.
func TestActionsAccessibility(t *testing.T) {
	d := newOffice(t)
	o, open := d.buy(), d.buy()
	d.clerk("ada").act(o, "capture", "what", "lines", mugField, "2", jamField, "0", deliveryField, "0")
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			s := d.screen(t, l.o)
			s.enter(open)
			for _, action := range []string{
				"capture", "refund", "release", "extend", "lines", "references", "shipping-address", "shipping-info", "send-out", "extend-due-date", "cancel",
			} {
				s.Go(d.URL + "/admin/orders/" + o.Number + "/" + action)
				browsertest.Audit(t, action, s.Page.Page)
				if s.MustHas(".act-form") {
					s.press("^Continue")
					browsertest.Audit(t, action+", sent", s.Page.Page)
				}
			}
			s.Go(d.URL + "/admin/")
			s.MustElement(`[name=order]`).MustClick()
			s.press("^Capture…")
			browsertest.Audit(t, "several orders", s.Page.Page)
		})
	}
}
