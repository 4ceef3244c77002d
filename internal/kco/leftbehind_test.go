package kco_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
)

// later is when a sweep takes what was listed just now.
func later() time.Time { return time.Now().Add(time.Second) }

func (w *world) sweep() {
	w.T.Helper()
	if err := w.KCO.LeftBehind.Sweep(w.T.Context(), later()); err != nil {
		w.T.Fatal(err)
	}
}

// open makes an order at Klarna that is not the cart's, and lists it.
func (w *world) open() string {
	w.T.Helper()
	c, err := w.Carts.Get(w.T.Context(), w.cartID, sweden)
	if err != nil {
		w.T.Fatal(err)
	}
	want, _, err := w.KCO.Wants.Want(c)
	if err != nil {
		w.T.Fatal(err)
	}
	order, err := w.KCO.Client.CreateOrder(w.T.Context(), want, kco.Prefill{})
	if err != nil {
		w.T.Fatal(err)
	}
	w.list(order.OrderID)
	return order.OrderID
}

func (w *world) list(orderID string) {
	w.T.Helper()
	if err := w.KCO.LeftBehind.Add(w.T.Context(), w.cartID, orderID); err != nil {
		w.T.Fatal(err)
	}
}

// unsettled are the orders to be asked about some time from now.
func (w *world) unsettled(in time.Duration) []string {
	w.T.Helper()
	ids, err := w.KCO.LeftBehind.Unsettled(w.T.Context(), time.Now().Add(in), 50)
	if err != nil {
		w.T.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func (w *world) aborted(orderID string) bool {
	w.T.Helper()
	order, ok := w.Fake.Order(orderID)
	return ok && order.Fake.Aborted
}

// What a sweep does with an entry, and what becomes of it.
func TestSweepRules(t *testing.T) {
	for _, tc := range []struct {
		name    string
		given   func(w *world, id string)
		aborted bool
		stays   bool          // to be aborted
		asked   time.Duration // when it is asked about at the latest, 0 = never
	}{
		{name: "open", given: func(*world, string) {}, aborted: true, asked: 5 * time.Minute},
		{name: "the cart's own", given: func(w *world, id string) {
			if set, _, err := w.Carts.SetOrderID(w.T.Context(), w.cartID, "", id, nil); err != nil || !set {
				w.T.Fatal(set, err)
			}
		}},
		{name: "bought", given: func(w *world, id string) { w.buy(id) }, asked: time.Nanosecond},
		{name: "gone", given: func(w *world, _ string) { w.Fake.Advance(49 * time.Hour) }, asked: 5 * time.Minute},
		{name: "just being bought", given: func(w *world, id string) { w.reserve(id, 9*time.Minute) }, stays: true},
		{name: "once being bought", given: func(w *world, id string) { w.reserve(id, 11*time.Minute) }, aborted: true, asked: 5 * time.Minute},
		{name: "another one being bought", given: func(w *world, _ string) { w.reserve("another", 0) }, aborted: true, asked: 5 * time.Minute},
		{name: "Klarna is away", given: func(w *world, _ string) { w.fault("POST", abortPath, fakeklarna.Fault{Status: 500, Count: 3}) }, stays: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakeklarna.Options{})
			w.put("MUG-1", 1)
			id := w.open()
			tc.given(w, id)
			if err := w.KCO.LeftBehind.Sweep(t.Context(), later()); (err != nil) != (tc.name == "Klarna is away") {
				t.Errorf("got %v", err)
			}
			if got := w.aborted(id); got != tc.aborted {
				t.Errorf("aborted: %v, want %v", got, tc.aborted)
			}
			if got := slices.Contains(w.leftBehind(), id); got != tc.stays {
				t.Errorf("to be aborted: %v, want %v", got, tc.stays)
			}
			for _, in := range []time.Duration{tc.asked - time.Second, tc.asked + time.Second, time.Hour} {
				if got, want := slices.Contains(w.unsettled(in), id), tc.asked > 0 && in >= tc.asked; got != want {
					t.Errorf("to be asked about after %s: %v, want %v", in, got, want)
				}
			}
			// It is aborted once.
			before := len(w.calls())
			if w.sweep(); !tc.stays && len(w.calls()) != before {
				t.Errorf("calls of another sweep: %v", w.calls()[before:])
			}
		})
	}
}

// Klarna is asked about an aborted order until it is 49 h old, or settled.
func TestUnsettled(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	list := w.KCO.LeftBehind
	id, settled := w.open(), w.open()
	w.sweep()
	if ids := w.unsettled(4 * time.Minute); len(ids) != 0 {
		t.Errorf("after 4 min it is time to ask about %v", ids)
	}
	if err := list.Settled(t.Context(), settled); err != nil {
		t.Fatal(err)
	}
	if err := list.Asked(t.Context(), settled, time.Now()); err != nil { // by a process that did not know
		t.Fatal(err)
	}
	asked := 0
	for in := time.Duration(0); in < 80*time.Hour; in += time.Minute {
		ids := w.unsettled(in)
		if len(ids) == 0 {
			continue
		}
		if diff := cmp.Diff([]string{id}, ids); diff != "" {
			t.Fatalf("after %s: %s", in, diff)
		}
		if asked++; asked == 1 && in > 6*time.Minute || in > 49*time.Hour+2*time.Minute {
			t.Errorf("asked the %dth time after %s", asked, in)
		}
		if err := list.Asked(t.Context(), id, time.Now().Add(in)); err != nil {
			t.Fatal(err)
		}
	}
	if asked < 10 || asked > 30 {
		t.Errorf("asked %d times", asked)
	}
	rdb := w.Redis.Client()
	for _, key := range rdb.Keys(t.Context(), "shopd:{left_behind}*").Val() {
		t.Errorf("%s is left", key)
	}

	// It was given up twice: still asked about once, and every key ends.
	w.list(id)
	w.sweep()
	w.list(id)
	for _, key := range rdb.Keys(t.Context(), "shopd:{left_behind}*").Val() {
		if rdb.TTL(t.Context(), key).Val() <= 0 {
			t.Errorf("%s has no end", key)
		}
	}
	w.sweep()
	if diff := cmp.Diff([]string{id}, w.unsettled(time.Hour)); diff != "" {
		t.Error(diff)
	}
	// A process that forgot when it was listed.
	if err := rdb.Del(t.Context(), "shopd:{left_behind}:since").Err(); err != nil {
		t.Fatal(err)
	}
	if err := list.Asked(t.Context(), id, time.Now()); err != nil || len(w.unsettled(60*time.Hour)) != 0 {
		t.Errorf("got %v, %v", err, w.unsettled(60*time.Hour))
	}
}

// An order is placed just while the loop notes that there was no sale: it is not asked about again.
func TestSettledWhileAsking(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	id := w.open()
	w.sweep()
	rdb := w.Redis.Client()
	rdb.AddHook(afterScore(func() {
		if err := w.KCO.LeftBehind.Settled(t.Context(), id); err != nil {
			t.Error(err)
		}
	}))
	if err := (&kco.LeftBehind{Redis: rdb}).Asked(t.Context(), id, time.Now()); err != nil {
		t.Fatal(err)
	}
	if ids := w.unsettled(60 * time.Hour); len(ids) != 0 {
		t.Errorf("still to be asked about: %v", ids)
	}
}

// afterScore is called after an entry's score was read.
type afterScore func()

func (afterScore) DialHook(next redis.DialHook) redis.DialHook { return next }

func (afterScore) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f afterScore) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "zscore" {
			f()
		}
		return err
	}
}

// One that could not be aborted for 49 h has expired: it is asked about a last time.
func TestSweepOld(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	id := w.open()
	rdb := w.Redis.Client()
	if err := rdb.ZIncrBy(t.Context(), "shopd:{left_behind}", -float64((49 * time.Hour).Milliseconds()), w.cartID+":"+id).Err(); err != nil {
		t.Fatal(err)
	}
	calls := len(w.calls())
	if w.sweep(); len(w.calls()) != calls || len(w.leftBehind()) != 0 {
		t.Errorf("got calls %v, left %v", w.calls()[calls:], w.leftBehind())
	}
	if diff := cmp.Diff([]string{id}, w.unsettled(6*time.Minute)); diff != "" {
		t.Error(diff)
	}
	if err := w.KCO.LeftBehind.Asked(t.Context(), id, time.Now()); err != nil || len(w.unsettled(time.Hour)) != 0 {
		t.Errorf("got %v, left %v", err, w.unsettled(time.Hour))
	}
}

// Entries that stay keep none behind them from being aborted; a Klarna that is
// away is not asked about all of them.
func TestSweepMany(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	mine := w.cartID
	for i := range 60 {
		w.cartID = fmt.Sprintf("cart%d", i)
		w.reserve("busy", 0)
		w.list("busy")
	}
	w.cartID = mine
	last := w.open()
	w.sweep()
	if !w.aborted(last) || len(w.leftBehind()) != 60 {
		t.Errorf("aborted %v, %d listed", w.aborted(last), len(w.leftBehind()))
	}
	for range 9 {
		w.open()
	}
	w.fault("POST", abortPath, fakeklarna.Fault{Status: 400, Count: -1})
	calls := len(w.calls())
	if err := w.KCO.LeftBehind.Sweep(t.Context(), later()); err == nil || len(w.calls())-calls != 5 {
		t.Errorf("got %v after %d calls", err, len(w.calls())-calls)
	}
	w.Fake.ClearFaults()
	if w.sweep(); len(w.leftBehind()) != 60 {
		t.Errorf("%d listed", len(w.leftBehind()))
	}
}

// While a purchase runs its order is not aborted, also when the cart has another one by now.
func TestSweepWhileBuying(t *testing.T) {
	w, m := newMerchant(t)
	w.put("MUG-1", 1)
	first, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	bought := w.press(first.OrderID)
	m.wait(t)
	if _, _, err := w.Carts.SetOrderID(t.Context(), w.cartID, first.OrderID, "newer", nil); err != nil {
		t.Fatal(err)
	}
	w.list(first.OrderID)
	w.sweep()
	m.let <- struct{}{}
	if out := <-bought; out.Refused != nil {
		t.Fatalf("got %+v", out)
	}
	if w.aborted(first.OrderID) || len(w.leftBehind()) != 1 {
		t.Errorf("aborted %v, listed %v", w.aborted(first.OrderID), w.leftBehind())
	}
}

// Redis away: every call of the list says so.
func TestLeftBehindOutage(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.Redis.Stop()
	ctx, list := t.Context(), w.KCO.LeftBehind
	for name, call := range map[string]func() error{
		"Add":       func() error { return list.Add(ctx, "a", "1") },
		"List":      func() error { _, _, err := list.List(ctx, 9); return err },
		"Sweep":     func() error { return list.Sweep(ctx, later()) },
		"Unsettled": func() error { _, err := list.Unsettled(ctx, later(), 9); return err },
		"Asked":     func() error { return list.Asked(ctx, "1", later()) },
		"Settled":   func() error { return list.Settled(ctx, "1") },
	} {
		if call() == nil {
			t.Errorf("%s without Redis: no error", name)
		}
	}
}

// What staff are shown: those that wait to be aborted and those that were, newest first.
func TestLeftBehindList(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	list := w.KCO.LeftBehind
	if left, total, err := list.List(t.Context(), 10); err != nil || total != 0 || len(left) != 0 {
		t.Fatalf("at first: %v, %d, %v", left, total, err)
	}
	aborted := w.open()
	w.sweep()
	waiting := w.open()
	want := []kco.Left{{OrderID: waiting, CartID: w.cartID}, {OrderID: aborted, Aborted: true}}
	left, total, err := list.List(t.Context(), 10)
	if err != nil || total != 2 || left[0].Since.Before(left[1].Since) || time.Since(left[1].Since) > time.Hour {
		t.Errorf("got %v, %d, %v", left, total, err)
	}
	dated := cmpopts.IgnoreFields(kco.Left{}, "Since")
	if diff := cmp.Diff(want, left, dated); diff != "" {
		t.Errorf("the list: %s", diff)
	}
	if left, total, _ := list.List(t.Context(), 1); total != 2 || len(left) != 1 || left[0].OrderID != waiting {
		t.Errorf("cut short: %v of %d", left, total)
	}
	want[1].CartID = w.cartID
	left, err = list.Among(t.Context(), w.cartID, []string{waiting, "another", aborted})
	if diff := cmp.Diff(want, left, dated); diff != "" || err != nil {
		t.Errorf("of the cart: %v %s", err, diff)
	}
	if left, err := list.Among(t.Context(), w.cartID, nil); err != nil || len(left) != 0 {
		t.Errorf("of no orders: %v, %v", left, err)
	}
}
