package storefront_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// All that browsers can ask for.
func TestRoutes(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	var routes []string
	err := chi.Walk(s.Server.Handler().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
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
		got := b.Get(tc.path)
		var seen []string
		for _, m := range skus.FindAllStringSubmatch(got.Text, -1) {
			if !slices.Contains(seen, m[1]) {
				seen = append(seen, m[1])
			}
		}
		if got.StatusCode != http.StatusOK || len(seen) != tc.count || tc.count > 0 && seen[0] != tc.first {
			t.Errorf("%s: got %d with %v, want %d, the first %s", tc.path, got.StatusCode, seen, tc.count, tc.first)
		}
	}
	if got := b.Get("/products/MUG-9"); got.StatusCode != http.StatusNotFound || !strings.Contains(got.Text, `<a class="btn" href="/?category=kitchen"`) {
		t.Errorf("a mug that is gone: got %d without the shelf of the others", got.StatusCode)
	}
}

// A product sells out while it is in a cart.
func TestSoldOutInTheCart(t *testing.T) {
	t.Parallel()
	s := newShop(t, fakeklarna.Options{})
	b := s.browser()
	b.Add("JAM-1", "5")
	s.left("JAM-1", 0)
	if page := b.Get("/cart"); page.StatusCode != http.StatusOK || !strings.Contains(page.Text, `data-note="sold-out-JAM-1"`) {
		t.Errorf("the cart says nothing: %d", page.StatusCode)
	}
	for _, step := range []struct {
		quantity string
		status   int
	}{{"6", http.StatusUnprocessableEntity}, {"5", http.StatusSeeOther}, {"3", http.StatusSeeOther}, {"4", http.StatusUnprocessableEntity}} {
		if got := b.Post("/cart/lines/JAM-1", "quantity", step.quantity); got.StatusCode != step.status {
			t.Errorf("quantity %s: got %d, want %d", step.quantity, got.StatusCode, step.status)
		}
	}
	s.holds(b, 0)
}

// buy completes the purchase of an order in the iframe and returns the path of the confirmation.
func (s *shopWorld) buy(orderID string) string {
	s.T.Helper()
	out, err := s.Fake.Shopper(orderID, fakeklarna.Action{Buy: &fakeklarna.Buy{}})
	if err != nil || out.Refused != nil {
		s.T.Fatalf("buy: %+v, %v", out, err)
	}
	path, own := strings.CutPrefix(out.ConfirmationURL, s.URL)
	if !own {
		s.T.Fatalf("the confirmation is at %q", out.ConfirmationURL)
	}
	return path
}

// The order has been bought in another tab; this one does not know yet.
func TestBoughtInAnotherTab(t *testing.T) {
	t.Parallel()
	for _, confirmed := range []bool{false, true} {
		t.Run(fmt.Sprint("confirmation seen: ", confirmed), func(t *testing.T) {
			t.Parallel()
			s := newShop(t, fakeklarna.Options{})
			b := s.browser()
			b.Add("MUG-1", "2")
			bought := b.open(s)
			path := s.buy(bought.OrderID)
			if confirmed {
				b.Get(path)
			} else if got := b.Get("/checkout"); got.StatusCode != http.StatusSeeOther || got.Header.Get("Location") != path {
				t.Errorf("checkout: got %d to %q, want %q", got.StatusCode, got.Header.Get("Location"), path)
			}
			before := b.cart()
			for _, body := range []string{`{"order_id":%q}`, `{"order_id":%q,"lines":[{"sku":"JAM-1","quantity":4}]}`} {
				got := b.Update(fmt.Sprintf(body, bought.OrderID))
				if got.StatusCode != http.StatusConflict || updateOf(t, got).Redirect != path {
					t.Errorf("update: got %d %s, want %q", got.StatusCode, got.Text, path)
				}
			}
			if after := b.cart(); confirmed && !cmp.Equal(before, after) {
				t.Errorf("an update of the bought page changed the cart: %s", cmp.Diff(before, after))
			}
			if n := s.calls(0)["create"]; n != 1 {
				t.Errorf("got %d orders, want 1", n)
			}
			b.Get(path)
			b.Add("MUG-1", "1")
			if next := s.holds(b, 0); next.OrderID == bought.OrderID {
				t.Error("the next checkout shows the bought order")
			}
		})
	}
}

// cartOfOrder is the cart that an order was made for.
func cartOfOrder(t *testing.T, s *shopWorld, orderID string) string {
	t.Helper()
	order, err := s.LeftBehind.Client.GetOrder(t.Context(), orderID)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.KCO.Wants.Signer.Verify(order.MerchantData)
	if err != nil {
		t.Fatal(err)
	}
	return id
}
