package aftersale

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Parcel tells Klarna and the shopper of a parcel, of the order or of one capture.
var Parcel = &Action{
	Name: "shipping_info", Slug: "shipping-info", Needs: permission.Fulfil, Title: "Add shipping info", Busy: "Adding…", Noun: "parcel", Did: "added a parcel", Try: "add a parcel",
	Result: func(o order.Order, _ order.AuditEntry) (title, body string) {
		return "Added the parcel.", shownBy(o)
	},
	Personal: true, OwnToo: true,
	Possible: func(s State) Reason {
		if s.Order.Free() && s.Status == ordermanagement.Cancelled {
			return ReasonCancelled
		}
		return "" // of the order as a whole Klarna always takes it
	},
	Limits: func(_ order.Order, c order.Command) error {
		return ordermanagement.CheckShippingInfo(order.Infos(c.Shipments))
	},
	Check: func(s State, c order.Command) (Reason, string) {
		if c.CaptureID != "" {
			if reason, member := checkCaptureID(s, c); reason != "" {
				return reason, member
			}
		}
		return checkShipments(s.Order, c)
	},
	Send: tell,
	Own: func(_ market.List, o *order.Order, c order.Command, e order.AuditEntry) {
		o.Ship(c.Shipments, c.CaptureID, e.At)
	},
	Apply: toldApply, Has: toldHas,
	Defaults: parcelDefaults, Form: parcelForm, Parse: parcelParse, Confirm: parcelConfirm,
}

// toldTo are the shipments that Klarna has been told with a capture or ("") with
// the order as a whole.
func toldTo(whole *[]ordermanagement.ShippingInfo, captures []ordermanagement.Capture, captureID string) *[]ordermanagement.ShippingInfo {
	for i := range captures {
		if captureID != "" && strings.EqualFold(captures[i].CaptureID, captureID) {
			return &captures[i].ShippingInfo
		}
	}
	return whole
}

func toldHas(sold ordermanagement.Order, c order.Command) bool {
	there := *toldTo(&sold.ShippingInfo, sold.Captures, c.CaptureID)
	return !slices.ContainsFunc(order.Infos(c.Shipments), func(p ordermanagement.ShippingInfo) bool { return !slices.Contains(there, p) })
}

// shownBy says who shows the shopper a parcel.
func shownBy(o order.Order) string {
	if o.Free() {
		return "The page of the order shows it to the shopper."
	}
	return "Klarna shows it to the shopper."
}

func toldApply(o *order.Order, c order.Command, _ order.AuditEntry) {
	if o.Free() {
		return // Klarna has no copy
	}
	o.Captures = slices.Clone(o.Captures)
	there := toldTo(&o.ShippingInfo, o.Captures, c.CaptureID)
	for _, info := range order.Infos(c.Shipments) {
		if !slices.Contains(*there, info) {
			*there = append(slices.Clip(*there), info)
		}
	}
}

// tell tells Klarna of a command's shipments.
func tell(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
	if c.CaptureID == "" {
		a, err = m.AddShippingInfo(ctx, o.OrderID, order.Infos(c.Shipments), c.Key)
	} else {
		a, err = m.AddCaptureShippingInfo(ctx, o.OrderID, c.CaptureID, order.Infos(c.Shipments), c.Key)
	}
	return "", a, err
}

// Unsendable is why nothing of an order may be sent, "" where it may. Whoever sends it all the same may say so:
// a parcel may have left before.
func Unsendable(o order.Order) Reason {
	switch {
	case o.Shippable():
		return ""
	case o.Erased():
		return ReasonErased
	case o.Status == ordermanagement.Cancelled:
		return ReasonCancelled
	case o.Status == ordermanagement.Expired:
		return ReasonExpired
	case o.Pending():
		return ReasonFraudPending
	}
	return ReasonFraudRejected
}

// checkShipments: what is in a shipment is of the order's lines, and no more of
// them than is in no other.
func checkShipments(o order.Order, c order.Command) (Reason, string) {
	lines := map[string]int64{}
	for _, line := range o.Lines() {
		lines[line.ID] = line.Line.Quantity
	}
	for i, s := range c.Shipments {
		for j, in := range s.OrderLines {
			if lines[in.ID] -= in.Quantity; in.Quantity < 1 || lines[in.ID] < o.Shipped(in.ID, s.ID) {
				return ReasonInvalid, fmt.Sprintf("shipments[%d].order_lines[%d].quantity", i, j)
			}
		}
	}
	return "", ""
}

// shippable are the order's physical lines with how many of each are in no
// shipment, but the one with an ID.
func shippable(o order.Order, but string) (states []order.LineState, lines []klarna.OrderLine) {
	for _, s := range o.Lines() {
		line := s.Line
		line.Quantity -= o.Shipped(s.ID, but)
		if line.Type == klarna.Physical && line.Quantity > 0 {
			states, lines = append(states, s), append(lines, line)
		}
	}
	return states, lines
}

// Unshipped is what a parcel of an order is filled in with: what the packing slip says. One of a
// capture that names lines holds no more than is captured with it and in none of its parcels, nor than
// is captured and in no parcel at all: what is open goes in parcels of the order.
func Unshipped(o order.Order, captureID string) (in []order.ShipmentLine) {
	c, _ := o.Capture(captureID)
	captured := o.CapturedWith(captureID)
	for _, s := range o.Lines() {
		n := o.ToPack(s)
		if len(c.OrderLines) > 0 {
			n = min(n, captured[s.ID]-o.Held(captureID, s.ID), s.Captured-o.Shipped(s.ID, ""))
		}
		if s.Line.Type == klarna.Physical && n > 0 {
			in = append(in, order.ShipmentLine{ID: s.ID, Quantity: n})
		}
	}
	return in
}

// shipmentDefaults are the quantities of a fresh form: of a shipment with what is in it.
func (d *Draft) shipmentDefaults(id string, in []order.ShipmentLine) {
	states, lines := shippable(d.Order, id)
	for i, name := range quantityFields(lines) {
		d.Values.Set(name, strconv.FormatInt(order.Shipment{OrderLines: in}.Holds(states[i].ID), 10))
	}
}

// shipmentTable asks what is in a shipment; nil where there is nothing to ask.
func (d *Draft) shipmentTable(id string) *form.Table {
	_, lines := shippable(d.Order, id)
	if len(lines) == 0 {
		return nil
	}
	return form.NewTable("What is in it", string(d.Order.PurchaseCurrency), "Not shipped", d.quantityLines(lines))
}

// shipment is the shipment that was typed, with what is in it.
func (d *Draft) shipment(id string, needed bool) []order.Shipment {
	shipments := d.parcel(needed)
	states, lines := shippable(d.Order, id)
	quantities, _, _ := d.taken(lines)
	for i := range shipments {
		shipments[i].ID = id
		for j, n := range quantities {
			if n > 0 {
				shipments[i].OrderLines = append(shipments[i].OrderLines, order.ShipmentLine{ID: states[j].ID, Quantity: n})
			}
		}
	}
	return shipments
}

// captured puts into shipments what the command captures.
func (d *Draft) captured(shipments []order.Shipment) []order.Shipment {
	for i := range shipments {
		shipments[i].OrderLines = CapturedIn(d.Order, d.Command)
	}
	return shipments
}

// CapturedIn is what a command captures of what is in no shipment, neither of the order nor of its own.
func CapturedIn(o order.Order, c order.Command) (in []order.ShipmentLine) {
	after := o
	after.Captures = append(slices.Clip(o.Captures), ordermanagement.Capture{CaptureID: c.Key, OrderLines: c.OrderLines})
	captured := after.CapturedWith(c.Key)
	for _, left := range Unshipped(o, "") {
		left.Quantity = min(left.Quantity, captured[left.ID])
		for _, s := range c.Shipments {
			left.Quantity -= s.Holds(left.ID)
		}
		if left.Quantity > 0 {
			in = append(in, left)
		}
	}
	return in
}

// Contents says what is in a shipment: "2 × Enamel mug"; "" where nobody said.
func Contents(o order.Order, s order.Shipment) string {
	var parts []string
	for _, line := range o.Lines() {
		for _, in := range s.OrderLines {
			if in.ID == line.ID {
				parts = append(parts, strconv.FormatInt(in.Quantity, 10)+form.Space+"×"+form.Space+line.Line.Name)
			}
		}
	}
	return strings.Join(parts, ", ")
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

// MethodName is a way of delivery of Klarna's as people call it, else as Klarna does.
func MethodName(method string) string { return cmp.Or(methodNames[method], method) }

// parcel is the parcel that was typed, nil for none.
func (d *Draft) parcel(needed bool) []order.Shipment {
	p := order.Shipment{
		Carrier:        d.text("carrier", "The carrier", maxTracking),
		DeliveryMethod: d.option("method", "Delivery", ordermanagement.ShippingMethods),
		TrackingNumber: d.text("tracking", "The tracking number", maxTracking),
		TrackingURI:    d.link("tracking_link", "The tracking link"),
	}
	switch {
	case p.Info() == (ordermanagement.ShippingInfo{}):
		if needed {
			d.failField("carrier", "Enter the carrier.")
		}
		return nil
	case p.Carrier == "" && (p.TrackingNumber != "" || p.TrackingURI != "" || needed):
		d.failField("carrier", "Enter the carrier: the tracking number alone tells the shopper nothing.")
	}
	return []order.Shipment{p}
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
func (d *Draft) parcelText() []string {
	if len(d.Command.Shipments) == 0 {
		return nil
	}
	p := d.Command.Shipments[0]
	var parts []string
	for _, part := range []string{p.Carrier, p.TrackingNumber, p.TrackingURI, methodNames[p.DeliveryMethod]} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	text := []string{"Parcel: " + strings.Join(parts, ", ") + "."}
	if in := Contents(d.Order, p); in != "" {
		text = append(text, "In it: "+in+".")
	}
	return text
}

func parcelParse(d *Draft) {
	c := &d.Command
	c.CaptureID = d.captureID(false)
	c.Shipments = d.shipment("", true)
}

func parcelForm(d *Draft, f *form.Form) {
	group := d.parcelGroup("Parcel", shownBy(d.Order)+" What was added before stays.")
	if len(d.Order.Captures) > 0 {
		group.Inputs = append([]form.Input{d.captureInput("What it is for", true)}, group.Inputs...)
	}
	f.Lines, f.Groups = d.shipmentTable(""), append(f.Groups, group)
}

func parcelDefaults(d *Draft) {
	captureDefault(d)
	in := Unshipped(d.Order, d.Values.Get("capture"))
	if rest := Unshipped(d.Order, ""); len(in) == 0 && len(rest) > 0 { // it is ahead of its capture
		d.Values.Set("capture", "")
		in = rest
	}
	d.shipmentDefaults("", in)
}

func parcelConfirm(d *Draft, q *form.Question) {
	q.Ask = "Add this parcel?"
	q.Button = "Add the parcel"
	q.Body = d.parcelText()
	about := "It is for the order as a whole."
	if c, found := d.Order.Capture(d.Command.CaptureID); found {
		about = "It is for the capture " + captureText(c, d.Order) + "."
	}
	again := "It can be corrected here, and Klarna is told once more; it cannot be taken back."
	if d.Order.Free() {
		again = "It can be corrected here."
	}
	q.Body = append(q.Body, about, again)
}
