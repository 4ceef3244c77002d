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

const pays = `{"type":{"email":"ada+pend-%s-05@example.com"},"buy":{}}`

// notifications returns when an order's notifications were sent, since it was bought.
func notifications(c *faketest.Called, bought time.Time) []time.Duration {
	at := []time.Duration{}
	for _, b := range c.Fake.Callbacks(c.ID) {
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
		says, then faketest.Says // at first, and from half an hour after the purchase
		want       []time.Duration
	}{
		{"accepted", "accept", faketest.Says{Status: 200}, faketest.Says{Status: 200}, every(1)},
		{"rejected", "reject", faketest.Says{Status: 200}, faketest.Says{Status: 200}, every(1)},
		{"other successes do not count", "accept", faketest.Says{Status: 204}, faketest.Says{Status: 200}, every(4)},
		{"not found", "accept", faketest.Says{Status: 404}, faketest.Says{Status: 200}, every(4)},
		{"no answer", "reject", faketest.Says{Status: -1}, faketest.Says{Status: 200}, every(4)},
		{"for 24 hours", "accept", faketest.Says{Status: 500}, faketest.Says{Status: 500}, every(145)},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := faketest.NewCalled(t, faketest.CaseA(), "notification")
				c.Will("notification", row.says)
				c.Act(fmt.Sprintf(pays, row.ends))
				bought := time.Now()
				time.Sleep(30*time.Minute - time.Second)
				c.Will("notification", row.then)
				time.Sleep(72 * time.Hour)
				synctest.Wait()
				if diff := cmp.Diff(row.want, notifications(c, bought)); diff != "" {
					t.Errorf("notifications (-want +got):\n%s", diff)
				}
				event := map[string]string{"accept": "FRAUD_RISK_ACCEPTED", "reject": "FRAUD_RISK_REJECTED"}[row.ends]
				want := faketest.Received{Kind: "notification", URL: "https://shop.example/kco/notification?kco=" + c.ID, ContentType: "application/json", Body: `{"order_id":"` + c.ID + `","event_type":"` + event + `"}`}
				for _, got := range c.Received() {
					if got.Kind == "notification" && got != want {
						t.Errorf("got %+v, want %+v", got, want)
					}
				}
				c.Fake.Close()
			})
		})
	}
}

// A decision by a clock that is moved: the order is decided at once, and the
// merchant told what would have been told by then.
func TestNotificationAfterJump(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := faketest.NewCalled(t, faketest.CaseA(), "notification")
		c.Act(fmt.Sprintf(pays, "reject"))
		bought := time.Now()
		c.Fake.Advance(26 * time.Minute)
		if v, _ := c.Fake.Managed(c.ID); v.FraudStatus != "REJECTED" {
			t.Errorf("got %s", v.FraudStatus)
		}
		synctest.Wait()
		if got := notifications(c, bought); len(got) != 3 {
			t.Errorf("got %v, want three", got)
		}
		c.Fake.Advance(4 * time.Hour)
		if v, _ := c.Fake.Managed(c.ID); v.Status != "CANCELLED" {
			t.Errorf("got %s", v.Status)
		}
		c.Fake.Close()
	})
}

// Nobody is told who is not to be: without a URL, without a decision, after a reset.
func TestNoNotification(t *testing.T) {
	for name, row := range map[string]struct {
		callbacks []string
		after     func(*faketest.Called)
	}{
		"no URL":    {nil, func(*faketest.Called) {}},
		"cancelled": {[]string{"notification"}, func(c *faketest.Called) { c.Do("POST", "/ordermanagement/v1/orders/"+c.ID+"/cancel", "") }},
		"reset":     {[]string{"notification"}, func(c *faketest.Called) { c.Fake.Reset() }},
		"reset after one": {[]string{"notification"}, func(c *faketest.Called) {
			c.Will("notification", faketest.Says{Status: 500, During: c.Fake.Reset})
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if n := faketest.Waiting(c.Fake); n != 0 {
				c.T.Errorf("%d jobs are left", n)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := faketest.NewCalled(t, faketest.CaseA(), row.callbacks...)
				c.Act(fmt.Sprintf(pays, "accept"))
				row.after(c)
				time.Sleep(24 * time.Hour)
				synctest.Wait()
				if got := c.Fake.Callbacks(""); name != "no URL" && name != "cancelled" && len(got) != 0 {
					t.Errorf("got %v", got)
				}
				sent := strings.Count(c.Kinds(), "notification")
				if len(notifications(c, time.Now())) != 0 || sent > 1 || sent == 1 && name != "reset after one" {
					t.Errorf("got %s", c.Kinds())
				}
				c.Fake.Close()
			})
		})
	}
}

// Acknowledging an order, or capturing it, ends its pushes.
func TestAcknowledgeEndsPushes(t *testing.T) {
	for path, body := range map[string]string{"/acknowledge": "", "/captures": `{"captured_amount":1}`} {
		synctest.Test(t, func(t *testing.T) {
			c := faketest.NewCalledWith(t, fakeklarna.Options{}, faketest.CaseA(), "push")
			c.Act(faketest.Buys)
			time.Sleep(10 * time.Minute)
			if got := c.Do("POST", "/ordermanagement/v1/orders/"+c.ID+path, body); got.Status > 299 {
				t.Fatalf("got %d %s", got.Status, got.Body)
			}
			time.Sleep(72 * time.Hour)
			synctest.Wait()
			if got := len(pushes(c)); got != 2 {
				t.Errorf("%s: got %d pushes, want 2", path, got)
			}
			c.Fake.Close()
		})
	}
}
