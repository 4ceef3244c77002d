package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// like is a world whose shop file says something else.
func like(t *testing.T, change func(*settings.Shop)) *shoptest.World {
	t.Helper()
	sold := *skerry.Version().Shop
	change(&sold)
	return world(t, func(c *shop.Config) {
		c.Published = publish.Fixed(publish.NewVersion(1, &sold, skerry.Version().Catalog))
	})
}

// paymentsPage is what the hosted page of Klarna Payments says to its script.
type paymentsPage struct {
	UpdateURL string `json:"update_url"`
	Basket    *struct {
		Revision int64 `json:"revision"`
	} `json:"basket"`
	Payments *struct {
		Form     string `json:"form"`
		PlaceURL string `json:"place_url"`
		Session  struct {
			OrderAmount int64 `json:"order_amount"`
		} `json:"session"`
	} `json:"payments"`
}

func openPayments(w *shoptest.World, b *shoptest.Browser, link, reference string) (page paymentsPage) {
	w.T.Helper()
	b.Get(strings.TrimPrefix(link, w.URL))
	got := b.Get("/checkout/s/" + reference)
	_, data, _ := strings.Cut(got.Text, `id="checkout-data"`)
	_, data, _ = strings.Cut(data, ">")
	data, _, _ = strings.Cut(data, "</script>")
	if err := json.Unmarshal([]byte(data), &page); err != nil || page.Payments == nil || page.Basket == nil {
		w.T.Fatalf("no page of Klarna Payments: %d %v\n%s", got.StatusCode, err, got.Text)
	}
	return page
}

// A session of a shop with Klarna Payments: from its basket to the order. The page follows
// changes of the merchant's, what was approved before one is not placed, and each browser has
// a payment session of its own.
func TestPaymentsSale(t *testing.T) {
	w := like(t, func(s *settings.Shop) { s.Checkout.Payments = true })
	c := calls(w)
	c.want(c.put("p-1", basket(tent, home, held)), 422, api.CodeInvalid)
	made := c.want(c.put("p-1", basket(tent, home, `"order_number": "W-9"`)), 201, "").Session
	row, _, err := w.CheckoutSessions.ByReference(t.Context(), "p-1")
	if err != nil {
		t.Fatal(err)
	}
	session := func() string {
		now, err := w.Carts.Get(t.Context(), row.CartID, cart.Fallback{})
		if err != nil {
			t.Fatal(err)
		}
		return now.SessionID
	}
	c.want(c.put("p-1", basket(tent, home, `"order_number": "W-9", "metadata": {"a": "b"}`)), 200, "")
	if session() != "" {
		t.Fatal("a call of the merchant's has made a payment session")
	}
	b := w.Browser()
	page := openPayments(w, b, made.URL, "p-1")
	if page.UpdateURL != "/checkout/s/p-1/payments/update" || page.Payments.PlaceURL != "/checkout/s/p-1/payments/place" || page.Payments.Session.OrderAmount != 257800 {
		t.Errorf("page: %+v %+v", page, page.Payments)
	}
	place := func(token string, amount int64, form string) (shoptest.Answer, string) {
		body := fmt.Sprintf(`{"authorization_token": %q, "form": %q, "order_amount": %d, "billing_address": {"given_name": "Eva", "family_name": "Lind", "email": "eva@example.com", "phone": "+46701234567", "street_address": "Storgatan 1", "postal_code": "11122", "city": "Stockholm", "country": "SE"}}`, token, form, amount)
		got := b.Do(http.MethodPost, "/checkout/s/p-1/payments/place", "application/json", body)
		var to struct {
			Redirect string `json:"redirect"`
		}
		_ = json.Unmarshal([]byte(got.Text), &to)
		return got, to.Redirect
	}

	// The merchant's server adds a mug: Klarna's session says so at once, and what was approved
	// before is not placed.
	before := w.Authorize(session())
	more := c.want(c.put("p-1", basket(tent+`, {"id": "m", "name": "Mug", "quantity": 1, "unit_price": 1000, "tax_rate": 2500}`, home, `"order_number": "W-9"`)), 200, "").Session
	if got, _ := place(before, 257800, page.Payments.Form); got.StatusCode != 409 || !strings.Contains(got.Text, "cart_changed") {
		t.Errorf("what was approved before: %d %s", got.StatusCode, got.Text)
	}
	if state := b.Get("/checkout/s/p-1/state"); state.Text != `{"revision":2}` {
		t.Errorf("state: %d %s", state.StatusCode, state.Text)
	}
	// A second browser with the link has a session of its own; the first is told.
	friend := w.Browser()
	first := session()
	openPayments(w, friend, made.URL, "p-1")
	if session() == first {
		t.Error("the second browser has the first one's payment session")
	}
	if state := b.Get("/checkout/s/p-1/state"); state.Text != `{"revision":2,"elsewhere":true}` {
		t.Errorf("state of the first browser: %s", state.Text)
	}
	page = openPayments(w, b, made.URL, "p-1")
	got, to := place(w.Authorize(session()), more.OrderAmount, page.Payments.Form)
	if got.StatusCode != 200 || to == "" {
		t.Fatalf("place: %d %s", got.StatusCode, got.Text)
	}
	sold := c.want(c.call("GET", "/checkout_sessions/p-1", ""), 200, "").Session
	if sold.Status != "complete" || sold.Order == nil || sold.Order.Number != "W-9" {
		t.Fatalf("sold: %+v", sold)
	}
	o, _, err := w.Book.ByNumber(t.Context(), "W-9")
	if err != nil || o.Reference != "p-1" || o.MerchantReference2 != "p-1" || int64(o.OrderAmount) != more.OrderAmount {
		t.Errorf("in the book: %+v, %v", o, err)
	}
	if n := w.Number("select count(*) from orders where reference = 'p-1'"); n != 1 {
		t.Errorf("%d orders by the reference", n)
	}
	back := b.Get("/checkout/confirmation?order_id=" + url.QueryEscape(o.OrderID))
	if back.StatusCode != 303 || back.Header.Get("Location") != "https://www.example.com/thanks?basket=p-1" {
		t.Errorf("after the purchase: %d to %s", back.StatusCode, back.Header.Get("Location"))
	}
}

// The merchant's server is asked before an approved purchase is placed.
func TestPaymentsValidateHook(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) {
		s.Checkout.Payments = true
		s.Hooks.Validate, s.Hooks.Delivery = s.Hooks.Delivery, nil
	})
	c := calls(w)
	b := w.Browser()
	page := openPayments(w, b, c.want(c.put("p-1", basket(tent, home)), 201, "").Session.URL, "p-1")
	row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "p-1")
	now, err := w.Carts.Get(t.Context(), row.CartID, cart.Fallback{})
	if err != nil {
		t.Fatal(err)
	}
	m.does(func(res http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(res, `{"ok": false, "message": {"sv": "Såld i butiken"}}`)
	})
	body := fmt.Sprintf(`{"authorization_token": %q, "form": %q, "order_amount": 257800, "billing_address": {"given_name": "Eva", "family_name": "Lind", "email": "eva@example.com", "phone": "+46701234567", "street_address": "Storgatan 1", "postal_code": "11122", "city": "Stockholm", "country": "SE"}}`, w.Authorize(now.SessionID), page.Payments.Form)
	got := b.Do(http.MethodPost, "/checkout/s/p-1/payments/place", "application/json", body)
	if got.StatusCode != 409 || !strings.Contains(got.Text, "refused_by_shop") || !strings.Contains(got.Text, "Såld i butiken") || len(m.questions()) != 1 {
		t.Errorf("%d %s", got.StatusCode, got.Text)
	}
	if n := w.Number("select count(*) from orders"); n != 0 {
		t.Errorf("%d orders", n)
	}
}

// With `confirmation: shop` who has bought sees our page first, which leads to the merchant's.
func TestConfirmationOfShop(t *testing.T) {
	w := like(t, func(s *settings.Shop) { s.Checkout.ShowSold = true })
	c := calls(w)
	b := w.Browser()
	_, id := open(w, b, c.want(c.put("b-1", basket(tent, home, `"order_number": "W-1"`)), 201, "").Session)
	w.Buy(id)
	page := b.Get("/checkout/confirmation?order_id=" + url.QueryEscape(id))
	if page.StatusCode != 200 || !strings.Contains(page.Text, "W-1") || !strings.Contains(page.Text, `href="https://www.example.com/thanks?basket=b-1"`) || strings.Contains(page.Text, `href="/"`) {
		t.Errorf("our page: %d\n%s", page.StatusCode, page.Text)
	}
	again := b.Get("/checkout/confirmation?order_id=" + url.QueryEscape(id))
	if again.StatusCode != 200 || !strings.Contains(again.Text, "https://www.example.com/thanks") {
		t.Errorf("loaded again: %d", again.StatusCode)
	}
	if got := w.Browser().Get("/checkout/confirmation?order_id=" + url.QueryEscape(id)); got.StatusCode != 303 {
		t.Errorf("somebody else: %d", got.StatusCode)
	}
}

// Pages that say that something is wrong lead back to the merchant, never to a cart of ours.
func TestHostedErrors(t *testing.T) {
	w := world(t)
	c := calls(w)
	b := w.Browser()
	_, _ = open(w, b, c.want(c.put("b-1", basket(tent, home, `"cancel_url": "https://www.example.com/basket"`)), 201, "").Session)
	w.Fake.AddFault(fakeklarna.Fault{Status: 503, Count: 8})
	page := b.Get("/checkout/s/b-1")
	if page.StatusCode != 503 || !strings.Contains(page.Text, `href="https://www.example.com/basket"`) || strings.Contains(page.Text, `href="/cart"`) || strings.Contains(page.Text, `href="/"`) {
		t.Errorf("Klarna away: %d\n%s", page.StatusCode, page.Text)
	}
	if page := w.Browser().Get("/checkout/s/b-1"); page.StatusCode != 404 || strings.Contains(page.Text, `href="/cart"`) || strings.Contains(page.Text, "www.example.com") {
		t.Errorf("without a claim: %d\n%s", page.StatusCode, page.Text)
	}
}
