package order

import (
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// What an erased order still says. The rule: what a shopper or staff have typed goes, what
// shopd and Klarna have made stays: numbers, IDs, lines, sums, times, the country. What a
// shopper has agreed to by a checkbox goes too: without a name nobody is bound by it.

// Erased reports whether the order's personal data was erased.
func (o Order) Erased() bool { return !o.ErasedAt.IsZero() }

// Needed is why an order's personal data cannot be erased yet, as the second half of a
// sentence; "" when it can. What the database alone knows is not in it.
func (o Order) Needed() string {
	switch {
	case o.Running != nil:
		return "a command is under way. Try again in a minute."
	case o.Pending():
		return "Klarna is still checking the payment."
	case !over(o.Status):
		return "it is not finished at Klarna: something can still be captured. Capture, release or cancel it first."
	case !o.Acknowledged || !o.CartClosed:
		return "it is still being placed. Try again in a minute."
	}
	return ""
}

// bare is the order without personal data. Each member that stays is named here, so what
// is added to an order is erased unless somebody says that it names nobody. A command that
// runs stays until it ends: Klarna is asked with it.
func (o Order) bare() Order {
	return Order{
		Version: o.Version, ID: o.ID, Number: o.Number, Key: o.Key, OrderID: o.OrderID, CartID: o.CartID, Origin: o.Origin, PlacedAt: o.PlacedAt, Reference: o.Reference,
		LineNames: o.LineNames,
		ErasedAt:  o.ErasedAt, Priced: o.Priced, PurchaseCountry: o.PurchaseCountry, PurchaseCurrency: o.PurchaseCurrency, Locale: o.Locale,
		OrderAmount: o.OrderAmount, OrderTaxAmount: o.OrderTaxAmount, OrderLines: each(o.OrderLines, bareLine), OwnLineIDs: o.OwnLineIDs,
		BillingAddress: bareAddress(o.BillingAddress), ShippingAddress: bareAddress(o.ShippingAddress),
		Delivery: o.Delivery.bare(), Terms: o.Terms, PaymentMethod: o.PaymentMethod, KlarnaReference: o.KlarnaReference, ExpiresAt: o.ExpiresAt,
		Status: o.Status, FraudStatus: o.FraudStatus, FraudStatusAt: o.FraudStatusAt, Flags: o.Flags,
		Revision: o.Revision, MaterialRevision: o.MaterialRevision, OriginalOrderAmount: o.OriginalOrderAmount,
		CapturedAmount: o.CapturedAmount, RefundedAmount: o.RefundedAmount, RemainingAuthorizedAmount: o.RemainingAuthorizedAmount,
		Captures: each(o.Captures, bareCapture), Refunds: each(o.Refunds, bareRefund), ShippingInfo: each(o.ShippingInfo, bareInfo),
		Shipments: each(o.Shipments, bareShipment), Restocked: o.Restocked,
		Withdrawals: each(o.Withdrawals, Withdrawal.bare), Came: o.Came,
		MerchantReference1: o.bareReference(o.MerchantReference1), MerchantReference2: o.bareReference(o.MerchantReference2),
		Running: o.Running, SendingUntil: o.SendingUntil, Expiring: o.Expiring, Acknowledged: o.Acknowledged, CartClosed: o.CartClosed,
	}
}

// bareSale is what Klarna says of an erased order, without personal data: Klarna keeps it
// for as long as its own law says.
func (o Order) bareSale(sold ordermanagement.Order) ordermanagement.Order {
	sold.BillingAddress, sold.ShippingAddress = bareAddress(sold.BillingAddress), bareAddress(sold.ShippingAddress)
	sold.Customer, sold.OrderLines = klarna.Customer{}, each(sold.OrderLines, bareLine)
	sold.Captures, sold.Refunds = each(sold.Captures, bareCapture), each(sold.Refunds, bareRefund)
	sold.ShippingInfo, sold.SelectedShippingOption = each(sold.ShippingInfo, bareInfo), nil
	sold.MerchantReference1, sold.MerchantReference2 = o.bareReference(sold.MerchantReference1), o.bareReference(sold.MerchantReference2)
	return sold
}

func each[T any](list []T, bare func(T) T) []T {
	var all []T
	for _, item := range list {
		all = append(all, bare(item))
	}
	return all
}

// bareAddress keeps what the tax follows from.
func bareAddress(a klarna.Address) klarna.Address {
	kept := klarna.Address{Country: a.Country}
	if market.ByRegion(a.Country) {
		kept.Region = a.Region
	}
	return kept
}

func bareCapture(c ordermanagement.Capture) ordermanagement.Capture {
	c.Description, c.Reference, c.ShippingInfo, c.OrderLines = "", "", each(c.ShippingInfo, bareInfo), each(c.OrderLines, bareLine)
	return c
}

func bareRefund(r ordermanagement.Refund) ordermanagement.Refund {
	r.Description, r.Reference, r.OrderLines = "", "", each(r.OrderLines, bareLine)
	return r
}

// bareInfo has no tracking: whoever has a number reads there who lives where.
func bareInfo(i ordermanagement.ShippingInfo) ordermanagement.ShippingInfo {
	return ordermanagement.ShippingInfo{ShippingMethod: i.ShippingMethod}
}

func bareShipment(s Shipment) Shipment {
	return Shipment{
		ID: s.ID, OrderLines: s.OrderLines, DeliveryMethod: s.DeliveryMethod, ShippedAt: s.ShippedAt, CaptureID: s.CaptureID,
		Told: each(s.Told, bareInfo), Seen: s.Seen,
	}
}

// bareReference keeps our own number.
func (o Order) bareReference(reference string) string {
	if reference == o.Number || reference == o.Reference {
		return reference
	}
	return ""
}

// bare is the entry without what staff have typed and without Klarna's sentences, which may
// quote it.
func (e AuditEntry) bare() AuditEntry {
	e.Messages, e.Note = nil, ""
	var kept []Change
	for _, c := range e.Changes {
		if c.Field != "merchant_reference1" && c.Field != "merchant_reference2" {
			kept = append(kept, c)
		}
	}
	e.Changes = kept
	return e
}

// bareLine is a line without what the merchant wrote beside it.
func bareLine(line klarna.OrderLine) klarna.OrderLine {
	line.MerchantData = ""
	return line
}
