package storefront_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/shop/shoptest"
)

var offered = regexp.MustCompile(`<option value="([A-Z]{2})"`)

// Countries sold to are the markets whose currency has prices: everybody lands in one, no
// page and no form offers another, and none can be chosen.
func TestCountriesSold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		currencies, countries string
		lands                 map[string]string // by Accept-Language
		not                   string            // a country that is not sold to
	}{
		{"SEK", "SE", map[string]string{"de-DE": "SE sv-SE", "sv-SE": "SE sv-SE", "": "SE sv-SE", "en-US,en": "SE en-SE", "sv-FI": "SE sv-SE"}, "DE"},
		{"EUR", "FI DE AT NL", map[string]string{"sv-SE": "FI sv-FI", "de-CH": "DE de-DE", "en-GB": "FI en-FI", "": "FI fi-FI"}, "SE"},
		{"USD", "US", map[string]string{"nb-NO": "US en-US", "": "US en-US"}, "GB"},
		{"NOK DKK", "NO DK", map[string]string{"sv-SE": "NO nb-NO", "da": "DK da-DK"}, "US"},
		{"SEK NOK DKK EUR GBP USD", "SE NO DK FI DE AT NL GB US", map[string]string{"de-AT": "AT de-AT"}, "IS"},
	} {
		t.Run(tc.currencies, func(t *testing.T) {
			t.Parallel()
			s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: sells(t, tc.currencies, "ONE")})}
			countries := strings.Fields(tc.countries)
			for header, want := range tc.lands {
				b := s.browser()
				b.Header.Set("Accept-Language", header)
				b.Add("ONE", "1")
				if c := b.cart(); c.Country+" "+c.Locale != want || c.TotalAmount == 0 {
					t.Errorf("%q lands in %s %s with a total of %d, want %s", header, c.Country, c.Locale, c.TotalAmount, want)
				}
			}
			b := s.browser()
			b.Add("ONE", "1")
			o := b.open(s)
			if !slices.Equal(o.ShippingCountries, countries) || !slices.Equal(o.BillingCountries, countries) {
				t.Errorf("the form ships to %v and bills %v, want %v", o.ShippingCountries, o.BillingCountries, countries)
			}
			for _, page := range []string{"/", "/cart", "/checkout"} {
				var shown []string
				for _, m := range offered.FindAllStringSubmatch(b.Get(page).Text, -1) {
					shown = append(shown, m[1])
				}
				if !slices.Equal(shown, countries) {
					t.Errorf("%s offers %v, want %v", page, shown, countries)
				}
			}
			before := b.cart()
			if got := b.Post("/market", "country", tc.not); got.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("the form takes %s: %d", tc.not, got.StatusCode)
			}
			if got := updateOf(t, b.Update(fmt.Sprintf(`{"country":%q}`, tc.not))); got.Error.Code != "unknown_market" {
				t.Errorf("the open page's update takes %s: %+v", tc.not, got)
			}
			// A form that was opened when there was more says where it would go.
			for _, member := range []string{"billing_address", "shipping_address"} {
				body := fmt.Sprintf(`{"merchant_data":%q,"billing_address":{"country":"%s"},"shipping_address":{"country":"%s"},"locale":"en-SE"}`, o.MerchantData, countries[0], countries[0])
				body = strings.Replace(body, fmt.Sprintf(`%q:{"country":"%s"`, member, countries[0]), fmt.Sprintf(`%q:{"country":"%s"`, member, tc.not), 1)
				got := b.Do(http.MethodPost, "/klarna/"+s.Signer.CallbackToken()+"/address_update?order_id="+o.OrderID, "application/json", body)
				if member == "shipping_address" && (got.StatusCode != http.StatusBadRequest || !strings.Contains(got.Text, "we do not deliver there yet")) {
					t.Errorf("%s in %s: %d %s", member, tc.not, got.StatusCode, got.Text)
				}
			}
			if after := b.cart(); after.Country != before.Country || after.TotalAmount != before.TotalAmount {
				t.Errorf("the cart went from %+v to %+v", before, after)
			}
		})
	}
}

// A cart in a market where nothing is sold any more moves to one where it can be bought.
func TestMarketGivenUp(t *testing.T) {
	t.Parallel()
	s := &shopWorld{shoptest.Serve(t, shoptest.Options{Config: sells(t, "SEK NOK EUR", "ONE")})}
	b := s.browser()
	b.Header.Set("Accept-Language", "en-GB")
	b.Add("ONE", "1")
	b.Post("/market", "country", "NO", "language", "nb")
	if c := b.cart(); c.Country != "NO" {
		t.Fatalf("the cart is in %s", c.Country)
	}
	later := s.becomes(b, sells(t, "EUR", "ONE"))
	c := later.cart()
	if c.Country != "FI" || c.Locale != "fi-FI" || c.Currency != "EUR" || c.TotalAmount != 10490 {
		t.Errorf("the cart is %+v", c)
	}
	if got := later.Get("/checkout"); got.StatusCode != http.StatusOK {
		t.Errorf("checkout: %d", got.StatusCode)
	}
	if o := s.order(); o.PurchaseCurrency != "EUR" || !strings.EqualFold(o.PurchaseCountry, "FI") {
		t.Errorf("the order is of %s in %s", o.PurchaseCountry, o.PurchaseCurrency)
	}
}
