package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	orderbook "github.com/shopd/shopd/internal/order"
)

// growthOptions say how far a growth run goes.
type growthOptions struct {
	sizes    []int // sessions in Redis, the smallest first
	share    int   // sessions for an order in the book
	shoppers int   // at each size, real ones: they make the requests
	buyers   int   // at each size, real ones: their orders are copied
	rounds   int   // of requests of each kind, 5 to each size
	clients  []int // idle ones, the fewest first
	starts   int   // of shopd and of a bare server
	requests int   // after which memory is measured again
	image    bool  // the image's binary is built, too
}

// fullGrowth are the options of make bench-growth.
func fullGrowth() growthOptions {
	return growthOptions{
		sizes: []int{1000, 10_000, 100_000, 1_000_000}, share: 1, shoppers: 200, buyers: 50, rounds: 400,
		clients: []int{1, 100, 1000, 4000}, starts: 20, requests: 1000, image: true,
	}
}

// growthSize is a Redis of one size.
type growthSize struct {
	Sessions int `json:"sessions"` // with a cart each
	Orders   int `json:"orders"`
	// By growth of the memory of Redis while they were written.
	SessionBytes float64 `json:"bytes_per_session"`
	CartBytes    float64 `json:"bytes_per_cart"`
	OrderBytes   float64 `json:"bytes_per_order"` // by growth of the database
	// By MEMORY USAGE, in the mean of some: without Redis' table of all keys.
	SessionUsage float64 `json:"memory_usage_per_session"`
	CartUsage    float64 `json:"memory_usage_per_cart"`
}

// growthReport is what a growth run has measured: ratios and counts.
type growthReport struct {
	Cores int          `json:"cores"`
	Sizes []growthSize `json:"sizes"`
	// Times are against the first size; the second site is of that size too.
	Times    []growthTimes   `json:"times"`
	Commands []growthCommand `json:"commands"`
	// Checkout is what one checkout that ends in a purchase leaves in Redis.
	Checkout   []keyKind   `json:"checkout"`
	CartPacked float64     `json:"cart_packed_ratio"` // with hash-max-listpack-value large enough
	Idle       []idleRow   `json:"idle"`
	Start      growthStart `json:"start"`
}

// growth measures how the shop does with more and more sessions, orders and clients,
// and tells progress.
func growth(ctx context.Context, r *rig, o growthOptions, progress func(format string, args ...any)) (report growthReport, err error) {
	report.Cores = runtime.NumCPU()
	_, klarna, err := r.fake(ctx)
	if err != nil {
		return report, err
	}
	// The smallest size twice: what differs between these two is chance.
	var sites []*site
	defer func() {
		for _, s := range sites {
			_ = s.redis.Close()
			_ = s.db.Close()
		}
	}()
	for i, size := range slices.Insert(slices.Clone(o.sizes), 1, o.sizes[0]) {
		progress("%d sessions with carts, %d orders", size, size/o.share)
		s, err := startSite(ctx, r, klarna, size)
		if err != nil {
			return report, err
		}
		sites = append(sites, s)
		sized, err := report.fill(ctx, s, o, i == 0)
		if err != nil {
			return report, fmt.Errorf("%d sessions: %w", size, err)
		}
		if i != 1 {
			report.Sizes = append(report.Sizes, sized)
		}
	}
	progress("requests, in turns to each size")
	if err := report.time(ctx, sites, o.rounds); err != nil {
		return report, err
	}
	progress("idle clients")
	if report.Idle, err = measureIdle(ctx, sites[0], sites[1], o.clients, max(o.rounds/4, 1)); err != nil {
		return report, err
	}
	progress("starts")
	_, at, err := r.stores(ctx)
	if err != nil {
		return report, err
	}
	if report.Start, err = measureStart(ctx, r, at, klarna, o.starts, o.requests); err != nil {
		return report, err
	}
	if o.image {
		progress("the image's binary")
		err = report.Start.measureImage(ctx, r)
	}
	return report, err
}

// fill gives a site its sessions and orders: some made by shoppers, the others as copies
// of what the shop stored for them. first measures what a checkout leaves.
func (report *growthReport) fill(ctx context.Context, s *site, o growthOptions, first bool) (growthSize, error) {
	g := growthSize{Sessions: s.size, Orders: s.size / o.share}
	var sales []orderbook.Order
	for i := range o.buyers {
		by, err := s.newVisitor(ctx, i)
		if err != nil {
			return g, err
		}
		if err := s.buy(ctx, by, i); err != nil {
			return g, err
		}
		sold, err := readSale(ctx, s.db, by.orderID)
		if err != nil {
			return g, err
		}
		sales = append(sales, sold)
	}
	if first {
		if err := report.weighCheckout(ctx, s, o.buyers); err != nil {
			return g, err
		}
	}
	var models []model
	for i := range o.shoppers {
		by, err := s.newVisitor(ctx, i)
		if err != nil {
			return g, err
		}
		m, err := readModel(ctx, s.redis, by)
		if err != nil {
			return g, err
		}
		s.real, models = append(s.real, by), append(models, m)
	}
	if s.copies = s.size - o.shoppers - o.buyers; s.copies <= 0 {
		return g, errors.New("a size has to be larger than the number of real shoppers")
	}
	if first {
		small, usual, err := packed(ctx, s.redis, models[0])
		if err != nil {
			return g, err
		}
		report.CartPacked = float64(small) / float64(usual)
	}
	sessions, carts, err := seedSessions(ctx, s.redis, models, s.copies)
	if err != nil {
		return g, err
	}
	s.orders = max(g.Orders, o.buyers)
	orders, err := seedOrders(ctx, s.db, sales, s.orders-o.buyers)
	if err != nil {
		return g, err
	}
	g.SessionBytes, g.CartBytes = each(sessions, s.copies), each(carts, s.copies)
	g.OrderBytes, g.Orders = each(orders, s.orders-o.buyers), s.orders
	if err := g.sample(ctx, s, models); err != nil {
		return g, err
	}
	// One copy as the shop reads it.
	return g, s.checkCopy(ctx, visitor{token: copyToken(0)}, models[0].visitor)
}

func each(bytes int64, n int) float64 { return float64(bytes) / float64(max(n, 1)) }

// sample asks Redis for the size of some sessions and carts.
func (g *growthSize) sample(ctx context.Context, s *site, models []model) error {
	for i, m := range models {
		session, err := s.redis.MemoryUsage(ctx, sessionKey(copyToken(i%s.copies)), 0).Result()
		if err != nil {
			return err
		}
		held, err := s.redis.MemoryUsage(ctx, cartKey(m.cartID), 0).Result()
		if err != nil {
			return err
		}
		g.SessionUsage += float64(session) / float64(len(models))
		g.CartUsage += float64(held) / float64(len(models))
	}
	return nil
}

// How long the story of a checkout may take to be written.
const (
	storyTime = 20 * time.Second
	storyPoll = 3 * time.Second // longer than the fake takes until it pushes
)

// weighCheckout measures what the buyers of a site have left in its Redis, once the
// stories of their orders are written.
func (report *growthReport) weighCheckout(ctx context.Context, s *site, buyers int) error {
	entries := func(kinds []keyKind) (n float64) {
		for _, k := range kinds {
			n += k.Entries
		}
		return n
	}
	for end := time.Now().Add(storyTime); ; {
		before := entries(report.Checkout)
		kinds, err := weigh(ctx, s.redis, buyers)
		if err != nil {
			return err
		}
		report.Checkout = kinds
		if n := entries(kinds); n > 0 && n == before || time.Now().After(end) { //nolint:revive // the same sum of the same terms
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(storyPoll):
		}
	}
}

// loopTime is how long a round of the loops may be in coming.
const loopTime = time.Minute

// time times the requests, and counts the commands that these and the loops of the shops
// need.
func (report *growthReport) time(ctx context.Context, sites []*site, rounds int) (err error) {
	for _, s := range sites {
		if err := s.redis.ConfigResetStat(ctx).Err(); err != nil {
			return err
		}
	}
	if report.Times, err = timeRequests(ctx, sites, rounds); err != nil {
		return err
	}
	for _, s := range sites {
		if err := s.readBook(ctx); err != nil {
			return err
		}
	}
	stats := make([]map[string]commandStat, 0, len(sites))
	for i, s := range sites {
		if i == 1 {
			continue
		}
		of, err := s.statsAfterARound(ctx)
		if err != nil {
			return err
		}
		stats = append(stats, of)
	}
	report.Commands, err = compareCommands(ctx, sites[0].redis, stats)
	return err
}

// statsAfterARound is commandStats once the loop of the order book has been round.
func (s *site) statsAfterARound(ctx context.Context) (map[string]commandStat, error) {
	for end := time.Now().Add(loopTime); ; {
		stats, err := commandStats(ctx, s.redis)
		if err != nil {
			return nil, err
		}
		if stats["zrange"].Calls > 0 { // it ends with looking for what was placed and the database has lost
			return stats, nil
		}
		if time.Now().After(end) {
			return nil, errors.New("the loop of the order book has not run")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
