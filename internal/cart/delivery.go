package cart

import (
	"cmp"
	"slices"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

// Option is a way of delivery for a cart, or one of its pickup points. Its price is the
// cart's: without VAT where that is the market's rule.
type Option struct {
	ID         string
	Way        string // the ID of its way of delivery, which campaigns name: ID, but of a pickup point
	Name, Time string // in the cart's language, Name with that of the pickup point; Time may be ""
	Price      money.Amount
	Pickup     bool // the shopper fetches the goods
	// Saved is what a campaign takes off Price, which is 0 then.
	Saved money.Amount

	Method   string                // Klarna's name for how the goods come; "" is not told
	Location klarna.PickupLocation // where they are fetched; zero where the shop file does not say

	Tax   money.Amount  // in Price
	Rate  money.TaxRate // of its largest part
	Parts []Part        // of Price, one for each tax rate; of one that is free they are 0
	own   bool          // the merchant's: whoever offers it knows where it goes
}

// Part is the part of a delivery price that has one tax rate: its share by what the goods of that
// rate cost. Goods is 0 where the rate is not that of goods.
type Part struct {
	Rate          money.TaxRate
	Goods, Amount money.Amount
}

// parcel is what of a cart is shipped: the totals of its tax classes, in the order of the
// lines. Vouchers are money, so they are not among the classes.
type parcel struct {
	any     bool
	grams   int
	classes []levy
	totals  []money.Amount
}

// levy is the tax on goods: that of a class, or without one a rate of their own.
type levy struct {
	class market.TaxClass
	rate  money.TaxRate
}

// in is the rate where the goods go to.
func (l levy) in(to market.Delivery) money.TaxRate {
	if l.class == "" {
		return l.rate
	}
	return to.Rate(l.class)
}

func (p *parcel) add(tax levy, total money.Amount) (err error) {
	p.any = true
	if tax.class == market.None {
		return nil
	}
	if tax.class != "" {
		tax.rate = 0
	}
	i := slices.Index(p.classes, tax)
	if i < 0 {
		i = len(p.classes)
		p.classes, p.totals = append(p.classes, tax), append(p.totals, 0)
	}
	p.totals[i], err = p.totals[i].Add(total)
	return err
}

// taxedIn reports whether sales tax is due on the delivery.
func (p *parcel) taxedIn(to market.Delivery) bool {
	rule, _ := to.FeeTax()
	return rule == market.TaxStandard || rule == market.TaxAsGoods && len(p.classes) > 0
}

// split divides a delivery price over the tax rates that it has, exact to the unit.
func (p *parcel) split(to market.Delivery, price money.Amount) ([]Part, error) {
	rule, rate := to.FeeTax()
	if rule != market.TaxAsGoods || len(p.classes) == 0 {
		return []Part{{Rate: rate, Amount: price}}, nil
	}
	var parts []Part
	for i, tax := range p.classes {
		rate := tax.in(to)
		at := slices.IndexFunc(parts, func(other Part) bool { return other.Rate == rate })
		if at < 0 {
			at = len(parts)
			parts = append(parts, Part{Rate: rate})
		}
		parts[at].Goods += p.totals[i]
	}
	weights := make([]money.Amount, len(parts))
	for i, part := range parts {
		weights[i] = part.Goods
	}
	amounts, err := money.Split(price, weights)
	if err != nil {
		return nil, err
	}
	for i := range parts {
		parts[i].Amount = amounts[i]
	}
	return parts, nil
}

// taxOf adds up the tax in the parts of a price.
func taxOf(parts []Part) (sum money.Amount, err error) {
	for _, part := range parts {
		tax, err := part.Rate.Included(part.Amount)
		if err != nil {
			return 0, err
		}
		sum += tax // less than the price
	}
	return sum, nil
}

// option prices a way of delivery for a parcel.
func (p *parcel) option(m market.Market, to market.Delivery, o market.ShippingOption) (Option, error) {
	option := Option{ID: o.ID, Way: o.ID, Price: o.Price, Pickup: o.Pickup || o.AskPoints || o.PickupPoints != nil, Method: MethodOf(o)}
	if to.Untaxed() && m.UntaxedPrices == market.WithoutVAT {
		home, _ := m.DeliveryTo("", "")
		parts, err := p.split(home, o.Price)
		if err != nil {
			return option, err
		}
		tax, err := taxOf(parts)
		if err != nil {
			return option, err
		}
		option.Price -= tax
	}
	var err error
	if option.Parts, err = p.split(to, option.Price); err != nil {
		return option, err
	}
	option.Rate = slices.MaxFunc(option.Parts, func(a, b Part) int { return cmp.Compare(a.Goods, b.Goods) }).Rate
	option.Tax, err = taxOf(option.Parts)
	return option, err
}

// Redelivered returns lines of an order with its delivery taxed as where it goes to. The
// price is what it was; where the market's prices are lower without VAT, without or with
// the VAT.
func Redelivered(goods *catalog.Catalog, m market.Market, to market.Delivery, lines []klarna.OrderLine) ([]klarna.OrderLine, error) {
	var shipped parcel
	var price, tax money.Amount
	first := -1
	for i, line := range lines {
		product, known := goods.Product(line.Reference)
		switch {
		case line.Type == klarna.ShippingFee:
			if first < 0 {
				first = i
			}
			price, tax = price+line.TotalAmount, tax+line.TotalTaxAmount
		case line.Type == klarna.Physical && known:
			if err := shipped.add(levy{class: product.Class}, line.TotalAmount); err != nil {
				return nil, err
			}
		}
	}
	if first < 0 {
		return lines, nil
	}
	if m.UntaxedPrices == market.WithoutVAT {
		price -= tax // 0 where none was due
	}
	parts, err := shipped.split(to, price)
	if err != nil {
		return nil, err
	}
	var fees []klarna.OrderLine
	for _, part := range parts {
		if m.UntaxedPrices == market.WithoutVAT {
			added, err := part.Rate.OnTop(part.Amount)
			if err != nil {
				return nil, err
			}
			part.Amount += added
		}
		if part.Amount == 0 && len(parts) > 1 && price != 0 {
			continue
		}
		fee := lines[first]
		made, err := klarna.NewLines([]klarna.Item{{
			Type: fee.Type, Reference: fee.Reference, Name: fee.Name, Quantity: 1, UnitPrice: part.Amount, TaxRate: part.Rate,
		}})
		if err != nil {
			return nil, err
		}
		fees = append(fees, made.OrderLines...)
	}
	rest := slices.DeleteFunc(slices.Clone(lines), func(l klarna.OrderLine) bool { return l.Type == klarna.ShippingFee })
	return slices.Insert(rest, first, fees...), nil
}

// MethodOf is Klarna's name for how goods come by a way of delivery, "" where the shop file
// does not tell.
func MethodOf(o market.ShippingOption) string {
	switch {
	case o.Pickup:
		return klarna.PickUpStore
	case o.AskPoints, o.PickupPoints != nil, o.Point != nil:
		return klarna.PickUpPoint
	}
	return ""
}

// LocationOf is the pickup point of a choice in a country as Klarna is told of it; zero
// where it has none.
func LocationOf(o market.ShippingOption, lang i18n.Lang, country string) klarna.PickupLocation {
	p := o.Point
	if p == nil {
		return klarna.PickupLocation{}
	}
	name, _ := p.Name.In(lang)
	return klarna.PickupLocation{ID: p.ID, Name: name, Address: klarna.Address{
		StreetAddress: p.StreetAddress, StreetAddress2: p.StreetAddress2, PostalCode: p.PostalCode, City: p.City, Region: p.Region, Country: country,
	}}
}

// Anywhere reports whether no place is out of reach by this way of delivery: the shopper
// collects the goods, or it is the merchant's own, who knows where it goes.
func (o Option) Anywhere() bool { return o.Pickup || o.own }

// Reaches reports whether the order can be brought to a region and a postal code; see
// [market.Delivery.Delivers]. What is not shipped always can.
func (q Quote) Reaches(region, postalCode string) bool {
	return q.Shipping == nil || q.Shipping.Anywhere() || q.Delivery.Delivers(region, postalCode)
}

// deliver sets the ways of delivery, and the one with an ID or the default. Those with the
// IDs of free cost nothing.
func (q *Quote) deliver(m market.Market, lang i18n.Lang, id string, free []string) error {
	q.asks = q.Version.Shop.Hooks.Delivery != nil
	goods, shipped := q.GoodsAmount+q.DiscountAmount, q.shipped // the discount is at most the goods
	offered := q.Delivery.OptionsFor(goods, shipped.grams)
	if q.asks {
		if q.asked.whole(m.ShippingOptions) {
			return q.merchants(q.asked.Options, id, free)
		}
		offered = q.asked.filled(offered, lang)
	}
	saved := map[string]money.Amount{}
	for i, o := range offered {
		if !slices.Contains(free, o.ID) {
			continue
		}
		full, err := shipped.option(m, q.Delivery, o)
		if err != nil {
			return err
		}
		saved[o.ID], offered[i].Price = full.Price, 0
	}
	usual, some := market.DefaultOption(offered)
	if q.NoDelivery = !some; !some {
		q.Unanswered = q.asks && q.asked == nil && !asksPoints(m.ShippingOptions)
		return nil
	}
	first := 0
	for _, o := range offered {
		option, err := shipped.option(m, q.Delivery, o)
		if err != nil {
			return err
		}
		if o.ID == usual.ID {
			first = len(q.Options)
		}
		option.Time, _ = o.Time.In(lang)
		option.Saved = saved[o.ID]
		for _, choice := range o.Choices() {
			option.ID, option.Name, option.Location = choice.ID, choice.Title(lang), LocationOf(choice, lang, m.Country)
			q.Options = append(q.Options, option)
		}
	}
	chosen := slices.IndexFunc(q.Options, func(o Option) bool { return o.ID == id })
	if chosen < 0 {
		chosen = first
	}
	q.Shipping = &q.Options[chosen]
	return nil
}

// items are the input for the order lines of a way of delivery, one for each tax rate. A
// free one has a line too.
func (o *Option) items() []klarna.Item {
	var items []klarna.Item
	for _, part := range o.Parts {
		if part.Amount != 0 || o.Price == 0 && part.Rate == o.Rate {
			items = append(items, klarna.Item{
				Type: klarna.ShippingFee, Reference: o.ID, Name: o.Name, Quantity: 1, UnitPrice: part.Amount, TaxRate: part.Rate,
			})
		}
	}
	return items
}
