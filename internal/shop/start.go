package shop

import (
	"net/url"
	"strings"

	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/webhook"
)

// https reports whether browsers use https, so that cookies are Secure.
func (c Config) https() bool { return strings.HasPrefix(c.PublicURL, "https://") }

// hostOf is the host of an address, with its port.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// NewDoctor makes a doctor for a shop that is not started. Of c, DB and Published may be
// missing: problem says why there is no database, unread why nothing that is published can be read.
func NewDoctor(c Config, problem, unread error) (*doctor.Doctor, error) {
	s := &Shop{config: c}
	api, err := s.connect(c)
	if err != nil {
		return nil, err
	}
	if c.Mail != nil {
		s.sender.now.Store(&c.Mail)
	}
	if c.DB != nil && c.Published != nil {
		s.Webhooks = webhook.New(c.DB, c.Published, c.PublicURL, c.Logger, nil)
	}
	s.addDoctor(c, api)
	s.Doctor.DBProblem, s.Doctor.Unread = problem, unread
	return s.Doctor, nil
}

// NewBook makes an order book beside shops that run, which does not run its loops: of c it needs addresses, DB,
// Redis, Klarna, Secret, Published and Logger.
func NewBook(c Config) (*order.Book, error) {
	s := &Shop{config: c}
	if err := s.addObserver(c); err != nil {
		return nil, err
	}
	api, err := s.connect(c)
	if err != nil {
		return nil, err
	}
	s.addCarts(c)
	s.addKCO(c, api)
	s.addPayments(c, api)
	s.addBook(c, api)
	return s.Book, nil
}

// NewEraser makes an order book that can do nothing but erase: of c it needs DB, Redis,
// Published and Logger.
func NewEraser(c Config) (*order.Book, error) {
	s := &Shop{}
	if err := s.addObserver(c); err != nil {
		return nil, err
	}
	s.addCarts(c)
	return &order.Book{DB: c.DB, Redis: c.Redis, Carts: s.Carts, Stock: s.Stock, Published: c.Published, Logger: c.Logger, Observer: s.Observer}, nil
}
