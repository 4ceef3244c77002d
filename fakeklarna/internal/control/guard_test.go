package control_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// Under which names the fake's own interface answers. A page of a site whose name was made
// to lead to this machine has that site's name as its host.
func TestHosts(t *testing.T) {
	serve := func(o fakeklarna.Options) string {
		fake := fakeklarna.New(o)
		server := httptest.NewServer(fake)
		t.Cleanup(func() { fake.Close(); server.Close() })
		return server.URL
	}
	plain := serve(fakeklarna.Options{})
	named := serve(fakeklarna.Options{PublicURL: "https://klarna.shop.example/base", AllowHosts: []string{"klarna", "Fake.Local"}})
	ask := func(method, url, host, accept string) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Accept", accept)
		r.SetBasicAuth("demo", "demo")
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	for _, tt := range []struct {
		name, at, host string
		ok             bool
	}{
		{"loopback name", plain, "localhost:9090", true},
		{"without a port", plain, "localhost", true},
		{"in capitals, with a dot", plain, "LOCALHOST.:9090", true},
		{"loopback address", plain, "127.0.0.1:9090", true},
		{"another one", plain, "127.7.8.9", true},
		{"IPv6", plain, "[::1]:9090", true},
		{"IPv6 without a port", plain, "[::1]", true},
		{"rebound", plain, "evil.example:9090", false},
		{"starts like one of ours", plain, "localhost.evil.example", false},
		{"starts like an address", plain, "127.0.0.1.evil.example", false},
		{"below a loopback name", plain, "evil.localhost", false},
		{"another address", plain, "192.0.2.1:9090", false},
		{"no address", plain, "[evil", false},
		{"a name that others have", plain, "klarna:9090", false},
		{"an allowed name", named, "klarna:9090", true},
		{"in another case", named, "fake.local", true},
		{"below an allowed name", named, "x.klarna", false},
		{"public address", named, "Klarna.Shop.Example", true},
		{"its port does not matter", named, "klarna.shop.example:8443", true},
		{"loopback still", named, "localhost", true},
		{"rebound still", named, "evil.example", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, path := range []string{"GET /fake/clock", "POST /fake/reset", "GET /fake/", "POST /fake/clock", "GET /fake/nothing"} {
				for _, accept := range []string{"application/json", faketest.BrowserAccept} {
					method, path, _ := strings.Cut(path, " ")
					status, body := ask(method, tt.at+path, tt.host, accept)
					refused := status == http.StatusMisdirectedRequest && strings.Contains(body, `"code":"wrong_host"`) && strings.Contains(body, "-allow-hosts")
					if refused == tt.ok || status == http.StatusMisdirectedRequest && tt.ok {
						t.Errorf("%s %s for %s: got %d %s", method, path, accept, status, body)
					}
				}
			}
			// What asks for credentials or the order's token answers as ever.
			if status, body := ask("GET", tt.at+"/checkout/v3/orders/x", tt.host, ""); status != 404 {
				t.Errorf("the API: got %d %s", status, body)
			}
			if status, body := ask("GET", tt.at+"/kp/widget", tt.host, ""); status != 200 {
				t.Errorf("the widget: got %d %s", status, body)
			}
		})
	}
}

// The address at which the fake listens is its name too.
func TestHostIsTheListenAddress(t *testing.T) {
	fake := fakeklarna.New(fakeklarna.Options{})
	defer fake.Close()
	for host, want := range map[string]int{"192.0.2.7:9090": 200, "192.0.2.7": 200, "192.0.2.8:9090": 421, "[2001:db8::7]:9090": 421, "shop.example": 421} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/fake/clock", nil)
		at := &net.TCPAddr{IP: net.ParseIP("192.0.2.7"), Port: 9090}
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(at)))
		r.Host = host
		w := httptest.NewRecorder()
		fake.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: got %d %s, want %d", host, w.Code, w.Body, want)
		}
	}
}
