package aftersale

import (
	"context"
	"slices"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Correct makes a shipment in the book what it is. Klarna, which takes nothing
// back, is told of it once more where that differs from what it was told.
var Correct = &Action{
	Name: "correct_shipment", Slug: "correct-shipment", Needs: permission.Fulfil, Title: "Correct a shipment", Busy: "Correcting…", Noun: "correction of the shipment",
	Did: "corrected a shipment", Try: "correct a shipment",
	Result:   func(order.Order, order.AuditEntry) (title, body string) { return "Corrected the shipment.", "" },
	Personal: true, OwnToo: true,
	Possible: func(s State) Reason {
		if len(s.Order.Shipments) == 0 {
			return ReasonNothingShipped
		}
		return ""
	},
	Limits: func(_ order.Order, c order.Command) error {
		return ordermanagement.CheckShippingInfo(order.Infos(c.Shipments))
	},
	Check: func(s State, c order.Command) (Reason, string) {
		if len(c.Shipments) != 1 {
			return ReasonInvalid, "shipments"
		}
		if was, known := s.Order.Shipment(c.Shipments[0].ID); !known || was.CaptureID != c.CaptureID {
			return ReasonInvalid, "shipments"
		}
		return checkShipments(s.Order, c)
	},
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (string, klarna.Answer, error) {
		was, _ := o.Shipment(c.Shipments[0].ID)
		if slices.Contains(was.Told, c.Shipments[0].Info()) {
			return "", klarna.Answer{}, nil
		}
		return tell(ctx, m, o, c)
	},
	Own: func(_ market.List, o *order.Order, c order.Command, _ order.AuditEntry) {
		s := c.Shipments[0]
		s.CaptureID = c.CaptureID
		o.Correct(s)
	},
	Apply: toldApply, Has: toldHas,
	Defaults: func(d *Draft) {
		s, known := d.Order.Shipment(d.Values.Get(fieldShipment))
		if !known {
			s = d.Order.Shipments[len(d.Order.Shipments)-1] // it is possible
		}
		d.Values.Set(fieldShipment, s.ID)
		for name, value := range map[string]string{"carrier": s.Carrier, "tracking": s.TrackingNumber, "tracking_link": s.TrackingURI, "method": s.DeliveryMethod} {
			d.Values.Set(name, value)
		}
		d.shipmentDefaults(s.ID, s.OrderLines)
	},
	Form: func(d *Draft, f *form.Form) {
		f.Intro = []string{"The shop's pages show what you enter. Klarna keeps what it was told before, and is told this too."}
		if d.Order.Free() {
			f.Intro = []string{"The shop's pages show what you enter."}
		}
		f.Lines = d.shipmentTable(d.Values.Get(fieldShipment))
		f.Groups = append(f.Groups, d.parcelGroup("Shipment "+d.Values.Get(fieldShipment), ""))
	},
	Parse: func(d *Draft) {
		id := d.Values.Get(fieldShipment)
		was, known := d.Order.Shipment(id)
		d.Command.CaptureID = was.CaptureID
		if d.Command.Shipments = d.shipment(id, true); !known || len(d.Errors) > 0 {
			return
		}
		if is := d.Command.Shipments[0]; is.Info() == was.Info() && slices.Equal(is.OrderLines, was.OrderLines) {
			d.failField("carrier", "Nothing has changed. Change a field, or go back to the order.")
		}
	},
	Confirm: func(d *Draft, q *form.Question) {
		is := d.Command.Shipments[0]
		was, _ := d.Order.Shipment(is.ID)
		q.Ask, q.Button = "Correct this shipment?", "Correct the shipment"
		for _, f := range []form.Fact{
			{Name: "Carrier", Before: was.Carrier, After: is.Carrier},
			{Name: "Tracking number", Before: was.TrackingNumber, After: is.TrackingNumber},
			{Name: "Tracking link", Before: was.TrackingURI, After: is.TrackingURI},
			{Name: "Delivery", Before: methodNames[was.DeliveryMethod], After: methodNames[is.DeliveryMethod]},
			{Name: "What is in it", Before: Contents(d.Order, was), After: Contents(d.Order, is)},
		} {
			if f.Before != f.After {
				q.Facts = append(q.Facts, f)
			}
		}
	},
}
