// Package money holds amounts in minor units, tax rates in thousandths of a
// percent and the arithmetic on both. There are no floats: every operation is
// exact integer arithmetic, checked for overflow, rounded half away from zero.
package money

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// Errors of the arithmetic. They come wrapped with the operands.
var (
	// ErrOverflow: the result does not fit into an Amount.
	ErrOverflow = errors.New("amount out of range")
	// ErrRate: a rate, percentage or share is not within 0 to 100 %.
	ErrRate = errors.New("rate out of range")
)

// One hundred percent: of a tax rate, and of a percentage that is taken off.
const (
	whole        = 100_000
	wholePercent = 10_000
)

// Amount is a sum of money in minor units of some currency (öre, cents, pence).
type Amount int64

// Add returns a + b, or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	sum := a + b
	if (b > 0) != (sum > a) && b != 0 {
		return 0, fmt.Errorf("%d + %d: %w", a, b, ErrOverflow)
	}
	return sum, nil
}

// Sub returns a - b, or ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	diff := a - b
	if (b > 0) != (diff < a) && b != 0 {
		return 0, fmt.Errorf("%d - %d: %w", a, b, ErrOverflow)
	}
	return diff, nil
}

// Mul returns a times the quantity q, or ErrOverflow.
func (a Amount) Mul(q int64) (Amount, error) {
	hi, lo := bits.Mul64(magnitude(int64(a)), magnitude(q))
	if product, ok := signed((a < 0) != (q < 0), lo); ok && hi == 0 {
		return product, nil
	}
	return 0, fmt.Errorf("%d × %d: %w", a, q, ErrOverflow)
}

// Percent returns a percentage of a, rounded half away from zero. It is given in
// hundredths of a percent (1000 is 10 %), from 0 to 10000, else ErrRate.
func Percent(a Amount, hundredths int32) (Amount, error) {
	if hundredths < 0 || hundredths > wholePercent {
		return 0, fmt.Errorf("percentage %d: %w", hundredths, ErrRate)
	}
	return share(a, uint64(hundredths), wholePercent), nil
}

// Share returns a × part ÷ of, rounded half away from zero. It is for a part of a line.
// part must be from 0 to of, else ErrRate.
func Share(a Amount, part, of int64) (Amount, error) {
	if part < 0 || of < 1 || part > of {
		return 0, fmt.Errorf("share %d of %d: %w", part, of, ErrRate)
	}
	return share(a, uint64(part), uint64(of)), nil
}

// Split divides an amount in proportion to weights, exactly: the parts sum to it. Each
// part is the exact one rounded down or up, up where most is cut off, of equals the
// first. Weights are not negative. If all are 0, the first part is all.
func Split(a Amount, weights []Amount) ([]Amount, error) {
	parts := make([]Amount, len(weights))
	var sum Amount
	var err error
	for _, w := range weights {
		if w < 0 {
			return nil, fmt.Errorf("weight %d: %w", w, ErrRate)
		}
		if sum, err = sum.Add(w); err != nil {
			return nil, err
		}
	}
	if sum == 0 {
		if len(parts) > 0 {
			parts[0] = a
		}
		return parts, nil
	}
	cut := make([]uint64, len(weights))
	left := magnitude(int64(a))
	for i, w := range weights {
		hi, lo := bits.Mul64(magnitude(int64(a)), uint64(w)) //nolint:gosec // not negative
		var part uint64
		part, cut[i] = bits.Div64(hi, lo, uint64(sum))
		parts[i], _ = signed(a < 0, part)
		left -= part
	}
	one := Amount(1)
	if a < 0 {
		one = -1
	}
	for ; left > 0; left-- { // fewer than there are parts
		most := 0
		for i := range cut {
			if cut[i] > cut[most] {
				most = i
			}
		}
		parts[most] += one
		cut[most] = 0
	}
	return parts, nil
}

// TaxRate is a tax rate in thousandths of a percent: 25000 is 25 %. It lies
// within 0 and 100000. US states have rates of three decimals.
type TaxRate int32

// Valid reports whether the rate lies within 0 and 100000.
func (r TaxRate) Valid() bool { return r >= 0 && r <= whole }

// Included returns the tax in a gross amount, rounded half away from zero:
// gross × rate / (100000 + rate). A negative gross gives a negative tax. ErrRate if the
// rate is out of range.
//
// Source: docs.kustom.co, Checkout API reference, order_line (total_tax_amount).
func (r TaxRate) Included(gross Amount) (Amount, error) {
	if !r.Valid() {
		return 0, fmt.Errorf("tax rate %d: %w", r, ErrRate)
	}
	return share(gross, uint64(r), whole+uint64(r)), nil //nolint:gosec // Valid: not negative
}

// OnTop returns the tax on a net amount, rounded half away from zero: net × rate / 100000.
// ErrRate if the rate is out of range.
func (r TaxRate) OnTop(net Amount) (Amount, error) {
	if !r.Valid() {
		return 0, fmt.Errorf("tax rate %d: %w", r, ErrRate)
	}
	return share(net, uint64(r), whole), nil //nolint:gosec // Valid: not negative
}

// share returns a × num / den, rounded half away from zero, with a product of 128 bits.
// num must not exceed den, so the result cannot overflow.
func share(a Amount, num, den uint64) Amount {
	hi, lo := bits.Mul64(magnitude(int64(a)), num)
	lo, carry := bits.Add64(lo, den/2, 0)
	quotient, _ := bits.Div64(hi+carry, lo, den)
	result, _ := signed(a < 0, quotient)
	return result
}

// magnitude returns |n|, also of the smallest int64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n) //nolint:gosec // two's complement is what is wanted
	}
	return uint64(n)
}

// signed adds the sign to a magnitude; false if it does not fit.
func signed(negative bool, m uint64) (Amount, bool) {
	if negative {
		return Amount(-m), m <= -math.MinInt64 //nolint:gosec // checked by the second result
	}
	return Amount(m), m <= math.MaxInt64 //nolint:gosec // checked by the second result
}
