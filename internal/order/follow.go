package order

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// How the book follows what Klarna says.

// followTries bounds how often an order is read because somebody changed it meanwhile.
const followTries = 3

// errMoved: the order was changed between two looks at it.
var errMoved = errors.New("the order was changed meanwhile")

// Refresh reads from Klarna what became of an order and returns it as the book
// has it then; what is new there is in the audit. One that is not in the book is
// placed. While a command is being sent the book follows that instead. The
// error is that of Place.
func (b *Book) Refresh(ctx context.Context, orderID string) (Order, error) {
	o, err := b.refresh(ctx, orderID)
	b.Observer.Book(observe.BookRefresh, resultOf(false, err))
	return o, err
}

func (b *Book) refresh(ctx context.Context, orderID string) (o Order, err error) {
	for range followTries {
		before, found, err := b.ByOrderID(ctx, orderID)
		if err != nil {
			return Order{}, err
		}
		sold, err := b.Sold(ctx, orderID)
		if err != nil {
			return Order{}, err
		}
		if !found && sold.OrderID != orderID { // in another case
			orderID = sold.OrderID
			continue
		}
		if !found {
			return b.Place(ctx, sold.OrderID)
		}
		o, err = b.follow(ctx, before, sold)
		if !errors.Is(err, errMoved) {
			return o, err
		}
	}
	// Whoever changes it so often follows Klarna too.
	o, _, err = b.ByOrderID(ctx, orderID)
	return o, err
}

// follow takes over what Klarna said of an order, unless the order has changed
// since before, which was read before Klarna was asked: then what Klarna said
// may be older than what the book has.
func (b *Book) follow(ctx context.Context, before Order, sold ordermanagement.Order) (Order, error) {
	o, err := b.Update(ctx, before.OrderID, func(o *Order) ([]AuditEntry, error) {
		now := time.Now().UTC()
		if o.Running != nil && now.Before(o.SendingUntil) {
			return nil, nil
		}
		if o.Revision != before.Revision {
			return nil, errMoved
		}
		was := *o
		o.TakeOver(sold, now)
		if list := Changes(was, *o); len(list) > 0 {
			return []AuditEntry{{At: now, Source: ByKlarna, Event: AuditStatus, Changes: list}}, nil
		}
		return nil, nil
	})
	if err == nil && (o.Status != before.Status || o.FraudStatus != before.FraudStatus) {
		b.Logger.InfoContext(ctx, "order has another state", "order_id", o.OrderID, "order_number", o.Number, "order_status", o.Status, "fraud_status", o.FraudStatus)
	}
	if err == nil && o.GoodsDue && o.CartClosed {
		return b.ReturnGoods(ctx, o)
	}
	return o, err
}

// TakeOver makes the order what Klarna says it is. What Klarna does not say, or
// not so that it can be read, stays.
func (o *Order) TakeOver(sold ordermanagement.Order, now time.Time) {
	if o.FraudStatus != sold.FraudStatus {
		o.FraudStatusAt = now
	}
	o.SetStatus(sold.Status)
	o.FraudStatus = sold.FraudStatus
	o.OrderAmount, o.OriginalOrderAmount = sold.OrderAmount, sold.OriginalOrderAmount
	o.CapturedAmount, o.RefundedAmount = sold.CapturedAmount, sold.RefundedAmount
	o.RemainingAuthorizedAmount = sold.RemainingAuthorizedAmount
	o.SetLines(sold.OrderLines)
	o.Captures, o.Refunds, o.ShippingInfo = kept(sold.Captures), kept(sold.Refunds), kept(sold.ShippingInfo)
	o.see(now)
	o.MerchantReference1, o.MerchantReference2 = sold.MerchantReference1, sold.MerchantReference2
	if sold.BillingAddress != (klarna.Address{}) {
		o.BillingAddress = sold.BillingAddress
	}
	if sold.ShippingAddress != (klarna.Address{}) {
		o.ShippingAddress = sold.ShippingAddress
	}
	if sold.PaymentMethod.Type != "" {
		o.PaymentMethod = sold.PaymentMethod
	}
	if sold.KlarnaReference != "" {
		o.KlarnaReference = sold.KlarnaReference
	}
	if !sold.ExpiresAt.IsZero() {
		o.ExpiresAt = sold.ExpiresAt.Time
	}
}

// kept is a list as it is after it was stored and read.
func kept[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// SetStatus is for a state that Klarna has. The goods of an order that is
// cancelled go back to the stock: nothing of it was captured, so nothing was sent.
func (o *Order) SetStatus(status ordermanagement.Status) {
	if status == ordermanagement.Cancelled && o.Status != status && o.Status != "" && o.CartID != "" {
		o.GoodsDue = true
	}
	o.Status = status
}

// SetLines replaces the lines. What was taken out of the stock stays known.
func (o *Order) SetLines(lines []klarna.OrderLine) {
	taken := o.reserved()
	o.OrderLines = lines
	if !slices.Equal(taken, o.reserved()) {
		o.Taken = taken
	}
	if _, tax, err := klarna.Sums(lines); err == nil {
		o.OrderTaxAmount = tax
	}
}

// Follow sets the status that follows from the amounts.
func (o *Order) Follow() {
	switch {
	case o.CapturedAmount == 0:
	case o.RemainingAuthorizedAmount > 0:
		o.Status = ordermanagement.PartCaptured
	default:
		o.Status = ordermanagement.Captured
	}
}

// ReturnGoods gives the goods of a cancelled order back to the stock, once.
func (b *Book) ReturnGoods(ctx context.Context, o Order) (Order, error) {
	lines := o.reserved()
	if err := b.Stock.Return(ctx, o.OrderID, lines); err != nil {
		return o, fmt.Errorf("return goods of order %s: %w: %w", o.OrderID, ErrUnavailable, err)
	}
	return b.Update(ctx, o.OrderID, func(o *Order) ([]AuditEntry, error) {
		if !o.GoodsDue {
			return nil, nil
		}
		o.GoodsDue = false
		var list []Change
		for _, line := range b.Stock.Limited(lines) {
			list = append(list, Change{Field: "returned " + line.SKU, Before: "0", After: fmt.Sprint(line.Quantity)})
		}
		if list == nil {
			return nil, nil // digital goods only
		}
		return []AuditEntry{{At: time.Now().UTC(), Source: BySystem, Event: AuditStock, Changes: list}}, nil
	})
}
