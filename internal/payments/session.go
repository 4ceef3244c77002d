// Package payments keeps the session at Klarna Payments equal to the cart. It has the API
// client. Want makes the session that a cart needs, Differences compares it with
// Klarna's session, and Sync makes the two equal. Authorizations are stored until they
// become orders or are released.
package payments

import (
	"errors"
	"log/slog"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
)

// Status of a session. Source: docs.klarna.com, Check the details of a payment
// session.
type Status string

// The states of a session. Any other counts as neither open nor bought.
const (
	StatusIncomplete Status = "incomplete"
	StatusComplete   Status = "complete" // its order is placed
)

// IntentBuy is what the shopper agrees to: one purchase. It is Klarna's default.
// Source: docs.klarna.com, Create an order.
const IntentBuy = "buy"

// Content is the part of a session that the shop decides. It is sent and compared. It has
// no data of the shopper: the browser gives that to Klarna with the authorization.
type Content struct {
	klarna.Sale
	MerchantURLs MerchantURLs `json:"merchant_urls"`
	MerchantData string       `json:"merchant_data"`
	Intent       string       `json:"intent"`
	// Of a checkout session: the number that its order will have, and its reference.
	MerchantReference1 string `json:"merchant_reference1,omitempty"`
	MerchantReference2 string `json:"merchant_reference2,omitempty"`
	// Attachment tells Klarna where the goods are fetched.
	Attachment Attachment `json:"attachment,omitzero"`
}

// MerchantURLs are the addresses for Klarna's browser and servers. Klarna fills in
// {order.id}. Source: docs.klarna.com, Klarna Payments API reference.
type MerchantURLs struct {
	Confirmation  string `json:"confirmation,omitempty"`
	Notification  string `json:"notification,omitempty"`
	Push          string `json:"push,omitempty"`
	Authorization string `json:"authorization,omitempty"`
}

// Session is a payment session as Klarna answers it. ClientToken and
// AuthorizationToken are never logged.
type Session struct {
	Content
	// SessionID is for servers only. The answer to a read does not have it; the
	// client fills it in.
	SessionID   string `json:"session_id"`
	Status      Status `json:"status"`
	ClientToken string `json:"client_token"` // of this session, for the browser's library
	// Categories are the ways to pay, in Klarna's order. They depend on country and amount.
	Categories []Category `json:"payment_method_categories"`
	// AuthorizationToken is that of the newest authorization, while it can place an order.
	// It is not always there.
	AuthorizationToken string   `json:"authorization_token"`
	BillingAddress     Personal `json:"billing_address"` // this and the next two: after an authorization only
	ShippingAddress    Personal `json:"shipping_address"`
	Customer           Personal `json:"customer"`
}

// Category is a category of ways to pay, each with a widget of its own.
// Source: docs.klarna.com, Initiate a payment.
type Category struct {
	Identifier string    `json:"identifier"` // such as pay_later
	Name       string    `json:"name"`       // in the session's language
	AssetURLs  AssetURLs `json:"asset_urls"`
}

// AssetURLs are pictures of a category; "" where there is none.
type AssetURLs struct {
	Descriptive string `json:"descriptive"`
	Standard    string `json:"standard"`
}

// Personal is JSON about the shopper, passed on exactly as Klarna sent it. The addresses
// of an order must be exactly those of its authorization. It is never logged.
type Personal []byte

// ShipTo returns where the order goes, as far as price and delivery depend on it. It is
// zero when Klarna does not say.
func (s Session) ShipTo() (cart.Address, error) {
	text := s.ShippingAddress
	if len(text) == 0 {
		text = s.BillingAddress
	}
	if len(text) == 0 {
		return cart.Address{}, nil
	}
	var a klarna.Address
	if err := json.Unmarshal(text, &a); err != nil {
		return cart.Address{}, errors.New("the session's address cannot be read")
	}
	return cart.Address{ShippingCountry: a.Country, Region: a.Region, PostalCode: a.PostalCode}, nil
}

// Buyer returns who buys; zero when Klarna does not say, or not so that it can be read.
func (s Session) Buyer() (customer klarna.Customer) {
	_ = json.Unmarshal(s.Customer, &customer) // "" is none
	return customer
}

// MarshalJSON returns the JSON that was read.
func (p Personal) MarshalJSON() ([]byte, error) {
	if len(p) == 0 {
		return []byte("null"), nil
	}
	return p, nil
}

// UnmarshalJSON keeps the JSON; null is nothing.
func (p *Personal) UnmarshalJSON(text []byte) error {
	*p = nil
	if string(text) != "null" {
		*p = append(*p, text...)
	}
	return nil
}

// LogValue keeps the shopper out of logs.
func (Personal) LogValue() slog.Value { return slog.StringValue("[personal]") }

// LogValue returns the session without tokens and personal data.
func (s Session) LogValue() slog.Value {
	return slog.GroupValue(slog.String("payments_session_id", s.SessionID), slog.String("status", string(s.Status)))
}
