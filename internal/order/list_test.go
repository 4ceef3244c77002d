package order_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

var (
	countries  = []string{"SE", "NO", "FI", "US"}
	currencies = map[string]money.Currency{"SE": "SEK", "NO": "NOK", "FI": "EUR", "US": "USD"}
	statuses   = []ordermanagement.Status{
		ordermanagement.Authorized, ordermanagement.PartCaptured, ordermanagement.Captured, ordermanagement.Cancelled, ordermanagement.Expired,
	}
	firstSale = time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)
)

// orders makes orders for lists: those of a shop, of a shopper, of an amount and
// of a moment are many.
type orders struct {
	rng      *rand.Rand
	n        int
	span     time.Duration // from the first sale to the last
	shoppers int
}

func newOrders(seed uint64, span time.Duration) *orders {
	return &orders{rng: rand.New(rand.NewPCG(seed, 5)), span: span, shoppers: 100}
}

func pick[T any](rng *rand.Rand, of []T) T { return of[rng.IntN(len(of))] }

const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// code writes a number of the sequence in signs of an order number.
func code(n, length int) string {
	text := make([]byte, length)
	for i := range text {
		text[length-1-i] = letters[n%len(letters)]
		n /= len(letters)
	}
	return string(text)
}

func (s *orders) next() order.Order {
	s.n++
	country := pick(s.rng, countries)
	email := fmt.Sprintf("shopper%d@example.com", s.rng.IntN(s.shoppers))
	id := [16]byte{}
	for i := range id {
		id[i] = byte(s.rng.Uint32())
	}
	number := code(s.n, 8)
	o := order.Order{
		Number: "SK-" + number[:4] + "-" + number[4:], Key: "a key", OrderID: uuid.UUID(id).String(), CartID: "a cart",
		PlacedAt:        firstSale.Add(time.Duration(s.rng.Int64N(int64(s.span)))).Truncate(10 * time.Second), // some at once
		PurchaseCountry: country, PurchaseCurrency: currencies[country], Locale: "sv-SE",
		OrderAmount: money.Amount(10000 + 100*s.rng.IntN(20)), KlarnaReference: "K" + code(s.n, 7),
		OrderLines: []klarna.OrderLine{{Type: klarna.Physical, Reference: "MUG-1", Name: "Enamel mug", Quantity: 2, UnitPrice: 14900, TaxRate: 2500, TotalAmount: 29800, TotalTaxAmount: 5960}},
		Status:     pick(s.rng, statuses), FraudStatus: ordermanagement.FraudAccepted, Acknowledged: true, CartClosed: true,
		BillingAddress: klarna.Address{GivenName: "Eva", Email: email, PostalCode: "90210", City: "Umeå", Country: strings.ToLower(country)},
	}
	o.ShippingAddress = o.BillingAddress
	if s.rng.IntN(5) == 0 {
		o.ShippingAddress.Email = strings.ToUpper(fmt.Sprintf("shopper%d@example.com", s.rng.IntN(s.shoppers)))
	}
	switch s.rng.IntN(20) {
	case 0, 1:
		o.FraudStatus = ordermanagement.FraudPending
	case 2:
		o.FraudStatus = ordermanagement.FraudRejected
	case 3:
		o.Flags = []order.Flag{order.Oversold}
	case 4:
		o.Expiring = true
	}
	if o.Status == ordermanagement.Captured || o.Status == ordermanagement.PartCaptured {
		o.CapturedAmount = 5000
		o.RefundedAmount = pick(s.rng, []money.Amount{0, 1, 5000})
	}
	return o
}

func (s *orders) take(n int) []order.Order {
	all := make([]order.Order, n)
	for i := range all {
		all[i] = s.next()
	}
	return all
}

// fill puts orders in the book.
func (w *world) fill(all []order.Order) {
	w.T.Helper()
	for part := range slices.Chunk(all, 100) {
		if err := w.Book.Fill(w.T.Context(), part); err != nil {
			w.T.Fatal(err)
		}
	}
}

// newestFirst sorts as a list does.
func newestFirst(all []order.Order) []order.Order {
	return slices.SortedFunc(slices.Values(all), func(x, y order.Order) int {
		if c := y.PlacedAt.Compare(x.PlacedAt); c != 0 {
			return c
		}
		return strings.Compare(y.OrderID, x.OrderID)
	})
}

// wanted is what a query asks for, in its order, looked for in all orders.
func wanted(all []order.Order, q order.Query) (ids []string) {
	amount, isAmount := money.ParseDecimal(q.Text)
	var found []order.Order
	for _, o := range all {
		emails := []string{strings.ToLower(o.BillingAddress.Email), strings.ToLower(o.ShippingAddress.Email)}
		text := q.Text == "" || q.Text == o.Number || strings.EqualFold(q.Text, o.KlarnaReference) || q.Text == o.OrderID ||
			isAmount && o.OrderAmount == amount || slices.Contains(emails, strings.ToLower(q.Text)) || o.OrderLines[0].Reference == q.Text
		risk := q.Risk == "" || q.Risk == o.FraudStatus && (q.Risk != ordermanagement.FraudPending || o.Pending()) ||
			q.Risk == ordermanagement.FraudAccepted && o.FraudStatus == ordermanagement.FraudPending && !o.Pending()
		if text && risk && (q.State == "" || o.State() == q.State) && (q.Country == "" || o.PurchaseCountry == q.Country) && (!q.Flagged || len(o.Flags) > 0) &&
			(!q.ToShip || o.ToShip()) && (!q.Expiring || o.Expiring && slices.Contains(statuses[:2], o.Status)) &&
			(q.PlacedAfter.IsZero() || !o.PlacedAt.Before(q.PlacedAfter)) && (q.PlacedBefore.IsZero() || o.PlacedAt.Before(q.PlacedBefore)) {
			found = append(found, o)
		}
	}
	found = newestFirst(found)
	slices.SortStableFunc(found, func(x, y order.Order) int {
		switch q.Sort {
		case order.ByAmount:
			return cmp.Compare(y.OrderAmount, x.OrderAmount)
		case order.ByStatus:
			return cmp.Compare(y.State(), x.State())
		case order.ByPlaced:
		}
		return 0
	})
	if q.Ascending {
		slices.Reverse(found)
	}
	return idsOf(found)
}

func idsOf(all []order.Order) (ids []string) {
	for _, o := range all {
		ids = append(ids, o.OrderID)
	}
	return ids
}

// pages walks through a list from its newest page to its oldest.
func (w *world) pages(q order.Query) (ids []string, last order.Page) {
	w.T.Helper()
	for {
		page, err := w.Book.List(w.T.Context(), q)
		if err != nil {
			w.T.Fatal(err)
		}
		if (page.Previous == "") != (q.Cursor == "") {
			w.T.Errorf("%+v: the newer page is %q", q, page.Previous)
		}
		ids = append(ids, idsOf(page.Orders)...)
		if page.Next == "" {
			return ids, page
		}
		q.Cursor = page.Next
	}
}

// Any combination of filters, texts and orders answers what looking at every order answers,
// on either database.
func TestListAgainstBruteForce(t *testing.T) {
	t.Parallel()
	bothEngines(t, func(t *testing.T, w *world) {
		all := newOrders(1, 30*24*time.Hour).take(3000) // more than the fewest words that are walked through
		w.fill(all)
		w.Exec("analyze") // the plans of empty tables took over 10 s beside busy tests
		middle := all[7]
		times := []time.Time{{}, firstSale.Add(9 * 24 * time.Hour), middle.PlacedAt}
		texts := []string{
			"", middle.BillingAddress.Email, strings.ToUpper(middle.BillingAddress.Email), middle.OrderAmount.Decimal(), "MUG-1",
			middle.Number, middle.KlarnaReference, strings.ToLower(middle.KlarnaReference), middle.OrderID, "nobody@example.com", "9999", "what?",
		}
		yes := func(rng *rand.Rand) bool { return rng.IntN(4) == 0 }
		for i := range 200 {
			rng := rand.New(rand.NewPCG(uint64(i), 9))
			q := order.Query{
				Text: texts[i%len(texts)], Country: pick(rng, []string{"", "", "SE", "US", "DE"}), Limit: order.MaxLimit,
				State: pick(rng, []order.State{"", "", order.StateChecking, order.StateOpen, order.StateRejected, order.StatePartCaptured, order.StateCaptured,
					order.StatePartRefunded, order.StateRefunded, order.StateExpired, order.StateClosed}),
				Risk:   pick(rng, []ordermanagement.FraudStatus{"", "", "", ordermanagement.FraudPending, ordermanagement.FraudRejected, ordermanagement.FraudAccepted}),
				ToShip: yes(rng), Expiring: yes(rng), Flagged: yes(rng), PlacedAfter: pick(rng, times), PlacedBefore: pick(rng, times),
				Sort: pick(rng, []order.Sort{order.ByPlaced, order.ByAmount, order.ByStatus}), Ascending: rng.IntN(2) == 0,
			}
			want := wanted(all, q)
			got, last := w.pages(q)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Fatalf("%+v: %s", q, diff)
			}
			if last.Total != int64(len(want)) {
				t.Errorf("%+v: total %d, want %d", q, last.Total, len(want))
			}
			if q.Sort != order.ByPlaced || !q.Ascending {
				continue
			}
			var each []string
			if err := w.Book.Each(t.Context(), q, func(o order.Order) error {
				each = append(each, o.OrderID)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, each); diff != "" {
				t.Fatalf("Each of %+v: %s", q, diff)
			}
		}
	})
}

// What staff type is understood as they mean it.
func TestListText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	all := newOrders(2, time.Hour).take(3)
	all[0].OrderAmount, all[0].BillingAddress.Email, all[0].ShippingAddress.Email = 115200, "Eva.Ek@Example.com", ""
	all[1].OrderAmount, all[2].OrderAmount = 1152, 115250
	w.fill(all)
	number := strings.ReplaceAll(all[0].Number, "-", "")
	for _, tt := range []struct {
		name, text string
		want       int // which of the orders; -1: none
	}{
		{"number", all[0].Number, 0},
		{"number in lower case, with spaces around", " " + strings.ToLower(all[0].Number) + "\t", 0},
		{"number without dashes", number, 0},
		{"number without its beginning", number[2:6] + " " + number[6:], 0},
		{"number as it is read out", number[:2] + " " + number[2:6] + " " + number[6:], 0},
		{"whole amount", "1152", 0},
		{"amount with decimals", "1152.00", 0},
		{"amount as in Swedish", "1 152,00 kr", 0},
		{"amount as in Danish", "1.152,00", 0},
		{"amount with its currency", "SEK 1,152.50", 2},
		{"small amount", "11,52", 1},
		{"number of nobody", "SK-ZZZZ-ZZZZ", -1},
		{"pattern", "*", -1},
		{"nothing but signs", "- ?", -1},
		{"name of a list", ",SE,", -1},
		{"line break", "a\nb\x00c", -1},
		{"very long", strings.Repeat("x", 100_000), -1},
		{"very many", strings.Repeat("xyz ", 3000), -1},
		{"not UTF-8", "\xff\xfe", -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, err := w.Book.List(t.Context(), order.Query{Text: tt.text})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if tt.want >= 0 {
				want = idsOf(all[tt.want : tt.want+1])
			}
			if diff := gocmp.Diff(want, idsOf(page.Orders)); diff != "" || page.Total != int64(len(want)) {
				t.Errorf("total %d, %s", page.Total, diff)
			}
		})
	}
}

// Paging from end to end and back shows each order once, also while orders
// arrive between the pages, older ones and ones of the same moment among them.
func TestListWhileOrdersArrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	source := newOrders(3, 5*time.Minute) // so that many are of one moment
	all := source.take(150)
	w.fill(all)
	want := idsOf(newestFirst(all))
	known := map[string]bool{}
	for _, id := range want {
		known[id] = true
	}
	for _, limit := range []int{1, 7, 0} {
		q := order.Query{Limit: limit}
		walk := func(next func(order.Page) string) (seen []string) {
			t.Helper()
			for {
				page, err := w.Book.List(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if most := min(max(limit, 1)*50, order.DefaultLimit); len(page.Orders) == 0 || len(page.Orders) > most {
					t.Fatalf("%d orders on a page of %d", len(page.Orders), limit)
				}
				if !slices.Equal(idsOf(page.Orders), idsOf(newestFirst(page.Orders))) {
					t.Error("a page is not in order")
				}
				seen = append(seen, idsOf(page.Orders)...)
				w.fill(source.take(1))
				cursor := next(page)
				if cursor == "" {
					return seen
				}
				q.Cursor = cursor
			}
		}
		forward := walk(func(p order.Page) string { return p.Next })
		// From where that ended, back.
		last, err := w.Book.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		backward := idsOf(last.Orders)
		q.Cursor = last.Previous
		ids := walk(func(p order.Page) string { return p.Previous })
		backward = append(backward, ids...)
		for name, got := range map[string][]string{"forward": forward, "backward": backward} {
			seen := map[string]int{}
			for _, id := range got {
				seen[id]++
			}
			for _, id := range want {
				if seen[id] != 1 {
					t.Fatalf("%s by %d: an order was shown %d times", name, limit, seen[id])
				}
			}
			for id, n := range seen {
				if n > 1 {
					t.Errorf("%s by %d: order %s was shown %d times, known before: %v", name, limit, id, n, known[id])
				}
			}
		}
	}
}

// A page whose orders went elsewhere leads back to what is beside it.
func TestListPageThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	all := newOrders(4, time.Hour).take(6)
	for i := range all {
		all[i].Status, all[i].FraudStatus, all[i].PlacedAt = ordermanagement.Authorized, ordermanagement.FraudAccepted, firstSale
	}
	w.fill(all)
	inOrder := newestFirst(all)
	q := order.Query{State: order.StateOpen, Limit: 3}
	first, err := w.Book.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	capture := func(which []order.Order) {
		for _, o := range which {
			if _, err := w.Book.Edit(t.Context(), o.OrderID, func(o *order.Order) { o.Status = ordermanagement.Captured }); err != nil {
				t.Fatal(err)
			}
		}
	}
	list := func(cursor string) order.Page {
		t.Helper()
		q.Cursor = cursor
		page, err := w.Book.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	second := list(first.Next)
	capture(inOrder[3:])
	gone := list(first.Next)
	if len(gone.Orders) != 0 || gone.Next != "" || gone.Previous == "" || gone.Total != 3 {
		t.Fatalf("%d orders of %d, newer %q, older %q", len(gone.Orders), gone.Total, gone.Previous, gone.Next)
	}
	if diff := gocmp.Diff(idsOf(inOrder[:3]), idsOf(list(gone.Previous).Orders)); diff != "" {
		t.Error(diff)
	}
	// And in the other direction.
	for _, o := range inOrder[3:] {
		if _, err := w.Book.Edit(t.Context(), o.OrderID, func(o *order.Order) { o.Status = ordermanagement.Authorized }); err != nil {
			t.Fatal(err)
		}
	}
	capture(inOrder[:3])
	gone = list(second.Previous)
	if len(gone.Orders) != 0 || gone.Previous != "" || gone.Next == "" {
		t.Fatalf("%d orders, newer %q, older %q", len(gone.Orders), gone.Previous, gone.Next)
	}
	if diff := gocmp.Diff(idsOf(inOrder[3:]), idsOf(list(gone.Next).Orders)); diff != "" {
		t.Error(diff)
	}
}

func TestListCursor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.fill(newOrders(5, time.Hour).take(3))
	for _, cursor := range []string{"x", "n", "n12", "n1760000000000", "n1760000000000x", "o1760000000000:a", "n1760000000000:\x00", "n1760000000000:" + strings.Repeat("x", 101)} {
		if _, err := w.Book.List(t.Context(), order.Query{Cursor: cursor}); !errors.Is(err, order.ErrCursor) {
			t.Errorf("%q: %v, want ErrCursor", cursor, err)
		}
	}
	// One of a list in another order is none.
	keys := map[order.Sort]string{order.ByPlaced: "", order.ByAmount: ":-4900", order.ByStatus: ":CAPTURED"}
	for sort := range keys {
		for of, key := range keys {
			_, err := w.Book.List(t.Context(), order.Query{Sort: sort, Cursor: "n1760000000000:a" + key})
			if (sort == of) != (err == nil) || err != nil && !errors.Is(err, order.ErrCursor) {
				t.Errorf("%q with a cursor of %q: %v", sort, of, err)
			}
		}
	}
	if _, err := w.Book.List(t.Context(), order.Query{Sort: order.ByAmount, Cursor: "n1760000000000:a:9999999999999999999"}); !errors.Is(err, order.ErrCursor) {
		t.Errorf("an amount that is none: %v", err)
	}
	// One from another list is a place like any other.
	page, err := w.Book.List(t.Context(), order.Query{Cursor: "n9999999999999:x", PlacedAfter: firstSale, PlacedBefore: firstSale.Add(time.Hour)})
	if err != nil || len(page.Orders) != 3 || page.Previous != "" {
		t.Errorf("%d orders, newer %q, %v", len(page.Orders), page.Previous, err)
	}
}

// A database that does not answer is an error, not an empty list.
func TestListWithoutDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.fill(newOrders(8, time.Hour).take(3))
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	for _, q := range []order.Query{{}, {Text: "eva@example.com"}, {Text: "SK-2222-2223"}, {Text: "49"}} {
		if _, err := w.Book.List(t.Context(), q); !errors.Is(err, order.ErrUnavailable) {
			t.Errorf("List %+v: %v", q, err)
		}
		if err := w.Book.Each(t.Context(), q, func(order.Order) error { return nil }); !errors.Is(err, order.ErrUnavailable) {
			t.Errorf("Each %+v: %v", q, err)
		}
	}
}
