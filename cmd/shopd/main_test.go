package main

import (
	"bufio"
	"bytes"
	stdcmp "cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// program is a command that runs inside the test.
type program struct {
	ready map[string]string // "storefront": "http://localhost:…"
	order []string
	stop  func() int // ends it, returns its status
	log   *shoptest.Log
}

// start runs a command and waits for its last ready line, which begins with last.
func start(t *testing.T, vars map[string]string, last string, args ...string) *program {
	t.Helper()
	return startLogged(t, new(shoptest.Log), vars, last, args...)
}

// startLogged is start with a log that can be read before the program is ready.
func startLogged(t *testing.T, log *shoptest.Log, vars map[string]string, last string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p := &program{ready: map[string]string{}, log: log}
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		status := run(ctx, args, func(name string) string {
			skerry := map[string]string{"SHOPD_SHOP": "../../examples/skerry/shop.yaml", "SHOPD_CATALOG": "../../examples/skerry/catalog.json"}
			return stdcmp.Or(vars[name], skerry[name])
		}, in, p.log)
		_ = in.Close()
		ended <- status
	}()
	p.stop = sync.OnceValue(func() int {
		cancel()
		go func() { _, _ = io.Copy(io.Discard, out) }()
		return <-ended
	})
	t.Cleanup(func() { p.stop() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		name, address, _ := strings.Cut(lines.Text(), " ")
		p.ready[name] = address
		p.order = append(p.order, name)
		if name == last {
			return p
		}
	}
	t.Fatalf("shopd %s ended before it was ready:\n%s", args, p.log)
	return nil
}

// browser is a client with cookies that follows no redirects.
func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func fetch(t *testing.T, c *http.Client, method, target, form string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// checkout puts a mug in the cart and opens the checkout.
func checkout(t *testing.T, shop string) *http.Client {
	t.Helper()
	c := browser(t)
	if status, body := fetch(t, c, "POST", shop+"/cart/lines", "sku=MUG-1&quantity=2"); status != http.StatusSeeOther {
		t.Fatalf("add to cart: %d %s", status, body)
	}
	if status, body := fetch(t, c, "GET", shop+"/checkout", ""); status != http.StatusOK || !strings.Contains(body, "klarna-checkout-container") {
		t.Fatalf("checkout: %d %s", status, body)
	}
	return c
}

// buy presses the button of the one order that a fake lists, and returns where the shopper is sent.
func buy(t *testing.T, fake, orders string) string {
	t.Helper()
	_, rest, _ := strings.Cut(orders, `"order_id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	status, body := fetch(t, browser(t), "POST", fake+"/fake/orders/"+id+"/shopper", `{"buy":{}}`)
	var shown struct {
		ConfirmationURL string `json:"confirmation_url"`
	}
	if err := json.Unmarshal([]byte(body), &shown); err != nil || status != http.StatusOK || shown.ConfirmationURL == "" {
		t.Fatalf("buy: %d %s", status, body)
	}
	return shown.ConfirmationURL
}

func TestDemo(t *testing.T) {
	p := start(t, nil, "ops", "demo", "-addr", "127.0.0.1:0", "-ops-addr", "127.0.0.1:0", "-klarna-addr", "127.0.0.1:0")
	if d := cmp.Diff([]string{"storefront", "klarna", "backoffice", "api", "ops"}, p.order); d != "" {
		t.Errorf("ready lines: %s", d)
	}
	for name, host := range map[string]string{"storefront": "localhost", "klarna": "127.0.0.1", "ops": "127.0.0.1"} {
		if u, err := url.Parse(p.ready[name]); err != nil || u.Hostname() != host {
			t.Errorf("%s is at %s, want host %s", name, p.ready[name], host)
		}
	}
	c := checkout(t, p.ready["storefront"])
	status, body := fetch(t, browser(t), "GET", p.ready["klarna"]+"/fake/orders", "")
	if status != http.StatusOK || strings.Count(body, `"order_id"`) != 1 {
		t.Errorf("the fake's orders: %d %s", status, body)
	}
	if status, body := fetch(t, c, "GET", buy(t, p.ready["klarna"], body), ""); status != http.StatusOK || !strings.Contains(body, "/orders/SK-") {
		t.Errorf("the confirmation: %d %s", status, body)
	}
	if status, metrics := fetch(t, browser(t), "GET", p.ready["ops"]+"/metrics", ""); status != http.StatusOK ||
		!strings.Contains(metrics, `shopd_order_book_total{event="place",result="stored"} 1`) {
		t.Errorf("/metrics: %d %s", status, metrics)
	}
	if strings.Contains(p.log.String(), "orders are not safe") {
		t.Error("the demo worries about orders that it said it forgets")
	}

	_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.ready["storefront"], "http://"))
	var log bytes.Buffer
	health := func() int {
		return run(t.Context(), []string{"healthcheck", "-addr", ":" + port}, func(string) string { return "" }, io.Discard, &log)
	}
	if status := health(); status != 0 {
		t.Errorf("healthcheck: %d %s", status, &log)
	}
	if status := run(t.Context(), []string{"healthcheck", "-url", p.ready["klarna"] + "/fake/clock"}, func(string) string { return "" }, io.Discard, &log); status != 0 {
		t.Errorf("healthcheck of the fake: %d %s", status, &log)
	}
	if status := p.stop(); status != 0 {
		t.Errorf("demo ended with %d:\n%s", status, p.log)
	}
	if status := health(); status != 1 {
		t.Errorf("healthcheck of what does not run: %d", status)
	}
}

func TestServe(t *testing.T) {
	fake := fakeklarna.NewServer(t, fakeklarna.Options{CallbackHosts: []string{"shop.example"}})
	redis := redistest.StartServer(t)
	vars := map[string]string{
		"SHOPD_ADDR": "127.0.0.1:0", "SHOPD_OPS_ADDR": "127.0.0.1:0",
		"SHOPD_PUBLIC_URL": "http://shop.example", "SHOPD_REDIS_URL": redis.URL, "SHOPD_DATABASE_URL": dbtest.PostgresURL(t),
		"SHOPD_KLARNA_URL": fake.URL, "SHOPD_KLARNA_USERNAME": "demo", "SHOPD_KLARNA_PASSWORD": "demo",
		"SHOPD_SECRET": "0123456789abcdef",
	}
	first := start(t, vars, "ops", "serve")
	if !strings.Contains(first.log.String(), "orders are not safe") || !strings.Contains(first.log.String(), "fsync is off") {
		t.Errorf("nothing is said of a database that may lose orders:\n%s", first.log)
	}
	shop := first.ready["storefront"]
	c := checkout(t, shop)
	origin, _ := url.Parse(shop)
	if cookies := c.Jar.Cookies(origin); len(cookies) != 1 || cookies[0].Name != "shopd" {
		t.Errorf("cookies = %v, want one named shopd", cookies)
	}
	orders := fake.Orders()
	if len(orders) != 1 {
		t.Fatalf("%d orders, want 1", len(orders))
	}
	if got, want := orders[0].MerchantURLs.Terms, "http://shop.example/terms"; got != want {
		t.Errorf("terms = %q, want %q", got, want)
	}

	// A second process on the same Redis serves the same session and order.
	second := start(t, vars, "ops", "serve").ready["storefront"]
	other, _ := url.Parse(second)
	c.Jar.SetCookies(other, c.Jar.Cookies(origin))
	if status, body := fetch(t, c, "GET", second+"/checkout", ""); status != http.StatusOK || len(fake.Orders()) != 1 {
		t.Errorf("checkout at the second process: %d, %d orders\n%s", status, len(fake.Orders()), body)
	}

	redis.Stop()
	if status, _ := fetch(t, browser(t), "GET", shop+"/readyz", ""); status != http.StatusServiceUnavailable {
		t.Errorf("/readyz without Redis: %d", status)
	}
	if status := first.stop(); status != 0 {
		t.Errorf("serve ended with %d", status)
	}
	for _, secret := range []string{"0123456789abcdef", "demo:demo", c.Jar.Cookies(origin)[0].Value} {
		if strings.Contains(first.log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, first.log)
		}
	}
}

// The database and the shop are often started together.
func TestServeWaitsForDatabase(t *testing.T) {
	fake := fakeklarna.NewServer(t, fakeklarna.Options{CallbackHosts: []string{"shop.example"}})
	server := dbtest.StartServer(t)
	data := server.Database()
	server.Kill()
	log := new(shoptest.Log)
	waits := func() bool { return strings.Contains(log.String(), "the database does not answer yet") }
	var starting sync.WaitGroup
	starting.Go(func() {
		for began := time.Now(); time.Since(began) < 30*time.Second && !waits(); {
			time.Sleep(10 * time.Millisecond)
		}
		server.Restart()
	})
	p := startLogged(t, log, map[string]string{
		"SHOPD_ADDR": "127.0.0.1:0", "SHOPD_OPS_ADDR": "127.0.0.1:0", "SHOPD_DATABASE_URL": data,
		"SHOPD_PUBLIC_URL": "http://shop.example", "SHOPD_REDIS_URL": redistest.StartServer(t).URL,
		"SHOPD_KLARNA_URL": fake.URL, "SHOPD_KLARNA_PASSWORD": "demo", "SHOPD_SECRET": "0123456789abcdef",
	}, "ops", "serve")
	starting.Wait()
	if !waits() {
		t.Errorf("the wait was not logged:\n%s", log)
	}
	checkout(t, p.ready["storefront"])
}

func TestFakeKlarna(t *testing.T) {
	p := start(t, nil, "klarna", "fake-klarna", "-klarna-addr", "127.0.0.1:0", "-klarna-credentials", "shop:hunter2")
	status, _ := fetch(t, browser(t), "GET", p.ready["klarna"]+"/fake/orders", "")
	if status != http.StatusOK {
		t.Errorf("/fake/orders: %d", status)
	}
	for _, tt := range []struct {
		password string
		want     int
	}{{"hunter2", http.StatusNotFound}, {"demo", http.StatusUnauthorized}} {
		r, err := http.NewRequestWithContext(t.Context(), "GET", p.ready["klarna"]+"/checkout/v3/orders/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("shop", tt.password)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != tt.want {
			t.Errorf("password %s: %d, want %d", tt.password, res.StatusCode, tt.want)
		}
	}
	if status := p.stop(); status != 0 {
		t.Errorf("fake-klarna ended with %d", status)
	}
}

// With a seed every run is the same; -quiet leaves the ready line only.
func TestFakeKlarnaSettings(t *testing.T) {
	const order = `{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":0,"order_tax_amount":0,"order_lines":[],"merchant_urls":{
		"terms":"https://a.example","checkout":"https://a.example","confirmation":"https://a.example","push":"https://a.example/{checkout.order.id}"}}`
	create := func(vars map[string]string, args ...string) (answer, log string) {
		p := start(t, vars, "klarna", append([]string{"fake-klarna", "-klarna-addr", "127.0.0.1:0"}, args...)...)
		r, err := http.NewRequestWithContext(t.Context(), "POST", p.ready["klarna"]+"/checkout/v3/orders", strings.NewReader(order))
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth("demo", "demo")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if status := p.stop(); status != 0 {
			t.Errorf("fake-klarna ended with %d", status)
		}
		var o struct {
			OrderID string                `json:"order_id"`
			Country string                `json:"purchase_country"`
			URLs    struct{ Push string } `json:"merchant_urls"`
		}
		if err := json.Unmarshal(body, &o); err != nil {
			return fmt.Sprint(res.StatusCode), p.log.String()
		}
		return o.OrderID + " " + o.Country + " " + o.URLs.Push, p.log.String()
	}
	first, log := create(nil, "-seed", "7")
	if !strings.Contains(log, "klarna call") {
		t.Errorf("the call was not logged: %s", log)
	}
	id, _, _ := strings.Cut(first, " ")
	if want := id + " se https://a.example/{checkout.order.id}"; first != want {
		t.Errorf("got %q, want %q", first, want)
	}
	second, log := create(map[string]string{"SHOPD_SEED": "7", "SHOPD_ECHO_COUNTRY_AS_SENT": "true"}, "-quiet", "-echo-filled-urls")
	if want := id + " SE https://a.example/" + id; second != want {
		t.Errorf("got %q, want %q", second, want)
	}
	if log != "" {
		t.Errorf("-quiet logs %s", log)
	}
	if third, _ := create(nil); strings.HasPrefix(third, id) {
		t.Errorf("without a seed the same ID came: %q", third)
	}
}

func TestFailures(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, tt := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"nothing", nil, 2, "usage: shopd"},
		{"unknown command", []string{"sell"}, 2, `no command "sell"`},
		{"unknown flag", []string{"demo", "-colour"}, 2, "-colour"},
		{"argument too many", []string{"demo", "x"}, 2, "shopd demo: takes no arguments, got [\"x\"]\nshopd demo -help says what it takes"},
		{"argument too few", []string{"key", "shop"}, 2, "wants NAME SCOPES"},
		{"no order", []string{"place"}, 2, "wants ORDER_ID…"},
		{"an order of the shop's own", []string{"place", "a1b2", "ord_abc"}, 1, `"ord_abc" cannot be the ID of an order at Klarna`},
		{"flag behind the argument", []string{"explain", "cart.json", "-catalog", "c.yaml"}, 2, "wants FILE"},
		{"serve without settings", []string{"serve"}, 1, "SHOPD_SECRET or SHOPD_SECRET_FILE is missing"},
		{"port in use", []string{"demo", "-addr", taken.Addr().String()}, 1,
			fmt.Sprintf("-addr (SHOPD_ADDR): port %s is in use by another program; stop that one, or choose another port: 127.0.0.1:0", port)},
		{"bad address", []string{"demo", "-addr", "nowhere"}, 1, "-addr (SHOPD_ADDR): "},
		{"ops port in use", []string{"demo", "-addr", "127.0.0.1:0", "-ops-addr", taken.Addr().String()}, 1, "-ops-addr (SHOPD_OPS_ADDR): port"},
		{"fake's port in use", []string{"demo", "-addr", "127.0.0.1:0", "-ops-addr", "127.0.0.1:0", "-klarna-addr", taken.Addr().String()}, 1, "-klarna-addr (SHOPD_KLARNA_ADDR): port"},
		{"fake's credentials", []string{"fake-klarna", "-klarna-addr", "127.0.0.1:0", "-klarna-credentials", "demo"}, 1, "user:password"},
		{"fake's seed", []string{"fake-klarna", "-klarna-addr", "127.0.0.1:0", "-seed", "-1"}, 1, `-seed (SHOPD_SEED): "-1" is not a whole number`},
		{"fake's chaos", []string{"demo", "-klarna-addr", "127.0.0.1:0", "-addr", "127.0.0.1:0", "-ops-addr", "127.0.0.1:0", "-chaos", "1.5"}, 1, `-chaos (SHOPD_CHAOS): "1.5" is not from 0 to 1`},
		{"fake's chaos, no number", []string{"fake-klarna", "-klarna-addr", "127.0.0.1:0", "-chaos", "NaN"}, 1, `-chaos (SHOPD_CHAOS): "NaN" is not from 0 to 1`},
		{"fake's push", []string{"fake-klarna", "-klarna-addr", "127.0.0.1:0", "-push-delay", "soon"}, 1, `-push-delay (SHOPD_PUSH_DELAY): "soon" is not a length of time`},
		{"fake's switches", []string{"fake-klarna", "-klarna-addr", "127.0.0.1:0", "-echo-filled-urls=perhaps"}, 1, `-echo-filled-urls (SHOPD_ECHO_FILLED_URLS): "perhaps" is neither`},
		{"quiet", []string{"fake-klarna", "-klarna-addr", "127.0.0.1:0", "-quiet=perhaps"}, 1, `-quiet (SHOPD_QUIET): "perhaps" is neither`},
		{"fake's public URL", []string{"fake-klarna", "-klarna-addr", "127.0.0.1:0", "-klarna-public-url", "localhost"}, 1, "-klarna-public-url (SHOPD_KLARNA_PUBLIC_URL): must"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			status := run(t.Context(), tt.args, func(string) string { return "" }, io.Discard, &stderr)
			if status != tt.status || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("status %d, %q; want %d and %q", status, stderr.String(), tt.status, tt.want)
			}
		})
	}
}

// All that keeps a shop from starting is told at once, with the names of flag and variable, and the demo says what to type.
func TestAllProblemsAtOnce(t *testing.T) {
	var args []string
	for _, name := range []string{"-addr", "-ops-addr", "-klarna-addr"} {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = taken.Close() }()
		args = append(args, name, taken.Addr().String())
	}
	vars := map[string]string{"SHOPD_SECRET_FILE": "none-of-these", "SHOPD_DATABASE_URL_FILE": "nowhere", "SHOPD_SHOP": "nor-this", "SHOPD_CATALOG": "nor-that", "SHOPD_DRAIN": "soon", "SHOPD_CHAOS": "2", "SHOPD_PUBLIC_URL": "shop"}
	for _, tt := range []struct {
		command string
		ports   int
		want    []string
	}{
		{"serve", 2, []string{"SHOPD_SECRET_FILE: open none-of-these", "SHOPD_DATABASE_URL_FILE: open nowhere", "-shop (SHOPD_SHOP): ", "-catalog (SHOPD_CATALOG): ", "-drain (SHOPD_DRAIN): ", "-public-url (SHOPD_PUBLIC_URL): ",
			"-redis-url (SHOPD_REDIS_URL or SHOPD_REDIS_URL_FILE) is missing", "-addr (SHOPD_ADDR): port", "-ops-addr (SHOPD_OPS_ADDR): port"}},
		{"demo", 3, []string{"SHOPD_SECRET_FILE: open none-of-these", "-shop (SHOPD_SHOP): ", "-catalog (SHOPD_CATALOG): ", "-drain (SHOPD_DRAIN): ", "-public-url (SHOPD_PUBLIC_URL): ",
			"-chaos (SHOPD_CHAOS): ", "-addr (SHOPD_ADDR): port", "-ops-addr (SHOPD_OPS_ADDR): port", "-klarna-addr (SHOPD_KLARNA_ADDR): port", "make demo PORT="}},
	} {
		var stderr bytes.Buffer
		if status := run(t.Context(), append([]string{tt.command}, args[:2*tt.ports]...), func(name string) string { return vars[name] }, io.Discard, &stderr); status != 1 {
			t.Errorf("%s: status %d", tt.command, status)
		}
		for _, want := range tt.want {
			if strings.Count(stderr.String(), want) != 1 {
				t.Errorf("%s does not say %q once:\n%s", tt.command, want, &stderr)
			}
		}
		for _, untrue := range []string{"SHOPD_SECRET_FILE is missing", "SHOPD_DATABASE_URL_FILE) is missing"} {
			if strings.Contains(stderr.String(), untrue) {
				t.Errorf("%s says %q of a file that cannot be read:\n%s", tt.command, untrue, &stderr)
			}
		}
	}
}

func TestVersion(t *testing.T) {
	var stdout bytes.Buffer
	if status := run(t.Context(), []string{"version"}, os.Getenv, &stdout, io.Discard); status != 0 ||
		!regexp.MustCompile(`^shopd \S+\ncommit ([0-9a-f]{40}(\+dirty)?|unknown)\nschema [1-9]\d*\ngo1\S+\n$`).MatchString(stdout.String()) {
		t.Errorf("%d %q", status, &stdout)
	}
}

// One file holds every route that the shop answers.
func TestRoutes(t *testing.T) {
	rdb, err := redisconn.Open("redis://" + miniredis.RunT(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rdb.Close() }()
	e, err := parsed(t, "serve", good())
	if err != nil {
		t.Fatal(err)
	}
	s, err := validated(e)
	if err != nil {
		t.Fatal(err)
	}
	s.DB, s.Redis, s.Logger = dbtest.SQLite(t), rdb, slog.New(slog.DiscardHandler)
	parts, err := shop.New(s)
	if err != nil {
		t.Fatal(err)
	}
	var routes []string
	err = chi.Walk(parts.Server.Handler().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.HasPrefix(route, "/static") {
			routes = append(routes, route+" "+method)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(routes)
	golden(t, "routes.txt", strings.Join(routes, "\n")+"\n")
}
