package order

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/stock"
)

// ByOrderID returns the order that Klarna knows by this ID, or that has this ID of ours;
// false when it is not in the book.
func (b *Book) ByOrderID(ctx context.Context, id string) (Order, bool, error) {
	o, _, found, err := read(ctx, b.DB.Read, columnOf(id), id)
	return o, found, err
}

// columnOf is the column of an ID, Klarna's or ours.
func columnOf(id string) string {
	if cart.IsOwnOrder(id) {
		return "id"
	}
	return "order_id"
}

// ByNumber returns the order with this number, one of ours in either case; false when
// there is none.
func (b *Book) ByNumber(ctx context.Context, number string) (Order, bool, error) {
	if !anyNumber.MatchString(number) {
		return Order{}, false, nil
	}
	o, _, found, err := read(ctx, b.DB.Read, "number", number)
	if upper := strings.ToUpper(number); err == nil && !found && upper != number && isNumber(upper) {
		o, _, found, err = read(ctx, b.DB.Read, "number", upper)
	}
	return o, found, err
}

// read returns the order that has a value in a unique column, with the text that it is
// stored as.
func read(ctx context.Context, q db.Queryer, column, value string) (o Order, text string, found bool, err error) {
	err = q.QueryRowContext(ctx, "select record from orders where "+column+" = $1", value).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return Order{}, "", false, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &o)
	}
	if err != nil {
		return Order{}, "", false, fmt.Errorf("%w: read order: %w", ErrUnavailable, err)
	}
	observe.Cart(ctx, o.CartID)
	observe.Order(ctx, o.Ref())
	return o, text, true, nil
}

// several returns the orders of a query of records, in its order.
func several(ctx context.Context, q db.Queryer, query string, args ...any) ([]Order, error) {
	orders, err := db.All(ctx, q, decoded[Order], query, args...)
	if err != nil {
		return nil, fmt.Errorf("%w: read orders: %w", ErrUnavailable, err)
	}
	return orders, nil
}

// decoded is what is stored as JSON in a row's one column.
func decoded[T any](rows *sql.Rows) (value T, err error) {
	var text string
	if err = rows.Scan(&text); err == nil {
		err = json.Unmarshal([]byte(text), &value)
	}
	return value, err
}

// columns are what is stored of an order beside its record, in the order of values.
// Each is there for a list or a loop: docs/database.md.
var columns = append([]string{
	"id", "number", "order_id", "cart_id", "reference", "merchant_reference1", "merchant_reference2", "status", "pending", "country", "currency",
	"order_amount", "captured_amount", "refunded_amount", "acknowledged", "placed_at", "updated_at", "due_at", "read_at", "erased_at", "revision", "record",
}, foundColumns...)

// revisionAt is the argument that has the revision, where values are the arguments.
var revisionAt = slices.Index(columns, "revision") + 1

func (o Order) values(record string, now, due time.Time) []any {
	text := func(s string) sql.NullString { return sql.NullString{String: s, Valid: s != ""} }
	moment := func(t time.Time) sql.NullInt64 { return sql.NullInt64{Int64: t.UnixMilli(), Valid: !t.IsZero()} }
	return append([]any{
		o.ID, o.Number, text(o.OrderID), text(o.CartID), text(o.Reference), text(o.MerchantReference1), text(o.MerchantReference2), string(o.Status), o.Pending(),
		o.PurchaseCountry, string(o.PurchaseCurrency), int64(o.OrderAmount), int64(o.CapturedAmount), int64(o.RefundedAmount), o.Acknowledged,
		o.PlacedAt.UnixMilli(), now.UnixMilli(), moment(due), moment(o.readAt(now)), moment(o.ErasedAt), o.Revision, record,
	}, o.found()...)
}

// insertOrder does nothing where order, number or ID are there.
var insertOrder = func() string {
	places := make([]string, len(columns))
	for i := range columns {
		places[i] = fmt.Sprintf("$%d", i+1)
	}
	return "insert into orders (" + strings.Join(columns, ", ") + ", words_revision) values (" + strings.Join(places, ", ") + fmt.Sprintf(", $%d) on conflict do nothing", revisionAt)
}()

// updateOrder replaces an order that is as it was read; its last argument is the revision then. Words that
// were an older version's stay so: renew makes them anew.
var updateOrder = "update orders set " + assigned(columns[1:], 2) + fmt.Sprintf(", words_revision = case words_revision when $%[1]d then $%[2]d else words_revision end where id = $1 and revision = $%[1]d", len(columns)+1, revisionAt) //nolint:gosec // names of columns

// assigned sets columns to the arguments from a number on.
func assigned(columns []string, first int) string {
	sets := make([]string, len(columns))
	for i, column := range columns {
		sets[i] = fmt.Sprintf("%s = $%d", column, first+i)
	}
	return strings.Join(sets, ", ")
}

// numberTries bounds the search for a free number: of 2^40 few are taken.
const numberTries = 10

// store puts an order in the book unless it is there, and returns what the book says:
// number, key and all are those of whoever came first. In the same transaction its cart
// is locked, its approved order is sold, and what it is bought by becomes it. stored is
// whether this call put it there.
func (b *Book) store(ctx context.Context, o Order) (kept Order, stored bool, err error) {
	err = b.DB.Tx(ctx, func(tx *sql.Tx) error {
		kept, stored, err = b.storeIn(ctx, tx, o)
		return err
	})
	if err != nil {
		return Order{}, false, fmt.Errorf("%w: store order: %w", ErrUnavailable, err)
	}
	return kept, stored, nil
}

func (b *Book) storeIn(ctx context.Context, tx *sql.Tx, o Order) (kept Order, stored bool, err error) {
	session, ofSession, err := checkoutsession.Lock(ctx, tx, o.CartID)
	if err != nil {
		return Order{}, false, err
	}
	if ofSession {
		o.Number, o.Reference, o.Metadata = session.OrderNumber, session.Reference, session.Metadata
		o.LineNames = namesOf(o.OrderLines, session.Lines)
		if o.OwnSalesTax() { // it may have come out by the shop's rate too
			o.Terms.SalesTax, o.Terms.UntaxedDelivery = nil, false
		}
		if session.OrderID != "" {
			o.Number = "" // the order before has it
		}
	}
	// Without a cart nobody else decides about it but those who store the same order.
	if err := stock.LockCart(ctx, tx, cmp.Or(o.CartID, o.Ref())); err != nil {
		return Order{}, false, err
	}
	if known, _, found, err := read(ctx, tx, columnOf(o.Ref()), o.Ref()); err != nil || found {
		if err == nil {
			// Who stored it may not know yet that it lasts. When this commits, it does.
			_, err = tx.ExecContext(ctx, "update orders set updated_at = $2 where id = $1", known.ID, time.Now().UnixMilli())
		}
		return known, false, err
	}
	if err := b.become(ctx, tx, o); err != nil {
		return Order{}, false, err
	}
	if o.CartID != "" {
		current, err := b.isCurrent(ctx, tx, o)
		if err != nil {
			return Order{}, false, err
		}
		if !current {
			o.flag(NotCurrent)
		}
	}
	if err := b.insert(ctx, tx, &o, time.Now().Add(placerTime)); err != nil {
		return Order{}, false, err
	}
	if err := publish.Keep(ctx, tx, o.Priced); err != nil {
		return Order{}, false, err
	}
	short, err := b.Stock.Sell(ctx, tx, o.CartID, o.Ref(), append(cart.Stocked(o.OrderLines), stock.Uses(o.Terms.Campaigns)...))
	if err != nil {
		return Order{}, false, err
	}
	_, more, err := b.move(ctx, tx, Order{OrderID: o.OrderID, OrderLines: o.OrderLines, OrderAmount: o.OrderAmount}, o, stock.Entry{})
	if err != nil {
		return Order{}, false, err
	}
	oversold, renumbered := len(short)+len(more) > 0, ofSession && o.Number != session.OrderNumber
	if oversold {
		o.flag(Oversold)
	}
	if renumbered {
		o.flag(DuplicateNumber)
	}
	if oversold || renumbered {
		if err := rewrite(ctx, tx, "{}", o); err != nil {
			return Order{}, false, err
		}
	}
	if err := addEntries(ctx, tx, o, o.beginning()); err != nil {
		return Order{}, false, err
	}
	for _, what := range o.began() {
		if err := event.Add(ctx, tx, what, o.event()); err != nil {
			return Order{}, false, err
		}
	}
	if ofSession {
		err = checkoutsession.SetComplete(ctx, tx, session, o.ID)
	}
	return o, true, err
}

// insert writes a new order with a number of its own: the one that it has, if nobody
// else has it.
func (b *Book) insert(ctx context.Context, tx *sql.Tx, o *Order, due time.Time) error {
	o.Version = version
	for range numberTries {
		if o.ID == "" {
			o.ID = cart.NewOrderID()
		}
		if o.Number == "" {
			o.Number = NewNumber(b.Published.Now().Shop.OrderPrefix)
		}
		record, err := json.Marshal(*o)
		if err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, insertOrder, o.values(string(record), time.Now(), due)...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		switch {
		case err != nil:
			return err
		case n > 0:
			return setWords(ctx, tx, *o)
		}
		if o.Number = ""; !o.Free() { // else nobody else has the ID: the cart is locked
			o.ID = ""
		}
	}
	return errors.New("no free order number")
}

// rewrite stores the record of an order that the transaction has written; text was the
// record before.
func rewrite(ctx context.Context, tx *sql.Tx, text string, o Order) error {
	record, err := carried(text, o)
	if err == nil {
		_, err = tx.ExecContext(ctx, "update orders set record = $2, "+setFound+" where id = $1", append([]any{o.ID, record}, o.found()...)...)
	}
	return err
}

// isCurrent reports whether no other order of the cart was approved after an order that
// is not in the book yet. One that was never approved, or too long ago, is current where
// the cart has no other. The cart is locked.
func (b *Book) isCurrent(ctx context.Context, tx *sql.Tx, o Order) (bool, error) {
	list, err := b.Stock.OfCart(ctx, tx, o.CartID)
	if err != nil || len(list) > 0 {
		return len(list) > 0 && list[0].OrderID == o.Ref(), err
	}
	var others bool
	err = tx.QueryRowContext(ctx, "select exists (select 1 from orders where cart_id = $1)", o.CartID).Scan(&others)
	return !others, err
}

// become gives what an order is bought by the order's name. The cart is locked.
func (b *Book) become(ctx context.Context, tx *sql.Tx, o Order) error {
	sessionID := payments.SessionOf(o.Origin)
	if sessionID == "" {
		return nil
	}
	if err := payments.SetOrder(ctx, tx, sessionID, o.OrderID); err != nil {
		return err
	}
	return b.Stock.Become(ctx, tx, o.Origin, o.OrderID)
}

// Edit changes an order and returns what the audit says of it. With an error
// nothing is stored.
type Edit func(*Order) ([]AuditEntry, error)

// Update changes an order of the book; where somebody else was faster, edit
// runs again on what they stored. An edit that changes nothing and has no
// entries is not stored. What is no longer, or newly, to be sent moves stock in the same
// transaction, and its events are written. The error is ErrUnavailable, with
// db.ErrCommitUnknown where it may be stored, or the edit's own.
func (b *Book) Update(ctx context.Context, id string, edit Edit) (Order, error) {
	for {
		before, text, found, err := read(ctx, b.DB.Read, columnOf(id), id)
		if err != nil {
			return Order{}, err
		}
		if !found {
			return Order{}, fmt.Errorf("%w: the order is gone from the book", ErrUnavailable)
		}
		o := before
		entries, err := edit(&o)
		if err != nil {
			return before, err
		}
		o.dropWithdrawn()
		if o.Erased() {
			o = o.bare() // whatever the edit has brought
		}
		changed, err := o.revise(before)
		if err != nil || !changed && len(entries) == 0 {
			return o, err
		}
		after, set, err := b.write(ctx, before, o, text, entries)
		if err != nil {
			return Order{}, fmt.Errorf("%w: update order: %w", ErrUnavailable, err)
		}
		if set {
			if after.Flagged(Oversold) && !before.Flagged(Oversold) {
				b.Observer.Flag(string(Oversold))
			}
			return after, nil
		}
	}
}

// write stores what an order has become, if it is still as it was read.
func (b *Book) write(ctx context.Context, before, o Order, text string, entries []AuditEntry) (after Order, set bool, err error) {
	erasing := o.Erased() && !before.Erased()
	err = b.DB.Tx(ctx, func(tx *sql.Tx) (err error) {
		if erasing {
			if err := b.settled(ctx, tx, o); err != nil {
				return err
			}
			text = "{}" // nobody knows what a newer version has added
		}
		after = o
		set, err = b.writeIn(ctx, tx, before, &after, text, entries)
		if err == nil && set && erasing {
			err = errors.Join(eraseAudit(ctx, tx, o), checkoutsession.Erase(ctx, tx, o.CartID))
		}
		return err
	})
	return after, set && err == nil, err
}

func (b *Book) writeIn(ctx context.Context, tx *sql.Tx, before Order, o *Order, text string, entries []AuditEntry) (set bool, err error) {
	record, err := carried(text, *o)
	if err != nil {
		return false, err
	}
	now, due := time.Now(), time.Time{}
	if !o.finished() {
		due = o.due(now)
	}
	result, err := tx.ExecContext(ctx, updateOrder, append(o.values(record, now, due), before.Revision)...)
	if err != nil {
		return false, err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return false, err
	}
	if !reflect.DeepEqual(words(before), words(*o)) {
		if err := setWords(ctx, tx, *o); err != nil {
			return false, err
		}
	}
	returned, err := b.settle(ctx, tx, before, o, text, entries)
	if err == nil {
		err = addEntries(ctx, tx, *o, append(entries, returned...))
	}
	if err == nil && o.CartClosed && !before.CartClosed {
		err = b.Stock.Closed(ctx, tx, o.Ref())
	}
	for _, what := range happened(before, *o) {
		if err == nil {
			err = event.Add(ctx, tx, what, o.event())
		}
	}
	return true, err
}

// revise gives an order that was changed its revision.
func (o *Order) revise(before Order) (changed bool, err error) {
	was, err := json.Marshal(before)
	if err != nil {
		return false, err
	}
	is, err := json.Marshal(*o)
	if err != nil || bytes.Equal(was, is) {
		return false, err
	}
	o.Revision++
	o.note(before)
	if material(before, *o) {
		o.MaterialRevision = o.Revision
	}
	return true, nil
}

// known are the members of a record that this version knows.
var known = func() map[string]bool {
	names := map[string]bool{}
	for field := range reflect.TypeFor[Order]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names[name] = true
	}
	return names
}()

// carried is an order as it is stored, with the members of the text before that this
// version does not know: a newer one has written them.
func carried(text string, o Order) (string, error) {
	record, err := json.Marshal(o)
	if err != nil {
		return "", err
	}
	var was, is map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal([]byte(text), &was), json.Unmarshal(record, &is)); err != nil {
		return "", err
	}
	more := false
	for name, value := range was {
		if !known[name] {
			is[name], more = value, true
		}
	}
	if more {
		record, err = json.Marshal(is)
	}
	return string(record), err
}

// addEntries adds entries to the audit of an order; those of an erased one name nobody, as
// Klarna's sentences might.
func addEntries(ctx context.Context, tx *sql.Tx, o Order, entries []AuditEntry) error {
	for _, e := range entries {
		if o.Erased() {
			e = e.bare()
		}
		text, err := json.Marshal(e)
		if err == nil {
			_, err = tx.ExecContext(ctx, "insert into audit (order_id, at, entry) values ($1, $2, $3)", o.ID, e.At.UnixMilli(), string(text))
		}
		if err != nil {
			return fmt.Errorf("write audit: %w", err)
		}
	}
	return nil
}

// Unacknowledged returns how many orders of the book are not acknowledged, and
// when the oldest was bought; zero when there is none.
func (b *Book) Unacknowledged(ctx context.Context) (n int64, oldest time.Time, err error) {
	return b.DB.Waiting(ctx, "select count(*), min(placed_at) from orders where not acknowledged")
}
