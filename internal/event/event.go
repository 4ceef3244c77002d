// Package event is the outbox: what happened, told in the transaction in which it
// happened, and numbered when that is committed. A reader who asks for what comes
// after a number sees every event, in order, without a gap.
package event

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json/v1"
)

// Type is what happened.
type Type string

// The types of events.
const (
	SessionCompleted         Type = "checkout_session.completed"
	SessionExpired           Type = "checkout_session.expired"
	OrderCreated             Type = "order.created"
	OrderUpdated             Type = "order.updated"
	OrderRiskChanged         Type = "order.risk_changed"
	OrderCaptured            Type = "order.captured"
	OrderRefunded            Type = "order.refunded"
	OrderShipped             Type = "order.shipped"
	OrderCancelled           Type = "order.cancelled"
	OrderReleased            Type = "order.released"
	OrderExpiring            Type = "order.expiring" // 7 days before
	OrderExpired             Type = "order.expired"
	OrderCommandFinished     Type = "order.command_finished"
	OrderWithdrawalRequested Type = "order.withdrawal_requested"
	StockOversold            Type = "stock.oversold"
)

// Types are all types.
func Types() []Type {
	return []Type{
		SessionCompleted, SessionExpired, OrderCreated, OrderUpdated, OrderRiskChanged, OrderCaptured, OrderRefunded, OrderShipped, OrderCancelled,
		OrderReleased, OrderExpiring, OrderExpired, OrderCommandFinished, OrderWithdrawalRequested, StockOversold,
	}
}

// Known reports whether it is one of Types.
func (t Type) Known() bool { return slices.Contains(Types(), t) }

// Event is what happened.
type Event struct {
	ID       string // evt_…
	Sequence int64  // grows from event to event
	Type     Type
	At       time.Time       // to the millisecond
	Subject  string          // order ID, reference of a session, or SKU
	Data     json.RawMessage // what Data.JSON made; it names nobody
}

// MarshalJSON is the event as the API and webhooks tell it.
func (e Event) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		ID        string          `json:"id"`
		Sequence  int64           `json:"sequence"`
		Type      Type            `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}{e.ID, e.Sequence, e.Type, e.At, e.Data})
}

// Data is what an event is about: Order, Session or Stock.
type Data interface {
	json.Marshaler
	subject() string
}

// Order is data about an order.
type Order struct {
	ID        string // ord_…
	Number    string
	Reference string // of the checkout session, "" without
	Revision  int64
}

// Session is data about a checkout session.
type Session struct {
	Reference string
	Revision  int64
}

// Stock is data about a product.
type Stock struct {
	SKU       string
	Available int64 // may be below 0
}

func (o Order) subject() string { return o.ID }
func (s Stock) subject() string { return s.SKU }

func (s Session) subject() string { return s.Reference }

// MarshalJSON is the session as the API tells it.
func (s Session) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Object    string `json:"object"`
		Reference string `json:"reference"`
		Revision  int64  `json:"revision"`
	}{"checkout_session", s.Reference, s.Revision})
}

// MarshalJSON is the order as the API tells it.
func (o Order) MarshalJSON() ([]byte, error) {
	var reference *string
	if o.Reference != "" {
		reference = &o.Reference
	}
	return json.Marshal(struct {
		Object    string  `json:"object"`
		ID        string  `json:"id"`
		Number    string  `json:"number"`
		Reference *string `json:"reference"`
		Revision  int64   `json:"revision"`
	}{"order", o.ID, o.Number, reference, o.Revision})
}

// MarshalJSON is the product as the API tells it.
func (s Stock) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Object    string `json:"object"`
		SKU       string `json:"sku"`
		Available int64  `json:"available"`
	}{"stock", s.SKU, s.Available})
}

// Add writes an event in the caller's transaction. It is the last thing that the
// transaction does, and about something that the transaction has locked before: so
// events about one thing keep their order.
func Add(ctx context.Context, tx *sql.Tx, what Type, data Data) error {
	text, err := data.MarshalJSON()
	if err == nil {
		_, err = tx.ExecContext(ctx, "insert into events (id, type, at, subject, data) values ($1, $2, $3, $4, $5)",
			"evt_"+rand.Text(), what, time.Now().UnixMilli(), data.subject(), string(text))
	}
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}
