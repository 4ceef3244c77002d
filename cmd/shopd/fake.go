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
	v := e.problems()
	logger := slog.New(slog.NewTextHandler(e.stderr, nil))
	if v.onOff("-quiet", e.quiet) {
		logger = slog.New(slog.DiscardHandler)
	}
	listening := e.listenFake(ctx, v)
	if err := v.err(); err != nil {
		listening.close()
		return err
	}
	fake, err := listening.start(ctx, &e.config, logger)
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

// listeningFake is a fake Klarna that is yet to be started.
type listeningFake struct {
	l       net.Listener // nil: its address cannot be had
	options fakeklarna.Options
	origin  string
}

// listenFake checks the settings of the fake and opens its listener.
func (c *config) listenFake(ctx context.Context, v *problems) listeningFake {
	var addr net.Addr = new(net.TCPAddr)
	l := v.listen(ctx, "-klarna-addr", c.klarnaAddr)
	if l != nil {
		addr = l.Addr()
	}
	o, origin := c.fake(v, addr)
	return listeningFake{l, o, origin}
}

func (f listeningFake) close() {
	if f.l != nil {
		_ = f.l.Close()
	}
}

func (f listeningFake) start(ctx context.Context, c *config, logger *slog.Logger) (*runningFake, error) {
	l := f.l
	f.options.Logger = logger
	fake := fakeklarna.New(f.options)
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
		browserOrigin: f.origin,
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
func (c *config) fake(v *problems, addr net.Addr) (o fakeklarna.Options, origin string) {
	public := &url.URL{Scheme: "http", Host: reachable(addr, "127.0.0.1")}
	if c.klarnaPublicURL != "" {
		public = v.base("-klarna-public-url", c.klarnaPublicURL)
	}
	o.PublicURL = public.String()
	var ok bool
	if o.Username, o.Password, ok = strings.Cut(c.klarnaCredentials, ":"); c.klarnaCredentials != "" && (!ok || o.Password == "") {
		v.add("-klarna-credentials", "must be user:password")
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
		v.add("-tax-wording", "%q is not 2026", o.TaxWording)
	}
	return o, public.Scheme + "://" + public.Host
}
