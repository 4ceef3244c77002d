package order

import (
	"errors"
	"slices"

	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/payments"
)

// saleOf is what the observer is told of an order that has come into the book.
// Country and currency are Klarna's word, so they are looked up among ours.
func saleOf(o Order) observe.Sale {
	s := observe.Sale{OrderID: o.OrderID, Number: o.Number, Product: observe.KCO, Amount: o.OrderAmount}
	if payments.SessionOf(o.Origin) != "" {
		s.Product = observe.Payments
	}
	if _, served := market.Lookup(o.PurchaseCountry); served {
		s.Country = o.PurchaseCountry
	}
	if slices.ContainsFunc(market.All(), func(m market.Market) bool { return m.Currency == o.PurchaseCurrency }) {
		s.Currency = o.PurchaseCurrency
	}
	for _, flag := range o.Flags {
		s.Flags = append(s.Flags, string(flag))
	}
	return s
}

// told is what the observer is told of an item that was tried.
func (i BulkItem) told() observe.Result {
	if i.open() {
		return observe.ResultPending
	}
	return observe.Result(i.Result)
}

// tellCommand tells how a command has ended, or that the loop goes on with it.
func (b *Book) tellCommand(action Action, out Outcome, err error) {
	if !action.Known() {
		action = ""
	}
	_, impossible := errors.AsType[*ImpossibleError](err)
	_, changed := errors.AsType[*ChangedError](err)
	result := observe.Result(out.Result)
	switch {
	case impossible || changed:
		result = observe.ResultNotSent
	case err != nil:
		result = resultOf(false, err)
	}
	b.Observer.Command(string(action), result)
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
