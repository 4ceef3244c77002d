package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/shop"
)

// gcPercent is GOGC when it is not set. A shop keeps only a few megabytes in use, so with
// Go's default of 100 the collector would run too often.
const gcPercent = 300

// serve runs the shop for production.
func serve(ctx context.Context, e *env) error {
	s, err := e.validate()
	if err != nil {
		return err
	}
	logger := slog.New(observe.LogHandler(slog.NewJSONHandler(e.stderr, nil)))
	if e.getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if most := cgroupMemory(os.DirFS("/")); most > 0 && e.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(most / 100 * memoryShare)
		logger.InfoContext(ctx, "memory is limited by the cgroup", "bytes", most)
	}
	l, err := listenShop(ctx, &e.config)
	if err != nil {
		return err
	}
	defer l.close()
	return e.serve(ctx, s, l, logger)
}

// listeners are the listeners of a shop. They are opened first: with port 0, the public
// URL is known only then.
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

// listen opens a listener, with a clear error when the address is taken.
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

// serve runs a shop on its listeners until ctx ends. When it is ready it prints its
// addresses and the further lines.
func (e *env) serve(ctx context.Context, c shop.Config, l listeners, logger *slog.Logger, further ...string) (err error) {
	rdb, err := redisconn.Open(e.redisURL)
	if err != nil {
		return fmt.Errorf("redis URL: %w", err)
	}
	defer func() { _ = rdb.Close() }()
	d, err := e.openDatabase(ctx, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	tracing, err := observe.SetupTracing(ctx, e.getenv, logger)
	if err != nil {
		return fmt.Errorf("traces: %w", err)
	}
	defer tracing.Stop(ctx)
	if c.Published, err = e.published(ctx, d, logger); err != nil {
		return err
	}
	c.DB, c.Redis, c.Tracing, c.Logger = d, rdb, tracing, logger
	if c.Mail != nil && c.Published.Now().Shop.Mail.From.Address == "" {
		logger.WarnContext(ctx, "no mails are written: the shop file does not say whom they are from", "setting", "mail.from")
	}
	s, err := shop.New(c)
	if err != nil {
		return err
	}
	lines := append(further, "ops http://"+reachable(l.ops.Addr(), "127.0.0.1"))
	_, _ = fmt.Fprintf(e.stdout, "storefront http://%s\n%s\n", reachable(l.shop.Addr(), "localhost"), strings.Join(lines, "\n"))
	return s.Run(ctx, l.shop, l.ops)
}

// databaseWait is how long a start waits for the database, which often starts at the same time.
const databaseWait = 10 * time.Second

// openDatabase opens the database, brings its tables to this version unless that is
// switched off, and says in the log what a commit is worth.
func (e *env) openDatabase(ctx context.Context, logger *slog.Logger) (d *db.DB, err error) {
	for start := time.Now(); ; {
		d, err = db.Open(ctx, e.databaseURL)
		if err == nil || errors.Is(err, db.ErrInUse) || time.Since(start) > databaseWait {
			break
		}
		logger.WarnContext(ctx, "the database does not answer yet", "error", err)
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("database at start: %w", context.Cause(ctx))
		case <-time.After(500 * time.Millisecond):
		}
	}
	if err != nil {
		return nil, err
	}
	if e.migrates {
		_, err = d.Migrate(ctx)
	} else {
		err = d.Check(ctx)
	}
	var worth db.Durability
	if err == nil {
		worth, err = d.Durability(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	logger.InfoContext(ctx, "database", "durability", worth)
	for _, problem := range worth.Problems() {
		logger.ErrorContext(ctx, "orders are not safe", "problem", problem)
	}
	return d, nil
}
