package shop

import (
	"strings"

	"github.com/shopd/shopd/internal/order"
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
	s.addCarts(c)
	return &order.Book{DB: c.DB, Redis: c.Redis, Carts: s.Carts, Stock: s.Stock, Logger: c.Logger, Observer: s.Observer}, nil
}
