package management_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/management"
)

// managedRow is one rule: a call in a state, its answer and the state after.
type managedRow struct {
	state string // of managedStates or moreManagedStates, "" = AUTHORIZED
	call  string
	body  string
	want  string // status, error_code and message; IDs as in the call
	after string // office.sum after, "" = as before
}

// moreManagedStates are states besides those of the state table.
var moreManagedStates = map[string]func(*office){
	"unknown":     func(o *office) { o.id = nobody },
	"no UUID":     func(o *office) { o.id = "1234" },
	"in capitals": func(o *office) { o.order(); o.id = strings.ToUpper(o.id) },
	"day 28":      func(o *office) { o.order(); o.fake.Advance(27 * day) },
	"captured, day 60": func(o *office) {
		o.order()
		o.capture(30000)
		o.fake.Advance(60 * day)
	},
	"80.00 captured":   func(o *office) { o.order(); o.capture(8000) },
	"50.00 refunded":   func(o *office) { o.order(); o.capture(10000); o.refund(5000) },
	"all refunded":     func(o *office) { o.order(); o.capture(30000); o.refund(30000) },
	"two captures":     func(o *office) { o.order(); o.capture(10000); o.capture(20000) },
	"raised to 400":    func(o *office) { o.order(); o.must("PATCH /authorization", amount("order_amount", 40000)) },
	"raise denied":     func(o *office) { o.order(email("ada+denied-raise@example.com")) },
	"by card":          func(o *office) { o.order(by("card", "SE")) },
	"in the US":        func(o *office) { o.order(by("card", "US")) },
	"captured by card": func(o *office) { o.order(by("card", "SE")); o.capture(30000) },
	"captured in US":   func(o *office) { o.order(by("pay_later", "US")); o.capture(30000) },
	"US credit":        func(o *office) { o.order(by("fixed_sum_credit", "US")) },
	"Norwegian credit": func(o *office) { o.order(by("fixed_sum_credit", "NO")) },
	"of nothing":       func(o *office) { o.order(func(p *management.Purchase) { p.Amount = 0 }) },
	"referenced":       func(o *office) { o.order(func(p *management.Purchase) { p.MerchantReference1 = "A" }) },
}

func email(address string) func(*management.Purchase) {
	return func(p *management.Purchase) { p.Billing.Email = address }
}

func by(method, country string) func(*management.Purchase) {
	return func(p *management.Purchase) { p.Method, p.Country = method, country }
}

// enter puts the office's order into a state.
func (o *office) enter(state string) {
	o.t.Helper()
	if i := slices.IndexFunc(managedStates, func(s struct {
		name, sum string
		make      func(*office)
	}) bool {
		return s.name == state
	}); i >= 0 {
		managedStates[i].make(o)
		return
	}
	set, ok := moreManagedStates[state]
	if !ok {
		o.t.Fatalf("there is no state %q", state)
	}
	set(o)
}

const (
	order         = "GET "
	ack           = "POST /acknowledge"
	authorization = "PATCH /authorization"
	references    = "PATCH /merchant-references"
	details       = "PATCH /customer-details"
	shipping      = "POST /shipping-info"
	cancelling    = "POST /cancel"
	extend        = "POST /extend-authorization-time"
	release       = "POST /release-remaining-authorization"
	captures      = "POST /captures"
	refunds       = "POST /refunds"
	oneCapture    = "GET /captures/{capture}"
	oneRefund     = "GET /refunds/{refund}"
	parcel        = "POST /captures/{capture}/shipping-info"
	sendOut       = "POST /captures/{capture}/trigger-send-out"
	dueOptions    = "GET /captures/{capture}/extend-due-date-options"
	dueDate       = "PATCH /captures/{capture}/extend-due-date"

	untouched   = "AUTHORIZED 30000/0/0/30000"
	notAllowed  = "403 NOT_ALLOWED "
	notCapture  = "403 CAPTURE_NOT_ALLOWED "
	notRefund   = "403 REFUND_NOT_ALLOWED "
	notCancel   = "403 CANCEL_NOT_ALLOWED "
	noOrder     = "404 NO_SUCH_ORDER Order {id} cannot be found."
	noCapture   = "404 NO_SUCH_CAPTURE Capture could not be found."
	badID       = "400 INVALID_ORDER_ID Order ID must be a valid UUID."
	invalid     = "422 UNPROCESSABLE_ENTITY "
	badAddress  = "422 INVALID_ADDRESS The shipping and/or billing address is invalid"
	notUpdated  = notAllowed + "Update not allowed."
	oneParcel   = `{"shipping_info":[{"shipping_company":"DHL","tracking_number":"1"}]}`
	someDetails = `{"shipping_address":{"city":"Kiruna"}}`
)

var managedRows = []managedRow{
	// Unknown and malformed IDs, and which of two errors is answered.
	{"unknown", order, "", noOrder, ""},
	{"unknown", ack, "", noOrder + " Acknowledgement not possible.", ""},
	{"unknown", authorization, `{"order_amount":1}`, noOrder, ""},
	{"unknown", references, `{}`, "404 NO_SUCH_ORDER Order cannot be found. Merchant references cannot be updated.", ""},
	{"unknown", details, `{}`, noOrder, ""},
	{"unknown", shipping, oneParcel, noOrder + " Shipping info cannot be added to order {id}.", ""},
	{"unknown", cancelling, "", noOrder, ""},
	{"unknown", extend, "", noOrder, ""},
	{"unknown", release, "", noOrder, ""},
	{"unknown", captures, amount("captured_amount", 1), noOrder, ""},
	{"unknown", "GET /captures", "", noOrder, ""},
	{"unknown", oneCapture, "", noOrder, ""},
	{"unknown", parcel, oneParcel, noOrder + " Shipping info cannot be added to capture {capture}.", ""},
	{"unknown", sendOut, "", noOrder, ""},
	{"unknown", dueOptions, "", noOrder, ""},
	{"unknown", dueDate, amount("number_of_days", 14), noOrder, ""},
	{"unknown", refunds, amount("refunded_amount", 1), "404 NOT_FOUND Order {id} cannot be found.", ""},
	{"unknown", oneRefund, "", "404 NOT_FOUND Refund {refund} cannot be found for order {id}", ""},
	{"no UUID", order, "", badID, ""},
	{"no UUID", captures, "{}", badID, ""},
	{"no UUID", oneRefund, "", badID, ""},
	{"unknown", captures, "{}", invalid + "'captured_amount' must not be null", ""},
	{"CANCELLED", captures, "{}", invalid + "'captured_amount' must not be null", ""},
	{"in capitals", ack, "", "204", ""},
	{"CAPTURED", "GET /captures/" + nobody, "", noCapture, ""},
	{"CAPTURED", "GET /captures/x", "", noCapture, ""},
	{"CAPTURED", "POST /captures/" + nobody + "/shipping-info", oneParcel, noCapture[:len(noCapture)-1] + ". Shipping info cannot be added to capture " + nobody, ""},
	{"AUTHORIZED", parcel, oneParcel, notAllowed + "Order has no captures. Shipping info cannot be added to capture {capture}", ""},
	{"CAPTURED", "POST /captures/" + nobody + "/trigger-send-out", "", noCapture + " Send out cannot be triggered for capture " + nobody, ""},
	{"CAPTURED", "GET /captures/" + nobody + "/extend-due-date-options", "", noCapture, ""},
	{"CAPTURED", "PATCH /captures/" + nobody + "/extend-due-date", amount("number_of_days", 14), noCapture + " Due date cannot be extended for capture " + nobody, ""},
	{"CAPTURED", oneRefund, "", "404 NOT_FOUND Refund {refund} cannot be found for order {id}", ""},
	{"CAPTURED", "GET /refunds/x", "", "400 NOT_FOUND Refund x cannot be found for order {id}", ""},

	// Bodies.
	{"", captures, "", "400 BAD_VALUE Bad value: body", ""},
	{"", captures, "[]", "400 BAD_VALUE Bad value: body", ""},
	{"", captures, "{", "400 BAD_VALUE Bad value: body", ""},
	{"", captures, `{"captured_amount":"1"}`, "400 BAD_VALUE Bad value: captured_amount", ""},
	{"", captures, `{"captured_amount":1.5}`, "400 BAD_VALUE Bad value: captured_amount", ""},
	{"", captures, `{"captured_amount":1,"order_lines":{}}`, "400 BAD_VALUE Bad value: order_lines", ""},
	{"", captures, `{"captured_amount":1,"order_lines":[1]}`, "400 BAD_VALUE Bad value: order_lines", ""},
	{"", captures, `{"captured_amount":1,"description":{}}`, "400 BAD_VALUE Bad value: description", ""},
	{"", captures, `{"captured_amount":null}`, invalid + "'captured_amount' must not be null", ""},
	{"", captures, `{"captured_amount":1,"tracking":true,"description":null}`, "201", "PART_CAPTURED 30000/1/0/29999"},
	{"", captures, `{"captured_amount":1,"shipping_info":[{"tracking_number":4711}]}`, "201", "PART_CAPTURED 30000/1/0/29999"},
	{"", refunds, "", "400 BAD_VALUE Bad value: body", ""},
	{"", refunds, "{}", invalid + "'refunded_amount' must not be null", ""},
	{"", authorization, "{}", invalid + "'order_amount' must not be null", ""},
	{"", shipping, "{}", invalid + "'shipping_info' must not be null", ""},
	{"CAPTURED", parcel, "{}", invalid + "'shipping_info' must not be null", ""},
	{"CAPTURED", dueDate, "{}", invalid + "'number_of_days' must not be null", ""},
	{"", references, "{}", "204", ""},
	{"", details, "{}", "204", ""},
	{"", ack, "{ no JSON", "204", ""},
	{"", cancelling, "[]", "204", "CANCELLED 30000/0/0/30000"},

	// Authorization.
	{"", authorization, `{"order_amount":20000}`, "204", "AUTHORIZED 20000/0/0/20000"},
	{"", authorization, `{"order_amount":0}`, "204", "AUTHORIZED 0/0/0/0"},
	{"", authorization, `{"order_amount":30000}`, "204", ""},
	{"", authorization, `{"order_amount":40000}`, "204", "AUTHORIZED 40000/0/0/40000"},
	{"", authorization, `{"order_amount":200000000}`, "204", "AUTHORIZED 200000000/0/0/200000000"},
	{"raised to 400", authorization, `{"order_amount":50000}`, "204", "AUTHORIZED 50000/0/0/50000"},
	{"PART_CAPTURED", authorization, `{"order_amount":10000}`, "204", "CAPTURED 10000/10000/0/0"},
	{"PART_CAPTURED", authorization, `{"order_amount":40000}`, "204", "PART_CAPTURED 40000/10000/0/30000"},
	{"80.00 captured", authorization, `{"order_amount":7000}`, notAllowed +
		"Resulting authorization amount 7000 cannot be less than the captured amount 8000 for order. Order authorization cannot be updated", ""},
	{"CAPTURED", authorization, `{"order_amount":40000}`, notUpdated, ""},
	{"CANCELLED", authorization, `{"order_amount":20000}`, notUpdated, ""},
	{"EXPIRED", authorization, `{"order_amount":20000}`, notUpdated, ""},
	{"raise denied", authorization, `{"order_amount":30001}`, notUpdated, ""},
	{"raise denied", authorization, `{"order_amount":30000}`, "204", ""},
	{"raise denied", authorization, `{"order_amount":29999}`, "204", "AUTHORIZED 29999/0/0/29999"},
	{"by card", authorization, `{"order_amount":30001}`, notUpdated, ""},
	{"by card", authorization, `{"order_amount":29999}`, "204", "AUTHORIZED 29999/0/0/29999"},

	// Merchant references.
	{"referenced", references, `{"merchant_reference1":"","merchant_reference2":"B"}`, "204", ""},
	{"CANCELLED", references, `{"merchant_reference1":"B"}`, notAllowed + "Order is cancelled. Merchant references cannot be updated.", ""},

	// Customer details.
	{"", details, someDetails, "204", ""},
	{"", details, `{"shipping_address":{"street_address2":"","phone":""}}`, "204", ""},
	{"", details, `{"billing_address":{"city":"Kiruna"},"shipping_address":{"city":"Kiruna"}}`, notAllowed +
		"Billing address cannot be updated for user account order. Customer details cannot be updated.", ""},
	{"CAPTURED", details, someDetails, notAllowed + "Order is captured. Customer details cannot be updated.", ""},
	{"raise denied", details, someDetails, notUpdated, ""},
	{"raise denied", details, `{"shipping_address":{"city":"Ankeborg"}}`, "204", ""},
	{"", details, `{"shipping_address":{"given_name":""}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"family_name":""}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"street_address":""}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"postal_code":""}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"city":""}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"country":""}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"country":"XX"}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"postal_code":"ABC"}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"country":"no"}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"country":"no","postal_code":"0150"}}`, "204", ""},
	{"", details, `{"shipping_address":{"country":"US","postal_code":"10001"}}`, badAddress, ""},
	{"", details, `{"shipping_address":{"country":"US","postal_code":"10001","region":"NY"}}`, "204", ""},

	// Shipping info.
	{"", shipping, oneParcel, "204", ""},
	{"", shipping, `{"shipping_info":[{}]}`, "204", ""},
	{"", shipping, `{"shipping_info":[]}`, invalid + "The size of the shipping_info value must be between 1 and 500", ""},
	{"", shipping, `{"shipping_info":[{"shipping_method":"ByBike"}]}`, invalid + "The shipping_info/shipping_method value is not valid", ""},
	{"", shipping, `{"shipping_info":[{"shipping_method":"PalletDelivery"}]}`, "204", ""},

	// Cancel.
	{"", cancelling, "", "204", "CANCELLED 30000/0/0/30000"},
	{"PART_CAPTURED", cancelling, "", notCancel + "Order has previous captures. Cancel not possible.", ""},
	{"CAPTURED", cancelling, "", notCancel + "Order has previous captures. Cancel not possible.", ""},
	{"CANCELLED", cancelling, "", "204", ""},
	{"EXPIRED", cancelling, "", notCancel + "Order is expired. Cancel not possible.", ""},

	// Acknowledge.
	{"CANCELLED", ack, "", notAllowed + "Order is cancelled. Acknowledgement not possible.", ""},

	// Extend and release.
	{"EXPIRED", extend, "", notAllowed + "Order is expired. Authorization time cannot be extended.", ""},
	{"CANCELLED", extend, "", notAllowed + "Order is cancelled. Authorization time cannot be extended.", ""},
	{"CAPTURED", extend, "", notAllowed + "Order is fully captured. Authorization time cannot be extended.", ""},
	{"by card", extend, "", notAllowed + "Authorization time cannot be extended for this payment method.", ""},
	{"US credit", extend, "", notAllowed + "Authorization time cannot be extended for this payment method.", ""},
	{"Norwegian credit", extend, "", "204", ""},
	{"PART_CAPTURED", release, "", "204", "CAPTURED 30000/10000/0/0"},
	{"AUTHORIZED", release, "", notAllowed + "Order has no captures. Remaining authorization cannot be released.", ""},
	{"CAPTURED", release, "", notAllowed + "Order is fully captured. Remaining authorization cannot be released.", ""},
	{"released", release, "", notAllowed + "Order is fully captured. Remaining authorization cannot be released.", ""},
	{"CANCELLED", release, "", notAllowed + "Order is cancelled. Remaining authorization cannot be released.", ""},
	{"EXPIRED, partly captured", release, "", notAllowed + "Order is expired. Remaining authorization cannot be released.", ""},

	// Captures.
	{"", captures, amount("captured_amount", 30000), "201", "CAPTURED 30000/30000/0/0"},
	{"", captures, amount("captured_amount", 1), "201", "PART_CAPTURED 30000/1/0/29999"},
	{"", captures, amount("captured_amount", 30001), notCapture + "Captured amount is higher than the remaining authorized amount. Capture not possible.", ""},
	{"PART_CAPTURED", captures, amount("captured_amount", 20000), "201", "CAPTURED 30000/30000/0/0"},
	{"PART_CAPTURED", captures, amount("captured_amount", 20001), notCapture + "Captured amount is higher than the remaining authorized amount. Capture not possible.", ""},
	{"CAPTURED", captures, amount("captured_amount", 1), notCapture + "Captured amount is higher than the remaining authorized amount. Capture not possible.", ""},
	{"released", captures, amount("captured_amount", 1), notCapture + "Captured amount is higher than the remaining authorized amount. Capture not possible.", ""},
	{"EXPIRED", captures, amount("captured_amount", 1), notCapture + "Order {id} is expired. Capture not possible.", ""},
	{"CANCELLED", captures, amount("captured_amount", 1), notCapture + "Order is cancelled. Capture not possible.", ""},
	{"CLOSED", captures, amount("captured_amount", 1), notCapture + "Capture not allowed", ""},
	{"PENDING", captures, amount("captured_amount", 1), notCapture + "Capture not allowed", ""},
	{"of nothing", captures, amount("captured_amount", 1), notCapture + "Captured amount is higher than the remaining authorized amount. Capture not possible.", ""},
	{"day 28", captures, amount("captured_amount", 30000), "201", "CAPTURED 30000/30000/0/0"},
	{"captured, day 60", order, "", "200", ""},
	{"", captures, `{"captured_amount":1,"shipping_delay":3}`, "201", "PART_CAPTURED 30000/1/0/29999"},
	{"", captures, `{"captured_amount":100,"order_lines":[{"name":"x","quantity":1,"unit_price":7,"total_amount":7}]}`, "201", "PART_CAPTURED 30000/100/0/29900"},

	// Refunds.
	{"AUTHORIZED", refunds, amount("refunded_amount", 1), notRefund + "Order has no captures. Refund not possible", ""},
	{"CANCELLED", refunds, amount("refunded_amount", 1), notRefund + "Order has no captures. Refund not possible", ""},
	{"EXPIRED", refunds, amount("refunded_amount", 1), notRefund + "Order has no captures. Refund not possible", ""},
	{"PART_CAPTURED", refunds, amount("refunded_amount", 10000), "201", "PART_CAPTURED 30000/10000/10000/20000"},
	{"PART_CAPTURED", refunds, amount("refunded_amount", 10001), notRefund + "Over refund is not allowed. Refund not possible.", ""},
	{"50.00 refunded", refunds, amount("refunded_amount", 5000), "201", "PART_CAPTURED 30000/10000/10000/20000"},
	{"50.00 refunded", refunds, amount("refunded_amount", 5001), notRefund + "Over refund is not allowed. Refund not possible.", ""},
	{"all refunded", refunds, amount("refunded_amount", 1), notRefund + "Over refund is not allowed. Refund not possible.", ""},
	{"CLOSED", refunds, amount("refunded_amount", 1), notRefund + "Over refund is not allowed. Refund not possible.", ""},
	{"EXPIRED, partly captured", refunds, amount("refunded_amount", 10000), "201", "EXPIRED 30000/10000/10000/20000"},
	{"CAPTURED", refunds, fee(10000, -500, 9500), "201", "CAPTURED 30000/30000/9500/0"},
	{"CAPTURED", refunds, fee(10000, -500, 9400), notRefund + "Return fee is not allowed. Refund not possible.", ""},
	{"CAPTURED", refunds, fee(9000, 500, 9500), notRefund + "Return fee is not allowed. Refund not possible.", ""},
	{"two captures", refunds, fee(10000, -500, 9500), notRefund + "Return fee is not allowed. Refund not possible.", ""},
	{"PART_CAPTURED", refunds, fee(10000, -500, 9500), notRefund + "Return fee is not allowed. Refund not possible.", ""},
	{"captured in US", refunds, fee(10000, -500, 9500), notRefund + "Return fee is not allowed. Refund not possible.", ""},

	// Due dates.
	{"CAPTURED", dueDate, amount("number_of_days", 14), "204", ""},
	{"CAPTURED", dueDate, amount("number_of_days", 15), notAllowed + "Number of days is not offered. Due date cannot be extended for capture {capture}", ""},
	{"captured by card", dueDate, amount("number_of_days", 14), notAllowed + "Number of days is not offered. Due date cannot be extended for capture {capture}", ""},
	{"AUTHORIZED", dueDate, amount("number_of_days", 14), notAllowed + "Order has no captures. Due date cannot be extended for capture {capture}", ""},
	{"AUTHORIZED", sendOut, "", notAllowed + "Order has no captures. Send out cannot be triggered for capture {capture}", ""},
	{"CAPTURED", sendOut, "", "204", ""},
}

// fee is a refund of goods less a return fee.
func fee(goods, fee, sum int64) string {
	return fmt.Sprintf(`{"refunded_amount":%d,"order_lines":[
		{"reference":"MUG-1","name":"Mugg","quantity":1,"unit_price":%d,"total_amount":%d},
		{"type":"return_fee","name":"Avgift","quantity":1,"unit_price":%d,"total_amount":%d}]}`, sum, goods, goods, fee, fee)
}

var (
	stampShape = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$`)
	changing   = regexp.MustCompile(`^(POST|PATCH) `)
)

// One row per rule of the API.
func TestManagementRules(t *testing.T) {
	rows := slices.Concat(managedRows, limitRows())
	if len(rows) < 120 {
		t.Errorf("%d rows are too few", len(rows))
	}
	for i, row := range rows {
		body := row.body[:min(len(row.body), 80)]
		t.Run(fmt.Sprintf("%d %s %s %s", i, row.state, row.call, body), func(t *testing.T) {
			o := newOffice(t, 0, row.state == "CLOSED")
			if row.state == "" {
				row.state = "AUTHORIZED"
			}
			o.enter(row.state)
			want, before := o.fill(row.want), o.sum()
			got := o.call(row.call, row.body)
			wantAnswer(t, got, want)
			wantManagedHeaders(t, o, row, got)
			switch after := o.sum(); row.after {
			case "any":
				if got.Status > 299 && after != before {
					t.Errorf("refused, and changed from %s to %s", before, after)
				}
			case "":
				if after != before {
					t.Errorf("after: got %s, want it as before, %s", after, before)
				}
			default:
				if after != row.after {
					t.Errorf("after: got %s, want %s", after, row.after)
				}
			}
		})
	}
}

// wantAnswer compares an answer with the status, error_code and message of a row.
func wantAnswer(t *testing.T, got faketest.Answer, want string) {
	t.Helper()
	status, rest, _ := strings.Cut(want, " ")
	code, message, _ := strings.Cut(rest, " ")
	if strconv.Itoa(got.Status) != status {
		t.Errorf("got %d %s, want %s", got.Status, got.Body, want)
		return
	}
	body := ""
	if code != "" {
		body = fmt.Sprintf(`{"error_code":%q,"error_messages":[%q],"correlation_id":%q}`, code, message, got.Header.Get("Klarna-Correlation-Id"))
	}
	if got.Status != 200 && string(got.Body) != body {
		t.Errorf("got body %s, want %s", got.Body, body)
	}
}

// wantManagedHeaders checks what headers an answer must and must not have.
func wantManagedHeaders(t *testing.T, o *office, row managedRow, got faketest.Answer) {
	t.Helper()
	changed := got.Status < 300 && changing.MatchString(row.call)
	if !faketest.UUIDShape.MatchString(got.Header.Get("Klarna-Correlation-Id")) || faketest.UUIDShape.MatchString(got.Header.Get("Transaction-Id")) != changed {
		t.Errorf("got headers %v", got.Header)
	}
	if json := len(got.Body) > 0; (got.Header.Get("Content-Type") == "application/json") != json {
		t.Errorf("got content type %q with the body %q", got.Header.Get("Content-Type"), got.Body)
	}
	want := map[string]string{"Location": "", "Capture-Id": "", "Refund-Id": "", "Klarna-Order-Validation": ""}
	if got.Status == 201 {
		v := o.managed()
		name, path, id := "Refund-Id", "/refunds/", ""
		if row.call == captures {
			name, path, id = "Capture-Id", "/captures/", v.Captures[len(v.Captures)-1].CaptureID
		} else {
			id = v.Refunds[len(v.Refunds)-1].RefundID
		}
		want[name], want["Location"] = id, "http://example.com/ordermanagement/v1/orders/"+o.id+path+id
		if strings.Contains(row.body, `"order_lines":[{`) || strings.Contains(row.body, "return_fee") {
			want["Klarna-Order-Validation"] = "Valid"
		}
	}
	for name, value := range want {
		if got.Header.Get(name) != value {
			t.Errorf("got %s %q, want %q", name, got.Header.Get(name), value)
		}
	}
}

// Which payment methods and markets may raise the amount.
func TestManagementRaise(t *testing.T) {
	may := map[string]string{ // payment method → markets, ! = all but
		"pay_later": "!CH", "bank_account": "", "card": "", "invoice": "!CH", "b2b_invoice": "!CH", "base_account": "!CH",
		"direct_debit": "!CH",
		"fixed_amount": "AT DE DK FI FR NL NO SE", "direct_bank_transfer": "", "slice_it_by_card": "", "pay_later_by_card": "",
		"pay_by_card": "", "fixed_sum_credit": "", "deferred_interest": "", "alternative_payment_method": "", "cowrie shells": "",
	}
	for method, markets := range may {
		for _, country := range []string{"AT", "AU", "BE", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "NL", "NO", "PL", "SE", "US"} {
			o := newOffice(t, 0, false)
			o.order(by(method, country))
			want, sum := 403, untouched
			if except, all := strings.CutPrefix(markets, "!"); all && country != except || !all && slices.Contains(strings.Fields(markets), country) {
				want, sum = 204, "AUTHORIZED 30001/0/0/30001"
			}
			if got := o.call(authorization, amount("order_amount", 30001)); got.Status != want || o.sum() != sum {
				t.Errorf("%s in %s: got %d, %s, want %d, %s", method, country, got.Status, o.sum(), want, sum)
			}
		}
	}
}

// A time stamp of Order Management is UTC with milliseconds.
func TestManagementStamps(t *testing.T) {
	o := newOffice(t, 0, false)
	o.enter("50.00 refunded")
	v := o.managed()
	for name, at := range map[string]string{
		"created_at": v.CreatedAt, "expires_at": v.ExpiresAt, "captured_at": v.Captures[0].CapturedAt, "refunded_at": v.Refunds[0].RefundedAt,
	} {
		parsed, err := time.Parse(time.RFC3339, at)
		if err != nil || !stampShape.MatchString(at) {
			t.Errorf("%s: got %q", name, at)
		}
		if name == "expires_at" && parsed != o.fake.Now().UTC().Truncate(day).Add(28*day) {
			t.Errorf("got %s %s, want 28 days from %s", name, at, o.fake.Now())
		}
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(o.call(order, "").Body, &members); err != nil || strings.Contains(faketest.Text(members), "null") {
		t.Errorf("got %s: %v, want no null", faketest.Text(members), err)
	}
}
