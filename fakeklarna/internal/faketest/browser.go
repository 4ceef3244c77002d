package faketest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// Iframe selects the checkout in the shop's page.
const Iframe = "#klarna-checkout-iframe"

// Host is a shop of one page: the checkout of the order ?order=. It is another
// site than the fake, under a shop's strict content security policy.
type Host struct {
	T    testing.TB
	Fake *fakeklarna.TestServer
	URL  string // scheme://host

	mu      sync.Mutex
	answers map[string]http.HandlerFunc // kind of callback → what is answered; 200 without a body otherwise
	called  []string                    // kinds of the callbacks that came
}

const hostPage = `<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style nonce="n0nce">body { margin: 0 }</style></head><body><main><h1>Checkout</h1><div id="kco">%s</div></main><script nonce="n0nce">
const names = ['load', 'user_interacted', 'customer', 'change', 'billing_address_change', 'shipping_address_change', 'shipping_option_change',
  'order_total_change', 'network_error', 'redirect_initiated', 'load_confirmation', 'checkbox_change', 'can_not_complete_order',
  'shipping_address_update_error'];
const nonce = document.currentScript.nonce;
window.events = [];
window.timeouts = [];
const realSetTimeout = setTimeout, realClearTimeout = clearTimeout;
const tenSeconds = new Map(); // what is done after them
window.setTimeout = (f, ms) => {
  timeouts.push(ms);
  const id = realSetTimeout(f, ms);
  if (ms === 10_000) tenSeconds.set(id, f);
  return id;
};
window.clearTimeout = (id) => { tenSeconds.delete(id); realClearTimeout(id); };
window.elapse = () => { // the ten seconds
  for (const [id, f] of tenSeconds) { clearTimeout(id); f(); }
};
window.listen = () => _klarnaCheckout((api) => {
  window.api = api;
  api.on(Object.fromEntries(names.map((name) => [name, (data) => {
    events.push([name, data]);
    sessionStorage.events = JSON.stringify(events);
  }])));
});
listen();
window.queued = _klarnaCheckout.q?.length;
window.inject = async (order) => {
  const template = document.createElement('template');
  template.innerHTML = await (await fetch('/snippet?order=' + order)).text();
  for (const old of template.content.querySelectorAll('script, style')) {
    const fresh = document.createElement(old.localName);
    for (const {name, value} of old.attributes) fresh.setAttribute(name, value);
    fresh.nonce = nonce;
    fresh.textContent = old.textContent;
    old.replaceWith(fresh);
  }
  document.getElementById('kco').replaceChildren(template.content);
};
</script></body></html>`

// NewHost makes a shop with a fake; both end with the test.
func NewHost(t testing.TB) *Host { return NewHostWith(t, fakeklarna.Options{}) }

// NewHostWith is NewHost with options.
func NewHostWith(t testing.TB, o fakeklarna.Options) *Host {
	o.MerchantName = "Skerry"
	h := &Host{T: t, Fake: fakeklarna.NewServer(t, o)}
	origin := strings.TrimSuffix(h.Fake.URL, "/klarna")
	policy := "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
		"script-src 'nonce-n0nce' 'strict-dynamic'; style-src 'self' 'nonce-n0nce'; style-src-attr 'unsafe-inline'; " +
		"frame-src " + origin + "; connect-src 'self' " + origin + "; img-src 'self' data: " + origin
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if kind, ok := strings.CutPrefix(r.URL.Path, "/kco/"); ok {
			h.callback(kind, w, r)
			return
		}
		id := r.FormValue("order")
		if id == "" {
			http.NotFound(w, r)
			return
		}
		o, ok := h.Fake.Order(id)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/snippet" {
			io.WriteString(w, o.HTMLSnippet)
			return
		}
		stamped := strings.NewReplacer("<script", `<script nonce="n0nce"`, "<style", `<style nonce="n0nce"`).Replace(o.HTMLSnippet)
		fmt.Fprintf(w, hostPage, stamped)
	}))
	t.Cleanup(s.Close)
	other, err := browsertest.OtherSite(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	h.URL = other
	return h
}

// callback answers a call of the fake.
func (h *Host) callback(kind string, w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.called = append(h.called, kind)
	answer := h.answers[kind]
	h.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

// On answers a kind of callback from now on; nil is 200 without a body.
func (h *Host) On(kind string, answer http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answers == nil {
		h.answers = map[string]http.HandlerFunc{}
	}
	h.answers[kind] = answer
}

// Calls returns the kinds of the callbacks that came, in order.
func (h *Host) Calls() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.called, " ")
}

// Answering answers with a status and a body that is JSON.
func Answering(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
}

// Silent answers nothing: it holds the call until the caller gives up.
func Silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a server notices that only after the body
	<-r.Context().Done()
}

// CreateWith makes an order with callbacks.
func (h *Host) CreateWith(more map[string]any, kinds ...string) string {
	h.T.Helper()
	order := h.content(more)
	for _, kind := range kinds {
		order["merchant_urls"].(map[string]any)[kind] = h.URL + "/kco/" + kind
	}
	return h.Call("", order, http.StatusCreated).OrderID
}

// content is a valid order of one line, 447.00 in the country's currency, with
// the members of more over it.
func (h *Host) content(more map[string]any) map[string]any {
	order := map[string]any{
		"purchase_country": "SE", "purchase_currency": "SEK", "locale": "en-SE",
		"merchant_urls": map[string]any{
			"terms": h.URL + "/terms", "checkout": h.URL + "/checkout", "push": h.URL + "/push",
			"confirmation": h.URL + "/confirmation?order={checkout.order.id}",
		},
	}
	maps.Copy(order, Amounts(44700))
	maps.Copy(order, more)
	return order
}

// Amounts are the members of an order of one line at 25 %.
func Amounts(total int64) map[string]any {
	tax := total / 5
	return map[string]any{"order_amount": total, "order_tax_amount": tax, "order_lines": []map[string]any{{
		"type": "physical", "name": "Enamel mug", "quantity": 1, "unit_price": total, "tax_rate": 2500, "total_amount": total, "total_tax_amount": tax,
	}}}
}

// Call sends body to the checkout API and returns the order answered.
func (h *Host) Call(path string, body map[string]any, status int) fakeklarna.Order {
	h.T.Helper()
	var payload bytes.Buffer
	if err := json.NewEncoder(&payload).Encode(body); err != nil {
		h.T.Fatal(err)
	}
	r, err := http.NewRequestWithContext(h.T.Context(), http.MethodPost, h.Fake.URL+"/checkout/v3/orders"+path, &payload)
	if err != nil {
		h.T.Fatal(err)
	}
	r.SetBasicAuth("demo", "demo")
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.T.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		h.T.Fatalf("POST %s: %d %s %v, want %d", path, res.StatusCode, text, err, status)
	}
	var o fakeklarna.Order
	if err := json.Unmarshal(text, &o); err != nil {
		h.T.Fatal(err)
	}
	return o
}

// Create makes an order with the members in more.
func (h *Host) Create(more map[string]any) string {
	h.T.Helper()
	return h.Call("", h.content(more), http.StatusCreated).OrderID
}

// Update changes an order.
func (h *Host) Update(id string, body map[string]any) {
	h.T.Helper()
	h.Call("/"+id, body, http.StatusOK)
}

// Order returns an order as the fake has it.
func (h *Host) Order(id string) fakeklarna.Order {
	h.T.Helper()
	o, ok := h.Fake.Order(id)
	if !ok {
		h.T.Fatalf("the fake has no order %s", id)
	}
	return o
}

// Checkout is the host's page of an order in a browser.
type Checkout struct {
	*browsertest.Page
	T    testing.TB
	Host *Host
	ID   string
}

// Open shows an order's checkout in a browser.
func (h *Host) Open(id string, o browsertest.Options) *Checkout {
	h.T.Helper()
	c := &Checkout{Page: browsertest.Open(h.T, o), T: h.T, Host: h, ID: id}
	c.Load()
	return c
}

// Load loads the page (again) and waits for the frame's form or notice.
func (c *Checkout) Load() {
	c.T.Helper()
	c.Go(c.Host.URL + "/?order=" + c.ID)
	c.WaitFrame("the frame to show the order or a notice", `() => !document.getElementById("checkout").hidden ||
		!["", "Loading the payment form…"].includes(document.getElementById("notice-title").textContent)`)
}

// InFrame is the iframe.
func (c *Checkout) InFrame() *rod.Page { return c.Frame(Iframe) }

// WaitFrame is browsertest's Wait inside the iframe.
func (c *Checkout) WaitFrame(what, function string, args ...any) {
	c.T.Helper()
	c.WaitFrameFor(10*time.Second, what, function, args...)
}

// Patience is for what waits for a merchant that does not answer.
const Patience = 30 * time.Second

// WaitFrameFor is WaitFrame with another limit.
func (c *Checkout) WaitFrameFor(limit time.Duration, what, function string, args ...any) {
	c.T.Helper()
	c.WaitInFrame(Iframe, limit, what, function, args...)
}

// Element returns an element of the iframe.
func (c *Checkout) Element(testid string) *rod.Element {
	c.T.Helper()
	return c.InFrame().MustElement(`[data-testid="` + testid + `"]`)
}

// Value returns what stands in a field.
func (c *Checkout) Value(testid string) string { return c.Element(testid).MustProperty("value").Str() }

// Fill types values into fields, by name.
func (c *Checkout) Fill(values map[string]string) {
	c.T.Helper()
	names := []string{"email", "postal_code"} // first: others are shown after them
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if text, ok := values[name]; ok {
			c.Element(name).MustWaitVisible().MustSelectAllText().MustInput(text)
		}
	}
}

// WaitTyped waits until the fake knows what was typed.
func (c *Checkout) WaitTyped(want map[string]string) {
	c.T.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := c.Host.Order(c.ID).Fake.Typed
		missing := maps.Clone(want)
		maps.DeleteFunc(missing, func(name, text string) bool { return got[name] == text })
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			c.T.Fatalf("the fake does not know %v", missing)
		}
	}
}

// WaitTotal waits for a total.
func (c *Checkout) WaitTotal(want string) {
	c.T.Helper()
	c.WaitFrame("the total "+want, `(want) => document.querySelector('[data-testid="total"]').textContent.replaceAll("\u00a0", " ") === want`, want)
}

// WaitEvent waits for an event at the host and returns its data as JSON, that
// of the last one when there were several.
func (c *Checkout) WaitEvent(name string) string {
	c.T.Helper()
	c.Wait("event "+name, `(name) => events.some(([event]) => event === name)`, name)
	return c.MustEval(`(name) => JSON.stringify(events.findLast(([event]) => event === name)[1])`, name).Str()
}

// Count returns how often an event came.
func (c *Checkout) Count(event string) int {
	return c.MustEval(`(name) => events.filter(([event]) => event === name).length`, event).Int()
}

// WaitRefusal waits for the text above the button.
func (c *Checkout) WaitRefusal(want string) {
	c.T.Helper()
	c.WaitFrame("the refusal "+want, `(want) => document.getElementById("refusal").textContent === want`, want)
}

// Buy presses the button and waits for the confirmation page.
func (c *Checkout) Buy() {
	c.T.Helper()
	c.Element("pay").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
}

// Swede is somebody to be typed in.
var Swede = map[string]string{
	"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada", "family_name": "Lindqvist",
	"street_address": "Hamngatan 4", "city": "Stockholm", "phone": "070 123 45 67",
}

// Get returns status, header and body of a GET with the headers given.
func (h *Host) Get(url string, header map[string]string) (int, http.Header, string) {
	h.T.Helper()
	r, err := http.NewRequestWithContext(h.T.Context(), http.MethodGet, url, nil)
	if err != nil {
		h.T.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.T.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.T.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

// PressPay presses the button once the frame has nothing else to do.
func (c *Checkout) PressPay() {
	c.T.Helper()
	c.Settled()
	c.Element("pay").MustClick()
}

// Settled waits until all that the shopper did has been answered.
func (c *Checkout) Settled() {
	c.T.Helper()
	c.WaitFrame("everything to be answered", `() => !document.body.classList.contains("working") && !document.getElementById("pay").ariaDisabled`)
}
