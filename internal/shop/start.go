package shop

import (
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/stock"
)

// https reports whether browsers use https, so that cookies are Secure.
func (c Config) https() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// NewEraser makes an order book that can do nothing but erase: of c it needs DB, Redis,
// Published and Logger.
func NewEraser(c Config) (*order.Book, error) {
	s := &Shop{}
	if err := s.addObserver(c); err != nil {
		return nil, err
	}
	carts := cart.NewStore(c.Redis, c.Published)
	carts.Observer = s.Observer
	return &order.Book{DB: c.DB, Redis: c.Redis, Carts: carts, Stock: &stock.Store{DB: c.DB}, Logger: c.Logger, Observer: s.Observer}, nil
}
