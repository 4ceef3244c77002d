package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/web/static"
)

// site is all that a shop with everything in it answers.
type site struct {
	t       *testing.T
	redis   *miniredis.Miniredis
	fake    *fakeklarna.TestServer
	log     *shoptest.Log
	handler http.Handler
}

// newSite returns a shop with both payment forms and a back office, as browsers know it
// by https, with further settings.
func newSite(t *testing.T, more ...string) *site {
	t.Helper()
	mini := miniredis.RunT(t)
	rdb, err := redisconn.Open("redis://" + mini.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	vars := good()
	fake, log := fakeklarna.NewServer(t, fakeklarna.Options{}), new(shoptest.Log)
	vars["SHOPD_KLARNA_URL"] = fake.URL
	vars["SHOPD_KLARNA_USERNAME"], vars["SHOPD_KLARNA_PASSWORD"] = "demo", "demo"
	vars["SHOPD_STAFF"] = demoStaff
	e, err := parsed(t, "serve", vars, more...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := validated(e)
	if err != nil {
		t.Fatal(err)
	}
	d := dbtest.SQLite(t)
	e.ownShop, e.ownGoods = skerry.Files()
	if s.Published, err = e.published(t.Context(), d, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	s.BothCheckouts, s.DB, s.Redis, s.Logger = true, d, rdb, slog.New(observe.LogHandler(slog.NewJSONHandler(log, nil)))
	parts, err := shop.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return &site{t: t, redis: mini, fake: fake, log: log, handler: parts.Server.Handler()}
}

// ask sends a request; header holds names and values.
func (s *site) ask(method, target, body string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "https://shop.example"+target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	return rec.Result()
}

var (
	aForm = []string{"Content-Type", "application/x-www-form-urlencoded"}
	aJSON = []string{"Content-Type", "application/json"}
)

// cookie is what an answer sets, to be sent back.
func cookie(t *testing.T, res *http.Response) []string {
	t.Helper()
	if len(res.Cookies()) == 0 {
		t.Fatalf("%d sets no cookie", res.StatusCode)
	}
	return []string{"Cookie", res.Cookies()[0].Name + "=" + res.Cookies()[0].Value}
}

var nonces = regexp.MustCompile(`'nonce-(\w{20,})'`)

// everyAnswer are headers that no answer may lack, whatever it is.
var everyAnswer = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "strict-origin",
	"Cross-Origin-Opener-Policy":   "same-origin-allow-popups",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Strict-Transport-Security":    "max-age=31536000",
	"Permissions-Policy":           "bluetooth=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), serial=(), usb=()",
	"Cache-Control":                "no-store",
}

// checkHeaders holds an answer to what every answer has.
func checkHeaders(t *testing.T, res *http.Response) {
	t.Helper()
	want := everyAnswer
	if strings.HasPrefix(res.Request.URL.Path, "/static/") && res.StatusCode == http.StatusOK {
		want = map[string]string{"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "cross-origin"}
		for name, value := range everyAnswer {
			if want[name] == "" {
				want[name] = value
			}
		}
	}
	for name, value := range want {
		got := slices.DeleteFunc(slices.Clone(res.Header.Values(name)), func(v string) bool { return v == `no-cache="Set-Cookie"` }) // of the session's
		if !slices.Equal(got, []string{value}) {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	policy := res.Header.Values("Content-Security-Policy")
	switch {
	case strings.HasPrefix(res.Request.URL.Path, "/shop/"): // files of the merchant's, in which nothing may run
		if !slices.Equal(policy, []string{"default-src 'none'; style-src 'unsafe-inline'; sandbox"}) {
			t.Errorf("Content-Security-Policy of a file of the shop's: %q", policy)
		}
	case len(policy) != 1 || !strings.HasPrefix(policy[0], "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; script-src 'strict-dynamic' 'nonce-"):
		t.Errorf("Content-Security-Policy: %q", policy)
	case strings.Contains(strings.ReplaceAll(policy[0], "style-src-attr 'unsafe-inline'", ""), "unsafe") || strings.Contains(policy[0], "*;"):
		t.Errorf("Content-Security-Policy lets too much through: %q", policy)
	}
	for _, name := range []string{"Server", "X-Powered-By", "Via", "Access-Control-Allow-Origin"} {
		if got := res.Header.Get(name); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
	for _, line := range res.Header.Values("Set-Cookie") {
		for _, want := range []string{"__Host-", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"} {
			if !strings.Contains(line, want) || strings.Contains(line, "Domain=") {
				t.Errorf("cookie %q lacks %q, or is for other hosts", line, want)
			}
		}
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if kind := res.Header.Get("Content-Type"); len(body) > 0 && !strings.Contains(kind, "; charset=utf-8") && kind != "application/json" && kind != "image/svg+xml" {
		t.Errorf("Content-Type: %q", kind)
	}
	if res.StatusCode < 400 || res.Request.URL.Path == "/readyz" { // which is for operators
		return
	}
	for _, detail := range []string{"goroutine ", ".go:", "redis", "Redis", "127.0.0.1", "dial tcp", "github.com/shopd/shopd/internal", "panic", ": EOF", "unexpected EOF", "strconv", "json:"} {
		if strings.Contains(string(body), detail) {
			t.Errorf("the error page shows %q:\n%s", detail, body)
		}
	}
}

// routes are all that the shop answers, with something in the place of each parameter.
func (s *site) routes() (all [][2]string) {
	s.t.Helper()
	put := strings.NewReplacer("{sku}", "MUG-1", "{number}", "SK-7F3K-92AB", "{token}", "no-token", "/*", "/x")
	err := chi.Walk(s.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		all = append(all, [2]string{method, regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(put.Replace(route), "x")})
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// Every route has the headers, for who has no cookie, a cart, or a session of staff, and
// whether it is asked as it wants to be or not. A new route is in here by itself.
func TestHeadersOfEveryRoute(t *testing.T) {
	s := newSite(t, "-write-limit", "0")
	shopper := cookie(t, s.ask("POST", "/cart/lines", "sku=MUG-1&quantity=2", aForm...))
	staff := cookie(t, s.ask("POST", "/admin/sign-in", "name=demo&password=demo", aForm...))
	routes := s.routes()
	if len(routes) < 50 {
		t.Fatalf("only %d routes", len(routes))
	}
	seen := map[string]bool{}
	for _, route := range routes {
		for _, who := range []struct {
			name   string
			header []string
		}{{"nobody", nil}, {"a shopper", shopper}, {"staff", staff}} {
			if route[1] == "/admin/sign-out" && who.name == "staff" {
				continue // the others would be nobody's then
			}
			for _, header := range [][]string{nil, aForm, aJSON} {
				t.Run(route[0]+" "+route[1]+" "+who.name, func(t *testing.T) {
					res := s.ask(route[0], route[1], "{}", append(slices.Clone(who.header), header...)...)
					res.Request = httptest.NewRequest(route[0], route[1], nil)
					checkHeaders(t, res)
					for _, m := range nonces.FindAllStringSubmatch(res.Header.Get("Content-Security-Policy"), 1) {
						if seen[m[1]] {
							t.Errorf("the nonce %s is used twice", m[1])
						}
						seen[m[1]] = true
					}
				})
			}
		}
	}
}

// What no route answers has them too, and so have all errors.
func TestHeadersOfEveryError(t *testing.T) {
	s := newSite(t, "-write-limit", "0")
	shopper := cookie(t, s.ask("POST", "/cart/lines", "sku=MUG-1", aForm...))
	for _, tt := range []struct {
		name, method, target, body string
		header                     []string
		want                       int
	}{
		{"static", "GET", static.URL("checkout.js"), "", nil, 200},
		{"static, a range", "GET", static.URL("pictures/MUG-1.svg"), "", []string{"Range", "bytes=0-3"}, 206},
		{"static of another release", "GET", "/static/0000/checkout.js", "", nil, 302},
		{"static that is none", "GET", "/static/0000/none.js", "", nil, 404},
		{"static by POST", "POST", static.URL("checkout.js"), "", nil, 405},
		{"path traversal", "GET", "/static/0000/../../../etc/passwd", "", nil, 404},
		{"path traversal, encoded", "GET", "/static/0000/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "", nil, 404},
		{"path traversal, backslash", "GET", `/static/0000/..%5c..%5cetc%5cpasswd`, "", nil, 404},
		{"source", "GET", "/static/0000/static.go", "", nil, 404},
		{"NUL", "GET", "/static/0000/a%00.js", "", nil, 404},
		{"404", "GET", "/nowhere", "", nil, 404},
		{"404 of the back office", "GET", "/admin/nowhere", "", nil, 303},
		{"404 of a callback", "POST", "/klarna/wrong/push", "{}", aJSON, 404},
		{"405", "DELETE", "/cart", "", nil, 405},
		{"OPTIONS", "OPTIONS", "/cart/lines", "", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, 405},
		{"403", "POST", "/cart/lines", "sku=MUG-1", append([]string{"Sec-Fetch-Site", "cross-site"}, aForm...), 403},
		{"403 JSON", "POST", "/checkout/update", "{}", append([]string{"Sec-Fetch-Site", "cross-site"}, aJSON...), 403},
		{"400", "POST", "/checkout/update", "{", append(slices.Clone(aJSON), shopper...), 400},
		{"413", "POST", "/cart/lines", "sku=" + strings.Repeat("x", 70_000), aForm, 413},
		{"415", "POST", "/cart/lines", "{}", aJSON, 415},
		{"422", "POST", "/cart/lines", "sku=none", append(slices.Clone(aForm), shopper...), 422},
		{"without Redis", "", "", "", nil, 0},
		{"503", "GET", "/cart", "", shopper, 503},
		{"503 of health", "GET", "/readyz", "", nil, 503},
		{"503 of the back office", "POST", "/admin/sign-in", "name=a&password=b", aForm, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.name == "without Redis" {
				s.redis.Close()
				return
			}
			res := s.ask(tt.method, tt.target, tt.body, tt.header...)
			if res.StatusCode != tt.want {
				t.Errorf("status %d, want %d", res.StatusCode, tt.want)
			}
			res.Request = httptest.NewRequest(tt.method, tt.target, nil)
			if res.StatusCode == http.StatusPartialContent {
				res.StatusCode = http.StatusOK
			}
			checkHeaders(t, res)
		})
	}
}

func TestHeadersAboveTheLimit(t *testing.T) {
	s := newSite(t, "-write-limit", "1") // and the next one in a minute
	s.ask("POST", "/market", "", aForm...)
	for _, tt := range []struct {
		method, target string
		header         []string
	}{{"POST", "/cart/lines", aForm}, {"POST", "/checkout/update", aJSON}, {"GET", "/checkout", nil}, {"GET", "/checkout/payments", nil}} {
		res := s.ask(tt.method, tt.target, "", tt.header...)
		if res.StatusCode != http.StatusTooManyRequests || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s: %d, Retry-After %q", tt.method, tt.target, res.StatusCode, res.Header.Get("Retry-After"))
		}
		res.Request = httptest.NewRequest(tt.method, tt.target, nil)
		checkHeaders(t, res)
	}
}
