// Package payments keeps the session at Klarna Payments equal to the cart: the
// API client, what a session must say for a cart (Want), whether it says it
// (Differences), Sync, which makes it so, and what the shop knows of
// authorizations until they are orders or released.
package payments

import (
	"encoding/json"
	"errors"
	"log/slog"

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

// Content is the part of a session that the shop decides: what is sent, and
// what is compared. The shopper's data is not in it: the browser hands that to
// Klarna when it authorizes.
type Content struct {
	klarna.Sale
	MerchantURLs MerchantURLs `json:"merchant_urls"`
	MerchantData string       `json:"merchant_data"`
	Intent       string       `json:"intent"`
}

// MerchantURLs are where Klarna sends browser and servers; {order.id} is filled
// in by Klarna. Source: docs.klarna.com, Klarna Payments API reference.
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
	// Categories are the ways to pay, in Klarna's order; they depend on country
	// and amount. None where Klarna named none.
	Categories []Category `json:"payment_method_categories"`
	// AuthorizationToken is that of the newest authorization, while an order can
	// be placed with it; not always there.
	AuthorizationToken string   `json:"authorization_token"`
	BillingAddress     Personal `json:"billing_address"` // this and the next: after an authorization only
	ShippingAddress    Personal `json:"shipping_address"`
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

// Personal is JSON about the shopper that is handed on as Klarna said it: an
// order must say the same of the addresses as its authorization, to the member.
// It is never logged.
type Personal []byte

// ShipTo is where what was authorized goes, as far as price and delivery depend
// on it; zero when Klarna does not tell.
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

// MarshalJSON hands on what was read.
func (p Personal) MarshalJSON() ([]byte, error) {
	if len(p) == 0 {
		return []byte("null"), nil
	}
	return p, nil
}

// UnmarshalJSON keeps what is there; null is nothing.
func (p *Personal) UnmarshalJSON(text []byte) error {
	*p = nil
	if string(text) != "null" {
		*p = append(*p, text...)
	}
	return nil
}

// LogValue keeps the shopper out of logs.
func (Personal) LogValue() slog.Value { return slog.StringValue("[personal]") }

// LogValue is the session without tokens and shopper.
func (s Session) LogValue() slog.Value {
	return slog.GroupValue(slog.String("payments_session_id", s.SessionID), slog.String("status", string(s.Status)))
}
