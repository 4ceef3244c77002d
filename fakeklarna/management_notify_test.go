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

const pays = `{"type":{"email":"ada+pend-%s-05@example.com"},"buy":{}}`

// notifications returns when an order's notifications were sent, since it was bought.
func notifications(c *called, bought time.Time) []time.Duration {
	at := []time.Duration{}
	for _, b := range c.fake.Callbacks(c.id) {
		if b.Type == "notification" {
			at = append(at, b.Time.Sub(bought))
		}
	}
	return at
}

// The merchant of an order that is checked for fraud is told how that ended,
// again and again until the answer is 200.
func TestNotification(t *testing.T) {
	every := func(n int) []time.Duration {
		at := []time.Duration{}
		for i := range n {
			at = append(at, time.Duration(5+10*i)*time.Minute)
		}
		return at
	}
	rows := []struct {
		name, ends string
		says, then says // at first, and from half an hour after the purchase
		want       []time.Duration
	}{
		{"accepted", "accept", says{status: 200}, says{status: 200}, every(1)},
		{"rejected", "reject", says{status: 200}, says{status: 200}, every(1)},
		{"other successes do not count", "accept", says{status: 204}, says{status: 200}, every(4)},
		{"not found", "accept", says{status: 404}, says{status: 200}, every(4)},
		{"no answer", "reject", says{status: -1}, says{status: 200}, every(4)},
		{"for 24 hours", "accept", says{status: 500}, says{status: 500}, every(145)},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCalled(t, caseA(), "notification")
				c.will("notification", row.says)
				c.act(fmt.Sprintf(pays, row.ends))
				bought := time.Now()
				time.Sleep(30*time.Minute - time.Second)
				c.will("notification", row.then)
				time.Sleep(72 * time.Hour)
				synctest.Wait()
				if diff := cmp.Diff(row.want, notifications(c, bought)); diff != "" {
					t.Errorf("notifications (-want +got):\n%s", diff)
				}
				event := map[string]string{"accept": "FRAUD_RISK_ACCEPTED", "reject": "FRAUD_RISK_REJECTED"}[row.ends]
				want := received{"notification", "https://shop.example/kco/notification?kco=" + c.id, "application/json", `{"order_id":"` + c.id + `","event_type":"` + event + `"}`}
				for _, got := range c.received() {
					if got.kind == "notification" && got != want {
						t.Errorf("got %+v, want %+v", got, want)
					}
				}
				c.fake.Close()
			})
		})
	}
}

// A decision by a clock that is moved: the order is decided at once, and the
// merchant told what would have been told by then.
func TestNotificationAfterJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCalled(t, caseA(), "notification")
		c.act(fmt.Sprintf(pays, "reject"))
		bought := time.Now()
		c.fake.Advance(26 * time.Minute)
		if v, _ := c.fake.Managed(c.id); v.FraudStatus != "REJECTED" {
			t.Errorf("got %s", v.FraudStatus)
		}
		synctest.Wait()
		if got := notifications(c, bought); len(got) != 3 {
			t.Errorf("got %v, want three", got)
		}
		c.fake.Advance(4 * time.Hour)
		if v, _ := c.fake.Managed(c.id); v.Status != "CANCELLED" {
			t.Errorf("got %s", v.Status)
		}
		c.fake.Close()
	})
}

// Nobody is told who is not to be: without a URL, without a decision, after a reset.
func TestNoNotification(t *testing.T) {
	for name, row := range map[string]struct {
		callbacks []string
		after     func(*called)
	}{
		"no URL":    {nil, func(*called) {}},
		"cancelled": {[]string{"notification"}, func(c *called) { c.do("POST", "/ordermanagement/v1/orders/"+c.id+"/cancel", "") }},
		"reset":     {[]string{"notification"}, func(c *called) { c.fake.Reset() }},
		"reset after one": {[]string{"notification"}, func(c *called) {
			c.will("notification", says{status: 500, during: c.fake.Reset})
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if n := c.fake.Waiting(); n != 0 {
				c.t.Errorf("%d jobs are left", n)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCalled(t, caseA(), row.callbacks...)
				c.act(fmt.Sprintf(pays, "accept"))
				row.after(c)
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if got := c.fake.Callbacks(""); name != "no URL" && name != "cancelled" && len(got) != 0 {
					t.Errorf("got %v", got)
				}
				sent := strings.Count(c.kinds(), "notification")
				if len(notifications(c, time.Now())) != 0 || sent > 1 || sent == 1 && name != "reset after one" {
					t.Errorf("got %s", c.kinds())
				}
				c.fake.Close()
			})
		})
	}
}

// Acknowledging an order, or capturing it, ends its pushes.
func TestAcknowledgeEndsPushes(t *testing.T) {
	for path, body := range map[string]string{"/acknowledge": "", "/captures": `{"captured_amount":1}`} {
		synctest.Test(t, func(t *testing.T) {
			c := newCalledWith(t, fakeklarna.Options{}, caseA(), "push")
			c.act(buys)
			time.Sleep(10 * time.Minute)
			if got := c.do("POST", "/ordermanagement/v1/orders/"+c.id+path, body); got.status > 299 {
				t.Fatalf("got %d %s", got.status, got.body)
			}
			time.Sleep(72 * time.Hour)
			synctest.Wait()
			if got := len(pushes(c)); got != 2 {
				t.Errorf("%s: got %d pushes, want 2", path, got)
			}
			c.fake.Close()
		})
	}
}
