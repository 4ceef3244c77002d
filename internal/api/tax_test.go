package api

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// sold is an order of lines of which nothing is captured; of 0 if Klarna would not take them.
func sold(items ...klarna.Item) (o order.Order) {
	lines, err := klarna.NewLines(items)
	if err != nil {
		return o
	}
	o.OrderID, o.PurchaseCurrency, o.Status = "o", "SEK", ordermanagement.Authorized
	o.OrderLines, o.OrderAmount, o.OrderTaxAmount = lines.OrderLines, lines.OrderAmount, lines.OrderTaxAmount
	o.OriginalOrderAmount, o.RemainingAuthorizedAmount = o.OrderAmount, o.OrderAmount
	return o
}

// done does a part of an action with an order, if that is possible.
func done(o *order.Order, refund bool, w aftersale.Wanted) bool {
	c, n := order.Command{}, len(o.Captures)+len(o.Refunds)
	e := order.AuditEntry{ID: fmt.Sprint(n), At: time.Unix(int64(n), 0)}
	if refund {
		if w.Refunded(*o, &c) != nil || c.Amount <= 0 || c.Amount > o.CapturedAmount-o.RefundedAmount {
			return false
		}
		aftersale.Refund.Apply(o, c, e)
		return true
	}
	if w.Captured(*o, &c) != nil || c.Amount <= 0 || c.Amount > o.RemainingAuthorizedAmount {
		return false
	}
	aftersale.Capture.Apply(o, c, e)
	return true
}

// A mere amount has its part of a gift card as well, and of all tax.
func TestTaxOfAmounts(t *testing.T) {
	t.Parallel()
	o := sold(klarna.Item{Type: klarna.Digital, Name: "Course", Quantity: 2, UnitPrice: 10000, TaxRate: klarna.Rate(2500).Tax()},
		klarna.Item{Type: klarna.GiftCard, Name: "Card", Quantity: 1, UnitPrice: -5000})
	half := aftersale.Wanted{Amount: 7500}
	for i, w := range []aftersale.Wanted{half, half, {}} {
		if !done(&o, i == 2, w) {
			t.Fatalf("part %d is not possible", i)
		}
	}
	body := orderBody(o, time.Now())
	want := []TaxAmount{{2500, 10000, 2000}, {0, -2500, 0}}
	if diff := cmp.Diff([][]TaxAmount{want, want}, [][]TaxAmount{body.Captures[0].Tax, body.Captures[1].Tax}); diff != "" {
		t.Errorf("captures: %s", diff)
	}
	if diff := cmp.Diff([]TaxAmount{{2500, 20000, 4000}, {0, -5000, 0}}, body.Refunds[0].Tax); diff != "" {
		t.Errorf("refund: %s", diff)
	}
}

// However an order is captured and given back, in lines and amounts: each part's tax is of its
// amount, stays what it was told to be, and all come to the order's.
func TestTaxAddsUp(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	mixed := 0
	for n := range 3000 {
		o := anyOrder(r)
		if o.OrderAmount <= 0 {
			continue
		}
		var told []string
		for steps := 0; o.RefundedAmount < o.OrderAmount; steps++ {
			refund := o.RemainingAuthorizedAmount == 0 || o.CapturedAmount > o.RefundedAmount && r.IntN(4) == 0
			w := aftersale.Wanted{} // all that is left
			switch lines := o.Lines(); {
			case steps > 8:
			case r.IntN(2) == 0:
				w.Amount = money.Amount(1 + r.Int64N(int64(o.OrderAmount)))
			case r.IntN(3) > 0:
				w.Lines = []order.ShipmentLine{{ID: lines[r.IntN(len(lines))].ID, Quantity: 1 + r.Int64N(3)}}
			}
			if !done(&o, refund, w) {
				continue
			}
			told = adding(t, o, told)
			if t.Failed() {
				t.Fatalf("order %d of seed %d: %+v\n%+v\n%+v", n, seed, o.OrderLines, o.Captures, o.Refunds)
			}
			if len(o.Captures) > 2 {
				mixed++
			}
		}
	}
	if mixed < 100 {
		t.Errorf("only %d orders were captured in several parts", mixed)
	}
}

// anyOrder has goods, often a discount larger than its rate's goods, a gift card or both.
func anyOrder(r *rand.Rand) order.Order {
	rates := []klarna.Rate{0, 600, 1200, 2500}
	var items []klarna.Item
	for i := range 1 + r.IntN(4) {
		items = append(items, klarna.Item{
			Type: klarna.Physical, Reference: fmt.Sprint("SKU-", i), Name: "Goods", Quantity: 1 + r.Int64N(3),
			UnitPrice: money.Amount(1 + r.Int64N(20000)), TaxRate: rates[r.IntN(len(rates))].Tax(),
		})
	}
	if r.IntN(2) == 0 {
		items = append(items, klarna.Item{Type: klarna.Discount, Name: "Off", Quantity: 1, UnitPrice: -money.Amount(1 + r.Int64N(9000)), TaxRate: rates[r.IntN(len(rates))].Tax()})
	}
	if r.IntN(2) == 0 {
		items = append(items, klarna.Item{Type: klarna.GiftCard, Name: "Card", Quantity: 1, UnitPrice: -money.Amount(1 + r.Int64N(9000))})
	}
	return sold(items...)
}

// adding checks the taxes of an order's captures and refunds against what was told of them.
func adding(t *testing.T, o order.Order, told []string) (now []string) {
	t.Helper()
	whole, captured, refunded := ratesOf(o.OrderLines), byRate{}, byRate{}
	part := func(id string, amount int64, taxes []TaxAmount, into byRate) {
		got := byRate{}
		for _, by := range taxes {
			got[klarna.Rate(by.TaxRate)] = taxed{money.Amount(by.TotalAmount), money.Amount(by.TotalTaxAmount)}
		}
		if got.sum() != money.Amount(amount) {
			t.Errorf("part %s of %d has the taxes %v", id, amount, taxes)
		}
		into.add(got, 1)
		now = append(now, fmt.Sprint(id, taxes))
	}
	body := orderBody(o, time.Now())
	for _, c := range body.Captures {
		part(c.ID, c.Amount, c.Tax, captured)
	}
	for _, r := range body.Refunds {
		part(r.ID, r.Amount, r.Tax, refunded)
	}
	for _, before := range told {
		if !slices.Contains(now, before) {
			t.Errorf("was told %s, now %v", before, now)
		}
	}
	if o.RemainingAuthorizedAmount == 0 && cmp.Diff(whole.body(), captured.body()) != "" {
		t.Errorf("the captures come to %v, the order to %v", captured, whole)
	}
	if o.RefundedAmount == o.CapturedAmount && cmp.Diff(captured.body(), refunded.body()) != "" {
		t.Errorf("the refunds come to %v, the captures to %v", refunded, captured)
	}
	return now
}
