package cart_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

// shop is a pricer with goods at prices for these tests, in all currencies alike.
func shop(t *testing.T) *cart.Pricer {
	t.Helper()
	var products []string
	for _, p := range []struct {
		sku, class string
		digital    bool
		price      int
	}{
		{"THOUSAND", "standard", false, 100000}, {"ODD", "standard", false, 14999}, {"TEN", "standard", false, 999},
		{"MUG", "standard", false, 1390}, {"BOOK", "book", false, 2190}, {"JAM", "food", false, 1190},
		{"FILE", "book", true, 1190}, {"VOUCHER", "none", false, 5000},
	} {
		kind := `"stock":1000`
		if p.digital {
			kind = `"digital":true`
		}
		products = append(products, fmt.Sprintf(`{"sku":%q,"category":"c","name":{"en":"x"},"tax_class":%q,%s,"prices":{"SEK":%[4]d,"NOK":%[4]d,"DKK":%[4]d,"EUR":%[4]d,"GBP":%[4]d,"USD":%[4]d}}`, p.sku, p.class, kind, p.price))
	}
	c, err := catalog.Read(strings.NewReader(`{"categories":[{"id":"c","name":{"en":"c"}}],"products":[` + strings.Join(products, ",") + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	shop := *skerry.Version().Shop
	shop.Campaigns = campaign.List{{ID: "tenth", Code: "TENTH", Percent: 1000}}
	return &cart.Pricer{Published: publish.Fixed(publish.NewVersion(1, &shop, c)), PublicURL: "https://shop.example"}
}

// place is a cart that goes somewhere: "FI 22100", "US NJ".
func place(where, option string, goods ...cart.Line) cart.Contents {
	country, rest, _ := strings.Cut(where, " ")
	c := cart.Contents{Country: country, Locale: "en-" + country, ShippingOption: option, Lines: goods}
	if country == "US" {
		c.ShipTo = &cart.ShipTo{Region: rest}
	} else if rest != "" {
		c.ShipTo = &cart.ShipTo{PostalCode: rest}
	}
	return c
}

// with is a shop's market, changed.
func with(country string, change func(*market.Market)) *market.Market {
	m, _ := skerry.Version().Markets.Lookup(country)
	change(&m)
	return &m
}

// What tax comes to: rates of three decimals, delivery, places without VAT. The values are
// worked out by hand.
func TestTax(t *testing.T) {
	one := func(sku string) cart.Line { return cart.Line{SKU: sku, Quantity: 1} }
	without := func(m *market.Market) { m.UntaxedPrices = market.WithoutVAT }
	for _, tc := range []struct {
		name        string
		contents    cart.Contents
		in          *market.Market // nil: the shop's
		want        string         // lines: reference, total at rate: tax
		amount, tax money.Amount
	}{
		{"New Jersey", place("US NJ", "collect", cart.Line{SKU: "THOUSAND", Quantity: 10}), nil,
			"THOUSAND 1000000@0:0, collect 0@0:0, sales_tax 66250@0:0", 1066250, 66250},
		{"New Jersey, odd", place("US NJ", "collect", cart.Line{SKU: "ODD", Quantity: 10}), nil,
			"ODD 149990@0:0, collect 0@0:0, sales_tax 9937@0:0", 159927, 9937},
		{"Minnesota, with delivery: 6.875 % of 35.97", place("US MN", "", cart.Line{SKU: "TEN", Quantity: 3}), nil,
			"TEN 2997@0:0, mailboat 600@0:0, sales_tax 247@0:0", 3844, 247},
		{"Missouri: 4.225 % of 1006.00", place("US MO", "", one("THOUSAND")), nil,
			"THOUSAND 100000@0:0, mailboat 600@0:0, sales_tax 4250@0:0", 104850, 4250}, // 42.5035
		{"New Mexico: 4.875 % of 155.99", place("US NM", "", one("ODD")), nil,
			"ODD 14999@0:0, mailboat 600@0:0, sales_tax 760@0:0", 16359, 760}, // 7.6045…
		{"the military post", place("US AE", "", one("ODD")), nil, "ODD 14999@0:0, mailboat 600@0:0, sales_tax 0@0:0", 15599, 0},
		{"delivery without sales tax: 6.625 % of 9.99", place("US NJ", "", one("TEN")), with("US", func(m *market.Market) { m.DeliveryTax = market.TaxAtRate }),
			"TEN 999@0:0, mailboat 600@0:0, sales_tax 66@0:0", 1665, 66},
		{"a voucher alone: its delivery is taxed as it is", place("US NJ", "", one("VOUCHER")), nil,
			"VOUCHER 5000@0:0, mailboat 600@0:0, sales_tax 0@0:0", 5600, 0},

		{"books alone in Germany", place("DE", "", one("BOOK")), nil, "BOOK 2190@700:143, mailboat 490@700:32", 2680, 175},
		{"mug and book: 190.25 and 299.75 of 490", place("DE", "", one("MUG"), one("BOOK")), nil,
			"MUG 1390@1900:222, BOOK 2190@700:143, mailboat 190@1900:30, mailboat 300@700:20", 4070, 415},
		{"book and jam have one rate", place("DE", "", one("BOOK"), one("JAM")), nil,
			"BOOK 2190@700:143, JAM 1190@700:78, mailboat 490@700:32", 3870, 253},
		{"a file is not shipped, a voucher is money", place("DE", "", one("FILE"), one("VOUCHER"), one("MUG")), nil,
			"FILE 1190@700:78, VOUCHER 5000@0:0, MUG 1390@1900:222, mailboat 490@1900:78", 8070, 378},
		{"a voucher alone goes at the standard rate", place("DE", "", one("VOUCHER")), nil, "VOUCHER 5000@0:0, mailboat 490@1900:78", 5490, 78},
		{"Austria: 263.99 and 226.01", place("AT", "", one("MUG"), one("JAM")), nil,
			"MUG 1390@2000:232, JAM 1190@1000:108, mailboat 264@2000:44, mailboat 226@1000:21", 3070, 405},
		{"a discount is beside it", func() cart.Contents {
			c := place("DE", "", one("MUG"), one("BOOK"))
			c.DiscountCode = "TENTH"
			return c
		}(), nil, "MUG 1390@1900:222, BOOK 2190@700:143, TENTH -139@1900:-22, TENTH -219@700:-14, mailboat 190@1900:30, mailboat 300@700:20", 3712, 379},
		{"free is one line", place("DE", "collect", one("MUG"), one("BOOK")), nil,
			"MUG 1390@1900:222, BOOK 2190@700:143, collect 0@700:0", 3580, 365},
		{"the standard rate", place("DE", "", one("BOOK")), with("DE", func(m *market.Market) { m.DeliveryTax = market.TaxStandard }),
			"BOOK 2190@700:143, mailboat 490@1900:78", 2680, 221},
		{"a rate", place("SE", "", one("BOOK")), with("SE", func(m *market.Market) { m.DeliveryTax, m.DeliveryRate = market.TaxAtRate, 12000 }),
			"BOOK 2190@600:124, mailboat 4900@1200:525", 7090, 649},
		{"no rate", place("SE", "", one("BOOK")), with("SE", func(m *market.Market) { m.DeliveryTax = market.TaxAtRate }),
			"BOOK 2190@600:124, mailboat 4900@0:0", 7090, 124},

		{"Åland", place("FI 22100", "", one("MUG"), one("BOOK")), nil, "MUG 1390@0:0, BOOK 2190@0:0, mailboat 490@0:0", 4070, 0},
		{"Svalbard", place("NO 9170", "", one("MUG")), nil, "MUG 1390@0:0, mailboat 5900@0:0", 7290, 0},
		{"Büsingen, mixed", place("DE 78266", "", one("MUG"), one("BOOK")), nil, "MUG 1390@0:0, BOOK 2190@0:0, mailboat 490@0:0", 4070, 0},
		{"Jersey", place("GB JE2 3AB", "", one("MUG")), nil, "MUG 1390@0:0, mailboat 395@0:0", 1785, 0},
		{"a rate for delivery, where none is due", place("FI 22100", "", one("MUG")), with("FI", func(m *market.Market) { m.DeliveryTax, m.DeliveryRate = market.TaxAtRate, 10000 }),
			"MUG 1390@0:0, mailboat 490@0:0", 1880, 0},
		{"Åland without VAT: 13.90 holds 2.82, 4.90 holds 1.00", place("FI 22100", "", cart.Line{SKU: "MUG", Quantity: 2}), with("FI", without),
			"MUG 2216@0:0, mailboat 390@0:0", 2606, 0},
		{"Helgoland without VAT: delivery holds 0.30 and 0.20", place("DE 27498", "", one("MUG"), one("BOOK")), with("DE", without),
			"MUG 1168@0:0, BOOK 2047@0:0, mailboat 440@0:0", 3655, 0},
		{"a discount on less", func() cart.Contents {
			c := place("FI 22100", "", one("MUG"))
			c.DiscountCode = "TENTH"
			return c
		}(), with("FI", without), "MUG 1108@0:0, TENTH -111@0:0, mailboat 390@0:0", 1387, 0},
		{"without VAT is for places without", place("FI 00100", "", one("MUG")), with("FI", without), "MUG 1390@2550:282, mailboat 490@2550:100", 1880, 382},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := tc.in
			if m == nil {
				m = with(tc.contents.Country, func(*market.Market) {})
			}
			got, err := shop(t).QuoteIn(tc.contents, *m)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, l := range got.OrderLines {
				name := l.Reference
				if name == "" {
					name = string(l.Type)
				}
				lines = append(lines, fmt.Sprintf("%s %d@%d:%d", name, l.TotalAmount, l.TaxRate, l.TotalTaxAmount))
			}
			if diff := cmp.Diff(tc.want, strings.Join(lines, ", ")); diff != "" || got.OrderAmount != tc.amount || got.OrderTaxAmount != tc.tax {
				t.Errorf("%d, %d, want %d, %d\n%s", got.OrderAmount, got.OrderTaxAmount, tc.amount, tc.tax, diff)
			}
		})
	}
}

// Whatever is in the cart and wherever it goes: the lines sum to the order and satisfy
// Klarna, the fees sum to the price of delivery, and an option's tax is that of its lines.
func TestDeliverySums(t *testing.T) {
	p, random := shop(t), rand.New(rand.NewPCG(17, 2))
	skus := []string{"THOUSAND", "ODD", "TEN", "MUG", "BOOK", "JAM", "FILE", "VOUCHER"}
	places := []string{"SE", "NO", "NO 9170", "DE", "DE 78266", "AT", "FI 22100", "FI 00100", "GB", "GB GY1 1AA", "US NJ", "US MN", "US"}
	for range 5000 {
		c := place(places[random.IntN(len(places))], []string{"", "express", "collect"}[random.IntN(3)])
		for range 1 + random.IntN(4) {
			c.Lines = append(c.Lines, cart.Line{SKU: skus[random.IntN(len(skus))], Quantity: 1 + random.IntN(99)})
		}
		c.DiscountCode = []string{"", "TENTH"}[random.IntN(2)]
		m := with(c.Country, func(m *market.Market) {
			m.DeliveryTax = market.DeliveryTax(random.IntN(3))
			m.DeliveryRate = money.TaxRate(10 * random.IntN(2500))
			m.UntaxedPrices = market.UntaxedPrices(random.IntN(2))
			m.ShippingOptions = append([]market.ShippingOption{{ID: "mailboat", Name: i18n.Text{"en": "Mail boat"}, Price: money.Amount(random.IntN(3000))}}, m.ShippingOptions[1:]...)
		})
		q, err := p.QuoteIn(c, *m)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if err := q.Check(); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		var fees, tax money.Amount
		for _, l := range q.OrderLines {
			if l.Type == klarna.ShippingFee {
				fees += l.TotalAmount
				tax += l.TotalTaxAmount
			}
		}
		if q.Shipping != nil && (fees != q.Shipping.Price || tax != q.Shipping.Tax) || q.Shipping == nil && fees != 0 {
			t.Fatalf("%+v: fees %d with tax %d, the option %+v", c, fees, tax, q.Shipping)
		}
	}
}

// A market whose ways of delivery are all collecting, or which has none.
func TestNoDelivery(t *testing.T) {
	collecting := with("SE", func(m *market.Market) {
		m.ShippingOptions = []market.ShippingOption{{ID: "collect", Name: i18n.Text{"en": "Collect"}, Pickup: true}}
	})
	none := with("SE", func(m *market.Market) { m.ShippingOptions = nil })
	for _, tc := range []struct {
		in         *market.Market
		option     string
		sku        string
		shipping   string // "" none
		noDelivery bool
	}{
		{collecting, "", "MUG", "collect", false},
		{collecting, "mailboat", "MUG", "collect", false},
		{collecting, "", "FILE", "", false},
		{none, "", "MUG", "", true},
		{none, "collect", "MUG", "", true},
		{none, "", "FILE", "", false},
	} {
		q, err := shop(t).QuoteIn(place("SE", tc.option, cart.Line{SKU: tc.sku, Quantity: 1}), *tc.in)
		if err != nil || q.NoDelivery != tc.noDelivery || q.Empty() != tc.noDelivery || (q.Shipping != nil) != (tc.shipping != "") {
			t.Errorf("%s %q: %v, no delivery %t, empty %t, %+v", tc.sku, tc.option, err, q.NoDelivery, q.Empty(), q.Shipping)
			continue
		}
		if q.Shipping != nil && q.Shipping.ID != tc.shipping {
			t.Errorf("%s %q: %s", tc.sku, tc.option, q.Shipping.ID)
		}
	}
}
