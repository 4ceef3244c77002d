package fakeklarna_test

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

const iframe = "#klarna-checkout-iframe"

// host is a shop of one page: the checkout of the order ?order=. It is another
// site than the fake, under a shop's strict content security policy.
type host struct {
	t    testing.TB
	fake *fakeklarna.TestServer
	url  string // scheme://host

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
const realSetTimeout = setTimeout;
window.setTimeout = (f, ms) => { timeouts.push(ms); return realSetTimeout(f, ms === 10_000 ? 300 : ms); };
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

func newHost(t testing.TB) *host {
	h := &host{t: t, fake: fakeklarna.NewServer(t, fakeklarna.Options{MerchantName: "Skerry"})}
	origin := strings.TrimSuffix(h.fake.URL, "/klarna")
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
		o, ok := h.fake.Order(id)
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
	h.url = other
	return h
}

// callback answers a call of the fake.
func (h *host) callback(kind string, w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.called = append(h.called, kind)
	answer := h.answers[kind]
	h.mu.Unlock()
	if answer != nil {
		answer(w, r)
	}
}

// on answers a kind of callback from now on; nil is 200 without a body.
func (h *host) on(kind string, answer http.HandlerFunc) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.answers == nil {
		h.answers = map[string]http.HandlerFunc{}
	}
	h.answers[kind] = answer
}

// calls returns the kinds of the callbacks that came, in order.
func (h *host) calls() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.called, " ")
}

// answering answers with a status and a body that is JSON.
func answering(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
}

// silent answers nothing: it holds the call until the caller gives up.
func silent(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // a server notices that only after the body
	<-r.Context().Done()
}

// createWith makes an order with callbacks.
func (h *host) createWith(more map[string]any, kinds ...string) string {
	h.t.Helper()
	order := h.content(more)
	for _, kind := range kinds {
		order["merchant_urls"].(map[string]any)[kind] = h.url + "/kco/" + kind
	}
	return h.call("", order, http.StatusCreated).OrderID
}

// content is a valid order of one line, 447.00 in the country's currency, with
// the members of more over it.
func (h *host) content(more map[string]any) map[string]any {
	order := map[string]any{
		"purchase_country": "SE", "purchase_currency": "SEK", "locale": "en-SE",
		"merchant_urls": map[string]any{
			"terms": h.url + "/terms", "checkout": h.url + "/checkout", "push": h.url + "/push",
			"confirmation": h.url + "/confirmation?order={checkout.order.id}",
		},
	}
	maps.Copy(order, amounts(44700))
	maps.Copy(order, more)
	return order
}

// amounts are the members of an order of one line at 25 %.
func amounts(total int64) map[string]any {
	tax := total / 5
	return map[string]any{"order_amount": total, "order_tax_amount": tax, "order_lines": []map[string]any{{
		"type": "physical", "name": "Enamel mug", "quantity": 1, "unit_price": total, "tax_rate": 2500, "total_amount": total, "total_tax_amount": tax,
	}}}
}

// call sends body to the checkout API and returns the order answered.
func (h *host) call(path string, body map[string]any, status int) fakeklarna.Order {
	h.t.Helper()
	var payload bytes.Buffer
	if err := json.NewEncoder(&payload).Encode(body); err != nil {
		h.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.fake.URL+"/checkout/v3/orders"+path, &payload)
	if err != nil {
		h.t.Fatal(err)
	}
	r.SetBasicAuth("demo", "demo")
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		h.t.Fatalf("POST %s: %d %s %v, want %d", path, res.StatusCode, text, err, status)
	}
	var o fakeklarna.Order
	if err := json.Unmarshal(text, &o); err != nil {
		h.t.Fatal(err)
	}
	return o
}

func (h *host) create(more map[string]any) string {
	h.t.Helper()
	return h.call("", h.content(more), http.StatusCreated).OrderID
}

func (h *host) update(id string, body map[string]any) {
	h.t.Helper()
	h.call("/"+id, body, http.StatusOK)
}

func (h *host) order(id string) fakeklarna.Order {
	h.t.Helper()
	o, ok := h.fake.Order(id)
	if !ok {
		h.t.Fatalf("the fake has no order %s", id)
	}
	return o
}

// checkout is the host's page of an order in a browser.
type checkout struct {
	*browsertest.Page
	t    testing.TB
	host *host
	id   string
}

func (h *host) open(id string, o browsertest.Options) *checkout {
	h.t.Helper()
	c := &checkout{Page: browsertest.Open(h.t, o), t: h.t, host: h, id: id}
	c.load()
	return c
}

// load loads the page (again) and waits for the frame's form or notice.
func (c *checkout) load() {
	c.t.Helper()
	c.Go(c.host.url + "/?order=" + c.id)
	c.waitFrame("the frame to show the order or a notice", `() => !document.getElementById("checkout").hidden ||
		!["", "Loading the payment form…"].includes(document.getElementById("notice-title").textContent)`)
}

func (c *checkout) frame() *rod.Page { return c.Frame(iframe) }

// waitFrame is browsertest's Wait inside the iframe.
func (c *checkout) waitFrame(what, function string, args ...any) {
	c.t.Helper()
	c.waitFrameFor(10*time.Second, what, function, args...)
}

// patience is for what waits for a merchant that does not answer.
const patience = 30 * time.Second

func (c *checkout) waitFrameFor(limit time.Duration, what, function string, args ...any) {
	c.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		got, err := c.frame().Eval(function, args...)
		if err == nil && got.Value.Bool() {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("waited in the frame for: %s (%v)", what, err)
		}
	}
}

func (c *checkout) element(testid string) *rod.Element {
	c.t.Helper()
	return c.frame().MustElement(`[data-testid="` + testid + `"]`)
}

func (c *checkout) value(testid string) string { return c.element(testid).MustProperty("value").Str() }

func (c *checkout) fill(values map[string]string) {
	c.t.Helper()
	names := []string{"email", "postal_code"} // first: others are shown after them
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if text, ok := values[name]; ok {
			c.element(name).MustWaitVisible().MustSelectAllText().MustInput(text)
		}
	}
}

// waitTyped waits until the fake knows what was typed.
func (c *checkout) waitTyped(want map[string]string) {
	c.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got := c.host.order(c.id).Fake.Typed
		missing := maps.Clone(want)
		maps.DeleteFunc(missing, func(name, text string) bool { return got[name] == text })
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			c.t.Fatalf("the fake does not know %v", missing)
		}
	}
}

func (c *checkout) waitTotal(want string) {
	c.t.Helper()
	c.waitFrame("the total "+want, `(want) => document.querySelector('[data-testid="total"]').textContent.replaceAll("\u00a0", " ") === want`, want)
}

// waitEvent waits for an event at the host and returns its data as JSON, that
// of the last one when there were several.
func (c *checkout) waitEvent(name string) string {
	c.t.Helper()
	c.Wait("event "+name, `(name) => events.some(([event]) => event === name)`, name)
	return c.MustEval(`(name) => JSON.stringify(events.findLast(([event]) => event === name)[1])`, name).Str()
}

func (c *checkout) count(event string) int {
	return c.MustEval(`(name) => events.filter(([event]) => event === name).length`, event).Int()
}

// waitRefusal waits for the text above the button.
func (c *checkout) waitRefusal(want string) {
	c.t.Helper()
	c.waitFrame("the refusal "+want, `(want) => document.getElementById("refusal").textContent === want`, want)
}

// buy presses the button and waits for the confirmation page.
func (c *checkout) buy() {
	c.t.Helper()
	c.element("pay").MustClick()
	c.Wait("the confirmation page", `() => location.pathname === "/confirmation"`)
}

var swede = map[string]string{
	"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada", "family_name": "Lindqvist",
	"street_address": "Hamngatan 4", "city": "Stockholm", "phone": "070 123 45 67",
}

// get returns status, header and body of a GET with the headers given.
func (h *host) get(url string, header map[string]string) (int, http.Header, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodGet, url, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(body)
}

// pressPay presses the button once the frame has nothing else to do.
func (c *checkout) pressPay() {
	c.t.Helper()
	c.settled()
	c.element("pay").MustClick()
}

// settled waits until all that the shopper did has been answered.
func (c *checkout) settled() {
	c.t.Helper()
	c.waitFrame("everything to be answered", `() => !document.body.classList.contains("working") && !document.getElementById("pay").ariaDisabled`)
}
