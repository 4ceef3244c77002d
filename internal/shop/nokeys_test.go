package shop_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
)

// A shop whose API was switched off ends and forgets what was made by it, as one that has it.
func TestWithoutKeys(t *testing.T) {
	w := shoptest.Serve(t, shoptest.Options{})
	for id, status := range map[string]string{"cart-due": "open", "cart-old": "expired"} {
		w.Exec(`insert into checkout_sessions (cart_id, reference, order_number, status, revision, record, created_at, expires_at)
			values ($1, $1, $1, $2, 1, '{"v":1}', 0, 0)`, id, status)
	}
	w.Exec("insert into api_commands (id, api_key, order_id, made_at) values ('k', 'erp', 'ord_1', 0)")
	w.Beside(func(ctx context.Context) { w.Loops(ctx, ctx) })
	until.Holds(t, "all is ended, or gone", func() bool {
		return w.Number("select count(*) from checkout_sessions where status = 'open' or cart_id = 'cart-old'")+w.Number("select count(*) from api_commands") == 0
	})
	if got := w.Browser().Get("/v1/events"); got.StatusCode != http.StatusNotFound {
		t.Errorf("the API answers %d", got.StatusCode)
	}
}
