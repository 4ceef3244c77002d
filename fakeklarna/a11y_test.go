//go:build a11y

package fakeklarna_test

import (
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// The fake's own pages, the iframe with all that it can show, the widget and
// both dialogs have nothing that axe-core finds fault with, in every look.
func TestAccessibility(t *testing.T) {
	for look, o := range looks {
		if o.ForcedColors || !browsertest.Audited(o) {
			continue // axe-core knows nothing of forced colours
		}
		t.Run("looks"+look, func(t *testing.T) {
			h := newHost(t)
			empty := h.openFake("", o)
			browsertest.Audit(t, "no orders", empty.Page.Page)
			h.fake.AddFault(fakeklarna.Fault{Status: 503, Path: "/nowhere"})
			full := h.open(h.create(everything(nil)), o)
			full.fill(swede)
			browsertest.Audit(t, "the iframe", full.frame())
			id := h.create(delivery)
			c := h.open(id, o)
			c.fill(swede)
			c.element("method-card").MustClick()
			c.element("pay").MustClick()
			c.element("approve").MustWaitVisible()
			browsertest.Audit(t, "the iframe's dialog", c.frame())
			if _, err := h.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{"", "orders/" + id, "orders/" + id + "/checkout", "sessions", "requests", "faults", "clock"} {
				browsertest.Audit(t, "/fake/"+path, h.openFake(path, o).Page.Page)
			}
			s := newPayShop(t)
			b := s.open(s.session(nil), o)
			b.load("pay_later")
			browsertest.Audit(t, "the widget", b.widget())
			b.call("authorize", map[string]any{"payment_method_category": "pay_later"}, map[string]any{})
			browsertest.Audit(t, "the widget's dialog", b.dialog())
		})
	}
}
