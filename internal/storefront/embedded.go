package storefront

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/session"
)

// The ways back to a page of the merchant's that holds the checkout. Klarna sends the browser
// here, and it has no cookie of ours for the session.

// embedded mounts them.
func (s *Storefront) embedded(r chi.Router) {
	r.Route(cart.BackPath+"{session}", func(r chi.Router) {
		r.Use(s.Sessions.ReadOnly) // for the pages that say what is wrong
		r.Get("/", s.ofSession(s.backToPage))
		r.Get("/confirmation", s.ofSession(s.backFromKlarna))
	})
}

// ofSession finds the session of an address.
func (s *Storefront) ofSession(next func(http.ResponseWriter, *http.Request, checkoutsession.Session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, ok := s.Backs.Cart(chi.URLParam(r, "session"))
		if !ok {
			s.page(s.notFound)(w, r)
			return
		}
		row, found, err := s.CheckoutSessions.ByCart(r.Context(), id)
		switch {
		case err != nil:
			s.PageError(w, r, err)
		case !found || row.CheckoutURL == "":
			s.page(s.notFound)(w, r)
		default:
			next(w, r.WithContext(session.AsClaim(r.Context(), row.Reference)), row) // not about a cart of the shop's own
		}
	}
}

// toMerchant sends the browser to an address that the merchant's server has given.
func toMerchant(w http.ResponseWriter, r *http.Request, address string) {
	http.Redirect(w, r, address, http.StatusSeeOther) //nolint:gosec // no part of it but the reason is the browser's
}

// backToPage sends the shopper whose purchase was refused to the merchant's page, with the
// reason; or on, where the session was bought.
func (s *Storefront) backToPage(w http.ResponseWriter, r *http.Request, row checkoutsession.Session) {
	switch row.Status {
	case checkoutsession.Complete, checkoutsession.Placing:
		toMerchant(w, r, row.Way(row.SuccessURL, ""))
	case checkoutsession.Expired:
		toMerchant(w, r, row.Over())
	case checkoutsession.Open:
		toMerchant(w, r, row.Way(row.CheckoutURL, r.URL.Query().Get("reason")))
	}
}

// backFromKlarna places the order of a session and sends its buyer to the merchant's page.
func (s *Storefront) backFromKlarna(w http.ResponseWriter, r *http.Request, row checkoutsession.Session) {
	orderID := r.URL.Query().Get("order_id")
	if !kco.IsOrderID(orderID) {
		s.page(s.notFound)(w, r)
		return
	}
	s.Observer.Link(r.Context(), orderID)
	ctx, cancel := context.WithTimeout(r.Context(), placeTime)
	defer cancel()
	bought, _, err := s.place(ctx, orderID, "", true)
	if err == nil && bought.CartID != row.CartID {
		err = order.ErrUnknown
	}
	switch {
	case err == nil:
		row.OrderNumber = bought.Number
	case errors.Is(err, errPaid):
		var c cart.Cart
		if c, err = s.Carts.Get(r.Context(), row.CartID, cart.Fallback{}); err == nil && c.OrderID != orderID && !c.BoughtBy(orderID) {
			err = order.ErrUnknown
		}
		if err == nil {
			err = s.CheckoutSessions.SetPlacing(r.Context(), row.CartID)
		}
	case errors.Is(err, errNotFinished), errors.Is(err, order.ErrCancelled):
		toMerchant(w, r, row.Way(row.CheckoutURL, reasonNotFinished))
		return
	}
	switch {
	case errors.Is(err, order.ErrNotBought), errors.Is(err, order.ErrNotOurs), errors.Is(err, order.ErrUnknown):
		s.page(s.notFound)(w, r)
	case err != nil:
		s.PageError(w, r, err)
	default:
		toMerchant(w, r, row.Way(row.SuccessURL, ""))
	}
}
