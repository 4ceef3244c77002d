package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// serveFake runs the fake Klarna alone.
func serveFake(ctx context.Context, e *env) error {
	var v problems
	logger := slog.New(slog.NewTextHandler(e.stderr, nil))
	if v.onOff("-quiet", e.quiet) {
		logger = slog.New(slog.DiscardHandler)
	}
	if err := v.err(); err != nil {
		return err
	}
	fake, err := startFake(ctx, &e.config, logger)
	if err != nil {
		return err
	}
	defer fake.stop()
	_, _ = fmt.Fprintln(e.stdout, "klarna "+fake.url)
	select {
	case <-ctx.Done():
		return nil
	case err := <-fake.failed:
		return err
	}
}

// runningFake is a fake Klarna that listens.
type runningFake struct {
	url           string // for callers on this machine
	browserOrigin string
	failed        <-chan error
	stop          func()
}

func startFake(ctx context.Context, c *config, logger *slog.Logger) (*runningFake, error) {
	l, err := listen(ctx, "-klarna-addr", c.klarnaAddr)
	if err != nil {
		return nil, err
	}
	o, origin, err := c.fake(l.Addr())
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	o.Logger = logger
	fake := fakeklarna.New(o)
	file, endState, err := keepState(ctx, fake, c.fakeState, stateEvery, logger)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	var handler http.Handler = fake
	if c.dataDir != "" { // the shop's database forgets nothing either
		handler = file.first(fake)
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 120 * time.Second}
	failed := make(chan error, 1)
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("fake klarna: %w", err)
		}
	}()
	logger.InfoContext(ctx, "this Klarna is a fake: it moves no money", "state", cmp.Or(c.fakeState, "in memory"))
	return &runningFake{
		url:           "http://" + reachable(l.Addr(), "127.0.0.1"),
		browserOrigin: origin,
		failed:        failed,
		stop: func() {
			fake.Close()
			_ = srv.Close()
			endState()
		},
	}, nil
}

// fake checks the settings of a fake Klarna that listens on addr. origin is its address
// for browsers.
func (c *config) fake(addr net.Addr) (o fakeklarna.Options, origin string, err error) {
	var v problems
	public := &url.URL{Scheme: "http", Host: reachable(addr, "127.0.0.1")}
	if c.klarnaPublicURL != "" {
		public = v.base("-klarna-public-url", c.klarnaPublicURL)
	}
	o.PublicURL = public.String()
	var ok bool
	if o.Username, o.Password, ok = strings.Cut(c.klarnaCredentials, ":"); c.klarnaCredentials != "" && (!ok || o.Password == "") {
		v.add("-klarna-credentials must be user:password")
	}
	o.Seed = v.number("-seed", c.fakeSeed)
	o.Chaos = v.probability("-chaos", c.fakeChaos)
	o.PushDelay = max(v.duration("-push-delay", c.fakePushDelay), 1) // 0 would be the default
	o.CallbackHosts, o.AllowHosts = words(c.fakeCallbackHosts), words(c.fakeAllowHosts)
	o.EchoFilledURLs = v.onOff("-echo-filled-urls", c.fakeFilledURLs)
	o.EchoCountryAsSent = v.onOff("-echo-country-as-sent", c.fakeCountryAsSent)
	o.RefundLags = v.onOff("-refund-lags", c.fakeRefundLags)
	o.EarlyAddressEvent = !v.onOff("-late-address-event", c.fakeLateAddress)
	if o.TaxWording = c.fakeTaxWording; o.TaxWording != "" && o.TaxWording != "2026" {
		v.add("-tax-wording: %q is not 2026", o.TaxWording)
	}
	return o, public.Scheme + "://" + public.Host, v.err()
}
