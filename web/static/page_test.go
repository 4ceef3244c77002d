package static_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/go-rod/rod/lib/input"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/web/static"
	"github.com/shopd/shopd/web/templates"
)

// One member of a change is refused: the page says why, shows what is true, and sends the rest.
func TestRefused(t *testing.T) {
	refused := func(code, extra string) reply {
		return status(422, false, `{"error":{"code":"`+code+`","message":"From the shop.","request_id":"r"}`+extra+`}`)
	}
	const plus, both = `click("MUG-1:plus")`, `click("MUG-1:plus"); click("JAM-1:plus")`
	code := func(code string) string {
		return `type("discount:code", "` + code + `"); click("discount:apply")`
	}
	for _, tt := range []struct {
		name, play string
		reply      reply
		note       string
		mug        string
		want       []string
	}{
		{"sold out", plus, refused("sold_out", `,"sku":"MUG-1","left":0`), "Sold out: Thing MUG-1. Remove it to continue.Remove", "2", []string{"order-1 MUG-1=3"}},
		{"sold out, another line in the same request", both, refused("sold_out", `,"sku":"MUG-1","left":0`), "Sold out: Thing MUG-1. Remove it to continue.Remove", "2",
			[]string{"order-1 JAM-1=2 MUG-1=3", "order-1 JAM-1=2"}},
		{"fewer left", plus + ";" + plus, refused("sold_out", `,"sku":"MUG-1","left":3`), "Only 3 left.Close", "3", []string{"order-1 MUG-1=4", "order-1 MUG-1=3"}},
		{"fewer left, another line in the same request", both, refused("sold_out", `,"sku":"MUG-1","left":1`), "Only 1 left.Close", "1",
			[]string{"order-1 JAM-1=2 MUG-1=3", "order-1 JAM-1=2 MUG-1=1"}},
		{"limit", plus, refused("quantity_limit", `,"sku":"MUG-1"`), "99 is the most.Close", "2", []string{"order-1 MUG-1=3"}},
		{"unknown article", plus, refused("unknown_sku", `,"sku":"MUG-1"`), "We do not sell that.Close", "2", []string{"order-1 MUG-1=3", "order-1"}},
		{"unknown article, another line in the same request", both, refused("unknown_sku", `,"sku":"MUG-1"`), "We do not sell that.Close", "2",
			[]string{"order-1 JAM-1=2 MUG-1=3", "order-1 JAM-1=2"}},
		{"bad request", plus, refused("bad_request", ``), "From the shop.Close", "2", []string{"order-1 MUG-1=3"}},
		{"an article that was not sent", both, refused("sold_out", `,"sku":"BOK-1","left":0`), "From the shop.Close", "2", []string{"order-1 JAM-1=2 MUG-1=3"}},
		{"unknown code", code("FOG11"), refused("bad_discount_code", ``), "Unknown code FOG11.", "2", []string{"order-1 code=FOG11"}},
		{"unknown code, a line in the same request", plus + ";" + code("FOG11"), refused("bad_discount_code", ``), "Unknown code FOG11.", "3",
			[]string{"order-1 MUG-1=3 code=FOG11", "order-1 MUG-1=3"}},
		{"Klarna refuses the order", plus, status(502, true, `{"error":{"code":"order_refused","message":"m","request_id":"7Q2K"},"cart_revision":REVISION,"summary_html":SUMMARY}`),
			"Not available. Reference 7Q2KBack to cart", "3", []string{"order-1 MUG-1=3"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			s.next(tt.reply)
			c := s.open(t, brisk)
			c.Expect("Failed to load resource")
			c.MustEval(`() => {
				const find = (key) => document.querySelector('[data-key="' + key + '"]');
				const click = (key) => find(key).click();
				const type = (key, value) => { find(key).value = value; find(key).dispatchEvent(new Event("input", { bubbles: true })) };
				` + tt.play + `
			}`)
			c.settled()
			if got := c.text("[data-messages] .note, .field .err"); got != tt.note {
				t.Errorf("note = %q, want %q", got, tt.note)
			}
			if got := c.text("#live-alert"); tt.note != "" && (got == "" || !strings.HasPrefix(tt.note, got)) {
				t.Errorf("read out = %q", got)
			}
			if got := c.field("MUG-1:quantity"); got != tt.mug {
				t.Errorf("field = %q, want %q", got, tt.mug)
			}
			if strings.Contains(tt.note, "Unknown code") {
				field := c.MustElement("[data-key='discount:code']")
				if got := *field.MustAttribute("aria-invalid") + " " + c.field("discount:code"); got != "true FOG11" {
					t.Errorf("code field = %q, want it invalid and as typed", got)
				}
			}
			if diff := cmp.Diff(tt.want, s.seen()); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
			if got, want := c.calls(), "suspend resume"; got != want {
				t.Errorf("iframe = %q, want %q", got, want)
			}
		})
	}
}

// A new order's snippet works under the policy, and the page goes on with the new iframe.
func TestReplaced(t *testing.T) {
	s := newShop(t)
	s.next(replaced)
	c := s.open(t, "")
	c.press("MUG-1:plus")
	c.Wait("the new snippet's script", `() => klarna.name === "second"`)
	c.settled()
	if got, want := c.text("#kco .frame"), "second"; got != want {
		t.Errorf("container = %q, want %q", got, want)
	}
	if got, want := c.MustEval(`() => getComputedStyle(document.querySelector("#kco .frame")).color`).Str(), "rgb(1, 2, 3)"; got != want {
		t.Errorf("the snippet's style gives %s, want %s", got, want)
	}
	if c.MustHas("#kco iframe") {
		t.Error("what was in noscript is live")
	}
	if got, want := c.text("[data-note=renewed]"), "Renewed. Check your details.Close"; got != want {
		t.Errorf("note = %q, want %q", got, want)
	}
	if got := c.calls(); got != "" {
		t.Errorf("the new iframe was told %q, want nothing", got)
	}
	c.press("MUG-1:plus")
	c.settled()
	if got, want := c.calls(), "suspend resume"; got != want {
		t.Errorf("the new iframe was told %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"order-1 MUG-1=3", "order-2 MUG-1=4"}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
	c.MustEval(`() => klarna.on.redirect_initiated(true)`)
	c.press("MUG-1:plus")
	c.settled()
	if got, want := c.calls(), "suspend resume"; got != want {
		t.Errorf("after redirect_initiated the iframe was told %q, want %q", got, want)
	}
}

func TestReplacedWhileMoreWaits(t *testing.T) {
	s := newShop(t)
	s.next(after(300*time.Millisecond, replaced))
	c := s.open(t, "")
	c.press("MUG-1:plus")
	time.Sleep(200 * time.Millisecond)
	c.press("MUG-1:plus")
	c.Wait("the new snippet's script", `() => klarna.name === "second"`)
	c.settled()
	if got, want := c.calls(), "suspend resume"; got != want {
		t.Errorf("the new iframe was told %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"order-1 MUG-1=3", "order-2 MUG-1=4"}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
}

// The shop sends the page elsewhere.
func TestNavigate(t *testing.T) {
	to := func(path string) reply { return status(409, true, `{"redirect":"`+path+`"}`) }
	for _, tt := range []struct{ name, play, to, want string }{
		{"bought", `click("MUG-1:plus")`, "/checkout/confirmation?order_id=order-1", "/checkout/confirmation?order_id=order-1"},
		{"emptied", `click("JAM-1:remove"); click("MUG-1:remove")`, "/cart", "/cart"},
		{"emptied, one removed", `click("MUG-1:remove")`, "/cart", "/cart?removed=MUG-1&quantity=2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShop(t)
			s.next(to(tt.to))
			c := s.open(t, "")
			c.Expect("409")
			c.MustEval(`() => { const click = (key) => document.querySelector('[data-key="' + key + '"]').click(); ` + tt.play + ` }`)
			c.Wait("the other page", `() => location.pathname !== "/checkout" && document.querySelector("h1")`)
			if got := c.MustEval(`() => location.pathname + location.search`).Str(); got != tt.want {
				t.Errorf("at %q, want %q", got, tt.want)
			}
		})
	}
	t.Run("undone before the answer", func(t *testing.T) {
		s := newShop(t)
		s.next(after(400*time.Millisecond, to("/cart")))
		c := s.open(t, "")
		c.Expect("409")
		c.press("MUG-1:remove")
		time.Sleep(250 * time.Millisecond)
		c.press("undo")
		c.settled()
		if got, want := c.MustEval(`() => location.pathname`).Str(), "/checkout"; got != want {
			t.Errorf("at %q, want %q", got, want)
		}
		if got := s.quantity("MUG-1"); got != 2 {
			t.Errorf("cart = %d, want 2", got)
		}
	})
}

// What Klarna's iframe tells leads to a sync when something new was said, and never to a loop.
func TestKlarnaEvents(t *testing.T) {
	const loaded = `klarna.on.load({ customer: { type: "person" }, shipping_address: { country: "swe", postal_code: "11147" } });`
	const sync = "order-1"
	for _, tt := range []struct {
		name, play string
		want       []string
		calls      string
		note       string
	}{
		{name: "loading", play: loaded + `
			klarna.on.billing_address_change({ country: "swe", postal_code: "11147", email: "a@example.com" });
			klarna.on.shipping_address_change({ country: "swe", postal_code: "11147" });
			klarna.on.shipping_option_change({});
			klarna.on.shipping_option_change({ id: "mailboat", price: 4900 });
			klarna.on.order_total_change({ order_total: 47600 })`},
		{name: "events before load", play: `klarna.on.billing_address_change({ country: "swe", postal_code: "11147" });` + loaded},
		{name: "another name or e-mail", play: loaded + `klarna.on.billing_address_change({ country: "swe", postal_code: "11147", email: "b@example.com" })`},
		{name: "another address", play: loaded + `
			klarna.on.billing_address_change({ country: "swe", postal_code: "41103" });
			klarna.on.shipping_address_change({ country: "swe", postal_code: "41103" })`, want: []string{sync}},
		{name: "another country", play: loaded + `klarna.on.shipping_address_change({ country: "nor", postal_code: "11147" })`, want: []string{sync}},
		{name: "another delivery", play: loaded + `klarna.on.shipping_option_change({ id: "mailboat" }); klarna.on.shipping_option_change({ id: "express" })`, want: []string{sync}},
		{name: "another total, and the shop's is the truth: the iframe reads again", play: loaded + `
			klarna.resumed = () => klarna.on.order_total_change({ order_total: 47600 });
			klarna.on.order_total_change({ order_total: 99900 })`, want: []string{sync}, calls: "suspend resume"},
		{name: "another total that stays: asked once, told once", play: loaded + `
			klarna.resumed = () => klarna.on.order_total_change({ order_total: 99900 });
			klarna.on.order_total_change({ order_total: 99900 })`, want: []string{sync}, calls: "suspend resume"},
		{name: "totals that change for ever: each asked for once", play: loaded + `
			let next = 0;
			klarna.resumed = () => klarna.on.order_total_change({ order_total: [99900, 88800][next++ % 2] });
			klarna.resumed()`, want: []string{sync, sync}, calls: "suspend resume suspend resume"},
		{name: "no method", play: loaded + `klarna.on.can_not_complete_order({})`, want: []string{sync + " declined"}, note: "No way to pay. Try another address.Close"},
		{name: "nonsense", play: `klarna.on.load(); klarna.on.billing_address_change(); klarna.on.shipping_option_change(); klarna.on.order_total_change(); klarna.on.order_total_change({ order_total: "1" })`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			c := s.open(t, brisk)
			other := s.openIn(t, c.Tab(), brisk)
			c.MustEval(`() => { klarna.calls.length = 0; ` + tt.play + ` }`)
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end) && (!cmp.Equal(tt.want, s.seen()) || c.calls() != tt.calls); {
				time.Sleep(20 * time.Millisecond)
			}
			time.Sleep(400 * time.Millisecond) // for what must not come
			if diff := cmp.Diff(tt.want, s.seen()); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
			if got := c.calls(); got != tt.calls {
				t.Errorf("iframe = %q, want %q", got, tt.calls)
			}
			if got := c.text("[data-messages] .note, .field .err"); got != tt.note {
				t.Errorf("note = %q, want %q", got, tt.note)
			}
			if got := c.text("[data-status]") + c.text("#live-status"); got != "" {
				t.Errorf("status %q, want none", got)
			}
			if got := other.calls(); got != "" {
				t.Errorf("the other tab's iframe was told %q: a sync was announced", got)
			}
		})
	}
}

// A total that the iframe had before is asked for again once both have agreed on another.
func TestTotalsComeAgain(t *testing.T) {
	s := newShop(t)
	c := s.open(t, brisk)
	for i, code := range []string{"FOG10", "", "FOG10", ""} {
		s.mu.Lock()
		s.code = code
		s.revision++
		total := s.total()
		s.mu.Unlock()
		c.MustEval(`(total) => klarna.on.order_total_change({ order_total: total })`, total)
		c.Wait("the summary to follow", `(total) => document.querySelector("dl [data-total]").dataset.amount === total`, fmt.Sprint(total))
		if n := len(s.seen()); n != i+1 {
			t.Errorf("%d updates, want %d", n, i+1)
		}
	}
	if got := c.calls(); got != "" {
		t.Errorf("the iframe was told %q", got)
	}
}

// A sync that Klarna's iframe causes confirms a total that was not.
func TestKlarnaEventConfirms(t *testing.T) {
	s := newShop(t)
	s.next(saved)
	c := s.open(t, "")
	c.Expect("503")
	c.press("MUG-1:plus")
	c.Wait("the note", `() => document.querySelector("[data-note=problem]")`)
	c.settled()
	c.MustEval(`() => klarna.on.order_total_change({ order_total: 99900 })`)
	c.Wait("the confirmed total", `() => !document.querySelector("[data-note=problem], [data-unconfirmed]") && !document.getElementById("order-summary").dataset.state`)
}

// The market panel goes by the update; another language makes the page anew.
func TestMarket(t *testing.T) {
	s := newShop(t)
	c := s.open(t, "")
	choose := func(country, language string) {
		t.Helper()
		c.MustEval(`(country, language) => {
			const form = document.querySelector("form[data-market]");
			document.getElementById("market-panel").open = true;
			form.elements.country.value = country;
			form.elements.language.value = language;
			form.requestSubmit();
		}`, country, language)
	}
	choose("NO", "en")
	c.settled()
	if got, want := c.text("[data-market-label]"), "Norway, NOK"; got != want {
		t.Errorf("label = %q, want %q", got, want)
	}
	if c.MustEval(`() => document.getElementById("market-panel").open`).Bool() {
		t.Error("the panel is still open")
	}
	choose("NO", "nb")
	c.Wait("the page made anew", `() => location.search === "?market=changed" && document.querySelector("h1")`)
	c.start("")
	choose("SE", "nb") // not spoken there: the country's own
	c.Wait("the answer", `() => document.querySelector("h1") && !window.queue`)
	if diff := cmp.Diff([]string{"order-1 NO en-NO", "order-1 NO nb-NO", "order-1 SE sv-SE"}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
}

// moved is a country that the shopper chose in the iframe: Klarna has told the shop.
func (s *shop) moved(country, locale string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.country, s.locale = country, locale
	s.revision++
}

// A country chosen in the iframe comes to the page by one sync, and holds the
// iframe for nothing; the shop is told what the page showed, so that it can say
// what is new.
func TestMarketOfTheIframe(t *testing.T) {
	s := newShop(t)
	c := s.open(t, brisk)
	c.MustEval(`() => klarna.on.load({ customer: { type: "person" }, shipping_address: { country: "swe", postal_code: "11147" } })`)
	move := func(country, locale, alpha3 string) {
		s.moved(country, locale)
		c.MustEval(`(country, total) => {
			klarna.on.order_total_change({ order_total: total });
			klarna.on.billing_address_change({ country, postal_code: "11147" });
			klarna.on.shipping_address_change({ country, postal_code: "11147" });
		}`, alpha3, s.total())
	}
	move("NO", "en-NO", "nor")
	c.Wait("the label", `() => document.querySelector("[data-market-label]").textContent === "Norway, NOK"`)
	if got := c.MustEval(`() => document.querySelector("form[data-market]").elements.country.value`).Str(); got != "NO" {
		t.Errorf("the panel's country is %q, want NO", got)
	}
	if got := c.calls(); got != "" {
		t.Errorf("the iframe was told %q", got)
	}
	c.press("MUG-1:plus")
	c.settled()
	move("SE", "sv-SE", "swe")
	c.Wait("the page in the other language", `() => location.search === "?market=delivery" && document.documentElement.lang === "sv-SE"`)
	var shown []string
	for _, u := range s.updates {
		shown = append(shown, u.ShownCountry)
	}
	if diff := cmp.Diff([]string{"SE", "NO", "NO"}, shown); diff != "" {
		t.Errorf("shown countries (-want +got):\n%s", diff)
	}
}

func TestDiscount(t *testing.T) {
	s := newShop(t)
	c := s.open(t, "")
	c.press("discount:apply")
	if got, want := c.focused(), "discount:code"; got != want {
		t.Errorf("focus after applying nothing = %q, want %q", got, want)
	}
	c.MustElement("[data-key='discount:code']").MustInput("FOG10")
	c.press("MUG-1:plus")
	c.settled()
	if got, want := c.field("discount:code"), "FOG10"; got != want {
		t.Errorf("typed, not applied = %q, want %q", got, want)
	}
	c.MustElement("[data-key='discount:code']").MustFocus()
	c.Keyboard.MustType(input.Enter)
	c.settled()
	if got, want := c.text("[data-region=discount]"), "FOG10: 10 kr off. Remove code"; got != want {
		t.Errorf("discount = %q, want %q", got, want)
	}
	if got, want := c.focused(), "discount:remove"; got != want {
		t.Errorf("focus = %q, want %q", got, want)
	}
	c.press("discount:remove")
	c.settled()
	if got := c.field("discount:code"); got != "" {
		t.Errorf("code field = %q, want it empty", got)
	}
	if got, want := c.focused(), "discount:code"; got != want {
		t.Errorf("focus = %q, want %q", got, want)
	}
	if diff := cmp.Diff([]string{"order-1 MUG-1=3", "order-1 code=FOG10", "order-1 code="}, s.seen()); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
}

// A page without an order or without Klarna's script does not break.
func TestNothingToDrive(t *testing.T) {
	s := newShop(t)
	c := s.open(t, "")
	c.MustEval(`() => { window._klarnaCheckout = undefined }`)
	c.press("MUG-1:plus")
	c.Wait("the answer", `() => document.querySelector("dl [data-total]").dataset.amount === "62500"`)
	c.Go(s.URL + "/elsewhere")
	if got := c.MustEval(`async () => { const { start } = await import("/static/checkout.js"); return start() === null }`); !got.Bool() {
		t.Error("started on a page without an order")
	}
}

// A page that can be the answer to a form is loaded anew by its own address, any other by the one that it has.
func TestPageAnew(t *testing.T) {
	t.Parallel()
	shell := shellIn("sv")
	session := shell
	session.Base = "/checkout/s/b-1"
	for _, tt := range []struct {
		page  templ.Component
		query any // nil: none
		want  string
	}{
		{templates.Cart(templates.CartView{Shell: shell}), nil, "/cart"},
		{templates.Free(templates.FreeView{Shell: shell}), "?market=changed", "/checkout?market=changed"},
		{templates.Free(templates.FreeView{Shell: session}), nil, "/checkout/s/b-1"},
		{templates.Checkout(templates.CheckoutView{Shell: shell}), "?market=changed", "/?market=changed"},
		{templates.Checkout(templates.CheckoutView{Shell: shell}), nil, "/?a=b"},
	} {
		c := show(t, browsertest.Options{}, tt.page)
		c.MustEval(`async (module, query) => {
			const { pageAnew } = await import(module);
			history.replaceState(null, "", "/?a=b");
			document.documentElement.dataset.old = "yes";
			setTimeout(() => pageAnew(query ?? undefined));
		}`, static.URL("page.js"), tt.query)
		c.Wait("the page anew", `() => !document.documentElement.dataset.old && document.readyState === "complete"`)
		if got := c.MustEval(`() => location.pathname + location.search`).Str(); got != tt.want {
			t.Errorf("it leads to %s, want %s", got, tt.want)
		}
	}
}
