package storefront

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

// The hosted pages of checkout sessions. They are the checkout's own pages, about the cart of
// a session in place of the shopper's: session.Claim says which.

// placeTime is how long the way back to the merchant's page waits for the order.
const placeTime = 3 * time.Second

// backPart follows the page of a session: the way back to where its shopper came from.
const backPart = "/back"

// hosted mounts the pages.
func (s *Storefront) hosted(r chi.Router) {
	r.Get(checkoutsession.OpenPath+"{secret}", s.Sessions.Locked(http.HandlerFunc(s.open), s.lockError).ServeHTTP)
	r.Route(cart.SessionPath+"{reference}", func(r chi.Router) {
		r.Use(func(next http.Handler) http.Handler {
			return s.Sessions.Claim(func(r *http.Request) string { return chi.URLParam(r, "reference") }, next)
		})
		r.Get("/", s.locked(s.checkoutPage))
		r.Get("/payments", s.paying(s.locked(s.payments)))
		r.Post("/payments/update", s.paying(s.updatePayments))
		r.Post("/payments/place", s.paying(s.placePayments))
		r.Get(reviewPart, s.paying(s.locked(s.payments)))
		r.Post("/update", s.update)
		r.Post("/place", s.placeFree)
		r.Post("/delivery", s.submit(setDelivery))
		r.Post("/customer", s.submit(setCustomer))
		r.Get(backPart, s.leave)
		r.Get("/state", s.Sessions.ReadOnly(http.HandlerFunc(s.state)).ServeHTTP)
		r.Post("/seen", s.Sessions.ReadOnly(http.HandlerFunc(s.seen)).ServeHTTP)
	})
}

// base is the page that pays: of a session, or the shopper's own cart.
func base(ctx context.Context) string {
	if reference := session.Claimed(ctx); reference != "" {
		return cart.SessionPath + reference
	}
	return checkoutPath
}

// open swaps the secret of a session for the browser's claim on it.
func (s *Storefront) open(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id, ok := s.Links.Cart(chi.URLParam(r, "secret"))
	if !ok {
		s.page(s.notFound)(w, r)
		return
	}
	row, found, err := s.CheckoutSessions.ByCart(ctx, id)
	switch {
	case err != nil:
		s.PageError(w, r, err)
	case !found:
		s.page(s.notFound)(w, r)
	case row.Status == checkoutsession.Expired:
		s.over(w, r, row)
	default:
		s.Sessions.SetClaim(ctx, row.Reference, id)
		http.Redirect(w, r, cart.SessionPath+row.Reference, http.StatusSeeOther)
	}
}

// over sends the shopper of a session that has ended back to the merchant.
func (s *Storefront) over(w http.ResponseWriter, r *http.Request, row checkoutsession.Session) {
	if row.CancelURL == "" {
		s.page(func(w http.ResponseWriter, r *http.Request, v *view) {
			shell := v.shell()
			shell.Base = cart.SessionPath + row.Reference // nothing of a shop of ours is on it
			respond.Page(w, r, http.StatusNotFound, templates.Ended(templates.EndedView{Shell: shell}))
		})(w, r)
		return
	}
	toMerchant(w, r, row.Way(row.CancelURL, "expired"))
}

// backTime is how long a page that says that something is wrong looks for the way back.
const backTime = 500 * time.Millisecond

// ofClaim makes the frame of a page one of the session that the request is about: nothing of a
// shop of ours is on it. Its way back is by leave, so that a page that pays needs no SQL.
func ofClaim(r *http.Request, shell *templates.Shell) {
	if session.Claimed(r.Context()) != "" {
		shell.Base = base(r.Context())
		shell.Back = shell.Base + backPart
	}
}

// leadBack gives the frame of a page that says that something is wrong the merchant's own page as its way
// back, and none where that is not known.
func (s *Storefront) leadBack(r *http.Request, shell *templates.Shell) {
	if session.Claimed(r.Context()) != "" {
		shell.Back = s.wayBack(r)
		shell.WayOut = shell.Back != ""
	}
}

// wayBack is the merchant's page that the shopper of a session came from, "" where he has none or it is
// not known at this moment.
func (s *Storefront) wayBack(r *http.Request) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), backTime)
	defer cancel()
	values, err := s.Sessions.Peek(r.WithContext(ctx))
	if err != nil || values.CartID == "" {
		return ""
	}
	row, found, err := s.CheckoutSessions.ByCart(ctx, values.CartID)
	if err != nil || !found {
		return ""
	}
	return row.Way(row.CancelURL, "")
}

// leave leads the shopper of a session to where he came from, the page that pays where that is not known.
func (s *Storefront) leave(w http.ResponseWriter, r *http.Request) {
	toMerchant(w, r, cmp.Or(s.wayBack(r), base(r.Context())))
}

// ended answers for a session that has ended, or whose lines are lost.
func (s *Storefront) ended(w http.ResponseWriter, r *http.Request, c cart.Cart) {
	row, found, err := s.CheckoutSessions.ByCart(r.Context(), c.ID)
	switch {
	case err != nil:
		s.PageError(w, r, err)
	case found && row.Status == checkoutsession.Expired:
		s.over(w, r, row)
	default: // its lines are lost: the merchant's next call brings them again
		s.errorPage(w, r, checkoutsession.ErrUnavailable, c.Locale)
	}
}

// nothing answers for a session of which nothing can be bought now.
func (s *Storefront) nothing(w http.ResponseWriter, r *http.Request, c cart.Cart, q cart.Quote) {
	if c.Basket == nil || c.Basket.Ended {
		s.ended(w, r, c)
		return
	}
	v := s.viewOf(r, c, q)
	shown, notes, err := v.order()
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	shell := v.wrong()
	shell.Notes = append(shell.Notes, without(notes, shell.Notes)...)
	respond.Page(w, r, http.StatusOK, templates.Checkout(templates.CheckoutView{Shell: shell, Order: shown}))
}

// acknowledge notes that a form shows the basket as it is.
func (s *Storefront) acknowledge(ctx context.Context, c cart.Cart) error {
	if c.Basket == nil || c.Seen >= c.Basket.Revision {
		return nil
	}
	if err := s.Carts.SetSeen(ctx, c.ID, c.Basket.Revision); err != nil {
		return fmt.Errorf("acknowledge basket: %w", err)
	}
	return nil
}

// state tells an open page whether the merchant has changed the basket. It reads nothing at
// Klarna.
func (s *Storefront) state(w http.ResponseWriter, r *http.Request) {
	c, err := s.renewed(r)
	if err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	if c.Basket == nil || c.Basket.Ended || len(c.Bought) > 0 {
		redirectJSON(w, r, base(r.Context()))
		return
	}
	respond.JSON(w, r, http.StatusOK, basketState{Revision: c.Basket.Revision, Elsewhere: s.goneOn(r.Context(), c)})
}

// basketState is what an open page asks for.
type basketState struct {
	Revision int64 `json:"revision"`
	// Elsewhere: another browser has gone on, and its form has taken the place of the page's.
	Elsewhere bool `json:"elsewhere,omitempty"`
}

// goneOn reports whether the newest form of a session is another browser's.
func (s *Storefront) goneOn(ctx context.Context, c cart.Cart) bool {
	mine, newest := s.Sessions.KCOOrderID(ctx), c.OrderID
	if s.Published.Now().Shop.Checkout.Payments {
		mine, newest = s.Sessions.PaymentsSessionID(ctx), c.SessionID
	}
	return mine != "" && newest != "" && mine != newest
}

// claimed is the cart of the session that the request is about; without a claim it is empty.
func (s *Storefront) claimed(r *http.Request) (cart.Cart, error) {
	id := s.Sessions.CartID(r.Context())
	if id == "" {
		return cart.Cart{}, nil
	}
	return s.Carts.Get(r.Context(), id, s.fallback(r))
}

// renewed is claimed, at the revision that what is published now gives it.
func (s *Storefront) renewed(r *http.Request) (cart.Cart, error) {
	c, err := s.claimed(r)
	if err != nil {
		return c, err
	}
	return s.CheckoutSessions.Renew(r.Context(), s.Carts, s.Pricer, c)
}

// seen acknowledges a revision: the form of an open page has read the order anew.
func (s *Storefront) seen(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Revision int64 `json:"revision"`
	}
	err := decodeJSON(w, r, &request)
	var c cart.Cart
	if err == nil {
		c, err = s.claimed(r)
	}
	if err == nil && (request.Revision < 1 || c.Basket != nil && request.Revision > c.Basket.Revision) {
		err = errBadRequest
	}
	if err == nil && c.Basket != nil {
		c.Basket = &cart.Basket{Revision: request.Revision}
		err = s.acknowledge(r.Context(), c)
	}
	if err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	respond.JSON(w, r, http.StatusOK, map[string]int64{"revision": request.Revision})
}

// prefill is what Klarna's form of a session may begin with, read only where a form is made.
func (s *Storefront) prefill(ctx context.Context, cartID string) (kco.Prefill, error) {
	row, found, err := s.CheckoutSessions.ByCart(ctx, cartID)
	if err != nil || !found {
		return kco.Prefill{}, err
	}
	c, err := s.Carts.Get(ctx, cartID, cart.Fallback{})
	if err != nil || c.Basket == nil {
		return kco.Prefill{}, err
	}
	return row.Customer.Prefill(c.Basket.BillingCountries), nil
}

// back sends the buyer of a session to the merchant's page. False: the order is of a cart of
// the shop's own, or the shop shows its own page first, which leads there by onward.
func (s *Storefront) back(w http.ResponseWriter, r *http.Request, bought order.Order) bool {
	onward := s.onward(r.Context(), bought)
	reference := s.Sessions.ClaimOf(r.Context(), bought.CartID)
	if onward == "" || s.Published.Now().Shop.Checkout.ShowSold && reference != "" {
		return false // our own page does as well
	}
	if reference != "" {
		s.letGo(session.AsClaim(r.Context(), reference), bought.Ref(), bought.Origin)
	}
	http.Redirect(w, r, onward, http.StatusSeeOther) //nolint:gosec // the merchant's own server has said it
	return true
}

// onward is the merchant's page that follows the purchase of a session, "" of a cart of the
// shop's own.
func (s *Storefront) onward(ctx context.Context, bought order.Order) string {
	if bought.Reference == "" {
		return ""
	}
	row, found, err := s.CheckoutSessions.ByCart(ctx, bought.CartID)
	if err != nil || !found {
		return ""
	}
	row.OrderNumber = bought.Number
	return row.Way(row.SuccessURL, "")
}

// paid sends the buyer of a session to the merchant's page although its order could not be
// placed yet. False: the order is of a cart of the shop's own.
func (s *Storefront) paid(w http.ResponseWriter, r *http.Request) bool {
	ctx := r.Context()
	if session.Claimed(ctx) == "" || s.Published.Now().Shop.Checkout.ShowSold {
		return false
	}
	row, found, err := s.CheckoutSessions.ByCart(ctx, s.Sessions.CartID(ctx))
	if err == nil && found {
		err = s.CheckoutSessions.SetPlacing(ctx, row.CartID)
	}
	if err != nil || !found {
		return false // the page that tries again
	}
	toMerchant(w, r, row.Way(row.SuccessURL, ""))
	return true
}
