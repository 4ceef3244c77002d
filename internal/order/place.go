package order

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/hook"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/stock"
)

// Why an order is not placed. Nothing was changed in the book then.
var (
	// ErrNotBought: there is no sale. It comes as ErrUnknown or ErrCancelled.
	ErrNotBought = errors.New("the order was not bought")
	// ErrUnknown: Order Management does not know the order: it is open, gone, or
	// was bought a moment ago.
	ErrUnknown = fmt.Errorf("%w: unknown to order management", ErrNotBought)
	// ErrCancelled: it was cancelled at Klarna before it was placed.
	ErrCancelled = fmt.Errorf("%w: cancelled before it was placed", ErrNotBought)
	// ErrNotOurs: the order's merchant_data was signed by none of our keys.
	ErrNotOurs = errors.New("the order is not ours")
	// ErrUnavailable: Klarna, the database or Redis did not answer as they should. Asking
	// again goes on from where this call came to.
	ErrUnavailable = errors.New("the order could not be placed now")
)

// Book is the order book. All members but Payments and Observer are required. Safe for
// concurrent use, on any number of processes.
type Book struct {
	DB         *db.DB
	Redis      redis.UniversalClient // what it has may be lost
	Management *ordermanagement.Client
	Checkout   *kco.Client // for merchant_data that Order Management does not have
	Signer     *kco.Signer
	Carts      *cart.Store
	Stock      *stock.Store
	Published  *publish.Published
	LeftBehind *kco.LeftBehind
	Payments   *payments.Syncer // nil: no orders of Klarna Payments are made
	Hooks      *hook.Hooks      // asks the merchant's own server; nil: nobody is asked
	Logger     *slog.Logger
	Observer   *observe.Observer // told what the book does; may be nil

	swept atomic.Int64 // how far this process has gone through the list of what was placed
}

// Place takes an order that was bought into the book and returns it: reads it from Order
// Management, stores it with its stock, tells Klarna its number and acknowledges it, and
// takes the goods out of the cart. Each step may be repeated, so any number of callers at
// once, and one after another's crash, end with one order in the book. Redis is needed
// for the cart only. The error is ErrNotBought, ErrNotOurs or ErrUnavailable, wrapped; no
// error ever cancels an order.
func (b *Book) Place(ctx context.Context, orderID string) (Order, error) {
	observe.Order(ctx, orderID)
	o, stored, err := b.place(ctx, orderID)
	b.Observer.Book(observe.BookPlace, resultOf(stored, err))
	if errors.Is(err, ErrUnavailable) { // Klarna's next push is hours away
		b.Stock.AskSoon(ctx, orderID)
	}
	if errors.Is(err, ErrNotOurs) {
		b.Logger.WarnContext(ctx, "order of somebody else not placed", "order_id", orderID)
	}
	return o, err
}

// place is Place. stored is whether this call put the order in the book.
func (b *Book) place(ctx context.Context, orderID string) (o Order, stored bool, err error) {
	o, found, err := b.ByOrderID(ctx, orderID)
	if err != nil {
		return Order{}, false, err
	}
	if !found {
		if o, err = b.draft(ctx, orderID); err != nil {
			return Order{}, false, err
		}
	}
	if !o.Acknowledged {
		// Stored again when it is known: who stored it may not know yet that it lasts.
		if o, stored, err = b.store(ctx, o); err != nil {
			return Order{}, false, err
		}
		b.logStored(ctx, o, stored)
		if o, err = b.acknowledge(ctx, o); err != nil {
			return Order{}, stored, err
		}
	}
	if o.CartClosed {
		if time.Since(o.PlacedAt) < placedLife {
			b.closeAgain(ctx, o)
		}
		return o, stored, nil
	}
	closed, err := b.closeCart(ctx, o)
	if redisconn.Full(err) { // the loop closes it when there is room; until then its order forbids another purchase
		b.Logger.WarnContext(ctx, "a cart that is bought is not closed yet", "cart_id", o.CartID, "order_id", o.Ref(), "error", err)
		return o, stored, nil
	}
	if err != nil {
		return Order{}, stored, err
	}
	return closed, stored, nil
}

// closeAgain closes the cart of an order anew where Redis has forgotten that it was closed.
// If it fails, the next purchase of the cart does it: see Approve.
func (b *Book) closeAgain(ctx context.Context, o Order) {
	if o.CartID == "" {
		return
	}
	if _, _, err := b.Carts.Close(ctx, o.CartID, o.Ref(), o.Goods()); err != nil {
		b.Logger.WarnContext(ctx, "a cart that is bought is not closed yet", "cart_id", o.CartID, "order_id", o.Ref(), "error", err)
	}
}

// logStored says what is to be looked at of an order that this call has stored.
func (b *Book) logStored(ctx context.Context, o Order, stored bool) {
	if stored && o.Flagged(Oversold) {
		b.Logger.WarnContext(ctx, "more was sold than there is", "order_id", o.Ref(), "order_number", o.Number)
	}
}

// draft makes an order for the book of what Klarna authorised.
func (b *Book) draft(ctx context.Context, orderID string) (Order, error) {
	sold, err := b.Sold(ctx, orderID)
	if err != nil {
		return Order{}, err
	}
	var checkout kco.Order
	if sold.MerchantData == "" || b.Published.Now().Shop.Checkout.AsksMore() || b.checkoutKnows(sold) {
		if checkout, err = b.Checkout.GetOrder(ctx, sold.OrderID); err != nil && klarna.Status(err) != http.StatusNotFound {
			return Order{}, fmt.Errorf("read checkout order %s: %w: %w", sold.OrderID, ErrUnavailable, err)
		}
	}
	cartID, origin, err := b.cartOf(sold.OrderID, cmp.Or(sold.MerchantData, checkout.MerchantData))
	if err != nil {
		return Order{}, err
	}
	customer := checkout.Customer
	if sessionID := payments.SessionOf(origin); sessionID != "" && isCompany(sold) {
		if customer, err = b.buyerIn(ctx, sessionID); err != nil {
			return Order{}, err
		}
	}
	if sold.Status == ordermanagement.Cancelled {
		if err := b.forgetSession(ctx, cartID, origin, sold.OrderID); err != nil {
			return Order{}, err
		}
		return Order{}, b.forget(ctx, cartID, sold.OrderID)
	}
	if _, _, err := klarna.Sums(sold.OrderLines); err != nil {
		return Order{}, fmt.Errorf("sum order %s: %w: %w", orderID, ErrUnavailable, err)
	}
	o := Order{
		Key: rand.Text(), OrderID: sold.OrderID, CartID: cartID, Origin: origin, PlacedAt: sold.CreatedAt.Time,
		PurchaseCountry:  strings.ToUpper(sold.PurchaseCountry),
		PurchaseCurrency: money.Currency(strings.ToUpper(sold.PurchaseCurrency)),
		Locale:           sold.Locale,
		Customer:         companyOf(sold, customer),
		Checkboxes:       answers(checkout),
		Delivery:         chosenIn(checkout),
	}
	o.TakeOver(sold, time.Now().UTC())
	if err := b.price(ctx, &o); err != nil {
		return Order{}, err
	}
	if o.PlacedAt.IsZero() {
		o.PlacedAt = time.Now().UTC()
	}
	if cartID == "" && origin == "" {
		o.flag(NoCart)
	}
	if isNumber(sold.MerchantReference1) {
		// A row was lost after Klarna was told. Who else has the number keeps it: see insert.
		o.Number = sold.MerchantReference1
	}
	return o, nil
}

// price notes the version by which a new order was priced, and finds its terms there, and what
// Klarna has not said of its delivery: that of which the validation approved it, else the newest.
func (b *Book) price(ctx context.Context, o *Order) error {
	a, approved, err := b.Stock.OfOrder(ctx, o.OrderID)
	if err == nil && !approved && o.Origin != "" {
		a, _, err = b.Stock.OfOrder(ctx, o.Origin)
	}
	o.Priced = cmp.Or(a.Priced, b.Published.Now().Number)
	var by *publish.Version
	if err == nil {
		by, err = b.Published.At(ctx, o.Priced)
	}
	if err != nil {
		return fmt.Errorf("find the version of order %s: %w: %w", o.OrderID, ErrUnavailable, err)
	}
	o.Terms, o.Delivery = TermsOf(by, *o, a.Campaigns), deliveryOf(by, *o).with(o.Delivery)
	return nil
}

// Sold reads an order from Order Management. The error is ErrUnknown or
// ErrUnavailable, wrapped.
func (b *Book) Sold(ctx context.Context, orderID string) (ordermanagement.Order, error) {
	if strings.Trim(orderID, ".") == "" || cart.IsOwnOrder(orderID) {
		// As part of a path it would lead elsewhere; or it is ours.
		return ordermanagement.Order{}, ErrUnknown
	}
	sold, err := b.Management.GetOrder(ctx, orderID)
	switch {
	case err == nil && !strings.EqualFold(sold.OrderID, orderID):
		err = errors.New("klarna answered another order")
	case klarna.Status(err) == http.StatusNotFound, klarna.Status(err) == http.StatusBadRequest:
		// 400: the ID cannot be one.
		return ordermanagement.Order{}, fmt.Errorf("read order %s: %w: %w", orderID, ErrUnknown, err)
	}
	if err != nil {
		return ordermanagement.Order{}, fmt.Errorf("read order %s: %w: %w", orderID, ErrUnavailable, err)
	}
	return sold, nil
}

// cartOf is the cart that an order was made for, by its merchant_data; "" when
// neither Order Management nor the checkout has any; origin is what it was bought by.
func (b *Book) cartOf(orderID, data string) (cartID, origin string, err error) {
	if data == "" {
		return "", "", nil
	}
	if cartID, origin, err = b.Signer.VerifyOrigin(data); err != nil {
		return "", "", fmt.Errorf("find cart of order %s: %w: %w", orderID, ErrNotOurs, err)
	}
	return cartID, origin, nil
}

// checkoutKnows reports whether an order was bought in Klarna's form, and that knows more than
// Order Management says: of the way of delivery, or of the company that has bought.
func (b *Book) checkoutKnows(sold ordermanagement.Order) bool {
	_, origin, err := b.cartOf(sold.OrderID, sold.MerchantData)
	if err != nil || origin != "" {
		return false
	}
	delivered := slices.ContainsFunc(sold.OrderLines, func(l klarna.OrderLine) bool { return l.Type == klarna.ShippingFee })
	return isCompany(sold) || delivered && sold.SelectedShippingOption == nil
}

// answers are the shopper's to the questions of a form. One that Klarna says nothing of was
// not ticked.
func answers(checkout kco.Order) (boxes []Checkbox) {
	for _, asked := range checkout.Options.AdditionalCheckboxes {
		box := Checkbox{ID: asked.ID, Text: asked.Text}
		for _, answer := range checkout.MerchantRequested.AdditionalCheckboxes {
			if answer.ID == asked.ID {
				box.Checked = answer.Checked
			}
		}
		boxes = append(boxes, box)
	}
	return boxes
}

// forget lets go of an order that was cancelled before it was placed: its cart
// can be bought by another one, and the goods are on the shelf again.
func (b *Book) forget(ctx context.Context, cartID, orderID string) error {
	if cartID != "" {
		_, _, err := b.Carts.SetOrderID(ctx, cartID, orderID, "", nil)
		if err == nil {
			err = b.Stock.Drop(ctx, cartID, orderID)
		}
		if err != nil {
			return fmt.Errorf("forget order %s: %w: %w", orderID, ErrUnavailable, err)
		}
	}
	return ErrCancelled
}

// acknowledge tells Klarna the order's number, and that we have it. Of an order
// that was cancelled meanwhile Klarna takes neither: then nothing is left to do.
func (b *Book) acknowledge(ctx context.Context, o Order) (Order, error) {
	_, err := b.Management.SetMerchantReferences(ctx, o.OrderID, ordermanagement.References{Reference1: &o.Number}, callKey("references", o.OrderID))
	named := err == nil
	if klarna.Status(err) == http.StatusUnprocessableEntity {
		// Better an order that Klarna knows by its own name than one that it
		// thinks we do not have.
		b.Logger.ErrorContext(ctx, "klarna does not take the order number", "order_id", o.OrderID, "order_number", o.Number, "error", err)
		err = nil
	}
	if err == nil {
		_, err = b.Management.Acknowledge(ctx, o.OrderID, callKey("acknowledge", o.OrderID))
	}
	cancelled := false
	if klarna.Status(err) == http.StatusForbidden {
		sold, readErr := b.Sold(ctx, o.OrderID)
		cancelled = readErr == nil && sold.Status == ordermanagement.Cancelled
	}
	if err != nil && !cancelled {
		return o, fmt.Errorf("acknowledge order %s: %w: %w", o.OrderID, ErrUnavailable, err)
	}
	placed := false
	o, err = b.Update(ctx, o.OrderID, func(o *Order) ([]AuditEntry, error) {
		if placed = !o.Acknowledged; !placed {
			return nil, nil
		}
		before, entry := *o, AuditEntry{At: time.Now().UTC(), Source: BySystem, Event: AuditAcknowledged}
		o.Acknowledged = true
		if named {
			o.MerchantReference1 = o.Number
		}
		if cancelled {
			o.Status = ordermanagement.Cancelled
			entry.Source, entry.Event, entry.Changes = ByKlarna, AuditStatus, Changes(before, *o)
		}
		return []AuditEntry{entry}, nil
	})
	if err == nil && placed {
		// Told here, because who stores the order may not learn that it has: of any number of callers this is one.
		b.Observer.Sale(ctx, saleOf(b.Published.Now().Shop.Markets, o))
		b.Logger.InfoContext(ctx, "order acknowledged", "order_id", o.OrderID, "order_number", o.Number, "order_status", o.Status, "fraud_status", o.FraudStatus)
	}
	return o, err
}

// closeCart takes the goods out of the cart: the last step, so that what says of the
// purchase that it was approved stays for as long as anything may be missing.
func (b *Book) closeCart(ctx context.Context, o Order) (Order, error) {
	if o.CartID != "" {
		if _, _, err := b.Carts.Close(ctx, o.CartID, o.Ref(), o.Goods()); err != nil {
			return o, fmt.Errorf("close cart of order %s: %w: %w", o.Ref(), ErrUnavailable, err)
		}
	}
	if err := b.remember(ctx, o); err != nil {
		return o, err
	}
	return b.Update(ctx, o.Ref(), func(o *Order) ([]AuditEntry, error) {
		o.CartClosed = true
		return nil, nil
	})
}

// callKey is the idempotency key of a call that is made once in an order's
// life, whoever makes it.
func callKey(call, orderID string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("shopd place "+call+" "+orderID)).String()
}
