package callback_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

func at(change func(a *klarna.Address)) func(o *kco.Order) {
	return func(o *kco.Order) { change(&o.BillingAddress); change(&o.ShippingAddress) }
}

func country(code string) func(o *kco.Order) { return at(func(a *klarna.Address) { a.Country = code }) }

func choose(id string) func(o *kco.Order) {
	return func(o *kco.Order) {
		o.SelectedShippingOption = &kco.SelectedOption{ShippingOption: kco.ShippingOption{ID: id}}
	}
}

func both(changes ...func(o *kco.Order)) func(o *kco.Order) {
	return func(o *kco.Order) {
		for _, change := range changes {
			change(o)
		}
	}
}

// Addresses and what they are answered: what the cart says then, how the lines
// are taxed, what delivery costs, or the text of a refusal.
func TestAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	type says struct {
		Market  string // country, locale, currency
		Option  string // chosen by the shopper
		ShipTo  cart.ShipTo
		Rates   []klarna.Rate // of the lines
		Fee     money.Amount  // delivery
		Tax     money.Amount  // sales tax
		Refusal string
	}
	se, no, de := []klarna.Rate{2500, 600, 2500}, []klarna.Rate{2500, 0, 2500}, []klarna.Rate{1900, 700, 1900, 700}
	none := []klarna.Rate{0, 0, 0, 0}
	sweden := says{Market: "SE sv-SE SEK", Rates: se, Fee: 4900}
	american := func(region string) func(o *kco.Order) {
		return both(country("us"), at(func(a *klarna.Address) { a.PostalCode, a.Region = "90001", region }))
	}
	cannot := func(text string) says { return says{Market: "SE sv-SE SEK", Refusal: text} }
	postal := func(code, text string) string { return strings.Replace(text, "{0}", code, 1) }
	const (
		swedish = "Vi kan inte leverera till {0}. Prova en annan adress eller välj ”Hämta i hamnen”."
		unread  = "Vi kan inte läsa delstaten ”{0}”. Skriv den med två bokstäver, till exempel CA."
		english = "We cannot deliver to {0}. Try another address or choose “Collect at the harbour”."
	)
	for _, tc := range []struct {
		name  string
		cart  func(*cart.Contents)
		order func(*kco.Order)
		want  says
		same  bool // the cart is not even stored anew
	}{
		{name: "opened", want: sweden, same: true},
		{name: "opened, the country in small letters", order: country("se"), want: sweden, same: true},
		{name: "opened, no address at all", order: func(o *kco.Order) { o.BillingAddress, o.ShippingAddress = klarna.Address{}, klarna.Address{} }, want: sweden, same: true},
		{name: "a name and a street", order: at(func(a *klarna.Address) { a.GivenName, a.StreetAddress = "Ada", "Byron" }), want: sweden, same: true},
		{name: "a postal code", order: at(func(a *klarna.Address) { a.PostalCode = " 111  47 " }),
			want: says{Market: "SE sv-SE SEK", Rates: se, Fee: 4900, ShipTo: cart.ShipTo{PostalCode: "111 47"}}},
		{name: "a region where none is asked for", order: at(func(a *klarna.Address) { a.Region = "Skåne" }), want: sweden, same: true},
		{name: "an option", order: choose("express"), want: says{Market: "SE sv-SE SEK", Rates: se, Fee: 12900, Option: "express"}},
		{name: "the option that it has", cart: func(c *cart.Contents) { c.ShippingOption = "express" }, order: choose("express"),
			want: says{Market: "SE sv-SE SEK", Rates: se, Fee: 12900, Option: "express"}, same: true},
		{name: "back to the default", cart: func(c *cart.Contents) { c.ShippingOption = "express" }, order: choose("mailboat"),
			want: says{Market: "SE sv-SE SEK", Rates: se, Fee: 4900, Option: "mailboat"}},
		{name: "an option that there is not", order: choose("drone"), want: sweden, same: true},

		{name: "Norway", order: country("NO"), want: says{Market: "NO nb-NO NOK", Rates: no, Fee: 5900}},
		{name: "Norway, in English", cart: func(c *cart.Contents) { c.Locale = "en-SE" }, order: country("no"), want: says{Market: "NO en-NO NOK", Rates: no, Fee: 5900}},
		{name: "Finland keeps Swedish", order: country("FI"), want: says{Market: "FI sv-FI EUR", Rates: []klarna.Rate{2550, 1350, 2550}, Fee: 490}},
		{name: "Norway by express", order: both(country("NO"), choose("express")), want: says{Market: "NO nb-NO NOK", Rates: no, Fee: 14900, Option: "express"}},
		{name: "another country and the other option", cart: func(c *cart.Contents) { c.ShippingOption = "express" }, order: both(country("NO"), choose("mailboat")),
			want: says{Market: "NO nb-NO NOK", Rates: no, Fee: 5900, Option: "mailboat"}},
		{name: "billing abroad, delivery at home", order: func(o *kco.Order) { o.BillingAddress.Country = "NO" },
			want: says{Market: "NO nb-NO NOK", Rates: se, Fee: 5900, ShipTo: cart.ShipTo{Country: "SE"}}},
		{name: "delivery abroad", order: func(o *kco.Order) { o.ShippingAddress.Country = "de" },
			want: says{Market: "SE sv-SE SEK", Rates: de, Fee: 4900, ShipTo: cart.ShipTo{Country: "DE"}}},
		{name: "export is without VAT", order: func(o *kco.Order) { o.ShippingAddress.Country, o.ShippingAddress.Region = "US", "CA" },
			want: says{Market: "SE sv-SE SEK", Rates: []klarna.Rate{0, 0, 0}, Fee: 4900, ShipTo: cart.ShipTo{Country: "US", Region: "CA"}}},
		{name: "billing in a country that is not served", order: func(o *kco.Order) { o.BillingAddress.Country = "IS" },
			want: says{Market: "SE sv-SE SEK", Rates: se, Fee: 4900, ShipTo: cart.ShipTo{BillingCountry: "IS"}}},
		{name: "the country that Klarna said before", cart: func(c *cart.Contents) { c.ShipTo = &cart.ShipTo{BillingCountry: "NO"} }, order: country("NO"),
			want: says{Market: "SE sv-SE SEK", Rates: se, Fee: 4900, ShipTo: cart.ShipTo{BillingCountry: "NO"}}, same: true},
		{name: "and another than it said before", cart: func(c *cart.Contents) { c.ShipTo = &cart.ShipTo{BillingCountry: "NO"} }, order: country("DK"),
			want: says{Market: "DK da-DK DKK", Rates: []klarna.Rate{2500, 2500, 2500}, Fee: 3900}},

		{name: "California", order: american("CA"), want: says{Market: "US en-US USD", Rates: none, Fee: 600, Tax: 406, ShipTo: cart.ShipTo{Region: "CA", PostalCode: "90001"}}},
		{name: "California by name", order: american("california"), want: says{Market: "US en-US USD", Rates: none, Fee: 600, Tax: 406, ShipTo: cart.ShipTo{Region: "CA", PostalCode: "90001"}}},
		{name: "California with the country", order: american("us-ca"), want: says{Market: "US en-US USD", Rates: none, Fee: 600, Tax: 406, ShipTo: cart.ShipTo{Region: "CA", PostalCode: "90001"}}},
		{name: "Oregon has no sales tax", order: american("OR"), want: says{Market: "US en-US USD", Rates: none, Fee: 600, ShipTo: cart.ShipTo{Region: "OR", PostalCode: "90001"}}},
		{name: "no state yet", order: american(""), want: says{Market: "US en-US USD", Rates: none, Fee: 600, ShipTo: cart.ShipTo{PostalCode: "90001"}}},
		{name: "New Jersey: 6.625 % of 55.95", order: american("N.J."), want: says{Market: "US en-US USD", Rates: none, Fee: 600, Tax: 371, ShipTo: cart.ShipTo{Region: "NJ", PostalCode: "90001"}}},
		{name: "the capital as people write it", order: american("Washington, DC"), want: says{Market: "US en-US USD", Rates: none, Fee: 600, Tax: 336, ShipTo: cart.ShipTo{Region: "DC", PostalCode: "90001"}}},
		{name: "the military post", order: american("AE"), want: says{Market: "US en-US USD", Rates: none, Fee: 600, ShipTo: cart.ShipTo{Region: "AE", PostalCode: "90001"}}},
		{name: "a state that cannot be read", order: american("Skåne"), want: cannot(postal("Skåne", unread))},
		{name: "which collecting does not help", order: both(american("Kalifornien"), choose("collect")), want: cannot(postal("Kalifornien", unread))},
		{name: "a territory", order: american("Puerto Rico"), want: cannot(postal("Puerto Rico", swedish))},
		{name: "which collecting does help", cart: func(c *cart.Contents) { c.Country, c.Locale, c.ShippingOption = "US", "en-US", "collect" }, order: both(american("PR"), choose("collect")),
			want: says{Market: "US en-US USD", Rates: none, Option: "collect", ShipTo: cart.ShipTo{Region: "PR", PostalCode: "90001"}}},

		{name: "Åland", order: both(country("FI"), at(func(a *klarna.Address) { a.PostalCode = "22100" })),
			want: says{Market: "FI sv-FI EUR", Rates: none[:3], Fee: 490, ShipTo: cart.ShipTo{PostalCode: "22100"}}},
		{name: "Svalbard", order: both(country("NO"), at(func(a *klarna.Address) { a.PostalCode = "9170" })),
			want: says{Market: "NO nb-NO NOK", Rates: none[:3], Fee: 5900, ShipTo: cart.ShipTo{PostalCode: "9170"}}},
		{name: "Büsingen, from Sweden", order: func(o *kco.Order) { o.ShippingAddress.Country, o.ShippingAddress.PostalCode = "DE", "78266" },
			want: says{Market: "SE sv-SE SEK", Rates: none[:3], Fee: 4900, ShipTo: cart.ShipTo{Country: "DE", PostalCode: "78266"}}},
		{name: "Guernsey", order: both(country("GB"), at(func(a *klarna.Address) { a.PostalCode = "gy1 1aa" })),
			want: says{Market: "GB en-GB GBP", Rates: none[:3], Fee: 395, ShipTo: cart.ShipTo{PostalCode: "GY1 1AA"}}},

		{name: "not delivered to", order: at(func(a *klarna.Address) { a.PostalCode = "999 99" }), want: cannot(postal("999 99", swedish))},
		{name: "not delivered to, in English", cart: func(c *cart.Contents) { c.Locale = "en-SE" }, order: at(func(a *klarna.Address) { a.PostalCode = "99999" }),
			want: says{Market: "SE en-SE SEK", Refusal: postal("99999", english)}},
		{name: "another country's is an address like any", order: at(func(a *klarna.Address) { a.PostalCode = "9999" }),
			want: says{Market: "SE sv-SE SEK", Rates: se, Fee: 4900, ShipTo: cart.ShipTo{PostalCode: "9999"}}},
		{name: "not delivered to in Britain", order: both(country("GB"), at(func(a *klarna.Address) { a.PostalCode = "zz99 9zz" })), want: cannot(postal("zz99 9zz", swedish))},
		{name: "collected there", order: both(at(func(a *klarna.Address) { a.PostalCode = "99999" }), choose("collect")),
			want: says{Market: "SE sv-SE SEK", Rates: se, Option: "collect", ShipTo: cart.ShipTo{PostalCode: "99999"}}},
		{name: "nothing to deliver", cart: func(c *cart.Contents) { c.Lines = []cart.Line{{SKU: "EBK-1", Quantity: 1}} }, order: at(func(a *klarna.Address) { a.PostalCode = "99999" }),
			want: says{Market: "SE sv-SE SEK", Rates: []klarna.Rate{600}, ShipTo: cart.ShipTo{PostalCode: "99999"}}},
		{name: "country not served", order: country("IS"), want: cannot("Island: dit levererar vi inte än. Välj ett annat land. Din varukorg finns kvar.")},
		{name: "delivery to a country not served", order: func(o *kco.Order) { o.ShippingAddress.Country = "fr" }, want: cannot("Frankrike: dit levererar vi inte än. Välj ett annat land. Din varukorg finns kvar.")},
		{name: "no country", order: country("XXXXXXXXXX"), want: cannot("XXXXXXXXXX: dit levererar vi inte än. Välj ett annat land. Din varukorg finns kvar.")},
	} {
		for i, name := range names[3:] {
			if i > 0 && tc.want.Refusal == "" && !strings.HasPrefix(tc.name, "Nor") {
				continue // one handler
			}
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				w.in(t)
				c := w.cart("order-1", tc.cart)
				o := w.order(c)
				if tc.order != nil {
					tc.order(&o)
				}
				res := w.call(w.path(name, "order-1"), w.body(change(o)))
				now := w.Cart(c.ID)
				got := says{Market: now.Country + " " + now.Locale, Option: now.ShippingOption}
				if now.ShipTo != nil {
					got.ShipTo = *now.ShipTo
				}
				switch res.StatusCode {
				case http.StatusOK:
					var answer kco.AddressAnswer
					if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
						t.Fatal(err)
					}
					w.answers(now, answer)
					for _, line := range answer.OrderLines {
						got.Rates = append(got.Rates, line.TaxRate)
						if line.Type == klarna.ShippingFee {
							got.Fee += line.TotalAmount
						}
					}
					got.Market += " " + answer.PurchaseCurrency
					got.Tax = salesTax(answer.OrderLines)
				case http.StatusBadRequest:
					var refusal kco.Refusal
					if err := json.NewDecoder(res.Body).Decode(&refusal); err != nil || refusal.Type != "unsupported_shipping_address" {
						t.Errorf("got %+v, %v", refusal, err)
					}
					got.Market += " SEK"
					got.Refusal = refusal.Text
					w.unchanged(c)
				default:
					t.Errorf("got %d %s", res.StatusCode, text(t, res))
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if tc.same && now.Revision != c.Revision {
					t.Errorf("revision %d → %d", c.Revision, now.Revision)
				}
			})
		}
	}
}

// answers holds that an answer is the order that the cart wants now.
func (w *world) answers(c cart.Cart, answer kco.AddressAnswer) {
	w.T.Helper()
	content := w.content(c)
	if diff := cmp.Diff(content.AddressAnswer(), answer); diff != "" {
		w.T.Errorf("not what the cart wants (-want +got):\n%s", diff)
	}
	if answer.ShippingOptions == nil {
		w.T.Error("shipping_options is null: that takes no old ones away")
	}
	chosen := slices.DeleteFunc(slices.Clone(answer.ShippingOptions), func(o kco.ShippingOption) bool { return !o.Preselected })
	fees := slices.DeleteFunc(slices.Clone(answer.OrderLines), func(l klarna.OrderLine) bool { return l.Type != klarna.ShippingFee })
	var price, tax money.Amount
	ofTheOption, rate := true, false
	for _, fee := range fees {
		price, tax = price+fee.TotalAmount, tax+fee.TotalTaxAmount
		ofTheOption = ofTheOption && len(chosen) == 1 && fee.Reference == chosen[0].ID && fee.Name == chosen[0].Name
		rate = rate || len(chosen) == 1 && fee.TaxRate == chosen[0].TaxRate
	}
	if (len(chosen) > 0) != (len(fees) > 0) || len(fees) > 0 && (!ofTheOption || !rate || price != chosen[0].Price || tax != chosen[0].TaxAmount) {
		w.T.Errorf("the options chosen are %+v, the fees %+v", chosen, fees)
	}
}

// A cart in which nothing is left to sell goes to its page.
func TestAddressOfAnEmptyCart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.cart("order-1", nil)
	o := w.order(c)
	c = w.edit(c.ID, func(c *cart.Contents) { c.Lines = nil })
	if got := answer(w.call(w.path("address_update", "order-1"), w.body(change(o)))); got != "303 cart_changed" {
		t.Errorf("got %s, want 303 cart_changed", got)
	}
	w.unchanged(c)
}

// What the shop's own switch of the market says is not undone by an address
// that Klarna still has (invariant 1), but the shopper may go back in the iframe.
func TestMarketOfTheShop(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	c := w.cart("order-1", nil)
	swedish := w.order(c)
	w.Change(c.ID, cart.Change{Country: "NO"})
	at(func(a *klarna.Address) { a.PostalCode = "11147" })(&swedish)
	if res := w.call(w.path("address_update", "order-1"), w.body(change(swedish))); res.StatusCode != http.StatusOK || w.Cart(c.ID).Country != "NO" {
		t.Errorf("got %d, the cart is in %s, want NO", res.StatusCode, w.Cart(c.ID).Country)
	}
	for _, country := range []string{"NO", "SE"} {
		at(func(a *klarna.Address) { a.Country = country })(&swedish)
		if res := w.call(w.path("country_change", "order-1"), w.body(change(swedish))); res.StatusCode != http.StatusOK || w.Cart(c.ID).Country != country {
			t.Errorf("got %d, the cart is in %s, want %s", res.StatusCode, w.Cart(c.ID).Country, country)
		}
	}
}
