package order_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// agent is the delivery to the second place of shoptest.Agents.
var agent = order.Delivery{ID: "agent:p2", Name: "Ombud: Torghandeln", Method: "PickUpPoint", PickupLocation: klarna.PickupLocation{
	ID: "p2", Name: "Torghandeln", Address: klarna.Address{StreetAddress: "Stora Torget 2", StreetAddress2: "Hall B", PostalCode: "753 20", City: "Uppsala", Country: "SE"},
}}

// The delivery is what Order Management says of it, else the checkout, else the shop file.
func TestPlaceDelivery(t *testing.T) {
	t.Parallel()
	w := &world{shoptest.New(t, shoptest.Options{Version: shoptest.Agents()})}
	assistant := func(d order.Delivery) order.Delivery {
		d.TMSReference = "" // another one for each order
		return d
	}
	kiosk := order.Delivery{
		ID: "pickup-1", Name: "Utlämningsställe", Method: "PickUpPoint", Class: "standard", Carrier: "Test Post",
		Product: klarna.CarrierProduct{Identifier: "PickUpPoint", Name: "Utlämningsställe"}, PickupLocation: klarna.PickupLocation{
			ID: "kiosk", Name: "Kiosk 24", Address: klarna.Address{StreetAddress: "Stårgatan 12", PostalCode: "12345", City: "Ankeborg", Country: "SE"},
		},
	}
	for _, tc := range []struct {
		name   string
		option string             // of the shop, in the cart
		act    *fakeklarna.Action // in the form
		silent []string           // which of Klarna's APIs say nothing of it
		want   order.Delivery
	}{
		{name: "a pickup point", option: "agent:p2", want: agent},
		{name: "Order Management says nothing", option: "agent:p2", silent: []string{"/ordermanagement/"}, want: agent},
		{name: "Klarna says nothing", option: "agent:p2", silent: []string{"/ordermanagement/", "/checkout/"}, want: agent},
		{name: "collected", option: "collect", want: order.Delivery{ID: "collect", Name: "Hämta i hamnen", Method: "PickUpStore"}},
		{name: "brought", option: "express", want: order.Delivery{ID: "express", Name: "Express"}},
		{name: "the assistant's", act: &fakeklarna.Action{ShippingAssistant: true, ShippingOption: "pickup-1"}, want: kiosk},
		{name: "the assistant's, of the checkout", act: &fakeklarna.Action{ShippingAssistant: true, ShippingOption: "pickup-1"}, silent: []string{"/ordermanagement/"}, want: kiosk},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cartID := cart.NewID()
			w.Put(cartID, "MUG-1", 1)
			if tc.option != "" {
				w.Change(cartID, cart.Change{ShippingOption: tc.option})
			}
			orderID := w.Open(cartID)
			if tc.act != nil {
				if out, err := w.Fake.Shopper(orderID, *tc.act); err != nil || out.Refused != nil {
					t.Fatal(out, err)
				}
			}
			w.Buy(orderID)
			o, err := w.another(w.Client, silence(tc.silent)).Place(t.Context(), orderID)
			if err != nil {
				t.Fatal(err)
			}
			got := w.once(cartID, orderID).Delivery
			if got.TMSReference == "" == (tc.act != nil) {
				t.Errorf("the assistant's reference is %q", got.TMSReference)
			}
			if diff := cmp.Diff(tc.want, assistant(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			// What Klarna says later is followed, and what it does not say stays.
			after, err := w.Book.Refresh(t.Context(), orderID)
			if err != nil || after.Revision != o.Revision || !cmp.Equal(after.Delivery, got) {
				t.Errorf("followed: %v, revision %d, was %d, %+v", err, after.Revision, o.Revision, after.Delivery)
			}
		})
	}
}

// silence is a Klarna some of whose APIs say nothing of how goods come.
type silence []string

func (s silence) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	for _, api := range s {
		if err == nil && req.Method == http.MethodGet && strings.Contains(req.URL.Path, api) {
			return without(res, "selected_shipping_option")
		}
	}
	return res, err
}
