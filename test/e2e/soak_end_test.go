package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// rounds lets the loops of the test's own process, whose clock goes ahead, go round,
// each time a minute later, also at Klarna, until nothing is left for them to do.
func (s *soak) rounds(from time.Time, left func() string) {
	s.t.Helper()
	what := ""
	for start := time.Now(); time.Since(start) < time.Minute+*soakTime/5; from = from.Add(time.Minute) {
		if err := s.here.Desk.Reconcile(s.t.Context(), from); err != nil {
			s.t.Logf("a round of the loop: %v", err)
		}
		if err := s.here.LeftBehind.Sweep(s.t.Context(), time.Now()); err != nil {
			s.t.Logf("a sweep: %v", err)
		}
		if what = left(); what == "" {
			return
		}
		s.fake.Advance(time.Minute) // what the loop has bought just now may have to be decided on
		time.Sleep(50 * time.Millisecond)
	}
	s.t.Errorf("the loops do not come to an end: %s", what)
}

// What the loops go on with: IDs by a query.
const (
	unfinished     = "select order_id, 0 from orders where due_at is not null"
	authorizations = "select session_id, 0 from authorizations where due_at is not null"
	approved       = "select order_id, 0 from approved_orders"
)

// has says which of some lists has something on it, "" when none has. Orders that
// Klarna has found too risky stay among the unfinished until it cancels them.
func (s *soak) has(lists ...string) string {
	for _, list := range lists {
		for id := range s.rows(list) {
			managed, _ := s.fake.Managed(id)
			if list != unfinished || managed.FraudStatus != fakeklarna.FraudRejected || managed.Status == fakeklarna.StatusCancelled {
				return list + " has " + id
			}
		}
	}
	return ""
}

// behind says which of the lists of left-behind orders has something on it.
func (s *soak) behind() string {
	for _, key := range []string{"shopd:{left_behind}:since", "shopd:{left_behind}:ask"} {
		if n, err := s.asks.ZCard(s.t.Context(), key).Result(); err != nil || n > 0 {
			return fmt.Sprint(key, " has ", n, " orders; ", err)
		}
	}
	return ""
}

// settleAll lets pushes come again and the loops go round until everything that
// was bought is in the book, acknowledged and out of its cart, and each
// authorization is an order or nothing.
func (s *soak) settleAll() {
	s.t.Helper()
	s.fake.Advance(6 * time.Minute)
	s.rounds(time.Now().Add(6*time.Minute), func() string {
		if what := s.has(unfinished, authorizations); what != "" {
			return what
		}
		for _, o := range s.sales() {
			if _, found, _ := s.here.Book.ByOrderID(s.t.Context(), o.OrderID); !found && o.Status != fakeklarna.StatusCancelled {
				return "order " + o.OrderID + " is not in the book"
			}
		}
		return ""
	})
	for _, g := range s.guests {
		for _, d := range g.undecided() {
			session, _ := s.fake.Session(g.sessionOf(d.key))
			g.settle(session.SessionID, session.Fake.OrderID)
		}
		for _, id := range g.boughtBy() {
			if _, found, err := s.here.Book.ByOrderID(s.t.Context(), id); err != nil {
				s.t.Error(err)
			} else if d := g.dealOf(id); found {
				g.close(d)
			} else {
				g.cancel(d)
			}
		}
	}
}

// sales are all orders that were bought at Klarna.
func (s *soak) sales() (sold []fakeklarna.ManagedOrder) {
	for _, o := range s.fake.Orders() {
		if managed, ok := s.fake.Managed(o.OrderID); ok {
			sold = append(sold, managed)
		}
	}
	for _, session := range s.fake.Sessions() {
		if managed, ok := s.fake.Managed(session.Fake.OrderID); ok {
			sold = append(sold, managed)
		}
	}
	return sold
}

// guestsReturn lets every guest come back once more: the cart is as it was
// answered, the checkout works at once, and what Klarna has is what the cart
// says (invariants 1 to 4 and 8).
func (s *soak) guestsReturn() {
	s.t.Helper()
	var all sync.WaitGroup
	queue := make(chan *guest)
	for range soakGuests {
		all.Go(func() {
			for g := range queue {
				g.comeBack()
			}
		})
	}
	for _, g := range s.guests {
		if g.cookie != "" {
			queue <- g
		}
	}
	close(queue)
	all.Wait()
	for _, g := range s.guests {
		if g.current != "" && !g.payments {
			s.agrees(g.current)
		}
	}
}

// comeBack is the last visit of a guest.
func (g *guest) comeBack() {
	p := g.panes[0]
	if _, ok := p.look(); !ok {
		p.t.Errorf("%s: the cart is not to be had, all being well", p.name)
		return
	}
	path := "/checkout"
	if g.payments {
		path = "/checkout/payments"
	}
	for try := 1; ; try++ {
		got := p.get(path, "")
		switch {
		case got.status == http.StatusServiceUnavailable && try < 5:
			p.count("last visits that had to be tried again: "+got.outcome(), 1)
			time.Sleep(time.Second)
			continue
		case got.status == http.StatusSeeOther && strings.HasPrefix(got.header.Get("Location"), "/checkout/confirmation") && try < 5:
			p.get(got.header.Get("Location"), "") // of what was bought, which the session has not seen yet
			continue
		case got.status == http.StatusSeeOther && got.header.Get("Location") == "/cart":
			p.count("guests with an empty cart in the end", 1)
			return
		case got.status != http.StatusOK:
			p.t.Errorf("%s: the last visit (invariant 4): got %s\n%.300s", p.name, got.outcome(), got.body)
			return
		}
		if g.payments {
			p.agreesPayments(got)
			return
		}
		id := shownOrder.FindStringSubmatch(got.body)
		if id == nil {
			p.t.Errorf("%s: the last visit shows no order", p.name)
			return
		}
		p.typed(id[1])
		g.current = id[1]
		return
	}
}

// agreesPayments demands that a payment session is the one of its cart and says
// what it says.
func (p *pane) agreesPayments(got asked) {
	p.openFrom(got)
	session, err := p.here.Payments.Client.GetSession(p.t.Context(), p.page.sessionID())
	if err != nil {
		p.t.Error(err)
		return
	}
	cartID, err := p.here.Signer.Verify(session.MerchantData)
	if err != nil {
		p.t.Error(err)
		return
	}
	c, err := p.here.Carts.Get(p.t.Context(), cartID, cart.Fallback{})
	if err != nil {
		p.t.Error(err)
		return
	}
	want, _, err := p.here.Payments.Wants.Want(c)
	if err != nil {
		p.t.Error(err)
		return
	}
	if diff := payments.Differences(want, session); len(diff) > 0 || c.SessionID != session.SessionID {
		p.t.Errorf("%s: cart and payment session %s differ in %v, the cart's session is %s", p.name, session.SessionID, diff, c.SessionID)
	}
}

// judge holds what Klarna has against the order book and the shelves.
func (s *soak) judge() {
	s.t.Helper()
	s.oneOrder()
	sold := s.books()
	s.shelves(sold)
	for kind, n := range s.keys(s.t.Context()) {
		s.count("keys: "+kind, int64(n))
	}
}

// oneOrder demands that of the orders of a cart one is open, or none, and that
// each other one is bought, or ended, or will be (invariant 2). Of those whose
// making nobody heard of no page has been shown.
func (s *soak) oneOrder() {
	s.t.Helper()
	listed := shoptest.ToAbort(s.t, s.here.LeftBehind)
	current, shown := map[string]bool{}, map[string]bool{}
	for _, g := range s.guests {
		current[g.current] = true
		for _, p := range g.panes {
			for _, id := range append(p.older, p.shows) {
				shown[id] = true
			}
		}
	}
	carts := map[string]string{} // merchant_data → its open order
	for _, o := range s.fake.Orders() {
		switch {
		case o.Status != fakeklarna.StatusIncomplete || o.Fake.Expired:
			s.count("orders: "+cmp.Or(map[bool]string{true: "expired"}[o.Fake.Expired], o.Status), 1)
		case *soakAdversary && goodsOf(o)["MUG-1"] == hostileMugs:
			s.count("orders: the adversary's", 1)
		case slices.Contains(listed, o.OrderID):
			s.count("orders: to be aborted when no purchase can run any more", 1)
		case !current[o.OrderID] && s.strayed(o) && !shown[o.OrderID]:
			s.count("orders: open, and its making never heard of", 1)
		case !current[o.OrderID] && carts[o.MerchantData] == "" && s.emptied(o):
			s.count("orders: open, of an empty cart", 1)
			carts[o.MerchantData] = o.OrderID
		case !current[o.OrderID]:
			s.t.Errorf("order %s is open, and no cart's: shown %v, made %s (invariant 2)", o.OrderID, shown[o.OrderID], o.StartedAt)
		default:
			s.count("orders: open", 1)
			if carts[o.MerchantData] != "" {
				s.t.Errorf("orders %s and %s are both open for one cart (invariant 2)", o.OrderID, carts[o.MerchantData])
			}
			carts[o.MerchantData] = o.OrderID
		}
	}
}

// emptied reports whether an order is that of a cart with nothing in it, shown or not:
// it stays until there is something again.
func (s *soak) emptied(o fakeklarna.Order) bool {
	cartID, err := s.here.Signer.Verify(o.MerchantData)
	if err != nil {
		s.t.Error(err)
		return false
	}
	c, err := s.here.Carts.Get(s.t.Context(), cartID, cart.Fallback{})
	if err != nil {
		s.t.Error(err)
		return false
	}
	return c.OrderID == o.OrderID && len(c.Lines) == 0
}

// strayed reports whether the shop may never have heard that an order was made:
// the answer was lost, or whoever waited for it was killed.
func (s *soak) strayed(o fakeklarna.Order) bool {
	return s.lossy[o.OrderID] || slices.ContainsFunc(s.killed, func(at time.Time) bool {
		made := startOf(o)
		return made.After(at.Add(-12*time.Second)) && made.Before(at.Add(2*time.Second))
	})
}

// books demands that each purchase is in the book once, as Klarna authorised it,
// with a number of its own that Klarna was told, and acknowledged; and that
// nothing was captured (invariants 5 and 6).
func (s *soak) books() map[string]order.Order {
	s.t.Helper()
	book, numbers := map[string]order.Order{}, map[string]string{}
	err := s.here.Book.Each(s.t.Context(), order.Query{}, func(o order.Order) error {
		if _, twice := book[o.OrderID]; twice || numbers[o.Number] != "" {
			s.t.Errorf("order %s, number %s, is in the book twice", o.OrderID, o.Number)
		}
		book[o.OrderID], numbers[o.Number] = o, o.OrderID
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	known, kinds := map[string]bool{}, map[string]int64{}
	for _, managed := range s.sales() {
		o, found := book[managed.OrderID]
		known[managed.OrderID] = true
		if !found {
			if managed.Status != fakeklarna.StatusCancelled {
				s.t.Errorf("order %s was bought and is not in the book (invariant 6)", managed.OrderID)
			}
			kinds["purchases that Klarna cancelled before the shop had them"]++
			continue
		}
		goods := map[string]int{}
		for _, line := range o.Goods() {
			goods[line.SKU] += line.Quantity
		}
		at, kcoOrder := s.fake.Order(managed.OrderID)
		if !maps.Equal(goods, managedGoods(managed)) || int64(o.OrderAmount) != managed.OrderAmount || string(o.Status) != managed.Status {
			s.t.Errorf("order %s: in the book %v for %d, %s; at Klarna %v for %d, %s (invariant 5)", o.OrderID, goods, o.OrderAmount, o.Status,
				managedGoods(managed), managed.OrderAmount, managed.Status)
		}
		if !o.Acknowledged || !o.CartClosed || o.MerchantReference1 != o.Number || kcoOrder && !at.Fake.Acknowledged {
			s.t.Errorf("order %s: acknowledged %v, cart closed %v, number %s, told %s (invariant 6)", o.OrderID, o.Acknowledged, o.CartClosed, o.Number, o.MerchantReference1)
		}
		if managed.MerchantReference1 != o.Number && managed.Status != fakeklarna.StatusCancelled || managed.CapturedAmount != 0 || len(managed.Captures)+len(managed.Refunds) > 0 {
			s.t.Errorf("order %s: Klarna knows it as %q, the book as %q; captured %d", o.OrderID, managed.MerchantReference1, o.Number, managed.CapturedAmount)
		}
		kinds["orders in the book"]++
		kinds["orders in the book, "+string(o.Status)+" "+string(o.FraudStatus)]++
		for _, flag := range o.Flags {
			kinds["orders in the book with the flag "+string(flag)]++
		}
	}
	maps.Copy(s.counts, kinds)
	for id := range book {
		if !known[id] {
			s.t.Errorf("order %s is in the book, and Klarna has sold nothing", id)
		}
	}
	return book
}

// shelves demands that what is gone from the shelves is what was sold and not
// cancelled, and what purchases that may be running hold. There is less than
// nothing only of what was sold by an order that says so.
func (s *soak) shelves(book map[string]order.Order) {
	s.t.Helper()
	want := maps.Clone(s.seeded)
	oversold := map[string]bool{}
	for _, o := range book {
		for _, line := range o.Goods() {
			if _, limited := want[line.SKU]; limited && o.Status != ordermanagement.Cancelled {
				want[line.SKU] -= line.Quantity
			}
			oversold[line.SKU] = oversold[line.SKU] || o.Flagged(order.Oversold)
		}
	}
	held := int64(0)
	list, err := s.here.Stock.Due(s.t.Context(), time.Now().Add(1000*time.Hour), 100_000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, a := range list {
		held++
		for _, line := range a.Lines {
			if _, limited := want[line.SKU]; limited && !a.Returned {
				want[line.SKU] -= line.Quantity
			}
		}
	}
	s.counts["reservations"] = max(s.counts["reservations"], held)
	left := s.left()
	for sku, n := range want {
		if got := left[sku]; got != n || got < 0 && !oversold[sku] {
			s.t.Errorf("%s: %d are left, want %d of %d; oversold by a flagged order: %v", sku, got, n, s.seeded[sku], oversold[sku])
		}
	}
}

// years lets the time pass after which nothing can still become a sale: all that
// was kept for that is gone, and what was held is on the shelves again.
func (s *soak) years() {
	s.t.Helper()
	const long = 50 * time.Hour
	s.fake.Advance(long)
	s.rounds(time.Now().Add(long), func() string {
		return cmp.Or(s.has(unfinished, approved), s.behind())
	})
	s.shelves(s.books())
}

// unharmed demands that the processes are as they were: nothing grows with what
// was done.
func (s *soak) unharmed() {
	s.t.Helper()
	s.wire.CloseIdleConnections()
	for i, p := range s.lasting() {
		if before, ok := s.watched[p]; ok {
			p.bounded([]string{"shopd with KCO", "shopd with Klarna Payments"}[i], before, soakGuests*3)
		}
	}
}

// complaints are the warnings and errors of a log by their message.
func complaints(log string) map[string]int64 {
	found := map[string]int64{}
	for line := range strings.Lines(log) {
		var entry struct{ Level, Msg string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Level != "INFO" && entry.Level != "" {
			found[entry.Level+" "+entry.Msg]++
		}
	}
	return found
}
