package api_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
)

// before and after are two baskets of one reference of which all members differ.
func before() string {
	return basket(tent, home, `"order_number": "W-1", "metadata": {"a": "b"}, "cancel_url": "https://www.example.com/basket", "customer": {"email": "ada@example.com"}`)
}

func after() string {
	return `{"country": "SE", "success_url": "https://www.example.com/other", "mode": "embedded", "checkout_url": "https://www.example.com/pay", "order_number": "W-2",
		"metadata": {"c": "d"}, "order_lines": [{"id": "x", "reference": "TENT-2P", "name": "Tent", "quantity": 2, "unit_price": 249900, "tax_rate": 2500}]}`
}

// What Klarna refuses of a session is undone as a whole, and so is what comes when it is paid, and what Redis has no room for.
func TestUndone(t *testing.T) {
	asItWas := cmpopts.IgnoreFields(api.Session{}, "Revision", "ExpiresAt")
	t.Run("refused", func(t *testing.T) {
		w := world(t)
		c, b := calls(w), w.Browser()
		made := c.want(c.put("b", before()), 201, "").Session
		_, id := open(w, b, made)
		w.Fake.AddFault(fakeklarna.Fault{Method: http.MethodPost, Path: "/checkout/v3/orders/*", Status: 400})
		c.want(c.put("b", after()), 422, api.CodeKlarnaRefused)
		if diff := cmp.Diff(made, c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session, asItWas); diff != "" {
			t.Errorf("the session: %s", diff)
		}
		load(w, b, "b")
		w.Buy(id)
		if o := w.Place(id); o.Number != "W-1" || o.Metadata["a"] != "b" || o.LineNames["physical:TENT-2P"] != "t" {
			t.Errorf("sold as %s with %v and %v", o.Number, o.Metadata, o.LineNames)
		}
	})
	for name, put := range map[string]string{
		"paid":                 after(),
		"paid, another number": basket(tent, home, `"order_number": "W-2", "metadata": {"c": "d"}`),
		"paid, other metadata": basket(tent, home, `"order_number": "W-1", "metadata": {"c": "d"}`),
	} {
		t.Run(name, func(t *testing.T) {
			w := world(t)
			c := calls(w)
			made := c.want(c.put("b", before()), 201, "").Session
			_, id := open(w, w.Browser(), made)
			w.Fake.AddFault(fakeklarna.Fault{Callback: "push", Drop: true, Count: -1})
			w.Buy(id)
			w.Exec("update approved_orders set made_at = made_at - 20000")
			c.want(c.put("b", put), 409, api.CodePurchaseRunning)
			if diff := cmp.Diff(made, c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session, asItWas); diff != "" {
				t.Errorf("the session: %s", diff)
			}
			c.want(c.put("other", basket(tent, home, `"order_number": "W-1"`)), 409, api.CodeNumberTaken)
			if o := w.Place(id); o.Number != "W-1" || o.Metadata["a"] != "b" || o.LineNames["physical:TENT-2P"] != "t" {
				t.Errorf("sold as %s with %v and %v", o.Number, o.Metadata, o.LineNames)
			}
		})
	}
	t.Run("not stored", func(t *testing.T) {
		w := world(t)
		c, b := calls(w), w.Browser()
		made := c.want(c.put("b", before()), 201, "").Session
		_, id := open(w, b, made)
		most := func(bytes string) {
			t.Helper()
			if err := w.Client.ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
				t.Fatal(err)
			}
		}
		most("1")
		for range 2 {
			c.want(c.put("b", after()), 503, api.CodeUnavailable)
		}
		if diff := cmp.Diff(made, c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session, asItWas); diff != "" {
			t.Errorf("the session: %s", diff)
		}
		w.Buy(id)
		most("0")
		if o := w.Place(id); o.Number != "W-1" || o.Metadata["a"] != "b" || o.LineNames["physical:TENT-2P"] != "t" {
			t.Errorf("sold as %s with %v and %v", o.Number, o.Metadata, o.LineNames)
		}
	})
}
