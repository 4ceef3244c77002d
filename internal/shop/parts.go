package shop

import (
	"fmt"
	"slices"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/backoffice"
	"github.com/shopd/shopd/internal/backoffice/team"
	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/hook"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/mend"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/storefront"
	"github.com/shopd/shopd/internal/story"
	"github.com/shopd/shopd/internal/underway"
	"github.com/shopd/shopd/internal/webhook"
)

// addObserver makes the observer and the story.
func (s *Shop) addObserver(c Config) (err error) {
	s.Story = story.New(story.Options{Redis: c.Redis, Logger: c.Logger})
	s.Observer, err = observe.New(observe.Options{
		Redis: c.Redis, Logger: c.Logger, Story: s.Story, Tracing: c.Tracing,
	})
	return err
}

// connect makes the client of Klarna's APIs and the signer of merchant_data.
func (s *Shop) connect(c Config) (*klarna.Client, error) {
	var err error
	if s.Signer, err = kco.NewSigner(c.Secret); err != nil {
		return nil, fmt.Errorf("secret: %w", err)
	}
	return klarna.NewClient(klarna.Config{
		BaseURL: c.Klarna.URL, Username: c.Klarna.Username, Password: c.Klarna.Password, Transport: c.Klarna.Transport,
		Observer: s.Observer,
	})
}

func (s *Shop) addCredentials(c Config, api *klarna.Client) {
	s.credentials = &credentials{klarna: api, published: c.Published, logger: c.Logger, again: make(chan struct{}, 1)}
}

func (s *Shop) addCarts(c Config) {
	s.Carts = cart.NewStore(c.Redis, c.Published)
	s.Carts.Observer = s.Observer
	s.Stock = &stock.Store{DB: c.DB}
	s.Underway = &underway.List{Redis: c.Redis}
	s.CheckoutSessions = &checkoutsession.Store{DB: c.DB}
	s.Links = checkoutsession.Links{Keys: s.keys("links to checkout sessions")}
	s.Events = &event.Outbox{DB: c.DB, Logger: c.Logger}
	s.Pricer = &cart.Pricer{Published: c.Published, PublicURL: c.PublicURL}
	s.Hooks = (&hook.Hooks{
		Published: c.Published, Carts: s.Carts, Pricer: s.Pricer, Logger: c.Logger, Observer: s.Observer,
	}).Connect(c.PublicURL)
}

func (s *Shop) addKCO(c Config, api *klarna.Client) {
	client := kco.NewClient(api)
	s.LeftBehind = &kco.LeftBehind{
		Redis: c.Redis, Carts: s.Carts, Stock: s.Stock, Client: client, Logger: c.Logger, Observer: s.Observer,
	}
	s.KCO = &kco.Syncer{
		Client: client, Carts: s.Carts, Stock: s.Stock, LeftBehind: s.LeftBehind, Underway: s.Underway, Logger: c.Logger,
		Observer: s.Observer,
		Wants:    &kco.Wants{Pricer: s.Pricer, Signer: s.Signer, PublicURL: c.PublicURL, CallbackURL: c.CallbackURL},
	}
}

func (s *Shop) addPayments(c Config, api *klarna.Client) {
	s.Payments = &payments.Syncer{
		Client: payments.NewClient(api), Carts: s.Carts, Stock: s.Stock, Underway: s.Underway, Logger: c.Logger,
		Observer:       s.Observer,
		Authorizations: &payments.Authorizations{DB: c.DB},
		Wants: &payments.Wants{
			Pricer: s.Pricer, Signer: s.Signer, PublicURL: c.PublicURL, CallbackURL: c.CallbackURL,
		},
	}
}

func (s *Shop) addBook(c Config, api *klarna.Client) {
	s.Book = &order.Book{
		DB: c.DB, Redis: c.Redis, Management: ordermanagement.NewClient(api, c.Klarna.Platform), Checkout: s.KCO.Client,
		Payments: s.Payments, Signer: s.Signer, Carts: s.Carts, Stock: s.Stock, Published: c.Published, LeftBehind: s.LeftBehind,
		Logger: c.Logger, Observer: s.Observer, Hooks: s.Hooks,
	}
	s.Desk = aftersale.NewDesk(s.Book, s.Pricer, aftersale.Actions)
}

// addDeliveries makes the receivers of events, and shows all that waits.
func (s *Shop) addDeliveries(c Config) {
	s.Webhooks = webhook.New(c.DB, c.Published, c.PublicURL, c.Logger, s.Observer)
	s.Deliveries = &event.Delivery{Outbox: s.Events, Observer: s.Observer, Logger: c.Logger, More: s.Webhooks.Receivers}
	if c.Mail != nil {
		s.sender.now.Store(&c.Mail)
		s.Mailer = &mail.Mailer{Book: s.Book, Published: c.Published, PublicURL: c.PublicURL, Sender: &s.sender}
		s.Deliveries.Receivers = append(s.Deliveries.Receivers, s.Mailer.Receiver())
	}
	s.Observer.Watch(c.DB.Up, observe.Queue{Length: s.Book.Unacknowledged},
		slices.Concat(s.LeftBehind.Queues(), s.Book.Queues(), s.Desk.Queues(), []observe.Queue{s.Underway.Queue(), s.Deliveries.Queue()})...)
}

// addDoctor makes what looks at all that the shop depends on.
func (s *Shop) addDoctor(c Config, api *klarna.Client) {
	s.Doctor = &doctor.Doctor{
		Klarna: api, KlarnaHost: hostOf(c.Klarna.URL), PublicURL: c.PublicURL, CallbackURL: c.CallbackURL, Signer: s.Signer,
		Redis: c.Redis, DB: c.DB, Published: c.Published, Webhooks: s.Webhooks,
		Mail: func() mail.Sender {
			if now := s.sender.now.Load(); now != nil {
				return *now
			}
			return nil
		},
	}
}

func (s *Shop) addCallbacks(c Config) {
	s.Callbacks = &callback.Callbacks{
		Signer: s.Signer, Wants: s.KCO.Wants, Carts: s.Carts, Stock: s.Stock, Book: s.Book, Logger: c.Logger,
		Observer: s.Observer, Hooks: s.Hooks,
	}
}

func (s *Shop) addStorefront(c Config) {
	s.Storefront = &storefront.Storefront{
		Published: c.Published, Stock: s.Stock, Carts: s.Carts, Pricer: s.Pricer, Orders: s.KCO.Client, Book: s.Book,
		Syncer: s.KCO, Logger: c.Logger, Observer: s.Observer, Mailer: s.Mailer,
		CheckoutSessions: s.CheckoutSessions, Links: s.Links, Backs: checkoutsession.Links{Keys: s.keys("ways back to pages of checkout sessions")}, Hooks: s.Hooks,
		Limits: storefront.Limits{Redis: c.Redis, Carts: c.WriteLimit},
	}
	s.Storefront.Payments = &storefront.Payments{
		Syncer: s.Payments, Library: c.Klarna.Library, Origins: c.Klarna.LibraryOrigins, Both: c.BothCheckouts,
	}
	s.Storefront.Sessions = session.New(session.Options{
		Redis: c.Redis, Secure: c.https(), Logger: c.Logger, Fail: s.Storefront.PageError, Observer: s.Observer,
		LockWait: c.LockWait, Keys: s.keys("identities of visitors"),
	})
}

// addMender makes the loop that mends what landed late at Klarna.
func (s *Shop) addMender(c Config) {
	s.Mender = &mend.Mender{
		Redis: c.Redis, Underway: s.Underway, Locks: s.Storefront.Sessions, Carts: s.Carts, Stock: s.Stock, KCO: s.KCO, Payments: s.Payments,
		Logger: c.Logger, Observer: s.Observer,
	}
}

func (s *Shop) addBackoffice(c Config) {
	if len(c.Team) == 0 {
		return
	}
	s.team.Store(&c.Team)
	s.Backoffice = &backoffice.Backoffice{
		Book: s.Book, Desk: s.Desk, Team: func() team.Team { return *s.team.Load() }, Sessions: session.NewStaff(c.Redis, c.https()), Redis: c.Redis,
		Logger: c.Logger, Story: s.Story, Syncer: s.KCO, Mailer: s.Mailer, Webhooks: s.Webhooks, Doctor: s.Doctor, SearchKeys: s.keys("searches of staff"),
	}
	s.Backoffice.Shown, _ = c.Mail.(*mail.Shown) // else it is nil
}

// addAPI makes the API for the merchant's own servers. Where nobody may call it, it ends and
// forgets all the same what was made by it.
func (s *Shop) addAPI(c Config) {
	s.apiKeys.Store(&c.Keys)
	s.API = &api.API{
		Keys: func() api.Keys { return *s.apiKeys.Load() }, DB: c.DB, Redis: c.Redis, PublicURL: c.PublicURL, Logger: c.Logger, Observer: s.Observer,
		Published: c.Published, Carts: s.Carts, Pricer: s.Pricer, Stock: s.Stock, Events: s.Events, Book: s.Book, Desk: s.Desk, KCO: s.KCO, Payments: s.Payments, Hooks: s.Hooks,
		Sessions: s.CheckoutSessions, Links: s.Links, Secrets: checkoutsession.Links{Keys: s.keys("client secrets of checkout sessions")},
		Locks: s.Storefront.Sessions, Backs: s.Storefront.Backs,
	}
}

func (s *Shop) newServer(c Config) (*server.Server, error) {
	o := server.Options{
		Storefront: s.Storefront, Callbacks: s.Callbacks, Redis: c.Redis, Database: c.DB.Up, Observer: s.Observer,
		Logger: c.Logger, PublicURL: c.PublicURL, BrowserOrigins: c.Klarna.BrowserOrigins, Published: c.Published, Unready: s.credentials.Unready, Drain: c.Drain,
		WriteLimit: c.WriteLimit, RequestLimit: c.RequestLimit, TrustedProxies: c.TrustedProxies,
	}
	if s.Backoffice != nil { // else the interface would not be nil
		o.Backoffice = s.Backoffice
	}
	if s.hasAPI() {
		o.API = s.API
	}
	return server.New(o)
}
