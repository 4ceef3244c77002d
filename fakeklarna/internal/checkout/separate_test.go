package checkout_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

const moves = `{"type":{"street_address":"Nygatan 2"}}`

// The goods follow the billing address until there is an address of their own: one that is equal to it, or says no more
// than the country, is none.
func TestShippingFollowsBilling(t *testing.T) {
	allowed := []any{"options.allow_separate_shipping_address", true}
	lower := faketest.With(faketest.Ada(), "country", "se")
	for _, row := range []struct {
		name    string
		changes []any // of case A
		actions []string
		apart   string // the street to which the goods go, "" for the billing address
	}{
		{"equal", []any{"billing_address", faketest.Ada(), "shipping_address", faketest.Ada()}, []string{moves}, ""},
		{"equal but for the case of the country", []any{"billing_address", faketest.Ada(), "shipping_address", lower}, []string{moves}, ""},
		{"equal but for the default country", []any{"billing_address", faketest.With(faketest.Ada(), "country", faketest.Gone{}), "shipping_address", lower}, []string{moves}, ""},
		{"a country only", []any{"shipping_address", map[string]any{"country": "SE"}}, []string{moves}, ""},
		{"equal, cleared, typed", []any{"billing_address", faketest.Ada(), "shipping_address", faketest.Ada()},
			[]string{`{"type":{"street_address":""},"draft":true}`, moves}, ""},
		{"equal, in another country", []any{"billing_address", faketest.Ada(), "shipping_address", lower}, []string{`{"country":"NO"}`, moves}, ""},
		{"another", []any{"billing_address", faketest.Ada(), "shipping_address", faketest.With(faketest.Ada(), "street_address", "Storgatan 9")}, []string{moves}, "Storgatan 9"},
		{"equal, and the shopper gives one", []any{"billing_address", faketest.Ada(), "shipping_address", faketest.Ada()},
			[]string{`{"type":{"shipping.street_address":"Storgatan 9"}}`, moves}, "Storgatan 9"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), append(slices.Clone(allowed), row.changes...)...))
			for _, action := range append(row.actions, faketest.Buys) {
				c.Act(action)
			}
			o := c.Order()
			if row.apart == "" && o.ShippingAddress != o.BillingAddress || row.apart != "" && o.ShippingAddress.StreetAddress != row.apart {
				t.Errorf("billing %+v, shipping %+v", o.BillingAddress, o.ShippingAddress)
			}
			if o.BillingAddress.StreetAddress != "Nygatan 2" {
				t.Errorf("billing %+v", o.BillingAddress)
			}
		})
	}
}

// What was read can be sent back with one member changed: that makes no address of its own.
func TestShippingFollowsBillingAfterPostBack(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "purchase_country", "DE", "purchase_currency", "EUR", "locale", "de-DE"))
	read := faketest.Decode(string(s.Send(http.MethodGet, faketest.OrdersPath+"/"+s.ID, "").Body))
	if got := s.Send(http.MethodPost, faketest.OrdersPath+"/"+s.ID, faketest.Text(faketest.With(read, "merchant_urls.confirmation", "https://shop.example/done"))); got.Status != 200 {
		t.Fatalf("post back: %d %s", got.Status, got.Body)
	}
	s.Shopper(faketest.Action{Type: map[string]string{"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace"}, Buy: &fakeklarna.Buy{}})
	if o := s.Order(); o.ShippingAddress != o.BillingAddress || o.ShippingAddress.GivenName != "Ada" {
		t.Errorf("billing %+v, shipping %+v", o.BillingAddress, o.ShippingAddress)
	}
}

// What is bought goes to where it can be sent: a billing country that is none of the shipping countries makes an address
// of its own necessary, and nothing of the billing address counts as typed there.
func TestSeparateShippingAddress(t *testing.T) {
	swede := map[string]string{"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "street_address": "Hamngatan 4",
		"postal_code": "11147", "city": "Stockholm", "phone": "+46701234567"}
	norway := wire.Address{GivenName: "Testperson-no", FamilyName: "Approved", StreetAddress: "Testgata 1", PostalCode: "0150", City: "Oslo", Country: "no"}
	asked := []string{"shipping.given_name", "shipping.family_name", "shipping.street_address", "shipping.postal_code", "shipping.city"}
	in := func(member func(*wire.Address) *string, text string) wire.Address {
		a := norway
		*member(&a) = text
		return a
	}
	for _, row := range []struct {
		name    string
		changes []any
		typed   map[string]string
		missing []string // of the shipping address
		want    wire.Address
	}{
		{"nothing", nil, nil, asked, norway},
		{"all of the billing address", nil, swede, asked, norway},
		{"a part of it", nil, map[string]string{"email": "ada@example.com", "postal_code": "11147"}, asked, norway},
		{"the city", nil, map[string]string{"shipping.city": "Bergen"}, asked[:4], in(func(a *wire.Address) *string { return &a.City }, "Bergen")},
		{"the same city as at home", nil, map[string]string{"city": "Bergen", "shipping.city": "Bergen"}, asked[:4], in(func(a *wire.Address) *string { return &a.City }, "Bergen")},
		{"the shop sent the billing address", []any{"billing_address", faketest.Ada(), "shipping_address", faketest.Ada()}, nil, asked, norway},
		{"the shop sent another", []any{"billing_address", faketest.Ada(), "shipping_address", map[string]any{"street_address": "Storgata 9", "country": "NO"}}, nil,
			[]string{asked[0], asked[1], asked[3], asked[4]}, in(func(a *wire.Address) *string { return &a.StreetAddress }, "Storgata 9")},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), append([]any{"shipping_countries", []string{"NO"}, "billing_countries", []string{"SE", "NO"}}, row.changes...)...))
			missing := slices.DeleteFunc(c.Act(faketest.Text(map[string]any{"type": row.typed})).Missing, func(name string) bool { return !strings.HasPrefix(name, "shipping.") })
			if diff := cmp.Diff(row.missing, missing); diff != "" {
				t.Errorf("missing (-want +got):\n%s", diff)
			}
			if out := c.Act(faketest.Buys); out.Status != "checkout_complete" {
				t.Fatalf("got %+v", out)
			}
			o := c.Order()
			if diff := cmp.Diff(row.want, o.ShippingAddress); diff != "" || o.BillingAddress.Country != "se" {
				t.Errorf("bills to %s, ships to (-want +got):\n%s", o.BillingAddress.Country, diff)
			}
		})
	}
}

// A shipping address that the shopper has begun is whole before the purchase, also where it is equal to the billing
// address so far.
func TestShippingAddressBegun(t *testing.T) {
	c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "options.allow_separate_shipping_address", true))
	begun := map[string]string{"city": "Kiruna", "shipping.city": "Kiruna"}
	if missing := c.Act(faketest.Text(map[string]any{"type": begun})).Missing; !slices.Contains(missing, "shipping.street_address") {
		t.Errorf("missing %v", missing)
	}
	c.Act(faketest.Buys)
	if o := c.Order(); o.ShippingAddress.StreetAddress == "" || o.ShippingAddress.City != "Kiruna" {
		t.Errorf("ships to %+v", o.ShippingAddress)
	}
}

// The shopper chooses one of the countries to which the shop sends, where it names them.
func TestShippingCountryChosen(t *testing.T) {
	for country, want := range map[string]int{"SE": 200, "no": 200, "US": 400, "": 200} {
		c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "shipping_countries", []string{"se", "NO"}))
		got := c.Do("POST", "/fake/orders/"+c.ID+"/shopper", faketest.Text(map[string]any{"type": map[string]string{"shipping.country": country}}))
		if got.Status != want || want == 400 && !strings.Contains(string(got.Body), "only to SE, NO") {
			t.Errorf("%q: %d %s, want %d", country, got.Status, got.Body, want)
		}
	}
}
