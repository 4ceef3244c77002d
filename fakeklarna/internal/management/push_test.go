package management_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// pushes returns when an order's pushes were sent, since the first.
func pushes(c *faketest.Called) []time.Duration {
	at := []time.Duration{}
	var first time.Time
	for _, b := range c.Fake.Callbacks(c.ID) {
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
	for _, says := range []faketest.Says{{Status: 200}, {Status: 500}, {Status: -1}} {
		t.Run(fmt.Sprint("answered ", says.Status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := faketest.NewCalled(t, faketest.CaseA(), "push")
				c.Will("push", says)
				c.Act(faketest.Buys)
				time.Sleep(72 * time.Hour)
				synctest.Wait()
				if diff := cmp.Diff(want, pushes(c)); diff != "" {
					t.Errorf("pushes (-want +got):\n%s", diff)
				}
				c.Fake.Close()
			})
		})
	}
	t.Run("step by step", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := faketest.NewCalledWith(t, fakeklarna.Options{PushDelay: 2 * time.Minute}, faketest.CaseA(), "push")
			c.Act(faketest.Buys)
			for _, step := range []struct {
				advance time.Duration
				pushes  int
			}{{119 * time.Second, 0}, {time.Second, 1}, {5*time.Minute - time.Second, 1}, {time.Second, 2}, {10 * time.Minute, 3}, {15 * time.Minute, 4}, {30 * time.Minute, 5}, {239 * time.Minute, 5}, {time.Minute, 6}} {
				c.Fake.Advance(step.advance)
				synctest.Wait()
				if got := len(pushes(c)); got != step.pushes {
					t.Fatalf("after %v more: %d pushes, want %d", step.advance, got, step.pushes)
				}
			}
			c.Fake.Close()
		})
	})
	t.Run("all at once", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := faketest.NewCalled(t, faketest.CaseA(), "push")
			c.Act(faketest.Buys)
			c.Fake.Advance(30 * 24 * time.Hour)
			synctest.Wait()
			if got := len(pushes(c)); got != len(want) {
				t.Errorf("%d pushes, want %d", got, len(want))
			}
			c.Fake.Close()
		})
	})
}

// A push follows the answer to the one before, so slow answers do not pile up.
func TestPushesFollowOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := faketest.NewCalled(t, faketest.CaseA(), "push")
		c.Will("push", faketest.Says{})
		c.Act(faketest.Buys)
		c.Fake.Advance(time.Hour + 2*time.Second)
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if got := c.Record(); len(got) != 3 || got[0] != "push 0 no answer within 10s" || got[2] != "push 0" {
			t.Errorf("got %q", got)
		}
		c.Fake.Close()
	})
}

// A push belongs to a purchase: there is none for an open, refused or aborted
// order, and none after Reset, also when that comes amid one.
func TestNoPush(t *testing.T) {
	for name, do := range map[string]func(*faketest.Called){
		"open":    func(c *faketest.Called) { c.Act(`{"type":{"city":"Kiruna"}}`) },
		"refused": func(c *faketest.Called) { c.Act(`{"buy":{"decision":"decline"}}`) },
		"aborted": func(c *faketest.Called) { c.Do("POST", "/checkout/v3/orders/"+c.ID+"/abort", "") },
		"reset":   func(c *faketest.Called) { c.Act(faketest.Buys); c.Fake.Reset() },
		"reset amid a push": func(c *faketest.Called) {
			c.Will("push", faketest.Says{})
			c.Act(faketest.Buys)
			time.Sleep(3 * time.Second)
			c.Fake.Reset()
		},
		"reset while one is delayed": func(c *faketest.Called) {
			c.Fake.AddFault(faketest.Fault{Callback: "push", Delay: fakeklarna.Duration(time.Minute)})
			c.Act(faketest.Buys)
			time.Sleep(3 * time.Second)
			c.Fake.Reset()
		},
		"reset, and an order with the same ID": func(c *faketest.Called) {
			c.Will("push", faketest.Says{})
			c.Act(faketest.Buys)
			time.Sleep(3 * time.Second)
			c.Fake.Reset()
			if again := c.Do("POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA())).Order(c.T); again.OrderID != c.ID {
				c.T.Errorf("got order %s, want %s again", again.OrderID, c.ID)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := faketest.NewCalledWith(t, fakeklarna.Options{Seed: 1}, faketest.CaseA(), "push")
				do(c)
				synctest.Wait()
				before := len(c.Received())
				c.Fake.Advance(40 * time.Hour)
				synctest.Wait()
				if got := len(c.Received()) - before; got != 0 || strings.HasPrefix(name, "reset") && len(c.Fake.Callbacks("")) != 0 {
					t.Errorf("%d pushes, record %v", got, c.Fake.Callbacks(""))
				}
				c.Fake.Close()
			})
		})
	}
}

// A fake that is killed while it waits for a fault's delay to send a callback, or while the
// merchant handles it, sends it again: its last snapshot has it.
func TestCallbacksUnderWayAreInSnapshots(t *testing.T) {
	for kind, row := range map[string]struct {
		buy string
		due time.Duration
	}{
		"push":         {faketest.Buys, 2 * time.Second},
		"notification": {fmt.Sprintf(pays, "accept"), 5 * time.Minute},
	} {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := faketest.NewCalled(t, faketest.CaseA(), kind)
				c.Fake.AddFault(faketest.Fault{Callback: kind, Delay: fakeklarna.Duration(time.Minute)})
				var handled []byte
				c.Will(kind, faketest.Says{Status: 200, During: func() { handled = c.Fake.Snapshot() }})
				c.Act(row.buy)
				time.Sleep(row.due + time.Second)
				delayed := c.Fake.Snapshot()
				time.Sleep(time.Minute)
				synctest.Wait()
				c.Fake.Close()
				for when, snapshot := range map[string][]byte{"delayed": delayed, "handled": handled} {
					next := faketest.NewCalled(t, faketest.CaseA())
					if err := next.Fake.Restore(snapshot); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Second)
					synctest.Wait()
					if got := strings.Count(next.Kinds(), kind); got != 1 {
						t.Errorf("%s: then the merchant gets %q, want one", when, next.Kinds())
					}
					next.Fake.Close()
				}
			})
		})
	}
}
