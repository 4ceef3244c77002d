package aftersale_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Each command, once: Klarna does it, the book says what Klarna says, and the
// audit who did what.
func TestDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed("email", "eva@example.com")
	parcel := []order.Shipment{{Carrier: "postnord", TrackingNumber: "7340001", TrackingURI: "https://track.example/7340001"}}

	out := w.Do(o, shoptest.Command(o, aftersale.References.Name, func(c *order.Command) { c.Reference2 = new("invoice 7") }), order.Done)
	if diff := cmp.Diff([]order.Change{{Field: "merchant_reference2", After: "invoice 7"}}, out.Entry.Changes); diff != "" {
		t.Error(diff)
	}
	o = w.Agrees(o.OrderID)
	address := o.ShippingAddress
	address.StreetAddress = "Hamngatan 9"
	out = w.Do(o, shoptest.Command(o, aftersale.Address.Name, func(c *order.Command) { c.ShippingAddress = &address }), order.Done)
	if diff := cmp.Diff([]order.Change{{Field: "shipping_address", After: "changed"}}, out.Entry.Changes); diff != "" {
		t.Error(diff)
	}
	o = w.Agrees(o.OrderID)
	if o.ShippingAddress.StreetAddress != "Hamngatan 9" || o.BillingAddress.StreetAddress == "Hamngatan 9" {
		t.Error("the address is not the one that was sent")
	}
	w.Do(o, shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) { c.Shipments = parcel }), order.Done)
	o = w.Agrees(o.OrderID)
	w.Do(o, shoptest.Command(o, aftersale.Extend.Name), order.Done)
	o = w.Agrees(o.OrderID)

	c := shoptest.CaptureOf(t, o, 1, 0, 0) // a mug
	c.Shipments, c.Description, c.Reference = parcel, "the first parcel", "settle 1"
	out = w.Do(o, c, order.Done)
	e := out.Entry
	if e.ID != out.Order.Captures[0].CaptureID || e.Status != 201 || e.CorrelationID == "" || e.Tries != 1 || e.Staff != "demo" ||
		e.Source != order.ByStaff || e.Amount != c.Amount || e.Key != c.Key || e.At.IsZero() {
		t.Errorf("the entry is %+v", e)
	}
	text := fmt.Sprint(c.Amount)
	rest := fmt.Sprint(o.OrderAmount - c.Amount)
	if diff := cmp.Diff([]order.Change{
		{Field: "status", Before: "AUTHORIZED", After: "PART_CAPTURED"},
		{Field: "captured_amount", Before: "0", After: text},
		{Field: "remaining_authorized_amount", Before: fmt.Sprint(o.OrderAmount), After: rest},
		{Field: "captured MUG-1", Before: "0", After: "1"},
		{Field: "shipments", Before: "1", After: "2"},
	}, e.Changes); diff != "" {
		t.Error(diff)
	}
	o = w.Agrees(o.OrderID)
	captureID := o.Captures[0].CaptureID
	w.Do(o, shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) { c.Shipments, c.CaptureID = parcel, captureID }), order.Done)
	o = w.Agrees(o.OrderID)
	w.Do(o, shoptest.Command(o, aftersale.SendOut.Name, func(c *order.Command) { c.CaptureID = captureID }), order.Done)
	o = w.Agrees(o.OrderID)
	w.Do(o, shoptest.Command(o, aftersale.DueDate.Name, func(c *order.Command) { c.CaptureID, c.Days = captureID, 14 }), order.Done)
	o = w.Agrees(o.OrderID)

	fewer := slices.Clone(o.OrderLines)[:2] // no delivery
	sum, _, err := klarna.Sums(fewer)
	if err != nil {
		t.Fatal(err)
	}
	w.Do(o, shoptest.Command(o, aftersale.Lines.Name, func(c *order.Command) { c.OrderLines, c.Amount = fewer, sum }), order.Done)
	o = w.Agrees(o.OrderID)
	w.Do(o, shoptest.CaptureOf(t, o, 1, 0), order.Done)
	o = w.Agrees(o.OrderID)
	w.Do(o, shoptest.Command(o, aftersale.Release.Name), order.Done)
	o = w.Agrees(o.OrderID)
	back, sum, err := order.Take(o.Refundable(), []int64{1})
	if err != nil {
		t.Fatal(err)
	}
	out = w.Do(o, shoptest.Command(o, aftersale.Refund.Name, func(c *order.Command) { c.OrderLines, c.Amount, c.Description = back, sum, "broken" }), order.Done)
	if out.Entry.ID != out.Order.Refunds[0].RefundID {
		t.Errorf("the entry's refund is %q", out.Entry.ID)
	}
	o = w.Agrees(o.OrderID)
	w.Tells(o.OrderID, "placed", "acknowledged", "references done", "shipping_address done", "shipping_info done", "extend done", "capture done",
		"shipping_info done", "send_out done", "extend_due_date done", "lines done", "capture done", "release done", "refund done")

	// Nothing personal is in the audit.
	audit := w.Text("select string_agg(entry, '') from audit")
	for _, personal := range []string{"eva@example.com", "Hamngatan", o.BillingAddress.FamilyName, o.BillingAddress.StreetAddress, o.BillingAddress.Phone} {
		if personal != "" && strings.Contains(audit, personal) {
			t.Errorf("the audit has %s: %s", personal, audit)
		}
	}
	if due := w.Number("select count(*) from orders where due_at is not null"); due != 0 {
		t.Errorf("%d orders are not finished", due)
	}
}

// The same key again is the same command; another state, or another command
// under way, stops it; what is impossible is not sent.
func TestDoNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	c := shoptest.CaptureOf(t, o, 1, 0, 0)
	first := w.Do(o, c, order.Done)
	calls := len(w.Fake.Requests(""))
	again := w.Do(o, c, order.Already)
	if diff := cmp.Diff(first.Entry, again.Entry); diff != "" {
		t.Errorf("again: %s", diff)
	}
	if diff := cmp.Diff(first.Order, again.Order); diff != "" {
		t.Errorf("again: %s", diff)
	}

	// A colleague looks at the order of before.
	stale := shoptest.CaptureOf(t, o, 1, 0, 0)
	_, err := w.Desk.Do(t.Context(), o.OrderID, stale)
	changed, ok := errors.AsType[*aftersale.ChangedError](err)
	if !ok || changed.Order.Revision != first.Order.Revision || changed.Last.Key != c.Key || changed.Running != nil {
		t.Errorf("stale: got %v, %+v", err, changed)
	}
	for name, revision := range map[string]int64{"of the future": first.Order.Revision + 1, "below zero": -1} {
		stale.Revision = revision
		if _, err := w.Desk.Do(t.Context(), o.OrderID, stale); !isChanged(err) {
			t.Errorf("revision %s: got %v", name, err)
		}
	}
	// An invalid one is not asked about, nor is one of no order.
	bad := shoptest.Command(first.Order, aftersale.Capture.Name)
	if _, err := w.Desk.Do(t.Context(), o.OrderID, bad); reasonOf(t, err) != "invalid amount" {
		t.Errorf("invalid: got %v", err)
	}
	if _, err := w.Desk.Do(t.Context(), "7c1d0b52-3a0e-4f11-9a57-0f2b6c9d1e44", c); !errors.Is(err, order.ErrUnknown) {
		t.Errorf("no order: got %v", err)
	}
	if got := len(w.Fake.Requests("")) - calls; got != 0 {
		t.Errorf("Klarna was called %d times", got)
	}
	// What our copy says is impossible, Klarna's is asked about once.
	if _, err := w.Desk.Do(t.Context(), o.OrderID, shoptest.Command(first.Order, aftersale.Cancel.Name)); reasonOf(t, err) != "part_captured" {
		t.Errorf("impossible: got %v", err)
	}
	if got := len(w.Fake.Requests("")) - calls; got != 1 {
		t.Errorf("Klarna was called %d times, want one read", got)
	}
	w.Tells(o.OrderID, "placed", "acknowledged", "capture done")
	w.Agrees(o.OrderID)
}

func isChanged(err error) bool {
	_, ok := errors.AsType[*aftersale.ChangedError](err)
	return ok
}

// A refusal of Klarna's is an outcome, with all that a merchant needs to know,
// and the book follows what may have been the reason.
func TestDoRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed("email", "eva+denied-raise@example.com")
	more := slices.Clone(o.OrderLines)
	more[0].Quantity++
	more[0].TotalAmount += more[0].UnitPrice
	raise := shoptest.Command(o, aftersale.Lines.Name, func(c *order.Command) { c.OrderLines = more; c.Amount = o.OrderAmount + more[0].UnitPrice })
	out := w.Do(o, raise, order.Refused)
	if e := out.Entry; e.Status != 403 || e.Code != "NOT_ALLOWED" || len(e.Messages) != 1 || e.CorrelationID == "" || len(e.Changes) != 0 {
		t.Errorf("the entry is %+v", e)
	}
	calls := len(w.Fake.Requests(""))
	if again := w.Do(o, raise, order.Refused); !cmp.Equal(out.Entry, again.Entry) || len(w.Fake.Requests("")) != calls {
		t.Errorf("again: %s", cmp.Diff(out.Entry, again.Entry))
	}
	w.Tells(o.OrderID, "placed", "acknowledged", "lines refused")
	// It changed nothing that staff decide by: the same page may go on.
	w.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Done)
	o = w.Agrees(o.OrderID)

	// Captured elsewhere meanwhile.
	w.CallKlarna("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/captures", fmt.Sprintf(`{"captured_amount":%d}`, o.RemainingAuthorizedAmount))
	out = w.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Refused)
	if out.Entry.Code != "CAPTURE_NOT_ALLOWED" || out.Order.Status != ordermanagement.Captured {
		t.Errorf("got %s, the order is %s", out.Entry.Code, out.Order.Status)
	}
	w.Agrees(o.OrderID)
	w.Tells(o.OrderID, "placed", "acknowledged", "lines refused", "capture done", "status", "capture refused")
}

// What happens at Klarna is seen at the next look, and told once.
func TestRefreshFollows(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	w.CallKlarna("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/captures", `{"captured_amount":1000,"reference":"portal"}`)
	w.CallKlarna("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/refunds", `{"refunded_amount":400}`)
	w.CallKlarna("PATCH", "/ordermanagement/v1/orders/"+o.OrderID+"/merchant-references", `{"merchant_reference2":"from the portal"}`)
	for range 3 {
		if _, err := w.Book.Refresh(t.Context(), o.OrderID); err != nil {
			t.Fatal(err)
		}
	}
	after := w.Agrees(o.OrderID)
	if after.Revision != o.Revision+1 || after.MaterialRevision != after.Revision {
		t.Errorf("revision %d → %d, material %d", o.Revision, after.Revision, after.MaterialRevision)
	}
	w.Tells(o.OrderID, "placed", "acknowledged", "status")
	entries, err := w.Book.Audit(t.Context(), o.OrderID)
	if err != nil || entries[0].Source != order.ByKlarna || len(entries[0].Changes) != 5 {
		t.Errorf("got %+v, %v", entries[0], err)
	}
	if _, err := w.Desk.Do(t.Context(), o.OrderID, shoptest.CaptureOf(t, o, 1, 0, 0)); !isChanged(err) {
		t.Errorf("on the order of before: got %v", err)
	}
}
