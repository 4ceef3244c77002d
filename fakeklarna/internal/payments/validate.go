package payments

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/mail"
	"net/url"
	"strings"
	"unicode"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// MaxBody is the size of the largest body that Klarna's newer APIs
// read, in bytes. Source: docs.klarna.com, Request limits.
const MaxBody = 1 << 20

func parseBody(body []byte) (map[string]any, *wire.Error) {
	if len(body) > MaxBody {
		return nil, wire.TooLarge(sessionsPath)
	}
	return wire.ParseBody(body)
}

// merge returns before with the sent members, and the wrong members of the whole. A
// partial update is checked like a new session.
// Source: docs.klarna.com, Validations in Klarna Payments.
func (s *Service) merge(rules []wire.Rule, before map[string]json.RawMessage, sent map[string]any) (map[string]json.RawMessage, wire.Offenders) {
	after, bad := wire.GatherMembers(rules, before, sent)
	s.check(after, &bad)
	return after, bad
}

// check checks what the rules of single members cannot. Sums and markets are checked
// only when all members are right. A wrong member is null in content.
func (s *Service) check(content map[string]json.RawMessage, bad *wire.Offenders) {
	v := decode(content)
	if len(*bad) == 0 {
		checkMarket(&v, bad)
		checkLines(v.Market(), &v, content["order_tax_amount"] != nil, bad)
	}
	checkAddress("billing_address", v.BillingAddress, bad)
	s.checkRest(content, &v, bad)
}

// checkRest checks what an order placed with a customer token sends too: its market and billing
// address are the token's, which may be of the checkout, for which other rules hold.
func (s *Service) checkRest(content map[string]json.RawMessage, v *Session, bad *wire.Offenders) {
	if content["shipping_address"] != nil { // else it is a copy
		checkAddress("shipping_address", v.ShippingAddress, bad)
	}
	if v.MerchantURLs != nil {
		s.checkURLs(v.MerchantURLs, bad)
	}
}

// Market returns the country whose rules apply: that of the billing address, else the
// purchase country. Source: docs.klarna.com, Klarna Payments API reference (purchase_country).
func (v *Session) Market() string {
	country := v.PurchaseCountry
	if v.BillingAddress != nil && v.BillingAddress.Country != "" {
		country = v.BillingAddress.Country
	}
	return strings.ToUpper(country)
}

// currencies are the countries of Klarna Payments, with their only currency.
// Source: docs.klarna.com, Purchase countries, currencies and locales.
var currencies = map[string]string{
	"AU": "AUD", "AT": "EUR", "BE": "EUR", "CA": "CAD", "CZ": "CZK", "DK": "DKK", "FI": "EUR", "FR": "EUR", "DE": "EUR",
	"GR": "EUR", "HU": "HUF", "IE": "EUR", "IT": "EUR", "MX": "MXN", "NL": "EUR", "NZ": "NZD", "NO": "NOK", "PL": "PLN",
	"PT": "EUR", "RO": "RON", "SK": "EUR", "ES": "EUR", "SE": "SEK", "CH": "CHF", "GB": "GBP", "US": "USD",
}

func checkMarket(v *Session, bad *wire.Offenders) {
	if v.PurchaseCountry != "" && currencies[strings.ToUpper(v.PurchaseCountry)] == "" {
		bad.Add("purchase_country")
		return
	}
	currency := currencies[v.Market()]
	if currency == "" {
		bad.Add("billing_address.country")
	} else if currency != strings.ToUpper(v.PurchaseCurrency) {
		bad.Add("purchase_currency")
	}
}

// checkLines checks the arithmetic of lines and sums.
// Source: docs.klarna.com, Tax handling.
func checkLines(country string, v *Session, hasTax bool, bad *wire.Offenders) {
	salesTax := false
	for i := range v.OrderLines {
		line := &v.OrderLines[i]
		at := fmt.Sprintf("order_lines[%d].", i)
		if !line.TotalFits() {
			bad.Add(at + "total_amount")
		}
		switch {
		case country == "US" && line.TaxRate != 0:
			bad.Add(at + "tax_rate")
		case !line.TaxFits():
			bad.Add(at + "total_tax_amount")
		}
		salesTax = salesTax || country == "US" && line.Type == "sales_tax"
	}
	amount, tax := wire.Sums(country, v.OrderLines)
	if amount.Cmp(big.NewInt(v.OrderAmount)) != 0 {
		bad.Add("order_amount")
	}
	tolerance := big.NewInt(int64(len(v.OrderLines)))
	if salesTax {
		tolerance.SetInt64(0)
	}
	if hasTax && tax.Sub(tax, big.NewInt(v.OrderTaxAmount)).CmpAbs(tolerance) > 0 {
		bad.Add("order_tax_amount")
	}
}

// checkAddress checks the sent members of an address. None is required.
// Source: docs.klarna.com, Customer data requirements.
func checkAddress(path string, a *wire.Address, bad *wire.Offenders) {
	if a == nil {
		return
	}
	country := strings.ToUpper(a.Country)
	if country != "" && !wire.IsCountry(country) {
		bad.Add(path + ".country")
	}
	if at, err := mail.ParseAddress(a.Email); a.Email != "" && (err != nil || at.Address != a.Email) {
		bad.Add(path + ".email")
	}
	if (country == "US" || country == "AU") && a.StreetAddress != "" && a.Region == "" {
		bad.Add(path + ".region")
	}
}

// checkURLs checks merchant_urls. push and authorization need https, except to this machine
// and Options.CallbackHosts.
// Source: docs.klarna.com, Klarna Payments API reference (merchant_urls); recorded answers.
func (s *Service) checkURLs(u *URLs, bad *wire.Offenders) {
	for _, page := range []struct {
		name, url string
		callback  bool
	}{
		{"confirmation", u.Confirmation, false},
		{"notification", u.Notification, false},
		{"push", u.Push, true},
		{"authorization", u.Authorization, true},
	} {
		if page.url != "" && !s.isURL(fill(page.url, "session", "order"), page.callback) {
			bad.Add("merchant_urls." + page.name)
		}
	}
	if u.Push != "" && u.Push == u.Confirmation {
		bad.Add("merchant_urls.push")
	}
}

func (s *Service) isURL(text string, callback bool) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.ContainsFunc(text, unicode.IsSpace) {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (!callback || s.calls.MayCall(u.Hostname()))
}

// fill replaces Klarna's placeholders, plain or percent-encoded, by the IDs.
// Source: docs.klarna.com, Klarna Payments API reference (merchant_urls).
func fill(u, sessionID, orderID string) string {
	return strings.NewReplacer(
		"{session.id}", sessionID, "%7Bsession.id%7D", sessionID, "%7bsession.id%7d", sessionID,
		"{order.id}", orderID, "%7Border.id%7D", orderID, "%7border.id%7d", orderID).Replace(u)
}

// decode returns checked content with the defaults that Klarna adds.
// Source: docs.klarna.com, Klarna Payments API reference.
func decode(content map[string]json.RawMessage) Session {
	var v Session
	if err := json.Unmarshal(wire.MustJSON(content), &v); err != nil {
		panic(fmt.Sprintf("fakeklarna: content was checked and does not decode: %v", err))
	}
	wire.SetDefault(&v.Locale, "en-US")
	wire.SetDefault(&v.Intent, "buy")
	wire.SetDefault(&v.AcquiringChannel, "ECOMMERCE")
	for i := range v.OrderLines {
		wire.SetDefault(&v.OrderLines[i].Type, "physical")
	}
	if v.ShippingAddress == nil && v.BillingAddress != nil {
		v.ShippingAddress = new(*v.BillingAddress)
	}
	return v
}
