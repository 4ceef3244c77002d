package engine_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// The headers that the parts of Klarna add, as they were recorded.
var (
	gatewayOnly = map[string]string{
		"Server": "openresty", "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
		"Klarna-Correlation-Id": "", "Cache-Control": "", "Pragma": "", "Expires": "", "Render-Time": "", "X-Frame-Options": "", "Retry-After": "",
	}
	inFront = map[string]string{
		"Server": "openresty", "Klarna-Correlation-Id": "any", "Cache-Control": "", "Pragma": "", "Expires": "", "Render-Time": "", "X-Frame-Options": "",
	}
	ofCheckout = map[string]string{
		"Klarna-Correlation-Id": "any", "Cache-Control": "max-age=0, no-cache, no-store", "Pragma": "no-cache", "Render-Time": "any",
		"Expires": "", "X-Frame-Options": "", "X-Content-Type-Options": "", "X-Xss-Protection": "",
	}
	ofService = map[string]string{
		"Server": "openresty", "Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Klarna-Correlation-Id": "any",
		"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache", "Expires": "0",
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "X-Xss-Protection": "1; mode=block", "Render-Time": "any",
	}
	ofManagement = with(ofService, "Render-Time", "")
)

func with(headers map[string]string, pairs ...string) map[string]string {
	all := maps.Clone(headers)
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

const (
	page401    = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n"
	tomcat     = `<!doctype html><html lang="en"><head><title>HTTP Status 400 – Bad Request</title>`
	tomcatType = "text/html;charset=utf-8"
	closedSite = `Basic realm="very closed site"`
	unknownID  = "c248d252-53d3-64bd-9245-08737e6f7b10"
)

// Which part of Klarna answers a call, with which headers. Source: recorded answers.
func TestWhoAnswers(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	s.Start(faketest.CaseA())
	s.Shopper(faketest.Action{Buy: &fakeklarna.Buy{}})
	session := faketest.Decode(string(s.Send("POST", faketest.SessionsPath, faketest.Text(faketest.CartSE())).Body))["session_id"].(string)
	order, managed := "/checkout/v3/orders/"+s.ID, "/ordermanagement/v1/orders/"+s.ID
	demo := "Basic ZGVtbzpkZW1v"
	rows := []struct {
		name, call, body, auth string
		status                 int
		contentType, part      string
		headers                map[string]string
	}{
		{"401 of the checkout", "GET " + order, "", "Basic x", 401, "text/html", page401, with(gatewayOnly, "Www-Authenticate", closedSite)},
		{"401 of Order Management", "GET " + managed, "", "Basic x", 401, "text/html", page401, with(gatewayOnly, "Www-Authenticate", closedSite)},
		{"401 of Payments", "POST /payments/v1/sessions", "{}", "Basic x", 401, "text/html", page401, with(gatewayOnly, "Www-Authenticate", closedSite)},
		{"401 of customer tokens", "GET /customer-token/v1/tokens/x", "", "none", 401, "text/html", page401, with(gatewayOnly, "Www-Authenticate", closedSite)},

		{"two spaces after Basic", "GET " + order, "", "Basic  ZGVtbzpkZW1v", 200, "application/json", `"order_id"`, ofCheckout},
		{"a key after two spaces", "GET " + order, "", "Basic  demo", 200, "application/json", `"order_id"`, ofCheckout},

		{"doubled slash at the beginning", "POST /" + managed + "/acknowledge", "", demo, 204, "", "", with(ofManagement, "Transaction-Id", "any")},
		{"doubled slash within", "GET /ordermanagement/v1//orders/" + s.ID, "", demo, 200, "application/json", `"order_id"`, ofManagement},
		{"doubled slashes in the checkout", "GET //checkout//v3/orders/" + s.ID, "", demo, 200, "application/json", `"order_id"`, ofCheckout},
		{"no token between slashes", "POST /customer-token/v1/tokens//order", "{}", demo, 405, "application/json", `"error_code":"HTTP_ERROR","error_messages":[""]`, inFront},

		{"an ID that no router takes", "POST /ordermanagement/v1/orders/%7B%7D/acknowledge", "", demo, 400, tomcatType, tomcat, with(inFront, "Content-Language", "en")},
		{"an ID in angle brackets", "GET /ordermanagement/v1/orders/%3Cid%3E", "", demo, 400, tomcatType, tomcat, inFront},
		{"an ID with a bar", "GET /payments/v1/sessions/a%7Cb", "", demo, 400, tomcatType, tomcat, inFront},
		{"an ID with a line break", "GET /customer-token/v1/tokens/a%0Ab", "", demo, 400, tomcatType, tomcat, inFront},
		{"an ID with a backslash", "GET /ordermanagement/v1/orders/a%5Cb", "", demo, 400, tomcatType, tomcat, inFront},
		{"an ID that a router takes", "GET /ordermanagement/v1/orders/a~b", "", demo, 400, "application/json", "INVALID_ORDER_ID", ofManagement},

		{"the checkout", "GET " + order, "", demo, 200, "application/json", `"order_id"`, ofCheckout},
		{"the checkout's 404", "GET /checkout/v3/orders/x", "", demo, 404, "", "", ofCheckout},
		{"Order Management", "GET " + managed, "", demo, 200, "application/json", `"order_id"`, ofManagement},
		{"Order Management's 404", "GET /ordermanagement/v1/orders/" + unknownID, "", demo, 404, "application/json", "NO_SUCH_ORDER", ofManagement},
		{"Order Management without an ID", "GET /ordermanagement/v1/orders/", "", demo, 404, "application/json", "No message available", ofManagement},
		{"Payments", "GET /payments/v1/sessions/" + session, "", demo, 200, "application/json;charset=utf-8", `"status"`, ofService},
		{"Payments' update", "POST /payments/v1/sessions/" + session, "{}", demo, 204, "", "", ofService},
		{"Payments' 400", "POST /payments/v1/sessions", "{}", demo, 400, "application/json", "BAD_VALUE", ofService},
		{"customer tokens' 404", "GET /customer-token/v1/tokens/" + unknownID, "", demo, 404, "application/json", "TOKEN_NOT_FOUND", ofService},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			method, path, _ := strings.Cut(row.call, " ")
			checkAnswer(t, s.SendWith(method, path, row.body, row.auth), row.status, row.contentType, row.part, row.headers)
		})
	}
	for _, path := range []string{order, managed, "/payments/v1/sessions/" + session, "/customer-token/v1/tokens/x"} {
		s.Fake.AddFault(faketest.Fault{RateLimit: 1, Count: 2})
		s.Send("GET", path, "")
		got := s.Send("GET", path, "")
		checkAnswer(t, got, 429, "", "", with(gatewayOnly, "X-Envoy-Ratelimited", "true"))
		if len(got.Body) > 0 {
			t.Errorf("%s: 429 with the body %s", path, got.Body)
		}
		s.Fake.ClearFaults()
	}
}

func checkAnswer(t *testing.T, got faketest.Answer, status int, contentType, part string, headers map[string]string) {
	t.Helper()
	if got.Status != status || got.Header.Get("Content-Type") != contentType || !strings.Contains(string(got.Body), part) {
		t.Fatalf("got %d %q %s %v, want %d %q %s", got.Status, got.Header.Get("Content-Type"), got.Body, got.Err, status, contentType, part)
	}
	for name, want := range headers {
		if value := got.Header.Get(name); value != want && (want != "any" || value == "") {
			t.Errorf("got %s %q, want %q", name, value, want)
		}
	}
}

// A path with doubled slashes is recorded as it was served; other addresses of the fake are
// still redirected.
func TestDoubledSlashes(t *testing.T) {
	call := faketest.NewCaller(t)
	call.Do("GET", "//checkout/v3//orders/x", "")
	var paths []string
	for _, r := range call.Fake.Requests("") {
		paths = append(paths, r.Path)
	}
	if !slices.Equal(paths, []string{"/checkout/v3/orders/x"}) {
		t.Errorf("recorded %q", paths)
	}
	w := httptest.NewRecorder()
	call.Fake.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/fake//orders", nil))
	if w.Code < 300 || w.Code > 399 || w.Code == http.StatusNotModified {
		t.Errorf("/fake//orders: got %d, want a redirect", w.Code)
	}
}

// A client that follows Location gets there: by the public URL through the proxy that it names,
// which the fake sees without TLS and base path; around the proxy by the address that it called.
func TestLocation(t *testing.T) {
	for _, row := range []struct{ name, public, mounted, host, want string }{
		{"no public URL", "", "", "10.0.0.7:9090", "http://10.0.0.7:9090"},
		{"no public URL, below a path", "", "/klarna", "10.0.0.7:9090", "http://10.0.0.7:9090/klarna"},
		{"through the proxy", "https://api.playground.klarna.com", "", "api.playground.klarna.com", "https://api.playground.klarna.com"},
		{"through the proxy, in another case", "https://api.playground.klarna.com", "", "API.playground.klarna.com", "https://api.playground.klarna.com"},
		{"through a proxy that takes the path away", "https://test.example/klarna/", "", "test.example", "https://test.example/klarna"},
		{"around that proxy", "https://test.example/klarna", "", "127.0.0.1:9090", "http://127.0.0.1:9090"},
		{"below a path, by its other name", "http://127.0.0.1:9090/klarna", "/klarna", "localhost:9090", "http://localhost:9090/klarna"},
	} {
		t.Run(row.name, func(t *testing.T) {
			fake := http.StripPrefix(row.mounted, fakeklarna.New(fakeklarna.Options{PublicURL: row.public}))
			r := httptest.NewRequestWithContext(t.Context(), "POST", row.mounted+"//checkout/v3/orders?x=y", strings.NewReader(faketest.Text(faketest.CaseA())))
			r.Host = row.host
			r.SetBasicAuth("demo", "demo")
			w := httptest.NewRecorder()
			fake.ServeHTTP(w, r)
			id := faketest.Decode(w.Body.String())["order_id"].(string)
			if got, want := w.Header().Get("Location"), row.want+"/checkout/v3/orders/"+id; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

// A client of HTTP/1.0 need not say whom it calls: it is told where it has come in.
func TestLocationWithoutHost(t *testing.T) {
	s := faketest.NewShop(t, fakeklarna.Options{})
	to, err := url.Parse(s.Fake.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", to.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	body := faketest.Text(faketest.CaseA())
	fmt.Fprintf(conn, "POST %s/checkout/v3/orders HTTP/1.0\r\nAuthorization: Basic ZGVtbzpkZW1v\r\nContent-Length: %d\r\n\r\n%s", to.Path, len(body), body)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if got, want := res.Header.Get("Location"), s.Fake.URL+"/checkout/v3/orders/"; err != nil || !strings.HasPrefix(got, want) {
		t.Errorf("got Location %q, want %s… (%v)", got, want, err)
	}
	if !strings.Contains(string(answer), s.Fake.URL+"/kcoc/") {
		t.Errorf("the snippet does not lead to the fake: %s", answer)
	}
}
