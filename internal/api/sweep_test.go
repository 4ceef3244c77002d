package api_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/shopd/shopd/internal/until"
)

// One round ends all sessions whose time has come, also where many are given up in a minute.
func TestEndsAllDueSessions(t *testing.T) {
	w := world(t)
	for i := range 250 {
		w.Exec(`insert into checkout_sessions (cart_id, reference, order_number, status, revision, record, created_at, expires_at)
			values ($1, $1, $1, 'open', 1, '{"v":1}', 0, 0)`, "cart-"+strconv.Itoa(i))
	}
	w.Beside(func(ctx context.Context) { w.API.Run(ctx) })
	until.Holds(t, "all have ended", func() bool {
		return w.Number("select count(*) from checkout_sessions where status = 'expired'") == 250
	})
}
