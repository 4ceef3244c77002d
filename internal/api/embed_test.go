package api_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

const pageOrigin = "https://www.example.com"

// embedWorld is a shop whose checkout a page at pageOrigin may hold.
func embedWorld(t *testing.T) *shoptest.World {
	t.Helper()
	version, about := *skerry.Version(), *skerry.Version().Shop
	about.Embed = []string{pageOrigin}
	version.Shop = &about
	return worldOf(t, shoptest.Options{Version: &version})
}

// embedded is what an open page gets.
type embedded struct {
	Answer          shoptest.Answer `json:"-"`
	OrderID         string          `json:"order_id"`
	Revision        int64           `json:"revision"`
	OrderAmount     int64           `json:"order_amount"`
	HTMLSnippet     string          `json:"html_snippet"`
	ShippingAddress map[string]any  `json:"shipping_address"`
	Code            api.Code        `json:"code"`
	Redirect        string          `json:"redirect"`
	Order           *api.OrderRef   `json:"order"`
}

// page asks as a page at pageOrigin does.
func page(w *shoptest.World, path, body string) (got embedded) {
	w.T.Helper()
	b := w.Browser()
	b.Header = http.Header{"Origin": {pageOrigin}}
	got.Answer = b.Do(http.MethodPost, "/v1/embed"+path, "application/json", body)
	if err := json.Unmarshal([]byte(got.Answer.Text), &got); err != nil {
		w.T.Fatalf("%s: %d %s", path, got.Answer.StatusCode, got.Answer.Text)
	}
	if got.Answer.Header.Get("Access-Control-Allow-Origin") != pageOrigin || got.Answer.Header.Get("Set-Cookie") != "" || got.Answer.Header.Get("Cache-Control") != "no-store" {
		w.T.Errorf("%s: headers %v", path, got.Answer.Header)
	}
	return got
}

func (g embedded) is(t testing.TB, status int, code api.Code) embedded {
	t.Helper()
	if g.Answer.StatusCode != status || g.Code != code {
		t.Errorf("%d %s, want %d %s\n%s", g.Answer.StatusCode, g.Code, status, code, g.Answer.Text)
	}
	return g
}

const held = `"mode": "embedded", "checkout_url": "https://www.example.com/checkout?x=1"`

// with is the body of a question of a session's page.
func with(s api.Session, more ...string) string {
	return "{" + strings.Join(append([]string{`"client_secret": "` + *s.ClientSecret + `"`}, more...), ", ") + "}"
}

// What a page of the merchant's gets, and who gets nothing.
func TestEmbed(t *testing.T) {
	w := embedWorld(t)
	c := calls(w)
	made := c.want(c.put("b-1", basket(tent, home, held, `"order_number": "W-1"`,
		`"customer": {"email": "ada@example.com", "billing_address": {"postal_code": "11122", "city": "Stockholm"}, "prefill_consent": true}`)), 201, "").Session
	if !strings.HasPrefix(*made.ClientSecret, "cs_") || strings.HasSuffix(made.URL, strings.TrimPrefix(*made.ClientSecret, "cs_")) {
		t.Fatalf("the client secret is %q, the link %s", *made.ClientSecret, made.URL)
	}

	first := page(w, "", with(made)).is(t, 200, "")
	at := atKlarna(w, first.OrderID)
	if first.OrderAmount != 257800 || first.Revision != 1 || !strings.Contains(first.HTMLSnippet, ` data-style="`) || strings.Contains(first.HTMLSnippet, " style=") {
		t.Errorf("first: %+v", first)
	}
	if at.BillingAddress.Email != "ada@example.com" || !strings.HasPrefix(at.MerchantURLs.Checkout, w.URL+"/checkout/back/") ||
		!strings.HasPrefix(at.MerchantURLs.Confirmation, at.MerchantURLs.Checkout+"/confirmation?order_id=") {
		t.Errorf("at Klarna: %+v %+v", at.BillingAddress, at.MerchantURLs)
	}
	// Loaded again it is the same form, at the cost of a read; and the page that shows it gets no other.
	before := len(w.Fake.Requests(first.OrderID))
	if again := page(w, "", with(made)).is(t, 200, ""); again.OrderID != first.OrderID || again.HTMLSnippet == "" {
		t.Errorf("again: %+v", again)
	}
	if n := len(w.Fake.Requests(first.OrderID)) - before; n != 1 {
		t.Errorf("%d calls of Klarna for an unchanged page", n)
	}
	shown := `"order_id": "` + first.OrderID + `"`
	if again := page(w, "", with(made, shown)).is(t, 200, ""); again.HTMLSnippet != "" {
		t.Error("an open page gets a second form")
	}

	// The merchant's change is seen without Klarna, and paid only when a form has shown it.
	more := c.want(c.put("b-1", basket(tent+`, {"id": "m", "reference": "MUG-1", "quantity": 2}`, home, held, `"order_number": "W-1"`)), 200, "").Session
	before = len(w.Fake.Requests(first.OrderID))
	if state := page(w, "/state", with(made)).is(t, 200, ""); state.Revision != 2 || len(w.Fake.Requests(first.OrderID)) != before {
		t.Errorf("state: %+v", state)
	}
	page(w, "", with(made, shown)).is(t, 200, "")
	out, err := w.Fake.Shopper(first.OrderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused == nil {
		t.Fatalf("bought a total that nobody saw: %+v, %v", out, err)
	}
	stranger := w.Browser()
	path := func(address string) string { return strings.TrimPrefix(address, w.URL) }
	leads := func(address, to string) {
		t.Helper()
		if got := stranger.Get(path(address)); got.StatusCode != 303 || got.Header.Get("Location") != to {
			t.Errorf("%s: %d to %s", address, got.StatusCode, got.Header.Get("Location"))
		}
	}
	leads(out.Refused.RedirectURL, "https://www.example.com/checkout?x=1&reason=cart_changed")
	confirmation := at.MerchantURLs.Checkout + "/confirmation?order_id="
	leads(confirmation+first.OrderID, "https://www.example.com/checkout?x=1&reason=not_finished")
	page(w, "/state", with(made, `"seen": 3`)).is(t, 400, api.CodeBadRequest)
	page(w, "/state", with(made, `"seen": 2`)).is(t, 200, "")
	page(w, "/confirmation", with(made)).is(t, 409, api.CodeNoConfirmation)
	w.Buy(first.OrderID)

	// It is paid, and the book does not answer: the shopper goes on, and learns more there.
	w.Fake.AddFault(fakeklarna.Fault{Status: 503, Count: -1, Path: "/ordermanagement/*/*/*"})
	leads(confirmation+first.OrderID, "https://www.example.com/thanks?basket=b-1")
	if s := c.want(c.call("GET", "/checkout_sessions/b-1", ""), 200, "").Session; s.Status != "placing" {
		t.Errorf("status %s", s.Status)
	}
	placing := page(w, "", with(made, shown)).is(t, 409, api.CodePlacing)
	if placing.Redirect != confirmation+first.OrderID {
		t.Errorf("an open page is sent to %s", placing.Redirect)
	}
	page(w, "/confirmation", with(made)).is(t, 503, api.CodePlacing)
	w.Fake.ClearFaults()
	leads(placing.Redirect, "https://www.example.com/thanks?basket=b-1")
	for _, path := range []string{"", "/state"} {
		if got := page(w, path, with(made, shown)).is(t, 409, api.CodeComplete); got.Redirect != "https://www.example.com/thanks?basket=b-1" || got.Order == nil || got.Order.Number != "W-1" {
			t.Errorf("bought: %+v", got)
		}
	}
	if got := page(w, "/confirmation", with(made)).is(t, 200, ""); !strings.Contains(got.HTMLSnippet, "checkout_complete") {
		t.Errorf("the confirmation: %s", got.HTMLSnippet)
	}
	leads(at.MerchantURLs.Checkout+"?reason=already_bought", "https://www.example.com/thanks?basket=b-1")
	if n := len(w.Fake.Orders()); n != 1 || more.OrderAmount != int64(w.InBook(first.OrderID).OrderAmount) {
		t.Errorf("%d orders", n)
	}
	w.Exec("update checkout_sessions set order_id = 'ord_none' where reference = 'b-1'") // as after two hours: there is none to show
	page(w, "/confirmation", with(made)).is(t, 410, api.CodeNoConfirmation)

	// An ended session, and one that the merchant's page holds by no right.
	ended := c.want(c.put("b-2", basket(tent, home, held)), 201, "").Session
	page(w, "", with(ended)).is(t, 200, "")
	c.want(c.call("POST", "/checkout_sessions/b-2/expire", ""), 200, "")
	for _, path := range []string{"", "/state"} {
		if got := page(w, path, with(ended)).is(t, 410, api.CodeExpired); got.Redirect != "https://www.example.com/checkout?x=1&reason=expired" {
			t.Errorf("ended: %s", got.Redirect)
		}
	}
	for _, path := range []string{"/checkout/back/" + strings.Repeat("A", 26), "/checkout/back/x/confirmation?order_id=" + first.OrderID, path(at.MerchantURLs.Checkout) + "/confirmation?order_id=..%2f", path(at.MerchantURLs.Checkout) + "/confirmation"} {
		if got := stranger.Get(path); got.StatusCode != 404 {
			t.Errorf("%s: %d to %s", path, got.StatusCode, got.Header.Get("Location"))
		}
	}
	for _, secret := range []string{*made.ClientSecret, made.URL} {
		if _, mac, _ := strings.Cut(secret, "."); strings.Contains(w.Log.String(), mac) {
			t.Error("a secret is in the log")
		}
	}
}

// Another origin, another secret, another body: nothing is told and nothing changes.
func TestEmbedRefuses(t *testing.T) {
	w := embedWorld(t)
	c := calls(w)
	made := c.want(c.put("b-1", basket(tent, home, held)), 201, "").Session
	other := c.want(c.put("b-2", basket(tent, home, held)), 201, "").Session
	link, _ := url.Parse(made.URL)
	id, mac, _ := strings.Cut(*made.ClientSecret, ".")
	otherID, _, _ := strings.Cut(*other.ClientSecret, ".")
	for _, secret := range []string{
		"", "cs_", "cs_.", "sk_test", id, id + ".", id + "." + mac + "x", otherID + "." + mac, "cs_" + strings.TrimPrefix(link.Path, "/checkout/open/"), `\u0000`,
	} {
		for _, path := range []string{"", "/state", "/confirmation"} {
			page(w, path, `{"client_secret": "`+secret+`"}`).is(t, 401, api.CodeUnauthorized)
		}
	}
	for _, body := range []string{``, `[]`, `{`, `{"client_secret": 1}`, `{"client_secret": "x", "lines": []}`, `{"client_secret": "` + strings.Repeat("x", 70000) + `"}`} {
		got := page(w, "", body)
		if status := got.Answer.StatusCode; status != 400 && status != 413 || got.Code != api.CodeBadRequest {
			t.Errorf("%.30s: %d %s", body, status, got.Answer.Text)
		}
	}
	page(w, "", with(made, `"order_id": "`+strings.Repeat("x", 256)+`"`)).is(t, 401, api.CodeUnauthorized)
	page(w, "/state", with(made, `"seen": -1`)).is(t, 400, api.CodeBadRequest)
	for _, origin := range []string{"", "null", "https://evil.example", "https://www.example.com.evil.example", "http://www.example.com", "https://www.example.com:8443", w.URL} {
		for _, method := range []string{http.MethodPost, http.MethodOptions} {
			b := w.Browser()
			if origin != "" {
				b.Header = http.Header{"Origin": {origin}}
			}
			got := b.Do(method, "/v1/embed", "application/json", with(made))
			if got.StatusCode != 403 || got.Header.Get("Access-Control-Allow-Origin") != "" || strings.Contains(got.Text, "html_snippet") {
				t.Errorf("%s from %q: %d %v", method, origin, got.StatusCode, got.Header)
			}
		}
	}
	b := w.Browser()
	b.Header = http.Header{"Origin": {pageOrigin}}
	asked := b.Do(http.MethodOptions, "/v1/embed/state", "", "")
	if h := asked.Header; asked.StatusCode != 204 || h.Get("Access-Control-Allow-Origin") != pageOrigin || h.Get("Access-Control-Allow-Headers") != "Content-Type" ||
		h.Get("Access-Control-Allow-Credentials") != "" || h.Get("Vary") != "Origin" {
		t.Errorf("asked before: %d %v", asked.StatusCode, h)
	}
	if n := len(w.Fake.Orders()); n != 0 {
		t.Errorf("%d orders were made", n)
	}
}

// Klarna away, Redis full, lines lost, an order that Klarna has forgotten: what is answered, and that the next question heals.
func TestEmbedFaults(t *testing.T) {
	w := embedWorld(t)
	c := calls(w)
	made := c.want(c.put("b-1", basket(tent, home, held)), 201, "").Session
	w.Fake.AddFault(fakeklarna.Fault{Status: 503, Count: 1})
	if got := page(w, "", with(made)).is(t, 503, api.CodeKlarnaDown); got.Answer.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	memory := func(most string) {
		t.Helper()
		if err := w.Client.ConfigSet(t.Context(), "maxmemory", most).Err(); err != nil {
			t.Fatal(err)
		}
	}
	memory("1")
	page(w, "", with(made)).is(t, 503, api.CodeUnavailable)
	memory("0")
	first := page(w, "", with(made)).is(t, 200, "")
	shown := `"order_id": "` + first.OrderID + `"`
	w.Fake.Advance(49 * time.Hour)
	fresh := page(w, "", with(made, shown)).is(t, 200, "")
	if fresh.OrderID == first.OrderID || fresh.HTMLSnippet == "" {
		t.Errorf("of an order that Klarna has forgotten: %+v", fresh)
	}
	if err := w.Client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/state"} {
		page(w, path, with(made, shown)).is(t, 503, api.CodeUnavailable)
	}
	again := c.want(c.put("b-1", basket(tent, home, held)), 200, "").Session
	if *again.ClientSecret != *made.ClientSecret {
		t.Error("the secret is another")
	}
	page(w, "", with(again, shown)).is(t, 200, "")
	// A basket whose credit takes all once nothing is to be delivered has a form on the hosted page.
	credit := `, {"type": "gift_card", "name": "Card", "quantity": 1, "unit_price": -249900}`
	options := `"delivery_options": [{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500, "preselected": true}, {"id": "shop", "name": "In the shop", "price": 0, "tax_rate": 2500}]`
	card := c.want(c.put("b-2", basket(tent+credit, options, held)), 201, "").Session
	form := page(w, "", with(card)).is(t, 200, "")
	if _, err := w.Fake.Shopper(form.OrderID, fakeklarna.Action{ShippingOption: "shop"}); err != nil {
		t.Fatal(err)
	}
	free := page(w, "", with(card, `"order_id": "`+form.OrderID+`"`)).is(t, 409, api.CodeNothingToPay)
	b := w.Browser()
	if got := b.Get(strings.TrimPrefix(free.Redirect, w.URL)); free.Redirect != card.URL || got.StatusCode != 303 || !strings.Contains(b.Get(got.Header.Get("Location")).Text, "/checkout/s/b-2/place") {
		t.Errorf("nothing to pay leads to %s: %d to %s", free.Redirect, got.StatusCode, got.Header.Get("Location"))
	}

	w.Redis.Stop()
	page(w, "/state", with(again)).is(t, 503, api.CodeUnavailable)
}

// The delivery hook is asked when a page of the merchant's opens the form, not when an open one
// looks whether something has changed.
func TestEmbedAsksForDelivery(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) { s.Embed = []string{pageOrigin} })
	c := calls(w)
	m.says(fromHook)
	made := c.want(c.put("b", basket(tent, held)), 201, "").Session
	if asked := m.questions(); len(asked) > 0 {
		t.Fatalf("asked in a call: %v", asked)
	}
	opened := page(w, "", with(made)).is(t, 200, "")
	asked := m.questions()
	if len(asked) != 1 || asked[0]["reference"] != "b" || asked[0]["country"] != "SE" {
		t.Errorf("asked %v", asked)
	}
	if at := atKlarna(w, opened.OrderID); opened.OrderAmount != 249900+5000 || len(at.ShippingOptions) != 2 || at.ShippingOptions[0].ID != "bud" {
		t.Errorf("opened with %d, %+v", opened.OrderAmount, at.ShippingOptions)
	}
	page(w, "/state", with(made, `"seen": 1`)).is(t, 200, "")
	page(w, "", with(made, `"order_id": "`+opened.OrderID+`"`)).is(t, 200, "")
	if asked := m.questions(); len(asked) > 0 {
		t.Errorf("asked the same again: %v", asked)
	}
}

// The delivery hook is asked while no call of the merchant's waits for the answer: his only process may be the one
// that calls.
func TestDeliveryAskedOfABusyServer(t *testing.T) {
	m := newAsked(t)
	w := hooked(t, m, func(s *settings.Shop) { s.Embed, s.Hooks.Delivery.Timeout = []string{pageOrigin}, time.Minute })
	c := calls(w)
	for name, mode := range map[string]string{"embedded": held, "hosted": `"locale": "sv-SE"`} {
		m.says(fromHook)
		put := func(quantity int) said {
			lines := fmt.Sprintf(`{"id": "m", "name": "Mug", "quantity": %d, "unit_price": 1000, "tax_rate": 2500}`, quantity)
			return c.put(name, basket(lines, mode))
		}
		put(1)
		made := c.call("GET", "/checkout_sessions/"+name, "").Session
		b := w.Browser()
		look := func() int { return page(w, "", with(made)).Answer.StatusCode }
		if name == "hosted" {
			open(w, b, made)
			look = func() int { return b.Get("/checkout/s/hosted").StatusCode }
		}
		look()
		put(2)
		m.questions()
		inside := 0
		m.does(func(out http.ResponseWriter, _ *http.Request) {
			inside = put(3).StatusCode
			_, _ = io.WriteString(out, fromHook)
		})
		if status := look(); status != 200 || inside != 200 || len(m.questions()) != 1 {
			t.Errorf("%s: the page %d, the call %d", name, status, inside)
		}
	}
}
