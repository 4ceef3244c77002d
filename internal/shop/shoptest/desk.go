package shoptest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Placed places a new sale in the book.
func (w *World) Placed(typed ...string) order.Order {
	w.T.Helper()
	_, orderID := w.Sale(typed...)
	return w.Place(orderID)
}

// Command returns a command on an order as it is now.
func Command(o order.Order, action order.Action, edits ...func(*order.Command)) order.Command {
	c := order.Command{Key: uuid.NewString(), Action: action, Revision: o.Revision, Staff: "demo"}
	for _, edit := range edits {
		edit(&c)
	}
	return c
}

// CaptureOf returns a capture of quantities of what is left.
func CaptureOf(t testing.TB, o order.Order, quantities ...int64) order.Command {
	t.Helper()
	lines, sum, err := o.TakeUncaptured(quantities)
	if err != nil {
		t.Fatal(err)
	}
	return Command(o, aftersale.Capture.Name, func(c *order.Command) { c.OrderLines, c.Amount = lines, sum })
}

// Do carries out a command and fails the test without a result.
func (w *World) Do(o order.Order, c order.Command, want order.Result) aftersale.Outcome {
	w.T.Helper()
	out, err := w.Desk.Do(w.T.Context(), o.Ref(), c)
	if err != nil || out.Result != want {
		w.T.Fatalf("%s: got %s, %v (%d %s %v), want %s", c.Action, out.Result, err, out.Entry.Status, out.Entry.Code, out.Entry.Messages, want)
	}
	return out
}

// InBook reads an order of the book.
func (w *World) InBook(orderID string) order.Order {
	w.T.Helper()
	o, found, err := w.Book.ByOrderID(w.T.Context(), orderID)
	if err != nil || !found {
		w.T.Fatal(found, err)
	}
	return o
}

// Agrees checks an order in the book: it equals Klarna's, its sums are those of captures
// and refunds, and no command runs. It returns the order.
func (w *World) Agrees(orderID string) order.Order {
	w.T.Helper()
	o := w.InBook(orderID)
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
		got = append(got, part{x.RefundID, "", x.Description, int64(x.RefundedAmount), len(x.OrderLines), 0})
	}
	for _, x := range m.Captures {
		want = append(want, part{x.CaptureID, x.Reference, x.Description, x.CapturedAmount, len(x.OrderLines), len(x.ShippingInfo)})
		capturedAmount += x.CapturedAmount
	}
	for _, x := range m.Refunds {
		want = append(want, part{x.RefundID, "", x.Description, x.RefundedAmount, len(x.OrderLines), 0}) // Klarna does not tell its reference
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

// Audited returns the audit of an order, oldest first: "capture done", "status".
func (w *World) Audited(orderID string) []string {
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

// Tells checks the audit of an order.
func (w *World) Tells(orderID string, want ...string) {
	w.T.Helper()
	if diff := cmp.Diff(want, w.Audited(orderID)); diff != "" {
		w.T.Errorf("the audit: %s", diff)
	}
}

// CancelAtKlarna cancels a sale at Klarna, as its portal can.
func (w *World) CancelAtKlarna(orderID string) {
	w.T.Helper()
	w.CallKlarna("POST", "/ordermanagement/v1/orders/"+orderID+"/cancel", "")
}

// CallKlarna calls Order Management without the shop.
func (w *World) CallKlarna(method, path, body string) {
	w.T.Helper()
	req, err := http.NewRequestWithContext(w.T.Context(), method, w.Fake.URL+path, strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	req.SetBasicAuth("demo", "demo")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.T.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode/100 != 2 {
		w.T.Fatalf("%s %s: %d", method, path, res.StatusCode)
	}
}

// Round runs a round of the loop, some time from now.
func (w *World) Round(in time.Duration) {
	w.T.Helper()
	if err := w.Desk.Reconcile(w.T.Context(), time.Now().Add(in)); err != nil {
		w.T.Fatal(err)
	}
}

// Noon is the time of InState's orders.
var Noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// InState returns an order of 25000 without refunds. By its state 0, 10000 or all of it is
// captured.
func InState(status ordermanagement.Status, edits ...func(*order.Order)) order.Order {
	o := order.Order{
		OrderID: "o", Status: status, FraudStatus: ordermanagement.FraudAccepted, PlacedAt: Noon.AddDate(0, 0, -9),
		PurchaseCountry: "SE", PurchaseCurrency: "SEK", PaymentMethod: ordermanagement.PaymentMethod{Type: "INVOICE"},
		OrderAmount: 25000, OriginalOrderAmount: 25000, RemainingAuthorizedAmount: 25000, ExpiresAt: Noon.AddDate(0, 0, 19),
		OrderLines: []klarna.OrderLine{
			{Type: klarna.Physical, Reference: "MUG-1", Name: "Mugg", Quantity: 2, UnitPrice: 10000, TaxRate: 2500, TotalAmount: 20000, TotalTaxAmount: 4000},
			{Type: klarna.ShippingFee, Reference: "mailboat", Name: "Postbåt", Quantity: 1, UnitPrice: 5000, TaxRate: 2500, TotalAmount: 5000, TotalTaxAmount: 1000},
		},
	}
	if status == ordermanagement.PartCaptured {
		Captured(&o, 10000)
	}
	if status == ordermanagement.Captured || status == ordermanagement.Closed {
		Captured(&o, 25000)
	}
	for _, edit := range edits {
		edit(&o)
	}
	return o
}

// Captured adds a capture without lines.
func Captured(o *order.Order, amount int64) {
	o.Captures = append(o.Captures, ordermanagement.Capture{CaptureID: fmt.Sprintf("c%d", len(o.Captures)+1), CapturedAmount: money.Amount(amount)})
	o.CapturedAmount += money.Amount(amount)
	o.RemainingAuthorizedAmount -= money.Amount(amount)
}
