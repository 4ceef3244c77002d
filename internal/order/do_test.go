package order_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/redistest"
)

// placed is a sale that is in the book.
func (w *world) placed(typed ...string) order.Order {
	w.t.Helper()
	_, orderID := w.sale(typed...)
	return w.place(orderID)
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
	w.t.Helper()
	out, err := w.book.Do(w.t.Context(), o.OrderID, c)
	if err != nil || out.Result != want {
		w.t.Fatalf("%s: got %s, %v (%d %s %v), want %s", c.Action, out.Result, err, out.Entry.Status, out.Entry.Code, out.Entry.Messages, want)
	}
	return out
}

// byID is an order of the book.
func (w *world) byID(orderID string) order.Order {
	w.t.Helper()
	o, found, err := w.book.ByOrderID(w.t.Context(), orderID)
	if err != nil || !found {
		w.t.Fatal(found, err)
	}
	return o
}

// agrees holds that the book says of an order what Klarna does, that the sums
// are those of captures and refunds, and that nothing runs. It returns the order.
func (w *world) agrees(orderID string) order.Order {
	w.t.Helper()
	o := w.byID(orderID)
	m, _ := w.fake.Managed(orderID)
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
		w.t.Errorf("captures and refunds: %s", diff)
	}
	state := func(status, fraud, first, second, expires string, parcels int, amounts ...int64) string {
		return fmt.Sprint(status, fraud, first, second, expires, parcels, amounts)
	}
	gotState := state(string(o.Status), string(o.FraudStatus), o.MerchantReference1, o.MerchantReference2, o.ExpiresAt.Format(time.DateOnly), len(o.ShippingInfo),
		int64(o.OrderAmount), int64(o.OriginalOrderAmount), int64(o.CapturedAmount), int64(o.RefundedAmount), int64(o.RemainingAuthorizedAmount))
	wantState := state(m.Status, m.FraudStatus, m.MerchantReference1, m.MerchantReference2, m.ExpiresAt[:10], len(m.ShippingInfo),
		m.OrderAmount, m.OriginalOrderAmount, capturedAmount, refundedAmount, m.RemainingAuthorizedAmount)
	if gotState != wantState {
		w.t.Errorf("the book has %s\nKlarna has     %s", gotState, wantState)
	}
	var quantities []string
	for _, l := range o.OrderLines {
		quantities = append(quantities, fmt.Sprint(l.Reference, l.Quantity, int64(l.TotalAmount)))
	}
	for _, l := range m.OrderLines {
		if len(quantities) == 0 || quantities[0] != fmt.Sprint(l.Reference, l.Quantity, l.TotalAmount) {
			w.t.Errorf("lines differ at %s: %v", l.Reference, quantities)
			break
		}
		quantities = quantities[1:]
	}
	if o.Running != nil {
		w.t.Errorf("%s still runs", o.Running.Action)
	}
	return o
}

// story is the audit of an order, oldest first: "capture done", "status".
func (w *world) story(orderID string) []string {
	w.t.Helper()
	entries, err := w.book.Audit(w.t.Context(), orderID)
	if err != nil {
		w.t.Fatal(err)
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
	w.t.Helper()
	if diff := cmp.Diff(want, w.story(orderID)); diff != "" {
		w.t.Errorf("the audit: %s", diff)
	}
}

// Each command, once: Klarna does it, the book says what Klarna says, and the
// audit who did what.
func TestDo(t *testing.T) {
	w := newWorld(t, redistest.StartServer(t))
	o := w.placed("email", "eva@example.com")
	parcel := []ordermanagement.ShippingInfo{{ShippingCompany: "postnord", TrackingNumber: "7340001", TrackingURI: "https://track.example/7340001"}}

	out := w.do(o, command(o, order.ActionReferences, func(c *order.Command) { c.Reference2 = new("invoice 7") }), order.Done)
	if diff := cmp.Diff([]order.Change{{Field: "merchant_reference2", After: "invoice 7"}}, out.Entry.Changes); diff != "" {
		t.Error(diff)
	}
	o = w.agrees(o.OrderID)
	address := o.ShippingAddress
	address.StreetAddress = "Hamngatan 9"
	out = w.do(o, command(o, order.ActionShippingAddress, func(c *order.Command) { c.ShippingAddress = &address }), order.Done)
	if diff := cmp.Diff([]order.Change{{Field: "shipping_address", After: "changed"}}, out.Entry.Changes); diff != "" {
		t.Error(diff)
	}
	o = w.agrees(o.OrderID)
	if o.ShippingAddress.StreetAddress != "Hamngatan 9" || o.BillingAddress.StreetAddress == "Hamngatan 9" {
		t.Error("the address is not the one that was sent")
	}
	w.do(o, command(o, order.ActionShippingInfo, func(c *order.Command) { c.ShippingInfo = parcel }), order.Done)
	o = w.agrees(o.OrderID)
	w.do(o, command(o, order.ActionExtend), order.Done)
	o = w.agrees(o.OrderID)

	c := captureOf(t, o, 1, 0, 0) // a mug
	c.ShippingInfo, c.Description, c.Reference = parcel, "the first parcel", "settle 1"
	out = w.do(o, c, order.Done)
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
		{Field: "parcels", Before: "1", After: "2"},
	}, e.Changes); diff != "" {
		t.Error(diff)
	}
	o = w.agrees(o.OrderID)
	captureID := o.Captures[0].CaptureID
	w.do(o, command(o, order.ActionShippingInfo, func(c *order.Command) { c.ShippingInfo, c.CaptureID = parcel, captureID }), order.Done)
	o = w.agrees(o.OrderID)
	w.do(o, command(o, order.ActionSendOut, func(c *order.Command) { c.CaptureID = captureID }), order.Done)
	o = w.agrees(o.OrderID)
	w.do(o, command(o, order.ActionExtendDueDate, func(c *order.Command) { c.CaptureID, c.Days = captureID, 14 }), order.Done)
	o = w.agrees(o.OrderID)

	fewer := slices.Clone(o.OrderLines)[:2] // no delivery
	sum, _, err := klarna.Sums(fewer)
	if err != nil {
		t.Fatal(err)
	}
	w.do(o, command(o, order.ActionLines, func(c *order.Command) { c.OrderLines, c.Amount = fewer, sum }), order.Done)
	o = w.agrees(o.OrderID)
	w.do(o, captureOf(t, o, 1, 0), order.Done)
	o = w.agrees(o.OrderID)
	w.do(o, command(o, order.ActionRelease), order.Done)
	o = w.agrees(o.OrderID)
	back, sum, err := order.Take(o.Refundable(), []int64{1})
	if err != nil {
		t.Fatal(err)
	}
	out = w.do(o, command(o, order.ActionRefund, func(c *order.Command) { c.OrderLines, c.Amount, c.Description = back, sum, "broken" }), order.Done)
	if out.Entry.ID != out.Order.Refunds[0].RefundID {
		t.Errorf("the entry's refund is %q", out.Entry.ID)
	}
	o = w.agrees(o.OrderID)
	w.tells(o.OrderID, "placed", "acknowledged", "references done", "shipping_address done", "shipping_info done", "extend done", "capture done",
		"shipping_info done", "send_out done", "extend_due_date done", "lines done", "capture done", "release done", "refund done")

	// Nothing personal is in the audit.
	for _, key := range w.keys("shopd:{orders}:audit:*") {
		for _, entry := range w.rdb.LRange(t.Context(), key, 0, -1).Val() {
			for _, personal := range []string{"eva@example.com", "Hamngatan", o.BillingAddress.FamilyName, o.BillingAddress.StreetAddress, o.BillingAddress.Phone} {
				if personal != "" && strings.Contains(entry, personal) {
					t.Errorf("the audit has %s: %s", personal, entry)
				}
			}
		}
	}
	if due := w.rdb.ZCard(t.Context(), "shopd:{orders}:open").Val(); due != 0 {
		t.Errorf("%d orders are not finished", due)
	}
}

// The same key again is the same command; another state, or another command
// under way, stops it; what is impossible is not sent.
func TestDoNotSent(t *testing.T) {
	w := newWorld(t, redistest.StartServer(t))
	o := w.placed()
	c := captureOf(t, o, 1, 0, 0)
	first := w.do(o, c, order.Done)
	calls := len(w.fake.Requests(""))
	again := w.do(o, c, order.Already)
	if diff := cmp.Diff(first.Entry, again.Entry); diff != "" {
		t.Errorf("again: %s", diff)
	}
	if diff := cmp.Diff(first.Order, again.Order); diff != "" {
		t.Errorf("again: %s", diff)
	}

	// A colleague looks at the order of before.
	stale := captureOf(t, o, 1, 0, 0)
	_, err := w.book.Do(t.Context(), o.OrderID, stale)
	changed, ok := errors.AsType[*order.ChangedError](err)
	if !ok || changed.Order.Revision != first.Order.Revision || changed.Last.Key != c.Key || changed.Running != nil {
		t.Errorf("stale: got %v, %+v", err, changed)
	}
	for name, revision := range map[string]int64{"of the future": first.Order.Revision + 1, "below zero": -1} {
		stale.Revision = revision
		if _, err := w.book.Do(t.Context(), o.OrderID, stale); !isChanged(err) {
			t.Errorf("revision %s: got %v", name, err)
		}
	}
	// An invalid one is not asked about, nor is one of no order.
	bad := command(first.Order, order.ActionCapture)
	if _, err := w.book.Do(t.Context(), o.OrderID, bad); reasonOf(t, err) != "invalid amount" {
		t.Errorf("invalid: got %v", err)
	}
	if _, err := w.book.Do(t.Context(), "7c1d0b52-3a0e-4f11-9a57-0f2b6c9d1e44", c); !errors.Is(err, order.ErrUnknown) {
		t.Errorf("no order: got %v", err)
	}
	if got := len(w.fake.Requests("")) - calls; got != 0 {
		t.Errorf("Klarna was called %d times", got)
	}
	// What our copy says is impossible, Klarna's is asked about once.
	if _, err := w.book.Do(t.Context(), o.OrderID, command(first.Order, order.ActionCancel)); reasonOf(t, err) != "part_captured" {
		t.Errorf("impossible: got %v", err)
	}
	if got := len(w.fake.Requests("")) - calls; got != 1 {
		t.Errorf("Klarna was called %d times, want one read", got)
	}
	w.tells(o.OrderID, "placed", "acknowledged", "capture done")
	w.agrees(o.OrderID)
}

func isChanged(err error) bool {
	_, ok := errors.AsType[*order.ChangedError](err)
	return ok
}

// A refusal of Klarna's is an outcome, with all that a merchant needs to know,
// and the book follows what may have been the reason.
func TestDoRefused(t *testing.T) {
	w := newWorld(t, redistest.StartServer(t))
	o := w.placed("email", "eva+denied-raise@example.com")
	more := slices.Clone(o.OrderLines)
	more[0].Quantity++
	more[0].TotalAmount += more[0].UnitPrice
	raise := command(o, order.ActionLines, func(c *order.Command) { c.OrderLines = more; c.Amount = o.OrderAmount + more[0].UnitPrice })
	out := w.do(o, raise, order.Refused)
	if e := out.Entry; e.Status != 403 || e.Code != "NOT_ALLOWED" || len(e.Messages) != 1 || e.CorrelationID == "" || len(e.Changes) != 0 {
		t.Errorf("the entry is %+v", e)
	}
	calls := len(w.fake.Requests(""))
	if again := w.do(o, raise, order.Refused); !cmp.Equal(out.Entry, again.Entry) || len(w.fake.Requests("")) != calls {
		t.Errorf("again: %s", cmp.Diff(out.Entry, again.Entry))
	}
	w.tells(o.OrderID, "placed", "acknowledged", "lines refused")
	// It changed nothing that staff decide by: the same page may go on.
	w.do(o, captureOf(t, o, 1, 0, 0), order.Done)
	o = w.agrees(o.OrderID)

	// Captured elsewhere meanwhile.
	w.create201(o.OrderID, "/captures", fmt.Sprintf(`{"captured_amount":%d}`, o.RemainingAuthorizedAmount))
	out = w.do(o, captureOf(t, o, 1, 0, 0), order.Refused)
	if out.Entry.Code != "CAPTURE_NOT_ALLOWED" || out.Order.Status != ordermanagement.Captured {
		t.Errorf("got %s, the order is %s", out.Entry.Code, out.Order.Status)
	}
	w.agrees(o.OrderID)
	w.tells(o.OrderID, "placed", "acknowledged", "lines refused", "capture done", "status", "capture refused")
}

// create201 makes a capture or refund as Klarna's portal does.
func (w *world) create201(orderID, path, body string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), "POST", w.fake.URL+"/ordermanagement/v1/orders/"+orderID+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.SetBasicAuth("demo", "demo")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusCreated {
		w.t.Fatalf("%s: %d", path, res.StatusCode)
	}
}

// What happens at Klarna is seen at the next look, and told once.
func TestRefreshFollows(t *testing.T) {
	w := newWorld(t, redistest.StartServer(t))
	o := w.placed()
	w.create201(o.OrderID, "/captures", `{"captured_amount":1000,"reference":"portal"}`)
	w.create201(o.OrderID, "/refunds", `{"refunded_amount":400}`)
	w.call("PATCH", "/ordermanagement/v1/orders/"+o.OrderID+"/merchant-references", `{"merchant_reference2":"from the portal"}`)
	for range 3 {
		if _, err := w.book.Refresh(t.Context(), o.OrderID); err != nil {
			t.Fatal(err)
		}
	}
	after := w.agrees(o.OrderID)
	if after.Revision != o.Revision+1 || after.MaterialRevision != after.Revision {
		t.Errorf("revision %d → %d, material %d", o.Revision, after.Revision, after.MaterialRevision)
	}
	w.tells(o.OrderID, "placed", "acknowledged", "status")
	entries, err := w.book.Audit(t.Context(), o.OrderID)
	if err != nil || entries[0].Source != order.ByKlarna || len(entries[0].Changes) != 5 {
		t.Errorf("got %+v, %v", entries[0], err)
	}
	if _, err := w.book.Do(t.Context(), o.OrderID, captureOf(t, o, 1, 0, 0)); !isChanged(err) {
		t.Errorf("on the order of before: got %v", err)
	}
}

// Many at once, with one key or with many, in two processes: nothing is
// captured or refunded twice, and all learn what was done.
func TestDoAtOnce(t *testing.T) {
	for _, kind := range []string{"one node", "cluster"} {
		t.Run(kind, func(t *testing.T) {
			rdb := redistest.StartServer
			if kind == "cluster" {
				rdb = func(t testing.TB) *redistest.Server { return redistest.Cluster(t) }
			}
			w := newWorld(t, rdb(t))
			books := []*order.Book{w.book, w.newBook(w.redis.Client(), http.DefaultTransport)}
			o := w.placed()
			atOnce := func(what string, of func(i int) order.Command) map[string]int {
				var mu sync.Mutex
				var wg sync.WaitGroup
				got := map[string]int{}
				for i := range 20 {
					wg.Go(func() {
						out, err := books[i%2].Do(t.Context(), o.OrderID, of(i))
						text := string(out.Result)
						if isChanged(err) {
							text = "changed"
						} else if err != nil {
							t.Errorf("%s: %v", what, err)
						}
						mu.Lock()
						defer mu.Unlock()
						got[text]++
					})
				}
				wg.Wait()
				o = w.agrees(o.OrderID)
				return got
			}
			same := captureOf(t, o, 1, 0, 0)
			got := atOnce("one key", func(int) order.Command { return same })
			if got["done"] != 1 || got["already"] != 19 || len(o.Captures) != 1 {
				t.Errorf("one key: %v, %d captures", got, len(o.Captures))
			}
			before := o
			got = atOnce("many keys", func(int) order.Command { return captureOf(t, before, 1, 0, 0) })
			if got["done"] != 1 || got["changed"] != 19 || len(o.Captures) != 2 {
				t.Errorf("many keys: %v, %d captures", got, len(o.Captures))
			}
			before = o
			got = atOnce("refunds", func(int) order.Command { return command(before, order.ActionRefund, amount(int64(before.CapturedAmount)/2+1)) })
			if got["done"] != 1 || got["changed"] != 19 || len(o.Refunds) != 1 {
				t.Errorf("refunds: %v, %d refunds", got, len(o.Refunds))
			}
			w.tells(o.OrderID, "placed", "acknowledged", "capture done", "capture done", "refund done")
		})
	}
}

// While a command is under way nobody else gets in, but it ends even when the
// browser that began it is gone.
func TestDoBrowserGone(t *testing.T) {
	w := newWorld(t, redistest.StartServer(t))
	o := w.placed()
	w.fake.AddFault(fakeklarna.Fault{Path: "/ordermanagement/v1/orders/*/captures", Method: "POST", Delay: fakeklarna.Duration(time.Second)})
	ctx, leave := context.WithCancel(t.Context())
	c := captureOf(t, o, 1, 0, 0)
	ended := make(chan order.Outcome)
	go func() {
		out, err := w.book.Do(ctx, o.OrderID, c)
		if err != nil {
			t.Error(err)
		}
		ended <- out
	}()
	for start := time.Now(); w.byID(o.OrderID).Running == nil; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal("it does not begin")
		}
	}
	leave()
	if _, err := w.book.Do(t.Context(), o.OrderID, command(o, order.ActionCancel)); !isChanged(err) {
		t.Errorf("meanwhile: got %v", err)
	} else if changed, _ := errors.AsType[*order.ChangedError](err); changed.Running == nil || changed.Running.Key != c.Key {
		t.Errorf("meanwhile runs %+v", changed.Running)
	}
	if out := <-ended; out.Result != order.Done {
		t.Errorf("got %s", out.Result)
	}
	w.agrees(o.OrderID)
}

// The goods of a cancelled order are in the stock again, once; those of one
// whose lines were changed before as they were bought.
func TestCancelReturnsTheGoods(t *testing.T) {
	w := newWorld(t, redistest.StartServer(t))
	for _, how := range []string{"by staff", "lines changed before", "at Klarna"} {
		t.Run(how, func(t *testing.T) {
			w.t = t
			mugs, jam := w.left("MUG-1"), w.left("JAM-1")
			o := w.placed()
			if w.left("MUG-1") != mugs-2 {
				t.Fatal("nothing was taken")
			}
			want := []string{"placed", "acknowledged", "cancel done", "stock"}
			switch how {
			case "lines changed before":
				lines, sum, err := order.Take(o.OrderLines, []int64{1, 1, 1})
				if err != nil {
					t.Fatal(err)
				}
				o = w.do(o, command(o, order.ActionLines, func(c *order.Command) { c.OrderLines, c.Amount = lines, sum }), order.Done).Order
				want = slices.Insert(want, 2, "lines done")
				fallthrough
			case "by staff":
				c := command(o, order.ActionCancel)
				w.do(o, c, order.Done)
				w.do(o, c, order.Already)
			case "at Klarna":
				w.cancel(o.OrderID)
				want[2] = "status"
			}
			for range 3 {
				if _, err := w.book.Refresh(t.Context(), o.OrderID); err != nil {
					t.Fatal(err)
				}
			}
			w.round(2 * time.Hour)
			if m, j := w.left("MUG-1"), w.left("JAM-1"); m != mugs || j != jam {
				t.Errorf("%d mugs and %d jams, there were %d and %d", m, j, mugs, jam)
			}
			w.agrees(o.OrderID)
			w.tells(o.OrderID, want...)
			entries, _ := w.book.Audit(t.Context(), o.OrderID)
			if diff := cmp.Diff([]order.Change{{Field: "returned MUG-1", Before: "0", After: "2"}, {Field: "returned JAM-1", Before: "0", After: "1"}}, entries[0].Changes); diff != "" {
				t.Error(diff)
			}
		})
	}
}
