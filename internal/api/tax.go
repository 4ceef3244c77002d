package api

import (
	"maps"
	"slices"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
)

// taxed is what there is at one rate of tax.
type taxed struct{ total, tax money.Amount }

// byRate is an amount by rate of tax. Sales tax stands beside the lines, at no rate.
type byRate map[klarna.Rate]taxed

func ratesOf(lines []klarna.OrderLine) byRate {
	b := byRate{}
	for _, line := range lines {
		at := taxed{line.TotalAmount, line.TotalTaxAmount}
		if line.Type == klarna.SalesTax {
			at.tax += line.TotalAmount
		}
		b.add(byRate{line.TaxRate: at}, 1)
	}
	return b
}

// add adds a part, or with -1 takes it off.
func (b byRate) add(part byRate, sign money.Amount) {
	for rate, p := range part {
		at := b[rate]
		b[rate] = taxed{at.total + sign*p.total, at.tax + sign*p.tax}
	}
}

func (b byRate) sum() (sum money.Amount) {
	for _, at := range b {
		sum += at.total
	}
	return sum
}

// rates are those that it has, highest first.
func (b byRate) rates() []klarna.Rate {
	rates := slices.Sorted(maps.Keys(b))
	slices.Reverse(rates)
	return rates
}

// share is the part that an amount is of all: of what is below 0, too, such as a gift card. What
// rounding leaves is at the rate that has most.
func (b byRate) share(amount money.Amount) byRate {
	part, sum := byRate{}, b.sum()
	var most klarna.Rate
	for i, rate := range b.rates() {
		at := b[rate]
		if i == 0 || at.total > b[most].total {
			most = rate
		}
		total, _ := money.Share(at.total, int64(min(amount, sum)), int64(sum)) // 0 of nothing
		tax, _ := money.Share(at.tax, int64(min(amount, sum)), int64(sum))
		part[rate] = taxed{total, tax}
	}
	if len(part) > 0 {
		part.add(byRate{most: {total: amount - part.sum()}}, 1)
	}
	return part
}

func (b byRate) body() []TaxAmount {
	body := []TaxAmount{}
	for _, rate := range b.rates() {
		if at := b[rate]; at != (taxed{}) {
			body = append(body, TaxAmount{int64(rate), int64(at.total), int64(at.tax)})
		}
	}
	return body
}

// pool is money of which parts are taken, one after the other.
type pool struct {
	whole, left byRate
	mere        bool // of some that is in it or was taken nobody knows the lines
}

// take takes a part: as its lines say; a mere amount in the proportions of what is left. After
// one the last part is the rest, whatever its lines say: so parts sum to the whole, and none
// is another when more is taken.
func (p *pool) take(lines []order.Part, amount money.Amount) byRate {
	part, left := byRate{}, p.left.sum()
	for _, line := range lines {
		part.add(ratesOf([]klarna.OrderLine{line.OrderLine}), 1)
	}
	switch {
	case len(lines) > 0 && (!p.mere || amount != left):
	case amount <= left:
		part = p.left.share(amount)
	default: // the order has become another
		part = p.whole.share(amount)
	}
	p.mere = p.mere || len(lines) == 0
	p.left.add(part, -1)
	return part
}

// taxes are those of the captures and of the refunds of an order, by their parts: a refund is of
// what was captured before it.
func taxes(o order.Order, captured, refunded [][]order.Part) (captures, refunds []byRate) {
	sold := pool{whole: ratesOf(o.OrderLines), left: ratesOf(o.OrderLines)}
	held := pool{whole: byRate{}, left: byRate{}}
	capture := func() {
		i := len(captures)
		part := sold.take(captured[i], o.Captures[i].CapturedAmount)
		held.whole.add(part, 1)
		held.left.add(part, 1)
		held.mere = held.mere || sold.mere
		captures = append(captures, part)
	}
	for i, r := range o.Refunds {
		before := func() bool { // clocks differ, but what is given back was captured
			return !o.Captures[len(captures)].CapturedAt.After(r.RefundedAt.Time) || held.left.sum() < r.RefundedAmount
		}
		for len(captures) < len(o.Captures) && before() {
			capture()
		}
		refunds = append(refunds, held.take(refunded[i], r.RefundedAmount))
	}
	for len(captures) < len(o.Captures) {
		capture()
	}
	return captures, refunds
}
