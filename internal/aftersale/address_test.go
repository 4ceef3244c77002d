package aftersale_test

import (
	"slices"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// taxed is an order of New York with 31.20, 1.20 of it sales tax.
func (w *world) taxed(method string) order.Order {
	w.T.Helper()
	id, place := cart.NewID(), cart.Place{Region: "NY", PostalCode: "10001"}
	w.Change(id, cart.Change{Country: "US", Locale: "en-US", Set: []cart.Line{{SKU: "SLT-1", Quantity: 3}}, Place: &place})
	orderID := w.Open(id)
	w.Press(orderID, fakeklarna.Buy{Method: method}, "region", place.Region, "postal_code", place.PostalCode)
	return w.Place(orderID)
}

// moved sends an order to a place with another sales tax.
func moved(o order.Order, region, postalCode string, tax int64) order.Command {
	address, lines := o.ShippingAddress, slices.Clone(o.OrderLines)
	address.Region, address.PostalCode = region, postalCode
	for i := range lines {
		if l := &lines[i]; l.Type == klarna.SalesTax {
			l.UnitPrice, l.TotalAmount = moneyOf(tax), moneyOf(tax)
		}
	}
	return shoptest.Command(o, aftersale.Address.Name, func(c *order.Command) { c.ShippingAddress, c.OrderLines = &address, lines })
}

// An address changes with its amount, or neither does: whichever of the calls Klarna refuses or does not
// answer, whoever looks at the order meanwhile, and also when Klarna has forgotten the keys.
func TestAddressWithItsAmount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	lower := func(o order.Order) order.Command { return moved(o, "OR", "97201", 0) }
	higher := func(o order.Order) order.Command { return moved(o, "NJ", "07001", 199) }
	const address, sum = "customer-details", "authorization"
	fault := func(o order.Order, path string, status int) {
		w.Fake.AddFault(fakeklarna.Fault{Method: "PATCH", Path: "/ordermanagement/v1/orders/*/" + path, OrderID: o.OrderID, Status: status, Count: -1})
	}
	for _, tc := range []struct {
		name, method string
		of           func(order.Order) order.Command
		path         string // of the call that fails
		first        int    // its answer at first; 403 is the end
		then         int    // in the loop, 0 is Klarna's own
		after        time.Duration
		want         order.Result
	}{
		{"lower with a card, refused", "card", lower, address, 403, 0, 0, order.Refused},
		{"lower, the amount refused", "card", lower, sum, 403, 0, 0, order.Refused},
		{"higher, refused", "", higher, address, 403, 0, 0, order.Refused},
		{"higher, the amount refused", "", higher, sum, 403, 0, 0, order.Refused},
		{"lower, the address at last", "card", lower, address, 500, 0, time.Minute, order.Done},
		{"lower, the amount at last", "card", lower, sum, 500, 0, time.Minute, order.Done},
		{"lower, refused at last", "card", lower, address, 500, 403, time.Minute, order.Refused},
		{"lower, the amount refused at last", "card", lower, sum, 500, 403, time.Minute, order.Refused},
		{"higher, the address at last", "", higher, address, 500, 0, time.Minute, order.Done},
		{"higher, refused at last", "", higher, address, 500, 403, time.Minute, order.Refused},
		{"lower, the address forgotten", "card", lower, address, 500, 0, 25 * time.Hour, order.Refused},
		{"lower, the amount forgotten", "card", lower, sum, 500, 0, 25 * time.Hour, order.Done},
		{"lower, the amount forgotten and refused", "card", lower, sum, 500, 403, 25 * time.Hour, order.Refused},
		{"higher, the address forgotten", "", higher, address, 500, 0, 25 * time.Hour, order.Refused},
		{"higher, the amount forgotten", "", higher, sum, 500, 0, 25 * time.Hour, order.Refused},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w.T = t
			o := w.taxed(tc.method)
			c := tc.of(o)
			fault(o, tc.path, tc.first)
			if tc.after == 0 {
				w.Do(o, c, tc.want)
			} else {
				w.Do(o, c, order.Unknown)
				w.let(o.OrderID)
				if _, err := w.Book.Refresh(t.Context(), o.OrderID); err != nil { // somebody looks at it
					t.Fatal(err)
				}
				w.Fake.ClearFaults()
				if tc.then != 0 {
					fault(o, tc.path, tc.then)
				}
				w.Round(tc.after)
			}
			w.Fake.ClearFaults()
			now := w.Agrees(o.OrderID)
			m, _ := w.Fake.Managed(o.OrderID)
			to, amount := o.ShippingAddress.Region, o.OrderAmount
			if tc.want == order.Done {
				to = c.ShippingAddress.Region
				amount, _, _ = klarna.Sums(c.OrderLines)
			}
			if now.OrderAmount != amount || now.ShippingAddress.Region != to || m.ShippingAddress.Region != to {
				t.Errorf("%d to %s, at Klarna to %s; want %d to %s", now.OrderAmount, now.ShippingAddress.Region, m.ShippingAddress.Region, amount, to)
			}
			if story := w.Audited(o.OrderID); story[len(story)-1] != "shipping_address "+string(tc.want) {
				t.Errorf("the audit: %v", story)
			}
		})
	}
}
