package aftersale_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Many at once, with one key or with many, in two processes: nothing is
// captured or refunded twice, and all learn what was done.
func TestDoAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	desks := []*aftersale.Desk{w.Desk, w.another(nil, nil)}
	o := w.Placed()
	atOnce := func(what string, of func(i int) order.Command) map[string]int {
		var mu sync.Mutex
		var wg sync.WaitGroup
		got := map[string]int{}
		for i := range 20 {
			wg.Go(func() {
				out, err := desks[i%2].Do(t.Context(), o.OrderID, of(i))
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
		o = w.Agrees(o.OrderID)
		return got
	}
	same := shoptest.CaptureOf(t, o, 1, 0, 0)
	got := atOnce("one key", func(int) order.Command { return same })
	if got["done"] != 1 || got["already"] != 19 || len(o.Captures) != 1 {
		t.Errorf("one key: %v, %d captures", got, len(o.Captures))
	}
	sent := 0
	for _, r := range w.Fake.Requests(o.OrderID) {
		if strings.HasSuffix(r.Path, "/captures") {
			sent++
		}
	}
	if sent != 1 { // who comes second waits, and does not trust in Klarna to notice
		t.Errorf("one key: sent %d times", sent)
	}
	before := o
	got = atOnce("many keys", func(int) order.Command { return shoptest.CaptureOf(t, before, 1, 0, 0) })
	if got["done"] != 1 || got["changed"] != 19 || len(o.Captures) != 2 {
		t.Errorf("many keys: %v, %d captures", got, len(o.Captures))
	}
	before = o
	got = atOnce("refunds", func(int) order.Command {
		return shoptest.Command(before, aftersale.Refund.Name, amount(int64(before.CapturedAmount)/2+1))
	})
	if got["done"] != 1 || got["changed"] != 19 || len(o.Refunds) != 1 {
		t.Errorf("refunds: %v, %d refunds", got, len(o.Refunds))
	}
	w.Tells(o.OrderID, "placed", "acknowledged", "capture done", "capture done", "refund done")
}

// While a command is under way nobody else gets in, but it ends even when the
// browser that began it is gone.
func TestDoBrowserGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	w.Fake.AddFault(fakeklarna.Fault{Path: "/ordermanagement/v1/orders/*/captures", Method: "POST", Delay: fakeklarna.Duration(time.Second)})
	ctx, leave := context.WithCancel(t.Context())
	c := shoptest.CaptureOf(t, o, 1, 0, 0)
	ended := make(chan aftersale.Outcome)
	go func() {
		out, err := w.Desk.Do(ctx, o.OrderID, c)
		if err != nil {
			t.Error(err)
		}
		ended <- out
	}()
	for start := time.Now(); w.InBook(o.OrderID).Running == nil; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > 10*time.Second {
			t.Fatal("it does not begin")
		}
	}
	leave()
	if _, err := w.Desk.Do(t.Context(), o.OrderID, shoptest.Command(o, aftersale.Cancel.Name)); !isChanged(err) {
		t.Errorf("meanwhile: got %v", err)
	} else if changed, _ := errors.AsType[*aftersale.ChangedError](err); changed.Running == nil || changed.Running.Key != c.Key {
		t.Errorf("meanwhile runs %+v", changed.Running)
	}
	if out := <-ended; out.Result != order.Done {
		t.Errorf("got %s", out.Result)
	}
	w.Agrees(o.OrderID)
}

// The goods of a cancelled order are in the stock again, once; those of one
// whose lines were changed before as they were bought.
func TestCancelReturnsTheGoods(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, how := range []string{"by staff", "lines changed before", "at Klarna"} {
		t.Run(how, func(t *testing.T) {
			w.T = t
			mugs, jam := w.Left("MUG-1"), w.Left("JAM-1")
			o := w.Placed()
			if w.Left("MUG-1") != mugs-2 {
				t.Fatal("nothing was taken")
			}
			want, back := []string{"placed", "acknowledged", "cancel done", "stock"}, "2"
			switch how {
			case "lines changed before":
				lines, sum, err := order.Take(o.OrderLines, []int64{1, 1, 1})
				if err != nil {
					t.Fatal(err)
				}
				o = w.Do(o, shoptest.Command(o, aftersale.Lines.Name, func(c *order.Command) { c.OrderLines, c.Amount = lines, sum }), order.Done).Order
				want, back = slices.Insert(want, 2, "lines done"), "1" // the other came back with the change
				fallthrough
			case "by staff":
				c := shoptest.Command(o, aftersale.Cancel.Name)
				w.Do(o, c, order.Done)
				w.Do(o, c, order.Already)
			case "at Klarna":
				w.CancelAtKlarna(o.OrderID)
				want[2] = "status"
			}
			for range 3 {
				if _, err := w.Book.Refresh(t.Context(), o.OrderID); err != nil {
					t.Fatal(err)
				}
			}
			w.Round(2 * time.Hour)
			if m, j := w.Left("MUG-1"), w.Left("JAM-1"); m != mugs || j != jam {
				t.Errorf("%d mugs and %d jams, there were %d and %d", m, j, mugs, jam)
			}
			w.Agrees(o.OrderID)
			w.Tells(o.OrderID, want...)
			entries, _ := w.Book.Audit(t.Context(), o.OrderID)
			if diff := cmp.Diff([]order.Change{{Field: "returned MUG-1", Before: "0", After: back}, {Field: "returned JAM-1", Before: "0", After: "1"}}, entries[0].Changes); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What Klarna said before a command was done is not taken over after it.
func TestRefreshLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	reader := w.another(w.Client, &between{func() { w.Do(o, shoptest.CaptureOf(t, o, 1, 0, 0), order.Done) }})
	got, err := reader.Book.Refresh(t.Context(), o.OrderID)
	if err != nil || len(got.Captures) != 1 {
		t.Errorf("got %d captures, %v", len(got.Captures), err)
	}
	w.Agrees(o.OrderID)
	w.Tells(o.OrderID, "placed", "acknowledged", "capture done")
}

// between is a Klarna that answers the first read late: something happens
// between what it reads and its answer.
type between struct{ happens func() }

func (r *between) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || req.Method != http.MethodGet || r.happens == nil {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	happens := r.happens
	r.happens = nil
	happens()
	return res, err
}

// The loop finished what a process that stood still had sent: that one stores
// nothing when it wakes.
func TestDoOvertaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	c := shoptest.CaptureOf(t, o, 1, 0, 0)
	slow := w.another(w.Client, &between{happens: func() {
		w.let(o.OrderID)
		w.Round(time.Minute)
	}})
	out, err := slow.Do(t.Context(), o.OrderID, c)
	if err != nil || out.Result != order.Already || out.Entry.Result != order.Done {
		t.Errorf("got %s, %v", out.Result, err)
	}
	m, _ := w.Fake.Managed(o.OrderID)
	w.ended(o, c, len(m.Captures))
	w.Tells(o.OrderID, "placed", "acknowledged", "capture done")
}

// A record of an older version gets what it lacks when Klarna is next asked, and
// that is no change that staff must know of.
func TestOlderRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	text := w.Record(o.OrderID)
	for _, member := range []string{"revision", "material_revision", "original_order_amount", "captured_amount", "refunded_amount", "remaining_authorized_amount", "merchant_reference1", "fraud_status_at"} {
		text = regexp.MustCompile(`"`+member+`":("[^"]*"|\d+),`).ReplaceAllString(text, "")
	}
	w.SetRecord(o.OrderID, text)
	w.Exec("update orders set revision = 0")
	w.Exec("delete from audit")
	old := w.InBook(o.OrderID)
	if old.Revision != 0 || old.RemainingAuthorizedAmount != 0 {
		t.Fatalf("got revision %d, %d remain", old.Revision, old.RemainingAuthorizedAmount)
	}
	w.Do(old, shoptest.CaptureOf(t, old, 1, 0, 0), order.Done)
	o = w.Agrees(o.OrderID)
	if o.MaterialRevision != o.Revision {
		t.Errorf("a capture is material: %d of %d", o.MaterialRevision, o.Revision)
	}
	w.Tells(o.OrderID, "capture done")
}

// A capture of the same amount that was made before the command is not what the
// command has made.
func TestDoForgottenTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	o := w.Placed()
	w.CallKlarna("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/captures", `{"captured_amount":1000}`) // in the portal
	o, err := w.Book.Refresh(t.Context(), o.OrderID)
	if err != nil {
		t.Fatal(err)
	}
	w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Status: 500, Count: -1})
	w.Do(o, shoptest.Command(o, aftersale.Capture.Name, amount(1000)), order.Unknown)
	// As if the command were of an hour later.
	text := w.Record(o.OrderID)
	at := regexp.MustCompile(`"at":"[^"]*"`)
	text = at.ReplaceAllString(text, `"at":"`+time.Now().UTC().Add(time.Hour).Format(time.RFC3339)+`"`)
	w.SetRecord(o.OrderID, text)
	w.Round(26 * time.Hour)
	w.Tells(o.OrderID, "placed", "acknowledged", "status", "capture unknown", "capture refused")
	w.Agrees(o.OrderID)
}
