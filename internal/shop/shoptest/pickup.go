package shoptest

import (
	"slices"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// Agents is the demo's shop with WithAgents.
func Agents() *publish.Version {
	shop := *skerry.Version().Shop
	WithAgents(5900)(&shop)
	return publish.NewVersion(1, &shop, skerry.Version().Catalog)
}

// WithAgents gives a shop one more way of delivery in Sweden, for parcels up to 5 kg: an agent
// at one of two places.
func WithAgents(price money.Amount) func(*settings.Shop) {
	return func(s *settings.Shop) {
		s.Markets = slices.Clone(s.Markets)
		i := slices.IndexFunc(s.Markets, func(m market.Market) bool { return m.Country == "SE" })
		s.Markets[i].ShippingOptions = append(slices.Clone(s.Markets[i].ShippingOptions), market.ShippingOption{
			ID: "agent", Name: i18n.Text{"sv": "Ombud", "en": "Agent"}, Time: i18n.Text{"sv": "2 dagar", "en": "2 days"},
			ByWeight: []market.WeightPrice{{UpTo: 5000, Price: price}},
			PickupPoints: []market.PickupPoint{
				{ID: "p1", Name: i18n.Text{"sv": "Kiosken", "en": "The kiosk"}, StreetAddress: "Sveavägen 5", PostalCode: "111 57", City: "Stockholm"},
				{ID: "p2", Name: i18n.Text{"sv": "Torghandeln"}, StreetAddress: "Stora Torget 2", StreetAddress2: "Hall B", PostalCode: "753 20", City: "Uppsala"},
			},
		})
	}
}
