package order

import (
	"errors"

	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/payments"
)

// saleOf is what the observer is told of an order that has come into the book.
// Country and currency are Klarna's word, so they are looked up among ours.
func saleOf(markets market.List, o Order) observe.Sale {
	s := observe.Sale{OrderID: o.Ref(), OwnID: o.ID, Number: o.Number, CartID: o.CartID, Product: observe.KCO, Amount: o.OrderAmount}
	switch {
	case o.Free():
		s.Product = observe.Free
	case payments.SessionOf(o.Origin) != "":
		s.Product = observe.Payments
	}
	if _, served := markets.Lookup(o.PurchaseCountry); served {
		s.Country = o.PurchaseCountry
	}
	if markets.HasCurrency(o.PurchaseCurrency) {
		s.Currency = o.PurchaseCurrency
	}
	for _, flag := range o.Flags {
		s.Flags = append(s.Flags, string(flag))
	}
	return s
}

// resultOf is what came of an order; stored is whether it came into the book.
func resultOf(stored bool, err error) observe.Result {
	switch {
	case errors.Is(err, ErrCancelled):
		return observe.ResultCancelled
	case errors.Is(err, ErrNotBought):
		return observe.ResultUnknown
	case errors.Is(err, ErrNotOurs):
		return observe.ResultForeign
	case err != nil:
		return observe.ResultFailed
	case stored:
		return observe.ResultStored
	}
	return observe.ResultDone
}
