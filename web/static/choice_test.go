package static_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/web/static"
	"github.com/shopd/shopd/web/templates"
)

// jacket is a product page; of the first option alone, or of both. chosen is the variant of
// the address.
func jacket(options int, chosen string) templates.ProductView {
	p := &pages{n: 1}
	v := templates.ProductView{Shell: p.shell("/"), Pictures: []string{"HAT-1.svg", "MUG-1.svg"},
		Tile: templates.Tile{SKU: "jacket", Name: templates.Text{Text: "Jacket"}, Picture: "HAT-1.svg", Price: "100 kr", From: true, Choice: true, Stock: 40}}
	v.Options = []string{"Size", "Colour"}[:options]
	for i, what := range []string{"S Red", "M Red", "L Red", "L Blue"} {
		size, colour, _ := strings.Cut(what, " ")
		if options == 1 && colour == "Blue" {
			size = "XL"
		}
		v.Variants = append(v.Variants, templates.Variant{
			SKU: size + "-" + colour, Values: []templates.Text{{Text: size}, {Text: colour}}[:options],
			Price: []string{"100 kr", "100 kr", "100 kr", "120 kr"}[i], Stock: []int{4, 0, 2, 30}[i], Weight: 600 + i, Chosen: size+"-"+colour == chosen,
		})
	}
	return v
}

// serveJacket serves a product page, and says which SKUs were added.
func serveJacket(t *testing.T, v templates.ProductView) (url string, added *[]string) {
	t.Helper()
	added = new([]string)
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", policy)
		if err := templates.Product(v).Render(templ.WithNonce(r.Context(), nonce), w); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("POST /cart/lines", func(w http.ResponseWriter, r *http.Request) {
		*added = append(*added, r.PostFormValue("sku")+" × "+r.PostFormValue("quantity"))
		writeJSON(w, http.StatusOK, map[string]any{"revision": 2, "lines": []map[string]any{{"sku": r.PostFormValue("sku"), "name": "Jacket, it", "quantity": 3}}})
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL, added
}

// state is what the page shows of the choice: the values of each option, in brackets when
// chosen, with a minus when they cannot be; price, stock, weight and item number.
const state = `() => {
	const shown = (element) => element && element.checkVisibility();
	const parts = [...document.querySelectorAll("fieldset.choice")].filter(shown).map((set) => set.querySelector("legend").textContent.trim() + ": " +
		[...set.querySelectorAll("label")].map((label) => {
			const radio = label.querySelector("input"), name = label.querySelector(".what").textContent.trim();
			return radio.checked ? "(" + name + ")" : radio.disabled ? "-" + name : name;
		}).join(" "));
	parts.push(document.querySelector("[data-price].pr").textContent, document.querySelector("[data-stock]").textContent.trim());
	for (const row of document.querySelectorAll("[data-weight], tr[data-item]")) if (shown(row) && row.matches("tr")) parts.push(row.querySelector("td").textContent);
	return parts.join(" | ");
}`

func (c *checkoutPage) choose(value string) {
	c.t.Helper()
	c.MustElementR("fieldset.choice label", "^"+value).MustClick()
}

func (c *checkoutPage) shows(want string) {
	c.t.Helper()
	if got := strings.ReplaceAll(c.MustEval(state).Str(), "\u00a0", " "); got != want {
		c.t.Errorf("the page shows\n%s\nwant\n%s", got, want)
	}
}

// With scripts each option is chosen by itself, and only what is there can be.
func TestChoice(t *testing.T) {
	url, added := serveJacket(t, jacket(2, ""))
	c := &checkoutPage{browsertest.Open(t, browsertest.Options{}), t}
	c.Go(url)
	c.Wait("the scripts", `() => document.querySelector("fieldset.each")`)
	c.shows("Size: S -M L | Colour: Red Blue | from 100 kr | ")
	c.MustElement("form[data-add] button[type=submit]").MustClick() // nothing is chosen: the browser says so
	c.choose("S")
	c.shows("Size: (S) -M L | Colour: Red -Blue | from 100 kr | ")
	c.choose("Red")
	c.shows("Size: (S) -M L | Colour: (Red) -Blue | 100 kr | 4 left | 600 g | S-Red")
	c.choose("L")
	c.shows("Size: S -M (L) | Colour: (Red) Blue | 100 kr | 2 left | 602 g | L-Red")
	for range 3 {
		c.press("jacket:plus")
	}
	if got := c.field("jacket:quantity"); got != "2" {
		t.Errorf("of 2 that are left %s can be added", got)
	}
	c.choose("Blue")
	c.shows("Size: S -M (L) | Colour: Red (Blue) | 120 kr | In stock, 30 left | 603 g | L-Blue")
	c.press("jacket:plus")
	c.choose("S") // there is none in blue
	c.shows("Size: (S) -M L | Colour: Red -Blue | from 100 kr | ")
	c.choose("Red")
	if len(*added) != 0 {
		t.Errorf("added %v without a choice", *added)
	}
	c.MustElement("form[data-add] button[type=submit]").MustClick()
	c.Wait("the toast", `() => document.querySelector(".toast")?.textContent.startsWith("Added: Jacket, it. 3 in your cart.")`)
	if got := strings.Join(*added, ", "); got != "S-Red × 3" {
		t.Errorf("added %s, want S-Red × 3", got)
	}
	for _, o := range []browsertest.Options{{Width: 1280, Height: 900}, {Width: 500, Height: 900}, {Width: 500, Height: 900, Dark: true}} {
		c.As(o)
		c.Picture("choice, " + o.String())
	}
	if wide := c.TooWide(); wide != "" {
		t.Errorf("it scrolls sideways:\n%s", wide)
	}
}

// One option is the list of the variants; an address with a variant has it chosen.
func TestChoiceOfOne(t *testing.T) {
	url, added := serveJacket(t, jacket(1, "L-Red"))
	c := &checkoutPage{browsertest.Open(t, browsertest.Options{}), t}
	c.Go(url)
	c.Wait("the scripts", `() => !document.querySelector("tr[data-item]").hidden && document.querySelector("[data-stock]").textContent.trim() !== ""`)
	c.shows("Size: S -M (L) XL | 100 kr | 2 left | 602 g | L-Red")
	c.choose("XL")
	c.shows("Size: S -M L (XL) | 120 kr | In stock, 30 left | 603 g | XL-Blue")
	c.MustElement("form[data-add] button[type=submit]").MustClick()
	c.Wait("the toast", `() => document.querySelector(".toast")`)
	if got := strings.Join(*added, ", "); got != "XL-Blue × 1" {
		t.Errorf("added %s", got)
	}
}
