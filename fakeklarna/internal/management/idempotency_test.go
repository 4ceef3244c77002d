package management_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

const keyHeader = "Klarna-Idempotency-Key"

// same reports how two answers differ, but for what is each call's own.
func same(a, b faketest.Answer) string {
	shape := func(a faketest.Answer) any {
		h := a.Header.Clone()
		id := h.Get("Klarna-Correlation-Id")
		h.Del("Klarna-Correlation-Id")
		h.Del("Render-Time")
		return []any{a.Status, h, strings.ReplaceAll(string(a.Body), id, "ID")}
	}
	return cmp.Diff(shape(a), shape(b))
}

// A second call with a key has no effect and gets the first answer.
func TestManagementIdempotency(t *testing.T) {
	for _, op := range managedOperations {
		for _, state := range []string{"AUTHORIZED", "PART_CAPTURED", "CAPTURED", "CANCELLED"} {
			t.Run(op.name+"/"+state, func(t *testing.T) {
				o := newOffice(t, 0, false)
				o.enter(state)
				// IDs and amounts as they are before: a call is repeated as it was.
				call, body := o.fill(op.call), o.amounts(op.body)
				first := o.call(call, body, keyHeader, "k")
				before := faketest.Text(o.managed())
				again := o.call(call, "{}", keyHeader, "k")
				if strings.HasPrefix(call, "GET") {
					return // keys are for calls that write
				}
				if diff := same(first, again); diff != "" {
					t.Errorf("the answers differ (-first +second):\n%s", diff)
				}
				if first.Header.Get("Klarna-Correlation-Id") == again.Header.Get("Klarna-Correlation-Id") {
					t.Error("both calls have one correlation ID")
				}
				if faketest.Text(o.managed()) != before {
					t.Errorf("the second call changed the order: %s", faketest.Text(o.managed()))
				}
				if again.Status >= 400 && !strings.Contains(string(again.Body), again.Header.Get("Klarna-Correlation-Id")) {
					t.Errorf("the error has another correlation ID: %s", again.Body)
				}
			})
		}
	}
}

// Where keys differ, calls do.
func TestManagementIdempotencyScope(t *testing.T) {
	o := newOffice(t, 0, false)
	capture := func(n int64, header ...string) faketest.Answer {
		return o.call(captures, amount("captured_amount", n), header...)
	}
	steps := []struct {
		name   string
		do     func() faketest.Answer
		status int
		after  string
	}{
		{"first", func() faketest.Answer { return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"again", func() faketest.Answer { return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"another body", func() faketest.Answer { return capture(200, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"no JSON", func() faketest.Answer { return o.call(captures, "{", keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"with a slash at its end", func() faketest.Answer { return o.call(captures+"/", "{}", keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"with the ID in capitals", func() faketest.Answer {
			small := o.id
			defer func() { o.id = small }()
			o.id = strings.ToUpper(o.id)
			return capture(100, keyHeader, "k")
		}, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"another key", func() faketest.Answer { return capture(100, keyHeader, "l") }, 201, "PART_CAPTURED 30000/200/0/29800"},
		{"no key", func() faketest.Answer { return capture(100) }, 201, "PART_CAPTURED 30000/300/0/29700"},
		{"no key again", func() faketest.Answer { return capture(100) }, 201, "PART_CAPTURED 30000/400/0/29600"},
		{"another operation", func() faketest.Answer { return o.call(refunds, amount("refunded_amount", 50), keyHeader, "k") }, 201, "PART_CAPTURED 30000/400/50/29600"},
		{"refused", func() faketest.Answer { return capture(40000, keyHeader, "m") }, 403, "PART_CAPTURED 30000/400/50/29600"},
		{"refused, and now possible", func() faketest.Answer { return capture(100, keyHeader, "m") }, 403, "PART_CAPTURED 30000/400/50/29600"},
		{"within 24 h", func() faketest.Answer { o.fake.Advance(day - time.Minute); return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/400/50/29600"},
		{"after 24 h", func() faketest.Answer { o.fake.Advance(2 * time.Minute); return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/500/50/29500"},
		{"after 24 h, again", func() faketest.Answer { return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/500/50/29500"},
		{"a fault's answer is not kept", func() faketest.Answer {
			o.fake.AddFault(faketest.Fault{Status: 429})
			return capture(100, keyHeader, "n")
		}, 429, "PART_CAPTURED 30000/500/50/29500"},
		{"so it is carried out", func() faketest.Answer { return capture(100, keyHeader, "n") }, 201, "PART_CAPTURED 30000/600/50/29400"},
		{"wrong password", func() faketest.Answer { return o.call(captures, "{}", keyHeader, "p", "Authorization", "Basic x") }, 401, "PART_CAPTURED 30000/600/50/29400"},
		{"right password", func() faketest.Answer { return capture(100, keyHeader, "p") }, 201, "PART_CAPTURED 30000/700/50/29300"},
		{"another order", func() faketest.Answer { o.order(); return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
		{"unknown order", func() faketest.Answer { o.id = nobody; return capture(100, keyHeader, "k") }, 404, ""},
		{"forgotten", func() faketest.Answer { o.order(); o.fake.Reset(); o.order(); return capture(100, keyHeader, "k") }, 201, "PART_CAPTURED 30000/100/0/29900"},
	}
	o.order()
	for _, step := range steps {
		if got := step.do(); got.Status != step.status || o.sum() != step.after {
			t.Errorf("%s: got %d, %s, want %d, %s", step.name, got.Status, o.sum(), step.status, step.after)
		}
	}
}

// A reply that was lost on the way is had by a second call.
func TestManagementIdempotencyLostReply(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	send := func() faketest.Answer {
		r, _ := http.NewRequestWithContext(t.Context(), "POST", s.Fake.URL+"/ordermanagement/v1/orders/"+s.ID+"/captures", strings.NewReader(`{"captured_amount":1000}`))
		r.SetBasicAuth("demo", "demo")
		r.Header.Set(keyHeader, "one")
		return faketest.Do(r)
	}
	s.Fake.AddFault(faketest.Fault{Path: "/ordermanagement/v1/orders/*/captures", DropReply: true})
	if got := send(); got.Err == nil {
		t.Fatalf("got %d, want no answer", got.Status)
	}
	var together sync.WaitGroup
	answers := make([]faketest.Answer, 20)
	for i := range answers {
		together.Go(func() { answers[i] = send() })
	}
	together.Wait()
	v, _ := s.Fake.Managed(s.ID)
	if len(v.Captures) != 1 {
		t.Fatalf("got %d captures, want 1", len(v.Captures))
	}
	for _, got := range answers {
		if got.Status != 201 || got.Header.Get("Capture-Id") != v.Captures[0].CaptureID {
			t.Errorf("got %d, %v", got.Status, got.Header)
		}
	}
}

// Calls with one key at the same time: one is carried out.
func TestManagementIdempotencyConcurrent(t *testing.T) {
	o := newOffice(t, 0, false)
	o.order()
	var together sync.WaitGroup
	answers := make([]faketest.Answer, 40)
	for i := range answers {
		together.Go(func() {
			answers[i] = o.call(captures, amount("captured_amount", 100), keyHeader, string(rune('a'+i%4)))
		})
	}
	together.Wait()
	ids := map[string]int{}
	for _, got := range answers {
		ids[got.Header.Get("Capture-Id")]++
	}
	if o.sum() != "PART_CAPTURED 30000/400/0/29600" || len(ids) != 4 {
		t.Errorf("got %s with the captures %v, want 4", o.sum(), ids)
	}
}
