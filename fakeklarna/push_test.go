package fakeklarna_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// pushes returns when an order's pushes were sent, since the first.
func pushes(c *called) []time.Duration {
	at := []time.Duration{}
	var first time.Time
	for _, b := range c.fake.Callbacks(c.id) {
		if b.Type != "push" {
			continue
		}
		if first.IsZero() {
			first = b.Time
		}
		at = append(at, b.Time.Sub(first))
	}
	return at
}

// The schedule of pushes, whatever the merchant answers: in real time, and by a
// clock that is moved.
func TestPushSchedule(t *testing.T) {
	want := []time.Duration{0, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour}
	for n := range 11 {
		want = append(want, time.Hour+time.Duration(n+1)*4*time.Hour)
	}
	for _, says := range []says{{status: 200}, {status: 500}, {status: -1}} {
		t.Run(fmt.Sprint("answered ", says.status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCalled(t, caseA(), "push")
				c.will("push", says)
				c.act(buys)
				time.Sleep(72 * time.Hour)
				synctest.Wait()
				if diff := cmp.Diff(want, pushes(c)); diff != "" {
					t.Errorf("pushes (-want +got):\n%s", diff)
				}
				c.fake.Close()
			})
		})
	}
	t.Run("step by step", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCalledWith(t, fakeklarna.Options{PushDelay: 2 * time.Minute}, caseA(), "push")
			c.act(buys)
			for _, step := range []struct {
				advance time.Duration
				pushes  int
			}{{119 * time.Second, 0}, {time.Second, 1}, {5*time.Minute - time.Second, 1}, {time.Second, 2}, {10 * time.Minute, 3}, {15 * time.Minute, 4}, {30 * time.Minute, 5}, {239 * time.Minute, 5}, {time.Minute, 6}} {
				c.fake.Advance(step.advance)
				synctest.Wait()
				if got := len(pushes(c)); got != step.pushes {
					t.Fatalf("after %v more: %d pushes, want %d", step.advance, got, step.pushes)
				}
			}
			c.fake.Close()
		})
	})
	t.Run("all at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := newCalled(t, caseA(), "push")
			c.act(buys)
			c.fake.Advance(30 * 24 * time.Hour)
			synctest.Wait()
			if got := len(pushes(c)); got != len(want) {
				t.Errorf("%d pushes, want %d", got, len(want))
			}
			c.fake.Close()
		})
	})
}

// A push follows the answer to the one before, so slow answers do not pile up.
func TestPushesFollowOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCalled(t, caseA(), "push")
		c.will("push", says{})
		c.act(buys)
		c.fake.Advance(time.Hour + 2*time.Second)
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if got := c.record(); len(got) != 3 || got[0] != "push 0 no answer within 10s" || got[2] != "push 0" {
			t.Errorf("got %q", got)
		}
		c.fake.Close()
	})
}

// A push belongs to a purchase: there is none for an open, refused or aborted
// order, and none after Reset, also when that comes amid one.
func TestNoPush(t *testing.T) {
	for name, do := range map[string]func(*called){
		"open":    func(c *called) { c.act(`{"type":{"city":"Kiruna"}}`) },
		"refused": func(c *called) { c.act(`{"buy":{"decision":"decline"}}`) },
		"aborted": func(c *called) { c.do("POST", "/checkout/v3/orders/"+c.id+"/abort", "") },
		"reset":   func(c *called) { c.act(buys); c.fake.Reset() },
		"reset amid a push": func(c *called) {
			c.will("push", says{})
			c.act(buys)
			time.Sleep(3 * time.Second)
			c.fake.Reset()
		},
		"reset while one is delayed": func(c *called) {
			c.fake.AddFault(fault{Callback: "push", Delay: fakeklarna.Duration(time.Minute)})
			c.act(buys)
			time.Sleep(3 * time.Second)
			c.fake.Reset()
		},
		"reset, and an order with the same ID": func(c *called) {
			c.will("push", says{})
			c.act(buys)
			time.Sleep(3 * time.Second)
			c.fake.Reset()
			if again := c.do("POST", "/checkout/v3/orders", text(caseA())).order(c.t); again.OrderID != c.id {
				c.t.Errorf("got order %s, want %s again", again.OrderID, c.id)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCalledWith(t, fakeklarna.Options{Seed: 1}, caseA(), "push")
				do(c)
				synctest.Wait()
				before := len(c.received())
				c.fake.Advance(40 * time.Hour)
				synctest.Wait()
				if got := len(c.received()) - before; got != 0 || strings.HasPrefix(name, "reset") && len(c.fake.Callbacks("")) != 0 {
					t.Errorf("%d pushes, record %v", got, c.fake.Callbacks(""))
				}
				c.fake.Close()
			})
		})
	}
}
