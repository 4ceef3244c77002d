package callback

import (
	"context"
	"net/http"
	"path"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/payments"
)

// names are the names of the callbacks: the last parts of their paths.
var names = map[string]bool{
	"push": true, "notification": true, "validation": true, "address_update": true, "shipping_option_update": true,
	"country_change": true, payments.AuthorizationCallback: true,
}

type toldKey struct{}

// observed reports a callback to the observer after its answer, if note was called. The
// subject of its work is the callback and the order in its address.
func (c *Callbacks) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told, about := &observe.Callback{Start: time.Now()}, observe.Subject{}
		ctx := context.WithValue(r.Context(), toldKey{}, told)
		if id := r.URL.Query().Get("order_id"); kco.IsOrderID(id) {
			told.OrderID = id
			ctx = c.Observer.Join(ctx, id)
		}
		if name := path.Base(r.URL.Path); names[name] {
			about = observe.Subject{Callback: name, OrderID: told.OrderID}
		}
		sent := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(sent, r.WithContext(observe.About(ctx, about)))
		if told.Name == "" {
			return
		}
		told.Path = kco.CallbackPath + "{token}/" + told.Name
		told.Status, told.Duration = sent.Status(), time.Since(told.Start)
		c.Observer.Callback(ctx, *told)
	})
}

// toldOf returns the report about a request under way.
func toldOf(r *http.Request) *observe.Callback {
	told, _ := r.Context().Value(toldKey{}).(*observe.Callback)
	return told
}

// note stores the result of a callback.
func note(r *http.Request, callback, result string) {
	told := toldOf(r)
	told.Name, told.Result = callback, result
}
