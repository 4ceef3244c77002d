package order

import (
	"context"
	"database/sql"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/stock"
)

// Goods are what the order took out of the cart.
func (o Order) Goods() []cart.Line {
	var lines []cart.Line
	for _, line := range Goods(o.OrderLines) {
		lines = append(lines, cart.Line(line))
	}
	return lines
}

// Restock is goods of a refund that are in the warehouse again.
type Restock struct {
	RefundID string       `json:"refund_id"`
	Goods    []stock.Line `json:"goods"`
}

// PutBack notes that the goods among the lines of a refund are in the warehouse again.
func (o *Order) PutBack(refundID string, lines []klarna.OrderLine) {
	if goods := cart.Stocked(lines); len(goods) > 0 {
		o.Restocked = append(slices.Clone(o.Restocked), Restock{RefundID: refundID, Goods: goods})
	}
}

// Goods are the goods among lines. Of which of them stock is kept cart.Stocked says.
func Goods(lines []klarna.OrderLine) (goods []stock.Line) {
	for _, line := range lines {
		if line.IsGoods() {
			goods = append(goods, stock.Line{SKU: line.Reference, Quantity: int(line.Quantity)})
		}
	}
	return goods
}

// toSend is what of the goods that can run out is still to be sent, and what was: goods are captured when
// they are sent. Where nothing was to be paid, shipments say what was. Each SKU is there
// once, also with 0.
func (o Order) toSend() (open, sent []stock.Line) {
	add := func(list *[]stock.Line, sku string, n int64) {
		i := slices.IndexFunc(*list, func(l stock.Line) bool { return l.SKU == sku })
		if i < 0 {
			i = len(*list)
			*list = append(*list, stock.Line{SKU: sku})
		}
		(*list)[i].Quantity += int(n)
	}
	for _, l := range o.Lines() {
		if l.Line.Type != klarna.Physical {
			continue
		}
		gone, rest := l.Captured, l.Open.Quantity
		if o.Free() {
			gone = o.Shipped(l.ID, "")
			rest = l.Line.Quantity - gone
		}
		add(&sent, l.Line.Reference, gone)
		if !o.ended() {
			add(&open, l.Line.Reference, rest)
		}
	}
	return open, sent
}

// quantityOf is how many of a SKU are in a list.
func quantityOf(list []stock.Line, sku string) (n int) {
	for _, line := range list {
		if line.SKU == sku {
			n += line.Quantity
		}
	}
	return n
}

// settle moves the stock of what an order has become, and returns what the audit says of that.
func (b *Book) settle(ctx context.Context, tx *sql.Tx, before Order, o *Order, text string, entries []AuditEntry) (told []AuditEntry, err error) {
	var by stock.Entry
	if len(entries) > 0 {
		by = stock.Entry{Who: entries[0].Staff, Reason: entries[0].Event}
	}
	released, short, err := b.move(ctx, tx, before, *o, by)
	if err != nil {
		return nil, err
	}
	if o.CapturedAmount == 0 { // it was cancelled
		var list []Change
		for _, line := range o.Goods() {
			if n := released[line.SKU]; n > 0 {
				list = append(list, Change{Field: "returned " + line.SKU, Before: "0", After: fmt.Sprint(n)})
				released[line.SKU] = 0
			}
		}
		if list != nil {
			told = append(told, AuditEntry{At: time.Now().UTC(), Source: BySystem, Event: AuditStock, Changes: list})
		}
	}
	if len(short) > 0 && !o.Flagged(Oversold) {
		o.flag(Oversold)
		return append(told, flagged(Oversold)), rewrite(ctx, tx, text, *o)
	}
	return told, nil
}

// move moves the stock of what an order has become: what is captured was sent, what is
// still to be sent is committed, and what was refunded may be back. released is what will
// not be sent any more, by SKU; short are the SKUs of which more is committed now than
// there is.
func (b *Book) move(ctx context.Context, tx *sql.Tx, before, o Order, by stock.Entry) (released map[string]int64, short []string, err error) {
	openBefore, sentBefore := before.toSend()
	open, sent := o.toSend()
	var gone []stock.Line
	for _, line := range sent {
		if line.Quantity -= quantityOf(sentBefore, line.SKU); line.Quantity > 0 {
			gone = append(gone, line)
		}
	}
	if len(gone) > 0 {
		if err := b.Stock.Ship(ctx, tx, o.Ref(), gone, by); err != nil {
			return nil, nil, err
		}
	}
	for _, back := range o.Restocked[min(len(before.Restocked), len(o.Restocked)):] {
		if err := b.Stock.Return(ctx, tx, o.Ref(), back.Goods, by); err != nil {
			return nil, nil, err
		}
	}
	switch {
	case o.ended() && !before.ended():
		if released, err = b.Stock.Open(ctx, tx, o.Ref()); err != nil {
			return nil, nil, err
		}
		var rest []stock.Line
		for sku, n := range released {
			if _, uses := stock.CampaignOf(sku); uses && o.CapturedAmount > 0 {
				continue // the campaign was used
			}
			rest = append(rest, stock.Line{SKU: sku, Quantity: int(n)})
		}
		return released, nil, b.Stock.Release(ctx, tx, o.Ref(), rest, by)
	case !reflect.DeepEqual(open, openBefore):
		short, err = b.Stock.Commit(ctx, tx, o.Ref(), open, by)
	}
	return nil, short, err
}
