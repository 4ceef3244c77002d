package storefront_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// The script that counts visits, and its origins, are on pages of the shop and the cart; never where somebody
// pays or reads an order, nor in the back office.
func TestMeasure(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) {
		c.Published = shoptest.Published(func(s *settings.Shop) {
			s.Measure = settings.Measure{Script: "https://count.example/s.js", Origins: []string{"https://hits.example"}}
		})
	}})}
	b := s.withOrder()
	_, orderID := s.Sale()
	o := s.Place(orderID)
	for path, measured := range map[string]bool{
		"/": true, "/?q=mug": true, "/products/MUG-1": true, "/cart": true, "/terms": true,
		"/checkout": false, "/checkout/confirmation?order_id=" + orderID: false, "/checkout/confirmation?order_id=x": false,
		"/orders/" + o.Number + "?key=" + o.Key: false, "/orders/" + o.Number: false, "/nowhere": false, "/admin/": false, "/admin/signin": false,
	} {
		got := b.Get(path)
		nonce, _, _ := strings.Cut(strings.SplitAfterN(got.Header.Get("Content-Security-Policy"), "'nonce-", 2)[1], "'")
		tag := `<script defer src="https://count.example/s.js" nonce="` + nonce + `"></script>`
		if there := strings.Contains(got.Text, "count.example"); there != measured || measured && !strings.Contains(got.Text, tag) {
			t.Errorf("%s: the script is there: %v, as it should be: %v", path, there, strings.Contains(got.Text, tag))
		}
		for directive := range strings.SplitSeq(got.Header.Get("Content-Security-Policy"), "; ") {
			name, _, _ := strings.Cut(directive, " ")
			want := measured && (name == "connect-src" || name == "img-src")
			if there := strings.Contains(directive, "https://hits.example"); there != want || strings.Contains(directive, "count.example") {
				t.Errorf("%s: %s", path, directive)
			}
		}
		if policy := got.Header.Get("Referrer-Policy"); policy != "strict-origin" {
			t.Errorf("%s: Referrer-Policy %q", path, policy)
		}
	}
}
