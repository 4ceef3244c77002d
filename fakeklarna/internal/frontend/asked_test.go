package frontend_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/browsertest"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// What an order asks for beyond the usual, in the iframe: see also address_test.go.

// pickups are two pickup points and a delivery at a time.
var pickups = []map[string]any{
	{"id": "kiosk", "name": "Post", "price": 4900, "tax_amount": 980, "tax_rate": 2500, "shipping_method": "PickUpPoint", "tms_reference": "tms-7",
		"delivery_details": map[string]any{"carrier": "Mail boat", "pickup_location": map[string]any{"id": "p1", "name": "The harbour kiosk",
			"address": map[string]any{"street_address": "Kajen 2", "postal_code": "11147", "city": "Stockholm", "country": "SE"}}}},
	{"id": "market", "name": "Post", "price": 4900, "tax_amount": 980, "tax_rate": 2500, "shipping_method": "PickUpPoint", "tms_reference": "tms-7",
		"delivery_details": map[string]any{"carrier": "Mail boat", "pickup_location": map[string]any{"id": "p2", "name": "Market hall",
			"address": map[string]any{"street_name": "Torget", "street_number": "1", "postal_code": "11148", "city": "Stockholm", "country": "SE"}}}},
	{"id": "home", "name": "Home", "description": "To your door", "price": 9900, "tax_amount": 1980, "tax_rate": 2500,
		"delivery_details": map[string]any{"carrier": "Rowers", "timeslot": map[string]any{"id": "t", "start": "17:00", "end": "21:00"}}},
}

// optionTexts returns what each way of delivery says.
func optionTexts(c *faketest.Checkout) (texts []string) {
	for _, e := range c.InFrame().MustElements("#shipping-options label") {
		texts = append(texts, strings.Join(strings.Fields(strings.ReplaceAll(e.MustEval(`() => [...this.children].map((e) => e.textContent).filter(Boolean).join(" | ")`).Str(), "\u00a0", " ")), " "))
	}
	return texts
}

// Pickup points, each an option of its own; the one chosen is in the order.
func TestPickupPoints(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"shipping_options": pickups}), browsertest.Options{})
	want := []string{
		"Post | 49 kr | The harbour kiosk, Kajen 2, 11147 Stockholm | Mail boat",
		"Post | 49 kr | Market hall, Torget 1, 11148 Stockholm | Mail boat",
		"Home | To your door | 99 kr | Rowers · 17:00–21:00",
	}
	if diff := cmp.Diff(want, optionTexts(c)); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	c.Element("shipping_option-market").MustClick()
	c.WaitTotal("496 kr")
	c.Fill(faketest.Swede)
	c.Settled()
	c.Buy()
	got := h.Order(c.ID).SelectedShippingOption
	if got == nil || got.TMSReference != "tms-7" || !strings.Contains(string(got.DeliveryDetails), "Market hall") {
		t.Errorf("selected = %+v", got)
	}
}

// Points in time are written as the order's language writes them.
func TestDeliveryTime(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	option := maps.Clone(pickups[2])
	option["delivery_details"] = map[string]any{"timeslot": map[string]any{"id": "t", "start": "2026-12-01T17:00:00", "end": "2026-12-01T21:00:00"}}
	c := h.Open(h.Create(map[string]any{"locale": "sv-SE", "shipping_options": []any{option}}), browsertest.Options{})
	if got, want := optionTexts(c), "Home | To your door | 99 kr | tis 1 dec. 17:00\u201321:00"; len(got) != 1 || got[0] != want {
		t.Errorf("options = %q, want %q", got, want)
	}
}

// A shipping assistant's options are near the address that the shopper types.
func TestShippingAssistantInTheFrame(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.Create(map[string]any{"locale": "sv-SE"})
	if _, err := h.Fake.Shopper(id, fakeklarna.Action{ShippingAssistant: true}); err != nil {
		t.Fatal(err)
	}
	c := h.Open(id, browsertest.Options{})
	c.Fill(faketest.Swede)
	c.Settled()
	want := []string{
		"Hemleverans | 99 kr | Test Post · 17:00–21:00",
		"Utlämningsställe | 49 kr | Kiosk 24, Stårgatan 12, 111 47 Stockholm | Test Post",
		"Utlämningsställe | 49 kr | City Market, Stårgatan 48, 111 47 Stockholm | Test Post",
	}
	c.WaitFrame("the options near the address", `() => document.getElementById("shipping-options").textContent.includes("111\u00a047")`)
	if diff := cmp.Diff(want, optionTexts(c)); diff != "" {
		t.Errorf("options (-want +got):\n%s", diff)
	}
	c.Element("shipping_option-pickup-1").MustClick()
	c.WaitTotal("496 kr")
	c.Settled()
	c.Buy()
	if got := h.Order(id).SelectedShippingOption; got == nil || !strings.Contains(string(got.DeliveryDetails), "Kiosk 24") || got.TMSReference == "" {
		t.Errorf("selected = %+v", got)
	}
}

// The list of what is bought adds up to the total: with the delivery that the provider adds,
// and what pays for a part of it.
func TestFrameSummary(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	line := func(kind, name string, quantity, unit, tax, rate int64) map[string]any {
		return map[string]any{"type": kind, "name": name, "quantity": quantity, "unit_price": unit, "total_amount": quantity * unit, "total_tax_amount": tax, "tax_rate": rate}
	}
	c := h.Open(h.Create(map[string]any{
		"order_lines": []map[string]any{
			line("physical", "Mug", 2, 19900, 7960, 2500), line("discount", "Spring", 1, -5000, -1000, 2500), line("surcharge", "Small order", 1, 2500, 500, 2500),
			line("gift_card", "Gift card …4711", 1, -10000, 0, 0), line("store_credit", "Your credit", 1, -2000, 0, 0),
		},
		"order_amount": 25300, "order_tax_amount": 7460, "shipping_options": pickups, "options": map[string]any{"show_subtotal_detail": true},
	}), browsertest.Options{})
	c.Element("shipping_option-kiosk").MustClick()
	c.WaitTotal("302 kr")
	want := []string{"2 × Mug 398 kr", "Spring -50 kr", "Small order 25 kr", "Gift card …4711 -100 kr", "Your credit -20 kr", "Post 49 kr", "Includes 84,40 kr VAT"}
	var got []string
	if !c.Element("lines").MustProperty("open").Bool() {
		t.Error("the list is closed although the shop wants it open")
	}
	for _, e := range c.InFrame().MustElements("#line-list li, #tax") {
		got = append(got, strings.NewReplacer("\u00a0", " ", "\u2212", "-").Replace(e.MustEval(`() => [...this.childNodes].map((e) => e.textContent).join(" ")`).Str()))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	c.Picture("lines")
	// Closed by the shopper, it stays closed.
	c.InFrame().MustElement("#lines summary").MustClick()
	c.Element("shipping_option-home").MustClick()
	c.WaitTotal("352 kr")
	if c.Element("lines").MustProperty("open").Bool() {
		t.Error("the list has opened by itself")
	}
}

// What persons are asked for is demanded, and kept in the order.
func TestFramePersonalFields(t *testing.T) {
	t.Parallel()
	british := map[string]string{"email": "ada@example.com", "postal_code": "SW1A 1AA", "given_name": "Ada", "family_name": "Lovelace",
		"street_address": "12 St James's Square", "city": "London", "phone": "+447400123456"}
	with := func(pairs ...string) map[string]string {
		typed := maps.Clone(british)
		for i := 0; i < len(pairs); i += 2 {
			typed[pairs[i]] = pairs[i+1]
		}
		return typed
	}
	for _, tt := range []struct {
		name, field, value string
		order              map[string]any
		typed              map[string]string
		kept               func(fakeklarna.Order) string
	}{
		{"title", "title", "Mrs", map[string]any{"purchase_country": "GB", "purchase_currency": "GBP", "locale": "en-GB", "options": map[string]any{"title_mandatory": true}}, british,
			func(o fakeklarna.Order) string { return o.BillingAddress.Title }},
		{"date of birth", "date_of_birth", "1990-12-31", map[string]any{"options": map[string]any{"date_of_birth_mandatory": true}}, faketest.Swede,
			func(o fakeklarna.Order) string { return o.Customer.DateOfBirth }},
		{"national number", "national_identification_number", "410321-9202", map[string]any{"options": map[string]any{"national_identification_number_mandatory": true}}, faketest.Swede,
			func(o fakeklarna.Order) string { return o.Fake.Typed["national_identification_number"] }},
		{"phone", "phone", "+447400123456", map[string]any{"purchase_country": "GB", "purchase_currency": "GBP", "locale": "en-GB"}, with("phone", ""),
			func(o fakeklarna.Order) string { return o.BillingAddress.Phone }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := faketest.NewHost(t)
			c := h.Open(h.Create(tt.order), browsertest.Options{})
			c.Fill(tt.typed)
			c.Settled()
			c.PressPay()
			c.WaitFrame("the field to be demanded", `(name) => document.activeElement.name === name && document.activeElement.getAttribute("aria-invalid") === "true"`, tt.field)
			if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
				t.Errorf("status = %s", got)
			}
			if tt.field == "title" {
				c.Element("title").MustSelect(tt.value)
			} else {
				c.Fill(map[string]string{tt.field: tt.value[:4], "city": "Malmö"})
				c.WaitTyped(map[string]string{"city": "Malmö"}) // half of a value keeps no other from being saved
				c.Fill(map[string]string{tt.field: tt.value})
			}
			c.Settled()
			c.Buy()
			if got := tt.kept(h.Order(c.ID)); got != tt.value {
				t.Errorf("kept %q, want %q", got, tt.value)
			}
		})
	}
}

// Companies stand first where the order has them first.
func TestFrameCompanyFirst(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(map[string]any{"options": map[string]any{"allowed_customer_types": []string{"organization", "person"}}}), browsertest.Options{})
	if got, want := c.WaitEvent("customer"), `{"type":"organization"}`; got != want {
		t.Errorf("customer = %s, want %s", got, want)
	}
	c.Fill(map[string]string{"email": "ada@example.com", "postal_code": "111 47"})
	c.Element("organization_name").MustWaitVisible()
	if got := c.InFrame().MustElement("#customer-type-list").MustText(); strings.Join(strings.Fields(got), " ") != "Company Private person" {
		t.Errorf("customer types = %q", got)
	}
}

// Five boxes of the merchant's.
func TestFiveCheckboxes(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	var boxes []map[string]any
	for i, id := range []string{"one", "two", "three", "four", "five"} {
		boxes = append(boxes, map[string]any{"id": id, "text": "Box " + id, "checked": i%2 == 0, "required": i == 1})
	}
	c := h.Open(h.Create(map[string]any{"options": map[string]any{"additional_checkboxes": boxes}}), browsertest.Options{})
	c.Fill(faketest.Swede)
	c.Element("box-two").MustClick()
	c.Element("box-five").MustClick()
	c.Settled()
	c.Buy()
	var asked struct {
		Boxes []struct {
			ID      string
			Checked bool
		} `json:"additional_checkboxes"`
	}
	if err := json.Unmarshal(h.Order(c.ID).MerchantRequested, &asked); err != nil {
		t.Fatal(err)
	}
	var ticked []string
	for _, b := range asked.Boxes {
		if b.Checked {
			ticked = append(ticked, b.ID)
		}
	}
	if !slices.Equal(ticked, []string{"one", "two", "three"}) {
		t.Errorf("ticked = %v", ticked)
	}
}

// Another provider's checkout needs nothing of the form. Without its picture there is a text.
func TestFrameExternalCheckout(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.Create(map[string]any{
		"external_checkouts": []map[string]any{
			{"name": "Harbour pay", "redirect_url": "https://pay.example/?id={checkout.order.id}", "image_url": "https://127.0.0.1:1/harbour.png", "fee": 2900, "description": "By boat"},
			{"name": "Fjord pay", "redirect_url": "https://fjord.example/", "image_url": "https://127.0.0.1:1/fjord.png", "countries": []string{"NO"}},
		},
		"external_payment_methods": []map[string]any{{"name": "Ferry pay", "redirect_url": "https://ferry.example/", "image_url": "https://127.0.0.1:1/ferry.png"}},
	})
	c := h.Open(id, browsertest.Options{})
	c.Expect("127.0.0.1:1", "pay.example")
	c.WaitFrame("the texts in the place of the pictures", `() => !document.querySelector("img")`)
	var names []string
	for _, e := range c.InFrame().MustElements("#checkout-list > div") {
		names = append(names, strings.ReplaceAll(strings.ReplaceAll(e.MustText(), "\u00a0", " "), "\n\n", "\n"))
	}
	if diff := cmp.Diff([]string{"Continue with Harbour pay\nBy boat · + 29 kr"}, names); diff != "" {
		t.Errorf("checkouts (-want +got):\n%s", diff)
	}
	if c.InFrame().MustHas(`[data-testid="method-Harbour pay"]`) {
		t.Error("it is among the payment methods too")
	}
	if got := c.InFrame().MustElement(`#methods label:last-child b`).MustText(); got != "Ferry pay" {
		t.Errorf("last method = %q", got)
	}
	wait := make(chan string, 10)
	go c.EachEvent(func(e *proto.NetworkRequestWillBeSent) bool {
		if !strings.Contains(e.Request.URL, "pay.example") {
			return false
		}
		wait <- e.Request.URL
		return true
	})()
	c.Element("checkout-Harbour pay").MustClick()
	if got, want := <-wait, "https://pay.example/?id="+c.ID; got != want {
		t.Errorf("went to %s, want %s", got, want)
	}
	if got := h.Order(c.ID).Status; got != "checkout_incomplete" {
		t.Errorf("status = %s", got)
	}
}

// Pictures of other providers are shown where they can be had.
func TestFramePictures(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	c := h.Open(h.Create(nil), browsertest.Options{})
	pictures := c.InFrame().HijackRequests()
	defer pictures.MustStop()
	pictures.MustAdd("https://pictures.example/*", func(hijack *rod.Hijack) {
		if from, told := hijack.Request.Headers()["Referer"]; told {
			t.Errorf("the provider is told of %v", from)
		}
		hijack.Response.SetHeader("Content-Type", "image/svg+xml")
		hijack.Response.SetBody(`<svg xmlns="http://www.w3.org/2000/svg" width="276" height="48"><rect width="276" height="48" fill="#12509e"/></svg>`)
	})
	go pictures.Run()
	provider := map[string]any{"name": "Harbour pay", "redirect_url": "https://pay.example/", "image_url": "https://pictures.example/harbour.svg"}
	h.Update(c.ID, map[string]any{"external_checkouts": []any{provider}, "external_payment_methods": []any{provider}})
	c.MustEval(`() => { api.resume() }`)
	c.WaitFrame("both pictures", `() => [...document.images].map(({naturalWidth, alt}) => naturalWidth + alt).join() === "276,276Continue with Harbour pay"`)
	c.Picture("pictures")
}
