package api_test

import (
	"fmt"
	"testing"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/cart"
)

// What is refused of an action is named by the member of the call, which says what is wrong with it.
func TestRefusedMembers(t *testing.T) {
	w := keyed(t)
	o := ofSession(t, w, "refused")
	c, path := as(w, "all"), "/orders/"+o.ID
	ask[api.ActionResult](c, 200, "POST", path+"/captures", `{"order_lines": [{"id": "t", "quantity": 1}], "shipments": [{"carrier": "PostNord"}]}`, "Idempotency-Key", "sent")
	for i, tt := range []struct{ call, body, location, message string }{
		{"/shipments", `{"carrier": "P", "order_lines": [{"id": "m", "quantity": 1}, {"id": "t", "quantity": 2}]}`, "body.order_lines[1].quantity", "is more than is in no shipment"},
		{"/captures", `{"shipments": [{"carrier": "P", "order_lines": [{"id": "t", "quantity": 1}]}, {"carrier": "P", "order_lines": [{"id": "m", "quantity": 1}, {"id": "m", "quantity": 3}]}]}`,
			"body.shipments[1].order_lines[1].quantity", "is more than is in no shipment"},
		{"/refunds", `{"amount": 1, "restock": true}`, "body.restock", "is for goods: name the lines that are refunded"},
	} {
		p := ask[api.Problem](c, 422, "POST", path+tt.call, tt.body, "Idempotency-Key", fmt.Sprint("bad-", i))
		if diffOf(p.Errors, []api.Fault{{Location: tt.location, Message: tt.message}}) != "" {
			t.Errorf("%s %s: %+v", tt.call, tt.body, p.Errors)
		}
	}
}

// More than Klarna captures at once is no basket; where a choice of the shopper's makes it more, the
// capture says that it goes in parts.
func TestMoreThanKlarnaCaptures(t *testing.T) {
	w := keyed(t)
	c := as(w, "all")
	house := func(id string) string {
		return `{"id": "` + id + `", "name": "House", "quantity": 1, "unit_price": 100000000, "tax_rate": 2500}`
	}
	options := `"delivery_options": [{"id": "here", "name": "Here", "price": 0, "tax_rate": 2500}, {"id": "far", "name": "Far", "price": 100, "tax_rate": 2500}]`
	refused := c.want(c.put("three", basket(house("1")+", "+house("2")+`, {"id": "3", "name": "Key", "quantity": 1, "unit_price": 1, "tax_rate": 2500}`, options)), 422, api.CodeInvalid)
	if diffOf(refused.Problem.Errors, []api.Fault{{Location: "body.order_lines", Message: "come to more than 200000000 with delivery"}}) != "" {
		t.Errorf("three: %+v", refused.Problem.Errors)
	}
	made := c.want(c.put("two", basket(house("1")+", "+house("2"), options)), 201, "").Session
	row, _, err := w.CheckoutSessions.ByReference(t.Context(), "two")
	if err != nil {
		t.Fatal(err)
	}
	w.Change(row.CartID, cart.Change{ShippingOption: "far"})
	_, id := open(w, w.Browser(), made)
	w.Buy(id)
	path := "/orders/" + w.Place(id).ID
	p := ask[api.Problem](c, 422, "POST", path+"/captures", `{}`, "Idempotency-Key", "all")
	if diffOf(p.Errors, []api.Fault{{Location: "body.order_lines", Message: "come to more than 200000000, which Klarna does not take at once: name some, or an amount"}}) != "" {
		t.Errorf("all at once: %+v", p.Errors)
	}
	ask[api.ActionResult](c, 200, "POST", path+"/captures", `{"order_lines": [{"id": "1", "quantity": 1}]}`, "Idempotency-Key", "one")
	ask[api.ActionResult](c, 200, "POST", path+"/captures", `{}`, "Idempotency-Key", "rest")
}
