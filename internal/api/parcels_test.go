package api_test

import (
	"testing"

	"github.com/shopd/shopd/internal/api"
)

// What is in a parcel of which the call does not say it: of a capture what is captured with it, of one of several
// the rest of that, else what is still to be sent.
func TestParcelFilledIn(t *testing.T) {
	w := keyed(t)
	o := ofSession(t, w, "parcels")
	c, path := as(w, "all"), "/orders/"+o.ID
	holds := func(what string, want ...api.LineQuantity) {
		t.Helper()
		now := ask[api.Order](c, 200, "GET", path, "")
		if got := now.Shipments[len(now.Shipments)-1].OrderLines; diffOf(append([]api.LineQuantity{}, want...), got) != "" {
			t.Errorf("%s: %+v", what, got)
		}
	}
	one := ask[api.ActionResult](c, 200, "POST", path+"/captures", `{"order_lines": [{"id": "t", "quantity": 1}]}`, "Idempotency-Key", "a")
	ask[api.ActionResult](c, 200, "POST", path+"/shipments", `{"carrier": "PostNord", "capture_id": "`+one.CaptureID+`"}`, "Idempotency-Key", "b")
	holds("of a capture", api.LineQuantity{ID: "t", Quantity: 1})
	if !w.InBook(o.OrderID).ToShip() {
		t.Error("the rest is not to be sent")
	}
	ask[api.ActionResult](c, 200, "POST", path+"/captures", `{"order_lines": [{"id": "t", "quantity": 1}, {"id": "m", "quantity": 1}],
		"shipments": [{"carrier": "PostNord"}, {"carrier": "DHL", "order_lines": [{"id": "t", "quantity": 1}]}]}`, "Idempotency-Key", "c")
	now := ask[api.Order](c, 200, "GET", path, "")
	if n := len(now.Shipments); n != 3 || diffOf(now.Shipments[1].OrderLines, []api.LineQuantity{{ID: "m", Quantity: 1}}) != "" {
		t.Errorf("of one of two: %+v", now.Shipments)
	}
	ask[api.ActionResult](c, 200, "POST", path+"/captures", `{"order_lines": [{"id": "m", "quantity": 1}]}`, "Idempotency-Key", "d")
	ask[api.ActionResult](c, 200, "POST", path+"/release", "", "Idempotency-Key", "e")
	ask[api.ActionResult](c, 200, "POST", path+"/shipments", `{"carrier": "PostNord", "tracking_number": "2"}`, "Idempotency-Key", "f")
	holds("the rest is released", api.LineQuantity{ID: "m", Quantity: 1})
}

// What has left before the order was cancelled may be told of, with what is in it. What nothing is said to be in is
// refused: the shopper would read that his order is on its way.
func TestParcelOfCancelled(t *testing.T) {
	w := keyed(t)
	o := ofSession(t, w, "cancelled")
	c, path := as(w, "all"), "/orders/"+o.ID
	ask[api.ActionResult](c, 200, "POST", path+"/cancel", "")
	refused := ask[api.Problem](c, 409, "POST", path+"/shipments", `{"carrier": "DHL", "tracking_number": "1"}`, "Idempotency-Key", "a")
	if refused.Reason != "cancelled" {
		t.Errorf("refused: %+v", refused)
	}
	ask[api.ActionResult](c, 200, "POST", path+"/shipments", `{"carrier": "DHL", "order_lines": [{"id": "t", "quantity": 1}]}`, "Idempotency-Key", "b")
	now := ask[api.Order](c, 200, "GET", path, "")
	if len(now.Shipments) != 1 || now.Shippable {
		t.Errorf("shipments %+v, shippable %t", now.Shipments, now.Shippable)
	}
	for _, l := range now.OrderLines {
		if l.OpenQuantity != 0 {
			t.Errorf("%s: %d are open", l.ID, l.OpenQuantity)
		}
	}
}
