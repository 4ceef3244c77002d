package static_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/a-h/templ"
	"github.com/go-rod/rod/lib/input"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/web/static"
	"github.com/shopd/shopd/web/templates"
)

// till is a shop whose checkout is Klarna Payments: the real markup and scripts, around an order of mugs at 100 kr,
// a library that does as the test says, and endpoints that keep what they are sent.
type till struct {
	t   *testing.T
	URL string

	mu       sync.Mutex
	page     templates.PaymentsPage
	country  string
	region   string
	untaxed  []string                 // postal codes
	asks     bool                     // delivery follows the postal code
	nowhere  string                   // the postal code to which nothing goes
	stuck    bool                     // it is the order's
	states   map[string]money.TaxRate // that goods are delivered to; nil: all
	mugs     int
	revision int64
	form     string
	methods  []templates.PaymentMethod
	options  string // of the script, a JavaScript expression
	replaces bool   // the next update answers with another session
	missing  bool   // the library, the next time it is asked for
	// What else the form asks for.
	types    []string // of customers
	buyer    string   // one of them
	separate bool     // another address for the goods
	phone    bool     // it is needed
	personal bool     // persons are asked for date of birth and identity number
	known    map[string]string
	ways     []templates.DeliveryOption
	notes    []templates.Note // beside the order, from the next answer on
	updates  []map[string]any
	orders   []map[string]any
	answers  []answer // to the next order calls, in order; then placed
}

// answer is one to an order call: a status with members, which replace REVISION and so on.
type answer func(u *till, w http.ResponseWriter, r *http.Request)

func newTill(t *testing.T, page templates.PaymentsPage) *till {
	u := &till{t: t, page: page, country: "SE", buyer: market.Person, mugs: 2, revision: 7, form: "session-1", methods: []templates.PaymentMethod{
		{Identifier: "pay_later", Name: "Pay in 30 days"}, {Identifier: "pay_now", Name: "Card"}, {Identifier: "pay_over_time", Name: "Pay in 3 parts"},
	}}
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.HandleFunc("GET /checkout/payments", func(w http.ResponseWriter, r *http.Request) { u.show(w, r, u.view(u.page)) })
	mux.HandleFunc("GET /checkout/payments/review", func(w http.ResponseWriter, r *http.Request) { u.show(w, r, u.view(templates.Review)) })
	mux.HandleFunc("GET /done", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!doctype html><link rel=icon href=data:,><h1>Done</h1>")
	})
	mux.HandleFunc("GET /api.js", func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		missing := u.missing
		u.missing = false
		u.mu.Unlock()
		if missing {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = w.Write([]byte(library))
	})
	mux.HandleFunc("POST /checkout/payments/update", u.update)
	mux.HandleFunc("POST /checkout/payments/place", u.place)
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections() // Chromium lets a request live on for 30 s after its page
		server.Close()
	})
	u.URL = server.URL
	return u
}

// library is Klarna's, as far as a page sees it: each call is kept in window.calls, with whether the browser would let
// it open a window, and answered by the next of window.results[name], else well. A result "wait" is never given,
// "throw" is thrown.
const library = `(() => {
	const good = {
		load: () => ({ show_form: true }),
		authorize: () => ({ approved: true, show_form: true, authorization_token: "token-" + ++window.tokens }),
	};
	good.reauthorize = good.finalize = good.authorize;
	Object.assign(window, { tokens: Number(sessionStorage.getItem("tokens")), calls: [], results: JSON.parse(sessionStorage.getItem("results") ?? "{}") });
	const call = (name) => (options, data, callback) => {
		const { container, ...rest } = options;
		calls.push({ name, options: rest, data: structuredClone(data), shown: container ? container.checkVisibility() : null, clicked: navigator.userActivation.isActive });
		const result = window.results[name]?.shift() ?? good[name]();
		sessionStorage.setItem("tokens", window.tokens);
		sessionStorage.setItem("results", JSON.stringify(window.results));
		if (container && !container.firstChild) container.append("Widget of " + rest.payment_method_category);
		if (result === "throw") {
			callback({ approved: false, show_form: false });
			throw new Error("thrown by the library");
		}
		if (result === "wait") window.answerWith = callback;
		else if (name === "load") setTimeout(callback, 10, result);
		else setTimeout(callback, 100, result);
	};
	window.Klarna = { Payments: {
		init({ client_token }) { calls.push({ name: "init", options: { client_token }, data: {} }) },
		load: call("load"), authorize: call("authorize"), reauthorize: call("reauthorize"), finalize: call("finalize"),
	} };
	window.klarnaAsyncCallback();
})();`

func (u *till) show(w http.ResponseWriter, r *http.Request, v templates.PaymentsView) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	var page bytes.Buffer
	if err := templates.Payments(v).Render(templ.WithNonce(r.Context(), nonce), &page); err != nil {
		u.t.Error(err)
	}
	// Started by a script of the test's, which gives it options and keeps its queue.
	start := `<script type="module" nonce="` + nonce + `">import { start } from "` + static.URL("payments.js") + `"; window.queue = start(` + u.options + `);</script>`
	own := regexp.MustCompile(`<script type="module" src="[^"]*/payments.js"[^>]*></script>`)
	if !own.Match(page.Bytes()) {
		u.t.Error("the page does not start its script")
	}
	_, _ = w.Write(own.ReplaceAllLiteral(page.Bytes(), []byte(start)))
}

func (u *till) view(page templates.PaymentsPage) templates.PaymentsView {
	u.mu.Lock()
	defer u.mu.Unlock()
	m, _ := skerry.Version().Markets.Lookup(u.country)
	if u.states != nil {
		m.SalesTax = u.states
	}
	fieldsOf := func(asked []market.Field, delivery bool) (fields []templates.AddressField) {
		for _, f := range asked {
			var options []templates.AddressOption
			for _, o := range f.Options {
				options = append(options, templates.AddressOption{Value: o.Value, Label: o.Name})
			}
			fields = append(fields, templates.AddressField{Name: f.Name, Autocomplete: f.Autocomplete, Pattern: f.Pattern, Value: u.known[f.Name],
				Optional: f.Optional, Digits: f.Digits, Length: f.Length, Options: options, Unreachable: f.Unreachable, Example: f.Example, Delivery: delivery})
		}
		return fields
	}
	details := templates.DetailsView{
		CustomerTypes: u.types, CustomerType: u.buyer, Fields: fieldsOf(append(m.AddressFields(), m.PhoneField(!u.phone)), false), Delivery: u.delivery(),
	}
	details.Person = fieldsOf(m.PersonFields(u.personal, u.personal), false)
	if len(u.types) > 0 {
		details.Company = fieldsOf(m.CompanyFields(), false)
	}
	if u.separate {
		details.DeliveryFields = fieldsOf(m.DeliveryFields(len(u.types) > 0), true)
	}
	return templates.PaymentsView{
		Shell: templates.Shell{Shop: templates.Shop{Name: "Skerry", Countries: []templates.Country{{Code: "SE", Currency: "SEK", Locales: []string{"sv-SE", "en-SE"}}, {Code: "US", Currency: "USD", Locales: []string{"en-US"}}}}, Locale: "en-" + u.country, Country: u.country, Currency: string(m.Currency), CartRevision: u.revision, CartIDHash: "c0ffee", Path: "/checkout/payments"},
		Order: u.order(), Page: page, Regional: m.Scheme == market.SalesTax, Region: u.region, Untaxed: u.untaxed, AsksPlace: u.asks, Details: details, Methods: u.methodsNow(), Session: u.session(), Form: u.form, ClientToken: u.form + "-token", Library: "/api.js",
	}
}

// order is what the summary shows. The caller holds the lock.
func (u *till) order() templates.Order {
	amount := func(n int) templates.Amount {
		return templates.Amount{Text: fmt.Sprintf("%d kr", n), Minor: int64(n) * 100}
	}
	return templates.Order{Items: u.mugs, Totals: templates.Totals{Goods: amount(100 * u.mugs), Total: amount(100 * u.mugs), VAT: "1 kr"},
		Lines: []templates.Line{{SKU: "MUG-1", Name: templates.Text{Text: "Enamel mug"}, Picture: "MUG-1.svg", Quantity: u.mugs, Stock: 9, UnitPrice: "100 kr", Total: amount(100 * u.mugs)}}}
}

// delivery are the ways of delivery.
func (u *till) delivery() templates.DeliveryView {
	return templates.DeliveryView{Voice: i18n.Voice{Lang: i18n.English}, Options: u.ways}
}

// methodsNow are the ways to pay: a company has the first alone.
func (u *till) methodsNow() []templates.PaymentMethod {
	if u.buyer == market.Organization {
		return u.methods[:1]
	}
	return u.methods
}

func (u *till) session() map[string]any {
	return map[string]any{"purchase_country": u.country, "order_amount": 10000 * u.mugs, "customer": map[string]any{"type": u.buyer}, "order_lines": []any{map[string]any{"name": "Enamel mug", "quantity": u.mugs}}}
}

// change is one in another tab.
func (u *till) change(mugs int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.mugs = mugs
	u.revision++
}

// ends makes the next update answer with another session.
func (u *till) ends() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.replaces = true
}

func (u *till) update(w http.ResponseWriter, r *http.Request) {
	sent := u.read(r)
	u.mu.Lock()
	u.updates = append(u.updates, sent)
	if sent["postal_code"] == u.nowhere && u.nowhere != "" {
		u.mu.Unlock()
		refusal(http.StatusUnprocessableEntity, "unreachable", nil)(u, w, r)
		return
	}
	if lines, ok := sent["lines"].([]any); ok {
		u.mugs = int(lines[0].(map[string]any)["quantity"].(float64))
		u.revision++
	}
	if region, ok := sent["region"].(string); ok {
		u.region = region
		u.revision++
	}
	if buyer, ok := sent["customer_type"].(string); ok {
		u.buyer = buyer
		u.revision++
	}
	if chosen, ok := sent["shipping_option"].(string); ok {
		for i := range u.ways {
			u.ways[i].Chosen = u.ways[i].ID == chosen
		}
		u.revision++
	}
	if country, ok := sent["country"].(string); ok {
		u.country = country
		u.revision++
	}
	if u.replaces {
		u.replaces, u.form = false, "session-2"
	}
	u.mu.Unlock()
	u.writeOrder(w, http.StatusOK, sent["form"] != u.form, nil)
}

// writeOrder answers with the order as it is now.
func (u *till) writeOrder(w http.ResponseWriter, status int, replaced bool, extra map[string]any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	var summary bytes.Buffer
	if err := templates.OrderSummary(templates.SummaryView{Voice: i18n.Voice{Lang: i18n.English}, Order: u.order(), Notes: u.notes}).Render(u.t.Context(), &summary); err != nil {
		u.t.Error(err)
	}
	var delivery strings.Builder
	if err := templates.DeliveryChoice(u.delivery()).Render(u.t.Context(), &delivery); err != nil {
		u.t.Error(err)
	}
	members := map[string]any{
		"delivery_html": delivery.String(), "payment_methods": u.methodsNow(),
		"form": u.form, "order_amount": 10000 * u.mugs, "order_tax_amount": 0, "purchase_country": u.country, "purchase_currency": "SEK", "locale": "en-" + u.country,
		"cart_revision": u.revision, "replaced": replaced, "summary_html": summary.String(), "session": u.session(), "unreached": u.stuck,
	}
	if replaced {
		members["client_token"] = u.form + "-token"
	}
	maps.Copy(members, extra)
	writeJSON(w, status, members)
}

func (u *till) place(w http.ResponseWriter, r *http.Request) {
	sent := u.read(r)
	u.mu.Lock()
	u.orders = append(u.orders, sent)
	var next answer
	if len(u.answers) > 0 {
		next, u.answers = u.answers[0], u.answers[1:]
	}
	u.mu.Unlock()
	if next != nil {
		next(u, w, r)
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"redirect": u.URL + "/done"})
}

func (u *till) read(r *http.Request) map[string]any {
	var sent map[string]any
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		u.t.Error(err)
	}
	return sent
}

// refusal is an error of the order endpoint.
func refusal(status int, code string, extra map[string]any) answer {
	return func(_ *till, w http.ResponseWriter, _ *http.Request) {
		members := map[string]any{"error": map[string]string{"code": code, "message": "m", "request_id": "r"}}
		maps.Copy(members, extra)
		writeJSON(w, status, members)
	}
}

// stale says that the order is another one by now.
func stale(code string) answer {
	return func(u *till, w http.ResponseWriter, _ *http.Request) {
		u.writeOrder(w, http.StatusConflict, false, map[string]any{"error": map[string]string{"code": code, "message": "m", "request_id": "r"}})
	}
}

// placed returns the tokens of the order calls with the amounts they were for: "token-1 20000".
func (u *till) placed() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	var placed []string
	for _, o := range u.orders {
		placed = append(placed, fmt.Sprint(o["authorization_token"], " ", o["order_amount"]))
	}
	return placed
}

// payer is somebody on that page.
type payer struct {
	*checkoutPage
}

// hasty is patience for tests of it.
const hasty = `{patience: {load: 3000}, placing: 3000, times: {spinner: 100, slow: 600, updated: 800, readOut: 200}}`

// open opens the checkout with an address typed in. results are those of the library, as JSON: {"authorize": […]}.
func (u *till) open(t *testing.T, results string) *payer {
	t.Helper()
	return u.openIn(t, browsertest.Open(t, browsertest.Options{}), results)
}

func (u *till) openIn(t *testing.T, page *browsertest.Page, results string) *payer {
	t.Helper()
	p := &payer{&checkoutPage{Page: page, t: t}}
	p.Go(u.URL + "/done")
	if results != "" {
		p.MustEval(`(results) => sessionStorage.setItem("results", results)`, results)
	}
	p.Go(u.URL + "/checkout/payments")
	p.loaded()
	p.write(ada)
	return p
}

var ada = map[string]string{"email": "ada@example.com", "given_name": "Ada", "family_name": "Lindqvist", "street_address": "Hamngatan 4", "postal_code": "111 47", "city": "Stockholm"}

// loaded waits until a widget is shown.
func (p *payer) loaded() {
	p.t.Helper()
	p.Wait("the widget", `() => window.calls?.some(({ name }) => name === "load") && !document.querySelector("[aria-busy]")`)
}

// write puts text in fields as typing does.
func (p *payer) write(fields map[string]string) {
	p.t.Helper()
	p.MustEval(`(fields) => { for (const [name, value] of Object.entries(fields)) {
		const field = document.getElementById(name);
		field.value = value;
		field.dispatchEvent(new Event("input", { bubbles: true }));
	} }`, fields)
}

// buy presses the button; the widget above it may still grow, and a mouse would miss it.
func (p *payer) buy() {
	p.t.Helper()
	p.MustElement("[data-buy]").MustFocus()
	p.Keyboard.MustType(input.Enter)
}

// rests waits until the page can be used again.
func (p *payer) rests() {
	p.t.Helper()
	p.Wait("the page to rest", `() => queue.state === "idle" && !document.querySelector("[data-buy]").ariaDisabled && !document.querySelector("[inert], [aria-busy]")`)
}

// done waits for the page that Klarna sends the browser to.
func (p *payer) done() {
	p.t.Helper()
	p.Wait("the end", `() => location.pathname === "/done"`)
}

// told says what the library was told since the page was opened: "init, load:pay_later 20000, authorize:pay_later 20000 address".
const told = `() => calls.map(({ name, options, data }) => [name + (options.payment_method_category ? ":" + options.payment_method_category : ""),
	data.order_amount, data.billing_address ? "address" : ""].filter(Boolean).join(" ")).join(", ")`

func (p *payer) told() string {
	p.t.Helper()
	return p.MustEval(told).Str()
}

// note returns the text of the note with an ID, "" when there is none.
func (p *payer) note(id string) string {
	p.t.Helper()
	return strings.TrimSpace(p.MustEval(`(id) => document.querySelector("[data-note=" + id + "]")?.innerText.replace(/\s+/g, " ") ?? ""`, id).Str())
}
