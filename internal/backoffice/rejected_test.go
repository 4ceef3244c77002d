package backoffice_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Where nothing of an order may be sent, the order, the form of a parcel and its question say so. It can be told of all
// the same, for it may have left before; it is not offered as what is to be done next.
func TestParcelThatMayNotBeSent(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	expired := d.buy()
	d.Fake.Advance(60 * 24 * time.Hour)
	rejected := d.buyIn("GB", "en-GB", fakeklarna.Buy{}, "email", "eva+pend-reject-05@example.com")
	d.Fake.Advance(6 * time.Minute)
	cancelled := d.do(d.buy().OrderID, order.Command{Action: aftersale.Cancel.Name})
	pending := d.buyIn("GB", "en-GB", fakeklarna.Buy{}, "email", "eva+pend-accept-30@example.com")
	open, back := d.buy(), d.capture(d.buy(), 4, 1, 1)
	back = d.refund(back, 4, 1, 1)
	for _, tt := range []struct {
		number, why string
		main        int // blue actions
	}{
		{cancelled.Number, "The order is cancelled. Do not send the goods.", 0},
		{expired.Number, "The order has expired. Do not send the goods.", 0},
		{pending.Number, "Klarna is still checking this order. Do not send the goods.", 0},
		{rejected.Number, "Klarna rejected this order. Do not send the goods.", 1},
		{open.Number, "", 1},
		{back.Number, "", 0},
	} {
		shown := ada.look("/admin/orders/" + tt.number)
		form := ada.look("/admin/orders/" + tt.number + "/shipping-info")
		question := ada.submit(form, "carrier", "DHL", "tracking", "999")
		for name, p := range map[string]page{"page": shown, "form": form, "question": question} {
			if got := p.part("main"); p.StatusCode != http.StatusOK || strings.Contains(got, "Do not send the goods.") != (tt.why != "") || !strings.Contains(got, tt.why) {
				t.Errorf("the %s of %s: %d, want %q in %q", name, tt.number, p.StatusCode, tt.why, got)
			}
		}
		if n := shown.Find(".acts .btn:not(.q)").Length(); n != tt.main {
			t.Errorf("%d actions of %q are to be done next, want %d: %q", n, tt.why, tt.main, shown.texts(".acts .btn"))
		}
	}
}

// What Klarna has rejected must not be sent, until it is captured all the same: from then on it is sent as
// all others are.
func TestRejectedAndCaptured(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	o := d.buyIn("GB", "en-GB", fakeklarna.Buy{}, "email", "eva+pend-reject-05@example.com")
	d.Fake.Advance(6 * time.Minute)
	if _, err := d.Book.Refresh(t.Context(), o.OrderID); err != nil {
		t.Fatal(err)
	}
	sends := func(want bool) {
		t.Helper()
		page := ada.look("/admin/orders/" + o.Number)
		list := ada.look("/admin/orders?to_ship=1")
		slips := ada.look("/admin/packing-slips?" + url.Values{"order": {o.OrderID}}.Encode())
		warned, listed, left := page.part("main"), list.part("main"), slips.part("main")
		if strings.Contains(warned, "Do not send the goods") == want || strings.Contains(listed, o.Number) != want || strings.Contains(left, "Klarna rejected") == want {
			t.Errorf("want it to be sent: %t; the page says %q\nthe list %q\nthe slips %q", want, warned, listed, left)
		}
	}
	sends(false)
	ada.act(o, "capture", "what", "all").says("#result", "Captured")
	sends(true)
	if now := d.inBook(o.OrderID); now.FraudStatus != ordermanagement.FraudRejected {
		t.Errorf("the fraud status is %s", now.FraudStatus)
	}
}
