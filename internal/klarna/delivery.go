package klarna

import (
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/money"
)

// The ways in which goods come that a shop file tells. Source: docs.kustom.co, Shipping.
const (
	PickUpStore = "PickUpStore"
	PickUpPoint = "PickUpPoint"
)

// DeliveryDetails says who brings the goods, when and where to. The times are texts as they
// came: "17:00", or with a day. Source: docs.kustom.co, Shipping.
type DeliveryDetails struct {
	Carrier        string         `json:"carrier,omitempty"`
	Class          string         `json:"class,omitempty"`
	Product        CarrierProduct `json:"product,omitzero"`
	Timeslot       Timeslot       `json:"timeslot,omitzero"`
	PickupLocation PickupLocation `json:"pickup_location,omitzero"`
}

// CarrierProduct is what the carrier calls the way of delivery.
type CarrierProduct struct {
	Identifier string `json:"identifier,omitempty"`
	Name       string `json:"name,omitempty"`
}

// Timeslot is when the goods come.
type Timeslot struct {
	ID     string `json:"id,omitempty"`
	Start  string `json:"start,omitempty"`
	End    string `json:"end,omitempty"`
	Cutoff string `json:"cutoff,omitempty"` // until when it can be chosen
}

// PickupLocation is where the shopper fetches the goods.
type PickupLocation struct {
	ID      string  `json:"id,omitempty"`
	Name    string  `json:"name,omitempty"`
	Address Address `json:"address,omitzero"`
}

// placeData is a pickup location in the merchant_data of a line.
type placeData struct {
	PickupLocation PickupLocation `json:"pickup_location,omitzero"`
}

const maxPlaceData = 1024 // bytes; of a line of Klarna Payments

// Data is the location for the merchant_data of the line of a delivery; PlaceIn reads it. One that is too long
// has no address.
func (l PickupLocation) Data() string {
	text, err := json.Marshal(placeData{l})
	if err == nil && len(text) > maxPlaceData {
		text, err = json.Marshal(placeData{PickupLocation{ID: l.ID, Name: l.Name}})
	}
	if err != nil || len(text) > maxPlaceData {
		return ""
	}
	return string(text)
}

// PlaceIn is the location in the merchant_data of a line, zero where there is none.
func PlaceIn(merchantData string) PickupLocation {
	var data placeData
	_ = json.Unmarshal([]byte(merchantData), &data) // another text is none
	return data.PickupLocation
}

// Addons are what the shopper has chosen beside a way of delivery.
type Addons []Addon

// Addon is what the shopper has chosen beside a way of delivery, and typed for it.
type Addon struct {
	Type       string       `json:"type,omitempty"`
	Price      money.Amount `json:"price,omitempty"`
	ExternalID string       `json:"external_id,omitempty"`
	UserInput  string       `json:"user_input,omitempty"`
}

// UnmarshalJSON reads what can be read.
func (a *Addons) UnmarshalJSON(text []byte) error {
	_ = json.Unmarshal(text, (*[]Addon)(a))
	return nil
}

// UnmarshalJSON reads what can be read: a member of another type is no reason to refuse an
// order.
func (d *DeliveryDetails) UnmarshalJSON(text []byte) error {
	type plain DeliveryDetails
	_ = json.Unmarshal(text, (*plain)(d))
	return nil
}
