// Package orderview shows an order to its buyer: on pages and in mails, in the same words and
// amounts.
package orderview

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/web/templates"
)

// View is for whom orders are shown.
type View struct {
	Version *publish.Version
	Priced  *publish.Version // by which the order was priced; nil: Version
	Voice   i18n.Voice
	Locale  string // of amounts
}

// Page is an order with all that happened to it; shell is the frame of the page.
func (v View) Page(shell templates.Shell, o order.Order) templates.OrderPageView {
	page := templates.OrderPageView{
		Shell: shell, Order: v.Bought(o), Number: o.Number,
		Placed: v.Day(o.PlacedAt), Erased: v.Day(o.ErasedAt), State: StateOf(o), Free: o.Free(), OrderURL: Path(o),
	}
	for _, line := range o.OrderLines {
		page.Ships = page.Ships || line.Type == klarna.Physical
		page.Downloads = page.Downloads || line.Type == klarna.Digital
	}
	if page.Ships && !o.Erased() {
		page.DeliverTo = v.AddressLines(o.ShippingAddress)
	}
	v.sendings(&page, o)
	page.Right = v.right(o)
	return page
}

// StateOf returns the state of an order, for its buyer.
func StateOf(o order.Order) templates.OrderState {
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
	case o.Status == ordermanagement.Captured, o.Status == ordermanagement.Closed:
		return templates.OrderSent
	case o.State() == order.StateRejected:
		return templates.OrderRejected
	case o.Status == ordermanagement.PartCaptured, len(o.Shipments) > 0: // goods may be sent before they are captured
		return sentSoFar(o)
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
	}
	return sentSoFar(o)
}

// sentSoFar is the state of an order of which something was sent, and not by a last capture.
func sentSoFar(o order.Order) templates.OrderState {
	if slices.ContainsFunc(o.Lines(), func(l order.LineState) bool { return o.ToCome(l) > 0 }) {
		return templates.OrderPartSent
	}
	return templates.OrderSent
}

// priceIn returns a function that formats amounts of an order in the page's locale.
func (v View) priceIn(o order.Order) func(money.Amount) templates.Amount {
	return func(a money.Amount) templates.Amount {
		return templates.Amount{Text: money.Format(a, o.PurchaseCurrency, v.Locale), Minor: int64(a)}
	}
}

// Bought returns an order as pages show it: as Klarna authorized it, not at today's
// prices.
func (v View) Bought(o order.Order) templates.Order {
	price := v.priceIn(o)
	shown := templates.Order{Totals: templates.Totals{Total: price(o.OrderAmount)}, Company: v.company(o)}
	var goods, delivery, salesTax money.Amount // sums of an order that Klarna has checked
	for _, line := range o.OrderLines {
		switch line.Type { //nolint:exhaustive // discounts are below; no sale has a return fee
		case klarna.Physical, klarna.Digital:
			goods += line.TotalAmount
			shown.Items += int(line.Quantity)
			item := templates.Line{
				SKU: line.Reference, Name: templates.In(line.Name, i18n.LangOf(o.Locale)), Quantity: int(line.Quantity),
				Stock: templates.Uncounted, UnitPrice: price(line.UnitPrice).Text, Total: price(line.TotalAmount),
			}
			if p, known := v.Version.Catalog.Product(line.Reference); known {
				item.Picture = p.Picture()
			}
			shown.Lines = append(shown.Lines, item)
		case klarna.ShippingFee:
			delivery += line.TotalAmount // a line for each tax rate
			shown.Totals.Delivery = new(price(delivery))
			shown.Totals.DeliveryName = line.Name
			m, _ := cmp.Or(v.Priced, v.Version).Shop.Markets.Lookup(o.PurchaseCountry)
			if option, offered := m.Option(line.Reference); offered {
				shown.Totals.DeliveryName = option.Title(v.Voice.Lang)
				shown.Totals.DeliveryTime, _ = option.Time.In(v.Voice.Lang)
			}
		case klarna.SalesTax:
			salesTax += line.TotalAmount // perhaps of a state and of a county
			shown.Totals.SalesTax = new(price(salesTax))
		case klarna.Surcharge:
			shown.Totals.Fees = append(shown.Totals.Fees, templates.Sum{Name: line.Name, Amount: price(line.TotalAmount)})
		case klarna.GiftCard, klarna.StoreCredit:
			shown.Totals.Credits = append(shown.Totals.Credits, templates.Sum{Name: line.Name, Amount: price(line.TotalAmount)})
		}
	}
	shown.Totals.Goods, shown.Delivery, shown.PaidWith = price(goods), v.Delivery(o), o.PaymentMethod.Description
	for _, taken := range o.Taken() {
		shown.Totals.Campaigns = append(shown.Totals.Campaigns, templates.Campaign{Name: taken.Name, Amount: price(taken.Amount), Delivery: taken.Delivery})
		if taken.Delivery { // as the cart has shown it
			delivery -= taken.Amount
			shown.Totals.Delivery = new(price(delivery))
		}
	}
	if shown.Totals.SalesTax == nil {
		shown.Totals.VAT = money.FormatExact(o.OrderTaxAmount, o.PurchaseCurrency, v.Locale)
	}
	return shown
}

// company returns the company that has bought, line by line.
func (v View) company(o order.Order) (lines []string) {
	if !o.IsCompany() {
		return nil
	}
	if name := o.BillingAddress.OrganizationName; name != "" {
		lines = append(lines, name)
	}
	if number := o.Customer.OrganizationRegistrationID; number != "" {
		lines = append(lines, v.Voice.T("footer.registration", number))
	}
	return lines
}

// Path is the address of an order's page within the shop. It contains the key: only the buyer
// may see it, and it is never logged.
func Path(o order.Order) string {
	return "/orders/" + o.Number + "?key=" + url.QueryEscape(o.Key)
}

// AddressLines returns an address as on a parcel.
func (v View) AddressLines(a klarna.Address) []string {
	lines := a.Lines()
	if country := i18n.CountryName(v.Voice.Lang, strings.ToUpper(a.Country)); country != "" {
		lines = append(lines, country)
	}
	return lines
}
