package shoptest

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// Gifts is the demo's shop with another catalogue and the code ALL, which takes off all that goods cost: two that are
// shipped, one that is not, and a voucher, of which no code takes anything off.
func Gifts(t testing.TB, changes ...func(*settings.Shop)) *publish.Version {
	t.Helper()
	goods, err := catalog.Read(strings.NewReader(`{"currencies": ["SEK", "EUR", "USD"], "products": [
		{"sku": "MUG-1", "category": "things", "name": {"en": "Mug", "sv": "Mugg"}, "stock": 40, "tax_class": "standard", "prices": {"SEK": 14900, "EUR": 1390, "USD": 1500}},
		{"sku": "JAM-1", "category": "things", "name": {"en": "Jam", "sv": "Sylt"}, "stock": 40, "tax_class": "food", "prices": {"SEK": 8900, "EUR": 790, "USD": 900}},
		{"sku": "EBK-1", "category": "things", "name": {"en": "E-book", "sv": "E-bok"}, "digital": true, "tax_class": "book", "prices": {"SEK": 9900, "EUR": 990, "USD": 1000}},
		{"sku": "GIFT-1", "category": "things", "name": {"en": "Voucher", "sv": "Presentkort"}, "digital": true, "tax_class": "none", "prices": {"SEK": 50000, "EUR": 5000, "USD": 5000}}
	]}`))
	if err != nil {
		t.Fatal(err)
	}
	own := *skerry.Version().Shop
	own.Campaigns = campaign.List{{ID: "all", Code: "ALL", Percent: 10000}, {ID: "ten", Code: "TEN", Percent: 1000}}
	for _, change := range changes {
		change(&own)
	}
	return publish.NewVersion(1, &own, goods)
}

// FreeCart is a cart of Gifts for which nothing is to be paid: one of each SKU, collected
// where something is shipped. Its order is the shop's own.
func (w *World) FreeCart(skus ...string) cart.Cart {
	w.T.Helper()
	id := cart.NewID()
	for _, sku := range skus {
		w.Put(id, sku, 1)
	}
	code := "ALL"
	w.Change(id, cart.Change{DiscountCode: &code, ShippingOption: "collect"})
	result, err := w.Sync(id, cartsync.Load)
	if err != nil || result.Outcome != cartsync.Free {
		w.T.Fatalf("got outcome %d, %v", result.Outcome, err)
	}
	return w.Cart(id)
}

// Eva is who orders for nothing.
var Eva = klarna.Address{
	GivenName: "Eva", FamilyName: "Lindqvist", Email: "eva.lindqvist@example.com",
	StreetAddress: "Strandgatan 4", PostalCode: "621 56", City: "Visby", Country: "SE",
}

// PlaceFree places the order of a cart for which nothing is to be paid, by a process's book.
func (w *World) PlaceFree(book *order.Book, c cart.Cart) (order.Order, error) {
	w.T.Helper()
	quote, err := w.Pricer.Quote(c.Contents)
	if err != nil {
		w.T.Fatal(err)
	}
	return book.PlaceFree(w.T.Context(), c, quote, order.Typed{Address: Eva})
}
