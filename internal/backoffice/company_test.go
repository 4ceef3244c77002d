package backoffice_test

import (
	"encoding/csv"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// A company that has bought stands with its name and number on the order's page, the packing slip and in the export, also
// after the address was changed; and nowhere once the order is erased.
func TestCompany(t *testing.T) {
	o := &office{shoptest.Serve(t, shoptest.Options{Config: func(c *shop.Config) {
		behindProxy(c)
		c.Published = shoptest.Published(func(s *settings.Shop) {
			s.Checkout.Forms = map[string]settings.Form{"SE": {CustomerTypes: []string{market.Person, market.Organization}, SeparateAddress: true}}
		})
	}})}
	cartID := cart.NewID()
	o.Put(cartID, "MUG-1", 2)
	orderID := o.Open(cartID)
	if out, err := o.Fake.Shopper(orderID, fakeklarna.Action{Customer: market.Organization}); err != nil || out.Refused != nil {
		t.Fatal(out, err)
	}
	o.Buy(orderID, "organization_name", "Ek & Söner AB", "organization_registration_id", "556016-0680",
		"shipping.given_name", "Bo", "shipping.family_name", "Lind", "shipping.street_address", "Lillgatan 2", "shipping.postal_code", "169 51", "shipping.city", "Solna")
	s := o.Place(orderID)
	ada := o.clerk("ada")
	cells := func() map[string]string {
		t.Helper()
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(ada.Get("/admin/exports/orders.csv").Text, "\ufeff"))).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatal(len(rows), err)
		}
		row := map[string]string{}
		for i, name := range rows[0] {
			row[name] = rows[1][i]
		}
		return row
	}
	says := func(when string) {
		t.Helper()
		page := strings.Join(ada.look("/admin/orders/"+s.Number).texts(".side"), " ")
		slip := strings.Join(strings.Fields(ada.look("/admin/orders/"+s.Number+"/packing-slip").Find(".slip").Text()), " ")
		for where, parts := range map[string][]string{page: {"Ek & Söner AB", "Registration no. 556016-0680"}, slip: {"Ordered byEk & Söner AB", "Registration no.556016-0680", "Lillgatan 2"}} {
			for _, part := range parts {
				if !strings.Contains(where, part) {
					t.Errorf("%s: no %q in %q", when, part, where)
				}
			}
		}
		if c := cells(); c["customer_type"] != "organization" || c["organization_name"] != "Ek & Söner AB" || c["organization_registration_id"] != "556016-0680" {
			t.Errorf("%s: exported %v", when, c)
		}
		if got := ada.Get("/admin/?q=556016-0680"); !strings.Contains(got.Text, s.Number) {
			t.Errorf("%s: not found by the number", when)
		}
	}
	says("placed")
	to := s.ShippingAddress
	to.City = "Bromma"
	s = o.do(s.OrderID, order.Command{Action: aftersale.Address.Name, ShippingAddress: &to})
	says("moved")
	o.do(s.OrderID, order.Command{Action: aftersale.Cancel.Name})
	if _, err := o.Book.Erase(t.Context(), orderID, order.BySystem); err != nil {
		t.Fatal(err)
	}
	if c := cells(); c["customer_type"] != "erased" || c["organization_name"] != "erased" || c["organization_registration_id"] != "erased" {
		t.Errorf("erased: exported %v", c)
	}
	for _, path := range []string{"", "/packing-slip"} {
		if page := ada.Get("/admin/orders/" + s.Number + path).Text; strings.Contains(page, "556016") || strings.Contains(page, "Söner") {
			t.Errorf("%s of an erased order names the company", path)
		}
	}
	if s = o.InBook(orderID); s.Customer != (klarna.Customer{}) {
		t.Errorf("erased: %+v", s.Customer)
	}
}
