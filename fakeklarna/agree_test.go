package fakeklarna_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// Who agrees with everything agrees with an order of much data too, and offers nothing after the purchase.
func TestAgree(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{CallbackTransport: fakeklarna.Agree()})
	order := faketest.With(faketest.CaseA(), "merchant_data", strings.Repeat("x", 6000), "options.confirmation_page_upsell", true, "shipping_options", faketest.Options)
	for _, kind := range []string{"address_update", "country_change", "shipping_option_update", "validation", "upsell", "upsell_validation"} {
		order = faketest.With(order, "merchant_urls."+kind, "https://localhost/"+kind)
	}
	s.Start(order)
	for _, a := range []faketest.Action{{Load: true}, {ShippingOption: "post"}, {Buy: &fakeklarna.Buy{}}, {Upsell: &fakeklarna.Upsell{}}} {
		if out := s.Shopper(a); out.Refused != nil || len(out.Offers) > 0 {
			t.Errorf("%+v: %+v", a, out.Refused)
		}
	}
	if o := s.Order(); o.Status != "checkout_complete" || len(o.MerchantData) != 6000 {
		t.Errorf("%s with %d characters", o.Status, len(o.MerchantData))
	}
	if got := s.Fake.Callbacks(s.ID); len(got) < 4 {
		t.Errorf("%d callbacks", len(got))
	}
}
