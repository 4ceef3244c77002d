package backoffice

import (
	"net/mail"
	"strings"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/web/templates"
)

// carriers are suggestions by country; anything else can be typed, the more
// specific the better.
// Source: docs.klarna.com, Delivery tracking.
var carriers = map[string][]string{
	"SE": {"PostNord", "DHL", "Bring", "Budbee", "DB Schenker", "Instabox"},
	"NO": {"Posten", "Bring", "PostNord", "Helthjem"},
	"DK": {"PostNord", "GLS", "DAO", "Bring"},
	"FI": {"Posti", "Matkahuolto", "PostNord"},
	"DE": {"DHL", "Hermes", "DPD", "GLS"},
	"AT": {"Österreichische Post", "DPD", "GLS"},
	"NL": {"PostNL", "DHL", "DPD"},
	"GB": {"Royal Mail", "Evri", "DPD", "Yodel"},
	"US": {"USPS", "UPS", "FedEx"},
}

// carrierIDs are those of Klarna's carrier list that its documentation names.
var carrierIDs = []string{"dhl-express", "fedex", "ups"}

// methodNames are ways of delivery as people call them.
var methodNames = map[string]string{ //nolint:gosec // no credentials
	"Home": "To the door", "PickUpPoint": "Pick-up point", "PickUpStore": "Pick-up in the shop", "PickUpWarehouse": "Pick-up at the warehouse",
	"ClickCollect": "Click and collect", "BoxReg": "Parcel box, registered", "BoxUnreg": "Letter box, not registered", "Postal": "By post",
	"DHLPackstation": "DHL Packstation", "PalletDelivery": "Pallet", "Own": "Our own delivery", "Digital": "Digital", "Undefined": "Something else",
}

// parcel is the parcel that was typed, nil for none.
func (d *draft) parcel(needed bool) []ordermanagement.ShippingInfo {
	p := ordermanagement.ShippingInfo{
		ShippingCompany: d.text("carrier", "The carrier", maxTracking),
		ShippingMethod:  d.option("method", "Delivery", ordermanagement.ShippingMethods),
		TrackingNumber:  d.text("tracking", "The tracking number", maxTracking),
		TrackingURI:     d.link("tracking_link", "The tracking link"),
	}
	switch {
	case p == (ordermanagement.ShippingInfo{}):
		if needed {
			d.failField("carrier", "Enter the carrier.")
		}
		return nil
	case p.ShippingCompany == "" && (p.TrackingNumber != "" || p.TrackingURI != "" || needed):
		d.failField("carrier", "Enter the carrier: the tracking number alone tells the shopper nothing.")
	}
	return []ordermanagement.ShippingInfo{p}
}

func (d *draft) parcelGroup(title, hint string) templates.InputGroup {
	var suggested []templates.Option
	for _, name := range append(carriers[strings.ToUpper(d.order.ShippingAddress.Country)], carrierIDs...) {
		suggested = append(suggested, templates.Option{Value: name})
	}
	methods := []templates.Option{{Label: "Not specified"}}
	for _, id := range ordermanagement.ShippingMethods {
		label := methodNames[id]
		if label == "" {
			label = id
		}
		methods = append(methods, templates.Option{Value: id, Label: label})
	}
	return templates.InputGroup{Title: title, Hint: hint, Inputs: []templates.Input{
		d.input(templates.Input{Name: "carrier", Label: "Carrier", Options: suggested}),
		d.input(templates.Input{Name: "tracking", Label: "Tracking number"}),
		d.input(templates.Input{Name: "tracking_link", Label: "Tracking link", Hint: "Where the shopper can follow the parcel.", Kind: "url"}),
		d.input(templates.Input{Name: "method", Label: "Delivery", Kind: "select", Options: methods}),
	}}
}

// parcelText says what a command tells about a parcel.
func parcelText(c order.Command) []string {
	if len(c.ShippingInfo) == 0 {
		return nil
	}
	p := c.ShippingInfo[0]
	var parts []string
	for _, part := range []string{p.ShippingCompany, p.TrackingNumber, p.TrackingURI, methodNames[p.ShippingMethod]} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return []string{"Parcel: " + strings.Join(parts, ", ") + "."}
}

func shippingInfoParse(d *draft) {
	c := &d.command
	c.CaptureID = d.captureID(false)
	c.ShippingInfo = d.parcel(true)
}

// captureID is the capture that was chosen; "" where needed is false is the
// order as a whole.
func (d *draft) captureID(needed bool) string {
	var ids []string
	for _, c := range d.order.Captures {
		ids = append(ids, c.CaptureID)
	}
	id := d.option("capture", "What it is for", ids)
	if id == "" && needed {
		d.failField("capture", "Choose a capture.")
	}
	return id
}

// captureInput asks for a capture.
func (d *draft) captureInput(label string, whole bool) templates.Input {
	var options []templates.Option
	if whole {
		options = append(options, templates.Option{Label: "The order as a whole"})
	}
	for _, c := range d.order.Captures {
		options = append(options, templates.Option{Value: c.CaptureID, Label: captureText(c, d.order)})
	}
	return d.input(templates.Input{Name: "capture", Label: label, Kind: "select", Options: options})
}

// captureText names a capture: "K4MADNY4-1, 745.00 SEK, 20 Nov 2026".
func captureText(c ordermanagement.Capture, o order.Order) string {
	text := moneyText(c.CapturedAmount, o.PurchaseCurrency)
	if c.KlarnaReference != "" {
		text = c.KlarnaReference + ", " + text
	}
	if !c.CapturedAt.IsZero() {
		text += ", " + dayText(c.CapturedAt.Time)
	}
	return text
}

func shippingInfoForm(d *draft, v *templates.ActionFormView) {
	group := d.parcelGroup("Parcel", "Klarna shows it to the shopper. What was added before stays.")
	if len(d.order.Captures) > 0 {
		group.Inputs = append([]templates.Input{d.captureInput("What it is for", true)}, group.Inputs...)
	}
	v.Groups = append(v.Groups, group)
}

func shippingInfoConfirm(d *draft, v *templates.ActionConfirmView) {
	v.Question = "Add this parcel?"
	v.Button = "Add the parcel"
	v.Body = parcelText(d.command)
	about := "It is for the order as a whole."
	if c, found := d.order.Capture(d.command.CaptureID); found {
		about = "It is for the capture " + captureText(c, d.order) + "."
	}
	v.Body = append(v.Body, about, "It cannot be taken back.")
}

// addressFields are the fields of an address with their limits. Source:
// docs.klarna.com, Order Management API reference.
var addressFields = []struct {
	name, label, wire string
	limit             int
	needed            bool
	member            func(*klarna.Address) *string
}{
	{"given_name", "Given name", "given_name", 100, true, func(a *klarna.Address) *string { return &a.GivenName }},
	{"family_name", "Family name", "family_name", 100, true, func(a *klarna.Address) *string { return &a.FamilyName }},
	{"street", "Street and number", "street_address", 100, true, func(a *klarna.Address) *string { return &a.StreetAddress }},
	{"street2", "Second line", "street_address2", 100, false, func(a *klarna.Address) *string { return &a.StreetAddress2 }},
	{"postal_code", "Postal code", "postal_code", 10, true, func(a *klarna.Address) *string { return &a.PostalCode }},
	{"city", "City", "city", 200, true, func(a *klarna.Address) *string { return &a.City }},
	{"region", "State", "region", 200, false, func(a *klarna.Address) *string { return &a.Region }},
	{"phone", "Phone", "phone", 100, false, func(a *klarna.Address) *string { return &a.Phone }},
	{"email", "E-mail", "email", 100, false, func(a *klarna.Address) *string { return &a.Email }},
}

// hasRegion reports whether an address of the order's country has a region.
func (d *draft) hasRegion() bool {
	m, _ := market.Lookup(d.order.ShippingAddress.Country)
	return m.Scheme == market.SalesTax
}

func addressDefaults(d *draft) {
	for _, f := range addressFields {
		d.values.Set(f.name, *f.member(&d.order.ShippingAddress))
	}
}

func addressParse(d *draft) {
	before := d.order.ShippingAddress
	address := before
	for _, f := range addressFields {
		switch {
		case f.name == "region" && !d.hasRegion():
			continue
		case f.needed, f.name == "region":
			*f.member(&address) = d.required(f.name, f.label, f.limit)
		default:
			*f.member(&address) = d.text(f.name, f.label, f.limit)
		}
	}
	m, _ := market.Lookup(address.Country)
	if region, known := m.Region(address.Region); d.hasRegion() && (!known || region == "") {
		d.failField("region", "Enter a state, such as CA or California.")
	}
	if to, served := m.DeliveryTo(""); served && !to.Delivers(address.PostalCode) {
		d.failField("postal_code", "We cannot deliver to "+address.PostalCode+".")
	}
	if parsed, err := mail.ParseAddress(address.Email); address.Email != "" && (err != nil || parsed.Address != address.Email) {
		d.failField("email", "Enter an e-mail address such as ada@example.com.")
	}
	if address == before && len(d.errors) == 0 {
		d.failField("street", "Nothing has changed. Change a field, or go back to the order.")
	}
	d.command.ShippingAddress = &address
}

func addressForm(d *draft, v *templates.ActionFormView) {
	v.Intro = []string{
		"Klarna checks the order again with the new address and may refuse it; then nothing changes.",
		"The country stays: prices and taxes belong to it. So does the billing address.",
	}
	group := templates.InputGroup{Title: "Deliver to", Hint: "Country: " + d.order.ShippingAddress.Country}
	for _, f := range addressFields {
		if f.name == "region" && !d.hasRegion() {
			continue
		}
		kind := map[string]string{"phone": "tel", "email": "email"}[f.name]
		class := map[string]string{"postal_code": "short"}[f.name]
		group.Inputs = append(group.Inputs, d.input(templates.Input{Name: f.name, Label: f.label, Kind: kind, Class: class}))
	}
	v.Groups = append(v.Groups, group)
}

func addressConfirm(d *draft, v *templates.ActionConfirmView) {
	v.Question = "Send the order to this address?"
	v.Button = "Change the address"
	v.Body = []string{"Klarna checks the order again with it and may refuse it; then nothing changes."}
	before, after := d.order.ShippingAddress, *d.command.ShippingAddress
	for _, f := range addressFields {
		if *f.member(&before) != *f.member(&after) {
			v.Facts = append(v.Facts, templates.Fact{Name: f.label, Before: *f.member(&before), After: *f.member(&after)})
		}
	}
}
