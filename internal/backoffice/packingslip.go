package backoffice

import (
	"net/http"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

func isPhysical(l klarna.OrderLine) bool { return l.Type == klarna.Physical }

// packingSlip shows the slip of a parcel: what it holds and the address, without prices, and
// what campaigns took off.
// ?shipment= names the parcel; without it the slip is of what remains to be sent.
func (b *Backoffice) packingSlip(w http.ResponseWriter, r *http.Request) {
	o, ok := b.theOrder(w, r)
	if !ok {
		return
	}
	var parcel *order.Shipment
	if id := r.URL.Query().Get("shipment"); id != "" {
		found, known := o.Shipment(id)
		if !known {
			b.notFound(w, r)
			return
		}
		parcel = &found
	}
	b.page(w, r, http.StatusOK, "Packing slip "+o.Number, navOrders, templates.PackingSlip(b.slip(o, parcel)))
}

// packingSlips shows the slips of what remains to be sent of several orders (?order=), one page each when they
// are printed. Orders of which nothing remains, or must be sent, are only named.
func (b *Backoffice) packingSlips(w http.ResponseWriter, r *http.Request) {
	refs := slices.Compact(slices.Sorted(slices.Values(r.URL.Query()["order"])))
	if len(refs) > aftersale.MaxBulk {
		b.fail(w, r, errBadRequest)
		return
	}
	orders, err := b.Book.ByRefs(r.Context(), refs)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	slices.SortFunc(orders, func(x, y order.Order) int { return x.PlacedAt.Compare(y.PlacedAt) })
	var v templates.PackingSlipsView
	for _, o := range orders {
		switch slip := b.slip(o.In(b.zone()), nil); {
		case slip.Stop != "":
			v.Left = append(v.Left, templates.AdminReason{Actions: o.Number, Why: slip.Stop})
		case len(slip.Lines) == 0:
			v.Left = append(v.Left, templates.AdminReason{Actions: o.Number, Why: slip.Things})
		default:
			v.Slips = append(v.Slips, slip)
		}
	}
	v.Title = form.Count(len(v.Slips), "packing slip")
	b.page(w, r, http.StatusOK, v.Title, navOrders, templates.PackingSlips(v))
}

// slip is that of a parcel, nil: of what remains to be sent.
func (b *Backoffice) slip(o order.Order, parcel *order.Shipment) templates.PackingSlipView {
	v := templates.PackingSlipView{
		Shop:   b.identity(),
		Number: o.Number, OrderURL: orderPath(o.Number), Placed: form.Day(o.PlacedAt), DeliverTo: addressLines(o.ShippingAddress),
		Phone: o.ShippingAddress.Phone, Stop: stop(o),
	}
	if name := o.BillingAddress.OrganizationName; name != "" {
		v.Company = append(v.Company, templates.AdminTerm{Name: "Ordered by", Value: name})
	}
	v.Company = append(v.Company, numbers(o)...)
	if o.Erased() {
		v.DeliverTo = []string{erasedText(o)}
	}
	v.Facts, v.Fetched = b.shown().Delivery(o), o.Delivery.Fetched()
	var things int64
	for _, s := range o.Lines()[:len(o.OrderLines)] {
		switch s.Line.Type { //nolint:exhaustive // the others are neither sent nor say how
		case klarna.Physical:
			n := o.ToPack(s)
			if parcel != nil {
				n = parcel.Holds(s.ID)
			}
			if n > 0 {
				things += n
				v.Lines = append(v.Lines, templates.SlipLine{Name: templates.In(s.Line.Name, i18n.LangOf(o.Locale)), Reference: s.Line.Reference, Quantity: quantity(n)})
			}
		case klarna.ShippingFee:
			v.Delivery = s.Line.Name
		}
	}
	v.Campaigns = campaignsOf(o)
	v.Things = form.Count(int(things), "item") + "."
	switch {
	case parcel != nil && len(v.Lines) == 0:
		v.Things = "Nobody said what is in this parcel. Correct the shipment first."
	case len(v.Lines) == 0:
		v.Things = "Nothing remains to be sent."
	}
	if parcel != nil {
		v.Parcel = strings.Join(nonEmpty(parcel.Carrier, parcel.TrackingNumber), " ")
	}
	return v
}

// campaignsOf are the campaigns of an order, each with its sum.
func campaignsOf(o order.Order) (terms []templates.AdminTerm) {
	for _, taken := range o.Taken() {
		terms = append(terms, templates.AdminTerm{Name: taken.Name, Value: form.Money(taken.Amount, o.PurchaseCurrency)})
	}
	return terms
}

// hasSlip reports whether an order has goods that are sent.
func hasSlip(o order.Order) bool { return slices.ContainsFunc(o.OrderLines, isPhysical) }

// stops says why nothing of an order must be sent.
var stops = map[aftersale.Reason]string{
	aftersale.ReasonErased:        "Its personal data was erased.",
	aftersale.ReasonCancelled:     "The order is cancelled.",
	aftersale.ReasonExpired:       "The order has expired.",
	aftersale.ReasonFraudPending:  "Klarna is still checking this order.",
	aftersale.ReasonFraudRejected: "Klarna rejected this order.",
}

// stop returns the reason why nothing of an order must be sent, or "".
func stop(o order.Order) string { return stops[aftersale.Unsendable(o)] }
