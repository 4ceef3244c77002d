package storefront_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// giftShop is a shop of shoptest.Gifts.
func giftShop(t testing.TB, changes ...func(*settings.Shop)) *shopWorld {
	t.Helper()
	version := shoptest.Gifts(t, append(changes, func(s *settings.Shop) { s.Checkout.Review = true })...)
	return &shopWorld{shoptest.Serve(t, shoptest.Options{Version: version, Config: func(c *shop.Config) {
		review(c)
		c.Published = publish.Fixed(version)
	}})}
}

// takesAll puts goods in the cart for which nothing is to be paid, collected where something
// is shipped.
func (b *browser) takesAll(skus ...string) {
	b.T.Helper()
	for _, sku := range skus {
		b.Add(sku, "1")
	}
	b.Post("/cart/discount", "code", "ALL")
	if got := b.Post("/cart/delivery", "option", "collect"); got.StatusCode != http.StatusSeeOther {
		b.T.Fatalf("delivery: got %d", got.StatusCode)
	}
}

// freePage loads the checkout and returns the shop's own form, nil where it has another.
func (b *browser) freePage() (doc *goquery.Document, form url.Values) {
	b.T.Helper()
	got := b.Get("/checkout")
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(got.Text))
	if err != nil || got.StatusCode != http.StatusOK {
		b.T.Fatalf("checkout: got %d, %v", got.StatusCode, err)
	}
	return doc, formOf(doc)
}

func formOf(doc *goquery.Document) url.Values {
	form := url.Values{}
	doc.Find("form#free [name]").Each(func(_ int, s *goquery.Selection) { form.Set(s.AttrOr("name", ""), s.AttrOr("value", "")) })
	if len(form) == 0 {
		return nil
	}
	return form
}

// typed fills the form.
func typed(form url.Values, members ...string) url.Values {
	filled := url.Values{}
	for name := range form {
		filled.Set(name, form.Get(name))
	}
	for name, value := range map[string]string{
		"email": "eva.lindqvist@example.com", "given_name": "Eva", "family_name": "Lindqvist", "street_address": "Strandgatan 4", "postal_code": "621 56", "city": "Visby", "phone": "070-123 45 67",
	} {
		if form.Has(name) {
			filled.Set(name, value)
		}
	}
	for i := 0; i < len(members); i += 2 {
		filled.Set(members[i], members[i+1])
	}
	return filled
}

// asked is how often Klarna was.
func (s *shopWorld) asked() int { return len(s.Fake.Requests("")) }

// The whole way of a cart for which nothing is to be paid: the shop's own form, one order,
// its confirmation and its page. Klarna is never asked.
func TestFreeCheckout(t *testing.T) {
	t.Parallel()
	for _, first := range []bool{false, true} {
		t.Run(fmt.Sprint("payments only: ", first), func(t *testing.T) {
			t.Parallel()
			s := giftShop(t, func(s *settings.Shop) { s.Checkout.Payments = first })
			b := s.browser()
			b.takesAll("MUG-1", "EBK-1")
			doc, form := b.freePage()
			if form == nil || doc.Find("#kco, #payments").Length() != 0 || words(doc.Find("form#free button")) != i18n.T("sv", "free.place") ||
				!strings.Contains(words(doc.Find("[data-testid=nothing-to-pay]")), i18n.T("sv", "free.title")) {
				t.Fatalf("the page is\n%s", words(doc.Find("main")))
			}
			if got, want := form, typed(nil, "order", form.Get("order"), "revision", form.Get("revision"), "customer_type", "person", "email", "", "given_name", "", "family_name", "", "street_address", "", "postal_code", "", "city", "", "phone", ""); !cmp.Equal(got, want) {
				t.Errorf("the form asks for %v", got)
			}
			if got := texts(doc, "[action='/cart/delivery'] button"); !cmp.Equal(got, []string{"Postbåten, 49 kr", "Express, 129 kr"}) {
				t.Errorf("the other ways of delivery are %q", got)
			}
			if again, formAgain := b.freePage(); formAgain.Get("order") != form.Get("order") || again == nil {
				t.Error("a reload makes another order")
			}

			got := b.Submit("/checkout/place", typed(form))
			at := got.Header.Get("Location")
			if got.StatusCode != http.StatusSeeOther || at != "/checkout/confirmation?order_id="+form.Get("order") {
				t.Fatalf("placing: got %d to %q", got.StatusCode, at)
			}
			for range 2 {
				page := b.Get(at)
				o := s.InBook(form.Get("order"))
				text := html.UnescapeString(page.Text)
				for _, part := range []string{i18n.T("sv", "confirmation.title"), o.Number, "Eva Lindqvist", "Strandgatan 4", i18n.T("sv", "free.keep"), i18n.T("sv", "free.download_body"), o.Key} {
					if !strings.Contains(text, part) {
						t.Errorf("the confirmation lacks %q", part)
					}
				}
				for _, part := range []string{i18n.T("sv", "confirmation.receipt"), i18n.T("sv", "confirmation.download_body"), "klarna-checkout"} {
					if strings.Contains(text, part) {
						t.Errorf("the confirmation says %q", part)
					}
				}
				if got := b.Submit("/checkout/place", typed(form)); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != at {
					t.Errorf("placed again: got %d to %q", got.StatusCode, got.Header.Get("Location"))
				}
			}
			if c := b.cart(); len(c.Lines) != 0 || c.DiscountCode != "" {
				t.Errorf("the cart has %v", c)
			}
			if got := b.Get("/checkout"); got.Header.Get("Location") != "/cart" {
				t.Errorf("the checkout then: %d to %q", got.StatusCode, got.Header.Get("Location"))
			}
			stranger := s.browser().Get(at)
			if text := html.UnescapeString(stranger.Text); stranger.StatusCode != http.StatusOK || strings.Contains(text, "Lindqvist") || strings.Contains(text, "SK-") {
				t.Error("a stranger reads more than that it is placed")
			}

			o := s.InBook(form.Get("order"))
			path := "/orders/" + o.Number + "?key=" + o.Key
			state := func() string { return words(docOf(t, b.Get(path)).Find("#state")) }
			if got := state(); got != i18n.T("sv", "orderpage.received") {
				t.Errorf("the order page says %q", got)
			}
			s.Do(o, shoptest.Command(o, aftersale.Parcel.Name, func(c *order.Command) {
				c.Shipments = []order.Shipment{{Carrier: "PostNord", TrackingNumber: "SE 1", OrderLines: []order.ShipmentLine{{ID: o.Lines()[0].ID, Quantity: 1}}}}
			}), order.Done)
			if got := state(); got != i18n.T("sv", "orderpage.sent") {
				t.Errorf("after the parcel the order page says %q", got)
			}
			if n := s.asked(); n != 0 {
				t.Errorf("Klarna was asked %d times", n)
			}
		})
	}
}

func docOf(t testing.TB, a shoptest.Answer) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.Text))
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("got %d, %v", a.StatusCode, err)
	}
	return doc
}

// What is asked for depends on what is sent; what is wrong is said at its field, and what was
// typed comes back.
func TestFreeForm(t *testing.T) {
	t.Parallel()
	s := giftShop(t)
	for _, tc := range []struct {
		name    string
		country string
		goods   []string
		typed   []string
		wrong   map[string]string // by field, the text
	}{
		{name: "digital", goods: []string{"EBK-1"}, typed: []string{"email", "eva@"}, wrong: map[string]string{"email": "address.email.wrong"}},
		{name: "nothing typed", goods: []string{"MUG-1"}, typed: []string{"email", "", "given_name", "", "family_name", " ", "street_address", "", "postal_code", "", "city", "", "phone", ""}, wrong: map[string]string{
			"email": "address.email.wrong", "given_name": "address.given_name.wrong", "family_name": "address.family_name.wrong",
			"street_address": "address.street_address.wrong", "postal_code": "address.postal_code.wrong.SE", "city": "address.city.wrong", "phone": "address.phone.wrong",
		}},
		{name: "postal code", goods: []string{"MUG-1"}, typed: []string{"postal_code", "ABCDE", "city", "Visby"}, wrong: map[string]string{"postal_code": "address.postal_code.wrong.SE"}},
		{name: "too long", goods: []string{"MUG-1"}, typed: []string{"city", strings.Repeat("x", 120)}, wrong: map[string]string{"city": "address.city.wrong"}},
		{name: "state", country: "US", goods: []string{"MUG-1"}, typed: []string{"region", "XX", "postal_code", "10001"}, wrong: map[string]string{"region": "address.region.wrong"}},
		{name: "two", country: "DE", goods: []string{"JAM-1"}, typed: []string{"given_name", "E", "postal_code", "1234"}, wrong: map[string]string{"given_name": "address.given_name.wrong", "postal_code": "address.postal_code.wrong.DE"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := s.browser()
			b.T = t
			if tc.country != "" {
				b.Post("/market", "country", tc.country)
			}
			b.takesAll(tc.goods...)
			_, form := b.freePage()
			lang := i18n.LangOf(b.cart().Locale)
			sent := typed(form, tc.typed...)
			got := b.Submit("/checkout/place", sent)
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(got.Text))
			if err != nil || got.StatusCode != http.StatusUnprocessableEntity {
				t.Fatalf("got %d, %v", got.StatusCode, err)
			}
			said := map[string]string{}
			doc.Find("form#free .err").Each(func(_ int, s *goquery.Selection) {
				name, _ := strings.CutSuffix(s.AttrOr("id", ""), "-error")
				said[name] = words(s)
				if field := doc.Find("#" + name); field.AttrOr("aria-invalid", "") != "true" || field.AttrOr("aria-describedby", "") != name+"-error" {
					t.Errorf("%s does not say that it is wrong", name)
				}
			})
			want := map[string]string{}
			for name, key := range tc.wrong {
				want[name] = strings.ReplaceAll(i18n.T(lang, key), "{0}", "+46 70 123 45 67") // as in the market's country
			}
			if diff := cmp.Diff(want, said); diff != "" {
				t.Error(diff)
			}
			if n := doc.Find("[data-errors] a").Length(); n != len(tc.wrong) {
				t.Errorf("%d errors are listed, want %d", n, len(tc.wrong))
			}
			for name, value := range formOf(doc) {
				if was := strings.TrimSpace(sent.Get(name)); name != "region" && (!strings.Contains(was, value[0]) || value[0] == "" && was != "") {
					t.Errorf("%s has %q, typed was %q", name, value[0], sent.Get(name))
				}
			}
			if _, found, err := s.Book.ByOrderID(t.Context(), form.Get("order")); found || err != nil || len(b.cart().Lines) == 0 {
				t.Error("it was placed", err)
			}
		})
	}
	if n := s.asked(); n != 0 {
		t.Errorf("Klarna was asked %d times", n)
	}
}

// A form that is not the cart's any more places nothing, and is told what is.
func TestFreeFormIsOld(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		then   func(s *shopWorld, b *browser, form url.Values)
		status int
		to     string
		says   string
	}{
		{name: "more in the cart", then: func(_ *shopWorld, b *browser, _ url.Values) { b.Add("JAM-1", "1") }, status: http.StatusConflict, says: "free.changed.title"},
		{name: "it costs something", then: func(_ *shopWorld, b *browser, _ url.Values) { b.Post("/cart/discount", "code", "") }, status: http.StatusSeeOther, to: "/checkout"},
		{name: "delivery", then: func(_ *shopWorld, b *browser, _ url.Values) { b.Post("/cart/delivery", "option", "express") }, status: http.StatusSeeOther, to: "/checkout"},
		{name: "empty", then: func(_ *shopWorld, b *browser, _ url.Values) { b.Post("/cart/lines/MUG-1", "quantity", "0") }, status: http.StatusSeeOther, to: "/cart"},
		{name: "sold out", then: func(s *shopWorld, _ *browser, _ url.Values) { s.Stocked("MUG-1", 0) }, status: http.StatusConflict, says: "note.last_gone.body"},
		{name: "another purchase", then: func(s *shopWorld, _ *browser, form url.Values) {
			s.Approve(stock.Approved{CartID: s.cartOf(form.Get("order")), OrderID: "9cae56e2-fc5f-4465-8984-de07485eabcd", Lines: []stock.Line{{SKU: "MUG-1", Quantity: 1}}})
		}, status: http.StatusServiceUnavailable, says: "unavailable.running.title"},
		{name: "no such order", then: func(_ *shopWorld, _ *browser, form url.Values) { form.Set("order", cart.NewOrderID()) }, status: http.StatusConflict, says: "free.changed.title"},
		{name: "an order of Klarna's", then: func(_ *shopWorld, _ *browser, form url.Values) {
			form.Set("order", "9cae56e2-fc5f-4465-8984-de07485eabcd")
		}, status: http.StatusBadRequest},
		{name: "no order", then: func(_ *shopWorld, _ *browser, form url.Values) { form.Del("order") }, status: http.StatusBadRequest},
		{name: "no path", then: func(_ *shopWorld, _ *browser, form url.Values) { form.Set("order", "ord_/../x") }, status: http.StatusBadRequest},
		{name: "no revision", then: func(_ *shopWorld, _ *browser, form url.Values) { form.Set("revision", "x") }, status: http.StatusBadRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := giftShop(t)
			b := s.browser()
			b.takesAll("MUG-1")
			_, form := b.freePage()
			sent := typed(form)
			tc.then(s, b, sent)
			got := b.Submit("/checkout/place", sent)
			if got.StatusCode != tc.status || got.Header.Get("Location") != tc.to {
				t.Errorf("got %d to %q, want %d to %q", got.StatusCode, got.Header.Get("Location"), tc.status, tc.to)
			}
			if text := html.UnescapeString(got.Text); tc.says != "" && !strings.Contains(text, i18n.T("sv", tc.says)) {
				t.Errorf("the page does not say %q", i18n.T("sv", tc.says))
			}
			if tc.status == http.StatusConflict && !strings.Contains(got.Text, `value="Strandgatan 4"`) {
				t.Error("what was typed is gone")
			}
			if n := s.Number("select count(*) from orders"); n != 0 {
				t.Errorf("%d orders were placed", n)
			}
		})
	}
	s := giftShop(t)
	if got := s.browser().Submit("/checkout/place", url.Values{"order": {cart.NewOrderID()}, "revision": {"1"}}); got.Header.Get("Location") != "/cart" {
		t.Errorf("without a cart: got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

// cartOf is the cart whose newest order this is.
func (s *shopWorld) cartOf(orderID string) string {
	s.T.Helper()
	for _, key := range s.Client.Keys(s.T.Context(), "shopd:cart:*").Val() {
		if s.Client.HGet(s.T.Context(), key, "order_id").Val() == orderID {
			return strings.TrimSuffix(strings.TrimPrefix(key, "shopd:cart:{"), "}")
		}
	}
	s.T.Fatal("no cart has the order")
	return ""
}

// Many presses at once, in tabs and on processes, place one order; two tabs of one page lead
// to one confirmation.
func TestFreeOnce(t *testing.T) {
	t.Parallel()
	s := giftShop(t)
	b := s.browser()
	b.takesAll("MUG-1")
	_, form := b.freePage()
	same := func(*shop.Config) {}
	_, second := s.Listen(same)
	_, third := s.Listen(same)
	var all sync.WaitGroup
	for i := range 9 {
		tab := &browser{*s.BrowserAt([]string{s.URL, second, third}[i%3])}
		tab.Client.Jar = sameSession{b.Client.Jar, s.URL}
		all.Go(func() {
			if got := tab.Submit("/checkout/place", typed(form)); got.StatusCode != http.StatusSeeOther || !strings.HasSuffix(got.Header.Get("Location"), form.Get("order")) {
				t.Errorf("got %d to %q", got.StatusCode, got.Header.Get("Location"))
			}
		})
	}
	all.Wait()
	if n := s.Number("select count(*) from orders"); n != 1 {
		t.Errorf("%d orders were placed", n)
	}
	s.Levels("MUG-1", 40, 0, 1)
}

// The open page: Klarna's form leaves for the shop's own when the cart becomes one for which
// nothing is to be paid, and the other way round; Klarna's order is let go of.
func TestFreeUpdate(t *testing.T) {
	t.Parallel()
	s := giftShop(t)
	b := s.browser()
	b.Add("MUG-1", "1")
	klarnas := b.open(s)
	b.takesAll("EBK-1") // in another tab
	update := func(body string) (u updateJSON, status int) {
		got := b.Update(body)
		return updateOf(t, got), got.StatusCode
	}
	if u, status := update(`{"order_id":"` + klarnas.OrderID + `"}`); status != http.StatusConflict || u.Redirect != "/checkout" {
		t.Errorf("Klarna's form: got %d, %+v", status, u)
	}
	doc, form := b.freePage()
	if form == nil || !strings.Contains(doc.Find("#checkout-data").Text(), form.Get("order")) {
		t.Fatal("the checkout has not the shop's own form")
	}
	if left := shoptest.ToAbort(t, s.LeftBehind); len(left) != 1 || left[0] != klarnas.OrderID {
		t.Errorf("left behind: %v", left)
	}
	u, status := update(`{"order_id":"` + form.Get("order") + `","lines":[{"sku":"MUG-1","quantity":2}]}`)
	if status != http.StatusOK || u.OrderID != form.Get("order") || u.OrderAmount != 0 || u.Replaced || u.HTMLSnippet != "" || !strings.Contains(u.SummaryHTML, "data-quantity=\"2\"") {
		t.Errorf("the shop's own form: got %d, %+v", status, u)
	}
	calls := s.asked()
	if u, status := update(`{"order_id":"` + form.Get("order") + `","discount_code":""}`); status != http.StatusConflict || u.Redirect != "/checkout" {
		t.Errorf("it costs something: got %d, %+v", status, u)
	}
	if s.asked() != calls {
		t.Error("the update has asked Klarna: a shop of Klarna Payments alone has no such order")
	}
	if err := s.LeftBehind.Sweep(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if next := b.open(s); next.OrderID == klarnas.OrderID || next.OrderAmount != 2*14900+9900 {
		t.Errorf("Klarna's form has order %s of %d", next.OrderID, next.OrderAmount)
	}
	if left := shoptest.ToAbort(t, s.LeftBehind); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	// Klarna Payments.
	b.Get("/checkout/payments")
	b.takesAll()
	got := b.Do(http.MethodPost, updatePath, "application/json", `{}`)
	var answer struct{ Redirect string }
	if err := json.Unmarshal([]byte(got.Text), &answer); err != nil || got.StatusCode != http.StatusConflict || answer.Redirect != "/checkout" {
		t.Errorf("the widget's form: got %d %s", got.StatusCode, got.Text)
	}
	if got := b.Get("/checkout/payments"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/checkout" {
		t.Errorf("the widget's page: got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
}

// A way of delivery that there is not changes nothing.
func TestDeliveryForm(t *testing.T) {
	t.Parallel()
	s := giftShop(t)
	b := s.browser()
	b.Add("MUG-1", "1")
	for option, want := range map[string]int{"": http.StatusBadRequest, "boat": http.StatusUnprocessableEntity, "express": http.StatusSeeOther} {
		if got := b.Post("/cart/delivery", "option", option); got.StatusCode != want {
			t.Errorf("%q: got %d, want %d", option, got.StatusCode, want)
		}
	}
	if got := b.cart().TotalAmount; got != 14900+12900 {
		t.Errorf("the total is %d", got)
	}
}
