package order

import (
	"crypto/rand"
	"errors"
	"time"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/payments"
)

// Names of what the book does, of Event.
const (
	EventPlace       = "place"       // Place, whoever called it
	EventRefresh     = "refresh"     // Refresh, whoever called it
	EventReservation = "reservation" // the loop asked about a purchase that may have been made
	EventLeftBehind  = "left_behind" // the loop asked about an order that was given up
	EventUnfinished  = "unfinished"  // the loop went on with an order of the book
	EventRound       = "round"       // a round of the loop
	EventCommand     = "command"     // Do, and the loop where it goes on with a command
	// EventAuthorization: an order of Klarna Payments was to be placed, by browser or loop.
	EventAuthorization = "authorization"
	EventRelease       = "release" // an authorization that will not be used was given back
	EventSale          = "sale"    // an order came into the book
	EventFlag          = "flag"    // an order got a flag, which is the result
	EventBulkItem      = "bulk_item"
	EventBulk          = "bulk" // a bulk capture has ended
)

// Results of events.
const (
	ResultStored    = "stored"    // a sale that the book did not have
	ResultDone      = "done"      // what was to be done is done
	ResultUnknown   = "unknown"   // not bought, as far as Klarna knows
	ResultCancelled = "cancelled" // cancelled before it was placed
	ResultForeign   = "foreign"   // not ours
	ResultPending   = "pending"   // Klarna has not decided yet
	ResultFailed    = "failed"    // Klarna or Redis; it is tried again
	ResultRefused   = "refused"   // an authorization that brings no order: the cart has changed, it is over, or Klarna said no
	// ResultUnsettled: Klarna has placed an order and does not say which.
	ResultUnsettled = "unsettled"
	// A command has the Result of its Outcome too, or this one.
	ResultNotSent = "not_sent" // it is not possible, or the order has changed
	// ResultElsewhere: a round that another process is at.
	ResultElsewhere = "elsewhere"
)

// Event is one thing that the book did, for metrics. It holds no ID.
type Event struct {
	Event, Result string
	Action        Action        // of EventCommand
	Took          time.Duration // of EventRound
	// Of EventSale: what was bought where. Product is "kco" or "payments".
	Product  string
	Country  string
	Currency money.Currency
	Amount   money.Amount
}

// observeSale tells of an order that has come into the book.
func (b *Book) observeSale(o Order) {
	product := "kco"
	if payments.SessionOf(o.Origin) != "" {
		product = "payments"
	}
	b.observe(Event{
		Event: EventSale, Result: ResultStored, Product: product,
		Country: o.PurchaseCountry, Currency: o.PurchaseCurrency, Amount: o.OrderAmount,
	})
	for _, flag := range o.Flags {
		b.observe(Event{Event: EventFlag, Result: string(flag)})
	}
}

// observeRound tells how a round has ended.
func (b *Book) observeRound(start time.Time, err error) {
	b.observe(Event{Event: EventRound, Result: resultOf(false, err), Took: time.Since(start)})
}

// observeItem tells what became of an item of a bulk capture.
func (b *Book) observeItem(item BulkItem) {
	result := ResultPending
	if !item.open() {
		result = string(item.Result)
	}
	b.observe(Event{Event: EventBulkItem, Result: result})
}

func (b *Book) observe(e Event) {
	if b.Observe != nil {
		b.Observe(e)
	}
}

func resultOf(stored bool, err error) string {
	switch {
	case errors.Is(err, ErrCancelled):
		return ResultCancelled
	case errors.Is(err, ErrNotBought):
		return ResultUnknown
	case errors.Is(err, ErrNotOurs):
		return ResultForeign
	case err != nil:
		return ResultFailed
	case stored:
		return ResultStored
	}
	return ResultDone
}

func resultOfCommand(out Outcome, err error) string {
	_, impossible := errors.AsType[*ImpossibleError](err)
	_, changed := errors.AsType[*ChangedError](err)
	switch {
	case impossible || changed:
		return ResultNotSent
	case err != nil:
		return resultOf(false, err)
	}
	return string(out.Result)
}

// newKey makes the key of an order's page: 130 random bits.
func newKey() string { return rand.Text() }
