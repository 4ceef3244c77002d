// Package storefront serves the shopper's pages, the cart's forms and the
// update endpoint of the open checkout page.
package storefront

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/hook"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/stock"
)

// Storefront serves the shopper. The last two members are optional.
type Storefront struct {
	Published *publish.Published
	Stock     *stock.Store
	Carts     *cart.Store
	Pricer    *cart.Pricer
	Sessions  *session.Sessions
	Orders    *kco.Client
	Book      *order.Book
	Syncer    *kco.Syncer
	Logger    *slog.Logger
	Mailer    *mail.Mailer // nil: no mails are written, and none is promised
	// Payments is the checkout of Klarna Payments, also of a shop that does not offer it, or not any more:
	// what was bought there has a confirmation.
	Payments *Payments
	// CheckoutSessions are those of the API, whose pages Links open.
	CheckoutSessions *checkoutsession.Store
	Links            checkoutsession.Links
	Backs            checkoutsession.Links // the ways back to pages of the merchant's
	// Hooks are what the merchant's own server is asked.
	Hooks *hook.Hooks
	// Observer gets each request that is answered with an error.
	Observer *observe.Observer
	Limits   Limits
}

// Routes mounts the shopper's pages. docs/architecture.md says which requests hold the
// session's lock.
func (s *Storefront) Routes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(s.Sessions.ReadOnly)
		r.With(respond.Compressed).Get("/", s.ofShop(s.fills(s.catalogue)))
		r.With(respond.Compressed).Get("/products/{sku}", s.ofShop(s.fills(s.product)))
		r.Get("/cart", s.ofShop(s.fills(s.cart)))
		r.With(respond.Compressed).Get(settings.TermsPath, s.shopPage("pages.terms", func(p settings.Pages) settings.Page { return p.Terms }))
		r.With(respond.Compressed).Get(settings.PrivacyPath, s.shopPage("pages.privacy", func(p settings.Pages) settings.Page { return p.Privacy }))
		r.With(respond.Compressed).Get(settings.ReturnsPath, s.shopPage("pages.returns", func(p settings.Pages) settings.Page { return p.Returns }))
		r.Get("/orders/{number}", s.page(s.orderPage))
		r.Get(findPath, s.ofShop(s.page(s.findPage)))
		r.Post(findPath, s.ofShop(s.page(s.find)))
		s.withdrawals(r)
	})
	r.Get("/robots.txt", s.robots)
	r.Get("/manifest.webmanifest", s.manifest)
	r.Get("/favicon.ico", s.favicon)
	r.With(respond.Compressed).Get("/sitemap.xml", s.ofShop(s.sitemap))
	r.NotFound(s.Sessions.ReadOnly(s.page(s.notFound)).ServeHTTP) // not in the group: chi would lose it
	r.Post("/market", s.ofShop(s.submit(postMarket)))
	r.Post("/cart/lines", s.ofShop(s.submit(addLine)))
	r.Post("/cart/lines/{sku}", s.ofShop(s.submit(setLine)))
	r.Post("/cart/discount", s.ofShop(s.submit(setDiscount)))
	r.Post("/cart/delivery", s.ofShop(s.submit(setDelivery)))
	r.Post("/cart/customer", s.ofShop(s.submit(setCustomer)))
	r.Get("/checkout", s.ofShop(s.locked(s.checkoutPage)))
	r.Post("/checkout/update", s.update)
	r.Post("/checkout/place", s.placeFree)
	r.Get("/checkout/confirmation", s.Sessions.Locked(http.HandlerFunc(s.confirmation), s.lockError).ServeHTTP)
	r.Post("/forget", s.Sessions.Locked(http.HandlerFunc(s.forget), s.lockError).ServeHTTP)
	s.hosted(r)
	s.embedded(r)
	r.Get(paymentsPath, s.paying(s.locked(s.payments)))
	r.Post(paymentsPath+"/update", s.paying(s.updatePayments))
	r.Post(paymentsPath+"/place", s.paying(s.placePayments))
	r.Get("/checkout"+reviewPart, s.paying(s.locked(s.payments)))
}

// ofShop serves what belongs to the shop's own storefront, where the shop has one.
func (s *Storefront) ofShop(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.Published.Now().Shop.Storefront {
			s.Sessions.ReadOnly(s.page(s.notFound)).ServeHTTP(w, r)
			return
		}
		next(w, r)
	}
}

// found returns the market that the page's address asks for, or for a form that of the page which
// it stands on: whoever follows a link from a search sees the page that was found, and buys at the
// prices that he saw there.
func (s *Storefront) found(r *http.Request) (f cart.Fallback, ok bool) {
	locale := r.URL.Query().Get("locale")
	if from, err := url.Parse(r.PostForm.Get("return_to")); locale == "" && err == nil {
		locale = from.Query().Get("locale")
	}
	for _, m := range s.Published.Now().Markets {
		if slices.Contains(m.Locales, locale) {
			return cart.Fallback{Country: m.Country, Locale: locale}, true
		}
	}
	return f, false
}

// fallback returns the market for a visitor without a cart: one where something can be
// bought.
func (s *Storefront) fallback(r *http.Request) cart.Fallback {
	if found, ok := s.found(r); ok {
		return found
	}
	country, locale := s.Published.Now().Markets.FromAcceptLanguage(r.Header.Get("Accept-Language"))
	return cart.Fallback{Country: country, Locale: locale}
}

// cartOf reads the cart of the request's session. A visitor without one has an empty cart.
func (s *Storefront) cartOf(r *http.Request) (cart.Cart, error) {
	id := s.Sessions.CartID(r.Context())
	if id == "" {
		return s.visitor(r), nil
	}
	return s.Carts.Get(r.Context(), id, s.fallback(r))
}

// page returns a handler that reads the session's cart and calls show.
func (s *Storefront) page(show func(http.ResponseWriter, *http.Request, *view)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := s.cartOf(r)
		if err != nil {
			s.PageError(w, r, err)
			return
		}
		show(w, r, s.view(r, c))
	}
}

// fills is page for one from which a cart can be filled: a new visitor gets an identity.
func (s *Storefront) fills(show func(http.ResponseWriter, *http.Request, *view)) http.HandlerFunc {
	return s.Sessions.Visitor(s.page(show)).ServeHTTP
}

// visitor returns the empty cart of a new visitor.
func (s *Storefront) visitor(r *http.Request) cart.Cart {
	f := s.fallback(r)
	return cart.Cart{Contents: cart.Contents{Country: f.Country, Locale: f.Locale}}
}

// errBought stops a change by a page whose order has bought the cart.
var errBought = errors.New("bought by the page's order")

// change applies a change to a cart on arrival, without the session's lock. check gets the
// cart before the change and may refuse it. It may run several times. An empty change
// only reads.
func (s *Storefront) change(ctx context.Context, id string, f cart.Fallback, ch cart.Change, check func(*cart.Cart) error) (cart.Cart, error) {
	left, err := s.Stock.Levels(ctx)
	if err != nil { // carts go on: the purchase will be judged
		s.Logger.WarnContext(ctx, "stock not readable, cart changes without", "error", err)
	}
	before := int64(0)
	edit := func(c *cart.Cart) error {
		before = c.Revision
		if err := check(c); err != nil {
			return err
		}
		return s.Pricer.Apply(c, ch, left)
	}
	if ch.Empty() {
		c, err := s.Carts.Get(ctx, id, f)
		if err != nil {
			return c, err
		}
		return c, edit(&c)
	}
	c, err := s.Carts.Update(ctx, id, f, edit)
	if err == nil && c.Revision != before {
		s.Book.LetGo(ctx, c)
	}
	return c, err
}
