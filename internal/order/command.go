package order

import (
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Action is something that staff can do with an order at Klarna.
type Action string

// The actions.
const (
	ActionLines           Action = "lines"            // new lines, and with them a new amount
	ActionReferences      Action = "references"       // the merchant references
	ActionShippingAddress Action = "shipping_address" // where it goes
	ActionShippingInfo    Action = "shipping_info"    // parcels of the order or of one capture
	ActionCapture         Action = "capture"
	ActionRefund          Action = "refund"
	ActionCancel          Action = "cancel"
	ActionRelease         Action = "release" // what is not captured; of a partly captured order
	ActionExtend          Action = "extend"  // the time in which it can be captured
	ActionSendOut         Action = "send_out"
	ActionExtendDueDate   Action = "extend_due_date"
)

// Known reports whether a is one of the actions.
func (a Action) Known() bool {
	switch a {
	case ActionLines, ActionReferences, ActionShippingAddress, ActionShippingInfo, ActionCapture, ActionRefund,
		ActionCancel, ActionRelease, ActionExtend, ActionSendOut, ActionExtendDueDate:
		return true
	}
	return false
}

// Command is one action of staff on one order. It is stored with its key before
// Klarna is first asked, and finished by the loop after a crash: Klarna acts on
// it once, however often it is sent.
type Command struct {
	// Key names the command and is Klarna's idempotency key: a form makes it (a
	// UUID), so a form that is sent twice is one command.
	// 1 to 100 printable ASCII characters.
	Key      string    `json:"key"`
	Action   Action    `json:"action"`
	Revision int64     `json:"revision"` // of the order that staff looked at
	Staff    string    `json:"staff"`    // who
	At       time.Time `json:"at"`       // when it was first sent; set by Do

	// Amount is that of a capture or refund, above 0; of ActionLines the new
	// order amount; else 0. Minor units.
	Amount money.Amount `json:"amount,omitempty"`
	// OrderLines are what is captured or refunded, with the quantities of that,
	// or all lines that the order has from now on (ActionLines). A refund may
	// have a klarna.ReturnFee, and one of a mere amount has none.
	OrderLines  []klarna.OrderLine `json:"order_lines,omitempty"`
	Description string             `json:"description,omitempty"` // ≤ 255 characters; the shopper sees it
	Reference   string             `json:"reference,omitempty"`   // ≤ 255 characters; for settlement files
	// CaptureID is the capture that a parcel, send-out or due date belongs to;
	// "" with ActionShippingInfo is the order as a whole.
	CaptureID       string                         `json:"capture_id,omitempty"`
	ShippingInfo    []ordermanagement.ShippingInfo `json:"shipping_info,omitempty"` // also of ActionCapture
	ShippingAddress *klarna.Address                `json:"shipping_address,omitempty"`
	// References are the new merchant references; nil leaves one as it is, ""
	// clears it.
	Reference1 *string `json:"reference1,omitempty"`
	Reference2 *string `json:"reference2,omitempty"`
	Days       int     `json:"days,omitempty"` // of ActionExtendDueDate
}

// Outcome is how a command ended, or that it has not ended yet.
type Outcome struct {
	Result Result
	// Entry is what the audit says of it: who, when, before and after, Klarna's
	// answer. With Already it is that of the first time.
	Entry AuditEntry
	// Order is the order as it is now.
	Order Order
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

// Reason is why an action is not possible, of a bounded set. The back office
// has a sentence for each.
type Reason string

// The reasons. Source: docs.klarna.com, Order Management API reference.
const (
	ReasonCancelled       Reason = "cancelled"
	ReasonExpired         Reason = "expired"
	ReasonClosed          Reason = "closed"
	ReasonFraudPending    Reason = "fraud_pending"
	ReasonFraudRejected   Reason = "fraud_rejected" // 4 h after the decision; before that a capture overrules it
	ReasonNothingCaptured Reason = "nothing_captured"
	ReasonPartCaptured    Reason = "part_captured"
	ReasonFullyCaptured   Reason = "fully_captured"
	ReasonFullyRefunded   Reason = "fully_refunded"
	ReasonAboveRemaining  Reason = "above_remaining"  // more than may still be captured
	ReasonAboveCaptured   Reason = "above_captured"   // more than was captured and not refunded yet
	ReasonBelowCaptured   Reason = "below_captured"   // the new amount is less than what is captured
	ReasonMethod          Reason = "method"           // the payment method cannot do it
	ReasonMarket          Reason = "market"           // the purchase country cannot
	ReasonSeveralCaptures Reason = "several_captures" // a return fee needs a single one
	ReasonLimit           Reason = "limit"            // no more time can be had
	ReasonUnknownCapture  Reason = "unknown_capture"
	ReasonPlatform        Reason = "platform" // Kustom does not offer it
	ReasonInvalid         Reason = "invalid"  // a member is missing, too long, or sums do not fit
)

// ImpossibleError says that an action is not possible. Klarna was not asked.
type ImpossibleError struct {
	Action Action
	Reason Reason
	Field  string // of ReasonInvalid: the member, as in the JSON of Command
}

// Error says which action is not possible, and the reason.
func (e *ImpossibleError) Error() string {
	return string(e.Action) + " is not possible: " + string(e.Reason)
}

// ChangedError says that the order is no longer what staff looked at, or that
// another command is under way. Klarna was not asked.
type ChangedError struct {
	Order Order
	// Last is the newest entry of the audit; what somebody else did.
	Last AuditEntry
	// Running is another command without an answer yet.
	Running *Command
}

// Error says that the order has changed.
func (e *ChangedError) Error() string { return "the order has changed meanwhile" }

// Source says who caused an entry of the audit.
type Source string

// The sources.
const (
	BySystem  Source = "system" // shopd itself
	ByStaff   Source = "staff"
	ByShopper Source = "shopper"
	ByKlarna  Source = "klarna" // seen when the order was read
)

// AuditEntry is one thing that happened to an order. Entries are only ever
// added. They hold no personal data: a changed address says that it changed.
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

	// Klarna's answer.
	Status        int           `json:"status,omitempty"` // HTTP; 0 when there was none
	Code          string        `json:"code,omitempty"`   // error_code
	Messages      []string      `json:"messages,omitempty"`
	CorrelationID string        `json:"correlation_id,omitempty"`
	Duration      time.Duration `json:"duration,omitempty"`
	Tries         int           `json:"tries,omitempty"`
	ID            string        `json:"id,omitempty"` // of the capture or refund that was made
}

// Change is one fact before and after. Amounts are minor units in digits.
type Change struct {
	Field  string `json:"field"` // such as "order_amount", "quantity MUG-1", "status"
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}
