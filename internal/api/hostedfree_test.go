package api_test

import (
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// card pays for the tent.
const card = `{"id": "g", "type": "gift_card", "name": "Gift card", "quantity": 1, "unit_price": -249900, "tax_rate": 0}`

// cancel is where the shopper of a session came from.
const cancel = `"cancel_url": "https://www.example.com/basket"`

// inShop is delivery that costs nothing where the shopper chooses it.
const inShop = `"delivery_options": [{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500, "preselected": true}, {"id": "shop", "name": "In the shop", "price": 0, "tax_rate": 2500}]`

// openFree opens a session of the card and inShop. Its shopper collects, so that nothing is to be paid; it returns the page
// then, and what its form says.
func openFree(w *shoptest.World, b *shoptest.Browser, s api.Session) (*goquery.Document, url.Values) {
	w.T.Helper()
	_, id := open(w, b, s)
	if _, err := w.Fake.Shopper(id, fakeklarna.Action{ShippingOption: "shop"}); err != nil {
		w.T.Fatal(err)
	}
	return freeForm(w.T, b.Get("/checkout/s/"+s.Reference))
}

// freeForm is the page for which nothing is to be paid, and what its form says when it is filled in.
func freeForm(t testing.TB, got shoptest.Answer) (*goquery.Document, url.Values) {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(got.Text))
	if err != nil || got.StatusCode != 200 || doc.Find("form#free").Length() != 1 {
		t.Fatalf("the page for which nothing is to be paid: %d %v\n%s", got.StatusCode, err, got.Text)
	}
	form := url.Values{}
	doc.Find("form#free [name]").Each(func(_ int, s *goquery.Selection) { form.Set(s.AttrOr("name", ""), s.AttrOr("value", "")) })
	for _, field := range typed {
		if form.Has(field[0]) {
			form.Set(field[0], field[1])
		}
	}
	return doc, form
}

// The page of a session for which nothing is to be paid chooses another way of delivery for the session, also in a shop
// without pages of its own, and never for the shopper's own cart.
func TestFreeSessionDelivery(t *testing.T) {
	for _, storefront := range []bool{true, false} {
		w := like(t, func(s *settings.Shop) { s.Storefront = storefront })
		c := calls(w)
		b := w.Browser()
		if storefront {
			b.Add("MUG-1", "1")
		}
		made := c.want(c.put("b-1", basket(tent+", "+card, inShop)), 201, "").Session
		doc, _ := openFree(w, b, made)
		other := doc.Find("form:has([name=option])")
		form := url.Values{"option": {"parcel"}, "return_to": {other.Find("[name=return_to]").AttrOr("value", "")}}
		if other.Length() != 1 || other.Find("[name=option]").AttrOr("value", "") != "parcel" {
			t.Fatalf("storefront %t: the other ways of delivery:\n%s", storefront, doc.Find("main").Text())
		}
		got := b.Submit(other.AttrOr("action", ""), form)
		if got.StatusCode != 303 || got.Header.Get("Location") != "/checkout/s/b-1" {
			t.Fatalf("storefront %t: chosen: %d to %s\n%s", storefront, got.StatusCode, got.Header.Get("Location"), got.Text)
		}
		if _, id := load(w, b, "b-1"); atKlarna(w, id).OrderAmount != 7900 {
			t.Errorf("storefront %t: Klarna has %d", storefront, atKlarna(w, id).OrderAmount)
		}
		if now := c.call("GET", "/checkout_sessions/b-1", "").Session; now.DeliveryOption == nil || now.DeliveryOption.ID != "parcel" || now.Revision != made.Revision {
			t.Errorf("storefront %t: the session has %+v at revision %d", storefront, now.DeliveryOption, now.Revision)
		}
		form.Set("option", "drone")
		if got := b.Submit("/checkout/s/b-1/delivery", form); got.StatusCode != 422 || strings.Contains(got.Text, `href="/cart"`) {
			t.Errorf("storefront %t: a way that there is not: %d", storefront, got.StatusCode)
		}
		if got := w.Browser().Submit("/checkout/s/b-1/delivery", form); got.StatusCode != 404 || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("storefront %t: without a claim: %d", storefront, got.StatusCode)
		}
	}
}

// The shop's own questions are asked of a session's shopper too, on a page and in a frame alike, and are in the order.
func TestFreeSessionCheckboxes(t *testing.T) {
	w := like(t, func(s *settings.Shop) {
		s.Checkout.Forms = map[string]settings.Form{"SE": {Checkboxes: []settings.Checkbox{{ID: "age", Text: i18n.Text{"sv": "18 år", "en": "18 years"}, Required: true}}}}
	})
	c := calls(w)
	b := w.Browser()
	_, form := openFree(w, b, c.want(c.put("b-1", basket(tent+", "+card, inShop)), 201, "").Session)
	yes := form.Get("checkbox_age")
	form.Del("checkbox_age")
	if got := b.Submit("/checkout/s/b-1/place", form); yes == "" || got.StatusCode != 422 || !strings.Contains(got.Text, `id="checkbox_age-error"`) {
		t.Fatalf("without a yes (%q): %d", yes, got.StatusCode)
	}
	form.Set("checkbox_age", yes)
	if got := b.Submit("/checkout/s/b-1/place", form); got.StatusCode != 200 {
		t.Fatalf("with a yes: %d\n%s", got.StatusCode, got.Text)
	}
	if o := w.InBook(form.Get("order")); len(o.Checkboxes) != 1 || !o.Checkboxes[0].Checked {
		t.Errorf("the order has %+v", o.Checkboxes)
	}
}

// The shopper of a session of a company orders as one, until he says otherwise, with either product.
func TestFreeSessionCompany(t *testing.T) {
	for _, product := range []string{"kco", "payments"} {
		w := like(t, func(s *settings.Shop) {
			s.Checkout.Payments = product == "payments"
			s.Checkout.Forms = map[string]settings.Form{"SE": {CustomerTypes: []string{market.Person, market.Organization}}}
		})
		c := calls(w)
		b := w.Browser()
		collects := func(reference string) (*goquery.Document, url.Values) {
			t.Helper()
			made := c.want(c.put(reference, basket(tent+", "+card, inShop, `"customer": {"type": "organization"}`)), 201, "").Session
			link, _ := url.Parse(made.URL)
			b.Get(link.Path)
			b.Submit("/checkout/s/"+reference+"/delivery", url.Values{"option": {"shop"}})
			page := b.Get("/checkout/s/" + reference)
			if page.StatusCode == 303 { // it has become a company's
				page = b.Get(page.Header.Get("Location"))
			}
			return freeForm(t, page)
		}
		doc, form := collects("b-1")
		if doc.Find(`[name=customer_type][value=organization][aria-pressed=true]`).Length() != 1 || !form.Has(market.Registration) {
			t.Fatalf("%s: the page is that of a person:\n%s", product, doc.Find("main").Text())
		}
		form.Set("organization_name", "Ek AB")
		form.Set(market.Registration, "556016-0680")
		if got := b.Submit("/checkout/s/b-1/place", form); got.StatusCode != 200 {
			t.Fatalf("%s: placed: %d\n%s", product, got.StatusCode, got.Text)
		}
		if o := w.InBook(form.Get("order")); o.Customer.OrganizationRegistrationID != "556016-0680" || o.BillingAddress.OrganizationName != "Ek AB" {
			t.Errorf("%s: the order is of %+v", product, o.Customer)
		}
		doc, _ = collects("b-2")
		person := doc.Find("form:has([name=customer_type])")
		got := b.Submit(person.AttrOr("action", ""), url.Values{"customer_type": {"person"}, "return_to": {person.Find("[name=return_to]").AttrOr("value", "")}})
		if got.StatusCode != 303 || got.Header.Get("Location") != "/checkout/s/b-2" {
			t.Errorf("%s: chosen: %d to %s", product, got.StatusCode, got.Header.Get("Location"))
		}
		if _, form := freeForm(t, b.Get("/checkout/s/b-2")); form.Has(market.Registration) {
			t.Errorf("%s: the page of a person asks for a company", product)
		}
	}
}

// atKiosk is inShop, with a place.
const atKiosk = `"delivery_options": [{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500, "preselected": true}, {"id": "shop", "name": "Kiosken", "price": 0, "tax_rate": 2500,
	"pickup_point": {"id": "k1", "name": "Kiosken", "address": {"street_address": "Sveavägen 5", "postal_code": "11157", "city": "Stockholm"}}}]`

// Where the goods of an order of nothing are fetched is in the book, the answers of the API, on the packing slip and in the
// files, as of any other order.
func TestFreeSessionPickupPoint(t *testing.T) {
	w := world(t)
	c := calls(w)
	b := w.Browser()
	_, form := openFree(w, b, c.want(c.put("b-1", basket(tent+", "+card, atKiosk)), 201, "").Session)
	got := b.Submit("/checkout/s/b-1/place", form)
	if to := "/checkout/confirmation?order_id=" + form.Get("order"); got.StatusCode != 200 || got.Header.Get("Refresh") != "0; url="+to {
		t.Fatalf("placed: %d\n%s", got.StatusCode, got.Text)
	}
	o := w.InBook(form.Get("order"))
	if d := o.Delivery; d.ID != "shop" || d.Name != "Kiosken" || d.Method != "PickUpPoint" || d.PickupLocation.ID != "k1" || d.PickupLocation.Address.City != "Stockholm" {
		t.Errorf("in the book: %+v", d)
	}
	c.Header.Set("Authorization", "Bearer sk_orders")
	if got := c.Do("GET", "/v1/orders/"+o.Number, "", "").Text; !strings.Contains(got, `"pickup_point":{"id":"k1","name":"Kiosken"`) {
		t.Errorf("the order of the API: %s", got)
	}
	staff := w.Staff("ada")
	if got := staff.Get("/admin/orders/" + o.Number + "/packing-slip").Text; !strings.Contains(got, "Pick up at") || !strings.Contains(got, "Sveavägen 5") {
		t.Error("the packing slip does not say where")
	}
	if got := staff.Get("/admin/exports/addresses.csv").Text; !strings.Contains(got, ",pickup,") || !strings.Contains(got, "Sveavägen 5") {
		t.Errorf("addresses.csv is %s", got)
	}
}

// What the merchant's own server says of the place that was typed counts for an order of nothing: it is placed by the way
// that its page showed, or not at all.
func TestFreeDeliveryHook(t *testing.T) {
	const store, parcel = `{"id": "store", "name": "Kiosken", "price": 0, "tax_rate": 2500, "pickup_point": {"id": "k1", "name": "Kiosken"}}`, `{"id": "parcel", "name": "Parcel", "price": 4900, "tax_rate": 2500}`
	for _, tt := range []struct {
		name    string
		there   string   // what is said of the typed place, "" for no answer
		pressed []string // by each press: the way of the order that is placed, "" for none
		to      string   // where the last press leads without an order
	}{
		{"the same", `{"delivery_options": [` + store + `, ` + parcel + `]}`, []string{"store"}, ""},
		{"it costs something", `{"delivery_options": [` + parcel + `]}`, []string{""}, "/checkout/s/b-1"},
		{"another way that costs nothing", `{"delivery_options": [` + strings.Replace(parcel, "4900", "0", 1) + `]}`, []string{"", "parcel"}, ""},
		{"no answer", "", []string{""}, "/checkout/s/b-1"},
		{"nothing goes there", `{"delivery_options": []}`, []string{"", ""}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := newAsked(t)
			m.does(func(w http.ResponseWriter, _ *http.Request) {
				m.mu.Lock()
				place := m.asked[len(m.asked)-1]["postal_code"]
				m.mu.Unlock()
				switch {
				case place == nil:
					_, _ = io.WriteString(w, `{"delivery_options": [`+store+`, `+parcel+`]}`)
				case place != "111 47" || tt.there == "":
					w.WriteHeader(http.StatusInternalServerError)
				default:
					_, _ = io.WriteString(w, tt.there)
				}
			})
			w := hooked(t, m, func(s *settings.Shop) {
				s.Markets = slices.Clone(s.Markets)
				s.Markets[0].ShippingOptions = []market.ShippingOption{{ID: "post", Name: i18n.Text{"sv": "Post"}, Price: 4900}}
			})
			c := calls(w)
			b := w.Browser()
			open(w, b, c.want(c.put("b-1", basket(tent+", "+card)), 201, "").Session)
			for i, way := range tt.pressed {
				_, form := freeForm(t, b.Get("/checkout/s/b-1"))
				got := b.Submit("/checkout/s/b-1/place", form)
				orders := w.Number("select count(*) from orders")
				switch {
				case way == "" && (orders != 0 || got.Header.Get("Location") != tt.to || tt.to == "" && got.StatusCode != 409 && !unreached(got)):
					t.Fatalf("press %d: got %d to %q, %d orders", i, got.StatusCode, got.Header.Get("Location"), orders)
				case way != "" && (orders != 1 || got.StatusCode != 200):
					t.Fatalf("press %d: got %d, %d orders", i, got.StatusCode, orders)
				case way != "":
					if d := w.InBook(form.Get("order")).Delivery; d.ID != way || (d.PickupLocation.ID == "k1") != (way == "store") {
						t.Errorf("it goes by %+v", d)
					}
				}
			}
			if tt.to != "" {
				if _, id := load(w, b, "b-1"); atKlarna(w, id).OrderAmount != 4900 {
					t.Errorf("Klarna has %d", atKlarna(w, id).OrderAmount)
				}
			}
		})
	}
}

// unreached reports whether a form says that nothing goes to the postal code that was typed.
func unreached(got shoptest.Answer) bool {
	return got.StatusCode == 422 && strings.Contains(html.UnescapeString(got.Text), i18n.T("sv", "address.unreachable", "111 47"))
}

// A session that ends while its page with nothing to pay is open: what the page sends then leads to the merchant.
func TestFreeSessionEnds(t *testing.T) {
	w := like(t, func(s *settings.Shop) { s.Storefront = false })
	c := calls(w)
	b := w.Browser()
	_, form := openFree(w, b, c.want(c.put("b-1", basket(tent+", "+card, inShop, cancel)), 201, "").Session)
	c.want(c.call("POST", "/checkout_sessions/b-1/expire", ""), 200, "")
	ended := "https://www.example.com/basket?reason=expired"
	if got := b.Submit("/checkout/s/b-1/place", form); got.StatusCode != 303 || got.Header.Get("Location") != ended {
		t.Errorf("placed: %d to %s", got.StatusCode, got.Header.Get("Location"))
	}
	// The database alone knows it yet.
	_, form = openFree(w, b, c.want(c.put("b-2", basket(tent+", "+card, inShop, cancel)), 201, "").Session)
	w.Exec("update checkout_sessions set status = 'expired' where reference = 'b-2'")
	if got := b.Submit("/checkout/s/b-2/place", form); got.StatusCode != 303 || got.Header.Get("Location") != ended {
		t.Errorf("placed in the moment it ends: %d to %s\n%.300s", got.StatusCode, got.Header.Get("Location"), got.Text)
	}
	if n := w.Number("select count(*) from orders"); n != 0 {
		t.Errorf("%d orders", n)
	}
	if got := w.Browser().Submit("/checkout/s/b-2/place", form); got.StatusCode != 404 {
		t.Errorf("without a claim: %d to %s", got.StatusCode, got.Header.Get("Location"))
	}
}

// What a call is answered follows from what it says: that of a shopper who has chosen delivery for which nothing is to be paid
// may be repeated and changed, and one that comes to nothing as it is said is refused whatever he has chosen.
func TestFreeSessionPutAgain(t *testing.T) {
	w := world(t)
	c, b := calls(w), w.Browser()
	same := basket(tent+", "+card, inShop)
	made := c.want(c.put("b-1", same), 201, "").Session
	openFree(w, b, made)
	now := c.want(c.put("b-1", same), 200, "").Session
	if now.Revision != made.Revision || now.OrderAmount != 0 || now.DeliveryOption == nil || now.DeliveryOption.ID != "shop" {
		t.Errorf("said again: %+v", now)
	}
	if two := c.want(c.put("b-1", strings.Replace(same, `"quantity": 1`, `"quantity": 2`, 1)), 200, "").Session; two.OrderAmount != 249900 {
		t.Errorf("two tents come to %d", two.OrderAmount)
	}
	if one := c.want(c.put("b-1", same), 200, "").Session; one.OrderAmount != 0 {
		t.Errorf("one again comes to %d", one.OrderAmount)
	}

	nothing := strings.NewReplacer(`, "preselected": true`, "", `"price": 0, `, `"price": 0, "preselected": true, `).Replace(same)
	c.want(c.put("b-2", nothing), 422, api.CodeNothingToPay)
	_, id := open(w, b, c.want(c.put("b-2", same), 201, "").Session)
	if _, err := w.Fake.Shopper(id, fakeklarna.Action{ShippingOption: "parcel"}); err != nil {
		t.Fatal(err)
	}
	c.want(c.put("b-2", nothing), 422, api.CodeNothingToPay)
}

// Who has nothing to pay ends on the merchant's page, which has another origin and leads on to a third one, in a real browser.
func TestHostedFree(t *testing.T) {
	w := newHosted(t)
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	made := w.want(w.put("b-1", `{"country": "SE", "locale": "en-SE", "success_url": "`+w.site+`/thanks?basket={REFERENCE}&onward=`+other.URL+`/welcome", "order_lines": [`+tent+", "+card+`], `+inShop+`}`), 201, "").Session
	p := w.opens(t, made)
	if _, err := w.Fake.Shopper(p.orderID(), fakeklarna.Action{ShippingOption: "shop"}); err != nil {
		t.Fatal(err)
	}
	p.Go(w.URL + "/checkout/s/b-1")
	for _, field := range typed {
		if p.MustHas("#free [name=" + field[0] + "]") {
			p.MustElement("#free [name=" + field[0] + "]").MustInput(field[1])
		}
	}
	p.MustElement("#free [data-buy]").MustClick()
	p.Expect("404") // of the third one
	p.Wait("the merchant's page", `(address) => location.href === address`, other.URL+"/welcome")
	if n := w.Number("select count(*) from orders where reference = 'b-1'"); n != 1 {
		t.Errorf("%d orders", n)
	}
}
