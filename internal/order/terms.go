package order

import (
	"maps"
	"slices"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

// Terms are the rules by which an order was bought, as far as lines follow from its
// goods. The order keeps them: campaigns end, and addresses change.
type Terms struct {
	// Discounts are the campaigns whose discounts the order has. A discount of none of them
	// stays in proportion to the goods.
	Discounts []DiscountTerms `json:"discounts,omitempty"`
	// Vouchers are the SKUs that are money: they have neither discount nor tax.
	Vouchers []string `json:"vouchers,omitempty"`
	// SalesTax is the rate of the sales_tax line; nil is not known: it stays in proportion to
	// the goods.
	SalesTax *money.TaxRate `json:"sales_tax,omitempty"`
	// UntaxedDelivery: sales tax is on the goods alone.
	UntaxedDelivery bool `json:"untaxed_delivery,omitempty"`
}

// DiscountTerms is the rule of a campaign: Percent off the goods of each tax rate, or with
// 0 an amount, of which is left what the goods are worth.
type DiscountTerms struct {
	Reference string `json:"reference"`         // of the discount lines
	Percent   int32  `json:"percent,omitempty"` // hundredths of a percent
}

// TermsOf finds the rules of an order that was just bought, by which its lines come out as
// they are.
func TermsOf(v *publish.Version, o Order) (t Terms) {
	for _, line := range o.OrderLines {
		if p, known := v.Catalog.Product(line.Reference); known && line.IsGoods() && p.Class == market.None && !slices.Contains(t.Vouchers, p.SKU) {
			t.Vouchers = append(t.Vouchers, p.SKU)
		}
	}
	for _, line := range o.OrderLines {
		percent, known := v.Catalog.Discount(line.Reference)
		if line.Type == klarna.Discount && known && t.campaign(line.Reference) == nil {
			t.Discounts = append(t.Discounts, DiscountTerms{line.Reference, percent})
		}
	}
	t = t.At(v.Shop.Markets, o, o.ShippingAddress)
	// What does not come out as it is was bought by other rules.
	s := sums{}
	if s.add(t, o.OrderLines, 1) != nil {
		return Terms{Vouchers: t.Vouchers}
	}
	for i, line := range o.OrderLines {
		target, err := t.target(line, s, s, o.OrderLines)
		switch {
		case err == nil && target == o.OrderLines[i].TotalAmount:
		case line.Type == klarna.Discount:
			t.Discounts = slices.DeleteFunc(t.Discounts, func(d DiscountTerms) bool { return d.Reference == line.Reference })
		case line.Type == klarna.SalesTax:
			t.SalesTax, t.UntaxedDelivery = nil, false
		}
	}
	return t
}

// At returns the rules for an order that goes to an address: with the sales tax there,
// where its region can be read.
func (t Terms) At(markets market.List, o Order, address klarna.Address) Terms {
	m, _ := markets.Lookup(o.PurchaseCountry)
	to, served := m.DeliveryTo(address.Country, address.PostalCode)
	region, read := m.Region(address.Region)
	if m.Scheme != market.SalesTax || !served || !read || region == "" {
		return t
	}
	rule, _ := to.FeeTax()
	t.SalesTax, t.UntaxedDelivery = new(to.SalesTaxRate(region)), rule == market.TaxAtRate
	return t
}

// Percent returns what the campaign of a discount line takes off, in hundredths of a
// percent; 0 is an amount, or not known.
func (t Terms) Percent(reference string) int32 {
	if campaign := t.campaign(reference); campaign != nil {
		return campaign.Percent
	}
	return 0
}

// Discounted adds up the goods of a tax rate that discounts are on: of those that are
// captured, or refundable.
func (o Order) Discounted(rate klarna.Rate, refundable bool) money.Amount {
	lines := o.capturedLines()
	if refundable {
		lines = o.Refundable()
	}
	s := sums{}
	if s.add(o.Terms, lines, 1) != nil {
		return 0
	}
	return s.rates[rate]
}

// campaign returns the rule of a discount line, nil for none.
func (t Terms) campaign(reference string) *DiscountTerms {
	i := slices.IndexFunc(t.Discounts, func(d DiscountTerms) bool { return d.Reference == reference })
	if i < 0 {
		return nil
	}
	return &t.Discounts[i]
}

// sums are what lines come to: of what discounts and taxes are.
type sums struct {
	goods  money.Amount                 // all
	rates  map[klarna.Rate]money.Amount // goods without vouchers, by their rate
	others money.Amount                 // delivery and surcharges
}

// add adds lines that do not follow, sign times.
func (s *sums) add(t Terms, lines []klarna.OrderLine, sign int64) (err error) {
	if s.rates == nil {
		s.rates = map[klarna.Rate]money.Amount{}
	}
	for _, line := range lines {
		amount := line.TotalAmount * money.Amount(sign)
		switch {
		case line.Quantity == 0 || follows(line) || line.Type == klarna.ReturnFee:
		case !line.IsGoods():
			s.others, err = s.others.Add(amount)
		default:
			if s.goods, err = s.goods.Add(amount); err == nil && !slices.Contains(t.Vouchers, line.Reference) {
				s.rates[line.TaxRate] += amount // part of goods, which fits
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s sums) clone() sums {
	s.rates = maps.Clone(s.rates)
	return s
}

// of is the sum of the goods that a line of the whole order follows: a discount those of
// its own tax rate where there are any, all others all goods.
func (s sums) of(line klarna.OrderLine, whole sums) money.Amount {
	_, own := whole.rates[line.TaxRate]
	if line.Type == klarna.Discount && own {
		return s.rates[line.TaxRate]
	}
	return s.goods
}

// following returns the lines of an order as they are for some of its goods: those that
// follow with other amounts, the rest as it is.
func (t Terms) following(lines []klarna.OrderLine, s sums) ([]klarna.OrderLine, error) {
	whole := sums{}
	if err := whole.add(t, lines, 1); err != nil {
		return nil, err
	}
	all := slices.Clone(lines)
	for i, line := range lines {
		if !follows(line) {
			continue
		}
		amount, err := t.target(line, s, whole, lines)
		if err != nil {
			return nil, err
		}
		if amount == line.TotalAmount {
			continue
		}
		tax, err := line.TaxRate.Tax().Included(amount)
		if err != nil {
			return nil, err
		}
		all[i].TotalAmount, all[i].TotalTaxAmount = amount, tax
		all[i] = single(all[i])
	}
	return all, nil
}

// target is what a following line of the whole order comes to for some goods.
func (t Terms) target(line klarna.OrderLine, s, whole sums, lines []klarna.OrderLine) (money.Amount, error) {
	goods := s.of(line, whole)
	switch campaign := t.campaign(line.Reference); {
	case line.Type == klarna.SalesTax && t.SalesTax != nil:
		taxable, err := t.taxable(s, whole, lines)
		if err != nil {
			return 0, err
		}
		return t.SalesTax.OnTop(max(taxable, 0))
	case line.Type == klarna.Discount && campaign != nil && campaign.Percent > 0:
		off, err := money.Percent(max(s.rates[line.TaxRate], 0), campaign.Percent)
		return -off, err
	case line.Type == klarna.Discount && campaign != nil:
		return -min(-line.TotalAmount, max(goods, 0)), nil
	}
	of := whole.of(line, whole)
	if goods <= 0 || of <= 0 {
		return 0, nil
	}
	return money.Share(line.TotalAmount, int64(min(goods, of)), int64(of))
}

// taxable is what sales tax is due on: goods less vouchers and discounts, and delivery.
func (t Terms) taxable(s, whole sums, lines []klarna.OrderLine) (sum money.Amount, err error) {
	for _, goods := range s.rates {
		sum += goods // they fit together
	}
	if !t.UntaxedDelivery {
		if sum, err = sum.Add(s.others); err != nil {
			return 0, err
		}
	}
	for _, line := range lines {
		if line.Type != klarna.Discount {
			continue
		}
		off, err := t.target(line, s, whole, lines)
		if err != nil {
			return 0, err
		}
		sum += off // not more than the goods
	}
	return sum, nil
}

// Recomputed returns lines that the order is to have, with those that follow as the goods
// among them demand. t are the rules from now on, old ones those of what is captured. A
// campaign's percentage is taken off goods of every rate.
func (o Order) Recomputed(lines []klarna.OrderLine, t Terms) ([]klarna.OrderLine, error) {
	now := sums{}
	if err := now.add(t, lines, 1); err != nil {
		return nil, err
	}
	// A following line comes with the amount that it has, for the goods that the order has.
	whole := slices.DeleteFunc(slices.Clone(o.OrderLines), func(l klarna.OrderLine) bool { return follows(l) && !has(lines, l) })
	added := o.newDiscounts(whole, now)
	whole = append(whole, added...)
	followed, err := t.following(whole, now)
	if err != nil {
		return nil, err
	}
	at := 1 + lastIndex(lines, func(l klarna.OrderLine) bool { return l.Type == klarna.Discount })
	all := slices.Insert(slices.Clone(lines), at, added...)
	for i, line := range all {
		if !follows(line) {
			continue
		}
		of := slices.IndexFunc(whole, func(l klarna.OrderLine) bool { return same(l, line) })
		if of < 0 {
			continue
		}
		all[i] = followed[of]
		if line.Type == klarna.SalesTax && (t.SalesTax == nil || o.Terms.SalesTax == nil || *t.SalesTax != *o.Terms.SalesTax) {
			// What was captured keeps the tax that it had.
			kept, err := o.capturedAt(t, whole)
			if err != nil {
				return nil, err
			}
			all[i].TotalAmount += sumOf(o.capturedLines(), klarna.SalesTax) - sumOf(kept, klarna.SalesTax)
			all[i] = single(all[i])
		}
	}
	return slices.DeleteFunc(all, func(l klarna.OrderLine) bool {
		return follows(l) && l.Type != klarna.SalesTax && l.TotalAmount == 0
	}), nil
}

// capturedAt is what lines of the order would come to by other rules for what is captured.
func (o Order) capturedAt(t Terms, lines []klarna.OrderLine) ([]klarna.OrderLine, error) {
	captured := sums{}
	if err := captured.add(t, o.capturedLines(), 1); err != nil {
		return nil, err
	}
	return t.following(lines, captured)
}

// has reports whether a line is among others, perhaps with another amount.
func has(lines []klarna.OrderLine, line klarna.OrderLine) bool {
	return slices.ContainsFunc(lines, func(l klarna.OrderLine) bool { return same(l, line) })
}

// newDiscounts are empty discount lines of campaigns for rates that their goods did not
// have before.
func (o Order) newDiscounts(lines []klarna.OrderLine, now sums) (added []klarna.OrderLine) {
	for _, campaign := range o.Terms.Discounts {
		like := slices.IndexFunc(lines, func(l klarna.OrderLine) bool { return l.Type == klarna.Discount && l.Reference == campaign.Reference })
		if like < 0 || campaign.Percent == 0 {
			continue
		}
		for _, rate := range slices.Sorted(maps.Keys(now.rates)) {
			if !slices.ContainsFunc(lines, func(l klarna.OrderLine) bool {
				return l.Type == klarna.Discount && l.Reference == campaign.Reference && l.TaxRate == rate
			}) {
				line := lines[like]
				line.TaxRate, line.TotalAmount, line.TotalTaxAmount = rate, 0, 0
				added = append(added, single(line))
			}
		}
	}
	return added
}

func sumOf(lines []klarna.OrderLine, kind klarna.LineType) (sum money.Amount) {
	for _, line := range lines {
		if line.Type == kind {
			sum += line.TotalAmount
		}
	}
	return sum
}

func lastIndex(lines []klarna.OrderLine, is func(klarna.OrderLine) bool) int {
	for i, line := range slices.Backward(lines) {
		if is(line) {
			return i
		}
	}
	return -1
}
