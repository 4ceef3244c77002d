// Package api serves /v1: what a merchant's own server tells and asks. Each call has a key
// of the merchant's, no session, and no cross-origin check, since no browser sends a key by
// itself. docs/api.md is for those who call it.
package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/hook"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/stock"
)

const (
	// Path is the path of the API.
	Path = "/v1"
	// bodyLimit is the largest body of a call, in bytes.
	bodyLimit = 256 << 10
	// callTime is how long a call may take, from its arrival to its last call to Klarna.
	callTime = 12 * time.Second
)

// API serves the calls. Observer may be nil.
type API struct {
	Keys      func() Keys // who may call at this moment
	DB        *db.DB
	Published *publish.Published
	Carts     *cart.Store
	Pricer    *cart.Pricer
	Stock     *stock.Store
	Events    *event.Outbox
	Book      *order.Book
	Desk      *aftersale.Desk
	KCO       *kco.Syncer
	Payments  *payments.Syncer
	Hooks     *hook.Hooks // asked where a page opens a form, never in a call of the merchant's
	Sessions  *checkoutsession.Store
	Links     checkoutsession.Links
	Secrets   checkoutsession.Links // the client secrets of sessions
	Backs     checkoutsession.Links // the ways back to pages of the merchant's
	Locks     *session.Sessions     // of carts
	Redis     redis.UniversalClient // counts calls
	PublicURL string                // of the shop, as the merchant's server knows it; no trailing slash
	Logger    *slog.Logger
	Observer  *observe.Observer
}

// Routes mounts the API on the router of Path.
func (a *API) Routes(r chi.Router) {
	r.Use(a.guard, respond.Deadline(callTime))
	missing := a.authorized("", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, problem(http.StatusNotFound, CodeNotFound, "There is no such address."))
	})
	r.NotFound(missing)
	r.MethodNotAllowed(a.authorized("", func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Allow", strings.Join(allowed(r, req.URL.Path), ", "))
		writeProblem(w, req, problem(http.StatusMethodNotAllowed, CodeMethodNotAllowed, "This address does not take that method."))
	}))
	a.operations(huma.NewAPI(a.config(), &adapter{a, r}))
}

// operations registers all calls.
func (a *API) operations(on huma.API) {
	a.sessions(on)
	a.orders(on)
	a.actions(on)
	a.commands(on)
	a.stock(on)
	a.catalog(on)
	a.events(on)
	document(on.OpenAPI())
}

// config is what the document says of the API as a whole.
func (a *API) config() huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "shopd", Version: "1",
				Description: "Amounts are integers in minor units, tax included (US: without). Rates are hundredths of a percent. Times are RFC 3339, UTC.",
			},
			Servers: []*huma.Server{{URL: a.PublicURL}},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry(schemasPath, huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{security: {Type: "http", Scheme: "bearer", Description: "A key of SHOPD_API_KEYS: sk_…"}},
			},
		},
		OpenAPIPath:                  Path + "/openapi",
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
	}
}

// security names the scheme of the keys in the document.
const security = "key"

// adapter puts operations of huma's on the router of Path. Their paths begin with Path, as
// the document has them.
type adapter struct {
	api    *API
	router chi.Router
}

// Handle adds an operation: behind a key, unless it has no scope.
func (a *adapter) Handle(op *huma.Operation, handler func(huma.Context)) {
	serve := func(w http.ResponseWriter, r *http.Request) { handler(humachi.NewContext(op, r, w)) }
	if op.BodyReadTimeout > callTime { // the server's time for an answer is for bodies of the usual size
		in := serve
		serve = func(w http.ResponseWriter, r *http.Request) {
			// Who serves without limits has none to move.
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(op.BodyReadTimeout + callTime))
			in(w, r)
		}
	}
	if when := op.Metadata[idempotent]; when != nil {
		serve = a.api.once(when == always, serve)
	}
	if right, ok := op.Metadata[scoped].(permission.Right); ok {
		serve = a.api.authorized(right, serve)
	}
	a.router.MethodFunc(op.Method, strings.TrimPrefix(op.Path, Path), serve)
}

// ServeHTTP serves a request.
func (a *adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.router.ServeHTTP(w, r) }

// Members of an operation's metadata.
const (
	scoped     = "scope"      // the scope that it needs
	idempotent = "idempotent" // it has an Idempotency-Key, and needs it always or sometimes

	always, sometimes = "always", "sometimes"
)

// register adds a call that needs a scope. A fault of ours that do returns, which is no
// *Problem, is logged and answered with 503.
func register[I, O any](a *API, on huma.API, right permission.Right, op huma.Operation, do func(context.Context, *I) (*O, error)) {
	if op.Metadata == nil {
		op.Metadata = map[string]any{}
	}
	op.Metadata[scoped] = right
	op.Security = []map[string][]string{{security: {}}}
	if right != "" {
		op.Description = strings.TrimSpace(op.Description + " Scope `" + string(right) + "`.")
	}
	if when := op.Metadata[idempotent]; when != nil {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Required: when == always, Description: "1 to 64 visible characters: the same again does nothing again.",
			Schema: &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(64)},
		})
	}
	op.MaxBodyBytes = max(op.MaxBodyBytes, bodyLimit+1) // huma refuses what has as many
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden,
		http.StatusTooManyRequests, http.StatusServiceUnavailable)
	if op.RequestBody != nil {
		op.Errors = append(op.Errors, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	huma.Register(on, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := do(ctx, in)
		if err == nil {
			return out, nil
		}
		refused, ok := errors.AsType[*Problem](err)
		if !ok {
			refused = unavailable()
		}
		if refused.Status < http.StatusInternalServerError {
			err = nil
		}
		a.Observer.Failure(ctx, op.Path, string(refused.Code), err)
		refused.RequestID = observe.RequestID(ctx)
		return nil, refused
	})
}

// retryAfter is what Retry-After says after a fault.
const retryAfter = 2 * time.Second

// guard answers after a panic.
func (a *API) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			a.Logger.ErrorContext(r.Context(), "panic", "value", v, "stack", string(debug.Stack()))
			if sent.Status() == 0 {
				writeProblem(sent, r, problem(http.StatusInternalServerError, CodeInternal, "Something broke on our side."))
			}
		}()
		next.ServeHTTP(sent, r)
	})
}

// authorized lets calls with a key that has the scope through, "" any key, as many as a
// key may make.
func (a *API) authorized(right permission.Right, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, known := a.Keys().of(r)
		if !known {
			w.Header().Set("WWW-Authenticate", "Bearer")
			a.refuse(w, r, problem(http.StatusUnauthorized, CodeUnauthorized, "The call needs a key: Authorization: Bearer sk_…"))
			return
		}
		wait, err := a.count(r.Context(), key)
		switch {
		case err != nil: // better a call too many than no checkout
			a.Logger.WarnContext(r.Context(), "calls of a key cannot be counted", "error", err)
		case wait > 0:
			a.refuse(w, r, problem(http.StatusTooManyRequests, CodeTooManyRequests,
				fmt.Sprintf("This key may make %d calls a minute.", key.perMinute())).after(wait))
			return
		}
		if right != "" && !key.may(right) {
			a.refuse(w, r, problem(http.StatusForbidden, CodeForbidden, fmt.Sprintf("The call needs a key with the scope %s.", right)))
			return
		}
		next(w, r.WithContext(context.WithValue(r.Context(), keyOf{}, key)))
	}
}

// keyOf is the key of a context's value: the Key that made the call.
type keyOf struct{}

// refuse answers with a problem.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, p *Problem) {
	a.Observer.Failure(r.Context(), chi.RouteContext(r.Context()).RoutePattern(), string(p.Code), nil)
	writeProblem(w, r, p)
}

// allowed lists the methods that a path takes.
func allowed(r chi.Router, path string) (methods []string) {
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut} {
		if r.Match(chi.NewRouteContext(), m, strings.TrimPrefix(path, Path)) {
			methods = append(methods, m)
		}
	}
	return methods
}
