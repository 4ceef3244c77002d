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

// names are what the callbacks are called: the last part of their paths.
var names = map[string]bool{
	"push": true, "notification": true, "validation": true, "address_update": true, "shipping_option_update": true,
	"country_change": true, payments.AuthorizationCallback: true,
}

type toldKey struct{}

// observed tells the observer of a callback when it has been answered, unless
// nothing noted what came of it. What is done for it is about the callback, and
// about the order that its address names.
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
		c.Observer.Callback(*told)
	})
}

// toldOf is what the observer will be told of a request under way.
func toldOf(r *http.Request) *observe.Callback {
	told, _ := r.Context().Value(toldKey{}).(*observe.Callback)
	return told
}

// note says what came of a callback.
func note(r *http.Request, callback, result string) {
	told := toldOf(r)
	told.Name, told.Result = callback, result
}
