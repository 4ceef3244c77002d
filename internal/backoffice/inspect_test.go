package backoffice_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/story"
)

// The verdicts on a cart and its order, one line each.
func TestInspectVerdicts(t *testing.T) {
	t.Parallel()
	w := newInspected(t)
	ada := w.clerk("ada")
	verdict := func(p page) string {
		return strings.Join(p.texts(`[data-note="verdict"], [data-note="old_tab"]`), " | ")
	}
	for _, tc := range []struct {
		name    string
		given   func(cartID, orderID string) (query string)
		want    string
		differs int  // cells that are marked
		sync    bool // there is a button
	}{
		{name: "agree", want: "Cart and order agree.", sync: true},
		{name: "by KCO order", given: func(_, orderID string) string { return orderID }, want: "Cart and order agree.", sync: true},
		{name: "cart ID in capitals", given: func(cartID, _ string) string { return strings.ToUpper(cartID) }, want: "Cart and order agree.", sync: true},
		{name: "quantity", given: func(cartID, _ string) string {
			w.Put(cartID, "MUG-1", 5)
			return cartID
		}, want: "1 difference: quantity of MUG-1 is 5 in the cart, 3 at Klarna.", differs: 8, sync: true},
		{name: "quantity and a line", given: func(cartID, _ string) string {
			w.Put(cartID, "MUG-1", 5)
			w.Put(cartID, "JAM-1", 1)
			return cartID
		}, want: "2 differences: quantity of MUG-1 is 5 in the cart, 3 at Klarna; JAM-1 is in the cart, not at Klarna.", differs: 9, sync: true},
		{name: "a line too many", given: func(cartID, _ string) string {
			w.Put(cartID, "MUG-1", 0)
			w.Put(cartID, "EBK-1", 1)
			return cartID
		}, want: "EBK-1 is in the cart, not at Klarna; MUG-1 is at Klarna, not in the cart; mailboat is at Klarna, not in the cart; and more.", differs: 7, sync: true},
		{name: "another market", given: func(cartID, _ string) string {
			if _, err := w.Carts.Update(t.Context(), cartID, cart.Fallback{}, func(c *cart.Cart) error {
				c.Country, c.Locale = "NO", "nb-NO"
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return cartID
		}, want: "differences: purchase_country is NO in the cart, SE at Klarna; purchase_currency is NOK", differs: 12, sync: true},
		{name: "no order", given: func(string, string) string {
			id := cart.NewID()
			w.Put(id, "MUG-1", 1)
			return id
		}, want: "The cart has no order yet."},
		{name: "empty", given: func(string, string) string {
			id := cart.NewID()
			w.Put(id, "MUG-1", 1)
			w.Put(id, "MUG-1", 0)
			return id
		}, want: "The cart is empty and has no open order."},
		{name: "not the current one", given: func(cartID, orderID string) string {
			if _, _, err := w.Carts.SetOrderID(t.Context(), cartID, orderID, "", nil); err != nil {
				t.Fatal(err)
			}
			return orderID
		}, want: "This is not the current order of its cart."},
		{name: "bought, not placed", given: func(cartID, orderID string) string {
			w.Buy(orderID)
			return cartID
		}, want: "Bought at Klarna, and not yet in the order book."},
		{name: "placed", given: func(_, orderID string) string { return w.bought(orderID).Number }, want: "Order book and Klarna agree."},
		{name: "placed, by its KCO order", given: func(_, orderID string) string {
			w.bought(orderID)
			return orderID
		}, want: "Order book and Klarna agree."},
		{name: "placed, cancelled at Klarna", given: func(_, orderID string) string {
			w.bought(orderID)
			if _, err := w.Book.Management.Cancel(t.Context(), orderID, uuid.NewString()); err != nil {
				t.Fatal(err)
			}
			return orderID
		}, want: "the status is AUTHORIZED in the book, CANCELLED at Klarna."},
		{name: "paid in an old tab", given: func(cartID, orderID string) string {
			if _, _, err := w.Carts.SetOrderID(t.Context(), cartID, orderID, "", nil); err != nil {
				t.Fatal(err)
			}
			w.load(cartID)
			w.Reserve(cartID, w.Cart(cartID).OrderID, time.Now())
			return w.bought(orderID).Number
		}, want: "Paid in an old tab. This was not the current order. Check that the shopper did not pay twice."},
		{name: "paid in an old tab, by cart", given: func(cartID, orderID string) string {
			if _, _, err := w.Carts.SetOrderID(t.Context(), cartID, orderID, "", nil); err != nil {
				t.Fatal(err)
			}
			w.load(cartID)
			w.Reserve(cartID, w.Cart(cartID).OrderID, time.Now())
			w.bought(orderID)
			return cartID
		}, want: "Paid in an old tab. Order SK-", differs: 6, sync: true},
		{name: "a stranger", given: func(string, string) string { return "nobody" }, want: "Nothing found."},
		{name: "no name at all", given: func(string, string) string { return "../orders?x=<b>" }, want: "Nothing found."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			cartID, orderID := w.checkout()
			query := cartID
			if tc.given != nil {
				query = tc.given(cartID, orderID)
			}
			p := ada.inspect(query)
			if got := verdict(p); p.StatusCode != http.StatusOK || !strings.Contains(got, tc.want) {
				t.Errorf("got %d %q, want %q", p.StatusCode, got, tc.want)
			}
			if got := p.Find(".differs").Length(); got != tc.differs || (got > 0) != (p.Find(".differs .word").Length() > 0) {
				t.Errorf("%d cells are marked, want %d", got, tc.differs)
			}
			if got := p.Find(`form[action="/admin/inspect/sync"]`).Length() == 1; got != tc.sync {
				t.Errorf("a button to sync: %v, want %v", got, tc.sync)
			}
			if strings.Contains(p.Text, "a secret") || strings.Contains(p.Text, "v1.") || strings.Contains(p.Text, w.Signer.CallbackToken()) {
				t.Error("the page has merchant_data or the token")
			}
		})
	}
}

// Klarna's silence and its forgetting are told as they are, and the cart is shown all the same.
func TestInspectWithoutKlarna(t *testing.T) {
	t.Parallel()
	w := newInspected(t)
	ada := w.clerk("ada")
	cartID, orderID := w.checkout()
	placed := w.bought(func() string { _, id := w.checkout(); return id }())
	for _, tc := range []struct {
		name, query, want string
		given             func()
	}{
		{"away", cartID, "Klarna did not answer, so nothing could be compared. It answered 500.", func() { w.Fake.AddFault(fakeklarna.Fault{Status: 500, Count: 99}) }},
		{"away, placed", placed.Number, "Klarna did not answer, so nothing could be compared. It answered 500.", func() {}},
		{"reset", cartID, "Klarna did not answer, so nothing could be compared. There was no answer", func() {
			w.Fake.ClearFaults()
			w.Fake.AddFault(fakeklarna.Fault{Reset: true, Count: 99})
		}},
		{"gone", cartID, "Klarna does not have this order any more.", func() {
			w.Fake.ClearFaults()
			w.Fake.Advance(49 * time.Hour)
		}},
		{"gone, by its ID", orderID, "Klarna does not have this order any more.", func() { w.settle(orderID, 1) }},
		{"placed, unknown to Klarna", placed.Number, "Klarna does not know this order.", func() { w.Fake.Reset() }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.given()
			p := ada.inspect(tc.query)
			if got := strings.Join(p.texts(`[data-note="verdict"]`), " | "); p.StatusCode != http.StatusOK || !strings.Contains(got, tc.want) {
				t.Errorf("got %d %q, want %q", p.StatusCode, got, tc.want)
			}
			if p.Find(".ifacts").Length() != 1 || p.Find(`form[action="/admin/inspect/sync"]`).Length() != 0 {
				t.Error("the facts are missing, or there is a button")
			}
		})
	}
}

// A re-sync updates and never creates; what came of it is told, and who did it is logged.
func TestSyncNow(t *testing.T) {
	t.Parallel()
	w := newInspected(t)
	ada, bo := w.clerk("ada"), w.clerk("bo")
	for _, tc := range []struct {
		name   string
		given  func(cartID, orderID string)
		want   string
		update bool
	}{
		{"differs", func(cartID, _ string) { w.Put(cartID, "MUG-1", 5) }, "Updated.", true},
		{"agrees", func(string, string) {}, "Nothing to send.", false},
		{"empty", func(cartID, _ string) { w.Put(cartID, "MUG-1", 0) }, "Nothing was sent. The cart is empty", false},
		{"bought", func(_, orderID string) {
			w.Buy(orderID)
		}, "Nothing was sent. The order has been bought.", false},
		{"away", func(cartID, _ string) {
			w.Put(cartID, "MUG-1", 5)
			w.Fake.AddFault(fakeklarna.Fault{Status: 500, Count: 3})
		}, "Not updated.", false},
		{"refused", func(cartID, _ string) {
			w.Put(cartID, "MUG-1", 5)
			w.Fake.AddFault(fakeklarna.Fault{Method: "POST", Status: 400, Count: 1})
		}, "Klarna refused the update.", false},
		{"gone", func(cartID, _ string) {
			w.Put(cartID, "MUG-1", 5)
			w.Fake.Advance(49 * time.Hour)
		}, "No order was updated, and none was made.", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.Fake.ClearFaults()
			cartID, orderID := w.checkout()
			tc.given(cartID, orderID)
			before := len(w.Fake.Orders())
			p := ada.sync(cartID)
			if got := strings.Join(p.texts(`[data-note="synced"]`), " "); p.StatusCode != http.StatusOK || !strings.HasPrefix(got, tc.want) {
				t.Errorf("got %d %q, want %q", p.StatusCode, got, tc.want)
			}
			if got := len(w.Fake.Orders()); got > before {
				t.Errorf("%d orders were made", got-before)
			}
			c, err := w.Carts.Get(t.Context(), cartID, cart.Fallback{})
			if err != nil || c.OrderID != orderID {
				t.Errorf("the cart's order is %q, want %q, %v", c.OrderID, orderID, err)
			}
			if o, found := w.Fake.Order(orderID); found && (o.OrderLines[0].Quantity == 5) != tc.update {
				t.Errorf("the order has %d mugs", o.OrderLines[0].Quantity)
			}
		})
	}
	cartID, orderID := w.checkout()
	w.Put(cartID, "MUG-1", 5)
	calls := len(w.Fake.Requests(""))
	if p := bo.sync(cartID); p.StatusCode != http.StatusForbidden {
		t.Errorf("who may only look: got %d", p.StatusCode)
	}
	for name, form := range map[string]url.Values{"no cart": nil, "bad cart": {"cart": {"../x"}}} {
		if p := ada.send("POST", "/admin/inspect/sync", form); p.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d", name, p.StatusCode)
		}
	}
	if got := len(w.Fake.Requests("")); got != calls {
		t.Errorf("Klarna was asked %d times", got-calls)
	}
	ada.sync(cartID)
	if log := w.Log.String(); !strings.Contains(log, "staff=ada order_id="+orderID+" result=updated") {
		t.Errorf("the log says:\n%s", log)
	}
}

// The story is told in the order of time with what changed; looking adds nothing to it.
func TestInspectStory(t *testing.T) {
	t.Parallel()
	w := newInspected(t)
	ada := w.clerk("ada")
	cartID, orderID := w.checkout()
	w.Put(cartID, "MUG-1", 5)
	w.load(cartID)
	w.Story.Record(story.Entry{
		At: time.Now(), Kind: story.FromKlarna, OrderID: orderID, Operation: "push", Method: "POST", Path: "/klarna/{token}/push", Status: 503, Result: "unavailable",
	})
	w.settle(orderID, 4)
	for _, query := range []string{cartID, orderID, cartID} {
		p := ada.inspect(query)
		var got []string
		p.Find(".story .call").Each(func(_ int, s *goquery.Selection) {
			got = append(got, strings.Join(strings.Fields(s.Find(".lane").Text()+" "+s.Find(".what").Text()+" "+s.Find(".status").Text()), " "))
		})
		want := []string{
			"shop → create kco order POST /checkout/v3/orders 201", "shop → read kco order GET /checkout/v3/orders/{order_id} 200",
			"shop → update kco order POST /checkout/v3/orders/{order_id} 200", "← Klarna push POST /klarna/{token}/push 503",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
		changes := p.texts(".story .call:nth-of-type(4) .change")
		if diff := cmp.Diff([]string{"order_amount 49600 → 79400", "order_tax_amount 9920 → 15880", "quantity MUG-1 3 → 5"}, changes); diff != "" {
			t.Errorf("%s, what changed: %s", query, diff)
		}
		if got := p.Find(".story .call code").Length(); got != 3 {
			t.Errorf("%d correlation IDs, want 3", got)
		}
	}
}

// The start page lists what was left behind, and so does the page of its cart.
func TestInspectLeftBehind(t *testing.T) {
	t.Parallel()
	w := newInspected(t)
	bo := w.clerk("bo")
	if p := bo.look("/admin/inspect"); p.StatusCode != http.StatusOK || !strings.Contains(p.part("main"), "Left-behind orders") || p.Find(".ileft").Length() != 0 {
		t.Errorf("at first: %d %s", p.StatusCode, p.part("main"))
	}
	cartID, first := w.checkout()
	if _, _, err := w.Carts.SetOrderID(t.Context(), cartID, first, "", nil); err != nil {
		t.Fatal(err)
	}
	if err := w.LeftBehind.Add(t.Context(), cartID, first); err != nil {
		t.Fatal(err)
	}
	second := w.load(cartID)
	w.settle(first, 1)
	w.settle(second, 1)
	want := []string{first + " Cart " + cartID}
	for _, path := range []string{"/admin/inspect", "/admin/inspect?q=" + cartID, "/admin/inspect?q=" + first} {
		p := bo.look(path)
		row := p.Find(".ileft tbody tr")
		if got := []string{strings.TrimSpace(row.Find("th").Text()) + " Cart " + strings.TrimSpace(row.Find("td a").Text())}; row.Length() != 1 || cmp.Diff(want, got) != "" || !strings.Contains(row.Text(), "waits to be aborted") {
			t.Errorf("%s: got %v", path, got)
		}
	}
	if p := bo.inspect(second); p.Find(".ileft").Length() != 0 {
		t.Error("the current order counts as left behind")
	}
	if err := w.LeftBehind.Sweep(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if p := bo.look("/admin/inspect"); !strings.Contains(p.Find(".ileft").Text(), "aborting is over") {
		t.Errorf("after the sweep: %s", p.part("main"))
	}
}

// A sale of Klarna Payments that Klarna has made and not named is told to staff.
func TestInspectUnsettled(t *testing.T) {
	t.Parallel()
	w := newInspected(t)
	bo := w.clerk("bo")
	if p := bo.look("/admin/inspect"); p.Find("[data-note=unsettled]").Length() != 0 {
		t.Errorf("at first: %s", p.part("main"))
	}
	const sessionID = "0b1bd9de-5b1d-4a2c-9a0e-3f0ffa1f3c01" // as the book's loop writes it down
	if err := w.Payments.Authorizations.Unsettled(t.Context(), sessionID); err != nil {
		t.Fatal(err)
	}
	if p := bo.look("/admin/inspect"); !strings.Contains(p.Find("[data-note=unsettled]").Text(), sessionID) {
		t.Errorf("then: %s", p.part("main"))
	}
}

// Without a session there is no inspector, and a Redis that is away is a 503.
func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	w := newInspected(t)
	stranger := w.stranger()
	for _, path := range []string{"/admin/inspect", "/admin/inspect?q=x"} {
		if p := stranger.look(path); !regexp.MustCompile(`(?i)password`).MatchString(p.part("main")) {
			t.Errorf("%s: %s", path, p.part("main"))
		}
	}
	ada := w.clerk("ada")
	cartID, _ := w.checkout()
	w.Redis.Stop()
	if p := ada.inspect(cartID); p.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("Redis away: got %d", p.StatusCode)
	}
}
