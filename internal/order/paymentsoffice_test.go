package order_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// An order of Klarna Payments is in the back office like any other: on the
// lists, with its audit, and it takes commands.
func TestAuthorizedInTheOffice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o, _, err := w.Book.PlaceAuthorized(t.Context(), w.authorized())
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range map[string]order.Query{
		"all": {}, "number": {Text: o.Number}, "shopper": {Text: "eva@example.com"},
		"status and country": {State: order.StateOpen, Country: "SE"},
	} {
		q.Limit = 10
		page, err := w.Book.List(t.Context(), q)
		if err != nil || len(page.Orders) != 1 || page.Orders[0].OrderID != o.OrderID {
			t.Errorf("%s: the list has %d orders, %v, want this one", name, len(page.Orders), err)
		}
	}
	events := func() []string {
		entries, err := w.Book.Audit(t.Context(), o.OrderID)
		if err != nil {
			t.Fatal(err)
		}
		var events []string
		for _, e := range entries {
			events = append(events, e.Event)
		}
		return events
	}
	if diff := cmp.Diff([]string{order.AuditAcknowledged, order.AuditPlaced}, events()); diff != "" {
		t.Errorf("audit: %s", diff)
	}
	quantities := make([]int64, len(o.Uncaptured()))
	quantities[0] = 1
	w.Do(o, shoptest.CaptureOf(t, o, quantities...), order.Done)
	if o = w.Agrees(o.OrderID); o.Status != ordermanagement.PartCaptured {
		t.Errorf("the order is %s", o.Status)
	}
	if diff := cmp.Diff([]string{string(aftersale.Capture.Name), order.AuditAcknowledged, order.AuditPlaced}, events()); diff != "" {
		t.Errorf("audit after the capture: %s", diff)
	}
}

// What Klarna still checks is placed, is not captured before Klarna has decided,
// and follows the decision.
func TestAuthorizedPending(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := order.Authorized{CartID: cart.NewID()}
	w.Put(in.CartID, "MUG-1", 2)
	in.SessionID = w.Session(in.CartID).SessionID
	out, err := w.Fake.Pay(in.SessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{
		Data: json.RawMessage(`{"billing_address":` + strings.Replace(shoptest.Buyer, "eva@", "eva+pend-accept-05@", 1) + `}`),
	}})
	if err != nil || !out.Approved {
		t.Fatalf("authorize: %+v, %v", out, err)
	}
	in.Token = out.AuthorizationToken
	o, _, err := w.Book.PlaceAuthorized(t.Context(), in)
	if err != nil || !o.Pending() {
		t.Fatalf("placed: pending %v, %v", o.Pending(), err)
	}
	impossible := w.Desk.Possible(o, aftersale.Capture, time.Now())
	if impossible == nil || impossible.Reason != aftersale.ReasonFraudPending {
		t.Errorf("a capture while pending: %v", impossible)
	}
	w.Fake.Advance(6 * time.Minute)
	if o, err = w.Book.Refresh(t.Context(), o.OrderID); err != nil || o.Pending() || o.FraudStatus != ordermanagement.FraudAccepted {
		t.Fatalf("after the decision: %s, %v", o.FraudStatus, err)
	}
	w.Do(o, shoptest.CaptureOf(t, o, 2, 1), order.Done)
	w.Agrees(o.OrderID)
}
