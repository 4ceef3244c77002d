package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// A sales tax that the merchant has sent stays the merchant's, whatever staff do with the order, and also
// where the shop file's rate happens to come to the same.
func TestMerchantsSalesTax(t *testing.T) {
	w := world(t)
	c := calls(w)
	sold := func(tax int) order.Order {
		us := strings.Replace(basket(fmt.Sprintf(`{"id": "1", "name": "x", "quantity": 2, "unit_price": 5000, "tax_rate": 0}, {"id": "2", "type": "sales_tax", "name": "Tax", "quantity": 1, "unit_price": %d}`, tax),
			`"delivery_options": [{"id": "p", "name": "Post", "price": 500, "tax_rate": 0}]`), "SE", "US", 1)
		_, id := open(w, w.Browser(), c.want(c.put(fmt.Sprint("us", tax), us), 201, "").Session)
		w.Press(id, fakeklarna.Buy{}, "region", "NY", "postal_code", "10001")
		return w.Place(id)
	}
	draft := func(a *aftersale.Action, o order.Order, fields ...string) *aftersale.Draft {
		t.Helper()
		d := w.Desk.NewDraft(a, o, "")
		for i := 0; i < len(fields); i += 2 {
			d.Values.Set(fields[i], fields[i+1])
		}
		if err := w.Desk.Load(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if impossible := w.Desk.Parse(t.Context(), d, time.Now()); impossible != nil {
			t.Fatal(impossible)
		}
		return d
	}
	for _, tax := range []int{725, 420} { // 4 % in New York is 4.20
		o := sold(tax)
		if o.Terms.SalesTax != nil {
			t.Errorf("%d: the terms have the shop's rate", tax)
		}
		for _, fields := range [][]string{{"street", "1 Elm Street"}, {"region", "New York"}, {"region", "NJ", "postal_code", "07001"}} {
			if d := draft(aftersale.Address, o, fields...); len(d.Errors) > 0 || d.Command.OrderLines != nil {
				t.Errorf("%d, %v: %v, %+v", tax, fields, d.Errors, d.Command.OrderLines)
			} else if asks := fmt.Sprint(d.Question().Body); strings.Contains(asks, "cannot be computed") != (fields[1] == "NJ") {
				t.Errorf("%d, %v: %s", tax, fields, asks)
			}
		}
		field := "q:" + order.LineIDs(o.OrderLines)[0]
		if d := draft(aftersale.Lines, o, field, "3"); len(d.Errors) != 1 || !strings.Contains(d.Errors[0].Text, "sales tax") {
			t.Errorf("%d, more goods: %v", tax, d.Errors)
		}
		d := draft(aftersale.Lines, o, field, "1")
		if len(d.Errors) > 0 {
			t.Fatalf("%d, fewer: %v", tax, d.Errors)
		}
		d.Command.Staff = "demo"
		w.Do(o, d.Command, order.Done)
		o = w.InBook(o.OrderID)
		i := slices.IndexFunc(o.OrderLines, func(l klarna.OrderLine) bool { return l.Type == klarna.SalesTax })
		if i < 0 || int(o.OrderLines[i].TotalAmount) != (tax+1)/2 || o.Terms.SalesTax != nil {
			t.Errorf("%d, fewer: %+v, %+v", tax, o.OrderLines, o.Terms)
		}
		moved := o.ShippingAddress
		moved.StreetAddress = "2 Elm Street"
		o = w.Do(o, shoptest.Command(o, aftersale.Address.Name, func(c *order.Command) { c.ShippingAddress = &moved }), order.Done).Order
		if o.Terms.SalesTax != nil {
			t.Errorf("%d: the terms have the shop's rate after another address", tax)
		}
	}
}
