package server

import (
	"strconv"
	"time"

	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
)

// The products, as syncs are labelled.
const (
	ProductKCO      = "kco"
	ProductPayments = "payments"
)

// other is the label of what is none of the values known.
const other = "other"

// codes are the HTTP status codes as labels, so that none is made per request.
var codes = func() (texts [600]string) {
	for i := range texts {
		texts[i] = strconv.Itoa(i)
	}
	return texts
}()

func codeLabel(status int) string {
	if status < 0 || status >= len(codes) {
		return other
	}
	return codes[status]
}

// ObserveKlarna counts one try of a call; it is klarna.Config's Observe.
func (m *Metrics) ObserveKlarna(c klarna.Call) {
	m.klarna.WithLabelValues(c.Operation, codeLabel(c.Status)).Observe(c.Duration.Seconds())
	if c.Try > 1 {
		m.klarnaRetries.WithLabelValues(c.Operation).Inc()
	}
}

// ObserveSync returns what counts the syncs of a product, ProductKCO or
// ProductPayments; it is the Observe of kco.Syncer and payments.Syncer.
func (m *Metrics) ObserveSync(product string) func(cartsync.Event) {
	return func(e cartsync.Event) {
		m.syncs.WithLabelValues(product, e.Mode.String(), e.Result).Inc()
		if e.Replaced != "" {
			m.replacements.WithLabelValues(product, string(e.Replaced)).Inc()
		}
	}
}

// ObserveFailure counts a request that is answered with an error; it is
// storefront.Storefront's Observe.
func (m *Metrics) ObserveFailure(route, code string) {
	if route == "" {
		route = noRoute
	}
	m.failures.WithLabelValues(route, code).Inc()
}

// ObserveLock counts a wait for a session's lock; it is session.Options' Observe.
func (m *Metrics) ObserveLock(result string, waited time.Duration) {
	m.lockWait.WithLabelValues(result).Observe(waited.Seconds())
}

// ObserveCartRetry counts a change of a cart that is made anew; it is cart.Store's Retried.
func (m *Metrics) ObserveCartRetry() { m.retries.Inc() }

// ObserveCallback counts a call of Klarna's by its name and result.
func (m *Metrics) ObserveCallback(callback, result string) {
	m.called.WithLabelValues(callback, result).Inc()
}

// ObserveStory counts entries of the story; it is inspect.Options' Observe.
func (m *Metrics) ObserveStory(result string, n int) {
	m.story.WithLabelValues(result).Add(float64(n))
}

// ObserveLeftBehind counts what becomes of orders that were left behind; it is
// kco.LeftBehind's Observe.
func (m *Metrics) ObserveLeftBehind(e kco.LeftEvent) {
	switch e.Event {
	case kco.LeftOrder:
		m.leftBehind.WithLabelValues(e.Result).Inc()
	case kco.LeftSweep:
		m.observeRound(loopLeftBehind, e.Result, e.Duration)
	}
}

// ObserveOrder counts what the order book did; it is order.Book's Observe.
func (m *Metrics) ObserveOrder(e order.Event) {
	switch e.Event {
	case order.EventRound:
		m.observeRound(loopReconcile, e.Result, e.Took)
	case order.EventSale:
		country, currency := saleLabels(e)
		m.placed.WithLabelValues(e.Product, country, currency).Inc()
		m.amount.WithLabelValues(country, currency).Add(float64(max(e.Amount, 0))) // it is Klarna's word, and a counter panics below 0
	case order.EventFlag:
		m.flagged.WithLabelValues(e.Result).Inc()
	case order.EventCommand:
		action := other
		if e.Action.Known() {
			action = string(e.Action)
		}
		m.commands.WithLabelValues(action, e.Result).Inc()
	case order.EventBulkItem:
		m.bulkItems.WithLabelValues(e.Result).Inc()
	default:
		m.orders.WithLabelValues(e.Event, e.Result).Inc()
	}
}

func (m *Metrics) observeRound(loop, result string, took time.Duration) {
	m.rounds.WithLabelValues(loop, result).Inc()
	if result == order.ResultElsewhere {
		return
	}
	m.roundFor.WithLabelValues(loop).Observe(took.Seconds())
	if result == order.ResultDone {
		m.roundEnd.WithLabelValues(loop).SetToCurrentTime()
	}
}

// saleLabels are country and currency of a sale. Klarna names them, so they are
// looked up among ours.
func saleLabels(e order.Event) (country, currency string) {
	country, currency = other, other
	if _, served := market.Lookup(e.Country); served {
		country = e.Country
	}
	for _, m := range market.All() {
		if m.Currency == e.Currency {
			currency = string(e.Currency)
		}
	}
	return country, currency
}
