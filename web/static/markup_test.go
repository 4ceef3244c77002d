package static_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/web/static"
	"github.com/shopd/shopd/web/templates"
)

// pages serves the shop's real markup around the scripts: one line in the cart, of a stock of 3.
type pages struct {
	t  *testing.T
	mu sync.Mutex
	n  int
}

func (p *pages) shell(path string) templates.Shell {
	return templates.Shell{Shop: templates.Shop{Name: "Skerry", Countries: []templates.Country{{Code: "SE", Currency: "SEK", Locales: []string{"sv-SE", "en-SE"}}, {Code: "NO", Currency: "NOK", Locales: []string{"nb-NO", "en-NO"}}}}, Locale: "en-SE", Country: "SE", Currency: "SEK", Path: path, CartCount: p.n, CartRevision: int64(p.n), CartIDHash: "c0ffee"}
}

func (p *pages) order() templates.Order {
	amount := func(n int) templates.Amount {
		return templates.Amount{Text: fmt.Sprintf("%d kr", n), Minor: int64(n) * 100}
	}
	return templates.Order{Items: p.n, Totals: templates.Totals{Goods: amount(149 * p.n), Total: amount(149*p.n + 49), VAT: "1 kr"},
		Lines: []templates.Line{{SKU: "MUG-1", Name: templates.Text{Text: "Enamel mug"}, Picture: "MUG-1.svg", Quantity: p.n, Stock: 3, UnitPrice: "149 kr", Total: amount(149 * p.n)}}}
}

func (p *pages) serve() string {
	show := func(c func() templ.Component) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			p.mu.Lock()
			defer p.mu.Unlock()
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Content-Security-Policy", policy)
			if err := c().Render(templ.WithNonce(r.Context(), nonce), w); err != nil {
				p.t.Error(err)
			}
		}
	}
	tile := templates.Tile{SKU: "MUG-1", Name: templates.Text{Text: "Enamel mug"}, Picture: "MUG-1.svg", Price: "149 kr", Stock: 3}
	mux := http.NewServeMux()
	mux.Handle("/static/", static.Handler())
	mux.HandleFunc("GET /{$}", show(func() templ.Component {
		return templates.Catalogue(templates.CatalogueView{Shell: p.shell("/"), Products: []templates.Tile{tile}})
	}))
	mux.HandleFunc("GET /products/MUG-1", show(func() templ.Component {
		return templates.Product(templates.ProductView{Shell: p.shell("/products/MUG-1"), Tile: tile})
	}))
	mux.HandleFunc("GET /cart", show(func() templ.Component {
		return templates.Cart(templates.CartView{Shell: p.shell("/cart"), Order: p.order()})
	}))
	mux.HandleFunc("GET /checkout", show(func() templ.Component {
		return templates.Checkout(templates.CheckoutView{Shell: p.shell("/checkout"), Order: p.order(), OrderID: "order-1", Snippet: stub("first")})
	}))
	mux.HandleFunc("POST /checkout/update", func(w http.ResponseWriter, r *http.Request) {
		p.set(3)
		p.mu.Lock()
		defer p.mu.Unlock()
		var summary bytes.Buffer
		if err := templates.OrderSummary(templates.SummaryView{Voice: i18n.Voice{Lang: i18n.English}, Order: p.order()}).Render(r.Context(), &summary); err != nil {
			p.t.Error(err)
		}
		writeJSON(w, http.StatusOK, map[string]any{"order_id": "order-1", "order_amount": p.order().Totals.Total.Minor, "order_tax_amount": 0,
			"purchase_currency": "SEK", "purchase_country": "SE", "locale": "en-SE", "cart_revision": p.n, "replaced": false, "summary_html": summary.String()})
	})
	mux.HandleFunc("POST /cart/lines/MUG-1", func(w http.ResponseWriter, r *http.Request) {
		p.set(3)
		http.Redirect(w, r, r.PostFormValue("return_to"), http.StatusSeeOther)
	})
	mux.HandleFunc("POST /cart/lines", func(w http.ResponseWriter, _ *http.Request) {
		p.set(3)
		writeJSON(w, http.StatusOK, map[string]any{"revision": 3, "lines": []map[string]any{{"sku": "MUG-1", "name": "Enamel mug", "quantity": 3}}})
	})
	server := httptest.NewServer(mux)
	p.t.Cleanup(server.Close)
	return server.URL
}

func (p *pages) set(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n = n
}

// The scripts find in the shop's real pages what they need.
func TestRealMarkup(t *testing.T) {
	for _, tt := range []struct {
		name, path, control string
		done                string // in the page
	}{
		{"catalogue", "/", "MUG-1:add", `() => document.querySelector("[data-cart-count]").textContent === "3" && document.querySelector(".toast").textContent.startsWith("Added: Enamel mug. 3 in your cart.")`},
		{"product", "/products/MUG-1", "MUG-1:add", `() => document.querySelector("[data-cart-count]").textContent === "3" && document.querySelector(".toast")`},
		{"product, stepper", "/products/MUG-1", "MUG-1:plus", `() => document.querySelector("[name=quantity]").value === "2"`},
		{"cart", "/cart", "MUG-1:plus", `() => document.querySelector("dl [data-total]").dataset.amount === "49600" && document.querySelector("[data-cart-count]").textContent === "3" &&
			document.querySelector("[data-status]").textContent === "Updated" && document.getElementById("live-status").textContent === "Total 496 kr, 3\u00a0items."`},
		{"checkout", "/checkout", "MUG-1:plus", `() => document.querySelector("dl [data-total]").dataset.amount === "49600" && klarna.calls.map((c) => c.call).join() === "suspend,resume" &&
			document.querySelector("[data-status]").textContent === "Updated" && document.getElementById("live-status").textContent === "Total 496 kr, 3\u00a0items."`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &pages{t: t, n: 2}
			c := &checkoutPage{browsertest.Open(t, browsertest.Options{}), t}
			c.Go(p.serve() + tt.path)
			c.press(tt.control)
			c.Wait("the change", tt.done)
			if got := c.focused(); got != tt.control {
				t.Errorf("focus = %q, want %q", got, tt.control)
			}
			if tt.name == "cart" || tt.name == "checkout" {
				c.press("MUG-1:plus")
				if got, want := c.text("[data-messages] .note strong"), "Only 3 left: Enamel mug. The quantity is now 3."; got != want {
					t.Errorf("note = %q, want %q", got, want)
				}
			}
			for text := range strings.SplitSeq(c.text("[data-messages], .toast, [data-status]"), "|") {
				if strings.Contains(text, "{") || strings.Contains(text, "undefined") {
					t.Errorf("text not filled in: %q", text)
				}
			}
			c.Picture(strings.ReplaceAll(tt.name, ", ", "-"))
		})
	}
}

// Every text that a script uses is among those that the pages carry.
func TestTextsAreThere(t *testing.T) {
	p := &pages{t: t, n: 2}
	c := &checkoutPage{browsertest.Open(t, browsertest.Options{}), t}
	c.Go(p.serve() + "/checkout")
	for name := range texts {
		if c.MustEval(`(name) => JSON.parse(document.getElementById("checkout-data").textContent).texts[name] ?? ""`, name).Str() == "" {
			t.Errorf("text %q is missing", name)
		}
	}
}
