package kco_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// sells makes the shop one of its own: ways of delivery in Sweden, and a mug of some weight.
func (w *world) sells(delivery string, grams int) {
	w.T.Helper()
	const file = `{name: A, contact: {email: a@b.example}, pages: {terms: "https://a.example"}, markets: [{country: SE, currency: SEK, locales: [sv-SE, en-SE], tax: {standard: 25}, delivery: [%s]}]}`
	const goods = `{products: [{sku: MUG-1, category: c, name: Mug, tax_class: standard, stock: 9, weight: %d, prices: {SEK: 10000}}, {sku: EBK-1, category: c, name: E, tax_class: standard, digital: true, prices: {SEK: 5000}}]}`
	v, err := publish.Read(1, settings.Source{File: fmt.Appendf(nil, file, delivery)}, fmt.Appendf(nil, goods, grams))
	if err != nil {
		w.T.Fatal(err)
	}
	w.KCO.Wants.Pricer.Published = publish.Fixed(v)
}

// Each member of a pickup point, and what the goods weigh, is in an open order with its next
// sync, and asks for no more after that; also where Klarna answers countries in its own way.
func TestDeliveryOfOpenOrder(t *testing.T) {
	t.Parallel()
	for _, asSent := range []bool{false, true} {
		w := newWorld(t, fakeklarna.Options{EchoCountryAsSent: asSent})
		file, grams := `{id: agent, name: {sv: Ombud, en: Pickup point}, time: 2 dagar, price: 4900, pickup_points: [
			{id: p1, name: Kiosken, address: {street_address: Sveavägen 5, postal_code: "11157", city: Stockholm}},
			{id: p2, name: Torget, address: {street_address: Torget 1, postal_code: "11122", city: Stockholm}}]}`, 650
		w.sells(file, grams)
		w.put("MUG-1", 2)
		first, err := w.sync(cartsync.Load)
		if err != nil {
			t.Fatal(err)
		}
		const option = `{"id":"agent:p1","name":"Ombud: Kiosken","description":"Sveavägen 5, 11157 Stockholm · 2 dagar","price":4900,"tax_amount":980,"tax_rate":2500,"preselected":true,` +
			`"shipping_method":"PickUpPoint","delivery_details":{"pickup_location":{"address":{"city":"Stockholm","country":"SE","postal_code":"11157","street_address":"Sveavägen 5"},"id":"p1","name":"Kiosken"}}}`
		if got := w.there(first.OrderID); !strings.Contains(got, option) || !strings.Contains(got, `"id":"agent:p2"`) || !strings.Contains(got, `"shipping_attributes":{"weight":650}`) {
			t.Errorf("Klarna has %s", got)
		}
		for _, step := range []struct{ name, old, now, want string }{
			{"weight", "", "", `"shipping_attributes":{"weight":700}`},
			{"name of the point", "name: Kiosken", "name: Kiosk", `"name":"Ombud: Kiosk"`},
			{"street", "Sveavägen 5", "Sveavägen 7", `"street_address":"Sveavägen 7"`},
			{"second line", "Sveavägen 7", "Sveavägen 7, street_address2: 2 tr", `"street_address2":"2 tr"`},
			{"postal code", "11157", "11158", `"postal_code":"11158"`},
			{"city", "Stockholm", "Solna", `"city":"Solna"`},
			{"region", "city: Solna", "city: Solna, region: Uppland", `"region":"Uppland"`},
			{"ID of the point", "id: p1", "id: p9", `"id":"agent:p9"`},
			{"time", "time: 2 dagar", "time: 3 dagar", `· 3 dagar"`},
			{"collect", "price: 4900", "price: 4900, collect: true", `"shipping_method":"PickUpStore"`},
		} {
			if step.name == "weight" {
				grams = 700
			}
			file = strings.Replace(file, step.old, step.now, 1)
			w.sells(file, grams)
			for _, want := range [][]string{{"read", "update"}, {"read"}} {
				before := len(w.calls())
				got, err := w.sync(cartsync.Load)
				if err != nil || got.OrderID != first.OrderID {
					t.Fatalf("%s: %+v, %v", step.name, got, err)
				}
				if diff := cmp.Diff(want, w.calls()[before:]); diff != "" {
					t.Errorf("%s: calls (-want +got):\n%s", step.name, diff)
				}
			}
			if got := w.there(first.OrderID); !strings.Contains(got, step.want) {
				t.Errorf("%s: Klarna has %s, want %s", step.name, got, step.want)
			}
		}
	}
}

// there is an order as Klarna has it: its lines and ways of delivery.
func (w *world) there(orderID string) string {
	w.T.Helper()
	o, _ := w.Fake.Order(orderID)
	text, err := json.Marshal([]any{o.OrderLines, o.ShippingOptions})
	if err != nil {
		w.T.Fatal(err)
	}
	return string(text)
}

// Only goods that are sent have a weight, and another one changes nothing of what is bought.
func TestWeightIsNoDifferenceOfSale(t *testing.T) {
	t.Parallel()
	w := newWorld(t, fakeklarna.Options{})
	w.sells("{id: parcel, name: Hem, price: 0}", 650)
	w.put("MUG-1", 1)
	c := w.put("EBK-1", 1)
	want, _, err := w.KCO.Wants.Want(c)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(want.OrderLines)
	if n := strings.Count(string(text), "shipping_attributes"); n != 1 {
		t.Errorf("%d lines have a weight: %s", n, text)
	}
	var got kco.Order
	got.Content = want
	w.sells("{id: parcel, name: Hem, price: 0}", 651)
	if want, _, err = w.KCO.Wants.Want(c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"order_lines[0].shipping_attributes.weight"}, kco.Differences(want, got)); diff != "" {
		t.Error(diff)
	}
	if sale := kco.SaleDifferences(want, got); len(sale) > 0 {
		t.Errorf("of the sale: %v", sale)
	}
	want.OrderLines[0].Quantity++
	if sale := kco.SaleDifferences(want, got); len(sale) != 1 {
		t.Errorf("weight and quantity: %v", sale)
	}
}

// Klarna may answer the country of a pickup point in small letters, as it does others.
func TestCountryOfPickupPoint(t *testing.T) {
	in := func(country string) (c kco.Content) {
		c.ShippingOptions = []kco.ShippingOption{{DeliveryDetails: klarna.DeliveryDetails{PickupLocation: klarna.PickupLocation{Address: klarna.Address{Country: country}}}}}
		return c
	}
	for country, want := range map[string][]string{"SE": nil, "se": nil, "FI": {"shipping_options[0]"}} {
		if diff := cmp.Diff(want, kco.Differences(in("SE"), kco.Order{Content: in(country)})); diff != "" {
			t.Errorf("%s: %s", country, diff)
		}
	}
}
