package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func bodyOf(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Where the shop is, its settings say, never a request: neither a page nor the order at
// Klarna nor a redirect takes over a host that a client names.
func TestHostIsNotBelieved(t *testing.T) {
	s := newSite(t)
	evil := []string{
		"X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "http", "X-Forwarded-Server", "evil.example", "X-Original-Url", "/evil.example",
		"X-Rewrite-Url", "/evil.example", "Forwarded", "host=evil.example;proto=http", "X-Http-Method-Override", "DELETE", "Origin", "https://shop.example",
	}
	added := s.ask("POST", "/cart/lines", "sku=MUG-1", append(evil, aForm...)...)
	shopper := cookie(t, added)
	for _, target := range []string{"/", "/cart", "/checkout", "/checkout/payments", "/products/MUG-1", "/nowhere", "/admin", "/admin/sign-in"} {
		res := s.ask("GET", target, "", append(evil, shopper...)...)
		body := bodyOf(t, res)
		if res.StatusCode >= http.StatusInternalServerError || strings.Contains(body+res.Header.Get("Location"), "evil.example") {
			t.Errorf("%s: %d, %s", target, res.StatusCode, res.Header.Get("Location"))
		}
	}
	orders := s.fake.Orders()
	if len(orders) != 1 {
		t.Fatalf("%d orders, want 1", len(orders))
	}
	if said := fmt.Sprintf("%+v", orders[0]); strings.Contains(said, "evil") || !strings.Contains(said, "https://shop.example/terms") {
		t.Errorf("the order says %s", said)
	}
}

// Bodies that are made to be large, deep or otherwise than they look are refused, and
// change nothing.
func TestHostileBodies(t *testing.T) {
	s := newSite(t)
	shopper := cookie(t, s.ask("POST", "/cart/lines", "sku=MUG-1", aForm...))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(`{"lines":[{"sku":"MUG-1","quantity":9}]}` + strings.Repeat(" ", 1<<20)))
	_ = z.Close()
	var collisions strings.Builder
	for i := range 9000 {
		fmt.Fprintf(&collisions, "&%x=", i)
	}
	for _, tt := range []struct {
		name, target, body string
		header             []string
		want               int
	}{
		{"zipped", "/checkout/update", zipped.String(), append([]string{"Content-Encoding", "gzip"}, aJSON...), 400},
		{"deep JSON", "/checkout/update", `{"lines":` + strings.Repeat("[", 60_000), aJSON, 400},
		{"deep objects", "/checkout/update", strings.Repeat(`{"lines":`, 6_000), aJSON, 400},
		{"deep JSON of a callback", "/klarna/wrong/validation", strings.Repeat("[", 1<<20), aJSON, 404},
		{"a million digits", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":` + strings.Repeat("9", 60_000) + `}]}`, aJSON, 400},
		{"an exponent", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":1e9}]}`, aJSON, 400},
		{"a quantity beyond 32 bits", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":4294967297}]}`, aJSON, 422},
		{"a quantity beyond 64 bits", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":18446744073709551617}]}`, aJSON, 400},
		{"a negative quantity", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":-1}]}`, aJSON, 422},
		{"a quantity beyond 64 bits in a form", "/cart/lines", "sku=MUG-1&quantity=18446744073709551617", aForm, 422},
		{"two that overflow when added", "/cart/lines", "sku=MUG-1&quantity=9223372036854775807", aForm, 422},
		{"9000 fields", "/cart/lines", "sku=none" + collisions.String(), aForm, 422},
		{"multipart", "/cart/lines", "--x\r\n", []string{"Content-Type", "multipart/form-data; boundary=x"}, 415},
		{"JSON as text", "/checkout/update", `{}`, []string{"Content-Type", "text/plain"}, 415},
		{"a SKU with markup", "/cart/lines", "sku=%3Cscript%3Ealert(1)%3C/script%3E", aForm, 422},
		{"a code with markup", "/cart/discount", "code=%3Cscript%3Ealert(1)%3C/script%3E", aForm, 422},
		{"a SKU with a NUL and line ends", "/cart/lines", "sku=MUG-1%00%0d%0aSet-Cookie:+a=b", aForm, 422},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := s.ask("POST", tt.target, tt.body, append(tt.header, shopper...)...)
			if res.StatusCode != tt.want {
				t.Errorf("status %d, want %d", res.StatusCode, tt.want)
			}
			if body := bodyOf(t, res); strings.Contains(body, "<script>alert") {
				t.Error("markup comes back as it was")
			}
			cart := bodyOf(t, s.ask("GET", "/cart", "", append([]string{"Accept", "application/json"}, shopper...)...))
			if !strings.Contains(cart, `"quantity":1,`) || strings.Count(cart, `"sku"`) != 1 {
				t.Errorf("the cart has changed: %s", cart)
			}
		})
	}
}

// No text that a client sends ends up as a header, or as a line of its own in the log.
func TestInjection(t *testing.T) {
	s := newSite(t)
	const line = "%0d%0aSet-Cookie:+evil=1%0d%0a%0d%0a%3Cscript%3E"
	for _, ask := range []struct{ method, target, body string }{
		{"POST", "/cart/lines", "sku=MUG-1&return_to=/cart" + line},
		{"POST", "/market", "country=NO&return_to=/cart?a=" + line},
		{"GET", "/cart?added=" + line, ""},
		{"GET", "/admin/orders" + line, ""},
		{"GET", "/checkout?reason=" + line + "&sku=" + line, ""},
		{"GET", "/checkout/confirmation?order_id=" + line, ""},
		{"POST", "/admin/sign-in", "name=" + line + "&password=x&return_to=/admin/" + line},
		{"GET", "/nowhere" + line, ""},
	} {
		res := s.ask(ask.method, ask.target, ask.body, append(append([]string{"User-Agent", "a\" \nlevel=ERROR"}, "Referer", "https://x/\n{}"), aForm...)...)
		for name, values := range res.Header {
			for _, value := range values {
				if strings.ContainsAny(value, "\r\n") || strings.HasPrefix(value, "evil=") {
					t.Errorf("%s %s: %s: %q", ask.method, ask.target, name, value)
				}
			}
		}
		if body := bodyOf(t, res); strings.Contains(body, "Set-Cookie: evil=1\r\n\r\n<script>") {
			t.Errorf("%s %s: markup comes back as it was", ask.method, ask.target)
		}
	}
	for written := range strings.SplitSeq(strings.TrimSpace(s.log.String()), "\n") {
		if !strings.HasPrefix(written, "{") || !strings.HasSuffix(written, "}") || strings.Contains(written, "evil=1") {
			t.Errorf("a line of the log: %s", written)
		}
	}
}

// A cookie that another host of the domain has set does not win: over https the browser
// keeps __Host- cookies to this host, and no other name counts.
func TestCookieTossing(t *testing.T) {
	s := newSite(t)
	victim := cookie(t, s.ask("POST", "/cart/lines", "sku=MUG-1", aForm...))[1]
	name, token, _ := strings.Cut(victim, "=")
	if name != "__Host-shopd" {
		t.Fatalf("the cookie is %s", name)
	}
	for _, tossed := range []string{"shopd=" + token, "__host-shopd=" + token, "__Host-shopd-staff=" + token, " __Secure-shopd=" + token} {
		if body := bodyOf(t, s.ask("GET", "/cart", "", "Accept", "application/json", "Cookie", tossed)); strings.Contains(body, "MUG-1") {
			t.Errorf("%s is taken for the session's", tossed)
		}
	}
	if res := s.ask("GET", "/admin/", "", "Cookie", "__Host-shopd-staff="+token); res.StatusCode != http.StatusSeeOther {
		t.Errorf("a shopper's token opens the back office: %d", res.StatusCode)
	}
	fixed := s.ask("POST", "/cart/lines", "sku=MUG-1", append([]string{"Cookie", "__Host-shopd=chosen-by-an-attacker"}, aForm...)...)
	if got := cookie(t, fixed)[1]; strings.Contains(got, "chosen-by-an-attacker") {
		t.Errorf("the session has a token that the client made up: %s", got)
	}
}

// A long password costs no more than a short one: bcrypt reads 72 bytes, and the body is
// bounded.
func TestLongPassword(t *testing.T) {
	s := newSite(t)
	for _, tt := range []struct {
		name, password string
		want           int
	}{
		{"long", strings.Repeat("x", 60_000), 422},
		{"above the limit of bodies", strings.Repeat("x", 70_000), 413},
		{"right with more behind", "demo" + strings.Repeat("x", 100), 422},
		{"NUL", "demo%00", 422},
		{"right", "demo", 303},
	} {
		if res := s.ask("POST", "/admin/sign-in", "name=demo&password="+tt.password, aForm...); res.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, res.StatusCode, tt.want)
		}
	}
}

// Calls with a wrong token are answered from memory: they reach neither Redis nor Klarna,
// and nobody is told of them.
func TestWrongTokensCostNothing(t *testing.T) {
	s := newSite(t)
	before := s.redis.CommandCount()
	for range 200 {
		if res := s.ask("POST", "/klarna/wrong/validation?order_id=x", strings.Repeat("x", 1000), aJSON...); res.StatusCode != http.StatusNotFound {
			t.Fatalf("status %d", res.StatusCode)
		}
	}
	if got := s.redis.CommandCount() - before; got != 0 {
		t.Errorf("%d commands to Redis", got)
	}
	if got := s.fake.Requests(""); len(got) != 0 {
		t.Errorf("%d calls to Klarna", len(got))
	}
}

// Who reads Redis can take over no session: neither shopper's nor staff's.
func TestRedisHoldsNoTokens(t *testing.T) {
	s := newSite(t)
	shopper := cookie(t, s.ask("POST", "/cart/lines", "sku=MUG-1", aForm...))[1]
	staff := cookie(t, s.ask("POST", "/admin/sign-in", "name=demo&password=demo", aForm...))[1]
	s.ask("GET", "/checkout", "", "Cookie", shopper)
	stored := s.redis.Dump()
	if !strings.Contains(stored, "shopd:staff:") || len(s.fake.Orders()) != 1 {
		t.Fatalf("no session and no order:\n%s", stored)
	}
	for _, line := range []string{shopper, staff} {
		if _, token, _ := strings.Cut(line, "="); strings.Contains(stored, token) {
			t.Errorf("the token of %s is stored", line)
		}
	}
}

// Without a setting the limit is on.
func TestDefaultWriteLimit(t *testing.T) {
	s := newSite(t)
	taken := 0
	for range 1000 {
		if s.ask("POST", "/market", "", aForm...).StatusCode != http.StatusTooManyRequests {
			taken++
		}
	}
	if taken < 100 || taken > 900 { // 100 at once, and 10 more each second that this takes
		t.Errorf("%d of 1000 at once, want about 100", taken)
	}
}
