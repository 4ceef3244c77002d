package checkout

import (
	"cmp"
	"encoding/json"
	"math/big"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/i18n"

	"github.com/shopd/shopd/fakeklarna/internal/shopper"
	"github.com/shopd/shopd/fakeklarna/internal/web"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// The shipping assistant offers ways of delivery of its own in the place of the merchant's
// shipping_options. The merchant sees of it the chosen one only.

// offered returns the ways of delivery among which the shopper chooses. v is the order with
// its addresses.
func offered(o *Stored, v *Order) []wire.ShippingOption {
	if o.Shipment == "" {
		return v.ShippingOptions
	}
	return assistantOptions(v, o.Shipment)
}

// assistantOptions are a home delivery and two pickup points near the shipping address. They
// are the same as long as the order's address, lines, currency and locale are.
func assistantOptions(v *Order, shipment string) []wire.ShippingOption {
	words := deliveryTexts[web.LangOf(v.Locale)]
	home, pickup := int64(9900), int64(4900)
	if !slices.Contains([]string{"SEK", "NOK", "DKK"}, strings.ToUpper(v.PurchaseCurrency)) {
		home, pickup = 990, 490
	}
	option := func(id, name string, price int64, method string, d deliveryDetails) wire.ShippingOption {
		d.Carrier, d.Class = "Test Post", "standard"
		d.Product = &deliveryProduct{Name: name, Identifier: method}
		rate := highestRate(v.OrderLines)
		return wire.ShippingOption{
			ID: id, Name: name, Price: price, TaxAmount: taxIn(price, rate), TaxRate: rate,
			ShippingMethod: method, DeliveryDetails: wire.MustJSON(d), TMSReference: shipment,
		}
	}
	country := strings.ToUpper(v.ShippingAddress.Country)
	person := shopper.TestPerson(country)
	at := func(id, name, number string) deliveryDetails {
		return deliveryDetails{PickupLocation: &pickupLocation{id, name, wire.Address{
			StreetAddress: strings.TrimSuffix(person["street_address"], "1") + number,
			PostalCode:    cmp.Or(v.ShippingAddress.PostalCode, person["postal_code"]),
			City:          cmp.Or(v.ShippingAddress.City, person["city"]),
			Country:       country,
		}}}
	}
	return []wire.ShippingOption{
		option("home", words.home, home, "Home", deliveryDetails{Timeslot: &timeslot{"evening", "17:00", "21:00"}}),
		option("pickup-1", words.pickup, pickup, "PickUpPoint", at("kiosk", "Kiosk 24", "12")),
		option("pickup-2", words.pickup, pickup, "PickUpPoint", at("market", "City Market", "48")),
	}
}

// deliveryDetails are those of a way of delivery.
// Source: docs.kustom.co, Create order (shipping_options).
type deliveryDetails struct {
	Carrier        string           `json:"carrier"`
	Class          string           `json:"class"`
	Product        *deliveryProduct `json:"product"`
	Timeslot       *timeslot        `json:"timeslot,omitempty"`
	PickupLocation *pickupLocation  `json:"pickup_location,omitempty"`
}

// PickupPoint returns the name of the place where a shopper fetches his goods, "" if they are
// brought.
func PickupPoint(o *wire.ShippingOption) string {
	var d deliveryDetails
	_ = json.Unmarshal(o.DeliveryDetails, &d) // was checked, or is missing
	if d.PickupLocation == nil {
		return ""
	}
	return d.PickupLocation.Name
}

type deliveryProduct struct {
	Name       string `json:"name"`
	Identifier string `json:"identifier"`
}

type timeslot struct {
	ID    string `json:"id"`
	Start string `json:"start"`
	End   string `json:"end"`
}

type pickupLocation struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"`
	Address wire.Address `json:"address"`
}

// deliveryTexts name the ways of delivery of the shipping assistant.
var deliveryTexts = map[i18n.Lang]struct{ home, pickup string }{
	i18n.English:   {"Home delivery", "Pickup point"},
	i18n.Swedish:   {"Hemleverans", "Utlämningsställe"},
	i18n.Norwegian: {"Hjemlevering", "Hentested"},
	i18n.Danish:    {"Hjemmelevering", "Afhentningssted"},
	i18n.Finnish:   {"Kotiinkuljetus", "Noutopiste"},
	i18n.German:    {"Lieferung nach Hause", "Paketshop"},
	i18n.Dutch:     {"Thuisbezorging", "Afhaalpunt"},
}

// highestRate returns the highest tax rate of an order's lines, in hundredths of a percent.
func highestRate(lines []wire.OrderLine) int64 {
	rate := int64(0)
	for i := range lines {
		rate = max(rate, lines[i].TaxRate)
	}
	return rate
}

// taxIn returns the tax that a price includes, rounded.
func taxIn(price, rate int64) int64 {
	whole := big.NewInt(wire.WholeRate + rate)
	tax := new(big.Int).Mul(big.NewInt(price), big.NewInt(rate))
	tax.Mul(tax, big.NewInt(2)).Add(tax, whole)
	return tax.Div(tax, whole.Mul(whole, big.NewInt(2))).Int64()
}
