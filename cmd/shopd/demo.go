package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"

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
	l, err := listenShop(ctx, &e.config)
	if err != nil {
		return err
	}
	defer l.close()
	e.publicURL = cmp.Or(e.publicURL, "http://"+reachable(l.shop.Addr(), "localhost"))
	if e.dataDir != "" {
		closeData, err := e.openData(ctx)
		if err != nil {
			return fmt.Errorf("-data: %w", err)
		}
		defer closeData()
	}
	e.secret = cmp.Or(e.secret, rand.Text())

	var ready []string
	if e.klarnaURL == "" {
		fake, err := startFake(ctx, &e.config, logger)
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
	e.ownShop, e.ownGoods = skerry.Files()
	s, err := e.validate()
	if err != nil {
		return err
	}
	s.BothCheckouts = true
	s.Mail = &mail.Shown{}
	return e.serve(ctx, s, l, logger, ready...)
}
