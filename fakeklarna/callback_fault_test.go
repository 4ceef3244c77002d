package fakeklarna_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// What each fault does to a callback.
func TestCallbackFaults(t *testing.T) {
	rows := []struct {
		name, rule string // as sent to /fake/faults
		took       time.Duration
		refused    string
		calls      []string
	}{
		{"delay", `{"callback":"validation","delay":"7s"}`, 7 * time.Second, "", []string{"validation 200 [delay 7s]"}},
		{"delay of any", `{"callback":"*","delay":"1s"}`, time.Second, "", []string{"validation 200 [delay 1s]"}},
		{"drop", `{"callback":"validation","drop":true}`, 0, "validation_failed", []string{"validation 0 not sent: dropped by a fault [drop]"}},
		{"drop after a delay is not waited for", `{"callback":"validation","drop":true,"delay":"9s"}`, 0, "validation_failed", []string{"validation 0 not sent: dropped by a fault [delay 9s drop]"}},
		{"double", `{"callback":"validation","double":true}`, 0, "", []string{"validation 200 [double]", "validation 200 [double]"}},
		{"reorder with nothing to overtake", `{"callback":"validation","reorder":true}`, 10 * time.Second, "", []string{"validation 200 [reorder]"}},
		{"of another kind", `{"callback":"push","drop":true}`, 0, "", []string{"validation 200"}},
		{"of another order", `{"callback":"validation","order_id":"x","drop":true}`, 0, "", []string{"validation 200"}},
		{"of calls", `{"method":"POST","status":503}`, 0, "", []string{"validation 200"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCalled(t, with(caseA(), "options.require_validate_callback_success", true), "validation")
				c.will("validation", says{status: 200})
				if got := c.do("POST", "/fake/faults", row.rule); got.status != 201 {
					t.Fatalf("got %d %s", got.status, got.body)
				}
				began := time.Now()
				out := c.act(buys)
				refused := ""
				if out.Refused != nil {
					refused = out.Refused.Code
				}
				if took := time.Since(began); took != row.took || refused != row.refused {
					t.Errorf("got refusal %q after %v, want %q after %v", refused, took, row.refused, row.took)
				}
				if diff := cmp.Diff(row.calls, c.record()); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
				c.fake.Close()
			})
		})
	}
}

// A reordered callback goes out after the next one of any kind.
func TestCallbacksReordered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCalled(t, caseA(), "push", "validation")
		c.will("validation", says{status: 200})
		c.fake.AddFault(fault{Callback: "push", OrderID: c.id, Reorder: true})
		c.act(buys)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if len(c.record()) != 1 {
			t.Fatalf("got %v before another callback", c.record())
		}
		first := c.id
		c.id = c.do("POST", "/checkout/v3/orders", text(with(caseA(), "merchant_urls.validation", "https://shop.example/validation"))).order(t).OrderID
		c.act(buys)
		synctest.Wait()
		c.fake.Close()
		var orders []string
		for _, b := range c.fake.Callbacks("") {
			orders = append(orders, b.Type+" "+map[string]string{first: "first", c.id: "second"}[b.OrderID])
		}
		if diff := cmp.Diff([]string{"validation first", "validation second", "push first"}, orders); diff != "" {
			t.Errorf("callbacks (-want +got):\n%s", diff)
		}
	})
}

// Count and probability are as for calls, and a seed repeats the chance.
func TestCallbackFaultChance(t *testing.T) {
	record := func(seed uint64) string {
		var lines []string
		synctest.Test(t, func(t *testing.T) {
			c := newCalledWith(t, fakeklarna.Options{Seed: seed}, caseA(), "push")
			c.will("push", says{status: 200})
			c.fake.AddFault(fault{Callback: "push", Drop: true, Count: -1, Probability: 0.5})
			c.act(buys)
			c.fake.Advance(49 * time.Hour)
			synctest.Wait()
			lines = c.record()
			c.fake.Close()
		})
		if len(lines) != 16 {
			t.Fatalf("got %d pushes, want 16", len(lines))
		}
		return strings.Join(lines, "\n")
	}
	first := record(7)
	if n := strings.Count(first, "dropped"); n < 3 || n > 13 {
		t.Errorf("%d of 16 were dropped at a probability of 0.5", n)
	}
	if first != record(7) {
		t.Error("the same seed, another chance")
	}

	synctest.Test(t, func(t *testing.T) {
		c := newCalled(t, caseA(), "push")
		c.fake.AddFault(fault{Callback: "push", Drop: true, Count: 2})
		c.act(buys)
		c.fake.Advance(49 * time.Hour)
		synctest.Wait()
		if got := strings.Count(strings.Join(c.record(), "\n"), "dropped"); got != 2 || len(c.fake.Faults()) != 0 {
			t.Errorf("%d dropped, want 2; rules left %v", got, c.fake.Faults())
		}
		c.fake.Close()
	})
}

// Rules that make no sense for a callback are refused.
func TestBadCallbackFaults(t *testing.T) {
	c := newCaller(t)
	for _, row := range []struct{ rule, message string }{
		{`{"callback":"pull","drop":true}`, `"pull" is neither`},
		{`{"callback":"push"}`, "no effect"},
		{`{"drop":true}`, "need a callback"},
		{`{"double":true,"path":"/x"}`, "need a callback"},
		{`{"reorder":true}`, "need a callback"},
		{`{"callback":"push","status":500}`, "a rule for a callback"},
		{`{"callback":"push","drop":true,"path":"/x"}`, "a rule for a callback"},
		{`{"callback":"push","drop":true,"method":"POST"}`, "a rule for a callback"},
		{`{"callback":"push","drop":true,"delay_after":"1s"}`, "a rule for a callback"},
		{`{"callback":"push","reset":true}`, "a rule for a callback"},
		{`{"callback":"push","delay":"-1s"}`, "negative"},
		{`{"callback":"push","drop":true,"probability":2}`, "probability"},
	} {
		got := c.do("POST", "/fake/faults", row.rule)
		if got.status != 400 || !strings.Contains(string(decode(string(got.body))["error"].(map[string]any)["message"].(string)), row.message) {
			t.Errorf("%s: got %d %s, want 400 with %q", row.rule, got.status, got.body, row.message)
		}
	}
	for _, kind := range []string{"validation", "address_update", "shipping_option_update", "country_change", "push", "notification", "authorization", "*"} {
		if got := c.do("POST", "/fake/faults", `{"callback":"`+kind+`","double":true,"jitter":"1s"}`); got.status != 201 {
			t.Errorf("%s: got %d %s", kind, got.status, got.body)
		}
	}
}

// Everything at once, for the race detector: buyers, callbacks, faults, reset.
func TestCallbacksAtOnce(t *testing.T) {
	c := newCalled(t, caseA(), "validation", "address_update", "push")
	c.will("validation", says{status: 200, after: time.Millisecond})
	c.will("address_update", says{status: 200, body: service()})
	c.fake.AddFault(fault{Callback: "*", Double: true, Jitter: fakeklarna.Duration(time.Millisecond), Count: -1, Probability: 0.5})
	content := text(with(caseA(), "merchant_urls.validation", "https://shop.example/validation"))
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 10 {
				id := c.do("POST", "/checkout/v3/orders", content).order(t).OrderID
				_, _ = c.fake.Shopper(id, action{Type: map[string]string{"city": "Kiruna"}})
				_, _ = c.fake.Shopper(id, action{Buy: &fakeklarna.Buy{}})
				c.do("POST", "/checkout/v3/orders/"+id, "{}")
				c.fake.Callbacks("")
				c.fake.Advance(time.Minute)
				if worker == 0 && i == 5 {
					c.fake.Reset()
				}
			}
		})
	}
	all.Wait()
}
