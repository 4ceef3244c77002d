package aftersale

import (
	"context"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Parcel tells Klarna and the shopper of a parcel, of the order or of one capture.
var Parcel = &Action{
	Name: "shipping_info", Slug: "shipping-info", Title: "Add shipping info", Busy: "Adding…", Noun: "parcel", Did: "added a parcel", Try: "add a parcel",
	Result: func(order.Order, order.AuditEntry) (title, body string) {
		return "Added the parcel.", "Klarna shows it to the shopper."
	},
	Possible: func(State) Reason { return "" }, // of the order as a whole Klarna always takes it
	Limits:   func(_ order.Order, c order.Command) error { return ordermanagement.CheckShippingInfo(c.ShippingInfo) },
	Check: func(s State, c order.Command) (Reason, string) {
		if c.CaptureID == "" {
			return "", ""
		}
		return checkCaptureID(s, c)
	},
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		if c.CaptureID == "" {
			a, err = m.AddShippingInfo(ctx, o.OrderID, c.ShippingInfo, c.Key)
		} else {
			a, err = m.AddCaptureShippingInfo(ctx, o.OrderID, c.CaptureID, c.ShippingInfo, c.Key)
		}
		return "", a, err
	},
	Apply: parcelApply,
	Has: func(sold ordermanagement.Order, c order.Command) bool {
		parcels := sold.ShippingInfo
		for _, capture := range sold.Captures {
			if c.CaptureID != "" && strings.EqualFold(capture.CaptureID, c.CaptureID) {
				parcels = capture.ShippingInfo
			}
		}
		return !slices.ContainsFunc(c.ShippingInfo, func(p ordermanagement.ShippingInfo) bool { return !slices.Contains(parcels, p) })
	},
	Defaults: captureDefault, Form: parcelForm, Parse: parcelParse, Confirm: parcelConfirm,
}

func parcelApply(o *order.Order, c order.Command, _ order.AuditEntry) {
	if c.CaptureID == "" {
		o.ShippingInfo = append(slices.Clip(o.ShippingInfo), c.ShippingInfo...)
		return
	}
	o.Captures = slices.Clone(o.Captures)
	for i := range o.Captures {
		if capture := &o.Captures[i]; strings.EqualFold(capture.CaptureID, c.CaptureID) {
			capture.ShippingInfo = append(slices.Clip(capture.ShippingInfo), c.ShippingInfo...)
		}
	}
}

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
func (d *Draft) parcel(needed bool) []ordermanagement.ShippingInfo {
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

func (d *Draft) parcelGroup(title, hint string) form.Group {
	var suggested []form.Option
	for _, name := range append(carriers[strings.ToUpper(d.Order.ShippingAddress.Country)], carrierIDs...) {
		suggested = append(suggested, form.Option{Value: name})
	}
	methods := []form.Option{{Label: "Not specified"}}
	for _, id := range ordermanagement.ShippingMethods {
		label := methodNames[id]
		if label == "" {
			label = id
		}
		methods = append(methods, form.Option{Value: id, Label: label})
	}
	return form.Group{Title: title, Hint: hint, Inputs: []form.Input{
		d.input(form.Input{Name: "carrier", Label: "Carrier", Options: suggested}),
		d.input(form.Input{Name: "tracking", Label: "Tracking number"}),
		d.input(form.Input{Name: "tracking_link", Label: "Tracking link", Hint: "Where the shopper can follow the parcel.", Kind: "url"}),
		d.input(form.Input{Name: "method", Label: "Delivery", Kind: "select", Options: methods}),
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

func parcelParse(d *Draft) {
	c := &d.Command
	c.CaptureID = d.captureID(false)
	c.ShippingInfo = d.parcel(true)
}

func parcelForm(d *Draft, f *form.Form) {
	group := d.parcelGroup("Parcel", "Klarna shows it to the shopper. What was added before stays.")
	if len(d.Order.Captures) > 0 {
		group.Inputs = append([]form.Input{d.captureInput("What it is for", true)}, group.Inputs...)
	}
	f.Groups = append(f.Groups, group)
}

func parcelConfirm(d *Draft, q *form.Question) {
	q.Ask = "Add this parcel?"
	q.Button = "Add the parcel"
	q.Body = parcelText(d.Command)
	about := "It is for the order as a whole."
	if c, found := d.Order.Capture(d.Command.CaptureID); found {
		about = "It is for the capture " + captureText(c, d.Order) + "."
	}
	q.Body = append(q.Body, about, "It cannot be taken back.")
}
