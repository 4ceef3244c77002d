package management_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/shopper"
)

// Whatever is called in whatever sequence, the amounts agree: C is the sum of
// captures, R of refunds, 0 ≤ R ≤ C ≤ A, M = A − C unless it was released.
func TestManagementInvariants(t *testing.T) {
	const seed, orders, calls = 20261121, 100, 40
	random := rand.New(rand.NewPCG(seed, 0))
	seen, statuses := map[string]int{}, map[int]int{}
	for n := range orders {
		o := newOffice(t, uint64(n+1), n%2 == 0)
		o.order(func(p *management.Purchase) {
			p.AutoCapture = random.IntN(10) == 0
			p.Persona = shopper.Persona{Pending: random.IntN(5) == 0, Accepted: random.IntN(2) == 0, After: time.Hour}
			p.Method = []string{"pay_later", "card", "fixed_amount"}[random.IntN(3)]
		})
		var history []string
		for range calls {
			op := managedOperations[random.IntN(len(managedOperations))]
			before := o.managed()
			body := map[string]string{
				authorization: amount("order_amount", random.Int64N(2*before.OrderAmount+1)),
				captures:      amount("captured_amount", 1+random.Int64N(before.OrderAmount+1)),
				refunds:       amount("refunded_amount", 1+random.Int64N(before.OrderAmount+1)),
			}[op.call]
			if body == "" || random.IntN(3) == 0 {
				body = o.amounts(op.body)
			}
			if op.call == cancelling && random.IntN(4) > 0 {
				continue // else most orders would end at once
			}
			got := o.call(op.call, body)
			if random.IntN(8) == 0 {
				o.fake.Advance(time.Duration(random.Int64N(int64(15 * day))))
			}
			history = append(history, fmt.Sprintf("%s %s %d → %s", op.call, body, got.Status, o.sum()))
			statuses[got.Status]++
			seen[o.managed().Status]++
			if broken := brokenInvariant(o.managed(), before, got.Status); broken != "" {
				t.Fatalf("seed %d, order %d: %s after\n%v", seed, n, broken, history)
			}
		}
	}
	for _, status := range []string{"AUTHORIZED", "PART_CAPTURED", "CAPTURED", "CANCELLED", "EXPIRED", "CLOSED"} {
		if seen[status] == 0 {
			t.Errorf("no order was %s: %v", status, seen)
		}
	}
	for _, status := range []int{200, 201, 204, 403, 404} {
		if statuses[status] == 0 {
			t.Errorf("no answer was %d: %v", status, statuses)
		}
	}
}

// brokenInvariant returns what is wrong with an order after a call, "" for nothing.
func brokenInvariant(v, before fakeklarna.ManagedOrder, status int) string {
	var captured, refunded, allocated int64
	for _, c := range v.Captures {
		captured += c.CapturedAmount
		allocated += c.RefundedAmount
		if c.RefundedAmount > c.CapturedAmount || c.CapturedAmount < 1 {
			return "a capture is refunded by more than it is"
		}
	}
	for _, r := range v.Refunds {
		refunded += r.RefundedAmount
	}
	released := v.Status == "CAPTURED" || v.Status == "CLOSED"
	switch {
	case v.CapturedAmount != captured || v.RefundedAmount != refunded:
		return "the sums are wrong"
	case refunded < 0 || refunded > captured || captured > v.OrderAmount || allocated > refunded:
		return "not 0 ≤ R ≤ C ≤ A"
	case v.RemainingAuthorizedAmount != v.OrderAmount-captured && (!released || v.RemainingAuthorizedAmount != 0):
		return "M is not A − C"
	case v.OriginalOrderAmount != 30000 || v.KlarnaReference != before.KlarnaReference || v.CreatedAt != before.CreatedAt:
		return "what never changes has changed"
	case len(v.Captures) < len(before.Captures) || len(v.Refunds) < len(before.Refunds):
		return "a capture or refund has gone"
	case status >= 500:
		return "the fake answered 5xx"
	}
	switch v.Status {
	case "AUTHORIZED", "CANCELLED":
		if captured != 0 {
			return "captured, and " + v.Status
		}
	case "PART_CAPTURED":
		if captured == 0 || v.RemainingAuthorizedAmount == 0 {
			return "not partly captured"
		}
	case "CAPTURED":
		if captured == 0 || v.RemainingAuthorizedAmount != 0 {
			return "not captured"
		}
	case "EXPIRED":
		if v.RemainingAuthorizedAmount == 0 {
			return "expired with nothing left"
		}
	case "CLOSED":
		if captured == 0 || refunded != captured {
			return "closed, and not refunded"
		}
	}
	return ""
}
