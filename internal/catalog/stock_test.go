package catalog_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/redistest"
)

const stockKey = "shopd:{stock}:left"

func TestStock(t *testing.T) {
	t.Run("redis-server", func(t *testing.T) { testStock(t, redistest.Start(t)) })
	t.Run("miniredis", func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		testStock(t, rdb)
	})
}

func testStock(t *testing.T, rdb redis.UniversalClient) {
	ctx := t.Context()
	stock := catalog.NewStock(rdb, catalog.Builtin())
	skus := []string{"MUG-1", "TEA-1", "CLK-1", "EBK-1", "NO-1", "MUG-1"}

	left := func(want map[string]int) {
		t.Helper()
		got, err := stock.Left(ctx, skus...)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("Left: %v (-want +got):\n%s", err, diff)
		}
	}
	left(map[string]int{"MUG-1": 240, "TEA-1": 0, "CLK-1": 1}) // never seeded
	if err := stock.Seed(ctx); err != nil {
		t.Fatal(err)
	}
	left(map[string]int{"MUG-1": 240, "TEA-1": 0, "CLK-1": 1})

	if err := rdb.HSet(ctx, stockKey, "MUG-1", 239, "CLK-1", -1).Err(); err != nil {
		t.Fatal(err)
	}
	if err := stock.Seed(ctx); err != nil {
		t.Fatal(err)
	}
	left(map[string]int{"MUG-1": 239, "TEA-1": 0, "CLK-1": -1})
	if ttl := rdb.TTL(ctx, stockKey).Val(); ttl != -1 {
		t.Errorf("stock has a TTL of %v", ttl)
	}

	levels, err := stock.Levels(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(levels) != 23 || levels["MUG-1"] != 239 || levels["BLK-1"] != 3 {
		t.Errorf("levels of %d products: %v; want those of the 23 that are not digital", len(levels), levels)
	}

	if err := rdb.HSet(ctx, stockKey, "MUG-1", "many").Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := stock.Left(ctx, "MUG-1"); err == nil || !strings.Contains(err.Error(), "stock of MUG-1") {
		t.Errorf("Left of what is not a number = %v, %v; want an error", got, err)
	}
}

func TestStockOutage(t *testing.T) {
	server := redistest.StartServer(t)
	stock := catalog.NewStock(server.Client(), catalog.Builtin())
	server.Stop()
	if err := stock.Seed(t.Context()); err == nil {
		t.Error("Seed without Redis: no error")
	}
	if got, err := stock.Left(t.Context(), "MUG-1"); err == nil {
		t.Errorf("Left without Redis = %v, want an error", got)
	}
	if got, err := stock.Levels(t.Context()); err == nil {
		t.Errorf("Levels without Redis = %v, want an error", got)
	}
	if got, err := stock.Left(t.Context(), "EBK-1"); err != nil || len(got) != 0 {
		t.Errorf("Left of digital goods without Redis = %v, %v; want nothing", got, err)
	}
	server.Restart()
	if _, err := stock.Levels(t.Context()); err != nil {
		t.Errorf("Levels after the outage: %v", err)
	}
}

// fakeRedis answers HMGET in no real time: it can be slow or down in a bubble.
type fakeRedis struct {
	calls atomic.Int32
	mugs  atomic.Int32
	down  atomic.Bool
}

func (*fakeRedis) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*fakeRedis) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f *fakeRedis) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		f.calls.Add(1)
		time.Sleep(50 * time.Millisecond)
		switch {
		case f.down.Load():
			cmd.SetErr(errors.New("redis is away"))
		case ctx.Err() != nil:
			cmd.SetErr(ctx.Err())
		default:
			values := make([]any, len(cmd.Args())-2)
			values[0] = string(rune('0' + f.mugs.Load())) // MUG-1 is the first of the shelf
			cmd.(*redis.SliceCmd).SetVal(values)
		}
		return cmd.Err()
	}
}

// bubble runs a test of Levels on fake time against a fakeRedis.
func bubble(t *testing.T, test func(t *testing.T, stock *catalog.Stock, f *fakeRedis)) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeRedis{}
		rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // never dialled
		rdb.AddHook(f)
		defer func() { _ = rdb.Close() }()
		test(t, catalog.NewStock(rdb, catalog.Builtin()), f)
	})
}

// wantMugs calls Levels; -1 wants an error.
func wantMugs(t *testing.T, stock *catalog.Stock, when string, want int) {
	t.Helper()
	levels, err := stock.Levels(t.Context())
	switch {
	case want < 0 && err == nil:
		t.Errorf("%s: %d mugs, want an error", when, levels["MUG-1"])
	case want >= 0 && (err != nil || levels["MUG-1"] != want):
		t.Errorf("%s: %d mugs, %v; want %d", when, levels["MUG-1"], err, want)
	}
}

func TestLevelsAge(t *testing.T) {
	bubble(t, func(t *testing.T, stock *catalog.Stock, f *fakeRedis) {
		f.mugs.Store(5)
		wantMugs(t, stock, "first", 5)
		f.mugs.Store(4)
		time.Sleep(920 * time.Millisecond) // on top of the 50 ms of the request
		wantMugs(t, stock, "within the second", 5)
		if got := f.calls.Load(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
		time.Sleep(60 * time.Millisecond)
		wantMugs(t, stock, "a second after the request began", 4)
		if got := f.calls.Load(); got != 2 {
			t.Errorf("%d requests, want 2", got)
		}
	})
}

func TestLevelsSingleFlight(t *testing.T) {
	bubble(t, func(t *testing.T, stock *catalog.Stock, f *fakeRedis) {
		f.mugs.Store(5)
		var wg sync.WaitGroup
		impatient, leave := context.WithCancelCause(t.Context())
		left := errors.New("left")
		wg.Go(func() {
			if levels, err := stock.Levels(impatient); !errors.Is(err, left) {
				t.Errorf("who left got %v, %v", levels, err)
			}
		})
		synctest.Wait() // the impatient one started the request
		for range 100 {
			wg.Go(func() { wantMugs(t, stock, "together", 5) })
		}
		synctest.Wait()
		leave(left)
		wg.Wait()
		if got := f.calls.Load(); got != 1 {
			t.Errorf("%d requests, want 1", got)
		}
	})
}

func TestLevelsOutage(t *testing.T) {
	bubble(t, func(t *testing.T, stock *catalog.Stock, f *fakeRedis) {
		f.mugs.Store(5)
		f.down.Store(true)
		wantMugs(t, stock, "down before the first answer", -1)
		f.down.Store(false)
		wantMugs(t, stock, "up", 5)
		f.down.Store(true)
		before := f.calls.Load()
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			wantMugs(t, stock, "down for less than 30 s", 5)
		}
		if got := f.calls.Load() - before; got > 10 {
			t.Errorf("%d requests in 10 s, want one a second at most", got)
		}
		time.Sleep(20 * time.Second)
		wantMugs(t, stock, "down for 30 s", -1)
		f.down.Store(false)
		f.mugs.Store(3)
		wantMugs(t, stock, "up again", 3)
	})
}
