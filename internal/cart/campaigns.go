package cart

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/stock"
)

// Judged is a campaign of the shop file and what it does to a cart.
type Judged struct {
	*campaign.Campaign
	Name string // on order lines and pages, in the cart's language
	// Off is what it takes off goods or delivery, above 0 only if Why is "".
	Off  money.Amount
	Why  NoDiscount // why it takes nothing off
	Cuts []Cut      // how Off comes about, where it is off goods
	// Spared: it takes nothing off vouchers, and the cart has some.
	Spared bool
	rule   campaign.Rule
}

// NoDiscount is a reason why a campaign takes nothing off.
type NoDiscount string

// The reasons.
const (
	CodeWithdrawn NoDiscount = "withdrawn"     // there is no such code any more
	NotYet        NoDiscount = "not_yet"       // it begins later
	Expired       NoDiscount = "expired"       // it is over
	UsedUp        NoDiscount = "used_up"       // others had the last use
	NotHere       NoDiscount = "not_here"      // not in this currency
	NothingSold   NoDiscount = "nothing_sold"  // nothing in the cart can be sold
	Minimum       NoDiscount = "minimum"       // the goods cost less than its minimum
	OnlyVouchers  NoDiscount = "only_vouchers" // vouchers are money and get no discount
	NothingFor    NoDiscount = "nothing_for"   // nothing in the cart is what it is for
	TooFew        NoDiscount = "too_few"       // fewer pieces than it wants
	OtherDelivery NoDiscount = "delivery"      // another way of delivery would be free
	NothingOff    NoDiscount = "nothing_off"   // it rounds to nothing, or it costs nothing already
	// These two are no code's.
	NoCode  NoDiscount = "no_code"  // it has a code, and the cart has not
	LessOff NoDiscount = "less_off" // another one that applies by itself takes more off
)

// Applied are the campaigns that take something off, in the order in which they do: the
// one that applies by itself, then that of the code.
func (q Quote) Applied() []Judged {
	applied := slices.DeleteFunc(slices.Clone(q.Campaigns), func(j Judged) bool { return j.Why != "" })
	slices.SortStableFunc(applied, func(a, b Judged) int { return cmp.Compare(min(len(a.Code), 1), min(len(b.Code), 1)) })
	return applied
}

// Used are the campaigns that take something off, as an order keeps them.
func (q Quote) Used() (used []campaign.Used) {
	for _, j := range q.Applied() {
		u := campaign.Used{ID: j.ID, Reference: j.Reference(), Name: j.Name, Counted: j.Uses > 0, Rule: j.rule}
		if !j.OffGoods() {
			u.Delivery = j.Off
		}
		used = append(used, u)
	}
	return used
}

// Stock is what a purchase of the cart takes: its goods, and a use of each campaign whose
// uses are counted.
func (q Quote) Stock() []stock.Line {
	return append(Stocked(q.OrderLines), stock.Uses(q.Used())...)
}

// Stocked are the goods among lines that can run out. What is digital never does, also
// where it was counted before it became so.
func Stocked(lines []klarna.OrderLine) (goods []stock.Line) {
	for _, line := range lines {
		if line.Type == klarna.Physical {
			goods = append(goods, stock.Line{SKU: line.Reference, Quantity: int(line.Quantity)})
		}
	}
	return goods
}

// Approved is a purchase of the cart, by an order or a payment session.
func (q Quote) Approved(cartID, orderID string) stock.Approved {
	return stock.Approved{CartID: cartID, OrderID: orderID, Priced: q.Version.Number, Lines: q.Stock(), Campaigns: q.Used()}
}

// Coded is the campaign of the cart's code; false when there is none (any more), or no code.
func (q Quote) Coded() (j Judged, ok bool) {
	i := slices.IndexFunc(q.Campaigns, func(j Judged) bool { return j.Code != "" && j.Code == q.code })
	if i < 0 {
		return j, false
	}
	return q.Campaigns[i], true
}

// NoDiscount is why the cart's code takes nothing off; "" when it does, or without a code.
func (q Quote) NoDiscount() NoDiscount {
	j, known := q.Coded()
	switch {
	case known:
		return j.Why
	case q.code != "":
		return CodeWithdrawn
	}
	return ""
}

// Problem says in words why the cart's code takes nothing off; "" when it does, or without
// a code.
func (q Quote) Problem(voice i18n.Voice, locale string) string {
	why := q.NoDiscount()
	if why == "" {
		return ""
	}
	return q.Why(voice, locale, q.code, why)
}

// Why says in words why a campaign with a name takes nothing off.
func (q Quote) Why(voice i18n.Voice, locale, name string, why NoDiscount) string {
	if j, known := q.Coded(); known && why == Minimum {
		return voice.T("discount.problem.minimum", name, money.Format(j.Minimum[q.Currency], q.Currency, locale))
	}
	return voice.T("discount.problem."+string(why), name)
}

// nameOf is what a campaign is called: by its code, else by what it does.
func nameOf(c *campaign.Campaign, voice i18n.Voice, currency money.Currency, locale string) string {
	switch {
	case c.Code != "":
		return voice.T("line.discount", c.Code)
	case c.Percent > 0:
		return voice.T("campaign.percent", i18n.Percent(voice.Lang, int(c.Percent/100)))
	case c.Buy > 0:
		return voice.T("campaign.buy_pay", c.Buy, c.Pay)
	case c.OffGoods():
		return voice.T("campaign.percent", money.Format(c.Amount[currency], currency, locale))
	}
	return voice.T("campaign.free_delivery")
}

// Cut is what a campaign takes off the goods of a tax rate, in minor units.
type Cut struct {
	Rate money.TaxRate
	Of   money.Amount // what the goods cost that it is for, less what another campaign takes off
	Off  money.Amount // 0 where it comes to nothing
}

// cut is a line of the order.
type cut struct {
	j *Judged
	Cut
}

// campaigns finds the campaigns that the cart has, takes what they take off its goods and
// sets the ways of delivery with what they leave of them. Of those without a code it is the
// one that takes most off, the first of equals; then that of the cart's code, of what is
// left. The error is that of an amount.
func (s *sale) campaigns(voice i18n.Voice) error {
	q := s.quote
	q.code = s.cart.DiscountCode
	for _, c := range s.version.Shop.Campaigns {
		q.Campaigns = append(q.Campaigns, Judged{Campaign: c, Name: nameOf(c, voice, q.Currency, s.cart.Locale), Why: s.why(c)})
	}
	coded := -1
	best, err := s.try(nil)
	if err != nil {
		return err
	}
	for i, j := range q.Campaigns {
		if j.Code != "" && j.Code == q.code && j.Why == "" {
			coded = i
		}
	}
	with := func(i int) (t trial, err error) {
		at := []int{i, coded}
		return s.try(slices.DeleteFunc(at, func(i int) bool { return i < 0 }))
	}
	if coded >= 0 {
		if best, err = with(-1); err != nil {
			return err
		}
	}
	var most money.Amount
	chosen := -1
	for i, j := range q.Campaigns {
		if j.Code != "" || j.Why != "" {
			continue
		}
		t, err := with(i)
		if err != nil {
			return err
		}
		if off := t.judged[i].Off; off > most {
			best, most, chosen = t, off, i
		}
		q.Campaigns[i].Why = t.judged[i].Why // of its own, where it is not chosen
	}
	for i := range q.Campaigns {
		j := &q.Campaigns[i]
		switch {
		case i == chosen || i == coded:
			*j = best.judged[i]
		case j.Code != "" && j.Why == "":
			j.Why = NoCode
		case j.Why == "":
			j.Why = LessOff
		}
	}
	q.DiscountAmount, q.Options, q.Shipping, q.NoDelivery = best.quote.DiscountAmount, best.quote.Options, best.quote.Shipping, best.quote.NoDelivery
	q.asks, q.Unanswered = best.quote.asks, best.quote.Unanswered
	s.cuts = best.cuts
	return nil
}

// why returns why a campaign cannot count for the cart, whatever else does.
func (s *sale) why(c *campaign.Campaign) NoDiscount {
	q := s.quote
	switch {
	case s.now.Before(c.From):
		return NotYet
	case !c.Until.IsZero() && !s.now.Before(c.Until):
		return Expired
	case slices.Contains(s.cart.UsedUp, c.ID):
		return UsedUp
	case !c.In(q.Currency):
		return NotHere
	case len(q.Goods) == 0:
		return NothingSold
	case c.OffGoods() && len(s.goods.Rates(campaign.Rule{})) == 0:
		return OnlyVouchers
	case c.OffGoods() && len(s.goods.Rates(s.rule(c))) == 0, !c.OffGoods() && !s.quote.shipped.any:
		return NothingFor
	case q.GoodsAmount < c.Minimum[q.Currency]:
		return Minimum
	}
	return ""
}

// rule is what a campaign takes off the cart's goods.
func (s *sale) rule(c *campaign.Campaign) campaign.Rule {
	return c.Rule(discountable(s.quote.Goods))
}

// discountable are the goods of a cart that are not vouchers, by SKU and category.
func discountable(goods []GoodsLine) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, g := range goods {
			if g.Product.Class != market.None && !yield(g.SKU, g.Product.Category) {
				return
			}
		}
	}
}

// trial is a cart with some campaigns.
type trial struct {
	quote  Quote
	cuts   []cut
	judged map[int]Judged // by the index of the campaign
}

// try prices the cart with campaigns, one after the other.
func (s *sale) try(campaigns []int) (t trial, err error) {
	t = trial{quote: *s.quote, judged: map[int]Judged{}}
	t.quote.DiscountAmount, t.quote.Options, t.quote.Shipping = 0, nil, nil
	left := s.goods.Clone()
	var free []string
	for _, i := range campaigns {
		j := s.quote.Campaigns[i]
		if !j.OffGoods() {
			free = append(free, j.FreeDelivery...)
			t.judged[i] = j
			continue
		}
		j.rule = s.rule(j.Campaign)
		cuts, err := s.take(&j, left)
		if err != nil {
			return t, err
		}
		for _, cut := range cuts {
			if err := left.Take(j.rule, cut.Rate, cut.Off); err != nil {
				return t, err
			}
			j.Off += cut.Off
		}
		t.quote.DiscountAmount -= j.Off
		j.Spared = slices.ContainsFunc(t.quote.Goods, func(g GoodsLine) bool {
			return g.Product.Class == market.None && j.For(g.SKU, g.Product.Category)
		})
		switch {
		case j.Off > 0:
		case j.Buy > 0 && s.pieces(j.Campaign) < j.Buy:
			j.Why = TooFew
		default:
			j.Why = NothingOff
		}
		t.judged[i] = j
		t.cuts = append(t.cuts, cuts...)
	}
	if s.quote.shipped.any {
		if err := t.quote.deliver(s.market, s.lang, s.cart.ShippingOption, free); err != nil {
			return t, err
		}
	}
	saved := false
	for _, i := range campaigns {
		j := t.judged[i]
		if j.OffGoods() {
			continue
		}
		shown := t.quote.Shipping
		switch {
		case !slices.ContainsFunc(t.quote.Options, func(o Option) bool { return slices.Contains(j.FreeDelivery, o.Way) }):
			j.Why = NothingFor
		case !slices.Contains(j.FreeDelivery, shown.Way):
			j.Why = OtherDelivery
		case shown.Saved == 0 || saved:
			j.Why = NothingOff
		default:
			j.Off, saved = shown.Saved, true
		}
		t.judged[i] = j
	}
	return t, nil
}

// take sets a campaign's Cuts of what is left of the goods, by tax rate in the order of the
// lines, and returns those that are lines of the order.
func (s *sale) take(j *Judged, left campaign.Goods) (cuts []cut, err error) {
	var rates []money.TaxRate
	var bases []money.Amount
	for _, line := range s.lines {
		if base := left.Left(j.rule, line.rate); base > 0 && !slices.Contains(rates, line.rate) {
			rates, bases = append(rates, line.rate), append(bases, base)
		}
	}
	offs := make([]money.Amount, len(rates))
	switch {
	case j.Percent > 0:
		for i, base := range bases {
			if offs[i], err = money.Percent(base, j.Percent); err != nil {
				return nil, err
			}
		}
	case j.Buy > 0:
		for i, rate := range rates {
			if offs[i], err = s.free(j, left, rate); err != nil {
				return nil, err
			}
		}
	default:
		var all money.Amount
		for _, base := range bases {
			all += base // part of the goods' sum, which fits
		}
		if offs, err = money.Split(min(j.Amount[s.quote.Currency], all), bases); err != nil {
			return nil, err
		}
	}
	for i, off := range offs {
		j.Cuts = append(j.Cuts, Cut{rates[i], bases[i], off})
		if off > 0 {
			cuts = append(cuts, cut{j, j.Cuts[i]})
		}
	}
	return cuts, nil
}

// pieces is how many things of the cart a campaign is for.
func (s *sale) pieces(c *campaign.Campaign) (n int) {
	for _, line := range s.lines {
		if c.For(line.SKU, line.Product.Category) {
			n += line.Quantity
		}
	}
	return n
}

// free is what the free pieces cost that have a tax rate: the cheapest of those that a
// campaign is for, at what is left of their price.
func (s *sale) free(j *Judged, left campaign.Goods, rate money.TaxRate) (off money.Amount, err error) {
	lines := slices.DeleteFunc(slices.Clone(s.lines), func(l saleLine) bool { return !j.For(l.SKU, l.Product.Category) })
	slices.SortStableFunc(lines, func(a, b saleLine) int { return cmp.Compare(a.UnitPrice, b.UnitPrice) })
	free := s.pieces(j.Campaign) / j.Buy * (j.Buy - j.Pay)
	for _, line := range lines {
		n := min(free, line.Quantity)
		if free -= n; line.rate != rate || n == 0 {
			continue
		}
		part, err := money.Share(left.Left(campaign.Rule{SKUs: []string{line.SKU}}, rate), int64(n), int64(line.Quantity))
		if err != nil {
			return 0, err
		}
		off += part
	}
	return off, nil
}

// sale is a cart while it is priced.
type sale struct {
	quote   *Quote
	cart    Contents
	version *publish.Version
	market  market.Market
	lang    i18n.Lang
	now     time.Time
	lines   []saleLine // that campaigns can take something off
	goods   campaign.Goods
	cuts    []cut
}

// saleLine is a line of goods with its tax rate where it goes.
type saleLine struct {
	GoodsLine
	rate money.TaxRate
}

// items are the input for the order lines of what campaigns take off goods.
func (s *sale) items() (items []klarna.Item) {
	for _, cut := range s.cuts {
		items = append(items, klarna.Item{
			Type: klarna.Discount, Reference: cut.j.Reference(), Name: cut.j.Name, Quantity: 1, UnitPrice: -cut.Off, TaxRate: cut.Rate,
		})
	}
	return items
}

// count notes which campaigns are used up, by the stock. One that the cart has had may be
// held for it: whether it is, a purchase decides.
func (c *Contents) count(v *publish.Version, left map[string]int) {
	for _, campaign := range v.Shop.Campaigns {
		n, known := left[stock.Campaign+campaign.ID]
		if campaign.Uses == 0 {
			n, known = 1, true
		}
		switch {
		case known && n > 0:
			c.use(campaign.ID)
		case known && !slices.Contains(c.Campaigns, campaign.ID):
			c.UseUp(campaign.ID)
		}
	}
}

// UseUp notes that a campaign is used up.
func (c *Contents) UseUp(id string) {
	if !slices.Contains(c.UsedUp, id) {
		c.UsedUp = append(slices.Clone(c.UsedUp), id)
	}
}

// use notes that a campaign is not used up.
func (c *Contents) use(id string) {
	if i := slices.Index(c.UsedUp, id); i >= 0 {
		c.UsedUp = slices.Delete(slices.Clone(c.UsedUp), i, i+1)
	}
	if len(c.UsedUp) == 0 {
		c.UsedUp = nil
	}
}
