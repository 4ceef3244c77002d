package pages_test

import (
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// See frontend_browser_test.go: what the browser reports fails these tests too.

// fakePage is one of the fake's own pages in a browser.
type fakePage struct {
	*browsertest.Page
	host *faketest.Host
}

func openFake(h *faketest.Host, path string, o browsertest.Options) *fakePage {
	h.T.Helper()
	p := &fakePage{browsertest.Open(h.T, o), h}
	p.load(path)
	return p
}

func (p *fakePage) load(path string) {
	p.host.T.Helper()
	p.Go(p.host.Fake.URL + "/fake/" + path)
}

// ready waits until the script has taken over.
func (p *fakePage) ready() *fakePage {
	p.host.T.Helper()
	p.Wait("the script", `() => document.documentElement.classList.contains("script")`)
	return p
}

// press clicks the button with the text.
func (p *fakePage) press(text string) {
	p.host.T.Helper()
	p.MustElementR("button", "^"+text+"$").MustClick()
}

func (p *fakePage) waitSaid(want string) {
	p.host.T.Helper()
	p.Wait("the page to say "+want, `(want) => (document.getElementById("said").textContent + document.getElementById("wrong").textContent).includes(want)`, want)
}

// New orders and new rows arrive by themselves; what the person has stays.
func TestPagesFollow(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	list := openFake(h, "", browsertest.Options{})
	list.MustElement(".empty")
	list.Audit("no orders", list.Page.Page)
	id := h.Create(nil)
	list.Wait("the first order", `(id) => document.querySelector("tbody tr[data-key='" + id + "']")`, id)

	p := openFake(h, "orders/"+id, browsertest.Options{}).ready()
	p.MustElementR("summary", "Response").MustClick()
	p.MustElementR("summary", "Type details").MustClick()
	p.MustElement("#type-city").MustInput("Lund")
	p.MustEval(`() => {
		window.kept = [...document.querySelectorAll(".log li")];
		scrollTo(0, 400);
		window.top = document.querySelector(".log details[open] pre").getBoundingClientRect().top;
	}`)
	for total := range 5 {
		h.Update(id, faketest.Amounts(int64(50_000+total*100)))
	}
	p.Wait("the rows", `() => document.querySelectorAll(".log li.call").length === 6`)
	p.Wait("the new total", `() => document.querySelector(".title").textContent.includes("504.00")`)
	got := p.MustEval(`() => ({
		rows: kept.every((row) => row.isConnected),
		open: document.querySelectorAll(".log details[open]").length,
		typed: document.getElementById("type-city").value,
		focus: document.activeElement.id,
		marked: document.querySelectorAll(".log li[data-arrived]").length,
	})`)
	if !got.Get("rows").Bool() || got.Get("open").Int() != 1 || got.Get("typed").Str() != "Lund" || got.Get("focus").Str() != "type-city" {
		t.Errorf("after new rows: %s", got.JSON("", ""))
	}
	list.Wait("the list to know", `() => document.querySelector("tbody").textContent.includes("504.00")`)
	p.Wait("the marks to go", `() => !document.querySelector("[data-arrived]")`)
}

// Pause holds everything as it is, until it is pressed again.
func TestPause(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.Create(nil)
	p := openFake(h, "orders/"+id, browsertest.Options{}).ready()
	witness := openFake(h, "orders/"+id, browsertest.Options{})
	p.press("Pause")
	p.Wait("the button to be pressed", `() => document.getElementById("pause").ariaPressed === "true"`)
	h.Update(id, faketest.Amounts(50_000))
	witness.Wait("another page to follow", `() => document.querySelectorAll(".log li.call").length === 2`)
	if n := len(p.MustElements(".log li.call")); n != 1 {
		t.Errorf("%d rows while paused, want 1", n)
	}
	// What the person does herself is shown all the same, and does not end the pause.
	p.press("500 once")
	p.Wait("the rows missed", `() => document.querySelectorAll(".log li.call").length === 2`)
	h.Call("/"+id, nil, 500)
	witness.Wait("another page to follow", `() => document.querySelectorAll(".log li.call").length === 3`)
	if n := len(p.MustElements(".log li.call")); n != 2 || p.MustEval(`() => document.getElementById("pause").ariaPressed`).Str() != "true" {
		t.Errorf("%d rows after an act while paused, want 2 and the pause to last", n)
	}
	p.press("Pause")
	p.Wait("the rows missed", `() => document.querySelectorAll(".log li.call").length === 3`)
}

// Buy, clock and faults from an order's page, without loading it anew.
func TestPageActions(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.Create(nil)
	p := openFake(h, "orders/"+id, browsertest.Options{}).ready()
	p.Expect("422")

	p.press("500 once")
	p.waitSaid("The rule waits for its call.")
	p.Wait("the rule and the count", `() => document.querySelector("aside .rules").textContent.includes("is answered 500") && document.querySelector(".count").textContent === "1"`)
	h.Call("/"+id, nil, 500)
	p.Wait("the rule to have had its hit", `() => !document.querySelector("aside .rules") && !document.querySelector(".count")`)
	p.press("Reset the connection")
	p.Wait("the rule", `() => document.querySelector("aside .rules")`)
	p.MustElement("aside .rules button").MustClick()
	p.waitSaid("The rule is removed.")

	p.press(`\+49 h`)
	p.Wait("the offset", `() => document.querySelector(".clock b").textContent === "+49 h"`)
	p.Wait("the order to expire", `() => document.querySelector(".title .badge").textContent === "expired"`)
	if n := len(p.MustElements("#persona")); n != 0 {
		t.Error("an expired order can be bought")
	}

	id = h.Create(nil)
	p.load("orders/" + id)
	p.ready().MustEval(`() => { window.same = true }`)
	p.press("Buy, then decline")
	p.waitSaid("Refused, declined.")
	p.MustElementR("summary", "Type details").MustClick()
	p.MustElement("#type-email").MustSelectAllText().MustInput("ada@example.com")
	p.press("Type these")
	p.waitSaid("Done, as the shopper.")
	p.Wait("the address", `() => document.querySelector("div.main").textContent.includes("ada@example.com")`)
	if got := p.MustEval(`() => document.activeElement.textContent`).Str(); got != "Type details…" {
		t.Errorf("focus after typing is on %q", got)
	}
	p.press("Buy")
	p.waitSaid("Bought.")
	p.Wait("the new status", `() => document.querySelector(".title .badge").textContent === "checkout_complete"`)
	if got := h.Order(id).Status; got != fakeklarna.StatusComplete {
		t.Errorf("status = %s", got)
	}
	if !p.MustEval(`() => window.same === true`).Bool() {
		t.Error("the page was loaded anew")
	}
	if got := p.MustEval(`() => document.activeElement !== document.body`).Bool(); !got {
		t.Error("focus is lost")
	}
}

// Forget everything asks first: the harmless button has the focus, Escape keeps.
func TestForgetDialog(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	h.Create(nil)
	p := openFake(h, "", browsertest.Options{}).ready()
	open := func() { p.MustElementR("footer a", "Forget everything").MustClick() }
	open()
	p.Wait("the dialog", `() => document.getElementById("forget").open && document.activeElement.textContent === "Keep"`)
	if got := p.MustElement("#forget p").MustText(); got != "1 order, 0 faults, clock back to now." {
		t.Errorf("text = %q", got)
	}
	p.Keyboard.MustType(input.Escape)
	p.Wait("the dialog to close", `() => !document.getElementById("forget").open && document.activeElement.textContent === "Forget everything…"`)
	open()
	p.MustElementR("#forget a", "Keep").MustClick()
	p.Wait("the dialog to close", `() => !document.getElementById("forget").open`)
	if len(h.Fake.Orders()) != 1 {
		t.Error("Keep has forgotten")
	}
	open()
	p.MustElementR("#forget button", "Forget everything").MustClick()
	p.MustElement(".empty")
	p.waitSaid("Everything is forgotten.")
}

// The keyboard is enough: to an order, to buy it, in an order that makes sense.
func TestPagesByKeyboard(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.Create(nil)
	p := openFake(h, "orders/"+id, browsertest.Options{}).ready()
	tabTo := func(text string) {
		t.Helper()
		for range 30 {
			p.Keyboard.MustType(input.Tab)
			if p.MustEval(`(text) => document.activeElement.textContent.trim() === text`, text).Bool() {
				if !p.MustEval(`() => { const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement); return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 }`).Bool() {
					t.Errorf("the focus on %s is not seen", text)
				}
				return
			}
		}
		t.Fatalf("no way to %s by Tab", text)
	}
	for _, text := range []string{"Skip to content", "fake-klarna", "Orders", "Clock", "Buy", "Type details…"} {
		tabTo(text)
	}
	p.Keyboard.MustType(input.Enter)
	p.Wait("the form", `() => document.querySelector("details.act").open`)
	p.MustEval(`() => document.querySelector("#main").focus()`)
	tabTo("Buy")
	p.Keyboard.MustType(input.Enter)
	p.waitSaid("Bought.")
}

// Without a script nothing is missing but the following.
func TestPagesWithoutScript(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.Create(nil)
	p := openFake(h, "orders/"+id, browsertest.Options{NoJS: true})
	// Where scripts are off, those by which rod waits before it clicks do not run.
	follow := func(selector string) {
		t.Helper()
		p.Load(func() { p.MustElement(selector).MustEval(`() => this.click()`) })
	}
	for _, selector := range []string{"#pause", ".copy"} {
		if p.MustElement(selector).MustEval(`() => this.checkVisibility()`).Bool() {
			t.Errorf("%s is seen although only a script could answer it", selector)
		}
	}
	follow("aside button.main")
	if got := p.MustElement("#said").MustEval(`() => this.textContent`).Str(); got != "Bought. The order is complete." {
		t.Errorf("said %q", got)
	}
	follow("footer [data-dialog]")
	follow("main button.danger")
	p.MustElement(".empty")
	if n := len(h.Fake.Orders()); n != 0 {
		t.Errorf("%d orders are left", n)
	}
}

// The iframe can be tried without any shop.
func TestCheckoutPageInBrowser(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	p := openFake(h, "orders/"+h.Create(nil)+"/checkout", browsertest.Options{})
	p.Wait("the iframe to be as high as its content", `() => parseFloat(document.querySelector("#klarna-checkout-iframe")?.style.height) > 300`)
	p.Frame(faketest.Iframe).MustElement(`[data-testid="email"]`).MustWaitVisible()
	p.Audit("the checkout", p.Page.Page)
	p.As(browsertest.Options{Phone: true})
	p.Audit("the checkout on a phone", p.Page.Page)
}

// Takes a picture of each page, and shows that none is wider than its screen, whatever the font,
// that targets are large enough, that nothing moves when it should not, and that axe-core finds no violation.
func TestPagesLook(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	id := h.Create(map[string]any{"merchant_reference1": strings.Repeat("SK-1", 30), "shipping_options": []map[string]any{
		{"id": "mailboat", "name": "Mail boat", "price": 4900, "tax_amount": 980, "tax_rate": 2500, "preselected": true},
	}})
	h.Update(id, faketest.Amounts(89400))
	h.Fake.AddFault(fakeklarna.Fault{OrderID: id, Status: 500})
	h.Call("/"+id, faketest.Amounts(44700), 500)
	h.Fake.Advance(2 * time.Hour)
	h.Fake.AddFault(fakeklarna.Fault{Method: "POST", Path: "/checkout/v3/orders/*/" + strings.Repeat("x", 80), OrderID: id, Count: -1, DropReply: true})
	bought := h.Create(map[string]any{"purchase_country": "NO", "purchase_currency": "NOK"})
	if _, err := h.Fake.Shopper(bought, fakeklarna.Action{Type: map[string]string{"email": "somebody.with.a.long.name@shop.example.com"}, Buy: &fakeklarna.Buy{}}); err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{"orders": "", "order": "orders/" + id, "bought": "orders/" + bought, "everything": "requests", "sessions": "sessions", "faults": "faults", "clock": "clock", "forget": "reset"}
	p := browsertest.Open(t, browsertest.Options{})
	show := func(path string) {
		p.Go(h.Fake.URL + "/fake/" + path)
		p.Wait("the script", `() => document.documentElement.classList.contains("script")`)
		p.MustEval(`() => document.querySelectorAll(".log li:first-of-type details, details.act").forEach((d) => { d.open = true })`)
	}
	for page, path := range pages {
		show(path)
		for _, o := range []browsertest.Options{{}, {ForcedColors: true}, {Width: 320}, {Phone: true, Dark: true}} {
			p.As(o)
			name := page + ", " + o.String()
			p.Picture(name)
			if over := p.MustEval(`() => document.documentElement.scrollWidth - innerWidth`).Int(); over > 0 {
				t.Errorf("%s is %d px wider than the screen", name, over)
			}
			small := p.MustEval(`() => [...document.querySelectorAll("a, button, input, select, summary")].filter((e) => {
				const {width, height} = e.getBoundingClientRect();
				const inSentence = e.matches("p:not(.pager) a") && e.closest("p").childNodes.length > 1;
				return e.checkVisibility() && !e.closest(".skip, label, dialog") && !inSentence && height > 0 && (width < 24 || height < 24);
			}).map((e) => e.outerHTML).join("\n")`).Str()
			if small != "" {
				t.Errorf("%s: smaller than 24 px:\n%s", name, small)
			}
			if o.Phone || o == (browsertest.Options{}) {
				p.Audit(name, p.Page)
			}
		}
		p.As(browsertest.Options{})
		if wide := p.TooWide(); wide != "" {
			t.Errorf("%s scrolls sideways:\n%s", page, wide)
		}
	}
	p.As(browsertest.Options{ReducedMotion: true})
	for page, path := range pages {
		show(path)
		if page == "orders" {
			h.Create(nil)
			p.Wait("a new row", `() => document.querySelector("[data-arrived]")`)
		}
		if n := p.MustEval(`() => document.getAnimations().length`).Int(); n != 0 {
			t.Errorf("%s: %d animations run although nobody wants them", page, n)
		}
	}
}
