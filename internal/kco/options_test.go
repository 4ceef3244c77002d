package kco_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// asks makes the shop ask what it asked and one thing more of Klarna's form in Sweden.
func (w *world) asks(f settings.Form) {
	w.KCO.Wants.Pricer.Published = shoptest.Published(func(s *settings.Shop) { s.Checkout.Forms = map[string]settings.Form{"SE": f} })
}

// Each member that is published is in an open order with its next sync, and asks for no more after that.
func TestOptionsOfOpenOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeklarna.Options{})
	w.asks(settings.Form{})
	w.put("MUG-1", 1)
	first, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	boxes := func(required bool) []settings.Checkbox {
		return []settings.Checkbox{{ID: "news", Text: i18n.Text{"sv": "Nyheter", "en": "News"}}, {ID: "age", Text: i18n.Text{"sv": "Jag är 18"}, Required: required}}
	}
	var f settings.Form
	for _, step := range []struct {
		member, want string
		set          func()
	}{
		{"allow_separate_shipping_address", "true", func() { f.SeparateAddress = true }},
		{"phone_mandatory", "false", func() { f.PhoneOptional = true }},
		{"date_of_birth_mandatory", "true", func() { f.BirthMandatory = true }},
		{"national_identification_number_mandatory", "true", func() { f.IdentityMandatory = true }},
		{"allowed_customer_types", `["person","organization"]`, func() { f.CustomerTypes = []string{"person", "organization"} }},
		{"color_button", `"#010101"`, func() { f.Colors.Button = "#010101" }},
		{"color_button_text", `"#020202"`, func() { f.Colors.ButtonText = "#020202" }},
		{"color_checkbox", `"#030303"`, func() { f.Colors.Checkbox = "#030303" }},
		{"color_checkbox_checkmark", `"#040404"`, func() { f.Colors.CheckboxCheckmark = "#040404" }},
		{"color_header", `"#050505"`, func() { f.Colors.Header = "#050505" }},
		{"color_link", `"#060606"`, func() { f.Colors.Link = "#060606" }},
		{"radius_border", `"6"`, func() { f.Radius = "6" }},
		{"additional_checkboxes", `[{"id":"news","text":"Nyheter","checked":false,"required":false},{"id":"age","text":"Jag är 18","checked":false,"required":false}]`, func() { f.Checkboxes = boxes(false) }},
		{"additional_checkboxes", `[{"id":"news","text":"Nyheter","checked":false,"required":false},{"id":"age","text":"Jag är 18","checked":false,"required":true}]`, func() { f.Checkboxes = boxes(true) }},
		{"auto_capture", "true", func() { f.AutoCapture = true }},
		{"additional_checkboxes", "", func() { f.Checkboxes = nil }},
		{"color_button", "", func() { f.Colors.Button = "" }},
	} {
		step.set()
		w.asks(f)
		for _, want := range [][]string{{"read", "update"}, {"read"}} {
			before := len(w.calls())
			got, err := w.sync(cartsync.Load)
			if err != nil || got.OrderID != first.OrderID {
				t.Fatalf("%s: %+v, %v", step.member, got, err)
			}
			if diff := cmp.Diff(want, w.calls()[before:]); diff != "" {
				t.Errorf("%s: calls (-want +got):\n%s", step.member, diff)
			}
		}
		if got := w.option(first.OrderID, step.member); got != step.want {
			t.Errorf("Klarna has %s = %s, want %s", step.member, got, step.want)
		}
	}
}

// option is an option of an order as Klarna has it.
func (w *world) option(orderID, member string) string {
	w.T.Helper()
	there, _ := w.Fake.Order(orderID)
	text, err := json.Marshal(there.Options)
	if err != nil {
		w.T.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		w.T.Fatal(err)
	}
	return string(members[member])
}

// A shopper who has ticked a box and chosen to be a company keeps that through an update of the cart; the
// one who was first in the file is preselected.
func TestOptionsKeepAnswers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeklarna.Options{})
	w.asks(settings.Form{
		CustomerTypes: []string{"organization", "person"}, Checkboxes: []settings.Checkbox{{ID: "news", Text: i18n.Text{"en": "News"}}},
	})
	w.put("MUG-1", 1)
	first, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	customer := func() string {
		there, _ := w.Fake.Order(first.OrderID)
		return there.Customer.Type
	}
	if got := customer(); got != "organization" {
		t.Errorf("preselected is %q", got)
	}
	if out, err := w.Fake.Shopper(first.OrderID, fakeklarna.Action{Customer: "person", Checkboxes: map[string]bool{"news": true}}); err != nil || out.Refused != nil {
		t.Fatal(out, err)
	}
	if got, err := w.sync(cartsync.Load); err != nil || got.Updated {
		t.Errorf("updated: %v, %v", got.Updated, err)
	}
	w.put("MUG-1", 2)
	if _, err := w.sync(cartsync.Load); err != nil {
		t.Fatal(err)
	}
	if got := customer(); got != "person" {
		t.Errorf("after an update the customer is %q", got)
	}
	w.agrees(first.OrderID)
	updates := w.Fake.Requests(first.OrderID)
	i := slices.IndexFunc(updates, func(r fakeklarna.Request) bool {
		return r.Method == "POST" && strings.Contains(r.Path, first.OrderID)
	})
	if i < 0 || strings.Contains(string(updates[i].Request), `"customer"`) {
		t.Error("an update names the customer's type")
	}
}
