package checkout_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/web"
)

// The shipping assistant's choice is in the order as the shopper left it: with its pickup
// point and the assistant's reference, with its price on top, and as a line once bought.
func TestShippingAssistant(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	got := s.Send("POST", "/fake/orders/"+s.ID+"/shopper", `{"shipping_assistant":true,"shipping_option":"pickup-2","type":{"postal_code":"111 47","city":"Stockholm"}}`)
	if got.Status != 200 {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	out := s.Shopper(faketest.Action{})
	if names := optionNames(out); names != "home: Hemleverans, pickup-1: Utlämningsställe, pickup-2: Utlämningsställe" {
		t.Errorf("offered = %s", names)
	}
	if out.Total != 44700+4900 || out.ShippingOption != "pickup-2" {
		t.Errorf("total = %d with %q", out.Total, out.ShippingOption)
	}
	chosen := s.Order().SelectedShippingOption
	if chosen == nil || !faketest.UUIDShape.MatchString(chosen.TMSReference) || chosen.ShippingMethod != "PickUpPoint" || chosen.TaxAmount != 980 {
		t.Fatalf("selected = %+v", chosen)
	}
	want := `{"carrier":"Test Post","class":"standard","product":{"name":"Utlämningsställe","identifier":"PickUpPoint"},` +
		`"pickup_location":{"id":"market","name":"City Market","address":{"street_address":"Stårgatan 48","postal_code":"111 47","city":"Stockholm","country":"SE"}}}`
	if diff := cmp.Diff(want, string(chosen.DeliveryDetails)); diff != "" {
		t.Errorf("delivery details (-want +got):\n%s", diff)
	}
	if o := s.Order(); o.ShippingOptions != nil {
		t.Errorf("the merchant sees the assistant's options: %+v", o.ShippingOptions)
	}
	s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	o := s.Order()
	if diff := cmp.Diff(chosen, o.SelectedShippingOption); diff != "" {
		t.Errorf("selected once bought (-before +after):\n%s", diff)
	}
	last := o.OrderLines[len(o.OrderLines)-1]
	if last.Type != "shipping_fee" || last.Reference != "pickup-2" || o.OrderAmount != 49600 {
		t.Errorf("last line = %+v, amount %d", last, o.OrderAmount)
	}
	managed := string(s.Send("GET", "/ordermanagement/v1/orders/"+s.ID, "").Body)
	if !strings.Contains(managed, chosen.TMSReference) || !strings.Contains(managed, "City Market") {
		t.Errorf("order management has no %s: %s", chosen.TMSReference, managed)
	}
}

func optionNames(out fakeklarna.Outcome) string {
	var names []string
	for _, o := range out.ShippingOptions {
		names = append(names, o.ID+": "+o.Name)
	}
	return strings.Join(names, ", ")
}

// It stands in the place of the merchant's options, unless the order disables it.
func TestShippingAssistantOrMerchant(t *testing.T) {
	c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "shipping_options", faketest.Options, "options.tms_configuration_override.disabled", true))
	if got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", `{"shipping_assistant":true}`); got.Status != 400 || !strings.Contains(string(got.Body), "tms_configuration_override") {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	if got := optionNames(c.Act(`{"load":true}`)); got != "post: Post, express: Express" {
		t.Errorf("offered = %s", got)
	}
	c = faketest.NewCalled(t, faketest.With(faketest.CaseA(), "shipping_options", faketest.Options, "locale", "de-AT", "purchase_currency", "EUR"))
	if got := optionNames(c.Act(`{"shipping_assistant":true}`)); got != "home: Lieferung nach Hause, pickup-1: Paketshop, pickup-2: Paketshop" {
		t.Errorf("offered = %s", got)
	}
	if got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", `{"shipping_option":"express"}`); got.Status != 400 {
		t.Errorf("the merchant's option can still be chosen: %d %s", got.Status, got.Body)
	}
	if got := c.Act(faketest.Buys); got.ShippingOption != "home" || got.Total != 44700+990 {
		t.Errorf("bought with %q for %d", got.ShippingOption, got.Total)
	}
}

// A merchant's own options may have all that an assistant's have.
func TestPickupPointOfTheMerchant(t *testing.T) {
	c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "shipping_options", []any{
		faketest.Options[0], faketest.With(deliveryOption(), "tms_reference", "tms-7", "preselected", faketest.Gone{}),
	}))
	c.Act(`{"shipping_option":"pickup"}`)
	c.Act(faketest.Buys)
	got := c.Order().SelectedShippingOption
	var details struct {
		Pickup struct{ Name string } `json:"pickup_location"`
	}
	if err := json.Unmarshal(got.DeliveryDetails, &details); err != nil || got.TMSReference != "tms-7" || details.Pickup.Name != "ICA" {
		t.Errorf("selected = %+v (%v)", got, err)
	}
}

// The assistant names its ways of delivery in the language of the order.
func TestShippingAssistantSpeaks(t *testing.T) {
	seen := map[string]bool{}
	for locale := range web.Texts() {
		c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "locale", locale))
		for _, o := range c.Act(`{"shipping_assistant":true}`).ShippingOptions {
			if o.Name == "" {
				t.Errorf("%s: %s has no name", locale, o.ID)
			}
			seen[o.Name] = true
		}
	}
	if want := 2 * len(web.Texts()); len(seen) != want {
		t.Errorf("got %d names, want %d: %v", len(seen), want, seen)
	}
}
