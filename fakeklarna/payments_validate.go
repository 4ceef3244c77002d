package fakeklarna

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/mail"
	"net/url"
	"strings"
	"unicode"
)

// maxPaymentsBody is the size of the largest body that Klarna's newer APIs
// read, in bytes. Source: docs.klarna.com, Request limits.
const maxPaymentsBody = 1 << 20

func parsePaymentsBody(body []byte) (map[string]any, *apiError) {
	if len(body) > maxPaymentsBody {
		return nil, errTooLarge(sessionsPath)
	}
	return parseBody(body)
}

// mergePayment returns before with the sent members, and the wrong members of the whole. A
// partial update is checked like a new session.
// Source: docs.klarna.com, Validations in Klarna Payments.
func (s *paymentsService) mergePayment(rules []rule, before map[string]json.RawMessage, sent map[string]any) (map[string]json.RawMessage, offenders) {
	after, bad := gatherMembers(rules, before, sent)
	s.checkPayment(after, &bad)
	return after, bad
}

// checkPayment checks what the rules of single members cannot. Sums and markets are checked
// only when all members are right. A wrong member is null in content.
func (s *paymentsService) checkPayment(content map[string]json.RawMessage, bad *offenders) {
	v := decodeSession(content)
	if len(*bad) == 0 {
		checkMarket(&v, bad)
		checkPaymentLines(v.market(), &v, content["order_tax_amount"] != nil, bad)
	}
	checkPaymentAddress("billing_address", v.BillingAddress, bad)
	if content["shipping_address"] != nil { // else it is a copy
		checkPaymentAddress("shipping_address", v.ShippingAddress, bad)
	}
	if v.MerchantURLs != nil {
		s.checkPaymentURLs(v.MerchantURLs, bad)
	}
}

// market returns the country whose rules apply: that of the billing address, else the
// purchase country. Source: docs.klarna.com, Klarna Payments API reference (purchase_country).
func (v *Session) market() string {
	country := v.PurchaseCountry
	if v.BillingAddress != nil && v.BillingAddress.Country != "" {
		country = v.BillingAddress.Country
	}
	return strings.ToUpper(country)
}

// paymentCurrencies are the countries of Klarna Payments, with their only currency.
// Source: docs.klarna.com, Purchase countries, currencies and locales.
var paymentCurrencies = map[string]string{
	"AU": "AUD", "AT": "EUR", "BE": "EUR", "CA": "CAD", "CZ": "CZK", "DK": "DKK", "FI": "EUR", "FR": "EUR", "DE": "EUR",
	"GR": "EUR", "HU": "HUF", "IE": "EUR", "IT": "EUR", "MX": "MXN", "NL": "EUR", "NZ": "NZD", "NO": "NOK", "PL": "PLN",
	"PT": "EUR", "RO": "RON", "SK": "EUR", "ES": "EUR", "SE": "SEK", "CH": "CHF", "GB": "GBP", "US": "USD",
}

func checkMarket(v *Session, bad *offenders) {
	if v.PurchaseCountry != "" && paymentCurrencies[strings.ToUpper(v.PurchaseCountry)] == "" {
		bad.add("purchase_country")
		return
	}
	currency := paymentCurrencies[v.market()]
	if currency == "" {
		bad.add("billing_address.country")
	} else if currency != strings.ToUpper(v.PurchaseCurrency) {
		bad.add("purchase_currency")
	}
}

// checkPaymentLines checks the arithmetic of lines and sums.
// Source: docs.klarna.com, Tax handling.
func checkPaymentLines(country string, v *Session, hasTax bool, bad *offenders) {
	salesTax := false
	for i := range v.OrderLines {
		line := &v.OrderLines[i]
		at := fmt.Sprintf("order_lines[%d].", i)
		if !line.totalFits() {
			bad.add(at + "total_amount")
		}
		switch {
		case country == "US" && line.TaxRate != 0:
			bad.add(at + "tax_rate")
		case !line.taxFits():
			bad.add(at + "total_tax_amount")
		}
		salesTax = salesTax || country == "US" && line.Type == "sales_tax"
	}
	amount, tax := sums(country, v.OrderLines)
	if amount.Cmp(big.NewInt(v.OrderAmount)) != 0 {
		bad.add("order_amount")
	}
	tolerance := big.NewInt(int64(len(v.OrderLines)))
	if salesTax {
		tolerance.SetInt64(0)
	}
	if hasTax && tax.Sub(tax, big.NewInt(v.OrderTaxAmount)).CmpAbs(tolerance) > 0 {
		bad.add("order_tax_amount")
	}
}

// checkPaymentAddress checks the sent members of an address. None is required.
// Source: docs.klarna.com, Customer data requirements.
func checkPaymentAddress(path string, a *Address, bad *offenders) {
	if a == nil {
		return
	}
	country := strings.ToUpper(a.Country)
	if country != "" && !isCountry(country) {
		bad.add(path + ".country")
	}
	if at, err := mail.ParseAddress(a.Email); a.Email != "" && (err != nil || at.Address != a.Email) {
		bad.add(path + ".email")
	}
	if (country == "US" || country == "AU") && a.StreetAddress != "" && a.Region == "" {
		bad.add(path + ".region")
	}
}

// checkPaymentURLs checks merchant_urls. Callbacks need https, except to this machine and
// Options.CallbackHosts.
// Source: docs.klarna.com, Klarna Payments API reference (merchant_urls).
func (s *paymentsService) checkPaymentURLs(u *PaymentURLs, bad *offenders) {
	for _, page := range []struct {
		name, url string
		callback  bool
	}{
		{"confirmation", u.Confirmation, false},
		{"notification", u.Notification, true},
		{"push", u.Push, true},
		{"authorization", u.Authorization, true},
	} {
		if page.url != "" && !s.isPaymentURL(fillPayment(page.url, "session", "order"), page.callback) {
			bad.add("merchant_urls." + page.name)
		}
	}
	if u.Push != "" && u.Push == u.Confirmation {
		bad.add("merchant_urls.push")
	}
}

func (s *paymentsService) isPaymentURL(text string, callback bool) bool {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || strings.ContainsFunc(text, unicode.IsSpace) {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (!callback || s.calls.mayCall(u.Hostname()))
}

// fillPayment replaces Klarna's placeholders, plain or percent-encoded, by the IDs.
// Source: docs.klarna.com, Klarna Payments API reference (merchant_urls).
func fillPayment(u, sessionID, orderID string) string {
	return strings.NewReplacer(
		"{session.id}", sessionID, "%7Bsession.id%7D", sessionID, "%7bsession.id%7d", sessionID,
		"{order.id}", orderID, "%7Border.id%7D", orderID, "%7border.id%7d", orderID).Replace(u)
}

// decodeSession returns checked content with the defaults that Klarna adds.
// Source: docs.klarna.com, Klarna Payments API reference.
func decodeSession(content map[string]json.RawMessage) Session {
	var v Session
	if err := json.Unmarshal(mustJSON(content), &v); err != nil {
		panic(fmt.Sprintf("fakeklarna: content was checked and does not decode: %v", err))
	}
	setDefault(&v.Locale, "en-US")
	setDefault(&v.Intent, "buy")
	setDefault(&v.AcquiringChannel, "ECOMMERCE")
	for i := range v.OrderLines {
		setDefault(&v.OrderLines[i].Type, "physical")
	}
	if v.ShippingAddress == nil && v.BillingAddress != nil {
		v.ShippingAddress = new(*v.BillingAddress)
	}
	return v
}
