package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// record is a line of a process's log, as far as these tests look at it.
type record struct {
	Level, Msg, Error, Route, Callback, Loop string

	RequestID     string `json:"request_id"`
	RoundID       string `json:"round_id"`
	OrderID       string `json:"order_id"`
	Operation     string
	KlarnaStatus  *int   `json:"klarna_status"`
	CorrelationID string `json:"correlation_id"`

	line string
}

// records are what a process has logged. Each has no key twice.
func (p *process) records() []record {
	var all []record
	for line := range strings.Lines(p.logged()) {
		r := record{line: strings.TrimSpace(line)}
		if json.Unmarshal([]byte(line), &r) != nil {
			continue // not a record: the runtime's, or one half written
		}
		decoder, keys := json.NewDecoder(strings.NewReader(line)), map[string]bool{}
		_, _ = decoder.Token()
		for decoder.More() {
			token, _ := decoder.Token()
			if key, ok := token.(string); ok {
				if keys[key] {
					p.t.Errorf("key %s is there twice: %s", key, r.line)
				}
				keys[key] = true
			}
			var value json.RawMessage
			_ = decoder.Decode(&value)
		}
		all = append(all, r)
	}
	return all
}

// tellsOfKlarna holds, at the end of each test, that every record with an answer of
// Klarna's says which call it was, what the answer was and its correlation ID, and
// that every record of a call belongs to a request or to a round.
func (d *deployment) tellsOfKlarna() {
	for _, p := range d.shops {
		for _, r := range p.records() {
			if strings.Contains(r.Error, "klarna answered") && (r.Operation == "" || r.KlarnaStatus == nil || *r.KlarnaStatus == 0) {
				d.t.Errorf("no operation or status: %s", r.line)
			}
			if strings.Contains(r.Error, "correlation ID") && r.CorrelationID == "" {
				d.t.Errorf("no correlation ID: %s", r.line)
			}
			if r.Operation != "" && r.Operation != "try credentials" && r.RequestID == "" && r.RoundID == "" {
				d.t.Errorf("neither request nor round: %s", r.line)
			}
			if (r.Loop == "") != (r.RoundID == "") {
				d.t.Errorf("half a round: %s", r.line)
			}
		}
	}
}

// On a bad day each try that Klarna fails is found in the log by the correlation ID
// of its answer, with the request, callback or round that made it and the order that
// it was about. (That no record has a secret or a shopper's data is held at the end
// of every test.)
func TestBadDay(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{PushDelay: time.Millisecond})
	p, c := d.shops[0], d.buyer()
	fails := func(rule fakeklarna.Fault, f func()) {
		rule.Count = -1
		d.fake.AddFault(rule)
		f()
		d.fake.ClearFaults()
	}
	const one = "/checkout/v3/orders/*"
	load := func() { c.send(p, "GET", "/checkout", "", "") }
	change := func() { c.send(p, "POST", "/checkout/update", `{"lines":[{"sku":"MUG-1","quantity":4}]}`, "") }
	c.open(p)
	for _, status := range []int{400, 401, 403, 404, 409, 429, 500, 503} {
		fails(fakeklarna.Fault{Method: "GET", Path: one, Status: status}, load)
		if status != http.StatusConflict && status != http.StatusTooManyRequests { // these are waited for
			fails(fakeklarna.Fault{Method: "POST", Path: one, Status: status}, change)
		}
	}
	c = d.buyer()
	for _, status := range []int{400, 500} {
		fails(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders", Status: status}, load)
	}
	c.open(p)
	for _, broken := range []fakeklarna.Fault{{Reset: true}, {DropReply: true}, {Truncate: true}, {NotJSON: true}} {
		broken.Method, broken.Path = "GET", one
		fails(broken, load)
	}
	// A purchase whose placing fails, first by push and confirmation, then by the loop.
	buyer := d.buyer()
	id := buyer.open(p)
	if _, err := d.fake.Shopper(id, fakeklarna.Action{Type: typed}); err != nil {
		t.Fatal(err)
	}
	fails(fakeklarna.Fault{Path: "/ordermanagement/*/*/*", Status: 500}, func() {
		if out, err := d.fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil || out.Refused != nil {
			t.Fatalf("buy: %+v, %v", out, err)
		}
		buyer.send(p, "GET", "/checkout/confirmation?order_id="+id, "", "")
		p.logs("a push that failed", func(r record) bool {
			return r.Callback == "push" && r.Msg == "callback failed" && r.OrderID == id && r.CorrelationID != ""
		})
	})
	fails(fakeklarna.Fault{Method: "POST", Path: one + "/abort", Status: 500}, func() {
		p.logs("an abort that failed", func(r record) bool {
			return r.Loop == "left_behind" && r.Operation == "abort kco order" && r.OrderID != "" && r.Level == "WARN"
		})
		p.logs("a round that failed", func(r record) bool { return r.Msg == "left-behind orders" && r.CorrelationID != "" })
	})

	failed := 0
	for _, call := range d.fake.Requests("") {
		// The gateway, who answers 401 and 429, tells no correlation ID.
		if call.Status < http.StatusBadRequest || call.CorrelationID == "" || call.Status == http.StatusUnauthorized || call.Status == http.StatusTooManyRequests {
			continue
		}
		failed++
		what := fmt.Sprintf("%s %s, answered %d with correlation ID %s", call.Method, call.Path, call.Status, call.CorrelationID)
		p.logs(what, func(r record) bool {
			return r.Msg == "klarna call failed" && r.CorrelationID == call.CorrelationID && *r.KlarnaStatus == call.Status && (call.OrderID == "" || r.OrderID == call.OrderID)
		})
	}
	all := p.records()
	if failed < 20 {
		t.Errorf("only %d calls have failed", failed)
	}
	for _, msg := range []string{"request failed", "callback failed"} {
		if !slices.ContainsFunc(all, func(r record) bool { return r.Msg == msg && r.CorrelationID != "" }) {
			t.Errorf("no record %q has a correlation ID", msg)
		}
	}
	for _, r := range all {
		if r.Msg == "request" && (strings.ContainsAny(r.Route, "?=") || r.RequestID == "") {
			t.Errorf("access log: %s", r.line)
		}
	}
	for _, kind := range []string{"EOF", "decode answer"} { // no answer, and one of no use
		if !slices.ContainsFunc(all, func(r record) bool {
			return r.Operation == "read kco order" && strings.Contains(r.Error, kind)
		}) {
			t.Errorf("no record of a call has %q", kind)
		}
	}
}

// logs waits for a record.
func (p *process) logs(what string, fits func(record) bool) {
	p.t.Helper()
	for start := time.Now(); !slices.ContainsFunc(p.records(), fits); time.Sleep(100 * time.Millisecond) {
		if time.Since(start) > 40*time.Second {
			p.t.Errorf("the log has no %s", what)
			return
		}
	}
}
