package session_test

import (
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/session"
)

// scripts is how many scripts Redis has run: lease and release are one each.
func scripts(t *testing.T, rdb redis.UniversalClient) (n int) {
	t.Helper()
	stats, err := rdb.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`cmdstat_eval(?:sha)?:calls=(\d+)`).FindAllStringSubmatch(stats, -1) {
		calls, _ := strconv.Atoi(found[1])
		n += calls
	}
	return n
}

// While a lease is held, of all who wait for it one of each other process asks Redis now and then.
func TestWaitersDoNotPoll(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t)
	holder, other := newSessions(rdb, false), newSessions(rdb, false)
	cookie := start(t, holder)
	release := hold(t, holder, cookie)
	var done sync.WaitGroup
	before := scripts(t, rdb)
	for _, s := range []*session.Sessions{holder, other} {
		for range 50 {
			done.Go(func() {
				if res := ask(t, s.Locked(show(s), nil), cookie); res.StatusCode != http.StatusOK {
					t.Errorf("a waiting request got %d", res.StatusCode)
				}
			})
		}
	}
	time.Sleep(500 * time.Millisecond) // during which nothing changes
	if asked := scripts(t, rdb) - before; asked == 0 || asked > 15 {
		t.Errorf("100 waiting requests ran %d scripts in 0.5 s; want some, and at most 15", asked)
	}
	release()
	done.Wait()
}

// A process with no end of requests for a session does not keep it from another process.
func TestLeaseGoesToOtherProcesses(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t)
	busy, other := newSessions(rdb, false), newSessions(rdb, false)
	cookie := start(t, busy)
	var stop atomic.Bool
	var flood sync.WaitGroup
	for range 4 {
		flood.Go(func() {
			for !stop.Load() {
				ask(t, busy.Locked(show(busy), nil), cookie)
			}
		})
	}
	for range 5 {
		if res := ask(t, other.Locked(show(other), nil), cookie); res.StatusCode != http.StatusOK {
			t.Errorf("the other process got %d %s", res.StatusCode, body(t, res))
		}
	}
	stop.Store(true)
	flood.Wait()
}

// More requests for one session than any shopper makes are sent away at once: they would keep places from others.
func TestWaitersAreLimited(t *testing.T) {
	t.Parallel()
	s := newSessions(redistest.Start(t), false)
	cookie := start(t, s)
	release := hold(t, s, cookie)
	var done sync.WaitGroup
	refused := make(chan struct{}, 200)
	for range 200 {
		done.Go(func() {
			if ask(t, s.Locked(show(s), nil), cookie).StatusCode == http.StatusServiceUnavailable {
				refused <- struct{}{}
			}
		})
	}
	for range 200 - 127 { // the holder is one of 128
		<-refused
	}
	release()
	done.Wait()
	if len(refused) > 0 {
		t.Errorf("%d more were refused", len(refused))
	}
}
