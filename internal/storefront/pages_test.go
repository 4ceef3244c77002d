package storefront_test

import (
	"flag"
	"fmt"
	"html"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// All that browsers can ask for.
func TestRoutes(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	var routes []string
	err := chi.Walk(s.handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes = append(routes, method+" "+route)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(routes, func(a, b string) int {
		_, pathA, _ := strings.Cut(a, " ")
		_, pathB, _ := strings.Cut(b, " ")
		return strings.Compare(pathA+" "+a, pathB+" "+b)
	})
	got := strings.Join(routes, "\n") + "\n"
	const golden = "testdata/routes.txt"
	if *updateGolden {
		if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("go test -update writes them anew: %s", diff)
	}
}

var skus = regexp.MustCompile(`href="/products/([A-Z]+-[0-9])"`)

func TestShelves(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	for _, tc := range []struct {
		path  string
		count int
		first string
	}{
		{"/", 28, "MUG-1"},
		{"/?category=pantry", 6, "COF-1"},
		{"/?q=emaljmugg", 1, "MUG-1"},
		{"/?q=zzz", 0, ""},
		{"/?sort=price", 28, "MAP-1"},
		{"/?sort=-price", 28, "CLK-1"},
		{"/?category=digital&sort=price", 5, "MAP-1"},
		{"/?sort=nonsense", 28, "MUG-1"},
	} {
		got := b.get(tc.path)
		var seen []string
		for _, m := range skus.FindAllStringSubmatch(got.body, -1) {
			if !slices.Contains(seen, m[1]) {
				seen = append(seen, m[1])
			}
		}
		if got.StatusCode != http.StatusOK || len(seen) != tc.count || tc.count > 0 && seen[0] != tc.first {
			t.Errorf("%s: got %d with %v, want %d, the first %s", tc.path, got.StatusCode, seen, tc.count, tc.first)
		}
	}
	if got := b.get("/products/MUG-9"); got.StatusCode != http.StatusNotFound || !strings.Contains(got.body, `<a class="btn" href="/?category=kitchen"`) {
		t.Errorf("a mug that is gone: got %d without the shelf of the others", got.StatusCode)
	}
}

// A product sells out while it is in a cart.
func TestSoldOutInTheCart(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.add("JAM-1", "5")
	if err := s.redis.Client().HSet(t.Context(), "shopd:{stock}:left", "JAM-1", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if page := b.get("/cart"); page.StatusCode != http.StatusOK || !strings.Contains(page.body, `data-note="sold-out-JAM-1"`) {
		t.Errorf("the cart says nothing: %d", page.StatusCode)
	}
	for _, step := range []struct {
		quantity string
		status   int
	}{{"6", http.StatusUnprocessableEntity}, {"5", http.StatusSeeOther}, {"3", http.StatusSeeOther}, {"4", http.StatusUnprocessableEntity}} {
		if got := b.post("/cart/lines/JAM-1", "quantity", step.quantity); got.StatusCode != step.status {
			t.Errorf("quantity %s: got %d, want %d", step.quantity, got.StatusCode, step.status)
		}
	}
	s.holds(b, 0)
}

// buy completes the purchase of an order in the iframe and returns the path of the confirmation.
func (s *shop) buy(orderID string) string {
	s.t.Helper()
	out, err := s.fake.Shopper(orderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused != nil {
		s.t.Fatalf("buy: %+v, %v", out, err)
	}
	path, own := strings.CutPrefix(out.ConfirmationURL, s.url)
	if !own {
		s.t.Fatalf("the confirmation is at %q", out.ConfirmationURL)
	}
	return path
}

// The buyer's confirmation tells what was bought; what was added meanwhile stays in the cart.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	b.add("EBK-1", "1")
	b.post("/cart/discount", "code", "FOG10")
	bought := b.open(s)
	path := s.buy(bought.OrderID)
	b.add("MUG-1", "3") // in another tab, meanwhile
	b.add("JAM-1", "1")
	for range 2 { // reloaded, it says the same
		page := b.get(path)
		text := html.UnescapeString(page.body)
		if page.StatusCode != http.StatusOK {
			t.Fatalf("got %d\n%s", page.StatusCode, page.body)
		}
		head, _, _ := strings.Cut(bought.OrderID, "-")
		for _, part := range []string{
			i18n.T("nb", "confirmation.title"), head, "FOG10", "/pictures/MUG-1.svg", "/pictures/EBK-1.svg", "klarna-checkout-container",
			fmt.Sprintf(`data-amount="%d"`, bought.OrderAmount), i18n.T("nb", "confirmation.pack"), i18n.T("nb", "confirmation.download"),
		} {
			if !strings.Contains(text, part) {
				t.Errorf("the page lacks %q", part)
			}
		}
		if strings.Contains(text, "JAM-1.svg") {
			t.Error("the page has what was not bought")
		}
		if got := b.cart().String(); got != "NO nb-NO [MUG-1 3 JAM-1 1]" {
			t.Errorf("the cart is %s", got)
		}
	}
	next := s.holds(b, 0)
	if next.OrderID == bought.OrderID || len(s.fake.Orders()) != 2 {
		t.Errorf("got order %s after %s, of %d", next.OrderID, bought.OrderID, len(s.fake.Orders()))
	}
}

// Who is not the buyer learns that there is such an order, and no more.
func TestConfirmationForOthers(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	buyer := s.norwegian()
	bought := buyer.open(s)
	path := s.buy(bought.OrderID)
	other := s.browser()
	other.add("JAM-1", "1")
	for name, b := range map[string]*browser{"no cookie": s.browser(), "another cart": other} {
		got := b.get(path)
		text := html.UnescapeString(got.body)
		if got.StatusCode != http.StatusOK || !strings.Contains(text, i18n.T("sv", "confirmation.stranger")) || got.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s: got %d\n%s", name, got.StatusCode, got.body)
		}
		for _, secret := range []string{"klarna-checkout", "MUG-1", bought.OrderID[:8] + "<", "data-amount", "@"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s: the page has %q", name, secret)
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
}

// The order has been bought in another tab; this one does not know yet.
func TestBoughtInAnotherTab(t *testing.T) {
	t.Parallel()
	for _, confirmed := range []bool{false, true} {
		t.Run(fmt.Sprint("confirmation seen: ", confirmed), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			b := s.browser()
			b.add("MUG-1", "2")
			bought := b.open(s)
			path := s.buy(bought.OrderID)
			if confirmed {
				b.get(path)
			} else if got := b.get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != path {
				t.Errorf("checkout: got %d to %q, want %q", got.StatusCode, got.Header.Get("Location"), path)
			}
			before := b.cart()
			for _, body := range []string{`{"order_id":%q}`, `{"order_id":%q,"lines":[{"sku":"JAM-1","quantity":4}]}`} {
				got := b.update(fmt.Sprintf(body, bought.OrderID))
				if got.StatusCode != http.StatusConflict || got.json(t).Redirect != path {
					t.Errorf("update: got %d %s, want %q", got.StatusCode, got.body, path)
				}
			}
			if after := b.cart(); confirmed && !cmp.Equal(before, after) {
				t.Errorf("an update of the bought page changed the cart: %s", cmp.Diff(before, after))
			}
			if n := s.calls(0)["create"]; n != 1 {
				t.Errorf("got %d orders, want 1", n)
			}
			b.get(path)
			b.add("MUG-1", "1")
			if next := s.holds(b, 0); next.OrderID == bought.OrderID {
				t.Error("the next checkout shows the bought order")
			}
		})
	}
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

// Orders whose merchant_data is not signed by us are none of ours.
func TestConfirmationOfForeignOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
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
		if got := b.get(s.buy(order.OrderID)); got.StatusCode != http.StatusNotFound {
			t.Errorf("merchant_data %q: got %d", data, got.StatusCode)
		}
	}
	if got := b.cart().String(); got != "SE sv-SE [MUG-1 1]" {
		t.Errorf("the cart is %s", got)
	}
}

// cartOfOrder is the cart that an order was made for.
func cartOfOrder(t *testing.T, s *shop, orderID string) string {
	t.Helper()
	order, err := s.list.Client.GetOrder(t.Context(), orderID)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.wants.Signer.Verify(order.MerchantData)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Klarna or Redis fail while the confirmation is loaded: it tries again, and then it is right.
func TestConfirmationFaults(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.norwegian()
	path := s.buy(b.open(s).OrderID)
	for _, f := range klarnaFaults {
		if f.name == "slow" || f.name == "404 empty" { // three times 4 s; no such order
			continue
		}
		fault := f.fault
		fault.Method, fault.Path, fault.Count = "GET", orderPath, -1
		s.fake.AddFault(fault)
		got := b.get(path)
		if got.StatusCode != http.StatusServiceUnavailable || got.Header.Get("Refresh") != "2; url="+path+"&try=1" ||
			!strings.Contains(html.UnescapeString(got.body), i18n.T("nb", "unavailable.payment.title")) {
			t.Errorf("%s: got %d with Refresh %q\n%.300s", f.name, got.StatusCode, got.Header.Get("Refresh"), got.body)
		}
		s.fake.ClearFaults()
	}
	if got := b.cart().String(); got != "NO nb-NO [MUG-1 2]" {
		t.Errorf("the cart is %s", got)
	}
	if got := b.get(path); got.StatusCode != http.StatusOK || b.cart().String() != "NO nb-NO []" {
		t.Errorf("in the end: got %d, the cart is %s", got.StatusCode, b.cart())
	}
}
