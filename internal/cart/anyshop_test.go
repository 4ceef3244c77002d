package cart_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

var carts = flag.Int("carts", 10_000, "carts that TestAnyShop prices")

// dice makes shops and carts.
type dice struct{ *rand.Rand }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

// one returns one of several.
func one[T any](d dice, choices ...T) T { return choices[d.IntN(len(choices))] }

// percent is a rate with at most so many decimals: often a usual one, at times at an end.
func (d dice) percent(decimals int) string {
	whole := one(d, "0", "6", "25", fmt.Sprint(d.IntN(100)), "100")
	if whole == "100" || decimals == 0 || d.chance(50) {
		return whole
	}
	return whole + "." + fmt.Sprintf("%03d", d.IntN(1000))[:1+d.IntN(decimals)]
}

func (d dice) price() int { return one(d, 0, 1, d.IntN(100), d.IntN(50_000)) }

// someRates are VAT rates of some classes.
func (d dice) someRates() string {
	rates := "standard: " + d.percent(2)
	for _, class := range []string{"food", "book"} {
		if d.chance(60) {
			rates += ", " + class + ": " + d.percent(2)
		}
	}
	return "{" + rates + "}"
}

// file is a valid shop file.
func (d dice) file() string {
	var b strings.Builder
	b.WriteString("name: A\ncontact: {email: a@b.example}\npages: {terms: 'https://a.example/terms'}\nmarkets:\n")
	all := map[string]string{"SE": "sv-SE", "FI": "fi-FI", "DE": "de-DE", "CH": "de-CH", "GB": "en-GB", "US": "en-US"}
	m := map[string]string{"SE": "11157", "FI": "00100", "DE": "10115", "CH": "8001", "GB": "SW1A 1AA", "US": "94103"}
	countries := []string{"SE", "FI", "DE", "CH", "GB", "US"}
	d.Shuffle(len(countries), func(i, j int) { countries[i], countries[j] = countries[j], countries[i] })
	var currencies []string
	for _, country := range countries[:1+d.IntN(3)] {
		currency := one(d, "SEK", "EUR")
		currencies = append(currencies, currency)
		fmt.Fprintf(&b, "- country: %s\n  currency: %s\n  locales: [%s]\n", country, currency, all[country])
		if country == "US" {
			fmt.Fprintf(&b, "  sales_tax: {CA: %s, NJ: %s, OR: 0}\n  delivery_tax: %s\n", d.percent(3), d.percent(3), one(d, "none", "goods"))
		} else {
			fmt.Fprintf(&b, "  tax: %s\n  delivery_tax: %s\n", d.someRates(), one(d, "standard", "goods", d.percent(2)))
			if d.chance(50) && country != "GB" {
				fmt.Fprintf(&b, "  untaxed: ['1*']\n  untaxed_prices: %s\n", one(d, "same", "without_vat"))
			}
		}
		if country == "US" {
			b.WriteString("  deliver_to: {DK: {}, PL: {}}\n")
		} else {
			fmt.Fprintf(&b, "  deliver_to: {DK: {tax: %s}, PL: {tax: {standard: 0}}}\n", d.someRates())
		}
		b.WriteString("  delivery:\n")
		for i := range d.IntN(4) {
			fmt.Fprintf(&b, "  - {id: o%d, name: Way, collect: %t", i, d.chance(20))
			if d.chance(50) {
				fmt.Fprintf(&b, ", free_from: %d", 1+d.IntN(100_000))
			}
			if d.chance(40) {
				fmt.Fprintf(&b, ", pickup_points: [%s]", strings.Join(d.points(m[country]), ", "))
			}
			if d.chance(40) {
				fmt.Fprintf(&b, ", price: [{up_to: %d, price: %d}, {up_to: %d, price: %d}]}\n", 1+d.IntN(1000), d.price(), 1001+d.IntN(20_000), d.price())
			} else {
				fmt.Fprintf(&b, ", price: %d}\n", d.price())
			}
		}
		price, points := 0, ""
		if d.chance(90) {
			price = d.price()
		}
		if d.chance(30) {
			points = ", pickup_points: [" + strings.Join(d.points(m[country]), ", ") + "]"
		}
		fmt.Fprintf(&b, "  - {id: last, name: Way, price: %d%s}\n", price, points)
	}
	slices.Sort(currencies)
	b.WriteString(d.campaigns(slices.Compact(currencies)))
	return b.String()
}

// points are one to three pickup points.
func (d dice) points(postalCode string) (points []string) {
	for _, id := range []string{"a", "b", "c"}[:1+d.IntN(3)] {
		points = append(points, fmt.Sprintf("{id: %s, name: Kiosk %s, address: {street_address: Street 1, postal_code: '%s', city: Town}}", id, id, postalCode))
	}
	return points
}

// campaigns are some with codes, and some that apply by themselves.
func (d dice) campaigns(currencies []string) string {
	amounts := func() string {
		var list []string
		for _, currency := range currencies {
			if d.chance(80) || len(list) == 0 {
				list = append(list, fmt.Sprintf("%s: %d", currency, 1+d.IntN(60_000)))
			}
		}
		return "{" + strings.Join(list, ", ") + "}"
	}
	var b strings.Builder
	b.WriteString("campaigns:\n")
	for i, code := range []string{"SOME", "ALL", "CASH", "SHIP", "PAY", "", "", ""} {
		if code == "" && d.chance(50) {
			continue
		}
		buy := 2 + d.IntN(5)
		kinds := []string{
			fmt.Sprintf("percent: %d", 1+d.IntN(100)), "percent: 100", "amount: " + amounts(), "free_delivery: [last]",
			fmt.Sprintf("buy: %d, pay: %d", buy, 1+d.IntN(buy-1)),
		}
		kind := one(d, kinds...)
		if code != "" {
			kind = kinds[i]
			code = ", code: " + code
		}
		fmt.Fprintf(&b, "- {id: c%d%s, %s", i, code, kind)
		if d.chance(30) && kind != kinds[3] {
			b.WriteString(one(d, ", categories: [d]", ", skus: [P0, P2, P5]", ", categories: [d], skus: [P1]"))
		}
		if d.chance(20) {
			b.WriteString(", minimum: " + amounts())
		}
		b.WriteString(one(d, "", "", "", ", from: 2020-01-01, until: 2999-12-31", ", until: 2020-01-01", ", from: 2999-01-01") + "}\n")
	}
	return b.String()
}

// goods is a catalogue of a product of each class, some digital.
func (d dice) goods() string {
	var b strings.Builder
	b.WriteString("products:\n")
	for i, class := range []string{"standard", "food", "book", "none", "standard", "food"} {
		fmt.Fprintf(&b, "- {sku: P%d, category: %s, name: P, tax_class: %s, prices: {SEK: %d, EUR: %d}, ", i, one(d, "c", "d"), class, d.price(), d.price())
		if i > 2 && d.chance(50) {
			b.WriteString("digital: true}\n")
		} else {
			fmt.Fprintf(&b, "stock: 1, weight: %d}\n", d.IntN(3000))
		}
	}
	return b.String()
}

// cart is a cart of a shop.
func (d dice) cart(v *publish.Version) cart.Contents {
	m := v.Markets[d.IntN(len(v.Markets))]
	c := cart.Contents{
		Country: m.Country, Locale: m.Locales[0], DiscountCode: one(d, "", "", "SOME", "ALL", "CASH", "SHIP", "PAY", "GONE"),
		ShippingOption: one(d, "", "o0", "o1", "o0:a", "o1:b", "last", "last:a", "gone"),
		ShipTo: &cart.ShipTo{
			Country: one(d, "", "", m.Country, "DK", "PL", "IS"), Region: one(d, "", "CA", "NJ", "OR", "TX"), PostalCode: one(d, "", "11147", "22100", "1000"),
		},
	}
	for i := range 6 {
		if d.chance(40) {
			c.Lines = append(c.Lines, cart.Line{SKU: fmt.Sprintf("P%d", i), Quantity: one(d, 1, 1+d.IntN(10), 99)})
		}
	}
	return c
}

// Whatever a valid shop file says, whatever is in the cart and wherever it goes: the lines
// are goods at their prices, discounts, delivery and sales tax, and none that only makes the
// sums right; they sum to the order, and Klarna takes them.
func TestAnyShop(t *testing.T) {
	const each = 100 // carts of a shop
	types := map[klarna.LineType]int{}
	for seed := range uint64(max(1, *carts/each)) {
		d := dice{rand.New(rand.NewPCG(seed, 19))}
		file, goods := d.file(), d.goods()
		v, err := publish.Read(1, settings.Source{File: []byte(file)}, []byte(goods))
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, file)
		}
		p := &cart.Pricer{Published: publish.Fixed(v), PublicURL: "https://shop.example"}
		for range each {
			c := d.cart(v)
			q, err := p.Quote(c)
			if err == nil {
				err = right(q, v, c)
			}
			if err != nil {
				t.Fatalf("seed %d, %+v to %+v: %v\n%+v\n%s%s", seed, c, c.ShipTo, err, q.OrderLines, file, goods)
			}
			for _, line := range q.OrderLines {
				types[line.Type]++
			}
		}
	}
	for _, kind := range []klarna.LineType{klarna.Physical, klarna.Digital, klarna.Discount, klarna.ShippingFee, klarna.SalesTax} {
		if types[kind] == 0 {
			t.Errorf("no line was a %s", kind)
		}
	}
}

// offers are the options of a quote, each with where it leads.
func offers(q cart.Quote) (all []string) {
	for _, o := range q.Options {
		all = append(all, o.ID+" "+o.Method+" "+o.Location.Name)
	}
	return all
}

// offered are the options that a market has for goods of such a weight.
func offered(m market.Market, q cart.Quote) (all []string) {
	grams := 0
	for _, g := range q.Goods {
		grams += g.Quantity * g.Product.Weight
	}
	for _, o := range m.ShippingOptions {
		if o.ByWeight != nil && grams > o.ByWeight[len(o.ByWeight)-1].UpTo {
			continue
		}
		method := ""
		switch {
		case o.Pickup:
			method = "PickUpStore"
		case o.PickupPoints != nil:
			method = "PickUpPoint"
		}
		if o.PickupPoints == nil {
			all = append(all, o.ID+" "+method+" ")
		}
		for _, p := range o.PickupPoints {
			all = append(all, o.ID+":"+p.ID+" "+method+" Kiosk "+p.ID)
		}
	}
	return all
}

// discount is what tells discount lines apart.
type discount struct {
	reference string
	rate      klarna.Rate
}

// right says what is wrong with the lines of a quote.
func right(q cart.Quote, v *publish.Version, c cart.Contents) error {
	if err := q.Check(); err != nil {
		return err
	}
	m, _ := v.Markets.Lookup(c.Country)
	var goods, discounts, fees, tax, salesTax money.Amount
	var lines []klarna.OrderLine
	offs := map[discount]money.Amount{}
	for _, line := range q.OrderLines {
		switch line.Type {
		case klarna.Physical, klarna.Digital:
			lines = append(lines, line)
			goods += line.TotalAmount
		case klarna.Discount:
			at := discount{line.Reference, line.TaxRate}
			if _, twice := offs[at]; twice || line.TotalAmount >= 0 {
				return fmt.Errorf("a discount of %d for %q at %d, twice %t", line.TotalAmount, line.Reference, line.TaxRate, twice)
			}
			offs[at] = -line.TotalAmount
			discounts += line.TotalAmount
		case klarna.ShippingFee:
			if q.Shipping == nil || line.Reference != q.Shipping.ID {
				return fmt.Errorf("a fee for %q", line.Reference)
			}
			fees += line.TotalAmount
			tax += line.TotalTaxAmount
		case klarna.SalesTax:
			salesTax += line.TotalAmount
		default:
			return fmt.Errorf("a line of the type %q", line.Type)
		}
	}
	for i, line := range lines {
		product, _ := v.Catalog.Product(line.Reference)
		price, _ := product.Price(m.Currency)
		if q.Delivery.Untaxed() && m.UntaxedPrices == market.WithoutVAT {
			included, err := m.Rate(product.Class).Included(price)
			if err != nil {
				return err
			}
			price -= included
		}
		if line.UnitPrice != price || line.Quantity != int64(c.Lines[i].Quantity) || line.Reference != c.Lines[i].SKU {
			return fmt.Errorf("line %d is %d × %d, want %d × %d", i, line.Quantity, line.UnitPrice, c.Lines[i].Quantity, price)
		}
	}
	for _, j := range q.Applied() {
		sum := money.Amount(0)
		for at, off := range offs {
			if at.reference == j.Reference() {
				sum += off
				delete(offs, at)
			}
		}
		switch {
		case j.Off <= 0, j.OffGoods() && sum != j.Off, !j.OffGoods() && (sum != 0 || q.Shipping.Price != 0 || q.Shipping.Saved != j.Off):
			return fmt.Errorf("campaign %s takes %d off, its lines %d", j.ID, j.Off, sum)
		case j.Code != "" && j.Code != c.DiscountCode:
			return fmt.Errorf("campaign %s counts without its code", j.ID)
		}
	}
	codes, byItself := 0, 0
	for _, j := range q.Applied() {
		if j.Code == "" {
			byItself++
		} else {
			codes++
		}
	}
	switch {
	case len(offs) > 0:
		return fmt.Errorf("discounts of no campaign: %v", offs)
	case codes > 1 || byItself > 1:
		return fmt.Errorf("%d codes and %d campaigns without one", codes, byItself)
	case len(lines) != len(c.Lines):
		return errors.New("not every line of the cart is in the order")
	case goods != q.GoodsAmount || discounts != q.DiscountAmount || -discounts > goods:
		return fmt.Errorf("goods %d and discounts %d, the quote has %d and %d", goods, discounts, q.GoodsAmount, q.DiscountAmount)
	case goods+discounts+fees+salesTax != q.OrderAmount:
		return fmt.Errorf("the order is %d, its parts are %d", q.OrderAmount, goods+discounts+fees+salesTax)
	case q.NoDelivery != (q.Shipping == nil && slices.ContainsFunc(q.Goods, func(g cart.GoodsLine) bool { return !g.Product.Digital })):
		return fmt.Errorf("no delivery %t with %+v", q.NoDelivery, q.Shipping)
	case q.Shipping != nil && (!reflect.DeepEqual(offers(q), offered(m, q)) || q.Offers(c.ShippingOption) && q.Shipping.ID != c.ShippingOption):
		return fmt.Errorf("of %v %q is chosen, wanted %q, want %v", offers(q), q.Shipping.ID, c.ShippingOption, offered(m, q))
	case q.Shipping == nil && fees != 0, q.Shipping != nil && (fees != q.Shipping.Price || tax != q.Shipping.Tax):
		return fmt.Errorf("fees of %d with tax %d, the option is %+v", fees, tax, q.Shipping)
	case q.Shipping != nil && q.Shipping.Saved > 0 && !slices.ContainsFunc(q.Applied(), func(j cart.Judged) bool { return !j.OffGoods() }):
		return fmt.Errorf("delivery is %d cheaper by no campaign", q.Shipping.Saved)
	case (m.Scheme == market.SalesTax) != slices.ContainsFunc(q.OrderLines, func(l klarna.OrderLine) bool { return l.Type == klarna.SalesTax }) && len(lines) > 0:
		return errors.New("sales tax is a line in the US and nowhere else")
	}
	return nil
}
