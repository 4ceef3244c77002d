package backoffice_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/backoffice/team"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

const password = shoptest.Password

// office is a shop that listens, seen by its staff.
type office struct{ *shoptest.World }

func newOffice(t testing.TB) *office { t.Helper(); return newOfficeOf(t, shoptest.Options{}) }

func newOfficeOf(t testing.TB, o shoptest.Options) *office {
	t.Helper()
	o.Config = behindProxy
	return &office{shoptest.Serve(t, o)}
}

func behindProxy(c *shop.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
}

// newAgreeing is an office of a shop that agrees to all that is bought: also to what
// is sold out, and to an order that is not the cart's any more.
func newAgreeing(t testing.TB) *office {
	t.Helper()
	return newOfficeOf(t, shoptest.Options{Fake: fakeklarna.Options{CallbackTransport: fakeklarna.Agree()}})
}

// newInspected is such an office whose story is written.
func newInspected(t testing.TB) *office {
	t.Helper()
	o := newAgreeing(t)
	o.Beside(func(ctx context.Context) { o.Story.Run(ctx) })
	return o
}

// serve starts one more process with a team, and returns where it listens.
func (o *office) serve(staff string) (url string) {
	o.T.Helper()
	members, err := team.Parse(staff)
	if err != nil {
		o.T.Fatal(err)
	}
	_, url = o.Listen(func(c *shop.Config) {
		behindProxy(c)
		c.Team = members
	})
	return url
}

// The lines of the order that buy makes: mugs at 149, a jam at 129 and the delivery at 49 SEK.
const (
	mugField      = "q:physical:MUG-1"
	jamField      = "q:physical:JAM-1"
	deliveryField = "q:shipping_fee:mailboat"
	all           = 4*14900 + 12900 + 4900 // what it comes to
)

// sell places an order of a market that is bought in some way. typed are address
// members, by name and text.
func (o *office) sell(country, locale string, buy fakeklarna.Buy, goods []cart.Line, typed ...string) order.Order {
	o.T.Helper()
	id := cart.NewID()
	o.Change(id, cart.Change{Country: country, Locale: locale, Set: goods})
	orderID := o.Open(id)
	o.Press(orderID, buy, typed...)
	return o.Place(orderID)
}

// sale is a purchase of so many mugs, a jam, a book and a download, placed in the book.
func (o *office) sale(mugs int, typed ...string) order.Order {
	o.T.Helper()
	goods := []cart.Line{{SKU: "MUG-1", Quantity: mugs}, {SKU: "JAM-1", Quantity: 1}, {SKU: "BOK-4", Quantity: 1}, {SKU: "AUD-1", Quantity: 1}}
	return o.sell("SE", "en-SE", fakeklarna.Buy{}, goods, typed...)
}

// buy is an order of four mugs and a jam in Sweden, bought and in the book.
func (o *office) buy(typed ...string) order.Order {
	o.T.Helper()
	return o.buyIn("SE", "en-SE", fakeklarna.Buy{}, typed...)
}

func (o *office) buyIn(country, locale string, buy fakeklarna.Buy, typed ...string) order.Order {
	o.T.Helper()
	return o.sell(country, locale, buy, []cart.Line{{SKU: "MUG-1", Quantity: 4}, {SKU: "JAM-1", Quantity: 1}}, typed...)
}

// checkout is a cart with three mugs and its order, which is not bought.
func (o *office) checkout() (cartID, orderID string) {
	o.T.Helper()
	cartID = cart.NewID()
	o.Put(cartID, "MUG-1", 3)
	return cartID, o.load(cartID)
}

// load is a shopper's checkout page; it returns the cart's order.
func (o *office) load(cartID string) (orderID string) {
	o.T.Helper()
	got, err := o.Sync(cartID, cartsync.Load)
	if err != nil {
		o.T.Fatal(err)
	}
	return got.OrderID
}

// bought is an order that is bought and placed.
func (o *office) bought(orderID string) order.Order {
	o.T.Helper()
	o.Buy(orderID)
	return o.Place(orderID)
}

// settle waits until the story of an order has n entries.
func (o *office) settle(orderID string, n int) {
	o.T.Helper()
	until.Holds(o.T, fmt.Sprint(n, " entries are written"), func() bool {
		told, err := o.Story.Story(o.T.Context(), "", orderID)
		if err != nil {
			o.T.Fatal(err)
		}
		return len(told) >= n
	})
}

// do is a command of ada's that must succeed.
func (o *office) do(orderID string, c order.Command) order.Order {
	o.T.Helper()
	c.Key, c.Staff, c.At, c.Revision = uuid.NewString(), "ada", time.Now(), o.inBook(orderID).Revision
	out, err := o.Desk.Do(o.T.Context(), orderID, c)
	if err != nil || out.Result != order.Done {
		o.T.Fatalf("%s: %+v, %v", c.Action, out, err)
	}
	return out.Order
}

// capture captures quantities of what is not captured, with a parcel.
func (o *office) capture(s order.Order, quantities ...int64) order.Order {
	o.T.Helper()
	lines, sum, err := s.TakeUncaptured(quantities)
	if err != nil {
		o.T.Fatal(err)
	}
	return o.do(s.OrderID, order.Command{
		Action: aftersale.Capture.Name, Amount: sum, OrderLines: lines, Description: "First parcel",
		Shipments: []order.Shipment{{Carrier: "PostNord", TrackingNumber: "SE123", TrackingURI: "https://track.example/SE123"}},
	})
}

// refund refunds quantities of what was captured.
func (o *office) refund(s order.Order, quantities ...int64) order.Order {
	o.T.Helper()
	lines, sum, err := s.TakeRefundable(quantities)
	if err != nil {
		o.T.Fatal(err)
	}
	return o.do(s.OrderID, order.Command{Action: aftersale.Refund.Name, Amount: sum, OrderLines: lines})
}

// partly is an order of four mugs, of which three are captured with the jam, and one of
// these is refunded.
func (o *office) partly() order.Order {
	o.T.Helper()
	s := o.capture(o.sale(4), 3, 1, 0, 0, 0)
	return o.refund(s, 1, 0)
}

// managed is the order as Klarna has it.
func (o *office) managed(orderID string) fakeklarna.ManagedOrder {
	o.T.Helper()
	m, found := o.Fake.Managed(orderID)
	if !found {
		o.T.Fatal("Klarna does not know the order")
	}
	return m
}

// inBook is the order as the book has it.
func (o *office) inBook(orderID string) order.Order {
	o.T.Helper()
	kept, found, err := o.Book.ByOrderID(o.T.Context(), orderID)
	if err != nil || !found {
		o.T.Fatalf("order of the book: %v, %v", found, err)
	}
	return kept
}

// amounts demands the same amounts of Klarna and the book.
func (o *office) amounts(s order.Order, authorized, captured, refunded int64) {
	o.T.Helper()
	m, kept := o.managed(s.OrderID), o.inBook(s.OrderID)
	if got, want := [3]int64{m.OrderAmount, m.CapturedAmount, m.RefundedAmount}, [3]int64{authorized, captured, refunded}; got != want {
		o.T.Errorf("Klarna has authorized, captured, refunded %v, want %v", got, want)
	}
	if got, want := [3]int64{int64(kept.OrderAmount), int64(kept.CapturedAmount), int64(kept.RefundedAmount)}, [3]int64{authorized, captured, refunded}; got != want {
		o.T.Errorf("the book has authorized, captured, refunded %v, want %v", got, want)
	}
}
