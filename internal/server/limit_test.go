package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/server"
)

// counting is a shop, or Klarna's calls and a back office, whose every route counts what
// reaches it.
type counting struct {
	at   string // where its routes are
	seen *int
}

func (c counting) Routes(r chi.Router) {
	r.HandleFunc(c.at, func(w http.ResponseWriter, r *http.Request) {
		*c.seen++
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	})
}

// limited is a server with a limit, and how many requests have reached the shop.
func limited(t *testing.T, perMinute int, trusted ...string) (http.Handler, *int) {
	t.Helper()
	seen := new(int)
	s, _ := newServer(t, func(o *server.Options) {
		o.Storefront = counting{"/*", seen}
		o.Callbacks, o.Backoffice = counting{"/klarna/*", seen}, counting{"/admin/*", seen}
		o.WriteLimit = perMinute
		for _, network := range trusted {
			o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(network))
		}
	})
	return s.Handler(), seen
}

func ask(h http.Handler, from, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader("{}"))
	r.RemoteAddr = from
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// A sixth of a minute's writes may come at once; then one comes through as often as the
// limit says, and what is refused does not count.
func TestWriteLimit(t *testing.T) {
	now := time.Now()
	l, client := server.NewLimiter(60, 1), netip.MustParsePrefix("192.0.2.1/32")
	let := 0
	for range 200 {
		if l.Take(client, now) == 0 {
			let++
		}
	}
	if let != 10 {
		t.Errorf("%d of 200 at once, want 10", let)
	}
	wait := l.Take(client, now)
	if wait <= 0 || wait > time.Second {
		t.Errorf("over the limit: wait %v", wait)
	}
	if now = now.Add(wait); l.Take(client, now) != 0 {
		t.Error("after the wait there is none")
	}
	if l.Take(client, now) == 0 {
		t.Error("after the wait there are two")
	}
	let = 0
	for range 120 {
		now = now.Add(500 * time.Millisecond)
		if l.Take(client, now) == 0 {
			let++
		}
	}
	if let != 60 {
		t.Errorf("%d of 120 in a minute, want 60", let)
	}
}

// Nothing that is refused reaches the shop.
func TestWriteLimitBeforeTheShop(t *testing.T) {
	h, seen := limited(t, 60)
	for range 50 {
		ask(h, "192.0.2.1:1", "POST", "/cart/lines")
	}
	if *seen < 10 || *seen > 40 { // on a slow machine some more come through, one a second
		t.Errorf("%d of 50 at once reached the shop, want 10", *seen)
	}
}

func TestWhatIsLimited(t *testing.T) {
	const first, second = "192.0.2.1:1", "192.0.2.2:1"
	forwarded := func(list string) []string { return []string{"X-Forwarded-For", list} }
	for _, tt := range []struct {
		name         string
		trusted      []string
		from, method string
		target       string
		header       []string
		from2        string
		header2      []string
		limited      bool // the second request counts with the first
		none         bool // there is no limit
	}{
		{name: "a form", method: "POST", target: "/cart/lines", limited: true},
		{name: "another port", method: "POST", target: "/cart/lines", from2: "192.0.2.1:2", limited: true},
		{name: "another address", method: "POST", target: "/cart/lines", from2: second},
		{name: "the checkout", method: "GET", target: "/checkout", limited: true},
		{name: "the checkout of Payments", method: "GET", target: "/checkout/payments", limited: true},
		{name: "the confirmation", method: "HEAD", target: "/checkout/confirmation?order_id=x", limited: true},
		{name: "the page of a session", method: "GET", target: "/checkout/s/state", limited: true},
		{name: "what the page of a session changes", method: "POST", target: "/checkout/s/b-1/update", limited: true},
		{name: "its look", method: "GET", target: "/checkout/s/b-1/state"},
		{name: "a look from a page of the merchant's", method: "POST", target: "/v1/embed/state"},
		{name: "a method that changes nothing here", method: "DELETE", target: "/", limited: true},
		{name: "the catalogue", method: "GET", target: "/"},
		{name: "the cart", method: "GET", target: "/cart"},
		{name: "not the checkout", method: "GET", target: "/checkouts"},
		{name: "a callback", method: "POST", target: "/klarna/token/push"},
		{name: "the back office", method: "POST", target: "/admin/search"},
		{name: "health", method: "GET", target: "/healthz"},
		{name: "no limit", method: "POST", target: "/cart/lines", none: true},
		{name: "IPv4 within IPv6", method: "POST", target: "/cart/lines", from2: "[::ffff:192.0.2.1]:9", limited: true},
		{name: "one network of IPv6", method: "POST", target: "/market", from: "[2001:db8:1:2::3]:1", from2: "[2001:db8:1:2:ffff::4]:1", limited: true},
		{name: "two networks of IPv6", method: "POST", target: "/market", from: "[2001:db8:1:2::3]:1", from2: "[2001:db8:1:3::3]:1"},
		{name: "a zone", method: "POST", target: "/market", from: "[fe80::1%eth0]:1", from2: "[fe80::1%eth1]:1", limited: true},
		{name: "a unix socket", method: "POST", target: "/market", from: "@", from2: "@", limited: true},
		{name: "a made-up header", method: "POST", target: "/market", header: forwarded("198.51.100.1"), header2: forwarded("198.51.100.2"), limited: true},
		{name: "a made-up header of another name", method: "POST", target: "/market", header: []string{"X-Real-Ip", "198.51.100.1"}, header2: []string{"Forwarded", "for=198.51.100.2"}, limited: true},
		{name: "a made-up header beside a trusted proxy", trusted: []string{"10.0.0.0/8"}, method: "POST", target: "/market", header: forwarded("198.51.100.1"), header2: forwarded("198.51.100.2"), limited: true},
		{name: "a trusted proxy, two clients", trusted: []string{"192.0.2.0/24"}, method: "POST", target: "/market", header: forwarded("198.51.100.1"), header2: forwarded("198.51.100.2")},
		{name: "a trusted proxy, one client", trusted: []string{"192.0.2.0/24"}, method: "POST", target: "/market", header: forwarded("198.51.100.1"), from2: second, header2: forwarded("198.51.100.1"), limited: true},
		{name: "made up in front of what the proxy adds", trusted: []string{"192.0.2.0/24"}, method: "POST", target: "/market", header: forwarded("1.1.1.1, 198.51.100.1"), header2: forwarded("2.2.2.2, 198.51.100.1"), limited: true},
		{name: "made up in a header of its own", trusted: []string{"192.0.2.0/24"}, method: "POST", target: "/market",
			header: []string{"X-Forwarded-For", "1.1.1.1", "X-Forwarded-For", "198.51.100.1"}, header2: forwarded("198.51.100.1"), limited: true},
		{name: "two trusted proxies", trusted: []string{"192.0.2.0/24", "10.0.0.0/8"}, method: "POST", target: "/market", header: forwarded("198.51.100.1, 10.1.1.1"), header2: forwarded("198.51.100.2, 10.1.1.1")},
		{name: "made-up trusted addresses", trusted: []string{"192.0.2.0/24"}, method: "POST", target: "/market", header: forwarded("192.0.2.7"), header2: forwarded("192.0.2.8"), limited: true},
		{name: "nothing to be understood", trusted: []string{"192.0.2.0/24"}, method: "POST", target: "/market", header: forwarded("198.51.100.1, x"), header2: forwarded("198.51.100.2, y"), limited: true},
		{name: "a proxy that adds nothing", trusted: []string{"192.0.2.0/24"}, method: "POST", target: "/market", limited: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			limit := 6
			if tt.none {
				limit = 0
			}
			h, seen := limited(t, limit, tt.trusted...)
			if tt.from == "" {
				tt.from = first
			}
			if tt.from2 == "" {
				tt.from2 = tt.from
			}
			ask(h, tt.from, tt.method, tt.target, tt.header...)
			got := ask(h, tt.from2, tt.method, tt.target, tt.header2...)
			if (got.Code == http.StatusTooManyRequests) != tt.limited {
				t.Errorf("the second request: %d", got.Code)
			}
			if want := 2; !tt.limited && *seen != want && tt.target != "/healthz" || tt.limited && *seen != 1 {
				t.Errorf("%d requests arrived", *seen)
			}
		})
	}
}

// The answer is JSON where that is spoken, else a page in the shopper's language.
func TestTooManyRequests(t *testing.T) {
	h, _ := limited(t, 6)
	over := func(method, target string, header ...string) *httptest.ResponseRecorder {
		for ask(h, "192.0.2.1:1", "POST", "/cart/lines").Code != http.StatusTooManyRequests {
		}
		return ask(h, "192.0.2.1:1", method, target, header...)
	}
	for _, header := range [][]string{{"Content-Type", "application/json"}, {"Accept", "application/json"}} {
		got := over("POST", "/checkout/update", header...)
		if got.Code != http.StatusTooManyRequests || !strings.HasPrefix(got.Body.String(), `{"error":{"code":"too_many_requests","message":"`) ||
			got.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", header, got.Code, got.Body)
		}
		if seconds, err := strconv.Atoi(got.Header().Get("Retry-After")); err != nil || seconds < 1 || seconds > 10 {
			t.Errorf("Retry-After %q", got.Header().Get("Retry-After"))
		}
	}
	for _, l := range i18n.Langs() {
		got := over("GET", "/checkout?reason=x", "Accept-Language", string(l))
		for _, want := range []string{i18n.T(l, "toomany.title"), i18n.T(l, "toomany.body"), `href="/checkout?reason=x"`, fmt.Sprintf(`lang="%s-`, l)} {
			if got.Code != http.StatusTooManyRequests || !strings.Contains(got.Body.String(), want) {
				t.Errorf("%s: %d lacks %q", l, got.Code, want)
			}
		}
	}
	if got := over("POST", "/cart/lines"); strings.Contains(got.Body.String(), `href="/cart/lines"`) {
		t.Errorf("the page after a form leads to where a GET finds nothing:\n%s", got.Body)
	}
}

// A proxy of the shop's own that is not trusted is told of once, without its address.
func TestProxyNotTrusted(t *testing.T) {
	for _, tt := range []struct {
		name, from, trusted string
		header              []string
		warns               int
	}{
		{"a proxy", "10.0.0.9:1", "", []string{"X-Forwarded-For", "198.51.100.1"}, 1},
		{"a proxy beside us", "[::1]:1", "", []string{"X-Forwarded-For", "198.51.100.1"}, 1},
		{"no proxy", "10.0.0.9:1", "", nil, 0},
		{"a client that makes it up", "203.0.113.9:1", "", []string{"X-Forwarded-For", "198.51.100.1"}, 0},
		{"a trusted proxy", "10.0.0.9:1", "10.0.0.0/8", []string{"X-Forwarded-For", "198.51.100.1"}, 0},
		{"a trusted proxy that names nobody", "10.0.0.9:1", "10.0.0.0/8", []string{"X-Forwarded-For", "unknown"}, 1},
		{"a trusted proxy that adds nothing", "10.0.0.9:1", "10.0.0.0/8", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, log := newServer(t, func(o *server.Options) {
				o.Storefront, o.WriteLimit = counting{"/*", new(int)}, 600
				if tt.trusted != "" {
					o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(tt.trusted)}
				}
			})
			h := s.Handler()
			for range 3 {
				ask(h, tt.from, "POST", "/market", tt.header...)
			}
			if got := strings.Count(log.String(), "-trusted-proxies"); got != tt.warns || strings.Contains(log.String(), "10.0.0.9") || strings.Contains(log.String(), "198.51") {
				t.Errorf("warned %d times, want %d, and without an address:\n%s", got, tt.warns, log)
			}
		})
	}
}

// What is remembered is bounded: whoever has not written for longest is forgotten.
func TestWriteLimitForgets(t *testing.T) {
	now := time.Now()
	l := server.NewLimiter(6, 3)
	client := func(n byte) netip.Prefix { return netip.PrefixFrom(netip.AddrFrom4([4]byte{192, 0, 2, n}), 32) }
	for _, step := range []struct {
		client byte
		waits  bool
	}{{1, false}, {2, false}, {3, false}, {1, true}, {4, false}, {1, true}, {3, true}, {4, true}, {2, false}, {3, true}, {1, false}} {
		if got := l.Take(client(step.client), now) > 0; got != step.waits {
			t.Errorf("client %d waits: %t", step.client, got)
		}
	}
	for i := range 10_000 {
		l.Take(netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, byte(i >> 8), byte(i)}), 32), now)
	}
	if got := l.Clients(); got != 3 {
		t.Errorf("%d clients remembered, want 3", got)
	}
}
