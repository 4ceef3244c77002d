package order

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
)

// What consumers may withdraw from, until when, and what they have stated. docs/shop.md has the
// decisions with their sources. Nothing of it moves money: staff cancel and refund.

// Withdrawal is a consumer's statement of withdrawal.
type Withdrawal struct {
	// ID was made when the statement was shown to be confirmed: who confirms it twice has made one.
	ID    string          `json:"id"`
	At    time.Time       `json:"at"` // when it was received
	Name  string          `json:"name,omitempty"`
	Email string          `json:"email,omitempty"` // to which it is acknowledged
	Lines []WithdrawnLine `json:"lines"`
}

// WithdrawnLine is how many of a line somebody has withdrawn from.
type WithdrawnLine struct {
	ID       string `json:"id"` // of Order.LineIDs
	Name     string `json:"name"`
	Quantity int64  `json:"quantity"`
	// Of is how many were bought, and Level how many of them are cancelled or refunded when
	// this is dealt with.
	Of    int64 `json:"of"`
	Level int64 `json:"level"`
}

// NoWithdrawal is why nobody can withdraw from an order.
type NoWithdrawal string

// The reasons.
const (
	// NoRight: the market has none, the shop has no function, or the order has ended.
	NoRight NoWithdrawal = "no_right"
	// ByCompany: the right is that of consumers.
	ByCompany NoWithdrawal = "company"
	// AllFinal: all goods are excluded.
	AllFinal NoWithdrawal = "final"
	// AllWithdrawn: nothing is left.
	AllWithdrawn NoWithdrawal = "withdrawn"
	// TooLate: the period is over.
	TooLate NoWithdrawal = "late"
)

// WithdrawalError says that a statement is not taken, and why.
type WithdrawalError struct{ Why NoWithdrawal }

// Error names the reason.
func (e *WithdrawalError) Error() string { return "no withdrawal: " + string(e.Why) }

// Right is what a consumer can withdraw from.
type Right struct {
	Why   NoWithdrawal // "": it is possible
	Lines []RightLine  // the goods, in the order's sequence
	Days  int          // of the period
	// Last is the last day of the period, at its beginning in the market's time; zero: the
	// period has not begun, because goods are still to be sent.
	Last time.Time
	Sent bool // the period is counted from when the goods were sent, else from the order
}

// RightLine is a line of goods of an order.
type RightLine struct {
	ID    string
	Line  klarna.OrderLine
	Final bool  // no right to withdraw from it
	Left  int64 // how many of it can be withdrawn from
	of    int64 // how many were bought
	gone  int64 // how many are cancelled, refunded or withdrawn from
}

const (
	// transit is how many days goods are taken to be on their way: the shop knows when they are
	// sent, and the period begins when the consumer has them.
	transit = 7
	// mostWithdrawals is how many statements one order can have.
	mostWithdrawals = 50
)

// RightOf is what a consumer can withdraw from of an order now. shop is the version that is
// published, priced the one by which the order was bought.
func RightOf(shop, priced *publish.Version, o Order, now time.Time) Right {
	right := Right{Days: cmp.Or(priced.Shop.Withdrawal, shop.Shop.Withdrawal)}
	switch {
	case shop.Shop.Withdrawal == 0, !market.InEEA(o.PurchaseCountry), o.Erased(), o.ended() && (o.CapturedAmount == 0 || o.Free()):
		right.Why = NoRight
		return right
	case o.IsCompany():
		right.Why = ByCompany
		return right
	}
	left, final := int64(0), true
	for _, l := range o.Lines() {
		if l.ID == "" || !l.Line.IsGoods() {
			continue
		}
		r := RightLine{ID: l.ID, Line: l.Line}
		if p, known := priced.Catalog.Product(l.Line.Reference); known {
			r.Final = p.Final
		}
		r.of, r.gone = o.gone(l)
		if !r.Final {
			r.Left, final = max(r.of-max(r.gone, o.level(l.ID)), 0), false
		}
		left += r.Left
		right.Lines = append(right.Lines, r)
	}
	right.Last, right.Sent = o.lastDay(right.Days, priced.Shop.Checkout.Forms[o.PurchaseCountry].AutoCapture)
	switch {
	case final:
		right.Why = AllFinal
	case left == 0:
		right.Why = AllWithdrawn
	case !right.Last.IsZero() && !now.Before(right.Last.AddDate(0, 0, 1)), len(o.Withdrawals) >= mostWithdrawals:
		right.Why = TooLate
	}
	return right
}

// gone is how many of a line were bought, and how many of them are cancelled or refunded.
func (o Order) gone(l LineState) (of, gone int64) {
	of = l.Line.Quantity
	for _, w := range o.Withdrawals {
		for _, line := range w.Lines {
			if line.ID == l.ID {
				of = max(of, line.Of) // the line may have been made smaller since
			}
		}
	}
	kept := l.Line.Quantity
	if o.ended() {
		kept = min(l.Captured+l.Unknown, kept)
	}
	if o.RefundedAmount > 0 && o.RefundedAmount >= o.CapturedAmount && o.Remaining() == 0 {
		kept = 0
	}
	if o.Free() {
		kept = l.Line.Quantity
		if o.ended() {
			kept = 0
		}
	}
	return of, min(of-kept+min(l.Refunded, kept), of)
}

// level is how many of a line are to be cancelled or refunded by what was stated.
func (o Order) level(lineID string) (level int64) {
	for _, w := range o.Withdrawals {
		for _, line := range w.Lines {
			if line.ID == lineID {
				level = max(level, line.Level)
			}
		}
	}
	return level
}

// lastDay is the last day of a period of days, in the market's time, and whether that is
// counted from when the goods were sent; zero: some are still to be sent.
func (o Order) lastDay(days int, autoCapture bool) (last time.Time, sent bool) {
	from, physical := o.PlacedAt, false
	for _, l := range o.Lines() {
		if l.ID == "" || l.Line.Type != klarna.Physical {
			continue
		}
		if physical = true; o.SurelyToCome(l) > 0 && !o.ended() {
			return time.Time{}, false
		}
	}
	newest := func(t time.Time) {
		if physical && !t.IsZero() && (!sent || t.After(from)) {
			from, sent = t, true
		}
	}
	for _, s := range o.Shipments {
		if s.outward() {
			newest(s.ShippedAt)
		}
	}
	for id, without := range o.sentWithout() {
		if c, _ := o.Capture(id); without && !autoCapture {
			newest(c.CapturedAt.Time)
		}
	}
	if physical {
		days += transit
	}
	zone := market.EEAZone(o.PurchaseCountry)
	y, m, d := from.In(zone).Date()
	last = time.Date(y, m, d+days, 0, 0, 0, 0, zone)
	// Source: Regulation 1182/71, article 3(4), by recital 41 of Directive 2011/83/EU. Public
	// holidays are not known here.
	for last.Weekday() == time.Saturday || last.Weekday() == time.Sunday {
		last = last.AddDate(0, 0, 1)
	}
	return last, sent
}

// Take is what a statement is about: quantities by line. False: it is nothing, or more than
// there is.
func (r Right) Take(quantities map[string]int64) ([]WithdrawnLine, bool) {
	var lines []WithdrawnLine
	for _, l := range r.Lines {
		n := quantities[l.ID]
		if n < 0 || n > l.Left {
			return nil, false
		}
		if n > 0 {
			lines = append(lines, WithdrawnLine{ID: l.ID, Name: l.Line.Name, Quantity: n, Of: l.of, Level: l.of - l.Left + n})
		}
	}
	return lines, len(lines) > 0
}

// TakeWithdrawal takes a consumer's statement: with its ID, Name, Email and Lines, of which the IDs and
// quantities count. Who sends it again gets what the first one made. The error is a
// *WithdrawalError or ErrUnavailable.
func (b *Book) TakeWithdrawal(ctx context.Context, ref string, stated Withdrawal, now time.Time) (Withdrawal, error) {
	o, found, err := b.ByOrderID(ctx, ref)
	if err != nil || !found {
		return Withdrawal{}, cmp.Or(err, fmt.Errorf("%w: the order is gone from the book", ErrUnavailable))
	}
	priced, err := b.Published.At(ctx, o.Priced)
	if err != nil {
		return Withdrawal{}, fmt.Errorf("%w: find the version of the order: %w", ErrUnavailable, err)
	}
	quantities := map[string]int64{}
	for _, line := range stated.Lines {
		quantities[line.ID] += line.Quantity
	}
	kept, flagged := stated, false
	_, err = b.Update(ctx, ref, func(o *Order) ([]AuditEntry, error) {
		if before, again := o.Withdrawal(stated.ID); again {
			kept = before
			return nil, nil
		}
		right := RightOf(b.Published.Now(), priced, *o, now)
		if right.Why != "" {
			return nil, &WithdrawalError{right.Why}
		}
		lines, some := right.Take(quantities)
		if !some {
			return nil, &WithdrawalError{AllWithdrawn}
		}
		kept.At, kept.Lines = now.UTC(), lines
		o.Withdrawals = append(slices.Clip(o.Withdrawals), kept)
		flagged = !o.Flagged(WithdrawalRequested)
		o.flag(WithdrawalRequested)
		return []AuditEntry{{At: kept.At, Source: ByShopper, Event: AuditWithdrawal, ID: kept.ID, Changes: kept.changes()}}, nil
	})
	if err == nil && flagged {
		b.Observer.Flag(string(WithdrawalRequested))
	}
	return kept, err
}

// Withdrawal returns the order's statement with an ID; false when it has none.
func (o Order) Withdrawal(id string) (Withdrawal, bool) {
	i := slices.IndexFunc(o.Withdrawals, func(w Withdrawal) bool { return w.ID == id })
	if i < 0 {
		return Withdrawal{}, false
	}
	return o.Withdrawals[i], true
}

// changes are what the audit says of a statement. It names nobody.
func (w Withdrawal) changes() (list []Change) {
	for _, l := range w.Lines {
		list = append(list, Change{Field: "withdrawn " + l.Name, Before: "0", After: fmt.Sprint(l.Quantity)})
	}
	return list
}

// bare is the statement without who has made it.
func (w Withdrawal) bare() Withdrawal { return Withdrawal{ID: w.ID, At: w.At, Lines: w.Lines} }

// dropWithdrawn drops the flag of an order when all that was withdrawn from is cancelled or refunded.
func (o *Order) dropWithdrawn() {
	if o.Flagged(WithdrawalRequested) && len(o.ToReturn()) == 0 {
		o.Unflag(WithdrawalRequested)
	}
}

// Unflag takes a flag off an order.
func (o *Order) Unflag(f Flag) {
	o.Flags = slices.DeleteFunc(slices.Clone(o.Flags), func(has Flag) bool { return has == f })
}

// ToReturn is how many of each line are still to be cancelled or refunded, because somebody
// withdrew from them; with delivery where that is so of all goods.
func (o Order) ToReturn() map[string]int64 {
	open, all := map[string]int64{}, true
	for _, l := range o.Lines() {
		if l.ID == "" || !l.Line.IsGoods() {
			continue
		}
		of, gone := o.gone(l)
		level := o.level(l.ID)
		if n := level - gone; n > 0 {
			open[l.ID] = n
		}
		all = all && max(level, gone) >= of
	}
	if len(open) > 0 && all {
		for _, l := range o.Lines() {
			if l.ID != "" && l.Line.Type == klarna.ShippingFee {
				open[l.ID] = l.Line.Quantity
			}
		}
	}
	return open
}

// AllWithdrawn reports whether consumers have withdrawn from all goods that are left.
func (o Order) AllWithdrawn() bool {
	return len(o.Withdrawals) > 0 && !slices.ContainsFunc(o.Lines(), func(l LineState) bool {
		of, gone := o.gone(l)
		return l.ID != "" && l.Line.IsGoods() && max(o.level(l.ID), gone) < of
	}) && o.Status != ordermanagement.Cancelled
}

// ToRefund is how many of each of Refundable are to be refunded by what was withdrawn from:
// what is not captured yet is rather not captured.
func (o Order) ToRefund() (quantities []int64) {
	back := o.ToReturn()
	for _, l := range o.Lines() {
		if l.Refundable.Quantity < 1 {
			continue
		}
		n := back[l.ID]
		if !o.ended() {
			n -= max(l.Open.Quantity-l.Unknown, 0)
		}
		quantities = append(quantities, max(min(n, l.Refundable.Quantity), 0))
	}
	return quantities
}
