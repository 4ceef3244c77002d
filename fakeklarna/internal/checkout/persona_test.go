package checkout_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/web"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// How a purchase ends depends on who buys and on what is pressed in the dialog;
// what fails leaves the order open, and another try works.
func TestPersonas(t *testing.T) {
	rows := []struct {
		name, email, decision, locale string
		refused, message              string
	}{
		{"approved", "ada@example.com", "", "sv-SE", "", ""},
		{"approved in the dialog", "ada@example.com", "approve", "sv-SE", "", ""},
		{"declined in the dialog", "ada@example.com", "decline", "en-SE", "declined", "The purchase was not approved. Choose another way to pay."},
		{"denied", "ada+denied@example.com", "", "sv-SE", "declined", "Köpet godkändes inte. Välj ett annat sätt att betala."},
		{"denied after the dialog", "ada+denied@example.com", "approve", "nb-NO", "declined", "Kjøpet ble ikke godkjent. Velg en annen betalingsmåte."},
		{"denied, Danish", "ada+denied@example.com", "", "da-DK", "declined", "Købet blev ikke godkendt. Vælg en anden betalingsmåde."},
		{"denied, Finnish", "ada+denied@example.com", "", "fi-FI", "declined", "Ostosta ei hyväksytty. Valitse toinen maksutapa."},
		{"denied, German", "ada+denied@example.com", "", "de-AT", "declined", "Der Kauf wurde nicht genehmigt. Wählen Sie eine andere Zahlungsart."},
		{"denied, Dutch", "ada+denied@example.com", "", "nl-NL", "declined", "De aankoop is niet goedgekeurd. Kies een andere betaalwijze."},
		{"denied, a language that we lack", "ada+denied@example.com", "", "pl-PL", "declined", "The purchase was not approved. Choose another way to pay."},
		{"technical error", "ada+error@example.com", "", "sv-SE", "technical_error", "Något gick fel. Försök igen."},
		{"technical error before the decline", "ada+error@example.com", "decline", "sv-SE", "technical_error", "Något gick fel. Försök igen."},
		{"pending, accepted later", "ada+pend-accept-05@example.com", "", "sv-SE", "", ""},
		{"pending, rejected later", "ada+pend-reject-00@example.com", "", "sv-SE", "", ""},
		{"not the mark", "denied@example.com", "", "sv-SE", "", ""},
		{"not the mark either", "ada+denied.x@example.com", "", "sv-SE", "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "locale", row.locale), "validation")
			c.Will("validation", faketest.Says{Status: 200})
			c.Act(faketest.Text(map[string]any{"type": map[string]string{"email": row.email}}))
			out := c.Act(faketest.Text(map[string]any{"buy": map[string]string{"decision": row.decision}}))
			if row.refused == "" {
				if out.Refused != nil || out.Status != "checkout_complete" || out.ConfirmationURL == "" {
					t.Errorf("got %+v", out)
				}
				return
			}
			if diff := cmp.Diff(&fakeklarna.Refusal{Code: row.refused, Message: row.message}, out.Refused); diff != "" {
				t.Errorf("refusal (-want +got):\n%s", diff)
			}
			if out.Status != "checkout_incomplete" || out.ConfirmationURL != "" || c.Kinds() != "validation" {
				t.Errorf("got %+v, callbacks %s", out, c.Kinds())
			}
			out = c.Act(`{"type":{"email":"ada@example.com"},"buy":{}}`)
			if out.Refused != nil || out.Status != "checkout_complete" || c.Kinds() != "validation validation" {
				t.Errorf("another try: got %+v, callbacks %s", out, c.Kinds())
			}
		})
	}
}

// Every refusal has a text in each language, and redirects have none.
func TestRefusalTexts(t *testing.T) {
	seen := map[string]bool{}
	for locale := range web.Texts() {
		c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "locale", locale), "validation")
		for _, step := range []struct {
			says   faketest.Says
			action string
		}{
			{faketest.Says{Status: 200}, `{"type":{"email":"a+denied@b.example"},"buy":{}}`},
			{faketest.Says{Status: 200}, `{"type":{"email":"a+error@b.example"},"buy":{}}`},
			{faketest.Says{Status: 400}, `{"buy":{}}`},
			{faketest.Says{Status: 400, Body: `{"error_type":"unsupported_shipping_address"}`}, `{"buy":{}}`},
			{faketest.Says{Status: 200}, `{"type":{"email":"a@b.example"},"buy":{}}`},
			{faketest.Says{Status: 200}, `{"buy":{}}`},
		} {
			c.Will("validation", step.says)
			out := c.Act(step.action)
			if out.Refused == nil {
				continue
			}
			if words := out.Refused.Message; words == "" || seen[words] {
				t.Errorf("%s, %s: got %q", locale, step.action, words)
			} else {
				seen[words] = true
			}
		}
	}
	if want := 5 * len(web.Texts()); len(seen) != want {
		t.Errorf("got %d texts, want %d", len(seen), want)
	}
}

// Companies, where the order and the country allow them.
func TestCustomerTypes(t *testing.T) {
	both := []any{"options.allowed_customer_types", []string{"person", "organization"}}
	rows := []struct {
		name     string
		changes  []any
		action   string
		possible bool
		customer string
	}{
		{"person is usual", nil, `{"customer":"person"}`, true, "person"},
		{"company is not", nil, `{"customer":"organization"}`, false, "person"},
		{"company is allowed", both, `{"customer":"organization"}`, true, "organization"},
		{"there is nothing else", both, `{"customer":"dog"}`, false, "person"},
		{"only companies", []any{"options.allowed_customer_types", []string{"organization"}}, `{"customer":"person"}`, false, "organization"},
		{"only companies, no word", []any{"options.allowed_customer_types", []string{"organization"}}, `{}`, true, "organization"},
		{"a country without companies", append(slices.Clone(both), "purchase_country", "PL"), `{"customer":"organization"}`, false, "person"},
		{"companies first", []any{"options.allowed_customer_types", []string{"organization", "person"}}, `{}`, true, "organization"},
		{"companies first, no company", []any{"options.allowed_customer_types", []string{"organization", "person"}}, `{"customer":"person"}`, true, "person"},
		{"the merchant says company", append(slices.Clone(both), "customer", map[string]any{"type": "organization"}), `{}`, true, "organization"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), row.changes...))
			got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", row.action)
			if (got.Status == 200) != row.possible {
				t.Fatalf("got %d %s", got.Status, got.Body)
			}
			if out := c.Act(faketest.Buys); out.Customer != row.customer || c.Order().Customer.Type != row.customer {
				t.Errorf("got %s, %+v, want %s", out.Customer, c.Order().Customer, row.customer)
			}
		})
	}

	c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), both...), "validation")
	c.Will("validation", faketest.Says{Status: 200})
	out := c.Act(`{"customer":"organization","type":{"organization_name":"Ada AB"}}`)
	if !slices.Contains(out.Missing, "organization_registration_id") || slices.Contains(out.Missing, "organization_name") {
		t.Errorf("got missing %v", out.Missing)
	}
	c.Act(`{"type":{"organization_registration_id":"556016-0680","vat_id":"SE556016068001"},"buy":{}}`)
	want := wire.Customer{Type: "organization", OrganizationRegistrationID: "556016-0680", VATID: "SE556016068001"}
	if o := c.Order(); o.Customer != want || o.BillingAddress.OrganizationName != "Ada AB" {
		t.Errorf("got %+v, %+v", o.Customer, o.BillingAddress)
	}
	if sent := c.Received()[0].Body; !strings.Contains(sent, `"organization_registration_id":"556016-0680"`) {
		t.Errorf("validation: got %s", sent)
	}
}

// An order is paid in a way that its country has, with its currency.
func TestMethods(t *testing.T) {
	for _, row := range []struct {
		name, country, currency, action string
		want                            string // the method, "400" or the code of a refusal
	}{
		{"a core market", "SE", "SEK", `{"buy":{"method":"pay_later"}}`, "pay_later"},
		{"a core market, in small letters", "se", "sek", `{"buy":{"method":"pay_later"}}`, "pay_later"},
		{"another", "EE", "EUR", `{"buy":{"method":"pay_later"}}`, "400"},
		{"another, by card", "EE", "EUR", `{"buy":{"method":"card"}}`, "card"},
		{"another, any", "EE", "EUR", faketest.Buys, "card"},
		{"a foreign currency", "SE", "EUR", `{"buy":{"method":"bank_account"}}`, "400"},
		{"another country, whose currency stays", "SE", "SEK", `{"country":"EE","buy":{"method":"pay_later"}}`, "declined"},
		{"another country, whose currency the shop answers", "SE", "SEK", `{"country":"FI","buy":{"method":"pay_later"}}`, "pay_later"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "purchase_country", row.country, "purchase_currency", row.currency), "country_change")
			c.Will("country_change", faketest.Says{Status: 200, Body: faketest.Text(faketest.With(faketest.CaseA(), "purchase_currency", "EUR"))})
			if strings.Contains(row.action, "EE") {
				c.Will("country_change", faketest.Says{Status: 200, Body: faketest.Text(faketest.CaseA())})
			}
			got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", row.action)
			o := c.Order()
			switch is := o.Fake.PaymentMethod; {
			case row.want == "400":
				if got.Status != 400 || !strings.Contains(string(got.Body), "card") || is != "" {
					t.Errorf("got %d %s, paid by %q", got.Status, got.Body, is)
				}
			case row.want == "declined":
				if !strings.Contains(string(got.Body), `"code":"declined"`) || is != "" || o.Status != "checkout_incomplete" {
					t.Errorf("got %d %s, paid by %q", got.Status, got.Body, is)
				}
			case is != row.want:
				t.Errorf("got %d %s, paid by %q, want %q", got.Status, got.Body, is, row.want)
			}
		})
	}
}

// merchant_requested is what was ticked.
func TestCheckboxes(t *testing.T) {
	box := func(id string, checked, required bool) map[string]any {
		return map[string]any{"id": id, "text": id, "checked": checked, "required": required}
	}
	order := func() map[string]any {
		return faketest.With(faketest.CaseA(), "options.additional_checkbox", map[string]any{"text": "a", "checked": false, "required": false},
			"options.additional_checkboxes", []any{box("news", true, false), box("terms", false, true)})
	}
	c := faketest.NewCalled(t, order())
	if diff := cmp.Diff(map[string]bool{"additional_checkbox": false, "news": true, "terms": false}, c.Act(`{}`).Checkboxes); diff != "" {
		t.Errorf("at first (-want +got):\n%s", diff)
	}
	c.Act(`{"checkboxes":{"additional_checkbox":true,"news":false}}`)
	if diff := cmp.Diff(map[string]bool{"additional_checkbox": true, "news": false, "terms": false}, c.Act(`{}`).Checkboxes); diff != "" {
		t.Errorf("ticked (-want +got):\n%s", diff)
	}
	for _, wrong := range []string{`{"checkboxes":{"x":true}}`, `{"checkboxes":{"terms":false},"buy":{}}`} {
		if got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", wrong); got.Status != 400 {
			t.Errorf("%s: got %d %s", wrong, got.Status, got.Body)
		}
	}
	if c.Order().MerchantRequested != nil {
		t.Errorf("got %s before the purchase", c.Order().MerchantRequested)
	}
	c.Act(faketest.Buys)
	want := `{"additional_checkbox":true,"additional_checkboxes":[{"id":"news","checked":false},{"id":"terms","checked":true}]}`
	if got := string(c.Order().MerchantRequested); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c = faketest.NewCalled(t, order())
	c.Act(`{"checkboxes":{"terms":false}}`)
	if got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", faketest.Buys); got.Status != 400 || c.Order().Status != "checkout_incomplete" {
		t.Errorf("bought without what is required: %d %s", got.Status, got.Body)
	}
}
