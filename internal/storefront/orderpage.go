package storefront

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/orderview"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// orderPage shows an order to everybody who has its key. A wrong key gets the answer of
// an unknown order.
func (s *Storefront) orderPage(w http.ResponseWriter, r *http.Request, v *view) {
	o, shown, ok := s.keyed(w, r, v, r.URL.Query().Get("key"))
	if !ok {
		return
	}
	o = s.Book.Fresh(r.Context(), o)
	respond.Page(w, r, http.StatusOK, templates.OrderPage(v.orderOf(r.Context(), shown, o)))
}

// keyed is the order of a request that has its key, as the page shows it. Without, it answers as to an unknown order, and
// ok is false.
func (s *Storefront) keyed(w http.ResponseWriter, r *http.Request, v *view, key string) (o order.Order, shown orderview.View, ok bool) {
	w.Header().Set("X-Robots-Tag", "noindex, nofollow") // the address holds the key
	o, _, err := s.Book.ByNumber(r.Context(), chi.URLParam(r, "number"))
	if err == nil && !o.HasKey(key) {
		s.notFound(w, r, v)
		return o, shown, false
	}
	if err == nil {
		shown, err = v.bought(r.Context(), o)
	}
	if err != nil {
		s.PageError(w, r, err)
	}
	return o, shown, err == nil
}

// orderOf is the page of an order, for its buyer.
func (v *view) orderOf(ctx context.Context, shown orderview.View, o order.Order) templates.OrderPageView {
	page := shown.Page(v.shell(), o)
	page.Known = o.CartID != "" && v.Sessions.CartID(ctx) == o.CartID
	return page
}

// forget ends the browser's session: its cart, and the orders that it shows without their key.
// What its pages have kept goes too.
func (s *Storefront) forget(w http.ResponseWriter, r *http.Request) {
	if err := s.Sessions.Forget(r.Context()); err != nil {
		s.PageError(w, r, err)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// bought shows an order in the page's language, as far as that is the shop's. The error is
// order.ErrUnavailable.
func (v *view) bought(ctx context.Context, o order.Order) (orderview.View, error) {
	priced, err := v.Published.At(ctx, o.Priced)
	if err != nil {
		return orderview.View{}, fmt.Errorf("find the version of order %s: %w: %w", o.Ref(), order.ErrUnavailable, err)
	}
	return orderview.View{Version: v.version, Priced: priced, Voice: v.voice, Locale: v.cart.Locale}, nil
}
