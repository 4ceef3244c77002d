package order

import (
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Action names something that staff can do with an order at Klarna.
type Action string

// Command is one action of staff on one order. It is stored with its key before
// Klarna is first asked, and finished by the loop after a crash: Klarna acts on
// it once, however often it is sent.
type Command struct {
	// Key names the command and is Klarna's idempotency key: a form makes it (a
	// UUID), so a form that is sent twice is one command.
	// 1 to 100 printable ASCII characters.
	Key      string    `json:"key"`
	Action   Action    `json:"action"`
	Revision int64     `json:"revision"`     // of the order that staff looked at
	Staff    string    `json:"staff"`        // who
	By       Source    `json:"by,omitempty"` // what Staff names; "": staff
	At       time.Time `json:"at"`           // when it was first sent; set by Do

	// Amount is that of a capture or refund, above 0; of changed lines the
	// new order amount; else 0. Minor units.
	Amount money.Amount `json:"amount,omitempty"`
	// OrderLines are what is captured or refunded, with the quantities of that,
	// or all lines that the order has from now on. A refund may
	// have a klarna.ReturnFee, and one of a mere amount has none.
	OrderLines  []klarna.OrderLine `json:"order_lines,omitempty"`
	Description string             `json:"description,omitempty"` // ≤ 255 characters; the shopper sees it
	Reference   string             `json:"reference,omitempty"`   // ≤ 255 characters; for settlement files
	// CaptureID is the capture that a parcel, send-out or due date belongs to;
	// a parcel without one belongs to the order as a whole.
	CaptureID       string          `json:"capture_id,omitempty"`
	Shipments       []Shipment      `json:"shipments,omitempty"` // parcels, also of a capture
	ShippingAddress *klarna.Address `json:"shipping_address,omitempty"`
	// References are the new merchant references; nil leaves one as it is, ""
	// clears it.
	Reference1 *string `json:"reference1,omitempty"`
	Reference2 *string `json:"reference2,omitempty"`
	Days       int     `json:"days,omitempty"` // of a due date
	// Restock: the goods of a refund are in the warehouse again.
	Restock bool `json:"restock,omitempty"`
	// Insist: more is sold although there is less in stock.
	Insist bool `json:"insist,omitempty"`
	// Was is what of the order the command may have to put back, as it was when the command was
	// let in: the order in the book may be newer when it is sent again. nil: nothing.
	Was *Was `json:"was,omitempty"`
}

// Was is an order before a command changes it.
type Was struct {
	Amount          money.Amount       `json:"amount"` // minor units
	OrderLines      []klarna.OrderLine `json:"order_lines"`
	ShippingAddress klarna.Address     `json:"shipping_address"`
}

// Result of a command.
type Result string

// The results.
const (
	Done    Result = "done"    // Klarna did it
	Already Result = "already" // this command was done before; nothing was sent
	Refused Result = "refused" // Klarna refused it; nothing has changed
	Unknown Result = "unknown" // no answer yet: the loop goes on with the same key
	// Sent is of entries of the audit only: the command is about to be sent. An
	// entry with the same key and its end follows.
	Sent Result = "sent"
)

// Source says who caused an entry of the audit.
type Source string

// The sources.
const (
	BySystem  Source = "system" // shopd itself
	ByStaff   Source = "staff"
	ByKey     Source = "key" // a server of the merchant's, by a key of the API; Staff is the key's name
	ByShopper Source = "shopper"
	ByKlarna  Source = "klarna" // seen when the order was read
)

// AuditEntry is one thing that happened to an order. Entries are only ever
// added. They hold no personal data: a changed address says that it changed. Only a note may,
// which goes when the order is erased.
type AuditEntry struct {
	At     time.Time `json:"at"`
	Source Source    `json:"source"`
	Staff  string    `json:"staff,omitempty"`
	// Event is an Action, or one of AuditPlaced and so on.
	Event   string       `json:"event"`
	Key     string       `json:"key,omitempty"`    // of the command
	Result  Result       `json:"result,omitempty"` // of a command: Sent, Done, Refused, Unknown
	Amount  money.Amount `json:"amount,omitempty"` // minor units
	Changes []Change     `json:"changes,omitempty"`
	Note    string       `json:"note,omitempty"` // of AuditNote

	// Klarna's answer.
	Status        int           `json:"status,omitempty"` // HTTP; 0 when there was none
	Code          string        `json:"code,omitempty"`   // error_code
	Messages      []string      `json:"messages,omitempty"`
	CorrelationID string        `json:"correlation_id,omitempty"`
	Duration      time.Duration `json:"duration,omitempty"`
	Tries         int           `json:"tries,omitempty"`
	ID            string        `json:"id,omitempty"` // of the capture or refund that was made; the kind of a mail
}

// Change is one fact before and after. Amounts are minor units in digits.
type Change struct {
	Field  string `json:"field"` // such as "order_amount", "quantity MUG-1", "status"
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}
