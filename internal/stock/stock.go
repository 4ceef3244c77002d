// Package stock knows how many there are of each product, who may have them, and how
// it came to that. On hand is what lies in the warehouse; reserved is for purchases
// that were approved, committed for orders that were placed. What is in none of these
// is available. A product without a row is not counted: anybody can have any number.
//
// The uses of a campaign are counted in the same way, see Campaign.
package stock

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/db"
)

const (
	levelsAge   = time.Second      // how old Levels may be
	levelsStale = 30 * time.Second // how old while the database does not answer
	levelsWait  = time.Second      // for an answer: a database that stands still refuses nothing
)

// Campaign and a campaign's name are what its uses are counted under. No SKU has a colon.
const Campaign = "campaign:"

// Uses are a use of each campaign whose uses are counted.
func Uses(used []campaign.Used) (lines []Line) {
	for _, u := range used {
		if u.Counted {
			lines = append(lines, Line{SKU: Campaign + u.ID, Quantity: 1})
		}
	}
	return lines
}

// CampaignOf returns the campaign whose uses are counted as a SKU; false for goods.
func CampaignOf(sku string) (id string, ok bool) { return strings.CutPrefix(sku, Campaign) }

// Store is the stock. It is safe for concurrent use, on any number of processes.
type Store struct {
	DB *db.DB
	// Waiting is how many purchases of one SKU may wait in this process; 0 is 24.
	Waiting int

	gate   gate
	flight singleflight.Group

	mu     sync.Mutex
	levels map[string]int // what the database said last; nil before
	read   time.Time      // when that was asked for
	tried  time.Time      // when it was asked last, whether it answered or not
}

// Line is a SKU and how many of it.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"` // above 0
}

// Level is how many there are of a product.
type Level struct {
	SKU       string
	OnHand    int64
	Reserved  int64
	Committed int64
}

// Available is how many can be sold; below 0 where more was sold than there is.
func (l Level) Available() int64 { return l.OnHand - l.Reserved - l.Committed }

// ShortError refuses more than there is.
type ShortError struct {
	SKU  string
	Left int // what this cart could have, 0 = none
}

// Error names SKU and stock.
func (e *ShortError) Error() string { return fmt.Sprintf("only %d left of %s", e.Left, e.SKU) }

// Left returns how many of each of the products are available now. What is not
// counted is absent.
func (s *Store) Left(ctx context.Context, skus ...string) (map[string]int, error) {
	levels, err := s.Read(ctx, skus...)
	left := make(map[string]int, len(levels))
	for _, l := range levels {
		left[l.SKU] = int(l.Available())
	}
	return left, err
}

// Read returns the levels of these products, in their order. What is not counted is
// left out.
func (s *Store) Read(ctx context.Context, skus ...string) ([]Level, error) {
	return read(ctx, s.DB.Read, skus)
}

func read(ctx context.Context, q db.Queryer, skus []string) ([]Level, error) {
	if len(skus) == 0 {
		return nil, nil
	}
	among, args := db.In(skus)
	levels, err := db.All(ctx, q, func(rows *sql.Rows) (l Level, err error) {
		err = rows.Scan(&l.SKU, &l.OnHand, &l.Reserved, &l.Committed)
		return l, err
	}, "select sku, on_hand, reserved, committed from stock where sku "+among, args...)
	if err != nil {
		return nil, fmt.Errorf("read stock: %w", err)
	}
	slices.SortFunc(levels, func(a, b Level) int { return slices.Index(skus, a.SKU) - slices.Index(skus, b.SKU) })
	return levels, nil
}

func level(ctx context.Context, q db.Queryer, sku string) (l Level, found bool, err error) {
	l.SKU = sku
	err = q.QueryRowContext(ctx, "select on_hand, reserved, committed from stock where sku = $1", sku).Scan(&l.OnHand, &l.Reserved, &l.Committed)
	if errors.Is(err, sql.ErrNoRows) {
		return l, false, nil
	}
	return l, err == nil, err
}

// Levels returns how many are available of everything that is counted, at most a
// second old and mostly from memory: for pages and carts, not for decisions. Any
// number of callers make one query. While the database does not answer, it returns
// what it knew for up to 30 s, so that the shelves can still be looked at, then the
// error. The map is shared and must not be changed.
func (s *Store) Levels(ctx context.Context) (map[string]int, error) {
	if levels := s.known(); levels != nil {
		return levels, nil
	}
	// The query belongs to all who wait for it: whoever started it may leave.
	result := s.flight.DoChan("", func() (any, error) { return s.refresh(context.WithoutCancel(ctx)) })
	select {
	case r := <-result:
		levels, _ := r.Val.(map[string]int)
		return levels, r.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("read stock: %w", context.Cause(ctx))
	}
}

// known returns the levels in memory if they are fresh enough, else nil.
func (s *Store) known() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := time.Since(s.read) < levelsAge
	outage := s.tried.After(s.read) && time.Since(s.tried) < levelsAge && time.Since(s.read) < levelsStale
	if fresh || outage {
		return s.levels
	}
	return nil
}

func (s *Store) refresh(ctx context.Context) (map[string]int, error) {
	if levels := s.known(); levels != nil { // by a flight that landed meanwhile
		return levels, nil
	}
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, levelsWait)
	defer cancel()
	levels, err := s.all(ctx)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried = time.Now()
	if err == nil {
		s.levels, s.read = levels, start
		return levels, nil
	}
	if s.levels != nil && time.Since(s.read) < levelsStale {
		return s.levels, nil
	}
	return nil, fmt.Errorf("read stock: %w", err)
}

func (s *Store) all(ctx context.Context) (map[string]int, error) {
	list, err := db.All(ctx, s.DB.Read, func(rows *sql.Rows) (l Line, err error) {
		err = rows.Scan(&l.SKU, &l.Quantity)
		return l, err
	}, "select sku, on_hand - reserved - committed from stock")
	levels := make(map[string]int, len(list))
	for _, l := range list {
		levels[l.SKU] = l.Quantity
	}
	return levels, err
}
