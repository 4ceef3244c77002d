package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// A session whose cart is gone is still of its country. One that was bought says what its order does, for as long as that is
// kept; of another one the lines are lost.
func TestWithoutCart(t *testing.T) {
	e := newEdition(t)
	c := calls(e.World)
	lines := strings.Join([]string{
		strings.Replace(tent, "2500", "1400", 1), `{"id": "l", "reference": "LAMP-1", "quantity": 2, "merchant_data": "red"}`,
		`{"id": "d", "type": "discount", "name": "Both rates", "quantity": 1, "unit_price": -1000}`,
		`{"id": "g", "type": "gift_card", "name": "Card", "quantity": 1, "unit_price": -5000}`,
	}, ", ")
	goods := strings.Replace(basket(lines, home, `"metadata": {"a": "b"}`), `"country": "SE"`, finnish, 1)
	read := func(reference string) api.Session {
		t.Helper()
		return c.want(c.call("GET", "/checkout_sessions/"+reference, ""), 200, "").Session
	}
	_, id := open(e.World, e.Browser(), c.want(c.put("bought", goods), 201, "").Session)
	e.Buy(id)
	e.Place(id)
	bought, left := read("bought"), c.want(c.put("left", goods), 201, "").Session
	if bought.Status != "complete" || bought.Country != "FI" {
		t.Fatalf("%+v", bought)
	}
	if err := e.Client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bought, read("bought"), cmpopts.IgnoreFields(api.Session{}, "ExpiresAt")); diff != "" {
		t.Errorf("what was bought: %s", diff)
	}
	lost := read("left")
	if !lost.LinesLost || lost.Country != "FI" || lost.Currency != "EUR" || lost.Locale != left.Locale || len(lost.OrderLines) != 0 ||
		!cmp.Equal(lost.ShippingCountries, left.ShippingCountries) || !cmp.Equal(lost.BillingCountries, left.BillingCountries) {
		t.Errorf("what was not: %+v", lost)
	}
}

// What was bought is told as it was bought, whatever is published afterwards, and also when its order is erased then.
func TestPublishedAfterSale(t *testing.T) {
	const sku = `{"reference": "LAMP-1", "quantity": 1}`
	for name, tt := range map[string]struct{ body, way string }{
		"a pickup point": {basket(sku), ""},
		"another way":    {basket(sku), "parcel"},
		"the merchant's": {basket(sku, pickup), "parcel"},
		"own prices":     {basket(tent), "parcel"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdition(t)
			c, b := calls(e.World), e.Browser()
			read := func() api.Session {
				t.Helper()
				return c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session
			}
			_, id := open(e.World, b, c.want(c.put("b", tt.body), 201, "").Session)
			if tt.way != "" {
				if _, err := e.Fake.Shopper(id, fakeklarna.Action{ShippingOption: tt.way}); err != nil {
					t.Fatal(err)
				}
			}
			load(e.World, b, "b")
			e.Buy(id)
			o := e.Place(id)
			bought := read()
			other := lamp(11000)
			other.Content = []byte(strings.Replace(string(other.Content), "LAMP-1", "LAMP-2", 1))
			e.publish(t, e.shop("price: 4900", "price: 5900", "price: 7900", "price: 8900", "parcel", "door"), other)
			if diff := cmp.Diff(bought, read(), cmpopts.IgnoreFields(api.Session{}, "ExpiresAt")); bought.Status != "complete" || diff != "" {
				t.Errorf("%s, and after a publish: %s", bought.Status, diff)
			}
			e.Do(e.InBook(o.OrderID), shoptest.Command(e.InBook(o.OrderID), aftersale.Cancel.Name), order.Done)
			if _, err := e.Book.Erase(t.Context(), o.ID, order.ByStaff); err != nil {
				t.Fatal(err)
			}
			erased := read()
			if erased.OrderAmount != bought.OrderAmount || erased.OrderTaxAmount != bought.OrderTaxAmount || erased.DeliveryOption == nil ||
				erased.DeliveryOption.Price != bought.DeliveryOption.Price || erased.DeliveryOption.TaxRate != bought.DeliveryOption.TaxRate ||
				tt.way != "" && erased.DeliveryOption.ID != tt.way {
				t.Errorf("it was %d by %+v, it is %d by %+v", bought.OrderAmount, bought.DeliveryOption, erased.OrderAmount, erased.DeliveryOption)
			}
			if diff := cmp.Diff(bought.OrderLines, erased.OrderLines); diff != "" {
				t.Errorf("its lines: %s", diff)
			}
		})
	}
}
