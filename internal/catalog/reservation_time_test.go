package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/redistest"
)

// What is old is given back, once; what it says of the purchase stays.
func TestReturnOld(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newShelf(t, rdb)
		for i := range 120 { // more than one batch
			must(t, s.reserve(fmt.Sprint("cart", i), fmt.Sprint("order", i), 0, mugs(1)...))
		}
		must(t, s.reserve("clock", "late", time.Minute, clocks(1)...))
		must(t, s.reserve("book", "digital", 0, catalog.ReservedLine{SKU: "EBK-1", Quantity: 1}))
		s.returned(catalog.StockHeld-time.Millisecond, 0)
		s.left(map[string]int{"MUG-1": 120, "CLK-1": 0})
		s.returned(catalog.StockHeld, 120)
		s.returned(catalog.StockHeld, 0)
		s.left(map[string]int{"MUG-1": 240, "CLK-1": 0})
		if r := s.holds("cart7", "order7"); !r.Returned {
			t.Errorf("got %+v", r)
		}
		s.returned(time.Hour, 1)
		s.left(map[string]int{"CLK-1": 1})
		must(t, s.DropReservation(t.Context(), "cart7", "another"))
		s.holds("cart7", "order7")
		must(t, s.DropReservation(t.Context(), "cart7", "order7"))
		must(t, s.DropReservation(t.Context(), "cart7", "order7"))
		s.holds("cart7", "")
		s.left(map[string]int{"MUG-1": 240})
	})
}

// Settle and ReturnOld, and who drops, come at the same moment: what was sold is taken once.
func TestSettleAndReturnAtOnce(t *testing.T) {
	rdb := redistest.Start(t)
	s := newShelf(t, rdb)
	for round := range 100 {
		cartID, orderID := fmt.Sprint("cart", round), fmt.Sprint("order", round)
		must(t, s.reserve(cartID, orderID, 0, mugs(2)...))
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				if _, err := s.Settle(t.Context(), cartID, orderID, mugs(2), i == 0); err != nil {
					t.Error(err)
				}
			})
			wg.Go(func() {
				if _, err := s.ReturnOld(t.Context(), s.now.Add(time.Hour)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		s.left(map[string]int{"MUG-1": 238 - 2*round})
		s.holds(cartID, "")
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}
}

// When Klarna is asked: at 5 min, then each 30 min, the last time at 49 h.
func TestDueReservations(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newShelf(t, rdb)
		must(t, s.reserve("a", "1", 0, mugs(2)...))
		must(t, s.reserve("b", "2", time.Minute))
		for _, step := range []struct {
			in    time.Duration
			due   []string
			asked []string // afterwards, of the cart "a" or "b"
		}{
			{in: 5*time.Minute - time.Millisecond},
			{in: 5 * time.Minute, due: []string{"1"}},
			{in: 6 * time.Minute, due: []string{"1", "2"}, asked: []string{"a", "b"}},
			{in: 36*time.Minute - time.Millisecond},
			{in: 36 * time.Minute, due: []string{"1", "2"}, asked: []string{"a"}},
			{in: 40 * time.Minute, due: []string{"2"}, asked: []string{"b"}},
			{in: 48*time.Hour + 45*time.Minute, due: []string{"1", "2"}, asked: []string{"a", "b"}},
			{in: 49*time.Hour - time.Millisecond},
			{in: 49 * time.Hour, due: []string{"1"}, asked: []string{"a"}},
			{in: 60 * time.Hour, due: []string{"2"}}, // nobody asked: it is not forgotten before
			{in: 90 * time.Hour, due: []string{"2"}, asked: []string{"b"}},
			{in: 99 * time.Hour},
		} {
			if diff := cmp.Diff(step.due, s.due(step.in)); diff != "" {
				t.Errorf("after %s: %s", step.in, diff)
			}
			for _, cartID := range step.asked {
				orderID := map[string]string{"a": "1", "b": "2"}[cartID]
				must(t, s.Asked(t.Context(), cartID, orderID, s.now.Add(step.in)))
				must(t, s.Asked(t.Context(), cartID, "another", s.now.Add(step.in+time.Hour)))
			}
		}
		s.holds("a", "")
		s.holds("b", "")
		s.left(map[string]int{"MUG-1": 240}) // although nobody returned it
		for i := range 9 {
			must(t, s.reserve(fmt.Sprint("cart", i), fmt.Sprint(i), 0))
		}
		if some, err := s.DueReservations(t.Context(), s.now.Add(time.Hour), 4); err != nil || len(some) != 4 {
			t.Errorf("got %d, %v; want 4", len(some), err)
		}
		// A record that is gone, as after 35 days without a loop, is not asked about again.
		must(t, rdb.Del(t.Context(), "shopd:{stock}:reservation:cart0").Err())
		for range 2 {
			if got := s.due(time.Hour); len(got) != 8 {
				t.Errorf("due: %v", got)
			}
		}
	})
}

func TestReservationIsKept(t *testing.T) {
	s := newShelf(t, redistest.Start(t))
	body := json.RawMessage(`{"order_amount": 9007199254740993, "order_lines": [], "tags": {}}`)
	r := catalog.Reservation{CartID: "a", OrderID: "session:1", Lines: mugs(2), Made: s.now, Body: body}
	must(t, s.Reserve(t.Context(), r))
	if diff := cmp.Diff(r, s.holds("a", "session:1")); diff != "" {
		t.Error(diff)
	}
	for _, ending := range []bool{true, false} {
		if ok, err := s.SetEnding(t.Context(), "a", "session:1", ending); err != nil || !ok {
			t.Errorf("got %v, %v", ok, err)
		}
		r.Ending = ending
		if diff := cmp.Diff(r, s.holds("a", "session:1")); diff != "" {
			t.Error(diff)
		}
		for _, stranger := range [][2]string{{"a", "2"}, {"b", "session:1"}} {
			if ok, err := s.SetEnding(t.Context(), stranger[0], stranger[1], ending); err != nil || ok {
				t.Errorf("%v: got %v, %v", stranger, ok, err)
			}
		}
	}
	s.returned(time.Hour, 1)
	r.Returned = true
	if diff := cmp.Diff(r, s.holds("a", "session:1")); diff != "" {
		t.Error(diff)
	}
	s.settle("b", "2", true)
	// Everything but the stock ends some day.
	for _, key := range s.rdb.Keys(t.Context(), "*").Val() {
		if ttl := s.rdb.TTL(t.Context(), key).Val(); ttl <= 0 && key != stockKey {
			t.Errorf("%s has no end", key)
		}
	}
	if err := s.Reserve(t.Context(), catalog.Reservation{CartID: "c", OrderID: "3"}); err != nil {
		t.Fatal(err)
	}
	if got := s.holds("c", "3"); time.Since(got.Made) > time.Minute {
		t.Errorf("made %s", got.Made)
	}
}

// Redis is away: every call says so, and what was there is there again.
func TestReservationOutage(t *testing.T) {
	server := redistest.StartServer(t)
	s := newShelf(t, server.Client())
	must(t, s.reserve("a", "1", 0, clocks(1)...))
	server.Stop()
	ctx := t.Context()
	for name, call := range map[string]func() error{
		"Reserve":         func() error { return s.reserve("a", "1", 0, clocks(1)...) },
		"Reservation":     func() error { _, _, err := s.Reservation(ctx, "a"); return err },
		"Settle":          func() error { _, err := s.Settle(ctx, "a", "1", clocks(1), true); return err },
		"ReturnOld":       func() error { _, err := s.ReturnOld(ctx, s.now); return err },
		"DueReservations": func() error { _, err := s.DueReservations(ctx, s.now, 9); return err },
		"Asked":           func() error { return s.Asked(ctx, "a", "1", s.now) },
		"DropReservation": func() error { return s.DropReservation(ctx, "a", "1") },
		"SetEnding":       func() error { _, err := s.SetEnding(ctx, "a", "1", true); return err },
	} {
		err := call()
		if _, short := errors.AsType[*catalog.ShortError](err); err == nil || short || errors.Is(err, catalog.ErrPurchaseRunning) {
			t.Errorf("%s without Redis: %v", name, err)
		}
	}
	server.Restart()
	for start := time.Now(); s.rdb.Ping(ctx).Err() != nil && time.Since(start) < 5*time.Second; {
		time.Sleep(10 * time.Millisecond)
	}
	s.holds("a", "1")
	s.left(map[string]int{"CLK-1": 0})
}

// A reply is lost after the script ran; the caller asks again.
func TestReservationReplyLost(t *testing.T) {
	server := redistest.StartServer(t)
	rdb := server.Client()
	s := newShelf(t, rdb)
	must(t, s.reserve("warm", "0", 0)) // the scripts are loaded
	s.settle("warm", "0", true)
	lossy := server.Client()
	hook := &replyLoser{}
	lossy.AddHook(hook)
	stock := catalog.NewStock(lossy, catalog.Builtin())
	twice := func(what string, call func() error) {
		t.Helper()
		hook.lose = true
		if err := call(); err == nil {
			t.Errorf("%s: the reply was not lost", what)
		}
		if err := call(); err != nil {
			t.Errorf("%s again: %v", what, err)
		}
	}
	twice("reserve", func() error {
		return stock.Reserve(t.Context(), catalog.Reservation{CartID: "a", OrderID: "1", Lines: mugs(2), Made: s.now})
	})
	s.left(map[string]int{"MUG-1": 238})
	twice("settle", func() error { _, err := stock.Settle(t.Context(), "a", "1", mugs(2), true); return err })
	s.left(map[string]int{"MUG-1": 238})
	twice("settle without reservation", func() error { _, err := stock.Settle(t.Context(), "b", "2", mugs(2), true); return err })
	s.left(map[string]int{"MUG-1": 236})
	must(t, s.reserve("c", "3", 0, mugs(2)...))
	hook.lose = true
	if _, err := stock.ReturnOld(t.Context(), s.now.Add(time.Hour)); err == nil {
		t.Error("return: the reply was not lost")
	}
	if n, err := stock.ReturnOld(t.Context(), s.now.Add(time.Hour)); err != nil || n != 0 {
		t.Errorf("return again: %d, %v", n, err)
	}
	s.left(map[string]int{"MUG-1": 236})
	must(t, s.reserve("d", "4", 0, mugs(2)...))
	twice("drop", func() error { return stock.DropReservation(t.Context(), "d", "4") })
	s.left(map[string]int{"MUG-1": 236})
}

// replyLoser loses the reply to the next script.
type replyLoser struct{ lose bool }

func (*replyLoser) DialHook(next redis.DialHook) redis.DialHook { return next }

func (*replyLoser) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (l *replyLoser) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if l.lose && (cmd.Name() == "evalsha" || cmd.Name() == "eval") && err == nil {
			l.lose = false
			cmd.SetErr(errors.New("reply lost"))
			return cmd.Err()
		}
		return err
	}
}

// A purchase is reserved anew just when ReturnOld has found the cart: what it holds now stays.
func TestReturnOldOfARenewed(t *testing.T) {
	server := redistest.StartServer(t)
	s := newShelf(t, server.Client())
	must(t, s.reserve("a", "1", 0, clocks(1)...))
	loop := server.Client()
	loop.AddHook(afterFinding(func() { must(t, s.reserve("a", "1", 31*time.Minute, clocks(1)...)) }))
	n, err := catalog.NewStock(loop, catalog.Builtin()).ReturnOld(t.Context(), s.now.Add(catalog.StockHeld))
	if err != nil || n != 0 {
		t.Errorf("returned %d, %v", n, err)
	}
	s.left(map[string]int{"CLK-1": 0})
	if r := s.holds("a", "1"); r.Returned {
		t.Error("it says that its stock was given back")
	}
	s.returned(2*time.Hour, 1)
}

// afterFinding is called after a sorted set was read.
type afterFinding func()

func (afterFinding) DialHook(next redis.DialHook) redis.DialHook { return next }

func (afterFinding) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (f afterFinding) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if cmd.Name() == "zrangebyscore" {
			f()
		}
		return err
	}
}
