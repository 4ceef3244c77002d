package api_test

import (
	"html"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// back demands a page that leads to the merchant, and to nothing of ours.
func back(t *testing.T, name string, page shoptest.Answer, status int, says ...string) {
	t.Helper()
	text := html.UnescapeString(page.Text)
	for _, part := range append(says, `href="https://www.example.com/basket"`) {
		if !strings.Contains(text, part) {
			t.Errorf("%s: the page lacks %q", name, part)
		}
	}
	for _, part := range []string{`href="/cart"`, `href="/"`, `action="/cart`} {
		if strings.Contains(text, part) {
			t.Errorf("%s: the page has %s", name, part)
		}
	}
	if page.StatusCode != status {
		t.Errorf("%s: %d", name, page.StatusCode)
	}
}

// A session that is refused for its stock says so, without a button: the lines are the merchant's. One with a product that
// is withdrawn has no form, and says so too.
func TestHostedSoldOut(t *testing.T) {
	w := like(t, func(s *settings.Shop) { s.Storefront = false })
	c := calls(w)
	b := w.Browser()
	// Its ID is the product's: a note beside its line would be shown nowhere.
	_, id := open(w, b, c.want(c.put("b-1", basket(`{"id": "MUG-1", "reference": "MUG-1", "quantity": 2}`, home, cancel)), 201, "").Session)
	refused := func(left int) string {
		t.Helper()
		w.Stocked("MUG-1", left)
		out, err := w.Fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
		if err != nil || out.Refused == nil || !strings.HasSuffix(out.Refused.RedirectURL, "/checkout/s/b-1?reason=sold_out&sku=MUG-1") {
			t.Fatalf("bought what there is not: %+v, %v", out.Refused, err)
		}
		return html.UnescapeString(b.Get(strings.TrimPrefix(out.Refused.RedirectURL, w.URL)).Text)
	}
	for note, page := range map[string]string{"few-left": refused(1), "sold-out-MUG-1": refused(0)} {
		if !strings.Contains(page, `data-note="`+note+`"`) || !strings.Contains(page, i18n.T("sv", "note.at_merchant")) || strings.Contains(page, `action="/cart`) {
			t.Errorf("the page does not say %s", note)
		}
	}
	w.Stocked("MUG-1", 5)
	if page := b.Get("/checkout/s/b-1?reason=sold_out&sku=MUG-1"); !strings.Contains(html.UnescapeString(page.Text), i18n.T("sv", "note.stopped.title")) {
		t.Error("there is enough again, and the page does not say why nothing was bought")
	}
	row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "b-1")
	if _, err := w.Carts.Update(t.Context(), row.CartID, cart.Fallback{}, func(c *cart.Cart) error {
		old := *c.Basket
		old.Lines = slices.Clone(old.Lines)
		old.Lines[0].Reference = "OLD-1"
		c.Basket = &old
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	page := b.Get("/checkout/s/b-1")
	back(t, "withdrawn", page, 200, i18n.T("sv", "note.gone.title", "OLD-1"), i18n.T("sv", "note.at_merchant"))
	if strings.Contains(page.Text, "spin") {
		t.Error("the page waits for a form that does not come")
	}
}

// What is digital in a session never runs out, also under the SKU of goods that do.
func TestHostedDigitalStock(t *testing.T) {
	w := world(t)
	c := calls(w)
	b := w.Browser()
	const poster = `{"id": "d", "type": "digital", "reference": "MUG-1", "name": "Picture of a mug", "quantity": 3, "unit_price": 100, "tax_rate": 2500}`
	open(w, b, c.want(c.put("b-1", basket(poster)), 201, "").Session)
	w.Stocked("MUG-1", 1)
	page := html.UnescapeString(b.Get("/checkout/s/b-1?reason=sold_out&sku=MUG-1").Text)
	if strings.Contains(page, `data-note="few-left"`) || !strings.Contains(page, i18n.T("sv", "note.stopped.title")) {
		t.Errorf("the page:\n%s", page)
	}
}

// A page that pays asks the database for nothing: what it says of the way back to the merchant is found when it is gone.
func TestHostedWithoutDatabase(t *testing.T) {
	w := world(t)
	c := calls(w)
	b := w.Browser()
	_, _ = open(w, b, c.want(c.put("b-1", basket(tent, home, cancel)), 201, "").Session)
	w.Exec("alter table checkout_sessions rename to elsewhere")
	if page := b.Get("/checkout/s/b-1"); page.StatusCode != 200 || !strings.Contains(page.Text, `"cart_url":"/checkout/s/b-1/back"`) {
		t.Errorf("the page: %d\n%s", page.StatusCode, page.Text)
	}
	leads := func(name string, b *shoptest.Browser, to string) {
		t.Helper()
		if got := b.Get("/checkout/s/b-1/back"); got.StatusCode != 303 || got.Header.Get("Location") != to {
			t.Errorf("%s: %d to %s", name, got.StatusCode, got.Header.Get("Location"))
		}
	}
	leads("without the database", b, "/checkout/s/b-1")
	w.Exec("alter table elsewhere rename to checkout_sessions")
	leads("back", b, "https://www.example.com/basket")
	leads("without a claim", w.Browser(), "/checkout/s/b-1")
	c.want(c.put("b-1", basket(tent, home)), 200, "")
	leads("the merchant has no such page", b, "/checkout/s/b-1")
}

// What became of an order of a session is told on pages that lead to the merchant, also where the shop shows its own
// confirmation.
func TestHostedConfirmations(t *testing.T) {
	w := like(t, func(s *settings.Shop) { s.Storefront, s.Checkout.ShowSold = false, true })
	c := calls(w)
	b := w.Browser()
	buy := func(reference string) (id, path string) {
		t.Helper()
		_, id = open(w, b, c.want(c.put(reference, basket(tent, home, cancel)), 201, "").Session)
		w.Buy(id)
		return id, "/checkout/confirmation?order_id=" + url.QueryEscape(id)
	}
	w.Fake.AddFault(fakeklarna.Fault{Callback: "push", Drop: true, Count: -1})
	_, path := buy("b-1")
	w.Fake.AddFault(fakeklarna.Fault{Path: "/ordermanagement/v1/orders/*", Status: 503, Count: -1})
	back(t, "not placed yet", b.Get(path), 503, i18n.T("sv", "unavailable.order.title"))
	w.Fake.ClearFaults()

	w.Fake.AddFault(fakeklarna.Fault{Callback: "push", Drop: true, Count: -1})
	id, path := buy("b-2")
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.Fake.URL+"/ordermanagement/v1/orders/"+id+"/cancel", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("demo", "demo")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusNoContent {
		t.Fatal(res, err)
	}
	_ = res.Body.Close()
	back(t, "cancelled", b.Get(path), 200, i18n.T("sv", "confirmation.cancelled"))
}

// The page that answers a form without an answer leads to where it was sent from.
func TestHostedFormUnavailable(t *testing.T) {
	w := like(t, func(s *settings.Shop) { s.Storefront = false })
	c := calls(w)
	b := w.Browser()
	_, form := openFree(w, b, c.want(c.put("b-1", basket(tent+", "+card, inShop, cancel)), 201, "").Session)
	w.Redis.Stop()
	for _, path := range []string{"/place", "/delivery"} {
		form.Set("option", "parcel")
		got := b.Submit("/checkout/s/b-1"+path, form)
		if got.StatusCode != 503 || !strings.Contains(got.Text, `href="/checkout/s/b-1"`) || strings.Contains(got.Text, `href="/cart"`) {
			t.Errorf("%s: %d\n%.400s", path, got.StatusCode, got.Text)
		}
	}
}

// A page that pays leads back to the merchant where he has said whereto, without reading SQL; and nowhere else. That he has
// is no part of what the form shows: the revision stays.
func TestHostedWayOut(t *testing.T) {
	for product, paymentsShop := range map[string]bool{"KCO": false, "Payments": true} {
		w := like(t, func(s *settings.Shop) { s.Checkout.Payments = paymentsShop })
		c := calls(w)
		ways := func(reference string) (found []string) {
			b := w.Browser()
			b.Get(strings.TrimPrefix(c.call(http.MethodGet, "/checkout_sessions/"+reference, "").Session.URL, w.URL))
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(b.Get("/checkout/s/" + reference).Text))
			if err != nil || doc.Find("#checkout-data").Length() != 1 {
				t.Fatalf("%s: no page that pays: %v", product, err)
			}
			doc.Find("header a").Each(func(_ int, a *goquery.Selection) {
				found = append(found, a.Text()+" "+a.AttrOr("href", ""))
			})
			return found
		}
		c.want(c.put("without", basket(tent)), 201, "")
		c.want(c.put("with", basket(tent, home, cancel)), 201, "")
		want := []string{i18n.T("sv", "nav.back") + " /checkout/s/with/back"}
		if got := ways("without"); got != nil {
			t.Errorf("%s: a session without a cancel_url leads to %q", product, got)
		}
		if got := ways("with"); !slices.Equal(got, want) {
			t.Errorf("%s: a session with a cancel_url leads to %q, want %q", product, got, want)
		}
		if s := c.want(c.put("without", basket(tent, cancel)), 200, "").Session; s.Revision != 1 {
			t.Errorf("%s: the cancel_url raised the revision to %d", product, s.Revision)
		}
	}
}
