package static_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/web/static"
	"github.com/shopd/shopd/web/templates"
)

// How parts of pages stand, in the languages with long words and on the phones with little room.

// localeOf is the locale in which most read a language.
var localeOf = map[i18n.Lang]string{"en": "en-SE", "sv": "sv-SE", "nb": "nb-NO", "da": "da-DK", "fi": "fi-FI", "de": "de-DE", "nl": "nl-NL"}

// show opens a page of the shop's in a browser.
func show(t *testing.T, o browsertest.Options, page templ.Component) *checkoutPage {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		if err := page.Render(templ.WithNonce(r.Context(), nonce), w); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /cart/lines", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"revision": 3, "lines": []map[string]any{{"sku": "MUG-1", "name": "Enamel mug", "quantity": 3}}})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c := &checkoutPage{browsertest.Open(t, o), t}
	c.Go(server.URL)
	return c
}

// phone is a narrow one that many have.
var phone = browsertest.Options{Phone: true, Width: 360, Height: 740, ReducedMotion: true}

// shellIn is the frame of a page in a language.
func shellIn(l i18n.Lang) templates.Shell {
	shell := (&pages{n: 1}).shell("/")
	shell.Locale = localeOf[l]
	return shell
}

// bought is the page of an order in a language, of which a part may be sent.
func bought(l i18n.Lang, state templates.OrderState) templates.OrderPageView {
	v := templates.OrderPageView{Shell: shellIn(l), Order: (&pages{n: 2}).order(), Number: "SK-7F3K-92AB", Placed: "30.11.2026", State: state}
	if state == templates.OrderPartSent {
		lantern := []templates.Goods{{Name: templates.Text{Text: "Storm lantern"}, Quantity: 1}}
		v.Sent = []templates.Sending{{Date: "30.11.2026", Amount: "349 kr", Parcels: []templates.Parcel{
			{Carrier: "DHL", Number: "1", URL: "https://tracking.example/1", Goods: append(lantern, templates.Goods{Name: templates.Text{Text: "Enamel mug"}, Quantity: 12})},
		}}}
		v.ToCome = lantern
		v.Refunds = []templates.Refund{{Date: "30.11.2026", Amount: "349 kr", Description: "Broken", Goods: lantern}}
	}
	return v
}

// How many there are of an article stands beside its name, wherever goods are listed.
func TestGoodsAreOneLine(t *testing.T) {
	t.Parallel()
	c := show(t, browsertest.Options{}, templates.OrderPage(bought("en", templates.OrderPartSent)))
	apart := c.MustEval(`() => [...document.querySelectorAll(".goods li")].filter(({ children: [n, name] }) =>
		n.getBoundingClientRect().top !== name.getBoundingClientRect().top).map((li) => li.closest("section").innerText).join("\n\n")`).Str()
	if n := len(c.MustElements(".goods li")); n != 4 || apart != "" {
		t.Errorf("of %d rows these are on two lines:\n%s", n, apart)
	}
	if c.MustElement(".printed").MustVisible() {
		t.Error("the address that a link leads to shows, which is for paper")
	}
	c.Picture("order in parts")
	c.As(phone)
	c.Picture("order in parts, " + phone.String())
}

// On a phone each word of how far an order is stands on one line, or is divided as the language does.
func TestStagesAreWhole(t *testing.T) {
	t.Parallel()
	for _, l := range i18n.Langs() {
		t.Run(string(l), func(t *testing.T) {
			t.Parallel()
			c := show(t, phone, templates.OrderPage(bought(l, templates.OrderReceived)))
			cut := c.MustEval(`() => [...document.querySelectorAll(".way li span")].flatMap(({ firstChild }) =>
				[...firstChild.data.matchAll(/\S+/g)].filter(({ 0: word, index }) => {
					const range = document.createRange();
					range.setStart(firstChild, index);
					range.setEnd(firstChild, index + word.length);
					return range.getClientRects().length > 1;
				}).map(([word]) => word)).join(" ")`).Str()
			if cut != "" {
				t.Errorf("cut: %s", cut)
			}
			c.Picture("stages, " + string(l))
		})
	}
}

// What says that something was added leaves the bar that buys in sight.
func TestToastIsAboveTheBar(t *testing.T) {
	t.Parallel()
	for _, l := range i18n.Langs() {
		t.Run(string(l), func(t *testing.T) {
			t.Parallel()
			tile := templates.Tile{SKU: "MUG-1", Name: templates.Text{Text: "Enamel mug"}, Picture: "MUG-1.svg", Price: "149 kr", Stock: 3}
			c := show(t, phone, templates.Product(templates.ProductView{Shell: shellIn(l), Tile: tile, Related: []templates.Tile{tile, tile}}))
			c.MustElement(`[data-key="MUG-1:add-below"]`).MustClick()
			c.Wait("the toast", `() => document.querySelector(".toast")`)
			for _, width := range []int{320, 360, 390} {
				c.As(browsertest.Options{Phone: true, Width: width, Height: 740, ReducedMotion: true})
				if got := c.MustEval(`() => document.querySelector(".toast").getBoundingClientRect().bottom - document.querySelector(".foothold").getBoundingClientRect().top`).Num(); got > 0 {
					t.Errorf("at %d px it covers %v px of the bar", width, got)
				}
			}
			c.Picture("toast, " + string(l))
			c.As(browsertest.Options{})
			if !c.MustEval(`() => document.querySelector(".toast").checkVisibility() && getComputedStyle(document.querySelector(".toast")).position === "fixed"`).Bool() {
				t.Error("it is not in sight on a desk")
			}
			if c.MustElement(`[data-key="MUG-1:add-below"]`).MustVisible() {
				t.Error("a desk has the bar")
			}
		})
	}
}

// The checkout of an order for nothing: a way of delivery is one text, and the dot of what is wrong stands at its first line.
func TestFreeLooks(t *testing.T) {
	t.Parallel()
	v := templates.FreeView{Shell: shellIn("sv"), Order: (&pages{n: 1}).order(), OrderID: "ord_1", CustomerTypes: []string{"person", "organization"}, CustomerType: "organization", Options: []templates.DeliveryOption{
		{ID: "agent", Name: templates.Text{Text: "Ombud: Kiosken"}, Place: "Sveavägen 5, 11157 Stockholm", Price: "49 kr"},
	}}
	for _, name := range []string{"email", "given_name"} {
		v.Fields = append(v.Fields, templates.AddressField{Name: name, Length: 99, Wrong: true})
	}
	c := show(t, phone, templates.Free(v))
	if got := strings.Join(strings.Fields(c.text("[action='/cart/delivery'] button")), " "); got != "Ombud: Kiosken, Sveavägen 5, 11157 Stockholm, 49 kr" {
		t.Errorf("the button says %q", got)
	}
	if got := c.MustEval(`() => document.querySelector("[action='/cart/delivery'] button").childNodes.length`).Int(); got != 1 {
		t.Errorf("the button has %d parts, which stand beside each other", got)
	}
	// A text in the place of the dot stands on its line.
	lower := c.MustEval(`() => [...document.querySelectorAll(".es li")].map((li) => {
		const range = document.createRange();
		li.prepend("•");
		li.lastChild.style.width = "80%"; // beside it
		const [first] = li.lastChild.getClientRects();
		range.selectNode(li.firstChild);
		return Math.round(range.getBoundingClientRect().top - first.top);
	}).filter((by) => by > 12).join(" ")`).Str()
	if lower != "" {
		t.Errorf("the dots are %s px below their texts", lower)
	}
	c.Picture("free, wrong")
}
