package order_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// asking is a shop that asks for more in Klarna's form.
func asking(t *testing.T, f settings.Form) *world {
	t.Helper()
	shop := *skerry.Version().Shop
	shop.Checkout.Forms = map[string]settings.Form{"SE": f}
	return &world{shoptest.New(t, shoptest.Options{Version: publish.NewVersion(1, &shop, skerry.Version().Catalog)})}
}

// The answers to the shop's own questions are with the order, as they were asked, and go when it is erased.
func TestPlaceCheckboxes(t *testing.T) {
	t.Parallel()
	w := asking(t, settings.Form{Checkboxes: []settings.Checkbox{
		{ID: "news", Text: i18n.Text{"sv": "Nyheter", "en": "News"}}, {ID: "age", Text: i18n.Text{"en": "I am 18"}},
	}})
	cartID := cart.NewID()
	w.Put(cartID, "MUG-1", 1)
	orderID := w.Open(cartID)
	if out, err := w.Fake.Shopper(orderID, fakeklarna.Action{Checkboxes: map[string]bool{"news": true}}); err != nil || out.Refused != nil {
		t.Fatal(out, err)
	}
	w.Buy(orderID)
	w.Place(orderID)
	o := w.once(cartID, orderID)
	want := []order.Checkbox{{ID: "news", Text: "Nyheter", Checked: true}, {ID: "age", Text: "I am 18"}}
	if diff := cmp.Diff(want, o.Checkboxes); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A checkout that cannot be read keeps an order from being placed until it can: what was agreed to is not lost.
func TestPlaceCheckboxesFaults(t *testing.T) {
	t.Parallel()
	w := asking(t, settings.Form{Checkboxes: []settings.Checkbox{{ID: "news", Text: i18n.Text{"en": "News"}}}})
	for _, tc := range []struct {
		fault  fakeklarna.Fault
		placed bool
		want   []order.Checkbox
	}{
		{fakeklarna.Fault{Status: 500, Count: 3}, false, []order.Checkbox{{ID: "news", Text: "News"}}},
		{fakeklarna.Fault{Status: 404, Count: 1}, true, nil}, // Klarna has it no more
	} {
		_, orderID := w.Sale()
		tc.fault.Method, tc.fault.Path = "GET", "/checkout/v3/orders/*"
		w.Fake.AddFault(tc.fault)
		if _, err := w.Book.Place(t.Context(), orderID); (err == nil) != tc.placed {
			t.Errorf("%d: %v", tc.fault.Status, err)
		}
		if diff := cmp.Diff(tc.want, w.Place(orderID).Checkboxes); diff != "" {
			t.Errorf("%d: (-want +got):\n%s", tc.fault.Status, diff)
		}
	}
}

// What Klarna captures at once is in the book as captured: nothing is open, the goods count as sent, and
// following it changes nothing.
func TestPlaceAutoCapture(t *testing.T) {
	t.Parallel()
	w := asking(t, settings.Form{AutoCapture: true})
	cartID, orderID := w.Sale()
	w.Place(orderID)
	o := w.once(cartID, orderID)
	if o.Status != ordermanagement.Captured || o.CapturedAmount != o.OrderAmount || o.RemainingAuthorizedAmount != 0 || len(o.Captures) != 1 {
		t.Errorf("placed: %s, captured %d of %d, remaining %d, %d captures", o.Status, o.CapturedAmount, o.OrderAmount, o.RemainingAuthorizedAmount, len(o.Captures))
	}
	if open := o.Uncaptured(); len(open) > 0 {
		t.Errorf("still to be captured: %v", open)
	}
	w.Levels("MUG-1", 238, 0, 0)
	revision := o.Revision
	o, err := w.Book.Refresh(t.Context(), orderID)
	if err != nil || o.Revision != revision {
		t.Errorf("followed: revision %d, was %d; %v", o.Revision, revision, err)
	}
	w.Agrees(orderID)
	w.began(o, "order.created order.captured order.updated") // the last of its number, which Klarna knows now
}

// began looks for the events of an order that nobody has touched since it came into the book.
func (w *world) began(o order.Order, want string) {
	w.T.Helper()
	if got := w.Text("select string_agg(type, ' ' order by position) from events where subject = $1", o.ID); got != want {
		w.T.Errorf("events %s, want %s", got, want)
	}
}
