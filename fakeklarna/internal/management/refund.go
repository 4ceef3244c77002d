package management

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Refunds and their allocation to captures.

const unknownRefund = "Refund {refund_id} cannot be found for order {order_id}"

// refund gives a part of the captured amount back to the customer. Lines need not add up
// to the amount. Source: docs.klarna.com, Refund orders and manage authorizations.
func (s *Service) refund(m *Stored, c input) (wire.Reply, *wire.Error) {
	var sent struct {
		RefundedAmount int64  `json:"refunded_amount"`
		Description    string `json:"description"`
		Reference      string `json:"reference"`
		OrderLines     []Line `json:"order_lines"`
	}
	c.into(&sent)
	v := &m.View
	const code = "REFUND_NOT_ALLOWED"
	switch {
	case len(v.Captures) == 0:
		return wire.Reply{}, wire.Forbidden(code, "Order has no captures. Refund not possible")
	case sent.RefundedAmount > v.CapturedAmount-v.RefundedAmount:
		return wire.Reply{}, wire.Forbidden(code, "Over refund is not allowed. Refund not possible.")
	case !v.feeAllowed(sent.OrderLines, sent.RefundedAmount):
		return wire.Reply{}, wire.Forbidden(code, "Return fee is not allowed. Refund not possible.")
	}
	r := Refund{
		RefundID: s.NewID(), RefundedAmount: sent.RefundedAmount, RefundedAt: wire.StampMillis(s.Time()),
		Description: sent.Description, Reference: sent.Reference, OrderLines: filled(sent.OrderLines),
		CreditInvoice: v.InitialPaymentMethod.Type == "INVOICE_BUSINESS",
	}
	v.Refunds = append(v.Refunds, r)
	s.tellOf(m, "refunded %s", wire.AmountText(r.RefundedAmount))
	s.allocate(m, &r)
	return made(m, "/refunds/", "Refund-Id", r.RefundID, sent.OrderLines), nil
}

// allocate assigns a refund to the capture whose lines have the refund's references. Once
// that fails, no later refund is allocated.
// Source: docs.klarna.com, Refund allocation.
func (s *Service) allocate(m *Stored, r *Refund) {
	captures := m.View.Captures
	i := slices.IndexFunc(captures, func(c Capture) bool {
		return r.RefundedAmount <= c.CapturedAmount-c.RefundedAmount && hasReferences(c.OrderLines, r.OrderLines)
	})
	if m.Unallocated || i < 0 || !sumIs(r.OrderLines, r.RefundedAmount) {
		m.Unallocated = true
		s.tellOf(m, "refund of %s not allocated to a capture", wire.AmountText(r.RefundedAmount))
		return
	}
	captures[i].RefundedAmount += r.RefundedAmount
	if s.RefundLags {
		m.Lags = append(m.Lags, lag{i, r.RefundedAmount, s.Time().Add(refundLag)})
	}
	s.tellOf(m, "refund of %s allocated to capture %s", wire.AmountText(r.RefundedAmount), captures[i].KlarnaReference)
}

// refundLag is how long a capture does not show a refund, with Config.RefundLags.
const refundLag = 5 * time.Second

// lag is a refund that a capture does not show until some time.
type lag struct {
	Capture int // its place among the order's captures
	Amount  int64
	Until   time.Time
}

// hasReferences reports whether the references of all refunded lines, except a fee, are
// among the captured lines.
func hasReferences(captured, refunded []Line) bool {
	return !slices.ContainsFunc(refunded, func(r Line) bool {
		return r.Type != "return_fee" && !slices.ContainsFunc(captured, func(c Line) bool {
			return c.Reference != "" && c.Reference == r.Reference
		})
	})
}

func sumIs(lines []Line, amount int64) bool {
	sum := new(big.Int)
	for i := range lines {
		sum.Add(sum, big.NewInt(lines[i].TotalAmount))
	}
	return sum.Cmp(big.NewInt(amount)) == 0
}

// returnFeeMarkets are the markets where a return fee may be charged.
// Source: docs.klarna.com, Refund orders and manage authorizations.
var returnFeeMarkets = []string{"AT", "DE", "DK", "FI", "FR", "NL", "NO", "SE", "IT", "ES", "IE", "PT", "CZ", "AU", "GR"}

// feeAllowed reports whether lines have no return fee, or an allowed one. The fee must be
// negative, the order captured in one capture, and the lines must add up to the amount.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func (v *Order) feeAllowed(lines []Line, amount int64) bool {
	fee := slices.IndexFunc(lines, func(l Line) bool { return l.Type == "return_fee" })
	if fee < 0 {
		return true
	}
	return lines[fee].UnitPrice < 0 && lines[fee].TotalAmount < 0 &&
		v.Status == StatusCaptured && len(v.Captures) == 1 &&
		slices.Contains(returnFeeMarkets, v.PurchaseCountry) && sumIs(lines, amount)
}

// readRefund returns one refund.
// Source: docs.klarna.com, Order Management API reference.
func (s *Service) readRefund(m *Stored, c input) (wire.Reply, *wire.Error) {
	id := c.ids["refund_id"]
	if i := slices.IndexFunc(m.View.Refunds, func(r Refund) bool { return strings.EqualFold(r.RefundID, id) }); i >= 0 {
		return found(s.answered(m).Refunds[i]), nil
	}
	err := wire.Missing("NOT_FOUND", c.fill(unknownRefund))
	if !uuidPattern.MatchString(id) {
		err.Status = 400
	}
	return wire.Reply{}, err
}
