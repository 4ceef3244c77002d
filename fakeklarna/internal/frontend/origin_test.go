package frontend_test

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rod/rod"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/internal/browsertest"
)

// unaddressed are ways to show a page whose address does not say its origin, or that has none.
var unaddressed = map[string]func(t *testing.T, p *browsertest.Page, page string) *rod.Page{
	// As setContent of Playwright and Puppeteer.
	"a blank page that is filled": func(_ *testing.T, p *browsertest.Page, page string) *rod.Page {
		p.MustEval(`(page) => { document.open(); document.write(page); document.close() }`, page)
		return p.Page
	},
	"a file": func(t *testing.T, p *browsertest.Page, page string) *rod.Page {
		file := filepath.Join(t.TempDir(), "page.html")
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		p.Go("file://" + file)
		return p.Page
	},
	"srcdoc": func(t *testing.T, p *browsertest.Page, page string) *rod.Page {
		return documentIn(t, p, `srcdoc="`+html.EscapeString(page)+`"`)
	},
	"a data URL": func(t *testing.T, p *browsertest.Page, page string) *rod.Page {
		return documentIn(t, p, `src="data:text/html;charset=utf-8,`+url.PathEscape(page)+`"`)
	},
}

// documentIn opens a page with one iframe of these attributes, and returns what is in that.
func documentIn(t *testing.T, p *browsertest.Page, attributes string) *rod.Page {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><title>Preview</title><link rel="icon" href="data:,"><iframe `+attributes+`></iframe>`)
	}))
	t.Cleanup(s.Close)
	p.Go(s.URL)
	return p.Frame("iframe")
}

// The checkout comes up wherever its snippet stands, tells that page what happens and hears it.
func TestSnippetWithoutAnAddress(t *testing.T) {
	t.Parallel()
	h := faketest.NewHost(t)
	for name, show := range unaddressed {
		t.Run(name, func(t *testing.T) {
			p := browsertest.Open(t, browsertest.Options{})
			order := h.Order(h.Create(nil))
			document := show(t, p, `<!doctype html><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">`+order.HTMLSnippet+`<script>
				_klarnaCheckout((api) => { window.api = api; api.on({
					load(data) { window.loaded = data }, order_total_change(data) { window.total = data },
				}) })</script>`)
			waitIn(t, document, "load", `() => window.loaded?.shipping_address.country === "swe"`)
			h.Update(order.OrderID, faketest.Amounts(89400))
			document.MustEval(`() => { api.resume() }`)
			waitIn(t, document, "the new total", `() => window.total?.order_total === 89400`)
		})
	}
}

// So does the widget of Klarna Payments.
func TestWidgetWithoutAnAddress(t *testing.T) {
	t.Parallel()
	h := newPayShop(t)
	for name, show := range unaddressed {
		t.Run(name, func(t *testing.T) {
			p := browsertest.Open(t, browsertest.Options{})
			document := show(t, p, strings.NewReplacer("{library}", h.fake.URL+"/kp/lib/v1/api.js", "{token}", h.session(nil).ClientToken).Replace(
				`<!doctype html><meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,"><div id="one"></div><script>
				window.klarnaAsyncCallback = () => {
					Klarna.Payments.init({client_token: "{token}"});
					Klarna.Payments.load({container: "#one", payment_method_category: "pay_later"}, (result) => { window.result = JSON.stringify(result) });
				}</script><script async src="{library}"></script>`))
			waitIn(t, document, "load to be answered", `() => window.result === '{"show_form":true}'`)
		})
	}
}
