package static_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

const (
	nonce  = "test-nonce"
	policy = "default-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
		"script-src 'nonce-" + nonce + "' 'strict-dynamic'; style-src 'self' 'nonce-" + nonce + "'"
)

// prices in minor units; their order is that of the lines.
var prices = map[string]int{"MUG-1": 14900, "JAM-1": 12900, "BOK-1": 22900}

// shop is as much of the storefront as the scripts see: a cart, the checkout page made of it, and the update.
type shop struct {
	t   *testing.T
	URL string

	mu       sync.Mutex
	order    string
	revision int
	lines    map[string]int
	code     string
	country  string
	locale   string
	stock    map[string]int // 99 where it has none
	replies  []reply        // for the next updates, in order; then good
	updates  []update
	basket   bool // the page is of a checkout session
	over     bool // which has ended, or was bought
	looks    int  // how often its page has looked
	slow     int  // how often the slow page was asked for
	running  int
	most     int // updates that ran at once
}

// update is a request to /checkout/update as it arrived.
type update struct {
	OrderID      string  `json:"order_id"`
	Lines        []line  `json:"lines"`
	Country      string  `json:"country"`
	Locale       string  `json:"locale"`
	Declined     bool    `json:"declined"`
	DiscountCode *string `json:"discount_code"`
	ShownCountry string  `json:"shown_country"`
}

type line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// reply answers an update instead of the shop, or after calling good.
type reply func(s *shop, w http.ResponseWriter, r *http.Request, u update)

func newShop(t *testing.T) *shop {
	s := &shop{t: t, order: "order-1", revision: 7, country: "SE", locale: "en-SE", lines: map[string]int{"MUG-1": 2, "JAM-1": 1}, stock: map[string]int{}}
	mux := http.NewServeMux()
	mux.Handle("/static/", http.StripPrefix("/static/", http.FileServerFS(os.DirFS("."))))
	mux.HandleFunc("GET /checkout", func(w http.ResponseWriter, _ *http.Request) { s.page(w, s.checkout()) })
	mux.HandleFunc("GET /elsewhere", func(w http.ResponseWriter, _ *http.Request) { s.page(w, `<main><h1>Elsewhere</h1></main>`) })
	mux.HandleFunc("GET /cart", func(w http.ResponseWriter, r *http.Request) { s.page(w, s.cart(r)) })
	mux.HandleFunc("GET /shelf", func(w http.ResponseWriter, r *http.Request) { s.page(w, s.shelf(r)) })
	mux.HandleFunc("GET /checkout/confirmation", func(w http.ResponseWriter, _ *http.Request) { s.page(w, `<main><h1>Thank you</h1></main>`) })
	mux.HandleFunc("GET /slow", s.slowPage)
	mux.HandleFunc("GET /checkout/state", s.state)
	mux.HandleFunc("POST /checkout/seen", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, map[string]int{}) })
	mux.HandleFunc("POST /checkout/update", s.update)
	mux.HandleFunc("POST /cart/lines", s.add)
	mux.HandleFunc("POST /cart/lines/{sku}", s.setLine)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections() // Chromium lets a request live on for 30 s after its page
		server.Close()
	})
	s.URL = server.URL
	return s
}

// next scripts the answers to the next updates.
func (s *shop) next(replies ...reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies = append(s.replies, replies...)
}

// seen returns the updates that arrived, each in one line: "order-1 JAM-1=0 MUG-1=3 code=FOG10 NO nb-NO".
func (s *shop) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var seen []string
	for _, u := range s.updates {
		parts := []string{u.OrderID}
		slices.SortFunc(u.Lines, func(a, b line) int { return strings.Compare(a.SKU, b.SKU) })
		for _, l := range u.Lines {
			parts = append(parts, fmt.Sprintf("%s=%d", l.SKU, l.Quantity))
		}
		if u.Declined {
			parts = append(parts, "declined")
		}
		if u.DiscountCode != nil {
			parts = append(parts, "code="+*u.DiscountCode)
		}
		if u.Country != "" {
			parts = append(parts, u.Country, u.Locale)
		}
		seen = append(seen, strings.Join(parts, " "))
	}
	return seen
}

func (s *shop) quantity(sku string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lines[sku]
}

// now returns the cart's revision.
func (s *shop) now() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.revision
}

// change is one by another tab.
func (s *shop) change(sku string, quantity int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines[sku] = quantity
	s.revision++
}

func (s *shop) update(w http.ResponseWriter, r *http.Request) {
	var u update
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	if err := body.Decode(&u); err != nil {
		s.t.Errorf("update body: %v", err)
	}
	s.mu.Lock()
	s.updates = append(s.updates, u)
	s.running++
	s.most = max(s.most, s.running)
	answer := reply(good)
	if len(s.replies) > 0 {
		answer, s.replies = s.replies[0], s.replies[1:]
	}
	s.mu.Unlock()
	answer(s, w, r, u)
	s.mu.Lock()
	s.running--
	s.mu.Unlock()
}

// apply stores a change as the server does and returns the new state.
func (s *shop) apply(u update) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range u.Lines {
		s.lines[l.SKU] = l.Quantity
	}
	if u.DiscountCode != nil {
		s.code = *u.DiscountCode
	}
	if u.Country != "" {
		s.country, s.locale = u.Country, u.Locale
	}
	if len(u.Lines) > 0 || u.DiscountCode != nil || u.Country != "" {
		s.revision++
	}
}

// good does as asked.
func good(s *shop, w http.ResponseWriter, _ *http.Request, u update) {
	s.apply(u)
	s.answer(w, nil)
}

// answer is a 200 with the shop's state; extra members replace its own.
func (s *shop) answer(w http.ResponseWriter, extra map[string]any) {
	s.mu.Lock()
	members := map[string]any{
		"order_id": s.order, "order_amount": s.total(), "order_tax_amount": 0, "purchase_currency": s.currency(),
		"purchase_country": s.country, "locale": s.locale, "cart_revision": s.revision, "replaced": false, "summary_html": s.summary(false),
	}
	s.mu.Unlock()
	maps.Copy(members, extra)
	writeJSON(w, http.StatusOK, members)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

func (s *shop) total() int {
	sum := 4900
	for sku, quantity := range s.lines {
		sum += prices[sku] * quantity
	}
	if s.code != "" {
		sum -= 1000
	}
	return sum
}

func (s *shop) currency() string {
	return map[string]string{"SE": "SEK", "NO": "NOK", "FI": "EUR"}[s.country]
}

func (s *shop) max(sku string) int {
	if left, ok := s.stock[sku]; ok {
		return left
	}
	return 99
}

// summary is the content of the order summary, as the server renders it. The caller holds the lock.
func (s *shop) summary(unconfirmed bool) string {
	var items int
	var rows strings.Builder
	for _, sku := range []string{"MUG-1", "JAM-1", "BOK-1"} {
		quantity := s.lines[sku]
		if quantity == 0 {
			continue
		}
		items += quantity
		fmt.Fprintf(&rows, `<li data-sku="%[1]s" data-name="Thing %[1]s" data-quantity="%[2]d" data-max="%[3]d">Thing %[1]s
<form action="/cart/lines/%[1]s" method="post"><div role="group" aria-label="Quantity, Thing %[1]s"><button type="button" data-key="%[1]s:minus">−</button>
<input name="quantity" inputmode="numeric" autocomplete="off" aria-label="Quantity" value="%[2]d" data-key="%[1]s:quantity"><button type="button" data-key="%[1]s:plus">+</button></div><button>Update</button></form>
<form action="/cart/lines/%[1]s" method="post"><input type="hidden" name="quantity" value="0"><button data-key="%[1]s:remove">Remove</button></form><div data-messages="%[1]s"></div></li>`,
			sku, quantity, s.max(sku))
	}
	discount := `<form data-discount action="/cart/discount" method="post"><div class="field"><label for="code">Discount code</label>
<div class="join"><input id="code" name="code" data-key="discount:code"><button data-key="discount:apply">Apply</button></div></div></form>`
	if s.code != "" {
		discount = `<form data-discount action="/cart/discount" method="post">` + html.EscapeString(s.code) +
			`: 10 kr off. <input type="hidden" name="code" value=""><button data-key="discount:remove">Remove code</button></form>`
	}
	mark := ""
	if unconfirmed {
		mark = `<span class="nc" data-unconfirmed>not confirmed</span>`
	}
	amount := s.total()
	return fmt.Sprintf(`<details data-collapse open><summary><h2>Your order <span data-region="count">%d items</span></h2><span data-status></span>
<span data-region="total-short"><span data-total data-amount="%[2]d">%[3]d kr</span></span></summary>
<ul data-region="lines">%[4]s</ul><div data-region="discount">%[5]s</div></details>
<div data-messages></div><div data-region="notes"></div>
<dl data-region="totals"><div><dt>Total</dt><dd data-total data-amount="%[2]d">%[3]d kr%[6]s</dd></div></dl>`,
		items, amount, amount/100, rows.String(), discount, mark)
}

func (s *shop) page(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(w, `<!doctype html><html lang="%s" class="no-js"><meta name="viewport" content="width=device-width"><title>Test</title><link rel="icon" href="data:,"><style nonce="`+nonce+`">[data-scroll] { max-height: 300px; overflow: auto }</style><body>%s
<div role="status" id="live-status"></div><div role="alert" id="live-alert"></div></body></html>`, s.locale, body)
}

func (s *shop) data(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	members := map[string]any{
		"order_id": s.order, "cart_revision": s.revision, "update_url": "/checkout/update", "cart_url": "/cart", "country": s.country, "cart_id_hash": "c0ffee", "texts": texts,
	}
	if s.basket {
		members["basket"] = map[string]any{"revision": 1, "state_url": "/checkout/state", "seen_url": "/checkout/seen"}
	}
	data, err := json.Marshal(members)
	if err != nil {
		s.t.Error(err)
	}
	return fmt.Sprintf(`<script type="application/json" id="%s">%s</script>`, id, data)
}

// checkout is the checkout page; the test starts its script.
func (s *shop) checkout() string {
	data := s.data("checkout-data")
	s.mu.Lock()
	defer s.mu.Unlock()
	return data + `<header><details id="market-panel"><summary><span data-market-label>Sweden, SEK</span></summary>
<form data-market action="/market" method="post"><select name="country"><option value="SE" data-locales="sv-SE en-SE">Sweden</option><option value="NO" data-locales="nb-NO en-NO">Norway</option></select>
<select name="language"><option value="en">English</option><option value="nb">Norsk</option></select><button>Change</button></form></details></header>
<main><h1>Checkout</h1><aside id="order-summary">` + s.summary(false) + `</aside><div id="kco">` + stub("first") + `</div><a href="/elsewhere">Back</a></main>`
}

// stub is a snippet whose API notes what it is told, in window.klarna.
func stub(name string) string {
	return `<div class="frame">` + name + `</div><style nonce="` + nonce + `">.frame { color: rgb(1, 2, 3) }</style><script nonce="` + nonce + `">
(() => {
  const klarna = { name: "` + name + `", calls: [], on: {}, held: false };
  const note = (call, argument) => klarna.calls.push({ call, at: performance.now(), argument: JSON.stringify(argument) });
  const api = {
    suspend(o) { note("suspend", o); klarna.held = true },
    resume() { note("resume"); klarna.held = false; klarna.resumed?.() },
    on(listeners) { Object.assign(klarna.on, listeners) },
  };
  (window.klarnas ??= []).push(klarna);
  window.klarna = klarna;
  window._klarnaCheckout ??= (use) => use(api);
})()</script>`
}

var texts = map[string]string{
	"updating": "Updating…", "still_updating": "Still updating.", "updated": "Updated", "total_read": "Total {0}, {1}.",
	"unconfirmed": "not confirmed", "try_again": "Try again", "close": "Close", "saved_title": "Saved, not confirmed.",
	"saved_body": "Nothing has been charged.", "offline_title": "The shop cannot be reached.", "offline_body": "Check your connection.",
	"left": "Only {0} left.", "few_left": "Only {0} left: {1}.", "unchanged": "Your cart is unchanged.", "limit": "99 is the most.", "number": "Enter a whole number from 0 to 99.",
	"sold_out_title": "Sold out: {0}.", "sold_out_body": "Remove it to continue.", "remove": "Remove", "removed": "Removed: {0}.",
	"undo": "Undo", "added": "Added: {0}.", "in_cart": "{0} in your cart.", "view_cart": "View cart", "renewed_title": "Renewed.",
	"renewed_body": "Check your details.", "other_tab_title": "Changed in another tab.", "other_tab_body": "This is the latest.",
	"bad_code": "Unknown code {0}.", "unknown_sku": "We do not sell that.", "no_method_title": "No way to pay.", "no_method_body": "Try another address.",
	"too_many_title": "Too many.", "too_many_body": "It tries again by itself.",
	"running_title": "A payment is under way.", "running_body": "Your change is saved.",
	"unavailable_title": "Not available.", "unavailable_body": "Reference {0}", "back_to_cart": "Back to cart",
}

// checkoutPage is the open page with its script started.
type checkoutPage struct {
	*browsertest.Page
	t *testing.T
}

// late is how much later than the limit (14 s) a busy machine may let the iframe go: it must not be held for 15 s.
const late = time.Second

// quick has a tenth of the real limits, so that what takes 12 s takes 1.2 s.
const quick = `{limits: {timeout: 1300, resumeAfter: 1200, neverLonger: 1400}, times: {spinner: 100, slow: 600, updated: 800, readOut: 200}, pause: 150}`

// brisk has the real limits, which no answer of these tests comes near, and short words.
const brisk = `{times: {spinner: 100, slow: 600, updated: 800, readOut: 200}, pause: 150}`

// open opens the checkout and starts its script with options, a JavaScript expression ("": the real durations).
func (s *shop) open(t *testing.T, options string) *checkoutPage {
	t.Helper()
	return s.openIn(t, browsertest.Open(t, browsertest.Options{}), options)
}

func (s *shop) openIn(t *testing.T, p *browsertest.Page, options string) *checkoutPage {
	t.Helper()
	c := &checkoutPage{Page: p, t: t}
	c.Go(s.URL + "/checkout")
	c.start(options)
	return c
}

func (c *checkoutPage) start(options string) {
	c.t.Helper()
	if options == "" {
		options = "{}"
	}
	c.MustEval(`async () => { const { start } = await import("/static/checkout.js"); window.queue = start(` + options + `) }`)
}

// click presses the control with a key, as many times as said, without waiting in between.
func (c *checkoutPage) click(key string, times int) {
	c.t.Helper()
	c.MustEval(`(key, times) => { for (let i = 0; i < times; i++) document.querySelector('[data-key="' + key + '"]').click() }`, key, times)
}

// press is a click by the mouse.
func (c *checkoutPage) press(key string) {
	c.t.Helper()
	c.MustElement(fmt.Sprintf("[data-key=%q]", key)).MustClick()
}

// settled waits until nothing is on its way.
func (c *checkoutPage) settled() {
	c.t.Helper()
	c.Wait("the queue to be idle", `() => queue.state === "idle" && !window.klarna.held`)
}

// calls returns what the iframe was told, oldest first: "suspend resume".
func (c *checkoutPage) calls() string {
	c.t.Helper()
	return c.MustEval(`() => klarna.calls.map(({ call }) => call).join(" ")`).Str()
}

func (c *checkoutPage) text(selector string) string {
	c.t.Helper()
	return c.MustEval(`(selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent).join("|")`, selector).Str()
}

func (c *checkoutPage) field(key string) string {
	c.t.Helper()
	return c.MustEval(`(key) => document.querySelector('[data-key="' + key + '"]')?.value ?? "gone"`, key).Str()
}

// focused returns the key, else the tag of the focused element.
func (c *checkoutPage) focused() string {
	c.t.Helper()
	return c.MustEval(`() => document.activeElement.dataset.key ?? document.activeElement.localName`).Str()
}

// longestHold returns for how long the iframe was held at most; it fails the test when a suspend had no resume.
func (c *checkoutPage) longestHold() time.Duration {
	c.t.Helper()
	longest := c.MustEval(`() => {
		let longest = 0;
		for (const { calls, name } of klarnas) {
			let since = -1;
			for (const { call, at } of calls) {
				if (call === "suspend" && since >= 0) throw new Error(name + ": suspended twice");
				if (call === "resume" && since < 0) throw new Error(name + ": resumed twice");
				if (call === "resume") longest = Math.max(longest, at - since);
				since = call === "suspend" ? at : -1;
			}
			if (since >= 0 && name === klarna.name) throw new Error(name + ": left suspended");
		}
		return longest;
	}`).Num()
	return time.Duration(longest * float64(time.Millisecond))
}
