package shop

import (
	"context"
	"database/sql"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/stock"
)

// https reports whether browsers use https, so that cookies are Secure.
func (c Config) https() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// NewEraser makes an order book that can do nothing but erase: of c it needs DB, Redis and
// Logger.
func NewEraser(c Config) (*order.Book, error) {
	s := &Shop{}
	if err := s.addObserver(c); err != nil {
		return nil, err
	}
	carts := cart.NewStore(c.Redis)
	carts.Observer = s.Observer
	return &order.Book{DB: c.DB, Redis: c.Redis, Carts: carts, Stock: &stock.Store{DB: c.DB}, Logger: c.Logger, Observer: s.Observer}, nil
}

// Seed begins to count the stock of new goods.
func (s *Shop) Seed(ctx context.Context) error {
	var lines []stock.Line
	for _, p := range s.config.Catalog.Products() {
		if !p.Digital {
			lines = append(lines, stock.Line{SKU: p.SKU, Quantity: p.Stock})
		}
	}
	return s.config.DB.Tx(ctx, func(tx *sql.Tx) error { return s.Stock.Seed(ctx, tx, lines) })
}
