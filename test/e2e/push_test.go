package e2e_test

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// However often, in whatever order and in however many processes push and
// confirmation come, the sale is in the order book once: one number, which
// Klarna was told, and the order is acknowledged.
func TestPushAndConfirmation(t *testing.T) {
	t.Parallel()
	d := deploy(t, 2, fakeklarna.Options{PushDelay: time.Hour}) // pushes come from the test
	number := regexp.MustCompile(`SK-[A-Z0-9]{4}-[A-Z0-9]{4}`)
	for _, tt := range []struct {
		name   string
		rounds [][]string // calls of a round come at once, to both processes in turn
	}{
		{"push before the confirmation", [][]string{{"push"}, {"confirmation"}}},
		{"push after the confirmation", [][]string{{"confirmation"}, {"push"}}},
		{"both at once on two processes", [][]string{{"push", "confirmation", "confirmation", "push"}}},
		{"confirmation alone", [][]string{{"confirmation"}}},
		{"push five times", [][]string{{"push"}, {"push"}, {"push", "push", "push"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := d.buyer()
			c.t = t
			id := c.open(d.shops[0])
			if out, err := d.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
				t.Fatalf("buy: %+v, %v", out, err)
			}
			order, _ := d.fake.Order(id)
			push := strings.TrimPrefix(strings.ReplaceAll(order.MerchantURLs.Push, "{checkout.order.id}", id), d.url)
			var mu sync.Mutex
			numbers := map[string]bool{}
			for _, round := range tt.rounds {
				var wg sync.WaitGroup
				for i, call := range round {
					wg.Go(func() {
						buyer, method, path := *c, http.MethodPost, push
						if call == "confirmation" {
							method, path = http.MethodGet, "/checkout/confirmation?order_id="+id
						}
						got := buyer.send(d.shops[i%2], method, path, "", "")
						// What a busy machine does not get done in time is asked for again.
						for start := time.Now(); got.status == http.StatusServiceUnavailable && time.Since(start) < 40*time.Second; time.Sleep(100 * time.Millisecond) {
							got = buyer.send(d.shops[i%2], method, path, "", "")
						}
						if got.status != http.StatusOK {
							t.Errorf("%s: %d %s", call, got.status, got.body)
						}
						mu.Lock()
						defer mu.Unlock()
						for _, n := range number.FindAllString(got.body, -1) {
							numbers[n] = true
						}
					})
				}
				wg.Wait()
			}
			managed, _ := d.fake.Managed(id)
			if order, _ := d.fake.Order(id); !order.Fake.Acknowledged || managed.MerchantReference1 == "" {
				t.Fatalf("acknowledged %v, reference %q", order.Fake.Acknowledged, managed.MerchantReference1)
			}
			for n := range numbers {
				if n != managed.MerchantReference1 {
					t.Errorf("a page says %s, Klarna was told %s", n, managed.MerchantReference1)
				}
			}
			if got := c.send(d.shops[1], http.MethodGet, "/checkout/confirmation?order_id="+id, "", ""); !strings.Contains(got.body, managed.MerchantReference1) {
				t.Errorf("afterwards the page does not say %s", managed.MerchantReference1)
			}
		})
	}
}
