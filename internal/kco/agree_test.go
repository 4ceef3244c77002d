package kco_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
)

func content() kco.Content {
	return kco.Content{
		Sale: klarna.Sale{PurchaseCountry: "SE", PurchaseCurrency: "SEK", Locale: "sv-SE", Lines: klarna.Lines{OrderAmount: 39800, OrderTaxAmount: 7960, OrderLines: []klarna.OrderLine{{Type: klarna.Physical, Reference: "MUG-1", Name: "Mugg", Quantity: 2, UnitPrice: 19900, TaxRate: 2500, TotalAmount: 39800, TotalTaxAmount: 7960}}}},
		MerchantURLs: kco.MerchantURLs{
			Terms: "https://s.example/terms", Checkout: "https://s.example/checkout",
			Confirmation: "https://s.example/thanks?order_id={checkout.order.id}", Push: "https://s.example/push?order_id={checkout.order.id}",
		},
		MerchantData: "v1.a.b",
	}
}

func TestDifferences(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*kco.Order)
		want   []string
	}{
		{"same", func(*kco.Order) {}, nil},
		{"case of country and currency", func(o *kco.Order) { o.PurchaseCountry, o.PurchaseCurrency = "se", "sek" }, nil},
		{"placeholder filled in", func(o *kco.Order) {
			o.MerchantURLs.Push = strings.ReplaceAll(o.MerchantURLs.Push, "{checkout.order.id}", "id-1")
		}, nil},
		{"placeholder encoded", func(o *kco.Order) {
			o.MerchantURLs.Push = strings.ReplaceAll(o.MerchantURLs.Push, "{checkout.order.id}", "%7Bcheckout.order.id%7D")
			o.MerchantURLs.Confirmation = strings.ReplaceAll(o.MerchantURLs.Confirmation, "{checkout.order.id}", "%7bcheckout.order.id%7d")
		}, nil},
		{"what Klarna adds", func(o *kco.Order) { o.BillingAddress.PostalCode = "11147"; o.HTMLSnippet = "x" }, nil},
		{"country", func(o *kco.Order) { o.PurchaseCountry = "NO" }, []string{"purchase_country"}},
		{"currency", func(o *kco.Order) { o.PurchaseCurrency = "NOK" }, []string{"purchase_currency"}},
		{"locale", func(o *kco.Order) { o.Locale = "en-SE" }, []string{"locale"}},
		{"amounts", func(o *kco.Order) { o.OrderAmount++; o.OrderTaxAmount++ }, []string{"order_amount", "order_tax_amount"}},
		{"merchant data", func(o *kco.Order) { o.MerchantData = "" }, []string{"merchant_data"}},
		{"quantity", func(o *kco.Order) { o.OrderLines[0].Quantity = 3 }, []string{"order_lines[0]"}},
		{"no lines", func(o *kco.Order) { o.OrderLines = nil }, []string{"order_lines"}},
		{"one line more", func(o *kco.Order) { o.OrderLines = append(o.OrderLines, klarna.OrderLine{}) }, []string{"order_lines"}},
		{"a line's defaults", func(o *kco.Order) { o.OrderLines[0].TotalDiscountAmount = 1 }, []string{"order_lines[0]"}},
		{"another URL", func(o *kco.Order) { o.MerchantURLs.Push = "https://old.example/push" }, []string{"merchant_urls.push"}},
		{"another order's ID", func(o *kco.Order) { o.MerchantURLs.Confirmation = "https://s.example/thanks?order_id=id-2" }, []string{"merchant_urls.confirmation"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := kco.Order{Content: content(), OrderID: "id-1"}
			tc.change(&got)
			if diff := cmp.Diff(tc.want, kco.Differences(content(), got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLineDifferences(t *testing.T) {
	line := klarna.OrderLine{Type: klarna.Physical, Reference: "MUG-1", Quantity: 3, UnitPrice: 100, TotalAmount: 300}
	more := line
	more.Quantity, more.TotalAmount = 5, 500
	if got := kco.LineDifferences(line, line); len(got) != 0 {
		t.Errorf("the same line: %v", got)
	}
	if diff := cmp.Diff([]string{"quantity", "total_amount"}, kco.LineDifferences(line, more)); diff != "" {
		t.Error(diff)
	}
}
