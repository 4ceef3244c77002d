package backoffice

import (
	"net/http"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/web/templates"
)

func isPhysical(l klarna.OrderLine) bool { return l.Type == klarna.Physical }

// packingSlip shows the slip for the parcel: the goods and the address, without prices.
func (b *Backoffice) packingSlip(w http.ResponseWriter, r *http.Request) {
	o, ok := b.theOrder(w, r)
	if !ok {
		return
	}
	v := templates.PackingSlipView{
		Number: o.Number, OrderURL: orderPath(o.Number), Placed: form.Day(o.PlacedAt), DeliverTo: addressLines(o.ShippingAddress),
		Phone: o.ShippingAddress.Phone, Stop: stop(o),
	}
	if o.Erased() {
		v.DeliverTo, v.Stop = []string{erasedText(o)}, erasedText(o)
	}
	var things, downloads int
	for _, s := range o.Lines()[:len(o.OrderLines)] {
		l := s.Line
		switch l.Type { //nolint:exhaustive // the others are neither sent nor say how
		case klarna.Physical:
			things += int(l.Quantity)
			v.Lines = append(v.Lines, templates.SlipLine{Name: templates.In(l.Name, i18n.LangOf(o.Locale)), Reference: l.Reference, Quantity: quantity(l.Quantity)})
		case klarna.Digital:
			downloads += int(l.Quantity)
		case klarna.ShippingFee:
			v.Delivery = l.Name
		}
	}
	v.Things = form.Count(things, "item") + "."
	if downloads > 0 {
		v.Downloads = form.Count(downloads, "download") + " not in the parcel."
	}
	b.page(w, r, http.StatusOK, "Packing slip "+o.Number, navOrders, templates.PackingSlip(v))
}

// stop returns the reason why nothing of an order must be sent, or "".
func stop(o order.Order) string {
	switch {
	case o.Status == ordermanagement.Cancelled:
		return "The order is cancelled."
	case o.Status == ordermanagement.Expired:
		return "The order has expired."
	case o.FraudStatus == ordermanagement.FraudPending:
		return "Klarna is still checking this order."
	case o.FraudStatus == ordermanagement.FraudRejected:
		return "Klarna rejected this order."
	}
	return ""
}
