// Package backoffice serves the merchant's pages at /admin/: staff look at the orders
// and do with them what Klarna's Order Management offers.
package backoffice

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/inspect"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

// requestTime is what a request may take, from its arrival to its last call to Klarna
// or Redis; an export may take longer.
const requestTime = 12 * time.Second

// Backoffice holds what its handlers need. All members are required.
type Backoffice struct {
	Book     *order.Book
	Team     Team
	Sessions *session.Staff
	Redis    redis.UniversalClient // for the throttle
	Story    *inspect.Log          // for the inspector, as is Syncer
	Syncer   *kco.Syncer
	Logger   *slog.Logger
}

// Routes mounts the pages. Nothing but the sign-in is served without a session, and no
// method but GET to a member of staff who may only look.
func (b *Backoffice) Routes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(private)
		r.Group(func(r chi.Router) {
			r.Use(deadline)
			b.signInRoutes(r)
		})
		r.Group(func(r chi.Router) {
			r.Use(b.signedIn, b.changesNeedManage)
			r.Group(func(r chi.Router) {
				r.Use(deadline)
				b.orderRoutes(r)
				b.inspectRoutes(r)
				r.Get("/admin/*", b.notFound)
			})
			// What takes as long as it takes, such as an export, is mounted here.
		})
	})
}

func (b *Backoffice) orderRoutes(r chi.Router) {
	r.Get("/admin/", b.orders)
	r.Get("/admin/orders", b.orders)
}

// private keeps pages with personal data out of caches and indexes.
func private(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Robots-Tag", "noindex, nofollow")
		h.Add("Vary", "Cookie")
		next.ServeHTTP(w, r)
	})
}

// deadline bounds what a request does on its behalf.
func deadline(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// The entries of the navigation, for page.
const (
	navOrders    = "orders"
	navInspector = "inspector"
	navExports   = "exports"
)

// page answers with a page of the back office: its title without the shop's name, the
// entry of the navigation that it belongs to ("" = none), and its main part.
func (b *Backoffice) page(w http.ResponseWriter, r *http.Request, status int, title, active string, content templ.Component) {
	shell := templates.AdminShell{Title: title, Active: active}
	if staff := staffOf(r.Context()); staff.Name != "" {
		shell.Staff, shell.Manages = staff.Name, staff.Role == Manage
	}
	r = r.WithContext(templ.WithChildren(r.Context(), content))
	respond.Page(w, r, status, templates.Admin(shell))
}

// notFound is the 404 page of the back office.
func (b *Backoffice) notFound(w http.ResponseWriter, r *http.Request) {
	b.page(w, r, http.StatusNotFound, "Not found", "", templates.AdminMessage(templates.AdminMessageView{
		Title: "There is no such page.", Body: "The link may be old, or the order is not in the book.", BackURL: "/admin/", Back: "See the orders",
	}))
}

// fail answers a request that our own store or Klarna kept from being answered: 503,
// logged once. Nothing has changed.
func (b *Backoffice) fail(w http.ResponseWriter, r *http.Request, err error) {
	b.Logger.ErrorContext(r.Context(), "back office request failed", "error", err)
	w.Header().Set("Retry-After", "5")
	b.page(w, r, http.StatusServiceUnavailable, "Error: not available", "", templates.AdminMessage(templates.AdminMessageView{
		Kind: templates.Bad, Title: "The shop's own store did not answer.", Body: "Nothing has changed. Try again in a moment. If it happens again, quote " + respond.RequestID(r.Context()) + ".",
		BackURL: "/admin/", Back: "See the orders",
	}))
}
