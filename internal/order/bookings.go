package order

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Booking is a capture or a refund, as it goes into the books.
type Booking struct {
	Order     Order
	ID        string // Klarna's
	At        time.Time
	Refund    bool
	Amount    money.Amount // minor units; of a refund below 0
	Reference string       // that staff gave it
	Taxes     []Taxed      // by rate, lowest first
	SalesTax  money.Amount // a line of its own, in the US
	// Unassigned is the part of Amount of which nobody said what it is for.
	Unassigned money.Amount
}

// Taxed is what a booking has at one tax rate.
type Taxed struct {
	Rate     klarna.Rate
	Net, Tax money.Amount
}

// bookings are the captures and refunds of the order, in no order.
func (o Order) bookings() (all []Booking) {
	for _, c := range o.Captures {
		b := Booking{Order: o, ID: c.CaptureID, At: c.CapturedAt.Time, Reference: c.Reference}
		b.book(c.CapturedAmount, c.OrderLines, o.OrderLines, 1)
		all = append(all, b)
	}
	of := o.capturedLines()
	if len(of) == 0 || !SumsTo(of, o.CapturedAmount) { // an amount was captured: booked as any of the order's lines
		of = o.OrderLines
	}
	for _, r := range o.Refunds {
		b := Booking{Order: o, ID: r.RefundID, At: r.RefundedAt.Time, Reference: r.Reference, Refund: true}
		b.book(r.RefundedAmount, r.OrderLines, of, -1)
		all = append(all, b)
	}
	return all
}

// book splits an amount by tax rate. Without lines it is that of all lines that it may be of where it
// comes to them, and at their rate where they have but one.
func (b *Booking) book(amount money.Amount, lines, of []klarna.OrderLine, sign money.Amount) {
	b.Amount = sign * amount
	if len(lines) == 0 && len(of) > 0 {
		rate, one := onlyRate(of)
		switch tax, err := rate.Tax().Included(amount); {
		case SumsTo(of, amount):
			lines = of
		case one && err == nil:
			lines = []klarna.OrderLine{{TaxRate: rate, TotalAmount: amount, TotalTaxAmount: tax}}
		}
	}
	b.Unassigned = b.Amount
	for _, line := range lines {
		b.Unassigned -= sign * line.TotalAmount
		if line.Type == klarna.SalesTax {
			b.SalesTax += sign * line.TotalAmount
			continue
		}
		i, found := slices.BinarySearchFunc(b.Taxes, line.TaxRate, func(t Taxed, rate klarna.Rate) int { return cmp.Compare(t.Rate, rate) })
		if !found {
			b.Taxes = slices.Insert(b.Taxes, i, Taxed{Rate: line.TaxRate})
		}
		b.Taxes[i].Net += sign * (line.TotalAmount - line.TotalTaxAmount)
		b.Taxes[i].Tax += sign * line.TotalTaxAmount
	}
}

// onlyRate is the tax rate of all lines; false where they have several, or a line for the tax.
func onlyRate(lines []klarna.OrderLine) (klarna.Rate, bool) {
	rate := lines[0].TaxRate
	return rate, !slices.ContainsFunc(lines, func(l klarna.OrderLine) bool { return l.TaxRate != rate || l.Type == klarna.SalesTax })
}

// Bookings are the captures and refunds of some time, by when they were made.
type Bookings struct {
	Rates    []klarna.Rate // all that they have, lowest first
	SalesTax bool          // any has one

	book *Book
	list []booked
}

// booked is where a booking is: some 60 bytes, so that a year of them can be sorted.
type booked struct {
	at        int64 // ms
	order, id string
}

// clocks is how much Klarna's clock and ours may differ.
const clocks = time.Hour

// Bookings finds the captures and refunds that were made from a time on and before another; a zero
// time is no bound. The error is ErrUnavailable, wrapped.
func (b *Book) Bookings(ctx context.Context, from, before time.Time) (found Bookings, err error) {
	found.book = b
	rates := map[klarna.Rate]bool{}
	// An order that was booked in that time was placed before, and has changed since.
	changed, last, placed := int64(-1), "", time.Now().Add(clocks)
	if !from.IsZero() {
		changed = from.Add(-clocks).UnixMilli()
	}
	if !before.IsZero() {
		placed = before.Add(clocks)
	}
	type row struct {
		id, record string
		changed    int64
	}
	for {
		rows, err := db.All(ctx, b.DB.Read, func(rows *sql.Rows) (r row, err error) {
			err = rows.Scan(&r.id, &r.changed, &r.record)
			return r, err
		}, `select id, updated_at, record from orders where (updated_at, id) > ($1, $2) and placed_at < $3 and (captured_amount > 0 or refunded_amount > 0)
			order by updated_at, id limit `+fmt.Sprint(exportBatch), changed, last, placed.UnixMilli())
		if err != nil {
			return Bookings{}, fmt.Errorf("%w: read bookings: %w", ErrUnavailable, err)
		}
		for _, r := range rows {
			var o Order
			if err := json.Unmarshal([]byte(r.record), &o); err != nil {
				return Bookings{}, fmt.Errorf("%w: read bookings: %w", ErrUnavailable, err)
			}
			for _, k := range o.bookings() {
				if k.At.Before(from) || !before.IsZero() && !k.At.Before(before) {
					continue
				}
				found.list = append(found.list, booked{k.At.UnixMilli(), o.ID, k.ID})
				found.SalesTax = found.SalesTax || k.SalesTax != 0
				for _, t := range k.Taxes {
					rates[t.Rate] = true
				}
			}
			changed, last = r.changed, r.id
		}
		if len(rows) < exportBatch {
			break
		}
	}
	slices.SortFunc(found.list, func(x, y booked) int {
		return cmp.Or(cmp.Compare(x.at, y.at), cmp.Compare(x.order, y.order), cmp.Compare(x.id, y.id))
	})
	found.list = slices.Compact(found.list) // an order that changed meanwhile was read twice
	for rate := range rates {
		found.Rates = append(found.Rates, rate)
	}
	slices.Sort(found.Rates)
	return found, nil
}

// Each hands them over, the oldest first, some at a time. An error of yield ends it and is returned;
// else it is ErrUnavailable, wrapped.
func (k Bookings) Each(ctx context.Context, yield func(Booking) error) error {
	for part := range slices.Chunk(k.list, exportBatch) {
		var ids []string
		for _, at := range part {
			ids = append(ids, at.order)
		}
		slices.Sort(ids)
		among, args := db.In(slices.Compact(ids))
		orders, err := several(ctx, k.book.DB.Read, "select record from orders where id "+among, args...)
		if err != nil {
			return err
		}
		bookings := map[booked]Booking{}
		for _, o := range orders {
			for _, b := range o.bookings() {
				bookings[booked{b.At.UnixMilli(), o.ID, b.ID}] = b
			}
		}
		for _, at := range part {
			b, found := bookings[at]
			if !found {
				return fmt.Errorf("%w: a booking has changed while it was read", ErrUnavailable)
			}
			if err := yield(b); err != nil {
				return err
			}
		}
	}
	return nil
}
