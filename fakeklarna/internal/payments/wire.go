package payments

import (
	"encoding/json"

	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// The values of Session.Status. Source: docs.klarna.com, Check the details of a
// payment session.
const (
	SessionIncomplete = "incomplete"
	SessionComplete   = "complete" // its order is placed
)

// Session is a payment session as the Klarna Payments API answers it. Amounts
// are minor units.
// Source: docs.klarna.com, Klarna Payments API reference.
type Session struct {
	SessionID               string          `json:"session_id,omitempty"` // not in the answer to a read
	Status                  string          `json:"status"`
	ExpiresAt               string          `json:"expires_at"` // by the fake's clock
	ClientToken             string          `json:"client_token"`
	AuthorizationToken      string          `json:"authorization_token,omitempty"` // while an order can be placed with it
	PaymentMethodCategories []Category      `json:"payment_method_categories"`
	PurchaseCountry         string          `json:"purchase_country"`
	PurchaseCurrency        string          `json:"purchase_currency"`
	Locale                  string          `json:"locale"`
	Intent                  string          `json:"intent"`
	AcquiringChannel        string          `json:"acquiring_channel"`
	OrderAmount             int64           `json:"order_amount"`
	OrderTaxAmount          int64           `json:"order_tax_amount"`
	OrderLines              Lines           `json:"order_lines"`
	BillingAddress          *wire.Address   `json:"billing_address,omitempty"` // this and the next two: not answered before an authorization
	ShippingAddress         *wire.Address   `json:"shipping_address,omitempty"`
	Customer                json.RawMessage `json:"customer,omitempty"`
	MerchantURLs            *URLs           `json:"merchant_urls,omitempty"`
	MerchantReference1      string          `json:"merchant_reference1,omitempty"`
	MerchantReference2      string          `json:"merchant_reference2,omitempty"`
	MerchantData            string          `json:"merchant_data,omitempty"`
	Attachment              json.RawMessage `json:"attachment,omitempty"`
	CustomPaymentMethodIDs  []string        `json:"custom_payment_method_ids,omitempty"`
	Design                  string          `json:"design,omitempty"`
	Options                 json.RawMessage `json:"options,omitempty"`
	StepUpID                string          `json:"step_up_id,omitempty"`

	// Fake is what only the fake knows; it is not in the answers of the API.
	Fake *SessionState `json:"fake,omitempty"`
}

// Lines are the lines of a session. Each is answered with a reference, if only an empty one.
// Source: recorded answers.
type Lines []wire.OrderLine

// MarshalJSON shows the lines as the API answers them.
func (l Lines) MarshalJSON() ([]byte, error) {
	type line struct { // as wire.OrderLine but for the reference
		Type                string          `json:"type"`
		Reference           string          `json:"reference"`
		Name                string          `json:"name"`
		Quantity            int64           `json:"quantity"`
		QuantityUnit        string          `json:"quantity_unit,omitempty"`
		UnitPrice           int64           `json:"unit_price"`
		TaxRate             int64           `json:"tax_rate"`
		TotalAmount         int64           `json:"total_amount"`
		TotalDiscountAmount int64           `json:"total_discount_amount"`
		TotalTaxAmount      int64           `json:"total_tax_amount"`
		MerchantData        string          `json:"merchant_data,omitempty"`
		ProductURL          string          `json:"product_url,omitempty"`
		ImageURL            string          `json:"image_url,omitempty"`
		ProductIdentifiers  json.RawMessage `json:"product_identifiers,omitempty"`
		ShippingAttributes  json.RawMessage `json:"shipping_attributes,omitempty"`
		Subscription        json.RawMessage `json:"subscription,omitempty"`
	}
	all := make([]line, len(l))
	for i := range l {
		all[i] = line(l[i])
	}
	return wire.MustJSON(all), nil
}

// SessionState is what the fake knows of a session and Klarna's API does not tell.
type SessionState struct {
	// State is open, finalize (approved, to be finalized), authorized, token
	// expired, token deleted, complete or expired.
	State          string            `json:"state"`
	Category       string            `json:"category,omitempty"`        // of the last approval
	OrderID        string            `json:"order_id,omitempty"`        // once complete
	CustomerTokens []string          `json:"customer_tokens,omitempty"` // made from its authorizations
	Typed          map[string]string `json:"typed,omitempty"`           // in Klarna's own flow
}

// Category is a category of ways to pay, each with a widget of its own.
// Source: docs.klarna.com, Klarna Payments API reference.
type Category struct {
	Identifier string    `json:"identifier"` // pay_later, pay_now or pay_over_time
	Name       string    `json:"name"`       // in the session's language
	AssetURLs  AssetURLs `json:"asset_urls"`
}

// AssetURLs are pictures of a category.
type AssetURLs struct {
	Descriptive string `json:"descriptive"`
	Standard    string `json:"standard"`
}

// URLs are the merchant's page and callbacks. {session.id} and {order.id} are
// placeholders.
// Source: docs.klarna.com, Klarna Payments API reference.
type URLs struct {
	Confirmation  string `json:"confirmation,omitempty"`
	Notification  string `json:"notification,omitempty"`
	Push          string `json:"push,omitempty"`
	Authorization string `json:"authorization,omitempty"`
	AppReturnURL  string `json:"app_return_url,omitempty"`
}

// Action is a call of the library Klarna.Payments in the shopper's browser. Exactly
// one member is set.
// Source: docs.klarna.com, Klarna Payments SDK reference.
type Action struct {
	Load        *Authorize `json:"load,omitempty"`
	Authorize   *Authorize `json:"authorize,omitempty"`
	Reauthorize *Authorize `json:"reauthorize,omitempty"`
	Finalize    *Authorize `json:"finalize,omitempty"`
}

// Authorize is one call of load, authorize, reauthorize or finalize.
type Authorize struct {
	Category     string          `json:"category,omitempty"`      // empty: that of the last approval, else the session's first
	Data         json.RawMessage `json:"data,omitempty"`          // an update of the session
	AutoFinalize *bool           `json:"auto_finalize,omitempty"` // of authorize; false: the token comes from finalize
	// Typed is what the shopper types in Klarna's own flow, by address member, and
	// date_of_birth. The shop does not get it.
	Typed map[string]string `json:"typed,omitempty"`
	// Decision is what the shopper presses: approve, decline or close. If empty, the
	// persona of the billing address's e-mail decides.
	Decision string `json:"decision,omitempty"`
	// Total, in minor units of Currency, is what the shopper was shown. If the session says
	// something else, nothing is approved. Both are optional.
	Total    *int64 `json:"total,omitempty"`
	Currency string `json:"currency,omitempty"`
}

// Outcome is what the library tells the shop's page.
// Source: docs.klarna.com, Klarna Payments SDK reference.
type Outcome struct {
	Approved           bool             `json:"approved"`
	ShowForm           bool             `json:"show_form"` // false: Klarna is not to be offered any more
	AuthorizationToken string           `json:"authorization_token,omitempty"`
	FinalizeRequired   bool             `json:"finalize_required,omitempty"`
	InvalidFields      []string         `json:"invalid_fields,omitempty"` // paths such as billing_address.email
	Refused            *shopper.Refusal `json:"refused,omitempty"`        // why, in the fake's words; a browser is not told
}
