package api_test

import (
	"testing"

	"github.com/shopd/shopd/internal/browsertest"
)

// From the basket to the merchant's page after the purchase, in the merchant's own page under a strict policy.
func TestEmbedded(t *testing.T) {
	m := newMerchant(t)
	p := m.opens(browsertest.Options{})
	p.showsTotal(1000)
	p.MustElement("#plus").MustClick()
	p.showsTotal(2000)
	p.Picture("embedded")
	p.fill()
	p.pay()
	p.Wait("the merchant's page", `(site) => location.href === site + "/thanks?basket=w-0"`, m.site.URL)
	p.mounted("yes")
	p.Picture("thanks")
}
