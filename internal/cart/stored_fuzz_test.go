package cart_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/redistest"
)

// FuzzStored: whatever a cart's key holds (another version wrote it, or nobody of ours),
// reading gives a cart in a market that is served, never a panic, and the same again: an empty
// one in place of one that is damaged. Only what a newer version has written is an error.
func FuzzStored(f *testing.F) {
	f.Add("3", `{"v":1,"country":"SE","locale":"sv-SE","lines":[{"sku":"MUG-1","quantity":2}],"discount_code":"FOG10"}`, "order-1", `["order-0"]`)
	f.Add("1", `{"v":99,"country":"ZZ","locale":"x","lines":null,"ship_to":{"country":"NO","postal_code":"0150"},"new":{}}`, "", "")
	f.Add("9223372036854775807", `{"lines":[{"sku":"","quantity":-5},{"sku":"MUG-1","quantity":99999999}]}`, "\x00", `[]`)
	f.Add("x", `[]`, "", `{}`)
	f.Add("-1", `{`, "o", `["a","a",""]`)
	f.Add("", `{"v":1}`, "", `null`)
	rdb := redistest.Start(f)
	carts := cart.NewStore(rdb, publish.Fixed(skerry.Version()))
	pricer := &cart.Pricer{Published: publish.Fixed(skerry.Version()), PublicURL: "https://shop.example"}
	id := cart.NewID()
	f.Fuzz(func(t *testing.T, rev, data, orderID, bought string) {
		key := "shopd:cart:{" + id + "}"
		if err := rdb.Del(t.Context(), key).Err(); err != nil {
			t.Fatal(err)
		}
		if err := rdb.HSet(t.Context(), key, "rev", rev, "data", data, "order_id", orderID, "bought", bought).Err(); err != nil {
			t.Fatal(err)
		}
		c, err := carts.Get(t.Context(), id, cart.Fallback{Country: "SE", Locale: "sv-SE"})
		if err != nil {
			if !strings.Contains(data, `"v"`) {
				t.Errorf("%q: %v", data, err)
			}
			return
		}
		if _, served := skerry.Version().Markets.Lookup(c.Country); !served || c.OrderID != orderID && c.Revision+int64(len(c.Lines)+len(c.OrderID)) != 0 {
			t.Errorf("%q is read as %+v", data, c)
		}
		if quote, err := pricer.Quote(c.Contents); err == nil && quote.OrderAmount < 0 {
			t.Errorf("%q costs %d", data, quote.OrderAmount)
		}
		again, err := carts.Get(t.Context(), id, cart.Fallback{Country: "NO", Locale: "nb-NO"})
		if err != nil || again.Revision != c.Revision || !cmp.Equal(again.Lines, c.Lines) {
			t.Errorf("read twice: %+v, then %+v, %v", c, again, err)
		}
	})
}
