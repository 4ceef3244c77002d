package mail_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/orderview"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/web/templates"
)

// A parcel before the capture says that goods are on their way, and the capture of what is in it tells
// nothing more.
func TestMailOfAParcelFirst(t *testing.T) {
	p := newPost(t, nil)
	send := func(o order.Order, quantities ...int64) order.Order {
		t.Helper()
		var in []order.ShipmentLine
		for i, n := range quantities {
			if n > 0 {
				in = append(in, order.ShipmentLine{ID: order.LineIDs(o.OrderLines)[i], Quantity: n})
			}
		}
		return p.Do(o, shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) {
			c.Shipments = []order.Shipment{{Carrier: "PostNord", TrackingNumber: "PN", OrderLines: in}}
		}), order.Done).Order
	}
	says := func(o order.Order, state templates.OrderState, toCome int, want, not string) {
		t.Helper()
		got := p.server.received()
		m := parse(t, got[len(got)-1].data)
		if !strings.Contains(m.text, want) || strings.Contains(m.text, not) {
			t.Errorf("not %q, or %q:\n%s", want, not, m.text)
		}
		v := orderview.View{Version: p.Mailer.Published.Now(), Voice: p.Mailer.Published.Now().Shop.Voice("sv-SE"), Locale: "sv-SE"}
		page, left := v.Page(templates.Shell{}, o), 0
		for _, g := range page.ToCome {
			left += g.Quantity
		}
		if page.State != state || left != toCome {
			t.Errorf("the page says %s, %d to come, want %s, %d", page.State, left, state, toCome)
		}
	}
	all, part := "Din beställning är på väg", "En del av din beställning är på väg"

	o := p.Placed() // 2 mugs, 1 jam and the delivery
	p.roundOf(1)
	o = send(o, 2, 1)
	p.roundOf(1)
	says(o, templates.OrderSent, 0, all, part)
	o = p.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Done).Order
	p.roundOf(0)
	says(o, templates.OrderSent, 0, all, part)
	o = p.Do(o, shoptest.CaptureOf(t, o, 1, 1, 1), order.Done).Order
	p.roundOf(0)
	says(o, templates.OrderSent, 0, all, part)

	o = p.Placed()
	p.roundOf(1)
	o = send(o, 1, 0)
	p.roundOf(1)
	says(o, templates.OrderPartSent, 2, part, all)
	o = p.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Done).Order // what is in the parcel
	p.roundOf(0)
	says(o, templates.OrderPartSent, 2, part, all)
	o = p.Do(o, shoptest.CaptureOf(t, o, 0, 1, 0), order.Done).Order // and what is not
	p.roundOf(1)
	says(o, templates.OrderPartSent, 1, part, all)

	o = p.Placed()
	p.roundOf(1)
	o = p.Do(o, shoptest.CaptureOf(t, o, 1, 1, 0), order.Done).Order
	p.roundOf(1)
	o = p.Do(o, shoptest.Command(o, aftersale.Refund.Name, func(c *order.Command) { // the mug came broken
		c.OrderLines, c.Amount = o.Captures[0].OrderLines[:1], o.Captures[0].OrderLines[0].TotalAmount
	}), order.Done).Order
	p.roundOf(1)
	o = send(o, 1, 1)
	p.roundOf(1)
	says(o, templates.OrderPartSent, 1, part, all)

	o = p.Placed()
	p.roundOf(1)
	if _, err := p.Book.Management.AddShippingInfo(t.Context(), o.OrderID, []ordermanagement.ShippingInfo{{TrackingNumber: "PN"}}, "portal"); err != nil {
		t.Fatal(err)
	}
	o, err := p.Book.Refresh(t.Context(), o.OrderID) // nobody said what is in it
	if err != nil {
		t.Fatal(err)
	}
	p.roundOf(1)
	says(o, templates.OrderSent, 0, all, part)
	o = p.Do(o, shoptest.CaptureOf(t, o, 2, 1, 1), order.Done).Order
	p.roundOf(0)
	says(o, templates.OrderSent, 0, all, part)
}
