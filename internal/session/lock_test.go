package session_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/session"
)

// age makes a stored session as old as if it had been made so long ago.
func age(t *testing.T, rdb redis.UniversalClient, key string, by time.Duration) {
	t.Helper()
	b, err := rdb.Get(t.Context(), key).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	var stored map[string]any
	if err := json.Unmarshal(b, &stored); err != nil {
		t.Fatal(err)
	}
	text, _ := stored["deadline"].(string)
	deadline, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	stored["deadline"] = deadline.Add(-by)
	if b, err = json.Marshal(stored); err != nil {
		t.Fatal(err)
	}
	if err := rdb.Set(t.Context(), key, b, time.Until(deadline)-by).Err(); err != nil {
		t.Fatal(err)
	}
}

// Two requests at once that each change one value keep both changes.
func TestNoLostUpdate(t *testing.T) {
	s := newSessions(redistest.Start(t), false)
	cookie := start(t, s)
	inside := make(chan struct{})
	slow := s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		time.Sleep(100 * time.Millisecond) // the other request has time to overtake
		s.SetCartID(r.Context(), "cart-2")
	}), nil)
	fast := s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s.SetKCOOrderID(r.Context(), "order-2")
	}), nil)

	var wg sync.WaitGroup
	wg.Go(func() { ask(t, slow, cookie) })
	<-inside
	wg.Go(func() { ask(t, fast, cookie) })
	wg.Wait()
	if got, want := body(t, ask(t, s.ReadOnly(show(s)), cookie)), "cart-2 order-2"; got != want {
		t.Errorf("session holds %q, want %q", got, want)
	}
}

// 20 checkout loads at once make one order between them, also over several processes.
func TestParallelLoadsAreSerialised(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(testing.TB) *redistest.Server
	}{
		{"one node", redistest.StartServer},
		{"cluster", redistest.Cluster},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := tt.start(t)
			replicas := []*session.Sessions{
				newSessions(server.Client(), false), newSessions(server.Client(), false), newSessions(server.Client(), false),
			}
			cookie := start(t, replicas[0])
			var made, inside atomic.Int32
			var wg sync.WaitGroup
			for i := range 20 {
				s := replicas[i%len(replicas)]
				load := s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if n := inside.Add(1); n > 1 {
						t.Errorf("%d requests hold the lock", n)
					}
					defer inside.Add(-1)
					if s.KCOOrderID(r.Context()) == "" {
						time.Sleep(20 * time.Millisecond) // a create
						made.Add(1)
						s.SetKCOOrderID(r.Context(), "order-1")
					}
				}), nil)
				wg.Go(func() {
					if res := ask(t, load, cookie); res.StatusCode != http.StatusOK {
						t.Errorf("load %d: %d %s", i, res.StatusCode, body(t, res))
					}
				})
			}
			wg.Wait()
			if got := made.Load(); got != 1 {
				t.Errorf("%d orders made, want 1", got)
			}
		})
	}
}

// shortLease is long enough for a busy machine to renew it in time.
func shortLease(o *session.Options) { o.Lease = 1200 * time.Millisecond }

func TestLockTimes(t *testing.T) {
	if session.DefaultLockWait != 6*time.Second || session.DefaultLease != 4*time.Second {
		t.Errorf("waits %s, leases %s; docs/architecture.md says 6 s and 4 s", session.DefaultLockWait, session.DefaultLease)
	}
	rdb := redistest.Start(t)
	s := newSessions(rdb, false)
	ask(t, s.Locked(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if left := leaseLeft(t, rdb); left > session.DefaultLease || left < session.DefaultLease-time.Second {
			t.Errorf("the lease lasts %s", left)
		}
	}), nil), start(t, s))
}

// A request may hold its lease for longer than that lasts: it is renewed.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	rdb := redistest.Start(t)
	s := newSessions(rdb, false, shortLease)
	cookie := start(t, s)
	lowest := time.Hour
	ask(t, s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for begin := time.Now(); time.Since(begin) < 1500*time.Millisecond; time.Sleep(50 * time.Millisecond) {
			lowest = min(lowest, leaseLeft(t, rdb))
		}
	}), nil), cookie)
	if lowest < 300*time.Millisecond {
		t.Errorf("the lease fell to %s, want it renewed after each 0.3 of 1.2 s", lowest)
	}
	if got := leaseLeft(t, rdb); got > 0 {
		t.Errorf("after the request the lease still lasts %s", got)
	}
}

func leaseLeft(t *testing.T, rdb redis.UniversalClient) time.Duration {
	t.Helper()
	keys, err := rdb.Keys(t.Context(), "shopd:lock:*").Result()
	if err != nil || len(keys) == 0 {
		return 0
	}
	return rdb.PTTL(t.Context(), keys[0]).Val()
}

// A process that dies under the lock neither renews nor releases its lease.
func TestKilledProcessBlocksForItsLease(t *testing.T) {
	t.Parallel()
	server := redistest.StartServer(t)
	dying := server.Client()
	other := newSessions(server.Client(), false)
	cookie := start(t, other)
	s := newSessions(dying, false, shortLease)
	dead := make(chan struct{})
	go ask(t, s.Locked(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		_ = dying.Close()
		close(dead)
	}), nil), cookie)
	<-dead
	begin := time.Now()
	res := ask(t, other.Locked(show(other), nil), cookie)
	took := time.Since(begin)
	if res.StatusCode != http.StatusOK || took > 2500*time.Millisecond || took < 900*time.Millisecond {
		t.Errorf("the next request got %d after %s, want 200 after 1.2 s", res.StatusCode, took)
	}
}

// hold holds the lock of a session until release, which returns when it is let go.
func hold(t *testing.T, s *session.Sessions, cookie string) (release func()) {
	t.Helper()
	inside, leave := make(chan struct{}), make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		ask(t, s.Locked(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(inside)
			<-leave
		}), nil), cookie)
	})
	<-inside
	return func() { close(leave); holding.Wait() }
}

func TestWaitForLockIsLimited(t *testing.T) {
	t.Parallel()
	s := newSessions(redistest.Start(t), false, func(o *session.Options) { o.LockWait = 500 * time.Millisecond })
	cookie := start(t, s)
	release := hold(t, s, cookie)

	t.Run("browser left", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		begin := time.Now()
		res := askCtx(ctx, s.Locked(show(s), nil), cookie)
		if got, took := body(t, res), time.Since(begin); got != "busy" || took > 2*time.Second {
			t.Errorf("got %q after %s", got, took)
		}
	})
	t.Run("waited", func(t *testing.T) {
		begin := time.Now()
		own := func(w http.ResponseWriter, _ *http.Request, err error) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "own: "+err.Error())
		}
		got, took := body(t, ask(t, s.Locked(show(s), own), cookie)), time.Since(begin)
		if want := "own: " + session.ErrBusy.Error(); got != want || took < 400*time.Millisecond || took > 2*time.Second {
			t.Errorf("got %q after %s, want %q after 0.5 s", got, took, want)
		}
	})
	release()
	if res := ask(t, s.Locked(show(s), nil), cookie); res.StatusCode != http.StatusOK {
		t.Errorf("after the release: %d", res.StatusCode)
	}
}

// A browser that leaves 100 ms into the request cuts off neither handler nor store.
func TestBrowserGone(t *testing.T) {
	s := newSessions(redistest.Start(t), false)
	cookie := start(t, s)
	finished := make(chan error, 1)
	server := httptest.NewServer(s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		time.Sleep(300 * time.Millisecond) // Klarna
		s.SetKCOOrderID(r.Context(), "order-1")
		finished <- r.Context().Err()
	}), nil))
	defer server.Close()

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	if res, err := http.DefaultClient.Do(r); err == nil {
		_ = res.Body.Close()
		t.Fatal("the request was to be cut off")
	}
	if err := <-finished; err != nil {
		t.Errorf("the handler's context ended: %v", err)
	}
	// Locked waits until the first request has stored and released.
	if got, want := body(t, ask(t, s.Locked(show(s), nil), cookie)), "cart-1 order-1"; got != want {
		t.Errorf("session holds %q, want %q", got, want)
	}
}

func TestDeadline(t *testing.T) {
	s := newSessions(redistest.Start(t), false)
	in3s, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		want time.Duration
	}{
		{"the request's", in3s, 3 * time.Second},
		{"without one 12 s", t.Context(), 12 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			askCtx(tt.ctx, s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				deadline, _ := r.Context().Deadline()
				if got := time.Until(deadline).Round(time.Second); got != tt.want {
					t.Errorf("deadline in %s, want %s", got, tt.want)
				}
			}), nil), "")
		})
	}
}

// A session that cannot be stored is answered by the failure page alone.
func TestStoreFailure(t *testing.T) {
	server := redistest.StartServer(t)
	rdb := server.Client()
	s := newSessions(rdb, false)
	cookie := start(t, s)
	fails := s.Locked(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.SetCartID(r.Context(), "cart-2")
		w.Header().Set("X-Handler", "1")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "handler's page")
		server.Stop()
	}), nil)
	for _, tt := range []struct {
		name string
		h    http.Handler
	}{
		{"commit", fails},
		{"lock", s.Locked(show(s), nil)},
		{"read only", s.ReadOnly(show(s))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res := ask(t, tt.h, cookie)
			if got := body(t, res); res.StatusCode != http.StatusServiceUnavailable || got != "store" {
				t.Errorf("got %d %q, want 503 with the failure page alone", res.StatusCode, got)
			}
			if len(res.Cookies()) > 0 || res.Header.Get("X-Handler") != "" {
				t.Errorf("header of a page not sent: %v", res.Header)
			}
		})
	}
	server.Restart()
	if got, want := body(t, ask(t, s.ReadOnly(show(s)), cookie)), "cart-1 "; got != want {
		t.Errorf("after the outage: %q, want %q", got, want)
	}
}

func TestPanicReleasesAndStoresNothing(t *testing.T) {
	rdb := redistest.Start(t)
	s := newSessions(rdb, false)
	cookie := start(t, s)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		ask(t, s.Locked(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			s.SetCartID(r.Context(), "cart-2")
			panic("handler")
		}), nil), cookie)
	}()
	if got := leaseLeft(t, rdb); got > 0 {
		t.Errorf("the lease is still held for %s", got)
	}
	if got, want := body(t, ask(t, s.ReadOnly(show(s)), cookie)), "cart-1 "; got != want {
		t.Errorf("session holds %q, want %q", got, want)
	}
}

// What is written before and inside the lock reaches the browser.
func TestAnswerPassesThrough(t *testing.T) {
	s := newSessions(redistest.Start(t), false)
	h := s.Locked(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Outer", w.Header().Get("X-Outer")+" inner")
		w.Header().Del("X-Dropped")
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK)
		_, _ = io.WriteString(w, "a")
		_, _ = io.WriteString(w, "b")
	}), nil)
	rec := httptest.NewRecorder()
	rec.Header().Set("X-Outer", "outer")
	rec.Header().Set("X-Dropped", "1")
	h.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/", nil))
	if rec.Code != http.StatusTeapot || rec.Body.String() != "ab" {
		t.Errorf("got %d %q", rec.Code, rec.Body)
	}
	if got := rec.Header(); got.Get("X-Outer") != "outer inner" || got.Get("X-Dropped") != "" {
		t.Errorf("header = %v", got)
	}
}
