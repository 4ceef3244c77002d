package catalog_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/redistest"
)

// onEach runs a test on every Redis that shopd runs on.
func onEach(t *testing.T, test func(t *testing.T, rdb redis.UniversalClient)) {
	t.Helper()
	t.Run("redis-server", func(t *testing.T) { test(t, redistest.Start(t)) })
	t.Run("miniredis", func(t *testing.T) {
		rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
		t.Cleanup(func() { _ = rdb.Close() })
		test(t, rdb)
	})
}

// shelf is a stock in a test. MUG-1 has 240, BLK-1 3, CLK-1 1; EBK-1 is digital.
type shelf struct {
	t *testing.T
	*catalog.Stock
	rdb redis.UniversalClient
	now time.Time
}

func newShelf(t *testing.T, rdb redis.UniversalClient) *shelf {
	t.Helper()
	must(t, rdb.FlushDB(t.Context()).Err())
	return &shelf{t: t, Stock: catalog.NewStock(rdb, catalog.Builtin()), rdb: rdb, now: time.Now().Truncate(time.Millisecond)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func mugs(n int) []catalog.ReservedLine   { return []catalog.ReservedLine{{SKU: "MUG-1", Quantity: n}} }
func clocks(n int) []catalog.ReservedLine { return []catalog.ReservedLine{{SKU: "CLK-1", Quantity: n}} }

// reserve reserves some time after now.
func (s *shelf) reserve(cartID, orderID string, in time.Duration, lines ...catalog.ReservedLine) error {
	s.t.Helper()
	return s.Reserve(s.t.Context(), catalog.Reservation{CartID: cartID, OrderID: orderID, Lines: lines, Made: s.now.Add(in)})
}

// left holds how many are left.
func (s *shelf) left(want map[string]int) {
	s.t.Helper()
	var skus []string
	for sku := range want {
		skus = append(skus, sku)
	}
	got, err := s.Left(s.t.Context(), skus...)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		s.t.Errorf("left: %v (-want +got):\n%s", err, diff)
	}
}

// holds says by which order a cart is reserved, "" by none.
func (s *shelf) holds(cartID, wantOrder string) catalog.Reservation {
	s.t.Helper()
	r, ok, err := s.Reservation(s.t.Context(), cartID)
	if err != nil || ok != (wantOrder != "") || r.OrderID != wantOrder {
		s.t.Errorf("cart %s is reserved by %q, %v, %v; want %q", cartID, r.OrderID, ok, err, wantOrder)
	}
	return r
}

// due are the orders to be asked about some time after now.
func (s *shelf) due(in time.Duration) []string {
	s.t.Helper()
	list, err := s.DueReservations(s.t.Context(), s.now.Add(in), 50)
	must(s.t, err)
	var orders []string
	for _, r := range list {
		orders = append(orders, r.OrderID)
	}
	slices.Sort(orders)
	return orders
}

func (s *shelf) settle(cartID, orderID string, closed bool, lines ...catalog.ReservedLine) (short bool) {
	s.t.Helper()
	short, err := s.Settle(s.t.Context(), cartID, orderID, lines, closed)
	must(s.t, err)
	return short
}

func (s *shelf) returned(in time.Duration, want int) {
	s.t.Helper()
	if n, err := s.ReturnOld(s.t.Context(), s.now.Add(in)); err != nil || n != want {
		s.t.Errorf("returned %d, %v; want %d", n, err, want)
	}
}

const older = catalog.ReservationYoung // no longer young

func TestReserve(t *testing.T) {
	short := func(sku string, left int) error { return &catalog.ShortError{SKU: sku, Left: left} }
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		for _, tc := range []struct {
			name  string
			given func(s *shelf) // before
			order string         // of cart "a"
			in    time.Duration
			lines []catalog.ReservedLine
			err   error
			left  map[string]int
		}{
			{name: "takes", order: "1", lines: mugs(2), left: map[string]int{"MUG-1": 238}},
			{name: "a SKU twice", order: "1", lines: append(mugs(2), mugs(3)...), left: map[string]int{"MUG-1": 235}},
			{name: "all there is", order: "1", lines: clocks(1), left: map[string]int{"CLK-1": 0}},
			{name: "too many of one: nothing is taken", order: "1", lines: append(mugs(2), clocks(2)...), err: short("CLK-1", 1), left: map[string]int{"MUG-1": 240, "CLK-1": 1}},
			{name: "too many in two lines", order: "1", lines: append(clocks(1), clocks(1)...), err: short("CLK-1", 1), left: map[string]int{"CLK-1": 1}},
			{name: "sold out", order: "1", lines: []catalog.ReservedLine{{SKU: "TEA-1", Quantity: 1}}, err: short("TEA-1", 0), left: map[string]int{"TEA-1": 0}},
			{name: "oversold", given: func(s *shelf) { must(s.t, rdb.HSet(s.t.Context(), stockKey, "CLK-1", -2).Err()) }, order: "1", lines: clocks(1), err: short("CLK-1", 0), left: map[string]int{"CLK-1": -2}},
			{name: "digital goods only", order: "1", lines: []catalog.ReservedLine{{SKU: "EBK-1", Quantity: 9}}},
			{name: "nothing of the catalogue", order: "1", lines: []catalog.ReservedLine{{SKU: "NO-1", Quantity: 1}, {SKU: "MUG-1", Quantity: -1}}, left: map[string]int{"MUG-1": 240}},
			{name: "no lines", order: "1"},
			{name: "the same again", given: func(s *shelf) { must(s.t, s.reserve("a", "1", 0, mugs(2)...)) }, order: "1", in: time.Second, lines: mugs(2), left: map[string]int{"MUG-1": 238}},
			{name: "the last one again", given: func(s *shelf) { must(s.t, s.reserve("a", "1", 0, clocks(1)...)) }, order: "1", in: time.Second, lines: clocks(1), left: map[string]int{"CLK-1": 0}},
			{name: "the same order, other lines", given: func(s *shelf) { must(s.t, s.reserve("a", "1", 0, append(mugs(2), clocks(1)...)...)) }, order: "1", in: time.Second, lines: mugs(5), left: map[string]int{"MUG-1": 235, "CLK-1": 1}},
			{name: "more than there is with what it holds: what it holds stays", given: func(s *shelf) { must(s.t, s.reserve("a", "1", 0, clocks(1)...)) }, order: "1", in: time.Second, lines: clocks(2), err: short("CLK-1", 1), left: map[string]int{"CLK-1": 0}},
			{name: "another order's is young", given: func(s *shelf) { must(s.t, s.reserve("a", "0", 0, mugs(2)...)) }, order: "1", in: older - time.Millisecond, lines: mugs(2), err: catalog.ErrPurchaseRunning, left: map[string]int{"MUG-1": 238}},
			{name: "another order's is young, digital goods", given: func(s *shelf) { must(s.t, s.reserve("a", "0", 0)) }, order: "1", in: time.Minute, err: catalog.ErrPurchaseRunning},
			{name: "another order's is replaced", given: func(s *shelf) { must(s.t, s.reserve("a", "0", 0, clocks(1)...)) }, order: "1", in: older, lines: clocks(1), left: map[string]int{"CLK-1": 0}},
			{name: "what was returned is not given back again", given: func(s *shelf) {
				must(s.t, s.reserve("a", "0", 0, mugs(2)...))
				s.returned(catalog.StockHeld, 1)
			}, order: "1", in: time.Hour, lines: mugs(3), left: map[string]int{"MUG-1": 237}},
			{name: "another cart's last one", given: func(s *shelf) { must(s.t, s.reserve("b", "0", 0, clocks(1)...)) }, order: "1", lines: clocks(1), err: short("CLK-1", 0), left: map[string]int{"CLK-1": 0}},
			{name: "bought already", given: func(s *shelf) {
				must(s.t, s.reserve("a", "1", 0, mugs(2)...))
				s.settle("a", "1", true, mugs(2)...)
			}, order: "1", lines: mugs(2), err: catalog.ErrSettled, left: map[string]int{"MUG-1": 238}},
		} {
			t.Run(tc.name, func(t *testing.T) {
				s := newShelf(t, rdb)
				if tc.given != nil {
					tc.given(s)
				}
				before, had, err := s.Reservation(t.Context(), "a")
				must(t, err)
				err = s.reserve("a", tc.order, tc.in, tc.lines...)
				if tc.err == nil && err != nil || tc.err != nil && (err == nil || err.Error() != tc.err.Error()) {
					t.Fatalf("got %v, want %v", err, tc.err)
				}
				s.left(tc.left)
				if tc.err != nil { // nothing changed
					after, has, _ := s.Reservation(t.Context(), "a")
					if diff := cmp.Diff(before, after); diff != "" || had != has {
						t.Error(diff)
					}
					return
				}
				want := catalog.Reservation{CartID: "a", OrderID: tc.order, Made: s.now.Add(tc.in), Lines: tc.lines}
				if want.Lines == nil {
					want.Lines = []catalog.ReservedLine{}
				}
				if diff := cmp.Diff(want, s.holds("a", tc.order)); diff != "" {
					t.Error(diff)
				}
				must(t, s.DropReservation(t.Context(), "a", tc.order))
				s.holds("a", "")
				for sku, all := range map[string]int{"MUG-1": 240, "CLK-1": 1} {
					if _, counted := tc.left[sku]; counted {
						s.left(map[string]int{sku: all})
					}
				}
			})
		}
	})
}

// Two carts want the last one at the same moment, again and again: exactly one gets it.
func TestLastItem(t *testing.T) {
	server := redistest.StartServer(t)
	rdb := server.Client()
	s := newShelf(t, rdb)
	other := catalog.NewStock(server.Client(), catalog.Builtin()) // another process
	for round := range 100 {
		start, errs := make(chan struct{}), make([]error, 2)
		var wg sync.WaitGroup
		for i, stock := range []*catalog.Stock{s.Stock, other} {
			wg.Go(func() {
				<-start
				errs[i] = stock.Reserve(t.Context(), catalog.Reservation{CartID: fmt.Sprint("cart", i), OrderID: fmt.Sprint(round), Lines: clocks(1)})
			})
		}
		close(start)
		wg.Wait()
		got := 0
		for i, err := range errs {
			if err == nil {
				got++
				must(t, s.DropReservation(t.Context(), fmt.Sprint("cart", i), fmt.Sprint(round)))
			} else if short, ok := errors.AsType[*catalog.ShortError](err); !ok || short.SKU != "CLK-1" || short.Left != 0 {
				t.Errorf("round %d: got %v", round, err)
			}
		}
		if got != 1 {
			t.Fatalf("round %d: %d carts got the last one", round, got)
		}
	}
	s.left(map[string]int{"CLK-1": 1})
}

// Two orders of one cart are validated at the same moment: one purchase may run.
func TestOnePurchaseOfACart(t *testing.T) {
	s := newShelf(t, redistest.Start(t))
	for round := range 50 {
		cartID := fmt.Sprint("cart", round)
		errs := make([]error, 8)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = s.reserve(cartID, fmt.Sprint("order", i), 0, mugs(1)...) })
		}
		wg.Wait()
		got := 0
		for _, err := range errs {
			if err == nil {
				got++
			} else if !errors.Is(err, catalog.ErrPurchaseRunning) {
				t.Error(err)
			}
		}
		if got != 1 {
			t.Fatalf("round %d: %d purchases may run", round, got)
		}
	}
	s.left(map[string]int{"MUG-1": 190})
}

func TestSettle(t *testing.T) {
	reserved := func(lines ...catalog.ReservedLine) func(*shelf) {
		return func(s *shelf) { must(s.t, s.reserve("a", "1", 0, lines...)) }
	}
	then := func(steps ...func(*shelf)) func(*shelf) {
		return func(s *shelf) {
			for _, step := range steps {
				step(s)
			}
		}
	}
	returned := func(s *shelf) { s.returned(catalog.StockHeld, 1) }
	soldToOthers := func(s *shelf) { must(s.t, s.reserve("b", "2", time.Hour, clocks(1)...)) }
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		for _, tc := range []struct {
			name   string
			given  func(*shelf)
			lines  []catalog.ReservedLine
			closed bool
			short  bool
			left   map[string]int
			stays  string // order of the cart's reservation afterwards
		}{
			{name: "reserved", given: reserved(mugs(2)...), lines: mugs(2), closed: true, left: map[string]int{"MUG-1": 238}},
			{name: "reserved, another caller closed the cart", given: reserved(mugs(2)...), lines: mugs(2), left: map[string]int{"MUG-1": 238}},
			{name: "no reservation", lines: mugs(2), closed: true, left: map[string]int{"MUG-1": 238}},
			{name: "no reservation, another caller closed the cart", lines: mugs(2), left: map[string]int{"MUG-1": 240}},
			{name: "returned", given: then(reserved(clocks(1)...), returned), lines: clocks(1), closed: true, left: map[string]int{"CLK-1": 0}},
			{name: "returned, closed by who was killed then", given: then(reserved(clocks(1)...), returned), lines: clocks(1), left: map[string]int{"CLK-1": 0}},
			{name: "returned and sold to others", given: then(reserved(clocks(1)...), returned, soldToOthers), lines: clocks(1), closed: true, short: true, left: map[string]int{"CLK-1": -1}},
			{name: "never reserved, sold to others", given: soldToOthers, lines: append(mugs(1), clocks(1)...), closed: true, short: true, left: map[string]int{"CLK-1": -1, "MUG-1": 239}},
			{name: "held, while others oversold", given: then(reserved(clocks(1)...), func(s *shelf) { s.settle("b", "2", true, clocks(1)...) }), lines: clocks(1), closed: true, left: map[string]int{"CLK-1": -1}},
			{name: "Klarna sold more than was held", given: reserved(clocks(1)...), lines: clocks(2), closed: true, short: true, left: map[string]int{"CLK-1": -1}},
			{name: "Klarna sold less than was held", given: reserved(append(mugs(5), clocks(1)...)...), lines: mugs(2), closed: true, left: map[string]int{"CLK-1": 1, "MUG-1": 238}},
			{name: "an old tab's order: the newer one's reservation stays", given: func(s *shelf) { must(s.t, s.reserve("a", "newer", 0, mugs(2)...)) }, lines: mugs(2), closed: true, left: map[string]int{"MUG-1": 236}, stays: "newer"},
			{name: "digital goods", given: reserved(catalog.ReservedLine{SKU: "EBK-1", Quantity: 1}), lines: []catalog.ReservedLine{{SKU: "EBK-1", Quantity: 1}}, closed: true},
		} {
			t.Run(tc.name, func(t *testing.T) {
				s := newShelf(t, rdb)
				if tc.given != nil {
					tc.given(s)
				}
				// Settled again, whether the reply was lost or somebody else comes: the same.
				for _, closed := range []bool{tc.closed, tc.closed, false} {
					if got := s.settle("a", "1", closed, tc.lines...); got != tc.short {
						t.Errorf("short: %v, want %v", got, tc.short)
					}
					s.left(tc.left)
					s.holds("a", tc.stays)
				}
				if slices.Contains(s.due(time.Hour), "1") {
					t.Error("it is still to be asked about")
				}
			})
		}
	})
}

// A purchase gets the name of the order that it has become, and no stock is
// taken twice, whoever comes when.
func TestBecome(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		become := func(s *shelf) { must(t, s.Become(t.Context(), "a", "session:1", "order")) }
		for _, tc := range []struct {
			name  string
			given func(s *shelf)
			holds string // after it
			left  int    // when the order is settled, too
		}{
			{"its own", func(s *shelf) { must(t, s.reserve("a", "session:1", 0, mugs(2)...)) }, "order", 238},
			{"again", func(s *shelf) { must(t, s.reserve("a", "session:1", 0, mugs(2)...)); become(s) }, "order", 238},
			{"another purchase's", func(s *shelf) { must(t, s.reserve("a", "session:2", 0, mugs(2)...)) }, "session:2", 236},
			{"none", func(*shelf) {}, "", 238},
			{"settled before", func(s *shelf) {
				s.settle("a", "order", true, mugs(2)...)
				must(t, s.reserve("a", "session:1", 0, mugs(2)...))
			}, "", 238},
			{"its stock was given back", func(s *shelf) {
				must(t, s.reserve("a", "session:1", 0, mugs(2)...))
				s.returned(time.Hour, 1)
			}, "order", 238},
		} {
			t.Run(tc.name, func(t *testing.T) {
				s := newShelf(t, rdb)
				tc.given(s)
				become(s)
				if r := s.holds("a", tc.holds); tc.holds == "order" && r.Body != nil {
					t.Errorf("it still has the body %s", r.Body)
				}
				s.settle("a", "order", true, mugs(2)...)
				s.left(map[string]int{"MUG-1": tc.left})
			})
		}
	})
}
