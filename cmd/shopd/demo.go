package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/permission"
)

// demoStaff are the users demo (role manage) and view (role view). The password is the
// name.
const demoStaff = `demo:manage:$2a$10$epmndmtWt47ApsQ3FLP8CeuY1PxXUCMRMiwQJ/93SI/BUL6rnbR9C
view:view:$2a$10$DIPVXtb0RnKJmZSP5vPirubBI0ubn2oTLRibdQVgNucAxQMrQtyLe`

// demoKey is the key of the demo's API.
const demoKey = "sk_demo"

// demo runs the shop with its own fake Klarna, Redis and database, unless others are set,
// which are forgotten at the end without -data. The shop
// is at localhost and the fake at 127.0.0.1, so that the iframe is cross-site, as with
// Klarna.
func demo(ctx context.Context, e *env) error {
	logger := slog.New(observe.LogHandler(slog.NewTextHandler(e.stderr, nil)))
	v := e.problems()
	e.ownShop, e.ownGoods = skerry.Files()
	e.readFiles(v)
	l := v.listenShop(ctx, &e.config)
	defer l.close()
	if l.shop != nil {
		e.publicURL = cmp.Or(e.publicURL, "http://"+reachable(l.shop.Addr(), "localhost"))
	}
	own := e.klarnaURL == ""
	var listening listeningFake
	if own {
		listening = e.listenFake(ctx, v)
		defer listening.close()
	}
	if e.dataDir != "" {
		closeData, err := e.openData(ctx)
		if err != nil {
			v.add("-data", "%w", err)
		} else {
			defer closeData()
		}
	}
	if v.taken {
		v.hints = append(v.hints, otherPorts(ctx))
	}
	if len(v.list) > 0 { // what is missing the demo would bring itself
		e.publicURL, e.klarnaURL = cmp.Or(e.publicURL, "http://localhost"), cmp.Or(e.klarnaURL, "http://localhost")
		e.redisURL, e.databaseURL = cmp.Or(e.redisURL, "redis://localhost"), cmp.Or(e.databaseURL, "sqlite:///demo")
		e.secret = cmp.Or(e.secret, rand.Text())
		e.validate(v)
		return v.err()
	}
	e.secret = cmp.Or(e.secret, rand.Text())

	var ready []string
	if own {
		fake, err := listening.start(ctx, &e.config, logger)
		if err != nil {
			return err
		}
		defer fake.stop()
		e.klarnaURL = fake.url
		e.browserOrigins = cmp.Or(e.browserOrigins, fake.browserOrigin)
		ready = append(ready, "klarna "+fake.url)
	}
	if e.redisURL == "" {
		carts, err := startRedis(ctx, e.redisFile(), logger)
		if err != nil {
			return fmt.Errorf("embedded redis: %w", err)
		}
		defer carts.stop()
		e.redisURL = carts.url
	}
	if e.databaseURL == "" {
		dir, err := os.MkdirTemp("", "shopd-demo-")
		if err != nil {
			return fmt.Errorf("embedded database: %w", err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		e.databaseURL = databaseIn(dir)
		logger.InfoContext(ctx, "carts, sessions and orders are lost at the end")
	}
	if e.staff == "" {
		e.staff = demoStaff
		ready = append(ready, "backoffice "+e.publicURL+"/admin/ demo demo")
	}
	if e.apiKeys == "" {
		e.apiKeys = api.KeyLine("demo", string(permission.All), demoKey)
		ready = append(ready, "api "+e.publicURL+api.Path+"/ "+demoKey)
	}
	s := e.validate(v)
	if err := v.err(); err != nil {
		return err
	}
	s.BothCheckouts = true
	s.Mail = &mail.Shown{}
	return e.serve(ctx, s, l, logger, ready...)
}

// otherPorts says how the demo is started on ports that are free now.
func otherPorts(ctx context.Context) string {
	var lc net.ListenConfig
	free := func(port int) bool {
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = l.Close()
		}
		return err == nil
	}
	port := 8090
	for port < 9090 && (!free(port) || !free(port+1) || !free(port+2)) {
		port += 10
	}
	return fmt.Sprintf("on other ports: make demo PORT=%d, which is shopd demo -addr 127.0.0.1:%[1]d -ops-addr 127.0.0.1:%d -klarna-addr 127.0.0.1:%d", port, port+1, port+2)
}
