package payments_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// payRow is one rule of the Klarna Payments and customer token APIs: the state
// before, the call, the answer, the state after.
type payRow struct {
	name, state        string
	method, path, body string
	status             int
	answer             string // of an error its code and message, of others a part of the body; "-" = empty
	after              string
}

const (
	sessionPath   = "/payments/v1/sessions/{session}"
	placePath     = "/payments/v1/authorizations/{token}/order"
	releasePath   = "/payments/v1/authorizations/{token}"
	tokenizePath  = "/payments/v1/authorizations/{token}/customer-token"
	customerPath  = "/customer-token/v1/tokens/{customer}"
	noSession     = "NOT_FOUND: Invalid session id"
	completed     = "SESSION_COMPLETED: Session has already been completed"
	noToken       = "NOT_FOUND: Invalid authorization token"
	noDelete      = "NOT_FOUND: Authorization cannot be deleted"
	otherBody     = "BAD_VALUE: The order has been already completed with different request body"
	consumed      = "INVALID_OPERATION: Authorization token already consumed"
	noCustomer    = "TOKEN_NOT_FOUND: Customer token not found"
	cancelled     = "TOKEN_CANCELED: Customer token is cancelled"
	notJSON       = "BAD_REQUEST: Bad request: the body is not JSON"
	missingOrder  = "BAD_VALUE: Bad value: purchase_country, purchase_currency, order_amount, order_lines"
	anotherNumber = "BAD_VALUE: Not matching fields: [Incorrect number of items in the cart. Expected: 2, Actual: 1]"
)

func payRows() []payRow {
	order, token, charge := faketest.Text(orderSE()), faketest.Text(tokenSE()), faketest.Text(chargeSE())
	tokenOf := func(pairs ...any) string { return faketest.Text(faketest.With(tokenSE(), pairs...)) }
	orderOf := func(pairs ...any) string { return faketest.Text(faketest.With(orderSE(), pairs...)) }
	chargeOf := func(pairs ...any) string { return faketest.Text(faketest.With(chargeSE(), pairs...)) }
	return []payRow{
		// Create. Source: docs.klarna.com, Initiate a payment.
		{"create", "open", "POST", faketest.SessionsPath, faketest.Text(faketest.CartSE()), 200, `"payment_method_categories":[{"identifier":"pay_later","name":"Betala inom 30 dagar"`, "open"},
		{"create in the US", "open", "POST", faketest.SessionsPath, faketest.Text(cartUS()), 200, `"name":"Pay in 30 days"`, "open"},
		{"create for a company", "open", "POST", faketest.SessionsPath, faketest.Text(faketest.With(faketest.CartSE(), "customer.type", "organization")), 200, `"asset_urls"`, "open"},
		{"create with members that are only read", "open", "POST", faketest.SessionsPath, faketest.Text(faketest.With(faketest.CartSE(), "status", "complete", "client_token", "x", "expires_at", 1)), 200, `"client_token":"ey`, "open"},
		{"create of nothing", "open", "POST", faketest.SessionsPath, "{}", 400, "BAD_VALUE: Bad value: purchase_country, purchase_currency", "open"},
		{"create with a market only", "open", "POST", faketest.SessionsPath, `{"purchase_country":"SE","purchase_currency":"SEK"}`, 400, "BAD_VALUE: Bad value: order_amount, order_lines", "open"},
		{"create with http for the notification", "open", "POST", faketest.SessionsPath, faketest.Text(faketest.With(faketest.CartSE(), "merchant_urls.notification", "http://shop.example/n")), 200, `"session_id"`, "open"},
		{"create without a date of birth", "open", "POST", faketest.SessionsPath, faketest.Text(faketest.With(faketest.CartSE(), "customer.date_of_birth", "")), 200, `"session_id"`, "open"},
		{"create of no JSON", "open", "POST", faketest.SessionsPath, "{", 400, notJSON, "open"},
		{"create of a list", "open", "POST", faketest.SessionsPath, "[]", 400, "BAD_REQUEST: Bad request: the body is not a JSON object", "open"},
		{"create of too much", "open", "POST", faketest.SessionsPath, `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "REQUEST_TOO_LARGE: Request is too large", "open"},

		// Read. Source: docs.klarna.com, Check the details of a payment session.
		{"read", "open", "GET", sessionPath, "", 200, `"status":"incomplete"`, "open"},
		{"read what was ordered", "open", "GET", sessionPath, "", 200, `"order_amount":44700,"order_tax_amount":8940,"order_lines":[{"type":"physical","reference":"MUG-1"`, "open"},
		{"read a line without reference", "without reference", "GET", sessionPath, "", 200, `"order_lines":[{"type":"physical","reference":"","name":"Mugg"`, "open"},
		{"read the token", "authorized", "GET", sessionPath, "", 200, `"authorization_token":"`, "authorized"},
		{"read when complete", "complete", "GET", sessionPath, "", 200, `"status":"complete"`, "complete"},
		{"read long after", "complete and old", "GET", sessionPath, "", 200, `"status":"complete"`, "complete"},
		{"read customer after the authorization", "with address", "GET", sessionPath, "", 200, `"billing_address":{"given_name":"Ada"`, "authorized"},
		{"read shipping: a copy of billing", "with address", "GET", sessionPath, "", 200, `"shipping_address":{"given_name":"Ada"`, "authorized"},
		{"read when expired", "expired", "GET", sessionPath, "", 404, noSession, "expired"},
		{"read just before", "nearly over", "GET", sessionPath, "", 200, `"status":"incomplete"`, "open"},
		{"updates do not prolong", "updated late", "GET", sessionPath, "", 404, noSession, "expired"},
		{"read an unknown one", "open", "GET", "/payments/v1/sessions/{unknown}", "", 404, noSession, "open"},

		// Update. Source: docs.klarna.com, Update the cart.
		{"update", "open", "POST", sessionPath, faketest.Text(faketest.CartOf(3)), 204, "-", "open"},
		{"update of nothing", "open", "POST", sessionPath, "{}", 204, "-", "open"},
		{"update when authorized", "authorized", "POST", sessionPath, faketest.Text(faketest.CartOf(3)), 204, "-", "authorized"},
		{"update before finalize", "finalize", "POST", sessionPath, faketest.Text(faketest.CartOf(3)), 204, "-", "finalize"},
		{"update after the token's hour", "token expired", "POST", sessionPath, faketest.Text(faketest.CartOf(3)), 204, "-", "token expired"},
		{"update after the release", "token deleted", "POST", sessionPath, faketest.Text(faketest.CartOf(3)), 204, "-", "token deleted"},
		{"update when complete", "complete", "POST", sessionPath, faketest.Text(faketest.CartOf(3)), 404, completed, "complete"},
		{"update when expired", "expired", "POST", sessionPath, faketest.Text(faketest.CartOf(3)), 404, noSession, "expired"},
		{"update of an unknown one", "open", "POST", "/payments/v1/sessions/{unknown}", "{}", 404, noSession, "open"},
		{"update: the whole is checked", "open", "POST", sessionPath, `{"order_amount":1}`, 400, "BAD_VALUE: Bad value: order_amount", "open"},
		{"update: tax", "open", "POST", sessionPath, `{"order_tax_amount":1}`, 400, "BAD_VALUE: Bad value: order_tax_amount", "open"},
		{"update: lines", "open", "POST", sessionPath, `{"order_lines":[]}`, 400, "BAD_VALUE: Bad value: order_lines", "open"},
		{"update: currency", "open", "POST", sessionPath, `{"purchase_currency":"NOK"}`, 400, "BAD_VALUE: Bad value: purchase_currency", "open"},
		{"update: billing country and currency", "open", "POST", sessionPath, `{"billing_address":{"country":"NO"}}`, 400, "BAD_VALUE: Bad value: purchase_currency", "open"},
		{"update of no JSON", "open", "POST", sessionPath, "x", 400, notJSON, "open"},
		{"there is no cancel", "open", "DELETE", sessionPath, "", 405, `HTTP_ERROR: `, "open"},

		// Place the order. Source: docs.klarna.com, Create an order.
		{"order", "authorized", "POST", placePath, order, 200, `"fraud_status":"ACCEPTED","authorized_payment_method":{"type":"invoice"}}`, "complete"},
		{"order with a redirect", "authorized", "POST", placePath, order, 200, `"redirect_url":"http://example.com/kp/v1/sessions/`, "complete"},
		{"order in parts", "in parts", "POST", placePath, order, 200, `"authorized_payment_method":{"type":"fixed_amount"}}`, "complete"},
		{"order just in time", "token nearly over", "POST", placePath, order, 200, `"order_id"`, "complete"},
		{"order with customer data that was not known", "authorized", "POST", placePath, orderOf("billing_address", faketest.Ada(), "customer.date_of_birth", "1941-03-21"), 200, `"order_id"`, "complete"},
		{"order with the same address", "with address", "POST", placePath, orderOf("billing_address", faketest.Ada()), 200, `"order_id"`, "complete"},
		{"order with the same address, lower case", "with address", "POST", placePath, orderOf("billing_address", faketest.With(faketest.Ada(), "country", "se")), 200, `"order_id"`, "complete"},
		{"order without the known address", "with address", "POST", placePath, order, 200, `"order_id"`, "complete"},
		{"order with billing for shipping", "with address", "POST", placePath, orderOf("shipping_address", faketest.Ada()), 200, `"order_id"`, "complete"},
		{"order, lower case", "authorized", "POST", placePath, orderOf("purchase_country", "se", "purchase_currency", "sek"), 200, `"order_id"`, "complete"},
		{"order without tax", "authorized", "POST", placePath, orderOf("order_tax_amount", faketest.Gone{}), 200, `"order_id"`, "complete"},
		{"order captured at once", "authorized", "POST", placePath, orderOf("auto_capture", true), 200, `"order_id"`, "complete"},
		{"order after an update that changed nothing", "updated to the same", "POST", placePath, order, 200, `"order_id"`, "complete"},
		{"order after the customer token", "tokenized and to buy", "POST", placePath, order, 200, `"order_id"`, "complete"},
		{"order of nothing", "authorized", "POST", placePath, "{}", 400, missingOrder, "authorized"},
		{"order of no JSON", "authorized", "POST", placePath, "{", 400, notJSON, "authorized"},
		{"order: flag", "authorized", "POST", placePath, orderOf("auto_capture", "yes"), 400, "BAD_VALUE: Bad value: auto_capture", "authorized"},
		{"order after one of nothing", "of nothing first", "POST", placePath, order, 200, `"order_id"`, "complete"},
		{"order: the first error is repeated", "failed once", "POST", placePath, order, 409, "BAD_VALUE: Not matching fields: [order_lines[0].name]", "authorized"},
		{"order of nothing, of a token that is spent", "complete", "POST", placePath, "{}", 400, missingOrder, "complete"},
		{"order of nothing, of an unknown token", "open", "POST", "/payments/v1/authorizations/{unknown}/order", "{}", 400, missingOrder, "open"},
		{"order again", "complete", "POST", placePath, order, 200, `"order_id"`, "complete"},
		{"order again, spaced", "complete", "POST", placePath, " " + order + "\n", 200, `"order_id"`, "complete"},
		{"order again, long after", "complete and old", "POST", placePath, order, 200, `"order_id"`, "complete"},
		{"order again, other body", "complete", "POST", placePath, orderOf("merchant_reference1", "2"), 409, otherBody, "complete"},
		{"order without token", "open", "POST", placePath, order, 404, noToken, "open"},
		{"order with an unknown token", "authorized", "POST", "/payments/v1/authorizations/{unknown}/order", order, 404, noToken, "authorized"},
		{"order with the token before", "authorized twice", "POST", "/payments/v1/authorizations/{old}/order", order, 404, noToken, "authorized"},
		{"order with the newest token", "authorized twice", "POST", placePath, order, 200, `"order_id"`, "complete"},
		{"order with the token before, complete", "complete with the second token", "POST", "/payments/v1/authorizations/{old}/order", order, 404, completed, "complete"},
		{"order after an hour", "token expired", "POST", placePath, order, 404, noToken, "token expired"},
		{"order after the release", "token deleted", "POST", placePath, order, 404, noToken, "token deleted"},
		{"order when expired", "expired and authorized", "POST", placePath, order, 404, noToken, "expired"},
		{"order of a token only", "tokenize", "POST", placePath, order, 403, "INVALID_OPERATION: Not allowed to create orders for intent tokenize.", "authorized"},
		{"order of a token used up", "tokenized", "POST", placePath, order, 403, consumed, "authorized"},

		// What does not match. Source: docs.klarna.com, Validations in Klarna Payments.
		{"order: country", "authorized", "POST", placePath, orderOf("purchase_country", "FI", "purchase_currency", "EUR"), 409, "BAD_VALUE: Not matching fields: [purchase_country, purchase_currency]", "authorized"},
		{"order: number of lines", "authorized", "POST", placePath, faketest.Text(faketest.With(orderSE(), "order_lines", []any{orderSE()["order_lines"].([]any)[0]}, "order_amount", 39800, "order_tax_amount", 7960)),
			409, "BAD_VALUE: Not matching fields: [order_amount, order_tax_amount, Incorrect number of items in the cart. Expected: 2, Actual: 1]", "authorized"},
		{"order: number of lines of the same sum", "authorized", "POST", placePath, faketest.Text(faketest.With(orderSE(), "order_lines", []faketest.Line{{Type: "physical", Name: "All", Quantity: 1, UnitPrice: 44700, TaxRate: 2500, TotalAmount: 44700, TotalTaxAmount: 8940}})),
			409, anotherNumber, "authorized"},
		{"order: a line's name", "authorized", "POST", placePath, orderOf("order_lines[1].name", "Fracht"), 409, "BAD_VALUE: Not matching fields: [order_lines[1].name]", "authorized"},
		{"order: a line's reference", "authorized", "POST", placePath, orderOf("order_lines[0].reference", faketest.Gone{}), 409, "BAD_VALUE: Not matching fields: [order_lines[0].reference]", "authorized"},
		{"order: a postal code", "with address", "POST", placePath, orderOf("billing_address", faketest.With(faketest.Ada(), "postal_code", "11147")), 409, "BAD_VALUE: Not matching fields: [billing_address.postal_code]", "authorized"},
		{"order: another way to ship", "with address", "POST", placePath, orderOf("shipping_address", faketest.With(faketest.Ada(), "city", "Kiruna")), 409, "BAD_VALUE: Not matching fields: [shipping_address.city]", "authorized"},
		{"order: a member less", "with address", "POST", placePath, orderOf("billing_address", faketest.With(faketest.Ada(), "phone", faketest.Gone{})), 409, "BAD_VALUE: Not matching fields: [billing_address.phone]", "authorized"},
		{"order as authorized, after an update", "updated after the authorization", "POST", placePath, order, 409,
			"BAD_VALUE: Not matching fields: [order_amount, order_tax_amount, order_lines[0].quantity, order_lines[0].total_amount, order_lines[0].total_tax_amount]", "authorized"},
		{"order as updated, not authorized", "updated after the authorization", "POST", placePath, faketest.Text(faketest.With(faketest.CartOf(3), "purchase_country", "SE", "purchase_currency", "SEK")), 409,
			"BAD_VALUE: Not matching fields: [order_amount, order_tax_amount, order_lines[0].quantity, order_lines[0].total_amount, order_lines[0].total_tax_amount]", "authorized"},

		// Release. Source: docs.klarna.com, Cancel an authorization.
		{"release", "authorized", "DELETE", releasePath, "", 204, "-", "token deleted"},
		{"release again", "token deleted", "DELETE", releasePath, "", 404, noToken, "token deleted"},
		{"release an unknown one", "open", "DELETE", releasePath, "", 404, noToken, "open"},
		{"release the token before", "authorized twice", "DELETE", "/payments/v1/authorizations/{old}", "", 404, noToken, "authorized"},
		{"release after an hour", "token expired", "DELETE", releasePath, "", 404, noToken, "token expired"},
		{"release when complete", "complete", "DELETE", releasePath, "", 404, noDelete, "complete"},
		{"release when tokenized", "tokenized", "DELETE", releasePath, "", 404, noDelete, "authorized"},
		{"release when expired", "expired and authorized", "DELETE", releasePath, "", 404, noToken, "expired"},

		// Customer tokens. Source: docs.klarna.com, Create an order.
		{"customer token", "tokenize", "POST", tokenizePath, token, 200, `"token_id":"`, "authorized"},
		{"customer token, then buy", "buy_and_tokenize", "POST", tokenizePath, token, 200, `"redirect_url":"http://example.com/kp/v1/sessions/`, "authorized"},
		{"customer token again", "tokenized", "POST", tokenizePath, token, 200, `"payment_method_reference":"`, "authorized"},
		{"customer token, lower case", "tokenize", "POST", tokenizePath, tokenOf("intended_use", "subscription"), 200, `"token_id"`, "authorized"},
		{"customer token without currency", "tokenize", "POST", tokenizePath, tokenOf("purchase_currency", faketest.Gone{}), 200, `"token_id"`, "authorized"},
		{"customer token with the customer", "tokenize", "POST", tokenizePath, tokenOf("billing_address", faketest.Ada(), "customer.date_of_birth", "1941-03-21"), 200, `"customer":{"date_of_birth":"1941-03-21"}`, "authorized"},
		{"customer token again, other body", "tokenized", "POST", tokenizePath, tokenOf("description", "x"), 403, consumed, "authorized"},
		{"customer token after the order", "complete", "POST", tokenizePath, token, 403, consumed, "complete"},
		{"customer token, intent to buy", "authorized", "POST", tokenizePath, token, 403, "INVALID_OPERATION: Not allowed to create customer tokens for intent buy.", "authorized"},
		{"customer token of nothing", "tokenize", "POST", tokenizePath, "{}", 400, "BAD_VALUE: Bad value: description, intended_use", "authorized"},
		{"customer token of nothing, of a token that is spent", "complete", "POST", tokenizePath, "{}", 400, "BAD_VALUE: Bad value: description, intended_use", "complete"},
		{"customer token with a purpose only", "tokenize", "POST", tokenizePath, `{"description":"Jam","intended_use":"SUBSCRIPTION"}`, 400, "BAD_VALUE: Bad value: locale, purchase_country", "authorized"},
		{"customer token: two members", "tokenize", "POST", tokenizePath, tokenOf("description", "", "intended_use", "x"), 400, "BAD_VALUE: Bad value: description, intended_use", "authorized"},
		{"customer token: another country", "tokenize", "POST", tokenizePath, tokenOf("purchase_country", "NO"), 400, "BAD_VALUE: Bad value: purchase_country", "authorized"},
		{"customer token: billing in another country", "tokenize", "POST", tokenizePath, tokenOf("billing_address.country", "NO"), 400, "BAD_VALUE: Bad value: purchase_country", "authorized"},
		{"customer token: another address", "with address, to tokenize", "POST", tokenizePath, tokenOf("billing_address", faketest.With(faketest.Ada(), "city", "Kiruna")), 200, `"city":"Ankeborg"`, "authorized"},
		{"customer token: another currency", "tokenize", "POST", tokenizePath, tokenOf("purchase_currency", "NOK"), 400, "BAD_VALUE: Bad value: purchase_currency", "authorized"},
		{"customer token: e-mail", "tokenize", "POST", tokenizePath, tokenOf("billing_address.email", "x"), 400, "BAD_VALUE: Bad value: billing_address.email", "authorized"},
		{"customer token of parts", "in parts", "POST", tokenizePath, token, 400, "BAD_REQUEST: fixed_amount is not valid for creating customer tokens in SE", "authorized"},
		{"customer token without token", "open", "POST", tokenizePath, token, 404, noToken, "open"},
		{"customer token after an hour", "token expired", "POST", tokenizePath, token, 404, noToken, "token expired"},
		{"customer token of no JSON", "tokenize", "POST", tokenizePath, "x", 400, notJSON, "authorized"},

		// Use of customer tokens. Source: docs.klarna.com, Customer Token API reference.
		{"read a customer token", "tokenized", "GET", customerPath, "", 200, `{"payment_method_type":"INVOICE","status":"ACTIVE"}`, "authorized"},
		{"read a customer token with a card", "card tokenized", "GET", customerPath, "", 200, `{"payment_method_type":"CARD","status":"ACTIVE","card":{"brand":"VISA"`, "authorized"},
		{"read a customer token of parts by card", "parts by card tokenized", "GET", customerPath, "", 200, `{"payment_method_type":"SLICE_IT_BY_CARD","status":"ACTIVE"}`, "authorized"},
		{"read a cancelled one", "token cancelled", "GET", customerPath, "", 200, `"status":"CANCELLED"`, "authorized"},
		{"read an unknown customer token", "open", "GET", customerPath, "", 404, noCustomer, "open"},
		{"charge", "tokenized", "POST", customerPath + "/order", charge, 200, `"fraud_status":"ACCEPTED","authorized_payment_method":{"type":"invoice"}}`, "authorized"},
		{"charge with all members", "tokenized", "POST", customerPath + "/order", chargeOf("auto_capture", true, "step_up", "NOT_SUPPORTED", "shipping_address", faketest.Ada(),
			"merchant_urls.push", "https://shop.example/push", "attachment", map[string]any{"content_type": "application/vnd.klarna.internal.emd-v2+json", "body": "{}"}), 200, `"order_id"`, "authorized"},
		{"charge of nothing", "tokenized", "POST", customerPath + "/order", "{}", 400, "BAD_VALUE: Bad value: purchase_currency, order_amount, order_tax_amount, order_lines", "authorized"},
		{"charge nothing", "tokenized", "POST", customerPath + "/order", chargeOf("order_amount", 0), 400, "BAD_VALUE: Bad value: order_amount", "authorized"},
		{"charge a wrong sum", "tokenized", "POST", customerPath + "/order", chargeOf("order_amount", 1), 400, "BAD_VALUE: Bad value: order_amount", "authorized"},
		{"charge: data of a line", "tokenized", "POST", customerPath + "/order", chargeOf("order_lines[0].merchant_data", strings.Repeat("x", 256)), 400, "BAD_VALUE: Bad value: order_lines[0].merchant_data", "authorized"},
		{"charge: short phone number", "tokenized", "POST", customerPath + "/order", chargeOf("shipping_address.phone", "1234"), 400, "BAD_VALUE: Bad value: shipping_address.phone", "authorized"},
		{"charge: step_up", "tokenized", "POST", customerPath + "/order", chargeOf("step_up", "x"), 400, "BAD_VALUE: Bad value: step_up", "authorized"},
		{"charge in another currency", "tokenized", "POST", customerPath + "/order", chargeOf("purchase_currency", "NOK"), 403, "UNAVAILABLE_PAYMENT_METHOD: Payment method is not available in this currency", "authorized"},
		{"charge declined", "tokenized, charges fail", "POST", customerPath + "/order", charge, 403, "PAYMENT_METHOD_FAILED: Payment method failed", "authorized"},
		{"charge a cancelled token", "token cancelled", "POST", customerPath + "/order", charge, 403, cancelled, "authorized"},
		{"charge an unknown token", "open", "POST", customerPath + "/order", charge, 404, noCustomer, "open"},
		{"charge of no JSON", "tokenized", "POST", customerPath + "/order", "", 400, notJSON, "authorized"},
		{"cancel", "tokenized", "PATCH", customerPath + "/status", `{"status":"CANCELLED"}`, 202, "-", "authorized"},
		{"cancel again", "token cancelled", "PATCH", customerPath + "/status", `{"status":"CANCELLED"}`, 403, cancelled, "authorized"},
		{"a token does not come back", "token cancelled", "PATCH", customerPath + "/status", `{"status":"ACTIVE"}`, 400, "BAD_VALUE: Bad value: status", "authorized"},
		{"cancel without status", "tokenized", "PATCH", customerPath + "/status", `{}`, 400, "BAD_VALUE: Bad value: status", "authorized"},
		{"cancel an unknown token", "open", "PATCH", customerPath + "/status", `{"status":"CANCELLED"}`, 404, noCustomer, "open"},
		{"cancel with no JSON", "tokenized", "PATCH", customerPath + "/status", "", 400, notJSON, "authorized"},
	}
}

// TestPaymentsConformance: one row per rule.
func TestPaymentsConformance(t *testing.T) {
	rows := slices.Concat(payRows(), refusedPayments())
	if len(rows) < 110 {
		t.Errorf("%d rows, want 110 at least", len(rows))
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			s := newKPShop(t)
			payStates()[row.state](s)
			sessions := len(s.Fake.Sessions())
			row.check(t, s.Do(row.method, s.path(row.path), row.body))
			if got := s.state(); got != row.after {
				t.Errorf("the session is %q after, want %q", got, row.after)
			}
			if row.status >= 400 && len(s.Fake.Sessions()) != sessions {
				t.Error("a refused call made a session")
			}
		})
	}
}

func (row *payRow) check(t *testing.T, got faketest.Answer) {
	t.Helper()
	if got.Status != row.status {
		t.Fatalf("got %d %s, want %d", got.Status, got.Body, row.status)
	}
	correlationID, contentType := got.Header.Get("Klarna-Correlation-Id"), got.Header.Get("Content-Type")
	if correlationID == "" {
		t.Errorf("headers %v", got.Header)
	}
	wantType := "application/json;charset=utf-8"
	if strings.HasPrefix(row.path, "/customer-token/") {
		wantType = "application/json"
	}
	switch {
	case row.answer == "-":
		if len(got.Body) > 0 || contentType != "" {
			t.Errorf("got %q of type %q, want no body", got.Body, contentType)
		}
	case row.status < 300:
		if !strings.Contains(string(got.Body), row.answer) {
			t.Errorf("got  %s\nwant %s in it", got.Body, row.answer)
		}
		if contentType != wantType {
			t.Errorf("Content-Type %q", contentType)
		}
	default:
		var e struct {
			Code          string   `json:"error_code"`
			Messages      []string `json:"error_messages"`
			CorrelationID string   `json:"correlation_id"`
			Version       *string  `json:"service_version"`
		}
		if err := json.Unmarshal(got.Body, &e); err != nil || len(e.Messages) != 1 {
			t.Fatalf("got %s: %v", got.Body, err)
		}
		if is := e.Code + ": " + e.Messages[0]; is != row.answer {
			t.Errorf("got  %s\nwant %s", is, row.answer)
		}
		if e.CorrelationID != correlationID || e.Version != nil || contentType != "application/json" {
			t.Errorf("got %s with correlation ID %s and Content-Type %q", got.Body, correlationID, contentType)
		}
	}
}
