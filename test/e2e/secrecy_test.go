package e2e_test

import (
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/shop/shoptest"
)

// personal is what the shoppers of these tests and the fake's test persons are
// called, where they live and how they are reached.
var personal = []string{
	"@example.com", "Lovelace", "Testperson", "Storgatan", "Storgata 1", "Seestrasse", "Wharf Street", "Stårgatan",
	"Ankeborg", "+46701234567", "+4740123456", "111 47",
}

// keepsSecrets holds invariant 9 at the end of each test: no process has logged
// a secret, a token or what shoppers typed, and no address at Klarna has any of it.
func (d *deployment) keepsSecrets() {
	for _, text := range d.forbidden() {
		for _, p := range d.shops {
			if strings.Contains(p.logged(), text) {
				d.t.Errorf("the log has %q", text)
			}
		}
		for _, call := range d.fake.Requests("") {
			if strings.Contains(call.Path, text) {
				d.t.Errorf("an address at Klarna has %q", text)
			}
		}
	}
}

// forbidden is what must stay between shopper, shop and Klarna.
func (d *deployment) forbidden() []string {
	forbidden := append(slices.Clone(personal), shoptest.Secret, "ZGVtbzpkZW1v") // demo:demo in base64
	for _, order := range d.fake.Orders() {
		if _, rest, ok := strings.Cut(order.MerchantURLs.Push, "/klarna/"); ok {
			token, _, _ := strings.Cut(rest, "/")
			forbidden = append(forbidden, token)
			break // it is the same for all
		}
	}
	return forbidden
}
