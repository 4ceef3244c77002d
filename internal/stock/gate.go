package stock

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// ErrCrowded: so many want the same product at this moment that the answer would come
// too late. The shopper presses Buy again.
var ErrCrowded = errors.New("too many purchases of one product at once")

const (
	defaultWaiting = 24
	// inside is how many purchases of one SKU of this process may be in the database at
	// once: one that changes the row, and others to follow it. More would keep the
	// connections from purchases of other products.
	inside = 4
)

// gate lets purchases of one SKU into the database one after another.
type gate struct {
	mu    sync.Mutex
	lines map[string]*queue // by SKU; nobody waits: none
}

type queue struct {
	n     int // who is in it, inside or not
	slots chan struct{}
}

// Enter waits until a purchase of these lines may reserve them. leave ends its turn.
// Where too many wait already it is ErrCrowded at once. For what is not counted, as far as
// the levels in memory say, nobody waits: it has no row that others change.
func (s *Store) Enter(ctx context.Context, lines []Line) (leave func(), err error) {
	waiting := s.Waiting
	if waiting == 0 {
		waiting = defaultWaiting
	}
	s.mu.Lock()
	levels := s.levels
	s.mu.Unlock()
	skus := map[string]bool{}
	for _, line := range lines {
		if _, counted := levels[line.SKU]; counted || levels == nil {
			skus[line.SKU] = true
		}
	}
	return s.gate.enter(ctx, slices.Sorted(maps.Keys(skus)), waiting)
}

// enter takes the SKUs in the order in which they are locked.
func (g *gate) enter(ctx context.Context, skus []string, waiting int) (leave func(), err error) {
	queues, err := g.join(skus, waiting)
	if err != nil {
		return nil, err
	}
	taken := 0
	leave = func() {
		for _, q := range queues[:taken] {
			<-q.slots
		}
		g.part(skus)
	}
	for _, q := range queues {
		select {
		case q.slots <- struct{}{}:
			taken++
		case <-ctx.Done():
			leave()
			return nil, fmt.Errorf("wait for stock: %w", context.Cause(ctx))
		}
	}
	return leave, nil
}

// join puts a purchase into the queues of all SKUs, or of none.
func (g *gate) join(skus []string, waiting int) ([]*queue, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lines == nil {
		g.lines = map[string]*queue{}
	}
	for _, sku := range skus {
		if q := g.lines[sku]; q != nil && q.n >= waiting {
			return nil, ErrCrowded
		}
	}
	queues := make([]*queue, len(skus))
	for i, sku := range skus {
		if g.lines[sku] == nil {
			g.lines[sku] = &queue{slots: make(chan struct{}, inside)}
		}
		queues[i] = g.lines[sku]
		queues[i].n++
	}
	return queues, nil
}

// part takes a purchase out of the queues.
func (g *gate) part(skus []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, sku := range skus {
		if g.lines[sku].n--; g.lines[sku].n == 0 {
			delete(g.lines, sku)
		}
	}
}
