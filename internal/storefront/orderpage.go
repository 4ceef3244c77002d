package storefront

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// orderPage shows an order to everybody who has its key. A wrong key gets the answer of
// an unknown order.
func (s *Storefront) orderPage(w http.ResponseWriter, r *http.Request, v *view) {
	// The address holds the key: it goes into no index.
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	o, _, err := s.Book.ByNumber(r.Context(), chi.URLParam(r, "number"))
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	if !o.HasKey(r.URL.Query().Get("key")) {
		s.notFound(w, r, v)
		return
	}
	o = s.Book.Fresh(r.Context(), o)
	page := templates.OrderPageView{
		Shell: v.shell(), Order: v.bought(o), Number: o.Number,
		Placed: v.day(o.PlacedAt), Erased: v.day(o.ErasedAt), State: stateOf(o), Free: o.Free(),
	}
	v.sendings(&page, o)
	respond.Page(w, r, http.StatusOK, templates.OrderPage(page))
}

// stateOf returns the state of an order, for its buyer.
func stateOf(o order.Order) templates.OrderState {
	refunded := o.CapturedAmount > 0 && o.RefundedAmount >= o.CapturedAmount && o.RemainingAuthorizedAmount == 0
	switch {
	case o.Free():
		return stateOfFree(o)
	case o.Pending():
		return templates.OrderPending
	case refunded, o.Status == ordermanagement.Closed && o.RefundedAmount >= o.CapturedAmount:
		return templates.OrderRefunded
	case o.Status == ordermanagement.Cancelled:
		return templates.OrderCancelled
	case o.Status == ordermanagement.Expired:
		return templates.OrderExpired
	case o.Status == ordermanagement.PartCaptured:
		return templates.OrderPartSent
	case o.Status == ordermanagement.Captured, o.Status == ordermanagement.Closed:
		return templates.OrderSent
	case o.FraudStatus == ordermanagement.FraudRejected:
		return templates.OrderRejected
	}
	return templates.OrderReceived
}

// stateOfFree returns the state of an order for which nothing was to be paid: shipments
// say how far it is.
func stateOfFree(o order.Order) templates.OrderState {
	switch {
	case o.Status == ordermanagement.Cancelled:
		return templates.OrderCancelled
	case len(o.Shipments) == 0:
		return templates.OrderReceived
	case o.ToShip():
		return templates.OrderPartSent
	}
	return templates.OrderSent
}

// priceIn returns a function that formats amounts of an order in the page's locale.
func (v *view) priceIn(o order.Order) func(money.Amount) templates.Amount {
	return func(a money.Amount) templates.Amount {
		return templates.Amount{Text: money.Format(a, o.PurchaseCurrency, v.cart.Locale), Minor: int64(a)}
	}
}

// bought returns an order as pages show it: as Klarna authorized it, not at today's
// prices.
func (v *view) bought(o order.Order) templates.Order {
	price := v.priceIn(o)
	shown := templates.Order{Totals: templates.Totals{Total: price(o.OrderAmount)}}
	var goods, discount, delivery money.Amount // sums of an order that Klarna has checked
	for _, line := range o.OrderLines {
		switch line.Type { //nolint:exhaustive // the other types we never send
		case klarna.Physical, klarna.Digital:
			goods += line.TotalAmount
			shown.Items += int(line.Quantity)
			item := templates.Line{
				SKU: line.Reference, Name: templates.In(line.Name, i18n.LangOf(o.Locale)), Quantity: int(line.Quantity),
				Stock: templates.Uncounted, UnitPrice: price(line.UnitPrice).Text, Total: price(line.TotalAmount),
			}
			if p, known := v.version.Catalog.Product(line.Reference); known {
				item.Picture = p.Picture
			}
			shown.Lines = append(shown.Lines, item)
		case klarna.Discount:
			discount += line.TotalAmount
			shown.Discount.Code = line.Reference
		case klarna.ShippingFee:
			delivery += line.TotalAmount // a line for each tax rate
			shown.Totals.Delivery = new(price(delivery))
			shown.Totals.DeliveryName = line.Name
			m, _ := v.version.Markets.Lookup(o.PurchaseCountry)
			if option, offered := m.Option(line.Reference); offered { // it may have been given up since
				shown.Totals.DeliveryName, _ = option.Name.In(v.lang)
				shown.Totals.DeliveryTime, _ = option.Time.In(v.lang)
			}
		case klarna.SalesTax:
			shown.Totals.SalesTax = new(price(line.TotalAmount))
		}
	}
	shown.Totals.Goods = price(goods)
	if discount != 0 {
		shown.Totals.Discount = new(price(discount))
	}
	if shown.Totals.SalesTax == nil {
		shown.Totals.VAT = money.FormatExact(o.OrderTaxAmount, o.PurchaseCurrency, v.cart.Locale)
	}
	return shown
}
