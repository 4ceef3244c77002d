package e2e_test

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/ysmood/gson"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// kco is Klarna's iframe.
const kco = "#klarna-checkout-iframe"

// watch runs in every document before its own scripts: Klarna's iframe tells the page around it when it stands still
// and when it moves again, and that page keeps the times in held: [from, to], to is missing while it still lasts.
const watch = `if (window === top) {
	window.held = [];
	addEventListener("message", ({data}) => {
		const open = held.find((h) => h.length === 1);
		if (data?.held === true && !open) held.push([performance.now()]);
		if (data?.held === false) open?.push(performance.now());
	});
} else {
	let was;
	const look = () => {
		const is = document.body?.classList.contains("suspended") ?? false;
		if (is !== was) parent.postMessage({held: is}, "*");
		was = is;
	};
	new MutationObserver(look).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["class"]});
	look();
}`

// shopper is somebody with a browser in a deployment.
type shopper struct {
	*browsertest.Page
	t *testing.T
	d *deployment
}

func (d *deployment) shopper(t *testing.T, o browsertest.Options) *shopper {
	t.Helper()
	o.AcceptLanguage = cmp.Or(o.AcceptLanguage, "en-SE")
	return d.watched(t, browsertest.Open(t, o))
}

// tab is one more tab of the same browser.
func (s *shopper) tab() *shopper {
	s.t.Helper()
	return s.d.watched(s.t, s.Tab())
}

func (d *deployment) watched(t *testing.T, p *browsertest.Page) *shopper {
	t.Helper()
	p.MustEvalOnNewDocument(watch)
	return &shopper{p, t, d}
}

// visit goes to a page of the shop.
func (s *shopper) visit(path string) {
	s.t.Helper()
	s.Go(s.d.url + path)
}

// addToCart puts a product in the cart from its page.
func (s *shopper) addToCart(sku string) {
	s.t.Helper()
	s.visit("/products/" + sku)
	s.click(".product form[data-add] button[type=submit]")
	s.Wait(sku+" in the cart", `() => document.querySelector(".toast")`)
}

// fill puts one of each in the cart, without the pages for that.
func (s *shopper) fill(skus ...string) {
	s.t.Helper()
	s.visit("/terms")
	for _, sku := range skus {
		s.post("/cart/lines", "sku="+sku)
	}
}

// post sends one of the shop's forms and fails the test when it is refused.
func (s *shopper) post(path, form string) {
	s.t.Helper()
	const send = `async (path, form) => (await fetch(path, {
		method: "POST", body: form, headers: {Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded"},
	})).status`
	if got := s.MustEval(send, path, form).Int(); got != 200 {
		s.t.Fatalf("POST %s %s = %d", path, form, got)
	}
}

// openCheckout goes to the checkout and waits for what the iframe shows.
func (s *shopper) openCheckout() {
	s.t.Helper()
	s.visit("/checkout")
	s.formShown()
}

// formShown waits until Klarna's form shows the order.
func (s *shopper) formShown() {
	s.t.Helper()
	s.waitFrame("the payment form", `() => document.querySelector("[data-testid=total]")?.dataset.amount && !document.querySelector("#checkout").hidden`)
}

// find returns the control with that data-key.
func (s *shopper) find(key string) *rod.Element {
	s.t.Helper()
	return s.MustElement(`[data-key="` + key + `"]`)
}

// click clicks the first element that fits, with the mouse, as soon as nothing covers it.
func (s *shopper) click(selector string) {
	s.t.Helper()
	at := s.pointOf(selector)
	s.Mouse.MustMoveTo(at.X, at.Y).MustClick(proto.InputMouseButtonLeft)
}

// press clicks the control with that data-key.
func (s *shopper) press(key string) {
	s.t.Helper()
	s.click(selectorOf(key))
}

func selectorOf(key string) string { return `[data-key="` + key + `"]` }

// pressFast clicks it several times in one step of the page: a mouse of the
// browser's protocol is slow on a slow machine, and the clicks are no burst then.
func (s *shopper) pressFast(key string, times int) {
	s.t.Helper()
	s.pointOf(selectorOf(key))
	s.MustEval(`(selector, times) => { for (let i = 0; i < times; i++) document.querySelector(selector).click(); }`, selectorOf(key), times)
}

// pointOf is where the first element that fits can be pressed, once it can. All is found in one step: the page may
// replace the element at any time.
func (s *shopper) pointOf(selector string) proto.Point {
	s.t.Helper()
	var at []float64
	s.eventually(40*time.Second, selector+" to be there to be pressed", func() bool {
		s.read(&at, `(selector) => {
			const element = document.querySelector(selector);
			element?.scrollIntoView({block: "nearest"});
			const {x, y, width, height} = element?.getBoundingClientRect() ?? {};
			const at = [x + width / 2, y + height / 2];
			return JSON.stringify(width && element.contains(document.elementFromPoint(...at)) ? at : []);
		}`, selector)
		return len(at) == 2
	})
	return proto.Point{X: at[0], Y: at[1]}
}

// inFrame evaluates a function in Klarna's iframe.
func (s *shopper) inFrame(function string, args ...any) (gson.JSON, error) {
	has, element, err := s.Has(kco)
	if err != nil || !has {
		return gson.New(nil), cmp.Or(err, error(&rod.ElementNotFoundError{}))
	}
	frame, err := element.Frame()
	if err != nil {
		return gson.New(nil), err
	}
	result, err := frame.Eval(function, args...)
	if err != nil {
		return gson.New(nil), err
	}
	return result.Value, nil
}

// waitFrame waits until a function answers something true in Klarna's iframe.
func (s *shopper) waitFrame(what, function string, args ...any) {
	s.t.Helper()
	s.eventually(40*time.Second, what, func() bool {
		got, err := s.inFrame("async (...args) => !!(await ("+function+")(...args))", args...)
		return err == nil && got.Bool()
	})
}

func (s *shopper) eventually(limit time.Duration, what string, holds func() bool) {
	s.t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("waited %s for: %s", limit, what)
		}
	}
}

// person is what a Swedish shopper types; the first two are asked for at once.
var person = map[string]string{
	"email": "ada@example.com", "postal_code": "111 47", "given_name": "Ada", "family_name": "Lovelace",
	"street_address": "Storgatan 1", "city": "Stockholm", "phone": "+46701234567",
}

// typeContact types e-mail and postal code in the iframe and waits until Klarna has them, and the page, which hears of
// another place, has asked the shop.
func (s *shopper) typeContact() {
	s.t.Helper()
	updates := `() => performance.getEntriesByType("resource").filter(({name}) => name.endsWith("/checkout/update")).length`
	before, elsewhere := s.MustEval(updates).Int(), s.order().Fake.Typed["postal_code"] != person["postal_code"]
	s.typeInFrame("email", "postal_code")
	if elsewhere {
		s.Wait("the page to ask the shop", `(before) => (`+updates+`)() > before`, before)
	}
	s.settled()
}

func (s *shopper) typeInFrame(fields ...string) {
	s.t.Helper()
	frame := s.Frame(kco)
	for _, name := range fields {
		frame.MustElement("[data-testid=" + name + "]").MustSelectAllText().MustInput(person[name])
	}
	s.eventually(40*time.Second, "what was typed is at Klarna", func() bool {
		typed := s.order().Fake.Typed
		return !slices.ContainsFunc(fields, func(name string) bool { return typed[name] != person[name] })
	})
}

// wantTyped fails the test unless e-mail and postal code stand in the iframe.
func (s *shopper) wantTyped() {
	s.t.Helper()
	s.waitFrame("what was typed still stands there", `(email, code) =>
		document.querySelector("[data-testid=email]")?.value === email && document.querySelector("[data-testid=postal_code]")?.value === code`,
		person["email"], person["postal_code"])
}

// buy types what is missing, presses the button in the iframe and waits for the confirmation page.
func (s *shopper) buy() {
	s.t.Helper()
	id := s.orderID()
	s.typeContact() // the other fields come after that
	s.typeInFrame("given_name", "family_name", "street_address", "city", "phone")
	s.Frame(kco).MustElement("[data-testid=pay]").MustClick()
	s.confirmed(id)
}

// confirmed waits for the confirmation page of an order that was bought.
func (s *shopper) confirmed(id string) {
	s.t.Helper()
	// What happened in the form just before may still be on its way: its update is answered with this page's address.
	s.Expect("409 (Conflict) (" + s.d.url + "/checkout/update")
	s.Wait("the confirmation page", `(id) => location.pathname + location.search === "/checkout/confirmation?order_id=" + id && document.querySelector("h1")`, id)
	if got, want := s.text("h1"), "Thank you for your order"; got != want {
		s.t.Errorf("heading = %q, want %q", got, want)
	}
	if order, _ := s.d.fake.Order(id); order.Status != fakeklarna.StatusComplete {
		s.t.Errorf("order at Klarna = %s", order.Status)
	}
}

// toOrderPage follows the confirmation's link, by script: Klarna's frame grows while it loads, and a mouse would miss.
func (s *shopper) toOrderPage() {
	s.t.Helper()
	s.MustEval(`() => { document.querySelector('a[href^="/orders/"]').click(); }`)
}

// orderID is the order whose iframe the page shows.
func (s *shopper) orderID() string {
	s.t.Helper()
	src, err := url.Parse(*s.MustElement(kco).MustAttribute("src"))
	if err != nil {
		s.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(src.Path, "/orders/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// order is the page's order as Klarna has it.
func (s *shopper) order() fakeklarna.Order {
	s.t.Helper()
	order, ok := s.d.fake.Order(s.orderID())
	if !ok {
		s.t.Fatalf("Klarna has no order %s", s.orderID())
	}
	return order
}

// calls are the API calls that the fake got, "method path" with the order's ID as *, since a number of them.
func (s *shopper) calls(since int) []string {
	var calls []string
	for _, r := range s.d.fake.Requests("")[since:] {
		path := r.Path
		if r.OrderID != "" {
			path = strings.Replace(path, r.OrderID, "*", 1)
		}
		calls = append(calls, r.Method+" "+path)
	}
	return calls
}

// The calls that a checkout makes.
const (
	createCall = "POST /checkout/v3/orders"
	readCall   = "GET /checkout/v3/orders/*"
	updateCall = "POST /checkout/v3/orders/*"
)

// settled waits until every change is answered, or was given up, and the iframe can be used.
func (s *shopper) settled() {
	s.t.Helper()
	s.settledWithin(10 * time.Second)
}

func (s *shopper) settledWithin(limit time.Duration) {
	s.t.Helper()
	s.WaitFor(limit, "the page to settle", `() => {
		const summary = document.getElementById("order-summary");
		const {state} = summary.dataset;
		return state !== "updating" && (state || !summary.querySelector("[data-pending]")) && held.every((h) => h.length === 2);
	}`)
}

// longestHold is how long the iframe stood still at most, on the page that is open now.
func (s *shopper) longestHold() time.Duration {
	s.t.Helper()
	ms := s.MustEval(`() => Math.max(0, ...held.map(([from, to = performance.now()]) => to - from))`).Num()
	return time.Duration(ms * float64(time.Millisecond))
}

// shown is what somebody says of an order.
type shown struct {
	Lines    map[string]int // SKU → quantity
	Total    int64          // minor units
	Currency string
}

// inCart is what the shop's cart says.
func (s *shopper) inCart() shown {
	s.t.Helper()
	var cart struct {
		Currency string
		Lines    []struct {
			SKU      string
			Quantity int
		}
		Total int64 `json:"total_amount"`
	}
	s.read(&cart, `async () => (await fetch("/cart", {headers: {Accept: "application/json"}})).text()`)
	is := shown{Lines: map[string]int{}, Total: cart.Total, Currency: cart.Currency}
	for _, line := range cart.Lines {
		is.Lines[line.SKU] = line.Quantity
	}
	return is
}

// atKlarna is what the page's order says.
func (s *shopper) atKlarna() shown {
	s.t.Helper()
	order := s.order()
	is := shown{Lines: map[string]int{}, Total: order.OrderAmount, Currency: strings.ToUpper(order.PurchaseCurrency)}
	for _, line := range order.OrderLines {
		if line.Type == "physical" || line.Type == "digital" {
			is.Lines[line.Reference] = int(line.Quantity)
		}
	}
	return is
}

// onPage is what the summary shows: fields, and the total of the iframe when that is the summary's, else -1.
func (s *shopper) onPage() shown {
	s.t.Helper()
	var is shown
	s.read(&is, `() => {
		const lines = {};
		for (const line of document.querySelectorAll("#order-summary [data-sku]")) {
			lines[line.dataset.sku] = Number(line.querySelector("[name=quantity]").value);
		}
		const total = document.querySelector("[data-region=totals] [data-total]").dataset.amount;
		return JSON.stringify({Lines: lines, Total: Number(total)});
	}`)
	var frame struct {
		Total    int64
		Currency string
	}
	got, err := s.inFrame(`() => JSON.stringify((({amount, currency}) => ({Total: Number(amount), Currency: currency}))(document.querySelector("[data-testid=total]").dataset))`)
	if err != nil {
		s.t.Fatalf("the iframe's total: %v", err)
	}
	if err := json.Unmarshal([]byte(got.Str()), &frame); err != nil {
		s.t.Fatal(err)
	}
	is.Currency = frame.Currency
	if frame.Total != is.Total {
		s.t.Errorf("total in the summary = %d, in the iframe %d", is.Total, frame.Total)
	}
	return is
}

// read evaluates a function that answers JSON.
func (s *shopper) read(v any, function string, args ...any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.MustEval(function, args...).Str()), v); err != nil {
		s.t.Fatal(err)
	}
}

// agree fails the test unless cart, Klarna's order, summary and iframe say the same; it returns what.
func (s *shopper) agree() shown {
	s.t.Helper()
	cart := s.inCart()
	if diff := gocmp.Diff(cart, s.atKlarna()); diff != "" {
		s.t.Errorf("cart and order at Klarna differ (-cart +Klarna):\n%s", diff)
	}
	if diff := gocmp.Diff(cart, s.onPage()); diff != "" {
		s.t.Errorf("cart and page differ (-cart +page):\n%s", diff)
	}
	return cart
}

// keepNode remembers the iframe's node; sameNode tells whether it is still the one on the page.
func (s *shopper) keepNode() {
	s.t.Helper()
	s.MustEval(`(kco) => { window.kept = document.querySelector(kco) }`, kco)
}

func (s *shopper) sameNode() bool {
	s.t.Helper()
	return s.MustEval(`(kco) => kept.isConnected && kept === document.querySelector(kco)`, kco).Bool()
}

// text is the visible text of the first element that fits, spaces made one; "" without one.
func (s *shopper) text(selector string) string {
	s.t.Helper()
	return s.MustEval(`(selector) => document.querySelector(selector)?.innerText.replace(/\s+/g, " ").trim() ?? ""`, selector).Str()
}
