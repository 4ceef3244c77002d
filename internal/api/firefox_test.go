package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/standardwebhooks"
	"github.com/shopd/shopd/internal/until"
)

// allBrowsers skips a test for which php, node with the packages of examples/node and tools/firefox, and Firefox must be
// installed: make firefox and make check do that and say so.
func allBrowsers(t *testing.T) {
	t.Helper()
	if os.Getenv("SHOPD_BROWSERS") != "all" {
		t.Skip("SHOPD_BROWSERS is not all: make firefox installs what this test needs")
	}
	t.Parallel()
}

// example is a shop of the folder examples that runs beside shopd.
type example struct {
	*shoptest.World
	url    string
	secret string // of its endpoint for webhooks
}

// examples are how they are started, on a port.
var examples = map[string]func(ctx context.Context, port string) *exec.Cmd{
	"php": func(ctx context.Context, port string) *exec.Cmd {
		return exec.CommandContext(ctx, "php", "-S", "localhost:"+port, "../../examples/php/index.php")
	},
	"node": func(ctx context.Context, _ string) *exec.Cmd {
		return exec.CommandContext(ctx, "node", "../../examples/node/server.js")
	},
}

// runs starts one of them.
func runs(t *testing.T, name string) example {
	t.Helper()
	free, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(free.Addr().(*net.TCPAddr).Port)
	free.Close()
	e := example{url: "http://localhost:" + port}
	version, about := *skerry.Version(), *skerry.Version().Shop
	about.Embed = []string{e.url}
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	e.secret = "whsec_" + base64.StdEncoding.EncodeToString(key)
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(e.secret), 0o600); err != nil {
		t.Fatal(err)
	}
	about.Webhooks = []settings.Webhook{{ID: name, URL: e.url + "/webhook", Events: []string{"*"}, SecretFile: file}}
	version.Shop = &about
	keys, err := api.ParseKeys(api.KeyLine("shop", "checkout,orders", "sk_test") + "\n" + api.KeyLine("all", "all", "sk_all"))
	if err != nil {
		t.Fatal(err)
	}
	e.World = worldOf(t, shoptest.Options{Version: &version}, func(c *shop.Config) {
		c.Keys, c.Klarna.BrowserOrigins = keys, []string{originOf(c.Klarna.URL)}
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var said bytes.Buffer
	server := examples[name](ctx, port)
	server.Env = append(os.Environ(), "PORT="+port, "SHOP_URL="+e.url, "SHOPD_URL="+e.URL, "SHOPD_KEY=sk_test", "KLARNA_ORIGIN="+originOf(e.Fake.URL),
		"SHOPD_WEBHOOK_SECRET="+e.secret, "SHOP_DATA="+filepath.Join(t.TempDir(), "shop.json"))
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = server.Wait()
		if log := said.String(); strings.Contains(log, "Warning") || strings.Contains(log, "Deprecated") || strings.Contains(log, "Error") {
			t.Errorf("the shop says:\n%s", log)
		}
	})
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, e.url+"/part", nil)
		if answer, err := http.DefaultClient.Do(r); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			e.Beside(e.Events.Run)
			e.Beside(e.Deliveries.Run)
			return e
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not answer: %s", name, said.String())
		}
	}
}

// A purchase in each of the examples, wide and on a phone, under its policy: the basket works without the script, the
// checkout follows its buttons, and after the purchase the next basket is a new one. What became of the order the shop
// learns by webhooks.
func TestExampleShops(t *testing.T) {
	allBrowsers(t)
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := runs(t, name)
			for _, o := range []browsertest.Options{{}, {Phone: true}} {
				p := &embeddedPage{&hostedPage{browsertest.Open(t, o), &hostedWorld{e.World, calls(e.World), e.url}}, &merchant{World: e.World}}
				p.MustEvalOnNewDocument(watch)
				p.Expect("/favicon.ico")
				press := func(label string) { p.MustElement(`[aria-label="` + label + `"]`).MustClick() }
				p.Go(e.url + "/")
				p.Load(func() { press("More of Enamel mug") })
				p.Load(func() { press("More of Tent for two") })
				p.Load(func() { p.MustElement("a").MustClick() })
				p.showsTotal(249900 + 14900 + 4900)
				e.Fake.AddFault(fakeklarna.Fault{Method: http.MethodPost, Path: "/checkout/v3/orders/*", Count: -1, Delay: fakeklarna.Duration(300 * time.Millisecond)})
				p.MustEval(`(...labels) => { for (const label of labels) document.querySelector('[aria-label="' + label + '"]').click() }`,
					"More of Tent for two", "More of Enamel mug", "More of Enamel mug", "Less of Enamel mug", "Less of Tent for two") // faster than any of them is answered
				p.showsTotal(249900 + 2*14900 + 4900)
				e.Fake.ClearFaults()
				p.Wait("the page to list it", `() => [...document.querySelectorAll("#basket b")].map((b) => b.textContent).join() === "1,2"`)
				press("Less of Tent for two")
				p.showsTotal(2*14900 + 4900)
				p.Wait("the page to say it", `() => document.querySelector("#total").textContent === "347.00 kr" && document.querySelector("#note").textContent === ""`)
				p.settled()
				p.Picture(name + ", checkout, " + o.String())
				if wide := p.MustEval(`() => document.documentElement.scrollWidth - document.documentElement.clientWidth`).Int(); wide > 0 {
					t.Errorf("%s scrolls sideways by %d px", o, wide)
				}
				p.Audit(name+", checkout, "+o.String(), p.Page.Page)
				p.fill()
				p.pay()
				p.Wait("the page after the purchase", `() => location.pathname === "/thanks" && document.querySelector("#klarna-checkout-iframe")`)
				p.Picture(name + ", thanks, " + o.String())
				p.Load(func() { p.MustElement("a[href='/order']").MustClick() })
				e.follows(p, "paid: 347.00 kr")
				p.Picture(name + ", order, " + o.String())
				if !o.Phone {
					e.refuses(t)
					cancelled := e.InBook(e.Fake.Orders()[0].OrderID)
					if got := as(e.World, "all").raw(http.MethodPost, "/orders/"+cancelled.ID+"/cancel", ""); got.StatusCode != 200 {
						t.Errorf("cancel: %d %s", got.StatusCode, got.Text)
					}
					e.follows(p, "cancelled: 347.00 kr")
				}
				p.Go(e.url + "/")
				if text := p.MustElement("main").MustText(); !strings.Contains(text, "Put something in.") {
					t.Errorf("the next basket: %s", text)
				}
			}
			if n := e.Number("select count(*) from orders"); n != 2 || len(e.Fake.Orders()) != 2 {
				t.Errorf("%d orders, %d at Klarna", n, len(e.Fake.Orders()))
			}
		})
	}
}

// follows demands that the shop's own page of an order says something, in the end.
func (e example) follows(p *embeddedPage, state string) {
	p.m.T.Helper()
	until.Holds(p.w.T, "the order's page says "+state, func() bool {
		p.Go(e.url + "/order")
		return strings.Contains(p.MustElement("main").MustText(), "It is "+state+".")
	})
}

// refuses demands that the shop believes no webhook that is not the endpoint's or is old, and does each once: what it
// does not know yet it asks for, and there is no such order.
func (e example) refuses(t *testing.T) {
	t.Helper()
	secrets, err := standardwebhooks.ParseSecrets(e.secret)
	if err != nil {
		t.Fatal(err)
	}
	done := e.Text("select event_id from event_deliveries where done_at is not null limit 1")
	body := `{"type": "order.created", "data": {"object": "order", "id": "ord_none"}}`
	now := time.Now()
	for _, c := range []struct {
		name, id string
		at       time.Time
		signed   string
		want     int
	}{
		{"new", "evt_1", now, standardwebhooks.Sign(secrets[0], "evt_1", now, []byte(body)), 503},
		{"new, after another signature", "evt_1", now, "v1,AAAA " + standardwebhooks.Sign(secrets[0], "evt_1", now, []byte(body)), 503},
		{"done", done, now, standardwebhooks.Sign(secrets[0], done, now, []byte(body)), 204},
		{"forged", "evt_1", now, standardwebhooks.Sign(make([]byte, 32), "evt_1", now, []byte(body)), 401},
		{"forged without a key", "evt_1", now, standardwebhooks.Sign(nil, "evt_1", now, []byte(body)), 401},
		{"of another body", "evt_1", now, standardwebhooks.Sign(secrets[0], "evt_1", now, []byte(body+" ")), 401},
		{"of another event", "evt_1", now, standardwebhooks.Sign(secrets[0], done, now, []byte(body)), 401},
		{"old", "evt_1", now.Add(-6 * time.Minute), standardwebhooks.Sign(secrets[0], "evt_1", now.Add(-6*time.Minute), []byte(body)), 401},
		{"early", "evt_1", now.Add(6 * time.Minute), standardwebhooks.Sign(secrets[0], "evt_1", now.Add(6*time.Minute), []byte(body)), 401},
		{"not signed", "evt_1", now, "", 401},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url+"/webhook", strings.NewReader(body))
		r.Header = http.Header{"Webhook-Id": {c.id}, "Webhook-Timestamp": {strconv.FormatInt(c.at.Unix(), 10)}, "Webhook-Signature": {c.signed}, "Content-Type": {"application/json"}}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.want {
			t.Errorf("a webhook that is %s: %d, want %d", c.name, answer.StatusCode, c.want)
		}
	}
}

// step is a step of tools/firefox/walk.mjs.
type step map[string]any

// oneFirefox is held by the test that has it: more at once take longer than one after the other.
var oneFirefox sync.Mutex

// firefox walks in Firefox, and demands that nothing went wrong in it.
func firefox(t *testing.T, width int, steps ...step) {
	t.Helper()
	if browsertest.Pictures() {
		steps = append(steps, step{"picture": filepath.Join(t.ArtifactDir(), fmt.Sprintf("firefox, %d px.png", width))})
	}
	program, err := exec.LookPath("firefox-esr")
	if err != nil {
		t.Fatal(err)
	}
	walk, err := json.Marshal(map[string]any{"firefox": program, "width": width, "steps": steps})
	if err != nil {
		t.Fatal(err)
	}
	oneFirefox.Lock()
	defer oneFirefox.Unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "../../tools/firefox/walk.mjs")
	node.Env = append(os.Environ(), "HOME="+t.TempDir())
	node.Stdin = bytes.NewReader(walk)
	var failed bytes.Buffer
	node.Stderr = &failed
	out, err := node.Output()
	var said struct {
		Failed   string
		Problems []string
	}
	if err != nil || json.Unmarshal(out, &said) != nil {
		t.Fatalf("firefox: %v: %s %s", err, out, failed.String())
	}
	if said.Failed != "" || len(said.Problems) > 0 {
		t.Errorf("firefox at %d px: %s\n%s", width, said.Failed, strings.Join(said.Problems, "\n"))
	}
}

const (
	wide   = 1280
	narrow = 390
)

// A purchase in Firefox on each page that holds a checkout.
func TestFirefox(t *testing.T) {
	allBrowsers(t)
	t.Run("own", func(t *testing.T) {
		w := world(t, func(c *shop.Config) { c.Klarna.BrowserOrigins = []string{originOf(c.Klarna.URL)} })
		firefox(t, wide, step{"go": w.URL + "/products/MUG-1"}, step{"click": "form[action='/cart/lines'] [type=submit]"}, step{"shows": "[data-cart-count]:not([hidden])"},
			step{"go": w.URL + "/checkout"}, step{"total": 14900 + 4900}, step{"click": "[data-key='MUG-1:plus']"}, step{"total": 2*14900 + 4900},
			step{"pay": typed}, step{"at": w.URL + "/checkout/confirmation"}, step{"shows": "#klarna-checkout-iframe"})
	})
	t.Run("hosted", func(t *testing.T) {
		w := newHosted(t)
		s := w.puts("b-1", tent, 201)
		firefox(t, narrow, step{"go": s.URL}, step{"total": s.OrderAmount}, step{"pay": typed}, step{"at": w.site + "/thanks?basket=b-1"})
	})
	t.Run("embedded", func(t *testing.T) {
		m := newMerchant(t)
		firefox(t, narrow, step{"go": m.site.URL + "/checkout?b=a"}, step{"total": 1000}, step{"click": "#plus"}, step{"total": 2000},
			step{"pay": typed}, step{"at": m.site.URL + "/thanks?b=a"}, step{"shows": "#klarna-checkout-iframe"})
	})
	for name := range examples {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := runs(t, name)
			for _, width := range []int{wide, narrow} {
				firefox(t, width, step{"go": e.url}, step{"click": `[aria-label="More of Enamel mug"]`}, step{"click": "a[href='/checkout']"},
					step{"total": 14900 + 4900}, step{"click": `[aria-label="More of Enamel mug"]`}, step{"total": 2*14900 + 4900},
					step{"pay": typed}, step{"at": e.url + "/thanks"}, step{"shows": "#klarna-checkout-iframe"})
			}
		})
	}
}
