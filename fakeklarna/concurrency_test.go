package fakeklarna_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// Everything at once, for the race detector; at the end each order is whole.
func TestConcurrency(t *testing.T) {
	call := faketest.NewCaller(t)
	content := faketest.Text(faketest.CaseA())
	var ids []string
	for range 4 {
		ids = append(ids, call.Do("POST", "/checkout/v3/orders", content).Order(t).OrderID)
	}
	call.Fake.AddFault(faketest.Fault{Count: -1, Probability: 0.1, Status: 503})
	call.Fake.AddFault(faketest.Fault{Count: -1, Jitter: 1e6, JitterAfter: 1e6})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 30 {
				id := ids[(worker+i)%len(ids)]
				switch (worker + i) % 8 {
				case 0:
					call.Do("POST", "/checkout/v3/orders", content)
				case 1, 2:
					n := strconv.Itoa(i + 1)
					call.Do("POST", "/checkout/v3/orders/"+id, `{"order_amount":`+n+`,"order_tax_amount":0,"order_lines":[{"name":"x","quantity":`+n+
						`,"unit_price":1,"tax_rate":0,"total_amount":`+n+`,"total_tax_amount":0}]}`)
				case 3:
					call.Do("GET", "/checkout/v3/orders/"+id, "")
				case 4:
					if _, err := call.Fake.Shopper(id, faketest.Action{Type: map[string]string{"city": strconv.Itoa(i)}}); err != nil {
						t.Error(err)
					}
				case 5:
					call.Do("GET", "/fake/requests?order_id="+id, "")
					call.Do("GET", "/fake/orders", "")
				case 6:
					call.Fake.Advance(1)
					call.Fake.Faults()
				case 7:
					if worker == 7 && i > 15 {
						call.Do("POST", "/checkout/v3/orders/"+id+"/abort", "")
					}
				}
			}
		})
	}
	all.Wait()
	for _, o := range call.Fake.Orders() {
		var sum int64
		for _, l := range o.OrderLines {
			sum += l.TotalAmount
		}
		if sum != o.OrderAmount {
			t.Errorf("order %s: lines sum to %d, order_amount is %d", o.OrderID, sum, o.OrderAmount)
		}
	}
}

// Of several buyers and aborters at once, one wins.
func TestOneEnd(t *testing.T) {
	call := faketest.NewCaller(t)
	for range 20 {
		id := call.Do("POST", "/checkout/v3/orders", faketest.Text(faketest.CaseA())).Order(t).OrderID
		var mu sync.Mutex
		var all sync.WaitGroup
		wins := 0
		won := func(yes bool) {
			mu.Lock()
			defer mu.Unlock()
			if yes {
				wins++
			}
		}
		for range 3 {
			all.Go(func() { won(call.Do("POST", "/checkout/v3/orders/"+id+"/abort", "").Status == 200) })
			all.Go(func() {
				out, err := call.Fake.Shopper(id, faketest.Action{Buy: &fakeklarna.Buy{}})
				won(err == nil && out.Refused == nil)
			})
		}
		all.Wait()
		if wins != 1 {
			t.Fatalf("%d ends of one order, want 1", wins)
		}
	}
}

// probe is a client who, before it takes any part of an answer, has another ask the fake: one
// that does not read would keep all others waiting.
type probe struct {
	*httptest.ResponseRecorder
	fake   *fakeklarna.Server
	locked bool
}

func (p *probe) WriteHeader(status int) {
	p.look()
	p.ResponseRecorder.WriteHeader(status)
}

func (p *probe) Write(b []byte) (int, error) {
	p.look()
	return p.ResponseRecorder.Write(b)
}

func (p *probe) look() {
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		p.fake.Now()
	}()
	select {
	case <-answered:
	case <-time.After(10 * time.Second):
		p.locked = true
	}
}

// Nothing is written to a client while the state is locked, whatever the answer is.
func TestAnswersAreWrittenUnlocked(t *testing.T) {
	call := faketest.NewCaller(t)
	order := call.Do("POST", faketest.OrdersPath, faketest.Text(faketest.CaseA())).Order(t)
	session := faketest.Decode(string(call.Do("POST", faketest.SessionsPath, faketest.Text(faketest.CartSE())).Body))
	id, token := session["session_id"].(string), session["client_token"].(string)
	frame := regexp.MustCompile(`AUTH_HEADER: "([^"]+)"`).FindStringSubmatch(order.HTMLSnippet)[1]
	for _, row := range []struct{ method, path, body, auth, accept string }{
		{"GET", faketest.OrdersPath + "/" + order.OrderID, "", "", ""},
		{"GET", faketest.SessionsPath + "/" + id, "", "", ""},
		{"GET", "/kco/checkout/orders/" + order.OrderID, "", frame, ""},
		{"POST", "/kco/checkout/orders/" + order.OrderID + "/shopper", "{}", frame, ""},
		{"GET", "/kp/sessions/" + id, "", "KlarnaPayments " + token, ""},
		{"POST", "/kp/sessions/" + id, `{"load":{}}`, "KlarnaPayments " + token, ""},
		{"GET", "/fake/orders/" + order.OrderID, "", "", ""},
		{"GET", "/fake/sessions/" + id, "", "", ""},
		{"GET", "/fake/snapshot", "", "", ""},
		{"GET", "/fake/", "", "", faketest.BrowserAccept},
		{"GET", "/fake/orders/" + order.OrderID, "", "", faketest.BrowserAccept},
		{"GET", "/fake/orders/" + order.OrderID + "/checkout", "", "", faketest.BrowserAccept},
		{"GET", "/fake/sessions/" + id, "", "", faketest.BrowserAccept},
		{"GET", "/fake/clock", "", "", faketest.BrowserAccept},
		{"GET", "/fake/faults", "", "", faketest.BrowserAccept},
		{"POST", faketest.OrdersPath + "/" + order.OrderID + "/abort", "", "", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), row.method, row.path, strings.NewReader(row.body))
		r.SetBasicAuth("demo", "demo")
		if row.auth != "" {
			r.Header.Set("Authorization", row.auth)
		}
		r.Header.Set("Accept", row.accept)
		w := &probe{ResponseRecorder: httptest.NewRecorder(), fake: call.Fake}
		call.Fake.ServeHTTP(w, r)
		if w.locked || w.Code != http.StatusOK {
			t.Errorf("%s %s: %d, written under the lock: %v", row.method, row.path, w.Code, w.locked)
		}
	}
}
