package storefront_test

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// A client, and for IPv6 its networks, begin so many carts and half as many checkouts over all processes; what they
// have goes on. A Redis that cannot count stops nobody.
func TestBeginningIsLimited(t *testing.T) {
	t.Parallel()
	config := func(c *shop.Config) {
		review(c)
		c.WriteLimit, c.TrustedProxies = 600, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Fake: fakeklarna.Options{}, Config: config})}
	s.Storefront.Limits.Carts = 4
	other, url := s.Listen(config)
	other.Storefront.Limits.Carts = 4
	add := func(at, from string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at+"/cart/lines", strings.NewReader("sku=MUG-1"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Accept", "application/json")
		r.Header.Set("X-Forwarded-For", from)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode == http.StatusTooManyRequests {
			if wait, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || wait < 500 {
				t.Errorf("Retry-After = %q", res.Header.Get("Retry-After"))
			}
		}
		return res.StatusCode
	}
	begun := func(from ...string) (n int) {
		for i := range 50 {
			at := []string{s.URL, url}[i%2]
			if add(at, from[i%len(from)]) == http.StatusOK {
				n++
			}
		}
		return n
	}
	for _, tt := range []struct {
		name string
		from []string
		want int
	}{
		{"one address", []string{"192.0.2.1"}, 4},
		{"its neighbour", []string{"192.0.2.2"}, 4},
		{"a /64", []string{"2001:db8:0:1::1", "2001:db8:0:1:ffff::1"}, 4},
		{"the rest of its /56", []string{"2001:db8:0:2::1", "2001:db8:0:3::1", "2001:db8:0:4::1"}, 4},
		{"the rest of its /48", []string{"2001:db8:0:100::1", "2001:db8:0:200::1", "2001:db8:0:300::1", "2001:db8:0:400::1", "2001:db8:0:500::1", "2001:db8:0:600::1", "2001:db8:0:700::1"}, 24},
		{"another /48", []string{"2001:db8:1::1"}, 4},
	} {
		if got := begun(tt.from...); got != tt.want {
			t.Errorf("%s: %d carts, want %d", tt.name, got, tt.want)
		}
	}

	// Browsers here come by the proxy's own address.
	a, b, c := s.browser(), s.browser(), s.browser()
	for _, shopper := range []*browser{a, b, c} {
		if got := shopper.Post("/cart/lines", "sku", "MUG-1"); got.StatusCode != http.StatusSeeOther {
			t.Fatalf("add: %d", got.StatusCode)
		}
	}
	for _, shopper := range []*browser{a, b, a} {
		if got := shopper.Get("/checkout"); got.StatusCode != http.StatusOK {
			t.Errorf("checkout: %d", got.StatusCode)
		}
	}
	if got := c.Get("/checkout"); got.StatusCode != http.StatusTooManyRequests || !strings.Contains(got.Text, "/checkout") {
		t.Errorf("a third checkout: %d", got.StatusCode)
	}
}
