package fakeklarna_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// callbackRow is one rule about callbacks: what the shopper does, what the
// merchant answers, what comes of it.
type callbackRow struct {
	name     string
	order    []any // changes of case A
	urls     string
	answers  map[string]says
	actions  []string
	refused  string        // the last action's refusal: code, then message or URL
	after    string        // the order after: status, country, amount
	calls    []string      // the record
	duration time.Duration // of all actions
}

func (row *callbackRow) run(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newCalled(t, with(caseA(), row.order...), strings.Fields(row.urls)...)
		for kind, a := range row.answers {
			c.will(kind, a)
		}
		began := time.Now()
		var out fakeklarna.Outcome
		for _, a := range row.actions {
			out = c.act(a)
		}
		if got := time.Since(began); got != row.duration {
			t.Errorf("it took %v, want %v", got, row.duration)
		}
		refused := ""
		if r := out.Refused; r != nil {
			refused = strings.TrimSpace(r.Code + " " + r.Message + r.RedirectURL)
		}
		if refused != row.refused {
			t.Errorf("got refusal %q, want %q", refused, row.refused)
		}
		o := c.order()
		if got := fmt.Sprintf("%s %s %d", strings.TrimPrefix(o.Status, "checkout_"), o.PurchaseCountry, o.OrderAmount); got != row.after {
			t.Errorf("got order %q, want %q", got, row.after)
		}
		if diff := cmp.Diff(row.calls, c.record()); diff != "" {
			t.Errorf("callbacks (-want +got):\n%s", diff)
		}
		c.fake.Close()
	})
}

// Each answer to validation.
func TestValidation(t *testing.T) {
	said := func(kind, words string) string { return `{"error_type":"` + kind + `","error_text":"` + words + `"}` }
	rows := []struct {
		name     string
		required bool
		says     says
		refused  string
		call     string // of the record, after "validation "
		duration time.Duration
	}{
		{"200", false, says{status: 200}, "", "200", 0},
		{"200, required", true, says{status: 200}, "", "200", 0},
		{"200 with a body", true, says{status: 200, body: "ok"}, "", "200", 0},
		{"201", false, says{status: 201}, "", "201", 0},
		{"201, required", true, says{status: 201}, "validation_failed " + again, "201", 0},
		{"204, required", true, says{status: 204}, "validation_failed " + again, "204", 0},
		{"404", false, says{status: 404}, "", "404", 0},
		{"404, required", true, says{status: 404}, "validation_failed " + again, "404", 0},
		{"500", false, says{status: 500}, "", "500", 0},
		{"500, required", true, says{status: 500}, "validation_failed " + again, "500", 0},
		{"no answer", false, says{}, "", "0 no answer within 3s", 3 * time.Second},
		{"no answer, required", true, says{}, "validation_failed " + again, "0 no answer within 10s", 10 * time.Second},
		{"after 5 s", false, says{status: 400, after: 5 * time.Second}, "", "0 no answer within 3s", 3 * time.Second},
		{"after 5 s, required", true, says{status: 200, after: 5 * time.Second}, "", "200", 5 * time.Second},
		{"connection breaks", false, says{status: -1}, "", "0 connection reset by peer", 0},
		{"connection breaks, required", true, says{status: -1}, "validation_failed " + again, "0 connection reset by peer", 0},
		{"too large", false, says{status: 400, body: strings.Repeat("a", 1<<20+1)}, "", "0 the answer is larger than 1048576 bytes", 0},
		{"as large as may be, required", true, says{status: 200, body: strings.Repeat("a", 1<<20)}, "", "200", 0},
		{"301", false, says{status: 301, location: elsewhere}, "validation_redirect " + elsewhere, "301", 0},
		{"302", false, says{status: 302, location: elsewhere}, "validation_redirect " + elsewhere, "302", 0},
		{"303", true, says{status: 303, location: elsewhere}, "validation_redirect " + elsewhere, "303", 0},
		{"307", false, says{status: 307, location: elsewhere}, "validation_redirect " + elsewhere, "307", 0},
		{"303 to a path", false, says{status: 303, location: "/cart"}, "validation_redirect https://shop.example/cart", "303", 0},
		{"303 to nowhere", false, says{status: 303}, "", "303", 0},
		{"303 to nowhere, required", true, says{status: 303}, "validation_failed " + again, "303", 0},
		{"308", false, says{status: 308, location: elsewhere}, "", "308", 0},
		{"308, required", true, says{status: 308, location: elsewhere}, "validation_failed " + again, "308", 0},
		{"400 approval_failed", false, says{status: 400, body: said("approval_failed", "Slut i lager")}, "validation_refused Slut i lager", "400", 0},
		{"400 address_error", true, says{status: 400, body: said("address_error", "Fel adress")}, "validation_refused Fel adress", "400", 0},
		{"400 unsupported_shipping_address", false, says{status: 400, body: said("unsupported_shipping_address", "Inte hit")}, "validation_refused Inte hit", "400", 0},
		{"400 unsupported without text", false, says{status: 400, body: said("unsupported_shipping_address", "")}, "validation_refused " + notHere, "400", 0},
		{"400 approval_failed without text", false, says{status: 400, body: said("approval_failed", "")}, "validation_refused " + again, "400", 0},
		{"400 of another type", false, says{status: 400, body: said("x", "y")}, "validation_refused " + again, "400", 0},
		{"400 that is no JSON", false, says{status: 400, body: "Bad Request"}, "validation_refused " + again, "400", 0},
		{"400 without a body", true, says{status: 400}, "validation_refused " + again, "400", 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			after := complete
			if row.refused != "" {
				after = incomplete
			}
			(&callbackRow{
				order: []any{"options.require_validate_callback_success", row.required}, urls: "validation",
				answers: map[string]says{"validation": row.says}, actions: []string{buys},
				refused: row.refused, after: after, calls: []string{"validation " + row.call}, duration: row.duration,
			}).run(t)
		})
	}
}

// Each answer to an address callback.
func TestAddressAnswers(t *testing.T) {
	said := func(kind, words string) string { return `{"error_type":"` + kind + `","error_text":"` + words + `"}` }
	failed := "address_failed " + wrong
	rows := []struct {
		name     string
		says     says
		refused  string
		amount   int // of the order after
		call     string
		duration time.Duration
	}{
		{"nothing new", says{status: 200, body: service()}, "", 44700, "200", 0},
		{"other lines", says{status: 200, body: service(oneMug()...)}, "", 19900, "200", 0},
		{"unknown members", says{status: 200, body: service("x", 1, "purchase_country", "NO", "order_id", "x")}, "", 44700, "200", 0},
		{"another currency", says{status: 200, body: service("purchase_currency", "NOK")}, "", 44700, "200", 0},
		{"a currency not configured", says{status: 200, body: service("purchase_currency", "JPY")}, failed, 44700, "200", 0},
		{"merchant_data of 1024", says{status: 200, body: service("merchant_data", strings.Repeat("å", 1024))}, "", 44700, "200", 0},
		{"merchant_data of 1025", says{status: 200, body: service("merchant_data", strings.Repeat("å", 1025))}, failed, 44700, "200", 0},
		{"no body", says{status: 200}, failed, 44700, "200", 0},
		{"no JSON", says{status: 200, body: "<html>"}, failed, 44700, "200", 0},
		{"a list", says{status: 200, body: "[]"}, failed, 44700, "200", 0},
		{"no amount", says{status: 200, body: service("order_amount", gone{})}, failed, 44700, "200", 0},
		{"no tax", says{status: 200, body: service("order_tax_amount", gone{})}, failed, 44700, "200", 0},
		{"no lines", says{status: 200, body: service("order_lines", gone{})}, failed, 44700, "200", 0},
		{"no currency", says{status: 200, body: service("purchase_currency", gone{})}, failed, 44700, "200", 0},
		{"does not balance", says{status: 200, body: service("order_amount", 44701)}, failed, 44700, "200", 0},
		{"tax does not balance", says{status: 200, body: service("order_tax_amount", 8941)}, failed, 44700, "200", 0},
		{"a line that is wrong", says{status: 200, body: service("order_lines[0].total_tax_amount", 7962, "order_tax_amount", 8942)}, failed, 44700, "200", 0},
		{"an option that is wrong", says{status: 200, body: service("shipping_options", []any{map[string]any{"id": "x"}})}, failed, 44700, "200", 0},
		{"a locale that is wrong", says{status: 200, body: service("locale", "sv_SE")}, failed, 44700, "200", 0},
		{"204", says{status: 204}, failed, 44700, "204", 0},
		{"404", says{status: 404}, failed, 44700, "404", 0},
		{"500", says{status: 500}, failed, 44700, "500", 0},
		{"no answer", says{}, failed, 44700, "0 no answer within 10s", 10 * time.Second},
		{"connection breaks", says{status: -1}, failed, 44700, "0 connection reset by peer", 0},
		{"301", says{status: 301, location: elsewhere}, "address_redirect " + elsewhere, 44700, "301", 0},
		{"302", says{status: 302, location: elsewhere}, "address_redirect " + elsewhere, 44700, "302", 0},
		{"303", says{status: 303, location: elsewhere}, "address_redirect " + elsewhere, 44700, "303", 0},
		{"307", says{status: 307, location: elsewhere}, "address_redirect " + elsewhere, 44700, "307", 0},
		{"303 to nowhere", says{status: 303}, failed, 44700, "303", 0},
		{"308", says{status: 308, location: elsewhere}, failed, 44700, "308", 0},
		{"400 unsupported", says{status: 400, body: said("unsupported_shipping_address", "Inte hit")}, "address_refused Inte hit", 44700, "400", 0},
		{"400 unsupported without text", says{status: 400, body: `{"error_type":"unsupported_shipping_address"}`}, "address_refused " + notHere, 44700, "400", 0},
		{"400 address_error", says{status: 400, body: said("address_error", "Fel")}, "address_refused Fel", 44700, "400", 0},
		{"400 approval_failed", says{status: 400, body: said("approval_failed", "Nej")}, "address_refused Nej", 44700, "400", 0},
		{"400 address_error without text", says{status: 400, body: said("address_error", "")}, failed, 44700, "400", 0},
		{"400 without a body", says{status: 400}, failed, 44700, "400", 0},
	}
	triggers := []struct {
		kind, country string
		order         []any
		action        string
	}{
		{"address_update", "se", nil, `{"type":{"postal_code":"11147"}}`},
		{"country_change", "no", nil, `{"country":"NO"}`},
		{"shipping_option_update", "se", []any{"shipping_options", options}, `{"shipping_option":"post"}`},
	}
	for _, trigger := range triggers {
		for _, row := range rows {
			t.Run(trigger.kind+" "+row.name, func(t *testing.T) {
				(&callbackRow{
					order: trigger.order, urls: trigger.kind, answers: map[string]says{trigger.kind: row.says}, actions: []string{trigger.action},
					refused: row.refused, after: fmt.Sprintf("incomplete %s %d", trigger.country, row.amount),
					calls: []string{trigger.kind + " " + row.call}, duration: row.duration,
				}).run(t)
			})
		}
	}
}

// What calls which callback, and how callbacks follow one another.
func TestCallbackTriggers(t *testing.T) {
	const address = `{"type":{"postal_code":"11147"}}`
	fine := says{status: 200, body: service()}
	broken := says{status: 500}
	all := map[string]says{"address_update": fine, "country_change": fine, "shipping_option_update": fine, "validation": {status: 200}}
	but := func(kind string, a says) map[string]says {
		answers := map[string]says{"address_update": fine, "country_change": fine, "shipping_option_update": fine, "validation": {status: 200}}
		answers[kind] = a
		return answers
	}
	whole := `{"type":{"email":"a@b.example","given_name":"Ada","family_name":"B","street_address":"C 1","postal_code":"11147","city":"D","phone":"+46701234567"}}`
	withOptions := []any{"shipping_options", options}
	unchosen := []any{"shipping_options", []any{map[string]any{"id": "post", "name": "Post", "price": 4900, "tax_amount": 980, "tax_rate": 2500}}}
	failed := "address_failed " + wrong
	rows := []callbackRow{
		{"no callback configured", withOptions, "", all, []string{`{"load":true}`, whole, `{"country":"NO"}`, `{"shipping_option":"post"}`}, "", "incomplete no 44700", []string{}, 0},
		{"the iframe opens", nil, "address_update country_change", all, []string{`{"load":true}`}, "", incomplete, []string{"address_update 200"}, 0},
		{"the iframe opens again", nil, "address_update", all, []string{`{"load":true}`, `{"load":true}`}, "", incomplete, []string{"address_update 200"}, 0},
		{"the iframe opens without address_update", nil, "country_change", all, []string{`{"load":true}`}, "", incomplete, []string{}, 0},
		{"an opening that failed is repeated", nil, "address_update", but("address_update", broken), []string{`{"load":true}`, `{"load":true}`}, failed, incomplete,
			[]string{"address_update 500", "address_update 500"}, 0},
		{"country: address_update takes its place", nil, "address_update country_change", all, []string{`{"country":"NO"}`}, "", "incomplete no 44700", []string{"address_update 200"}, 0},
		{"country in lower case", nil, "country_change", all, []string{`{"country":"no"}`}, "", "incomplete no 44700", []string{"country_change 200"}, 0},
		{"the same country", nil, "address_update country_change", all, []string{`{"country":"SE"}`}, "", incomplete, []string{}, 0},
		{"address is not for country_change", nil, "country_change", all, []string{address}, "", incomplete, []string{}, 0},
		{"the same text again", nil, "address_update", all, []string{address, address}, "", incomplete, []string{"address_update 200"}, 0},
		{"a text cleared", nil, "address_update", all, []string{address, `{"type":{"postal_code":""}}`}, "", incomplete, []string{"address_update 200", "address_update 200"}, 0},
		{"country and address at once", nil, "address_update country_change", all, []string{`{"country":"NO","type":{"postal_code":"0150"}}`}, "", "incomplete no 44700", []string{"address_update 200"}, 0},
		{"another shipping address", nil, "address_update", all, []string{`{"type":{"shipping.city":"Kiruna"}}`}, "", incomplete, []string{"address_update 200"}, 0},
		{"another shipping country", nil, "country_change", all, []string{`{"type":{"shipping.country":"NO"}}`}, "", incomplete, []string{}, 0},
		{"a looker-on", nil, "address_update", all, []string{`{}`}, "", incomplete, []string{}, 0},
		{"a checkbox", []any{"options.additional_checkbox", map[string]any{"text": "a", "checked": false, "required": false}}, "address_update", all,
			[]string{`{"checkboxes":{"additional_checkbox":true}}`}, "", incomplete, []string{}, 0},
		{"an option", withOptions, "shipping_option_update address_update", all, []string{`{"shipping_option":"post"}`}, "", incomplete, []string{"shipping_option_update 200"}, 0},
		{"the option chosen already", withOptions, "shipping_option_update", all, []string{`{"shipping_option":"express"}`}, "", incomplete, []string{}, 0},
		{"address and option at once", withOptions, "shipping_option_update address_update", all, []string{`{"shipping_option":"post","type":{"city":"Kiruna"}}`}, "", incomplete,
			[]string{"address_update 200", "shipping_option_update 200"}, 0},
		{"address fails, option waits", withOptions, "shipping_option_update address_update", but("address_update", broken),
			[]string{`{"shipping_option":"post","type":{"city":"Kiruna"}}`}, failed, incomplete, []string{"address_update 500"}, 0},
		{"buys with nothing typed", nil, "address_update validation", all, []string{buys}, "", complete, []string{"address_update 200", "validation 200"}, 0},
		{"buys with all typed", nil, "address_update validation", all, []string{whole, buys}, "", complete, []string{"address_update 200", "validation 200"}, 0},
		{"buys with no option chosen", unchosen, "shipping_option_update", all, []string{buys}, "", complete, []string{"shipping_option_update 200"}, 0},
		{"buys with one preselected", withOptions, "shipping_option_update", all, []string{buys}, "", complete, []string{}, 0},
		{"buys with no option chosen, Klarna adds it", unchosen, "", all, []string{buys}, "", "complete se 49600", []string{}, 0},
		{"buys an address that failed", nil, "address_update validation", but("address_update", broken), []string{whole, buys}, failed, incomplete,
			[]string{"address_update 500", "address_update 500"}, 0},
		{"buys a country that was refused", nil, "country_change", but("country_change", says{status: 303, location: elsewhere}), []string{`{"country":"NO"}`, buys},
			"address_redirect " + elsewhere, "incomplete no 44700", []string{"country_change 303", "country_change 303"}, 0},
		{"buys an option that was refused", withOptions, "shipping_option_update", but("shipping_option_update", says{status: 400}), []string{`{"shipping_option":"post"}`, buys},
			failed, incomplete, []string{"shipping_option_update 400", "shipping_option_update 400"}, 0},
		{"one success makes up for another's failure", withOptions, "shipping_option_update address_update", but("shipping_option_update", broken),
			[]string{whole, `{"shipping_option":"post"}`, `{"type":{"city":"Umeå"}}`, buys}, "", "complete se 44700",
			[]string{"address_update 200", "shipping_option_update 500", "address_update 200"}, 0},
		{"validation refuses after the address", nil, "address_update validation", but("validation", says{status: 303, location: elsewhere}), []string{buys},
			"validation_redirect " + elsewhere, incomplete, []string{"address_update 200", "validation 303"}, 0},
		{"each try is validated", nil, "validation", but("validation", says{status: 400}), []string{buys, buys}, "validation_refused " + again, incomplete,
			[]string{"validation 400", "validation 400"}, 0},
	}
	for i := range rows {
		t.Run(rows[i].name, rows[i].run)
	}
}
