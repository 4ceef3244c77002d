package order_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/stock"
)

// person is what the shopper of these tests types, and what staff type of her.
var person = []string{
	"given_name", "Wilhelmina", "family_name", "Ångström-Quist", "email", "Wilhelmina.Q@quist.example",
	"street_address", "Kaptensgatan 77", "street_address2", "c/o Rosenkvist", "postal_code", "413 01", "city", "Göteborg", "phone", "+46709988776",
}

// personal is all that must be gone: what stands at the places of person, what Klarna knows
// besides, and what staff have written.
func personal() []string {
	list := []string{
		"1987-06-05", "870605-4321", "angstromquist", "709988776",
		"for Wilhelmina", "REF-QUIST", "ERP-QUIST", "TRACK-QUIST", "quist.example", "Quist",
	}
	for i := 1; i < len(person); i += 2 {
		list = append(list, person[i])
	}
	return list
}

// knowing is a Klarna that also says what is known of the customer. It is asked as often as
// calls says.
type knowing struct{}

func (knowing) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || req.Method != http.MethodGet || !strings.HasPrefix(req.URL.Path, "/ordermanagement/") || res.StatusCode != http.StatusOK {
		return res, err
	}
	defer func() { _ = res.Body.Close() }()
	var body map[string]any
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
		return nil, err
	}
	body["customer"] = map[string]string{"date_of_birth": "1987-06-05", "national_identification_number": "870605-4321"}
	text, err := json.Marshal(body)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	return res, err
}

// eraseWorlds runs a test on either database, in which SQLite's log is emptied at once.
func eraseWorlds(t *testing.T, test func(*testing.T, *world, string)) {
	t.Helper()
	for _, engine := range []string{"postgres", "sqlite"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			at := ""
			if engine == "sqlite" {
				at = dbtest.SQLiteURL(t)
			} else {
				at = dbtest.PostgresURL(t)
			}
			d := dbtest.Open(t, db.Config{URL: at, Checkpoint: 10 * time.Millisecond})
			w := &world{shoptest.New(t, shoptest.Options{DB: d, URL: at, Config: func(c *shop.Config) { c.Klarna.Transport = knowing{} }})}
			w.Beside(func(ctx context.Context) { w.Story.Run(ctx) })
			test(t, w, at)
		})
	}
}

// ended is a sale of the person's that is captured, partly refunded and sent, with all that
// staff can write down; its cart knows where she lives.
func (w *world) ended() (cartID string, o order.Order) {
	w.T.Helper()
	cartID, orderID := w.Sale(person...)
	o = w.Place(orderID)
	if _, err := w.Carts.Update(w.T.Context(), cartID, sweden, func(c *cart.Cart) error {
		c.ShipTo = &cart.ShipTo{PostalCode: "413 01"}
		return nil
	}); err != nil {
		w.T.Fatal(err)
	}
	text := "ERP-QUIST"
	o = w.Do(o, shoptest.Command(o, aftersale.References.Name, func(c *order.Command) { c.Reference2 = &text }), order.Done).Order
	address := o.ShippingAddress
	address.City = "Mölndal"
	o = w.Do(o, shoptest.Command(o, aftersale.Address.Name, func(c *order.Command) { c.ShippingAddress = &address }), order.Done).Order
	capture := shoptest.CaptureOf(w.T, o, 2, 1, 1)
	capture.Description, capture.Reference = "for Wilhelmina", "REF-QUIST"
	capture.Shipments = []order.Shipment{{Carrier: "PostNord", TrackingNumber: "TRACK-QUIST", TrackingURI: "https://track.example/TRACK-QUIST"}}
	o = w.Do(o, capture, order.Done).Order
	o = w.Do(o, shoptest.Command(o, aftersale.Refund.Name, func(c *order.Command) {
		c.Amount, c.Description, c.Reference = 100, "for Wilhelmina", "REF-QUIST"
	}), order.Done).Order
	return cartID, o
}

// gone demands that nothing personal is kept anywhere.
func (w *world) gone(when string) {
	w.T.Helper()
	if places := w.Found(append(personal(), "Mölndal")...); len(places) > 0 {
		w.T.Errorf("%s: %q", when, places)
	}
}

func (w *world) erase(orderID string) order.Order {
	w.T.Helper()
	o, err := w.Book.Erase(w.T.Context(), orderID, order.ByStaff)
	if err != nil {
		w.T.Fatal(err)
	}
	return o
}

// Invariant 16: what was erased is nowhere, and does not come back: not from Klarna, not from
// a command, not by what is told twice. What bookkeeping needs stays.
func TestErase(t *testing.T) {
	t.Parallel()
	eraseWorlds(t, func(t *testing.T, w *world, at string) {
		cartID, o := w.ended()
		var want []string
		for i := 1; i < len(person); i += 2 {
			want = append(want, "database: "+person[i])
		}
		for _, text := range []string{"for Wilhelmina", "REF-QUIST", "ERP-QUIST", "TRACK-QUIST", "angstromquist", "709988776"} {
			want = append(want, "database: "+text)
		}
		want = append(want, "redis: 413 01")
		before := w.Found(personal()...)
		for _, place := range want {
			if !slices.Contains(before, place) {
				t.Errorf("before, %q is not found in %q", place, before)
			}
		}
		if slices.ContainsFunc(before, func(place string) bool { return strings.HasPrefix(place, "log") }) {
			t.Errorf("before: %q", before)
		}
		stays := w.Number("select count(*) from audit")
		backup := w.backup(at)

		erased := w.erase(o.OrderID)
		w.gone("erased")
		if audit := w.Audited(o.OrderID); w.Number("select count(*) from audit") != stays+1 || audit[len(audit)-1] != order.AuditErased {
			t.Errorf("the audit: %v", audit)
		}
		if !erased.Erased() || erased.OrderAmount != o.OrderAmount || erased.CapturedAmount != o.CapturedAmount || erased.RefundedAmount != 100 ||
			!reflect.DeepEqual(erased.OrderLines, o.OrderLines) || !erased.PlacedAt.Equal(o.PlacedAt) || !strings.EqualFold(erased.ShippingAddress.Country, "se") ||
			erased.MerchantReference1 != o.Number || len(erased.Captures) != 1 || len(erased.Shipments) != len(o.Shipments) {
			t.Errorf("what bookkeeping needs: %+v", erased)
		}
		for _, text := range []string{o.Number, o.OrderID, o.KlarnaReference} {
			if page, err := w.Book.List(t.Context(), order.Query{Text: text}); err != nil || page.Total != 1 {
				t.Errorf("found by %s: %d, %v", text, page.Total, err)
			}
		}
		for _, line := range o.OrderLines {
			if page, err := w.Book.List(t.Context(), order.Query{SKU: line.Reference}); line.IsGoods() && (err != nil || page.Total != 1) {
				t.Errorf("found by its goods %s: %d, %v", line.Reference, page.Total, err)
			}
		}
		if n := w.Number("select count(*) from order_words"); n > 8 {
			t.Errorf("it has %d words", n)
		}

		// Whoever reads it at Klarna brings nothing back, and has nothing to tell.
		if _, err := w.Book.Follow(t.Context(), time.Now().Add(8*24*time.Hour), 10); err != nil {
			t.Fatal(err)
		}
		w.Place(o.OrderID) // as push and confirmation do
		if now, err := w.Book.Refresh(t.Context(), o.OrderID); err != nil || now.Revision != erased.Revision {
			t.Errorf("a read: revision %d, was %d, %v", now.Revision, erased.Revision, err)
		}
		w.gone("read")
		// Money goes back all the same; and what is written then goes, too.
		refund := shoptest.Command(erased, aftersale.Refund.Name, func(c *order.Command) { c.Amount, c.Description, c.Reference = 200, "for Wilhelmina", "REF-QUIST" })
		if now := w.Do(erased, refund, order.Done).Order; now.RefundedAmount != 300 {
			t.Errorf("refunded %d", now.RefundedAmount)
		}
		w.gone("refunded")
		w.Fake.AddFault(fakeklarna.Fault{
			Method: http.MethodPost, Path: "/ordermanagement/v1/orders/*/refunds", Status: http.StatusForbidden,
			Body: `{"error_code":"REFUND_NOT_ALLOWED","error_messages":["Not allowed: Kaptensgatan 77"],"correlation_id":"c-1"}`,
		})
		refund = shoptest.Command(w.InBook(o.OrderID), aftersale.Refund.Name, func(c *order.Command) { c.Amount, c.Description = 100, "Kaptensgatan 77" })
		if refused := w.Do(w.InBook(o.OrderID), refund, order.Refused); len(refused.Entry.Messages) != 1 {
			t.Errorf("who has asked is not told Klarna's sentence: %+v", refused.Entry)
		}
		w.gone("refused")
		for _, a := range []*aftersale.Action{aftersale.Parcel, aftersale.Correct, aftersale.Address, aftersale.References} {
			if impossible := w.Desk.Possible(w.InBook(o.OrderID), a, time.Now()); impossible == nil || impossible.Reason != aftersale.ReasonErased {
				t.Errorf("%s: %v", a.Name, impossible)
			}
		}
		// Again changes nothing.
		now := w.InBook(o.OrderID)
		if diff := cmp.Diff(now, w.erase(o.OrderID)); diff != "" {
			t.Error(diff)
		}

		// A copy of before is restored.
		w.restore(backup)
		if places := w.Found("Kaptensgatan 77"); len(places) == 0 {
			t.Fatal("the copy does not have it")
		}
		if err := w.Book.EraseDue(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		w.gone("restored")
		if _, err := w.Book.Refresh(t.Context(), o.OrderID); err != nil {
			t.Fatal(err)
		}
		w.gone("restored and read")
		if c := w.Cart(cartID); !c.BoughtBy(o.OrderID) {
			t.Error("the cart has forgotten what it was bought by")
		}
	})
}

// backup copies the database, and restore begins to use a copy: a file of PostgreSQL's
// dump, or the URL of one of SQLite.
func (w *world) backup(at string) (copied string) {
	w.T.Helper()
	if w.DB.Engine == db.SQLite {
		return dbtest.CopySQLite(w.T, w.DB)
	}
	file := filepath.Join(w.T.TempDir(), "copy")
	w.program("pg_dump", "--format=custom", "--file="+file, at)
	return file
}

func (w *world) restore(copied string) {
	w.T.Helper()
	at := copied
	if w.DB.Engine == db.Postgres {
		at = dbtest.PostgresURL(w.T)
		w.program("pg_restore", "--clean", "--if-exists", "--no-owner", "--dbname="+at, copied)
	}
	w.Move(dbtest.Open(w.T, db.Config{URL: at, Checkpoint: 10 * time.Millisecond}), at, knowing{})
}

func (w *world) program(name string, args ...string) {
	w.T.Helper()
	path, err := dbtest.Program(name)
	if err != nil {
		w.T.Fatal(err)
	}
	if out, err := exec.CommandContext(w.T.Context(), path, args...).CombinedOutput(); err != nil {
		w.T.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// An order that is not finished is refused with the reason, and nothing changes; not even
// later, by the list.
func TestEraseRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	sale := func(edit func(*order.Order)) order.Order {
		_, o := w.ended()
		if edit != nil {
			if _, err := w.Book.Edit(t.Context(), o.OrderID, edit); err != nil {
				t.Fatal(err)
			}
		}
		return w.InBook(o.OrderID)
	}
	cases := map[string]order.Order{
		"something can still be captured": w.Placed(person...),
		"a command is under way": sale(func(o *order.Order) {
			o.Running = &order.Command{Key: "k", Action: aftersale.Refund.Name, Amount: 1, At: time.Now()}
		}),
		"still checking the payment": sale(func(o *order.Order) { o.FraudStatus = ordermanagement.FraudPending }),
		"still being placed":         sale(func(o *order.Order) { o.CartClosed = false }),
		"a purchase of its cart":     sale(nil),
		"or its authorization":       sale(func(o *order.Order) { o.Origin = "session:s1" }),
	}
	w.Approve(stock.Approved{CartID: cases["a purchase of its cart"].CartID, OrderID: "second", Made: time.Now(), Lines: []stock.Line{{SKU: "MUG-1", Quantity: 1}}})
	if err := w.Payments.Authorizations.Add(t.Context(), "s1", "token", false); err != nil {
		t.Fatal(err)
	}
	for why, o := range cases {
		_, err := w.Book.Erase(t.Context(), o.OrderID, order.ByStaff)
		needed, ok := errors.AsType[*order.NeededError](err)
		if !ok || !strings.Contains(needed.Why, why) {
			t.Errorf("%s: got %v", why, err)
		}
	}
	if err := w.Book.EraseDue(t.Context(), time.Now()); err != nil {
		t.Error(err)
	}
	for why, o := range cases {
		if diff := cmp.Diff(o, w.InBook(o.OrderID)); diff != "" {
			t.Errorf("%s: %s", why, diff)
		}
	}
	if _, err := w.Book.Erase(t.Context(), "unknown", order.ByStaff); !errors.Is(err, order.ErrUnknown) {
		t.Errorf("no order: %v", err)
	}
	// What a list says stays on it, and is erased when it can be.
	late := cases["a purchase of its cart"]
	if _, err := w.Book.EraseListed(t.Context(), late.OrderID); !errors.As(err, new(*order.NeededError)) {
		t.Error(err)
	}
	if err := w.Stock.Drop(t.Context(), late.CartID, "second"); err != nil {
		t.Fatal(err)
	}
	if err := w.Book.EraseDue(t.Context(), time.Now()); err != nil || !w.InBook(late.OrderID).Erased() {
		t.Errorf("by the list: %v", err)
	}
}

// A process that is killed at any of its calls leaves an order that is erased or not; then
// doing it again, or the loop, finishes it.
func TestEraseKilled(t *testing.T) {
	t.Parallel()
	for again, late := range map[string]bool{"again": false, "loop": true} {
		{
			w := newWorld(t, nil)
			deaths := 0
			for n := 1; ; n++ {
				_, o := w.ended()
				r := &shoptest.Reaper{N: n, Late: late}
				_, err := w.Doomed(r).Book.Erase(t.Context(), o.OrderID, order.ByStaff)
				if !r.Died() {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				deaths++
				w.Buried()
				halfway := w.InBook(o.OrderID)
				if halfway.Erased() != (halfway.BillingAddress.GivenName == "") {
					t.Errorf("at call %d it is erased by halves", n)
				}
				listed := w.Client.ZScore(t.Context(), "shopd:erase", o.OrderID).Err() == nil
				if again == "loop" && listed {
					if err := w.Book.EraseDue(t.Context(), time.Now()); err != nil {
						t.Error(err)
					}
				} else {
					w.erase(o.OrderID)
				}
				w.gone("after call " + string(rune('0'+n)))
				if t.Failed() {
					t.FailNow()
				}
			}
			if deaths < 6 {
				t.Errorf("died at %d points", deaths)
			}
		}
	}
}

// Whatever happens at the same time brings nothing back: who has read the order before
// stores nothing over it.
func TestEraseBesideOthers(t *testing.T) {
	t.Parallel()
	eraseWorlds(t, func(t *testing.T, w *world, _ string) {
		for range 5 {
			_, o := w.ended()
			var all sync.WaitGroup
			for range 3 {
				all.Go(func() { _, _ = w.Book.Refresh(t.Context(), o.OrderID) })
				all.Go(func() { _, _ = w.Book.Place(t.Context(), o.OrderID) })
			}
			all.Go(func() {
				_, _ = w.Desk.Do(t.Context(), o.OrderID, shoptest.Command(o, aftersale.Refund.Name, func(c *order.Command) { c.Amount, c.Description = 100, "for Wilhelmina" }))
			})
			refused := false
			all.Go(func() {
				_, err := w.Book.Erase(t.Context(), o.OrderID, order.ByStaff)
				_, refused = errors.AsType[*order.NeededError](err)
				if err != nil && !refused {
					t.Error(err)
				}
			})
			all.Wait()
			if refused { // the refund was first
				w.erase(o.OrderID)
			}
			w.gone("beside others")
		}
	})
}

// A read that began before the order was erased, and ends after it, brings nothing back.
func TestEraseBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	_, o := w.ended()
	// Something is new at Klarna, so there is something to store.
	w.CallKlarna("POST", "/ordermanagement/v1/orders/"+o.OrderID+"/refunds", `{"refunded_amount":300,"description":"for Wilhelmina"}`)
	var once sync.Once
	slow := w.another(w.Redis.Client(), roundTripper(func(req *http.Request) (*http.Response, error) {
		res, err := http.DefaultTransport.RoundTrip(req)
		once.Do(func() { w.erase(o.OrderID) })
		return res, err
	}))
	now, err := slow.Refresh(t.Context(), o.OrderID)
	if err != nil || !now.Erased() || now.RefundedAmount != 400 {
		t.Errorf("%v, refunded %d, %v", now.Erased(), now.RefundedAmount, err)
	}
	w.gone("read between")
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A sale of Klarna Payments has its order call in the database until it is answered.
func TestErasePayments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	in := w.authorized()
	o, _, err := w.Book.PlaceAuthorized(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	o = w.InBook(o.OrderID)
	if place := w.Found("eva@example.com"); !slices.Contains(place, "database: eva@example.com") {
		t.Errorf("before: %v", place)
	}
	lines, amount := o.Rest()
	w.Do(o, shoptest.Command(o, aftersale.Capture.Name, func(c *order.Command) { c.OrderLines, c.Amount = lines, amount }), order.Done)
	w.Round(time.Minute) // releases what is not used
	w.erase(o.OrderID)
	if places := w.Found("eva@example.com", "Lind", "Storgatan 1"); len(places) > 0 {
		t.Error(places)
	}
}

// The loop erases what is older than personal data is kept, and nothing else.
func TestRetention(t *testing.T) {
	t.Parallel()
	eraseWorlds(t, func(t *testing.T, w *world, _ string) {
		_, old := w.ended()
		_, young := w.ended()
		open := w.Placed()
		w.Exec("update orders set placed_at = $1 where order_id in ($2, $3)", time.Now().AddDate(-3, 0, -1).UnixMilli(), old.OrderID, open.OrderID)
		if err := w.Book.EraseDue(t.Context(), time.Now()); err != nil || w.InBook(old.OrderID).Erased() {
			t.Errorf("erased without being told to: %v", err)
		}
		w.Book.Published = shoptest.Published(func(s *settings.Shop) { s.Retention = settings.Retention{Years: 3} })
		if err := w.Book.EraseDue(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if !w.InBook(old.OrderID).Erased() || w.InBook(young.OrderID).Erased() || w.InBook(open.OrderID).Erased() {
			t.Error("the old one alone should be erased")
		}
		if err := w.Book.EraseDue(t.Context(), time.Now().AddDate(3, 0, 1)); err != nil || !w.InBook(young.OrderID).Erased() {
			t.Errorf("three years later: %v", err)
		}
		w.gone("old")
		list, err := w.Book.ErasedList(t.Context())
		if err != nil || len(list) != 2 {
			t.Errorf("the list: %v, %v", list, err)
		}
	})
}

// All orders of an e-mail address, and no other's.
func TestOfEmail(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.Placed("email", "eva@example.com")
	b := w.Placed("email", "EVA@example.com")
	w.Placed("email", "steva@example.com")
	ids, err := w.Book.OfEmail(t.Context(), " Eva@Example.com")
	if err != nil || len(ids) != 2 || !slices.Contains(ids, a.OrderID) || !slices.Contains(ids, b.OrderID) {
		t.Errorf("%v, %v", ids, err)
	}
	for _, none := range []string{"", "nobody@example.com", "example.com", a.Number} {
		if ids, err := w.Book.OfEmail(t.Context(), none); err != nil || len(ids) != 0 {
			t.Errorf("%q: %v, %v", none, ids, err)
		}
	}
}
