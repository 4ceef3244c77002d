package storefront

import (
	"net/url"
	"time"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/web/templates"
)

// sendings adds what happened after the purchase: changes, parcels, refunds and releases.
func (v *view) sendings(page *templates.OrderPageView, o order.Order) {
	price := v.priceIn(o)
	if o.OriginalOrderAmount != 0 && o.OriginalOrderAmount != o.OrderAmount && o.Status != ordermanagement.Cancelled {
		page.Original = price(o.OriginalOrderAmount).Text
	}
	page.Parcels = parcelsOf(o.ShippingInfo)
	for _, c := range o.Captures {
		page.Sent = append(page.Sent, templates.Sending{
			Date: v.day(c.CapturedAt.Time), Amount: price(c.CapturedAmount).Text, Description: c.Description,
			Goods: goodsOf(o, c.OrderLines), Parcels: parcelsOf(c.ShippingInfo),
		})
	}
	for _, r := range o.Refunds {
		page.Refunds = append(page.Refunds, templates.Refund{
			Date: v.day(r.RefundedAt.Time), Amount: price(r.RefundedAmount).Text, Description: r.Description, Goods: goodsOf(o, r.OrderLines),
		})
	}
	switch {
	case o.CapturedAmount == 0:
	case o.Status == ordermanagement.PartCaptured:
		page.ToCome = goodsOf(o, o.Uncaptured())
	case o.OrderAmount > o.CapturedAmount && o.Status != ordermanagement.Closed:
		page.Released = price(o.OrderAmount - o.CapturedAmount).Text
	}
}

// day returns the date of a time, "" for none.
func (v *view) day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return i18n.Date(v.lang, t.UTC())
}

// goodsOf returns the goods among lines, with the names of the order.
func goodsOf(o order.Order, lines []klarna.OrderLine) []templates.Goods {
	var goods []templates.Goods
	for _, line := range lines {
		if line.Type == klarna.Physical || line.Type == klarna.Digital {
			goods = append(goods, templates.Goods{Name: templates.In(line.Name, i18n.LangOf(o.Locale)), Quantity: int(line.Quantity)})
		}
	}
	return goods
}

// parcelsOf returns the parcels, and the returns, with any details.
func parcelsOf(list []ordermanagement.ShippingInfo) []templates.Parcel {
	var parcels []templates.Parcel
	add := func(p templates.Parcel, uri string) {
		p.URL = webAddress(uri)
		if p.Carrier != "" || p.Number != "" || p.URL != "" {
			parcels = append(parcels, p)
		}
	}
	for _, info := range list {
		add(templates.Parcel{Carrier: info.ShippingCompany, Number: info.TrackingNumber}, info.TrackingURI)
		add(templates.Parcel{Return: true, Carrier: info.ReturnShippingCompany, Number: info.ReturnTrackingNumber}, info.ReturnTrackingURI)
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
