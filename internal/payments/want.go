package payments

import (
	"net/url"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
)

// Wants says what a session must say for a cart.
type Wants struct {
	Pricer    *cart.Pricer
	Signer    *kco.Signer
	PublicURL string // of the shop as browsers know it; no trailing slash
	// CallbackURL is the shop as Klarna's servers know it; no trailing slash.
	CallbackURL string
}

// placeholder is filled in by Klarna.
// Source: docs.klarna.com, Klarna Payments API reference (merchant_urls).
const placeholder = "{order.id}"

// AuthorizationCallback is the last part of the path of Klarna's call that
// brings an authorization.
const AuthorizationCallback = "authorization"

// Want is the session's content as the cart demands it now, with the quote that
// it was made of. The error is that of cart.Pricer.Quote.
func (w *Wants) Want(c cart.Cart) (Content, cart.Quote, error) {
	quote, err := w.Pricer.Quote(c.Contents)
	return Content{
		Sale: quote.Sale(c.Contents), MerchantURLs: w.urls(), MerchantData: w.Signer.Sign(c.ID), Intent: IntentBuy,
	}, quote, err
}

// callbacks are where Klarna's servers call, below the callback URL.
func (w *Wants) callback(name string) string {
	return w.CallbackURL + kco.CallbackPath + w.Signer.CallbackToken() + "/" + name
}

func (w *Wants) urls() MerchantURLs {
	return MerchantURLs{
		Confirmation: w.PublicURL + "/checkout/confirmation?order_id=" + placeholder,
		Notification: w.callback("notification?order_id=" + placeholder),
		Push:         w.callback("push?order_id=" + placeholder),
		// It names the session in its body.
		Authorization: w.callback(AuthorizationCallback),
	}
}

// Differences names the members in which a session does not say what is
// wanted; none means that they agree. Only what we send is compared; see
// [klarna.Differences]. Klarna may echo placeholders percent-encoded.
func Differences(want Content, got Session) []string {
	return klarna.Differences(want, got.Content, func(want, echo string) bool { return raw(echo) == raw(want) })
}

// raw puts the plain placeholder in the place of an encoded one.
func raw(u string) string {
	encoded := url.QueryEscape(placeholder)
	return strings.NewReplacer(encoded, placeholder, strings.ToLower(encoded), placeholder).Replace(u)
}

// Purchase is the name that a reservation has of a purchase of a session.
func Purchase(sessionID string) string { return purchasePrefix + sessionID }

// SessionOf returns the session of a purchase's name, "" when it is none of
// Klarna Payments.
func SessionOf(purchase string) string {
	id, ok := strings.CutPrefix(purchase, purchasePrefix)
	if !ok {
		return ""
	}
	return id
}

const purchasePrefix = "session:"

// OrderCall is an order call as it is written down before it is made: it is
// repeated as it is until it is answered.
type OrderCall struct {
	Token   string       `json:"token"` // of the authorization; a credential
	Request OrderRequest `json:"request"`
}

// Order is what an order of a session's authorization must say: what is wanted,
// with the addresses that were authorized. Its merchant_data tells that the
// session bought the cart.
func (w *Wants) Order(cartID string, want Content, s Session) OrderRequest {
	return OrderRequest{
		Sale: want.Sale, MerchantURLs: want.MerchantURLs, MerchantData: w.Signer.SignOrigin(cartID, Purchase(s.SessionID)),
		BillingAddress: s.BillingAddress, ShippingAddress: s.ShippingAddress,
	}
}
