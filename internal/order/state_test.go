package order_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// booked is an order with what was done with it at Klarna, which knows sums only.
type booked struct {
	order.Order
	t testing.TB
}

func newBooked(t testing.TB, lines ...klarna.OrderLine) *booked {
	sum, _, err := klarna.Sums(lines)
	if err != nil {
		t.Fatal(err)
	}
	return &booked{order.Order{
		OrderID: "o", Status: ordermanagement.Authorized, FraudStatus: ordermanagement.FraudAccepted, OrderLines: lines,
		OrderAmount: sum, OriginalOrderAmount: sum, RemainingAuthorizedAmount: sum,
	}, t}
}

func (b *booked) capture(amount money.Amount, lines []klarna.OrderLine) {
	b.Captures = append(slices.Clip(b.Captures), ordermanagement.Capture{CapturedAmount: amount, OrderLines: lines})
	b.CapturedAmount += amount
	b.RemainingAuthorizedAmount -= amount
	b.Follow()
}

func (b *booked) refund(amount money.Amount, lines []klarna.OrderLine) {
	b.Refunds = append(slices.Clip(b.Refunds), ordermanagement.Refund{RefundedAmount: amount, OrderLines: lines})
	b.RefundedAmount += amount
}

func (b *booked) release() {
	b.RemainingAuthorizedAmount = 0
	b.Follow()
}

// captureOf and refundOf take quantities of what is left, in its sequence.
func (b *booked) captureOf(quantities ...int64) {
	lines, amount := b.take(b.Uncaptured(), quantities)
	b.capture(amount, lines)
}

func (b *booked) refundOf(quantities ...int64) {
	lines, amount := b.take(b.Refundable(), quantities)
	b.refund(amount, lines)
}

func (b *booked) take(lines []klarna.OrderLine, quantities []int64) ([]klarna.OrderLine, money.Amount) {
	b.t.Helper()
	taken, amount, err := order.Take(lines, quantities)
	if err != nil {
		b.t.Fatal(err)
	}
	return taken, amount
}

// What is said of an order and its lines: state; of each line what is open, not known,
// captured and refunded of its quantity, and the amounts captured and refunded.
func TestStates(t *testing.T) {
	mugs := func(n int64) klarna.OrderLine {
		return line(klarna.Physical, "MUG-1", n, 23900, money.Amount(n*23900), 2500)
	}
	ebook, boat := line(klarna.Digital, "EBK-1", 1, 999, 999, 2500), line(klarna.ShippingFee, "boat", 1, 4900, 4900, 2500)
	gift := line(klarna.Physical, "GIFT-1", 1, 0, 0, 2500)
	free := line(klarna.Physical, "FREE-1", 1, 5000, 0, 2500) // all of it is discount
	off := func(amount money.Amount) klarna.OrderLine {
		return line(klarna.Discount, "OFF", 1, -amount, -amount, 2500)
	}
	fee := line(klarna.ReturnFee, "fee", 1, -5000, -5000, 2500)
	for _, tc := range []struct {
		name  string
		lines []klarna.OrderLine
		do    func(*booked)
		state order.State
		want  string
	}{
		{"an amount, then the rest", []klarna.OrderLine{mugs(2), ebook, boat}, func(b *booked) { b.capture(20000, nil); b.capture(33699, nil) }, order.StateCaptured,
			"MUG-1 0 0 2 0 47800 0, EBK-1 0 0 1 0 999 0, boat 0 0 1 0 4900 0"},
		{"an amount", []klarna.OrderLine{mugs(2), ebook, boat}, func(b *booked) { b.capture(20000, nil) }, order.StatePartCaptured,
			"MUG-1 2 2 0 0 0 0, EBK-1 1 1 0 0 0 0, boat 1 1 0 0 0 0"},
		{"an amount, the rest released", []klarna.OrderLine{mugs(2), boat}, func(b *booked) { b.capture(20000, nil); b.release() }, order.StateCaptured,
			"MUG-1 2 2 0 0 0 0, boat 1 1 0 0 0 0"},
		{"an amount, and back", []klarna.OrderLine{mugs(2), boat}, func(b *booked) { b.capture(20000, nil); b.refund(20000, nil) }, order.StatePartCaptured,
			"MUG-1 2 2 0 0 0 0, boat 1 1 0 0 0 0"},
		{"an amount, of which a mug came back", []klarna.OrderLine{mugs(4), boat}, func(b *booked) { b.capture(28800, nil); b.refund(23900, []klarna.OrderLine{mugs(1)}) }, order.StatePartCaptured,
			"MUG-1 3 3 1 1 23900 23900, boat 1 1 0 0 0 0"},
		{"a mug and an amount, two mugs back", []klarna.OrderLine{mugs(4), boat}, func(b *booked) {
			b.captureOf(1, 0)
			b.capture(30000, nil)
			b.refund(47800, []klarna.OrderLine{mugs(2)})
		}, order.StatePartCaptured, "MUG-1 2 2 2 2 47800 47800, boat 1 1 0 0 0 0"},
		{"less than a mug cannot be a mug that came back", []klarna.OrderLine{mugs(2)}, func(b *booked) { b.capture(20000, nil); b.refund(20000, []klarna.OrderLine{mugs(1)}) }, order.StatePartCaptured,
			"MUG-1 2 2 0 0 0 0"},
		{"a mug, then the rest as an amount", []klarna.OrderLine{mugs(2), boat}, func(b *booked) { b.captureOf(1, 0); b.capture(28800, nil) }, order.StateCaptured,
			"MUG-1 0 0 2 0 47800 0, boat 0 0 1 0 4900 0"},
		{"one of four, and back", []klarna.OrderLine{mugs(4), boat}, func(b *booked) { b.captureOf(1, 0); b.refundOf(1) }, order.StatePartCaptured,
			"MUG-1 3 0 1 1 23900 23900, boat 1 0 0 0 0 0"},
		{"one of four, back as an amount", []klarna.OrderLine{mugs(4), boat}, func(b *booked) { b.captureOf(1, 0); b.refund(23900, nil) }, order.StatePartCaptured,
			"MUG-1 3 0 1 1 23900 23900, boat 1 0 0 0 0 0"},
		{"one of four, part of it back as an amount", []klarna.OrderLine{mugs(4), boat}, func(b *booked) { b.captureOf(1, 0); b.refund(10000, nil) }, order.StatePartCaptured,
			"MUG-1 3 0 1 0 23900 0, boat 1 0 0 0 0 0"},
		{"one of four, back, the rest released", []klarna.OrderLine{mugs(4), boat}, func(b *booked) { b.captureOf(1, 0); b.refundOf(1); b.release() }, order.StateRefunded,
			"MUG-1 3 0 1 1 23900 23900, boat 1 0 0 0 0 0"},
		{"all, a mug back", []klarna.OrderLine{mugs(4), boat}, func(b *booked) { b.captureOf(4, 1); b.refundOf(1, 0) }, order.StatePartRefunded,
			"MUG-1 0 0 4 1 95600 23900, boat 0 0 1 0 4900 0"},
		{"all, an amount back", []klarna.OrderLine{mugs(4), boat}, func(b *booked) { b.captureOf(4, 1); b.refund(100, nil) }, order.StatePartRefunded,
			"MUG-1 0 0 4 0 95600 0, boat 0 0 1 0 4900 0"},
		{"all, all back in two amounts", []klarna.OrderLine{mugs(4), boat}, func(b *booked) { b.captureOf(4, 1); b.refund(100, nil); b.refund(100400, nil) }, order.StateRefunded,
			"MUG-1 0 0 4 4 95600 95600, boat 0 0 1 1 4900 4900"},
		{"all but a return fee back", []klarna.OrderLine{mugs(2)}, func(b *booked) { b.captureOf(2); b.refund(42800, []klarna.OrderLine{mugs(2), fee}) }, order.StatePartRefunded,
			"MUG-1 0 0 2 2 47800 47800"},
		{"a gift, all as an amount, all back", []klarna.OrderLine{mugs(1), gift}, func(b *booked) { b.capture(23900, nil); b.refund(23900, nil) }, order.StateRefunded,
			"MUG-1 0 0 1 1 23900 23900, GIFT-1 0 0 1 0 0 0"},
		{"a gift that no capture names", []klarna.OrderLine{mugs(1), gift, free}, func(b *booked) { b.capture(23900, []klarna.OrderLine{mugs(1)}) }, order.StateCaptured,
			"MUG-1 0 0 1 0 23900 0, GIFT-1 0 0 1 0 0 0, FREE-1 0 0 1 0 0 0"},
		{"a gift that came back", []klarna.OrderLine{mugs(1), gift}, func(b *booked) { b.captureOf(1, 1); b.refundOf(1, 1) }, order.StateRefunded,
			"MUG-1 0 0 1 1 23900 23900, GIFT-1 0 0 1 1 0 0"},
		{"a discount follows", []klarna.OrderLine{mugs(4), off(23900), boat}, func(b *booked) { b.captureOf(1, 0, 0); b.refundOf(1, 0) }, order.StatePartCaptured,
			"MUG-1 3 0 1 1 23900 23900, OFF 1 0 0 0 -5975 -5975, boat 1 0 0 0 0 0"},
		{"a discount, all captured, one back", []klarna.OrderLine{mugs(4), off(23900), boat}, func(b *booked) { b.captureOf(4, 0, 1); b.refundOf(1, 0, 0) }, order.StatePartRefunded,
			"MUG-1 0 0 4 1 95600 23900, OFF 0 0 1 0 -23900 -5975, boat 0 0 1 0 4900 0"},
		{"lines of one kind twice", []klarna.OrderLine{mugs(1), mugs(2)}, func(b *booked) { b.captureOf(1, 1); b.refundOf(1, 0) }, order.StatePartCaptured,
			"MUG-1 0 0 1 1 23900 23900, MUG-1 1 0 1 0 23900 0"},
		{"nothing", []klarna.OrderLine{mugs(1), gift}, func(*booked) {}, order.StateOpen, "MUG-1 1 0 0 0 0 0, GIFT-1 1 0 0 0 0 0"},
		{"being checked", []klarna.OrderLine{mugs(1)}, func(b *booked) { b.FraudStatus = ordermanagement.FraudPending }, order.StateChecking, "MUG-1 1 0 0 0 0 0"},
		{"rejected", []klarna.OrderLine{mugs(1)}, func(b *booked) { b.FraudStatus = ordermanagement.FraudRejected }, order.StateRejected, "MUG-1 1 0 0 0 0 0"},
		{"rejected, captured all the same", []klarna.OrderLine{mugs(1)}, func(b *booked) { b.FraudStatus = ordermanagement.FraudRejected; b.captureOf(1) }, order.StateCaptured, "MUG-1 0 0 1 0 23900 0"},
		{"expired while it was checked", []klarna.OrderLine{mugs(1)}, func(b *booked) { b.FraudStatus, b.Status = ordermanagement.FraudPending, ordermanagement.Expired }, order.StateExpired, "MUG-1 1 0 0 0 0 0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBooked(t, tc.lines...)
			tc.do(b)
			var got []string
			for _, s := range b.Lines() {
				got = append(got, fmt.Sprint(s.Line.Reference, " ", s.Open.Quantity, s.Unknown, s.Captured, s.Refunded, int64(s.CapturedAmount), int64(s.RefundedAmount)))
			}
			if text := strings.Join(got, ", "); text != tc.want {
				t.Errorf(" got %s\nwant %s", text, tc.want)
			}
			if b.State() != tc.state {
				t.Errorf("state %s, want %s", b.State(), tc.state)
			}
		})
	}
}

// Whatever is done with an order, no line says more than Klarna's sums: what is refunded was
// captured, and what lines say and what no line says come to what Klarna says.
func TestLinesAgreeWithKlarna(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 9))
	for round := range 3000 {
		var lines []klarna.OrderLine
		for i := range 1 + random.IntN(4) {
			quantity, price := 1+random.Int64N(5), money.Amount(random.Int64N(50000))
			if random.IntN(6) == 0 {
				price = 0
			}
			lines = append(lines, line(klarna.Physical, "SKU-"+string(rune('A'+i)), quantity, price, price*money.Amount(quantity), 2500))
		}
		sum, _, _ := klarna.Sums(lines)
		if random.IntN(2) == 0 {
			lines = append(lines, line(klarna.Discount, "off", 1, -sum/4, -sum/4, 2500))
		}
		b := newBooked(t, append(lines, line(klarna.ShippingFee, "boat", 1, 4900, 4900, 2500))...)
		story := []string{}
		quantities := func(lines []klarna.OrderLine) (some []int64) {
			for _, l := range lines {
				some = append(some, random.Int64N(l.Quantity+1))
			}
			return some
		}
		for range 8 {
			rest, paid := b.RemainingAuthorizedAmount, b.CapturedAmount-b.RefundedAmount
			step := random.IntN(7)
			switch {
			case step == 0 && rest > 0:
				b.capture(1+money.Amount(random.Int64N(int64(rest))), nil)
			case step == 1 && rest > 0:
				b.capture(rest, nil)
			case step == 2 && rest > 0:
				if parts, amount := b.take(b.Uncaptured(), quantities(b.Uncaptured())); amount > 0 && amount <= rest {
					b.capture(amount, parts)
				}
			case step == 3 && paid > 0:
				b.refund(1+money.Amount(random.Int64N(int64(paid))), nil)
			case step == 4 && paid > 0:
				if parts, amount := b.take(b.Refundable(), quantities(b.Refundable())); amount > 0 && amount <= paid {
					b.refund(amount, parts)
				}
			case step == 5 && rest > 0 && random.IntN(4) == 0 && b.CapturedAmount > 0:
				b.release()
			case step == 6 && rest > 0: // one more of the first line, or one that is open less
				changed := slices.Clone(b.OrderLines)
				l := &changed[0]
				n := int64(1)
				if random.IntN(2) == 0 && b.Lines()[0].Open.Quantity > 1 && l.UnitPrice < rest {
					n = -1
				}
				l.Quantity += n
				l.TotalAmount += l.UnitPrice * money.Amount(n)
				by := l.TotalAmount - b.OrderLines[0].TotalAmount
				b.OrderLines = changed
				b.OrderAmount += by
				b.RemainingAuthorizedAmount += by
			default:
				continue
			}
			story = append(story, fmt.Sprintf("%d: captured %d, refunded %d, remaining %d", step, b.CapturedAmount, b.RefundedAmount, b.RemainingAuthorizedAmount))
			var captured, refunded money.Amount
			for _, s := range b.Lines() {
				captured += s.CapturedAmount
				refunded += s.RefundedAmount
				whole := s.Captured + max(s.Open.Quantity, 0)
				if s.Captured < s.Refunded || s.Refunded < 0 || s.Unknown > s.Open.Quantity || s.Line.Quantity > 0 && whole != s.Line.Quantity ||
					s.Refunded > 0 && b.RefundedAmount == 0 || s.Refundable.Quantity > s.Captured && s.Line.Type != klarna.Discount ||
					abs(s.RefundedAmount) > abs(s.CapturedAmount) || abs(s.CapturedAmount) > abs(s.Line.TotalAmount) {
					t.Fatalf("round %d: %v\n%+v", round, story, s)
				}
			}
			if captured > b.CapturedAmount || refunded > b.RefundedAmount {
				t.Fatalf("round %d: %v\nthe lines say %d captured and %d refunded", round, story, captured, refunded)
			}
			done := b.RemainingAuthorizedAmount == 0 && b.CapturedAmount == b.OrderAmount
			if done && captured != b.CapturedAmount || b.RefundedAmount == b.CapturedAmount && refunded != captured {
				t.Fatalf("round %d: %v\nall is done, the lines say %d captured and %d refunded", round, story, captured, refunded)
			}
			unnamed := slices.ContainsFunc(b.Captures, func(c ordermanagement.Capture) bool { return len(c.OrderLines) == 0 })
			if !unnamed && captured != b.CapturedAmount {
				t.Fatalf("round %d: %v\ncaptured by lines, which say %d", round, story, captured)
			}
		}
	}
}

func abs(a money.Amount) money.Amount { return max(a, -a) }
