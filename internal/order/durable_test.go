package order_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/redistest"
)

// Redis is killed with -9 while orders are placed: what Klarna knows as
// acknowledged is in the book that comes back (invariant 6).
func TestKillRedis(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.StartServerWith(t, "--appendfsync", "always"))
	carts := map[string]string{} // by order
	for range 12 {
		cartID, orderID := w.Sale()
		carts[orderID] = cartID
	}
	var placed atomic.Int64
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for orderID := range carts {
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := w.Book.Place(ctx, orderID); err == nil {
					placed.Add(1)
					return
				}
			}
		})
	}
	for range 3 {
		time.Sleep(15 * time.Millisecond)
		w.Redis.Stop()
		w.Redis.Restart()
		w.found()
		for orderID := range carts {
			w.acknowledgedOnlyStored(orderID)
		}
	}
	wg.Wait()
	for orderID, cartID := range carts {
		w.once(cartID, orderID)
	}
}

// found waits until the book finds its Redis again.
func (w *world) found() {
	w.T.Helper()
	for start := time.Now(); w.Client.Ping(w.T.Context()).Err() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			w.T.Fatal("the book does not find its Redis again")
		}
	}
}

// With a replica the book waits for it: the order is there when the master dies.
func TestReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t, redistest.Sentinel(t))
	replica := w.Replica()
	cartID, orderID := w.Sale()
	w.Place(orderID)
	if n, err := replica.Exists(t.Context(), "shopd:{orders}:order:"+orderID).Result(); err != nil || n != 1 {
		t.Errorf("the replica does not have the order: %v", err)
	}

	// A replica that stands still: the order may be lost, so Klarna is not told.
	_, held := w.Sale()
	thaw := w.Redis.Freeze(1)
	start := time.Now()
	if _, err := w.Book.Place(t.Context(), held); !errors.Is(err, order.ErrUnavailable) {
		t.Errorf("without its replica: got %v, want ErrUnavailable", err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %s", took)
	}
	if there, _ := w.Fake.Order(held); there.Fake.Acknowledged {
		t.Error("acknowledged what may be lost")
	}
	thaw()
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, err := w.Book.Place(t.Context(), held); err == nil {
			break
		} else if time.Since(start) > 10*time.Second {
			t.Fatal(err)
		}
	}

	w.Redis.StopNode(0)
	for start := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if o, found, err := w.Book.ByOrderID(t.Context(), orderID); err == nil && found && o.OrderID == orderID {
			break
		} else if time.Since(start) > 15*time.Second {
			t.Fatalf("the new master does not have the order: %v", err)
		}
	}
	w.once(cartID, orderID)
}

// A master that dies after it has stored the order, and before it has told how many
// replicas it has, may have had one without the order: Klarna is not told.
func TestReplicasUnknown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	rdb := w.Redis.Client()
	rdb.AddHook(&deadAtInfo{})
	book := w.another(rdb, nil)
	cartID, orderID := w.Sale()
	if _, err := book.Place(t.Context(), orderID); err == nil {
		t.Error("placed, though the master did not answer")
	}
	if there, _ := w.Fake.Order(orderID); there.Fake.Acknowledged {
		t.Error("acknowledged what may be lost")
	}
	if _, err := book.Place(t.Context(), orderID); err != nil {
		t.Fatal(err)
	}
	w.once(cartID, orderID)
}

// deadAtInfo loses the connection at the first INFO.
type deadAtInfo struct{ done atomic.Bool }

func (d *deadAtInfo) DialHook(next redis.DialHook) redis.DialHook { return next }

func (d *deadAtInfo) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (d *deadAtInfo) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "info" && !d.done.Swap(true) {
			cmd.SetErr(io.EOF)
			return io.EOF
		}
		return next(ctx, cmd)
	}
}

// A server that has WAITAOF is asked to write through; what it does not confirm is not acknowledged.
func TestWaitAOF(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		answer func(*server.Peer)
		ok     bool
		asked  int64 // for two orders
	}{
		{"on the disk", func(c *server.Peer) { c.WriteLen(2); c.WriteInt(1); c.WriteInt(0) }, true, 2},
		{"not in time", func(c *server.Peer) { c.WriteLen(2); c.WriteInt(0); c.WriteInt(0) }, false, 2},
		{"no file", func(c *server.Peer) {
			c.WriteError("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.")
		}, true, 1},
		{"older server", func(c *server.Peer) { c.WriteError("ERR unknown command 'waitaof'") }, true, 1},
		{"not allowed", func(c *server.Peer) { c.WriteError("NOPERM this user has no permissions to run the 'waitaof' command") }, true, 1},
		{"broken", func(c *server.Peer) { c.WriteError("ERR something else") }, false, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, nil)
			mini := miniredis.RunT(t)
			var asked atomic.Int64
			if err := mini.Server().Register("WAITAOF", func(c *server.Peer, _ string, _ []string) {
				asked.Add(1)
				tc.answer(c)
			}); err != nil {
				t.Fatal(err)
			}
			rdb, err := redisconn.Open("redis://" + mini.Addr())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = rdb.Close() })
			book := w.another(rdb, nil)
			for range 2 {
				_, orderID := w.Sale()
				_, err = book.Place(t.Context(), orderID)
				if there, _ := w.Fake.Order(orderID); (err == nil) != tc.ok || there.Fake.Acknowledged != tc.ok {
					t.Errorf("got %v, acknowledged %v", err, there.Fake.Acknowledged)
				}
			}
			if got := asked.Load(); got != tc.asked {
				t.Errorf("asked %d times, want %d", got, tc.asked)
			}
		})
	}
}

// What keeps a Redis from keeping orders is said at the start.
func TestCheckDurability(t *testing.T) {
	for _, tc := range []struct {
		name     string
		settings []string
		want     []string // parts of the warnings, in order
	}{
		{"as it should be", []string{"--appendfsync", "always"}, nil},
		{"each second", []string{"--appendfsync", "everysec"}, []string{"appendfsync everysec"}},
		{"no file", []string{"--appendonly", "no"}, []string{"appendonly no"}},
		{"evicts", []string{"--appendfsync", "always", "--maxmemory-policy", "allkeys-lru"}, []string{"maxmemory-policy allkeys-lru"}},
		{"all of it", []string{"--appendonly", "no", "--maxmemory-policy", "volatile-ttl"}, []string{"appendonly no", "maxmemory-policy volatile-ttl"}},
		{"does not tell", []string{"--user", "default", "on", "nopass", "~*", "&*", "+@all", "-config"}, []string{"CONFIG is refused"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := order.CheckDurability(t.Context(), redistest.StartServerWith(t, tc.settings...).Client())
			if err != nil || len(got) != len(tc.want) {
				t.Fatalf("got %q, %v", got, err)
			}
			for i, part := range tc.want {
				if !strings.Contains(got[i], part) {
					t.Errorf("got %q, want %q in it", got[i], part)
				}
			}
		})
	}
	t.Run("cluster", func(t *testing.T) {
		rdb := redistest.Cluster(t).Client()
		for range 2 {
			if got, err := order.CheckDurability(t.Context(), rdb); err != nil || len(got) != 1 || !strings.Contains(got[0], "appendfsync no") {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
	t.Run("away", func(t *testing.T) {
		s := redistest.StartServer(t)
		rdb := s.Client()
		s.Stop()
		if got, err := order.CheckDurability(t.Context(), rdb); err == nil || len(got) != 0 {
			t.Errorf("got %q, %v", got, err)
		}
	})
}
