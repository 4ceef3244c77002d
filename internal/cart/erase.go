package cart

import (
	"context"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/publish"
)

// Erase takes out of the cart of an order that is erased where it went and what the merchant
// wrote beside it. A cart of the shop's own loses its postal code, which the shopper types
// again; the basket of a checkout session is bought, and keeps what its order keeps. by is what the
// order was priced by: what was published since may have other prices and ways of delivery.
func (s *Store) Erase(ctx context.Context, id string, by *publish.Version) error {
	c, err := s.Get(ctx, id, Fallback{})
	if err != nil || c.Revision == 0 {
		return err
	}
	pricer := Pricer{Published: publish.Fixed(by)}
	_, err = s.Update(ctx, id, Fallback{}, func(c *Cart) error {
		if c.Basket != nil {
			q, _ := pricer.Quote(c.Contents) // filled as far as it came
			c.bare(q)
		}
		c.Asked, c.Unplaced = nil, nil
		if c.ShipTo == nil {
			return nil
		}
		to := *c.ShipTo
		to.PostalCode = ""
		if c.ShipTo = &to; to == (ShipTo{}) {
			c.ShipTo = nil
		}
		return nil
	})
	return err
}

// bare takes out of the basket of a session what the merchant wrote beside its lines. Of where it
// went the rates stay; of the ways of delivery the one that was taken, without its place. One of
// the shop file that has none stays by its ID, with its tax.
func (c *Contents) bare(q Quote) {
	b := *c.Basket
	b.Lines, b.Options = slices.Clone(c.answered().rated(b.Lines)), nil
	for i := range b.Lines {
		b.Lines[i].MerchantData = ""
	}
	c.Basket, c.ShippingOption, c.Refused = &b, "", nil
	switch o := q.Shipping; {
	case o == nil:
	case !o.own && o.Location.ID == "":
		c.ShippingOption = o.ID
	default:
		name := strings.TrimSuffix(o.Name, ": "+o.Location.Name) // see market.ShippingOption.Title
		b.Options = []BasketOption{{ID: o.Way, Name: name, Price: o.Price, TaxRate: klarna.Rate(o.Rate / 10), Preselected: true}}
	}
}
