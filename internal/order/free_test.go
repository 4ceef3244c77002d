package order_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

func freeWorld(t testing.TB) *world {
	t.Helper()
	return &world{shoptest.New(t, shoptest.Options{Version: shoptest.Gifts(t)})}
}

// placedFree is a new order for which nothing was to be paid.
func (w *world) placedFree(skus ...string) order.Order {
	w.T.Helper()
	o, err := w.PlaceFree(w.Book, w.FreeCart(skus...))
	if err != nil {
		w.T.Fatal(err)
	}
	return o
}

// onceFree holds that a cart is bought by one order of the shop's own, and closed.
func (w *world) onceFree(c cart.Cart) order.Order {
	w.T.Helper()
	o := w.InBook(c.OrderID)
	if n := w.Number("select count(*) from orders where cart_id = $1 and order_id is null and id = $2", c.ID, c.OrderID); n != 1 {
		w.T.Errorf("the order is in the book %d times", n)
	}
	if n := w.Number("select count(*) from approved_orders where cart_id = $1", c.ID); n != 0 || !o.CartClosed || !o.Acknowledged {
		w.T.Errorf("%d approved orders are left; cart closed %v, acknowledged %v", n, o.CartClosed, o.Acknowledged)
	}
	now := w.Cart(c.ID)
	if !slices.Equal(now.Bought, []string{c.OrderID}) || len(now.Lines) != 0 || now.OrderID != "" {
		w.T.Errorf("the cart is %+v", now)
	}
	return o
}

// An order for which nothing is paid is like any other but for Klarna, which is never asked:
// it is stored with its stock, found, listed, shipped, cancelled and erased.
func TestPlaceFree(t *testing.T) {
	t.Parallel()
	w := freeWorld(t)
	calls := len(w.Fake.Requests(""))
	c := w.FreeCart("MUG-1", "JAM-1", "EBK-1")
	placed, err := w.PlaceFree(w.Book, c)
	if err != nil {
		t.Fatal(err)
	}
	o := w.onceFree(c)
	if diff := cmp.Diff(placed, o); diff != "" {
		t.Errorf("what is returned is not what is stored: %s", diff)
	}
	if o.OrderID != "" || o.ID != c.OrderID || o.Ref() != c.OrderID || o.OrderAmount != 0 || o.OrderTaxAmount != 0 || o.State() != order.StateCaptured ||
		o.CapturedAmount != 0 || o.Remaining() != 0 || o.BillingAddress != shoptest.Eva || o.ShippingAddress != shoptest.Eva || !o.ToShip() || o.Number == "" || o.Key == "" {
		t.Errorf("the order is %+v", o)
	}
	for _, l := range o.Lines() {
		if l.Captured != l.Line.Quantity || l.Open.Quantity != 0 {
			t.Errorf("of %s %d are captured, %d open", l.ID, l.Captured, l.Open.Quantity)
		}
	}
	w.Levels("MUG-1", 40, 0, 1)
	w.Levels("JAM-1", 40, 0, 1)
	if got := w.Text("select type from events where subject = $1", o.ID); got != "order.created" {
		t.Errorf("the event is %q", got)
	}

	for name, q := range map[string]order.Query{
		"e-mail": {Text: "eva.lindqvist@example.com"}, "name": {Text: "lindqvist"}, "number": {Text: o.Number}, "ID": {Text: o.ID}, "SKU": {Text: "JAM-1"}, "amount": {Text: "0.00"},
		"state": {State: order.StateCaptured}, "to ship": {ToShip: true}, "country": {Country: "SE"}, "all": {},
	} {
		page, err := w.Book.List(t.Context(), q)
		if err != nil || len(page.Orders) != 1 || page.Orders[0].ID != o.ID {
			t.Errorf("%s: found %d orders, %v", name, len(page.Orders), err)
		}
	}

	// Nobody asks Klarna: neither pages nor loops, whenever.
	if got := w.Book.Fresh(t.Context(), o); !cmp.Equal(got, o) {
		t.Error("the order is another after a look")
	}
	if got, err := w.Book.Refresh(t.Context(), o.Ref()); err != nil || !cmp.Equal(got, o) {
		t.Error("the order is another when it is refreshed", err)
	}
	for _, in := range []time.Duration{0, time.Hour, 100 * 24 * time.Hour} {
		w.Round(in)
		if _, err := w.Book.Follow(t.Context(), time.Now().Add(in), 10); err != nil {
			t.Error(err)
		}
	}
	if n := w.Number("select count(*) from orders where read_at is not null or due_at is not null"); n != 0 {
		t.Error("a loop would look at the order")
	}
	if _, err := w.Book.Sold(t.Context(), o.ID); !errors.Is(err, order.ErrUnknown) {
		t.Errorf("asked at Klarna: %v", err)
	}
	if n := len(w.Fake.Requests("")); n != calls {
		t.Errorf("Klarna was asked %d times", n-calls)
	}

	// Erased, and again after a restore that has forgotten it.
	erased, err := w.Book.Erase(t.Context(), o.Ref(), order.ByStaff)
	if err != nil || erased.BillingAddress.Email != "" || erased.ID != o.ID || !erased.Free() {
		t.Errorf("erased: %+v, %v", erased, err)
	}
	list, err := w.Book.ErasedList(t.Context())
	if err != nil || len(list) != 1 || list[0].OrderID != o.ID {
		t.Errorf("the list of what is erased is %v, %v", list, err)
	}
	another := w.placedFree("EBK-1")
	if ids, err := w.Book.OfEmail(t.Context(), "EVA.lindqvist@example.com"); err != nil || !slices.Equal(ids, []string{another.ID}) {
		t.Errorf("orders of the address: %v, %v", ids, err)
	}
}

// Staff can send and cancel it; what would ask Klarna says why it is not possible.
func TestFreeActions(t *testing.T) {
	t.Parallel()
	w := freeWorld(t)
	calls := len(w.Fake.Requests(""))
	o := w.placedFree("MUG-1", "JAM-1")
	want := map[order.Action]aftersale.Reason{
		"capture": aftersale.ReasonFree, "refund": aftersale.ReasonFree, "shipping_info": "", "correct_shipment": aftersale.ReasonNothingShipped,
		"release": aftersale.ReasonFree, "lines": aftersale.ReasonFree, "shipping_address": "", "references": aftersale.ReasonFree,
		"extend": aftersale.ReasonFree, "send_out": aftersale.ReasonFree, "extend_due_date": aftersale.ReasonFree, "cancel": "",
	}
	got := map[order.Action]aftersale.Reason{}
	for _, a := range aftersale.Actions {
		got[a.Name] = ""
		if impossible := w.Desk.Possible(o, a, time.Now()); impossible != nil {
			got[a.Name] = impossible.Reason
			if text := a.Impossible(o, impossible.Reason); impossible.Reason == aftersale.ReasonFree && !strings.Contains(text, "nothing was to be paid") {
				t.Errorf("%s: %s", a.Name, text)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := w.Desk.Do(t.Context(), o.Ref(), shoptest.Command(o, aftersale.Refund.Name, func(c *order.Command) { c.Amount = 1 })); err == nil {
		t.Error("it was refunded")
	}

	mug := o.Lines()[0]
	parcel := func(c *order.Command) {
		c.Shipments = []order.Shipment{{Carrier: "PostNord", TrackingNumber: "SE 1", OrderLines: []order.ShipmentLine{{ID: mug.ID, Quantity: 1}}}}
	}
	out := w.Do(o, shoptest.Command(o, aftersale.Parcel.Name, parcel), order.Done)
	o = w.InBook(o.ID)
	if len(o.Shipments) != 1 || len(o.Shipments[0].Told) != 0 || len(o.ShippingInfo) != 0 || out.Entry.Status != 0 || !o.ToShip() || o.Running != nil {
		t.Errorf("after a parcel: %+v", o)
	}
	w.Levels("MUG-1", 39, 0, 0)
	w.Levels("JAM-1", 40, 0, 1)
	if impossible := w.Desk.Possible(o, aftersale.Cancel, time.Now()); impossible == nil || impossible.Reason != aftersale.ReasonShipped {
		t.Errorf("cancelled after a parcel: %v", impossible)
	}
	w.Do(o, shoptest.Command(o, aftersale.Correct.Name, func(c *order.Command) {
		parcel(c)
		c.Shipments[0].ID, c.Shipments[0].TrackingNumber = "1", "SE 2"
	}), order.Done)
	if o = w.InBook(o.ID); o.Shipments[0].TrackingNumber != "SE 2" || len(o.Shipments[0].Told) != 0 {
		t.Errorf("after the correction: %+v", o.Shipments)
	}

	second := w.placedFree("MUG-1")
	to := second.ShippingAddress
	to.StreetAddress = "Strandgatan 5"
	w.Do(second, shoptest.Command(second, aftersale.Address.Name, func(c *order.Command) { c.ShippingAddress = &to }), order.Done)
	second = w.InBook(second.ID)
	if second.ShippingAddress != to || second.BillingAddress != shoptest.Eva {
		t.Errorf("the address is %+v", second.ShippingAddress)
	}
	w.Levels("MUG-1", 39, 0, 1)
	w.Do(second, shoptest.Command(second, aftersale.Cancel.Name), order.Done)
	if second = w.InBook(second.ID); second.State() != order.StateCancelled || second.ToShip() {
		t.Errorf("cancelled: %s", second.State())
	}
	w.Levels("MUG-1", 39, 0, 0)
	if n := len(w.Fake.Requests("")); n != calls {
		t.Errorf("Klarna was asked %d times", n-calls)
	}
}

// A process dies before any of its calls: whoever asks again, or
// the loop, ends with one order.
func TestPlaceFreeKilled(t *testing.T) {
	t.Parallel()
	w := freeWorld(t)
	w.Stocked("MUG-1", 10000)
	for _, finisher := range []string{"next caller", "loop"} {
		deaths := 0
		for n := 1; ; n++ {
			c := w.FreeCart("MUG-1")
			r := &shoptest.Reaper{N: n}
			_, err := w.PlaceFree(w.Doomed(r).Book, c)
			if !r.Died() {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
			deaths++
			w.Buried()
			if finisher == "loop" {
				w.Round(10 * time.Minute)
			}
			// The shopper presses again, or sees the confirmation.
			if now := w.Cart(c.ID); now.BoughtBy(c.OrderID) {
				w.Place(c.OrderID)
			} else if _, err := w.PlaceFree(w.Book, now); err != nil {
				t.Error(err)
			}
			w.onceFree(c)
			if t.Failed() {
				t.Fatalf("after a death at call %d, finished by the %s", n, finisher)
			}
		}
		if deaths < 5 {
			t.Errorf("died at %d points, want at least 5", deaths)
		}
		if open := w.Number("select count(*) from orders where due_at is not null"); open != 0 {
			t.Errorf("%d orders are not finished", open)
		}
	}
}

// Any number of callers, on three processes, end with one order.
func TestPlaceFreeOnce(t *testing.T) {
	t.Parallel()
	w := freeWorld(t)
	books := []*order.Book{w.Book, w.another(w.Redis.Client(), nil), w.another(w.Redis.Client(), nil)}
	c := w.FreeCart("MUG-1", "JAM-1")
	numbers := make([]string, 12)
	var all sync.WaitGroup
	for i := range numbers {
		all.Go(func() {
			o, err := w.PlaceFree(books[i%len(books)], c)
			if err != nil {
				t.Error(err)
			}
			numbers[i] = o.Number
		})
	}
	all.Wait()
	o := w.onceFree(c)
	if slices.ContainsFunc(numbers, func(n string) bool { return n != o.Number }) {
		t.Errorf("the numbers are %v", numbers)
	}
	w.Levels("MUG-1", 40, 0, 1)
	if n := w.Number("select count(*) from audit where order_id = $1", o.ID); n != 1 {
		t.Errorf("the audit has %d entries, want 1", n)
	}
}

// What is not placed changes nothing.
func TestPlaceFreeRefused(t *testing.T) {
	t.Parallel()
	w := freeWorld(t)
	for _, tc := range []struct {
		name string
		make func() cart.Cart
		want func(error) bool
	}{
		{"something is to be paid", func() cart.Cart {
			c := w.FreeCart("MUG-1")
			none := ""
			return w.Change(c.ID, cart.Change{DiscountCode: &none})
		}, func(err error) bool { return errors.Is(err, order.ErrCartChanged) }},
		{"a voucher is to be paid", func() cart.Cart {
			c := w.FreeCart("EBK-1")
			return w.Put(c.ID, "GIFT-1", 1)
		}, func(err error) bool { return errors.Is(err, order.ErrCartChanged) }},
		{"the order is Klarna's", func() cart.Cart {
			c := w.FreeCart("MUG-1")
			c.OrderID = "9cae56e2-fc5f-4465-8984-de07485eabcd"
			return c
		}, func(err error) bool { return errors.Is(err, order.ErrCartChanged) }},
		{"sold out", func() cart.Cart {
			c := w.FreeCart("MUG-1")
			w.Stocked("MUG-1", 0)
			return c
		}, func(err error) bool {
			short, ok := errors.AsType[*cart.SoldOutError](err)
			return ok && short.SKU == "MUG-1" && short.Left == 0
		}},
		{"another purchase of the cart", func() cart.Cart {
			c := w.FreeCart("EBK-1")
			w.Approve(stock.Approved{CartID: c.ID, OrderID: "9cae56e2-fc5f-4465-8984-de07485eabcd", Lines: []stock.Line{{SKU: "EBK-1", Quantity: 1}}, Made: time.Now()})
			return c
		}, func(err error) bool { return errors.Is(err, order.ErrPurchaseRunning) }},
	} {
		c := tc.make()
		before := w.Cart(c.ID)
		o, err := w.PlaceFree(w.Book, c)
		if !tc.want(err) || o.Number != "" {
			t.Errorf("%s: got %v, %v", tc.name, o, err)
		}
		if n := w.Number("select count(*) from orders where cart_id = $1", c.ID); n != 0 {
			t.Errorf("%s: the book has %d orders", tc.name, n)
		}
		if diff := cmp.Diff(before, w.Cart(c.ID)); diff != "" {
			t.Errorf("%s: the cart changed: %s", tc.name, diff)
		}
	}

	// Redis forgets that a cart was closed, and which order it had: the next purchase is
	// refused, and closes it.
	c := w.FreeCart("EBK-1")
	kept := w.Client.HGetAll(t.Context(), "shopd:cart:{"+c.ID+"}").Val()
	if _, err := w.PlaceFree(w.Book, c); err != nil {
		t.Fatal(err)
	}
	kept["order_id"] = cart.NewOrderID()
	w.Client.Del(t.Context(), "shopd:cart:{"+c.ID+"}")
	w.Client.HSet(t.Context(), "shopd:cart:{"+c.ID+"}", kept)
	if _, err := w.PlaceFree(w.Book, w.Cart(c.ID)); !errors.Is(err, stock.ErrSold) {
		t.Errorf("bought twice: %v", err)
	}
	if now := w.Cart(c.ID); !now.BoughtBy(c.OrderID) || len(now.Lines) != 0 {
		t.Errorf("the cart is %+v", now)
	}
}
