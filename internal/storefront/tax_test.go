package storefront_test

import (
	"html"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
)

// A place without VAT is followed from the form to the cart, the answer of the next update,
// the summary, and to what is bought.
func TestPlaceWithoutVAT(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		language         string
		postal, back     string
		total, tax       int64 // anywhere else
		shown, untaxed   string
		country, address string
	}{
		"Åland":    {"sv-FI", "22100", "00100", 1880, 382, "3,82", "0,00", "FI", "Mariehamn"}, // 13.90 and 4.90 at 25.5 %
		"Svalbard": {"nb-NO", "9170", "0150", 21800, 4360, "43,60", "0,00", "NO", "Longyearbyen"},
		"Büsingen": {"de-DE", "78266", "10115", 1880, 300, "3,00", "0,00", "DE", "Büsingen"},
		"Jersey":   {"en-GB", "JE2 3AB", "SW1A 1AA", 1545, 258, "2.58", "0.00", "GB", "St Helier"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			b := s.browser()
			b.Header.Set("Accept-Language", tc.language)
			b.Add("MUG-1", "1")
			id := b.open(s).OrderID
			for _, step := range []struct {
				postal string
				tax    int64
				shown  string
			}{{tc.back, tc.tax, tc.shown}, {tc.postal, 0, tc.untaxed}, {tc.back, tc.tax, tc.shown}, {tc.postal, 0, tc.untaxed}} {
				out := s.shopper(fakeklarna.Action{Type: map[string]string{"postal_code": step.postal, "city": tc.address}})
				if out.Refused != nil || out.Total != tc.total {
					t.Fatalf("%s: %+v", step.postal, out)
				}
				if c := b.cart(); c.TotalAmount != tc.total || c.TotalTaxAmount != step.tax {
					t.Errorf("%s: the cart says %d with %d", step.postal, c.TotalAmount, c.TotalTaxAmount)
				}
				u := updateOf(t, b.Update(`{"order_id":"`+id+`"}`))
				summary := strings.NewReplacer("\u00a0", " ").Replace(html.UnescapeString(u.SummaryHTML))
				if u.OrderTaxAmount != step.tax || u.OrderAmount != tc.total || !strings.Contains(summary, step.shown) || u.Replaced {
					t.Errorf("%s: %d with %d, replaced %t, shown %t", step.postal, u.OrderAmount, u.OrderTaxAmount, u.Replaced, strings.Contains(summary, step.shown))
				}
			}
			s.holds(b, 0)
			if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusComplete {
				t.Fatalf("not bought: %+v", out.Refused)
			}
			if o := s.Place(id); int64(o.OrderAmount) != tc.total || o.OrderTaxAmount != 0 {
				t.Errorf("bought for %d with %d", o.OrderAmount, o.OrderTaxAmount)
			}
		})
	}
}

// Delivery of two rates is one price to the shopper, before and after the purchase.
func TestDeliveryOfTwoRates(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Header.Set("Accept-Language", "de-DE")
	b.Add("MUG-1", "1")
	b.Add("BOK-1", "1")
	order := b.open(s)
	if order.OrderAmount != 4070 || order.OrderTaxAmount != 415 { // 2.22 + 1.43 + 0.30 + 0.20
		t.Errorf("%d with %d", order.OrderAmount, order.OrderTaxAmount)
	}
	out := s.shopper(fakeklarna.Action{ShippingOption: "express"})
	if out.Total != 4870 { // 8.00 more
		t.Errorf("by express: %d", out.Total)
	}
	s.holds(b, 0)
	s.shopper(fakeklarna.Action{ShippingOption: "mailboat"})
	if out := s.shopper(fakeklarna.Action{Buy: &fakeklarna.Buy{}}); out.Status != fakeklarna.StatusComplete {
		t.Fatalf("not bought: %+v", out.Refused)
	}
	o := s.Place(order.OrderID)
	got := b.Get("/orders/" + o.Number + "?key=" + o.Key)
	text := strings.ReplaceAll(html.UnescapeString(got.Text), "\u00a0", " ")
	if got.StatusCode != http.StatusOK || !strings.Contains(text, "4,90 €") || strings.Contains(text, "3,00 €") || !strings.Contains(text, "40,70 €") {
		t.Errorf("%d: delivery is not one price", got.StatusCode)
	}
}

// The same in the shop's own form for Klarna Payments: the session follows the postal code,
// and what was approved with another tax is not bought.
func TestPaymentsWithoutVAT(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Header.Set("Accept-Language", "sv-FI")
	b.Add("MUG-1", "1")
	p := b.openPayments(s, "/checkout/payments")
	address := with(ada, "country", "FI", "postal_code", "22100", "city", "Mariehamn")
	got, u := p.place(p.authorize(address), address)
	if got.StatusCode != http.StatusConflict || u.Error.Code != "cart_changed" || u.OrderTaxAmount != 0 || u.OrderAmount != 1880 {
		t.Errorf("approved with VAT: %d %+v", got.StatusCode, u)
	}
	for _, step := range []struct {
		postal string
		tax    int64
	}{{"00100", 382}, {"22100", 0}} {
		if _, u = p.send(updatePath, `{"postal_code":"`+step.postal+`"}`); u.OrderTaxAmount != step.tax || int64(p.session().OrderTaxAmount) != step.tax {
			t.Errorf("%s: tax %d, at Klarna %d, want %d", step.postal, u.OrderTaxAmount, p.session().OrderTaxAmount, step.tax)
		}
	}
	p = b.openPayments(s, "/checkout/payments")
	if got, u = p.place(p.authorize(address), address); got.StatusCode != http.StatusOK {
		t.Fatalf("got %d %+v", got.StatusCode, u)
	}
	if orders := s.paymentOrders(); len(orders) != 1 || orders[0].OrderAmount != 1880 || orders[0].OrderLines[0].TaxRate != 0 {
		t.Errorf("bought: %+v", orders)
	}
}
