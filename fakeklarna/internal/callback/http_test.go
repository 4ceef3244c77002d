package callback_test

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

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// Callbacks over a real network.

// newMerchant returns a shop on this machine and an order that it validates.
func newMerchant(t *testing.T, o fakeklarna.Options, secure bool, answer http.HandlerFunc) *faketest.Shop {
	t.Helper()
	server := httptest.NewUnstartedServer(answer)
	server.Config.ErrorLog = nil
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	s := faketest.NewShop(t, o)
	s.Start(faketest.With(faketest.CaseA(), "merchant_urls.validation", server.URL+"/validation?id={checkout.order.id}", "merchant_urls.push", server.URL+"/push?id={checkout.order.id}"))
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
		if out := s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}}); out.Status != "checkout_complete" {
			t.Fatalf("got %+v", out)
		}
		validation, push := <-got, <-got
		if validation.Length < 1000 || validation.ContentType != "application/json" {
			t.Errorf("got %+v", validation)
		}
		validation.Length, validation.ContentType = 0, ""
		if want := (seen{"POST", "/validation", s.ID, "", 0}); validation != want {
			t.Errorf("got %+v, want %+v", validation, want)
		}
		if want := (seen{"POST", "/push", s.ID, "", 0}); push != want {
			t.Errorf("got %+v, want %+v", push, want)
		}
		record := s.Fake.Callbacks(s.ID)[0]
		if record.Status != 200 || string(record.Response) != `{"a":1}` || !strings.Contains(string(record.Request), s.ID) || record.Error != "" || record.Type != "validation" || record.OrderID != s.ID {
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
	out := s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	if calls.Load() != 1 || out.Refused == nil || !strings.HasPrefix(out.Refused.RedirectURL, "http://127.0.0.1:") || !strings.HasSuffix(out.Refused.RedirectURL, "/cart?reason=sold_out") {
		t.Errorf("%d calls, got %+v", calls.Load(), out.Refused)
	}
}

// No shop answers: the purchase goes on, and the record says why.
func TestNobodyListens(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.With(faketest.CaseA(), "merchant_urls.validation", gone.URL+"/v"))
	if out := s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}}); out.Status != "checkout_complete" {
		t.Errorf("got %+v", out)
	}
	if got := s.Fake.Callbacks(s.ID); len(got) != 1 || got[0].Status != 0 || !strings.Contains(got[0].Error, "refused") {
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
				_, err := s.Fake.Shopper(s.ID, faketest.Action{Buy: &fakeklarna.Buy{}})
				done <- err
			}()
			<-asked
			end(s.Fake)
			<-left
			if err := <-done; err == nil {
				t.Error("the purchase went on")
			}
		})
	}
}

// The record is JSON at /fake/callbacks, by order and by session, and bounded.
func TestCallbacksAreShown(t *testing.T) {
	c := faketest.NewCalled(t, faketest.CaseA(), "validation")
	c.Will("validation", faketest.Says{Status: 400, Body: "<html>"})
	c.Act(faketest.Buys)
	first := c.ID
	c.ID = c.Do("POST", "/checkout/v3/orders", faketest.Text(faketest.With(faketest.CaseA(), "merchant_urls.validation", "https://shop.example/validation"))).Order(t).OrderID
	c.Act(faketest.Buys)
	list := func(query string) []fakeklarna.Callback {
		var shown struct{ Callbacks []fakeklarna.Callback }
		got := c.Do("GET", "/fake/callbacks"+query, "")
		if err := json.Unmarshal(got.Body, &shown); err != nil || got.Status != 200 || shown.Callbacks == nil {
			t.Fatalf("%s: got %d %s", query, got.Status, got.Body)
		}
		return shown.Callbacks
	}
	if diff := cmp.Diff(c.Fake.Callbacks(""), list("")); diff != "" || len(list("")) != 2 {
		t.Errorf("all (-Go +JSON):\n%s", diff)
	}
	if diff := cmp.Diff(c.Fake.Callbacks(first), list("?order_id="+first)); diff != "" || len(list("?order_id="+first)) != 1 {
		t.Errorf("one order's (-Go +JSON):\n%s", diff)
	}
	if got := list("?session_id=x"); len(got) != 0 {
		t.Errorf("a session has the callbacks %v", got)
	}
	if got := string(list("")[0].Response); got != `"\u003chtml\u003e"` && got != `"<html>"` {
		t.Errorf("got response %s", got)
	}
	if ago := c.Fake.Now().Sub(list("")[0].Time); ago < 0 || ago > time.Minute {
		t.Errorf("it was sent %v ago", ago)
	}
}

func TestCallbackRecordIsBounded(t *testing.T) {
	c := faketest.NewCalled(t, faketest.With(faketest.CaseA(), "options.require_validate_callback_success", true), "validation")
	c.Will("validation", faketest.Says{Status: 500, Body: strings.Repeat("a", 1<<20)})
	for range 70 {
		c.Act(faketest.Buys)
	}
	if n := len(c.Fake.Callbacks("")); n != 63 {
		t.Errorf("%d callbacks with 1 MiB each, want 63 in 64 MiB", n)
	}
}
