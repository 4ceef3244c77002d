package examples_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/standardwebhooks"
	"github.com/shopd/shopd/internal/until"
)

const secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"

// shops are how the shops that are made with shopd are started, at an address.
var shops = map[string]func(ctx context.Context, t *testing.T, address string) *exec.Cmd{
	// It shows all that it warns of, as the usual image and php -S do: what PHP shows comes before the status, which is 200 then.
	"php": func(ctx context.Context, t *testing.T, address string) *exec.Cmd {
		return exec.CommandContext(ctx, tool(t, "php", os.Getenv("SHOPD_TEST_ALL") != ""), "-d", "display_errors=1", "-d", "error_reporting=-1", "-d", "output_buffering=0", "-S", address, "php/index.php")
	},
	"node": func(ctx context.Context, t *testing.T, _ string) *exec.Cmd {
		all := os.Getenv("SHOPD_BROWSERS") == "all"
		if _, err := os.Stat("node/node_modules"); err != nil && !all {
			t.Skip("make firefox installs what it needs")
		}
		return exec.CommandContext(ctx, tool(t, "node", all), "node/server.js")
	},
}

// each runs a test with each of the shops.
func each(t *testing.T, shopd http.HandlerFunc, test func(*testing.T, *shop)) {
	server := httptest.NewServer(shopd)
	t.Cleanup(server.Close)
	for name := range shops {
		t.Run(name, func(t *testing.T) { test(t, start(t, name, server.URL)) })
	}
}

// While shopd is away or breaks off, a shop still answers what it means, and keeps the basket that shopd knows.
func TestShopdIsAway(t *testing.T) {
	breaking := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"status": "capt`) // and breaks off
	}))
	defer breaking.Close()
	for name := range shops {
		for how, url := range map[string]string{"away": "http://" + freeAddress(t), "breaking off": breaking.URL} {
			t.Run(name+", "+how, func(t *testing.T) {
				shop := start(t, name, url)
				secrets, err := standardwebhooks.ParseSecrets(secret)
				if err != nil {
					t.Fatal(err)
				}
				now := time.Now()
				body := `{"type": "order.created", "data": {"object": "order", "id": "ord_1"}}`
				signed := standardwebhooks.Sign(secrets[0], "evt_1", now, []byte(body))
				header := func(signature string) http.Header {
					return http.Header{"Webhook-Id": {"evt_1"}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature}}
				}
				for _, c := range []struct {
					name, method, path, body string
					header                   http.Header
					want                     int
				}{
					{"a webhook", "POST", "/webhook", body, header(signed), 503},
					{"a webhook that is forged", "POST", "/webhook", body, header("v1,AAAA"), 401},
					{"something in the basket", "POST", "/basket", "sku=MUG&by=1", nil, 303},
					{"the checkout", "GET", "/checkout", "", nil, 503},
					{"more of it, where a checkout may be open", "POST", "/basket", "sku=MUG&by=1", nil, 503},
					{"the page after the purchase", "GET", "/thanks", "", nil, 303},
				} {
					if status, page := shop.ask(t, c.method, c.path, c.body, c.header); status != c.want {
						t.Errorf("%s: %d, want %d:\n%s", c.name, status, c.want, page)
					}
				}
				shop.has(t, 0, 1)
			})
		}
	}
}

// A shop shows what shopd has kept, and no number before the order is in the book.
func TestAnswers(t *testing.T) {
	var answer atomic.Value // status and body, of all calls
	each(t, func(w http.ResponseWriter, _ *http.Request) {
		status, body, _ := strings.Cut(answer.Load().(string), " ")
		code, _ := strconv.Atoi(status)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}, func(t *testing.T, s *shop) {
		says := func(said, method, path, body string, want int, wants string) {
			t.Helper()
			answer.Store(said)
			if status, page := s.ask(t, method, path, body, nil); status != want || !strings.Contains(page, wants) {
				t.Errorf("%s of shopd, %s %s: %d, want %d and %q:\n%s", said, method, path, status, want, wants, page)
			}
		}
		const mug, noMug = "sku=MUG&by=1", "sku=MUG&by=-9"
		says(`503 {"code": "unavailable"}`, "POST", "/basket", mug, 303, "")
		says(`503 {"code": "unavailable"}`, "GET", "/checkout", "", 503, "")
		says(`422 {"code": "invalid", "errors": [{"location": "body.country", "message": "is none of the shop's markets"}]}`, "GET", "/checkout", "", 500, "cannot be opened")
		says(`401 {"code": "no_key"}`, "GET", "/checkout", "", 500, "cannot be opened")
		for _, why := range []string{"shopd: 503", "shopd: 422", "body.country", "shopd: 401"} {
			until.Holds(t, "the shop to log "+why, func() bool { return strings.Contains(s.log.String(), why) })
		}
		says(`404 {"code": "not_found"}`, "POST", "/basket", noMug, 303, "") // no checkout was made
		s.has(t, 0, 0)
		says(`200 {"order_amount": 14900, "client_secret": "cs_1"}`, "POST", "/basket", mug, 303, "")
		says(`200 {"order_amount": 14900, "client_secret": "cs_1"}`, "GET", "/checkout", "", 200, "149.00 kr")
		for _, c := range []struct {
			said string
			want int
			mugs int
		}{
			{`503 {"code": "unavailable"}`, 503, 1},
			{`409 {"code": "purchase_running"}`, 409, 1},
			{`429 {"code": "too_many_requests"}`, 409, 1},
			{`404 {"code": "not_found"}`, 409, 1}, // there is no API
			{`503 {"code": "klarna_unavailable"}`, 303, 2},
		} {
			says(c.said, "POST", "/basket", mug, c.want, "")
			s.has(t, 0, c.mugs)
		}
		says(`503 {"code": "unavailable"}`, "POST", "/basket", noMug, 503, "")
		s.has(t, 0, 2)

		says(`200 {"reference": "r-1", "status": "placing", "order_number": "W-1", "order": null, "client_secret": "cs_1"}`, "GET", "/thanks", "", 200, "is being written down")
		says(`503 {}`, "POST", "/basket", mug, 303, "") // the next basket, of which shopd does not know yet
		says(`503 {}`, "GET", "/thanks", "", 200, "is being written down")
		says(`200 {"reference": "r-1", "status": "complete", "order_number": "W-1", "order": {"id": "ord_1", "number": "K-7"}, "client_secret": "cs_1"}`, "GET", "/thanks", "", 200, "<b>K-7</b>")
		says(`503 {}`, "GET", "/thanks", "", 200, "<b>K-7</b>")
		s.has(t, 0, 1)
	})
}

// Changes of one basket that come at once are all in it, one after the other, and shopd knows the last: also where the
// browser no longer waits for the first.
func TestAtOnce(t *testing.T) {
	var calls, most atomic.Int32
	var told atomic.Value
	came := make(chan bool, 100)
	each(t, func(w http.ResponseWriter, r *http.Request) {
		most.Store(max(most.Load(), calls.Add(1)))
		came <- true
		defer calls.Add(-1)
		body, _ := io.ReadAll(r.Body)
		time.Sleep(100 * time.Millisecond)
		told.Store(string(body))
		_, _ = io.WriteString(w, `{"order_amount": 14900, "client_secret": "cs_1"}`)
	}, func(t *testing.T, s *shop) {
		s.ask(t, "POST", "/basket", "sku=MUG&by=1", nil)
		s.ask(t, "GET", "/checkout", "", nil)
		<-came
		most.Store(0)
		leaves, leave := context.WithCancel(t.Context())
		go func() { <-came; leave() }()
		if _, _, err := s.try(leaves, "POST", "/basket", "sku=MUG&by=1", nil); err == nil {
			t.Error("the browser has waited")
		}
		leave()
		var all sync.WaitGroup
		for _, sku := range []string{"MUG", "TENT", "MUG"} {
			all.Go(func() {
				if status, _, err := s.try(t.Context(), "POST", "/basket", "sku="+sku+"&by=1", nil); err != nil || status != 303 {
					t.Errorf("%d, %v", status, err)
				}
			})
		}
		all.Wait()
		for range 3 {
			<-came
		}
		s.has(t, 1, 4)
		if said := told.Load().(string); most.Load() != 1 || !strings.Contains(said, `"quantity":4`) || !strings.Contains(said, `"TENT"`) {
			t.Errorf("%d calls at once, the last one said %s", most.Load(), said)
		}
	})
}

// shop is the example as it runs.
type shop struct {
	url    string
	cookie string
	log    *log
}

// log is what a shop says while it runs.
type log struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

// tool is a program, which must be installed under CI and where it is demanded.
func tool(t *testing.T, name string, demanded bool) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && (os.Getenv("CI") != "" || demanded) {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(err)
	}
	return path
}

// start starts one of the shops, with a shopd at an address.
func start(t *testing.T, name, shopd string) *shop {
	t.Helper()
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	s := &shop{url: "http://" + address, log: &log{}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	server := shops[name](ctx, t, address)
	server.Env = append(os.Environ(), "PORT="+port, "SHOPD_URL="+shopd, "SHOP_URL="+s.url, "SHOPD_WEBHOOK_SECRET="+secret, "SHOP_DATA="+filepath.Join(t.TempDir(), "shop.json"))
	server.Stdout, server.Stderr = s.log, s.log
	if err := server.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait()
		if log := s.log.String(); strings.Contains(log, "Warning") || strings.Contains(log, "Deprecated") || strings.Contains(log, "Error") {
			t.Errorf("the shop says:\n%s", log)
		}
	})
	until.Holds(t, "the shop to listen", func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return s
}

// ask is a browser with a cookie, which follows no redirect.
func (s *shop) ask(t *testing.T, method, path, body string, header http.Header) (status int, page string) {
	t.Helper()
	status, page, err := s.try(t.Context(), method, path, body, header)
	if err != nil {
		t.Fatal(err)
	}
	return status, page
}

func (s *shop) try(ctx context.Context, method, path, body string, header http.Header) (status int, page string, err error) {
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	maps.Copy(r.Header, header)
	if s.cookie != "" {
		r.Header.Set("Cookie", s.cookie)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if cookies := answer.Cookies(); s.cookie == "" && len(cookies) > 0 {
		s.cookie = cookies[0].Name + "=" + cookies[0].Value
	}
	return answer.StatusCode, string(text), err
}

// has demands what the page lists.
func (s *shop) has(t *testing.T, tents, mugs int) {
	t.Helper()
	_, page := s.ask(t, "GET", "/part", "", nil)
	if got, want := quantities.FindAllString(page, -1), []string{fmt.Sprintf("<b>%d</b>", tents), fmt.Sprintf("<b>%d</b>", mugs)}; !slices.Equal(got, want) {
		t.Errorf("the basket has %v, want %v", got, want)
	}
}

var quantities = regexp.MustCompile(`<b>\d+</b>`)

// freeAddress is an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}
