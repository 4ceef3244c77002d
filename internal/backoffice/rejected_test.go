package backoffice_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/ordermanagement"
)

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
