package cart_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

func pricer() *cart.Pricer {
	return &cart.Pricer{Published: publish.Fixed(skerry.Version()), PublicURL: "https://shop.example"}
}

// short is an order line as the tests write it: type reference quantity×unit_price @tax_rate → total / tax.
type short struct {
	Type      klarna.LineType
	Reference string
	Quantity  int64
	UnitPrice money.Amount
	TaxRate   klarna.Rate
	Total     money.Amount
	Tax       money.Amount
}

func TestQuote(t *testing.T) {
	for _, tc := range []struct {
		name        string
		contents    cart.Contents
		want        []short
		amount, tax money.Amount
		unavailable []string
	}{
		{
			"empty", cart.Contents{Country: "SE", Locale: "sv-SE"}, nil, 0, 0, nil,
		},
		{
			"Sweden: three rates, delivery",
			cart.Contents{Country: "SE", Locale: "sv-SE", Lines: []cart.Line{{SKU: "MUG-1", Quantity: 5}, {SKU: "JAM-1", Quantity: 1}, {SKU: "BOK-1", Quantity: 1}}},
			[]short{
				{klarna.Physical, "MUG-1", 5, 14900, 2500, 74500, 14900},
				{klarna.Physical, "JAM-1", 1, 12900, 600, 12900, 730},
				{klarna.Physical, "BOK-1", 1, 22900, 600, 22900, 1296},
				{klarna.ShippingFee, "mailboat", 1, 4900, 2500, 4900, 980},
			}, 115200, 17906, nil,
		},
		{
			"a discount is split by rate and leaves vouchers and delivery alone",
			cart.Contents{Country: "SE", Locale: "en-SE", DiscountCode: "FOG10", Lines: []cart.Line{{SKU: "MUG-1", Quantity: 1}, {SKU: "BOK-1", Quantity: 1}, {SKU: "GFT-1", Quantity: 1}}},
			[]short{
				{klarna.Physical, "MUG-1", 1, 14900, 2500, 14900, 2980},
				{klarna.Physical, "BOK-1", 1, 22900, 600, 22900, 1296},
				{klarna.Digital, "GFT-1", 1, 50000, 0, 50000, 0},
				{klarna.Discount, "FOG10", 1, -1490, 2500, -1490, -298},
				{klarna.Discount, "FOG10", 1, -2290, 600, -2290, -130},
				{klarna.ShippingFee, "mailboat", 1, 4900, 2500, 4900, 980},
			}, 88920, 4828, nil,
		},
		{
			"digital goods are not shipped",
			cart.Contents{Country: "DE", Locale: "de-DE", Lines: []cart.Line{{SKU: "EBK-1", Quantity: 2}}},
			[]short{{klarna.Digital, "EBK-1", 2, 1190, 700, 2380, 156}}, 2380, 156, nil,
		},
		{
			"the chosen option",
			cart.Contents{Country: "NO", Locale: "nb-NO", ShippingOption: "express", Lines: []cart.Line{{SKU: "MUG-1", Quantity: 1}}},
			[]short{
				{klarna.Physical, "MUG-1", 1, 15900, 2500, 15900, 3180},
				{klarna.ShippingFee, "express", 1, 14900, 2500, 14900, 2980},
			}, 30800, 6160, nil,
		},
		{
			"US: prices without tax, no tax before the state is known",
			cart.Contents{Country: "US", Locale: "en-US", Lines: []cart.Line{{SKU: "MUG-1", Quantity: 2}}},
			[]short{
				{klarna.Physical, "MUG-1", 2, 1400, 0, 2800, 0},
				{klarna.ShippingFee, "mailboat", 1, 600, 0, 600, 0},
				{klarna.SalesTax, "", 1, 0, 0, 0, 0},
			}, 3400, 0, nil,
		},
		{
			"US: the state's tax on goods less discount and on delivery",
			cart.Contents{Country: "US", Locale: "en-US", DiscountCode: "LANTERN25", ShipTo: &cart.ShipTo{Country: "US", Region: "CA"}, Lines: []cart.Line{{SKU: "MUG-1", Quantity: 2}, {SKU: "GFT-1", Quantity: 1}}},
			[]short{
				{klarna.Physical, "MUG-1", 2, 1400, 0, 2800, 0},
				{klarna.Digital, "GFT-1", 1, 5000, 0, 5000, 0},
				{klarna.Discount, "LANTERN25", 1, -700, 0, -700, 0},
				{klarna.ShippingFee, "mailboat", 1, 600, 0, 600, 0},
				{klarna.SalesTax, "", 1, 196, 0, 196, 0}, // 7.25 % of 2700 = 195.75
			}, 7896, 196, nil,
		},
		{
			"what cannot be sold is left out and named",
			cart.Contents{Country: "SE", Locale: "sv-SE", Lines: []cart.Line{{SKU: "GONE-1", Quantity: 3}, {SKU: "MAP-1", Quantity: 1}}},
			[]short{{klarna.Digital, "MAP-1", 1, 5900, 2500, 5900, 1180}}, 5900, 1180, []string{"GONE-1"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := pricer().Quote(tc.contents)
			if err != nil {
				t.Fatal(err)
			}
			var lines []short
			for _, l := range got.OrderLines {
				lines = append(lines, short{l.Type, l.Reference, l.Quantity, l.UnitPrice, l.TaxRate, l.TotalAmount, l.TotalTaxAmount})
			}
			if diff := cmp.Diff(tc.want, lines); diff != "" {
				t.Error(diff)
			}
			if got.OrderAmount != tc.amount || got.OrderTaxAmount != tc.tax {
				t.Errorf("got %d / %d, want %d / %d", got.OrderAmount, got.OrderTaxAmount, tc.amount, tc.tax)
			}
			if diff := cmp.Diff(tc.unavailable, got.Unavailable); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQuoteLine(t *testing.T) {
	got, err := pricer().Quote(cart.Contents{Country: "SE", Locale: "en-SE", Lines: []cart.Line{{SKU: "MUG-1", Quantity: 1}}})
	if err != nil {
		t.Fatal(err)
	}
	line := got.OrderLines[0]
	if line.Name != "Enamel mug, 35 cl" || line.QuantityUnit != "pcs" || line.ProductURL != "https://shop.example/products/MUG-1" || line.ImageURL != "" {
		t.Errorf("got %+v", line)
	}
}

// Ninety-nine of everything stays within Klarna's limits, in every market, with and without a code.
func TestQuoteOfEverything(t *testing.T) {
	var lines []cart.Line
	for _, p := range skerry.Version().Catalog.Products() {
		lines = append(lines, cart.Line{SKU: p.SKU, Quantity: cart.MaxQuantity})
	}
	for _, m := range skerry.Version().Markets {
		for _, locale := range m.Locales {
			for _, code := range []string{"", "FOG10", "LANTERN25"} {
				if _, err := pricer().Quote(cart.Contents{Country: m.Country, Locale: locale, DiscountCode: code, Lines: lines}); err != nil {
					t.Errorf("%s %s: %v", locale, code, err)
				}
			}
		}
	}
}

// Any cart gives lines that satisfy Klarna's rules, without a balancing line.
func FuzzQuote(f *testing.F) {
	f.Add(uint64(0), uint8(0), uint8(1), []byte{0, 5, 9, 1, 18, 1})
	f.Add(uint64(7), uint8(8), uint8(2), []byte{27, 99, 1, 1})
	products, markets := skerry.Version().Catalog.Products(), skerry.Version().Markets
	codes := []string{"", "FOG10", "LANTERN25"}
	regions := []string{"", "CA", "NY", "OR", "TN", "??"}
	f.Fuzz(func(t *testing.T, choice uint64, country, code uint8, goods []byte) {
		m := markets[int(country)%len(markets)]
		c := cart.Contents{
			Country: m.Country, Locale: m.Locales[choice%uint64(len(m.Locales))],
			DiscountCode:   codes[int(code)%len(codes)],
			ShippingOption: m.ShippingOptions[choice%uint64(len(m.ShippingOptions))].ID,
			ShipTo:         &cart.ShipTo{Country: m.Country, Region: regions[choice%uint64(len(regions))]},
		}
		for i := 0; i+1 < len(goods) && len(c.Lines) < cart.MaxLines; i += 2 {
			c.Lines = append(c.Lines, cart.Line{SKU: products[int(goods[i])%len(products)].SKU, Quantity: 1 + int(goods[i+1])%cart.MaxQuantity})
		}
		got, err := pricer().Quote(c)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if err := got.Check(); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		fees := 0
		for _, line := range got.OrderLines {
			switch line.Type { //nolint:exhaustive // the others are as they should be
			case klarna.ShippingFee:
				fees++
			case klarna.Surcharge, klarna.GiftCard, klarna.StoreCredit:
				t.Fatalf("%+v: a line from nowhere: %+v", c, line)
			}
		}
		if (got.Shipping != nil) != (fees > 0) || fees > 2 {
			t.Fatalf("%+v: %d shipping fees", c, fees)
		}
	})
}
