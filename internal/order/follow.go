package order

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/rounds"
)

// How the book follows what Klarna says.

// followTries bounds how often an order is read because somebody changed it meanwhile.
const followTries = 3

const (
	readDaily, readWeekly = 24 * time.Hour, 7 * 24 * time.Hour
	// expiringFor is for how long before its end an order is said to expire.
	expiringFor = 7 * 24 * time.Hour
	// readFor is for how long what was captured is read, beside when somebody looks at it.
	readFor = 90 * 24 * time.Hour
	// readsBudget is how many orders a process reads a second, beside all else.
	readsBudget = 4
)

// readAt is when the loop reads an order next that is as Klarna has it now; zero is
// never, as where nothing was to be paid. Open orders are read daily, when they begin to expire and when they have, captured ones weekly: what is
// done in Klarna's portal comes into the book also when nobody looks.
func (o Order) readAt(now time.Time) time.Time {
	if o.Free() {
		return time.Time{}
	}
	switch o.Status {
	case ordermanagement.Cancelled, ordermanagement.Expired, ordermanagement.Closed:
		return time.Time{}
	case ordermanagement.Captured:
		if next := now.Add(readWeekly); next.Before(o.PlacedAt.Add(readFor)) {
			return next
		}
		return time.Time{}
	case ordermanagement.Authorized, ordermanagement.PartCaptured:
	}
	next := now.Add(readDaily)
	for _, at := range []time.Time{o.ExpiresAt.Add(-expiringFor), o.ExpiresAt} {
		if at = at.Add(time.Minute); at.After(now) && at.Before(next) {
			next = at
		}
	}
	return next
}

// RunFollow reads orders that nobody has looked at, until ctx ends: at most four a
// second, half as many each time Klarna says that it is too much.
func (b *Book) RunFollow(ctx context.Context) {
	budget := readsBudget
	rounds.Every(ctx, time.Second, func() {
		tooMuch, err := b.Follow(ctx, time.Now(), budget)
		switch {
		case tooMuch:
			budget = max(budget/2, 1)
		case err == nil:
			budget = min(budget+1, readsBudget)
		case ctx.Err() == nil:
			b.Logger.WarnContext(ctx, "orders are not followed now", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(roundEvery):
			}
		}
	})
}

// Follow reads at most limit orders whose time has come, at once. Any number of
// processes may be at it. tooMuch: Klarna has said that it is asked too often.
func (b *Book) Follow(ctx context.Context, now time.Time, limit int) (tooMuch bool, err error) {
	due, err := b.due(ctx, "read_at", now, limit)
	if err != nil {
		return false, fmt.Errorf("orders to be read: %w", err)
	}
	errs := make([]error, len(due))
	var reading sync.WaitGroup
	for i, d := range due {
		reading.Go(func() {
			// What fails is tried again after that.
			mine, err := b.DB.Claim(ctx, "update orders set read_at = $3 where order_id = $1 and read_at = $2", d.Key, d.At, now.Add(readAgain))
			if mine {
				_, err = b.Refresh(ctx, d.Key)
			}
			errs[i] = err
		})
	}
	reading.Wait()
	err = errors.Join(errs...)
	return slices.ContainsFunc(errs, func(err error) bool { return klarna.Status(err) == http.StatusTooManyRequests }), err
}

// readAgain is when an order is read again that could not be read.
const readAgain = 10 * time.Minute

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
		if err != nil || found && before.Free() {
			return before, err
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
	if err == nil && o.Revision == before.Revision {
		err = b.wasRead(ctx, o)
	}
	if err == nil && (o.Status != before.Status || o.FraudStatus != before.FraudStatus) {
		b.Logger.InfoContext(ctx, "order has another state", "order_id", o.OrderID, "order_number", o.Number, "order_status", o.Status, "fraud_status", o.FraudStatus)
	}
	return o, err
}

// TakeOver makes the order what Klarna says it is. What Klarna does not say, or
// not so that it can be read, stays.
func (o *Order) TakeOver(sold ordermanagement.Order, now time.Time) {
	if o.Erased() {
		sold = o.bareSale(sold)
	}
	if o.FraudStatus != sold.FraudStatus {
		o.FraudStatusAt = now
	}
	o.Status = sold.Status
	o.FraudStatus = sold.FraudStatus
	o.OrderAmount, o.OriginalOrderAmount = sold.OrderAmount, sold.OriginalOrderAmount
	o.CapturedAmount, o.RefundedAmount = sold.CapturedAmount, sold.RefundedAmount
	o.RemainingAuthorizedAmount = sold.RemainingAuthorizedAmount
	o.SetLines(sold.OrderLines)
	o.Captures, o.Refunds, o.ShippingInfo = kept(sold.Captures), o.referenced(sold.Refunds), kept(sold.ShippingInfo)
	o.see(now)
	o.MerchantReference1, o.MerchantReference2 = sold.MerchantReference1, sold.MerchantReference2
	if sold.BillingAddress != (klarna.Address{}) {
		o.BillingAddress = sold.BillingAddress
	}
	if sold.ShippingAddress != (klarna.Address{}) {
		o.ShippingAddress = sold.ShippingAddress
	}
	if company := companyOf(sold, o.Customer); company != (klarna.Customer{}) {
		o.Customer = company
	}
	o.Delivery = o.Delivery.with(soldWith(sold))
	if sold.PaymentMethod.Type != "" {
		o.PaymentMethod = sold.PaymentMethod
	}
	if sold.KlarnaReference != "" {
		o.KlarnaReference = sold.KlarnaReference
	}
	if !sold.ExpiresAt.IsZero() {
		o.ExpiresAt = sold.ExpiresAt.Time
	}
	o.Expiring = !over(o.Status) && !o.ExpiresAt.IsZero() && !now.Before(o.ExpiresAt.Add(-expiringFor))
}

// referenced are the refunds that Klarna tells of, with the references that it was told and does not say again.
func (o *Order) referenced(told []ordermanagement.Refund) []ordermanagement.Refund {
	refunds := slices.Clone(kept(told))
	for i, r := range refunds {
		at := slices.IndexFunc(o.Refunds, func(known ordermanagement.Refund) bool { return strings.EqualFold(known.RefundID, r.RefundID) })
		if r.Reference == "" && at >= 0 {
			refunds[i].Reference = o.Refunds[at].Reference
		}
	}
	return refunds
}

// kept is a list as it is after it was stored and read.
func kept[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
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

// wasRead puts off the next read of an order in which Klarna said nothing new. Whoever has changed
// it meanwhile has said when it is read.
func (b *Book) wasRead(ctx context.Context, o Order) error {
	next := o.readAt(time.Now())
	_, err := b.DB.Exec(ctx, "update orders set read_at = $3 where id = $1 and revision = $2", o.ID, o.Revision, sql.NullInt64{Int64: next.UnixMilli(), Valid: !next.IsZero()})
	if err != nil {
		return fmt.Errorf("%w: note that order %s was read: %w", ErrUnavailable, o.OrderID, err)
	}
	return nil
}
