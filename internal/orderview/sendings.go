package orderview

import (
	"net/url"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/web/templates"
)

// sendings adds what happened after the purchase: changes, parcels, refunds and releases.
func (v View) sendings(page *templates.OrderPageView, o order.Order) {
	price := v.priceIn(o)
	if o.OriginalOrderAmount != 0 && o.OriginalOrderAmount != o.OrderAmount && o.Status != ordermanagement.Cancelled {
		page.Original = price(o.OriginalOrderAmount).Text
	}
	page.Parcels = packed(o, "")
	for _, c := range o.Captures {
		page.Sent = append(page.Sent, v.captured(o, c, packed(o, c.CaptureID)))
	}
	page.Refunds = v.refunds(o)
	switch {
	case page.State == templates.OrderPartSent:
		page.ToCome = goodsOf(o, toCome(o))
	case o.CapturedAmount == 0, o.Status == ordermanagement.PartCaptured:
	case o.OrderAmount > o.CapturedAmount && o.Status != ordermanagement.Closed:
		page.Released = price(o.OrderAmount - o.CapturedAmount).Text
	}
}

// Part has the page tell of what came with a revision alone, 0 the newest: what was sent, what
// was refunded and what was withdrawn from.
func (v View) Part(page *templates.OrderPageView, o order.Order, revision int64) {
	part := o.At(revision)
	page.Sent, page.Parcels, page.Refunds, page.Right.Done = nil, nil, v.refunds(part), v.withdrawn(part)
	for _, c := range part.Captures {
		page.Sent = append(page.Sent, v.captured(o, c, parcelsOf(part, c.CaptureID)))
	}
	for _, s := range part.Shipments {
		if _, with := part.Capture(s.CaptureID); with && s.CaptureID != "" {
			continue
		}
		alone := part
		alone.Shipments = []order.Shipment{s}
		sent := templates.Sending{Date: v.Day(s.ShippedAt), Goods: goodsOf(o, held(o, s)), Parcels: parcelsOf(alone, s.CaptureID)}
		if c, of := o.Capture(s.CaptureID); of && len(sent.Goods) == 0 {
			sent.Goods = goodsOf(o, c.OrderLines)
		}
		page.Sent = append(page.Sent, sent)
	}
}

// captured is what was sent with a capture of an order.
func (v View) captured(o order.Order, c ordermanagement.Capture, parcels []templates.Parcel) templates.Sending {
	return templates.Sending{
		Date: v.Day(c.CapturedAt.Time), Amount: v.priceIn(o)(c.CapturedAmount).Text, Description: c.Description,
		Goods: goodsOf(o, c.OrderLines), Parcels: parcels,
	}
}

// held are the lines that are in a shipment, as far as anybody said.
func held(o order.Order, s order.Shipment) (lines []klarna.OrderLine) {
	for _, l := range o.Lines() {
		line := l.Line
		if line.Quantity = s.Holds(l.ID); line.Quantity > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// refunds are the refunds of an order, oldest first.
func (v View) refunds(o order.Order) (list []templates.Refund) {
	for _, r := range o.Refunds {
		list = append(list, templates.Refund{
			Date: v.Day(r.RefundedAt.Time), Amount: v.priceIn(o)(r.RefundedAmount).Text, Description: r.Description, Goods: goodsOf(o, r.OrderLines),
		})
	}
	return list
}

// toCome is what is not sent yet, neither by a capture nor in a parcel, as far as anybody said.
func toCome(o order.Order) (lines []klarna.OrderLine) {
	for _, l := range o.Lines() {
		line := l.Line
		if line.Quantity = o.SurelyToCome(l); line.Quantity > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// Day returns the date of a time where the shop is, "" for none.
func (v View) Day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return i18n.Date(v.Voice.Lang, t.In(v.Version.Shop.Zone))
}

// goodsOf returns the goods among lines, with the names of the order.
func goodsOf(o order.Order, lines []klarna.OrderLine) []templates.Goods {
	var goods []templates.Goods
	for _, line := range lines {
		if line.IsGoods() {
			goods = append(goods, templates.Goods{Name: templates.In(line.Name, i18n.LangOf(o.Locale)), Quantity: int(line.Quantity)})
		}
	}
	return goods
}

// parcelsOf are the shipments of a capture or ("") of the order as a whole, and
// those that go back, of which anything is told.
func parcelsOf(o order.Order, captureID string) []templates.Parcel {
	parcels := packed(o, captureID)
	for i := range parcels {
		parcels[i].Goods = nil
	}
	return parcels
}

// packed are parcelsOf with what is in each, as far as anybody said.
func packed(o order.Order, captureID string) []templates.Parcel {
	var parcels []templates.Parcel
	add := func(p templates.Parcel, uri string) {
		p.URL = webAddress(uri)
		if p.Carrier != "" || p.Number != "" || p.URL != "" || len(p.Goods) > 0 {
			parcels = append(parcels, p)
		}
	}
	for _, s := range o.Shipments {
		if strings.EqualFold(s.CaptureID, captureID) {
			add(templates.Parcel{Carrier: s.Carrier, Number: s.TrackingNumber, Goods: goodsOf(o, held(o, s))}, s.TrackingURI)
			carrier, number, uri := s.Back()
			add(templates.Parcel{Return: true, Carrier: carrier, Number: number}, uri)
		}
	}
	return parcels
}

// webAddress returns an address that is safe in a link, else "". People typed it.
func webAddress(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}
