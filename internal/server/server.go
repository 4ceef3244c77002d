// Package server is shopd's HTTP server: middleware, routes, health, metrics and an
// orderly stop. It mounts the pages that it is given.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/identity"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/static"
)

const (
	// requestTime is how long a shopper's request may take, from its arrival to its last
	// call to Klarna or Redis.
	requestTime  = 12 * time.Second
	shutdownTime = 25 * time.Second
	// pingTime is how long /readyz waits for Redis and the database together. Probes give up
	// after a second unless they are told otherwise, and a database that hangs is no reason to
	// take a process out.
	pingTime = 700 * time.Millisecond
)

// Options are the parts and settings of a server. The back office, durations and origins
// are optional.
type Options struct {
	Storefront interface{ Routes(chi.Router) }
	Callbacks  interface{ Routes(chi.Router) } // from Klarna's servers
	Backoffice interface{ Routes(chi.Router) } // for staff; nil: there is none
	API        API                             // for the merchant's own server, at api.Path; nil: there is none
	Redis      redis.UniversalClient
	Database   func(context.Context) error // asks whether the database answers
	Observer   *observe.Observer
	Logger     *slog.Logger
	Published  *publish.Published
	PublicURL  string // of the shop, as the browser knows it
	// BrowserOrigins are the hosts that Klarna's snippet frames, calls and takes
	// pictures from, as scheme://host[:port].
	BrowserOrigins []string
	Unready        func() string // why no requests should be sent here, "" if they should; nil: nothing but what the server knows
	Drain          time.Duration // how long /readyz says no before the listener closes
	// WriteLimit is how many writes a minute one client may make; 0: any number.
	WriteLimit int
	// RequestLimit is how many requests of shoppers are served at once; 0: by the processors.
	RequestLimit int
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
}

// API is for the merchant's own server, and for browsers on the merchant's pages.
type API interface {
	Routes(chi.Router)
	// Browsers mounts what browsers ask; limit bounds what one of them may.
	Browsers(r chi.Router, limit func(http.Handler) http.Handler)
}

// Server serves the shop on one listener and its operation on another.
type Server struct {
	o        Options
	csp      csp
	https    bool // of the public URL
	limits   limits
	writes   *limiter // one for all routes
	lanes    lanes
	warned   atomic.Bool // of a proxy that is not trusted
	crossing *http.CrossOriginProtection
	address  func(http.Handler) http.Handler // finds out the client's address
	draining atomic.Bool
}

// New checks o and returns a server that does not listen yet.
func New(o Options) (*Server, error) {
	s := &Server{
		o: o, csp: newCSP(o.BrowserOrigins), https: strings.HasPrefix(o.PublicURL, "https://"),
		crossing: http.NewCrossOriginProtection(), address: clientAddress(o.TrustedProxies),
		limits: defaultLimits,
		writes: newLimiter(o.WriteLimit, maxClients), lanes: newLanes(o.RequestLimit),
	}
	if err := s.crossing.AddTrustedOrigin(o.PublicURL); err != nil {
		return nil, fmt.Errorf("public URL: %w", err)
	}
	s.crossing.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, http.StatusForbidden)
	}))
	return s, nil
}

// Handler returns the handler of the shop's listener.
func (s *Server) Handler() http.Handler {
	mux := chi.NewRouter()
	mux.Use(requestID, s.observe, s.secure, s.recover, middleware.GetHead)
	mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Allow"] = allowed(mux, r.URL.Path)
		s.fail(w, r, http.StatusMethodNotAllowed)
	})
	mux.Get("/healthz", s.healthz)
	mux.Get("/readyz", s.readyz)
	mux.Handle("/static/*", respond.Compressed(static.Handler()))
	mux.With(respond.Compressed).Get("/shop/*", identity.Handler(s.o.Published))
	mux.Group(func(r chi.Router) { // with limits of their own; no browser, so no cross-origin check
		r.Use(s.admit(always(s.lanes.callbacks)))
		s.o.Callbacks.Routes(r)
	})
	mux.Group(func(r chi.Router) {
		r.Use(s.client, s.admit(s.lanes.ofShopper), s.crossing.Handler, s.limitWrites, s.limitBody(respond.ShopperLimit), respond.Deadline(requestTime))
		s.o.Storefront.Routes(r)
	})
	if s.o.API != nil { // bounds time and bodies itself, and has no browsers
		s.o.API.Browsers(mux, chi.Chain(s.client, s.admit(always(s.lanes.shoppers)), s.limitWrites).Handler)
		mux.With(s.admit(always(s.lanes.merchant))).Route(api.Path, s.o.API.Routes)
	}
	if s.o.Backoffice != nil {
		mux.Group(func(r chi.Router) { // bounds time and forms itself: an export takes as long as it takes
			r.Use(s.client, s.admit(always(s.lanes.merchant)), s.crossing.Handler)
			s.o.Backoffice.Routes(r)
		})
	}
	return mux
}

// allowed lists the methods that a path takes.
func allowed(mux chi.Router, path string) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		if mux.Match(chi.NewRouteContext(), m, path) {
			methods = append(methods, m)
		}
	}
	return methods
}

// Run serves until ctx ends, and then stops. First /readyz says no. Then the drain time
// passes. Then requests under way get 25 s. It closes both listeners.
func (s *Server) Run(ctx context.Context, shop, ops net.Listener) error {
	shopServer, opsServer := s.servers()
	g, running := errgroup.WithContext(ctx)
	g.Go(func() error { return serve(shopServer, shop) })
	g.Go(func() error { return serve(opsServer, ops) })
	g.Go(func() error {
		<-running.Done()
		s.draining.Store(true)
		if ctx.Err() != nil {
			s.o.Logger.InfoContext(ctx, "stopping", "cause", context.Cause(ctx), "drain", s.o.Drain.String())
			time.Sleep(s.o.Drain)
		}
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		err := shopServer.Shutdown(limit)
		return errors.Join(err, shopServer.Close(), opsServer.Close())
	})
	return g.Wait()
}

func serve(server *http.Server, l net.Listener) error {
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}

// limits are how long a client may take.
type limits struct{ header, read, write, profile, idle time.Duration }

// defaultLimits are the limits for all clients. A profile may take as long as it was
// asked to.
var defaultLimits = limits{header: 5 * time.Second, read: 15 * time.Second, write: 30 * time.Second, profile: 5 * time.Minute, idle: 2 * time.Minute}

// servers returns the server of the shop and that for operators.
func (s *Server) servers() (shop, ops *http.Server) {
	shop, ops = s.server(s.Handler()), s.server(s.opsHandler())
	shop.ConnState = newConnections(maxConnections).follow
	ops.WriteTimeout = s.limits.profile
	return shop, ops
}

func (s *Server) server(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           endAfterChunks(h),
		ReadHeaderTimeout: s.limits.header,
		ReadTimeout:       s.limits.read,
		WriteTimeout:      s.limits.write,
		IdleTimeout:       s.limits.idle,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelWarn),
	}
}
