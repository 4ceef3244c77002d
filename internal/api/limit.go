package api

import (
	"context"
	"time"

	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/quota"
)

// How many calls a key may make a minute.
const (
	checkoutCalls = 6000 // with the scope checkout: baskets change often
	otherCalls    = 600
)

func (k Key) perMinute() int64 {
	if k.may(permission.Checkout) {
		return checkoutCalls
	}
	return otherCalls
}

// count counts a call of a key, for all processes together. wait is 0, or the time until
// the key may call again.
func (a *API) count(ctx context.Context, key Key) (wait time.Duration, err error) {
	return quota.Take(ctx, a.Redis, time.Minute, quota.Counter{Key: "shopd:api:calls:{" + key.Name + "}", Limit: key.perMinute()})
}
