package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
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
		Form       string `json:"form"`
		PlaceURL   string `json:"place_url"`
		PostalCode string `json:"postal_code"`
		Session    struct {
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

// The confirmation of an order of a session promises an e-mail only where the shop writes those mails, too.
func TestConfirmationOfShopMail(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		w := like(t, func(s *settings.Shop) { s.Checkout.ShowSold, s.Mail.Sessions = true, sessions })
		w.Storefront.Mailer = &mail.Mailer{Published: w.Storefront.Published}
		c := calls(w)
		b := w.Browser()
		_, id := open(w, b, c.want(c.put("b-1", basket(tent, home)), 201, "").Session)
		w.Buy(id)
		page := b.Get("/checkout/confirmation?order_id=" + url.QueryEscape(id))
		if page.StatusCode != 200 || strings.Contains(page.Text, i18n.T("sv", "confirmation.receipt")) != sessions {
			t.Errorf("mails of sessions %v: %d\n%s", sessions, page.StatusCode, page.Text)
		}
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

// approved has a shopper approve a payment session, and waits until Klarna has told the shop.
func approved(w *shoptest.World, sessionID string) {
	w.T.Helper()
	token := w.Authorize(sessionID)
	until.Holds(w.T, "Klarna has told of the authorization", func() bool {
		return w.Number("select count(*) from authorizations where token = $1", token) > 0
	})
}

// An approval whose page is gone is placed by the loop, which asks the merchant's server before, too. Where that refuses,
// the authorization is given back at Klarna, and the session and its page say why.
func TestPaymentsValidateHookInLoop(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) {
		s.Checkout.Payments = true
		s.Hooks.Validate, s.Hooks.Delivery = s.Hooks.Delivery, nil
	})
	c := calls(w)
	b := w.Browser()
	made := c.want(c.put("p-1", basket(tent, home)), 201, "").Session
	openPayments(w, b, made.URL, "p-1")
	row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "p-1")
	approve := func() (sessionID string) {
		t.Helper()
		now, err := w.Carts.Get(t.Context(), row.CartID, cart.Fallback{})
		if err != nil {
			t.Fatal(err)
		}
		approved(w, now.SessionID)
		w.Round(time.Minute)
		return now.SessionID
	}
	m.says(`{"ok": false, "message": {"sv": "Såld i butiken", "en": "Sold in the shop"}}`)
	id := approve()
	if asked := m.questions(); len(asked) != 1 || asked[0]["order_amount"] != 257800.0 {
		t.Errorf("asked %v", asked)
	}
	if s, _ := w.Fake.Session(id); s.Fake.State != "token deleted" {
		t.Errorf("the session at Klarna is %s", s.Fake.State)
	}
	refused := c.want(c.call("GET", "/checkout_sessions/p-1", ""), 200, "").Session
	if refused.Status != "open" || refused.Refused == nil || refused.Refused.Message["en"] != "Sold in the shop" || time.Since(refused.Refused.At) > time.Minute {
		t.Errorf("the session: %+v", refused)
	}
	if page := b.Get("/checkout/s/p-1"); !strings.Contains(page.Text, "Såld i butiken") {
		t.Errorf("the page does not say why: %s", page.Text)
	}
	if n := w.Number("select count(*) from orders") + w.Number("select count(*) from approved_orders"); n != 0 {
		t.Errorf("%d orders", n)
	}

	// Another basket is another question.
	changed := c.want(c.put("p-1", basket(tent+`, {"id": "m", "name": "Mug", "quantity": 1, "unit_price": 1000, "tax_rate": 2500}`, home)), 200, "").Session
	if changed.Refused != nil {
		t.Errorf("the new basket is refused: %+v", changed.Refused)
	}
	m.says(`{"ok": true}`)
	approve()
	if sold := c.want(c.call("GET", "/checkout_sessions/p-1", ""), 200, "").Session; sold.Status != "complete" || len(m.questions()) != 1 {
		t.Errorf("the session is %s", sold.Status)
	}
}

// What the merchant's server changes while it is asked is not bought with what was authorized before.
func TestPaymentsChangedWhileAsked(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) {
		s.Checkout.Payments = true
		s.Hooks.Validate, s.Hooks.Delivery = s.Hooks.Delivery, nil
		s.Hooks.Validate.Timeout = 3 * time.Second
	})
	c := calls(w)
	openPayments(w, w.Browser(), c.want(c.put("p-1", basket(tent, home)), 201, "").Session.URL, "p-1")
	row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "p-1")
	now, err := w.Carts.Get(t.Context(), row.CartID, cart.Fallback{})
	if err != nil {
		t.Fatal(err)
	}
	m.does(func(res http.ResponseWriter, _ *http.Request) {
		c.want(c.put("p-1", basket(tent+`, {"id": "m", "name": "Mug", "quantity": 1, "unit_price": 1000, "tax_rate": 2500}`, home)), 200, "")
		_, _ = io.WriteString(res, `{"ok": true}`)
	})
	approved(w, now.SessionID)
	w.Round(time.Minute)
	if n := w.Number("select count(*) from orders"); n != 0 || len(m.questions()) != 1 {
		t.Errorf("%d orders", n)
	}
}

// The form of Klarna Payments begins with what the merchant says of his shopper, if the shopper has agreed to that.
func TestPaymentsPrefill(t *testing.T) {
	w := like(t, func(s *settings.Shop) {
		s.Checkout.Payments = true
		form := s.Checkout.Forms["SE"]
		form.CustomerTypes, form.SeparateAddress = []string{"person", "organization"}, true
		s.Checkout.Forms = maps.Clone(s.Checkout.Forms)
		s.Checkout.Forms["SE"] = form
	})
	c := calls(w)
	customer := `"customer": {"type": "organization", "email": "ada@example.com", "prefill_consent": %t,
		"billing_address": {"organization_name": "Lovelace AB", "given_name": "Ada", "family_name": "Lovelace", "street_address": "Storgatan 1", "postal_code": "11147", "city": "Stockholm"},
		"shipping_address": {"given_name": "Ada", "family_name": "Lovelace", "street_address": "Lagervägen 2", "postal_code": "11148", "city": "Stockholm"}}`
	page := func(reference string, consent bool) *goquery.Document {
		t.Helper()
		made := c.want(c.put(reference, basket(tent, home, fmt.Sprintf(customer, consent))), 201, "").Session
		b := w.Browser()
		openPayments(w, b, made.URL, reference)
		doc, err := goquery.NewDocumentFromReader(strings.NewReader(b.Get("/checkout/s/" + reference).Text))
		if err != nil {
			t.Fatal(err)
		}
		return doc
	}
	known := page("p-1", true)
	for name, want := range map[string]string{
		"email": "ada@example.com", "organization_name": "Lovelace AB", "given_name": "Ada", "street_address": "Storgatan 1", "postal_code": "11147",
		"shipping_street_address": "Lagervägen 2", "shipping_postal_code": "11148",
	} {
		if got := known.Find("#payments [name="+name+"]").AttrOr("value", ""); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, checked := range []string{"[name=elsewhere][checked]", "[name=customer_type][value=organization][checked]", "#elsewhere-address:not([hidden])", "#organization:not([disabled])"} {
		if known.Find(checked).Length() != 1 {
			t.Errorf("there is no %s", checked)
		}
	}
	row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "p-1")
	now, err := w.Carts.Get(t.Context(), row.CartID, cart.Fallback{})
	if s, _ := w.Fake.Session(now.SessionID); err != nil || !strings.Contains(string(s.Customer), "organization") || s.BillingAddress != nil {
		t.Errorf("Klarna knows %s and %s; %v", s.Customer, s.BillingAddress, err)
	}
	if page("p-2", false).Find("#payments input[value*=Lovelace], #payments input[value*=ada]").Length() != 0 {
		t.Error("without consent the form knows the shopper")
	}
}

// The pickup point that the merchant's server has said and the shopper has chosen reaches Klarna Payments whole, with the
// line and as the address of the delivery, and comes back with the order.
func TestPaymentsPickupPoint(t *testing.T) {
	m := newAsked(t)
	m.says(`{"delivery_options": [{"id": "parcel", "name": "Hem", "price": 7900, "tax_rate": 2500, "preselected": true},
		{"id": "agent-7", "name": "Kiosken", "price": 4900, "tax_rate": 2500,
		 "pickup_point": {"id": "7", "name": "Kiosken", "address": {"street_address": "Sveavägen 5", "postal_code": "11157", "city": "Stockholm", "country": "SE"}}}]}`)
	w := hooked(t, m, func(s *settings.Shop) { s.Checkout.Payments = true })
	c := calls(w)
	b := w.Browser()
	page := openPayments(w, b, c.want(c.put("p-1", basket(tent)), 201, "").Session.URL, "p-1")
	row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "p-1")
	session := func() (s struct {
		OrderLines []struct {
			Reference    string `json:"reference"`
			MerchantData string `json:"merchant_data"`
		} `json:"order_lines"`
		Attachment struct {
			Body string `json:"body"`
		} `json:"attachment"`
		id string
	}) {
		t.Helper()
		now, err := w.Carts.Get(t.Context(), row.CartID, cart.Fallback{})
		if err != nil {
			t.Fatal(err)
		}
		known, _ := w.Fake.Session(now.SessionID)
		text, _ := json.Marshal(known)
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		s.id = now.SessionID
		return s
	}
	update := func(name, value string) {
		t.Helper()
		got := b.Do(http.MethodPost, page.UpdateURL, "application/json", fmt.Sprintf(`{"form": %q, %q: %q}`, page.Payments.Form, name, value))
		if got.StatusCode != 200 {
			t.Fatalf("%s: %d %s", value, got.StatusCode, got.Text)
		}
	}
	choose := func(option string) { t.Helper(); update("shipping_option", option) }
	update("postal_code", "11122") // that of the address that is approved
	choose("agent-7")
	s := session()
	if want := `{"other_delivery_address":[{"shipping_method":"pick-up point","shipping_type":"normal","street_address":"Sveavägen 5","street_number":"","postal_code":"11157","city":"Stockholm","country":"SE"}]}`; s.Attachment.Body != want {
		t.Errorf("the attachment is %s", s.Attachment.Body)
	}
	if line := s.OrderLines[1]; line.Reference != "agent-7" || !strings.Contains(line.MerchantData, "Sveavägen 5") {
		t.Errorf("the line is %+v", line)
	}
	choose("parcel")
	if s := session(); s.Attachment.Body != "{}" || s.OrderLines[1].MerchantData != "" {
		t.Errorf("brought home: %+v", s)
	}
	choose("agent-7")
	approved(w, session().id)
	w.Round(time.Minute)
	d := w.InBook(w.Text("select order_id from orders")).Delivery
	if d.ID != "agent-7" || d.Method != "PickUpPoint" || d.PickupLocation.ID != "7" || d.PickupLocation.Name != "Kiosken" || d.PickupLocation.Address.StreetAddress != "Sveavägen 5" {
		t.Errorf("in the book: %+v", d)
	}
}

// The hosted page of Klarna Payments, wide and on a phone: it begins with what the merchant knows, says why the last purchase
// was refused, and when another browser has gone on.
func TestHostedPaymentsPage(t *testing.T) {
	w := newHostedLike(t, func(s *settings.Shop) { s.Checkout.Payments = true })
	made := w.puts("p-1", ownMug, 201, `"customer": {"email": "ada@example.com", "prefill_consent": true,
		"billing_address": {"given_name": "Ada", "family_name": "Lovelace", "street_address": "Storgatan 1", "postal_code": "11147", "city": "Stockholm", "phone": "+46701234567"}}`)
	row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "p-1")
	if _, err := w.Carts.Update(t.Context(), row.CartID, cart.Fallback{}, func(c *cart.Cart) error {
		c.Refused = &cart.Refused{At: time.Now(), Message: i18n.Text{"en": "The last one was sold in the shop a minute ago."}}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	p := &hostedPage{browsertest.Open(t, browsertest.Options{Width: 1280, Height: 900, AcceptLanguage: "en-SE"}), w}
	p.Go(made.URL)
	p.Wait("the widget", `() => document.querySelector("[data-widget]:not([hidden]) iframe")`)
	if got := p.MustEval(`() => [...document.querySelectorAll("#payments [data-field]")].filter((f) => !f.disabled && f.required && !f.value).map((f) => f.name).join()`).Str(); got != "" {
		t.Errorf("still to be filled in: %s", got)
	}
	if text := p.MustElement("main").MustText(); !strings.Contains(text, "sold in the shop") || strings.Contains(text, "top of the page") {
		t.Errorf("the page does not say why the purchase was refused, or names a choice that it has not: %s", text)
	}
	p.look("hosted payments")
	other := &hostedPage{browsertest.Open(t, browsertest.Options{AcceptLanguage: "en-SE"}), w}
	other.Go(made.URL)
	other.Wait("the widget", `() => document.querySelector("[data-widget]:not([hidden]) iframe")`)
	p.Wait("the page to say it", `() => document.querySelector("[data-note=elsewhere]")`)
	p.look("gone on elsewhere")
}

// The page of a session of which nothing can be bought follows its basket to the form that the shop has, and asks for no
// other.
func TestHostedNothingFollows(t *testing.T) {
	w := newHostedLike(t, func(s *settings.Shop) { s.Checkout.Payments = true })
	made := w.puts("p-1", `{"id": "m", "reference": "MUG-1", "quantity": 1}`, 201)
	row, _, _ := w.CheckoutSessions.ByReference(t.Context(), "p-1")
	if _, err := w.Carts.Update(t.Context(), row.CartID, cart.Fallback{}, func(c *cart.Cart) error {
		withdrawn := *c.Basket
		withdrawn.Lines = slices.Clone(withdrawn.Lines)
		withdrawn.Lines[0].Reference = "OLD-1"
		c.Basket = &withdrawn
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	p := &hostedPage{browsertest.Open(t, browsertest.Options{AcceptLanguage: "en-SE"}), w}
	p.Go(made.URL)
	p.Wait("the page without a form", `() => document.querySelector("#order-summary") && !document.querySelector("#payments")`)
	w.puts("p-1", ownMug, 200)
	p.WaitFor(followed, "the form", `() => document.querySelector("#payments [data-widget]:not([hidden]) iframe")`)
	if n := len(w.Fake.Orders()); n != 0 {
		t.Errorf("%d orders of the other product", n)
	}
}
