package order

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Query says which orders are wanted, and in which order. Members that are zero ask for
// nothing.
type Query struct {
	// Text is words that an order has, or their beginnings of three letters and more: of
	// numbers, references, names, e-mail addresses, cities, postal codes, phone numbers, SKUs,
	// tracking numbers; without case, accents and signs; or an order amount as people type it.
	Text    string
	State   State
	Risk    ordermanagement.FraudStatus // FraudPending only while it matters
	Country string                      // of purchase, alpha-2 in upper case
	// Statuses are Klarna's, of which the order has one; Reference is that of its checkout
	// session, SKU that of some of its goods.
	Statuses       []ordermanagement.Status
	Reference, SKU string
	// PlacedAfter and PlacedBefore bound the time of purchase, to the millisecond: the first
	// is included, the second is not.
	PlacedAfter, PlacedBefore time.Time
	UpdatedAfter              time.Time // the record was written then, or later
	Expiring                  bool      // within 7 days, and something of it can be captured
	ToShip                    bool      // see Order.ToShip
	Flagged                   bool      // with any flag
	Withdrawn                 bool      // flagged WithdrawalRequested

	Sort      Sort
	Ascending bool // oldest, smallest, first of the alphabet first

	Cursor string // of a Page with the same filters and order; "" is the beginning
	Limit  int    // 1 to MaxLimit; 0 is DefaultLimit
}

// Sort is what a list is ordered by; orders that have the same go by time of purchase.
type Sort string

// The ways to order a list.
const (
	ByPlaced Sort = "" // time of purchase
	ByAmount Sort = "amount"
	ByStatus Sort = "status" // as Klarna names them
)

// The number of orders on a page, and up to which a list is counted.
const (
	DefaultLimit = 50
	MaxLimit     = 200
	MaxTotal     = 10_000
)

// Page is a part of a list of orders.
type Page struct {
	Orders []Order
	// Previous and Next are the cursors of the pages beside this one, "" at an end
	// of the list. Orders that are stored meanwhile move none from page to page.
	Previous, Next string
	Total          int64 // in the whole list, as far as MaxTotal + 1, or Countless
}

// Countless is the Total of a list whose orders are many, and more work to count than to
// look at: what is searched for are several frequent words, or one with a filter.
const Countless = -1

// ErrCursor: the cursor is none of ours, or of a list in another order.
var ErrCursor = errors.New("not a cursor of a list of orders")

// List returns a page of the orders that are asked for. The error is
// ErrCursor or ErrUnavailable, wrapped.
func (b *Book) List(ctx context.Context, q Query) (p Page, err error) {
	from, err := q.position()
	if err != nil {
		return Page{}, err
	}
	if q.Limit = min(q.Limit, MaxLimit); q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	err = b.view(ctx, func(tx *sql.Tx) error {
		s, err := q.selection(ctx, tx)
		if err == nil {
			p, err = q.page(ctx, tx, s, from)
		}
		return err
	})
	return p, err
}

// Countries returns the purchase countries of all orders, in order: also those of markets that the
// shop has given up. Each is one look into the index. The error is ErrUnavailable, wrapped.
func (b *Book) Countries(ctx context.Context) ([]string, error) {
	countries, err := db.All(ctx, b.DB.Read, func(rows *sql.Rows) (country string, err error) {
		err = rows.Scan(&country)
		return country, err
	}, `with recursive found (country) as (
		select min(country) from orders
		union all
		select (select min(o.country) from orders o where o.country > found.country) from found where found.country is not null
	) select country from found where country is not null`)
	if err != nil {
		return nil, fmt.Errorf("%w: list countries: %w", ErrUnavailable, err)
	}
	return countries, nil
}

// view reads from the database for a list.
func (b *Book) view(ctx context.Context, read func(*sql.Tx) error) error {
	err := b.DB.View(ctx, read)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: list orders: %w", ErrUnavailable, err)
	}
	return err
}

// page reads a page of a list, what is beside it, and how many there are.
func (q Query) page(ctx context.Context, tx *sql.Tx, s selection, from position) (p Page, err error) {
	places, others, err := q.places(ctx, tx, s, from, &p.Total)
	if err != nil {
		return Page{}, err
	}
	more := len(places) > q.Limit
	if more {
		places = places[:q.Limit]
	}
	previous, next := others, more
	if from.previous {
		slices.Reverse(places)
		previous, next = more, others
	}
	// The page may have lost its orders: then what is beside it begins with where it was.
	first, last := from, from
	if first.id, last.id = "", lastID; q.Ascending {
		first.id, last.id = lastID, ""
	}
	if len(places) > 0 {
		first, last = places[0], places[len(places)-1]
	}
	if previous {
		p.Previous = previousMark + first.String()
	}
	if next {
		p.Next = nextMark + last.String()
	}
	p.Orders, err = ordersAt(ctx, tx, places)
	return p, err
}

// places are the positions of a page's orders and of one more, from the cursor on. others
// is whether there are orders on the other side of it.
func (q Query) places(ctx context.Context, tx *sql.Tx, s selection, from position, total *int64) (places []position, others bool, err error) {
	columns, keyset, limit := "o.id, o.placed_at, "+q.key(), []clause(nil), q.Limit+1
	beside := clause{text: "false"}
	if !from.none {
		keyset = append(keyset, q.beyond(from, "", from.previous))
		beside = sqlf("exists (select 1 from "+s.from+" o$)", where(append(slices.Clip(s.where), q.beyond(from, "=", !from.previous))))
	}
	if s.walk != nil {
		// What is nearly everywhere is among the first orders that one looks at.
		first := sqlf(fmt.Sprintf("select id, placed_at"+s.needs(q.Sort)+" from orders o$$ limit %d", limits.walked),
			where(append(slices.Clone(s.filters), keyset...)), q.order(from.previous))
		once := ""
		if s.among.text != "" { // many of them have it, so one need not look at others
			once, first = "distinct ", sqlf(fmt.Sprintf("select id, placed_at from $ o$$ limit %d", limits.walked), s.among, where(keyset), q.order(from.previous))
		}
		places, err = q.read(ctx, tx, nil, nil, sqlf("select "+once+"0, false, "+columns+fmt.Sprintf(" from ($) o$$ limit %d", limit), first, where(s.walk), q.order(from.previous)))
		if err != nil || len(places) == limit {
			if err == nil {
				err = s.count(ctx, tx, total)
			}
			return places, !from.none, err
		}
	}
	page := sqlf("select "+columns+" as k from "+s.from+fmt.Sprintf(" o$$ limit %d", limit), where(append(slices.Clip(s.where), keyset...)), q.order(from.previous))
	count := s.counted()
	places, err = q.read(ctx, tx, total, &others, sqlf("$ select ($), $, o.id, o.placed_at, o.k from (select 1 as one) as base left join ($) o on true$",
		s.with, count, beside, page, q.outer(from.previous)))
	return places, others, err
}

// read reads positions, with what comes with each of them.
func (q Query) read(ctx context.Context, tx *sql.Tx, total *int64, others *bool, c clause) ([]position, error) {
	var n int64
	var more bool
	list, err := db.All(ctx, tx, func(rows *sql.Rows) (p position, err error) {
		var id, key sql.NullString
		var at sql.NullInt64
		err = rows.Scan(&n, &more, &id, &at, &key)
		p = position{at: at.Int64, id: id.String}
		if q.Sort != ByPlaced {
			p.key = key.String
		}
		return p, err
	}, c.statement(), c.args...)
	if total != nil {
		*total, *others = n, more
		list = slices.DeleteFunc(list, func(p position) bool { return p.id == "" }) // the row of an empty page
	}
	return list, err
}

// ordersAt are the orders at positions.
func ordersAt(ctx context.Context, tx db.Queryer, places []position) ([]Order, error) {
	ids := make([]string, len(places))
	for i, p := range places {
		ids[i] = p.id
	}
	among, args := db.In(ids)
	orders, err := several(ctx, tx, "select record from orders where id "+among, args...)
	slices.SortFunc(orders, func(x, y Order) int { return slices.Index(ids, x.ID) - slices.Index(ids, y.ID) })
	return orders, err
}

// key is what a list is ordered by before the time.
func (q Query) key() string {
	switch q.Sort {
	case ByAmount:
		return "o.order_amount" + q.hiding(" + 0")
	case ByStatus:
		return "o.state" + q.hiding(" || ''")
	case ByPlaced:
	}
	return "0"
}

// hiding is what hides from a planner that there is an index by a column, where one has only
// what staff have to do or to look at: that is few, and without statistics he might go
// through all orders instead.
func (q Query) hiding(nothing string) string {
	if q.Expiring || q.ToShip || q.Flagged || q.Withdrawn || q.Risk == ordermanagement.FraudPending || q.Risk == ordermanagement.FraudRejected {
		return nothing
	}
	return ""
}

// order is the order of a list, or of one that is read backwards.
func (q Query) order(backwards bool) clause { return q.orderBy(q.key(), backwards) }

// outer is the same where the key has a name of its own.
func (q Query) outer(backwards bool) clause { return q.orderBy("o.k", backwards) }

func (q Query) orderBy(key string, backwards bool) clause {
	direction := " desc"
	if q.Ascending != backwards {
		direction = ""
	}
	columns := []string{key, "o.placed_at", "o.id"}
	if q.Sort == ByPlaced {
		columns = columns[1:]
	}
	return clause{text: " order by " + strings.Join(columns, direction+", ") + direction}
}

// beyond are the orders after a position, with "=" it too; or before it.
func (q Query) beyond(p position, with string, backwards bool) clause {
	sign := "<"
	if q.Ascending != backwards {
		sign = ">"
	}
	switch q.Sort {
	case ByAmount:
		amount, _ := strconv.ParseInt(p.key, 10, 64) // position has looked
		return sqlf("("+q.key()+", o.placed_at, o.id) "+sign+with+" ($, $, $)", amount, p.at, p.id)
	case ByStatus:
		return sqlf("("+q.key()+", o.placed_at, o.id) "+sign+with+" ($, $, $)", p.key, p.at, p.id)
	case ByPlaced:
	}
	return sqlf("(o.placed_at, o.id) "+sign+with+" ($, $)", p.at, p.id)
}

// position is where an order stands in a list: by the key of the list's order, the time of
// purchase, and its ID among those of the same millisecond.
type position struct {
	at  int64 // ms
	id  string
	key string // amount or state

	previous bool // of a cursor: the page has what is before that, else what is after it
	none     bool // there is no cursor
}

func (o Order) position() position { return position{at: o.PlacedAt.UnixMilli(), id: o.ID} }

// String is the position in a cursor.
func (p position) String() string {
	text := fmt.Sprintf("%013d:%s", min(max(p.at, 0), lastMoment), p.id)
	if p.key != "" {
		text += ":" + p.key
	}
	return text
}

const (
	previousMark, nextMark = "p", "n"
	lastID                 = "~" // after all IDs, as "" is before them
	lastMoment             = 9_999_999_999_999
)

// cursorLike has positions of orders, also those that nobody can have any more.
var cursorLike = regexp.MustCompile(`^([pn])([0-9]{13}):([A-Za-z0-9_-]{0,100}|~)(?::([A-Z_]{1,20}|-?[0-9]{1,19}))?$`)

// position is that of the cursor, which must be of a list in the same order.
func (q Query) position() (p position, err error) {
	if q.Cursor == "" {
		return position{none: true}, nil
	}
	parts := cursorLike.FindStringSubmatch(q.Cursor)
	if parts == nil {
		return position{}, ErrCursor
	}
	at, err := strconv.ParseInt(parts[2], 10, 64)
	_, notAmount := strconv.ParseInt(parts[4], 10, 64)
	if err != nil || (q.Sort == ByPlaced) != (parts[4] == "") || q.Sort != ByPlaced && (q.Sort == ByAmount) != (notAmount == nil) {
		return position{}, ErrCursor
	}
	return position{at: at, id: parts[3], key: parts[4], previous: parts[1] == previousMark}, nil
}

// selection is where the orders of a list are, as "o", and the condition that they meet.
type selection struct {
	with  clause
	from  string
	where []clause

	// Of what has many orders: the conditions on an order, those of the filters, and where
	// the orders are that may meet them, where that is not all orders.
	walk, filters []clause
	among         clause
	amounts       bool // the conditions have an amount
	// How they are counted: by all rows of the only word, of an order perhaps several; by a
	// statement; or not, because that takes too long.
	many, total clause
	countless   bool
}

// needs are the columns that trying orders takes besides ID and time: no more, because the
// index of the list's order has them.
func (s selection) needs(sort Sort) (columns string) {
	if sort == ByStatus {
		columns = ", state"
	}
	if sort == ByAmount || s.amounts {
		columns += ", order_amount"
	}
	return columns
}

// nothing has no orders.
var nothing = selection{from: "orders", where: []clause{{text: "1 = 0"}}}

// count counts the orders of a selection.
func (s selection) count(ctx context.Context, tx *sql.Tx, total *int64) error {
	switch {
	case s.countless:
		*total = Countless
		return nil
	case s.total.text != "":
		return s.total.scan(ctx, tx, total)
	case s.many.text != "":
		// An order has few words with the same beginning.
		c := sqlf(fmt.Sprintf("select count(distinct id) from ($ limit %d) as part", 3*MaxTotal), s.many)
		if err := c.scan(ctx, tx, total); err != nil || *total > MaxTotal {
			*total = min(*total, MaxTotal+1)
			return err
		}
	}
	return sqlf("$ $", s.with, s.counted()).scan(ctx, tx, total)
}

// counted counts as far as MaxTotal and one more. In the order of the indexes: else
// PostgreSQL reads the table from its beginning, in hope of finding enough there.
func (s selection) counted() clause {
	sorted := ""
	if s.from == "orders" {
		sorted = " order by o.placed_at, o.id"
	}
	return sqlf(fmt.Sprintf("select count(*) from (select 1 from "+s.from+" o$"+sorted+" limit %d) as counted", MaxTotal+1), where(s.where))
}

// selection understands a query.
func (q Query) selection(ctx context.Context, tx *sql.Tx) (selection, error) {
	if asked := q.Text + string(q.State) + q.Country + q.Reference + q.SKU; !utf8.ValidString(asked) || strings.ContainsRune(asked, 0) {
		return nothing, nil // a database takes no such text
	}
	var filters []clause
	add := func(is bool, term string, args ...any) {
		if is {
			filters = append(filters, sqlf(term, args...))
		}
	}
	hidden := q.hiding(" || ''")
	add(q.State != "", "o.state"+hidden+" = $", string(q.State))
	add(q.Country != "", "o.country"+hidden+" = $", q.Country)
	if len(q.Statuses) > 0 {
		var among []clause
		for _, status := range q.Statuses {
			among = append(among, sqlf("$", string(status)))
		}
		add(true, "o.status in ($)", joined(among, ", "))
	}
	add(q.Reference != "", "o.reference = $", q.Reference)
	add(q.SKU != "", "o.id in (select w.order_id from order_words w where w.word = $)", word(q.SKU))
	add(!q.UpdatedAfter.IsZero(), "o.updated_at >= $", q.UpdatedAfter.UnixMilli())
	add(q.Risk != "", cmp.Or(map[ordermanagement.FraudStatus]string{
		ordermanagement.FraudPending: "o.pending", ordermanagement.FraudRejected: "o.rejected", ordermanagement.FraudAccepted: "not o.pending and not o.rejected",
	}[q.Risk], "1 = 0"))
	add(q.Expiring, "o.expiring")
	add(q.ToShip, "o.to_ship")
	add(q.Flagged, "o.flagged")
	add(q.Withdrawn, "o.withdrawn")
	add(!q.PlacedAfter.IsZero(), "o.placed_at >= $", q.PlacedAfter.UnixMilli())
	add(!q.PlacedBefore.IsZero(), "o.placed_at < $", q.PlacedBefore.UnixMilli())
	if text := strings.TrimSpace(q.Text); text != "" {
		return lookUp(ctx, tx, text, filters, q.Sort == ByPlaced)
	}
	return selection{from: "orders", where: filters}, nil
}

// ByRefs are the orders that are named so (Order.Ref), in their order; what the book does not have is
// left out. The error is ErrUnavailable.
func (b *Book) ByRefs(ctx context.Context, refs []string) ([]Order, error) {
	among, args := db.In(refs)
	orders, err := several(ctx, b.DB.Read, "select record from orders where order_id "+among+" or order_id is null and id "+among, args...)
	slices.SortFunc(orders, func(x, y Order) int { return slices.Index(refs, x.Ref()) - slices.Index(refs, y.Ref()) })
	return orders, err
}
