package backoffice_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// sellTo is sell to a place, with a code.
func (o *office) sellTo(country, code string, place cart.Place, goods []cart.Line, buy fakeklarna.Buy) order.Order {
	o.T.Helper()
	id := cart.NewID()
	o.Change(id, cart.Change{Country: country, Locale: "en-" + country, Set: goods, DiscountCode: &code, Place: &place})
	orderID := o.Open(id)
	o.Press(orderID, buy, "region", place.Region, "postal_code", place.PostalCode)
	return o.Place(orderID)
}

// A discount follows the goods in each action: 4 mugs with 25 %, of which the shopper has
// 1 in the end, come to 149.00 − 37.25 + 49.00.
func TestDiscountFollowsTheGoods(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	four := func() order.Order {
		return d.sellTo("SE", "LANTERN25", cart.Place{}, []cart.Line{{SKU: "MUG-1", Quantity: 4}}, fakeklarna.Buy{})
	}
	t.Run("changed, then captured", func(t *testing.T) {
		o := four()
		p := ada.open(o, "lines")
		p.says("main", "Discounts follow the goods")
		p = ada.submit(p, mugField, "1")
		p.says("main", "Change the order to 160.75 SEK?")
		p.says("main", "−37.25")
		ada.submit(p).says("#result", "Changed the order to 160.75 SEK.")
		ada.act(o, "capture", "what", "all").says("#result", "Captured 160.75 SEK.")
		d.amounts(o, 16075, 16075, 0)
	})
	t.Run("captured, the rest released", func(t *testing.T) {
		o := four()
		ada.act(o, "capture", "what", "lines", mugField, "1").says("#result", "Captured 160.75 SEK.")
		ada.act(o, "release").says("#result", "Released the rest.")
		if m := d.managed(o.OrderID); m.CapturedAmount != 16075 || m.RemainingAuthorizedAmount != 0 {
			t.Errorf("captured %d, %d remain", m.CapturedAmount, m.RemainingAuthorizedAmount)
		}
		released := "what was not captured, 335.25 SEK, was released."
		page := ada.look("/admin/orders/" + o.Number)
		page.says(".acts", released)
		if strings.Contains(page.part(".acts"), "all of this order is captured") {
			t.Error("the page says that all is captured, though the rest was released")
		}
		ada.look("/admin/orders/"+o.Number+"/capture").says("main", "Capture is not possible: "+released)
		states := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, ada.look("/admin/orders/"+o.Number).texts("#h-lines ~ table .states")); diff != "" {
				t.Error(diff)
			}
		}
		states("1 captured 3 released", "Partly captured", "Captured")
		ada.act(o, "refund", "what", "all")
		states("1 refunded 3 released", "Refunded", "Refunded")
	})
	t.Run("captured, the rest refunded", func(t *testing.T) {
		o := four()
		ada.act(o, "capture", "what", "all")
		ada.act(o, "refund", "what", "lines", mugField, "3").says("#result", "Refunded 335.25 SEK.")
		d.amounts(o, 49600, 49600, 33525)
	})
	t.Run("removed", func(t *testing.T) {
		o := four()
		ada.act(o, "lines", "q:discount:LANTERN25", "0").says("#result", "Changed the order to 645.00 SEK.")
	})
	t.Run("a product is added", func(t *testing.T) {
		o := four()
		ada.act(o, "lines", "add_sku", "JAM-1", "add_quantity", "1").says("#result", "Changed the order to 592.75 SEK.") // + 129.00 − 32.25
	})
}

// The sum beside the form is what the next page asks.
func TestDiscountInTheSum(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	o := d.sellTo("SE", "LANTERN25", cart.Place{}, []cart.Line{{SKU: "MUG-1", Quantity: 4}}, fakeklarna.Buy{})
	s := d.screen(t, browsertest.Options{})
	sum := func(want string) {
		t.Helper()
		s.Wait("the sum "+want, `(want) => document.querySelector("[data-sum-text]").textContent.replace(/\s/g, " ") === want`, want)
	}
	s.enter(o)
	s.press("Change lines")
	s.fill(mugField, "1")
	sum("160.75")
	fits(t, s.Page, "lines-discount")
	s.fill(mugField, "6")
	sum("719.50") // 894.00 − 223.50 + 49.00
	s.fill("q:discount:LANTERN25", "0")
	sum("943.00")
	s.find(o)
	s.press("^Capture 496.00")
	s.fill(mugField, "1")
	sum("160.75")

	// An address with another tax: both totals before anything changes.
	us := d.sellTo("US", "", cart.Place{Region: "NY", PostalCode: "10001"}, []cart.Line{{SKU: "SLT-1", Quantity: 3}}, fakeklarna.Buy{})
	s.find(us)
	s.press("^Change the address")
	s.fill("region", "Ore.")
	s.press("^Continue")
	s.reads("Send the order to this address, and change it to 30.00 USD?")
	fits(t, s.Page, "address-tax")
}

// A return fee of nothing is none.
func TestNoReturnFee(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	for _, fee := range []string{"0", "", " ", "0.00", "0,00", "00"} {
		o := d.buy()
		ada.act(o, "capture", "what", "all")
		ada.act(o, "refund", "what", "lines", jamField, "1", "fee", fee).says("#result", "Refunded 129.00 SEK.")
	}
	o := d.buy()
	ada.act(o, "capture", "what", "all")
	for _, fee := range []string{"-1", "x", "1,2,3"} {
		if p := ada.submit(ada.open(o, "refund"), "what", "lines", jamField, "1", "fee", fee); p.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("fee %q: %d", fee, p.StatusCode)
		}
	}
}

// A region survives a change of another member, in a country where it decides on nothing and where it decides
// on the tax; it can be changed, and what cannot be sent or read is refused (invariant 17).
func TestAddressRegion(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	se := d.buy()
	address := se.ShippingAddress
	address.Region = "Gävleborgs län"
	d.Do(se, shoptest.Command(se, aftersale.Address.Name, func(c *order.Command) { c.ShippingAddress = &address }), order.Done)
	us := d.sellTo("US", "", cart.Place{Region: "NY", PostalCode: "10001"}, []cart.Line{{SKU: "SLT-1", Quantity: 3}}, fakeklarna.Buy{})
	for _, tc := range []struct {
		order       order.Order
		typed, kept string
	}{{se, "", "Gävleborgs län"}, {us, "", "NY"}, {us, "New York", "New York"}, {se, "Skåne", "Skåne"}} {
		fields := []string{"city", "Elsewhere" + strings.ReplaceAll(tc.typed, " ", "")}
		if tc.typed != "" {
			fields = append(fields, "region", tc.typed)
		}
		ada.act(d.inBook(tc.order.OrderID), "shipping-address", fields...).says("#result", "Changed the address.")
		if got := d.inBook(tc.order.OrderID).ShippingAddress; got.Region != tc.kept || got.City != fields[1] {
			t.Errorf("typed %q: region %q, city %q", tc.typed, got.Region, got.City)
		}
	}
	for typed, want := range map[string]string{"": "Enter the state", "Zebra": "Enter the state", "N\u200bY": "State has a character", "Guam": "We cannot deliver to Guam"} {
		p := ada.submit(ada.open(d.inBook(us.OrderID), "shipping-address"), "region", typed)
		if p.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(p.Text, want) {
			t.Errorf("%q: %d, without %q", typed, p.StatusCode, want)
		}
	}
}

// An address with another tax changes the amount with it, after both totals were shown.
func TestAddressChangesTax(t *testing.T) {
	t.Parallel()
	d := newOffice(t)
	ada := d.clerk("ada")
	salt := []cart.Line{{SKU: "SLT-1", Quantity: 3}} // 8.00 each, delivery 6.00
	for _, tc := range []struct {
		name, country, from, to, postal string
		before, after, taxBefore, tax   int64
		asks                            string
	}{
		{"New York to Oregon", "US", "NY", "OR", "97201", 3120, 3000, 120, 0, "Order amount 31.20 30.00"},
		{"New York to New Jersey, which is dearer", "US", "NY", "N.J.", "07001", 3120, 3199, 120, 199, "Order amount 31.20 31.99"}, // 1.9875
		{"Oregon to the capital", "US", "OR", "Washington, D.C.", "20001", 3000, 3180, 0, 180, "Order amount 30.00 31.80"},
		{"to Åland", "FI", "", "", "22100", 2560, 2560, 346, 0, "Tax 3.46 0.00"}, // 20.70 at 13.5 % holds 2.46, 4.90 at 25.5 % 1.00
		{"to Büsingen", "DE", "", "", "78266", 2560, 2560, 167, 0, "Tax 1.67 0.00"},
		{"to Jersey", "GB", "", "", "JE2 3AB", 2180, 2180, 66, 0, "Tax 0.66 0.00"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			home := map[string]string{"US": "10001", "FI": "00100", "DE": "10115", "GB": "SW1A 1AA"}[tc.country]
			o := d.sellTo(tc.country, "", cart.Place{Region: tc.from, PostalCode: home}, salt, fakeklarna.Buy{})
			if int64(o.OrderAmount) != tc.before || int64(o.OrderTaxAmount) != tc.taxBefore {
				t.Fatalf("bought for %d with tax %d", o.OrderAmount, o.OrderTaxAmount)
			}
			fields := []string{"postal_code", tc.postal}
			if tc.to != "" {
				fields = append(fields, "region", tc.to)
			}
			p := ada.submit(ada.open(o, "shipping-address"), fields...)
			p.says("main", tc.asks)
			p.says("main", "Another tax is due there.")
			if m := d.managed(o.OrderID); m.OrderAmount != tc.before || m.ShippingAddress.PostalCode != home {
				t.Errorf("before it was asked: %d, %s", m.OrderAmount, m.ShippingAddress.PostalCode)
			}
			ada.submit(p).says("#result", "Changed the address.")
			now := d.inBook(o.OrderID)
			if m := d.managed(o.OrderID); m.OrderAmount != tc.after || int64(now.OrderTaxAmount) != tc.tax || m.ShippingAddress.PostalCode != tc.postal || int64(now.OrderAmount) != tc.after {
				t.Errorf("%d with tax %d to %s, want %d, %d", m.OrderAmount, now.OrderTaxAmount, m.ShippingAddress.PostalCode, tc.after, tc.tax)
			}
			// The lines can be changed as before, with the tax there.
			ada.act(now, "lines", "q:physical:SLT-1", "2").says("#result", "Changed the order to")
			if tc.country == "US" && tc.tax != 0 {
				back := d.inBook(o.OrderID)
				if rest := int64(back.OrderAmount) - int64(back.OrderTaxAmount); rest != 2200 {
					t.Errorf("two of three: %d without tax", rest)
				}
			}
			// And back.
			if tc.country == "FI" {
				again := d.inBook(o.OrderID)
				p := ada.submit(ada.open(again, "shipping-address"), "postal_code", "00100")
				p.says("main", "Tax 0.00 2.64") // 13.80 holds 1.64
				ada.submit(p).says("#result", "Changed the address.")
			}
		})
	}
	t.Run("what cannot be read", func(t *testing.T) {
		o := d.sellTo("US", "", cart.Place{Region: "NY", PostalCode: "10001"}, salt, fakeklarna.Buy{})
		for region, says := range map[string]string{"Kalifornien": "Enter the state as two letters, such as CA.", "PR": "We cannot deliver to PR."} {
			p := ada.submit(ada.open(o, "shipping-address"), "region", region)
			p.says(".errors", says)
		}
	})
	t.Run("the address is refused", func(t *testing.T) {
		o := d.sellTo("US", "", cart.Place{Region: "NY", PostalCode: "10001"}, salt, fakeklarna.Buy{})
		d.Fake.AddFault(fakeklarna.Fault{Method: "PATCH", Path: "/ordermanagement/v1/orders/*/customer-details", OrderID: o.OrderID, Status: 400})
		p := ada.submit(ada.submit(ada.open(o, "shipping-address"), "region", "OR", "postal_code", "97201"))
		if text := p.Find("#result").Text(); strings.Contains(text, "Changed the address.") {
			t.Errorf("%q", text)
		}
		if m, now := d.managed(o.OrderID), d.inBook(o.OrderID); m.OrderAmount != 3120 || now.OrderAmount != 3120 || now.Running != nil {
			t.Errorf("the amount is %d, in the book %d, running %v", m.OrderAmount, now.OrderAmount, now.Running)
		}
		ada.act(d.inBook(o.OrderID), "lines", "q:physical:SLT-1", "2").says("#result", "Changed the order to 22.88 USD.")
	})
}
