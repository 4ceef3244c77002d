package order_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// campaigning is the demo's shop with other campaigns.
func campaigning(campaigns ...*campaign.Campaign) *publish.Version {
	own := *skerry.Version().Shop
	own.Campaigns = campaigns
	return publish.NewVersion(1, &own, skerry.Version().Catalog)
}

// coded is a cart of two mugs and a jam with a code.
func (w *world) coded(code string) cart.Cart {
	w.T.Helper()
	id := cart.NewID()
	w.Put(id, "MUG-1", 2)
	w.Put(id, "JAM-1", 1)
	return w.Change(id, cart.Change{DiscountCode: &code})
}

// approve does what the validation of an order does.
func (w *world) approve(book *order.Book, c cart.Cart, orderID string, made time.Time) error {
	q, err := w.Pricer.Quote(c.Contents)
	if err != nil {
		return err
	}
	return book.Approve(w.T.Context(), c, stock.Approved{CartID: c.ID, OrderID: orderID, Lines: q.Stock(), Campaigns: q.Used(), Made: made})
}

// Of any number of shoppers in any number of processes exactly as many buy with a campaign
// as it has uses. Who comes too late is told, and buys without it.
func TestUsesAreExact(t *testing.T) {
	t.Parallel()
	const uses, shoppers = 7, 40
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		v := campaigning(&campaign.Campaign{ID: "few", Code: "FEW", Percent: 1000, Uses: uses})
		w := &world{shoptest.New(t, shoptest.Options{DB: d, Version: v})}
		books := []*order.Book{w.Book, w.another(nil, nil), w.another(nil, nil)}
		for _, b := range books {
			b.Stock.Waiting = shoppers
		}
		carts := make([]cart.Cart, shoppers)
		for i := range carts {
			carts[i] = w.coded("few")
		}
		var approved atomic.Int64
		var all sync.WaitGroup
		for i, c := range carts {
			all.Go(func() {
				err := w.approve(books[i%len(books)], c, fmt.Sprint("order-", i), time.Time{})
				for errors.Is(err, stock.ErrCrowded) {
					err = w.approve(books[i%len(books)], c, fmt.Sprint("order-", i), time.Time{})
				}
				now := w.Cart(c.ID)
				q, _ := w.Pricer.Quote(now.Contents)
				switch {
				case err == nil:
					approved.Add(1)
				case !errors.Is(err, order.ErrCartChanged) || errors.As(err, new(*stock.ShortError)) || q.NoDiscount() != cart.UsedUp || q.DiscountAmount != 0:
					t.Errorf("refused with %v, the cart says %q", err, q.NoDiscount())
				default:
					if err := w.approve(books[i%len(books)], now, fmt.Sprint("order-", i), time.Time{}); err != nil {
						t.Errorf("without the campaign: %v", err)
					}
				}
			})
		}
		all.Wait()
		if approved.Load() != uses {
			t.Errorf("%d bought with a campaign of %d uses", approved.Load(), uses)
		}
		w.Levels("campaign:few", uses, uses, 0)
	})
}

// Who has authorized a price with a campaign that others have used up meanwhile is not told that
// goods are sold out, and authorizes the new price.
func TestUsedUpAfterAuthorization(t *testing.T) {
	t.Parallel()
	w := &world{shoptest.New(t, shoptest.Options{Version: campaigning(&campaign.Campaign{ID: "few", Code: "FEW", Percent: 1000, Uses: 1})})}
	in := order.Authorized{CartID: w.coded("FEW").ID}
	in.SessionID = w.Session(in.CartID).SessionID
	in.Token = w.Authorize(in.SessionID)
	before := w.Left("MUG-1")
	if err := w.approve(w.Book, w.coded("FEW"), "other", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); !errors.Is(err, order.ErrCartChanged) || errors.As(err, new(*cart.SoldOutError)) {
		t.Errorf("got %v, want ErrCartChanged", err)
	}
	w.Round(time.Minute)
	w.notPlaced(in, before-2)
	if state := w.state(in.SessionID); state != "token deleted" {
		t.Errorf("the session is %s", state)
	}
	in.SessionID = w.Session(in.CartID).SessionID
	in.Token = w.Authorize(in.SessionID)
	if _, _, err := w.Book.PlaceAuthorized(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	w.paidOnce(in)
}

// A use is reserved with the approval, taken with the order, and comes back when nothing
// follows or when the order is cancelled; not when it was sent.
func TestUsesComeBack(t *testing.T) {
	t.Parallel()
	w := &world{shoptest.New(t, shoptest.Options{Version: campaigning(&campaign.Campaign{ID: "few", Code: "FEW", Percent: 1000, Uses: 5})})}
	buy := func() order.Order {
		t.Helper()
		c := w.coded("FEW")
		id := w.Open(c.ID)
		if err := w.approve(w.Book, c, id, time.Time{}); err != nil {
			t.Fatal(err)
		}
		w.Levels("campaign:few", 5, 1, 0)
		w.Buy(id)
		return w.Place(id)
	}
	o := buy()
	w.Levels("campaign:few", 5, 0, 1)
	if u := o.Terms.Campaigns; len(u) != 1 || u[0].ID != "few" || u[0].Reference != "FEW" || u[0].Percent != 1000 || !u[0].Counted || u[0].Name != "Rabatt FEW" {
		t.Errorf("the order keeps %+v", u)
	}
	w.Do(o, shoptest.Command(o, "cancel"), order.Done)
	w.Levels("campaign:few", 5, 0, 0)

	// Changed lines change nothing of the use, and what was sent keeps it.
	o = buy()
	lines, err := o.Recomputed(keeping(t, o, []int64{1, 1, 1, 1, 1}[:len(o.OrderLines)]), o.Terms)
	if err != nil {
		t.Fatal(err)
	}
	var sum money.Amount
	for _, l := range lines {
		sum += l.TotalAmount
	}
	out := w.Do(o, shoptest.Command(o, "lines", func(c *order.Command) { c.OrderLines, c.Amount = lines, sum }), order.Done)
	w.Levels("campaign:few", 5, 0, 1)
	w.Do(out.Order, shoptest.CaptureOf(t, out.Order, quantities(out.Order)...), order.Done)
	if o = w.InBook(o.OrderID); o.Status != ordermanagement.Captured {
		t.Fatalf("the order is %s", o.Status)
	}
	w.Levels("campaign:few", 5, 0, 1)

	// No purchase follows: after half an hour, and when it is aborted.
	c := w.coded("FEW")
	if err := w.approve(w.Book, c, "old", time.Now().Add(-stock.Held-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Stock.ReturnOld(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	w.Levels("campaign:few", 5, 0, 1)
	if err := w.approve(w.Book, c, "old", time.Time{}); err != nil {
		t.Fatal(err)
	}
	w.Levels("campaign:few", 5, 1, 1)
	if err := w.Stock.Drop(t.Context(), c.ID, "old"); err != nil {
		t.Fatal(err)
	}
	w.Levels("campaign:few", 5, 0, 1)
}

// Two orders have had the last use, because a bank took its time: that is told in stock, and no
// order is flagged as if its goods were short.
func TestUseTooMany(t *testing.T) {
	t.Parallel()
	w := &world{shoptest.New(t, shoptest.Options{Version: campaigning(&campaign.Campaign{ID: "few", Code: "FEW", Percent: 1000, Uses: 1})})}
	late, quick := w.coded("FEW"), w.coded("FEW")
	lateID, quickID := w.Open(late.ID), w.Open(quick.ID)
	if err := w.approve(w.Book, late, lateID, time.Now().Add(-stock.Held-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Stock.ReturnOld(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := w.approve(w.Book, quick, quickID, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{quickID, lateID} {
		w.Buy(id)
		if o := w.Place(id); len(o.Terms.Campaigns) != 1 || len(o.Flags) > 0 {
			t.Errorf("campaigns %v, flags %v", o.Terms.Campaigns, o.Flags)
		}
	}
	w.Levels("campaign:few", 1, 0, 2)
}

func quantities(o order.Order) (list []int64) {
	for _, l := range o.Uncaptured() {
		list = append(list, l.Quantity)
	}
	return list
}

// An order for which nothing is to be paid counts too, and gives back when it is cancelled.
func TestUsesOfFreeOrders(t *testing.T) {
	t.Parallel()
	w := &world{shoptest.New(t, shoptest.Options{Version: shoptest.Gifts(t, func(s *settings.Shop) {
		s.Campaigns = campaign.List{{ID: "all", Code: "ALL", Percent: 10000, Uses: 1}}
	})})}
	first, second := w.FreeCart("MUG-1"), w.FreeCart("JAM-1")
	o, err := w.PlaceFree(w.Book, first)
	if err != nil {
		t.Fatal(err)
	}
	w.Levels("campaign:all", 1, 0, 1)
	if len(o.Terms.Campaigns) != 1 || o.Terms.Campaigns[0].ID != "all" {
		t.Errorf("the order keeps %+v", o.Terms.Campaigns)
	}
	if _, err := w.PlaceFree(w.Book, second); !errors.Is(err, order.ErrCartChanged) {
		t.Errorf("the second: %v", err)
	}
	now := w.Cart(second.ID)
	if q, err := w.Pricer.Quote(now.Contents); err != nil || q.Free() || q.NoDiscount() != cart.UsedUp {
		t.Errorf("the second cart says %q, %v", q.NoDiscount(), err)
	}
	w.Do(o, shoptest.Command(o, "cancel"), order.Done)
	w.Levels("campaign:all", 1, 0, 0)
}

// What delivery would have cost, and what a campaign is called, goes with the order, also when
// the campaign is gone by the time that it is placed.
func TestCampaignsGoWithTheOrder(t *testing.T) {
	t.Parallel()
	w := &world{shoptest.New(t, shoptest.Options{Version: campaigning(
		&campaign.Campaign{ID: "ship", Code: "SHIP", FreeDelivery: []string{"mailboat"}},
		&campaign.Campaign{ID: "mugs", Buy: 2, Pay: 1, SKUs: []string{"MUG-1"}},
	)})}
	c := w.coded("SHIP")
	id := w.Open(c.ID)
	if err := w.approve(w.Book, c, id, time.Time{}); err != nil {
		t.Fatal(err)
	}
	w.Buy(id)
	w.Book.Published = publish.Fixed(campaigning())
	o := w.Place(id)
	got := o.Terms.Campaigns
	if len(got) != 2 || got[0].Name != "2 för 1" || !got[0].Shared || !slices.Equal(got[0].SKUs, []string{"MUG-1"}) || got[1].Name != "Rabatt SHIP" || got[1].Delivery != 4900 {
		t.Fatalf("the order keeps %+v", got)
	}
	// Half of the mugs has half of the discount, and the jam none.
	lines, amount, err := o.TakeUncaptured([]int64{1, 1, 1, 1, 1}[:len(o.Uncaptured())])
	if err != nil || amount != 14900+12900-7450 {
		t.Errorf("a mug and the jam come to %d: %+v, %v", amount, lines, err)
	}
}
