package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// watch runs in every document before its own scripts: Klarna's iframe tells the page around it when it stands still
// and when it moves again, and that page keeps the times in held, and what it asks the shop in asked.
const watch = `if (window === top) {
	window.held = [];
	window.asked = [];
	const ask = fetch;
	window.fetch = async (to, how) => {
		const one = {path: new URL(to, location.href).pathname, from: performance.now()};
		asked.push(one);
		try { return await ask(to, how) } finally { one.to = performance.now() }
	};
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

// followed is how long an open page may take to show what the merchant says: it looks every 5 s.
const followed = 5*time.Second + 3*time.Second // and the machine is slow

// The form shows the order at this amount, and so does the page beside it.
const showsAmount = `(amount) => document.querySelector("[data-region=totals] [data-total]")?.dataset.amount === String(amount)`

var typed = [][2]string{
	{"email", "ada@example.com"}, {"postal_code", "111 47"}, {"given_name", "Ada"}, {"family_name", "Lovelace"},
	{"street_address", "Storgatan 1"}, {"city", "Stockholm"}, {"phone", "+46701234567"},
}

// hostedWorld is a shop with an API and a merchant's own site, on which the purchase begins and ends.
type hostedWorld struct {
	*shoptest.World
	caller
	site string
}

func newHosted(t *testing.T) *hostedWorld {
	t.Helper()
	return newHostedLike(t, func(*settings.Shop) {})
}

// newHostedLike is such a shop whose shop file says something else.
func newHostedLike(t *testing.T, change func(*settings.Shop)) *hostedWorld {
	t.Helper()
	t.Parallel() // they wait more than they work
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("onward"); to != "" {
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><html lang=en><title>t</title><link rel=icon href=data:,><p>of the merchant`)
	}))
	t.Cleanup(site.Close)
	w := world(t, func(c *shop.Config) {
		fake, _ := url.Parse(c.Klarna.URL)
		c.Klarna.BrowserOrigins = []string{fake.Scheme + "://" + fake.Host}
		sold := *skerry.Version().Shop
		change(&sold)
		c.Published = publish.Fixed(publish.NewVersion(1, &sold, skerry.Version().Catalog))
	})
	return &hostedWorld{w, calls(w), site.URL}
}

// puts says a session with these lines.
func (w *hostedWorld) puts(reference, lines string, status int, more ...string) api.Session {
	w.T.Helper()
	members := append([]string{
		`"country": "SE"`, `"locale": "en-SE"`, `"success_url": "` + w.site + `/thanks?basket={REFERENCE}"`, `"order_lines": [` + lines + `]`, pickup,
	}, more...)
	return w.want(w.put(reference, "{"+strings.Join(members, ", ")+"}"), status, "").Session
}

// hostedPage is the page of a session in a browser.
type hostedPage struct {
	*browsertest.Page
	w *hostedWorld
}

// opens opens the link of a session in a browser of its own.
func (w *hostedWorld) opens(t *testing.T, s api.Session) *hostedPage {
	t.Helper()
	p := &hostedPage{browsertest.Open(t, browsertest.Options{Width: 1280, Height: 900, AcceptLanguage: "en-SE"}), w}
	p.MustEvalOnNewDocument(watch)
	p.Go(s.URL)
	p.Wait("the page of the session", `(path) => location.pathname === path`, "/checkout/s/"+s.Reference)
	p.shows(s, 10*time.Second)
	return p
}

// shows waits until page and form show what a session costs.
func (p *hostedPage) shows(s api.Session, limit time.Duration) {
	p.w.T.Helper()
	p.WaitFor(limit, fmt.Sprintf("the page to show %d", s.OrderAmount), showsAmount, s.OrderAmount)
	p.WaitInFrame("#klarna-checkout-iframe", limit, fmt.Sprintf("the form shows %d", s.OrderAmount), `(amount) => !document.querySelector("#checkout").hidden &&
		document.querySelector("[data-testid=total]").dataset.amount === String(amount)`, s.OrderAmount)
	var names []string
	for _, line := range s.OrderLines {
		names = append(names, line.Name)
	}
	text := p.MustElement("#order-summary [data-region=lines]").MustText()
	for _, name := range names {
		if !strings.Contains(text, name) {
			p.w.T.Errorf("the summary has no %s:\n%s", name, text)
		}
	}
}

// form is the document in Klarna's iframe.
func (p *hostedPage) form() *rod.Page {
	p.w.T.Helper()
	return p.Frame("#klarna-checkout-iframe")
}

// orderID is the order whose form the page shows.
func (p *hostedPage) orderID() string {
	p.w.T.Helper()
	_, rest, _ := strings.Cut(*p.MustElement("#klarna-checkout-iframe").MustAttribute("src"), "/orders/")
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// fill types everything that the form asks for.
func (p *hostedPage) fill() {
	p.w.T.Helper()
	form := p.form()
	for _, field := range typed {
		form.MustElement("[data-testid=" + field[0] + "]").MustWaitVisible().MustInput(field[1]).MustBlur()
	}
	until.Holds(p.w.T, "Klarna has what was typed", func() bool {
		has := atKlarna(p.w.World, p.orderID()).Fake.Typed
		return !slices.ContainsFunc(typed, func(field [2]string) bool { return has[field[0]] != field[1] })
	})
	p.settled()
}

// settled waits until every change is answered and the form can be used.
func (p *hostedPage) settled() {
	p.w.T.Helper()
	p.Wait("the page to settle", `() => document.getElementById("order-summary")?.dataset.state !== "updating" && held.every((h) => h.length === 2)`)
}

// looksAway makes the page one that nobody sees, or one that is seen again: only then it looks for changes. A look that is
// under way is waited for, else it would see what comes next.
func (p *hostedPage) looksAway(away bool) {
	p.MustEval(`(away) => {
		if (away) Object.defineProperty(document, "visibilityState", {configurable: true, get: () => "hidden"});
		else delete document.visibilityState;
	}`, away)
	if away {
		p.Wait("the last look to end", "() => asked.every(({to}) => to)")
	}
}

// isEmpty demands that nothing that a shopper has typed stands in the form.
func (p *hostedPage) isEmpty() {
	t := p.w.T
	t.Helper()
	got := p.form().MustEval(`() => document.body.innerText + [...document.querySelectorAll("input")].map(({value}) => value).join("\n")`).Str()
	for _, field := range typed {
		if strings.Contains(got, field[1]) {
			t.Errorf("%s of somebody else is in the form:\n%s", field[0], got)
		}
	}
}

// pay presses the button in the form.
func (p *hostedPage) pay() { p.form().MustElement("[data-testid=pay]").MustClick() }

// paid waits for the merchant's page and demands one order for this amount.
func (p *hostedPage) paid(s api.Session) {
	t := p.w.T
	t.Helper()
	p.Wait("the merchant's page", `(address) => location.href === address`, p.w.site+"/thanks?basket="+s.Reference)
	sold := p.w.want(p.w.call("GET", "/checkout_sessions/"+s.Reference, ""), 200, "").Session
	if sold.Status != "complete" || sold.Order == nil || sold.OrderAmount != s.OrderAmount {
		t.Errorf("sold: %s %d, %+v; the page showed %d", sold.Status, sold.OrderAmount, sold.Order, s.OrderAmount)
	}
	if n := p.w.Number("select count(*) from orders where merchant_reference2 = $1", s.Reference); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// look demands that nothing is wider than the screen and that axe-core finds nothing, on a desk and on a phone.
func (p *hostedPage) look(name string) {
	t := p.w.T
	t.Helper()
	wide := browsertest.Options{Width: 1280, Height: 900}
	for _, o := range []browsertest.Options{{Phone: true}, wide} {
		p.As(o)
		p.Picture(name + ", " + o.String())
		p.Audit(name+", "+o.String(), p.Page.Page)
		if beyond := p.MustEval(`() => document.documentElement.scrollWidth - document.documentElement.clientWidth`).Int(); beyond > 0 {
			t.Errorf("%s, %s: scrolls sideways by %d px", name, o, beyond)
		}
	}
	if wide := p.TooWide(); wide != "" {
		t.Errorf("%s scrolls sideways:\n%s", name, wide)
	}
}

const ownMug = `{"id": "m", "name": "Mug with a handle", "quantity": 2, "unit_price": 1000, "tax_rate": 2500}`

// The merchant changes the basket while the page is open: it holds the form, follows, lets go and says that it has.
// Before that a purchase is refused, after that it is not. The shopper ends at the merchant's.
func TestHostedFollows(t *testing.T) {
	w := newHosted(t)
	p := w.opens(t, w.puts("b-1", tent, 201))
	p.look("hosted")
	p.fill()
	p.looksAway(true)
	id, holds := p.orderID(), p.MustEval(`() => held.length`).Int()
	more := w.puts("b-1", tent+", "+ownMug, 200)
	out, err := w.Fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused == nil || !strings.Contains(out.Refused.RedirectURL, "reason=cart_changed") {
		t.Fatalf("bought a total that nobody saw: %+v, %v", out, err)
	}
	p.looksAway(false)
	p.shows(more, followed)
	p.settled()
	p.Wait("the page to say what it shows", `() => asked.some(({path, to}) => to && path === "/checkout/s/b-1/seen")`)
	if did := p.MustEval(`(holds) => {
		const update = asked.findLast(({path}) => path === "/checkout/s/b-1/update");
		const seen = asked.find(({path}) => path === "/checkout/s/b-1/seen");
		const [hold, ...more] = held.slice(holds);
		const right = hold && !more.length && hold[0] < update.to && update.to < hold[1] && update.to < seen.from;
		return right ? "" : JSON.stringify({held, asked});
	}`, holds).Str(); did != "" {
		t.Errorf("it did not hold, read, let go and say so: %s", did)
	}
	if again := p.orderID(); again != id {
		t.Errorf("order %s has become %s", id, again)
	}
	p.look("hosted, followed")
	p.pay()
	p.paid(more)
}

// Who presses the button before the page has seen the change is told by the form, and who presses it again on the page with the
// new total, and buys then.
func TestHostedPressedTooEarly(t *testing.T) {
	w := newHosted(t)
	p := w.opens(t, w.puts("b-1", tent, 201))
	p.fill()
	p.looksAway(true)
	more := w.puts("b-1", tent+", "+ownMug, 200)
	p.pay()
	refused := `() => document.getElementById("refusal").textContent.startsWith("The total has changed")`
	p.WaitInFrame("#klarna-checkout-iframe", 10*time.Second, "the form to show the new total", refused)
	p.Load(p.pay)
	p.shows(more, 10*time.Second)
	if note := p.MustElement("#order-summary .note, main .note").MustText(); !strings.Contains(note, "changed") {
		t.Errorf("the page says %q", note)
	}
	p.look("hosted, pressed too early")
	p.settled()
	p.pay()
	p.paid(more)
}

// A second browser with the link gets the basket and an order of its own, in which nothing is typed, and so does the first
// one when it presses its button after that. One of them buys, once, and the other ends at the merchant's too.
func TestHostedSecondBrowser(t *testing.T) {
	w := newHosted(t)
	made := w.puts("b-1", tent, 201)
	first := w.opens(t, made)
	first.fill()
	mine := first.orderID()
	second := w.opens(t, made)
	theirs := second.orderID()
	second.isEmpty()
	if left := shoptest.ToAbort(t, w.KCO.LeftBehind); !slices.Equal(left, []string{mine}) {
		t.Errorf("%v are to be aborted, not %s", left, mine)
	}
	second.fill()
	first.Load(first.pay)
	first.shows(made, 10*time.Second)
	first.isEmpty()
	if third := first.orderID(); third == mine || third == theirs {
		t.Errorf("the first browser has order %s again", third)
	}
	first.fill()
	first.pay()
	first.paid(made)
	second.Expect("409")
	second.WaitFor(followed, "the second browser to leave", `(site) => location.href.startsWith(site)`, w.site)
}

// The page of a session for which nothing is to be paid follows it too: to Klarna's form, and to the merchant.
func TestHostedFreeFollows(t *testing.T) {
	w := newHosted(t)
	says := func(reference string, tents, status int) api.Session {
		return w.want(w.put(reference, fmt.Sprintf(`{"country": "SE", "locale": "en-SE", "success_url": "%[1]s/thanks", "cancel_url": "%[1]s/basket", "order_lines": [
			{"id": "t", "name": "Tent", "quantity": %[2]d, "unit_price": 1000, "tax_rate": 2500},
			{"id": "g", "type": "gift_card", "name": "Gift card", "quantity": 1, "unit_price": -1000, "tax_rate": 0}], "delivery_options": [
			{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500, "preselected": true}, {"id": "shop", "name": "In the shop", "price": 0, "tax_rate": 2500}]}`,
			w.site, tents)), status, "").Session
	}
	free := func(reference string) *hostedPage {
		p := w.opens(t, says(reference, 1, 201))
		if _, err := w.Fake.Shopper(p.orderID(), fakeklarna.Action{ShippingOption: "shop"}); err != nil {
			t.Fatal(err)
		}
		p.Go(w.URL + "/checkout/s/" + reference)
		p.Wait("the shop's own form", `() => document.querySelector("form#free")`)
		p.Expect("409")
		return p
	}
	changed, ended := free("b-1"), free("b-2")
	more := says("b-1", 3, 200)
	w.want(w.call("POST", "/checkout_sessions/b-2/expire", ""), 200, "")
	changed.shows(more, followed)
	ended.WaitFor(followed, "the merchant's basket", `(address) => location.href === address`, w.site+"/basket?reason=expired")
}

// A session that ends while its page is open leads back to the merchant, or to a page of the shop.
func TestHostedExpires(t *testing.T) {
	w := newHosted(t)
	one := w.opens(t, w.puts("b-1", tent, 201, `"cancel_url": "`+w.site+`/basket?x=1"`))
	two := w.opens(t, w.puts("b-2", tent, 201))
	for _, p := range []*hostedPage{one, two} {
		p.Expect("409", "404")
	}
	for _, reference := range []string{"b-1", "b-2"} {
		w.want(w.call("POST", "/checkout_sessions/"+reference+"/expire", ""), 200, "")
	}
	one.WaitFor(followed, "the merchant's basket", `(address) => location.href === address`, w.site+"/basket?x=1&reason=expired")
	two.WaitFor(followed, "the page that says it", `() => location.pathname === "/checkout/s/b-2" && document.querySelector("h1")?.textContent === "This checkout has ended"`)
	two.look("hosted, ended")
}
