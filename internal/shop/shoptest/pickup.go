package shoptest

import (
	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// Agents is the demo's shop with one more way of delivery in Sweden, for parcels up to 5 kg:
// an agent at one of two places.
func Agents(changes ...func(*settings.Shop)) *publish.Version {
	changes = append(changes, func(s *settings.Shop) {
		s.Markets = append(market.List(nil), s.Markets...)
		for i := range s.Markets {
			if m := &s.Markets[i]; m.Country == "SE" {
				m.ShippingOptions = append(m.ShippingOptions[:len(m.ShippingOptions):len(m.ShippingOptions)], market.ShippingOption{
					ID: "agent", Name: i18n.Text{"sv": "Ombud", "en": "Agent"}, Time: i18n.Text{"sv": "2 dagar", "en": "2 days"},
					ByWeight: []market.WeightPrice{{UpTo: 5000, Price: 5900}},
					PickupPoints: []market.PickupPoint{
						{ID: "p1", Name: i18n.Text{"sv": "Kiosken", "en": "The kiosk"}, StreetAddress: "Sveavägen 5", PostalCode: "111 57", City: "Stockholm"},
						{ID: "p2", Name: i18n.Text{"sv": "Torghandeln"}, StreetAddress: "Stora Torget 2", StreetAddress2: "Hall B", PostalCode: "753 20", City: "Uppsala"},
					},
				})
			}
		}
	})
	shop := *skerry.Version().Shop
	for _, change := range changes {
		change(&shop)
	}
	return publish.NewVersion(1, &shop, skerry.Version().Catalog)
}
