package management_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

var (
	anyUUID      = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	anyTime      = regexp.MustCompile(`\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z`)
	anyReference = regexp.MustCompile(`"klarna_reference":"[0-9A-Z]{8}`)
)

// shape puts ID, TIME and REF in the place of what differs from run to run.
func shape(body []byte) string {
	s := anyUUID.ReplaceAllString(string(body), "ID")
	return anyReference.ReplaceAllString(anyTime.ReplaceAllString(s, "TIME"), `"klarna_reference":"REF`)
}

// compact removes the line breaks and tabs of an indented JSON text.
func compact(s string) string { return strings.NewReplacer("\n", "", "\t", "").Replace(s) }

const (
	mugLine     = `{"reference":"MUG-1","type":"physical","quantity":2,"quantity_unit":"","name":"Mugg","total_amount":20000,"unit_price":10000,"total_discount_amount":0,"tax_rate":2500,"total_tax_amount":4000}`
	teaLine     = `{"reference":"TEA-1","type":"physical","quantity":1,"quantity_unit":"","name":"Te","total_amount":10000,"unit_price":10000,"total_discount_amount":0,"tax_rate":2500,"total_tax_amount":2000}`
	adaAddress  = `{"given_name":"Ada","family_name":"Approved","title":"","street_address":"Stårgatan 1","street_address2":"","postal_code":"12345","city":"Ankeborg","region":"","country":"SE","email":"ada@example.com","phone":"+46701234567"}`
	captureBody = `{"capture_id":"ID","klarna_reference":"REF-1","captured_amount":20000,"captured_at":"TIME","description":"First","reference":"S-1",
		"order_lines":[` + mugLine + `],"refunded_amount":10000,"billing_address":` + adaAddress + `,"shipping_address":` + adaAddress + `,
		"shipping_info":[{"shipping_company":"DHL","shipping_method":"Home","tracking_number":"1","tracking_uri":"https://dhl.example/1",
		"return_shipping_company":"R","return_tracking_number":"2","return_tracking_uri":"https://dhl.example/2"},{"tracking_number":"4711"}]}`
	refundBody = `{"refund_id":"ID","refunded_amount":10000,"refunded_at":"TIME","description":"Broken",
		"order_lines":[{"reference":"MUG-1","type":"physical","quantity":1,"quantity_unit":"","name":"Mugg","total_amount":10000,"unit_price":10000,"total_discount_amount":0,"tax_rate":0,"total_tax_amount":0}],"credit_invoice":false}`
)

// The objects as they are on the wire: members, their order and defaults.
func TestManagementObjects(t *testing.T) {
	o := newOffice(t, 0, false)
	o.order(func(p *management.Purchase) {
		p.MerchantReference1, p.MerchantReference2, p.MerchantData = "100", "B", "cart 1"
	})
	o.must(captures, `{"captured_amount":20000,"description":"First","reference":"S-1","order_lines":[`+mugLine+`],"shipping_info":[
		{"shipping_company":"DHL","shipping_method":"Home","tracking_number":"1","tracking_uri":"https://dhl.example/1",
		 "return_shipping_company":"R","return_tracking_number":"2","return_tracking_uri":"https://dhl.example/2"}]}`)
	o.must(parcel, `{"shipping_info":[{"tracking_number":4711}]}`)
	o.must(refunds, `{"refunded_amount":10000,"description":"Broken","reference":"R-1",
		"order_lines":[{"reference":"MUG-1","name":"Mugg","quantity":1,"unit_price":10000,"total_amount":10000}]}`)
	o.must(shipping, `{"shipping_info":[{"shipping_company":"UPS"}]}`)
	rows := map[string]string{
		"GET /captures":           "[" + captureBody + "]",
		"GET /captures/{capture}": captureBody,
		"GET /refunds/{refund}":   refundBody,
		"GET /captures/{capture}/extend-due-date-options": `{"currency":"SEK","options":[
			{"amount":2900,"number_of_days":14},{"amount":4900,"number_of_days":30},{"amount":9900,"number_of_days":60}]}`,
		"GET ": `{"order_id":"ID","status":"PART_CAPTURED","fraud_status":"ACCEPTED","order_amount":30000,"original_order_amount":30000,
			"captured_amount":20000,"refunded_amount":10000,"remaining_authorized_amount":10000,"purchase_currency":"SEK","locale":"sv-SE",
			"order_lines":[` + mugLine + "," + teaLine + `],"merchant_reference1":"100","merchant_reference2":"B","klarna_reference":"REF",
			"customer":{"date_of_birth":"1941-03-21","type":"person"},"billing_address":` + adaAddress + `,"shipping_address":` + adaAddress + `,
			"created_at":"TIME","purchase_country":"SE","expires_at":"TIME","captures":[` + captureBody + `],"refunds":[` + refundBody + `],
			"merchant_data":"cart 1","initial_payment_method":{"type":"INVOICE","description":"Pay later"},
			"shipping_info":[{"shipping_company":"UPS"}]}`,
	}
	for call, want := range rows {
		got := o.must(call, "")
		if diff := cmp.Diff(compact(want), shape(got.Body)); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", call, diff)
		}
	}
	v := o.managed()
	if v.Refunds[0].Reference != "R-1" {
		t.Errorf("the refund's reference is lost: %+v", v.Refunds[0])
	}
	v.Refunds[0].Reference = "" // not in an answer
	if got := o.must("GET ", ""); faketest.Text(v) != string(got.Body) {
		t.Errorf("Managed differs from the API:\n%s\n%s", faketest.Text(v), got.Body)
	}
}

// A new order has its lists, empty; what was never set is left out. A line
// without much gets Klarna's defaults.
func TestManagementDefaults(t *testing.T) {
	o := newOffice(t, 0, false)
	o.order()
	got := shape(o.must("GET ", "").Body)
	if !strings.Contains(got, `"captures":[],"refunds":[],"initial_payment_method"`) || strings.Contains(got, "merchant_") || !strings.Contains(got, `,"shipping_info":[]}`) {
		t.Errorf("got %s", got)
	}
	o.must(authorization, `{"order_amount":100,"order_lines":[{"name":"x","quantity":1,"unit_price":100,"total_amount":100}]}`)
	want := []fakeklarna.ManagedLine{{Type: "physical", Name: "x", Quantity: 1, UnitPrice: 100, TotalAmount: 100}}
	if diff := cmp.Diff(want, o.managed().OrderLines); diff != "" {
		t.Errorf("lines differ (-want +got):\n%s", diff)
	}
	o.must(authorization, `{"order_amount":90}`)
	if got := string(o.must("GET ", "").Body); !strings.Contains(got, `"order_lines":[]`) || !strings.Contains(got, `"original_order_amount":30000`) {
		t.Errorf("got %s, want no lines", got)
	}
	o.capture(90)
	if got := string(o.must("GET /captures", "").Body); !strings.Contains(got, `"description":"","order_lines":[],"refunded_amount":0`) ||
		!strings.Contains(got, `"shipping_info":[]}]`) {
		t.Errorf("got %s", got)
	}
}

// What the small updates leave behind.
func TestManagementUpdates(t *testing.T) {
	o := newOffice(t, 0, false)
	o.order(func(p *management.Purchase) { p.MerchantReference1, p.MerchantReference2 = "A", "B" })
	references := func() string { v := o.managed(); return v.MerchantReference1 + " " + v.MerchantReference2 }
	for _, row := range []struct{ body, want string }{
		{`{"merchant_reference1":"C"}`, "C B"}, {`{"merchant_reference2":"D"}`, "C D"}, {`{"merchant_reference1":null}`, "C D"}, {`{"merchant_reference1":""}`, " D"},
	} {
		if o.must("PATCH /merchant-references", row.body); references() != row.want {
			t.Errorf("%s: got %q, want %q", row.body, references(), row.want)
		}
	}
	before := o.managed()
	o.must(captures, amount("captured_amount", 1))
	o.must(details, `{"shipping_address":{"city":"Kiruna","phone":"","country":"se"}}`)
	want := before.ShippingAddress
	want.City, want.Phone = "Kiruna", ""
	after := o.managed()
	if after.ShippingAddress != want || after.BillingAddress != before.BillingAddress || after.Captures[0].ShippingAddress != before.ShippingAddress {
		t.Errorf("got %+v, %+v, %+v", after.ShippingAddress, after.BillingAddress, after.Captures[0].ShippingAddress)
	}
	o.must(shipping, `{"shipping_info":[{"tracking_number":"1"}]}`)
	o.must(shipping, `{"shipping_info":[{"tracking_number":"2"},{"tracking_number":"3"}]}`)
	if got := faketest.Text(o.managed().ShippingInfo); got != `[{"tracking_number":"1"},{"tracking_number":"2"},{"tracking_number":"3"}]` {
		t.Errorf("got %s, want all three", got)
	}
	o.capture(2)
	if c := o.managed().Captures; c[1].KlarnaReference != before.KlarnaReference+"-2" {
		t.Errorf("got %q", c[1].KlarnaReference)
	}
	if got := string(o.must("GET /captures/{capture}/extend-due-date-options", "").Body); !strings.HasPrefix(got, `{"currency":"SEK","options":[{`) {
		t.Errorf("got %s", got)
	}
	o.order(by("card", "SE"))
	o.capture(1)
	if got := string(o.must("GET /captures/{capture}/extend-due-date-options", "").Body); got != `{"currency":"SEK","options":[]}` {
		t.Errorf("by card: got %s", got)
	}
}

// How purchases are taken over.
func TestManagementPurchases(t *testing.T) {
	o := newOffice(t, 0, false)
	types := map[string]string{}
	for _, method := range []string{"pay_later", "bank_account", "card", "direct_debit", "fixed_amount", "slice_it_by_card", "barter"} {
		o.order(by(method, "SE"))
		types[method] = faketest.Text(o.managed().InitialPaymentMethod)
	}
	if diff := cmp.Diff(map[string]string{
		"pay_later":        `{"type":"INVOICE","description":"Pay later"}`,
		"bank_account":     `{"type":"BANK_TRANSFER","description":"Bank account"}`,
		"card":             `{"type":"CARD","description":"Card"}`,
		"direct_debit":     `{"type":"DIRECT_DEBIT","description":"Direct debit"}`,
		"fixed_amount":     `{"type":"FIXED_AMOUNT","description":"Instalments"}`,
		"slice_it_by_card": `{"type":"FIXED_AMOUNT_BY_CARD","description":"Instalments by card","number_of_installments":3}`,
		"barter":           `{"type":"OTHER","description":"barter"}`,
	}, types); diff != "" {
		t.Errorf("payment methods differ (-want +got):\n%s", diff)
	}
	o.order(by("slice_it_by_card", "US"))
	if got, want := faketest.Text(o.managed().InitialPaymentMethod), `{"type":"FIXED_AMOUNT_BY_CARD","description":"Slice it (Fixed Payments by Card)","number_of_installments":4}`; got != want {
		t.Errorf("in the US: got %s, want %s", got, want)
	}
	o.order(func(p *management.Purchase) {
		p.Customer = wire.Customer{Type: "organization", OrganizationRegistrationID: "556000-0000", VATID: "SE1"}
		p.Billing = wire.Address{OrganizationName: "Ada AB", StreetName: "Weg", StreetNumber: "1", HouseExtension: "b", CareOf: "Bo", Country: "de"}
		p.Option = &wire.ShippingOption{ID: "x", Name: "Express", Price: 100, TaxAmount: 20, TaxRate: 2500, ShippingMethod: "Home", TMSReference: "T",
			DeliveryDetails: json.RawMessage(`{"carrier":"C","class":"K","product":{"name":"N","identifier":"I"},"timeslot":{"id":"1"},"pickup_location":{"id":"2"}}`)}
	})
	v := o.managed()
	if got, want := faketest.Text(v.Customer), `{"type":"organization"}`; got != want {
		t.Errorf("got customer %s, want %s", got, want)
	}
	if got, want := faketest.Text(v.BillingAddress), `{"title":"","street_address":"Weg 1 b","street_address2":"","region":"","country":"DE","organization_name":"Ada AB","attention":"Bo"}`; got != want {
		t.Errorf("got address %s, want %s", got, want)
	}
	if got, want := faketest.Text(v.SelectedShippingOption), `{"id":"x","name":"Express","carrier":"C","carrier_product":{"identifier":"I","name":"N"},"method":"Home","class":"K",`+
		`"price":100,"tax_amount":20,"tax_rate":2500,"tms_reference":"T","location":{"id":"2"},"timeslot":{"id":"1"}}`; got != want {
		t.Errorf("got option %s, want %s", got, want)
	}
	o.capture(100)
	o.refund(100)
	if v := o.managed(); v.InitialPaymentMethod.Type != "INVOICE_BUSINESS" || !v.Refunds[0].CreditInvoice {
		t.Errorf("got %+v, refund %+v", v.InitialPaymentMethod, v.Refunds[0])
	}
	o.order(func(p *management.Purchase) { p.AutoCapture = true })
	if v := o.managed(); o.sum() != "CAPTURED 30000/30000/0/0" || len(v.Captures[0].OrderLines) != 2 || o.acknowledged() {
		t.Errorf("captured at once: got %s", faketest.Text(v))
	}
	o.order(func(p *management.Purchase) { p.AutoCapture, p.Amount = true, 0 })
	if o.sum() != "AUTHORIZED 0/0/0/0" {
		t.Errorf("nothing captured at once: got %s", o.sum())
	}
}

// From a purchase in the checkout to the order, over the network.
func TestManagementAfterCheckout(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "shipping_options", faketest.Options, "merchant_data", "cart 7"))
	path := "/ordermanagement/v1/orders/" + s.ID
	if got := s.Send("GET", path, ""); got.Status != 404 || !strings.Contains(string(got.Body), "NO_SUCH_ORDER") || s.Order().Fake.OrderManagement != nil {
		t.Errorf("before the purchase: got %d %s", got.Status, got.Body)
	}
	s.Shopper(faketest.Action{Type: map[string]string{"email": "ada@example.com"}, ShippingOption: "post", Buy: &fakeklarna.Buy{Method: "card"}})
	var v fakeklarna.ManagedOrder
	if got := s.Send("GET", path, ""); json.Unmarshal(got.Body, &v) != nil || got.Status != 200 {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	o := s.Order()
	if v.OrderAmount != o.OrderAmount || v.PurchaseCountry != "SE" || v.PurchaseCurrency != "SEK" || v.Locale != "sv-SE" || len(v.OrderLines) != len(o.OrderLines) ||
		v.MerchantReference1 != "100123" || v.MerchantData != "cart 7" || v.SelectedShippingOption.ID != "post" || v.InitialPaymentMethod.Type != "CARD" ||
		v.BillingAddress.Email != "ada@example.com" || v.BillingAddress.Country != "SE" || v.Customer.Type != "person" || v.Status != "AUTHORIZED" {
		t.Errorf("got %s", faketest.Text(v))
	}
	if o.Fake.Acknowledged || faketest.Text(o.Fake.OrderManagement) != faketest.Text(v) {
		t.Errorf("got %s", faketest.Text(o.Fake))
	}
	got := s.Send("POST", path+"/captures", amount("captured_amount", v.OrderAmount))
	if got.Status != 201 || got.Header.Get("Location") != s.Fake.URL+path+"/captures/"+got.Header.Get("Capture-Id") || got.Header.Get("Content-Length") != "0" {
		t.Errorf("got %d, headers %v", got.Status, got.Header)
	}
	if at := strings.TrimPrefix(got.Header.Get("Location"), s.Fake.URL); s.Send("GET", at, "").Status != 200 {
		t.Errorf("there is no capture at %s", at)
	}
	if o = s.Order(); !o.Fake.Acknowledged || o.Fake.OrderManagement.Status != "CAPTURED" || o.Status != "checkout_complete" {
		t.Errorf("got %s", faketest.Text(o.Fake))
	}
	if calls := s.Fake.Requests(s.ID); len(calls) != 5 {
		t.Errorf("got %d calls recorded for the order, want 5", len(calls))
	}
}

// What ends pushes: a call, or a capture by the merchant.
func TestManagementAcknowledged(t *testing.T) {
	for name, call := range map[string][2]string{"call": {ack, ""}, "capture": {captures, amount("captured_amount", 1)}, "reading": {"GET ", ""}} {
		o := newOffice(t, 0, false)
		o.order()
		before := o.acknowledged()
		o.must(call[0], call[1])
		o.must(call[0], call[1])
		if after := o.acknowledged(); before || after != (name != "reading") {
			t.Errorf("%s: got %v, then %v", name, before, after)
		}
	}
}

// What is told of an order.
func TestManagementEvents(t *testing.T) {
	o := newOffice(t, 0, false)
	o.order()
	expires, _ := time.Parse(time.RFC3339, o.managed().ExpiresAt)
	o.must(ack, "")
	o.must(ack, "")
	o.must(authorization, `{"order_amount":40050,"order_lines":[`+strings.Replace(mugLine, `"quantity":2`, `"quantity":5`, 1)+`]}`)
	o.must("PATCH /merchant-references", `{"merchant_reference1":"A"}`)
	o.must(details, someDetails)
	o.must(shipping, oneParcel)
	o.fake.Advance(day)
	o.must(extend, "")
	o.must(captures, `{"captured_amount":10300,"order_lines":[`+mugLine+`]}`)
	o.must(sendOut, "")
	o.must(dueDate, amount("number_of_days", 30))
	o.must(refunds, `{"refunded_amount":20,"order_lines":[{"reference":"MUG-1","name":"x","quantity":1,"unit_price":20,"total_amount":20}]}`)
	o.refund(5)
	o.must(release, "")
	reference := o.managed().KlarnaReference
	want := []string{
		"authorized 300.00 SEK, fraud_status ACCEPTED", "acknowledged", "order_amount 300.00 → 400.50",
		"quantity of MUG-1 2 → 5", "quantity of TEA-1 1 → 0", `merchant_reference1 "" → "A"`, "shipping_address changed", "shipping info added: DHL 1",
		fmt.Sprintf("expires_at %s → %s", expires.Format("2006-01-02T15:04:05.000Z"), expires.Add(day).Format("2006-01-02T15:04:05.000Z")),
		"captured 103.00", "status AUTHORIZED → PART_CAPTURED", "message about capture " + reference + "-1 sent to the customer again",
		"due date of capture " + reference + "-1 extended by 30 days", "refunded 0.20", "refund of 0.20 allocated to capture " + reference + "-1",
		"refunded 0.05", "refund of 0.05 not allocated to a capture", "remaining authorization of 297.50 released", "status PART_CAPTURED → CAPTURED",
	}
	if diff := cmp.Diff(want, o.events()); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

// What the gateway answers before the API is asked, and how its errors differ
// from those of the checkout.
func TestManagementTransport(t *testing.T) {
	o := newOffice(t, 0, false)
	o.order()
	at := "/ordermanagement/v1/orders/" + o.id
	wide := `{"description":"` + strings.Repeat("a", 1<<20) + `"}`
	rows := []struct {
		name, method, path, body, password string
		status                             int
		contentType, part, absent          string
		header                             map[string]string
	}{
		{"wrong password", "GET", at, "", "x", 401, "text/html", "<h1>401", "{", map[string]string{"WWW-Authenticate": `Basic realm="very closed site"`}},
		{"wrong password, Payments", "POST", "/payments/v1/sessions", "{}", "x", 401, "text/html", "<h1>401", "{", nil},
		{"wrong password, tokens", "GET", "/customer-token/v1/tokens/x", "", "x", 401, "text/html", "<h1>401", "{", nil},
		{"wrong password, checkout", "GET", "/checkout/v3/orders/x", "", "x", 401, "text/html", "<h1>401", "{", map[string]string{"WWW-Authenticate": `Basic realm="very closed site"`}},
		{"wrong password, no such path", "GET", "/ordermanagement/v2", "", "x", 401, "text/html", "<h1>401", "", nil},
		{"over 1 MiB", "POST", at + "/captures", wide, "demo", 413, "application/json", `{"error_code":"REQUEST_TOO_LARGE","error_messages":["Request is too large"],"correlation_id":`, "service_version", nil},
		{"over 8 MiB", "POST", at + "/captures", strings.Repeat(wide, 9), "demo", 413, "application/json", "REQUEST_TOO_LARGE", "service_version", nil},
		{"over 1 MiB, not looked at", "POST", at + "/acknowledge", wide, "demo", 413, "application/json", "REQUEST_TOO_LARGE", "", nil},
		{"over 8 MiB, checkout", "POST", "/checkout/v3/orders", strings.Repeat(wide, 9), "demo", 413, "application/json", "BAD_REQUEST", "REQUEST_TOO_LARGE", nil},
		{"no order ID", "GET", "/ordermanagement/v1/orders/", "", "demo", 404, "application/json", `"status":404,"error":"Not Found","message":"No message available","path":"/ordermanagement/v1/orders/"}`, "error_code", nil},
		{"no such path", "POST", at + "/buy", "", "demo", 404, "application/json", `{"timestamp":"`, "error_code", nil},
		{"wrong method", "DELETE", at, "", "demo", 405, "application/json", `"error_code":"HTTP_ERROR","error_messages":[""]`, "service_version", map[string]string{"Allow": "GET"}},
		{"wrong method, captures", "PUT", at + "/captures", "", "demo", 405, "application/json", "HTTP_ERROR", "", map[string]string{"Allow": "GET, POST"}},
		{"placeholder not filled in", "GET", "/ordermanagement/v1/orders/{order_id}", "", "demo", 400, "text/html;charset=utf-8", "HTTP Status 400", "error_code", nil},
		{"slash at the end", "GET", at + "/", "", "demo", 200, "application/json", `"order_id"`, "", nil},
		{"checkout keeps its version", "POST", "/checkout/v3/orders", "{}", "demo", 405, "application/json", `"service_version":"SNAPSHOT"`, "", nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), row.method, "/", strings.NewReader(row.body))
			r.URL.Path, r.RequestURI = row.path, row.path
			r.SetBasicAuth("demo", row.password)
			w := httptest.NewRecorder()
			o.fake.ServeAPI(w, r)
			body := w.Body.String()
			if w.Code != row.status || w.Header().Get("Content-Type") != row.contentType || !strings.Contains(body, row.part) || row.absent != "" && strings.Contains(body, row.absent) {
				t.Errorf("got %d %s %.200s", w.Code, w.Header().Get("Content-Type"), body)
			}
			for name, want := range row.header {
				if got := w.Header().Get(name); got != want {
					t.Errorf("got %s %q, want %q", name, got, want)
				}
			}
		})
	}
	if o.sum() != untouched {
		t.Errorf("the order changed: %s", o.sum())
	}
}

// What a fault answers that names a status only: each API says it in its way.
func TestManagementFaults(t *testing.T) {
	o := newOffice(t, 0, false)
	o.order()
	for status, want := range map[int]string{
		400: `"error_code":"INVALID_ORDER_ID"`, 401: "<h1>401", 403: `"error_code":"NOT_ALLOWED"`, 404: `"error_code":"NO_SUCH_ORDER"`,
		409: `"error_code":"CONFLICT","error_messages":[],`, 413: `"error_code":"REQUEST_TOO_LARGE"`, 422: `"error_code":"UNPROCESSABLE_ENTITY"`,
		429: "",
		500: `"error_code":"INTERNAL_SERVER_ERROR","error_messages":["Unexpected server error"]`,
		502: `"error_code":"TEMPORARILY_UNAVAILABLE"`, 503: `"error_messages":["Temporarily unavailable"]`, 504: `"error_code":"TEMPORARILY_UNAVAILABLE"`,
	} {
		o.fake.AddFault(faketest.Fault{Status: status})
		if got := o.call("GET ", ""); got.Status != status || !strings.Contains(string(got.Body), want) {
			t.Errorf("got %d %s, want %d with %s", got.Status, got.Body, status, want)
		}
	}
	o.fake.AddFault(faketest.Fault{Status: 401, Header: map[string]string{"Retry-After": "1"}})
	if got := o.call("GET ", ""); got.Header.Get("Retry-After") != "1" || got.Header.Get("WWW-Authenticate") == "" || got.Header.Get("Content-Type") != "text/html" {
		t.Errorf("got headers %v", got.Header)
	}
	if o.must("GET ", "").Status != http.StatusOK {
		t.Error("a fault is left")
	}
}
