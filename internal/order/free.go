package order

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/stock"
)

// Typed is what is typed into the shop's own form of an order for which nothing is to be paid.
type Typed struct {
	Address    klarna.Address  // the one that there is
	Customer   klarna.Customer // the company that orders, zero of a person
	Checkboxes []Checkbox      // all that were asked
}

// PlaceFree takes a cart for which nothing is to be paid into the book, as it was read and
// quoted, under the order ID of the shop's own that it has. Stock and order are one
// transaction, so any number of callers at once, and one after another's crash, end with
// one order. Klarna is told nothing. Without error the order is placed: where its cart could not be
// closed now, the loop or Place does it. The error is ErrCartChanged, a *cart.SoldOutError,
// stock.ErrSold, ErrPurchaseRunning, stock.ErrCrowded, or a fault of the database; the order
// is not placed then, unless db.ErrCommitUnknown is in it: asking again tells.
func (b *Book) PlaceFree(ctx context.Context, c cart.Cart, quote cart.Quote, typed Typed) (Order, error) {
	o, stored, err := b.placeFree(ctx, c, quote, typed)
	b.Observer.Book(observe.BookPlace, resultOfFree(stored, err))
	if err != nil {
		return Order{}, fmt.Errorf("place order of cart %s: %w", c.ID, err)
	}
	b.logStored(ctx, o, stored)
	if stored {
		b.Observer.Sale(ctx, saleOf(b.Published.Now().Shop.Markets, o))
	}
	if o.CartClosed {
		return o, nil
	}
	closed, err := b.closeCart(ctx, o)
	if err != nil {
		b.Logger.WarnContext(ctx, "a cart that is bought is not closed yet", "cart_id", o.CartID, "order_id", o.Ref(), "error", err)
		return o, nil
	}
	return closed, nil
}

func resultOfFree(stored bool, err error) observe.Result {
	_, short := errors.AsType[*cart.SoldOutError](err)
	if short || errors.Is(err, ErrCartChanged) || errors.Is(err, stock.ErrSold) || errors.Is(err, ErrPurchaseRunning) {
		return observe.ResultRefused
	}
	return resultOf(stored, err)
}

func (b *Book) placeFree(ctx context.Context, c cart.Cart, quote cart.Quote, typed Typed) (o Order, stored bool, err error) {
	if !quote.Free() || quote.Unreached || !cart.IsOwnOrder(c.OrderID) {
		return Order{}, false, ErrCartChanged
	}
	approved := quote.Approved(c.ID, c.OrderID)
	leave, err := b.Stock.Enter(ctx, approved.Lines)
	if err != nil {
		return Order{}, false, err
	}
	defer leave()
	err = b.DB.Tx(ctx, func(tx *sql.Tx) error {
		err := lockUnbought(ctx, tx, c)
		if bought, ok := errors.AsType[*boughtError](err); ok && bought.order.ID == c.OrderID {
			o, stored = bought.order, false // by another tab, or before a crash
			return nil
		}
		if err == nil {
			err = b.Stock.Reserve(ctx, tx, approved)
		}
		if err == nil {
			o, stored, err = b.storeIn(ctx, tx, freeOrder(c, quote, typed))
		}
		return err
	})
	short, isShort := errors.AsType[*stock.ShortError](err)
	bought, isBought := errors.AsType[*boughtError](err)
	switch {
	case isShort && b.usedUp(ctx, c.ID, short):
		err = fmt.Errorf("%w: %w", ErrCartChanged, err)
	case isShort:
		err = &cart.SoldOutError{SKU: short.SKU, Left: short.Left}
	case isBought:
		b.closeAgain(ctx, bought.order)
	case errors.Is(err, stock.ErrPurchaseRunning):
		err = fmt.Errorf("%w: %w", ErrPurchaseRunning, err)
	}
	return o, stored && err == nil, err
}

// freeOrder is the order of a cart for which nothing is to be paid. There is nothing to be
// captured or decided, and nobody to be told.
func freeOrder(c cart.Cart, quote cart.Quote, typed Typed) Order {
	now := time.Now().UTC()
	o := Order{
		ID: c.OrderID, Priced: quote.Version.Number, Key: rand.Text(), CartID: c.ID, PlacedAt: now,
		PurchaseCountry: c.Country, PurchaseCurrency: money.Currency(quote.Currency), Locale: c.Locale,
		OrderLines: slices.Clone(quote.OrderLines), OrderTaxAmount: quote.OrderTaxAmount,
		BillingAddress: typed.Address, ShippingAddress: typed.Address, Customer: typed.Customer, Checkboxes: typed.Checkboxes,
		Status: ordermanagement.Captured, FraudStatus: ordermanagement.FraudAccepted, FraudStatusAt: now, Acknowledged: true,
	}
	o.Terms, o.Delivery = TermsOf(quote.Version, o, quote.Used()), deliveryOf(quote.Version, o).with(quotedIn(quote))
	return o
}
