package storefront

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/quota"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

// Limits bound what one client may begin, over all processes: what is begun takes memory of Redis
// and a call to Klarna. Behind one address may be a company or a part of a mobile network: where a
// tenth of those who look begin a cart, 600 carts in 10 minutes are 6,000 visitors.
type Limits struct {
	Redis redis.UniversalClient
	// Carts is how many carts one client may begin in 10 minutes, and twice as many as checkouts; 0: any number.
	Carts int
}

const beginTime = 10 * time.Minute

// tooManyError: a client has begun too much. Nothing has changed.
type tooManyError struct{ wait time.Duration }

func (e *tooManyError) Error() string { return "too many from one client; wait " + e.wait.String() }

func (e *tooManyError) seconds() int { return max(1, int(math.Ceil(e.wait.Seconds()))) }

// beginCart counts a new cart of the request's client. The error is a *tooManyError.
func (s *Storefront) beginCart(r *http.Request) error {
	return s.begin(r, "new_cart", s.Limits.Carts)
}

// beginCheckout counts a checkout that asks Klarna for an order. That of a checkout session is the
// merchant's.
func (s *Storefront) beginCheckout(r *http.Request) error {
	if session.Claimed(r.Context()) != "" {
		return nil
	}
	return s.begin(r, "new_checkout", (s.Limits.Carts+1)/2)
}

func (s *Storefront) begin(r *http.Request, kind string, limit int) error {
	if limit == 0 {
		return nil
	}
	wait := s.take(r.Context(), beginTime, quota.Client(kind, respond.Client(r), int64(limit)))
	if wait > 0 {
		return &tooManyError{wait}
	}
	return nil
}

// take takes a try. A Redis that cannot count stops nobody.
func (s *Storefront) take(ctx context.Context, within time.Duration, counters []quota.Counter) time.Duration {
	if len(counters) == 0 {
		return 0
	}
	wait, err := quota.Take(ctx, s.Limits.Redis, within, counters...)
	if err != nil {
		s.Logger.WarnContext(ctx, "not counted, so not limited", "error", err)
		return 0
	}
	return wait
}

// tooMany answers a client that has begun too much.
func (s *Storefront) tooMany(w http.ResponseWriter, r *http.Request, shell templates.Shell, e *tooManyError) {
	w.Header().Set("Retry-After", strconv.Itoa(e.seconds()))
	v := templates.TooManyView{Shell: shell, Seconds: e.seconds()}
	if r.Method == http.MethodGet {
		v.TryURL = r.URL.RequestURI()
	}
	respond.Page(w, r, http.StatusTooManyRequests, templates.TooMany(v))
}
