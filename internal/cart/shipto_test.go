package cart_test

import (
	stdcmp "cmp"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/settings"
)

// What the payment form tells, and what the cart keeps of it. More cases, with
// their answers, are among the tests of internal/callback.
func TestFollow(t *testing.T) {
	sweden := cart.Contents{Country: "SE", Locale: "sv-SE"}
	with := func(c cart.Contents, option string, to *cart.ShipTo) cart.Contents {
		c.ShippingOption, c.ShipTo = option, to
		return c
	}
	for _, tc := range []struct {
		name string
		cart cart.Contents
		a    cart.Address
		want cart.Contents
		err  error
	}{
		{"nothing", sweden, cart.Address{}, sweden, nil},
		{"what the country says", sweden, cart.Address{BillingCountry: "se", ShippingCountry: "se", Option: "mailboat"}, sweden, nil},
		{"no name, no street, a postal code", sweden, cart.Address{BillingCountry: "SE", PostalCode: " 111 47"}, with(sweden, "", &cart.ShipTo{PostalCode: "111 47"}), nil},
		{"what is no postal code", sweden, cart.Address{PostalCode: "a text that is far too long for a postal code"}, sweden, nil},
		{"cleared", with(sweden, "express", &cart.ShipTo{PostalCode: "111 47"}), cart.Address{BillingCountry: "SE"}, with(sweden, "express", nil), nil},
		{"the market", with(sweden, "express", nil), cart.Address{BillingCountry: "no"}, cart.Contents{Country: "NO", Locale: "nb-NO"}, nil},
		{"the market, express there too", with(sweden, "express", nil), cart.Address{BillingCountry: "no", Option: "express"},
			cart.Contents{Country: "NO", Locale: "nb-NO", ShippingOption: "express"}, nil},
		{"an old billing country", with(sweden, "", &cart.ShipTo{BillingCountry: "NO"}), cart.Address{BillingCountry: "NO", ShippingCountry: "NO", PostalCode: "0150"},
			with(sweden, "", &cart.ShipTo{BillingCountry: "NO"}), nil},
		{"an old billing country, delivery elsewhere", with(sweden, "", &cart.ShipTo{BillingCountry: "NO"}), cart.Address{BillingCountry: "NO", ShippingCountry: "DK", PostalCode: "1050"},
			with(sweden, "", &cart.ShipTo{Country: "DK", BillingCountry: "NO", PostalCode: "1050"}), nil},
		{"a new billing country, the cart's", with(sweden, "", &cart.ShipTo{BillingCountry: "NO"}), cart.Address{BillingCountry: "SE"}, sweden, nil},
		{"billing where nothing is sold", sweden, cart.Address{BillingCountry: "IS", ShippingCountry: "SE"}, with(sweden, "", &cart.ShipTo{BillingCountry: "IS"}), nil},
		{"delivery where nothing is sold", sweden, cart.Address{BillingCountry: "IS"}, sweden, cart.ErrNotServed},
		{"and again", with(sweden, "", &cart.ShipTo{BillingCountry: "IS"}), cart.Address{BillingCountry: "IS"}, sweden, cart.ErrNotServed},
		{"a state", sweden, cart.Address{BillingCountry: "US", Region: "us-ny"}, cart.Contents{Country: "US", Locale: "en-US", ShipTo: &cart.ShipTo{Region: "NY"}}, nil},
		{"no state", sweden, cart.Address{BillingCountry: "US", Region: "Skåne"}, sweden, cart.ErrUnknownRegion},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.cart
			if err := got.Follow(tc.a, skerry.Version(), stdcmp.Or(tc.cart.ShippingOption, "mailboat")); !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			} else if err != nil {
				return // unusable
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A switch of the shop's remembers the billing country of an order that there is.
func TestApplyRemembersBilling(t *testing.T) {
	for _, tc := range []struct {
		name, orderID string
		to            *cart.ShipTo
		change        cart.Change
		want          string // billing country, as far as known
	}{
		{"no order yet", "", nil, cart.Change{Country: "NO"}, "NO"},
		{"an order", "order-1", nil, cart.Change{Country: "NO"}, "SE"},
		{"an order with another address", "order-1", &cart.ShipTo{PostalCode: "1", BillingCountry: "DK"}, cart.Change{Country: "NO"}, "DK"},
		{"to the billing country", "order-1", &cart.ShipTo{BillingCountry: "NO"}, cart.Change{Country: "NO"}, "NO"},
		{"language alone", "order-1", &cart.ShipTo{BillingCountry: "DK"}, cart.Change{Locale: "en-SE"}, "DK"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cart.Cart{OrderID: tc.orderID, Contents: cart.Contents{Country: "SE", Locale: "sv-SE", ShipTo: tc.to}}
			if err := c.Apply(tc.change, skerry.Version(), nil); err != nil {
				t.Fatal(err)
			}
			if got := c.KnownBilling(); got != tc.want {
				t.Errorf("the billing country is %s, want %s", got, tc.want)
			}
			if c.ShipTo != nil && c.ShipTo.PostalCode != "" {
				t.Error("the old address is still there")
			}
			c.NoteBilling("no")
			if got := c.KnownBilling(); got != "NO" {
				t.Errorf("noted NO, got %s", got)
			}
		})
	}
}

// An order that is no longer the cart's changes nothing, even when it was when the change began.
func TestUpdateFor(t *testing.T) {
	store, id := cart.NewStore(redistest.Start(t), publish.Fixed(skerry.Version())), cart.NewID()
	ctx := t.Context()
	if _, err := store.Update(ctx, id, sweden, set(cart.Line{SKU: "MUG-1", Quantity: 2})); err != nil {
		t.Fatal(err)
	}
	if _, err := store.UpdateFor(ctx, id, "", func(*cart.Cart) error { t.Error("edited for no order"); return nil }); !errors.Is(err, cart.ErrNotItsOrder) {
		t.Errorf("no order: got %v", err)
	}
	if _, _, err := store.SetOrderID(ctx, id, "", "order-1", nil); err != nil {
		t.Fatal(err)
	}
	follow := func(c *cart.Cart) error {
		return c.Follow(cart.Address{BillingCountry: "NO"}, skerry.Version(), "")
	}
	if _, err := store.UpdateFor(ctx, id, "order-2", follow); !errors.Is(err, cart.ErrNotItsOrder) {
		t.Errorf("another order: got %v", err)
	}
	edits := 0
	_, err := store.UpdateFor(ctx, id, "order-1", func(c *cart.Cart) error {
		edits++
		if _, _, err := store.SetOrderID(ctx, id, "order-1", "order-2", nil); err != nil {
			t.Error(err)
		}
		return follow(c)
	})
	if !errors.Is(err, cart.ErrNotItsOrder) || edits != 1 {
		t.Errorf("replaced meanwhile: got %v after %d edits", err, edits)
	}
	if c, err := store.Get(ctx, id, sweden); err != nil || c.Country != "SE" || c.Revision != 1 {
		t.Errorf("the cart is in %s at revision %d, %v", c.Country, c.Revision, err)
	}
	if c, err := store.UpdateFor(ctx, id, "order-2", follow); err != nil || c.Country != "NO" || c.Revision != 2 {
		t.Errorf("its order: got %s at revision %d, %v", c.Country, c.Revision, err)
	}
	if _, err := store.UpdateFor(ctx, cart.NewID(), "order-2", follow); !errors.Is(err, cart.ErrNotItsOrder) {
		t.Errorf("no cart: got %v", err)
	}
}

// The shop's own form knows the purchase country alone, and what tax depends on there.
func TestChangePlace(t *testing.T) {
	for _, tc := range []struct {
		name, country string
		before        *cart.ShipTo
		region        string
		want          *cart.ShipTo
		err           error
	}{
		{"the form writes names", "US", nil, "Wash. D.C.", &cart.ShipTo{Region: "DC"}, nil},
		{"a state", "US", nil, "US-NY", &cart.ShipTo{Region: "NY"}, nil},
		{"another state", "US", &cart.ShipTo{Region: "NY", PostalCode: "10001"}, "OR", &cart.ShipTo{Region: "OR"}, nil},
		{"no state yet", "US", &cart.ShipTo{Region: "NY"}, "", nil, nil},
		{"no such state", "US", nil, "ZZ", nil, cart.ErrUnknownRegion},
		{"no tax by region", "SE", nil, "Skåne", nil, nil},
		{"delivered abroad before", "SE", &cart.ShipTo{Country: "NO", PostalCode: "0150"}, "", nil, nil},
		{"the billing country that KCO has is kept", "SE", &cart.ShipTo{Country: "NO", BillingCountry: "NO"}, "", &cart.ShipTo{BillingCountry: "NO"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := cart.Cart{Contents: cart.Contents{Country: tc.country, Locale: "en-" + tc.country, ShipTo: tc.before}}
			err := c.Apply(cart.Change{Place: &cart.Place{Region: tc.region, PostalCode: "22100"}}, skerry.Version(), nil)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tc.want, c.ShipTo); diff != "" {
				t.Errorf("ship-to (-want +got):\n%s", diff)
			}
			if c.ShipsAbroad() || (tc.want != nil && c.Region() != tc.want.Region) {
				t.Errorf("goes abroad: %t, to region %q", c.ShipsAbroad(), c.Region())
			}
		})
	}
}

// A postal code counts where the merchant's own server is asked about it, also where it has said nothing without one.
func TestTaxedAsAsked(t *testing.T) {
	asking := *skerry.Version().Shop
	asking.Hooks.Delivery = &settings.Hook{}
	version := publish.NewVersion(1, &asking, skerry.Version().Catalog)
	c := cart.Cart{Contents: cart.Contents{Country: "NL", Locale: "nl-NL"}}
	place := cart.Place{PostalCode: "2210 ab"}
	if c.TaxedAs(place, version) {
		t.Error("nobody asks about the place")
	}
	if err := c.Apply(cart.Change{Place: &place}, version, nil); err != nil || c.PostalCode() != "2210 AB" || !c.TaxedAs(place, version) {
		t.Errorf("%v, it goes to %+v", err, c.ShipTo)
	}
}

// What a change does not name of a place stays, but for another country's.
func TestChangePartOfPlace(t *testing.T) {
	const asked = "10001"
	for _, tc := range []struct {
		name   string
		before *cart.ShipTo
		change cart.Change
		want   *cart.ShipTo
	}{
		{"a postal code", &cart.ShipTo{Region: "NY"}, cart.Change{PostalCode: new("10002")}, &cart.ShipTo{Region: "NY", PostalCode: "10002"}},
		{"a state", &cart.ShipTo{Region: "NY", PostalCode: asked}, cart.Change{Region: new("OR")}, &cart.ShipTo{Region: "OR", PostalCode: asked}},
		{"both", nil, cart.Change{Region: new("OR"), PostalCode: new("97201")}, &cart.ShipTo{Region: "OR", PostalCode: "97201"}},
		{"no state any more", &cart.ShipTo{Region: "NY", PostalCode: asked}, cart.Change{Region: new("")}, &cart.ShipTo{PostalCode: asked}},
		{"of abroad", &cart.ShipTo{Country: "CA", PostalCode: "K1A 0B1"}, cart.Change{Region: new("NY")}, &cart.ShipTo{Region: "NY"}},
		{"of another market", &cart.ShipTo{PostalCode: "22100"}, cart.Change{Country: "US", Region: new("NY")}, &cart.ShipTo{Region: "NY"}},
		{"all of it", &cart.ShipTo{Region: "NY", PostalCode: asked}, cart.Change{Place: &cart.Place{}}, nil},
	} {
		c := cart.Cart{Contents: cart.Contents{Country: "US", Locale: "en-US", ShipTo: tc.before, Asked: &cart.Asked{}}}
		if tc.change.Country != "" {
			c.Country, c.Locale = "FI", "fi-FI"
		}
		if err := c.Apply(tc.change, skerry.Version(), nil); err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if diff := cmp.Diff(tc.want, c.ShipTo); diff != "" || tc.change.Empty() {
			t.Errorf("%s: %s", tc.name, diff)
		}
	}
}

// A postal code counts where it can mean that no VAT is due, and only then.
func TestTaxedAs(t *testing.T) {
	for _, tc := range []struct {
		country     string
		shipTo      *cart.ShipTo
		region      string
		postal      string
		want        bool
		wantChanged *cart.ShipTo
	}{
		{"FI", nil, "", "00100", true, &cart.ShipTo{PostalCode: "00100"}},
		{"FI", nil, "", "22100", false, &cart.ShipTo{PostalCode: "22100"}},
		{"FI", &cart.ShipTo{PostalCode: "22100"}, "", "22 430", true, &cart.ShipTo{PostalCode: "22 430"}},
		{"FI", &cart.ShipTo{PostalCode: "22100"}, "", "00100", false, &cart.ShipTo{PostalCode: "00100"}},
		{"GB", nil, "", "je2 3ab", false, &cart.ShipTo{PostalCode: "JE2 3AB"}},
		{"NL", nil, "", "2210 AB", true, nil},
		{"US", &cart.ShipTo{Region: "NY"}, "N.Y.", "10001", true, &cart.ShipTo{Region: "NY"}},
		{"US", &cart.ShipTo{Region: "NY"}, "NJ", "10001", false, &cart.ShipTo{Region: "NJ"}},
		{"DE", &cart.ShipTo{Country: "AT"}, "", "10115", false, &cart.ShipTo{PostalCode: "10115"}},
	} {
		c := cart.Cart{Contents: cart.Contents{Country: tc.country, Locale: "en-" + tc.country, ShipTo: tc.shipTo}}
		place := cart.Place{Region: tc.region, PostalCode: tc.postal}
		if got := c.TaxedAs(place, skerry.Version()); got != tc.want {
			t.Errorf("%s %+v, %+v: taxed alike %t", tc.country, tc.shipTo, place, got)
		}
		if err := c.Apply(cart.Change{Place: &place}, skerry.Version(), nil); err != nil || !c.TaxedAs(place, skerry.Version()) {
			t.Errorf("%s %+v: %v, taxed alike %t", tc.country, place, err, c.TaxedAs(place, skerry.Version()))
		}
		if diff := cmp.Diff(tc.wantChanged, c.ShipTo); diff != "" {
			t.Errorf("%s %+v: %s", tc.country, place, diff)
		}
	}
}
