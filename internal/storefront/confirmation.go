package storefront

import (
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/web/templates"
)

// boughtLines is what an order took out of the cart.
func boughtLines(order kco.Order) []cart.Line {
	var lines []cart.Line
	for _, line := range order.OrderLines {
		if line.Type == klarna.Physical || line.Type == klarna.Digital {
			lines = append(lines, cart.Line{SKU: line.Reference, Quantity: int(line.Quantity)})
		}
	}
	return lines
}

// confirmation is the page after the purchase. Only the buyer's own session sees what was bought.
func (v *view) confirmation(order kco.Order, own bool, nonce string) templates.ConfirmationView {
	page := templates.ConfirmationView{Shell: v.shell()}
	if !own {
		return page
	}
	currency := money.Currency(strings.ToUpper(order.PurchaseCurrency))
	price := func(a money.Amount) templates.Amount {
		return templates.Amount{Text: money.Format(a, currency, v.cart.Locale), Minor: int64(a)}
	}
	bought := templates.Order{Totals: templates.Totals{Total: price(order.OrderAmount)}}
	var goods, discount money.Amount // sums of an order that Klarna has checked
	for _, line := range order.OrderLines {
		switch line.Type { //nolint:exhaustive // the other types we never send
		case klarna.Physical, klarna.Digital:
			goods += line.TotalAmount
			bought.Items += int(line.Quantity)
			shown := templates.Line{
				SKU: line.Reference, Name: templates.Text{Text: line.Name}, Quantity: int(line.Quantity),
				Stock: templates.Uncounted, UnitPrice: price(line.UnitPrice).Text, Total: price(line.TotalAmount),
			}
			if p, known := v.Catalog.Product(line.Reference); known {
				shown.Picture = p.Picture
			}
			bought.Lines = append(bought.Lines, shown)
			page.Ships = page.Ships || line.Type == klarna.Physical
			page.Downloads = page.Downloads || line.Type == klarna.Digital
		case klarna.Discount:
			discount += line.TotalAmount
			bought.Discount.Code = line.Reference
		case klarna.ShippingFee:
			bought.Totals.Delivery, bought.Totals.DeliveryOption = new(price(line.TotalAmount)), line.Reference
		case klarna.SalesTax:
			bought.Totals.SalesTax = new(price(line.TotalAmount))
		}
	}
	bought.Totals.Goods = price(goods)
	if discount != 0 {
		bought.Totals.Discount = new(price(discount))
	}
	if bought.Totals.SalesTax == nil {
		bought.Totals.VAT = money.FormatExact(order.OrderTaxAmount, currency, v.cart.Locale)
	}
	page.Order = &bought
	// Until the order book gives it a number, the order is known by the head of Klarna's ID.
	page.Reference, _, _ = strings.Cut(order.OrderID, "-")
	page.Snippet = kco.Snippet(order.HTMLSnippet, nonce)
	return page
}
