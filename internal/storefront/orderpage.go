package storefront

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/orderview"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// orderPage shows an order to everybody who has its key. A wrong key gets the answer of
// an unknown order.
func (s *Storefront) orderPage(w http.ResponseWriter, r *http.Request, v *view) {
	// The address holds the key: it goes into no index.
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	o, _, err := s.Book.ByNumber(r.Context(), chi.URLParam(r, "number"))
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	if !o.HasKey(r.URL.Query().Get("key")) {
		s.notFound(w, r, v)
		return
	}
	o = s.Book.Fresh(r.Context(), o)
	respond.Page(w, r, http.StatusOK, templates.OrderPage(v.bought().Page(v.shell(), o)))
}

// bought shows orders in the page's language, as far as that is the shop's.
func (v *view) bought() orderview.View {
	return orderview.View{Version: v.version, Voice: v.voice, Locale: v.cart.Locale}
}
