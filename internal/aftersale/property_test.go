package aftersale_test

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

var propertySeed = flag.Uint64("property-seed", 0, "seed of TestStateMachine; 0: another one in each run")

// TestStateMachine: what the book's verdict allows Klarna does, what it forbids
// Klarna refuses when it is asked all the same; whatever happens, the amounts
// hold, and the book has them as Klarna does. The orders are random in lines,
// way to pay, country and risk, and so are the commands and the time between
// them, so that all states come up.
func TestStateMachine(t *testing.T) {
	t.Parallel()
	seed := *propertySeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to repeat this run: go test ./internal/aftersale -run TestStateMachine -property-seed %d", seed)
	for _, tc := range []struct {
		platform ordermanagement.Platform
		orders   int
	}{
		{ordermanagement.Klarna, 400},
		{ordermanagement.Kustom, 100},
	} {
		t.Run(string(tc.platform), func(t *testing.T) {
			w := &world{shoptest.New(t, shoptest.Options{
				Fake:   fakeklarna.Options{CloseRefunded: tc.platform == ordermanagement.Kustom},
				Config: func(c *shop.Config) { c.Klarna.Platform = tc.platform },
			})}
			_, bought := w.Sale()
			p := &property{
				world: w, t: t, g: &generator{Rand: rand.New(rand.NewPCG(seed, uint64(tc.orders)))},
				atKlarna: w.another(nil, nil), statuses: map[ordermanagement.Status]int{}, done: map[order.Action]int{}, refused: map[order.Action]int{},
			}
			ids := seedOrders(t, p.g, w.Fake.Server, bought, tc.orders, tc.platform == ordermanagement.Kustom)
			for round := range 4 {
				for _, id := range ids {
					p.step(id)
					if t.Failed() {
						return
					}
				}
				// First hours, in which risks are decided, then days: 28 of them before the
				// last round, so that orders expire that were not extended.
				hours := 1 + p.g.IntN(48)
				if round > 0 {
					hours += 14 * 24
				}
				w.Fake.Advance(time.Duration(hours) * time.Hour)
			}
			p.checkReach(tc.platform)
			m, _ := w.Fake.Managed(ids[0])
			for _, personal := range []string{m.BillingAddress.Email, m.BillingAddress.StreetAddress, m.BillingAddress.Phone, "Ort 1"} {
				if personal == "" || strings.Contains(w.Log.String(), personal) {
					t.Errorf("the log has %q", personal)
				}
			}
		})
	}
}

// property walks orders at random and compares the book with Klarna.
type property struct {
	*world
	t *testing.T
	g *generator
	// atKlarna is the book of a merchant at Klarna itself. The fake has Klarna's
	// rules: what only Kustom forbids it would do.
	atKlarna *aftersale.Desk
	// How often each came up.
	statuses      map[ordermanagement.Status]int
	done, refused map[order.Action]int
}

// step does one random command with an order.
func (p *property) step(id string) {
	ctx := p.t.Context()
	o, err := p.Book.Refresh(ctx, id)
	if err != nil {
		p.t.Fatal(err)
	}
	before := p.compare(o)
	c := p.g.command(p.t, o)
	verdict := p.Desk.Check(ctx, o, c, time.Now())
	p.statuses[o.Status]++
	switch {
	case verdict == nil:
		p.allowed(o, c, before)
		return
	case p.atKlarna.Check(ctx, o, c, time.Now()) == nil:
		return
	}
	p.refused[c.Action]++

	if verdict.Action != c.Action || verdict.Reason == "" {
		p.t.Fatalf("%s: the verdict is %+v, want a reason", say(o, c), verdict)
	}
	_, err = p.Desk.Do(ctx, id, c)
	if told, ok := errors.AsType[*aftersale.ImpossibleError](err); !ok || *told != *verdict {
		p.t.Errorf("%s: the verdict is %v, Do says %v", say(o, c), verdict, err)
	}
	if c.Action == aftersale.Correct.Name {
		return // it is of the book: Klarna takes what it is told
	}
	err = ask(ctx, p.Book.Management, o, c)
	after, _ := p.Fake.Managed(id)
	if diff := cmp.Diff(before, after); diff != "" {
		p.t.Errorf("%s: the verdict was %v, but klarna did it:\n%s", say(o, c), verdict, diff)
	}
	if err == nil && verdict.Reason != aftersale.ReasonLimit {
		// An order that cannot be extended further Klarna leaves as it is.
		p.t.Errorf("%s: the verdict was %v, but klarna says that it did it", say(o, c), verdict)
	}
}

// allowed does a command that the verdict allows, twice, as a form that is sent
// twice does.
func (p *property) allowed(o order.Order, c order.Command, before fakeklarna.ManagedOrder) {
	if p.g.IntN(40) == 0 { // Klarna does it, and its first answer is lost
		p.Fake.AddFault(fakeklarna.Fault{OrderID: o.OrderID, DropReply: true})
	}
	out, err := p.Desk.Do(p.t.Context(), o.OrderID, c)
	if err != nil {
		p.t.Fatalf("%s: %v", say(o, c), err)
	}
	after := p.compare(out.Order)
	want, again := order.Done, order.Already
	// The risk only Klarna knows.
	raised := c.Action == aftersale.Lines.Name && c.Amount > o.OrderAmount
	moved := c.Action == aftersale.Address.Name && c.ShippingAddress.City != o.ShippingAddress.City
	if risky := before.BillingAddress.Email == "eva+denied-raise@example.com"; risky && (raised || moved) {
		want, again = order.Refused, order.Refused
		if diff := cmp.Diff(before, after); diff != "" {
			p.t.Errorf("%s: was refused and changed the order:\n%s", say(o, c), diff)
		}
	}
	if out.Result != want || out.Entry.CorrelationID == "" && c.Action != aftersale.Correct.Name {
		p.t.Errorf("%s: the verdict allows it, the outcome is %+v, want %s", say(o, c), out.Entry, want)
	}
	if out, err = p.Desk.Do(p.t.Context(), o.OrderID, c); err != nil || out.Result != again {
		p.t.Errorf("%s: the second time %s, %v, want %s", say(o, c), out.Result, err, again)
	}
	if now, _ := p.Fake.Managed(o.OrderID); !cmp.Equal(after, now) {
		p.t.Errorf("%s: the second time has changed the order:\n%s", say(o, c), cmp.Diff(after, now))
	}
	if made := len(after.Captures) - len(before.Captures) + len(after.Refunds) - len(before.Refunds); made != makes(c) {
		p.t.Errorf("%s: %d captures and refunds were made", say(o, c), made)
	}
	p.done[c.Action]++
}

// makes is how many captures or refunds a command makes.
func makes(c order.Command) int {
	if c.Action == aftersale.Capture.Name || c.Action == aftersale.Refund.Name {
		return 1
	}
	return 0
}

// compare checks the amounts of an order at Klarna, and that the book has them.
func (p *property) compare(o order.Order) fakeklarna.ManagedOrder {
	m, ok := p.Fake.Managed(o.OrderID)
	if !ok {
		p.t.Fatalf("klarna does not know order %s", o.OrderID)
	}
	var captured, refunded int64
	for _, c := range m.Captures {
		captured += c.CapturedAmount
	}
	for _, r := range m.Refunds {
		refunded += r.RefundedAmount
	}
	a, c, r, left := m.OrderAmount, m.CapturedAmount, m.RefundedAmount, m.RemainingAuthorizedAmount
	open := m.Status == fakeklarna.StatusAuthorized || m.Status == fakeklarna.StatusPartCaptured
	switch {
	case c != captured || r != refunded:
		p.t.Errorf("order %s: captured %d and refunded %d, captures and refunds sum to %d and %d", o.OrderID, c, r, captured, refunded)
	case r < 0 || r > c || c > a:
		p.t.Errorf("order %s: 0 ≤ refunded %d ≤ captured %d ≤ amount %d does not hold", o.OrderID, r, c, a)
	case open && left != a-c:
		p.t.Errorf("order %s: %s with %d remaining of %d − %d", o.OrderID, m.Status, left, a, c)
	case m.Status == fakeklarna.StatusAuthorized && c != 0,
		m.Status == fakeklarna.StatusPartCaptured && (c == 0 || left == 0),
		m.Status == fakeklarna.StatusCaptured && left != 0,
		m.Status == fakeklarna.StatusCancelled && c != 0:
		p.t.Errorf("order %s: %s with captured %d, remaining %d", o.OrderID, m.Status, c, left)
	}
	want := fmt.Sprintln(m.Status, m.FraudStatus, a, c, r, left, len(m.Captures), len(m.Refunds), m.MerchantReference2, m.ShippingAddress.City)
	got := fmt.Sprintln(o.Status, o.FraudStatus, o.OrderAmount, o.CapturedAmount, o.RefundedAmount, o.RemainingAuthorizedAmount,
		len(o.Captures), len(o.Refunds), o.MerchantReference2, o.ShippingAddress.City)
	if got != want {
		p.t.Errorf("order %s: the book has  %sklarna has %s", o.OrderID, got, want)
	}
	return m
}

// checkReach fails when the run has proved too little: each state has to come
// up, and each action to be done and refused.
func (p *property) checkReach(platform ordermanagement.Platform) {
	p.t.Log(p.statuses, p.done, p.refused)
	if platform == ordermanagement.Kustom {
		if p.statuses[ordermanagement.Closed] == 0 {
			p.t.Error("no order was closed")
		}
		return
	}
	for _, status := range []ordermanagement.Status{
		ordermanagement.Authorized, ordermanagement.PartCaptured, ordermanagement.Captured, ordermanagement.Cancelled, ordermanagement.Expired,
	} {
		if p.statuses[status] == 0 {
			p.t.Errorf("no order was %s", status)
		}
	}
	for _, action := range aftersale.Actions {
		if p.done[action.Name] == 0 || p.refused[action.Name] == 0 {
			p.t.Errorf("%s was done %d times and refused %d times", action.Name, p.done[action.Name], p.refused[action.Name])
		}
	}
}

func say(o order.Order, c order.Command) string {
	return fmt.Sprintf("%s %d of order %s (%s %s by %s in %s, %d/%d/%d/%d)", c.Action, c.Amount, o.OrderID, o.Status, o.FraudStatus, o.PaymentMethod.Type,
		o.PurchaseCountry, o.OrderAmount, o.CapturedAmount, o.RefundedAmount, o.RemainingAuthorizedAmount)
}
