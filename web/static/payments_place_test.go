package static_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/web/templates"
)

// codes are the postal codes that the shop was told, in their order.
func (u *till) codes() (codes []any) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, update := range u.updates {
		if code, told := update["postal_code"]; told {
			codes = append(codes, code)
		}
	}
	return codes
}

// typed writes a postal code key by key, and waits for what the shop is told.
func (p *payer) typed(code string) {
	p.t.Helper()
	for i := range code {
		p.write(map[string]string{"postal_code": code[:i+1]})
		p.Wait("the update", `() => queue.state === "idle"`)
	}
}

// Where delivery follows the postal code, the shop is told of one that is typed whole. Where nothing goes, the field says
// so and the page stays; what is typed anew, or with another cart, is told anew.
func TestPaymentsNowhere(t *testing.T) {
	u := newTill(t, templates.OneStep)
	u.asks, u.nowhere = true, "98139"
	p := u.open(t, "")
	p.Expect("422")
	p.write(map[string]string{"city": ""}) // not typed yet is not wrong
	p.typed("98139")
	p.wantErrors("Check one field|We cannot deliver to 98139. Try another address", "postal_code")
	if p.MustEval(`() => document.activeElement.matches("[data-errors]")`).Bool() {
		t.Error("the focus has left the field")
	}
	p.press("MUG-1:plus")
	p.settles(30000)
	p.Wait("the update", `() => queue.state === "idle"`)
	p.wantErrors("Check one field|We cannot deliver to 98139. Try another address", "postal_code")
	p.typed("98139")
	p.wantErrors("Check one field|We cannot deliver to 98139. Try another address", "postal_code")
	p.typed("11122")
	p.wantErrors("", "")
	if diff := cmp.Diff([]any{"111 47", "98139", "98139", "98139", "11122"}, u.codes()); diff != "" {
		t.Errorf("postal codes (-want +got):\n%s", diff)
	}

	// The order call tells, of what the page has not asked.
	p.write(map[string]string{"city": "Stockholm"})
	u.mu.Lock()
	u.answers, u.nowhere = []answer{refusal(422, "unreachable", nil)}, "11122"
	u.mu.Unlock()
	p.buy()
	p.wantErrors("Check one field|We cannot deliver to 11122. Try another address", "postal_code")
	p.typed("11147")
	p.rests()
	p.buy()
	p.done()
}

// Where nothing goes to the order's place any more, the field says so, and the page stays.
func TestPaymentsNowhereAnyMore(t *testing.T) {
	u := newTill(t, templates.OneStep)
	u.asks = true
	p := u.open(t, "")
	p.Expect("422")
	p.typed("98139")
	u.mu.Lock()
	u.nowhere, u.stuck = "98139", true
	u.mu.Unlock()
	p.press("MUG-1:plus")
	p.settles(30000)
	p.wantErrors("Check one field|We cannot deliver to 98139. Try another address", "postal_code")
	u.mu.Lock()
	u.stuck = false
	u.mu.Unlock()
	p.typed("11122")
	p.wantErrors("", "")
	p.rests()
	p.buy()
	p.done()
}

// What the order call says of a place on the page of the second step, is said at its field: it is written right.
func TestPaymentsNowhereReview(t *testing.T) {
	u := newTill(t, templates.Details)
	u.asks = true
	p := u.open(t, "")
	p.Expect("422")
	p.Wait("the update", `() => queue.state === "idle"`)
	p.rests()
	p.buy()
	p.reviewed()
	u.mu.Lock()
	u.answers, u.nowhere = []answer{refusal(422, "unreachable", nil)}, "111 47"
	u.mu.Unlock()
	p.buy()
	p.wantErrors("Check one field|We cannot deliver to 111 47. Try another address", "postal_code")
}

// A state to which nothing is delivered can be chosen by who collects the goods.
func TestPaymentsStateOutOfReach(t *testing.T) {
	u := newWide(t, templates.OneStep)
	u.country, u.types, u.separate, u.states = "US", nil, false, map[string]money.TaxRate{"NJ": 663, "OR": 0}
	p := u.open(t, "")
	p.write(map[string]string{"region": "TX", "postal_code": "73301", "phone": "+1 212 555 0123"})
	p.Wait("the update", `() => queue.state === "idle"`)
	p.buy()
	p.wantErrors("Check one field|We cannot deliver to Texas. Try another address", "region")
	p.choose(`[value=store]`)
	p.wantErrors("", "")
	p.buy()
	p.done()
	if got := u.orders[0]["billing_address"].(map[string]any)["region"]; got != "TX" {
		t.Errorf("billed to %v", got)
	}
}
