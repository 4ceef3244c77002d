package catalog

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/shopd/shopd/internal/redisconn"
	"golang.org/x/sync/singleflight"
)

const (
	// stockKey is a hash of SKU → items left. Keys that change together with it share its
	// hash tag. It has no TTL.
	stockKey = "shopd:{stock}:left"

	levelsAge   = time.Second      // how old Levels may be
	levelsStale = 30 * time.Second // how old while Redis does not answer
)

// Stock knows in Redis how many of each product are left. Digital goods are
// not in it. It is safe for concurrent use.
type Stock struct {
	rdb     redis.UniversalClient
	catalog *Catalog
	flight  singleflight.Group

	mu     sync.Mutex
	levels map[string]int // what Redis said last; nil before
	read   time.Time      // when that was asked for
	tried  time.Time      // when Redis was asked last, whether it answered or not
}

// NewStock returns the stock of a catalogue.
func NewStock(rdb redis.UniversalClient, c *Catalog) *Stock {
	return &Stock{rdb: rdb, catalog: c}
}

// Seed writes the catalogue's stock of products that Redis does not know yet.
// What is there already stays, so every process may seed at every start.
func (s *Stock) Seed(ctx context.Context) error {
	_, err := s.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, p := range s.catalog.products {
			if !p.Digital {
				pipe.HSetNX(ctx, stockKey, p.SKU, p.Stock)
			}
		}
		return nil
	})
	return redisconn.Wrap("seed stock", err)
}

// Left returns how many of each product are left, read from Redis in one round trip. A
// number may be below 0. Digital goods and unknown SKUs are absent. A product that was
// never seeded has the catalogue's stock.
func (s *Stock) Left(ctx context.Context, skus ...string) (map[string]int, error) {
	var limited []*Product
	var fields []string
	for _, sku := range skus {
		if p, ok := s.catalog.Product(sku); ok && !p.Digital {
			limited = append(limited, p)
			fields = append(fields, sku)
		}
	}
	left := make(map[string]int, len(fields))
	if len(fields) == 0 {
		return left, nil
	}
	values, err := s.rdb.HMGet(ctx, stockKey, fields...).Result()
	if err != nil {
		return nil, fmt.Errorf("read stock: %w", err)
	}
	for i, p := range limited {
		left[p.SKU] = p.Stock
		if text, ok := values[i].(string); ok {
			if left[p.SKU], err = strconv.Atoi(text); err != nil {
				return nil, fmt.Errorf("read stock of %s: %w", p.SKU, err)
			}
		}
	}
	return left, nil
}

// Levels returns Left for the whole catalogue, at most a second old, mostly from memory.
// It is for pages, not for decisions. Callers at the same time share one request to
// Redis. While Redis is away it returns the last levels for up to 30 s, and then the
// error. The map is shared and must not be changed.
func (s *Stock) Levels(ctx context.Context) (map[string]int, error) {
	if levels := s.known(); levels != nil {
		return levels, nil
	}
	// The caller that starts the request may leave: others wait for it too.
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
func (s *Stock) known() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := time.Since(s.read) < levelsAge
	outage := s.tried.After(s.read) && time.Since(s.tried) < levelsAge && time.Since(s.read) < levelsStale
	if fresh || outage {
		return s.levels
	}
	return nil
}

func (s *Stock) refresh(ctx context.Context) (map[string]int, error) {
	if levels := s.known(); levels != nil { // by a flight that landed meanwhile
		return levels, nil
	}
	start := time.Now()
	skus := make([]string, 0, len(s.catalog.products))
	for _, p := range s.catalog.products {
		skus = append(skus, p.SKU)
	}
	levels, err := s.Left(ctx, skus...)

	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried = start
	if err == nil {
		s.levels, s.read = levels, start
		return levels, nil
	}
	if s.levels != nil && time.Since(s.read) < levelsStale {
		return s.levels, nil
	}
	return nil, err
}
