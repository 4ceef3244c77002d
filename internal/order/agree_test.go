package order_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/order"
)

// placed is a sale that is in the book.
func (w *world) placed(typed ...string) order.Order {
	w.T.Helper()
	_, orderID := w.Sale(typed...)
	return w.Place(orderID)
}

// command is a command on an order as it is now.
func command(o order.Order, action order.Action, edits ...func(*order.Command)) order.Command {
	c := order.Command{Key: uuid.NewString(), Action: action, Revision: o.Revision, Staff: "demo"}
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

func amount(n int64) func(*order.Command) {
	return func(c *order.Command) { c.Amount = moneyOf(n) }
}

// captureOf captures quantities of what is left of an order.
func captureOf(t testing.TB, o order.Order, quantities ...int64) order.Command {
	t.Helper()
	lines, sum, err := order.Take(o.Uncaptured(), quantities)
	if err != nil {
		t.Fatal(err)
	}
	return command(o, order.ActionCapture, func(c *order.Command) { c.OrderLines, c.Amount = lines, sum })
}

// do does a command and demands a result.
func (w *world) do(o order.Order, c order.Command, want order.Result) order.Outcome {
	w.T.Helper()
	out, err := w.Book.Do(w.T.Context(), o.OrderID, c)
	if err != nil || out.Result != want {
		w.T.Fatalf("%s: got %s, %v (%d %s %v), want %s", c.Action, out.Result, err, out.Entry.Status, out.Entry.Code, out.Entry.Messages, want)
	}
	return out
}

// byID is an order of the book.
func (w *world) byID(orderID string) order.Order {
	w.T.Helper()
	o, found, err := w.Book.ByOrderID(w.T.Context(), orderID)
	if err != nil || !found {
		w.T.Fatal(found, err)
	}
	return o
}

// agrees holds that the book says of an order what Klarna does, that the sums
// are those of captures and refunds, and that nothing runs. It returns the order.
func (w *world) agrees(orderID string) order.Order {
	w.T.Helper()
	o := w.byID(orderID)
	m, _ := w.Fake.Managed(orderID)
	type part struct {
		ID, Reference, Description string
		Amount                     int64
		Lines, Parcels             int
	}
	var got, want []part
	var capturedAmount, refundedAmount int64
	for _, x := range o.Captures {
		got = append(got, part{x.CaptureID, x.Reference, x.Description, int64(x.CapturedAmount), len(x.OrderLines), len(x.ShippingInfo)})
	}
	for _, x := range o.Refunds {
		got = append(got, part{x.RefundID, x.Reference, x.Description, int64(x.RefundedAmount), len(x.OrderLines), 0})
	}
	for _, x := range m.Captures {
		want = append(want, part{x.CaptureID, x.Reference, x.Description, x.CapturedAmount, len(x.OrderLines), len(x.ShippingInfo)})
		capturedAmount += x.CapturedAmount
	}
	for _, x := range m.Refunds {
		want = append(want, part{x.RefundID, x.Reference, x.Description, x.RefundedAmount, len(x.OrderLines), 0})
		refundedAmount += x.RefundedAmount
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.T.Errorf("captures and refunds: %s", diff)
	}
	state := func(status, fraud, first, second, expires string, parcels int, amounts ...int64) string {
		return fmt.Sprint(status, fraud, first, second, expires, parcels, amounts)
	}
	gotState := state(string(o.Status), string(o.FraudStatus), o.MerchantReference1, o.MerchantReference2, o.ExpiresAt.Format(time.DateOnly), len(o.ShippingInfo),
		int64(o.OrderAmount), int64(o.OriginalOrderAmount), int64(o.CapturedAmount), int64(o.RefundedAmount), int64(o.RemainingAuthorizedAmount))
	wantState := state(m.Status, m.FraudStatus, m.MerchantReference1, m.MerchantReference2, m.ExpiresAt[:10], len(m.ShippingInfo),
		m.OrderAmount, m.OriginalOrderAmount, capturedAmount, refundedAmount, m.RemainingAuthorizedAmount)
	if gotState != wantState {
		w.T.Errorf("the book has %s\nKlarna has     %s", gotState, wantState)
	}
	var quantities []string
	for _, l := range o.OrderLines {
		quantities = append(quantities, fmt.Sprint(l.Reference, l.Quantity, int64(l.TotalAmount)))
	}
	for _, l := range m.OrderLines {
		if len(quantities) == 0 || quantities[0] != fmt.Sprint(l.Reference, l.Quantity, l.TotalAmount) {
			w.T.Errorf("lines differ at %s: %v", l.Reference, quantities)
			break
		}
		quantities = quantities[1:]
	}
	if o.Running != nil {
		w.T.Errorf("%s still runs", o.Running.Action)
	}
	return o
}

// story is the audit of an order, oldest first: "capture done", "status".
func (w *world) story(orderID string) []string {
	w.T.Helper()
	entries, err := w.Book.Audit(w.T.Context(), orderID)
	if err != nil {
		w.T.Fatal(err)
	}
	var story []string
	for _, e := range slices.Backward(entries) {
		text := e.Event
		if e.Result != "" {
			text += " " + string(e.Result)
		}
		story = append(story, text)
	}
	return story
}

func (w *world) tells(orderID string, want ...string) {
	w.T.Helper()
	if diff := cmp.Diff(want, w.story(orderID)); diff != "" {
		w.T.Errorf("the audit: %s", diff)
	}
}
