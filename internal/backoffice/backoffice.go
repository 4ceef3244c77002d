// Package backoffice serves the merchant's pages at /admin/. Staff see the orders here, and
// capture, refund and change them through Klarna's Order Management.
package backoffice

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/backoffice/team"
	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/identity"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/story"
	"github.com/shopd/shopd/internal/webhook"
	"github.com/shopd/shopd/web/templates"
)

// requestTime is the limit of a request, from its session to its last call of Klarna or
// Redis. An export has a longer one.
const requestTime = 12 * time.Second

// Backoffice has the parts that its handlers need. Members without a remark are required.
type Backoffice struct {
	Book     *order.Book
	Desk     *aftersale.Desk
	Team     func() team.Team // of this moment
	Sessions *session.Staff
	Redis    redis.UniversalClient // for the throttle
	Story    *story.Log            // for the inspector, as is Syncer
	Syncer   *kco.Syncer
	Logger   *slog.Logger
	Mailer   *mail.Mailer      // nil: no mails are sent
	Webhooks *webhook.Webhooks // nil: none are told
	Shown    *mail.Shown       // the mails of the demo; nil elsewhere
	Doctor   *doctor.Doctor
	// SearchKeys seal what is searched for in addresses, and the cookies of known browsers: the
	// first seals, all open. 32 bytes each, of this moment.
	SearchKeys func() [][]byte
}

// everything is the route of all paths without a page.
const everything = "/admin/*"

// Routes mounts the pages. Only the sign-in is served without a session. Staff with the
// role view can only GET.
func (b *Backoffice) Routes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(private)
		r.Group(func(r chi.Router) {
			r.Use(respond.Deadline(requestTime))
			b.signInRoutes(r)
		})
		r.Group(func(r chi.Router) {
			r.Use(b.signedIn)
			// A search is sent by POST, so that no URL says whom it is for.
			r.With(respond.Deadline(requestTime)).Post(searchPath, b.search)
			r.Group(func(r chi.Router) {
				r.Use(b.changesNeedManage)
				r.Group(func(r chi.Router) {
					r.Use(respond.Deadline(requestTime))
					b.orderRoutes(r)
					b.actionRoutes(r)
					b.inspectRoutes(r)
					b.stockRoutes(r)
					b.mailRoutes(r)
					b.webhookRoutes(r)
					b.doctorRoutes(r)
					r.Get(logPath, b.staffLog)
					r.Get(everything, b.notFound)
				})
				b.exportRoutes(r) // without the deadline: a file takes as long as it takes
			})
		})
	})
}

func (b *Backoffice) orderRoutes(r chi.Router) {
	r.Get("/admin", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, home, http.StatusSeeOther) })
	r.Get(home, b.orders)
	r.Get("/admin/orders", b.orders)
	r.Get("/admin/orders/{number}", b.order)
	r.Get("/admin/orders/{number}/packing-slip", b.packingSlip)
	r.Get("/admin/packing-slips", b.packingSlips)
	b.noteRoutes(r)
	b.flagRoutes(r)
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

// The entries of the navigation, for page.
const (
	navOrders    = "orders"
	navStock     = "stock"
	navInspector = "inspector"
	navExports   = "exports"
)

// version is the newest one: whose shop this is.
func (b *Backoffice) version() *publish.Version { return b.Desk.Pricer.Published.Now() }

// zone is the shop's: staff read times in it, and days of filters begin in it.
func (b *Backoffice) zone() *time.Location { return b.version().Shop.Zone }

// identity is who the shop is, for pages in English.
func (b *Backoffice) identity() templates.Shop { return identity.Of(b.version(), i18n.English) }

// page answers with a page of the back office. title comes without the shop's name; entry
// is its entry in the navigation, "" for none; main is its main part.
func (b *Backoffice) page(w http.ResponseWriter, r *http.Request, status int, title, active string, content templ.Component) {
	shell := templates.AdminShell{Shop: b.identity(), Title: title, Active: active, Zone: b.zone().String(), Mails: b.Shown != nil, Webhooks: b.Webhooks != nil && len(b.version().Shop.Webhooks) > 0}
	if staff := staffOf(r.Context()); staff.Name != "" {
		shell.Staff, shell.Manages = staff.Name, staff.May(permission.Change)
	}
	r = r.WithContext(templ.WithChildren(r.Context(), content))
	respond.Page(w, r, status, templates.Admin(shell))
}

// notFound is the 404 page of the back office.
func (b *Backoffice) notFound(w http.ResponseWriter, r *http.Request) {
	b.page(w, r, http.StatusNotFound, "Not found", "", templates.AdminMessage(templates.AdminMessageView{
		Title: "There is no such page.", Body: "The link may be old, or the order is not in the book.", BackURL: home, Back: "See the orders",
	}))
}

// errBadRequest: the request cannot be understood.
var errBadRequest = &respond.BadRequest{Status: http.StatusBadRequest, Message: "The request cannot be understood."}

// fail answers a request that could not be served. It logs our own faults once. Nothing has
// changed then.
func (b *Backoffice) fail(w http.ResponseWriter, r *http.Request, err error) {
	v := templates.AdminMessageView{BackURL: home, Back: "See the orders"}
	status := http.StatusServiceUnavailable
	if bad, ok := errors.AsType[*respond.BadRequest](err); ok {
		status, v.Title, v.Body = bad.Status, bad.Message, "Nothing has changed."
	} else {
		b.Logger.ErrorContext(r.Context(), "back office request failed", "error", err)
		w.Header().Set("Retry-After", "5")
		v.Title, v.Body = "The shop's stores cannot be used at the moment.", "Nothing has changed. Try again in a moment. If it happens again, quote "+observe.RequestID(r.Context())+"."
	}
	b.page(w, r, status, "Error: "+v.Title, "", templates.AdminMessage(v))
}
