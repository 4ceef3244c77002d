package fakeklarna_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

// Callbacks over a real network.

// newMerchant returns a shop on this machine and an order that it validates.
func newMerchant(t *testing.T, o fakeklarna.Options, secure bool, answer http.HandlerFunc) *shop {
	t.Helper()
	server := httptest.NewUnstartedServer(answer)
	server.Config.ErrorLog = nil
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	s := newShop(t, o)
	s.start(with(caseA(), "merchant_urls.validation", server.URL+"/validation?id={checkout.order.id}", "merchant_urls.push", server.URL+"/push?id={checkout.order.id}"))
	return s
}

func TestCallbackOverHTTP(t *testing.T) {
	for _, secure := range []bool{false, true} {
		type seen struct {
			Method, Path, ID, ContentType string
			Length                        int64
		}
		got := make(chan seen, 2)
		s := newMerchant(t, fakeklarna.Options{PushDelay: time.Millisecond}, secure, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got <- seen{r.Method, r.URL.Path, r.URL.Query().Get("id"), r.Header.Get("Content-Type"), int64(len(body))}
			_, _ = w.Write([]byte(`{"a":1}`))
		})
		if out := s.shopper(action{Buy: &fakeklarna.Buy{}}); out.Status != "checkout_complete" {
			t.Fatalf("got %+v", out)
		}
		validation, push := <-got, <-got
		if validation.Length < 1000 || validation.ContentType != "application/json" {
			t.Errorf("got %+v", validation)
		}
		validation.Length, validation.ContentType = 0, ""
		if want := (seen{"POST", "/validation", s.id, "", 0}); validation != want {
			t.Errorf("got %+v, want %+v", validation, want)
		}
		if want := (seen{"POST", "/push", s.id, "", 0}); push != want {
			t.Errorf("got %+v, want %+v", push, want)
		}
		record := s.fake.Callbacks(s.id)[0]
		if record.Status != 200 || string(record.Response) != `{"a":1}` || !strings.Contains(string(record.Request), s.id) || record.Error != "" || record.Type != "validation" || record.OrderID != s.id {
			t.Errorf("got %+v", record)
		}
	}
}

// A redirect is an answer: nobody is called there.
func TestRedirectIsNotFollowed(t *testing.T) {
	var calls atomic.Int32
	s := newMerchant(t, fakeklarna.Options{}, false, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		http.Redirect(w, r, "/cart?reason=sold_out", http.StatusSeeOther)
	})
	out := s.shopper(action{Buy: &fakeklarna.Buy{}})
	if calls.Load() != 1 || out.Refused == nil || !strings.HasPrefix(out.Refused.RedirectURL, "http://127.0.0.1:") || !strings.HasSuffix(out.Refused.RedirectURL, "/cart?reason=sold_out") {
		t.Errorf("%d calls, got %+v", calls.Load(), out.Refused)
	}
}

// No shop answers: the purchase goes on, and the record says why.
func TestNobodyListens(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	s := newShop(t, fakeklarna.Options{})
	s.start(with(caseA(), "merchant_urls.validation", gone.URL+"/v"))
	if out := s.shopper(action{Buy: &fakeklarna.Buy{}}); out.Status != "checkout_complete" {
		t.Errorf("got %+v", out)
	}
	if got := s.fake.Callbacks(s.id); len(got) != 1 || got[0].Status != 0 || !strings.Contains(got[0].Error, "refused") {
		t.Errorf("got %+v", got)
	}
}

// Close and Reset break the connection to a shop that does not answer.
func TestHangingCallbackEnds(t *testing.T) {
	for name, end := range map[string]func(*fakeklarna.TestServer){
		"close": func(f *fakeklarna.TestServer) { f.Close() },
		"reset": func(f *fakeklarna.TestServer) { f.Reset() },
	} {
		t.Run(name, func(t *testing.T) {
			asked, left := make(chan struct{}), make(chan struct{})
			s := newMerchant(t, fakeklarna.Options{}, false, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				close(asked)
				<-r.Context().Done()
				close(left)
			})
			done := make(chan error)
			go func() {
				_, err := s.fake.Shopper(s.id, action{Buy: &fakeklarna.Buy{}})
				done <- err
			}()
			<-asked
			end(s.fake)
			<-left
			if err := <-done; err == nil {
				t.Error("the purchase went on")
			}
		})
	}
}

// The record is JSON at /fake/callbacks, by order and by session, and bounded.
func TestCallbacksAreShown(t *testing.T) {
	c := newCalled(t, caseA(), "validation")
	c.will("validation", says{status: 400, body: "<html>"})
	c.act(buys)
	first := c.id
	c.id = c.do("POST", "/checkout/v3/orders", text(with(caseA(), "merchant_urls.validation", "https://shop.example/validation"))).order(t).OrderID
	c.act(buys)
	list := func(query string) []fakeklarna.Callback {
		var shown struct{ Callbacks []fakeklarna.Callback }
		got := c.do("GET", "/fake/callbacks"+query, "")
		if err := json.Unmarshal(got.body, &shown); err != nil || got.status != 200 || shown.Callbacks == nil {
			t.Fatalf("%s: got %d %s", query, got.status, got.body)
		}
		return shown.Callbacks
	}
	if diff := cmp.Diff(c.fake.Callbacks(""), list("")); diff != "" || len(list("")) != 2 {
		t.Errorf("all (-Go +JSON):\n%s", diff)
	}
	if diff := cmp.Diff(c.fake.Callbacks(first), list("?order_id="+first)); diff != "" || len(list("?order_id="+first)) != 1 {
		t.Errorf("one order's (-Go +JSON):\n%s", diff)
	}
	if got := list("?session_id=x"); len(got) != 0 {
		t.Errorf("a session has the callbacks %v", got)
	}
	if got := string(list("")[0].Response); got != `"\u003chtml\u003e"` && got != `"<html>"` {
		t.Errorf("got response %s", got)
	}
	if ago := c.fake.Now().Sub(list("")[0].Time); ago < 0 || ago > time.Minute {
		t.Errorf("it was sent %v ago", ago)
	}
}

func TestCallbackRecordIsBounded(t *testing.T) {
	c := newCalled(t, with(caseA(), "options.require_validate_callback_success", true), "validation")
	c.will("validation", says{status: 500, body: strings.Repeat("a", 1<<20)})
	for range 70 {
		c.act(buys)
	}
	if n := len(c.fake.Callbacks("")); n != 63 {
		t.Errorf("%d callbacks with 1 MiB each, want 63 in 64 MiB", n)
	}
}
