package fakeklarna_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

const keyHeader = "Klarna-Idempotency-Key"

// same reports how two answers differ, but for what is each call's own.
func same(a, b answer) string {
	shape := func(a answer) any {
		h := a.header.Clone()
		id := h.Get("Klarna-Correlation-Id")
		h.Del("Klarna-Correlation-Id")
		h.Del("Render-Time")
		return []any{a.status, h, strings.ReplaceAll(string(a.body), id, "ID")}
	}
	return cmp.Diff(shape(a), shape(b))
}

// A second call with a key has no effect and gets the first answer.
func TestManagementIdempotency(t *testing.T) {
	for _, op := range managedOperations {
		for _, state := range []string{"AUTHORIZED", "PART_CAPTURED", "CAPTURED", "CANCELLED"} {
			t.Run(op.name+"/"+state, func(t *testing.T) {
				o := newOffice(t, fakeklarna.Options{})
				o.enter(state)
				// IDs and amounts as they are before: a call is repeated as it was.
				call, body := o.fill(op.call), o.amounts(op.body)
				first := o.call(call, body, keyHeader, "k")
				before := text(o.managed())
				again := o.call(call, "{}", keyHeader, "k")
				if strings.HasPrefix(call, "GET") {
					return // keys are for calls that write
				}
				if diff := same(first, again); diff != "" {
					t.Errorf("the answers differ (-first +second):\n%s", diff)
				}
				if first.header.Get("Klarna-Correlation-Id") == again.header.Get("Klarna-Correlation-Id") {
					t.Error("both calls have one correlation ID")
				}
				if text(o.managed()) != before {
					t.Errorf("the second call changed the order: %s", text(o.managed()))
				}
				if again.status >= 400 && !strings.Contains(string(again.body), again.header.Get("Klarna-Correlation-Id")) {
					t.Errorf("the error has another correlation ID: %s", again.body)
				}
			})
		}
	}
}

// Where keys differ, calls do.
func TestManagementIdempotencyScope(t *testing.T) {
	o := newOffice(t, fakeklarna.Options{})
	capture := func(n int64, header ...string) answer {
		return o.call(captures, amount("captured_amount", n), header...)
	}
	steps := []struct {
		name   string
		do     func() answer
		status int
		after  string
	}{
		{"first", func() answer { return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"again", func() answer { return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"another body", func() answer { return capture(200, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"no JSON", func() answer { return o.call(captures, "{", keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"another key", func() answer { return capture(100, keyHeader, "l") }, 201, "PART_CAPTURED 30000/200/0/29800"},
		{"no key", func() answer { return capture(100) }, 201, "PART_CAPTURED 30000/300/0/29700"},
		{"no key again", func() answer { return capture(100) }, 201, "PART_CAPTURED 30000/400/0/29600"},
		{"another operation", func() answer { return o.call(refunds, amount("refunded_amount", 50), keyHeader, "k") }, 201, "PART_CAPTURED 30000/400/50/29600"},
		{"refused", func() answer { return capture(40000, keyHeader, "m") }, 403, "PART_CAPTURED 30000/400/50/29600"},
		{"refused, and now possible", func() answer { return capture(100, keyHeader, "m") }, 403, "PART_CAPTURED 30000/400/50/29600"},
		{"within 24 h", func() answer { o.fake.Advance(day - time.Minute); return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/400/50/29600"},
		{"after 24 h", func() answer { o.fake.Advance(2 * time.Minute); return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/500/50/29500"},
		{"after 24 h, again", func() answer { return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/500/50/29500"},
		{"a fault's answer is not kept", func() answer { o.fake.AddFault(fault{Status: 429}); return capture(100, keyHeader, "n") }, 429, "PART_CAPTURED 30000/500/50/29500"},
		{"so it is carried out", func() answer { return capture(100, keyHeader, "n") }, 201, "PART_CAPTURED 30000/600/50/29400"},
		{"wrong password", func() answer { return o.call(captures, "{}", keyHeader, "p", "Authorization", "Basic x") }, 401, "PART_CAPTURED 30000/600/50/29400"},
		{"right password", func() answer { return capture(100, keyHeader, "p") }, 201, "PART_CAPTURED 30000/700/50/29300"},
		{"another order", func() answer { o.order(); return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"unknown order", func() answer { o.id = nobody; return capture(100, keyHeader, "k") }, 404, ""},
		{"forgotten", func() answer { o.order(); o.fake.Reset(); o.order(); return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
	}
	o.order()
	for _, step := range steps {
		if got := step.do(); got.status != step.status || o.sum() != step.after {
			t.Errorf("%s: got %d, %s, want %d, %s", step.name, got.status, o.sum(), step.status, step.after)
		}
	}
}

// A reply that was lost on the way is had by a second call.
func TestManagementIdempotencyLostReply(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	s.start(caseA())
	s.shopper(action{Buy: &fakeklarna.Buy{}})
	send := func() answer {
		r, _ := http.NewRequestWithContext(t.Context(), "POST", s.fake.URL+"/ordermanagement/v1/orders/"+s.id+"/captures", strings.NewReader(`{"captured_amount":1000}`))
		r.SetBasicAuth("demo", "demo")
		r.Header.Set(keyHeader, "one")
		return do(r)
	}
	s.fake.AddFault(fault{Path: "/ordermanagement/v1/orders/*/captures", DropReply: true})
	if got := send(); got.err == nil {
		t.Fatalf("got %d, want no answer", got.status)
	}
	var together sync.WaitGroup
	answers := make([]answer, 20)
	for i := range answers {
		together.Go(func() { answers[i] = send() })
	}
	together.Wait()
	v, _ := s.fake.Managed(s.id)
	if len(v.Captures) != 1 {
		t.Fatalf("got %d captures, want 1", len(v.Captures))
	}
	for _, got := range answers {
		if got.status != 201 || got.header.Get("Capture-Id") != v.Captures[0].CaptureID {
			t.Errorf("got %d, %v", got.status, got.header)
		}
	}
}

// Calls with one key at the same time: one is carried out.
func TestManagementIdempotencyConcurrent(t *testing.T) {
	o := newOffice(t, fakeklarna.Options{})
	o.order()
	var together sync.WaitGroup
	answers := make([]answer, 40)
	for i := range answers {
		together.Go(func() {
			answers[i] = o.call(captures, amount("captured_amount", 100), keyHeader, string(rune('a'+i%4)))
		})
	}
	together.Wait()
	ids := map[string]int{}
	for _, got := range answers {
		ids[got.header.Get("Capture-Id")]++
	}
	if o.sum() != "PART_CAPTURED 30000/400/0/29600" || len(ids) != 4 {
		t.Errorf("got %s with the captures %v, want 4", o.sum(), ids)
	}
}

// A call waits for one with its key that runs, and takes its place when that
// has no answer to be kept.
func TestManagementIdempotencyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := fakeklarna.New(fakeklarna.Options{})
		started, answer := make(chan struct{}, 2), make(chan int)
		type result struct {
			status int
			body   string
		}
		results := make(chan result, 3)
		call := func(key string) {
			defer func() {
				if recover() != nil {
					results <- result{0, "panic"}
				}
			}()
			status, body := fake.Slowly(key, started, answer)
			results <- result{status, body}
		}
		want := func(what string, starts int, all ...result) {
			t.Helper()
			synctest.Wait()
			if len(started) != starts || len(results) != len(all) {
				t.Fatalf("%s: got %d calls started and %d answered, want %d and %d", what, len(started), len(results), starts, len(all))
			}
			for range len(started) {
				<-started
			}
			for _, w := range all {
				if got := <-results; got != w {
					t.Errorf("%s: got %v, want %v", what, got, w)
				}
			}
		}
		go call("k")
		want("one runs", 1)
		go call("k")
		go call("other")
		want("one waits, another key does not", 1)
		answer <- 200
		answer <- 200
		want("all have answers", 0, result{200, "done"}, result{200, "done"}, result{200, "done"})

		const busy = `{"error_code":"SLOW","error_messages":["slow"],"correlation_id":""}`
		go call("5xx")
		want("one runs", 1)
		go call("5xx")
		want("one waits", 0)
		answer <- 503
		want("a 5xx is not kept", 1, result{503, busy})
		answer <- 409
		want("the second", 0, result{409, busy})
		go call("5xx")
		want("a 4xx is kept", 0, result{409, busy})

		go call("panics")
		want("one runs", 1)
		go call("panics")
		want("one waits", 0)
		close(answer)
		want("a panic frees the key", 1, result{0, "panic"}, result{0, "panic"})

		answer = make(chan int)
		go call("reset")
		want("one runs", 1)
		go call("reset")
		want("one waits", 0)
		fake.Reset()
		want("the one that waits ends without an answer", 0, result{0, "panic"})
		answer <- 200
		want("the one that runs has its answer", 0, result{200, "done"})
		go call("reset")
		want("which is not kept", 1)
		fake.Close()
		go call("reset")
		want("a closed fake lets none wait", 0, result{0, "panic"})
		answer <- 200
		want("the last", 0, result{200, "done"})
	})
}
