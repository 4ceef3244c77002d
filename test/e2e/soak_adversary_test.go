package e2e_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

var soakAdversary = flag.Bool("soak.adversary", false, "in the second half of TestSoak somebody attacks the shop")

// behindProxy are the settings with which each request's X-Forwarded-For says who its client is, and clients are limited.
var behindProxy = []string{"-write-limit", "600", "-trusted-proxies", "127.0.0.0/8"}

// The adversary's addresses: one of IPv4, and a /48.
const hostileAddress = "198.51.100.66"

func hostileNetwork() string {
	return fmt.Sprintf("2001:db8:bad:%x::1", rand.IntN(1<<16))
}

// hostileMugs is how many mugs the adversary holds at once: his orders are known by that, also those of which he never heard.
const hostileMugs = 42

// half is what others saw of the shop in a half of a soak.
type half struct {
	mu    sync.Mutex
	took  []time.Duration // of requests of shoppers
	sheds int             // that they were answered with crowded or too_many_requests
	lost  int             // that had no answer
}

func (h *half) note(took time.Duration, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took = append(h.took, took)
	switch status {
	case 0:
		h.lost++
	case http.StatusTooManyRequests:
		h.sheds++
	}
}

func (h *half) p(share float64) time.Duration {
	slices.Sort(h.took)
	if len(h.took) == 0 {
		return 0
	}
	return h.took[int(share*float64(len(h.took)-1))].Round(time.Millisecond)
}

// adversary attacks a soak until over.
type adversary struct {
	*soak
	client *http.Client
	mu     sync.Mutex
	done   map[string]int // what it did, with what outcome
}

func newAdversary(s *soak) *adversary {
	return &adversary{
		soak: s, done: map[string]int{},
		client: &http.Client{
			Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 200},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (a *adversary) count(what string, status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done[what+" "+strconv.Itoa(status)]++
}

// send sends a request, with a cookie ("" for none), and returns the answer's body and the cookie to go on with.
func (a *adversary) send(ctx context.Context, what, method, path, contentType, body, from, cookie string) (text, next string) {
	doors := a.doors(false)
	r, err := http.NewRequestWithContext(ctx, method, doors[rand.IntN(len(doors))].ready["storefront"]+path, strings.NewReader(body))
	if err != nil {
		return "", cookie
	}
	r.Header.Set("X-Forwarded-For", from)
	r.Header.Set("Accept", "application/json")
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	res, err := a.client.Do(r)
	if err != nil {
		a.count(what, 0)
		return "", cookie
	}
	defer func() { _ = res.Body.Close() }()
	data, _ := io.ReadAll(res.Body)
	a.count(what, res.StatusCode)
	for _, c := range res.Cookies() {
		if !strings.Contains(cookie, c.Name+"=") {
			cookie = strings.TrimPrefix(cookie+"; "+c.Name+"="+c.Value, "; ")
		}
	}
	return string(data), cookie
}

// attack runs all attacks at once.
func (a *adversary) attack(ctx context.Context) {
	var all sync.WaitGroup
	again := func(n int, pause time.Duration, do func()) {
		for range n {
			all.Go(func() {
				for ctx.Err() == nil {
					do()
					time.Sleep(pause)
				}
			})
		}
	}
	// memory: carts without a cookie.
	again(4, 5*time.Millisecond, func() {
		a.send(ctx, "new cart", http.MethodPost, "/cart/lines", formType, "sku=MUG-1", hostileNetwork(), "")
		a.send(ctx, "new cart", http.MethodPost, "/cart/lines", formType, "sku=MUG-1", hostileAddress, "")
	})
	// stock: purchases that come to nothing.
	again(1, 200*time.Millisecond, func() { a.hold(ctx, hostileNetwork()) })
	// sign-in: passwords.
	again(4, 5*time.Millisecond, func() {
		form := url.Values{"name": {[]string{"ada", "bea", "bo", "eve"}[rand.IntN(4)]}, "password": {"wrong"}}.Encode()
		a.send(ctx, "sign-in", http.MethodPost, "/admin/sign-in", formType, form, hostileNetwork(), "")
	})
	// locks: 100 updates of one session at once.
	all.Go(func() {
		for ctx.Err() == nil {
			a.crowd(ctx)
		}
	})
	// connections: heads that do not end, and none at all.
	again(1, time.Second, func() { a.dangle(ctx) })
	all.Wait()
}

// hold opens a checkout and presses Buy with a payment that is declined.
func (a *adversary) hold(ctx context.Context, from string) (orderID, cookie string) {
	_, cookie = a.send(ctx, "hold: cart", http.MethodPost, "/cart/lines", formType, "sku=MUG-1&quantity="+strconv.Itoa(hostileMugs), from, "")
	if cookie == "" {
		return "", ""
	}
	text, cookie := a.send(ctx, "hold: open", http.MethodPost, "/checkout/update", "application/json", "{}", from, cookie)
	var update struct {
		OrderID string `json:"order_id"`
	}
	if json.Unmarshal([]byte(text), &update) != nil || update.OrderID == "" {
		return "", cookie
	}
	_, _ = a.fake.Shopper(update.OrderID, fakeklarna.Action{
		Type: map[string]string{
			"email": "mallory@example.com", "postal_code": "111 47", "given_name": "Mallory", "family_name": "Quick",
			"street_address": "Storgatan 1", "city": "Stockholm", "phone": "+46701234567",
		},
		Buy: &fakeklarna.Buy{Decision: "decline"},
	})
	return update.OrderID, cookie
}

func (a *adversary) crowd(ctx context.Context) {
	_, cookie := a.hold(ctx, hostileAddress)
	if cookie == "" {
		time.Sleep(100 * time.Millisecond)
		return
	}
	for range 3 {
		var updates sync.WaitGroup
		for range 100 {
			updates.Go(func() {
				a.send(ctx, "update of one session", http.MethodPost, "/checkout/update", "application/json", "{}", hostileNetwork(), cookie)
			})
		}
		updates.Wait()
	}
}

func (a *adversary) dangle(ctx context.Context) {
	at, _ := url.Parse(a.doors(false)[0].ready["storefront"])
	var open []net.Conn
	for i := range 300 {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", at.Host)
		if err != nil {
			a.count("connection", 0)
			break
		}
		if open = append(open, c); i%2 == 0 {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
		a.count("connection", 1)
	}
	select {
	case <-ctx.Done():
	case <-time.After(6 * time.Second):
	}
	for _, c := range open {
		_ = c.Close()
	}
}

// shopAttacked lets guests shop, in the second half beside an adversary, and prints what both halves were like.
func (s *soak) shopAttacked(long time.Duration) {
	s.t.Helper()
	a := newAdversary(s)
	ctx, stop := context.WithCancel(s.t.Context())
	var attack sync.WaitGroup
	attack.Go(func() {
		select {
		case <-ctx.Done():
			return
		case <-time.After(long / 2):
		}
		s.half.Store(&s.halves[1])
		a.attack(ctx)
	})
	s.half.Store(&s.halves[0])
	s.shop(long)
	stop()
	attack.Wait()
	a.client.CloseIdleConnections()
	for i, name := range []string{"alone", "attacked"} {
		h := &s.halves[i]
		s.t.Logf("shoppers %s: %d requests, p50 %s, p99 %s, told too many or crowded %d, no answer %d", name, len(h.took), h.p(0.5), h.p(0.99), h.sheds, h.lost)
	}
	for _, p := range s.doors(false) {
		for line := range strings.Lines(p.ops("/metrics")) {
			if strings.HasPrefix(line, "shopd_requests_shed_total") || strings.HasPrefix(line, "shopd_redis_memory_used") {
				s.t.Log(strings.TrimSpace(line))
			}
		}
	}
	for what, n := range a.done {
		s.counts["adversary: "+what] = int64(n)
	}
}

// The percentiles of a half are those of its requests.
func TestHalf(t *testing.T) {
	var h half
	for i := range 101 {
		h.note(time.Duration(100-i)*time.Millisecond, http.StatusOK)
	}
	if h.p(0.5) != 50*time.Millisecond || h.p(0.99) != 99*time.Millisecond {
		t.Errorf("p50 %s, p99 %s", h.p(0.5), h.p(0.99))
	}
}
