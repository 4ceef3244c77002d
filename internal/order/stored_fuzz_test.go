package order_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
)

// FuzzStored: whatever the record of an order, its audit's entries or a payment's call hold
// (another version wrote them), reading is an error or an order, never a panic, and what
// can be done with it can be asked.
func FuzzStored(f *testing.F) {
	w := newWorld(f, nil)
	placed := w.Placed()
	as := w.Record(placed.OrderID)
	f.Add(as, w.Text("select min(entry) from audit"))
	f.Add(`{"v":99,"order_id":"x","number":"","new":{}}`, `{}`)
	f.Add(`{"order_id":"x","purchase_currency":"XXX","running":{"kind":"?"},"placed_at":"0001-01-01T00:00:00Z"}`, `{"at":"x"}`)
	f.Add(`{"order_lines":[{"quantity":-1,"total_amount":9223372036854775807,"tax_rate":-5},{"quantity":0}],"order_amount":-1,"captures":[{"captured_amount":9223372036854775807},{}]}`, `[]`)
	f.Add(`null`, `null`)
	f.Add(`{`, ``)
	f.Fuzz(func(t *testing.T, record, entry string) {
		ctx := t.Context()
		if !utf8.ValidString(record+entry) || strings.ContainsRune(record+entry, 0) {
			return // a database takes no such text
		}
		stored := placed.OrderID
		w.T = t // f must not be used in here
		defer w.SetRecord(stored, as)
		w.SetRecord(stored, record)
		w.Exec("update audit set entry = $1", entry)
		// Not an assertion on the entries: the page shows what could be read.
		_, _ = w.Book.Audit(ctx, stored)
		o, found, err := w.Book.ByOrderID(ctx, stored)
		if err != nil {
			if found || !errors.Is(err, order.ErrUnavailable) {
				t.Errorf("%q: found is %v, %v", record, found, err)
			}
			return
		}
		for _, action := range aftersale.Actions {
			_ = w.Desk.Possible(o, action, time.Now())
		}
	})
}

// FuzzList: any text, country, state, time and cursor is a page of orders that are newest
// first and no longer than asked for, or an error that says which of them is wrong.
func FuzzList(f *testing.F) {
	w := newWorld(f, nil)
	for range 3 {
		w.Placed()
	}
	all, err := w.Book.List(f.Context(), order.Query{Limit: 1})
	if err != nil || len(all.Orders) != 1 {
		f.Fatalf("%+v, %v", all, err)
	}
	f.Add("", "", "", int64(0), int64(0), all.Next)
	f.Add(all.Orders[0].Number, "AUTHORIZED", "SE", int64(0), int64(4e12), "")
	f.Add("a@b.example", "x", "se", int64(-1), int64(1), "n1700000000000:")
	f.Add("1 234,50", "", "\x00", int64(1e18), int64(-1e18), "p0000000000000;")
	f.Add("\xff*?[", "CAPTURED", "", int64(0), int64(0), "n1700000000000:\n")
	f.Fuzz(func(t *testing.T, text, status, country string, from, to int64, cursor string) {
		q := order.Query{Text: text, State: order.State(status), Country: country, Cursor: cursor, Limit: 2}
		if from != 0 {
			q.PlacedAfter = time.UnixMilli(from)
		}
		if to != 0 {
			q.PlacedBefore = time.UnixMilli(to)
		}
		page, err := w.Book.List(t.Context(), q)
		if err != nil {
			if errors.Is(err, order.ErrUnavailable) {
				t.Errorf("%+v: %v", q, err)
			}
			return
		}
		if len(page.Orders) > q.Limit {
			t.Errorf("%+v: got %d orders", q, len(page.Orders))
		}
		for i := 1; i < len(page.Orders); i++ {
			if page.Orders[i].PlacedAt.After(page.Orders[i-1].PlacedAt) {
				t.Errorf("%+v: order %d is newer than the one before", q, i)
			}
		}
		for _, beside := range []string{page.Next, page.Previous} {
			if beside != "" {
				q.Cursor = beside
				if _, err := w.Book.List(t.Context(), q); err != nil {
					t.Errorf("%+v: the page beside: %v", q, err)
				}
			}
		}
	})
}
