package order

import (
	"maps"
	"slices"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

// Terms are the rules by which an order was bought, as far as lines follow from its
// goods. The order keeps them: campaigns end, and addresses change.
type Terms struct {
	// Campaigns are those that the order was bought with, in the order in which they took
	// something off. A discount of none of them stays in proportion to the goods.
	Campaigns []campaign.Used `json:"campaigns,omitempty"`
	// Vouchers are the SKUs that are money: they have neither discount nor tax.
	Vouchers []string `json:"vouchers,omitempty"`
	// SalesTax is the rate of the sales_tax line; nil is not known: it stays in proportion to
	// the goods.
	SalesTax *money.TaxRate `json:"sales_tax,omitempty"`
	// UntaxedDelivery: sales tax is on the goods alone.
	UntaxedDelivery bool `json:"untaxed_delivery,omitempty"`
}

// TermsOf finds the rules of an order that was just bought, by which its lines come out as
// they are. used are its campaigns; nil where nobody knows: then the published ones say.
func TermsOf(v *publish.Version, o Order, used []campaign.Used) (t Terms) {
	for _, line := range o.OrderLines {
		if p, known := v.Catalog.Product(line.Reference); known && line.IsGoods() && p.Class == market.None && !slices.Contains(t.Vouchers, p.SKU) {
			t.Vouchers = append(t.Vouchers, p.SKU)
		}
	}
	if t.Campaigns = slices.Clone(used); used == nil {
		t.Campaigns = published(v, o)
	}
	t = t.At(v.Shop.Markets, o, o.ShippingAddress)
	// What does not come out as it is was bought by other rules.
	s := sums{}
	if s.add(t, o.OrderLines, 1) != nil {
		return Terms{Vouchers: t.Vouchers}
	}
	for range len(t.Campaigns) + 1 { // what one takes depends on those before it
		for i, line := range o.OrderLines {
			target, err := t.target(i, s, s, o.OrderLines)
			switch campaign := t.campaign(line.Reference); {
			case err == nil && target == o.OrderLines[i].TotalAmount:
			case line.Type == klarna.Discount && campaign != nil:
				campaign.Rule = ruleOf(campaign.Rule)
			case line.Type == klarna.SalesTax:
				t.SalesTax, t.UntaxedDelivery = nil, false
			}
		}
	}
	return t
}

// ruleOf is the rule of a discount that does not follow its own: in proportion.
func ruleOf(r campaign.Rule) campaign.Rule { return campaign.Rule{Shared: true, SKUs: r.SKUs} }

// published are the campaigns of the shop file that discount lines of an order name, those
// that apply by themselves first.
func published(v *publish.Version, o Order) (used []campaign.Used) {
	category := func(yield func(string, string) bool) {
		for _, line := range o.OrderLines {
			if p, known := v.Catalog.Product(line.Reference); known && line.IsGoods() && p.Class != market.None && !yield(p.SKU, p.Category) {
				return
			}
		}
	}
	for _, line := range o.OrderLines {
		c := v.Shop.Campaigns.ByReference(line.Reference)
		if line.Type != klarna.Discount || c == nil || slices.ContainsFunc(used, func(u campaign.Used) bool { return u.ID == c.ID }) {
			continue
		}
		used = append(used, campaign.Used{ID: c.ID, Reference: line.Reference, Name: line.Name, Counted: c.Uses > 0, Rule: c.Rule(category)})
	}
	return used
}

// At returns the rules for an order that goes to an address: with the sales tax there,
// where its region can be read. One that the merchant has sent follows no rate of ours.
func (t Terms) At(markets market.List, o Order, address klarna.Address) Terms {
	if o.OwnSalesTax() {
		t.SalesTax, t.UntaxedDelivery = nil, false
		return t
	}
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

// OwnSalesTax reports whether the order's sales tax is the merchant's: its session has a line for it.
func (o Order) OwnSalesTax() bool {
	ids := o.LineIDs()
	i := slices.IndexFunc(o.OrderLines, func(l klarna.OrderLine) bool { return l.Type == klarna.SalesTax })
	return i >= 0 && o.LineNames[ids[i]] != ""
}

// Percent returns what the campaign of a discount line takes off, in hundredths of a
// percent; 0 is none, or not known.
func (t Terms) Percent(reference string) int32 {
	if campaign := t.campaign(reference); campaign != nil {
		return campaign.Percent
	}
	return 0
}

// Plain reports whether a percentage off all goods of a tax rate is all that campaigns take
// off them.
func (t Terms) Plain() bool {
	off := slices.DeleteFunc(slices.Clone(t.Campaigns), func(u campaign.Used) bool { return u.Delivery > 0 })
	return len(off) == 0 || len(off) == 1 && off[0].SKUs == nil && off[0].Percent > 0
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

// campaign returns the campaign of a discount line, nil for none.
func (t Terms) campaign(reference string) *campaign.Used {
	i := slices.IndexFunc(t.Campaigns, func(u campaign.Used) bool { return u.Reference == reference })
	if i < 0 {
		return nil
	}
	return &t.Campaigns[i]
}

// Taken is what a campaign takes off an order.
type Taken struct {
	Name   string       // in the order's language
	Amount money.Amount // below 0
	// Delivery: it is off the delivery, whose fee on the order's lines is without it.
	Delivery bool
}

// Taken are the campaigns of the order, each with its sum: of the lines as they are now.
func (o Order) Taken() (all []Taken) {
	type discount struct{ reference, name string }
	var discounts []discount
	delivered := false
	for _, line := range o.OrderLines {
		delivered = delivered || line.Type == klarna.ShippingFee
		if line.Type != klarna.Discount {
			continue
		}
		one := discount{line.Reference, line.Name}
		at := slices.Index(discounts, one) // a line for each tax rate
		if at < 0 {
			at = len(all)
			discounts, all = append(discounts, one), append(all, Taken{Name: line.Name})
		}
		all[at].Amount += line.TotalAmount // they fit together
	}
	for _, used := range o.Terms.Campaigns {
		if used.Delivery > 0 && delivered {
			all = append(all, Taken{Name: used.Name, Amount: -used.Delivery, Delivery: true})
		}
	}
	return all
}

// sums are what lines come to: of what discounts and taxes are.
type sums struct {
	goods  money.Amount                 // all
	rates  map[klarna.Rate]money.Amount // goods without vouchers, by their rate
	parts  campaign.Goods               // the same, by their SKU too
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
				err = s.parts.Add(line.Reference, line.TaxRate.Tax(), amount)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s sums) clone() sums {
	s.rates, s.parts = maps.Clone(s.rates), s.parts.Clone()
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

// discounts are what the campaigns' discount lines of the whole order come to for some
// goods, by their index: each campaign takes of what those before it have left.
func (t Terms) discounts(s, whole sums, lines []klarna.OrderLine) (map[int]money.Amount, error) {
	all := map[int]money.Amount{}
	left, of := s.parts.Clone(), whole.parts.Clone()
	for _, used := range t.Campaigns {
		for i, line := range lines {
			if line.Type != klarna.Discount || line.Reference != used.Reference {
				continue
			}
			rate, was := line.TaxRate.Tax(), -line.TotalAmount
			base, wholeBase := left.Left(used.Rule, rate), of.Left(used.Rule, rate)
			off, err := min(was, base), error(nil)
			switch {
			case used.Percent > 0:
				off, err = money.Percent(base, used.Percent)
			case used.Shared && wholeBase > 0 && base < wholeBase:
				off, err = money.Share(was, int64(base), int64(wholeBase))
			}
			if err == nil {
				err = left.Take(used.Rule, rate, min(off, base))
			}
			if err == nil {
				err = of.Take(used.Rule, rate, min(was, wholeBase))
			}
			if err != nil {
				return nil, err
			}
			all[i] = -off
		}
	}
	return all, nil
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
		amount, err := t.target(i, s, whole, lines)
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

// target is what a following line of the whole order, by its index, comes to for some goods.
func (t Terms) target(i int, s, whole sums, lines []klarna.OrderLine) (money.Amount, error) {
	line := lines[i]
	switch {
	case line.Type == klarna.SalesTax && t.SalesTax != nil:
		taxable, err := t.taxable(s, whole, lines)
		if err != nil {
			return 0, err
		}
		return t.SalesTax.OnTop(max(taxable, 0))
	case line.Type == klarna.Discount && t.campaign(line.Reference) != nil:
		all, err := t.discounts(s, whole, lines)
		return all[i], err
	}
	goods, of := s.of(line, whole), whole.of(line, whole)
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
	for i, line := range lines {
		if line.Type != klarna.Discount {
			continue
		}
		off, err := t.target(i, s, whole, lines)
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
		of := slices.IndexFunc(whole, func(l klarna.OrderLine) bool { return SameLine(l, line) })
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
	return slices.ContainsFunc(lines, func(l klarna.OrderLine) bool { return SameLine(l, line) })
}

// newDiscounts are empty discount lines of campaigns for rates that their goods did not
// have before.
func (o Order) newDiscounts(lines []klarna.OrderLine, now sums) (added []klarna.OrderLine) {
	for _, campaign := range o.Terms.Campaigns {
		like := slices.IndexFunc(lines, func(l klarna.OrderLine) bool { return l.Type == klarna.Discount && l.Reference == campaign.Reference })
		if like < 0 || campaign.Percent == 0 {
			continue
		}
		for _, of := range now.parts.Rates(campaign.Rule) {
			rate, err := klarna.RateOf(of)
			if err != nil {
				continue // of no line
			}
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
