package observe

import (
	"cmp"
	"context"
	"log/slog"

	"github.com/shopd/shopd/internal/money"
)

// BookEvent is an action of the order book that is no Work of a loop.
type BookEvent string

// What the book does.
const (
	BookPlace   BookEvent = "place"   // Place, whoever called it
	BookRefresh BookEvent = "refresh" // Refresh, whoever called it
	// BookAuthorization: the browser or the loop placed an order of Klarna Payments.
	BookAuthorization BookEvent = "authorization"
	BookRelease       BookEvent = "release" // an unused authorization was given back
	BookBulk          BookEvent = "bulk"    // a bulk capture has ended
	BookErase         BookEvent = "erase"   // the personal data of an order was erased
)

// Result is the result of an action of the order book or a loop. A command or an item
// of a bulk capture may also have any order.Result.
type Result string

// The results.
const (
	ResultStored    Result = "stored" // a sale that the book did not have
	ResultDone      Result = "done"
	ResultUnknown   Result = "unknown"   // not bought, as far as Klarna knows
	ResultCancelled Result = "cancelled" // cancelled before it was placed
	ResultForeign   Result = "foreign"   // not ours
	ResultPending   Result = "pending"   // Klarna has not decided yet
	ResultFailed    Result = "failed"    // Klarna or Redis; it is tried again
	ResultRefused   Result = "refused"   // it is over, or Klarna said no
	// ResultUnsettled: Klarna placed an order and does not say which.
	ResultUnsettled Result = "unsettled"
	// ResultNotSent: the command is not possible, or the order has changed.
	ResultNotSent Result = "not_sent"
	// Of an order that was left behind, beside ResultFailed.
	ResultAborted  Result = "aborted"
	ResultGone     Result = "gone"     // Klarna does not know it (any more)
	ResultReadOnly Result = "readonly" // Klarna does not abort it: it may be bought
	ResultExpired  Result = "expired"  // too old to be asked about
	ResultInUse    Result = "in_use"   // it is its cart's order after all
	ResultMended   Result = "mended"   // it said something else than the cart
	ResultReserved Result = "reserved" // it may just be being bought: later
)

// Book reports an action of the order book.
func (o *Observer) Book(event BookEvent, result Result) {
	if o != nil {
		o.metrics.book.WithLabelValues(string(event), string(result)).Inc()
	}
}

// Sale is a new order of the book.
type Sale struct {
	OrderID, Number string
	OwnID           string // by which API and events know it
	CartID          string // "" for none
	Product         Product
	// Country and Currency are those of a market of the shop, else "".
	Country  string
	Currency money.Currency
	Amount   money.Amount
	Flags    []string
}

// Sale reports a new order of the book.
func (o *Observer) Sale(ctx context.Context, s Sale) {
	if o == nil {
		return
	}
	attrs := []slog.Attr{
		slog.String("order_id", s.OrderID), slog.String("own_order_id", s.OwnID), slog.String("order_number", s.Number), slog.Int64("amount", int64(s.Amount)), slog.String("currency", string(s.Currency)),
		slog.String("country", s.Country), slog.String("product", string(s.Product)),
	}
	o.o.Logger.LogAttrs(ctx, slog.LevelInfo, "order placed", append(append(attrs, present(slog.String("cart_id", s.CartID))...), slog.Any("flags", s.Flags))...)
	country, currency := cmp.Or(s.Country, other), cmp.Or(string(s.Currency), other)
	o.metrics.placed.WithLabelValues(string(s.Product), country, currency).Inc()
	o.metrics.amount.WithLabelValues(country, currency).Add(float64(max(s.Amount, 0))) // it is Klarna's word, and a counter panics below 0
	for _, flag := range s.Flags {
		o.Flag(flag)
	}
}

// Flag reports an order that the merchant should look at. The flag says why.
func (o *Observer) Flag(flag string) {
	if o != nil {
		o.metrics.flagged.WithLabelValues(flag).Inc()
	}
}

// Command reports an after-sales command. An unknown action is "".
func (o *Observer) Command(action string, result Result) {
	if o != nil {
		o.metrics.commands.WithLabelValues(cmp.Or(action, other), string(result)).Inc()
	}
}
