package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/shopd/shopd/internal/build"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/shop"
)

// gcPercent is GOGC when it is not set. A shop keeps only a few megabytes in use, so with
// Go's default of 100 the collector would run too often.
const gcPercent = 300

// serve runs the shop for production. A SIGHUP never ends it: see reloads.
func serve(ctx context.Context, e *env) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	e.hangups = hangups
	logger := slog.New(observe.LogHandler(slog.NewJSONHandler(e.stderr, nil)))
	if e.getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if most := cgroupMemory(os.DirFS("/")); most > 0 && e.getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(most / 100 * memoryShare)
		logger.InfoContext(ctx, "memory is limited by the cgroup", "bytes", most)
	}
	v := e.problems()
	s := e.validate(v)
	e.readFiles(v)
	l := v.listenShop(ctx, &e.config)
	defer l.close()
	if err := v.err(); err != nil {
		return err
	}
	return e.serve(ctx, s, l, logger)
}

// listeners are the listeners of a shop. They are opened first: with port 0, the public
// URL is known only then.
type listeners struct{ shop, ops net.Listener }

func (l listeners) close() {
	for _, one := range []net.Listener{l.shop, l.ops} {
		if one != nil {
			_ = one.Close()
		}
	}
}

func (v *problems) listenShop(ctx context.Context, c *config) listeners {
	return listeners{v.listen(ctx, "-addr", c.addr), v.listen(ctx, "-ops-addr", c.opsAddr)}
}

// listen opens a listener. It returns nil where that cannot be.
func (v *problems) listen(ctx context.Context, name, addr string) net.Listener {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	switch host, port, _ := net.SplitHostPort(addr); {
	case err == nil:
		return l
	case errors.Is(err, syscall.EADDRINUSE):
		v.taken = true
		v.add(name, "port %s is in use by another program; stop that one, or choose another port: %s (0 takes any free one)", port, net.JoinHostPort(host, "0"))
	default:
		v.add(name, "%w", err)
	}
	return nil
}

// serve runs a shop on its listeners until ctx ends. When it is ready it prints its
// addresses and the further lines.
func (e *env) serve(ctx context.Context, c shop.Config, l listeners, logger *slog.Logger, further ...string) (err error) {
	is := build.Read()
	logger.InfoContext(ctx, "starting", "version", is.Version, "commit", is.Commit, "schema", db.Schema())
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
	var reloading sync.WaitGroup
	defer reloading.Wait()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	reloading.Go(func() { e.reloads(ctx, s, logger) })
	return s.Run(ctx, l.shop, l.ops)
}

// reloads reads secrets, staff and keys again at each SIGHUP, until ctx ends. One that came
// before the start was through is done first. What cannot be used changes nothing.
func (e *env) reloads(ctx context.Context, s *shop.Shop, logger *slog.Logger) {
	for {
		select {
		case <-e.hangups:
		case <-ctx.Done():
			return
		}
		again := e.config
		again.unread, again.unreadNames = nil, nil
		again.readSecrets(e.getenv)
		v := again.problems()
		c := again.validate(v)
		err := v.err()
		if err == nil {
			err = s.Change(c)
		}
		s.Observer.Reload(ctx, err)
		if err == nil && (again.redisURL != e.redisURL || again.databaseURL != e.databaseURL) {
			logger.WarnContext(ctx, "the address of Redis or the database has changed, which counts from the next start", "setting", "-redis-url, -database-url")
		}
	}
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
		return nil, fmt.Errorf("%s: %w", e.problems().named("-database-url"), err)
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

// openBeside opens the database of a shop that may run, with its tables as this version needs them. instead is what
// else can be done where the shop has the file for itself.
func (e *env) openBeside(ctx context.Context, instead string) (*db.DB, error) {
	d, err := db.Open(ctx, e.databaseURL)
	if errors.Is(err, db.ErrInUse) {
		return nil, fmt.Errorf("%w. %s", err, instead)
	}
	if err != nil {
		return nil, err
	}
	if err := d.Check(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// storesBeside opens both stores of a shop that may run, for a command that works on its orders, and gives
// them to c with a log on stderr. instead is as openBeside takes it; end closes them.
func (e *env) storesBeside(ctx context.Context, c *shop.Config, instead string) (end func() error, err error) {
	rdb, err := redisconn.Open(e.redisURL)
	if err != nil {
		return nil, fmt.Errorf("redis URL: %w", err)
	}
	d, err := e.openBeside(ctx, instead)
	if err != nil {
		return nil, errors.Join(err, rdb.Close())
	}
	c.DB, c.Redis, c.Logger = d, rdb, slog.New(observe.LogHandler(slog.NewJSONHandler(e.stderr, nil)))
	return func() error {
		_ = rdb.Close()
		return d.Close()
	}, nil
}
