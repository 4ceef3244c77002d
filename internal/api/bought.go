package api

import (
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
)

// bought tells of a session that was bought what its order says: its cart is gone, a month after the sale or with Redis.
func (s *Session) bought(o order.Order, lines []checkoutsession.Line) {
	s.Country, s.Currency, s.Locale = o.PurchaseCountry, string(o.PurchaseCurrency), o.Locale
	s.OrderAmount, s.OrderTaxAmount = int64(o.OrderAmount), int64(o.OrderTaxAmount)
	parts, fee := map[string][]klarna.OrderLine{}, []klarna.OrderLine(nil)
	for i, id := range o.LineIDs() {
		name, _, _ := strings.Cut(o.LineNames[id], ":") // one of several parts
		switch line := o.OrderLines[i]; {
		case name != "":
			parts[name] = append(parts[name], line)
		case line.Type == klarna.ShippingFee:
			fee = append(fee, line)
		}
	}
	for _, line := range lines {
		if of := parts[line.ID]; of != nil { // else nothing of it was taken
			s.OrderLines = append(s.OrderLines, boughtLine(line, of))
		}
	}
	if fee != nil {
		way := Delivery{ID: o.Delivery.ID, Name: o.Delivery.Name, PickupPoint: pickupPoint(o.Delivery.PickupLocation)}
		largest := fee[0]
		for _, line := range fee {
			way.Price += int64(line.TotalAmount)
			if line.TotalAmount > largest.TotalAmount {
				largest = line
			}
		}
		way.TaxRate = int64(largest.TaxRate)
		s.DeliveryOption, s.DeliveryOptions = &way, []Delivery{way}
	}
}

// boughtLine is a line of a session as its parts in the order say, one for each rate of tax.
func boughtLine(said checkoutsession.Line, parts []klarna.OrderLine) Line {
	first := parts[0]
	line := cart.BasketLine{ID: said.ID, Type: first.Type, Reference: first.Reference, Name: first.Name, Quantity: first.Quantity, Discount: first.TotalDiscountAmount}
	line.MerchantData = first.MerchantData
	if said.Type != "" { // the rest is the catalogue's otherwise, which the merchant has not said
		line.Image, line.Page, line.Told = first.ImageURL, first.ProductURL, first.Told
	}
	priced := cart.Priced{UnitPrice: first.UnitPrice, TaxRate: &first.TaxRate}
	for _, part := range parts {
		priced.TotalAmount += part.TotalAmount
		priced.TotalTax += part.TotalTaxAmount
	}
	if len(parts) > 1 {
		priced.UnitPrice, priced.TaxRate = priced.TotalAmount, nil
	}
	return lineOf(line, priced)
}
