package payments

import (
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
)

// Attachment is what Klarna calls extra merchant data.
// Source: docs.klarna.com, Extra merchant data for Klarna Payments.
type Attachment struct {
	ContentType string `json:"content_type"`
	Body        string `json:"body"` // JSON
}

const extraData = "application/vnd.klarna.internal.emd-v2+json"

// Klarna's words for where goods are fetched.
const (
	pickUpPoint = "pick-up point"
	storePickUp = "store pick-up"
)

// otherAddress is where the goods are fetched, as Klarna's extra merchant data has it.
type otherAddress struct {
	ShippingMethod string `json:"shipping_method"`
	ShippingType   string `json:"shipping_type"`
	StreetAddress  string `json:"street_address,omitempty"`
	StreetNumber   string `json:"street_number"`
	PostalCode     string `json:"postal_code,omitempty"`
	City           string `json:"city,omitempty"`
	Country        string `json:"country,omitempty"`
}

// tellPlace says where the goods are fetched: in the line of the delivery, with which it comes into the order
// and back to the book, and in the attachment, by which Klarna judges. An attachment that says nothing takes
// the place of that of another choice; it is zero where no choice has a pickup point.
func tellPlace(lines []klarna.OrderLine, q cart.Quote) (a Attachment) {
	for _, o := range q.Options {
		if o.Location != (klarna.PickupLocation{}) {
			a = Attachment{extraData, "{}"}
		}
	}
	if q.Shipping == nil || q.Shipping.Location == (klarna.PickupLocation{}) {
		return a
	}
	at := q.Shipping.Location
	for i := range lines {
		if lines[i].Type == klarna.ShippingFee && lines[i].Reference == q.Shipping.ID {
			lines[i].MerchantData = at.Data()
		}
	}
	place := otherAddress{
		ShippingMethod: pickUpPoint, ShippingType: "normal", StreetAddress: at.Address.StreetAddress,
		PostalCode: at.Address.PostalCode, City: at.Address.City, Country: at.Address.Country,
	}
	if q.Shipping.Method == klarna.PickUpStore {
		place.ShippingMethod = storePickUp
	}
	body, err := json.Marshal(map[string][]otherAddress{"other_delivery_address": {place}})
	if err != nil {
		return a
	}
	a.Body = string(body)
	return a
}
