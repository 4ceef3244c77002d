package payments

import (
	"net/url"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/settings"
)

// Wants makes the session that a cart needs.
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

// AuthorizationCallback is the last part of the path of the callback that brings an
// authorization.
const AuthorizationCallback = "authorization"

// Want returns the session's content that the cart needs now, and the quote that it comes
// from, which is an offer: only in the form can another place be typed. The error is that of
// cart.Pricer.Offer.
func (w *Wants) Want(c cart.Cart) (Content, cart.Quote, error) {
	quote, err := w.Pricer.Offer(c.Contents)
	return w.content(c, quote), quote, err
}

// Sold is Want for what is bought, by no offer. The error is that of cart.Pricer.Quote.
func (w *Wants) Sold(c cart.Cart) (Content, cart.Quote, error) {
	quote, err := w.Pricer.Quote(c.Contents)
	return w.content(c, quote), quote, err
}

// content is the session of a cart with a quote.
func (w *Wants) content(c cart.Cart, quote cart.Quote) Content {
	sale := quote.Sale(c.Contents)
	sale.OrderLines = slices.Clone(sale.OrderLines)
	for i := range sale.OrderLines {
		sale.OrderLines[i].ShippingAttributes = klarna.Attributes{} // of Klarna Checkout alone
	}
	attachment := tellPlace(sale.OrderLines, quote)
	content := Content{Sale: sale, Attachment: attachment, MerchantURLs: w.urls(), MerchantData: w.Signer.Sign(c.ID), Intent: IntentBuy}
	if b := c.Basket; b != nil {
		content.MerchantReference1, content.MerchantReference2 = b.OrderNumber, b.Reference
	}
	return content
}

// callback returns the address of a callback.
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

// Differences returns the names of the members in which a session differs from want. It
// compares only what we send; see [klarna.Differences]. Klarna may echo placeholders
// percent-encoded.
func Differences(want Content, got Session) []string {
	want.Attachment = got.Attachment // it goes with the lines, and whether Klarna echoes it is not known
	return klarna.Differences(want, got.Content, func(want, echo string) bool { return raw(echo) == raw(want) })
}

// raw replaces an encoded placeholder by the plain one.
func raw(u string) string {
	encoded := url.QueryEscape(placeholder)
	return strings.NewReplacer(encoded, placeholder, strings.ToLower(encoded), placeholder).Replace(u)
}

// Purchase returns the name that reservations use for a purchase by a session.
func Purchase(sessionID string) string { return purchasePrefix + sessionID }

// SessionOf returns the session in the name of a purchase, "" for a purchase by KCO.
func SessionOf(purchase string) string {
	id, ok := strings.CutPrefix(purchase, purchasePrefix)
	if !ok {
		return ""
	}
	return id
}

const purchasePrefix = "session:"

// OrderCall is an order call. It is stored before it is made, and repeated unchanged
// until it is answered.
type OrderCall struct {
	Token   string       `json:"token"` // of the authorization; a credential
	Request OrderRequest `json:"request"`
}

// Order returns the order call for a session's authorization: the wanted content with the
// addresses and the customer that were authorized. Its merchant_data says that the session bought the
// cart.
func (w *Wants) Order(cartID string, want Content, s Session, form settings.Form) OrderRequest {
	return OrderRequest{
		Sale: want.Sale, MerchantURLs: want.MerchantURLs, MerchantData: w.Signer.SignOrigin(cartID, Purchase(s.SessionID)),
		BillingAddress: s.BillingAddress, ShippingAddress: s.ShippingAddress, Customer: s.Customer,
		AutoCapture:        form.AutoCapture,
		MerchantReference1: want.MerchantReference1, MerchantReference2: want.MerchantReference2,
	}
}
