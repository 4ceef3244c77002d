package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// open opens a session's link in a browser and returns the order of its form.
func open(w *shoptest.World, b *shoptest.Browser, s api.Session) (page shoptest.Answer, orderID string) {
	w.T.Helper()
	link, err := url.Parse(s.URL)
	if err != nil {
		w.T.Fatal(err)
	}
	got := b.Get(link.Path)
	if got.StatusCode != 303 || got.Header.Get("Location") != "/checkout/s/"+s.Reference {
		w.T.Fatalf("open: %d to %s\n%s", got.StatusCode, got.Header.Get("Location"), got.Text)
	}
	return load(w, b, s.Reference)
}

// load loads the hosted page.
func load(w *shoptest.World, b *shoptest.Browser, reference string) (page shoptest.Answer, orderID string) {
	w.T.Helper()
	return loadAt(w, b, "/checkout/s/"+reference)
}

// loadAt loads a page that holds Klarna's form.
func loadAt(w *shoptest.World, b *shoptest.Browser, path string) (page shoptest.Answer, orderID string) {
	w.T.Helper()
	page = b.Get(path)
	if page.StatusCode != 200 {
		w.T.Fatalf("page: %d to %s\n%s", page.StatusCode, page.Header.Get("Location"), page.Text)
	}
	_, data, _ := strings.Cut(page.Text, `id="checkout-data"`)
	_, data, _ = strings.Cut(data, ">")
	data, _, _ = strings.Cut(data, "</script>")
	var shown struct {
		OrderID string `json:"order_id"`
	}
	if err := json.Unmarshal([]byte(data), &shown); err != nil || shown.OrderID == "" {
		w.T.Fatalf("no order on the page: %v\n%s", err, data)
	}
	return page, shown.OrderID
}

// atKlarna is an order as Klarna has it.
func atKlarna(w *shoptest.World, orderID string) fakeklarna.Order {
	w.T.Helper()
	for _, o := range w.Fake.Orders() {
		if o.OrderID == orderID {
			return o
		}
	}
	w.T.Fatalf("no order %s", orderID)
	return fakeklarna.Order{}
}

// A session from its basket to the order: the form follows what the merchant's server says,
// nobody pays a total that he has not seen, and what was bought stays bought.
func TestSale(t *testing.T) {
	w := world(t)
	c := calls(w)
	b := w.Browser()
	made := c.want(c.put("b-1", basket(tent, home, `"order_number": "W-1", "metadata": {"a": "b"}`,
		`"customer": {"type": "person", "email": "ada@example.com", "billing_address": {"postal_code": "11122", "city": "Stockholm"}, "prefill_consent": true}`)), 201, "").Session
	page, id := open(w, b, made)
	if !strings.Contains(page.Text, "Tent") || strings.Contains(page.Text, `action="/cart/discount"`) || strings.Contains(page.Text, `action="/market"`) {
		t.Errorf("the page:\n%s", page.Text)
	}
	first := atKlarna(w, id)
	if first.OrderAmount != 257800 || first.MerchantReference1 != "W-1" || first.MerchantReference2 != "b-1" || first.BillingAddress.Email != "ada@example.com" ||
		!strings.HasSuffix(first.MerchantURLs.Checkout, "/checkout/s/b-1") {
		t.Errorf("at Klarna: %+v", first)
	}

	// The merchant's server adds a mug: Klarna's order says so at once.
	more := c.want(c.put("b-1", basket(tent+`, {"id": "m", "reference": "MUG-1", "quantity": 2}`, home, `"order_number": "W-1"`)), 200, "").Session
	if now := atKlarna(w, id); int64(now.OrderAmount) != more.OrderAmount || more.Revision != 2 {
		t.Errorf("Klarna has %d, the session %d at revision %d", now.OrderAmount, more.OrderAmount, more.Revision)
	}
	// No form has shown that.
	out, err := w.Fake.Shopper(id, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused == nil {
		t.Fatalf("bought a total that nobody saw: %+v, %v", out, err)
	}
	if !strings.Contains(fmt.Sprintf("%+v", *out.Refused), "/checkout/s/b-1?reason=cart_changed") {
		t.Errorf("refused with %+v", *out.Refused)
	}
	// The open page asks, holds the form, reads, lets go, and says so.
	state := b.Get("/checkout/s/b-1/state")
	if state.StatusCode != 200 || state.Text != `{"revision":2}` {
		t.Errorf("state: %d %s", state.StatusCode, state.Text)
	}
	update := b.Do(http.MethodPost, "/checkout/s/b-1/update", "application/json", `{"order_id": "`+id+`"}`)
	if update.StatusCode != 200 || !strings.Contains(update.Text, `"basket_revision":2`) || strings.Contains(update.Text, `"replaced":true`) {
		t.Errorf("update: %d %s", update.StatusCode, update.Text)
	}
	for _, body := range []string{`{"lines": [{"sku": "MUG-1", "quantity": 9}]}`, `{"country": "NO"}`, `{"discount_code": "FOG10"}`} {
		if got := b.Do(http.MethodPost, "/checkout/s/b-1/update", "application/json", body); got.StatusCode != 400 {
			t.Errorf("%s by the page: %d", body, got.StatusCode)
		}
	}
	if got := b.Do(http.MethodPost, "/checkout/s/b-1/seen", "application/json", `{"revision": 3}`); got.StatusCode != 400 {
		t.Errorf("seen what is not yet: %d", got.StatusCode)
	}
	if got := b.Do(http.MethodPost, "/checkout/s/b-1/seen", "application/json", `{"revision": 2}`); got.StatusCode != 200 {
		t.Errorf("seen: %d %s", got.StatusCode, got.Text)
	}
	w.Buy(id)
	back := b.Get("/checkout/confirmation?order_id=" + url.QueryEscape(id))
	if back.StatusCode != 303 || back.Header.Get("Location") != "https://www.example.com/thanks?basket=b-1" {
		t.Errorf("after the purchase: %d to %s\n%s", back.StatusCode, back.Header.Get("Location"), back.Text)
	}
	sold := c.want(c.call("GET", "/checkout_sessions/b-1", ""), 200, "").Session
	if sold.Status != "complete" || sold.Order == nil || sold.Order.Number != "W-1" || !strings.HasPrefix(sold.Order.ID, "ord_") || len(sold.OrderLines) != 2 {
		t.Errorf("sold: %+v %+v", sold, sold.Order)
	}
	o := w.InBook(id)
	if o.Number != "W-1" || o.Reference != "b-1" || o.ID != sold.Order.ID {
		t.Errorf("in the book: %s %s %s", o.Number, o.Reference, o.ID)
	}
	got := c.want(c.put("b-1", basket(tent, home)), 409, api.CodeComplete)
	if got.Problem.Order == nil || got.Problem.Order.Number != "W-1" {
		t.Errorf("with the order %+v", got.Problem.Order)
	}
	c.want(c.call("POST", "/checkout_sessions/b-1/expire", ""), 409, api.CodeComplete)
	c.want(c.put("b-2", basket(tent, home, `"order_number": "W-1"`)), 409, api.CodeNumberTaken)
	if page := b.Get("/checkout/s/b-1"); page.StatusCode != 303 || !strings.HasPrefix(page.Header.Get("Location"), "/checkout/confirmation") {
		t.Errorf("the page of what was bought: %d to %s", page.StatusCode, page.Header.Get("Location"))
	}
	for _, what := range []string{"checkout_session.completed", "order.created"} {
		if n := w.Number("select count(*) from events where type = $1 and data like '%\"b-1\"%'", what); n != 1 {
			t.Errorf("%d events %s", n, what)
		}
	}
	if n := len(w.Fake.Orders()); n != 1 {
		t.Errorf("%d orders at Klarna", n)
	}
}

// Several sessions and the own cart in one browser; a browser without the link sees nothing;
// a second one with it gets the basket and an order of its own.
func TestClaims(t *testing.T) {
	w := world(t)
	c := calls(w)
	one := c.want(c.put("one", basket(tent, home)), 201, "").Session
	two := c.want(c.put("two", basket(tent+`, {"reference": "MUG-1", "quantity": 1}`, home)), 201, "").Session
	b := w.Browser()
	b.Add("MUG-1", "3")
	_, first := open(w, b, one)
	_, second := open(w, b, two)
	if got := b.Get("/checkout"); got.StatusCode != 200 {
		t.Fatalf("the own cart: %d", got.StatusCode)
	}
	if len(w.Fake.Orders()) != 3 {
		t.Fatalf("%d orders", len(w.Fake.Orders()))
	}
	if _, again := load(w, b, "one"); again != first {
		t.Error("the first session has another order")
	}
	if _, again := load(w, b, "two"); again != second {
		t.Error("the second session has another order")
	}
	stranger := w.Browser()
	for _, path := range []string{"/checkout/s/one", "/checkout/open/" + strings.Repeat("a", 26) + ".x", "/checkout/open/x"} {
		if got := stranger.Get(path); got.StatusCode != 404 {
			t.Errorf("%s: %d", path, got.StatusCode)
		}
	}
	if got := stranger.Get("/checkout/s/one/state"); got.StatusCode != 409 {
		t.Errorf("state for a stranger: %d %s", got.StatusCode, got.Text)
	}
	friend := w.Browser()
	_, theirs := open(w, friend, one)
	if theirs == first {
		t.Error("the second browser sees what was typed in the first")
	}
	// The page that is open in the first one is told, and takes nothing from the second.
	if state := b.Get("/checkout/s/one/state"); state.Text != `{"revision":1,"elsewhere":true}` {
		t.Errorf("state of the first browser: %s", state.Text)
	}
	if state := friend.Get("/checkout/s/one/state"); state.Text != `{"revision":1}` {
		t.Errorf("state of the second browser: %s", state.Text)
	}
	if _, mine := load(w, b, "one"); mine == theirs || mine == first {
		t.Error("the first browser has an order that is not its own")
	}

	c.want(c.call("POST", "/checkout_sessions/two/expire", ""), 200, "")
	if got := b.Get("/checkout/s/two"); got.StatusCode != 404 {
		t.Errorf("the page of an ended session: %d to %s", got.StatusCode, got.Header.Get("Location"))
	}
	out, err := w.Fake.Shopper(second, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused == nil {
		t.Errorf("an ended session was bought: %+v %v", out, err)
	}
	c.want(c.put("two", basket(tent, home, `"cancel_url": "https://www.example.com/basket?x=1"`)), 201, "")
	c.want(c.call("POST", "/checkout_sessions/two/expire", ""), 200, "")
	anew := c.call("GET", "/checkout_sessions/two", "").Session
	link, _ := url.Parse(anew.URL)
	if got := b.Get(link.Path); got.StatusCode != 303 || got.Header.Get("Location") != "https://www.example.com/basket?x=1&reason=expired" {
		t.Errorf("the link of an ended session: %d to %s", got.StatusCode, got.Header.Get("Location"))
	}
}

// Calls and pages at once: what is answered with 200 is what Klarna has in the end.
func TestPutsAtOnce(t *testing.T) {
	w := world(t)
	c := calls(w)
	made := c.want(c.put("b", basket(tent, home)), 201, "").Session
	b := w.Browser()
	_, id := open(w, b, made)
	var running sync.WaitGroup
	for i := range 12 {
		running.Go(func() {
			lines := fmt.Sprintf(`%s, {"id": "m", "name": "Mug", "quantity": %d, "unit_price": 1000, "tax_rate": 2500}`, tent, i+1)
			if got := c.put("b", basket(lines, home)); got.StatusCode != 200 {
				t.Errorf("put: %d %s", got.StatusCode, got.Text)
			}
		})
		running.Go(func() {
			if got := b.Do(http.MethodPost, "/checkout/s/b/update", "application/json", `{"order_id": "`+id+`"}`); got.StatusCode != 200 {
				t.Errorf("update: %d %s", got.StatusCode, got.Text)
			}
		})
	}
	running.Wait()
	now := c.call("GET", "/checkout_sessions/b", "").Session
	if at := atKlarna(w, id); int64(at.OrderAmount) != now.OrderAmount {
		t.Errorf("Klarna has %d, the session %d", at.OrderAmount, now.OrderAmount)
	}
	if n := len(w.Fake.Orders()); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// Klarna away: the change is kept, and the next call brings it there. Redis lost: the next
// call brings the lines again.
func TestFaults(t *testing.T) {
	w := world(t)
	c := calls(w)
	made := c.want(c.put("b", basket(tent, home)), 201, "").Session
	_, id := open(w, w.Browser(), made)
	w.Fake.AddFault(fakeklarna.Fault{Status: 503, Count: 3})
	more := basket(tent+`, {"reference": "MUG-1", "quantity": 1}`, home)
	got := c.want(c.put("b", more), 503, api.CodeKlarnaDown)
	if got.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	now := c.want(c.put("b", more), 200, "").Session
	if at := atKlarna(w, id); now.Revision != 2 || int64(at.OrderAmount) != now.OrderAmount {
		t.Errorf("revision %d of %d, Klarna has %d", now.Revision, now.OrderAmount, at.OrderAmount)
	}
	if err := w.Client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	lost := c.want(c.call("GET", "/checkout_sessions/b", ""), 200, "").Session
	if !lost.LinesLost || len(lost.OrderLines) != 0 || lost.Revision != 2 {
		t.Errorf("lost: %+v", lost)
	}
	if again := c.want(c.put("b", more), 200, "").Session; again.LinesLost || again.Revision != 3 || again.OrderAmount != now.OrderAmount {
		t.Errorf("again: %+v", again)
	}
}
