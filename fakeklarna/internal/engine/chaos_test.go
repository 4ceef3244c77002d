package engine_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// With Chaos each call of an API may suffer, by the seed; the fake's own
// interface never does.
func TestChaos(t *testing.T) {
	suffered := func(seed uint64) (effects []string) {
		synctest.Test(t, func(t *testing.T) {
			call := &faketest.Caller{T: t, Fake: fakeklarna.New(fakeklarna.Options{Seed: seed, Chaos: 0.5})}
			for range 200 {
				func() {
					defer func() { _ = recover() }() // how a handler breaks a connection
					if got := call.Do("GET", faketest.OrdersPath+"/x", ""); got.Status == 429 && got.Header.Get("X-Envoy-Ratelimited") != "true" {
						t.Errorf("429 with %v", got.Header)
					}
				}()
				if got := call.Do("GET", "/fake/orders", ""); got.Status != 200 {
					t.Errorf("/fake/orders: got %d", got.Status)
				}
			}
			time.Sleep(6 * time.Second) // what is late has landed
			for _, r := range call.Fake.Requests("") {
				effects = append(effects, strings.Join(r.Faults, " "))
				if r.DurationMS > 2100 && !slices.Contains(r.Faults, "late") || r.DurationMS > 5100 {
					t.Errorf("a delay of %d ms", r.DurationMS)
				}
			}
		})
		return effects
	}
	first := suffered(1)
	if again := suffered(1); !slices.Equal(first, again) {
		t.Error("the same seed makes another chaos")
	}
	if other := suffered(2); slices.Equal(first, other) {
		t.Error("another seed makes the same chaos")
	}
	kinds := map[string]int{}
	hit := 0
	for _, effect := range first {
		if effect == "" {
			continue
		}
		hit++
		name, rest, _ := strings.Cut(strings.TrimPrefix(effect, "chaos "), " ")
		if name == "status" {
			name += " " + rest
		}
		kinds[name]++
	}
	for _, name := range []string{"delay", "status 500", "status 503", "status 429", "reset", "late", "drop_reply", "truncate"} {
		if kinds[name] == 0 {
			t.Errorf("no call suffered %s: %v", name, kinds)
		}
		delete(kinds, name)
	}
	if len(kinds) > 0 || hit < 70 || hit > 130 {
		t.Errorf("%d of 200 calls suffered, besides: %v", hit, kinds)
	}
}

// A rate limit lets so many calls through in a second of the fake's clock and
// answers the others 429.
func TestRateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call := faketest.NewCaller(t)
		call.Fake.AddFault(faketest.Fault{Path: faketest.OrdersPath + "/*", Method: "GET", RateLimit: 3, Count: -1})
		calls := func(n int, method string) (statuses []int) {
			for range n {
				got := call.Do(method, faketest.OrdersPath+"/x", "{}")
				statuses = append(statuses, got.Status)
				if limited := got.Header.Get("X-Envoy-Ratelimited"); (got.Status == 429) != (limited == "true") {
					t.Errorf("status %d with %v", got.Status, got.Header)
				}
			}
			return statuses
		}
		want := func(got []int, want ...int) {
			t.Helper()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
		}
		want(calls(5, "GET"), 404, 404, 404, 429, 429)
		want(calls(4, "POST"), 404, 404, 404, 404)
		time.Sleep(600 * time.Millisecond)
		want(calls(1, "GET"), 429)
		time.Sleep(400 * time.Millisecond)
		want(calls(4, "GET"), 404, 404, 404, 429)
		call.Fake.Advance(time.Second)
		want(calls(1, "GET"), 404)

		// What came before the rule is not counted, what came before a snapshot is.
		call.Fake.ClearFaults()
		calls(6, "GET")
		call.Fake.AddFault(faketest.Fault{RateLimit: 3, Count: -1})
		want(calls(2, "GET"), 404, 404)
		if err := call.Fake.Restore(call.Fake.Snapshot()); err != nil {
			t.Fatal(err)
		}
		want(calls(2, "GET"), 404, 429)

		call.Fake.Reset()
		call.Fake.AddFault(faketest.Fault{RateLimit: 1, Status: 503, Body: "slow down", Header: map[string]string{"Retry-After": "7"}})
		call.Do("GET", faketest.OrdersPath+"/x", "")
		if got := call.Do("GET", faketest.OrdersPath+"/x", ""); got.Status != 503 || got.Header.Get("Retry-After") != "7" || string(got.Body) != "slow down" {
			t.Errorf("got %d %v %s", got.Status, got.Header, got.Body)
		}
		if left := call.Fake.Faults(); len(left) != 0 {
			t.Errorf("the rule was to hit once, %v is left", left)
		}
		if got := call.Do("POST", "/fake/faults", `{"rate_limit":-1}`); got.Status != 400 {
			t.Errorf("negative: got %d %s", got.Status, got.Body)
		}
	})
}

// No more than MaxOrders are kept: ended ones go first, then the oldest.
func TestMaxOrders(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{MaxOrders: 3})
	var ids []string
	for range 3 {
		ids = append(ids, s.Start(faketest.CaseA()).OrderID)
	}
	s.ID = ids[1]
	faketest.States["aborted"](s)
	kept := func(want ...string) {
		t.Helper()
		var got []string
		for _, o := range s.Fake.Orders() {
			got = append(got, o.OrderID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("kept, newest first (-want +got):\n%s", diff)
		}
	}
	ids = append(ids, s.Start(faketest.CaseA()).OrderID)
	kept(ids[3], ids[2], ids[0])
	if got := s.Send("GET", faketest.OrdersPath+"/"+ids[1], ""); got.Status != 404 || len(got.Body) != 0 {
		t.Errorf("forgotten: got %d %s, want 404", got.Status, got.Body)
	}
	ids = append(ids, s.Start(faketest.CaseA()).OrderID)
	kept(ids[4], ids[3], ids[2])
	s.ID = ids[2]
	faketest.States["complete"](s)
	s.Fake.Advance(47 * time.Hour)
	s.Send("POST", faketest.OrdersPath+"/"+ids[3], "{}")
	s.Fake.Advance(2 * time.Hour) // ids[4] has expired, a complete order does not
	ids = append(ids, s.Start(faketest.CaseA()).OrderID)
	kept(ids[5], ids[3], ids[2])
	ids = append(ids, s.Start(faketest.CaseA()).OrderID)
	kept(ids[6], ids[5], ids[3])
}

// Order Management and Payments are bounded, too; what is forgotten is gone whole.
func TestMaxOrdersElsewhere(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{MaxOrders: 2})
	var bought, sessions, tokens []string
	for range 3 {
		bought = append(bought, s.Start(faketest.CaseA()).OrderID)
		faketest.States["complete"](s)
		got := s.Send("POST", "/payments/v1/sessions", faketest.Text(faketest.CaseA()))
		session := faketest.Decode(string(got.Body))["session_id"].(string)
		out, err := s.Fake.Pay(session, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{}})
		if err != nil || out.AuthorizationToken == "" {
			t.Fatalf("authorize: %+v %v", out, err)
		}
		sessions, tokens = append(sessions, session), append(tokens, out.AuthorizationToken)
	}
	for i, want := range []int{404, 200, 200} {
		if got := s.Send("GET", "/ordermanagement/v1/orders/"+bought[i], ""); got.Status != want {
			t.Errorf("managed order %d: got %d, want %d", i, got.Status, want)
		}
		if got := s.Send("GET", "/payments/v1/sessions/"+sessions[i], ""); got.Status != want {
			t.Errorf("session %d: got %d, want %d", i, got.Status, want)
		}
		if got := s.Send("POST", "/payments/v1/authorizations/"+tokens[i]+"/order", faketest.Text(faketest.CaseA())); got.Status != want {
			t.Errorf("authorization %d: got %d %s, want %d", i, got.Status, got.Body, want)
		}
	}
	if n := len(s.Fake.Sessions()); n != 2 {
		t.Errorf("%d sessions are listed, want 2", n)
	}
	if err := s.Fake.Restore(s.Fake.Snapshot()); err != nil {
		t.Error(err)
	}
}

// Chaos can be ended, and begun, while the fake runs.
func TestSetChaos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		call := &faketest.Caller{T: t, Fake: fakeklarna.New(fakeklarna.Options{Seed: 1, Chaos: 1})}
		for i, chaos := range []float64{0, 1, 0} {
			call.Fake.SetChaos(chaos)
			func() {
				defer func() { _ = recover() }() // how a handler breaks a connection
				call.Do("GET", faketest.OrdersPath+"/x", "")
			}()
			if got := call.Fake.Requests("")[i].Faults; (len(got) > 0) != (chaos > 0) {
				t.Errorf("Chaos %v: the call suffered %v", chaos, got)
			}
		}
		time.Sleep(6 * time.Second) // what is late has landed
	})
}

func TestBadOptions(t *testing.T) {
	for _, chaos := range []float64{-0.1, 1.1} {
		for name, do := range map[string]func(){
			"New":      func() { fakeklarna.New(fakeklarna.Options{Chaos: chaos}) },
			"SetChaos": func() { fakeklarna.New(fakeklarna.Options{}).SetChaos(chaos) },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s, Chaos %v: no panic", name, chaos)
					}
				}()
				do()
			}()
		}
	}
}
