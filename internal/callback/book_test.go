package callback_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/order"
)

// Push and notification: whatever the body says, the book asks Klarna.
func TestBook(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		err    error
		status int
		result string
	}{
		{"placed", nil, 200, "ok"},
		{"not bought", fmt.Errorf("x: %w", order.ErrUnknown), 404, "not_found"},
		{"cancelled", order.ErrCancelled, 404, "not_found"},
		{"not ours", fmt.Errorf("x: %w", order.ErrNotOurs), 404, "not_found"},
		{"Klarna is away", order.ErrUnavailable, 503, "unavailable"},
		{"anything else", errors.New("x"), 503, "unavailable"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.book.err = tc.err
			for name, body := range map[string]string{
				"push": "", "notification": `{"order_id":"order-1","event_type":"FRAUD_RISK_ACCEPTED","further":1}`,
			} {
				if res := w.call(w.path(name, "order-1"), body); res.StatusCode != tc.status {
					t.Errorf("%s: got %d, want %d", name, res.StatusCode, tc.status)
				}
				if got, want := w.results[len(w.results)-1], name+" "+tc.result; got != want {
					t.Errorf("observed %q, want %q", got, want)
				}
			}
			if got := strings.Join(w.book.calls, ", "); got != "place order-1, refresh order-1" && got != "refresh order-1, place order-1" {
				t.Errorf("the book was asked %q", got)
			}
		})
	}
}

func TestNotificationOfAnotherOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if res := w.call(w.path("notification", "order-1"), `{"order_id":"order-2"}`); res.StatusCode != http.StatusBadRequest || len(w.book.calls) != 0 {
		t.Errorf("got %d, the book was asked %v", res.StatusCode, w.book.calls)
	}
}

// What takes long goes on after the answer, and has its time.
func TestSlowBook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.book.wait, w.book.ended = make(chan struct{}), make(chan error, 1)
	callbacks := w.callbacks(w.carts)
	w.handler = serve(callbacks)
	start := time.Now()
	res := w.call(w.path("push", "order-1"), "")
	if took := time.Since(start); res.StatusCode != http.StatusServiceUnavailable || took > 10*time.Second || took < time.Second {
		t.Errorf("got %d after %s", res.StatusCode, took)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	ran := make(chan struct{})
	go func() {
		defer close(ran)
		callbacks.Run(ctx)
	}()
	select {
	case <-ran:
		t.Error("the end does not wait for what goes on")
	case <-time.After(50 * time.Millisecond):
	}
	close(w.book.wait)
	if err := <-w.book.ended; err != nil {
		t.Errorf("what went on was cut off: %v", err)
	}
	<-ran
	if diff := cmp.Diff([]string{"push unavailable"}, w.results); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

// A panic while placing is a fault and an alert, and ends no process.
func TestPanic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.book.panic = true
	if res := w.call(w.path("push", "order-1"), ""); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %d", res.StatusCode)
	}
	if log := w.log.String(); !strings.Contains(log, `msg=panic value="the book fell down"`) {
		t.Errorf("log:\n%s", log)
	}
}
