package callback

import (
	"context"
	"net/http"
	"path"
	"sync"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/logs"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/trace"
)

// Event is one callback, for metrics and the story of its order. It holds no
// personal data.
type Event struct {
	Callback, Result string // the last part of the path, and what came of it; of bounded sets
	CartID, OrderID  string // as far as they are known
	Status           int    // of the answer
	Start            time.Time
	Duration         time.Duration
}

type eventKey struct{}

// observed tells Observe of a callback when it has been answered, unless
// nothing noted what came of it.
func (c *Callbacks) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &Event{Start: time.Now()}
		if id := r.URL.Query().Get("order_id"); kco.IsOrderID(id) {
			e.OrderID = id
			r = r.WithContext(trace.Join(r.Context(), id))
		}
		sent := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(sent, r.WithContext(context.WithValue(r.Context(), eventKey{}, e)))
		if e.Status, e.Duration = sent.Status(), time.Since(e.Start); c.Observe != nil && e.Callback != "" {
			c.Observe(*e)
		}
	})
}

// of is the event of a request under way.
func of(r *http.Request) *Event {
	e, _ := r.Context().Value(eventKey{}).(*Event)
	return e
}

// note says what came of a callback.
func note(r *http.Request, callback, result string) {
	e := of(r)
	e.Callback, e.Result = callback, result
}

// names are what the callbacks are called: the last part of their paths.
var names = map[string]bool{
	"push": true, "notification": true, "validation": true, "address_update": true, "shipping_option_update": true,
	"country_change": true, payments.AuthorizationCallback: true,
}

// about is the context of a request, whose records say which callback it is and
// of which order.
func about(ctx context.Context, r *http.Request) context.Context {
	name, orderID := path.Base(r.URL.Path), r.URL.Query().Get("order_id")
	if !names[name] {
		return ctx
	}
	if !kco.IsOrderID(orderID) {
		orderID = ""
	}
	return logs.WithCallback(ctx, name, orderID)
}

// booking is what the book is being told by callbacks at this moment.
type booking struct {
	mu      sync.Mutex
	started map[int64]time.Time
	last    int64
}

// begin notes that a call is being worked on until done is called.
func (b *booking) begin() (done func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.started == nil {
		b.started = map[int64]time.Time{}
	}
	b.last++
	id := b.last
	b.started[id] = time.Now()
	return func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.started, id)
	}
}

// Booking returns how many pushes and notifications this process is working on,
// also after their answer, and since when it does on the oldest.
func (c *Callbacks) Booking() (n int, oldest time.Time) {
	c.booking.mu.Lock()
	defer c.booking.mu.Unlock()
	for _, started := range c.booking.started {
		if oldest.IsZero() || started.Before(oldest) {
			oldest = started
		}
	}
	return len(c.booking.started), oldest
}
