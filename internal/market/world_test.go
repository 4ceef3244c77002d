package market_test

import (
	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/market"
)

// all are the markets of the demo, which these tests look at.
func all() market.List { return skerry.Version().Shop.Markets }

func lookup(country string) (market.Market, bool) { return all().Lookup(country) }
