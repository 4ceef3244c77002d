// Package order is the order book: what was bought, exactly once, whoever
// tells us first. Place takes an order from Klarna into the book and tells
// Klarna so; the reconcile loop finishes what a crash or an outage has left.
package order

import (
	"cmp"
	"crypto/subtle"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Flag is something about an order that the merchant should look at.
type Flag string

// The flags of an order.
const (
	// NotCurrent: it was not its cart's newest order, so the shopper paid in an
	// old tab and may pay twice.
	NotCurrent Flag = "not_current"
	// Oversold: more was sold than there is.
	Oversold Flag = "oversold"
	// NoCart: Klarna did not hand back which cart it was made for.
	NoCart Flag = "no_cart"
	// DuplicateNumber: the number that its checkout session was to have is another order's.
	DuplicateNumber Flag = "duplicate_number"
	// WithdrawalRequested: a consumer withdrew from goods that are neither cancelled nor refunded.
	WithdrawalRequested Flag = "withdrawal_requested"
	// Unsettled: Klarna has not answered a command, so more may be captured, refunded or cancelled than is
	// known. It comes and goes with Running, and is not stored; see AllFlags.
	Unsettled Flag = "unsettled"
)

// Order is an order of the book: what Klarna authorised, and how far we are
// with it. Amounts are minor units. The addresses are personal data, and the
// key opens the order's page: neither is ever logged.
type Order struct {
	Version  int       `json:"v"`
	ID       string    `json:"id"`                // ours, which never changes, of cart.NewOrderID
	Number   string    `json:"number"`            // ours, to be read out on the phone: "SK-7F3K-92AB"
	Key      string    `json:"key"`               // of the page /orders/{number}?key=
	OrderID  string    `json:"order_id"`          // Klarna's; "" where Klarna never saw it, see Free
	CartID   string    `json:"cart_id,omitempty"` // "" = NoCart
	Origin   string    `json:"origin,omitempty"`  // what it was bought by: "session:<ID>" of Klarna Payments, "" = KCO
	PlacedAt time.Time `json:"placed_at"`         // when it was bought, as Klarna says

	// Of the checkout session that was bought: the merchant's reference and metadata.
	Reference string            `json:"reference,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	// LineNames are the merchant's own IDs of the session's lines, by those of Order.LineIDs.
	LineNames map[string]string `json:"line_names,omitempty"`

	// ErasedAt is when the personal data was erased; zero: it is there.
	ErasedAt time.Time `json:"erased_at,omitzero"`

	// Priced is the published version by which it was priced; 0: not known, as of those that were
	// placed by a version of the program before.
	Priced           int64                         `json:"priced,omitempty"`
	PurchaseCountry  string                        `json:"purchase_country"`
	PurchaseCurrency money.Currency                `json:"purchase_currency"`
	Locale           string                        `json:"locale"`
	OrderAmount      money.Amount                  `json:"order_amount"`
	OrderTaxAmount   money.Amount                  `json:"order_tax_amount"`
	OrderLines       []klarna.OrderLine            `json:"order_lines"`
	OwnLineIDs       []string                      `json:"line_ids,omitempty"` // where they are not what the lines alone say: see Order.LineIDs
	Terms            Terms                         `json:"terms,omitzero"`
	BillingAddress   klarna.Address                `json:"billing_address"`
	ShippingAddress  klarna.Address                `json:"shipping_address"`
	Customer         klarna.Customer               `json:"customer,omitzero"` // a company's; zero: a person
	Delivery         Delivery                      `json:"delivery,omitzero"` // zero: nothing is sent
	Checkboxes       []Checkbox                    `json:"checkboxes,omitempty"`
	PaymentMethod    ordermanagement.PaymentMethod `json:"payment_method"`
	KlarnaReference  string                        `json:"klarna_reference"`
	ExpiresAt        time.Time                     `json:"expires_at,omitzero"` // until when it can be captured

	Status      ordermanagement.Status      `json:"status"`
	FraudStatus ordermanagement.FraudStatus `json:"fraud_status"`
	// FraudStatusAt is when the book first had this FraudStatus.
	FraudStatusAt time.Time `json:"fraud_status_at,omitzero"`
	Flags         []Flag    `json:"flags,omitempty"`

	// Revision grows by one with each change of the record.
	Revision int64 `json:"revision"`
	// MaterialRevision is the newest revision in which something changed that
	// staff decide by: state, amounts, lines, captures, refunds, addresses,
	// parcels, references.
	MaterialRevision int64 `json:"material_revision,omitempty"`
	// What follows is as Klarna said when it was last read, or as it follows from
	// what Klarna has answered since.
	OriginalOrderAmount       money.Amount                   `json:"original_order_amount"`
	CapturedAmount            money.Amount                   `json:"captured_amount"`
	RefundedAmount            money.Amount                   `json:"refunded_amount"`
	RemainingAuthorizedAmount money.Amount                   `json:"remaining_authorized_amount"`
	Captures                  []ordermanagement.Capture      `json:"captures,omitempty"`
	Refunds                   []ordermanagement.Refund       `json:"refunds,omitempty"`
	ShippingInfo              []ordermanagement.ShippingInfo `json:"shipping_info,omitempty"` // of the order; captures have their own
	Shipments                 []Shipment                     `json:"shipments,omitempty"`
	Restocked                 []Restock                      `json:"restocked,omitempty"`
	Withdrawals               []Withdrawal                   `json:"withdrawals,omitempty"` // oldest first
	// Came is the revision in which captures, refunds, shipments and withdrawals came into the book; see At.
	Came               map[string]int64 `json:"came,omitempty"`
	MerchantReference1 string           `json:"merchant_reference1,omitempty"`
	MerchantReference2 string           `json:"merchant_reference2,omitempty"`
	// Running is a command that was sent to Klarna and has no answer yet.
	Running *Command `json:"running,omitempty"`
	// SendingUntil is until when a process may be at it. Then another one goes on.
	SendingUntil time.Time `json:"sending_until,omitzero"`

	// Expiring: it expires within 7 days, and something of it can still be captured.
	Expiring bool `json:"expiring,omitempty"`
	// Acknowledged: Klarna knows that we have it, or it was cancelled there.
	Acknowledged bool `json:"acknowledged"`
	// CartClosed: what was bought is out of the cart.
	CartClosed bool `json:"cart_closed"`
}

// Checkbox is the shopper's answer to a question of the shop's own, in Klarna's form or in that
// of an order for which nothing is to be paid.
type Checkbox struct {
	ID      string `json:"id"`
	Text    string `json:"text"` // as it was asked, Markdown
	Checked bool   `json:"checked"`
}

// version of the stored JSON.
const version = 1

// LogValue is the order without personal data and key.
func (o Order) LogValue() slog.Value {
	return slog.GroupValue(slog.String("order_number", o.Number), slog.String("order_id", o.Ref()))
}

// Free reports whether there was nothing to pay: Klarna never saw the order, and all of
// it counts as captured.
func (o Order) Free() bool { return o.OrderID == "" }

// Ref is what names the order in the book: Klarna's ID, or ours where Klarna never saw it.
func (o Order) Ref() string { return cmp.Or(o.OrderID, o.ID) }

// Pending reports whether Klarna is still checking the payment: then nothing
// may be sent or captured.
func (o Order) Pending() bool {
	switch o.Status {
	case ordermanagement.Cancelled, ordermanagement.Expired, ordermanagement.Closed:
		return false
	case ordermanagement.Authorized, ordermanagement.PartCaptured, ordermanagement.Captured:
	}
	return o.FraudStatus == ordermanagement.FraudPending
}

// Flagged reports whether the order has a flag.
func (o Order) Flagged(f Flag) bool { return slices.Contains(o.Flags, f) }

// AllFlags are the flags as they are now: those of Flags and Unsettled.
func (o Order) AllFlags() []Flag {
	if o.Running == nil {
		return o.Flags
	}
	return append(slices.Clone(o.Flags), Unsettled)
}

// HasKey reports whether a key opens the order's page, in constant time.
func (o Order) HasKey(key string) bool {
	return o.Key != "" && subtle.ConstantTimeCompare([]byte(o.Key), []byte(key)) == 1
}

// Capture returns the order's capture with an ID; false when it has none.
func (o Order) Capture(id string) (ordermanagement.Capture, bool) {
	for _, capture := range o.Captures {
		if strings.EqualFold(capture.CaptureID, id) {
			return capture, true
		}
	}
	return ordermanagement.Capture{}, false
}

// ended reports whether nothing more of the order is sent, by its status.
func (o Order) ended() bool {
	if o.Free() {
		return o.Status == ordermanagement.Cancelled
	}
	return over(o.Status)
}

// finished reports whether nothing remains to be done with the order.
func (o Order) finished() bool {
	return o.Acknowledged && o.CartClosed && !o.Pending() && !o.condemned() && o.Running == nil
}

// condemned reports whether Klarna has found the risk too high and will cancel
// the order, which it does not tell, unless it is captured before.
func (o Order) condemned() bool {
	return o.FraudStatus == ordermanagement.FraudRejected && o.Status == ordermanagement.Authorized
}

// flag adds a flag that the order does not have.
func (o *Order) flag(f Flag) {
	if !o.Flagged(f) {
		o.Flags = append(o.Flags, f)
	}
}

// Followed reports whether the record has the members of its captures and
// refunds: those of older versions get them when Klarna is next asked.
func (o Order) Followed() bool { return o.OriginalOrderAmount != 0 || o.OrderAmount == 0 }
