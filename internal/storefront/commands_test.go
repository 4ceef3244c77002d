package storefront_test

import (
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// 30 updates of one session at once, while Klarna takes its time: those who
// wait ask Redis nothing. More would wait longer than an update may, where the machine is busy.
func TestManyUpdatesOfOneSession(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("MUG-1", "1")
	order := b.open(s)
	commands := func() (n int) {
		t.Helper()
		stats, err := s.Client.Info(t.Context(), "commandstats").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range regexp.MustCompile(`cmdstat_[^:]*:calls=(\d+)`).FindAllStringSubmatch(stats, -1) {
			calls, _ := strconv.Atoi(found[1])
			n += calls
		}
		return n
	}
	s.Fake.AddFault(fakeklarna.Fault{Method: "POST", Delay: fakeklarna.Duration(20 * time.Millisecond), Count: -1})
	before, start := commands(), time.Now()
	const updates = 30
	var all sync.WaitGroup
	for range updates {
		all.Go(func() {
			if got := b.Update(`{"order_id":"` + order.OrderID + `"}`); got.StatusCode != 200 {
				t.Errorf("update: %d %s", got.StatusCode, got.Text)
			}
		})
	}
	all.Wait()
	took, n := time.Since(start), commands()-before
	t.Logf("%d commands of Redis for %d updates, in %s: %.0f a second", n, updates, took.Round(time.Millisecond), float64(n)/took.Seconds())
	if n > 20*updates {
		t.Errorf("%d commands for %d updates", n, updates)
	}
}
