package checkoutsession_test

import (
	"database/sql"
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/stock"
)

func session(cartID, reference, number string) checkoutsession.Session {
	return checkoutsession.Session{
		CartID: cartID, Reference: reference, OrderNumber: number, Status: checkoutsession.Open, Revision: 1, CreatedAt: time.Now().UTC().Truncate(time.Millisecond),
		Purpose: checkoutsession.Purpose{
			Mode: "hosted", SuccessURL: "https://example.com/", Metadata: map[string]string{"a": "b"},
			Customer: checkoutsession.Customer{Email: "ada@example.com", Billing: klarna.Address{City: "Uppsala"}},
		},
	}
}

// A reference has one session that has not expired, a number one that is open; revisions
// rise, and a session that has ended stays so.
func TestStore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, approved := &checkoutsession.Store{DB: d}, &stock.Store{DB: d}
		is := func(err, want error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("got %v, want %v", err, want)
			}
		}
		is(s.Add(ctx, session("c1", "r1", "N-1")), nil)
		is(s.Add(ctx, session("c2", "r1", "N-2")), checkoutsession.ErrReference)
		is(s.Add(ctx, session("c2", "r2", "N-1")), checkoutsession.ErrTaken)
		is(s.Add(ctx, session("c2", "r2", "N-2")), nil)
		got, found, err := s.ByReference(ctx, "r1")
		if err != nil || !found || got.CartID != "c1" || got.Metadata["a"] != "b" || got.Customer.Billing.City != "Uppsala" {
			t.Fatal(got, found, err)
		}
		to := got
		to.Revision, to.OrderNumber = 2, "N-2"
		is(s.Change(ctx, 1, to), checkoutsession.ErrTaken)
		to.OrderNumber = "N-3"
		is(s.Change(ctx, 7, to), checkoutsession.ErrRevision)
		is(s.Change(ctx, 1, to), nil)
		var running sync.WaitGroup
		var changed atomic.Int32
		to.Revision = 3
		for range 8 {
			running.Go(func() {
				if err := s.Change(ctx, 2, to); err == nil {
					changed.Add(1)
				} else {
					is(err, checkoutsession.ErrRevision)
				}
			})
		}
		running.Wait()
		if got, _, _ = s.ByCart(ctx, "c1"); got.Revision != 3 || got.OrderNumber != "N-3" || changed.Load() != 1 {
			t.Errorf("after eight changes of one revision, of which %d were made: %+v", changed.Load(), got)
		}

		// Undone, unless it says something else by now; a number that is gone is not taken back.
		undo := func(change, was checkoutsession.Session, want, wantURL string) {
			t.Helper()
			number, err := s.Undo(ctx, change, was)
			is(err, nil)
			if got, _, err := s.ByCart(ctx, "c1"); err != nil || number != want || got.OrderNumber != want || got.SuccessURL != wantURL || got.Revision != 4 {
				t.Errorf("undone as %s: %+v, %v", number, got, err)
			}
		}
		change := to
		change.Revision, change.OrderNumber, change.SuccessURL = 4, "N-4", "https://example.com/other"
		is(s.Change(ctx, 3, change), nil)
		undo(change, to, "N-3", "https://example.com/")
		is(s.Change(ctx, 4, change), nil)
		is(s.Add(ctx, session("c4", "r4", "N-3")), nil)
		undo(change, to, "N-4", "https://example.com/")
		_, err = d.Exec(ctx, "delete from checkout_sessions where cart_id = 'c4'")
		is(err, nil)
		other := change
		other.SuccessURL = "https://example.com/third"
		is(s.Change(ctx, 4, other), nil)
		_, err = s.Undo(ctx, change, to)
		is(err, nil)
		if got, _, _ := s.ByCart(ctx, "c1"); got.SuccessURL != other.SuccessURL {
			t.Errorf("undone though it is another by now: %+v", got)
		}

		// A purchase that was approved a short time ago forbids to end it.
		if err := d.Tx(ctx, func(tx *sql.Tx) error {
			return errors.Join(stock.LockCart(ctx, tx, "c1"), approved.Reserve(ctx, tx, stock.Approved{CartID: "c1", OrderID: "o1"}))
		}); err != nil {
			t.Fatal(err)
		}
		is(s.Expire(ctx, approved, "c1"), stock.ErrPurchaseRunning)
		is(approved.Drop(ctx, "c1", "o1"), nil)
		is(s.Expire(ctx, approved, "c1"), nil)
		is(s.Expire(ctx, approved, "c1"), checkoutsession.ErrNotOpen)
		if got, _, _ = s.ByCart(ctx, "c1"); got.Status != checkoutsession.Expired || got.Customer != (checkoutsession.Customer{}) || got.Metadata["a"] != "b" {
			t.Errorf("ended: %+v", got)
		}
		is(s.Change(ctx, 4, to), checkoutsession.ErrNotOpen)
		is(s.Add(ctx, session("c3", "r1", "N-5")), nil)
		if got, _, _ = s.ByReference(ctx, "r1"); got.CartID != "c3" {
			t.Errorf("the newest is %+v", got)
		}

		complete := func(cartID, orderID string) {
			t.Helper()
			if err := d.Tx(ctx, func(tx *sql.Tx) error {
				row, found, err := checkoutsession.Lock(ctx, tx, cartID)
				if err != nil || !found {
					return errors.Join(err, errors.New("not found"))
				}
				return checkoutsession.SetComplete(ctx, tx, row, orderID)
			}); err != nil {
				t.Fatal(err)
			}
		}
		// A bank answers for the one that has ended: it is sold, and the reference is another basket's.
		complete("c1", "ord_0")
		complete("c1", "ord_00")
		if got, _, _ = s.ByCart(ctx, "c1"); got.Status != checkoutsession.Expired || got.OrderID != "ord_0" {
			t.Errorf("bought after its end: %+v", got)
		}
		if got, _, _ = s.ByReference(ctx, "r1"); got.CartID != "c3" || got.Status != checkoutsession.Open {
			t.Errorf("the one put anew: %+v", got)
		}

		// Bought: once, with an event; erased: without whom.
		is(s.SetPlacing(ctx, "c3"), nil)
		complete("c3", "ord_1")
		complete("c3", "ord_2")
		if got, _, _ = s.ByCart(ctx, "c3"); got.Status != checkoutsession.Complete || got.OrderID != "ord_1" {
			t.Errorf("bought: %+v", got)
		}
		is(s.SetPlacing(ctx, "c3"), nil)
		is(d.Tx(ctx, func(tx *sql.Tx) error { return checkoutsession.Erase(ctx, tx, "c3") }), nil)
		if got, _, _ = s.ByCart(ctx, "c3"); got.Status != checkoutsession.Complete || len(got.Metadata) != 0 || got.Customer != (checkoutsession.Customer{}) || got.SuccessURL == "" {
			t.Errorf("erased: %+v", got)
		}
		var events int
		if err := d.Read.QueryRowContext(ctx, "select count(*) from events").Scan(&events); err != nil || events != 2 {
			t.Errorf("%d events, %v", events, err)
		}

		// What is due is claimed by one.
		due, err := s.Due(ctx, time.Now().Add(checkoutsession.Life+time.Minute), 10)
		if err != nil || len(due) != 1 || due[0].Key != "c2" {
			t.Fatal(due, err)
		}
		first, err1 := s.Claim(ctx, due[0], time.Now().Add(time.Hour))
		second, err2 := s.Claim(ctx, due[0], time.Now().Add(time.Hour))
		if !first || second || err1 != nil || err2 != nil {
			t.Error(first, second, err1, err2)
		}
	})
}

// Of many who make one session one does, and all others learn so.
func TestAddAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := &checkoutsession.Store{DB: d}
		var running sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for i := range 12 {
			running.Go(func() {
				err := s.Add(t.Context(), session("c"+strconv.Itoa(i), "r", "N-"+strconv.Itoa(i)))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if !errors.Is(err, checkoutsession.ErrReference) {
					t.Error(err)
				}
			})
		}
		running.Wait()
		if made != 1 {
			t.Errorf("%d made", made)
		}
	})
}

// Only what we have signed, by any of our keys, opens a session.
func TestLinks(t *testing.T) {
	older, newer := []byte("0123456789abcdef0123456789abcdef"), []byte("fedcba9876543210fedcba9876543210")
	before, now := checkoutsession.Links{Keys: func() [][]byte { return [][]byte{older} }}, checkoutsession.Links{Keys: func() [][]byte { return [][]byte{newer, older} }}
	for _, secret := range []string{before.Secret("c1"), now.Secret("c1")} {
		if id, ok := now.Cart(secret); !ok || id != "c1" {
			t.Errorf("%q, %v", id, ok)
		}
	}
	for _, secret := range []string{"", ".", "c1", "c1.", "c2" + now.Secret("c1")[2:], now.Secret(""), now.Secret("c1") + "x"} {
		if _, ok := now.Cart(secret); ok {
			t.Errorf("%q opens", secret)
		}
	}
	if _, ok := before.Cart(now.Secret("c1")); ok {
		t.Error("another key opens")
	}
}

// A reason is added to whatever query an address has, which stays as it is.
func TestWay(t *testing.T) {
	s := checkoutsession.Session{Reference: "b 1", OrderNumber: "W-1"}
	for _, tt := range []struct{ address, reason, want string }{
		{"", "expired", ""},
		{"https://a.example/", "", "https://a.example/"},
		{"https://a.example", "expired", "https://a.example?reason=expired"},
		{"https://a.example/?z=1&a=2", "expired", "https://a.example/?z=1&a=2&reason=expired"},
		{"https://a.example/?a=1;b=2", "expired", "https://a.example/?a=1;b=2&reason=expired"},
		{"https://a.example/?discount=50%&id=7", "expired", "https://a.example/?discount=50%&id=7&reason=expired"},
		{"https://a.example/?reason=mine&sig=%2b+x", "expired", "https://a.example/?reason=mine&sig=%2b+x&reason=expired"},
		{"https://a.example/{ORDER_NUMBER}?b={REFERENCE}#top", "a b&c", "https://a.example/W-1?b=b+1&reason=a+b%26c#top"},
	} {
		if got := s.Way(tt.address, tt.reason); got != tt.want {
			t.Errorf("%s with %q: %s, want %s", tt.address, tt.reason, got, tt.want)
		}
	}
}
