package storefront

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/identity"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

// checkout shows the payment form beside the order. Under the session's lock, any number
// of loads at once end with one order.
func (s *Storefront) checkout(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if _, opened := s.opened(w, r); !opened {
		return
	}
	result, err := s.sync(r, cartsync.Load, "")
	if err != nil {
		s.errorPage(w, r, err, result.Cart.Locale)
		return
	}
	if result.Outcome == cartsync.Free {
		s.free(w, r, result, freeForm{})
		return
	}
	if s.elsewhere(w, r, result.Outcome, result.OrderID, result.Cart, result.Quote) {
		return
	}
	if err := s.acknowledge(ctx, result.Cart); err != nil {
		s.errorPage(w, r, err, result.Cart.Locale)
		return
	}
	v := s.viewOf(r, result.Cart, result.Quote)
	if kco.Reason(r.URL.Query().Get("reason")) == kco.SoldOut {
		v.countAnew(ctx)
	}
	order, notes, err := v.order()
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	shell := v.shell()
	shell.Notes = append(shell.Notes, without(notes, shell.Notes)...)
	respond.Page(w, r, http.StatusOK, templates.Checkout(templates.CheckoutView{
		Shell: shell, Order: order, OrderID: result.OrderID,
		Snippet: kco.Snippet(result.Order.HTMLSnippet, templ.GetNonce(ctx)),
	}))
}

// opened returns the cart that the page is about. False: there is none, and it has answered.
func (s *Storefront) opened(w http.ResponseWriter, r *http.Request) (cartID string, ok bool) {
	cartID = s.Sessions.CartID(r.Context())
	switch {
	case cartID != "":
		return cartID, true
	case session.Claimed(r.Context()) != "": // opened by its link alone
		s.page(s.notFound)(w, r)
	default:
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
	}
	return "", false
}

// reloads are the seconds after which the checkout's 503 page reloads itself. After the
// last it waits for the shopper.
var reloads = []int{2, 4, 8, 16, 30}

// retry returns after how many seconds a 503 page reloads (0 = not by itself), and the
// address, which counts the tries.
func retry(r *http.Request, shell templates.Shell) (seconds int, address string) {
	if r.Method != http.MethodGet {
		return 0, shell.Again()
	}
	try, err := strconv.Atoi(r.URL.Query().Get("try"))
	if err != nil || try < 0 {
		try = 0
	}
	if try >= len(reloads) {
		return 0, withCodes(r.URL, reasonOf(r))
	}
	say := reasonOf(r)
	say.Set("try", strconv.Itoa(try+1))
	return reloads[try], withCodes(r.URL, say)
}

// PageError answers with the page for an error, in the browser's language.
func (s *Storefront) PageError(w http.ResponseWriter, r *http.Request, err error) {
	s.errorPage(w, r, err, "")
}

// lockError answers when the session cannot be loaded, locked or stored.
func (s *Storefront) lockError(w http.ResponseWriter, r *http.Request, err error) {
	locale := ""
	if errors.Is(err, session.ErrBusy) {
		locale = s.storedLocale(r)
	}
	s.errorPage(w, r, err, locale)
}

// storedLocale returns the locale of the shopper's cart, "" when it cannot be read.
func (s *Storefront) storedLocale(r *http.Request) string {
	values, err := s.Sessions.Peek(r)
	if err != nil || values.CartID == "" {
		return ""
	}
	c, err := s.Carts.Get(r.Context(), values.CartID, s.fallback(r))
	if err != nil {
		return ""
	}
	return c.Locale
}

// errorPage answers with the page for an error. It says whether money moved and what to
// do. It shows a request ID instead of the cause. Without a locale it uses the browser's
// language.
func (s *Storefront) errorPage(w http.ResponseWriter, r *http.Request, err error, locale string) {
	f := s.report(r, err)
	locale = cmp.Or(locale, s.fallback(r).Locale)
	version := s.Published.Now()
	shell := templates.Shell{Shop: identity.Of(version, i18n.LangOf(locale)), Locale: locale, Alone: !version.Shop.Storefront}
	if found, ok := s.found(r); ok && found.Locale == locale {
		shell.Asked = locale
	}
	ofClaim(r, &shell)
	s.leadBack(r, &shell)
	if e, ok := errors.AsType[*tooManyError](err); ok {
		s.tooMany(w, r, shell, e)
		return
	}
	switch {
	case f.code == "order_refused":
		respond.Page(w, r, f.status, templates.CheckoutError(templates.CheckoutErrorView{Shell: shell, Reference: observe.RequestID(r.Context())}))
	case f.status == http.StatusServiceUnavailable:
		seconds, address := retry(r, shell)
		if seconds > 0 {
			w.Header().Set("Refresh", fmt.Sprintf("%d; url=%s", seconds, address))
		}
		w.Header().Set("Retry-After", strconv.Itoa(max(seconds, 2)))
		respond.Page(w, r, f.status, templates.Unavailable(templates.UnavailableView{
			Shell: shell, Outage: f.outage, Seconds: seconds, TryURL: address,
		}))
	default:
		respond.Page(w, r, f.status, templates.Refused(templates.RefusedView{Shell: shell}))
	}
}

// checkoutPath is the page that pays, and the form of a cart for which nothing is to be paid.
const checkoutPath = "/checkout"

// elsewhere answers a shopper for whom this page is the wrong one. False: it has not
// answered.
func (s *Storefront) elsewhere(w http.ResponseWriter, r *http.Request, outcome cartsync.Outcome, orderID string, c cart.Cart, q cart.Quote) bool {
	switch outcome {
	case cartsync.Empty:
		if session.Claimed(r.Context()) != "" {
			s.nothing(w, r, c, q)
			return true
		}
		http.Redirect(w, r, withCodes(&url.URL{Path: "/cart"}, reasonOf(r)), http.StatusSeeOther)
	case cartsync.Complete, cartsync.Bought:
		http.Redirect(w, r, confirmationURL(orderID), http.StatusSeeOther)
	case cartsync.Free, cartsync.ToPay:
		http.Redirect(w, r, withCodes(&url.URL{Path: base(r.Context())}, reasonOf(r)), http.StatusSeeOther)
	case cartsync.InSync:
		return false
	}
	return true
}
