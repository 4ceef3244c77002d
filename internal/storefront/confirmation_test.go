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
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// placed is the order of the book that was bought by this order at Klarna.
func (s *shopWorld) placed(orderID string) order.Order {
	s.T.Helper()
	o, found, err := s.Book.ByOrderID(s.T.Context(), orderID)
	if err != nil || !found {
		s.T.Fatalf("the order is not in the book: %v", err)
	}
	return o
}

// once holds invariant 6: the book has as many orders as were bought, each acknowledged.
func (s *shopWorld) once() {
	s.T.Helper()
	var bought, listed []string
	for _, o := range s.Fake.Orders() {
		if o.Status == fakeklarna.StatusComplete {
			bought = append(bought, s.placed(o.OrderID).Number)
			if !o.Fake.Acknowledged {
				s.T.Errorf("%s is not acknowledged", o.OrderID)
			}
		}
	}
	if text := s.Text("select coalesce(string_agg(number, ' '), '') from orders"); text != "" {
		listed = strings.Fields(text)
	}
	slices.Sort(bought)
	slices.Sort(listed)
	if diff := cmp.Diff(bought, listed); diff != "" {
		s.T.Errorf("bought and in the book: %s", diff)
	}
}

// older makes an order of the book one that was bought some time ago.
func (s *shopWorld) older(orderID string, age time.Duration) {
	s.T.Helper()
	var record map[string]any
	if err := json.Unmarshal([]byte(s.Record(orderID)), &record); err != nil {
		s.T.Fatal(err)
	}
	record["placed_at"] = time.Now().Add(-age)
	text, _ := json.Marshal(record)
	s.SetRecord(orderID, string(text))
}

// buyAs is buy by somebody who types: address members by name and text.
func (s *shopWorld) buyAs(orderID string, typed map[string]string) string {
	s.T.Helper()
	if _, err := s.Fake.Shopper(orderID, fakeklarna.Action{Type: typed}); err != nil {
		s.T.Fatal(err)
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
	b.Add("EBK-1", "1")
	b.Post("/cart/discount", "code", "FOG10")
	bought := b.open(s)
	path := s.buyAs(bought.OrderID, eva)
	b.Add("MUG-1", "3") // in another tab, meanwhile
	b.Add("JAM-1", "1")
	if page := b.Get(path); strings.Contains(page.Text, "e•••@example.com") {
		t.Error("the page promises a mail that nobody writes")
	}
	s.Storefront.Mailer = &mail.Mailer{Published: s.Published}
	for range 2 { // reloaded, it says the same
		page := b.Get(path)
		text := html.UnescapeString(page.Text)
		if page.StatusCode != http.StatusOK {
			t.Fatalf("got %d\n%s", page.StatusCode, page.Text)
		}
		o := s.placed(bought.OrderID)
		for _, part := range []string{
			i18n.T("nb", "confirmation.title"), o.Number, "FOG10", "/pictures/MUG-1.svg", "/pictures/EBK-1.svg", "klarna-checkout-container",
			fmt.Sprintf(`data-amount="%d"`, bought.OrderAmount), i18n.T("nb", "confirmation.pack"), i18n.T("nb", "confirmation.download"),
			i18n.T("nb", "confirmation.receipt_body", "e•••@example.com"), i18n.T("nb", "delivery.time"), i18n.T("nb", "forget.button"), "Eva Berg", "Havnegata 7", "0150 Oslo", "/orders/" + o.Number + "?key=" + o.Key,
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
	if next.OrderID == bought.OrderID || len(s.Fake.Orders()) != 2 {
		t.Errorf("got order %s after %s, of %d", next.OrderID, bought.OrderID, len(s.Fake.Orders()))
	}
	if there, _ := s.Fake.Order(bought.OrderID); there.Fake.OrderManagement.MerchantReference1 != s.placed(bought.OrderID).Number {
		t.Error("Klarna does not know the number")
	}
}

// Who is not the buyer learns that the order is placed and, where the shop writes that mail, that
// its details come by e-mail, and no more: so does the buyer who comes back without a cookie.
func TestConfirmationForOthers(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	buyer := s.norwegian()
	bought := buyer.open(s)
	path := s.buyAs(bought.OrderID, eva)
	if got := parsed(t, s.browser().Get(path)); got.Find(".sig h1").Length() != 1 || got.Find(".sig p").Length() != 1 {
		t.Error("the page says more than that it is placed, where nobody writes a mail")
	}
	s.Storefront.Mailer = &mail.Mailer{Published: s.Published}
	other := s.browser()
	other.Add("JAM-1", "1")
	forged := s.browser()
	forged.Header.Set("Cookie", "shopd-session=never-given")
	for _, tc := range []struct {
		name    string
		browser *browser
	}{
		{"no cookie", s.browser()}, // the buyer perhaps, back from the bank's app in another browser
		{"another cart", other},
		{"an unknown session", forged},
	} {
		got := tc.browser.Get(path)
		text := html.UnescapeString(got.Text)
		o := s.placed(bought.OrderID) // by the first of them
		for _, part := range []string{"<h1>" + i18n.T("sv", "confirmation.stranger"), i18n.T("sv", "confirmation.stranger_body")} {
			if !strings.Contains(strings.ReplaceAll(text, "\u00a0", " "), part) {
				t.Errorf("%s: the page lacks %q", tc.name, part)
			}
		}
		if got.StatusCode != http.StatusOK || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got %d\n%s", tc.name, got.StatusCode, got.Text)
		}
		for _, secret := range []string{"klarna-checkout", "MUG-1", "data-amount", "•", "@example", "Eva", "Berg", "Havnegata", "0150", o.Key, "/orders/", o.Number, "377", "Tack"} {
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
	buyer.Add("JAM-1", "1")
	if got := buyer.Get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != path {
		t.Errorf("the buyer's checkout: got %d to %q, want %q", got.StatusCode, got.Header.Get("Location"), path)
	}
	if got := buyer.Get(path); got.StatusCode != http.StatusOK || !strings.Contains(got.Text, "klarna-checkout-container") {
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
	got := b.Get("/checkout/confirmation?order_id=" + order.OrderID)
	if got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/checkout?reason=not_finished" {
		t.Fatalf("got %d to %q", got.StatusCode, got.Header.Get("Location"))
	}
	page := b.Get(got.Header.Get("Location"))
	if text := html.UnescapeString(page.Text); page.StatusCode != http.StatusOK || !strings.Contains(text, i18n.T("nb", "note.not_finished")) {
		t.Errorf("the checkout says nothing: %d", page.StatusCode)
	}
	if again := s.holds(b, 0); again.OrderID != order.OrderID || b.cart().String() != "NO nb-NO [MUG-1 2]" {
		t.Errorf("got order %s and cart %s", again.OrderID, b.cart())
	}
}

// Orders whose merchant_data is not signed by us are none of ours; one without
// any is a sale, of nobody's cart, once Klarna has told of it.
func TestConfirmationOfForeignOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{CallbackTransport: fakeklarna.Agree()}) // our own callbacks would refuse the purchase
	b := s.browser()
	b.Add("MUG-1", "1")
	b.open(s)
	foreign, err := kco.NewSigner("a secret of somebody else")
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Carts.Get(t.Context(), cartOfOrder(t, s, s.order().OrderID), cart.Fallback{})
	if err != nil {
		t.Fatal(err)
	}
	content, _, err := s.KCO.Wants.Want(c)
	if err != nil {
		t.Fatal(err)
	}
	own := content.MerchantData
	for _, data := range []string{"", "v1." + c.ID, "v2" + own[2:], own + "x", strings.Replace(own, c.ID, "abc", 1), foreign.Sign(c.ID)} {
		content.MerchantData = data
		order, err := s.LeftBehind.Client.CreateOrder(t.Context(), content, kco.Prefill{})
		if err != nil {
			t.Fatal(err)
		}
		want, confirmation := http.StatusNotFound, s.buy(order.OrderID)
		if data == "" {
			want = http.StatusOK
			if _, err := s.Book.Place(t.Context(), order.OrderID); err != nil {
				t.Fatal(err)
			}
		}
		got := b.Get(confirmation)
		if got.StatusCode != want || strings.Contains(got.Text, "klarna-checkout") {
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
				s.Fake.AddFault(fault)
				got := b.Get(path)
				if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Refresh") != "2; url="+path+"&try=1" ||
					!strings.Contains(html.UnescapeString(got.Text), i18n.T("nb", tc.title)) {
					t.Errorf("%s: got %d with Refresh %q\n%.300s", f.name, got.StatusCode, got.Header.Get("Refresh"), got.Text)
				}
				if tc.path != orderPath {
					if got := b.Get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != path {
						t.Errorf("%s: the checkout answers %d to %q", f.name, got.StatusCode, got.Header.Get("Location"))
					}
				}
				s.Fake.ClearFaults()
			}
			if got := b.cart().String(); got != "NO nb-NO [MUG-1 2]" {
				t.Errorf("the cart is %s", got)
			}
			if got := b.Get(path); got.StatusCode != http.StatusOK || b.cart().String() != "NO nb-NO []" {
				t.Errorf("in the end: got %d, the cart is %s", got.StatusCode, b.cart())
			}
			if n := len(s.Fake.Orders()); n != 1 {
				t.Errorf("%d orders, want 1", n)
			}
			s.once()
		})
	}
}

// Who shares a computer has it forget the order: the browser is a stranger then, with an empty cart.
func TestForget(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	bought := b.open(s)
	path := s.buyAs(bought.OrderID, eva)
	if page := b.Get(path); !strings.Contains(page.Text, `action="/forget"`) || !strings.Contains(page.Text, "Havnegata 7") {
		t.Fatalf("got %d, without the order or the button", page.StatusCode)
	}
	b.Add("JAM-1", "1")
	if got := b.Post("/forget"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != "/" || !strings.Contains(got.Header.Get("Clear-Site-Data"), "storage") {
		t.Errorf("got %d to %q, Clear-Site-Data %q", got.StatusCode, got.Header.Get("Location"), got.Header.Get("Clear-Site-Data"))
	}
	o := s.placed(bought.OrderID)
	if text := b.Get(path).Text; strings.Contains(text, "Havnegata 7") || strings.Contains(text, o.Number) || strings.Contains(text, o.Key) {
		t.Error("the browser still shows the order")
	}
	if got := b.cart().String(); !strings.HasSuffix(got, "[]") {
		t.Errorf("the cart is %s", got)
	}
	if page := b.Get("/orders/" + o.Number + "?key=" + o.Key); !strings.Contains(page.Text, "Havnegata 7") || strings.Contains(page.Text, `action="/forget"`) {
		t.Error("the link with the key does not show the order, or offers to forget what is forgotten")
	}
}

// For two hours the confirmation shows the order to the buyer's browser; then only the link with
// its key does.
func TestConfirmationLater(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	bought := b.open(s)
	path := s.buy(bought.OrderID)
	right := func(name string, snippet bool, calls int) {
		t.Helper()
		before := len(s.Fake.Requests(""))
		got := b.Get(path)
		text := html.UnescapeString(got.Text)
		if got.StatusCode != http.StatusOK || !strings.Contains(text, "MUG-1.svg") || !strings.Contains(text, s.placed(bought.OrderID).Number) {
			t.Errorf("%s: got %d\n%.200s", name, got.StatusCode, got.Text)
		}
		if strings.Contains(text, "klarna-checkout-container") != snippet {
			t.Errorf("%s: Klarna's part is there: %v, want %v", name, !snippet, snippet)
		}
		if got := len(s.Fake.Requests("")) - before; got != calls {
			t.Errorf("%s: %d calls of Klarna, want %d", name, got, calls)
		}
	}
	right("at once", true, 4)
	right("reloaded", true, 1)
	s.Fake.AddFault(fakeklarna.Fault{Method: "GET", Path: orderPath, Status: 500, Count: 3})
	right("Klarna's part cannot be had", false, 3)
	s.older(bought.OrderID, 2*time.Hour)
	o := s.placed(bought.OrderID)
	if text := b.Get(path).Text; strings.Contains(text, "MUG-1") || strings.Contains(text, o.Number) || strings.Contains(text, o.Key) {
		t.Error("after 2 h the confirmation shows the order")
	}
	if text := b.Get("/orders/" + o.Number + "?key=" + o.Key).Text; !strings.Contains(text, "MUG-1.svg") {
		t.Error("after 2 h the link with the key does not show the order")
	}

	// Nobody told us of a purchase, and the checkout has forgotten it: Order Management has not.
	s.Fake.ClearFaults()
	b = s.browser()
	b.Add("MUG-1", "1")
	b.Get("/checkout")
	bought, _ = s.Fake.Order(s.newest())
	path = s.buy(bought.OrderID)
	s.Fake.AddFault(fakeklarna.Fault{Method: "GET", Path: orderPath, Status: 404, Count: 1})
	right("first asked for late", true, 5)
	s.once()
}

// Confirmations of one order at once, in two processes and by several people.
func TestConfirmationAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	_, other := s.serve(s.Redis.Client())
	for range 3 {
		buyer := s.norwegian()
		buyer.Get("/checkout")
		path := s.buy(s.newest())
		var wg sync.WaitGroup
		for i := range 16 {
			b := s.browser()
			if i%4 == 0 {
				b = buyer
			} else if i%2 == 0 {
				b.Base = other
			}
			wg.Go(func() {
				if got := b.Get(path); got.StatusCode != http.StatusOK {
					t.Errorf("got %d\n%.200s", got.StatusCode, got.Text)
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
	b.Header.Set("Accept-Language", "en-GB")
	b.Add("MUG-1", "1")
	bought := b.open(s)
	path := s.buyAs(bought.OrderID, map[string]string{"email": "eva+pend-accept-05@example.com"})
	page := b.Get(path)
	text := html.UnescapeString(page.Text)
	for _, part := range []string{"<h1>" + i18n.T("en", "confirmation.pending") + "</h1>", i18n.T("en", "confirmation.pending_body")} {
		if !strings.Contains(text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	for _, not := range []string{i18n.T("en", "confirmation.title"), i18n.T("en", "confirmation.pack") + "<", s.Published.Now().Shop.Voice("en").T("confirmation.pack_body")} {
		if strings.Contains(text, not) {
			t.Errorf("the page has %q", not)
		}
	}
	link := html.UnescapeString(orderLink.FindStringSubmatch(page.Text)[1])
	if page := b.Get(link); !strings.Contains(html.UnescapeString(page.Text), i18n.T("en", "orderpage.pending")) {
		t.Error("the order's page does not say that it is pending")
	}
	s.Fake.Advance(6 * time.Minute)
	if _, err := s.Book.Refresh(t.Context(), bought.OrderID); err != nil {
		t.Fatal(err)
	}
	if text := html.UnescapeString(b.Get(path).Text); !strings.Contains(text, i18n.T("en", "confirmation.title")) {
		t.Error("the page does not know that it was decided")
	}
	if page := b.Get(link); !strings.Contains(html.UnescapeString(page.Text), i18n.T("en", "orderpage.received")) {
		t.Error("the order's page does not know that it was decided")
	}
	// What is not sent after all is not packed.
	set := func(risk ordermanagement.FraudStatus, status ordermanagement.Status) {
		t.Helper()
		if _, err := s.Book.Update(t.Context(), bought.OrderID, func(o *order.Order) ([]order.AuditEntry, error) {
			o.FraudStatus, o.Status = risk, status
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for state, is := range map[string]struct {
		risk   ordermanagement.FraudStatus
		status ordermanagement.Status
	}{
		"rejected":  {ordermanagement.FraudRejected, ordermanagement.Authorized},
		"cancelled": {ordermanagement.FraudAccepted, ordermanagement.Cancelled},
		"expired":   {ordermanagement.FraudAccepted, ordermanagement.Expired},
	} {
		set(is.risk, is.status)
		text := html.UnescapeString(b.Get(path).Text)
		if strings.Contains(text, i18n.T("en", "confirmation.pack")+"<") || !strings.Contains(text, "<h1>"+i18n.T("en", "orderpage."+state)+"</h1>") {
			t.Errorf("the page of an order that is %s: %s", state, text)
		}
		set(ordermanagement.FraudAccepted, ordermanagement.Authorized)
	}
}

// Cancelled at Klarna before we heard of it: said so, and the cart can be bought again.
func TestConfirmationCancelled(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	bought := b.open(s)
	path := s.buy(bought.OrderID)
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.Fake.URL+"/ordermanagement/v1/orders/"+bought.OrderID+"/cancel", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("demo", "demo")
	if res, err := http.DefaultClient.Do(req); err != nil || res.StatusCode != http.StatusNoContent {
		t.Fatal(res, err)
	}
	for range 2 {
		got := b.Get(path)
		if text := html.UnescapeString(got.Text); got.StatusCode != http.StatusOK || !strings.Contains(text, i18n.T("nb", "confirmation.cancelled")) {
			t.Errorf("got %d\n%.200s", got.StatusCode, got.Text)
		}
	}
	if got := b.cart().String(); got != "NO nb-NO [MUG-1 2]" {
		t.Errorf("the cart is %s", got)
	}
	if next := s.holds(b, 0); next.OrderID == bought.OrderID {
		t.Error("the cancelled order is used again")
	}
}
