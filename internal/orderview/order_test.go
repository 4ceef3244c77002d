package orderview_test

import (
	"testing"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/orderview"
)

// The rows of an order add up to its total, however many lines of a type it has.
func TestRowsAddUp(t *testing.T) {
	const most = 2 // of each type
	o := order.Order{PurchaseCountry: "US", PurchaseCurrency: "USD", Locale: "en-US"}
	for i, kind := range []klarna.LineType{
		klarna.Physical, klarna.Digital, klarna.Discount, klarna.ShippingFee, klarna.Surcharge, klarna.SalesTax, klarna.GiftCard, klarna.StoreCredit,
	} {
		for j := range most {
			price := money.Amount(1000 + 100*i + j)
			if kind == klarna.Discount || kind == klarna.GiftCard || kind == klarna.StoreCredit {
				price = -price
			}
			o.OrderLines = append(o.OrderLines, klarna.OrderLine{Type: kind, Name: string(kind), Quantity: 1, UnitPrice: price, TotalAmount: price})
			o.OrderAmount += price
		}
	}
	v := skerry.Version()
	shown := orderview.View{Version: v, Voice: v.Shop.Voice(o.Locale), Locale: o.Locale}.Bought(o).Totals
	sum := shown.Goods.Minor + shown.Delivery.Minor + shown.SalesTax.Minor
	for _, c := range shown.Campaigns {
		sum += c.Amount.Minor
	}
	for _, s := range append(shown.Fees, shown.Credits...) {
		sum += s.Amount.Minor
	}
	if sum != shown.Total.Minor {
		t.Errorf("the rows sum to %d, the total is %d: %+v", sum, shown.Total.Minor, shown)
	}
}
