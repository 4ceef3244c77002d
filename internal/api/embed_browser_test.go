package api_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/until"
)

// The whole way in the merchant's own page under a strict policy, wide and on a phone: the form follows its buttons, its
// server and its shopper, and says so; nobody pays what no form has shown; after the purchase Klarna's confirmation.
func TestEmbedded(t *testing.T) {
	m := newMerchant(t)
	p := m.opens("a", browsertest.Options{})
	p.showsTotal(1000)
	p.look("embedded")
	id := p.orderID()
	p.MustElement("#plus").MustClick()
	p.showsTotal(2000)
	p.told("change", `order_amount === 2000 && currency === "SEK" && revision === 2 && order_tax_amount === 400`)
	p.fill()
	p.told("address", `country === "SE" && postal_code === "111 47"`)
	p.form().MustElement(`input[type=radio][value=parcel]`).MustClick()
	p.showsTotal(9900)
	p.told("delivery", `id === "parcel" && price === 7900`)
	p.settled()

	p.looksAway(true)
	m.set(2)
	out, err := m.Fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	back := m.URL + "/checkout/back/"
	if err != nil || out.Refused == nil || !strings.HasPrefix(out.Refused.RedirectURL, back) {
		t.Fatalf("bought a total that nobody saw: %+v, %v", out, err)
	}
	other := m.browser(browsertest.Options{}) // the way back needs no cookie
	other.Go(out.Refused.RedirectURL)
	other.Wait("the merchant's checkout", `(to) => location.href === to`, m.site.URL+"/checkout?b=a&reason=cart_changed")
	other.mounted("yes")
	other.showsTotal(10900)
	p.looksAway(false)
	p.showsTotal(10900)
	p.told("change", `order_amount === 10900`)
	p.settled()
	if again := p.orderID(); again != id {
		t.Errorf("order %s has become %s", id, again)
	}
	if n := p.MustEval(`() => held.filter((h) => h.length !== 2 || h[1] - h[0] > 15000).length`).Int(); n > 0 {
		t.Errorf("%d times the form was not let go", n)
	}
	p.look("embedded, filled in")
	p.pay()
	p.Wait("the merchant's page", `(to) => location.href === to`, m.site.URL+"/thanks?b=a")
	p.mounted("yes")
	p.look("thanks")
	sold := m.api.want(m.api.call("GET", "/checkout_sessions/w-a", ""), 200, "").Session
	if sold.Status != "complete" || sold.OrderAmount != 10900 || m.Number("select count(*) from orders") != 1 || len(m.Fake.Orders()) != 1 {
		t.Errorf("sold: %+v, %d orders at Klarna", sold, len(m.Fake.Orders()))
	}
	// The other page learns that it was bought, and leaves.
	other.Expect("409")
	other.WaitFor(followed, "the other page to leave", `() => location.pathname === "/thanks"`)
	m.keepsSecrets(*sold.ClientSecret, sold.URL)
}

// 200 bursts of presses at random moments, while shop and Klarna are slow at random: after each the form shows the
// basket, Klarna has it, and it was held once and let go.
func TestEmbeddedBursts(t *testing.T) {
	m := newMerchant(t)
	m.slow = true
	m.Fake.AddFault(fakeklarna.Fault{Count: -1, Jitter: fakeklarna.Duration(20 * time.Millisecond), JitterAfter: fakeklarna.Duration(20 * time.Millisecond), Path: "/checkout/v3/orders/*"})
	var running sync.WaitGroup
	for tab := range 4 {
		p := m.opens(fmt.Sprintf("b%d", tab), browsertest.Options{ReducedMotion: true})
		running.Go(func() {
			got, err := p.Eval(`async (basket) => {
				const sleep = (most) => new Promise((done) => setTimeout(done, Math.random() * most));
				const wrong = [];
				for (let burst = 0; burst < 50; burst++) {
					const presses = [];
					const at = performance.now();
					for (let n = 1 + Math.random() * 3; n > 0; n--) {
						presses.push(checkout.update(plus));
						await sleep(100);
					}
					for (const { reason } of await Promise.allSettled(presses)) if (reason) wrong.push(burst + ": " + reason);
					const [has, klarna] = (await (await fetch("/basket/agrees?b=" + basket)).text()).split(" ").map(Number);
					const shown = told.findLast(({ event }) => event === "change")?.order_amount;
					if (has !== klarna || has !== shown) wrong.push(burst + ": the basket has " + has + ", Klarna " + klarna + ", the page " + shown);
				}
				return JSON.stringify(wrong);
			}`, fmt.Sprintf("b%d", tab))
			if err != nil || got.Value.Str() != "[]" {
				t.Errorf("tab %d: %v %v", tab, got, err)
			}
			p.settled()
			until.Holds(p.w.T, "the form shows what Klarna has", func() bool { return p.formTotal() == fmt.Sprint(m.atKlarna(fmt.Sprintf("b%d", tab))) })
			if n := p.MustEval(`() => held.filter((h) => h[1] - h[0] > 15000).length`).Int(); n > 0 {
				t.Errorf("held for long %d times", n)
			}
		})
	}
	running.Wait()
}

// Work that fails, ends together, never or late: the form is let go, and shows what the basket has.
func TestEmbeddedWork(t *testing.T) {
	m := newMerchant(t)
	p, slow := m.opens("a", browsertest.Options{}), m.opens("b", browsertest.Options{})
	slow.MustEval(`() => {
		const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
		window.never = checkout.update(() => new Promise(() => {}));
		window.late = checkout.update(async () => { await sleep(15500); await plus(); return 7 });
	}`)
	if got := p.MustEval(`async () => {
		const calls = [];
		const one = (name, end) => checkout.update(async () => { calls.push(name); await plus(); return end() })
			.then((value) => name + " " + value, ({ message }) => name + " " + message);
		const open = () => held.filter((h) => h.length === 1).length;
		const settled = async (all) => { const said = await Promise.all(all); return [...said, "held " + open()].join(", ") };
		const stories = [
			await settled([one("good", () => 1)]),
			await settled([one("bad", () => { throw new Error("of the page") })]),
			await settled([one("a", () => 1), one("b", () => { throw new Error("no") }), one("c", () => 3)]),
			await settled([checkout.update(() => { throw new Error("at once") }).catch(({ message }) => message)]),
			await settled([checkout.refresh().then(String)]),
			await settled([checkout.update().catch(({ name }) => name)]),
			calls.join(" "),
		];
		return stories.join("; ");
	}`).Str(); strings.ReplaceAll(got, "held 1", "held 0") != "good 1, held 0; bad of the page, held 0; a 1, b no, c 3, held 0; at once, held 0; undefined, held 0; TypeError, held 0; good bad a b c" {
		t.Errorf("work: %s", got)
	}
	p.showsTotal(6000)
	p.settled()
	if n := p.MustEval(`() => held.length`).Int(); n > 5 {
		t.Errorf("held %d times: what comes at once is held once", n)
	}

	p.Expect("503", "Failed to load resource")
	m.Fake.AddFault(fakeklarna.Fault{Status: 503, Count: -1})
	if got := p.MustEval(`() => checkout.refresh().catch(({ code }) => code)`).Str(); got != "klarna_unavailable" {
		t.Errorf("without Klarna: %s", got)
	}
	p.told("error", `code === "klarna_unavailable"`)
	p.settled()
	m.Fake.ClearFaults()
	p.MustEval(`() => checkout.refresh()`)

	slow.WaitFor(25*time.Second, "the late work", `() => late.then((value) => value === 7)`)
	slow.showsTotal(2000)
	slow.settled()
	if got := slow.MustEval(`() => held.map(([from, to]) => to - from < 15000).join()`).Str(); got != "true,true" {
		t.Errorf("held: %s; %s", got, slow.MustEval(`() => JSON.stringify(held)`))
	}
}

// What becomes of an open page: its order is replaced, it is mounted in wrong places, unmounted and mounted again, left
// and come back to; its session ends.
func TestEmbeddedLife(t *testing.T) {
	m := newMerchant(t)
	p := m.opens("a", browsertest.Options{Whole: true})
	id := p.orderID()
	m.Fake.Advance(49 * time.Hour) // Klarna has forgotten the order
	m.more("a", 1)
	p.Expect("404")
	p.MustEval(`() => checkout.update(plus)`)
	p.showsTotal(3000)
	if p.orderID() == id || len(p.MustElements("#klarna-checkout-iframe")) != 1 {
		t.Error("the form is not the new order's")
	}
	p.MustElement("#plus").MustClick()
	p.showsTotal(4000)
	p.settled()
	id = p.orderID()
	p.fill()

	if got := p.MustEval(`async () => {
		const code = async (target, more) => (await mountCheckout(target, { ...options, ...more }).then(() => "mounted", ({ code, name }) => code ?? name));
		const element = document.createElement("div");
		document.querySelector("main").append(element);
		const inside = element.attachShadow({ mode: "open" }).appendChild(document.createElement("div"));
		const codes = [await code("#checkout"), await code("#nowhere"), await code(inside), await code(document.createElement("div")), await code(element)];
		checkout.unmount();
		codes.push(await checkout.update(plus).catch(({ code }) => code), document.querySelector("#checkout").childElementCount);
		codes.push(await code("#checkout", { clientSecret: "cs_x.y" }), await code("#checkout", { clientSecret: undefined }));
		return codes.join();
	}`).Str(); got != "already_mounted,no_element,shadow_root,no_element,already_mounted,unmounted,0,unauthorized,unauthorized" {
		t.Errorf("codes: %s", got)
	}
	p.Expect("401")
	p.MustEval(`async () => {
		window.checkout = await mountCheckout("#checkout", options);
		document.querySelector("#checkout").remove(); // by a router that knows nothing of it
		document.querySelector("main").insertAdjacentHTML("beforeend", "<div id=checkout></div>");
		window.checkout = await mountCheckout("#checkout", options);
		checkout.on("expired", () => !window.stay);
		checkout.on("klarna:load", () => {});
	}`)
	p.showsTotal(4000)
	if again := p.orderID(); again != id {
		t.Errorf("mounted again, order %s has become %s", id, again)
	}
	p.settled()
	has := atKlarna(m.World, id).Fake.Typed
	if has["given_name"] != "Ada" {
		t.Errorf("what was typed is lost: %v", has)
	}

	p.MustEval(`() => { window.here = "still" }`)
	p.Load(func() { p.MustNavigate(m.site.URL + "/away") })
	m.set(7)
	p.MustEval(`() => history.back()`)
	p.Wait("the page to come back", `() => window.here === "still"`)
	p.showsTotal(8000)
	p.settled()

	p.Expect("410")
	m.api.want(m.api.call("POST", "/checkout_sessions/w-a/expire", ""), 200, "")
	m.mu.Lock()
	m.mugs["a"] = 0
	m.mu.Unlock()
	p.WaitFor(followed, "the merchant's page to make the session anew", `() => location.search === "?b=a&reason=expired"`)
	p.mounted("yes")
	p.showsTotal(1000)
}

// A view that was thrown away while it waited for shopd rejects, whatever its answer is, and ends nothing of the view that
// took its place, be that mounted or waiting.
func TestEmbeddedThrownAway(t *testing.T) {
	m := newMerchant(t)
	p := m.opens("a", browsertest.Options{})
	p.Expect("401", "Failed to load resource")
	p.MustEval(`() => {
		const real = fetch;
		window.gates = []; // each lets the answer to one question through
		window.fetch = async (...what) => {
			if (gates.closed) await new Promise((open) => gates.push(open));
			return real(...what);
		};
		window.view = (more) => {
			document.querySelector("#checkout").remove(); // by a router that knows nothing of it
			document.querySelector("main").insertAdjacentHTML("beforeend", "<div id=checkout></div>");
			return mountCheckout("#checkout", { ...options, ...more });
		};
		window.code = (view) => view.then(() => "mounted", ({ code, name }) => code ?? name);
		window.asking = async (n) => { while (gates.length < n) await new Promise((done) => setTimeout(done, 10)) };
	}`)
	for _, secret := range []string{"", "cs_x.y"} { // the right one, a wrong one
		if got := p.MustEval(`async (clientSecret) => {
			const old = clientSecret ? { clientSecret } : {};
			gates.length = 0;
			gates.closed = true;
			const first = code(view(old));
			await asking(1);
			gates.closed = false;
			const second = view();
			const codes = [await code(second)];
			gates[0]();
			codes.push(await first, document.querySelector("#checkout").childElementCount > 0);
			codes.push(await (await second).refresh().then(() => "asks", ({ code, name }) => code ?? name));

			gates.length = 0;
			gates.closed = true;
			const third = code(view(old));
			await asking(1);
			const fourth = code(view());
			await asking(2);
			gates.closed = false;
			gates[0]();
			codes.push(await third);
			gates[1]();
			codes.push(await fourth, document.querySelector("#checkout").childElementCount > 0);
			return codes.join();
		}`, secret).Str(); got != "mounted,unmounted,true,asks,unmounted,mounted,true" {
			t.Errorf("the old view with the secret %q: %s", secret, got)
		}
	}
	p.showsTotal(1000)
}

// Who keeps the page although the session has ended is told once, and nothing is asked any more; a page that comes back
// asks again.
func TestEmbeddedKept(t *testing.T) {
	m := newMerchant(t)
	p := m.opens("a", browsertest.Options{})
	p.showsTotal(1000)
	p.Expect("410", "Failed to load resource")
	p.MustEval(`() => { checkout.on("expired", () => false) }`)
	m.api.want(m.api.call("POST", "/checkout_sessions/w-a/expire", ""), 200, "")
	const looks = `async () => {
		const many = () => asked.filter(({ path }) => path === "/v1/embed/state").length;
		document.dispatchEvent(new Event("visibilitychange")); // the page looks
		while (asked.some(({ to }) => !to)) await new Promise((done) => setTimeout(done, 10));
		return many();
	}`
	n := p.MustEval(looks).Int()
	p.told("expired", "true")
	for range 2 {
		if again := p.MustEval(looks).Int(); again != n {
			t.Errorf("it looks %d times more", again-n)
		}
	}
	if got := p.MustEval(`async () => (await checkout.refresh().catch(({ code }) => code)) + " " + told.filter(({ event }) => event === "expired").length`).Str(); got != "expired 1" {
		t.Errorf("refresh: %s, want it to be told once", got)
	}
	p.MustEval(`() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`)
	p.Wait("to be told again", `() => told.filter(({ event }) => event === "expired").length === 2`)
}

// A policy that forbids the form rejects, and leaves nothing in the page.
func TestEmbeddedForbidden(t *testing.T) {
	m := newMerchant(t)
	for _, tt := range []struct{ without, code string }{
		{"frame-src KLARNA", "blocked"}, {" SHOPD", "unreachable"}, {"Trusted Types", "blocked"},
	} {
		m.policy = strings.ReplaceAll(strictPolicy, tt.without, "")
		if m.policy == strictPolicy {
			m.policy += "; require-trusted-types-for 'script'"
		}
		p := m.browser(browsertest.Options{})
		p.Go(m.site.URL + "/checkout?b=a")
		p.mounted(tt.code)
		if n := p.MustEval(`() => document.querySelector("#checkout").childElementCount`).Int(); n > 0 {
			t.Errorf("without %s: %d elements are left", tt.without, n)
		}
		p.Forget()
	}
	m.policy = strictPolicy
	p := m.browser(browsertest.Options{})
	p.Go(m.site.URL + "/away")
	p.Forget()
}
