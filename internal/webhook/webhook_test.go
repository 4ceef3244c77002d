package webhook_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/until"
	"github.com/shopd/shopd/internal/webhook"
)

var many = flag.Int("webhook.many", 400, "events of TestFastBesideHanging")

// endpoint is a merchant's server that notes what it was told.
type endpoint struct {
	settings.Webhook
	server *httptest.Server
	secret string

	mu     sync.Mutex
	told   map[string]int // by event ID, those that were taken
	calls  []http.Header
	bodies []string
}

// listen makes an endpoint; answer writes the answer to a call, by its number.
func listen(t *testing.T, id string, answer func(w http.ResponseWriter, r *http.Request, call int)) *endpoint {
	t.Helper()
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	e := &endpoint{told: map[string]int{}, secret: "whsec_" + base64.StdEncoding.EncodeToString(secret)}
	e.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		e.calls, e.bodies = append(e.calls, r.Header), append(e.bodies, string(body))
		n := len(e.calls)
		e.mu.Unlock()
		taken := &taker{ResponseWriter: w, status: 200}
		answer(taken, r, n)
		if taken.status/100 == 2 && r.Context().Err() == nil {
			e.mu.Lock()
			e.told[r.Header.Get("Webhook-Id")]++
			e.mu.Unlock()
		}
	}))
	t.Cleanup(e.server.Close)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(e.secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.Webhook = settings.Webhook{ID: id, URL: e.server.URL + "/hook?key=hunter2", Events: []string{"*"}, SecretFile: file}
	return e
}

type taker struct {
	http.ResponseWriter
	status int
}

func (t *taker) WriteHeader(status int) {
	t.status = status
	t.ResponseWriter.WriteHeader(status)
}

func (e *endpoint) number() (told, calls int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.told), len(e.calls)
}

func ok(http.ResponseWriter, *http.Request, int) {}

// shop is what tells endpoints.
type shop struct {
	t          *testing.T
	db         *db.DB
	outbox     *event.Outbox
	webhooks   *webhook.Webhooks
	deliveries *event.Delivery
}

func newShop(t *testing.T, d *db.DB, publicURL string, endpoints ...*endpoint) *shop {
	t.Helper()
	file := &settings.Shop{}
	for _, e := range endpoints {
		file.Webhooks = append(file.Webhooks, e.Webhook)
	}
	log := slog.New(slog.DiscardHandler)
	s := &shop{t: t, db: d, outbox: &event.Outbox{DB: d, Logger: log}}
	s.webhooks = webhook.New(d, publish.Fixed(&publish.Version{Shop: file}), publicURL, log, nil)
	s.deliveries = &event.Delivery{Outbox: s.outbox, More: s.webhooks.Receivers, Logger: log}
	return s
}

// run delivers beside the test. The receivers have begun when it returns.
func (s *shop) run() (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	var running sync.WaitGroup
	running.Go(func() { s.outbox.Run(ctx) })
	running.Go(func() { s.deliveries.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	s.t.Cleanup(stop)
	want := len(s.webhooks.Receivers(ctx))
	until.Holds(s.t, "the receivers have begun", func() bool { return s.count("select count(*) from event_cursors") == want })
	return stop
}

func (s *shop) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.db.Read.QueryRowContext(context.WithoutCancel(s.t.Context()), query, args...).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *shop) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(s.t.Context(), query, args...); err != nil {
		s.t.Fatal(err)
	}
}

// happen writes events.
func (s *shop) happen(n int) {
	s.t.Helper()
	err := s.db.Tx(s.t.Context(), func(tx *sql.Tx) error {
		for i := range n {
			if err := event.Add(s.t.Context(), tx, event.OrderCreated, event.Order{ID: fmt.Sprintf("ord_%d", i), Number: fmt.Sprint("FB-", i), Revision: 1}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// soon lets the next tries of all deliveries come now.
func (s *shop) soon() {
	s.exec("update event_deliveries set due_at = 1 where due_at > 1 and problem is not null")
}

// What is told is signed, so that the reference library verifies it, with both secrets while
// they are changed.
func TestSigned(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := listen(t, "shop", ok)
		s := newShop(t, d, "http://shop.example", e)
		s.run()
		s.happen(1)
		until.Holds(s.t, "it is told", func() bool { told, _ := e.number(); return told == 1 })
		const next = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
		if err := os.WriteFile(e.SecretFile, []byte(next+"\n"+e.secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.happen(1)
		until.Holds(s.t, "it is told again", func() bool { told, _ := e.number(); return told == 2 })
		for i, secrets := range [][]string{{e.secret}, {e.secret, next}} {
			for _, secret := range secrets {
				verifier, err := standardwebhooks.NewWebhook(secret)
				if err != nil {
					t.Fatal(err)
				}
				if err := verifier.Verify([]byte(e.bodies[i]), e.calls[i]); err != nil {
					t.Errorf("call %d: %v", i, err)
				}
			}
		}
		var body struct {
			ID, Type  string
			Sequence  int64
			Timestamp time.Time
			Data      map[string]any
		}
		if err := json.Unmarshal([]byte(e.bodies[0]), &body); err != nil || body.ID != e.calls[0].Get("Webhook-Id") || body.Type != "order.created" || body.Sequence != 1 ||
			body.Data["object"] != "order" || body.Data["id"] != "ord_0" || len(body.Data) != 5 {
			t.Errorf("%v: %s", err, e.bodies[0])
		}
		until.Holds(s.t, "it is noted", func() bool { return s.count("select count(*) from event_deliveries where done_at is not null") == 2 })
	})
}

// Endpoints that fail, hang, redirect, are gone for good or lose their database: each gets each
// event at least once in the end, none delays another or its own later events, and what one
// has lost can be sent again.
func TestFaults(t *testing.T) {
	d := dbtest.Postgres(t)
	good := listen(t, "good", ok)
	failing := listen(t, "failing", func(w http.ResponseWriter, _ *http.Request, call int) {
		if call <= 10 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	picky := listen(t, "picky", func(w http.ResponseWriter, r *http.Request, _ int) { // one event fails for ever
		if r.Header.Get("Webhook-Id") == first(d) {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	hold := make(chan struct{})
	hanging := listen(t, "hanging", func(_ http.ResponseWriter, r *http.Request, call int) {
		if call <= 3 {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
	})
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	moved := listen(t, "moved", func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, good.URL, http.StatusTemporaryRedirect)
	})
	gone := listen(t, "gone", func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusGone) })
	busy := listen(t, "busy", func(w http.ResponseWriter, _ *http.Request, call int) {
		if call == 1 {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := newShop(t, d, "http://shop.example", good, failing, picky, hanging, moved, gone, busy)
	s.run()
	const events = 20
	s.happen(events)
	until.Holds(s.t, "the good one has all", func() bool { n, _ := good.number(); return n == events })
	until.Holds(s.t, "the picky one has all others", func() bool { n, _ := picky.number(); return n == events-1 })
	until.Holds(s.t, "the hanging one has all others", func() bool { n, _ := hanging.number(); return n == events-3 })
	until.Holds(s.t, "the busy one has all others", func() bool { n, _ := busy.number(); return n == events-1 })
	until.Holds(s.t, "who is gone is off", func() bool { return s.count("select count(*) from webhook_endpoints where id = 'gone'") == 1 })
	until.Holds(s.t, "redirects are failures", func() bool {
		return s.count("select count(*) from event_deliveries where receiver = 'webhook_moved' and problem = 'answered 307: redirects are not followed'") == events
	})
	until.Holds(s.t, "Retry-After is heeded", func() bool {
		return s.count("select count(*) from event_deliveries where receiver = 'webhook_busy' and due_at > $1", time.Now().Add(50*time.Minute).UnixMilli()) == 1
	})
	release()
	until.Holds(s.t, "all have all", func() bool {
		s.soon()
		a, _ := failing.number()
		b, _ := hanging.number()
		c, _ := busy.number()
		return a == events && b == events && c == events
	})
	if n, _ := picky.number(); n != events-1 {
		t.Errorf("the picky one took %d", n)
	}

	// Within a second who is gone hears of nothing, until staff switch it on.
	all := events
	until.Holds(s.t, "nobody tells who is gone", func() bool {
		_, before := gone.number()
		s.happen(1)
		all++
		until.Holds(s.t, "the others are handed one more", func() bool {
			n, _ := good.number()
			return n == all && s.count("select count(*) from event_cursors, event_numbers where after = last") >= 6
		})
		_, after := gone.number()
		return after == before && s.count("select count(*) from event_cursors, event_numbers where after < last") == 1
	})

	// The good one loses its database: all since is sent again.
	good.mu.Lock()
	good.told = map[string]int{}
	good.mu.Unlock()
	until.Holds(s.t, "all is noted", func() bool {
		return s.count("select count(*) from event_deliveries where receiver = 'webhook_good' and done_at is not null") == all
	})
	if n, err := s.webhooks.AllAgain(t.Context(), good.Webhook, time.Now().Add(-time.Hour), false); n != 0 || err != nil {
		t.Errorf("%d are sent again that it has, %v", n, err)
	}
	if n, err := s.webhooks.AllAgain(t.Context(), good.Webhook, time.Now().Add(-time.Hour), true); n != int64(all) || err != nil {
		t.Errorf("%d are sent again, %v", n, err)
	}
	until.Holds(s.t, "it has all again", func() bool { n, _ := good.number(); return n == all })
	if found, err := s.webhooks.Again(t.Context(), "good", "evt_none"); found || err != nil {
		t.Errorf("what never was is sent again: %v, %v", found, err)
	}
}

// first is the ID of the first event.
func first(d *db.DB) (id string) {
	_ = d.Read.QueryRowContext(context.Background(), "select id from events order by position limit 1").Scan(&id)
	return id
}

// Many events for a fast endpoint while another hangs:
// go test ./internal/webhook -run Fast -webhook.many 20000 -v
func TestFastBesideHanging(t *testing.T) {
	d := dbtest.Postgres(t)
	fast := listen(t, "fast", ok)
	hanging := listen(t, "hanging", func(_ http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() })
	s := newShop(t, d, "http://shop.example", fast, hanging)
	stop := s.run()
	for n := *many; n > 0; n -= 1000 {
		s.happen(min(n, 1000))
	}
	start := time.Now()
	for told := 0; told < *many; told, _ = fast.number() {
		if time.Since(start) > 5*time.Minute {
			t.Fatalf("%d of %d are told", told, *many)
		}
		time.Sleep(time.Millisecond)
	}
	took := time.Since(start)
	t.Logf("%d webhooks in %v: %.0f a second", *many, took.Round(time.Millisecond), float64(*many)/took.Seconds())
	hanging.server.CloseClientConnections()
	go hanging.server.Close()
	stop()
}

// Addresses that are not the internet's are not called, whatever their names are; nor what is
// not https.
func TestAddresses(t *testing.T) {
	d := dbtest.SQLite(t)
	private := listen(t, "private", ok)
	named := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was called") }))
	t.Cleanup(named.Close)
	plain := listen(t, "plain", ok)
	private.URL = named.URL
	s := newShop(t, d, "https://shop.example", private, plain)
	s.run()
	s.happen(1)
	until.Holds(s.t, "both are refused", func() bool {
		return s.count("select count(*) from event_deliveries where problem = 'nothing was sent: the address is not https, or not public'") == 2
	})
	if _, calls := plain.number(); calls != 0 {
		t.Error("plain http was called")
	}
}

// Who is switched on gets what happens from then on, and what is sent again at once.
func TestSwitchedOn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := listen(t, "shop", func(w http.ResponseWriter, _ *http.Request, call int) {
			if call == 1 {
				w.WriteHeader(http.StatusGone)
			}
		})
		s := newShop(t, d, "http://shop.example", e)
		s.run()
		s.happen(1)
		until.Holds(s.t, "it is off", func() bool { return s.count("select count(*) from webhook_endpoints") == 1 })
		s.happen(2)
		until.Holds(s.t, "two are missed", func() bool { return s.count("select last from event_numbers") == 3 })
		if err := s.webhooks.SwitchOn(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.webhooks.AllAgain(t.Context(), e.Webhook, time.Now().Add(-time.Hour), false); err != nil {
			t.Fatal(err)
		}
		s.happen(1)
		until.Holds(s.t, "it has all four", func() bool { n, _ := e.number(); return n == 4 })
		if n := s.count("select count(*) from event_deliveries where problem is not null and due_at is null and done_at is null"); n != 0 {
			t.Errorf("%d are given up", n)
		}
	})
}

// Who is switched on without more gets what happens from then on alone; who has a new address also what
// happened meanwhile and what the old one has not got.
func TestOnAgain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for _, moved := range []bool{false, true} {
			e := listen(t, fmt.Sprint("moved-", moved), func(w http.ResponseWriter, _ *http.Request, call int) {
				if call <= 2 {
					w.WriteHeader([]int{1: http.StatusInternalServerError, 2: http.StatusGone}[call])
				}
			})
			s := newShop(t, d, "http://shop.example", e)
			round := func(want int) {
				t.Helper()
				if _, err := s.outbox.Number(t.Context()); err != nil {
					t.Fatal(err)
				}
				tried := 0
				for _, r := range s.webhooks.Receivers(t.Context()) {
					n, _, err := s.deliveries.Round(t.Context(), r, 8)
					if err != nil {
						t.Fatal(err)
					}
					tried += n
				}
				if tried != want {
					t.Fatalf("moved %t: %d were tried, want %d", moved, tried, want)
				}
			}
			round(0)      // begins
			for range 2 { // is tried in vain, and finds it gone
				s.happen(1)
				round(1)
			}
			s.happen(2)
			round(0)
			missed, lost := 0, 2
			if moved {
				e.URL += "&moved"
				s = newShop(t, d, "http://shop.example", e)
				missed, lost = 4, 0
			} else if err := s.webhooks.SwitchOn(t.Context(), e.ID); err != nil {
				t.Fatal(err)
			}
			s.happen(1)
			if _, err := s.outbox.Number(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := s.webhooks.SwitchOn(t.Context(), e.ID); err != nil { // it is on
				t.Fatal(err)
			}
			round(missed + 1)
			if n := s.count("select count(*) from event_deliveries where receiver = $1 and done_at is null", "webhook_"+e.ID); n != lost {
				t.Errorf("moved %t: %d were not told, want %d", moved, n, lost)
			}
			if n := s.count("select count(*) from webhook_endpoints"); n != 0 { // not off again with the address of before
				t.Errorf("moved %t: it is noted as off", moved)
			}
		}
	})
}

// The metric has the endpoints of the shop file, and no others.
func TestOffMetric(t *testing.T) {
	d := dbtest.SQLite(t)
	e := listen(t, "shop", ok)
	s := newShop(t, d, "http://shop.example", e)
	s.webhooks.Observer, _ = observetest.New(t)
	s.exec("insert into webhook_endpoints (id, url, off_at, why) values ('shop', $1, 1, 'it answered 410')", e.URL)
	shows := func(want string) {
		t.Helper()
		s.webhooks.Receivers(t.Context())
		var got []string
		for line := range strings.Lines(observetest.Metrics(s.webhooks.Observer)) {
			if strings.HasPrefix(line, "shopd_webhook_off") {
				got = append(got, strings.TrimSpace(line))
			}
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	}
	shows(`shopd_webhook_off{endpoint="shop"} 1`)
	s.webhooks.Published = publish.Fixed(&publish.Version{Shop: &settings.Shop{}})
	shows("")
	s.webhooks.Published = publish.Fixed(&publish.Version{Shop: &settings.Shop{Webhooks: []settings.Webhook{e.Webhook}}})
	s.exec("delete from webhook_endpoints")
	shows(`shopd_webhook_off{endpoint="shop"} 0`)
}
