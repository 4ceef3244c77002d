package checkout_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// An order's story: what the shopper did and what changed.
func TestEventsOfAnOrder(t *testing.T) {
	c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "shipping_options", faketest.Options, "options.allowed_customer_types", []string{"person", "organization"},
		"options.additional_checkbox", map[string]any{"text": "a", "checked": false, "required": false},
		"external_payment_methods", []any{map[string]any{"name": "PayPal", "redirect_url": "https://pay.example/"}}),
		"address_update", "validation")
	c.Will("address_update", faketest.Says{Status: 200, Body: faketest.Service(append(faketest.OneMug(), "purchase_currency", "NOK")...)})
	c.Will("validation", faketest.Says{Status: 400})
	for _, a := range []string{
		`{"load":true}`, `{}`, `{"country":"NO"}`, `{"type":{"city":"Oslo"}}`, `{"customer":"organization"}`, `{"checkboxes":{"additional_checkbox":true}}`,
		`{"shipping_option":"post"}`, `{"external_method":"PayPal"}`, `{"buy":{}}`,
	} {
		c.Act(a)
	}
	c.Will("validation", faketest.Says{Status: 200})
	c.Act(`{"buy":{"method":"card"}}`)
	want := []string{
		"state: status checkout_incomplete",
		"shopper: opened the checkout",
		"state: quantity of MUG-1 2 → 1, quantity of STD 1 → 0, order_amount 44700 → 19900, order_tax_amount 8940 → 3980, purchase_currency SEK → NOK",
		"shopper: chose the country NO",
		"shopper: typed",
		"shopper: buys as organization",
		"shopper: ticked",
		"shopper: chose the shipping option post",
		"shopper: left to pay by PayPal",
		"shopper: pressed Buy",
		"shopper: was refused: validation_refused",
		"shopper: pressed Buy",
		"state: status checkout_incomplete → checkout_complete",
		"state: authorized 248.00 NOK, fraud_status ACCEPTED",
	}
	if diff := cmp.Diff(want, faketest.Events(c.Fake, c.ID)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// What an update changes is told, what it leaves is not.
func TestEventsOfUpdates(t *testing.T) {
	rows := []struct {
		name, body string
		want       []string
	}{
		{"nothing", `{"locale":"sv-SE"}`, nil},
		{"a value", `{"locale":"en-SE","merchant_reference2":"R"}`, []string{"state: locale sv-SE → en-SE, merchant_reference2 none → R"}},
		{"an object", `{"options":{"auto_capture":true}}`, []string{"state: options changed"}},
		{"a long value", `{"merchant_data":"abcdefghijklmnopqrstuvwxyz"}`, []string{"state: merchant_data changed"}},
		{"lines", faketest.Text(faketest.With(map[string]any{}, faketest.OneMug()...)), []string{"state: quantity of MUG-1 2 → 1, quantity of STD 1 → 0, order_amount 44700 → 19900, order_tax_amount 8940 → 3980"}},
		{"many", `{"locale":"en-SE","merchant_reference1":"1","merchant_reference2":"2","merchant_data":"3","recurring":true,"recurring_description":"4","tags":["5"],"gui":{"options":[]}}`,
			[]string{"state: gui changed, locale sv-SE → en-SE, merchant_data none → 3, merchant_reference1 100123 → 1, merchant_reference2 none → 2, recurring none → true, 2 more"}},
		{"refused", `{"locale":"sv_SE"}`, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := faketest.NewCalled(t, faketest.CaseA())
			c.Do("POST", "/checkout/v3/orders/"+c.ID, row.body)
			if diff := cmp.Diff(append([]string{"state: status checkout_incomplete"}, row.want...), faketest.Events(c.Fake, c.ID)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
	c := faketest.NewCalled(t, faketest.CaseA())
	c.Do("POST", "/checkout/v3/orders/"+c.ID+"/abort", "")
	c.Act(`{"buy":{}}`)
	want := []string{"state: status checkout_incomplete", "state: status checkout_incomplete → checkout_aborted", "shopper: was refused: " + fakeklarna.RefusedReadOnly}
	if diff := cmp.Diff(want, faketest.Events(c.Fake, c.ID)); diff != "" {
		t.Errorf("an abort (-want +got):\n%s", diff)
	}
}
