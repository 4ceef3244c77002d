package market

import (
	"github.com/shopd/shopd/internal/i18n"
)

// PickupPoint is a place where the shopper fetches the goods. Its address is in the market's
// country.
type PickupPoint struct {
	ID   string
	Name i18n.Text
	// StreetAddress2 and Region may be "".
	StreetAddress, StreetAddress2, PostalCode, City, Region string
}

// Choices are what the shopper chooses from: the option, or one for each of its pickup
// points, whose ID is that of no way of delivery: "pickup_point:p1".
func (o ShippingOption) Choices() []ShippingOption {
	if o.PickupPoints == nil {
		return []ShippingOption{o}
	}
	choices := make([]ShippingOption, len(o.PickupPoints))
	for i := range o.PickupPoints {
		choices[i] = o
		choices[i].Point, choices[i].PickupPoints = &o.PickupPoints[i], nil
		choices[i].ID += ":" + choices[i].Point.ID
	}
	return choices
}

// Title is the option's name in a language, with that of its pickup point.
func (o ShippingOption) Title(l i18n.Lang) string {
	title, _ := o.Name.In(l)
	if o.Point != nil {
		name, _ := o.Point.Name.In(l)
		title += ": " + name
	}
	return title
}

// Choices are those of all shipping options.
func (m Market) Choices() (choices []ShippingOption) {
	for _, o := range m.ShippingOptions {
		choices = append(choices, o.Choices()...)
	}
	return choices
}

// Option returns the choice with an ID; false if there is none.
func (m Market) Option(id string) (ShippingOption, bool) {
	for _, o := range m.Choices() {
		if o.ID == id {
			return o, true
		}
	}
	return ShippingOption{}, false
}
