package backoffice_test

import (
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/order"
)

// enter signs ada in.
func (o *office) enter(p *browsertest.Page) {
	p.Go(o.URL + "/admin/")
	p.MustElement("#name").MustInput("ada")
	p.MustElement("#password").MustInput(password)
	p.MustElement(".signin .btn.w").MustClick()
	p.Wait("who is signed in", `() => !!document.querySelector(".who")`)
}

// tour looks at every page and state of the list and of an order.
func (o *office) tour(p *browsertest.Page, s order.Order, look func(name string)) {
	p.Expect("422", "400", "404")
	p.Go(o.URL + "/admin/")
	look("sign-in")
	p.MustElement("#name").MustInput("eve " + uuid.NewString()) // one name has few tries
	p.MustElement("#password").MustInput("wrong")
	p.MustElement(".signin .btn.w").MustClick()
	p.Wait("the refusal", `() => !!document.querySelector(".note.bad")`)
	look("sign-in refused")
	o.enter(p)
	look("list")
	p.MustElement(".tick input").MustClick()
	look("list, one ticked")
	for _, page := range []struct{ name, path string }{
		{"list, filtered", "/admin/?status=CANCELLED&country=SE&from=2026-01-01"},
		{"list, none found", "/admin/?q=zebra"},
		{"list, refused", "/admin/?status=zebra"},
		{"order", "/admin/orders/" + s.Number},
		{"stock", "/admin/stock"},
		{"stock of a product", "/admin/stock/MUG-1"},
		{"packing slip", "/admin/orders/" + s.Number + "/packing-slip"},
		{"packing slips", "/admin/packing-slips?order=" + s.OrderID},
		{"exports", "/admin/exports"},
		{"sign-ins and exports", "/admin/log"},
		{"doctor", "/admin/doctor"},
		{"no such page", "/admin/zebra"},
	} {
		p.Go(o.URL + page.path)
		look(page.name)
	}
	o.withdraw(s, 1, false)
	p.Go(o.URL + "/admin/orders/" + s.Number)
	look("order, withdrawn from")
}

// audit looks at the open page with axe-core, on a desk and on a phone.
func audit(p *browsertest.Page, page string) {
	for _, o := range []browsertest.Options{{}, {Phone: true}} {
		p.As(o)
		p.Audit(page+", "+o.String(), p.Page)
	}
	p.As(browsertest.Options{})
}

// fits demands that the open page is not wider than the screen, on a phone, and at any width in a wide font.
func fits(t *testing.T, p *browsertest.Page, page string) {
	t.Helper()
	p.Picture(page)
	p.As(browsertest.Options{Phone: true})
	p.Picture(page + " on a phone")
	if beyond := p.MustEval(`() => document.documentElement.scrollWidth - document.documentElement.clientWidth`).Int(); beyond > 0 {
		t.Errorf("%s scrolls sideways on a phone by %d px", page, beyond)
	}
	p.As(browsertest.Options{})
	if wide := p.TooWide(); wide != "" {
		t.Errorf("%s scrolls sideways:\n%s", page, wide)
	}
}

// Nothing is wider than the screen, at any width and with any font, nor with forced colours, targets are large enough,
// and axe-core finds no violation.
func TestLooks(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	s := o.partly()
	o.sale(1, "given_name", "Wolfeschlegelsteinhausenbergerdorff")
	o.do(o.sale(1).OrderID, order.Command{Action: aftersale.Cancel.Name})
	o.sale(1, "email", "ada+pend-accept-05@example.com")
	p := browsertest.Open(t, browsertest.Options{})
	o.tour(p, s, func(page string) {
		for _, o := range []browsertest.Options{{}, {ForcedColors: true}, {Width: 320, Height: 800}, {Phone: true}} {
			p.As(o)
			small := p.MustEval(`() => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")].filter((e) => {
				if (!e.checkVisibility() || e.matches(".skip, p a, .crumb a, .tick input")) return false;
				const { width, height } = e.getBoundingClientRect();
				return width < 24 || height < 24;
			}).map((e) => e.outerHTML.slice(0, 80)).join("\n")`).Str()
			if small != "" {
				t.Errorf("%s, %s: targets under 24 px:\n%s", page, o, small)
			}
			if beyond := p.MustEval(`() => document.documentElement.scrollWidth - document.documentElement.clientWidth`).Int(); beyond > 0 {
				t.Errorf("%s, %s: scrolls sideways by %d px", page, o, beyond)
			}
		}
		audit(p, page)
		if strings.HasPrefix(page, "list") {
			p.MustEval(`() => document.querySelectorAll("tbody .r").forEach((e) => { e.textContent = "1 234 567.89" })`)
		}
		fits(t, p, page)
	})
}

// By keyboard alone: sign in, tick orders, open one, copy an ID, find an order by name and ship half of it,
// refund one thing that is back in stock, get the month's VAT, sign out.
func TestKeyboard(t *testing.T) {
	o := newOffice(t)
	s := o.partly()
	found := o.sale(2, "family_name", "Rosenkvist")
	p := browsertest.Open(t, browsertest.Options{})
	reach := func(what, selector string) {
		t.Helper()
		for range 80 {
			if p.MustEval(`(s) => !!document.activeElement?.matches(s)`, selector).Bool() {
				return
			}
			p.Keyboard.MustType(input.Tab)
		}
		t.Fatalf("%s is not reached by Tab", what)
	}
	write := func(text string) {
		for _, r := range text {
			p.Keyboard.MustType(input.Key(r))
		}
	}
	p.Go(o.URL + "/admin/orders/" + s.Number)
	reach("the name", "#name") // has the focus at once
	write("ada")
	reach("the password", "#password")
	write(password)
	p.Keyboard.MustType(input.Enter)
	p.Wait("the order", `() => document.querySelector("h1")?.textContent.startsWith("Order")`)
	p.Keyboard.MustType(input.Tab)
	if !p.MustEval(`() => document.activeElement.matches(".skip")`).Bool() {
		t.Error("the first stop is not the skip link")
	}
	reach("the first action", ".acts a")
	reach("a copy button", ".ev [data-copy]")
	p.Keyboard.MustType(input.Enter)
	p.Wait("that it is copied or marked", `() => document.activeElement.textContent === "Copied" || getSelection().toString() !== ""`)
	p.Go(o.URL + "/admin/")
	bar := p.MustEval(`() => document.querySelector(".list").getBoundingClientRect().top`).Int()
	reach("a box", "td.tick input")
	p.Keyboard.MustType(input.Space)
	p.Wait("how many are ticked", `() => document.querySelector("[data-ticked]").textContent === "1 of 2 ticked"`)
	if now := p.MustEval(`() => document.querySelector(".list").getBoundingClientRect().top`).Int(); now != bar {
		t.Errorf("the first tick moves the list from %d to %d px", bar, now)
	}
	p.Go(o.URL + "/admin/")
	reach("the box for all", "[data-all]")
	p.Keyboard.MustType(input.Space)
	p.Wait("that all are ticked", `() => document.querySelector("[data-ticked]").textContent === "2 of 2 ticked"`)

	enter := func(what, selector, page string) {
		t.Helper()
		reach(what, selector)
		p.Keyboard.MustType(input.Enter)
		p.Wait(what+" leads on", `(h1) => document.querySelector("h1")?.textContent.includes(h1)`, page)
	}
	fill := func(selector, text string) { // a field that is reached by Tab is marked as a whole
		t.Helper()
		reach(selector, selector)
		write(text)
	}
	fill("#q", "rosenkv")
	p.Keyboard.MustType(input.Enter)
	p.Wait("the order that was found", `() => document.querySelectorAll(".list tbody tr").length === 1`)
	enter("the order", ".list tbody a", found.Number)
	enter("the capture", `.acts a[href$="/capture"]`, "Capture")
	fill("[name='"+mugField+"']", "1")
	fill("[name=carrier]", "Post")
	fill("[name=tracking]", "TN-7")
	enter("the question of the capture", `.act-form .btn[type=submit]`, "Capture")
	p.Wait("the question", `() => !!document.querySelector(".act-confirm")`)
	enter("the capture, confirmed", `.act-confirm .btn[type=submit]`, "Order")
	p.Wait("what is in the parcel", `() => document.querySelector(".parcels")?.textContent.includes("1\u00a0×\u00a0Enamel mug")`)
	enter("the refund", `.acts a[href$="/refund"]`, "Refund")
	fill("[name='"+mugField+"']", "1")
	for p.MustEval(`() => !document.querySelector("[name=restock]").checked`).Bool() {
		reach("back in stock", "[name=restock]")
		p.Keyboard.MustType(input.Space)
	}
	enter("the question of the refund", `.act-form .btn[type=submit]`, "Refund")
	p.Wait("the question", `() => !!document.querySelector(".act-confirm")`)
	enter("the refund, confirmed", `.act-confirm .btn[type=submit]`, "Order")
	if kept := o.inBook(found.OrderID); len(kept.Shipments) != 1 || len(kept.Restocked) != 1 || kept.RefundedAmount != 14900 {
		t.Errorf("the book has %+v, restocked %+v, refunded %d", kept.Shipments, kept.Restocked, kept.RefundedAmount)
	}
	enter("the exports", `.adm a[href="/admin/exports"]`, "Exports")
	reach("the month's captures and refunds", `.exports a[href*="bookings.csv"]`)
	month := p.MustEval(`() => document.activeElement.getAttribute("href")`).Str()
	if file := o.clerk("bo").Get(month); !strings.Contains(file.Text, "tax_25") || !strings.Contains(file.Text, found.Number) {
		t.Errorf("%s: %d %s", month, file.StatusCode, file.Text)
	}
	p.Go(o.URL + "/admin/")
	reach("the sign-out", ".out")
	p.Keyboard.MustType(input.Enter)
	p.Wait("the sign-in", `() => !!document.querySelector("#password")`)
}
