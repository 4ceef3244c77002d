package shop_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

const (
	klarnaTime  = 400 * time.Millisecond // that Klarna takes for a call, by its own clock
	klarnaSlots = 2                      // calls at a time
	crowdPlaces = 4
	crowdSize   = 40
	crowdServed = 150 // pages, until it is over
)

// slowKlarna works on few calls at a time. Its clock is the calls that it has answered: what
// takes long by it takes as many calls of others, however fast the machine is.
type slowKlarna struct {
	slots    chan struct{}
	answered atomic.Int64
}

func (k *slowKlarna) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case k.slots <- struct{}{}:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	defer func() {
		k.answered.Add(1)
		<-k.slots
	}()
	time.Sleep(5 * time.Millisecond) // it is slower than all else
	return http.DefaultTransport.RoundTrip(r)
}

// took is how long something took by Klarna's clock since an earlier time of it.
func (k *slowKlarna) took(since int64) time.Duration {
	return time.Duration(k.answered.Load()-since) * klarnaTime / klarnaSlots
}

// More shoppers ask than Klarna can answer, again and again: who is served is served within 3 s,
// the others are told at once when to come again. Meanwhile the health of the shop, its metrics,
// Klarna's calls and those who have bought are answered.
func TestMoreThanCanBeServed(t *testing.T) {
	klarna := &slowKlarna{slots: make(chan struct{}, klarnaSlots)}
	w := shoptest.Serve(t, shoptest.Options{
		Fake: fakeklarna.Options{PushDelay: time.Millisecond},
		Config: func(c *shop.Config) {
			c.Klarna.Transport, c.RequestLimit = klarna, crowdPlaces
		},
	})
	var ports [2]net.Listener // of the shop, where its load balancer asks, and for operation
	for i := range ports {
		var err error
		if ports[i], err = (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	w.Beside(func(ctx context.Context) {
		if err := w.Server.Run(ctx, ports[0], ports[1]); err != nil {
			t.Error(err)
		}
	})
	health, ops := "http://"+ports[0].Addr().String(), "http://"+ports[1].Addr().String()
	opened := func() *shoptest.Browser {
		b := w.Browser()
		b.Add("MUG-1", "1")
		if got := b.Get("/checkout"); got.StatusCode != http.StatusOK {
			t.Fatalf("checkout: %d", got.StatusCode)
		}
		return b
	}
	crowd := make([]*shoptest.Browser, crowdSize)
	for i := range crowd {
		crowd[i] = opened()
	}
	type buyer struct {
		*shoptest.Browser
		order string
	}
	buyers := make([]buyer, 10)
	for i := range buyers {
		buyers[i] = buyer{opened(), w.Fake.Orders()[0].OrderID}
	}

	var (
		lock   sync.Mutex
		served []time.Duration // by Klarna's clock
		shed   int
		over   atomic.Bool
	)
	var shoppers, beside sync.WaitGroup
	for _, b := range crowd {
		shoppers.Go(func() {
			for !over.Load() && !t.Failed() {
				since := klarna.answered.Load()
				got, err := b.Try(t.Context(), http.MethodGet, "/checkout", "", "")
				took := klarna.took(since)
				seconds, _ := strconv.Atoi(got.Header.Get("Retry-After"))
				lock.Lock()
				switch {
				case err == nil && got.StatusCode == http.StatusOK:
					served = append(served, took)
				case err == nil && got.StatusCode == http.StatusServiceUnavailable && seconds > 0 && strings.Contains(got.Text, i18n.T("sv", "unavailable.crowded.title")):
					shed++
				default:
					t.Errorf("a shopper got %d, Retry-After %d, %v\n%.300s", got.StatusCode, seconds, err, got.Text)
				}
				over.Store(len(served) >= crowdServed)
				lock.Unlock()
				if got.StatusCode != http.StatusOK {
					time.Sleep(30 * time.Millisecond) // what a shopper takes to ask again
				}
			}
		})
	}
	looks := 0
	beside.Go(func() {
		for !over.Load() && !t.Failed() {
			for _, address := range []string{health + "/healthz", health + "/readyz", ops + "/healthz", ops + "/readyz", ops + "/metrics"} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
				if err != nil {
					t.Error(err)
					return
				}
				res, err := http.DefaultClient.Do(r)
				if err != nil || res.StatusCode != http.StatusOK {
					t.Errorf("%s: %v, %v", address, res, err)
					return
				}
				_ = res.Body.Close()
			}
			looks++
		}
	})
	beside.Go(func() {
		for _, b := range buyers {
			out, err := w.Fake.Shopper(b.order, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
			if err != nil || out.Refused != nil {
				t.Errorf("a purchase: %+v, %v", out.Refused, err)
				return
			}
			if got, err := b.Try(t.Context(), http.MethodGet, "/checkout/confirmation?order_id="+b.order, "", ""); err != nil || got.StatusCode != http.StatusOK {
				t.Errorf("its confirmation: %d, %v", got.StatusCode, err)
			}
		}
	})
	shoppers.Wait()
	beside.Wait()
	if t.Failed() {
		return
	}
	slices.Sort(served)
	if p99 := served[len(served)*99/100]; p99 >= 3*time.Second || shed < crowdSize {
		t.Errorf("p99 of %d that were served: %s; %d were sent away", len(served), p99, shed)
	}
	if err := w.Fake.Wait(t.Context()); err != nil {
		t.Error(err)
	}
	// Klarna comes again when it is told that an order takes longer than it waits; nobody but shoppers was sent away.
	metrics := httptest.NewRecorder()
	w.Observer.Metrics().ServeHTTP(metrics, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, lane := range []string{"purchases", "callbacks", "merchant"} {
		if want := `shopd_requests_shed_total{lane="` + lane + `"} 0`; !strings.Contains(metrics.Body.String(), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	if n := w.Number("select count(*) from orders"); n != int64(len(buyers)) || looks == 0 {
		t.Errorf("%d orders of %d purchases, %d looks at the health", n, len(buyers), looks)
	}
	t.Logf("%d served, p50 %s, p99 %s by Klarna's clock; %d sent away; %d looks at the health", len(served), served[len(served)/2], served[len(served)*99/100], shed, looks)
}
