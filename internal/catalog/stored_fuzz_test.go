package catalog_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/redistest"
)

// FuzzStoredReservation: whatever a reservation's key holds is an error, none, or a
// reservation of that cart; never a panic. The same goes for the stock that is left.
func FuzzStoredReservation(f *testing.F) {
	f.Add("order-1", "1700000000000", "1", `[{"sku":"MUG-1","quantity":2}]`, `{"a":1}`, "3")
	f.Add("", "x", "", "null", "", "-9223372036854775808")
	f.Add("o", "-1", "", `[{"sku":1}]`, "{", "1e9")
	f.Add("o", "99999999999999", "x", `[]`, "\xff", "")
	rdb := redistest.Start(f)
	stock := catalog.NewStock(rdb, catalog.Builtin())
	if err := stock.Seed(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, orderID, made, returned, lines, body, left string) {
		const key = "shopd:{stock}:reservation:c"
		if err := rdb.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
		if err := rdb.HSet(t.Context(), key, "order_id", orderID, "made", made, "returned", returned, "lines", lines, "body", body).Err(); err != nil {
			t.Fatal(err)
		}
		r, ok, err := stock.Reservation(t.Context(), "c")
		switch {
		case err != nil:
		case ok != (orderID != ""):
			t.Errorf("order %q: found is %v", orderID, ok)
		case ok && (r.CartID != "c" || r.OrderID != orderID || json.Unmarshal([]byte(lines), &[]catalog.ReservedLine{}) != nil):
			t.Errorf("%q of %q is read as %+v", lines, orderID, r)
		}
		if err := rdb.HSet(t.Context(), "shopd:{stock}:left", "MUG-1", left).Err(); err != nil {
			t.Fatal(err)
		}
		// Not an assertion on the answer: what somebody else wrote may be refused.
		_ = stock.Reserve(t.Context(), catalog.Reservation{CartID: "c2", OrderID: "o2", Lines: []catalog.ReservedLine{{SKU: "MUG-1", Quantity: 1}}})
		_, _ = stock.ReturnOld(t.Context(), time.Now())
	})
}
