package cart

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
)

// Question is what the merchant's server is asked about the delivery of a cart: what goes
// where. It has nobody's name or street.
type Question struct {
	Reference  string      `json:"reference,omitempty"` // of the checkout session; "" of the shop's own cart
	Lines      []AskedLine `json:"order_lines"`
	Weight     int         `json:"weight"` // of all that is shipped, in grams
	Currency   string      `json:"currency"`
	Locale     string      `json:"locale"`
	Country    string      `json:"country"`               // that it goes to
	Region     string      `json:"region,omitempty"`      // where tax depends on it
	PostalCode string      `json:"postal_code,omitempty"` // "" is not known yet
}

// AskedLine is a line of a cart. Amounts are minor units, tax included (US: without).
type AskedLine struct {
	ID          string          `json:"id"` // of a cart of the shop's own: the SKU
	Type        klarna.LineType `json:"type"`
	Reference   string          `json:"reference,omitempty"`
	Name        string          `json:"name,omitempty"`
	Quantity    int64           `json:"quantity"`
	UnitPrice   money.Amount    `json:"unit_price"`
	TotalAmount money.Amount    `json:"total_amount"`
}

// Asked is what the merchant's server has answered to a Question. It counts while the cart
// goes to the same place.
type Asked struct {
	About string `json:"about"` // the lines of the question
	ShipTo
	// Options take the place of those of the shop file, or are the pickup points of one of
	// them. Without an answer they are nil; an empty list is that nothing goes there.
	Options []BasketOption `json:"options,omitzero"`
	// Rates are those of lines of a checkout session, by their ID, where they are others there.
	Rates map[string]klarna.Rate `json:"rates,omitempty"`
}

// Question is what the merchant's server is to be asked about a cart with this quote. False:
// there is nothing to ask, or it has answered that already.
func (q Quote) Question(c Contents) (Question, bool) {
	to := c.place()
	question := Question{
		Weight: q.shipped.grams, Currency: string(q.Currency), Locale: c.Locale,
		Country: to.Country, Region: to.Region, PostalCode: to.PostalCode,
	}
	if b := c.Basket; b != nil {
		question.Reference = b.Reference
		for i, line := range q.Basket {
			question.Lines = append(question.Lines, AskedLine{
				line.ID, line.Type, b.Lines[i].Reference, line.Name, b.Lines[i].Quantity, line.UnitPrice, line.TotalAmount,
			})
		}
	} else {
		for _, goods := range q.Goods {
			kind := klarna.Physical
			if goods.Product.Digital {
				kind = klarna.Digital
			}
			name, _ := goods.Product.Name.In(i18n.LangOf(c.Locale))
			question.Lines = append(question.Lines, AskedLine{
				goods.SKU, kind, goods.SKU, name, int64(goods.Quantity), goods.UnitPrice, goods.TotalAmount,
			})
		}
	}
	said := c.answered()
	return question, q.asks && (said == nil || said.About != question.about())
}

// Answered is the answer to the question.
func (q Question) Answered(options []BasketOption, rates map[string]klarna.Rate) *Asked {
	return &Asked{
		About: q.about(), ShipTo: ShipTo{Country: q.Country, Region: q.Region, PostalCode: q.PostalCode}, Options: options, Rates: rates,
	}
}

// about names what the question is about, but for the place.
func (q Question) about() string {
	q.Country, q.Region, q.PostalCode = "", "", ""
	text, _ := json.Marshal(q) // of such members it does not fail
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// place is where the cart goes, as far as it is known.
func (c *Contents) place() ShipTo {
	to := c.shipTo()
	if to.BillingCountry = ""; to.Country == "" {
		to.Country = c.Country
	}
	return to
}

// answered is what the merchant's server has said of where the cart goes now, nil where it
// has said nothing.
func (c *Contents) answered() *Asked {
	for _, said := range []*Asked{c.Asked, c.Unplaced} {
		if said != nil && said.ShipTo == c.place() {
			return said
		}
	}
	return nil
}

// rated are lines with the rates of the place that they go to.
func (a *Asked) rated(lines []BasketLine) []BasketLine {
	if a == nil || len(a.Rates) == 0 {
		return lines
	}
	lines = slices.Clone(lines)
	for i, line := range lines {
		split := line.Own() && line.TaxRate == nil // a discount over the rates of the goods
		rate, another := a.Rates[line.ID]
		switch line.Type {
		case klarna.GiftCard, klarna.StoreCredit, klarna.SalesTax: // without tax
		case klarna.Physical, klarna.Digital, klarna.Discount, klarna.Surcharge, klarna.ShippingFee, klarna.ReturnFee:
			if another && !split && (line.TaxRate == nil || *line.TaxRate != rate) {
				lines[i].TaxRate = &rate
			}
		}
	}
	return lines
}

// whole reports whether what was said takes the place of all ways of delivery of a market.
func (a *Asked) whole(ofMarket []market.ShippingOption) bool {
	return a != nil && a.Options != nil && !asksPoints(ofMarket)
}

// asksPoints reports whether a way of delivery of a market has the pickup points that the merchant's server says: then he
// says nothing else.
func asksPoints(ofMarket []market.ShippingOption) bool {
	return slices.ContainsFunc(ofMarket, func(o market.ShippingOption) bool { return o.AskPoints })
}

// filled are ways of delivery of the shop file with the pickup points that were said. One
// that has none there goes; where nothing was said, the carrier chooses the place.
func (a *Asked) filled(offered []market.ShippingOption, lang i18n.Lang) []market.ShippingOption {
	if a == nil || a.Options == nil {
		return offered
	}
	offered = slices.Clone(offered)
	for i, o := range offered {
		if !o.AskPoints {
			continue
		}
		for _, said := range a.Options {
			p := said.Location
			if p.ID == "" {
				continue
			}
			offered[i].PickupPoints = append(offered[i].PickupPoints, market.PickupPoint{
				ID: p.ID, Name: i18n.Text{lang: p.Name}, StreetAddress: p.Address.StreetAddress, StreetAddress2: p.Address.StreetAddress2,
				PostalCode: p.Address.PostalCode, City: p.Address.City, Region: p.Address.Region,
			})
		}
	}
	return slices.DeleteFunc(offered, func(o market.ShippingOption) bool { return o.AskPoints && len(o.PickupPoints) == 0 })
}

// merchants sets the ways of delivery that the merchant's server has said, and the one with
// an ID, the preselected or the first. Those with the IDs of free cost nothing.
func (q *Quote) merchants(options []BasketOption, id string, free []string) error {
	for _, o := range options {
		saved := money.Amount(0)
		if slices.Contains(free, o.ID) {
			saved, o.Price = o.Price, 0
		}
		tax, err := o.TaxRate.Tax().Included(o.Price)
		if err != nil {
			return err
		}
		option := Option{
			ID: o.ID, Way: o.ID, Name: o.Name, Time: o.Description, Price: o.Price, Saved: saved, Tax: tax, Rate: o.TaxRate.Tax(), own: true,
			Location: o.Location, Parts: []Part{{Rate: o.TaxRate.Tax(), Amount: o.Price}},
		}
		if o.Location.ID != "" {
			option.Pickup, option.Method = true, klarna.PickUpPoint
		}
		q.Options = append(q.Options, option)
	}
	if q.NoDelivery = len(options) == 0; !q.NoDelivery {
		q.Shipping = &q.Options[chosenOf(options, id)]
	}
	return nil
}
