package shoptest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/shop"
)

// errKilled is what a process sees that does not live any more.
var errKilled = errors.New("killed")

// Reaper kills a process at its Nth call of Klarna, Redis or the database, from 1: that
// call and all after it fail. When Late, the call itself is carried out and its answer lost.
// Of a process that has lost everything others see no difference to its end before the next
// call; of one that has lost the database alone they do.
type Reaper struct {
	N    int
	Late bool

	mu    sync.Mutex
	born  bool
	dead  bool
	conns []net.Conn // to the database
}

// Doomed is one more process of the shop, which does not listen and which r kills.
func (w *World) Doomed(r *Reaper) *shop.Shop {
	w.T.Helper()
	rdb := w.Redis.Client()
	d := w.dialled(r)
	s := w.Process(func(c *shop.Config) {
		On(rdb, r)(c)
		c.DB = d
	})
	rdb.AddHook(r)
	return s
}

// CutOff is one more process of the shop, which r cuts off from the database.
func (w *World) CutOff(r *Reaper) *shop.Shop {
	w.T.Helper()
	d := w.dialled(r)
	return w.Process(func(c *shop.Config) { c.DB = d })
}

// dialled is the database by way of r. Opening it is none of its calls.
func (w *World) dialled(r *Reaper) *db.DB {
	w.T.Helper()
	d := dbtest.Open(w.T, db.Config{URL: w.url, Dial: r.Dial})
	r.alive()
	return d
}

// alive begins the life of the process.
func (r *Reaper) alive() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.born = true
}

// Dial makes a connection to the database, each request of which is a call.
func (r *Reaper) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dead {
		_ = conn.Close()
		return nil, errKilled
	}
	r.conns = append(r.conns, conn)
	return doomedConn{conn, r}, nil
}

type doomedConn struct {
	net.Conn
	r *Reaper
}

// Write sends a request.
func (c doomedConn) Write(p []byte) (n int, err error) {
	err = c.r.call(func() error {
		n, err = c.Conn.Write(p)
		return err
	})
	return n, err
}

// Close may come after the end of the process.
func (c doomedConn) Close() error {
	if err := c.Conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Died reports whether the process has come to its end.
func (r *Reaper) Died() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dead
}

// Buried waits until the database has done what dead processes have asked for last.
func (w *World) Buried() {
	w.T.Helper()
	for w.Number("select count(*) from pg_stat_activity where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid()") > 0 {
		time.Sleep(time.Millisecond)
	}
}

// call runs one call in the life of the process.
func (r *Reaper) call(do func() error) error {
	r.mu.Lock()
	if r.dead {
		r.mu.Unlock()
		return errKilled
	}
	if r.born {
		r.N--
	}
	r.dead = r.N <= 0
	last := r.dead
	r.mu.Unlock()
	if !last {
		return do()
	}
	if r.Late {
		_ = do()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.conns {
		_ = conn.Close()
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

// DialHook leaves connections alone.
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
