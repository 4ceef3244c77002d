package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/server"
)

// waiting is a shop, or Klarna's calls and a back office, whose requests to /…/wait last until let is closed.
type waiting struct {
	at       string
	came     chan struct{}
	let      chan struct{}
	requests *sync.WaitGroup
}

func (p waiting) Routes(r chi.Router) {
	r.HandleFunc(p.at, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/wait") {
			p.came <- struct{}{}
			<-p.let
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// fill lets n requests wait.
func (p waiting) fill(h http.Handler, n int, from, path string) {
	for range n {
		p.requests.Go(func() { ask(h, from, http.MethodGet, path) })
	}
	for range n {
		<-p.came
	}
}

// When shoppers have taken all their places, the next one is told to come again, and nobody else is.
func TestCrowd(t *testing.T) {
	p := waiting{came: make(chan struct{}), let: make(chan struct{}), requests: new(sync.WaitGroup)}
	of := func(at string) waiting { p := p; p.at = at; return p }
	s, _ := newServer(t, func(o *server.Options) {
		o.Storefront, o.Callbacks, o.Backoffice = of("/*"), of("/klarna/*"), of("/admin/*")
		o.RequestLimit = 4
	})
	h := s.Handler()
	const one, two, three = "192.0.2.1:1", "192.0.2.2:1", "[2001:db8::1]:1"
	status := func(from, path string, header ...string) *httptest.ResponseRecorder {
		return ask(h, from, http.MethodGet, path, header...)
	}
	p.fill(h, 2, one, "/wait")
	if got := status(one, "/").Code; got != http.StatusServiceUnavailable {
		t.Errorf("a client that has half of the places got %d", got)
	}
	if got := status(two, "/").Code; got != http.StatusNoContent {
		t.Errorf("another client got %d", got)
	}
	p.fill(h, 2, two, "/wait")
	got := status(three, "/checkout?x=1")
	if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" || got.Header().Get("Refresh") == "" ||
		!strings.Contains(got.Body.String(), i18n.T("sv", "unavailable.crowded.title")) {
		t.Errorf("the fifth got %d %v %s", got.Code, got.Header(), got.Body)
	}
	if got := status(three, "/", "Accept", "application/json"); got.Code != http.StatusServiceUnavailable || !strings.Contains(got.Body.String(), `"code":"crowded"`) {
		t.Errorf("as JSON: %d %s", got.Code, got.Body)
	}
	for _, path := range []string{"/klarna/x/push", "/checkout/confirmation", "/checkout/place", "/admin/", "/healthz", "/static/none"} {
		if got := status(three, path).Code; got == http.StatusServiceUnavailable {
			t.Errorf("%s starves", path)
		}
	}
	p.fill(h, 2, three, "/klarna/wait")
	if got := status(three, "/klarna/x/push").Code; got != http.StatusServiceUnavailable {
		t.Errorf("calls of Klarna without a place got %d", got)
	}
	_, ops := s.Servers()
	metrics := httptest.NewRecorder()
	ops.Handler.ServeHTTP(metrics, httptest.NewRequest(http.MethodGet, "http://127.0.0.1/metrics", nil))
	for _, want := range []string{`shopd_requests_shed_total{lane="shoppers"} 3`, `shopd_requests_shed_total{lane="callbacks"} 1`, `shopd_requests_shed_total{lane="merchant"} 0`} {
		if !strings.Contains(metrics.Body.String(), want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	close(p.let)
	p.requests.Wait()
	if got := status(one, "/").Code; got != http.StatusNoContent {
		t.Errorf("when all have left: %d", got)
	}
}

// An office behind one address of the merchant's own network, or a proxy that is not trusted, has all places.
func TestCrowdOfOneNetwork(t *testing.T) {
	p := waiting{at: "/*", came: make(chan struct{}), let: make(chan struct{}), requests: new(sync.WaitGroup)}
	s, _ := newServer(t, func(o *server.Options) { o.Storefront, o.RequestLimit = p, 4 })
	p.fill(s.Handler(), 4, "10.0.0.1:1", "/wait")
	close(p.let)
	p.requests.Wait()
}
