package static_test

import (
	"testing"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/web/templates"
)

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
