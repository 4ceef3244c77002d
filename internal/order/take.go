package order

import (
	"fmt"
	"slices"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// TakeUncaptured is Take of what of the order is not captured, by the rules that the
// order was bought by.
func (o Order) TakeUncaptured(quantities []int64) ([]klarna.OrderLine, money.Amount, error) {
	return taking{terms: o.Terms, whole: o.OrderLines, before: o.capturedLines()}.take(o.Uncaptured(), quantities)
}

// TakeRefundable is Take of what was captured and not refunded: what is kept has what
// follows it, as if only that had been captured.
func (o Order) TakeRefundable(quantities []int64) ([]klarna.OrderLine, money.Amount, error) {
	lines := o.Refundable()
	return taking{terms: o.Terms, whole: o.OrderLines, before: lines, back: true}.take(lines, quantities)
}

// Take returns parts of lines, these quantities of each, and what they come to.
// Amounts, discounts and tax of a part are proportional to its quantity, rounded
// half away from zero; a quantity that is all of a line takes exactly what the
// line has: so, of what is left each time, parts always sum to the whole.
//
// Discounts, gift cards, store credit and sales tax belong to the goods: what
// is taken of them follows what is taken of the goods, see [Terms]. Their own
// quantities count only where there are no goods, and all of them is taken with
// all of the rest.
//
// The error is a *klarna.RuleError when a quantity is not within 0 and its
// line's, or money.ErrOverflow.
func Take(lines []klarna.OrderLine, quantities []int64) ([]klarna.OrderLine, money.Amount, error) {
	return taking{whole: lines}.take(lines, quantities)
}

// taking is how lines follow goods that are taken: of the whole order some were taken
// before, or with back are there to be given back. What follows depends on the goods that
// the shopper has in the end, so different ways to one end come to one sum.
type taking struct {
	terms         Terms
	whole, before []klarna.OrderLine
	back          bool
}

func (k taking) take(lines []klarna.OrderLine, quantities []int64) ([]klarna.OrderLine, money.Amount, error) {
	if len(quantities) != len(lines) {
		return nil, 0, &klarna.RuleError{Field: "quantities", Rule: fmt.Sprintf("has %d elements, want %d", len(quantities), len(lines))}
	}
	parts := make([]klarna.OrderLine, len(lines)) // quantity 0: nothing of this line
	counted, whole := 0, 0
	for i, line := range lines {
		if quantities[i] < 0 || quantities[i] > line.Quantity {
			return nil, 0, &klarna.RuleError{
				Field: fmt.Sprintf("quantities[%d]", i), Rule: fmt.Sprintf("is %d, must be 0 to %d", quantities[i], line.Quantity),
			}
		}
		if follows(line) || line.Quantity == 0 {
			continue
		}
		counted++
		if quantities[i] == line.Quantity {
			whole++
		}
		if quantities[i] > 0 {
			var err error
			if parts[i], err = part(line, quantities[i]); err != nil {
				return nil, 0, err
			}
		}
	}
	all := counted > 0 && whole == counted
	for _, line := range lines {
		if follows(line) && !has(k.whole, line) { // captured, and no line of the order any more
			k.whole = append(slices.Clip(k.whole), line)
		}
	}
	less, more, err := k.ends(parts)
	if err != nil {
		return nil, 0, err
	}
	for i, line := range lines {
		if !follows(line) {
			continue
		}
		of, err := goodsOf(line, lines)
		switch {
		case err != nil:
			return nil, 0, err
		case all || of <= 0 && quantities[i] == line.Quantity:
			parts[i] = line
		case of > 0 || line.Type == klarna.SalesTax && k.terms.SalesTax != nil:
			if parts[i], err = k.follow(line, less, more); err != nil {
				return nil, 0, err
			}
		}
	}
	var taken []klarna.OrderLine
	for _, line := range parts {
		if line.Quantity > 0 {
			taken = append(taken, line)
		}
	}
	amount, _, err := klarna.Sums(taken)
	return taken, amount, err
}

// ends are the order's following lines as they are for what the shopper has without the
// parts, and with them.
func (k taking) ends(parts []klarna.OrderLine) (less, more []klarna.OrderLine, err error) {
	before, after := sums{}, sums{}
	if err = before.add(k.terms, k.before, 1); err == nil {
		after = before.clone()
		sign := int64(1)
		if k.back {
			sign = -1
		}
		err = after.add(k.terms, parts, sign)
	}
	if err != nil {
		return nil, nil, err
	}
	if k.back {
		before, after = after, before
	}
	if less, err = k.terms.following(k.whole, before); err != nil {
		return nil, nil, err
	}
	more, err = k.terms.following(k.whole, after)
	return less, more, err
}

// follow is what of a line follows the goods that are taken: the difference between two
// ends, and never more than is left of it.
func (k taking) follow(left klarna.OrderLine, less, more []klarna.OrderLine) (klarna.OrderLine, error) {
	i := slices.IndexFunc(k.whole, func(l klarna.OrderLine) bool { return SameLine(l, left) })
	p := left
	p.TotalAmount = within(more[i].TotalAmount-less[i].TotalAmount, left.TotalAmount)
	p.TotalTaxAmount = within(more[i].TotalTaxAmount-less[i].TotalTaxAmount, left.TotalTaxAmount)
	switch p.TotalAmount {
	case left.TotalAmount:
		return left, nil
	case 0:
		return klarna.OrderLine{}, nil
	}
	return single(p), nil
}

// within is an amount between 0 and a limit, which may be negative.
func within(a, limit money.Amount) money.Amount {
	if limit < 0 {
		return max(min(a, 0), limit)
	}
	return min(max(a, 0), limit)
}

// part is a quantity of a line.
func part(line klarna.OrderLine, quantity int64) (klarna.OrderLine, error) {
	if quantity == line.Quantity {
		return line, nil
	}
	p := line
	p.Quantity = quantity
	var err error
	if p.TotalAmount, err = money.Share(line.TotalAmount, quantity, line.Quantity); err != nil {
		return p, err
	}
	if p.TotalTaxAmount, err = money.Share(line.TotalTaxAmount, quantity, line.Quantity); err != nil {
		return p, err
	}
	gross, err := line.UnitPrice.Mul(quantity)
	if err != nil {
		return p, err
	}
	// The part's total is quantity × unit price − discount too, as Klarna wants it.
	if p.TotalDiscountAmount, err = gross.Sub(p.TotalAmount); err != nil || p.TotalDiscountAmount >= 0 {
		return p, err
	}
	p.TotalDiscountAmount, err = money.Share(line.TotalDiscountAmount, quantity, line.Quantity)
	return p, err
}

// goodsOf adds up the goods among lines that a following line belongs to.
func goodsOf(line klarna.OrderLine, lines []klarna.OrderLine) (money.Amount, error) {
	s := sums{}
	if err := s.add(Terms{}, lines, 1); err != nil {
		return 0, err
	}
	return s.of(line, s), nil
}
