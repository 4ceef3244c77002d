package callback_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
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
				c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "options.require_validate_callback_success", true), "validation")
				c.Will("validation", faketest.Says{Status: 200})
				if got := c.Do("POST", "/fake/faults", row.rule); got.Status != 201 {
					t.Fatalf("got %d %s", got.Status, got.Body)
				}
				began := time.Now()
				out := c.Act(faketest.Buys)
				refused := ""
				if out.Refused != nil {
					refused = out.Refused.Code
				}
				if took := time.Since(began); took != row.took || refused != row.refused {
					t.Errorf("got refusal %q after %v, want %q after %v", refused, took, row.refused, row.took)
				}
				if diff := cmp.Diff(row.calls, c.Record()); diff != "" {
					t.Errorf("record (-want +got):\n%s", diff)
				}
				c.Fake.Close()
			})
		})
	}
}

// A reordered callback goes out after the next one of any kind.
func TestCallbacksReordered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := faketest.NewCalled(t, faketest.CaseA(), "push", "validation")
		c.Will("validation", faketest.Says{Status: 200})
		c.Fake.AddFault(faketest.Fault{Callback: "push", OrderID: c.ID, Reorder: true})
		c.Act(faketest.Buys)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if len(c.Record()) != 1 {
			t.Fatalf("got %v before another callback", c.Record())
		}
		first := c.ID
		c.ID = c.Do("POST", "/checkout/v3/orders", faketest.Text(faketest.With(faketest.CaseA(), "merchant_urls.validation", "https://shop.example/validation"))).Order(t).OrderID
		c.Act(faketest.Buys)
		synctest.Wait()
		c.Fake.Close()
		var orders []string
		for _, b := range c.Fake.Callbacks("") {
			orders = append(orders, b.Type+" "+map[string]string{first: "first", c.ID: "second"}[b.OrderID])
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
			c := faketest.NewCalledWith(t, fakeklarna.Options{Seed: seed}, faketest.CaseA(), "push")
			c.Will("push", faketest.Says{Status: 200})
			c.Fake.AddFault(faketest.Fault{Callback: "push", Drop: true, Count: -1, Probability: 0.5})
			c.Act(faketest.Buys)
			c.Fake.Advance(49 * time.Hour)
			synctest.Wait()
			lines = c.Record()
			c.Fake.Close()
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
		c := faketest.NewCalled(t, faketest.CaseA(), "push")
		c.Fake.AddFault(faketest.Fault{Callback: "push", Drop: true, Count: 2})
		c.Act(faketest.Buys)
		c.Fake.Advance(49 * time.Hour)
		synctest.Wait()
		if got := strings.Count(strings.Join(c.Record(), "\n"), "dropped"); got != 2 || len(c.Fake.Faults()) != 0 {
			t.Errorf("%d dropped, want 2; rules left %v", got, c.Fake.Faults())
		}
		c.Fake.Close()
	})
}

// Rules that make no sense for a callback are refused.
func TestBadCallbackFaults(t *testing.T) {
	c := faketest.NewCaller(t)
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
		got := c.Do("POST", "/fake/faults", row.rule)
		if got.Status != 400 || !strings.Contains(string(faketest.Decode(string(got.Body))["error"].(map[string]any)["message"].(string)), row.message) {
			t.Errorf("%s: got %d %s, want 400 with %q", row.rule, got.Status, got.Body, row.message)
		}
	}
	for _, kind := range []string{"validation", "address_update", "shipping_option_update", "country_change", "push", "notification", "authorization", "*"} {
		if got := c.Do("POST", "/fake/faults", `{"callback":"`+kind+`","double":true,"jitter":"1s"}`); got.Status != 201 {
			t.Errorf("%s: got %d %s", kind, got.Status, got.Body)
		}
	}
}

// Everything at once, for the race detector: buyers, callbacks, faults, reset.
func TestCallbacksAtOnce(t *testing.T) {
	c := faketest.NewCalled(t, faketest.CaseA(), "validation", "address_update", "push")
	c.Will("validation", faketest.Says{Status: 200, After: time.Millisecond})
	c.Will("address_update", faketest.Says{Status: 200, Body: faketest.Service()})
	c.Fake.AddFault(faketest.Fault{Callback: "*", Double: true, Jitter: fakeklarna.Duration(time.Millisecond), Count: -1, Probability: 0.5})
	content := faketest.Text(faketest.With(faketest.CaseA(), "merchant_urls.validation", "https://shop.example/validation"))
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 10 {
				id := c.Do("POST", "/checkout/v3/orders", content).Order(t).OrderID
				_, _ = c.Fake.Shopper(id, faketest.Action{Type: map[string]string{"city": "Kiruna"}})
				_, _ = c.Fake.Shopper(id, faketest.Action{Buy: &fakeklarna.Buy{}})
				c.Do("POST", "/checkout/v3/orders/"+id, "{}")
				c.Fake.Callbacks("")
				c.Fake.Advance(time.Minute)
				if worker == 0 && i == 5 {
					c.Fake.Reset()
				}
			}
		})
	}
	all.Wait()
}
