package order

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
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
		sold, err := b.sold(ctx, orderID)
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
	o, err := b.update(ctx, before.OrderID, func(o *Order) ([]AuditEntry, error) {
		now := time.Now().UTC()
		if o.Running != nil && now.Before(o.SendingUntil) {
			return nil, nil
		}
		if o.Revision != before.Revision {
			return nil, errMoved
		}
		was := *o
		o.takeOver(sold, now)
		if list := changes(was, *o); len(list) > 0 {
			return []AuditEntry{{At: now, Source: ByKlarna, Event: AuditStatus, Changes: list}}, nil
		}
		return nil, nil
	})
	if err == nil && (o.Status != before.Status || o.FraudStatus != before.FraudStatus) {
		b.Logger.InfoContext(ctx, "order has another state", "order_id", o.OrderID, "order_number", o.Number, "order_status", o.Status, "fraud_status", o.FraudStatus)
	}
	if err == nil && o.GoodsDue && o.CartClosed {
		return b.returnGoods(ctx, o)
	}
	return o, err
}

// takeOver makes the order what Klarna says it is. What Klarna does not say, or
// not so that it can be read, stays.
func (o *Order) takeOver(sold ordermanagement.Order, now time.Time) {
	if o.FraudStatus != sold.FraudStatus {
		o.FraudStatusAt = now
	}
	o.setStatus(sold.Status)
	o.FraudStatus = sold.FraudStatus
	o.OrderAmount, o.OriginalOrderAmount = sold.OrderAmount, sold.OriginalOrderAmount
	o.CapturedAmount, o.RefundedAmount = sold.CapturedAmount, sold.RefundedAmount
	o.RemainingAuthorizedAmount = sold.RemainingAuthorizedAmount
	o.setLines(sold.OrderLines)
	o.Captures, o.Refunds, o.ShippingInfo = some(sold.Captures), some(sold.Refunds), some(sold.ShippingInfo)
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

// some is a list as it is after it was stored and read.
func some[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

// setStatus is for a state that Klarna has. The goods of an order that is
// cancelled go back to the stock: nothing of it was captured, so nothing was sent.
func (o *Order) setStatus(status ordermanagement.Status) {
	if status == ordermanagement.Cancelled && o.Status != status && o.Status != "" && o.CartID != "" {
		o.GoodsDue = true
	}
	o.Status = status
}

// setLines replaces the lines. What was taken out of the stock stays known.
func (o *Order) setLines(lines []klarna.OrderLine) {
	taken := o.reserved()
	o.OrderLines = lines
	if !slices.Equal(taken, o.reserved()) {
		o.Taken = taken
	}
	if _, tax, err := klarna.Sums(lines); err == nil {
		o.OrderTaxAmount = tax
	}
}

// apply makes the order what a command has made of it at Klarna, as far as that
// follows; the rest comes with the next Refresh.
func (o *Order) apply(c Command, entry AuditEntry) {
	at := ordermanagement.Time{Time: entry.At}
	switch c.Action {
	case ActionCapture:
		o.Captures = append(slices.Clip(o.Captures), ordermanagement.Capture{
			CaptureID: entry.ID, KlarnaReference: fmt.Sprintf("%s-%d", o.KlarnaReference, len(o.Captures)+1),
			CapturedAmount: c.Amount, CapturedAt: at, Description: c.Description, Reference: c.Reference,
			OrderLines: c.OrderLines, ShippingInfo: c.ShippingInfo,
		})
		o.CapturedAmount += c.Amount
		o.RemainingAuthorizedAmount -= c.Amount
		o.captured()
	case ActionRefund:
		o.Refunds = append(slices.Clip(o.Refunds), ordermanagement.Refund{
			RefundID: entry.ID, RefundedAmount: c.Amount, RefundedAt: at,
			Description: c.Description, Reference: c.Reference, OrderLines: c.OrderLines,
		})
		o.RefundedAmount += c.Amount
	case ActionLines:
		o.OrderAmount, o.RemainingAuthorizedAmount = c.Amount, c.Amount-o.CapturedAmount
		o.setLines(c.OrderLines)
		o.captured()
	case ActionReferences:
		if c.Reference1 != nil {
			o.MerchantReference1 = *c.Reference1
		}
		if c.Reference2 != nil {
			o.MerchantReference2 = *c.Reference2
		}
	case ActionShippingAddress:
		o.ShippingAddress = *c.ShippingAddress
	case ActionShippingInfo:
		o.addParcels(c)
	case ActionCancel:
		o.setStatus(ordermanagement.Cancelled)
	case ActionRelease:
		o.RemainingAuthorizedAmount = 0
		o.captured()
	case ActionExtend, ActionSendOut, ActionExtendDueDate: // Klarna alone knows until when
	}
}

// captured sets the status that follows from the amounts.
func (o *Order) captured() {
	switch {
	case o.CapturedAmount == 0:
	case o.RemainingAuthorizedAmount > 0:
		o.Status = ordermanagement.PartCaptured
	default:
		o.Status = ordermanagement.Captured
	}
}

func (o *Order) addParcels(c Command) {
	if c.CaptureID == "" {
		o.ShippingInfo = append(slices.Clip(o.ShippingInfo), c.ShippingInfo...)
		return
	}
	o.Captures = slices.Clone(o.Captures)
	for i := range o.Captures {
		if capture := &o.Captures[i]; strings.EqualFold(capture.CaptureID, c.CaptureID) {
			capture.ShippingInfo = append(slices.Clip(capture.ShippingInfo), c.ShippingInfo...)
		}
	}
}

// shows reports whether an order that was read after a command was done has
// what the command made: else the read is older than the command.
func shows(sold ordermanagement.Order, c Command, id string) bool {
	switch c.Action {
	case ActionCapture:
		return id == "" || slices.ContainsFunc(sold.Captures, func(x ordermanagement.Capture) bool { return strings.EqualFold(x.CaptureID, id) })
	case ActionRefund:
		return id == "" || slices.ContainsFunc(sold.Refunds, func(x ordermanagement.Refund) bool { return strings.EqualFold(x.RefundID, id) })
	case ActionLines, ActionReferences, ActionShippingAddress, ActionShippingInfo, ActionCancel, ActionRelease:
		return has(sold, c)
	case ActionExtend, ActionSendOut, ActionExtendDueDate:
	}
	return true
}

// has reports whether an order is what a command should have made of it.
func has(sold ordermanagement.Order, c Command) bool {
	switch c.Action {
	case ActionLines:
		return sold.OrderAmount == c.Amount && sameQuantities(sold.OrderLines, c.OrderLines)
	case ActionReferences:
		return (c.Reference1 == nil || *c.Reference1 == sold.MerchantReference1) &&
			(c.Reference2 == nil || *c.Reference2 == sold.MerchantReference2)
	case ActionShippingAddress:
		return reflect.DeepEqual(ordermanagement.NewAddressChange(sold.ShippingAddress, *c.ShippingAddress), ordermanagement.AddressChange{})
	case ActionShippingInfo:
		parcels := sold.ShippingInfo
		for _, capture := range sold.Captures {
			if c.CaptureID != "" && strings.EqualFold(capture.CaptureID, c.CaptureID) {
				parcels = capture.ShippingInfo
			}
		}
		return !slices.ContainsFunc(c.ShippingInfo, func(p ordermanagement.ShippingInfo) bool { return !slices.Contains(parcels, p) })
	case ActionCancel:
		return sold.Status == ordermanagement.Cancelled
	case ActionRelease:
		return sold.RemainingAuthorizedAmount == 0
	case ActionCapture, ActionRefund, ActionExtend, ActionSendOut, ActionExtendDueDate:
	}
	return false
}

// sameQuantities reports whether lines are of the same things at the same amounts.
func sameQuantities(a, b []klarna.OrderLine) bool {
	return slices.EqualFunc(a, b, func(a, b klarna.OrderLine) bool {
		return a.Reference == b.Reference && a.Quantity == b.Quantity && a.TotalAmount == b.TotalAmount
	})
}

// returnGoods gives the goods of a cancelled order back to the stock, once.
func (b *Book) returnGoods(ctx context.Context, o Order) (Order, error) {
	lines := o.reserved()
	if err := b.Stock.Return(ctx, o.OrderID, lines); err != nil {
		return o, fmt.Errorf("return goods of order %s: %w: %w", o.OrderID, ErrUnavailable, err)
	}
	return b.update(ctx, o.OrderID, func(o *Order) ([]AuditEntry, error) {
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
