package storefront_test

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

func TestWrongMethod(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.withOrder()
	for path, allowed := range map[string]string{
		"/": "GET", "/products/MUG-1": "GET", "/cart": "GET", "/terms": "GET", "/checkout": "GET", "/checkout/confirmation": "GET",
		"/market": "POST", "/cart/lines": "POST", "/cart/lines/MUG-1": "POST", "/cart/discount": "POST", "/checkout/update": "POST",
		"/healthz": "GET", "/readyz": "GET",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} {
			if method == allowed {
				continue
			}
			s.refuses(b, badRequest{method, path, formType, "quantity=5&country=NO", http.StatusMethodNotAllowed, ""})
			if got := b.Do(method, path, formType, ""); got.Header.Get("Allow") != allowed {
				t.Errorf("%s %s: Allow is %q, want %q", method, path, got.Header.Get("Allow"), allowed)
			}
		}
		if allowed == "POST" {
			s.refuses(b, badRequest{"HEAD", path, "", "", http.StatusMethodNotAllowed, ""})
		}
	}
	b.Header.Set("Accept", jsonType)
	s.refuses(b, badRequest{"DELETE", "/cart/lines/MUG-1", "", "", http.StatusMethodNotAllowed, "method_not_allowed"})
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.withOrder()
	for _, path := range []string{
		"/nowhere", "/admin", "/products", "/products/", "/products/NOPE", "/products/mug-1", "/products/MUG-1/x", "/products/%3Cscript%3Ealert(1)%3C/script%3E",
		"/products/%ff%00", "/products/..%2f..%2fgo.mod", "/products/" + strings.Repeat("x", 8000), "/cart/", "/checkout/", "/klarna/", "/.git/config", "/..%2f..%2fgo.mod",
		"//evil.example", "//evil.example/..", "/%2e%2e/", "/?category=NOPE", "/?category=%3Cscript%3Ealert(1)%3C/script%3E", "/nowhere?added=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
		"/checkout/confirmation", "/checkout/confirmation?order_id=", "/checkout/confirmation?order_id=NOPE",
		"/checkout/confirmation?order_id=.", "/checkout/confirmation?order_id=..", "/checkout/confirmation?order_id=../../x", "/checkout/confirmation?order_id=x/abort",
		"/checkout/confirmation?order_id=%00", "/checkout/confirmation?order_id=%ff", "/checkout/confirmation?order_id=%3Cscript%3Ealert(1)%3C/script%3E", "/checkout/confirmation?order_id=" + strings.Repeat("x", 300),
	} {
		before := s.state(b)
		got := b.Get(path)
		if text := html.UnescapeString(got.Text); got.StatusCode != http.StatusNotFound || !strings.Contains(text, "<h1>"+i18n.T("sv", "notfound.title")) {
			t.Errorf("%.100s: got %d and not the page\n%.200s", path, got.StatusCode, got.Text)
		}
		harmless(t, path, got)
		before.Calls = len(s.Fake.Requests("")) // a confirmation may ask Klarna
		if diff := cmp.Diff(before, s.state(b)); diff != "" {
			t.Errorf("%s changed something: %s", path, diff)
		}
	}
	for _, path := range []string{
		"/static/", "/static/x", "/static/x/", "/static/x/nope.js", "/static/x/static.go", "/static/x/pictures", "/static/x/../../../go.mod", "/static/../go.mod", "/static/x/..%2f..%2f..%2fgo.mod", "/static/x//etc/passwd", "/static/x/%00.js",
	} {
		if got := b.Get(path); got.StatusCode != http.StatusNotFound || strings.Contains(got.Text, "module ") {
			t.Errorf("%s: got %d\n%.200s", path, got.StatusCode, got.Text)
		}
	}
}

// harmless demands that nothing of what an address says became markup.
func harmless(t *testing.T, path string, got shoptest.Answer) {
	t.Helper()
	for _, markup := range []string{"<script>alert", `" onmouseover=`, "<img src=x", "javascript:alert"} {
		if strings.Contains(got.Text, markup) {
			t.Errorf("%s: the page has %s", path, markup)
		}
	}
	if refresh := got.Header.Get("Refresh"); refresh != "" {
		t.Errorf("%s: Refresh %q", path, refresh)
	}
}

// The codes in a page's query come from anywhere: only what fits the cart is said.
func TestBadQueries(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.withOrder()
	const script = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E"
	const undo = `data-note="removed"`
	for _, tc := range []struct {
		path, absent string // absent is a text that the page must not have
	}{
		{"/?added=NOPE", `class="toast`},
		{"/?added=JAM-1", `class="toast`},
		{"/?added=" + script, `class="toast`},
		{"/cart?removed=MUG-1&quantity=2", undo}, // it is still there
		{"/cart?removed=NOPE&quantity=2", undo},
		{"/cart?removed=JAM-1&quantity=0", undo},
		{"/cart?removed=JAM-1&quantity=-1", undo},
		{"/cart?removed=JAM-1&quantity=1e9", undo},
		{"/cart?removed=JAM-1&quantity=100", undo},
		{"/cart?removed=JAM-1", undo},
		{"/cart?removed=JAM-1&quantity=" + script, undo},
		{"/cart?removed=" + script + "&quantity=1", undo},
		{"/cart?market=" + script, `data-note="market"`},
		{"/checkout?reason=" + script + "&try=-1", `data-note="not-finished"`},
		{"/checkout?try=1e9&try=2&added=" + script, ""},
		{"/?q=" + script, ""},
		{"/?q=%ff%00%0d%0a", ""},
		{"/?q=" + strings.Repeat("x", 200), ""},
		{"/?sort=" + script, ""},
		{"/?category=kitchen&category=" + script, ""},
		{"/?q=%22%20onmouseover%3D%22alert(1)", ""},
		{"/terms?x=" + script + "&%22%3E=1", ""},
		{"/products/MUG-1?added=%3Cimg%20src=x%20onerror=alert(1)%3E", ""},
		{"/cart?%zz=1&=&&", ""},
	} {
		before := s.state(b)
		got := b.Get(tc.path)
		if got.StatusCode != http.StatusOK || tc.absent != "" && strings.Contains(html.UnescapeString(got.Text), tc.absent) {
			t.Errorf("%s: got %d, with %q", tc.path, got.StatusCode, tc.absent)
		}
		harmless(t, tc.path, got)
		before.Calls = len(s.Fake.Requests("")) // the checkout reads
		if diff := cmp.Diff(before, s.state(b)); diff != "" {
			t.Errorf("%s changed something: %s", tc.path, diff)
		}
	}
	s.refuses(b, badRequest{"GET", "/?q=" + strings.Repeat("x", 201), "", "", http.StatusBadRequest, ""})
	s.refuses(b, badRequest{"GET", "/cart", formType, strings.Repeat("x", 64<<10+1), http.StatusRequestEntityTooLarge, ""})
	for _, language := range []string{"", "*", "xx", "sv;q=2", strings.Repeat("sv,", 5000), "\"><script>", "ſe-SE", "en-US-u-cu-sek"} {
		visitor := s.browser()
		visitor.Header["Accept-Language"] = []string{language}
		if got := visitor.Get("/"); got.StatusCode != http.StatusOK {
			t.Errorf("Accept-Language %.40q: got %d", language, got.StatusCode)
		}
	}
}

// A cookie that we did not set is a new visitor: no error, and nobody else's cart.
func TestBadCookies(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	owner := s.withOrder()
	base, _ := url.Parse(s.URL)
	token := owner.Client.Jar.Cookies(base)[0].Value
	before := s.state(owner)
	for _, cookie := range []string{
		"shopd=", "shopd=x", "shopd=" + strings.Repeat("x", 20_000), `shopd="` + token[1:] + `"`, "shopd=" + strings.ToLower(token), "shopd=" + token + "x",
		"shopd=" + token[:10], "shopd=%00", "shopd=\xff\xfe", "shopd=../../x", "shopd=*; shopd=" + token, ";;;", "=", "__Host-shopd=" + token, "shopd=shopd:session:" + token,
	} {
		b := s.browser()
		b.Client.Jar = nil
		b.Header.Set("Cookie", cookie)
		for _, path := range []string{"/", "/products/MUG-1", "/cart", "/terms"} {
			if got := b.Get(path); got.StatusCode != http.StatusOK || strings.Contains(got.Text, `data-quantity="2"`) || strings.HasPrefix(got.Header.Get("Set-Cookie"), "shopd=") {
				t.Errorf("%.40q %s: got %d", cookie, path, got.StatusCode)
			}
		}
		if got := b.Get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/cart" {
			t.Errorf("%.40q: checkout: got %d to %q", cookie, got.StatusCode, got.Header.Get("Location"))
		}
		if got := b.Update(`{"lines":[{"sku":"MUG-1","quantity":9}]}`); got.StatusCode != http.StatusConflict || updateOf(t, got).Redirect != "/cart" {
			t.Errorf("%.40q: update: got %d %s", cookie, got.StatusCode, got.Text)
		}
		got := b.Post("/cart/lines", "sku", "JAM-1")
		if set := got.Header.Get("Set-Cookie"); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(set, "shopd=") || strings.Contains(set, token) {
			t.Errorf("%.40q: add: got %d and cookie %q, want a new session", cookie, got.StatusCode, set)
		}
		if diff := cmp.Diff(before, s.state(owner)); diff != "" {
			t.Errorf("%.40q: the owner of the cart: %s", cookie, diff)
		}
	}
}

// HEAD answers as GET does, without a body.
func TestHead(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.withOrder()
	for _, path := range []string{"/", "/products/MUG-1", "/products/NOPE", "/cart", "/terms", "/checkout", "/checkout/confirmation?order_id=x", "/nowhere", "/healthz"} {
		get, head := b.Get(path), b.Do("HEAD", path, "", "")
		if head.StatusCode != get.StatusCode || head.Text != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
			t.Errorf("%s: HEAD %d with %d bytes of %q, GET %d of %q", path, head.StatusCode, len(head.Text), head.Header.Get("Content-Type"), get.StatusCode, get.Header.Get("Content-Type"))
		}
	}
	if orders := s.Fake.Orders(); len(orders) != 1 {
		t.Errorf("got %d orders", len(orders))
	}
}

// A page that is fetched ahead of time, perhaps never to be seen, makes no order.
func TestPrefetch(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	for _, header := range [][2]string{
		{"Sec-Purpose", "prefetch"}, {"Sec-Purpose", "prefetch;prerender"}, {"Sec-Purpose", "prefetch;anonymous-client-ip"},
		{"Purpose", "prefetch"}, {"X-Purpose", "preview"}, {"X-Moz", "Prefetch"},
	} {
		b.Header.Set(header[0], header[1])
		if got := b.Get("/checkout"); got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Refresh") != "" {
			t.Errorf("%s: got %d, %v", header, got.StatusCode, got.Header)
		}
		b.Header.Del(header[0])
	}
	if calls := s.Fake.Requests(""); len(calls) != 0 {
		t.Errorf("Klarna was asked: %v", calls)
	}
	b.open(s)
}

// Order IDs that somebody invents cost no call to Klarna, with a session or without one.
func TestInventedOrders(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b, orderID := s.withOrder(), "0f1a8c9e-3b7d-4c55-9d1e-aa0b1c2d3e4f"
	calls := len(s.Fake.Requests(""))
	for _, who := range []*browser{b, s.browser()} {
		if got := who.Get("/checkout/confirmation?order_id=" + orderID); got.StatusCode != http.StatusNotFound {
			t.Errorf("got %d", got.StatusCode)
		}
	}
	if now := len(s.Fake.Requests("")); now != calls {
		t.Errorf("%d calls to Klarna", now-calls)
	}
}

// No page may be kept by a cache, and each has the headers that keep it to itself.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.withOrder()
	for _, path := range []string{"/", "/products/MUG-1", "/cart", "/terms", "/checkout", "/nowhere", "/checkout/confirmation?order_id=x"} {
		h := b.Get(path).Header
		if h.Get("Cache-Control") != "no-store" || !slices.Contains(h.Values("Vary"), "Cookie") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "strict-origin" {
			t.Errorf("%s: %v", path, h)
		}
		csp := h.Get("Content-Security-Policy")
		if csp == "" || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: %s", path, csp)
		}
	}
}
