package shop

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/order"
)

// redisWait is how long a start waits for Redis, which often starts at the same time.
const redisWait = 10 * time.Second

// https reports whether browsers use https, so that cookies are Secure.
func (c Config) https() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// Seed stores the stock of new products. It tries for 10 s, because Redis may still be
// starting.
func (s *Shop) Seed(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, redisWait)
	defer cancel()
	for {
		err := s.Stock.Seed(ctx)
		if err == nil {
			return nil
		}
		s.config.Logger.WarnContext(ctx, "redis does not answer yet", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("redis at start: %w", err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// CheckDurability warns the operator when Redis may lose stored orders.
func (s *Shop) CheckDurability(ctx context.Context) {
	warnings, err := order.CheckDurability(ctx, s.config.Redis)
	if err != nil {
		s.config.Logger.WarnContext(ctx, "redis was not asked whether it keeps the order book", "error", err)
	}
	for _, warning := range warnings {
		s.config.Logger.ErrorContext(ctx, "the order book is not safe", "problem", warning)
	}
}
