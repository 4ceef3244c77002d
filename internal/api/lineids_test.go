package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// Two variants have one reference, and the consumer withdraws from the first one, which is then taken off
// the order: what names the other still does, whoever changes the lines.
func TestLineKeepsItsName(t *testing.T) {
	for _, where := range []string{"here", "in Klarna's portal"} {
		t.Run(where, func(t *testing.T) {
			w := keyed(t)
			c := as(w, "all")
			made := c.want(c.put("tees", basket(
				`{"id": "red", "reference": "TEE", "name": "Tee red", "quantity": 1, "unit_price": 20000, "tax_rate": 2500}, `+
					`{"id": "blue", "reference": "TEE", "name": "Tee blue", "quantity": 1, "unit_price": 20000, "tax_rate": 2500}`, home)), 201, "").Session
			_, id := open(w, w.Browser(), made)
			w.Buy(id)
			o := w.Place(id)
			red, blue := o.LineIDs()[0], o.LineIDs()[1]
			ask[api.ActionResult](c, 200, "POST", "/orders/"+o.ID+"/shipments", `{"carrier": "PostNord", "order_lines": [{"id": "blue", "quantity": 1}]}`, "Idempotency-Key", "parcel")
			if _, err := w.Book.TakeWithdrawal(t.Context(), o.OrderID, order.Withdrawal{ID: "W", Lines: []order.WithdrawnLine{{ID: red, Quantity: 1}}}, time.Now()); err != nil {
				t.Fatal(err)
			}
			o = w.InBook(o.OrderID)
			rest := append([]klarna.OrderLine{}, o.OrderLines[1:]...)
			if where == "here" {
				o = w.Do(o, shoptest.Command(o, aftersale.Lines.Name, func(c *order.Command) {
					c.OrderLines, c.Amount = rest, o.OrderAmount-o.OrderLines[0].TotalAmount
				}), order.Done).Order
			} else {
				lines, err := json.Marshal(rest)
				if err != nil {
					t.Fatal(err)
				}
				w.CallKlarna("PATCH", "/ordermanagement/v1/orders/"+o.OrderID+"/authorization", fmt.Sprintf(`{"order_amount":%d,"order_lines":%s}`, o.OrderAmount-o.OrderLines[0].TotalAmount, lines))
				if o, err = w.Book.Refresh(t.Context(), o.OrderID); err != nil {
					t.Fatal(err)
				}
			}
			if o.OrderLines[0].Name != "Tee blue" || o.LineIDs()[0] != blue {
				t.Fatalf("the lines are %v of %+v", o.LineIDs(), o.OrderLines)
			}
			if back := o.ToReturn(); len(back) > 0 || o.Flagged(order.WithdrawalRequested) || o.AllWithdrawn() {
				t.Errorf("to return %v, flags %v, all is withdrawn from %t", back, o.Flags, o.AllWithdrawn())
			}
			if n := o.ToPack(o.Lines()[0]); n != 0 {
				t.Errorf("%d that are on their way are to be packed", n)
			}
			now := ask[api.Order](c, 200, "GET", "/orders/"+o.ID, "")
			if l := now.OrderLines[0]; l.ID != "blue" || !strings.HasSuffix(l.Name, "blue") || now.Withdrawals[0].OrderLines[0].ID != "red" || now.Shipments[0].OrderLines[0].ID != "blue" {
				t.Errorf("the API says %+v, %+v, %+v", l, now.Withdrawals, now.Shipments)
			}
			ask[api.ActionResult](c, 200, "POST", "/orders/"+o.ID+"/captures", `{"order_lines": [{"id": "blue", "quantity": 1}]}`, "Idempotency-Key", "capture")
			if now = ask[api.Order](c, 200, "GET", "/orders/"+o.ID, ""); len(now.Captures) != 1 || now.Captures[0].OrderLines[0].ID != "blue" {
				t.Errorf("captured %+v", now.Captures)
			}
			if err := w.Client.FlushAll(t.Context()).Err(); err != nil { // the cart, too
				t.Fatal(err)
			}
			kept := c.want(c.call("GET", "/checkout_sessions/tees", ""), 200, "").Session
			if len(kept.OrderLines) != 1 || kept.OrderLines[0].ID != "blue" || kept.OrderLines[0].Name != "Tee blue" {
				t.Errorf("without its cart the session has %+v", kept.OrderLines)
			}
		})
	}
}
