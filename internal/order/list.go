package order

import (
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
	"github.com/shopd/shopd/internal/money"
)

// Query says which orders are wanted. Members that are zero ask for nothing.
type Query struct {
	// Text is a number, Klarna's reference of an order or a capture, an order ID,
	// an e-mail address or its EmailHash, or an order amount as people type it.
	Text    string
	State   State
	Country string // of purchase, alpha-2 in upper case
	// From and To bound the time of purchase, to the millisecond; To is excluded.
	From, To time.Time

	Cursor string // of a Page with the same filters; "" is the newest
	Limit  int    // 1 to MaxLimit; 0 is DefaultLimit
}

// The number of orders on a page, and up to which a list is counted.
const (
	DefaultLimit = 50
	MaxLimit     = 200
	MaxTotal     = 10_000
)

// Page is a part of a list of orders, newest first.
type Page struct {
	Orders []Order
	// Newer and Older are the cursors of the pages beside this one, "" at an end
	// of the list. Orders that are stored meanwhile move none from page to page.
	Newer, Older string
	Total        int64 // in the whole list, as far as MaxTotal
}

// ErrCursor: the cursor is none of ours.
var ErrCursor = errors.New("not a cursor of a list of orders")

// List returns a page of the orders that are asked for, newest first. The error is
// ErrCursor or ErrUnavailable, wrapped.
func (b *Book) List(ctx context.Context, q Query) (p Page, err error) {
	from, err := parseCursor(q.Cursor)
	if err != nil {
		return Page{}, err
	}
	limit := min(q.Limit, MaxLimit)
	if limit <= 0 {
		limit = DefaultLimit
	}
	err = b.DB.View(ctx, func(tx *sql.Tx) (err error) {
		p, err = page(ctx, tx, q, from, limit)
		return err
	})
	if err != nil && !errors.Is(err, ErrUnavailable) {
		err = fmt.Errorf("%w: list orders: %w", ErrUnavailable, err)
	}
	return p, err
}

// page reads a page of a list, and what is beside it.
func page(ctx context.Context, tx *sql.Tx, q Query, from position, limit int) (p Page, err error) {
	all, err := q.selection(ctx, tx)
	if err != nil {
		return Page{}, err
	}
	part, sorted := all, "order by placed_at desc, id desc"
	switch {
	case from.newer:
		part, sorted = all.and("(placed_at, id) > ($, $)", from.at, from.id), "order by placed_at, id"
	case from.at > 0:
		part = all.and("(placed_at, id) < ($, $)", from.at, from.id)
	}
	if p.Orders, err = several(ctx, tx, "select record from orders "+part.where()+" "+sorted+fmt.Sprintf(" limit %d", limit+1), part.args...); err != nil {
		return Page{}, err
	}
	more := len(p.Orders) > limit
	if more {
		p.Orders = p.Orders[:limit]
	}
	// What the cursor has left out is on the other side of the page.
	others := false
	if from.at > 0 {
		beside := all.and("(placed_at, id) >= ($, $)", from.at, from.id)
		if from.newer {
			beside = all.and("(placed_at, id) <= ($, $)", from.at, from.id)
		}
		if err := tx.QueryRowContext(ctx, "select exists (select 1 from orders "+beside.where()+")", beside.args...).Scan(&others); err != nil {
			return Page{}, err
		}
	}
	newer, older := others, more
	if from.newer {
		slices.Reverse(p.Orders)
		newer, older = more, others
	}
	newest, oldest := position{at: from.at}, position{at: from.at, id: lastID} // the page may have lost its orders
	if len(p.Orders) > 0 {
		newest, oldest = p.Orders[0].position(), p.Orders[len(p.Orders)-1].position()
	}
	if newer {
		p.Newer = newerMark + newest.String()
	}
	if older {
		p.Older = olderMark + oldest.String()
	}
	err = tx.QueryRowContext(ctx, "select count(*) from (select 1 from orders "+all.where()+fmt.Sprintf(" limit %d) as counted", MaxTotal+1), all.args...).Scan(&p.Total)
	return p, err
}

// position is where an order stands in all lists: by the time of purchase, and by its ID
// among those of the same millisecond.
type position struct {
	at    int64 // ms
	id    string
	newer bool // of a cursor: the page has what is newer than that, else what is older
}

func (o Order) position() position { return position{at: o.PlacedAt.UnixMilli(), id: o.ID} }

// String is the position in a cursor.
func (p position) String() string {
	text := fmt.Sprintf("%013d", min(max(p.at, 0), lastMoment))
	if p.id != "" {
		text += ":" + p.id
	}
	return text
}

const (
	newerMark, olderMark = "n", "o"
	lastID               = "~" // after all IDs, as "" is before them
	lastMoment           = 9_999_999_999_999
)

// cursorLike has positions of orders, also those that nobody can have any more.
var cursorLike = regexp.MustCompile(`^([no])([0-9]{13})(?::([A-Za-z0-9_-]{1,100}|~))?$`)

func parseCursor(text string) (p position, err error) {
	if text == "" {
		return position{}, nil
	}
	parts := cursorLike.FindStringSubmatch(text)
	if parts == nil {
		return position{}, ErrCursor
	}
	at, err := strconv.ParseInt(parts[2], 10, 64)
	return position{at: at, id: parts[3], newer: parts[1] == newerMark}, err
}

// selection is the condition that orders of a list meet.
type selection struct {
	terms []string
	args  []any
}

// and is a selection with one more term, in which each $ is an argument.
func (s selection) and(term string, args ...any) selection {
	for _, arg := range args {
		s.args = append(slices.Clip(s.args), arg)
		term = strings.Replace(term, "$", fmt.Sprintf("?%d", len(s.args)), 1)
	}
	s.terms = append(slices.Clip(s.terms), strings.ReplaceAll(term, "?", "$"))
	return s
}

func (s selection) where() string {
	if len(s.terms) == 0 {
		return ""
	}
	return "where " + strings.Join(s.terms, " and ")
}

// captureSuffix is what Klarna adds to an order's reference for a capture.
// Source: docs.klarna.com, Order Management API reference.
var captureSuffix = regexp.MustCompile(`-[0-9]{1,4}$`)

// selection understands a query. Its text is words of orders, or, where it is none, an
// amount.
func (q Query) selection(ctx context.Context, tx *sql.Tx) (s selection, err error) {
	if asked := q.Text + string(q.State) + q.Country; !utf8.ValidString(asked) || strings.ContainsRune(asked, 0) {
		return s.and("1 = 0"), nil // a database takes no such text
	}
	if q.State != "" {
		s = q.State.selected(s)
	}
	if q.Country != "" {
		s = s.and("country = $", q.Country)
	}
	if !q.From.IsZero() {
		s = s.and("placed_at >= $", q.From.UnixMilli())
	}
	if !q.To.IsZero() {
		s = s.and("placed_at < $", q.To.UnixMilli())
	}
	text := normal(q.Text)
	if text == "" {
		return s, nil
	}
	number := strings.TrimPrefix(strings.NewReplacer("-", "", " ", "").Replace(text), "sk")
	named := []any{text, captureSuffix.ReplaceAllString(text, ""), number}
	if amount, ok := money.ParseDecimal(text); ok {
		var known bool
		if err := tx.QueryRowContext(ctx, "select exists (select 1 from order_words where word in ($1, $2, $3))", named...).Scan(&known); err != nil {
			return s, err
		}
		if !known {
			return s.and("order_amount = $", int64(amount)), nil
		}
	}
	return s.and("id in (select order_id from order_words where word in ($, $, $))", named...), nil
}

// ByIDs are orders by Klarna's IDs, in their order; what the book does not have is
// left out. The error is ErrUnavailable.
func (b *Book) ByIDs(ctx context.Context, ids []string) ([]Order, error) {
	among, args := db.In(ids)
	orders, err := several(ctx, b.DB.Read, "select record from orders where order_id "+among, args...)
	slices.SortFunc(orders, func(x, y Order) int { return slices.Index(ids, x.OrderID) - slices.Index(ids, y.OrderID) })
	return orders, err
}
