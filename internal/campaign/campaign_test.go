package campaign_test

import (
	"testing"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/money"
)

// What is left of goods is never less because other goods have gone below 0.
func TestLeft(t *testing.T) {
	var goods campaign.Goods
	for _, add := range []struct {
		sku    string
		rate   money.TaxRate
		amount money.Amount
	}{{"MUG-1", 25000, 14900}, {"MUG-1", 25000, -4900}, {"JAM-1", 25000, -100}, {"TEA-1", 12000, 500}} {
		if err := goods.Add(add.sku, add.rate, add.amount); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		rule campaign.Rule
		rate money.TaxRate
		want money.Amount
	}{
		{campaign.Rule{}, 25000, 10000},
		{campaign.Rule{}, 12000, 500},
		{campaign.Rule{}, 0, 0},
		{campaign.Rule{SKUs: []string{"JAM-1"}}, 25000, 0},
		{campaign.Rule{SKUs: []string{"TEA-1", "MUG-1"}}, 25000, 10000},
		{campaign.Rule{SKUs: []string{"TEA-1"}}, 25000, 0},
	} {
		if got := goods.Left(tt.rule, tt.rate); got != tt.want {
			t.Errorf("%v at %d: %d is left, want %d", tt.rule.SKUs, tt.rate, got, tt.want)
		}
	}
}
