package frontend_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// Each of these tests also shows that nothing violates the shop's policy: the
// browser's reports fail the test.

func TestWidgetShowsTheMethod(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	today := time.Now().UTC()
	due := func(days int) string { return today.AddDate(0, 0, days).Format("2 January 2006") }
	for _, tt := range []struct {
		category, want string
	}{
		{"pay_later", "Pay in 30 days\n447 kr, due " + due(30) + "\nNothing to pay today. The invoice comes by e-mail."},
		{"pay_now", "Card\n447 kr today\nTaken from your card when you approve."},
		{"pay_over_time", "Pay in 3 parts\nToday\n149 kr\n" + due(30) + "\n149 kr\n" + due(60) + "\n149 kr\nNo interest and no fees."},
	} {
		t.Run(tt.category, func(t *testing.T) {
			c := h.open(h.session(nil), browsertest.Options{})
			c.load(tt.category)
			if diff := cmp.Diff(tt.want, words(c.widget(), "#methods")); diff != "" {
				t.Errorf("widget (-want +got):\n%s", diff)
			}
			if got := words(c.widget(), ".tape"); !strings.HasPrefix(got, "TEST\nFake payment provider.") {
				t.Errorf("tape = %q", got)
			}
			c.Wait("the iframe to take the height of its content", `() => parseFloat(document.querySelector("#one iframe").style.height) > 80`)
			height := c.MustEval(`() => parseFloat(document.querySelector("#one iframe").style.height)`).Num()
			if got := c.MustEval(`() => events.findLast(([name]) => name === "heightChanged")[1]`).Num(); got != height || got != float64(int(got)) {
				t.Errorf("heightChanged told %v, want %v", got, height)
			}
			if got := c.MustElement("#one iframe").MustAttribute("title"); *got != "Payment method" {
				t.Errorf("title of the frame = %q", *got)
			}
		})
	}
}

func TestWidgetAmountFollowsTheData(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(map[string]any{"locale": "sv-SE"}), browsertest.Options{})
	c.load("pay_now")
	c.MustEval(`() => { window.node = document.querySelector("#one iframe") }`)
	options := map[string]any{"container": "#one", "payment_method_category": "pay_now"}
	if got, want := c.asked("load", options, faketest.Amounts(89400)), `{"show_form":true}`; got != want {
		t.Errorf("load = %s, want %s", got, want)
	}
	if got, want := words(c.widget(), "#methods"), "Kort\n894 kr i dag\nDras från ditt kort när du godkänner."; got != want {
		t.Errorf("widget = %q, want %q", got, want)
	}
	if !c.MustEval(`() => node.isConnected && document.querySelectorAll("iframe").length === 1`).Bool() {
		t.Error("the widget was not kept")
	}
	got := c.asked("load", options, map[string]any{"order_amount": 1})
	if want := `{"show_form":true,"error":{"invalid_fields":["order_amount"]}}`; got != want {
		t.Errorf("load with a wrong sum = %s, want %s", got, want)
	}
	// The page throws the widget out, or moves it.
	c.MustEval(`() => { document.querySelector("#one").replaceChildren() }`)
	c.load("pay_now")
	c.MustEval(`() => { document.querySelector("main").prepend(document.querySelector("#one")) }`)
	c.waitIn(c.widget(), "the widget to show itself again", `() => document.querySelector("#methods").textContent.includes("894")`)
}

func TestWidgetChoice(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	for _, tt := range []struct {
		name    string
		options map[string]any
		want    string // the methods offered, the one chosen with a star
	}{
		{"those of the session", nil, "pay_later* pay_now pay_over_time"},
		{"some, as identifiers", map[string]any{"payment_method_categories": []string{"pay_over_time", "pay_now"}}, "pay_over_time* pay_now"},
		{"as objects", map[string]any{"payment_method_categories": []any{map[string]any{"identifier": "pay_now"}, map[string]any{"identifier": "pay_later"}}}, "pay_now* pay_later"},
		{"a preferred one", map[string]any{"preferred_payment_method": "pay_now"}, "pay_later pay_now* pay_over_time"},
		{"with one that the session has not", map[string]any{"payment_method_categories": []string{"klarna", "pay_now", "pay_later"}}, "pay_now* pay_later"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := h.open(h.session(nil), browsertest.Options{})
			options := map[string]any{"container": "#one", "instance_id": "main"}
			maps.Copy(options, tt.options)
			if got, want := c.asked("load", options), `{"show_form":true}`; got != want {
				t.Fatalf("load = %s, want %s", got, want)
			}
			got := c.widget().MustEval(`() => [...document.querySelectorAll("input")].map((radio) => radio.value + (radio.checked ? "*" : "")).join(" ")`).Str()
			if got != tt.want {
				t.Errorf("methods = %s, want %s", got, tt.want)
			}
			if len(tt.options) > 0 {
				return
			}
			c.widget().MustElement(`[data-testid="category-pay_over_time"]`).MustClick()
			c.waitIn(c.widget(), "the choice", `() => document.querySelector(":checked").value === "pay_over_time"`)
			c.call("authorize", map[string]any{"instance_id": "main"}, told("ada@example.com"))
			if got := words(c.dialog(), "#method h2"); got != "Pay in 3 parts" {
				t.Errorf("dialog is about %q", got)
			}
			c.press("approve")
			if got := c.result(); got["approved"] != true {
				t.Errorf("result = %v", got)
			}
			if s, _ := h.fake.Session(c.SessionID); s.Fake.Category != "pay_over_time" {
				t.Errorf("category = %q", s.Fake.Category)
			}
		})
	}
}

func TestWidgetsOnOnePage(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(nil), browsertest.Options{})
	c.load("pay_later")
	if got, want := c.asked("load", map[string]any{"container": "#two", "payment_method_category": map[string]any{"identifier": "pay_now", "name": "Card"}}), `{"show_form":true}`; got != want {
		t.Fatalf("load = %s, want %s", got, want)
	}
	if got := words(c.Frame("#two iframe"), "#methods h2"); got != "Card" {
		t.Errorf("second widget = %q", got)
	}
	c.call("authorize", map[string]any{"payment_method_category": "pay_now"}, told("ada@example.com"))
	if got := words(c.dialog(), "#method h2"); got != "Card" {
		t.Errorf("dialog is about %q", got)
	}
}

func TestWidgetUnavailable(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	category := func(name string) map[string]any {
		return map[string]any{"container": "#one", "payment_method_category": name}
	}
	for _, tt := range []struct {
		name    string
		more    map[string]any
		options map[string]any
		text    string
	}{
		{"a shopper who may only pay at once", told("ada+red@example.com"), category("pay_later"), "This way to pay is not available for your order."},
		{"a category that the session has not", nil, category("klarna"), "This way to pay is not available for your order."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := h.open(h.session(tt.more), browsertest.Options{})
			if got, want := c.asked("load", tt.options), `{"show_form":false}`; got != want {
				t.Errorf("load = %s, want %s", got, want)
			}
			if got := words(c.widget(), "#notice h2"); got != tt.text {
				t.Errorf("text = %q, want %q", got, tt.text)
			}
			// Loaded all the same: what comes now is declined without a dialog.
			c.call("authorize", map[string]any{"payment_method_category": tt.options["payment_method_category"]})
			if diff := cmp.Diff(map[string]any{"approved": false, "show_form": false}, c.result()); diff != "" {
				t.Errorf("authorize (-want +got):\n%s", diff)
			}
			if got := c.events("fullscreenOverlayShown"); got != "[]" {
				t.Errorf("overlay: %s", got)
			}
		})
	}
	t.Run("an expired session", func(t *testing.T) {
		c := h.open(h.session(nil), browsertest.Options{})
		c.Expect("401")
		h.fake.Advance(49 * time.Hour)
		if got, want := c.asked("load", category("pay_later")), `{"show_form":false}`; got != want {
			t.Errorf("load = %s, want %s", got, want)
		}
		if got := words(c.widget(), "#notice h2"); got != "This payment form has timed out." {
			t.Errorf("text = %q", got)
		}
	})
	t.Run("no network", func(t *testing.T) {
		c := h.open(h.session(nil), browsertest.Options{})
		c.load("pay_later")
		c.Expect("ERR_INTERNET_DISCONNECTED")
		c.Offline(true)
		if got, want := c.asked("load", category("pay_later")), `{"show_form":false}`; got != want {
			t.Errorf("load = %s, want %s", got, want)
		}
		c.Offline(false)
		c.load("pay_later")
	})
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	token := func(got map[string]any) bool {
		token, ok := got["authorization_token"].(string)
		delete(got, "authorization_token")
		return ok && len(token) == 36
	}
	for _, tt := range []struct {
		name    string
		email   string
		press   []string
		verdict string // said in the dialog
		want    map[string]any
		token   bool
	}{
		{"approved", "ada@example.com", []string{"approve"}, "", map[string]any{"approved": true, "show_form": true}, true},
		{"declined by the shopper", "ada@example.com", []string{"decline"}, "", map[string]any{"approved": false, "show_form": false}, false},
		{"closed", "ada@example.com", []string{"close"}, "", map[string]any{"approved": false, "show_form": true}, false},
		{"denied", "ada+denied@example.com", []string{"approve"}, "The payment was not approved.", map[string]any{"approved": false, "show_form": false}, false},
		{"technical error", "ada+error@example.com", []string{"approve"}, "The payment could not be completed.", map[string]any{"approved": false, "show_form": true}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := h.open(h.session(nil), browsertest.Options{})
			c.load("pay_later")
			c.call("authorize", map[string]any{"payment_method_category": "pay_later"}, told(tt.email))
			if got := words(c.dialog(), `[data-testid="title"]`); got != "Pay 447 kr to Skerry?" {
				t.Errorf("title = %q", got)
			}
			if c.dialog().MustElement("#missing").MustVisible() {
				t.Error("asks for what the shop told")
			}
			for _, button := range tt.press {
				c.press(button)
			}
			if tt.verdict != "" {
				c.waitIn(c.dialog(), "the verdict", `(want) => document.activeElement.textContent === want`, tt.verdict)
				c.press("back")
			}
			got := c.result()
			if token(got) != tt.token {
				t.Errorf("token: %v", got)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if c.MustHas("dialog") {
				t.Error("the overlay is still there")
			}
			if shown, hidden := c.events("fullscreenOverlayShown"), c.events("fullscreenOverlayHidden"); shown != `[["fullscreenOverlayShown"]]` || hidden != `[["fullscreenOverlayHidden"]]` {
				t.Errorf("events %s, %s", shown, hidden)
			}
		})
	}
}

func TestAuthorizeInvalidFields(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(nil), browsertest.Options{})
	c.load("pay_later")
	c.call("authorize", map[string]any{"payment_method_category": "pay_later"}, map[string]any{"billing_address": map[string]any{"email": "nobody"}})
	want := map[string]any{"approved": false, "show_form": true, "error": map[string]any{"invalid_fields": []any{"billing_address.email"}}}
	if diff := cmp.Diff(want, c.result()); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if got := c.events("fullscreenOverlayShown"); got != "[]" {
		t.Errorf("overlay: %s", got)
	}
}

// What the shop did not tell is asked for, checked and kept apart from what the
// shop told.
func TestAuthorizeAsksForWhatIsMissing(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(map[string]any{"purchase_country": "DE", "purchase_currency": "EUR"}), browsertest.Options{})
	c.load("pay_later")
	c.call("authorize", map[string]any{"payment_method_category": "pay_later"}, map[string]any{"billing_address": map[string]any{
		"given_name": "Ada", "family_name": "Lind", "street_address": "Torstr. 1", "city": "Berlin", "phone": "030 123456", "country": "DE",
	}})
	dialog := c.dialog()
	names := func() string {
		return dialog.MustEval(`() => [...document.querySelectorAll(".field")].map((box) => box.querySelector("input").name + (box.classList.contains("bad") ? "!" : "")).join(" ")`).Str()
	}
	if got, want := names(), "email postal_code date_of_birth"; got != want {
		t.Errorf("fields = %s, want %s", got, want)
	}
	if got := dialog.MustEval(`() => document.activeElement.name`).Str(); got != "email" {
		t.Errorf("focus is on %q, want email", got)
	}
	dialog.MustElement(`[data-testid="postal_code"]`).MustInput("123")
	c.press("approve")
	if got, want := names(), "email! postal_code! date_of_birth!"; got != want {
		t.Errorf("fields = %s, want %s", got, want)
	}
	if got, want := words(dialog, "#field-postal_code-error"), "Enter a postal code such as 10115"; got != want {
		t.Errorf("error = %q, want %q", got, want)
	}
	dialog.MustElement(`[data-testid="postal_code"]`).MustSelectAllText().MustInput("10115")
	if got, want := names(), "email! postal_code date_of_birth!"; got != want {
		t.Errorf("fields = %s, want %s", got, want)
	}
	dialog.MustElement(`[data-testid="email"]`).MustInput("ada@example.com")
	c.press("fill")
	c.press("approve")
	if got := c.result(); got["approved"] != true {
		t.Errorf("result = %v", got)
	}
	s, _ := h.fake.Session(c.SessionID)
	want := map[string]string{"email": "ada@example.com", "postal_code": "10115", "date_of_birth": "1941-03-21"}
	if diff := cmp.Diff(want, s.Fake.Typed); diff != "" {
		t.Errorf("typed (-want +got):\n%s", diff)
	}
	// It is asked once.
	c.call("authorize", map[string]any{"payment_method_category": "pay_later"})
	if c.dialog().MustElement("#missing").MustVisible() {
		t.Error("asks again")
	}
}

func TestFinalize(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(told("ada@example.com")), browsertest.Options{})
	c.load("pay_now")
	options := map[string]any{"payment_method_category": "pay_now", "auto_finalize": false}
	c.call("authorize", options, map[string]any{})
	c.press("approve")
	want := map[string]any{"approved": true, "show_form": true, "finalize_required": true}
	if diff := cmp.Diff(want, c.result()); diff != "" {
		t.Errorf("authorize (-want +got):\n%s", diff)
	}
	c.call("finalize", map[string]any{"payment_method_category": "pay_now"}, faketest.Amounts(89400))
	if got := words(c.dialog(), `[data-testid="approve"]`); got != "Approve 894 kr" {
		t.Errorf("button = %q", got)
	}
	c.press("approve")
	if got := c.result(); got["approved"] != true || got["authorization_token"] == nil || got["finalize_required"] != nil {
		t.Errorf("finalize = %v", got)
	}
}

func TestReauthorize(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	made := h.session(told("ada@example.com"))
	out, err := h.fake.Pay(made.SessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{Category: "pay_later"}})
	if err != nil {
		t.Fatal(err)
	}
	c := h.open(made, browsertest.Options{}) // a review page, without widget
	c.call("reauthorize", map[string]any{"payment_method_category": "pay_later"}, faketest.Amounts(89400))
	if got := words(c.dialog(), `[data-testid="title"]`); got != "Pay the new total, 894 kr, to Skerry?" {
		t.Errorf("title = %q", got)
	}
	c.press("approve")
	got := c.result()
	if got["approved"] != true || got["authorization_token"] == nil || got["authorization_token"] == out.AuthorizationToken {
		t.Errorf("result = %v, want a token that is not %s", got, out.AuthorizationToken)
	}
	c.call("reauthorize", map[string]any{"payment_method_category": "pay_later"}, map[string]any{})
	c.press("decline")
	if got := c.result(); got["approved"] != false || got["authorization_token"] != nil {
		t.Errorf("declined: %v", got)
	}
}

func TestPaymentReview(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(map[string]any{
		"purchase_country": "US", "purchase_currency": "USD", "locale": "en-US", "order_tax_amount": 0,
		"order_lines": []any{map[string]any{"name": "Mug", "quantity": 1, "unit_price": 44700, "total_amount": 44700}},
	}), browsertest.Options{})
	if got, want := c.asked("loadPaymentReview", map[string]any{"container": "#one"}), `{"show_form":true}`; got != want {
		t.Errorf("loadPaymentReview = %s, want %s", got, want)
	}
	if got, want := words(c.widget(), "#methods"), "To pay\n$447.00\nNothing is charged before you approve."; got != want {
		t.Errorf("review = %q, want %q", got, want)
	}
}

func TestOneAuthorizationAtATime(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(told("ada@example.com")), browsertest.Options{})
	c.load("pay_later")
	options := map[string]any{"payment_method_category": "pay_later"}
	c.MustEval(`(options) => { Klarna.Payments.authorize(options, (first) => { window.first = first }) }`, options)
	c.call("authorize", options)
	if diff := cmp.Diff(map[string]any{"approved": false, "show_form": true}, c.result()); diff != "" {
		t.Errorf("the second (-want +got):\n%s", diff)
	}
	c.press("approve")
	c.Wait("the first", `() => window.first?.approved`)
	if got := c.events("fullscreenOverlayShown"); got != `[["fullscreenOverlayShown"]]` {
		t.Errorf("overlays: %s", got)
	}
}

// By keyboard alone; nothing behind the dialog can be reached meanwhile.
func TestAuthorizeByKeyboard(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(told("ada@example.com")), browsertest.Options{})
	c.load("pay_later")
	c.MustEval(`() => {
		const buy = document.querySelector("#buy");
		buy.addEventListener("click", () => {
			buy.disabled = true;
			window.result = undefined;
			Klarna.Payments.authorize({payment_method_category: "pay_later"}, (result) => {
				buy.disabled = false;
				window.result = result;
			});
		});
		buy.focus();
	}`)
	focus := func() string {
		return c.dialog().MustEval(`() => document.hasFocus() ? document.activeElement.dataset.testid ?? "" : ""`).Str()
	}
	c.Keyboard.MustType(input.Enter)
	if got := focus(); got != "close" {
		t.Errorf("focus is on %q, want the harmless button", got)
	}
	seen := map[string]bool{}
	for range 8 {
		c.Keyboard.MustType(input.Tab)
		if got := c.MustEval(`() => document.activeElement.localName`).Str(); got == "button" {
			t.Fatal("the focus is behind the dialog")
		}
		seen[focus()] = true
	}
	delete(seen, "")
	if diff := cmp.Diff(map[string]bool{"close": true, "approve": true, "decline": true}, seen); diff != "" {
		t.Errorf("reached by Tab (-want +got):\n%s", diff)
	}
	c.dialog().MustElement("#close").MustFocus()
	c.Keyboard.MustType(input.Escape)
	if diff := cmp.Diff(map[string]any{"approved": false, "show_form": true}, c.result()); diff != "" {
		t.Errorf("Escape (-want +got):\n%s", diff)
	}
	if got := c.MustEval(`() => document.activeElement.id`).Str(); got != "buy" {
		t.Errorf("focus is on %q afterwards, want buy", got)
	}
	c.Keyboard.MustType(input.Enter)
	c.dialog().MustElement("#approve").MustFocus()
	c.Keyboard.MustType(input.Enter)
	if got := c.result(); got["approved"] != true {
		t.Errorf("Enter on Approve: %v", got)
	}
	// On the page itself Escape closes too.
	c.call("authorize", map[string]any{"payment_method_category": "pay_later"})
	c.dialog()
	c.MustEval(`() => { document.querySelector("dialog").dispatchEvent(new Event("cancel", {cancelable: true})) }`)
	if diff := cmp.Diff(map[string]any{"approved": false, "show_form": true}, c.result()); diff != "" {
		t.Errorf("Escape on the page (-want +got):\n%s", diff)
	}
}

func TestAuthorizeWithoutNetwork(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	c := h.open(h.session(told("ada@example.com")), browsertest.Options{})
	c.load("pay_later")
	c.call("authorize", map[string]any{"payment_method_category": "pay_later"})
	dialog := c.dialog()
	c.Expect("ERR_INTERNET_DISCONNECTED")
	c.Offline(true)
	c.press("approve")
	c.waitIn(dialog, "the message", `() => document.getElementById("refusal").textContent.startsWith("We got no answer.")`)
	c.Offline(false)
	c.press("approve")
	if got := c.result(); got["approved"] != true {
		t.Errorf("the second try: %v", got)
	}
}
