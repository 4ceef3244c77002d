package shoptest

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/shop"
)

// errKilled is the error of every call of a killed process.
var errKilled = errors.New("killed")

// Reaper kills a process at its Nth call of Klarna or Redis, counted from 1: this call and
// all later ones fail. With Late the Nth call is carried out and only its answer is lost.
type Reaper struct {
	N    int
	Late bool

	mu   sync.Mutex
	dead bool
}

// Doomed makes one more process of the shop, without a listener. r kills it.
func (w *World) Doomed(r *Reaper) *shop.Shop {
	w.T.Helper()
	rdb := w.Redis.Client()
	s := w.Process(On(rdb, r))
	rdb.AddHook(r)
	return s
}

// Died reports whether the process was killed.
func (r *Reaper) Died() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead
}

// call runs one call of the process, unless it is dead.
func (r *Reaper) call(do func() error) error {
	r.mu.Lock()
	if r.dead {
		r.mu.Unlock()
		return errKilled
	}
	r.N--
	r.dead = r.N <= 0
	last := r.dead
	r.mu.Unlock()
	if !last {
		return do()
	}
	if r.Late {
		_ = do()
	}
	return errKilled
}

// RoundTrip is a call of Klarna.
func (r *Reaper) RoundTrip(req *http.Request) (res *http.Response, err error) {
	err = r.call(func() error {
		res, err = http.DefaultTransport.RoundTrip(req)
		return err
	})
	if err != nil && res != nil {
		_ = res.Body.Close()
		res = nil
	}
	return res, err
}

// DialHook implements redis.Hook. It changes nothing.
func (r *Reaper) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is a call of Redis.
func (r *Reaper) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := r.call(func() error { return next(ctx, cmd) })
		if errors.Is(err, errKilled) {
			cmd.SetErr(err)
		}
		return err
	}
}

// ProcessPipelineHook is a call of Redis.
func (r *Reaper) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		return r.call(func() error { return next(ctx, cmds) })
	}
}
