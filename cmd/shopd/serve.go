package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/backoffice"
	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/inspect"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/storefront"
	"github.com/shopd/shopd/internal/trace"
)

// redisWait is how long a start waits for Redis: the two are often started together.
const redisWait = 10 * time.Second

// gcPercent is Go's GOGC where none is set. Of what a shop has in use most is a
// few megabytes that stay; at Go's own 100 it would collect after as many more.
const gcPercent = 300

// serve runs the shop for production.
func serve(ctx context.Context, e *env) error {
	s, err := e.validate()
	if err != nil {
		return err
	}
	logger := slog.New(server.LogHandler(slog.NewJSONHandler(e.stderr, nil)))
	if e.getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	l, err := listenShop(ctx, &e.config)
	if err != nil {
		return err
	}
	defer l.close()
	return e.serve(ctx, s, l, logger)
}

// listeners are where a shop listens. They are opened before anything else, because
// port 0 makes the public URL known only then.
type listeners struct{ shop, ops net.Listener }

func (l listeners) close() {
	_ = l.shop.Close()
	_ = l.ops.Close()
}

func listenShop(ctx context.Context, c *config) (listeners, error) {
	shop, err := listen(ctx, "-addr", c.addr)
	if err != nil {
		return listeners{}, err
	}
	ops, err := listen(ctx, "-ops-addr", c.opsAddr)
	if err != nil {
		_ = shop.Close()
		return listeners{}, err
	}
	return listeners{shop, ops}, nil
}

// listen opens a listener and says plainly when the address is taken.
func listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, port, _ := net.SplitHostPort(addr)
		return nil, fmt.Errorf("port %s is in use by another program; stop that one, or choose another port: %s %s (0 takes any free one)",
			port, flag, net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return l, nil
}

// serve runs a shop on its listeners until ctx ends. When it is ready it says so on
// stdout, with the further lines.
func (e *env) serve(ctx context.Context, s shop, l listeners, logger *slog.Logger, further ...string) error {
	rdb, err := redisconn.Open(e.redisURL)
	if err != nil {
		return fmt.Errorf("redis URL: %w", err)
	}
	defer func() { _ = rdb.Close() }()
	tracing, err := trace.Setup(ctx, e.getenv, e.stderr, logger)
	if err = errors.Join(err, tracing.UseRedis(rdb)); err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	defer tracing.Stop(ctx)
	e.tracing = tracing
	stock := catalog.NewStock(rdb, s.catalog)
	if err := seed(ctx, stock, logger); err != nil {
		return err
	}
	if !e.embedded {
		checkDurability(ctx, rdb, logger)
	}
	srv, loops, err := e.wire(s, rdb, stock, logger)
	if err != nil {
		return err
	}

	lines := append(further, "ops http://"+reachable(l.ops.Addr(), "127.0.0.1"))
	_, _ = fmt.Fprintf(e.stdout, "storefront http://%s\n%s\n", reachable(l.shop.Addr(), "localhost"), strings.Join(lines, "\n"))

	// What runs beside the requests ends after the last of them.
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, loop := range loops {
		running.Go(func() { loop(e.tracing.Context(background)) })
	}
	err = srv.Run(ctx, l.shop, l.ops)
	stop()
	running.Wait()
	return err
}

// checkDurability tells the operator when orders that Redis has taken may be lost.
func checkDurability(ctx context.Context, rdb redis.UniversalClient, logger *slog.Logger) {
	warnings, err := order.CheckDurability(ctx, rdb)
	if err != nil {
		logger.WarnContext(ctx, "redis was not asked whether it keeps the order book", "error", err)
	}
	for _, warning := range warnings {
		logger.ErrorContext(ctx, "the order book is not safe", "problem", warning)
	}
}

// seed writes the stock; Redis may still be starting.
func seed(ctx context.Context, stock *catalog.Stock, logger *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	for {
		err := stock.Seed(ctx)
		if err == nil {
			return nil
		}
		logger.WarnContext(ctx, "redis does not answer yet", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis at start: %w", err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// wire connects the parts of the shop. loops run beside the requests.
func (e *env) wire(s shop, rdb redis.UniversalClient, stock *catalog.Stock, logger *slog.Logger) (srv *server.Server, loops []func(context.Context), err error) {
	metrics := server.NewMetrics(rdb)
	story := inspect.New(inspect.Options{Redis: rdb, Logger: logger, Observe: metrics.ObserveStory})
	watch := watcher{metrics, story}
	transport, err := klarna.NewClient(klarna.Config{
		BaseURL: s.klarnaURL, Username: e.username, Password: e.password, Observe: watch.call, Logger: logger,
		Trace: e.tracing.Calls(),
	})
	if err != nil {
		return nil, nil, err
	}
	signer, err := kco.NewSigner(e.secret)
	if err != nil {
		return nil, nil, fmt.Errorf("SHOPD_SECRET: %w", err)
	}
	orders := kco.NewClient(transport)
	carts := cart.NewStore(rdb)
	carts.Retried = metrics.ObserveCartRetry
	pricer := &cart.Pricer{Catalog: s.catalog, PublicURL: s.publicURL}
	leftBehind := &kco.LeftBehind{Redis: rdb, Carts: carts, Stock: stock, Client: orders, Logger: logger, Observe: metrics.ObserveLeftBehind}
	book := &order.Book{
		Redis: rdb, Management: ordermanagement.NewClientFor(transport, s.platform), Checkout: orders, Signer: signer,
		Carts: carts, Stock: stock, LeftBehind: leftBehind, Logger: logger, Observe: metrics.ObserveOrder,
	}
	book.Payments = &payments.Syncer{
		Client: payments.NewClient(transport), Carts: carts, Stock: stock, Logger: logger,
		Observe:        metrics.ObserveSync(server.ProductPayments),
		Authorizations: &payments.Authorizations{Redis: rdb, Review: s.review},
		Wants: &payments.Wants{
			Pricer: pricer, Signer: signer, PublicURL: s.publicURL, CallbackURL: s.callbackURL,
		},
	}
	wants := &kco.Wants{Pricer: pricer, Signer: signer, PublicURL: s.publicURL, CallbackURL: s.callbackURL}
	callbacks := &callback.Callbacks{
		Signer: signer, Wants: wants, Carts: carts, Stock: stock, Book: book, Authorizations: book, Logger: logger,
		Observe: watch.callback,
	}
	metrics.WatchPushes(callbacks.Booking)
	front := &storefront.Storefront{
		Catalog: s.catalog, Stock: stock, Carts: carts, Pricer: pricer, Orders: orders, Book: book, Logger: logger,
		Observe: metrics.ObserveFailure,
		Syncer: &kco.Syncer{
			Observe: metrics.ObserveSync(server.ProductKCO),
			Client:  orders, Carts: carts, Stock: stock, LeftBehind: leftBehind, Logger: logger, Wants: wants,
		},
	}
	if s.payments || s.both {
		front.Payments = &storefront.Payments{
			Syncer: book.Payments, Library: s.library, Origins: s.libraryOrigins, Review: s.review, First: s.payments,
		}
	}
	front.Sessions = session.New(session.Options{Redis: rdb, Secure: s.secure, Logger: logger, Fail: front.PageError, Observe: metrics.ObserveLock})
	o := server.Options{
		Storefront: front, Callbacks: callbacks, Redis: rdb, Metrics: metrics, Logger: logger, PublicURL: s.publicURL,
		BrowserOrigins: s.origins, ImageOrigins: s.imageOrigins, Drain: s.drain,
		Trace: e.tracing,
	}
	o.WriteLimit, o.TrustedProxies = s.writeLimit, s.trustedProxies
	if len(s.staff) > 0 {
		o.Backoffice = &backoffice.Backoffice{
			Book: book, Pricer: pricer, Team: s.staff, Sessions: session.NewStaff(rdb, s.secure), Redis: rdb, Logger: logger,
			Story: story, Syncer: front.Syncer,
		}
	}
	srv, err = server.New(o)
	return srv, []func(context.Context){func(ctx context.Context) {
		story.Run(ctx, leftBehind.Run, book.Run, callbacks.Run)
	}}, err
}
