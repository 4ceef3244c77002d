package callback

import (
	"context"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/shopd/shopd/internal/kco"
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
