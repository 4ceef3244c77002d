package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/alicebob/miniredis/v2"
	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/story"
)

// pages is a storefront with one route for each thing that can happen.
type pages struct{ slow chan struct{} }

func (p pages) Routes(r chi.Router) {
	r.Get("/products/{sku}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "nonce="+templ.GetNonce(r.Context())+" id="+observe.RequestID(r.Context()))
	})
	r.Post("/cart/lines", func(w http.ResponseWriter, r *http.Request) {
		if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		_, _ = io.WriteString(w, r.PostForm.Get("sku"))
	})
	r.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("secret cause") })
	r.Get("/late-panic", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "sent")
		panic("too late")
	})
	r.Get("/abort", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	r.Get("/deadline", func(w http.ResponseWriter, r *http.Request) {
		deadline, _ := r.Context().Deadline()
		_, _ = fmt.Fprint(w, time.Until(deadline).Round(time.Second))
	})
	r.Get("/slow", func(w http.ResponseWriter, _ *http.Request) {
		close(p.slow)
		time.Sleep(2500 * time.Millisecond) // longer than the shop is drained
		_, _ = io.WriteString(w, "finished")
	})
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
}

// calls is one of Klarna's calls, which answers with its body.
type calls struct{}

func (calls) Routes(r chi.Router) {
	r.Post("/klarna/{token}/push", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
}

// Klarna's servers are no browser: where their calls come from is not asked,
// their limits are not the shopper's, and the token is in no log.
func TestCallbacks(t *testing.T) {
	s, log := newServer(t, nil)
	body := strings.Repeat("x", 100_000)
	res := get(s.Handler(), "POST", "/klarna/hush/push", body, "Sec-Fetch-Site", "cross-site", "Origin", "https://elsewhere.example")
	if got := text(t, res); res.StatusCode != http.StatusOK || got != body {
		t.Errorf("got %d, %d bytes", res.StatusCode, len(got))
	}
	if strings.Contains(log.String(), "hush") || !strings.Contains(log.String(), "route=/klarna/{token}/push") {
		t.Errorf("log:\n%s", log)
	}
}

// newServer returns a server over pages, and what it logs.
func newServer(t *testing.T, change func(*server.Options)) (*server.Server, *strings.Builder) {
	t.Helper()
	rdb, err := redisconn.Open("redis://" + miniredis.RunT(t).Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	var log strings.Builder
	o := server.Options{
		Published:      publish.Fixed(skerry.Version()),
		Storefront:     pages{slow: make(chan struct{})},
		Callbacks:      calls{},
		Redis:          rdb,
		Database:       func(context.Context) error { return nil },
		Logger:         slog.New(observe.LogHandler(slog.NewTextHandler(&log, nil))),
		PublicURL:      "https://shop.example",
		BrowserOrigins: []string{"https://js.klarna.example", "https://x.klarna.example"},
	}
	if change != nil {
		change(&o)
	}
	if o.Observer == nil {
		o.Observer = observetest.With(t, observe.Options{Redis: rdb, Logger: o.Logger})
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, &log
}

func get(h http.Handler, method, target, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result()
}

func text(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pictured is a shop whose pictures are at another host.
func pictured(t *testing.T) *publish.Published {
	t.Helper()
	goods, err := catalog.Read(strings.NewReader(`{"products": [{"sku": "A", "category": "a", "name": "A", "tax_class": "standard",
		"stock": 1, "picture": "https://cdn.example/a.jpg", "prices": {"SEK": 1}}], "currencies": ["SEK"]}`))
	if err != nil {
		t.Fatal(err)
	}
	return publish.Fixed(publish.NewVersion(1, skerry.Version().Shop, goods))
}

func TestSecurityHeaders(t *testing.T) {
	s, _ := newServer(t, func(o *server.Options) { o.Published = pictured(t) })
	res := get(s.Handler(), "GET", "/products/MUG-1", "")
	m := regexp.MustCompile(`^nonce=(\w{20,}) id=(\w{8})$`).FindStringSubmatch(text(t, res))
	if m == nil {
		t.Fatal("the handler has no nonce or no request ID")
	}
	got := map[string]string{}
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Request-Id"} {
		got[name] = strings.ReplaceAll(res.Header.Get(name), m[1], "NONCE")
	}
	want := map[string]string{
		"Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; " +
			"frame-ancestors 'none'; script-src 'strict-dynamic' 'nonce-NONCE'; style-src 'self' 'nonce-NONCE'; " +
			"frame-src https://js.klarna.example https://x.klarna.example; " +
			"connect-src 'self' https://js.klarna.example https://x.klarna.example; " +
			"img-src 'self' https://js.klarna.example https://x.klarna.example https://cdn.example",
		"X-Content-Type-Options": "nosniff",
		"Referrer-Policy":        "strict-origin",
		"X-Request-Id":           m[2],
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if again := text(t, get(s.Handler(), "GET", "/products/MUG-1", "", "X-Request-Id", "forged")); strings.Contains(again, m[1]) || strings.Contains(again, "forged") {
		t.Errorf("nonce used twice or request ID taken from the client: %s", again)
	}
}

func TestRefusals(t *testing.T) {
	s, _ := newServer(t, nil)
	refused := i18n.T("sv", "refused.title")
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	for _, tt := range []struct {
		name, method, target, body string
		header                     []string
		want                       int
		text                       string
	}{
		{"good form", "POST", "/cart/lines", "sku=MUG-1", form, 200, "MUG-1"},
		{"good form, same origin", "POST", "/cart/lines", "sku=A", append(form, "Sec-Fetch-Site", "same-origin"), 200, "A"},
		{"our origin behind a proxy", "POST", "/cart/lines", "sku=A", append(form, "Origin", "https://shop.example"), 200, "A"},
		{"cross-site", "POST", "/cart/lines", "sku=A", append(form, "Sec-Fetch-Site", "cross-site"), 403, refused},
		{"same-site", "POST", "/cart/lines", "sku=A", append(form, "Sec-Fetch-Site", "same-site"), 403, refused},
		{"other origin", "POST", "/cart/lines", "sku=A", append(form, "Origin", "https://evil.example"), 403, refused},
		{"null origin", "POST", "/cart/lines", "sku=A", append(form, "Origin", "null"), 403, refused},
		{"cross-site JSON", "POST", "/cart/lines", "{}", []string{"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}, 403, `{"error":{"code":"forbidden"`},
		{"cross-site get", "GET", "/deadline", "", []string{"Sec-Fetch-Site", "cross-site"}, 200, "12s"},
		{"huge form", "POST", "/cart/lines", "sku=" + strings.Repeat("x", 64<<10), form, 413, refused},
		{"huge JSON", "POST", "/cart/lines", strings.Repeat("x", 64<<10+1), []string{"Accept", "application/json"}, 413, `"code":"bad_request"`},
		{"wrong method", "DELETE", "/cart/lines", "", nil, 405, refused},
		{"head", "HEAD", "/deadline", "", nil, 200, ""},
		{"unknown path", "GET", "/nowhere", "", nil, 404, ""},
		{"panic", "GET", "/panic", "", nil, 500, i18n.T("sv", "error.title")},
		{"panic, JSON", "GET", "/panic", "", []string{"Accept", "application/json"}, 500, `"code":"internal"`},
		{"panic after the first byte", "GET", "/late-panic", "", nil, 200, "sent"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := get(s.Handler(), tt.method, tt.target, tt.body, tt.header...)
			got := text(t, res)
			if res.StatusCode != tt.want || !strings.Contains(got, tt.text) {
				t.Errorf("got %d %q, want %d %q", res.StatusCode, got, tt.want, tt.text)
			}
			if strings.Contains(got, "secret cause") {
				t.Errorf("the answer shows the cause: %q", got)
			}
			if tt.want == 500 && !strings.Contains(got, res.Header.Get("X-Request-Id")) {
				t.Errorf("the answer does not quote the request's ID: %q", got)
			}
			if tt.want == 405 {
				if d := cmp.Diff([]string{"POST"}, res.Header["Allow"]); d != "" {
					t.Errorf("Allow: %s", d)
				}
			}
		})
	}
}

func TestBodyOfUnknownLengthIsLimited(t *testing.T) {
	s, _ := newServer(t, nil)
	r := httptest.NewRequest("POST", "/cart/lines", io.MultiReader(strings.NewReader("sku="+strings.Repeat("x", 64<<10))))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	s.Handler().ServeHTTP(rec, r)
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d, want 413", rec.Code)
	}
}

func TestAbortHandlerPasses(t *testing.T) {
	s, _ := newServer(t, nil)
	defer func() {
		if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Error("http.ErrAbortHandler was swallowed")
		}
	}()
	get(s.Handler(), "GET", "/abort", "")
}

// The log names routes, not paths, queries or clients.
func TestAccessLogHoldsNoPersonalData(t *testing.T) {
	s, log := newServer(t, nil)
	for _, target := range []string{"/products/anna@example.com?token=hunter2", "/nowhere/hunter2"} {
		r := httptest.NewRequest("GET", target, nil)
		r.RemoteAddr = "192.0.2.7:1"
		r.Header.Set("Cookie", "shopd=hunter2")
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
	got := log.String()
	for _, secret := range []string{"anna", "hunter2", "192.0.2.7"} {
		if strings.Contains(got, secret) {
			t.Errorf("the log holds %q:\n%s", secret, got)
		}
	}
	for _, want := range []string{"route=/products/{sku}", "route=none", "status=404", "request_id="} {
		if !strings.Contains(got, want) {
			t.Errorf("the log lacks %q:\n%s", want, got)
		}
	}
}

// start runs s on free ports and returns the two addresses and a stop function.
func start(t *testing.T, s *server.Server) (shop, ops string, stop func() error) {
	t.Helper()
	var listeners [2]net.Listener
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, listeners[0], listeners[1]) }()
	stop = func() error { cancel(); return <-ended }
	return "http://" + listeners[0].Addr().String(), "http://" + listeners[1].Addr().String(), stop
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	return res.StatusCode, text(t, res)
}

func TestHealthAndMetrics(t *testing.T) {
	mini := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: mini.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = rdb.Close() }()
	told := story.New(story.Options{QueueSize: 1})
	for range 8 {
		told.Record(story.Entry{CartID: "cart"})
	}
	counted := observetest.With(t, observe.Options{Redis: rdb, Story: told})
	none := func(context.Context) (int64, time.Time, error) { return 0, time.Time{}, nil }
	counted.Watch(func(context.Context) error { return nil }, observe.Queue{Length: none}, observe.Queue{Name: "unfinished_orders", Length: none})
	counted.Book(observe.BookPlace, observe.ResultStored)
	_, done := counted.Round(t.Context(), observe.LoopReconcile)
	done(nil)
	counted.Callback(t.Context(), observe.Callback{Name: "validation", Result: "ok"})
	var away atomic.Bool // the database
	s, _ := newServer(t, func(o *server.Options) {
		o.Redis, o.Observer = rdb, counted
		o.Database = func(context.Context) error {
			if away.Load() {
				return errors.New("away")
			}
			return nil
		}
	})
	shop, ops, stop := start(t, s)
	for _, url := range []string{shop + "/healthz", shop + "/readyz", ops + "/healthz", ops + "/readyz", ops + "/debug/pprof/"} {
		if code, body := fetch(t, url); code != http.StatusOK {
			t.Errorf("%s: %d %s", url, code, body)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/"} {
		if code, _ := fetch(t, shop+path); code != http.StatusNotFound {
			t.Errorf("the shop serves %s with %d", path, code)
		}
	}
	fetch(t, shop+"/products/MUG-1")
	_, metrics := fetch(t, ops+"/metrics")
	for _, want := range []string{
		`shopd_request_duration_seconds_count{code="200",method="GET",route="/products/{sku}"} 1`,
		`shopd_redis_pool_connections{state="idle"}`, "go_goroutines",
		`shopd_order_book_total{event="place",result="stored"} 1`, `shopd_rounds_total{loop="reconcile",result="done"} 1`, `shopd_queue_entries{queue="unfinished_orders"} 0`, "shopd_queue_errors_total 0",
		`shopd_callbacks_total{callback="validation",result="ok"} 1`, `shopd_story_entries_total{result="dropped"} 7`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	away.Store(true)
	if code, body := fetch(t, shop+"/readyz"); code != http.StatusOK || !strings.Contains(body, "degraded") {
		t.Errorf("/readyz without the database: %d %s", code, body)
	}
	mini.Close()
	if code, _ := fetch(t, shop+"/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("/readyz without Redis: %d", code)
	}
	if code, _ := fetch(t, shop+"/healthz"); code != http.StatusOK {
		t.Errorf("/healthz without Redis: %d", code)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A database that hangs, and not only one that is away, leaves a process ready within the
// second that probes wait.
func TestReadyWhileTheDatabaseHangs(t *testing.T) {
	var waits time.Duration
	s, _ := newServer(t, func(o *server.Options) {
		o.Database = func(ctx context.Context) error {
			if end, limited := ctx.Deadline(); limited {
				waits = time.Until(end)
			}
			<-ctx.Done()
			return ctx.Err()
		}
	})
	shop, _, stop := start(t, s)
	if code, body := fetch(t, shop+"/readyz"); code != http.StatusOK || !strings.Contains(body, "degraded") {
		t.Errorf("%d %s", code, body)
	}
	if waits > 800*time.Millisecond {
		t.Errorf("the database is waited for %v", waits)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// On stop: /readyz says no while the listener is still open, a request under way is
// finished, then nothing listens any more.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	p := pages{slow: make(chan struct{})}
	s, _ := newServer(t, func(o *server.Options) { o.Storefront, o.Drain = p, 2*time.Second })
	shop, ops, stop := start(t, s)
	slow := make(chan string, 1)
	go func() {
		_, body := fetch(t, shop+"/slow")
		slow <- body
	}()
	<-p.slow
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	for {
		code, _ := fetch(t, ops+"/readyz")
		if code == http.StatusServiceUnavailable {
			break
		}
		if code == 0 {
			t.Fatal("nothing listens, and /readyz never said no")
		}
	}
	if code, body := fetch(t, shop+"/deadline"); code != http.StatusOK {
		t.Errorf("a request while draining: %d %s", code, body)
	}
	if got := <-slow; got != "finished" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Run: %v", err)
	}
	if code, _ := fetch(t, shop+"/healthz"); code != 0 {
		t.Errorf("after the stop the shop answers %d", code)
	}
}

func TestRunFailsWhenAListenerFails(t *testing.T) {
	s, _ := newServer(t, nil)
	var listeners [2]net.Listener
	for i := range listeners {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listeners[i] = l
	}
	_ = listeners[1].Close()
	if err := s.Run(t.Context(), listeners[0], listeners[1]); err == nil || !strings.Contains(err.Error(), listeners[1].Addr().String()) {
		t.Errorf("Run = %v, want an error that names the address", err)
	}
}

func TestNewRefusesBadPublicURL(t *testing.T) {
	if _, err := server.New(server.Options{PublicURL: "https://shop.example/path"}); err == nil {
		t.Error("no error")
	}
}
