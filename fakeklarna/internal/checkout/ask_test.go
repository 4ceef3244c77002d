package checkout_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// callbackRow is one rule about callbacks: what the shopper does, what the
// merchant answers, what comes of it.
type callbackRow struct {
	name     string
	order    []any // changes of case A
	urls     string
	answers  map[string]faketest.Says
	actions  []string
	refused  string        // the last action's refusal: code, then message or URL
	after    string        // the order after: status, country, amount
	calls    []string      // the record
	duration time.Duration // of all actions
}

func (row *callbackRow) run(t *testing.T) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), row.order...), strings.Fields(row.urls)...)
		for kind, a := range row.answers {
			c.Will(kind, a)
		}
		began := time.Now()
		var out fakeklarna.Outcome
		for _, a := range row.actions {
			out = c.Act(a)
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
		o := c.Order()
		if got := fmt.Sprintf("%s %s %d", strings.TrimPrefix(o.Status, "checkout_"), o.PurchaseCountry, o.OrderAmount); got != row.after {
			t.Errorf("got order %q, want %q", got, row.after)
		}
		if diff := cmp.Diff(row.calls, c.Record()); diff != "" {
			t.Errorf("callbacks (-want +got):\n%s", diff)
		}
		c.Fake.Close()
	})
}

// Each answer to validation.
func TestValidation(t *testing.T) {
	said := func(kind, words string) string { return `{"error_type":"` + kind + `","error_text":"` + words + `"}` }
	rows := []struct {
		name     string
		required bool
		says     faketest.Says
		refused  string
		call     string // of the record, after "validation "
		duration time.Duration
	}{
		{"200", false, faketest.Says{Status: 200}, "", "200", 0},
		{"200, required", true, faketest.Says{Status: 200}, "", "200", 0},
		{"200 with a body", true, faketest.Says{Status: 200, Body: "ok"}, "", "200", 0},
		{"201", false, faketest.Says{Status: 201}, "", "201 answer not taken: 201 is not 200; no success is required, so the purchase is approved", 0},
		{"201, required", true, faketest.Says{Status: 201}, "validation_failed " + faketest.Again, "201 answer not taken: 201 is not 200", 0},
		{"204, required", true, faketest.Says{Status: 204}, "validation_failed " + faketest.Again, "204 answer not taken: 204 is not 200", 0},
		{"404", false, faketest.Says{Status: 404}, "", "404 answer not taken: 404 is not 200; no success is required, so the purchase is approved", 0},
		{"404, required", true, faketest.Says{Status: 404}, "validation_failed " + faketest.Again, "404 answer not taken: 404 is not 200", 0},
		{"500", false, faketest.Says{Status: 500}, "", "500 answer not taken: 500 is not 200; no success is required, so the purchase is approved", 0},
		{"500, required", true, faketest.Says{Status: 500}, "validation_failed " + faketest.Again, "500 answer not taken: 500 is not 200", 0},
		{"no answer", false, faketest.Says{}, "", "0 no answer within 3s", 3 * time.Second},
		{"no answer, required", true, faketest.Says{}, "validation_failed " + faketest.Again, "0 no answer within 10s", 10 * time.Second},
		{"after 5 s", false, faketest.Says{Status: 400, After: 5 * time.Second}, "", "0 no answer within 3s", 3 * time.Second},
		{"after 5 s, required", true, faketest.Says{Status: 200, After: 5 * time.Second}, "", "200", 5 * time.Second},
		{"connection breaks", false, faketest.Says{Status: -1}, "", "0 connection reset by peer", 0},
		{"connection breaks, required", true, faketest.Says{Status: -1}, "validation_failed " + faketest.Again, "0 connection reset by peer", 0},
		{"too large", false, faketest.Says{Status: 400, Body: strings.Repeat("a", 1<<20+1)}, "", "0 the answer is larger than 1048576 bytes", 0},
		{"as large as may be, required", true, faketest.Says{Status: 200, Body: strings.Repeat("a", 1<<20)}, "", "200", 0},
		{"301", false, faketest.Says{Status: 301, Location: faketest.Elsewhere}, "validation_redirect " + faketest.Elsewhere, "301", 0},
		{"302", false, faketest.Says{Status: 302, Location: faketest.Elsewhere}, "validation_redirect " + faketest.Elsewhere, "302", 0},
		{"303", true, faketest.Says{Status: 303, Location: faketest.Elsewhere}, "validation_redirect " + faketest.Elsewhere, "303", 0},
		{"307", false, faketest.Says{Status: 307, Location: faketest.Elsewhere}, "validation_redirect " + faketest.Elsewhere, "307", 0},
		{"303 to a path", false, faketest.Says{Status: 303, Location: "/cart"}, "validation_redirect https://shop.example/cart", "303", 0},
		{"303 to nowhere", false, faketest.Says{Status: 303}, "", "303 answer not taken: 303 without Location; no success is required, so the purchase is approved", 0},
		{"303 to nowhere, required", true, faketest.Says{Status: 303}, "validation_failed " + faketest.Again, "303 answer not taken: 303 without Location", 0},
		{"308", false, faketest.Says{Status: 308, Location: faketest.Elsewhere}, "", "308 answer not taken: 308 is not 200; no success is required, so the purchase is approved", 0},
		{"308, required", true, faketest.Says{Status: 308, Location: faketest.Elsewhere}, "validation_failed " + faketest.Again, "308 answer not taken: 308 is not 200", 0},
		{"400 approval_failed", false, faketest.Says{Status: 400, Body: said("approval_failed", "Slut i lager")}, "validation_refused Slut i lager", "400", 0},
		{"400 address_error", true, faketest.Says{Status: 400, Body: said("address_error", "Fel adress")}, "validation_refused Fel adress", "400", 0},
		{"400 unsupported_shipping_address", false, faketest.Says{Status: 400, Body: said("unsupported_shipping_address", "Inte hit")}, "validation_refused Inte hit", "400", 0},
		{"400 unsupported without text", false, faketest.Says{Status: 400, Body: said("unsupported_shipping_address", "")}, "validation_refused " + faketest.NotHere, "400", 0},
		{"400 approval_failed without text", false, faketest.Says{Status: 400, Body: said("approval_failed", "")}, "validation_refused " + faketest.Again, "400 answer not taken: error_text is missing", 0},
		{"400 of another type", false, faketest.Says{Status: 400, Body: said("x", "y")}, "validation_refused " + faketest.Again, "400 answer not taken: error_type is none of unsupported_shipping_address, address_error, approval_failed", 0},
		{"400 that is no JSON", false, faketest.Says{Status: 400, Body: "Bad Request"}, "validation_refused " + faketest.Again, "400 answer not taken: the body is not a JSON object with the texts error_type and error_text", 0},
		{"400 without a body", true, faketest.Says{Status: 400}, "validation_refused " + faketest.Again, "400 answer not taken: the body is not a JSON object with the texts error_type and error_text", 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			after := faketest.Complete
			if row.refused != "" {
				after = faketest.Incomplete
			}
			(&callbackRow{
				order: []any{"options.require_validate_callback_success", row.required}, urls: "validation",
				answers: map[string]faketest.Says{"validation": row.says}, actions: []string{faketest.Buys},
				refused: row.refused, after: after, calls: []string{"validation " + row.call}, duration: row.duration,
			}).run(t)
		})
	}
}

// Each answer to an address callback.
func TestAddressAnswers(t *testing.T) {
	said := func(kind, words string) string { return `{"error_type":"` + kind + `","error_text":"` + words + `"}` }
	failed := "address_failed " + faketest.Wrong
	rows := []struct {
		name     string
		says     faketest.Says
		refused  string
		amount   int // of the order after
		call     string
		duration time.Duration
	}{
		{"nothing new", faketest.Says{Status: 200, Body: faketest.Service()}, "", 44700, "200", 0},
		{"other lines", faketest.Says{Status: 200, Body: faketest.Service(faketest.OneMug()...)}, "", 19900, "200", 0},
		{"unknown members", faketest.Says{Status: 200, Body: faketest.Service("x", 1, "purchase_country", "NO", "order_id", "x")}, "", 44700, "200", 0},
		{"another currency", faketest.Says{Status: 200, Body: faketest.Service("purchase_currency", "NOK")}, "", 44700, "200", 0},
		{"a currency not configured", faketest.Says{Status: 200, Body: faketest.Service("purchase_currency", "JPY")}, failed, 44700, "200 answer not taken: Bad value: purchase_currency (order billing country is: {country}, configured currencies are: AUD, CAD, CHF, CZK, DKK, EUR, GBP, NOK, NZD, PLN, RON, SEK, USD)", 0},
		{"merchant_data of 1024", faketest.Says{Status: 200, Body: faketest.Service("merchant_data", strings.Repeat("å", 1024))}, "", 44700, "200", 0},
		{"merchant_data of 1025", faketest.Says{Status: 200, Body: faketest.Service("merchant_data", strings.Repeat("å", 1025))}, failed, 44700, "200 answer not taken: merchant_data is longer than 1024 characters", 0},
		{"no body", faketest.Says{Status: 200}, failed, 44700, "200 answer not taken: Bad request: the body is not JSON", 0},
		{"no JSON", faketest.Says{Status: 200, Body: "<html>"}, failed, 44700, "200 answer not taken: Bad request: the body is not JSON", 0},
		{"a list", faketest.Says{Status: 200, Body: "[]"}, failed, 44700, "200 answer not taken: Bad request: the body is not a JSON object", 0},
		{"no amount", faketest.Says{Status: 200, Body: faketest.Service("order_amount", faketest.Gone{})}, failed, 44700, "200 answer not taken: order_amount is missing", 0},
		{"no tax", faketest.Says{Status: 200, Body: faketest.Service("order_tax_amount", faketest.Gone{})}, failed, 44700, "200 answer not taken: order_tax_amount is missing", 0},
		{"no lines", faketest.Says{Status: 200, Body: faketest.Service("order_lines", faketest.Gone{})}, failed, 44700, "200 answer not taken: order_lines is missing", 0},
		{"no currency", faketest.Says{Status: 200, Body: faketest.Service("purchase_currency", faketest.Gone{})}, failed, 44700, "200 answer not taken: purchase_currency is missing", 0},
		{"does not balance", faketest.Says{Status: 200, Body: faketest.Service("order_amount", 44701)}, failed, 44700, "200 answer not taken: Bad value: order_amount", 0},
		{"tax does not balance", faketest.Says{Status: 200, Body: faketest.Service("order_tax_amount", 8941)}, failed, 44700, "200 answer not taken: Bad value: order_tax_amount", 0},
		{"a line that is wrong", faketest.Says{Status: 200, Body: faketest.Service("order_lines[0].total_tax_amount", 7962, "order_tax_amount", 8942)}, failed, 44700, "200 answer not taken: Bad value: total_tax_amount", 0},
		{"an option that is wrong", faketest.Says{Status: 200, Body: faketest.Service("shipping_options", []any{map[string]any{"id": "x"}})}, failed, 44700, "200 answer not taken: Bad value: shipping_options[0].name", 0},
		{"a locale that is wrong", faketest.Says{Status: 200, Body: faketest.Service("locale", "sv_SE")}, failed, 44700, "200 answer not taken: Bad value: locale", 0},
		{"204", faketest.Says{Status: 204}, failed, 44700, "204 answer not taken: 204 is not 200", 0},
		{"404", faketest.Says{Status: 404}, failed, 44700, "404 answer not taken: 404 is not 200", 0},
		{"500", faketest.Says{Status: 500}, failed, 44700, "500 answer not taken: 500 is not 200", 0},
		{"no answer", faketest.Says{}, failed, 44700, "0 no answer within 10s", 10 * time.Second},
		{"connection breaks", faketest.Says{Status: -1}, failed, 44700, "0 connection reset by peer", 0},
		{"301", faketest.Says{Status: 301, Location: faketest.Elsewhere}, "address_redirect " + faketest.Elsewhere, 44700, "301", 0},
		{"302", faketest.Says{Status: 302, Location: faketest.Elsewhere}, "address_redirect " + faketest.Elsewhere, 44700, "302", 0},
		{"303", faketest.Says{Status: 303, Location: faketest.Elsewhere}, "address_redirect " + faketest.Elsewhere, 44700, "303", 0},
		{"307", faketest.Says{Status: 307, Location: faketest.Elsewhere}, "address_redirect " + faketest.Elsewhere, 44700, "307", 0},
		{"303 to nowhere", faketest.Says{Status: 303}, failed, 44700, "303 answer not taken: 303 without Location", 0},
		{"308", faketest.Says{Status: 308, Location: faketest.Elsewhere}, failed, 44700, "308 answer not taken: 308 is not 200", 0},
		{"400 unsupported", faketest.Says{Status: 400, Body: said("unsupported_shipping_address", "Inte hit")}, "address_refused Inte hit", 44700, "400", 0},
		{"400 unsupported without text", faketest.Says{Status: 400, Body: `{"error_type":"unsupported_shipping_address"}`}, "address_refused " + faketest.NotHere, 44700, "400", 0},
		{"400 address_error", faketest.Says{Status: 400, Body: said("address_error", "Fel")}, "address_refused Fel", 44700, "400", 0},
		{"400 approval_failed", faketest.Says{Status: 400, Body: said("approval_failed", "Nej")}, "address_refused Nej", 44700, "400", 0},
		{"400 address_error without text", faketest.Says{Status: 400, Body: said("address_error", "")}, failed, 44700, "400 answer not taken: error_text is missing", 0},
		{"400 without a body", faketest.Says{Status: 400}, failed, 44700, "400 answer not taken: the body is not a JSON object with the texts error_type and error_text", 0},
	}
	triggers := []struct {
		kind, country string
		order         []any
		action        string
	}{
		{"address_update", "se", nil, `{"type":{"postal_code":"11147"}}`},
		{"country_change", "no", nil, `{"country":"NO"}`},
		{"shipping_option_update", "se", []any{"shipping_options", faketest.Options}, `{"shipping_option":"post"}`},
	}
	for _, trigger := range triggers {
		for _, row := range rows {
			t.Run(trigger.kind+" "+row.name, func(t *testing.T) {
				(&callbackRow{
					order: trigger.order, urls: trigger.kind, answers: map[string]faketest.Says{trigger.kind: row.says}, actions: []string{trigger.action},
					refused: row.refused, after: fmt.Sprintf("incomplete %s %d", trigger.country, row.amount),
					calls: []string{trigger.kind + " " + strings.ReplaceAll(row.call, "{country}", strings.ToUpper(trigger.country))}, duration: row.duration,
				}).run(t)
			})
		}
	}
}

// What calls which callback, and how callbacks follow one another.
func TestCallbackTriggers(t *testing.T) {
	const address = `{"type":{"postal_code":"11147"}}`
	fine := faketest.Says{Status: 200, Body: faketest.Service()}
	broken := faketest.Says{Status: 500}
	all := map[string]faketest.Says{"address_update": fine, "country_change": fine, "shipping_option_update": fine, "validation": {Status: 200}}
	but := func(kind string, a faketest.Says) map[string]faketest.Says {
		answers := map[string]faketest.Says{"address_update": fine, "country_change": fine, "shipping_option_update": fine, "validation": {Status: 200}}
		answers[kind] = a
		return answers
	}
	whole := `{"type":{"email":"a@b.example","given_name":"Ada","family_name":"B","street_address":"C 1","postal_code":"11147","city":"D","phone":"+46701234567"}}`
	withOptions := []any{"shipping_options", faketest.Options}
	unchosen := []any{"shipping_options", []any{map[string]any{"id": "post", "name": "Post", "price": 4900, "tax_amount": 980, "tax_rate": 2500}}}
	const not200 = " answer not taken: 500 is not 200"
	const noWords = " answer not taken: the body is not a JSON object with the texts error_type and error_text"
	failed := "address_failed " + faketest.Wrong
	const otherTotal = "total_changed Summan har ändrats. Kontrollera den och betala igen."
	rows := []callbackRow{
		{"no callback configured", withOptions, "", all, []string{`{"load":true}`, whole, `{"country":"NO"}`, `{"shipping_option":"post"}`}, "", "incomplete no 44700", []string{}, 0},
		{"the iframe opens", nil, "address_update country_change", all, []string{`{"load":true}`}, "", faketest.Incomplete, []string{"address_update 200"}, 0},
		{"the iframe opens again", nil, "address_update", all, []string{`{"load":true}`, `{"load":true}`}, "", faketest.Incomplete, []string{"address_update 200"}, 0},
		{"the iframe opens without address_update", nil, "country_change", all, []string{`{"load":true}`}, "", faketest.Incomplete, []string{}, 0},
		{"an opening that failed is repeated", nil, "address_update", but("address_update", broken), []string{`{"load":true}`, `{"load":true}`}, failed, faketest.Incomplete,
			[]string{"address_update 500" + not200, "address_update 500" + not200}, 0},
		{"country: address_update takes its place", nil, "address_update country_change", all, []string{`{"country":"NO"}`}, "", "incomplete no 44700", []string{"address_update 200"}, 0},
		{"country in lower case", nil, "country_change", all, []string{`{"country":"no"}`}, "", "incomplete no 44700", []string{"country_change 200"}, 0},
		{"the same country", nil, "address_update country_change", all, []string{`{"country":"SE"}`}, "", faketest.Incomplete, []string{}, 0},
		{"address is not for country_change", nil, "country_change", all, []string{address}, "", faketest.Incomplete, []string{}, 0},
		{"the same text again", nil, "address_update", all, []string{address, address}, "", faketest.Incomplete, []string{"address_update 200"}, 0},
		{"a text cleared", nil, "address_update", all, []string{address, `{"type":{"postal_code":""}}`}, "", faketest.Incomplete, []string{"address_update 200", "address_update 200"}, 0},
		{"country and address at once", nil, "address_update country_change", all, []string{`{"country":"NO","type":{"postal_code":"0150"}}`}, "", "incomplete no 44700", []string{"address_update 200"}, 0},
		{"another shipping address", nil, "address_update", all, []string{`{"type":{"shipping.city":"Kiruna"}}`}, "", faketest.Incomplete, []string{"address_update 200"}, 0},
		{"another shipping country", nil, "country_change", all, []string{`{"type":{"shipping.country":"NO"}}`}, "", faketest.Incomplete, []string{}, 0},
		{"a looker-on", nil, "address_update", all, []string{`{}`}, "", faketest.Incomplete, []string{}, 0},
		{"a checkbox", []any{"options.additional_checkbox", map[string]any{"text": "a", "checked": false, "required": false}}, "address_update", all,
			[]string{`{"checkboxes":{"additional_checkbox":true}}`}, "", faketest.Incomplete, []string{}, 0},
		{"an option", withOptions, "shipping_option_update address_update", all, []string{`{"shipping_option":"post"}`}, "", faketest.Incomplete, []string{"shipping_option_update 200"}, 0},
		{"the option chosen already", withOptions, "shipping_option_update", all, []string{`{"shipping_option":"express"}`}, "", faketest.Incomplete, []string{}, 0},
		{"address and option at once", withOptions, "shipping_option_update address_update", all, []string{`{"shipping_option":"post","type":{"city":"Kiruna"}}`}, "", faketest.Incomplete,
			[]string{"address_update 200", "shipping_option_update 200"}, 0},
		{"address fails, option waits", withOptions, "shipping_option_update address_update", but("address_update", broken),
			[]string{`{"shipping_option":"post","type":{"city":"Kiruna"}}`}, failed, faketest.Incomplete, []string{"address_update 500" + not200}, 0},
		{"buys with nothing typed", nil, "address_update validation", all, []string{faketest.Buys}, "", faketest.Complete, []string{"address_update 200", "validation 200"}, 0},
		{"buys with all typed", nil, "address_update validation", all, []string{whole, faketest.Buys}, "", faketest.Complete, []string{"address_update 200", "validation 200"}, 0},
		{"buys what was a draft", []any{"options.additional_checkbox", map[string]any{"text": "a", "checked": false, "required": false}}, "address_update", all,
			[]string{strings.Replace(whole, "}}", `},"draft":true}`, 1), `{"checkboxes":{"additional_checkbox":true},"draft":true}`, faketest.Buys}, "", faketest.Complete, []string{"address_update 200"}, 0},
		{"buys with no option chosen", unchosen, "shipping_option_update", all, []string{faketest.Buys}, "", faketest.Complete, []string{"shipping_option_update 200"}, 0},
		{"buys with one preselected", withOptions, "shipping_option_update", all, []string{faketest.Buys}, "", faketest.Complete, []string{}, 0},
		{"buys with no option chosen, Klarna adds it", unchosen, "", all, []string{faketest.Buys}, "", "complete se 49600", []string{}, 0},
		{"buys for what was shown", nil, "", all, []string{`{"buy":{"total":44700,"currency":"sek"}}`}, "", faketest.Complete, []string{}, 0},
		{"buys in another currency than shown", nil, "validation", all, []string{`{"buy":{"total":44700,"currency":"NOK"}}`}, otherTotal, faketest.Incomplete, []string{}, 0},
		{"buys for what was shown before Klarna added the option", unchosen, "validation", all, []string{`{"buy":{"total":44700}}`}, otherTotal, faketest.Incomplete, []string{}, 0},
		{"buys for it when shown", unchosen, "", all, []string{`{"buy":{"total":44700}}`, `{"buy":{"total":49600}}`}, "", "complete se 49600", []string{}, 0},
		{"buys for what was shown before the address", nil, "address_update validation", but("address_update", faketest.Says{Status: 200, Body: faketest.Service(faketest.OneMug()...)}),
			[]string{`{"buy":{"total":44700}}`}, otherTotal, "incomplete se 19900", []string{"address_update 200"}, 0},
		{"buys an address that failed", nil, "address_update validation", but("address_update", broken), []string{whole, faketest.Buys}, failed, faketest.Incomplete,
			[]string{"address_update 500" + not200, "address_update 500" + not200}, 0},
		{"buys a country that was refused", nil, "country_change", but("country_change", faketest.Says{Status: 303, Location: faketest.Elsewhere}), []string{`{"country":"NO"}`, faketest.Buys},
			"address_redirect " + faketest.Elsewhere, "incomplete no 44700", []string{"country_change 303", "country_change 303"}, 0},
		{"buys an option that was refused", withOptions, "shipping_option_update", but("shipping_option_update", faketest.Says{Status: 400}), []string{`{"shipping_option":"post"}`, faketest.Buys},
			failed, faketest.Incomplete, []string{"shipping_option_update 400" + noWords, "shipping_option_update 400" + noWords}, 0},
		{"one success makes up for another's failure", withOptions, "shipping_option_update address_update", but("shipping_option_update", broken),
			[]string{whole, `{"shipping_option":"post"}`, `{"type":{"city":"Umeå"}}`, faketest.Buys}, "", "complete se 44700",
			[]string{"address_update 200", "shipping_option_update 500" + not200, "address_update 200"}, 0},
		{"validation refuses after the address", nil, "address_update validation", but("validation", faketest.Says{Status: 303, Location: faketest.Elsewhere}), []string{faketest.Buys},
			"validation_redirect " + faketest.Elsewhere, faketest.Incomplete, []string{"address_update 200", "validation 303"}, 0},
		{"each try is validated", nil, "validation", but("validation", faketest.Says{Status: 400}), []string{faketest.Buys, faketest.Buys}, "validation_refused " + faketest.Again, faketest.Incomplete,
			[]string{"validation 400" + noWords, "validation 400" + noWords}, 0},
	}
	for i := range rows {
		t.Run(rows[i].name, rows[i].run)
	}
}
