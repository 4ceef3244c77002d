package frontend_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// payShop is a shop with one page that uses Klarna.Payments. It is another site
// than the fake, under a policy that allows scripts by nonce, the fake's frames
// and nothing else: no connections, no style attributes.
type payShop struct {
	t    testing.TB
	fake *fakeklarna.TestServer
	url  string // scheme://host
}

const payPage = `<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style nonce="n0nce">:root { color-scheme: light dark } body { margin: 0; padding: 16px; max-width: 680px; font-family: Lato, sans-serif } main > div { margin: 8px 0 }</style></head>
<body><main><h1>Checkout</h1><div id="one"></div><div id="two"></div><button id="buy">Buy</button></main>
<script nonce="n0nce">
window.events = [];
window.klarnaAsyncCallback = () => {
  window.ready = true;
  Klarna.Payments.on('heightChanged', (height) => events.push(['heightChanged', height]));
  Klarna.Payments.on('fullscreenOverlayShown', () => events.push(['fullscreenOverlayShown']));
  Klarna.Payments.on('fullscreenOverlayHidden', () => events.push(['fullscreenOverlayHidden']));
};
// Calls a method of the library and keeps what its callback is told.
window.call = (method, ...args) => {
  window.result = undefined;
  Klarna.Payments[method](...args, (result) => { window.result = result; });
};
window.asked = (method, ...args) => new Promise((resolve) => Klarna.Payments[method](...args, resolve));
</script>
<script nonce="n0nce" async src="{library}"></script></body></html>`

func newPayShop(t testing.TB) *payShop {
	h := &payShop{t: t, fake: fakeklarna.NewServer(t, fakeklarna.Options{MerchantName: "Skerry"})}
	policy := "default-src 'none'; base-uri 'none'; form-action 'self'; script-src 'nonce-n0nce' 'strict-dynamic'; " +
		"style-src 'nonce-n0nce'; img-src data:; frame-src " + strings.TrimSuffix(h.fake.URL, "/klarna")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, strings.ReplaceAll(payPage, "{library}", h.fake.URL+"/kp/lib/v1/api.js"))
	}))
	t.Cleanup(s.Close)
	other, err := browsertest.OtherSite(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	h.url = other
	return h
}

// paySession is what creating a session has answered.
type paySession struct {
	SessionID   string `json:"session_id"`
	ClientToken string `json:"client_token"`
	Categories  []any  `json:"payment_method_categories"`
}

// session makes a session of one line, 447.00 in the country's currency, with
// the members of more over it.
func (h *payShop) session(more map[string]any) paySession {
	h.t.Helper()
	content := map[string]any{"purchase_country": "SE", "purchase_currency": "SEK", "locale": "en-SE"}
	maps.Copy(content, faketest.Amounts(44700))
	maps.Copy(content, more)
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(content); err != nil {
		h.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.fake.URL+"/payments/v1/sessions", &body)
	if err != nil {
		h.t.Fatal(err)
	}
	r.SetBasicAuth("demo", "demo")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	var made paySession
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || json.Unmarshal(text, &made) != nil {
		h.t.Fatalf("create a session: %d %s %v", res.StatusCode, text, err)
	}
	return made
}

// told is somebody of whom the shop tells all that a Swedish purchase needs.
func told(email string) map[string]any {
	return map[string]any{"billing_address": map[string]any{
		"email": email, "given_name": "Ada", "family_name": "Lindqvist", "street_address": "Hamngatan 4",
		"postal_code": "111 47", "city": "Stockholm", "phone": "070 123 45 67", "country": "SE",
	}}
}

// buyer is the shop's page in a browser.
type buyer struct {
	*browsertest.Page
	t    testing.TB
	shop *payShop
	paySession
}

// open opens the page for a session and inits the library.
func (h *payShop) open(made paySession, o browsertest.Options) *buyer {
	h.t.Helper()
	c := h.blank(o)
	c.paySession = made
	c.MustEval(`(token) => { Klarna.Payments.init({client_token: token}) }`, made.ClientToken)
	return c
}

// blank opens the page without init.
func (h *payShop) blank(o browsertest.Options) *buyer {
	h.t.Helper()
	c := &buyer{Page: browsertest.Open(h.t, o), t: h.t, shop: h}
	c.Go(h.url)
	c.Wait("klarnaAsyncCallback", `() => window.ready`)
	return c
}

// asked calls a method of the library and returns what the callback is told.
func (c *buyer) asked(method string, args ...any) string {
	c.t.Helper()
	return c.MustEval(`async (method, args) => JSON.stringify(await asked(method, ...args))`, method, args).Str()
}

// load loads a widget into #one.
func (c *buyer) load(category string) {
	c.t.Helper()
	if got, want := c.asked("load", map[string]any{"container": "#one", "payment_method_category": category}), `{"show_form":true}`; got != want {
		c.t.Fatalf("load = %s, want %s", got, want)
	}
}

// call calls a method whose callback is told later, see result.
func (c *buyer) call(method string, args ...any) {
	c.t.Helper()
	c.MustEval(`(method, args) => { call(method, ...args) }`, method, args)
}

// result waits for what the callback of the last call is told.
func (c *buyer) result() map[string]any {
	c.t.Helper()
	c.Wait("the callback", `() => window.result !== undefined`)
	got := map[string]any{}
	if err := json.Unmarshal([]byte(c.MustEval(`() => JSON.stringify(result)`).Str()), &got); err != nil {
		c.t.Fatal(err)
	}
	return got
}

func (c *buyer) widget() *rod.Page { return c.Frame("#one iframe") }

func (c *buyer) dialog() *rod.Page {
	c.t.Helper()
	c.Wait("the overlay", `() => document.querySelector("dialog[open] iframe")`)
	frame := c.Frame("dialog iframe")
	c.waitIn(frame, "the dialog", `() => document.querySelector("dialog").open`)
	return frame
}

func (c *buyer) press(testid string) {
	c.t.Helper()
	c.dialog().MustElement(`[data-testid="` + testid + `"]`).MustClick()
}

func (c *buyer) waitIn(frame *rod.Page, what, function string, args ...any) {
	c.t.Helper()
	waitIn(c.t, frame, what, function, args...)
}

// waitIn is browsertest's Wait inside a frame.
func waitIn(t testing.TB, frame *rod.Page, what, function string, args ...any) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got, err := frame.Eval(function, args...)
		if err == nil && got.Value.Bool() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited in the frame for: %s (%v)", what, err)
		}
	}
}

// words returns the text of an element of a frame: plain spaces, no empty lines.
func words(frame *rod.Page, selector string) string {
	text := strings.ReplaceAll(frame.MustElement(selector).MustText(), "\u00a0", " ")
	return strings.Join(slices.Collect(strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' })), "\n")
}

func (c *buyer) events(name string) string {
	c.t.Helper()
	return c.MustEval(`(name) => JSON.stringify(events.filter(([event]) => event === name))`, name).Str()
}
