package frontend_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// What is thrown, and that the callback has run before.
func TestLibraryThrows(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	made := h.session(nil)
	const (
		none = iota
		initialized
		loaded // pay_later in #one
	)
	pages := []*buyer{h.blank(browsertest.Options{}), h.open(made, browsertest.Options{}), h.open(made, browsertest.Options{})}
	pages[loaded].load("pay_later")
	refused, noForm := `{"approved":false,"show_form":false}`, `{"show_form":false}`
	for _, tt := range []struct {
		name, call string
		after      int
		error      string
		callback   string // what it was told, "" if there is none
	}{
		{"init without token", `init({})`, none, "InvalidClientTokenError", ""},
		{"init without options", `init()`, none, "InvalidClientTokenError", ""},
		{"init with a text", `init({client_token: "abc"})`, none, "InvalidClientTokenError", ""},
		{"init with three texts", `init({client_token: "a.b.c"})`, none, "InvalidClientTokenError", ""},
		{"init with a number", `init({client_token: 7})`, none, "InvalidClientTokenError", ""},
		{"load before init", `load({container: "#one"}, {}, told)`, none, "ApplicationNotInitializedError", noForm},
		{"authorize before init", `authorize({payment_method_category: "pay_later"}, {}, told)`, none, "ApplicationNotInitializedError", refused},
		{"reauthorize before init", `reauthorize({payment_method_category: "pay_later"}, {}, told)`, none, "ApplicationNotInitializedError", refused},
		{"finalize before init", `finalize({payment_method_category: "pay_later"}, {}, told)`, none, "ApplicationNotInitializedError", refused},
		{"review before init", `loadPaymentReview({container: "#one"}, told)`, none, "ApplicationNotInitializedError", noForm},
		{"authorize before load", `authorize({payment_method_category: "pay_later"}, {}, told)`, initialized, "ApplicationNotLoadedError", refused},
		{"finalize before load", `finalize({payment_method_category: "pay_later"}, told)`, initialized, "ApplicationNotLoadedError", refused},
		{"another category than loaded", `authorize({payment_method_category: "pay_now"}, told)`, loaded, "ApplicationNotLoadedError", refused},
		{"another instance than loaded", `authorize({payment_method_category: "pay_now", instance_id: "x"}, told)`, loaded, "ApplicationNotLoadedError", refused},
		{"no container", `load({payment_method_category: "pay_later"}, {}, told)`, initialized, "InvalidContainerSelectorError", noForm},
		{"a container that is not there", `load({container: "#none"}, told)`, initialized, "InvalidContainerSelectorError", noForm},
		{"a container that is no selector", `load({container: "##"}, told)`, initialized, "InvalidContainerSelectorError", noForm},
		{"load with an empty category", `load({container: "#one", payment_method_category: ""}, told)`, initialized, "PaymentMethodCategoryNotProvidedError", noForm},
		{"load with no categories", `load({container: "#one", payment_method_categories: []}, told)`, initialized, "PaymentMethodCategoryNotProvidedError", noForm},
		{"authorize without category", `authorize({}, told)`, loaded, "PaymentMethodCategoryNotProvidedError", refused},
		{"finalize without category", `finalize({}, told)`, loaded, "PaymentMethodCategoryNotProvidedError", refused},
		{"reauthorize without category", `reauthorize({}, {}, told)`, initialized, "PaymentMethodCategoryNotProvidedError", refused},
		{"reauthorize with several", `reauthorize({payment_method_categories: ["pay_now", "pay_later"]}, {}, told)`, initialized, "PaymentMethodCategoryNotProvidedError", refused},
		{"an unknown category", `load({container: "#one", payment_method_category: "barter"}, told)`, initialized, "PaymentMethodCategoryNotSupportedError", noForm},
		{"an unknown one among several", `load({container: "#one", payment_method_categories: ["pay_now", {identifier: "barter"}]}, told)`, initialized, "PaymentMethodCategoryNotSupportedError", noForm},
		{"authorize an unknown category", `authorize({payment_method_category: "barter"}, told)`, loaded, "PaymentMethodCategoryNotSupportedError", refused},
		{"a preferred method that is none", `load({container: "#one", preferred_payment_method: "barter"}, told)`, initialized, "PreferredPaymentMethodNotSupportedError", noForm},
		{"a preferred method that is not offered", `load({container: "#one", payment_method_categories: ["pay_now"], preferred_payment_method: "pay_later"}, told)`, initialized, "PreferredPaymentMethodNotSupportedError", noForm},
		{"a review outside the US", `loadPaymentReview({container: "#one"}, told)`, initialized, "OperationNotSupportedError", noForm},
		{"on with an unknown event", `on("loaded", told)`, none, "EventNotSupportedError", ""},
		{"off with an unknown event", `off("toString")`, none, "EventNotSupportedError", ""},
		{"without callback", `load({container: "#none"})`, initialized, "InvalidContainerSelectorError", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := pages[tt.after]
			got := c.MustEval(strings.ReplaceAll(`() => {
				const seen = [];
				const told = (result) => seen.push(JSON.stringify(result));
				try {
					Klarna.Payments.CALL;
				} catch (error) {
					seen.push(error instanceof Error && error.message ? error.name : "nothing useful");
				}
				return seen.join(" ");
			}`, "CALL", tt.call)).Str()
			if want := strings.TrimSpace(tt.callback + " " + tt.error); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestLibraryListeners(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(nil), browsertest.Options{})
	c.Expect("a listener's own mistake")
	c.MustEval(`() => {
		window.heights = {a: 0, b: 0};
		window.a = () => { heights.a++ };
		Klarna.Payments.on("heightChanged", () => { throw new Error("a listener's own mistake") });
		Klarna.Payments.on("heightChanged", a);
		Klarna.Payments.on("heightChanged", () => { heights.b++ });
		Klarna.Payments.off("heightChanged", a);
	}`)
	c.load("pay_later")
	c.Wait("the listener that is left", `() => heights.b > 0`)
	if got := c.MustEval(`() => heights.a`).Int(); got != 0 {
		t.Errorf("a listener that is off was called %d times", got)
	}
	c.MustEval(`() => { Klarna.Payments.off("heightChanged"); heights.b = 0; document.querySelector("#one").style.width = "200px" }`)
	c.Wait("the frame to grow", `() => parseFloat(document.querySelector("#one iframe").style.height) > 150`)
	if got := c.MustEval(`() => heights.b`).Int(); got != 0 {
		t.Errorf("called %d times after off", got)
	}
}

// A page may init anew: the same session keeps its widgets, another one does not.
func TestLibraryInitAgain(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	made := h.session(nil)
	c := h.open(made, browsertest.Options{})
	c.load("pay_later")
	init := func(token string) int {
		return c.MustEval(`(token) => { Klarna.Payments.init({client_token: token}); return document.querySelectorAll("iframe").length }`, token).Int()
	}
	if got := init(made.ClientToken); got != 1 {
		t.Errorf("%d widgets of the same session, want 1", got)
	}
	other := h.session(faketest.Amounts(89400))
	if got := init(other.ClientToken); got != 0 {
		t.Errorf("%d widgets of another session, want 0", got)
	}
	got := c.MustEval(`() => { try { Klarna.Payments.authorize({payment_method_category: "pay_later"}) } catch (error) { return error.name } }`).Str()
	if want := "ApplicationNotLoadedError"; got != want {
		t.Errorf("authorize after init: %q, want %s", got, want)
	}
	c.load("pay_later")
	if got := words(c.widget(), "#methods b"); got != "894 kr" {
		t.Errorf("amount = %q, want that of the new session", got)
	}
}

// Messages count only from whom they should be.
func TestLibraryForeignMessages(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(told("ada@example.com")), browsertest.Options{})
	c.load("pay_later")
	c.call("authorize", map[string]any{"payment_method_category": "pay_later"})
	dialog := c.dialog()
	c.MustEval(`(widget) => {
		postMessage({klarnaPayments: "answer", id: 1, result: {approved: true}});
		const ofTheFake = document.createElement("iframe");
		ofTheFake.id = "stranger";
		ofTheFake.src = widget;
		const ofTheShop = document.createElement("iframe");
		ofTheShop.srcdoc = "<script nonce=n0nce>parent.document.querySelector('dialog iframe').contentWindow.postMessage({klarnaPayments: 'cancel'}, '*')</script>";
		document.body.append(ofTheFake, ofTheShop);
	}`, h.fake.URL+"/kp/widget")
	c.Frame("#stranger").MustEval(`() => { parent.postMessage({klarnaPayments: "answer", id: 1, result: {approved: true}}, "*") }`)
	dialog.MustEval(`() => { postMessage({klarnaPayments: "cancel"}, "*") }`)
	if got := dialog.MustEval(`async () => { await new Promise((done) => setTimeout(done, 200)); return document.querySelector("dialog").open }`).Bool(); !got {
		t.Error("a message of a stranger was obeyed")
	}
	if c.MustEval(`() => window.result !== undefined`).Bool() {
		t.Errorf("result = %v", c.result())
	}
}

// The callback runs once per call, and a page's other members of Klarna stay.
func TestLibraryKeepsOtherMembers(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.blank(browsertest.Options{})
	c.MustEval(`async (library) => {
		window.Klarna = {OnsiteMessaging: 7};
		window.ready = 0;
		window.klarnaAsyncCallback = () => { ready++ };
		const script = document.createElement("script");
		script.src = library;
		script.nonce = document.querySelector("script").nonce;
		document.body.append(script);
		await new Promise((done) => { script.onload = done });
	}`, h.fake.URL+"/kp/lib/v1/api.js")
	var got []any
	if err := json.Unmarshal([]byte(c.MustEval(`() => JSON.stringify([Klarna.OnsiteMessaging, Object.keys(Klarna.Payments), ready])`).Str()), &got); err != nil {
		t.Fatal(err)
	}
	want := []any{7.0, []any{"init", "load", "authorize", "reauthorize", "finalize", "loadPaymentReview", "on", "off"}, 1.0}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// load calls back also when the page moves the widget, or takes it away, before it has answered.
func TestLoadOfAWidgetThatMoves(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(nil), browsertest.Options{})
	c.MustEval(`() => {
		const real = setTimeout;
		window.setTimeout = (f, ms) => real(f, ms === 15_000 ? short : ms);
		window.short = 15_000;
	}`)
	c.load("pay_now")
	options := map[string]any{"container": "#one", "payment_method_category": "pay_now"}
	for _, tt := range []struct {
		name, does, want string
		total            int64
	}{
		{"before it is asked", `() => { main.append(one); const told = ask(); return told }`, `{"show_form":true}`, 89400},
		{"once it is asked", `() => { const told = ask(); main.append(one); return told }`, `{"show_form":true}`, 44700},
		{"away", `() => { window.short = 100; const told = ask(); one.remove(); return told }`, `{"show_form":false}`, 0},
	} {
		got := c.MustEval(`(options, data) => {
			const [main, one] = ["main", "#one"].map((selector) => document.querySelector(selector));
			const ask = async () => JSON.stringify(await asked("load", options, data));
			return (`+tt.does+`)();
		}`, options, faketest.Amounts(max(tt.total, 100))).Str()
		if got != tt.want {
			t.Errorf("%s: load = %s, want %s", tt.name, got, tt.want)
		}
		if tt.total > 0 {
			want := fmt.Sprintf("%d kr", tt.total/100)
			if got := words(c.widget(), "#methods"); !strings.Contains(got, want) {
				t.Errorf("%s: widget = %q, want %s", tt.name, got, want)
			}
		}
	}
}

// What is approved is what the dialog said: a session that changes behind it is shown anew, and
// what was typed stays.
func TestSessionChangesBehindTheDialog(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(nil), browsertest.Options{})
	c.load("pay_later")
	c.call("authorize", map[string]any{"payment_method_category": "pay_later"})
	dialog := c.dialog()
	c.press("fill")
	if _, err := h.fake.Pay(c.SessionID, fakeklarna.PaymentAction{Load: &fakeklarna.Authorize{Data: json.RawMessage(faketest.Text(faketest.Amounts(89400)))}}); err != nil {
		t.Fatal(err)
	}
	c.press("approve")
	c.waitIn(dialog, "the new total", `() => document.getElementById("refusal").textContent === "The total has changed to 894\u00a0kr. Check it, then pay again. Nothing has been charged."`)
	if got := words(dialog, `[data-testid="title"]`); got != "Pay 894 kr to Skerry?" {
		t.Errorf("title = %q", got)
	}
	if s, _ := h.fake.Session(c.SessionID); s.Fake.State != "open" {
		t.Errorf("session is %s", s.Fake.State)
	}
	if dialog.MustElement("#missing").MustVisible() {
		t.Error("asks again for what was typed")
	}
	c.press("approve")
	if got := c.result(); got["approved"] != true {
		t.Errorf("result = %v", got)
	}
}
