package fakeklarna_test

import (
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// What 10,000 orders cost: the memory of each, and how long a read and an
// update take with all of them kept, most (p99) and typically (p50).
func BenchmarkKept10000(b *testing.B) {
	const kept = 10_000
	call := faketest.NewCaller(b)
	content := faketest.Text(faketest.CaseA())
	ids := make([]string, kept)
	before := heap()
	for i := range ids {
		ids[i] = call.Do("POST", faketest.OrdersPath, content).Order(b).OrderID
	}
	withRecord := heap() - before
	for range kept { // the record then has small calls only
		call.Do("GET", faketest.OrdersPath+"/x", "")
	}
	orders := heap() - before

	var reads, updates []time.Duration
	next := 0
	for b.Loop() {
		path := faketest.OrdersPath + "/" + ids[next%kept]
		next += 7
		reads = append(reads, took(call, "GET", path, ""))
		updates = append(updates, took(call, "POST", path, content))
	}
	b.ReportMetric(float64(withRecord)/kept, "B/order+its-call")
	b.ReportMetric(float64(orders)/kept, "B/order")
	for name, times := range map[string][]time.Duration{"read": reads, "update": updates} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2].Microseconds()), name+"-p50-µs")
		b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), name+"-p99-µs")
	}
	runtime.KeepAlive(call)
}

// took makes a call and returns how long the fake took.
func took(c *faketest.Caller, method, path, body string) time.Duration {
	r := httptest.NewRequestWithContext(c.T.Context(), method, path, strings.NewReader(body))
	r.SetBasicAuth("demo", "demo")
	w := httptest.NewRecorder()
	started := time.Now()
	c.Fake.ServeHTTP(w, r)
	took := time.Since(started)
	if w.Code != 200 {
		c.T.Fatalf("%s %s: got %d %s", method, path, w.Code, w.Body)
	}
	return took
}

// heap returns the bytes in use after a collection.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// NewServer is a running fake in about a millisecond.
func BenchmarkNewServer(b *testing.B) {
	for b.Loop() {
		done := &cleanups{TB: b}
		fakeklarna.NewServer(done, fakeklarna.Options{})
		done.run()
	}
}

// cleanups is a test whose end comes when run is called.
type cleanups struct {
	testing.TB
	all []func()
}

func (c *cleanups) Cleanup(f func()) { c.all = append(c.all, f) }

func (c *cleanups) run() {
	for _, f := range slices.Backward(c.all) {
		f()
	}
}
