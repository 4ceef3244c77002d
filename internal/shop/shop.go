// Package shop puts the parts of a shop together: what serves requests, and the
// loops that run beside them. It is the one place that knows all of them.
package shop

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/backoffice"
	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/storefront"
	"github.com/shopd/shopd/internal/story"
)

// Config is what a shop is made of. Addresses are scheme://host[:port], without a
// slash at the end. What has no remark is required.
type Config struct {
	PublicURL   string // the shop as browsers know it
	CallbackURL string // the shop as Klarna's servers know it
	Redis       redis.UniversalClient
	Klarna      Klarna
	// Secret signs merchant_data and makes the callback token. Several lines: the
	// first signs, all verify.
	Secret  string
	Catalog *catalog.Catalog
	// ImageOrigins are where the catalogue's pictures are, further to the shop itself.
	ImageOrigins []string
	Team         backoffice.Team // empty: there is no back office
	Checkout     Checkout
	// WriteLimit is how many changes and checkout pages a minute one client may ask
	// for; 0: any number.
	WriteLimit int
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	Drain          time.Duration    // how long /readyz says no before the listener closes
	Tracing        *observe.Tracing // nil: no traces
	Logger         *slog.Logger
}

// Klarna is where Klarna is and how it is spoken to.
type Klarna struct {
	URL                string // of the API; it may have a path
	Username, Password string
	Platform           ordermanagement.Platform
	Transport          http.RoundTripper // nil: the default one
	// BrowserOrigins are the hosts that the payment form uses in the browser.
	BrowserOrigins []string
	Library        string   // the address of Klarna Payments' script
	LibraryOrigins []string // that the script uses, further to BrowserOrigins
}

// Checkout says which of Klarna's products the shop sells by. Without any member it
// is Klarna Checkout alone.
type Checkout struct {
	Payments bool // Klarna Payments is what /checkout is
	Both     bool // the other product is offered too
	Review   bool // the flow of Klarna Payments has a second page
}

// Shop is the parts of one process, made by New.
type Shop struct {
	Observer   *observe.Observer // told of all that happens
	Story      *story.Log
	Signer     *kco.Signer
	Carts      *cart.Store
	Stock      *catalog.Stock
	Pricer     *cart.Pricer
	KCO        *kco.Syncer // with its client and what an order must say
	LeftBehind *kco.LeftBehind
	Payments   *payments.Syncer
	Book       *order.Book
	Desk       *aftersale.Desk
	Callbacks  *callback.Callbacks
	Storefront *storefront.Storefront
	Backoffice *backoffice.Backoffice // nil: there is none
	Server     *server.Server

	config Config
}

// New connects the parts. It asks nobody for anything: a Redis or a Klarna that is
// away is met by what asks them. The error names the setting that is not usable.
func New(c Config) (*Shop, error) {
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
	s.addCallbacks(c)
	s.addStorefront(c)
	s.addBackoffice(c)
	s.Server, err = s.newServer(c)
	return s, err
}

// Loops runs what goes on beside the requests until ctx ends, and then until the
// story of it is written.
func (s *Shop) Loops(ctx context.Context) {
	s.Story.Run(ctx, s.LeftBehind.Run, s.Desk.Run, s.Callbacks.Run)
}

// Run serves on two listeners until ctx ends, with the loops beside it. What runs
// beside the requests ends after the last of them.
func (s *Shop) Run(ctx context.Context, shop, ops net.Listener) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { s.Loops(background) })
	err := s.Server.Run(ctx, shop, ops)
	stop()
	running.Wait()
	return err
}
