package storefront

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/templates"
)

// ownTime is how long after the purchase the buyer's browser shows the order without its key:
// as long as Klarna's part of the page works.
const ownTime = kco.ConfirmationLife

var (
	// errNotFinished: the order of the confirmation is not bought.
	errNotFinished = errors.New("the order is not bought yet")
	// errPaid: the order is paid, and could not be placed now.
	errPaid = errors.New("the order is paid, but not placed yet")
)

// confirmation is the page to which Klarna sends the browser after the purchase. Without
// the buyer's cookie it shows nothing about the buyer.
func (s *Storefront) confirmation(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	orderID := r.URL.Query().Get("order_id")
	if !kco.IsOrderID(orderID) {
		s.page(s.notFound)(w, r)
		return
	}
	s.Observer.Link(ctx, orderID)
	placing := ctx
	paymentsID, err := s.Payments.Syncer.Authorizations.BecameOrder(ctx, orderID)
	if reference := s.Sessions.ClaimOfOrder(ctx, orderID, paymentsID); reference != "" {
		ctx = session.AsClaim(ctx, reference)
		r = r.WithContext(ctx)
		var cancel context.CancelFunc
		placing, cancel = context.WithTimeout(ctx, placeTime)
		defer cancel()
	}
	shows := s.Sessions.Shows(ctx, orderID, paymentsID)
	var bought order.Order
	var snippet string
	if err == nil {
		bought, snippet, err = s.place(placing, orderID, paymentsID, shows)
	}
	switch {
	case err == nil && s.back(w, r, bought), errors.Is(err, errPaid) && s.paid(w, r):
		return
	case errors.Is(err, errPaid):
		// The session keeps the order's ID: no second order can start.
		s.errorPage(w, r, err, s.storedLocale(r))
		return
	case (errors.Is(err, errNotFinished) || errors.Is(err, order.ErrCancelled)) && !shows:
		s.page(s.notFound)(w, r) // what became of it is the buyer's
		return
	case errors.Is(err, errNotFinished):
		http.Redirect(w, r, base(ctx)+"?reason="+reasonNotFinished, http.StatusSeeOther)
		return
	case errors.Is(err, order.ErrCancelled):
		s.page(cancelled)(w, r) // the session keeps its ID, for a reload; the next checkout does not
		return
	case errors.Is(err, order.ErrNotBought), errors.Is(err, order.ErrNotOurs):
		s.page(s.notFound)(w, r)
		return
	case err != nil:
		s.errorPage(w, r, err, s.storedLocale(r))
		return
	}
	if reference := s.Sessions.ClaimOf(ctx, bought.CartID); reference != "" {
		ctx = session.AsClaim(ctx, reference)
		r = r.WithContext(ctx)
	}
	own := bought.CartID != "" && s.Sessions.CartID(ctx) == bought.CartID
	if own {
		s.letGo(ctx, bought.Ref(), bought.Origin)
	}
	c, err := s.cartOf(r)
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	v := s.view(r, c)
	if !own || time.Since(bought.PlacedAt) >= ownTime {
		respond.Page(w, r, http.StatusOK, templates.Placed(templates.PlacedView{Shell: v.shell(), Mailed: v.mailedTo(bought) != ""}))
		return
	}
	if bought.Erased() {
		snippet = "" // it says who bought
	} else if snippet == "" && bought.Origin == "" && !bought.Free() {
		// Of KCO. A page without Klarna's part is a page.
		if checkout, err := s.Orders.GetOrder(ctx, bought.OrderID); err == nil {
			snippet = checkout.HTMLSnippet
		}
	}
	shown, err := v.bought(ctx, bought)
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	page := v.orderOf(ctx, shown, bought)
	page.Thanks, page.Snippet, page.OnwardURL = true, kco.Snippet(snippet, templ.GetNonce(ctx)), s.onward(ctx, bought)
	page.Email = v.mailedTo(bought)
	respond.Page(w, r, http.StatusOK, templates.OrderPage(page))
}

// place returns a bought order, from the book or by placing it, and Klarna's snippet if
// it had to ask the checkout. The error is errNotFinished, errPaid, one of order.Place's,
// or that of a store. Klarna is asked about an order that is known, of the browser's session,
// or that was approved: the addresses that somebody invents cost no call. What a payment session
// became (paymentsID) is paid, and Klarna Checkout does not know it.
func (s *Storefront) place(ctx context.Context, orderID, paymentsID string, known bool) (o order.Order, snippet string, err error) {
	o, found, err := s.Book.ByOrderID(ctx, orderID)
	if err != nil {
		return o, "", err
	}
	paid := found || paymentsID != ""
	switch {
	case paid:
	case cart.IsOwnOrder(orderID):
		return o, "", order.ErrUnknown
	default:
		if !known {
			if _, approved, err := s.Stock.OfOrder(ctx, orderID); err != nil || !approved {
				return o, "", cmp.Or(err, order.ErrNotOurs)
			}
		}
		checkout, err := s.Orders.GetOrder(ctx, orderID)
		switch {
		case klarna.Status(err) == http.StatusNotFound:
			// Long after the purchase the checkout has forgotten; Order Management has not.
		case err != nil:
			return o, "", fmt.Errorf("read kco order %s: %w: %w", orderID, cartsync.ErrUnavailable, err)
		case checkout.Status != kco.StatusComplete:
			return o, "", errNotFinished
		default:
			paid, snippet = true, checkout.HTMLSnippet
		}
	}
	o, err = s.Book.Place(ctx, orderID)
	switch {
	case err == nil, errors.Is(err, order.ErrCancelled), errors.Is(err, order.ErrNotOurs):
	case paid:
		err = fmt.Errorf("place order %s: %w: %w", orderID, errPaid, err)
	case errors.Is(err, order.ErrUnavailable):
		err = fmt.Errorf("place order %s: %w: %w", orderID, cartsync.ErrUnavailable, err)
	}
	return o, snippet, err
}

// letGo removes an order, and the payment session that became it, from the session.
func (s *Storefront) letGo(ctx context.Context, orderID, origin string) {
	if s.Sessions.KCOOrderID(ctx) == orderID {
		s.Sessions.SetKCOOrderID(ctx, "")
	}
	if id := payments.SessionOf(origin); id != "" && s.Sessions.PaymentsSessionID(ctx) == id {
		s.Sessions.SetPaymentsSessionID(ctx, "")
	}
}

// cancelled says that an order was cancelled before the shop had it.
func cancelled(w http.ResponseWriter, r *http.Request, v *view) {
	respond.Page(w, r, http.StatusOK, templates.Cancelled(templates.CancelledView{Shell: v.wrong()}))
}

// mailedTo is where the mail that confirms an order goes, masked; "" where none is written.
func (v *view) mailedTo(o order.Order) string {
	if !v.Mailer.Follows(settings.MailPlaced, o.Reference) {
		return ""
	}
	return masked(o.BillingAddress.Email)
}

// masked returns an e-mail address that only its owner recognizes.
func masked(email string) string {
	name, domain, ok := strings.Cut(email, "@")
	if !ok || name == "" {
		return ""
	}
	_, first := utf8.DecodeRuneInString(name)
	return name[:first] + "•••@" + domain
}
