// Package shop makes and connects all parts of a process: the server and its loops. No
// other package knows all parts.
package shop

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/backoffice"
	"github.com/shopd/shopd/internal/backoffice/team"
	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/hook"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/mend"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/storefront"
	"github.com/shopd/shopd/internal/story"
	"github.com/shopd/shopd/internal/underway"
	"github.com/shopd/shopd/internal/webhook"
)

// Config is the configuration of a shop. Addresses are scheme://host[:port], without a
// slash at the end. Members without a remark are required.
type Config struct {
	PublicURL   string                // the shop as browsers know it
	CallbackURL string                // the shop as Klarna's servers know it
	DB          *db.DB                // has what may not be lost
	Redis       redis.UniversalClient // has carts and sessions
	Klarna      Klarna
	// Secret signs merchant_data and makes the callback token. Of several lines the first
	// signs and all verify.
	Secret    string
	Published *publish.Published // the shop and its catalogue
	Team      team.Team          // empty: there is no back office
	Keys      api.Keys           // of the merchant's own servers; none: there is no API
	// BothCheckouts offers Klarna Payments beside Klarna Checkout, whatever the shop file says.
	BothCheckouts bool
	// WriteLimit is how many changes and checkout pages one client may request per
	// minute; 0: any number.
	WriteLimit int
	// RequestLimit is how many requests of shoppers are served at once; 0: by the processors.
	RequestLimit int
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	Mail           mail.Sender      // nil: no mails are written
	LockWait       time.Duration    // how long a request waits for its session's lock; 0: session.DefaultLockWait
	Drain          time.Duration    // how long /readyz says no before the listener closes
	Tracing        *observe.Tracing // nil: no traces
	Logger         *slog.Logger
}

// Klarna is the address of Klarna, with the credentials.
type Klarna struct {
	URL                string // of the API; it may have a path
	Username, Password string
	Platform           ordermanagement.Platform
	Transport          http.RoundTripper // nil: the default one
	// BrowserOrigins are the hosts that the payment form uses in the browser.
	BrowserOrigins []string
	Library        string   // the address of Klarna Payments' script
	LibraryOrigins []string // further hosts that the script uses
}

// Shop is the parts of one process, made by New.
type Shop struct {
	Observer *observe.Observer // told of all that happens
	Story    *story.Log
	Signer   *kco.Signer
	Carts    *cart.Store
	Stock    *stock.Store
	// CheckoutSessions are those of the API, and Links what opens their pages.
	CheckoutSessions *checkoutsession.Store
	Links            checkoutsession.Links
	Events           *event.Outbox
	Pricer           *cart.Pricer
	Hooks            *hook.Hooks // what the merchant's own server is asked
	KCO              *kco.Syncer // with its client and what an order must say
	LeftBehind       *kco.LeftBehind
	Underway         *underway.List
	Mender           *mend.Mender // of what landed late at Klarna
	Payments         *payments.Syncer
	Book             *order.Book
	Desk             *aftersale.Desk
	Callbacks        *callback.Callbacks
	Mailer           *mail.Mailer // nil: there is none
	Webhooks         *webhook.Webhooks
	Deliveries       *event.Delivery // of events to their receivers
	Storefront       *storefront.Storefront
	Backoffice       *backoffice.Backoffice // nil: there is none
	API              *api.API               // served where it has keys: see Config
	Doctor           *doctor.Doctor
	Server           *server.Server

	config      Config
	credentials *credentials
	// What Change changes, beside the secret and Klarna's credentials.
	team    atomic.Pointer[team.Team]
	apiKeys atomic.Pointer[api.Keys]
	sender  sender
}

// New makes and connects the parts. It makes no connection. The error names the wrong
// setting.
func New(c Config) (*Shop, error) {
	s := &Shop{config: c}
	if err := s.addObserver(c); err != nil {
		return nil, err
	}
	api, err := s.connect(c)
	if err != nil {
		return nil, err
	}
	s.addCredentials(c, api)
	s.addCarts(c)
	s.addKCO(c, api)
	s.addPayments(c, api)
	s.addBook(c, api)
	s.addDeliveries(c)
	s.addDoctor(c, api)
	s.addCallbacks(c)
	s.addStorefront(c)
	s.addMender(c)
	s.addBackoffice(c)
	s.addAPI(c)
	s.Server, err = s.newServer(c)
	return s, err
}

// Loops runs the background loops until ctx ends and their story is written; no delivery is
// begun after delivering has ended.
func (s *Shop) Loops(ctx, delivering context.Context) {
	loops := []func(context.Context){
		s.config.Published.Run, s.credentials.Run, s.LeftBehind.Run, s.Mender.Run, s.Desk.Run, s.Book.RunFollow, s.Book.RunErase, s.Events.Run, s.Callbacks.Run, s.API.Run,
		func(context.Context) { s.Deliveries.Run(delivering) },
	}
	s.Story.Run(ctx, loops...)
}

// Run serves on two listeners and runs the loops, until ctx ends. The loops end after the
// last request. No delivery is begun after ctx has ended: it may take as long as a request. It
// also ends where one of the listeners cannot be served any more; the error says so.
func (s *Shop) Run(ctx context.Context, shop, ops net.Listener) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	delivering, end := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { s.Loops(background, delivering) })
	err := s.Server.Run(ctx, shop, ops)
	end()
	stop()
	running.Wait()
	return err
}
