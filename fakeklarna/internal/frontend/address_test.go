package frontend_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/browsertest"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// answered is what a merchant answers to an address callback.
func answered(total int64, currency, locale string) map[string]any {
	answer := faketest.Amounts(total)
	answer["purchase_currency"], answer["locale"] = currency, locale
	return answer
}

// byCountry is a merchant of two markets.
func byCountry(w http.ResponseWriter, r *http.Request) {
	var sent struct {
		BillingAddress struct{ Country string } `json:"billing_address"`
	}
	answer := answered(44700, "SEK", "en-SE")
	if err := json.NewDecoder(r.Body).Decode(&sent); err == nil && strings.EqualFold(sent.BillingAddress.Country, "NO") {
		answer = answered(49900, "NOK", "nb-NO")
	}
	faketest.Answering(200, answer)(w, r)
}

// The merchant's answer to a change of country decides about currency and
// language, and the fields follow the country.
func TestCountryChangedInTheFrame(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"country_change", "address_update"} {
		t.Run(kind, func(t *testing.T) {
			h := faketest.NewHost(t)
			h.On(kind, byCountry)
			c := h.Open(h.CreateWith(map[string]any{"shipping_countries": []string{"SE", "NO", "DE"}}, kind), browsertest.Options{})
			c.Fill(faketest.Swede)
			c.Element("country").MustSelect("Norway")
			c.WaitTotal("499 kr")
			c.WaitFrame("the language", `() => document.documentElement.lang === "nb" && document.getElementById("pay").textContent.startsWith("Betal")`)
			c.Settled()
			o := h.Order(c.ID)
			if got := o.PurchaseCurrency + " " + o.Locale + " " + strings.ToUpper(o.PurchaseCountry); got != "NOK nb-NO NO" {
				t.Errorf("order = %s", got)
			}
			if got, want := c.WaitEvent("order_total_change"), `{"order_total":49900}`; got != want {
				t.Errorf("order_total_change = %s, want %s", got, want)
			}
			c.Wait("the event", `() => events.findLast(([name]) => name === "billing_address_change")[1].country === "nor"`)
			if got := c.Value("street_address"); got != faketest.Swede["street_address"] {
				t.Errorf("street = %q: what was typed is lost", got)
			}
			c.Fill(map[string]string{"postal_code": "0150"})
			c.Settled()
			c.Buy()
			if got := h.Order(c.ID).Status; got != "checkout_complete" {
				t.Errorf("status = %s", got)
			}
		})
	}
}

func TestAddressRefused(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	h.On("address_update", byCountry)
	c := h.Open(h.CreateWith(nil, "address_update"), browsertest.Options{})
	c.Settled()
	h.On("address_update", faketest.Answering(400, map[string]any{"error_type": "address_error", "error_text": "The mail boat does not go to 111 47."}))
	c.Fill(faketest.Swede)
	refused := `(want) => document.getElementById("address-refusal").textContent === want`
	c.WaitFrame("the merchant's text", refused, "The mail boat does not go to 111 47.")
	c.PressPay()
	c.WaitFrame("the text again, and no purchase", refused, "The mail boat does not go to 111 47.")
	c.Settled()
	if got := c.Count("shipping_address_update_error"); got != 0 {
		t.Errorf("a refusal is no failure, yet the event fired %d times", got)
	}

	h.On("address_update", faketest.Answering(500, nil))
	c.Fill(map[string]string{"postal_code": "111 48"})
	c.WaitFrame("the fake's text", refused, "Something went wrong. Try again.")
	if got, want := c.WaitEvent("shipping_address_update_error"), `{}`; got != want {
		t.Errorf("shipping_address_update_error = %s, want %s", got, want)
	}
	if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}

	h.On("address_update", byCountry)
	c.Settled()
	c.Buy() // which asks again
}

// The merchant is told of whole addresses, not of each key.
func TestAddressIsToldWhenItIsWhole(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	h.On("address_update", byCountry)
	c := h.Open(h.CreateWith(nil, "address_update"), browsertest.Options{})
	c.Settled()
	for _, step := range []struct {
		typed map[string]string
		want  string
	}{
		{map[string]string{"email": "ada@example.com"}, "address_update"}, // the one at first load
		{map[string]string{"postal_code": "111 47"}, "address_update address_update"},
		{map[string]string{"given_name": "Ada", "family_name": "Lindqvist", "city": "Stockholm", "phone": "0701234567"}, "address_update address_update"},
		{map[string]string{"street_address": "Hamngatan 4"}, "address_update address_update address_update"},
	} {
		c.Fill(step.typed)
		c.WaitTyped(step.typed)
		c.Settled()
		if got := h.Calls(); got != step.want {
			t.Fatalf("after %v: callbacks = %s, want %s", step.typed, got, step.want)
		}
	}
}

// With shipping_option_update the merchant's lines have the delivery.
func TestShippingOptionAskedOfTheMerchant(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.CreateWith(delivery, "shipping_option_update"), browsertest.Options{})
	c.WaitTotal("447 kr")
	h.On("shipping_option_update", func(w http.ResponseWriter, r *http.Request) {
		var sent struct {
			Option struct{ ID string } `json:"selected_shipping_option"`
		}
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || sent.Option.ID != "express" {
			t.Errorf("the merchant was sent option %q (%v)", sent.Option.ID, err)
		}
		faketest.Answering(200, answered(57600, "SEK", "en-SE"))(w, r)
	})
	c.Element("shipping_option-express").MustClick()
	c.WaitTotal("576 kr")
	c.Wait("the event", `() => events.findLast(([name]) => name === "shipping_option_change")[1].id === "express"`)
	c.WaitFrame("the total to be read out", `() => document.getElementById("status").textContent === "To pay now: 576\u00a0kr"`)
	c.Fill(faketest.Swede)
	c.Settled()
	c.Buy()
}

var neighbour = map[string]string{
	"shipping.given_name": "Bo", "shipping.family_name": "Ek", "shipping.street_address": "Storgatan 9",
	"shipping.postal_code": "752 20", "shipping.city": "Uppsala",
}

func TestSeparateAddress(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{
		"options": map[string]any{"allow_separate_shipping_address": true}, "shipping_countries": []string{"SE", "DE"},
		"shipping_address": map[string]any{"postal_code": "22100", "city": "Lund"}, "billing_address": map[string]any{"email": "ada@example.com"},
	}), browsertest.Options{})
	c.Fill(faketest.Swede)
	if got := c.Value("shipping.city"); got != "Lund" {
		t.Errorf("the shop's shipping address is not shown: city = %q", got)
	}
	c.Element("separate").MustClick() // off
	c.Settled()
	if o := h.Order(c.ID); o.ShippingAddress != o.BillingAddress {
		t.Errorf("shipping = %+v, want billing", o.ShippingAddress)
	}
	c.Element("separate").MustClick() // on
	c.Element("shipping.given_name").MustWaitVisible()
	c.Fill(neighbour)
	c.Settled()
	if got, want := c.WaitEvent("shipping_address_change"), `{"postal_code":"75220","country":"swe","given_name":"Bo","family_name":"Ek","email":"ada@example.com"}`; got != want {
		t.Errorf("shipping_address_change = %s, want %s", got, want)
	}
	if got, want := c.WaitEvent("billing_address_change"), `{"postal_code":"11147","country":"swe","given_name":"Ada","family_name":"Lindqvist","email":"ada@example.com"}`; got != want {
		t.Errorf("billing_address_change = %s, want %s", got, want)
	}

	// Each address has the fields of its own country.
	c.Element("shipping.country").MustSelect("Germany")
	c.Element("shipping.street_name").MustWaitVisible()
	if !c.Element("street_address").MustVisible() {
		t.Error("the billing address has the fields of the other country")
	}
	c.PressPay()
	c.WaitFrame("the missing street to be marked", `() => document.activeElement.name === "shipping.street_name"`)
	c.Element("shipping.country").MustSelect("Sweden")
	c.Element("shipping.street_address").MustWaitVisible()
	c.Settled()
	c.Load()
	if got := c.Value("shipping.city"); got != "Uppsala" {
		t.Errorf("city = %q after a reload", got)
	}
	c.WaitFrame("the summary", `() => document.getElementById("summary-shipping").textContent === "Delivery address: Bo Ek, Storgatan 9, 752 20 Uppsala"`)
	c.Settled()
	c.Buy()
	o := h.Order(c.ID)
	if o.ShippingAddress.City != "Uppsala" || o.BillingAddress.City != "Stockholm" {
		t.Errorf("ships to %s, bills to %s", o.ShippingAddress.City, o.BillingAddress.City)
	}
}

// Nothing is delivered to a country that is not among the shipping countries.
func TestSeparateAddressNeeded(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"shipping_countries": []string{"NO"}, "billing_countries": []string{"SE"}}), browsertest.Options{})
	c.Fill(faketest.Swede)
	if got := c.InFrame().MustElement("#separate-needed").MustText(); got != "The shop does not deliver to Sweden. Give another address for the delivery." {
		t.Errorf("text = %q", got)
	}
	if c.InFrame().MustElement("#separate").MustVisible() {
		t.Error("the choice is offered although there is none")
	}
	norway := maps.Clone(neighbour)
	norway["shipping.postal_code"] = "0150"
	c.Settled()
	for name := range norway {
		if got := c.Value(name); got != "" {
			t.Errorf("%s = %q before anything is typed there", name, got)
		}
	}
	c.Fill(norway)
	c.Settled()
	c.Buy()
	if got := strings.ToUpper(h.Order(c.ID).ShippingAddress.Country); got != "NO" {
		t.Errorf("ships to %s", got)
	}
}

// Two equal addresses of the shop's are one: what the shopper changes in it holds for the delivery.
func TestEqualAddressesAreOne(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{
		"options": map[string]any{"allow_separate_shipping_address": true}, "billing_address": faketest.Ada(), "shipping_address": faketest.Ada(),
	}), browsertest.Options{})
	c.Settled()
	c.Element("change").MustClick()
	c.Fill(map[string]string{"street_address": "Nygatan 2"})
	c.Settled()
	c.WaitFrame("no other address", `() => !document.getElementById("separate-box").checked && !document.getElementById("summary-shipping").textContent`)
	c.Buy()
	if o := h.Order(c.ID); o.ShippingAddress != o.BillingAddress || o.ShippingAddress.StreetAddress != "Nygatan 2" {
		t.Errorf("bills to %+v, ships to %+v", o.BillingAddress, o.ShippingAddress)
	}
}

func TestFrameCompany(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"options": map[string]any{
		"allowed_customer_types": []string{"person", "organization"}, "show_vat_registration_number_field": true,
	}}), browsertest.Options{})
	c.Fill(faketest.Swede)
	c.Element("customer-organization").MustClick()
	c.Wait("the event", `() => events.findLast(([name]) => name === "customer")[1].type === "organization"`)
	c.PressPay()
	c.WaitFrame("the company's name to be asked for", `() => document.activeElement.name === "organization_name"`)
	number := c.Element("organization_registration_id")
	if got, want := *number.MustAttribute("aria-describedby"), "field-organization_registration_id-error field-organization_registration_id-hint"; got != want {
		t.Errorf("described by %q, want %q", got, want)
	}
	c.Fill(company)
	if number.MustAttribute("aria-invalid") != nil {
		t.Error("the number is still marked")
	}
	c.Settled()
	c.Buy()
	o := h.Order(c.ID)
	want := map[string]string{"type": "organization", "organization_registration_id": "556016-0680", "vat_id": "SE556016068001"}
	got := map[string]string{"type": o.Customer.Type, "organization_registration_id": o.Customer.OrganizationRegistrationID, "vat_id": o.Customer.VATID}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("customer (-want +got):\n%s", diff)
	}
	if got := o.BillingAddress.OrganizationName; got != company["organization_name"] {
		t.Errorf("organization_name = %q", got)
	}
}

func TestFrameCheckboxes(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"options": map[string]any{
		"additional_checkbox": map[string]any{"text": "Gift", "checked": false, "required": false},
		"additional_checkboxes": []map[string]any{
			{"id": "news", "text": "Letters", "checked": true, "required": false},
			{"id": "age", "text": "I have read <b>the</b> [rules](https://shop.example/rules) and [this](javascript:alert(1)) and [that](ftp://shop.example/x)", "checked": false, "required": true},
		},
	}}), browsertest.Options{})
	c.Fill(faketest.Swede)
	links := c.InFrame().MustEval(`() => JSON.stringify([...document.querySelectorAll("#checkboxes a")].map(({href, textContent, rel}) => [href, textContent, rel]))`).Str()
	if want := `[["https://shop.example/rules","rules","noopener"]]`; links != want {
		t.Errorf("links = %s, want %s", links, want)
	}
	c.PressPay()
	c.WaitFrame("the required box to be marked", `() => document.activeElement.value === "age" && document.activeElement.getAttribute("aria-invalid") === "true"`)
	c.Element("box-age").MustClick()
	if got, want := c.WaitEvent("checkbox_change"), `{"key":"age","checked":true}`; got != want {
		t.Errorf("checkbox_change = %s, want %s", got, want)
	}
	c.Element("box-news").MustClick()
	c.Wait("the event", `() => JSON.stringify(events.findLast(([name]) => name === "checkbox_change")[1]) === '{"key":"news","checked":false}'`)
	c.Settled()
	c.Load()
	for id, want := range map[string]bool{"age": true, "news": false, "additional_checkbox": false} {
		if got := c.Element("box-" + id).MustProperty("checked").Bool(); got != want {
			t.Errorf("%s is ticked: %t, want %t", id, got, want)
		}
	}
	c.Settled()
	c.Buy()
	want := `{"additional_checkbox":false,"additional_checkboxes":[{"id":"news","checked":false},{"id":"age","checked":true}]}`
	if got := string(h.Order(c.ID).MerchantRequested); got != want {
		t.Errorf("merchant_requested = %s, want %s", got, want)
	}
}
