package callback_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// placed is whether the book has an order.
func (w *world) placed(orderID string) bool {
	w.T.Helper()
	_, found, err := w.Book.ByOrderID(w.T.Context(), orderID)
	if err != nil {
		w.T.Fatal(err)
	}
	return found
}

// Push and notification: whatever the body says, the book asks Klarna.
func TestBook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	stranger, err := kco.NewSigner("the secret of somebody else")
	if err != nil {
		t.Fatal(err)
	}
	broken := func(f fakeklarna.Fault) func() string {
		return func() string {
			_, orderID := w.Sale()
			f.Path, f.Count = "/ordermanagement/v1/orders/*", -1
			w.Fake.AddFault(f)
			return orderID
		}
	}
	for _, tc := range []struct {
		name   string
		order  func() (orderID string)
		status int
		result string
	}{
		{"placed", func() string { _, orderID := w.Sale(); return orderID }, 200, "ok"},
		{"not bought", func() string {
			id := cart.NewID()
			w.Put(id, "MUG-1", 1)
			return w.Open(id)
		}, 404, "not_found"},
		{"cancelled", func() string {
			_, orderID := w.Sale()
			if _, err := w.Book.Management.Cancel(t.Context(), orderID, "cancel-"+orderID); err != nil {
				t.Fatal(err)
			}
			return orderID
		}, 404, "not_found"},
		{"not ours", func() string {
			c := w.Put(cart.NewID(), "MUG-1", 1)
			content := w.content(c)
			content.MerchantData = stranger.Sign(c.ID)
			orderID := w.Create(c.ID, content)
			w.Buy(orderID)
			return orderID
		}, 404, "not_found"},
		{"Klarna is away", broken(fakeklarna.Fault{Reset: true}), 503, "unavailable"},
		{"Klarna does not know us", broken(fakeklarna.Fault{Status: http.StatusUnauthorized}), 503, "unavailable"},
		{"the database is away", func() string { w.Exec("alter table orders rename to elsewhere"); return "order-1" }, 503, "unavailable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.in(t)
			orderID := tc.order()
			for _, call := range []struct{ name, body, asks string }{
				{"push", "", "place"}, {"notification", `{"order_id":"` + orderID + `","event_type":"FRAUD_RISK_ACCEPTED","further":1}`, "refresh"},
			} {
				if res := w.call(w.path(call.name, orderID), call.body); res.StatusCode != tc.status {
					t.Errorf("%s: got %d, want %d", call.name, res.StatusCode, tc.status)
				}
				if got, want := w.results[len(w.results)-1], call.name+" "+tc.result; got != want {
					t.Errorf("observed %q, want %q", got, want)
				}
				got := w.asked()
				for start := time.Now(); len(got) == 0 && time.Since(start) < 20*time.Second; time.Sleep(10 * time.Millisecond) {
					got = w.asked() // it goes on after its answer
				}
				if len(got) == 0 || got[len(got)-1] != call.asks {
					t.Errorf("%s: the book was asked to %v", call.name, got)
				}
			}
			w.Fake.ClearFaults()
			if tc.name == "the database is away" {
				w.Exec("alter table elsewhere rename to orders")
			}
			if got := w.placed(orderID); got != (tc.status == http.StatusOK) {
				t.Errorf("in the book: %v", got)
			}
		})
	}
}

func TestNotificationOfAnotherOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if res := w.call(w.path("notification", "order-1"), `{"order_id":"order-2"}`); res.StatusCode != http.StatusBadRequest || len(w.asked()) != 0 {
		t.Errorf("got %d, the book was asked %v", res.StatusCode, w.asked())
	}
}

// readsOrders is a way to Klarna on which something happens at each reading of a
// sale, as the book does it.
func readsOrders(happens func(*http.Request)) func(*shop.Config) {
	return func(c *shop.Config) {
		c.Klarna.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/ordermanagement/") && r.Method == http.MethodGet {
				happens(r)
			}
			return http.DefaultTransport.RoundTrip(r)
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What takes long goes on after the answer, and has its time.
func TestSlowBook(t *testing.T) {
	t.Parallel()
	wait, cut := make(chan struct{}), make(chan error, 1)
	w := newWorld(t, readsOrders(func(r *http.Request) {
		<-wait
		cut <- r.Context().Err()
	}))
	_, orderID := w.Sale()
	w.Callbacks.AnswerTime = 300 * time.Millisecond
	start := time.Now()
	res := w.call(w.path("push", orderID), "")
	if took := time.Since(start); res.StatusCode != http.StatusServiceUnavailable || took > 3*time.Second || took < 300*time.Millisecond {
		t.Errorf("got %d after %s", res.StatusCode, took)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		w.Callbacks.Run(ctx)
	}()
	select {
	case <-ran:
		t.Error("the end does not wait for what goes on")
	case <-time.After(50 * time.Millisecond):
	}
	close(wait)
	<-ran
	if err := <-cut; err != nil || !w.placed(orderID) {
		t.Errorf("what went on was cut off: %v", err)
	}
	if diff := cmp.Diff([]string{"push unavailable"}, w.results); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// A callback that took too long harms none that comes after it on the same connection.
func TestSlowThenNext(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	release := sync.OnceFunc(func() { close(wait) })
	defer release()
	w := newWorld(t, readsOrders(func(*http.Request) { <-wait }))
	_, orderID := w.Sale()
	w.Callbacks.AnswerTime = 300 * time.Millisecond
	server := httptest.NewServer(w.handler)
	defer server.Close()
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
		for start := time.Now(); ; {
			res, err := server.Client().Post(server.URL+w.path("push", orderID), "", nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if res.StatusCode == want {
				break
			}
			if time.Since(start) > 5*time.Second {
				t.Fatalf("got %d, want %d", res.StatusCode, want)
			}
		}
		if want != http.StatusOK {
			time.Sleep(100 * time.Millisecond)
			release()
		}
	}
}

// A panic while placing is a fault and an alert, and ends no process.
func TestPanic(t *testing.T) {
	t.Parallel()
	falls := true
	w := newWorld(t, readsOrders(func(*http.Request) {
		if falls {
			panic("the book fell down")
		}
	}))
	_, orderID := w.Sale()
	var log shoptest.Log // the world's may have no panic
	w.Callbacks.Logger = slog.New(slog.NewTextHandler(&log, nil))
	res := w.call(w.path("push", orderID), "")
	if res.StatusCode != http.StatusServiceUnavailable || !slices.Contains(w.results, "push unavailable") {
		t.Errorf("got %d, observed %v", res.StatusCode, w.results)
	}
	if !strings.Contains(log.String(), `level=ERROR msg=panic value="the book fell down"`) {
		t.Errorf("log:\n%s", &log)
	}
	falls = false
	if res := w.call(w.path("push", orderID), ""); res.StatusCode != http.StatusOK || !w.placed(orderID) {
		t.Errorf("once more: got %d", res.StatusCode)
	}
}
