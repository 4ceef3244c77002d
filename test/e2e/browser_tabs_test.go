package e2e_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/proto"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
)

// Two tabs of one session that load the checkout at the same moment have one order between them, twenty times over.
func TestTwoTabsAtOnce(t *testing.T) {
	t.Parallel()
	for shop := range 2 {
		t.Run(fmt.Sprint(shop), func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{})
			d.fake.AddFault(fakeklarna.Fault{Count: -1, Jitter: fakeklarna.Duration(40 * time.Millisecond), JitterAfter: fakeklarna.Duration(40 * time.Millisecond)})
			a := d.shopper(t, browsertest.Options{})
			b := a.tab()
			b.visit("/terms")
			for run := range 5 {
				if err := (proto.NetworkClearBrowserCookies{}).Call(a); err != nil {
					t.Fatal(err)
				}
				a.fill("MUG-1")
				load := `(url) => { setTimeout(() => location.assign(url)) }`
				a.MustEval(load, d.url+"/checkout")
				b.MustEval(load, d.url+"/checkout")
				a.formShown()
				b.formShown()
				if got, want := b.orderID(), a.orderID(); got != want {
					t.Errorf("run %d: orders %s and %s", run, want, got)
				}
				a.agree()
				if got, want := len(d.fake.Orders()), run+1; got != want {
					t.Fatalf("run %d: %d orders at Klarna, want %d", run, got, want)
				}
			}
		})
	}
}

// A new visitor who adds in two tabs at the same moment keeps both, ten times over.
func TestTwoTabsOfNewVisitor(t *testing.T) {
	t.Parallel()
	d := deploy(t, 2, fakeklarna.Options{})
	a := d.shopper(t, browsertest.Options{})
	b := a.tab()
	for run := range 10 {
		if err := (proto.NetworkClearBrowserCookies{}).Call(a); err != nil {
			t.Fatal(err)
		}
		a.visit("/products/MUG-1")
		b.visit("/products/JAM-1")
		// Each form is sent as its button sends it.
		add := `() => { setTimeout(() => document.querySelector("form[action='/cart/lines']").requestSubmit()) }`
		a.MustEval(add)
		b.MustEval(add)
		a.Wait(fmt.Sprintf("run %d: both adds in the cart", run), `async () => {
			const answer = await fetch("/cart", {headers: {Accept: "application/json"}});
			return (await answer.json()).lines.map(({sku}) => sku).sort().join(" ") === "JAM-1 MUG-1";
		}`)
	}
}

// What changes in one tab shows in the other's summary and iframe, which says so.
func TestOtherTab(t *testing.T) {
	t.Parallel()
	d := deploy(t, 1, fakeklarna.Options{})
	a := d.shopper(t, browsertest.Options{})
	a.fill("MUG-1", "JAM-1")
	a.openCheckout()
	a.typeContact()
	a.keepNode()
	b := a.tab()
	for _, tt := range []struct {
		name   string
		change func(b *shopper)
		want   map[string]int
	}{
		{"on the checkout", func(b *shopper) { b.openCheckout(); b.press("MUG-1:plus"); b.settled() }, map[string]int{"MUG-1": 2, "JAM-1": 1}},
		{"in the cart", func(b *shopper) { b.visit("/cart"); b.press("MUG-1:plus") }, map[string]int{"MUG-1": 3, "JAM-1": 1}},
		{"on the shelf", func(b *shopper) { b.visit("/"); b.press("HAT-1:add") }, map[string]int{"MUG-1": 3, "JAM-1": 1, "HAT-1": 1}},
	} {
		tt.change(b)
		a.Wait(tt.name+": the summary follows", `(want) => {
			const lines = [...document.querySelectorAll("#order-summary [data-sku]")];
			return lines.length === Object.keys(want).length && lines.every(({dataset}) => want[dataset.sku] === Number(dataset.quantity));
		}`, tt.want)
		a.settled()
		if diff := cmp.Diff(tt.want, a.agree().Lines); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		a.wantTyped()
		if !a.sameNode() {
			t.Errorf("%s: the iframe is another one than before", tt.name)
		}
		if got, want := a.text("[data-note=other-tab]"), "Your cart was changed in another tab. This page now shows the latest version. Close"; got != want {
			t.Errorf("%s: note = %q, want %q", tt.name, got, want)
		}
		a.click("[data-note=other-tab] button")
		if got := len(d.fake.Orders()); got != 1 {
			t.Errorf("%s: %d orders at Klarna, want 1", tt.name, got)
		}
	}
}

// Bought in one tab: the other goes to the confirmation, by itself or when it is touched, and nothing is created.
func TestBoughtInOtherTab(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		buy   func(b *shopper)
		touch bool   // else the tab follows what the confirmation page announces
		left  string // in the cart in the end
	}{
		{"and confirmed there", func(b *shopper) { b.buy() }, false, "0"},
		// What is added after the purchase and before the confirmation stays.
		{"and not confirmed yet", func(b *shopper) {
			if _, err := b.d.fake.Shopper(b.orderID(), fakeklarna.Action{Buy: &fakeklarna.Buy{}}); err != nil {
				b.t.Fatal(err)
			}
		}, true, "1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, 1, fakeklarna.Options{})
			a := d.shopper(t, browsertest.Options{})
			a.Expect("409 (Conflict)")
			a.fill("MUG-1")
			a.openCheckout()
			b := a.tab()
			b.Expect("409 (Conflict)") // it hears of it and asks too
			b.openCheckout()
			id := a.orderID()
			tt.buy(b)
			before := len(d.fake.Requests(""))
			if tt.touch {
				a.press("MUG-1:plus")
			}
			a.confirmed(id)
			if got := a.text("[data-cart-count]"); got != tt.left {
				t.Errorf("%s items in the cart, want %s", got, tt.left)
			}
			if calls := a.calls(before); slices.Contains(calls, createCall) {
				t.Errorf("calls = %q", calls)
			}
		})
	}
}
