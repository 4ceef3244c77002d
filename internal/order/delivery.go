package order

import (
	"cmp"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
)

// Delivery is the way of delivery that the shopper has chosen, with all that Klarna says of
// it. What it costs is in the lines.
type Delivery struct {
	ID             string                `json:"id,omitempty"`
	Name           string                `json:"name,omitempty"`
	Type           string                `json:"type,omitempty"`
	Method         string                `json:"method,omitempty"` // one of ordermanagement.ShippingMethods
	Class          string                `json:"class,omitempty"`
	Carrier        string                `json:"carrier,omitempty"`
	Product        klarna.CarrierProduct `json:"product,omitzero"`
	Timeslot       klarna.Timeslot       `json:"timeslot,omitzero"`
	PickupLocation klarna.PickupLocation `json:"pickup_location,omitzero"` // zero: the goods are brought
	TMSReference   string                `json:"tms_reference,omitempty"`  // the shipping assistant's, of the shipment
	Addons         klarna.Addons         `json:"addons,omitempty"`
}

// Fetched reports whether the shopper fetches the goods.
func (d Delivery) Fetched() bool {
	return d.PickupLocation != (klarna.PickupLocation{}) || d.Method == klarna.PickUpStore || d.Method == klarna.PickUpPoint
}

// deliveryOf is what an order's lines say of the way of delivery, with the pickup point that Klarna Payments was told, and
// what the shop file says of it.
func deliveryOf(v *publish.Version, o Order) (d Delivery) {
	for _, line := range o.OrderLines {
		if line.Type == klarna.ShippingFee {
			d.ID, d.Name = line.Reference, line.Name
			if at := klarna.PlaceIn(line.MerchantData); at != (klarna.PickupLocation{}) {
				d.Method, d.PickupLocation = klarna.PickUpPoint, at
			}
		}
	}
	m, _ := v.Shop.Markets.Lookup(o.PurchaseCountry)
	if option, offered := m.Option(d.ID); offered {
		d = d.with(Delivery{ID: d.ID, Method: cart.MethodOf(option), PickupLocation: cart.LocationOf(option, i18n.LangOf(o.Locale), m.Country)})
	}
	return d
}

// quotedIn is what a quote says: also of a way that the shop file does not know.
func quotedIn(q cart.Quote) (d Delivery) {
	if o := q.Shipping; o != nil {
		d = Delivery{ID: o.ID, Name: o.Name, Method: o.Method, PickupLocation: o.Location}
	}
	return d
}

// chosenIn is what the checkout says.
func chosenIn(checkout kco.Order) (d Delivery) {
	if o := checkout.SelectedShippingOption; o != nil {
		d = Delivery{
			ID: o.ID, Name: o.Name, Method: o.ShippingMethod, Class: o.DeliveryDetails.Class, Carrier: o.DeliveryDetails.Carrier, Product: o.DeliveryDetails.Product,
			Timeslot: o.DeliveryDetails.Timeslot, PickupLocation: o.DeliveryDetails.PickupLocation, TMSReference: o.TMSReference, Addons: o.SelectedAddons,
		}
	}
	return d
}

// soldWith is what Order Management says.
func soldWith(sold ordermanagement.Order) (d Delivery) {
	if o := sold.SelectedShippingOption; o != nil {
		d = Delivery{
			ID: o.ID, Name: o.Name, Type: o.Type, Method: o.Method, Class: o.Class, Carrier: o.Carrier, Product: o.CarrierProduct,
			Timeslot: o.Timeslot, PickupLocation: o.Location, TMSReference: o.TMSReference, Addons: o.SelectedAddons,
		}
	}
	return d
}

// with is the delivery with what is said of it anew; what is not said stays, unless it is
// another one.
func (d Delivery) with(said Delivery) Delivery {
	switch {
	case said.ID == "":
		return d
	case said.ID != d.ID:
		return said
	}
	said.Name, said.Type, said.Method, said.Class = cmp.Or(said.Name, d.Name), cmp.Or(said.Type, d.Type), cmp.Or(said.Method, d.Method), cmp.Or(said.Class, d.Class)
	said.Carrier, said.Product, said.Timeslot = cmp.Or(said.Carrier, d.Carrier), cmp.Or(said.Product, d.Product), cmp.Or(said.Timeslot, d.Timeslot)
	said.PickupLocation, said.TMSReference = cmp.Or(said.PickupLocation, d.PickupLocation), cmp.Or(said.TMSReference, d.TMSReference)
	if said.Addons == nil {
		said.Addons = d.Addons
	}
	return said
}

// bare is the delivery without where and when somebody gets a parcel, and what was typed.
func (d Delivery) bare() Delivery {
	return Delivery{ID: d.ID, Name: d.Name, Type: d.Type, Method: d.Method, Class: d.Class, Carrier: d.Carrier, Product: d.Product}
}
