package php_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/standardwebhooks"
	"github.com/shopd/shopd/internal/until"
)

const secret = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"

// A shop whose PHP shows all that it warns of, as the usual image and php -S do, still answers what it means when shopd
// is away or breaks off: what PHP shows comes before the status, which is 200 then.
func TestShopdIsAway(t *testing.T) {
	shopd := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"status": "capt`) // and breaks off
	}))
	defer shopd.Close()
	for name, url := range map[string]string{"away": "http://" + freeAddress(t), "breaking off": shopd.URL} {
		t.Run(name, func(t *testing.T) {
			shop := start(t, url)
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
			form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
			for _, c := range []struct {
				name, method, path, body string
				header                   http.Header
				want                     int
			}{
				{"a webhook", "POST", "/webhook", body, header(signed), 503},
				{"a webhook that is forged", "POST", "/webhook", body, header("v1,AAAA"), 401},
				{"something in the basket", "POST", "/basket", "sku=MUG&by=1", form, 303},
				{"the checkout", "GET", "/checkout", "", nil, 503},
				{"the page after the purchase", "GET", "/thanks", "", nil, 303},
			} {
				if status, page := shop.ask(t, c.method, c.path, c.body, c.header); status != c.want {
					t.Errorf("%s: %d, want %d:\n%s", c.name, status, c.want, page)
				}
			}
		})
	}
}

// shop is the example as it runs.
type shop struct {
	url    string
	cookie string
}

// start starts the example, with a shopd at an address.
func start(t *testing.T, shopd string) *shop {
	t.Helper()
	php, err := exec.LookPath("php")
	if err != nil {
		if os.Getenv("CI") != "" || os.Getenv("SHOPD_TEST_ALL") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	address := freeAddress(t)
	s := &shop{url: "http://" + address}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	server := exec.CommandContext(ctx, php, "-d", "display_errors=1", "-d", "error_reporting=-1", "-d", "output_buffering=0", "-S", address, "index.php")
	server.Env = append(os.Environ(), "SHOPD_URL="+shopd, "SHOP_URL="+s.url, "SHOPD_WEBHOOK_SECRET="+secret, "SHOP_DATA="+filepath.Join(t.TempDir(), "shop.json"))
	var said bytes.Buffer
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait()
		if log := said.String(); strings.Contains(log, "Warning") || strings.Contains(log, "Deprecated") || strings.Contains(log, "Error") {
			t.Errorf("PHP says:\n%s", log)
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
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Cookie", s.cookie)
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range answer.Cookies() {
		s.cookie = fmt.Sprintf("%s=%s", c.Name, c.Value)
	}
	return answer.StatusCode, string(text)
}

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
