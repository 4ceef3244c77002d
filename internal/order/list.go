package order

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// Query says which orders are wanted. Members that are zero ask for nothing.
type Query struct {
	// Text is a number, Klarna's reference of an order or a capture, an order ID,
	// an e-mail address or its EmailHash, or an order amount as people type it.
	Text    string
	Status  ordermanagement.Status
	Pending bool   // only orders that Klarna is still checking
	Country string // of purchase, alpha-2 in upper case
	// From and To bound the time of purchase, to the millisecond; To is excluded.
	From, To time.Time

	Cursor string // of a Page with the same filters; "" is the newest
	Limit  int    // 1 to MaxLimit; 0 is DefaultLimit
}

// The number of orders on a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Page is a part of a list of orders, newest first.
type Page struct {
	Orders []Order
	// Newer and Older are the cursors of the pages beside this one, "" at an end
	// of the list. Orders that are stored meanwhile move none from page to page.
	Newer, Older string
	Total        int64 // in the whole list
}

// ErrCursor: the cursor is none of ours.
var ErrCursor = errors.New("not a cursor of a list of orders")

// List returns a page of the orders that are asked for, newest first. It costs
// three round trips to Redis, with a text four, and O(log n + limit), however
// many orders there are and whichever filters are set. The error is ErrCursor or
// ErrUnavailable, wrapped.
func (b *Book) List(ctx context.Context, q Query) (Page, error) {
	from, err := parseCursor(q.Cursor)
	if err != nil {
		return Page{}, err
	}
	a, err := b.find(ctx, q)
	if err != nil {
		return Page{}, err
	}
	if !a.listed {
		// By what is unique: no need for pages.
		slices.Reverse(a.orders)
		return Page{Orders: a.orders, Total: int64(len(a.orders))}, nil
	}
	limit := min(q.Limit, MaxLimit)
	if limit <= 0 {
		limit = DefaultLimit
	}
	page, positions, err := b.page(ctx, a.list, a.within, from, limit)
	if err != nil {
		return Page{}, fmt.Errorf("%w: list orders: %w", ErrUnavailable, err)
	}
	page.Orders, err = b.records(ctx, positions)
	return page, err
}

// span is a part of a list: from one position (included) to another (excluded).
type span struct{ from, to string }

// end is after every position.
const end = ":"

// spanOf is the part of a list that was bought in a time.
func spanOf(from, to time.Time) span {
	s := span{to: end}
	if !from.IsZero() {
		s.from = moment(from)
	}
	if !to.IsZero() {
		s.to = moment(to)
	}
	return s
}

// between are the bounds of members of a list.
func (s span) between(list string) (least, below string) {
	return "[" + list + s.from, "(" + list + s.to
}

// after is the part after a position, before the one in front of it.
func (s span) after(position string) span  { return span{max(s.from, position+"\x00"), s.to} }
func (s span) before(position string) span { return span{s.from, min(s.to, position)} }

// cursor says where a page begins.
type cursor struct {
	position string // "" is the newest
	newer    bool   // the page has what is newer than the position, else what is older
}

const newerMark, olderMark = "n", "o"

// cursorLike has positions of orders, also those that nobody can have any more.
var cursorLike = regexp.MustCompile(`^[no][0-9]{13}(|:[^\x00]{1,100}|;)$`)

// firstOf and lastOf are before and after all positions of the same millisecond.
func firstOf(position string) string { return position[:min(momentLength, len(position))] }
func lastOf(position string) string  { return firstOf(position) + ";" }

func parseCursor(text string) (cursor, error) {
	if text == "" {
		return cursor{}, nil
	}
	if !cursorLike.MatchString(text) {
		return cursor{}, ErrCursor
	}
	return cursor{text[1:], text[:1] == newerMark}, nil
}

// page finds a page of a list: the positions of its orders, newest first, and what
// is beside it.
func (b *Book) page(ctx context.Context, list string, within span, from cursor, limit int) (p Page, positions []string, err error) {
	part, beside := within, span{}
	switch {
	case from.newer:
		part, beside = within.after(from.position), within.before(from.position+"\x00")
	case from.position != "":
		part, beside = within.before(from.position), within.after(from.position)
		beside.from = max(within.from, from.position)
	}
	least, below := part.between(list)
	rangeBy := &redis.ZRangeBy{Min: least, Max: below, Count: int64(limit) + 1}
	var members *redis.StringSliceCmd
	var total, others *redis.IntCmd
	if _, err := b.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		if from.newer {
			members = pipe.ZRangeByLex(ctx, indexKey, rangeBy)
		} else {
			members = pipe.ZRevRangeByLex(ctx, indexKey, rangeBy)
		}
		least, below := within.between(list)
		total = pipe.ZLexCount(ctx, indexKey, least, below)
		least, below = beside.between(list)
		others = pipe.ZLexCount(ctx, indexKey, least, below)
		return nil
	}); err != nil {
		return Page{}, nil, err
	}
	for _, member := range members.Val() {
		positions = append(positions, member[len(list):])
	}
	more := len(positions) > limit
	if more {
		positions = positions[:limit]
	}
	newer, older := others.Val() > 0, more
	if from.newer {
		slices.Reverse(positions)
		newer, older = older, newer
	}
	newest, oldest := firstOf(from.position), lastOf(from.position) // the page may have lost its orders
	if len(positions) > 0 {
		newest, oldest = positions[0], positions[len(positions)-1]
	}
	if newer {
		p.Newer = newerMark + newest
	}
	if older {
		p.Older = olderMark + oldest
	}
	p.Total = total.Val()
	return p, positions, nil
}

// selection is what a query asks for: a part of a list, or these orders.
type selection struct {
	listed bool
	list   string
	within span
	orders []Order // oldest first
}

// captureSuffix is what Klarna adds to an order's reference for a capture.
// Source: docs.klarna.com, Order Management API reference.
var captureSuffix = regexp.MustCompile(`-[0-9]{1,4}$`)

// find understands the text of a query: what it names if there is such an
// order, else it is an amount.
func (b *Book) find(ctx context.Context, q Query) (selection, error) {
	listed := func(text string) (selection, error) {
		return selection{listed: true, list: list(text, q.Country, string(q.Status), q.Pending), within: spanOf(q.From, q.To)}, nil
	}
	text := strings.TrimSpace(q.Text)
	if text == "" {
		return listed("")
	}
	if strings.Contains(text, "@") {
		return listed(textOfEmail(text))
	}
	if hash, err := hex.DecodeString(text); err == nil && len(hash) == sha256.Size {
		return listed(textOfHash([sha256.Size]byte(hash)))
	}
	ids, err := b.named(ctx, text)
	if err != nil {
		return selection{}, fmt.Errorf("%w: find orders: %w", ErrUnavailable, err)
	}
	if amount, ok := money.ParseDecimal(text); ok && len(ids) == 0 {
		return listed(textOfAmount(amount))
	}
	orders, err := b.ByIDs(ctx, ids)
	orders = slices.DeleteFunc(orders, func(o Order) bool { return !q.matches(o) })
	slices.SortFunc(orders, func(x, y Order) int { return strings.Compare(x.position(), y.position()) })
	return selection{orders: orders}, err
}

// named are the IDs of the orders that a text names: by number, ID or Klarna's
// reference.
func (b *Book) named(ctx context.Context, text string) (ids []string, err error) {
	var byNumber *redis.StringCmd
	var byReference []*redis.StringSliceCmd
	var byID []*redis.IntCmd
	candidates := slices.Compact([]string{text, strings.ToLower(text)})
	references := slices.Compact([]string{text, captureSuffix.ReplaceAllString(text, "")})
	if _, err := b.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		byNumber = pipe.Get(ctx, numberKey+likeNumber(text))
		for _, id := range candidates {
			byID = append(byID, pipe.Exists(ctx, orderKey+id))
		}
		for _, reference := range references {
			least, below := span{to: end}.between(listOfReference(reference))
			byReference = append(byReference, pipe.ZRangeByLex(ctx, indexKey, &redis.ZRangeBy{Min: least, Max: below, Count: MaxLimit}))
		}
		return nil
	}); err != nil && !errors.Is(err, redis.Nil) {
		return nil, err
	}
	if id := byNumber.Val(); id != "" {
		ids = append(ids, id)
	}
	for i, there := range byID {
		if there.Val() > 0 {
			ids = append(ids, candidates[i])
		}
	}
	for i, members := range byReference {
		for _, member := range members.Val() {
			ids = append(ids, idOf(strings.TrimPrefix(member, listOfReference(references[i]))))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// likeNumber writes a text as an order number if it may be one: in either case,
// also without its beginning and its dashes.
func likeNumber(text string) string {
	text = strings.NewReplacer("-", "", " ", "").Replace(strings.ToUpper(text))
	text = strings.TrimPrefix(text, "SK")
	if len(text) != 8 {
		return ""
	}
	return numberPrefix + text[:4] + "-" + text[4:]
}

// matches reports whether the filters of a query let an order pass.
func (q Query) matches(o Order) bool {
	within, at := spanOf(q.From, q.To), o.position()
	return (q.Status == "" || o.Status == q.Status) && (q.Country == "" || o.PurchaseCountry == q.Country) &&
		(!q.Pending || o.Pending()) && within.from <= at && at < within.to
}

// idOf is the order ID in a position.
func idOf(position string) string { return position[momentLength+1:] }

// records are the orders at these positions, in their order.
func (b *Book) records(ctx context.Context, positions []string) ([]Order, error) {
	ids := make([]string, len(positions))
	for i, position := range positions {
		ids[i] = idOf(position)
	}
	return b.ByIDs(ctx, ids)
}

// ByIDs are orders by their IDs, in their order; what the book does not have is
// left out. One round trip. The error is ErrUnavailable.
func (b *Book) ByIDs(ctx context.Context, ids []string) ([]Order, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = orderKey + id
	}
	texts, err := b.Redis.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, fmt.Errorf("%w: read orders: %w", ErrUnavailable, err)
	}
	orders := make([]Order, 0, len(texts))
	for i, record := range texts {
		text, there := record.(string)
		if !there {
			continue
		}
		var o Order
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			return nil, fmt.Errorf("%w: read order %s: %w", ErrUnavailable, ids[i], err)
		}
		orders = append(orders, o)
	}
	return orders, nil
}
