package storefront_test

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
)

// placed is the order of the book that was bought by this order at Klarna.
func (s *shop) placed(orderID string) order.Order {
	s.t.Helper()
	o, found, err := s.book.ByOrderID(s.t.Context(), orderID)
	if err != nil || !found {
		s.t.Fatalf("the order is not in the book: %v", err)
	}
	return o
}

// once holds invariant 6: the book has as many orders as were bought, each acknowledged.
func (s *shop) once() {
	s.t.Helper()
	var bought, listed []string
	for _, o := range s.fake.Orders() {
		if o.Status == fakeklarna.StatusComplete {
			bought = append(bought, s.placed(o.OrderID).Number)
			if !o.Fake.Acknowledged {
				s.t.Errorf("%s is not acknowledged", o.OrderID)
			}
		}
	}
	listed, err := s.redis.Client().ZRange(s.t.Context(), "shopd:{orders}:placed", 0, -1).Result()
	if err != nil {
		s.t.Fatal(err)
	}
	slices.Sort(bought)
	slices.Sort(listed)
	if diff := cmp.Diff(bought, listed); diff != "" {
		s.t.Errorf("bought and in the book: %s", diff)
	}
}

// older makes an order of the book one that was bought some time ago.
func (s *shop) older(orderID string, age time.Duration) {
	s.t.Helper()
	rdb, key := s.redis.Client(), "shopd:{orders}:order:"+orderID
	text, err := rdb.Get(s.t.Context(), key).Bytes()
	var record map[string]any
	if err == nil {
		err = json.Unmarshal(text, &record)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	record["placed_at"] = time.Now().Add(-age)
	text, _ = json.Marshal(record)
	if err := rdb.Set(s.t.Context(), key, text, 0).Err(); err != nil {
		s.t.Fatal(err)
	}
}

// buyAs is buy by somebody who types: address members by name and text.
func (s *shop) buyAs(orderID string, typed map[string]string) string {
	s.t.Helper()
	if _, err := s.fake.Shopper(orderID, fakeklarna.Action{Type: typed}); err != nil {
		s.t.Fatal(err)
	}
	return s.buy(orderID)
}

var eva = map[string]string{"email": "eva.berg@example.com", "given_name": "Eva", "family_name": "Berg", "street_address": "Havnegata 7", "postal_code": "0150", "city": "Oslo"}

var orderLink = regexp.MustCompile(`href="(/orders/SK-[^"]+)"`)

// The buyer's confirmation tells what was bought; what was added meanwhile stays in the cart.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	b.add("EBK-1", "1")
	b.post("/cart/discount", "code", "FOG10")
	bought := b.open(s)
	path := s.buyAs(bought.OrderID, eva)
	b.add("MUG-1", "3") // in another tab, meanwhile
	b.add("JAM-1", "1")
	for range 2 { // reloaded, it says the same
		page := b.get(path)
		text := html.UnescapeString(page.body)
		if page.StatusCode != http.StatusOK {
			t.Fatalf("got %d\n%s", page.StatusCode, page.body)
		}
		o := s.placed(bought.OrderID)
		for _, part := range []string{
			i18n.T("nb", "confirmation.title"), o.Number, "FOG10", "/pictures/MUG-1.svg", "/pictures/EBK-1.svg", "klarna-checkout-container",
			fmt.Sprintf(`data-amount="%d"`, bought.OrderAmount), i18n.T("nb", "confirmation.pack"), i18n.T("nb", "confirmation.download"),
			"e•••@example.com", "Eva Berg", "Havnegata 7", "0150 Oslo", "/orders/" + o.Number + "?key=" + o.Key,
		} {
			if !strings.Contains(text, part) {
				t.Errorf("the page lacks %q", part)
			}
		}
		for _, not := range []string{"JAM-1.svg", "eva.berg@"} {
			if strings.Contains(text, not) {
				t.Errorf("the page has %q", not)
			}
		}
		if got := b.cart().String(); got != "NO nb-NO [MUG-1 3 JAM-1 1]" {
			t.Errorf("the cart is %s", got)
		}
	}
	s.once()
	next := s.holds(b, 0)
	if next.OrderID == bought.OrderID || len(s.fake.Orders()) != 2 {
		t.Errorf("got order %s after %s, of %d", next.OrderID, bought.OrderID, len(s.fake.Orders()))
	}
	if there, _ := s.fake.Order(bought.OrderID); there.Fake.OrderManagement.MerchantReference1 != s.placed(bought.OrderID).Number {
		t.Error("Klarna does not know the number")
	}
}

// Who is not the buyer learns that there is such an order, and no more.
func TestConfirmationForOthers(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	buyer := s.norwegian()
	bought := buyer.open(s)
	path := s.buyAs(bought.OrderID, eva)
	other := s.browser()
	other.add("JAM-1", "1")
	for _, tc := range []struct {
		name, title string
		browser     *browser
	}{
		{"no cookie", "confirmation.title", s.browser()}, // the buyer perhaps, back from the bank's app in another browser
		{"another cart", "confirmation.stranger", other},
	} {
		got := tc.browser.get(path)
		text := html.UnescapeString(got.body)
		o := s.placed(bought.OrderID) // by the first of them
		for _, part := range []string{"<h1>" + i18n.T("sv", tc.title), i18n.T("sv", "confirmation.stranger_body"), o.Number, "377 Nkr"} {
			if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), part) {
				t.Errorf("%s: the page lacks %q", tc.name, part)
			}
		}
		if got.StatusCode != http.StatusOK || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got %d\n%s", tc.name, got.StatusCode, got.body)
		}
		for _, secret := range []string{"klarna-checkout", "MUG-1", "data-amount", "@", "Eva", "Berg", "Havnegata", "0150", o.Key, "/orders/"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the page has %q", tc.name, secret)
			}
		}
	}
	if got := other.cart().String(); got != "SE sv-SE [JAM-1 1]" {
		t.Errorf("another's cart is %s", got)
	}
	// The cart was closed without its session. The session goes to the confirmation, to no second order.
	if got := buyer.cart().String(); got != "NO nb-NO []" {
		t.Errorf("the buyer's cart is %s", got)
	}
	buyer.add("JAM-1", "1")
	if got := buyer.get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != path {
		t.Errorf("the buyer's checkout: got %d to %q, want %q", got.StatusCode, got.Header.Get("Location"), path)
	}
	if got := buyer.get(path); got.StatusCode != http.StatusOK || !strings.Contains(got.body, "klarna-checkout-container") {
		t.Errorf("the buyer's confirmation: got %d", got.StatusCode)
	}
	s.holds(buyer, 0)
	s.once()
}

// An order that is not bought has no confirmation: its shopper goes on with it.
func TestConfirmationOfAnOpenOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	order := b.open(s)
	got := b.get("/checkout/confirmation?order_id=" + order.OrderID)
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/checkout?reason=not_finished" {
		t.Fatalf("got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	page := b.get(got.Header.Get("Location"))
	if text := html.UnescapeString(page.body); page.StatusCode != http.StatusOK || !strings.Contains(text, i18n.T("nb", "note.not_finished")) {
		t.Errorf("the checkout says nothing: %d", page.StatusCode)
	}
	if again := s.holds(b, 0); again.OrderID != order.OrderID || b.cart().String() != "NO nb-NO [MUG-1 2]" {
		t.Errorf("got order %s and cart %s", again.OrderID, b.cart())
	}
}

// Orders whose merchant_data is not signed by us are none of ours; one without
// any is a sale, of nobody's cart.
func TestConfirmationOfForeignOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{CallbackTransport: fakeklarna.Agree()}) // our own callbacks would refuse the purchase
	b := s.browser()
	b.add("MUG-1", "1")
	b.open(s)
	foreign, err := kco.NewSigner("a secret of somebody else")
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.carts.Get(t.Context(), cartOfOrder(t, s, s.order().OrderID), cart.Fallback{})
	if err != nil {
		t.Fatal(err)
	}
	content, _, err := s.wants.Want(c)
	if err != nil {
		t.Fatal(err)
	}
	own := content.MerchantData
	for _, data := range []string{"", "v1." + c.ID, "v2" + own[2:], own + "x", strings.Replace(own, c.ID, "abc", 1), foreign.Sign(c.ID)} {
		content.MerchantData = data
		order, err := s.list.Client.CreateOrder(t.Context(), content)
		if err != nil {
			t.Fatal(err)
		}
		want := http.StatusNotFound
		if data == "" {
			want = http.StatusOK
		}
		got := b.get(s.buy(order.OrderID))
		if got.StatusCode != want || strings.Contains(got.body, "klarna-checkout") {
			t.Errorf("merchant_data %q: got %d, want %d", data, got.StatusCode, want)
		}
	}
	if got := b.cart().String(); got != "SE sv-SE [MUG-1 1]" {
		t.Errorf("the cart is %s", got)
	}
}

// Klarna fails while the confirmation is loaded: the page tries again, the
// session keeps its order, so that no second one starts, and then it is right.
func TestConfirmationFaults(t *testing.T) {
	t.Parallel()
	const managed = "/ordermanagement/v1/orders/*"
	for _, tc := range []struct{ name, method, path, title string }{
		{"checkout", "GET", orderPath, "unavailable.payment.title"},
		{"read", "GET", managed, "unavailable.order.title"},
		{"references", "PATCH", managed + "/merchant-references", "unavailable.order.title"},
		{"acknowledge", "POST", managed + "/acknowledge", "unavailable.order.title"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			b := s.norwegian()
			orderID := b.open(s).OrderID
			path := s.buy(orderID)
			for _, f := range klarnaFaults {
				switch {
				case f.name == "slow": // three times 4 s
					continue
				case f.name == "404 empty" && tc.method == "GET": // there is no such order; see TestConfirmationLater
					continue
				case (f.name == "truncated JSON" || f.name == "not JSON") && tc.method != "GET": // nobody reads that body
					continue
				}
				fault := f.fault
				fault.Method, fault.Path, fault.Count = tc.method, tc.path, -1
				s.fake.AddFault(fault)
				got := b.get(path)
				if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Refresh") != "2; url="+path+"&try=1" ||
					!strings.Contains(html.UnescapeString(got.body), i18n.T("nb", tc.title)) {
					t.Errorf("%s: got %d with Refresh %q\n%.300s", f.name, got.StatusCode, got.Header.Get("Refresh"), got.body)
				}
				if tc.path != orderPath {
					if got := b.get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != path {
						t.Errorf("%s: the checkout answers %d to %q", f.name, got.StatusCode, got.Header.Get("Location"))
					}
				}
				s.fake.ClearFaults()
			}
			if got := b.cart().String(); got != "NO nb-NO [MUG-1 2]" {
				t.Errorf("the cart is %s", got)
			}
			if got := b.get(path); got.StatusCode != http.StatusOK || b.cart().String() != "NO nb-NO []" {
				t.Errorf("in the end: got %d, the cart is %s", got.StatusCode, b.cart())
			}
			if n := len(s.fake.Orders()); n != 1 {
				t.Errorf("%d orders, want 1", n)
			}
			s.once()
		})
	}
}

// A bookmark of the confirmation is right for as long as it is kept.
func TestConfirmationLater(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	bought := b.open(s)
	path := s.buy(bought.OrderID)
	right := func(name string, snippet bool, calls int) {
		t.Helper()
		before := len(s.fake.Requests(""))
		got := b.get(path)
		text := html.UnescapeString(got.body)
		if got.StatusCode != http.StatusOK || !strings.Contains(text, "MUG-1.svg") || !strings.Contains(text, s.placed(bought.OrderID).Number) {
			t.Errorf("%s: got %d\n%.200s", name, got.StatusCode, got.body)
		}
		if strings.Contains(text, "klarna-checkout-container") != snippet {
			t.Errorf("%s: Klarna's part is there: %v, want %v", name, !snippet, snippet)
		}
		if got := len(s.fake.Requests("")) - before; got != calls {
			t.Errorf("%s: %d calls of Klarna, want %d", name, got, calls)
		}
	}
	right("at once", true, 4)
	right("reloaded", true, 1)
	s.fake.AddFault(fakeklarna.Fault{Method: "GET", Path: orderPath, Status: 500, Count: 3})
	right("Klarna's part cannot be had", false, 3)
	s.older(bought.OrderID, 2*time.Hour)
	right("after 2 h", false, 0)
	s.older(bought.OrderID, 49*time.Hour)
	s.fake.AddFault(fakeklarna.Fault{Path: orderPath, Status: 404, Count: -1})
	right("after 49 h", false, 0)

	// Nobody told us of a purchase, and the checkout has forgotten it: Order Management has not.
	s.fake.ClearFaults()
	b = s.browser()
	b.add("MUG-1", "1")
	b.get("/checkout")
	bought, _ = s.fake.Order(s.newest())
	path = s.buy(bought.OrderID)
	s.fake.AddFault(fakeklarna.Fault{Method: "GET", Path: orderPath, Status: 404, Count: 1})
	right("first asked for late", true, 5)
	s.once()
}

// Confirmations of one order at once, in two processes and by several people.
func TestConfirmationAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	other := s.serve(s.redis.Client())
	for range 3 {
		buyer := s.norwegian()
		buyer.get("/checkout")
		path := s.buy(s.newest())
		var wg sync.WaitGroup
		for i := range 16 {
			b := s.browser()
			if i%4 == 0 {
				b = buyer
			} else if i%2 == 0 {
				b.base = other
			}
			wg.Go(func() {
				if got := b.get(path); got.StatusCode != http.StatusOK {
					t.Errorf("got %d\n%.200s", got.StatusCode, got.body)
				}
			})
		}
		wg.Wait()
		if got := buyer.cart().String(); got != "NO nb-NO []" {
			t.Errorf("the cart is %s", got)
		}
	}
	s.once()
}

// While Klarna checks the payment, the page says so and promises nothing.
func TestConfirmationPending(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.header.Set("Accept-Language", "en-GB")
	b.add("MUG-1", "1")
	bought := b.open(s)
	path := s.buyAs(bought.OrderID, map[string]string{"email": "eva+pend-accept-05@example.com"})
	page := b.get(path)
	text := html.UnescapeString(page.body)
	for _, part := range []string{"<h1>" + i18n.T("en", "confirmation.pending") + "</h1>", i18n.T("en", "confirmation.pending_body")} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	for _, not := range []string{i18n.T("en", "confirmation.title"), i18n.T("en", "confirmation.pack_body")} {
		if strings.Contains(text, not) {
			t.Errorf("the page has %q", not)
		}
	}
	link := html.UnescapeString(orderLink.FindStringSubmatch(page.body)[1])
	if page := b.get(link); !strings.Contains(html.UnescapeString(page.body), i18n.T("en", "orderpage.pending")) {
		t.Error("the order's page does not say that it is pending")
	}
	s.fake.Advance(6 * time.Minute)
	if _, err := s.book.Refresh(t.Context(), bought.OrderID); err != nil {
		t.Fatal(err)
	}
	if text := html.UnescapeString(b.get(path).body); !strings.Contains(text, i18n.T("en", "confirmation.title")) {
		t.Error("the page does not know that it was decided")
	}
	if page := b.get(link); !strings.Contains(html.UnescapeString(page.body), i18n.T("en", "orderpage.received")) {
		t.Error("the order's page does not know that it was decided")
	}
}

// Cancelled at Klarna before we heard of it: said so, and the cart can be bought again.
func TestConfirmationCancelled(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	bought := b.open(s)
	path := s.buy(bought.OrderID)
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.fake.URL+"/ordermanagement/v1/orders/"+bought.OrderID+"/cancel", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("demo", "demo")
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusNoContent {
		t.Fatal(res, err)
	}
	for range 2 {
		got := b.get(path)
		if text := html.UnescapeString(got.body); got.StatusCode != http.StatusOK || !strings.Contains(text, i18n.T("nb", "confirmation.cancelled")) {
			t.Errorf("got %d\n%.200s", got.StatusCode, got.body)
		}
	}
	if got := b.cart().String(); got != "NO nb-NO [MUG-1 2]" {
		t.Errorf("the cart is %s", got)
	}
	if next := s.holds(b, 0); next.OrderID == bought.OrderID {
		t.Error("the cancelled order is used again")
	}
}
