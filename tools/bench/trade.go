package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"golang.org/x/sync/errgroup"

	"github.com/shopd/shopd/internal/db"
)

// trade is a shop in which shoppers buy as fast as they are answered.
type trade struct {
	rig           *rig
	shops         []*process
	redis, klarna *process
	at            stores
	fake          fakeControl
	client        *client

	mu     sync.Mutex
	pages  *hdrhistogram.Histogram // of times in µs
	bought []string                // orders
	again  int                     // times that somebody was asked to try again
}

// cpuShares is processor time, in ms.
type cpuShares struct {
	Shop     float64 `json:"shopd"` // all processes of it
	Redis    float64 `json:"redis"`
	Postgres float64 `json:"postgres"`
	Fake     float64 `json:"fake"`
	Load     float64 `json:"load"` // of the shoppers, and of what spreads Klarna's calls
}

func (c cpuShares) plus(o cpuShares, times float64) cpuShares {
	return cpuShares{c.Shop + o.Shop*times, c.Redis + o.Redis*times, c.Postgres + o.Postgres*times, c.Fake + o.Fake*times, c.Load + o.Load*times}
}

// sold is what was done in one round, while it counted.
type sold struct {
	purchases, again  int
	seconds, requests float64
	pages             *hdrhistogram.Histogram
	used              cpuShares
	rss               int64
}

// round starts all processes anew and lets the shoppers buy.
func (o capacityOptions) round(ctx context.Context, shopd string, of setup) (sold, error) {
	r, err := newRig(shopd)
	if err != nil {
		return sold{}, err
	}
	defer r.close()
	r.durable = !of.careless
	t := &trade{rig: r, client: newClient(of.shoppers), pages: newHistogram()}
	t.client.http.DisableCompression = false // as a browser asks for it
	closeDoor, err := t.open(ctx, of)
	if err != nil {
		return sold{}, err
	}
	defer closeDoor()
	if err := t.fake.slow(ctx, of.latency); err != nil {
		return sold{}, err
	}
	got, err := t.sell(ctx, of.shoppers, o.warm, o.duration)
	if err != nil {
		return got, errors.Join(err, t.shops[0].failed("its log"))
	}
	return got, t.agree(ctx)
}

// goods are what the shoppers buy, each one kind: only so many may buy the same at once.
var goods = strings.Fields("MUG-1 POT-1 PAN-1 BRD-1 TWL-1 CLK-1 COF-1 TEA-1 SLT-1 JAM-1 HNY-1 CRB-1 BLK-1 LMP-1 RCT-1 HAT-1 RPE-1 FLT-1 BOK-1 BOK-2 BOK-3 BOK-4 LOG-1")

// inStock is how many there are of them.
var inStock = regexp.MustCompile(`"stock": \d+`)

// open starts the processes. Klarna's calls come to a door of ours, which spreads them as a
// load balancer does; the shoppers need none.
func (t *trade) open(ctx context.Context, of setup) (closeDoor func(), err error) {
	catalog := filepath.Join(t.rig.dir, "shop", "catalog.json")
	text, err := os.ReadFile(catalog) //nolint:gosec // ours
	if err == nil {
		err = os.WriteFile(catalog, inStock.ReplaceAll(text, []byte(`"stock": 1000000`)), 0o644) //nolint:gosec // no secret
	}
	if err != nil {
		return nil, err
	}
	if t.redis, t.at.redis, err = t.rig.redis(ctx, "--appendonly", "yes", "--hash-max-listpack-value", "1024"); err != nil {
		return nil, err
	}
	t.at.database = "sqlite://" + filepath.Join(t.rig.dir, "shop.db")
	if !of.sqlite {
		if t.at.database, err = t.rig.database(ctx); err != nil {
			return nil, err
		}
	}
	var klarnaURL string
	if t.klarna, klarnaURL, err = t.rig.fake(ctx, "-push-delay", "1h"); err != nil {
		return nil, err
	}
	t.fake = fakeControl{klarnaURL, t.client}

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var turn atomic.Int64
	door := &http.Server{ReadHeaderTimeout: readyTime, Handler: &httputil.ReverseProxy{
		Transport: newClient(of.shoppers).http,
		Rewrite: func(r *httputil.ProxyRequest) {
			to, _ := url.Parse(t.shop(int(turn.Add(1)))) // an address of ours
			r.SetURL(to)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}}
	for range of.shops {
		shop, err := t.rig.shopd(ctx, t.at, klarnaURL, "-public-url", "http://"+listener.Addr().String())
		if err != nil {
			return nil, errors.Join(err, listener.Close())
		}
		t.shops = append(t.shops, shop)
	}
	go func() { _ = door.Serve(listener) }()
	return func() { _ = door.Close() }, nil
}

// shop is the address of the process whose turn it is.
func (t *trade) shop(turn int) string { return t.shops[turn%len(t.shops)].ready["storefront"] }

// sell lets shoppers buy, first for a time that does not count, then for one that does, but
// until one has bought at least. Whoever is in the shop at the end buys still.
func (t *trade) sell(ctx context.Context, shoppers int, warm, duration time.Duration) (got sold, err error) {
	var closing atomic.Bool
	g, ctx := errgroup.WithContext(ctx)
	for i := range shoppers {
		g.Go(func() error {
			if err := t.wait(ctx, warm/2*time.Duration(i)/time.Duration(shoppers), 0); err != nil { // they do not all come at once
				return err
			}
			for n := i; !closing.Load(); n += shoppers {
				if err := t.purchase(ctx, n); err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() (err error) {
		defer closing.Store(true)
		if err := t.wait(ctx, warm, 1); err != nil {
			return err
		}
		before, err := t.count(ctx)
		if err != nil {
			return err
		}
		start := time.Now()
		if err := t.wait(ctx, duration, before.purchases+1); err != nil {
			return err
		}
		got, err = t.count(ctx)
		got.seconds = time.Since(start).Seconds()
		got.purchases, got.again, got.requests = got.purchases-before.purchases, got.again-before.again, got.requests-before.requests
		got.used = got.used.plus(before.used, -1)
		return err
	})
	return got, g.Wait()
}

// wait waits for a time, and until there are so many purchases.
func (t *trade) wait(ctx context.Context, d time.Duration, purchases int) error {
	for end := time.Now().Add(d); ; {
		t.mu.Lock()
		enough := len(t.bought) >= purchases
		t.mu.Unlock()
		if enough && time.Now().After(end) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// count is what has been done so far; the pages are those since it was called last.
func (t *trade) count(ctx context.Context) (got sold, err error) {
	t.mu.Lock()
	got.purchases, got.again, got.pages, t.pages = len(t.bought), t.again, t.pages, newHistogram()
	t.mu.Unlock()
	var errs []error
	ms := func(used time.Duration, err error) float64 {
		errs = append(errs, err)
		return float64(used.Milliseconds())
	}
	got.used = cpuShares{Redis: ms(t.redis.cpu()), Fake: ms(t.klarna.cpu()), Load: ms(cpuOf(os.Getpid()))}
	if t.rig.postgres != nil {
		got.used.Postgres = ms(t.rig.postgres.cpuOfAll())
	}
	for _, shop := range t.shops {
		got.used.Shop += ms(shop.cpu())
		resident, err := rss(shop.pid())
		values, err2 := metrics(ctx, t.client, shop.ready["ops"], shopdRequests)
		errs, got.rss = append(errs, err, err2), max(got.rss, resident)
		got.requests += values[shopdRequests]
	}
	return got, errors.Join(errs...)
}

const shopdRequests = "shopd_request_duration_seconds_count"

// agree checks that each purchase is in the book once and nothing else is, and that Klarna
// has no order that was not bought.
func (t *trade) agree(ctx context.Context) error {
	want := len(t.bought) * requestsOfPurchase
	if err := t.shops[0].await(func() error { // requests are counted after their answer
		all, err := t.count(ctx)
		if more := int(all.requests) - want; err == nil && (more < t.again || more > 2*t.again) {
			err = fmt.Errorf("shopd had %.0f requests, want %d, with %d more tries", all.requests, want, t.again)
		}
		return err
	}); err != nil {
		return err
	}
	orders, err := t.fake.orders(ctx)
	if err != nil {
		return err
	}
	var atKlarna []string
	for _, o := range orders {
		if o.Status != "checkout_complete" {
			return fmt.Errorf("order %s is %s at Klarna", o.OrderID, o.Status)
		}
		atKlarna = append(atKlarna, o.OrderID)
	}
	for _, shop := range t.shops {
		shop.kill() // SQLite's file is open once
	}
	d, err := db.Open(ctx, t.at.database)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	inBook, err := db.All(ctx, d.Read, func(rows *sql.Rows) (id string, err error) {
		err = rows.Scan(&id)
		return id, err
	}, "select order_id from orders where acknowledged")
	for _, list := range [][]string{t.bought, inBook, atKlarna} {
		slices.Sort(list)
	}
	if err == nil && !slices.Equal(inBook, t.bought) || !slices.Equal(atKlarna, t.bought) {
		err = fmt.Errorf("%d purchases, %d orders in the book, %d at Klarna, or others", len(t.bought), len(inBook), len(atKlarna))
	}
	return err
}

// requestsOfPurchase is how many of them shopd gets in one: those of the steps, the confirmation,
// and of Klarna two about the address, the validation and the push.
var requestsOfPurchase = len(looking) + len(paying) + 5

// What a shopper does until the checkout is open, and then before he buys.
var (
	looking = []func(*shopper) request{
		(*shopper).catalogue, (*shopper).product, (*shopper).catalogue, (*shopper).product, (*shopper).catalogue, (*shopper).product,
		func(s *shopper) request { return s.add(s.sku) }, (*shopper).change, func(s *shopper) request { return s.page("/cart") }, (*shopper).open,
	}
	paying = []func(*shopper) request{(*shopper).open, (*shopper).update, (*shopper).update, (*shopper).update}
)

func (s *shopper) product() request { return s.page("/products/" + s.sku) }

// purchase is one checkout with its purchase, as docs/operations.md counts it. Each request goes
// to another process than the one before.
func (t *trade) purchase(ctx context.Context, n int) error {
	s, turn := &shopper{sku: goods[n%len(goods)], mugs: 1}, n
	do := func(step func(*shopper) request) (answer, error) {
		turn++
		s.shop = t.shop(turn)
		r, start := step(s), time.Now()
		got, err := t.client.do(ctx, r)
		if err == nil && r.method == http.MethodGet {
			took := min(time.Since(start).Microseconds(), maxLatency)
			t.mu.Lock()
			err = t.pages.RecordValue(took)
			t.mu.Unlock()
		}
		return got, err
	}
	var got answer
	var err error
	for _, step := range looking {
		if got, err = do(step); err != nil {
			return err
		}
		s.met(got)
	}
	if err := s.opened(got); err != nil {
		return err
	}
	for _, step := range paying {
		if _, err := do(step); err != nil {
			return err
		}
	}
	// The button fills in what is missing of the address: another callback.
	for _, action := range []string{fmt.Sprintf(`{"type":{"email":"shopper%d@example.com","postal_code":"11147"}}`, n), `{"buy":{}}`} {
		if err := t.act(ctx, s.orderID, action); err != nil {
			return err
		}
	}
	if _, err := do(func(s *shopper) request { return s.page("/checkout/confirmation?order_id=" + s.orderID) }); err != nil {
		return err
	}
	o, _, err := t.fake.order(ctx, s.orderID)
	if err != nil {
		return err
	}
	// By ourselves: Klarna sends it two minutes later, the fake only where the shop has not told it that it has the order.
	if _, err := t.client.do(ctx, request{method: http.MethodPost, url: o.filled(o.URLs.Push), status: http.StatusOK}); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bought = append(t.bought, s.orderID)
	return nil
}

// act does what a shopper does in the form. The shop may have too much to do, and ask to try
// again.
func (t *trade) act(ctx context.Context, orderID, action string) error {
	const tries = 20
	for i := 1; ; i++ {
		err := t.fake.act(ctx, orderID, action)
		var r *refused
		if !errors.As(err, &r) || i == tries || r.Code != "validation_refused" && !strings.HasSuffix(r.Code, "_failed") {
			return err
		}
		t.mu.Lock()
		t.again++
		t.mu.Unlock()
	}
}
