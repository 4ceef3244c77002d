package main

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/db"
	orderbook "github.com/shopd/shopd/internal/order"
)

// readSale reads an order that was bought, to be copied under other IDs and another
// number, reference and time of purchase.
func readSale(ctx context.Context, d *db.DB, orderID string) (orderbook.Order, error) {
	o, found, err := (&orderbook.Book{DB: d}).ByOrderID(ctx, orderID)
	switch {
	case err != nil:
		return o, err
	case !found:
		return o, errors.New("a bought order is not in the book")
	case !o.Acknowledged || !o.CartClosed:
		return o, errors.New("the book has not finished a bought order")
	}
	return o, nil
}

// orderNumber is the n-th of 2^40 different order numbers, in no visible order.
func orderNumber(n int) string {
	const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	mixed := uint64(n+1) * 0x9E3779B97F //nolint:gosec // n counts from 0; odd, so no two are the same
	var b strings.Builder
	b.WriteString("SK-")
	for i := range 8 {
		if i == 4 {
			b.WriteByte('-')
		}
		b.WriteByte(letters[mixed>>(5*i)&31])
	}
	return b.String()
}

// names of an order: what a copy has instead, and when its model was bought as its
// record says it.
const copies = `create temporary table copies as select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[])
	as c (model, id, order_id, cart_id, number, reference, placed, earlier)`

// The rows of a copy: those of its model with other names, bought earlier.
var copyRows = strings.NewReplacer(
	"$named(", "replace(replace(replace(replace(replace(", "$as", `, o.id, c.id), o.order_id, c.order_id), o.cart_id, c.cart_id), o.number, c.number), o.record::json->>'klarna_reference', c.reference)`,
	"$from", "from copies c join model_orders o on o.id = c.model", "$word", newWord).Replace(`
set local session_replication_role = replica; -- no look whether the order of each row is there: it is
insert into orders
	select c.id, c.number, c.order_id, c.cart_id, o.reference, c.number, o.merchant_reference2, o.status, o.pending, o.country, o.currency,
		o.order_amount, o.captured_amount, o.refunded_amount, o.acknowledged, o.placed_at - c.earlier, o.updated_at - c.earlier, o.due_at, o.read_at,
		o.erased_at, o.revision, replace($named(o.record$as, '"placed_at":"' || (o.record::json->>'placed_at'), '"placed_at":"' || c.placed),
		o.state, o.rejected, o.expiring, o.to_ship, o.flagged, o.found_revision, o.withdrawn, o.words_revision
	$from;
insert into order_words select $word, w.placed_at - c.earlier, c.id $from join model_order_words w on w.order_id = o.id;
insert into audit (order_id, at, entry) select c.id, a.at - c.earlier, $named(a.entry$as $from join model_audit a on a.order_id = o.id;
insert into stock_moves (sku, at, kind, on_hand, reserved, committed, order_id, who, reason)
	select m.sku, m.at - c.earlier, m.kind, m.on_hand, m.reserved, m.committed, case m.order_id when o.id then c.id else c.order_id end, m.who, m.reason
	$from join model_stock_moves m on m.order_id in (o.id, o.order_id);
with fresh as (
		select row_number() over () as n, 'evt_' || md5(c.id || e.id) as id, e.type, e.at - c.earlier as at, c.id as subject, $named(e.data$as as data
		$from join model_events e on e.subject = o.id),
	given as (update event_numbers set last = last + (select count(*) from fresh) returning last - (select count(*) from fresh) as before)
	insert into events (sequence, id, type, at, subject, data) select before + n, id, type, at, subject, data from fresh, given;
drop table copies`)

// models are the tables that have what is copied, made while there is nothing else.
var models = map[string]string{
	"model_orders": "table orders", "model_audit": "table audit", "model_stock_moves": "table stock_moves", "model_events": "table events",
	"model_order_words": "select w.*, " + nameOf + " as name from order_words w join orders o on o.id = w.order_id",
}

// dropIndexes drops the indexes that have all rows and that no loop of the shop needs, and returns
// what makes them again: at once they take a fraction of the time.
func dropIndexes(ctx context.Context, d *db.DB) (again []string, err error) {
	drop, err := db.All(ctx, d.Read, func(rows *sql.Rows) (statement string, err error) {
		var name, definition string
		err = rows.Scan(&name, &definition)
		again = append(again, definition)
		return "drop index " + name, err
	}, "select indexname, indexdef from pg_indexes where tablename in ('orders', 'order_words', 'audit', 'stock_moves') and indexdef !~ 'UNIQUE|WHERE'")
	if err != nil {
		return nil, err
	}
	again = append(again, "alter table order_words add primary key (word, placed_at, order_id)")
	return again, execute(ctx, d, append(drop, "alter table order_words drop constraint order_words_pkey")...)
}

func execute(ctx context.Context, d *db.DB, statements ...string) error {
	for _, statement := range statements {
		if _, err := d.Read.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// copiedStock makes the numbers of each product the sums of its moves again. Once: it reads
// all of these.
const copiedStock = `update stock s set reserved = m.reserved, committed = m.committed, on_hand = s.on_hand + m.committed - s.committed
	from (select sku, sum(reserved) as reserved, sum(committed) as committed from stock_moves group by sku) m where m.sku = s.sku`

// named are the words of a model that a copy has others for, and these.
var named = [][2]string{
	{"o.id", "c.id"}, {"o.order_id", "c.order_id"}, {"o.record::json->>'klarna_reference'", "c.reference"},
	{"o.number", "c.number"}, {"substr(o.number, 4)", "substr(c.number, 4)"}, {"substr(o.number, 9)", "substr(c.number, 9)"},
}

// nameOf is which of them a word of a model is, or null; newWord is the word of the copy.
var nameOf, newWord = func() (name, word string) {
	// As internal/order makes words: letters and digits alone, without the second of a pair
	// that stands for ä, ö, ü or å.
	wordOf := func(text string) string {
		return `regexp_replace(regexp_replace(lower(` + text + `), '[^a-z0-9]', '', 'g'), '(a)[ae]|([ou])e', '\1\2', 'g')`
	}
	name, word = "case w.word", "case w.name"
	for i, is := range named {
		name += fmt.Sprintf(" when %s then %d", wordOf(is[0]), i)
		word += fmt.Sprintf(" when %d then %s", i, wordOf(is[1]))
	}
	return name + " end", word + " else w.word end"
}()

// seedOrders writes n copies of sales, one bought every five minutes before them, and
// returns the bytes of the database that they took.
func seedOrders(ctx context.Context, d *db.DB, sales []orderbook.Order, n int) (bytes int64, err error) {
	before, err := sizeOfOrders(ctx, d)
	if err != nil {
		return 0, err
	}
	for table, query := range models {
		if err := execute(ctx, d, "create unlogged table "+table+" as "+query); err != nil {
			return 0, err
		}
	}
	indexes, err := dropIndexes(ctx, d)
	if err != nil {
		return 0, err
	}
	for start := 0; start < n; start += seedBatch {
		var columns [7][]string
		var earlier []int64
		for i := start; i < min(start+seedBatch, n); i++ {
			s, before := sales[i%len(sales)], time.Duration(i+1)*5*time.Minute
			for k, name := range []string{
				s.ID, "ord_" + strings.ToLower(randomText(len(s.ID)-len("ord_"))), uuid.NewString(), strings.ToLower(rand.Text()), orderNumber(i),
				strings.ToUpper(randomText(len(s.KlarnaReference))), s.PlacedAt.Add(-before).Format(time.RFC3339Nano),
			} {
				columns[k] = append(columns[k], name)
			}
			earlier = append(earlier, before.Milliseconds())
		}
		if err := d.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, copies, columns[0], columns[1], columns[2], columns[3], columns[4], columns[5], columns[6], earlier)
			for query := range strings.SplitSeq(copyRows, ";") {
				if err == nil {
					_, err = tx.ExecContext(ctx, query)
				}
			}
			return err
		}); err != nil {
			return 0, fmt.Errorf("copy orders: %w", err)
		}
	}
	indexes = append(indexes, copiedStock, "drop table "+strings.Join(slices.Collect(maps.Keys(models)), ", "), "vacuum analyze") // the latter the server does by itself, some time
	if err := execute(ctx, d, indexes...); err != nil {
		return 0, err
	}
	after, err := sizeOfOrders(ctx, d)
	return after - before, err
}

// sizeOfOrders is the size of all tables with their indexes, in bytes.
func sizeOfOrders(ctx context.Context, d *db.DB) (n int64, err error) {
	err = d.Read.QueryRowContext(ctx, "select sum(pg_total_relation_size(relid)) from pg_stat_user_tables").Scan(&n)
	return n, err
}

// readBook does what the back office does with the book: the newest page, one order by
// its number, those of a buyer. It fails unless copies are read as the orders that they
// are.
func (s *site) readBook(ctx context.Context) error {
	book := &orderbook.Book{DB: s.db}
	page, err := book.List(ctx, orderbook.Query{})
	if err != nil {
		return err
	}
	if want := min(s.orders, orderbook.MaxTotal+1); int(page.Total) != want {
		return fmt.Errorf("the book lists %d orders, there are %d", page.Total, want)
	}
	number := orderNumber(0)
	o, found, err := book.ByNumber(ctx, number)
	if err != nil || !found || o.Number != number {
		return fmt.Errorf("the copied order %s is not found as itself: %v, %w", number, found, err)
	}
	for _, q := range []orderbook.Query{
		{Text: o.BillingAddress.Email}, {Text: o.KlarnaReference}, {Country: o.PurchaseCountry, State: o.State()},
		{PlacedAfter: o.PlacedAt, PlacedBefore: o.PlacedAt.Add(time.Millisecond)},
	} {
		page, err := book.List(ctx, q)
		if err != nil {
			return err
		}
		if len(page.Orders) == 0 {
			return fmt.Errorf("a copied order is not found by %+v", q)
		}
	}
	return nil
}
