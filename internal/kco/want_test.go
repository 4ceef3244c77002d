package kco_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

func wants(t *testing.T) *kco.Wants {
	t.Helper()
	return &kco.Wants{
		Pricer: &cart.Pricer{Published: publish.Fixed(skerry.Version()), PublicURL: "https://shop.example"}, Signer: signer(t, "a secret for the tests"),
		PublicURL: "https://shop.example", CallbackURL: "https://calls.example",
	}
}

func want(t *testing.T, c cart.Contents) kco.Content {
	t.Helper()
	content, _, err := wants(t).Want(cart.Cart{ID: "cart7", Contents: c})
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Every order names all callbacks with the secret token, asks for validation,
// and says where the shop sells.
func TestWant(t *testing.T) {
	got := want(t, cart.Contents{Country: "SE", Locale: "sv-SE", Lines: []cart.Line{{SKU: "MUG-1", Quantity: 1}}})
	call := func(name string) string {
		return "https://calls.example/klarna/" + signer(t, "a secret for the tests").CallbackToken() + "/" + name + "?order_id={checkout.order.id}"
	}
	urls := kco.MerchantURLs{
		Terms: "https://shop.example/terms", Checkout: "https://shop.example/checkout",
		Confirmation: "https://shop.example/checkout/confirmation?order_id={checkout.order.id}",
		Push:         call("push"), Notification: call("notification"), Validation: call("validation"),
		AddressUpdate: call("address_update"), ShippingOptionUpdate: call("shipping_option_update"), CountryChange: call("country_change"),
	}
	if diff := cmp.Diff(urls, got.MerchantURLs); diff != "" {
		t.Errorf("URLs (-want +got):\n%s", diff)
	}
	if !got.Options.RequireValidateCallbackSuccess {
		t.Error("silence would be consent")
	}
	served := strings.Fields("SE NO DK FI DE AT NL GB US")
	if diff := cmp.Diff(served, got.BillingCountries); diff != "" {
		t.Errorf("billing countries (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(served, got.ShippingCountries); diff != "" {
		t.Errorf("shipping countries (-want +got):\n%s", diff)
	}
}

func TestShippingOptions(t *testing.T) {
	mug, ebook := []cart.Line{{SKU: "MUG-1", Quantity: 1}}, []cart.Line{{SKU: "EBK-1", Quantity: 1}}
	for _, tc := range []struct {
		name string
		cart cart.Contents
		want []kco.ShippingOption
	}{
		{"Sweden", cart.Contents{Country: "SE", Locale: "sv-SE", Lines: mug}, []kco.ShippingOption{
			{ID: "mailboat", Name: "Postbåten", Description: "3 till 5\u00a0dagar", Price: 4900, TaxAmount: 980, TaxRate: 2500, Preselected: true},
			{ID: "express", Name: "Express", Description: "nästa arbetsdag", Price: 12900, TaxAmount: 2580, TaxRate: 2500},
			{ID: "collect", Name: "Hämta i hamnen", Description: "klart nästa dag", TaxRate: 2500, ShippingMethod: "PickUpStore"},
		}},
		{"Sweden in English, express", cart.Contents{Country: "SE", Locale: "en-SE", ShippingOption: "express", Lines: mug}, []kco.ShippingOption{
			{ID: "mailboat", Name: "Mail boat", Description: "3 to 5\u00a0days", Price: 4900, TaxAmount: 980, TaxRate: 2500},
			{ID: "express", Name: "Express", Description: "next working day", Price: 12900, TaxAmount: 2580, TaxRate: 2500, Preselected: true},
			{ID: "collect", Name: "Collect at the harbour", Description: "ready the next day", TaxRate: 2500, ShippingMethod: "PickUpStore"},
		}},
		{"US: without tax", cart.Contents{Country: "US", Locale: "en-US", Lines: mug, ShipTo: &cart.ShipTo{Region: "CA"}}, []kco.ShippingOption{
			{ID: "mailboat", Name: "Mail boat", Description: "3 to 5\u00a0days", Price: 600, Preselected: true},
			{ID: "express", Name: "Express", Description: "next working day", Price: 1500},
			{ID: "collect", Name: "Collect at the harbour", Description: "ready the next day", ShippingMethod: "PickUpStore"},
		}},
		{"Germany to Finland: its tax", cart.Contents{Country: "DE", Locale: "en-DE", Lines: mug, ShipTo: &cart.ShipTo{Country: "FI"}}, []kco.ShippingOption{
			{ID: "mailboat", Name: "Mail boat", Description: "3 to 5\u00a0days", Price: 490, TaxAmount: 100, TaxRate: 2550, Preselected: true},
			{ID: "express", Name: "Express", Description: "next working day", Price: 1290, TaxAmount: 262, TaxRate: 2550},
			{ID: "collect", Name: "Collect at the harbour", Description: "ready the next day", TaxRate: 2550, ShippingMethod: "PickUpStore"},
		}},
		{"Germany, mug and book: the sum of the tax, the rate of the larger part", cart.Contents{Country: "DE", Locale: "en-DE", Lines: append(mug, cart.Line{SKU: "BOK-1", Quantity: 1})}, []kco.ShippingOption{
			{ID: "mailboat", Name: "Mail boat", Description: "3 to 5\u00a0days", Price: 490, TaxAmount: 50, TaxRate: 700, Preselected: true}, // 1.90 holds 0.30, 3.00 holds 0.20
			{ID: "express", Name: "Express", Description: "next working day", Price: 1290, TaxAmount: 132, TaxRate: 700},                     // 5.01 holds 0.80, 7.89 holds 0.52
			{ID: "collect", Name: "Collect at the harbour", Description: "ready the next day", TaxRate: 700, ShippingMethod: "PickUpStore"},
		}},
		{"nothing to ship", cart.Contents{Country: "SE", Locale: "sv-SE", Lines: ebook}, []kco.ShippingOption{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			content := want(t, tc.cart)
			if diff := cmp.Diff(tc.want, content.ShippingOptions); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, o := range content.ShippingOptions {
				var price, tax money.Amount
				for _, line := range content.OrderLines {
					if line.Type == klarna.ShippingFee && line.Reference == o.ID {
						price, tax = price+line.TotalAmount, tax+line.TotalTaxAmount
					}
				}
				if o.Preselected && (price != o.Price || tax != o.TaxAmount) {
					t.Errorf("the fees are %d with tax %d, the option %+v", price, tax, o)
				}
			}
			if sent, err := json.Marshal(content); err != nil || strings.Contains(string(sent), "null") {
				t.Errorf("sent %s, %v", sent, err)
			}
		})
	}
}

// What decides about a purchase, and what does not.
func TestSaleDifferences(t *testing.T) {
	lines := []cart.Line{{SKU: "MUG-1", Quantity: 2}, {SKU: "JAM-1", Quantity: 1}}
	content := want(t, cart.Contents{Country: "SE", Locale: "sv-SE", Lines: lines})
	for _, tc := range []struct {
		name   string
		change func(*kco.Order)
		all    []string // by Differences
		sale   []string
	}{
		{"same", func(*kco.Order) {}, nil, nil},
		{"how countries are written", func(o *kco.Order) { o.ShippingCountries = strings.Fields("se no dk fi de at nl gb us") }, nil, nil},
		{"countries", func(o *kco.Order) { o.BillingCountries = nil }, []string{"billing_countries"}, nil},
		{"options", func(o *kco.Order) { o.Options = kco.Options{} }, []string{"options.require_validate_callback_success", "options.phone_mandatory"}, nil},
		{"a shipping option", func(o *kco.Order) {
			o.ShippingOptions = append([]kco.ShippingOption{}, o.ShippingOptions...)
			o.ShippingOptions[1].Price++
		}, []string{"shipping_options[1]"}, nil},
		{"a URL", func(o *kco.Order) { o.MerchantURLs.Validation = "" }, []string{"merchant_urls.validation"}, nil},
		{"language and merchant_data", func(o *kco.Order) { o.Locale, o.MerchantData = "en-SE", "" }, []string{"locale", "merchant_data"}, nil},
		{"country and currency", func(o *kco.Order) { o.PurchaseCountry, o.PurchaseCurrency = "NO", "NOK" },
			[]string{"purchase_country", "purchase_currency"}, []string{"purchase_country", "purchase_currency"}},
		{"amounts", func(o *kco.Order) { o.OrderAmount++; o.OrderTaxAmount++ }, []string{"order_amount", "order_tax_amount"}, []string{"order_amount", "order_tax_amount"}},
		{"a line", func(o *kco.Order) {
			o.OrderLines = append([]klarna.OrderLine{}, o.OrderLines...)
			o.OrderLines[1].Quantity++
		}, []string{"order_lines[1]"}, []string{"order_lines[1]"}},
		{"a line less", func(o *kco.Order) { o.OrderLines = o.OrderLines[:1] }, []string{"order_lines"}, []string{"order_lines"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := kco.Order{Content: content, OrderID: "id-1"}
			tc.change(&o)
			if diff := cmp.Diff(tc.all, kco.Differences(content, o)); diff != "" {
				t.Errorf("Differences (-want +got):\n%s", diff)
			}
			if got := kco.SaleDifferences(content, o); strings.Join(got, " ") != strings.Join(tc.sale, " ") {
				t.Errorf("SaleDifferences = %q, want %q", got, tc.sale)
			}
		})
	}
}

func TestIsOrderID(t *testing.T) {
	for id, want := range map[string]bool{
		"0c1a-7F_x~.": true, strings.Repeat("x", 255): true,
		"": false, ".": false, "..": false, "a/b": false, "a?b": false, "a b": false, "å": false, "{checkout.order.id}": false, strings.Repeat("x", 256): false,
	} {
		if got := kco.IsOrderID(id); got != want {
			t.Errorf("IsOrderID(%.40q) = %t", id, got)
		}
	}
}

func TestCheckoutURL(t *testing.T) {
	w := wants(t)
	if got, want := w.CheckoutURL(new(cart.Contents), kco.CartChanged, ""), "https://shop.example/checkout?reason=cart_changed"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := w.CheckoutURL(new(cart.Contents), kco.SoldOut, "A&B"), "https://shop.example/checkout?reason=sold_out&sku=A%26B"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
