package aftersale_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
)

// downloads are the IDs of n orders of the book, of goods that do not run out.
func (w *world) downloads(n int) (ids []string) {
	w.T.Helper()
	for range n {
		cartID := cart.NewID()
		w.Put(cartID, "AUD-1", 2)
		w.Put(cartID, "MAP-1", 1)
		orderID := w.Open(cartID)
		w.Buy(orderID)
		ids = append(ids, w.Place(orderID).OrderID)
	}
	return ids
}

// bulk is a job that the book must have.
func (w *world) bulk(id string) aftersale.Bulk {
	w.T.Helper()
	job, found, err := w.Desk.Bulk(w.T.Context(), id)
	if err != nil || !found {
		w.T.Fatalf("the bulk capture is gone: %v", err)
	}
	return job
}

func (w *world) startBulk(ids ...string) (id string) {
	w.T.Helper()
	id = uuid.NewString()
	if err := w.Desk.StartBulk(w.T.Context(), id, aftersale.Capture, "demo", ids); err != nil {
		w.T.Fatal(err)
	}
	return id
}

// captures are how many captures Klarna has made of an order.
func (w *world) captures(orderID string) int {
	w.T.Helper()
	there, found := w.Fake.Order(orderID)
	if !found {
		w.T.Fatalf("the fake has no order %s", orderID)
	}
	return len(there.Fake.OrderManagement.Captures)
}

// capturedOnce holds that orders are captured whole, by one capture, and that
// the book says so.
func (w *world) capturedOnce(ids ...string) {
	w.T.Helper()
	for _, id := range ids {
		there, _ := w.Fake.Order(id)
		m := there.Fake.OrderManagement
		if len(m.Captures) != 1 || m.CapturedAmount != m.OrderAmount || m.Status != string(ordermanagement.Captured) {
			w.T.Errorf("Klarna has %d captures of %d, is %s", len(m.Captures), m.CapturedAmount, m.Status)
		}
		o, _, err := w.Book.ByOrderID(w.T.Context(), id)
		if err != nil || o.Status != ordermanagement.Captured || o.Running != nil || int64(o.CapturedAmount) != m.CapturedAmount {
			w.T.Errorf("the book has %s, captured %d, running %v, %v", o.Status, o.CapturedAmount, o.Running, err)
		}
	}
}

// results are those of a job's items, with their reasons.
func results(job aftersale.Bulk) (texts []string) {
	for _, item := range job.Items {
		texts = append(texts, strings.TrimSpace(string(item.Result)+" "+string(item.Reason)))
	}
	return texts
}

// A bulk capture captures what can be captured, and says why of the rest.
func TestBulk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ids := w.downloads(4)
	_, pending := w.Sale("email", "eva+pend-accept-05@example.com")
	w.Place(pending)
	if _, err := w.Book.Update(t.Context(), ids[2], func(o *order.Order) ([]order.AuditEntry, error) {
		o.Status = ordermanagement.Cancelled
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	nobody := uuid.NewString()
	id := w.startBulk(ids[0], ids[1], ids[0], ids[2], pending, nobody)
	before := w.bulk(id)
	if diff := cmp.Diff([]string{"", "", "refused cancelled", "refused fraud_pending", "refused no_order"}, results(before)); diff != "" || before.Finished() {
		t.Errorf("at the start: finished %v, %s", before.Finished(), diff)
	}
	w.Round(0)
	job := w.bulk(id)
	if diff := cmp.Diff([]string{"done", "done", "refused cancelled", "refused fraud_pending", "refused no_order"}, results(job)); diff != "" {
		t.Error(diff)
	}
	if !job.Finished() || job.Count(order.Done) != 2 || job.Count(order.Refused) != 3 || job.Staff != "demo" || time.Since(job.At) > time.Hour {
		t.Errorf("got %+v", job)
	}
	o, _, _ := w.Book.ByOrderID(t.Context(), ids[0])
	first := job.Items[0]
	if first.OrderID != ids[0] || first.Number != o.Number || first.Amount != o.OrderAmount || first.Currency != "SEK" || first.CorrelationID == "" {
		t.Errorf("item %+v", first)
	}
	w.capturedOnce(ids[:2]...)
	if there, _ := w.Fake.Order(ids[0]); len(there.Fake.OrderManagement.Captures[0].OrderLines) != len(o.OrderLines) {
		t.Error("captured without lines")
	}
	if w.captures(ids[2])+w.captures(ids[3])+w.captures(pending) != 0 {
		t.Error("captured what was not to be captured")
	}
	calls := len(w.Fake.Requests(""))
	w.Round(time.Hour) // nothing is left to do
	if got := len(slices.DeleteFunc(w.Fake.Requests("")[calls:], func(r fakeklarna.Request) bool { return r.Method == http.MethodGet })); got != 0 {
		t.Errorf("%d calls of Klarna after the end", got)
	}
	if open := w.Number("select count(*) from bulk_jobs where due_at is not null"); open != 0 {
		t.Error("a job is still open")
	}
	for _, in := range []time.Duration{29 * 24 * time.Hour, 31 * 24 * time.Hour} {
		w.Round(in)
		if _, found, err := w.Desk.Bulk(t.Context(), id); err != nil || found != (in < 30*24*time.Hour) {
			t.Errorf("after %s the job is there: %v, %v", in, found, err)
		}
	}
	if _, found, err := w.Desk.Bulk(t.Context(), "nobody's"); found || err != nil {
		t.Errorf("unknown job: %v, %v", found, err)
	}
}

func TestBulkSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	many := make([]string, aftersale.MaxBulk+1)
	for i := range many {
		many[i] = uuid.NewString()
	}
	for name, ids := range map[string][]string{"none": nil, "too many": many} {
		if err := w.Desk.StartBulk(t.Context(), uuid.NewString(), aftersale.Capture, "demo", ids); !errors.Is(err, aftersale.ErrBulkSize) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := w.Number("select count(*) from bulk_jobs"); n != 0 {
		t.Errorf("stored: %d", n)
	}
	job := w.bulk(w.startBulk(many[1:]...))
	if len(job.Items) != aftersale.MaxBulk || !job.Finished() {
		t.Errorf("%d items, finished %v", len(job.Items), job.Finished())
	}
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Desk.StartBulk(t.Context(), uuid.NewString(), aftersale.Capture, "demo", many[1:]); !errors.Is(err, order.ErrUnavailable) {
		t.Errorf("without the database: %v", err)
	}
}

// A form that is sent twice is one job.
func TestBulkFormTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ids := w.downloads(2)
	key := uuid.NewString()
	for _, which := range [][]string{ids[:1], ids[:1], ids} {
		if err := w.Desk.StartBulk(t.Context(), key, aftersale.Capture, "demo", which); err != nil {
			t.Fatal(err)
		}
		w.Round(0)
		if job := w.bulk(key); len(job.Items) != 1 || job.Items[0].Result != order.Done {
			t.Errorf("got %+v", job)
		}
	}
	w.capturedOnce(ids[0])
	if w.captures(ids[1]) != 0 {
		t.Error("captured what was not in the job")
	}
}

// What staff did not see is not captured: an order that has changed meanwhile is
// left alone, but for changes that do not count.
func TestBulkChangedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ids := w.downloads(3)
	id := w.startBulk(ids...)
	if _, err := w.Book.Update(t.Context(), ids[0], func(o *order.Order) ([]order.AuditEntry, error) {
		o.RemainingAuthorizedAmount -= 100
		o.CapturedAmount += 100
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Book.Update(t.Context(), ids[1], func(o *order.Order) ([]order.AuditEntry, error) {
		o.MerchantReference2 = "shelf 7"
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
	w.Round(0)
	if diff := cmp.Diff([]string{"refused changed", "done", "done"}, results(w.bulk(id))); diff != "" {
		t.Error(diff)
	}
	if w.captures(ids[0]) != 0 {
		t.Error("captured another amount than was ticked")
	}
	w.capturedOnce(ids[1:]...)
	// Two jobs of the same orders: the second finds nothing to do.
	again := w.bulk(w.startBulk(ids[1:]...))
	if diff := cmp.Diff([]string{"refused fully_captured", "refused fully_captured"}, results(again)); diff != "" {
		t.Error(diff)
	}
}

// Klarna answers badly: nothing is captured twice, and the job ends when Klarna
// answers again.
func TestBulkFaults(t *testing.T) {
	t.Parallel()
	const captures = "/ordermanagement/v1/orders/*/captures"
	for name, tc := range map[string]struct {
		fault fakeklarna.Fault
		want  []string // after the first round
	}{
		"500 once":         {fakeklarna.Fault{Status: 500}, []string{"done", "done"}},
		"answer lost once": {fakeklarna.Fault{DropReply: true}, []string{"done", "done"}},
		"answers lost":     {fakeklarna.Fault{DropReply: true, Count: 3}, []string{"unknown", "done"}},
		"reset":            {fakeklarna.Fault{Reset: true, Count: 3}, []string{"unknown", "done"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			ids := w.downloads(2)
			id := w.startBulk(ids...)
			tc.fault.Method, tc.fault.Path = http.MethodPost, captures
			w.Fake.AddFault(tc.fault)
			_ = w.Desk.Reconcile(t.Context(), time.Now())
			if diff := cmp.Diff(tc.want, results(w.bulk(id))); diff != "" {
				t.Error(diff)
			}
			w.finish(id)
			if diff := cmp.Diff([]string{"done", "done"}, results(w.bulk(id))); diff != "" {
				t.Error(diff)
			}
			w.capturedOnce(ids...)
		})
	}
	t.Run("away", func(t *testing.T) {
		w := newWorld(t, nil)
		ids := w.downloads(8)
		id := w.startBulk(ids...)
		w.Fake.AddFault(fakeklarna.Fault{Method: http.MethodPost, Path: captures, Status: 503, Count: -1})
		if err := w.Desk.Reconcile(t.Context(), time.Now()); err == nil {
			t.Error("a round without Klarna went well")
		}
		if job := w.bulk(id); job.Count(order.Unknown) != 3 || job.Count("") != 5 {
			t.Errorf("Klarna is not spared: %v", results(job))
		}
		w.Fake.ClearFaults()
		w.finish(id)
		w.capturedOnce(ids...)
	})
	t.Run("refused", func(t *testing.T) {
		w := newWorld(t, nil)
		ids := w.downloads(2)
		id := w.startBulk(ids...)
		w.Fake.AddFault(fakeklarna.Fault{
			Method: http.MethodPost, Path: captures, OrderID: ids[0], Status: http.StatusForbidden,
			Body: `{"error_code":"CAPTURE_NOT_ALLOWED","error_messages":["Capture not allowed."],"correlation_id":"c-1"}`,
		})
		w.Round(0)
		job := w.bulk(id)
		if diff := cmp.Diff([]string{"refused", "done"}, results(job)); diff != "" {
			t.Error(diff)
		}
		if item := job.Items[0]; !strings.Contains(item.Why, "Klarna says: \"Capture not allowed.\"") || item.CorrelationID == "" {
			t.Errorf("item %+v", item)
		}
	})
}

// finish does rounds, each later than the one before, until a job has ended.
func (w *world) finish(id string) {
	w.T.Helper()
	for in := time.Minute; !w.bulk(id).Finished(); in *= 2 {
		if in > 24*time.Hour {
			w.T.Fatalf("the job does not end: %v", results(w.bulk(id)))
		}
		_ = w.Desk.Reconcile(w.T.Context(), time.Now().Add(in))
	}
}

// The process that works on a job is killed at any of its calls, before it is
// made or before its answer comes: another one ends it, nothing is captured twice.
func TestBulkKilled(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, late := range []bool{false, true} {
		deaths := 0
		for n := 1; ; n++ {
			ids := w.downloads(2)
			r := &shoptest.Reaper{N: n, Late: late}
			desk := w.Doomed(r).Desk
			id := uuid.NewString()
			if err := desk.StartBulk(t.Context(), id, aftersale.Capture, "demo", ids); err == nil {
				_ = desk.WorkBulks(t.Context())
			}
			died := r.Died()
			if died {
				deaths++
			}
			if _, found, err := w.Desk.Bulk(t.Context(), id); err != nil {
				t.Fatal(err)
			} else if found {
				w.finish(id)
				w.capturedOnce(ids...)
			} else if w.captures(ids[0])+w.captures(ids[1]) > 0 {
				t.Error("captured without a job")
			}
			if t.Failed() {
				t.Fatalf("after a death at call %d, late %v", n, late)
			}
			if !died {
				break
			}
		}
		if deaths < 15 {
			t.Errorf("died at %d points, want at least 15", deaths)
		}
	}
}

// The process that starts a job works on it at once, without a round; two that
// are at it capture nothing twice.
func TestBulkAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	ids := w.downloads(6)
	desks := []*aftersale.Desk{w.Desk, w.another(nil, nil)}
	id := uuid.NewString()
	var started, running sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for _, desk := range desks {
		running.Go(func() { desk.Run(ctx) })
		started.Go(func() {
			if err := desk.StartBulk(t.Context(), id, aftersale.Capture, "demo", ids); err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	until.Holds(t, "the job has ended", func() bool { return w.bulk(id).Finished() })
	stop()
	running.Wait()
	w.capturedOnce(ids...)
}
