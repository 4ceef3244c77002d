package storefront_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Whatever the shopper does first when a price has changed, the answer tells of it, and pages and answers go on to do so
// until the line is gone.
func TestChangedPriceIsTold(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: sells(t, "SEK EUR", "MUG-9", "CUP-9")})}
	dearer := sells(t, "SEK EUR", "MUG-9 standard 12000", "CUP-9")
	const says = "Priset har ändrats: Sak MUG-9. Det var 100\u00a0kr och är nu 120\u00a0kr."
	for _, tc := range []struct {
		name string
		do   []string // path and fields
	}{
		{"nothing", nil},
		{"another line", []string{"/cart/lines/CUP-9", "quantity", "3"}},
		{"one more on another page", []string{"/cart/lines", "sku", "CUP-9", "quantity", "1"}},
		{"the line itself", []string{"/cart/lines/MUG-9", "quantity", "2"}},
		{"one more of it on its page", []string{"/cart/lines", "sku", "MUG-9", "quantity", "1"}},
		{"a code", []string{"/cart/discount", "code", "TEN"}},
		{"a way of delivery", []string{"/cart/delivery", "option", "express"}},
		{"another language", []string{"/market", "country", "SE", "language", "sv"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := s.browser()
			b.Add("MUG-9", "1")
			b.Add("CUP-9", "1")
			b.Get("/checkout")
			later := s.becomes(b, dearer)
			told := func(where, text string) {
				t.Helper()
				text = strings.NewReplacer("<strong>", "", "</strong>", "").Replace(text)
				if strings.Count(text, says) != 1 || strings.Count(text, `data-note="price-`) != 1 {
					t.Errorf("%s does not say %q", where, says)
				}
			}
			if tc.do != nil {
				if got := later.Post(tc.do[0], tc.do[1:]...); got.StatusCode >= http.StatusBadRequest {
					t.Fatalf("%d %s", got.StatusCode, got.Text)
				}
			}
			told("the cart", later.Get("/cart").Text)
			later.Get("/checkout")
			for _, body := range []string{`{}`, `{"lines":[{"sku":"CUP-9","quantity":4}]}`, `{"lines":[{"sku":"MUG-9","quantity":5}]}`} {
				told("the answer to "+body, updateOf(t, later.Do("POST", "/checkout/update", jsonType, body)).SummaryHTML)
			}
			told("the checkout", later.Get("/checkout").Text)
			later.Post("/cart/lines/MUG-9", "quantity", "0")
			later.Add("MUG-9", "1")
			if page := later.Get("/cart").Text; strings.Contains(page, `data-note="price-`) {
				t.Error("the price is said to have changed of what was put in the cart after it did")
			}
		})
	}
	b := s.browser()
	b.Add("MUG-9", "1")
	later := s.becomes(b, dearer)
	later.Post("/market", "country", "FI")
	if page := later.Get("/cart").Text; strings.Contains(page, `data-note="price-`) {
		t.Error("a price is compared with one of another currency")
	}
}

// The same of campaigns that begin and end, but for those that the shopper's own change has begun or ended.
func TestChangedCampaignIsTold(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	s, clock := campaignShop(t,
		&campaign.Campaign{ID: "few", Code: "FEW", Percent: 1000, Until: end},
		&campaign.Campaign{ID: "tomorrow", Percent: 2000, From: end, Categories: []string{"kitchen"}},
		&campaign.Campaign{ID: "jam", Buy: 2, Pay: 1, SKUs: []string{"JAM-1"}},
	)
	b := s.browser()
	b.Add("MUG-1", "1")
	b.Post("/cart/discount", "code", "FEW")
	clock.Store(end.Unix())
	for range 2 {
		b.Add("MUG-1", "1")
		page := b.Get("/cart")
		says(t, page, "Dras inte längre av: Rabatt FEW.")
		says(t, page, "Nu dras av: 20\u00a0% rabatt.")
	}
	b.Post("/cart/discount", "code", "")
	page := b.Get("/cart")
	says(t, page, "Nu dras av: 20\u00a0% rabatt.")
	if strings.Contains(page.Text, "Rabatt FEW") {
		t.Error("of a code that was let go it is still said that it is over")
	}
	b.Post("/cart/lines/MUG-1", "quantity", "0")
	b.Add("JAM-1", "2")
	if page := b.Get("/cart"); strings.Contains(page.Text, `data-note="campaign-`) || !strings.Contains(page.Text, "2 för 1") {
		t.Error("the shopper is told of what he has done himself")
	}
}
