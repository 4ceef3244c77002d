package aftersale

import (
	"slices"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
)

// retaxed returns the lines of an order with the tax at another address in the same
// country by the version that it was priced by: sales tax by region, no VAT in places without. It is false where the tax there
// may be another and cannot be computed: the region cannot be read, the tax is the merchant's own, a
// product is not in the catalogue, or goods with VAT were captured.
func retaxed(v *publish.Version, o order.Order, address klarna.Address) ([]klarna.OrderLine, bool) {
	markets := v.Shop.Markets
	m, _ := markets.Lookup(o.PurchaseCountry)
	if m.Scheme == market.SalesTax && o.OwnSalesTax() {
		was, _ := m.Region(o.ShippingAddress.Region)
		is, read := m.Region(address.Region)
		return o.OrderLines, read && is == was
	}
	if m.Scheme == market.SalesTax {
		terms := o.Terms.At(markets, o, address)
		if terms.SalesTax == nil {
			return nil, false
		}
		lines, err := o.Recomputed(o.OrderLines, terms)
		return lines, err == nil
	}
	from, to := deliveryTo(markets, o, o.ShippingAddress), deliveryTo(markets, o, address)
	if from.Untaxed() == to.Untaxed() {
		return o.OrderLines, true
	}
	if o.CapturedAmount > 0 {
		return nil, false
	}
	o.OrderLines = slices.Clone(o.OrderLines)
	rates := map[klarna.Rate]klarna.Rate{} // of the discounts, by the one that they had
	for i, line := range o.OrderLines {
		if !line.IsGoods() {
			continue
		}
		product, known := v.Catalog.Product(line.Reference)
		if !known {
			return nil, false
		}
		if was, err := klarna.RateOf(from.Rate(product.Class)); err != nil || was != line.TaxRate {
			continue // a rate of its own
		}
		changed, err := taxedAt(m, line, to, m.Rate(product.Class), to.Rate(product.Class))
		if err != nil {
			return nil, false
		}
		if _, known := rates[line.TaxRate]; !known && product.Class != market.None {
			rates[line.TaxRate] = changed.TaxRate
		}
		o.OrderLines[i] = changed
	}
	lines, err := cart.Redelivered(v.Catalog, m, to, o.OrderLines)
	if err != nil {
		return nil, false
	}
	var merged []klarna.OrderLine // discounts that have one rate now are one
	for _, line := range lines {
		if line.Type == klarna.Discount {
			if rate, known := rates[line.TaxRate]; known {
				line.TaxRate = rate
			}
			at := slices.IndexFunc(merged, func(l klarna.OrderLine) bool {
				return l.Type == line.Type && l.Reference == line.Reference && l.TaxRate == line.TaxRate
			})
			if at >= 0 {
				line.TotalAmount += merged[at].TotalAmount
				merged = slices.Delete(merged, at, at+1)
			}
			if line.TotalTaxAmount, err = line.TaxRate.Tax().Included(line.TotalAmount); err != nil {
				return nil, false
			}
			line.Quantity, line.UnitPrice, line.TotalDiscountAmount = 1, line.TotalAmount, 0
		}
		merged = append(merged, line)
	}
	o.OrderLines = merged
	lines, err = o.Recomputed(merged, o.Terms)
	return lines, err == nil
}

// taxedAt returns a line of goods at the rate of another place. Where the market's prices
// are lower without VAT, the price holds home's rate or loses it.
func taxedAt(m market.Market, line klarna.OrderLine, to market.Delivery, home, rate money.TaxRate) (klarna.OrderLine, error) {
	if m.UntaxedPrices == market.WithoutVAT {
		tax, err := home.Included(line.UnitPrice)
		if !to.Untaxed() {
			tax, err = home.OnTop(-line.UnitPrice)
		}
		if err != nil {
			return line, err
		}
		line.UnitPrice -= tax
	}
	lines, err := klarna.NewLines([]klarna.Item{{
		Type: line.Type, Reference: line.Reference, Name: line.Name, Quantity: line.Quantity, QuantityUnit: line.QuantityUnit,
		UnitPrice: line.UnitPrice, TaxRate: rate, TotalDiscount: line.TotalDiscountAmount, ProductURL: line.ProductURL, ImageURL: line.ImageURL, Told: line.Told,
	}})
	if err != nil {
		return line, err
	}
	return lines.OrderLines[0], nil
}
