package fakeklarna

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/control"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/frontend"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/pages"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Options are the fake's settings; the zero value is useful.
type Options struct {
	// Username and Password are the merchant's credentials, "demo" and "demo"
	// when both are empty. The API takes `Basic base64(Username:Password)` and,
	// as Kustom does, `Basic <Password>` with the password as it is.
	Username, Password string

	// PublicURL is the address by which browsers know the fake, scheme://host
	// and, where the fake is mounted under a base path, that path. Empty: the
	// host of the request that came last.
	PublicURL string

	// MerchantName is what the iframe calls the merchant, "Demo merchant" when empty.
	MerchantName string

	// Currencies that the merchant is configured for, ISO 4217 in upper case;
	// nil means all that Klarna's core markets use. Another one is refused.
	Currencies []string

	// EchoFilledURLs makes the API answer merchant URLs with the order's ID
	// filled in; without it they come back as they were sent. Which of the two
	// Klarna does is not documented, so test a client with both.
	EchoFilledURLs bool

	// EchoCountryAsSent makes the API answer countries in the case in which they
	// were sent, as Kustom's documentation shows; without it in lower case, as
	// Klarna was recorded.
	EchoCountryAsSent bool

	// CloseRefunded makes an order that is fully refunded CLOSED, as Kustom
	// documents; without it the order stays CAPTURED, as Klarna was recorded.
	CloseRefunded bool

	// RefundLags makes a capture show a refund only 5 s after it, while the order shows it
	// at once, as Klarna was recorded once.
	RefundLags bool

	// TaxWording is the wording of the checkout for a line's tax that is wrong: "2026", or
	// that of the recordings when empty.
	TaxWording string

	// EarlyAddressEvent makes the iframe tell shipping_address_change also when shipping is
	// to the billing address, as older checkouts did; without it only once the shopper has
	// entered a separate address.
	EarlyAddressEvent bool

	// Seed makes IDs, tokens and the chance in faults the same in each run with
	// the same calls; 0 means that nobody can guess them.
	Seed uint64

	// PushDelay is the time from a purchase to its first push, 2 s when 0. Klarna
	// takes about two minutes.
	PushDelay time.Duration

	// CallbackHosts are the hosts, besides those of this machine, to which
	// callbacks are sent; for them, as for this machine, plain http will do.
	CallbackHosts []string

	// AllowHosts are names, without port, by which the fake's own interface below /fake/
	// is reached, besides localhost, loopback addresses, the address at which it listens
	// and the host of PublicURL. Under another name it answers 421, so that no page of
	// another site can use it by DNS rebinding. The APIs, which ask for credentials, and
	// what browsers of shoppers load answer under every name. Requests without a
	// connection, as of httptest.NewRequest, are not asked for a name.
	AllowHosts []string

	// MaxOrders is how many orders are kept, 10,000 when 0, and as many in Order
	// Management, and as many payment sessions. Beyond it a new one takes the place
	// of the oldest; in the checkout of the oldest that is expired or aborted first.
	MaxOrders int

	// Chaos is the probability, from 0 to 1, with which a call of an API suffers
	// one of these, by the random sequence of Seed: a delay of up to 2.1 s, a 500,
	// a 503, a 429, a connection reset, one reset at once of a call that is carried out up to
	// 5.1 s later, a reply dropped after the change was stored, half of the answer. The fake's own interface, the iframe
	// and callbacks are spared.
	Chaos float64

	// NotActivated makes the checkout API answer 403, as to a merchant whose
	// account is not activated yet.
	NotActivated bool

	// CallbackTransport carries callbacks, for a test whose merchant does not
	// listen on a port; nil means the network.
	CallbackTransport http.RoundTripper

	// Logger gets a line per call of the API, without bodies; nil means none.
	Logger *slog.Logger
}

// coreCurrencies are the currencies of Klarna's core markets and of those of
// its other markets that have one of their own.
var coreCurrencies = []string{"AUD", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "NOK", "NZD", "PLN", "RON", "SEK", "USD"}

// Server is the fake. It is an http.Handler and safe for concurrent use. Paths
// are those of Klarna's API: mount it below a base path with http.StripPrefix
// and name that path in Options.PublicURL.
type Server struct {
	state *engine.State
	calls *callback.Sender
	om    *management.Service
	kco   *checkout.Service
	kp    *payments.Service
	mux   *http.ServeMux
}

// New returns a fake without orders. It panics when PublicURL is not a URL
// with scheme and host, or Chaos is no probability.
func New(o Options) *Server {
	if o.Username == "" && o.Password == "" {
		o.Username, o.Password = "demo", "demo"
	}
	if o.Currencies == nil {
		o.Currencies = coreCurrencies
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.MerchantName = cmp.Or(o.MerchantName, "Demo merchant")
	var public *url.URL
	if o.PublicURL != "" {
		u, err := url.Parse(strings.TrimSuffix(o.PublicURL, "/"))
		if err != nil || u.Scheme == "" || u.Host == "" {
			panic("fakeklarna: PublicURL must be scheme://host with an optional path, not " + o.PublicURL)
		}
		public = u
	}

	s := &Server{mux: http.NewServeMux()}
	s.state = engine.New(engine.Config{
		Username: o.Username, Password: o.Password, PublicURL: public, Seed: o.Seed, Chaos: o.Chaos,
		MaxKept: cmp.Or(max(o.MaxOrders, 0), 10_000), CallbackKinds: callback.Kinds, Logger: o.Logger,
	})
	s.calls = callback.New(s.state, o.CallbackHosts, o.CallbackTransport)
	s.om = management.New(s.state, s.calls, management.Config{
		CloseRefunded: o.CloseRefunded, RefundLags: o.RefundLags, PushDelay: cmp.Or(o.PushDelay, 2*time.Second),
	})
	s.kco = checkout.New(s.state, s.calls, s.om, checkout.Config{
		MerchantName: o.MerchantName, Currencies: o.Currencies, NotActivated: o.NotActivated,
		EchoFilledURLs: o.EchoFilledURLs, EchoCountryAsSent: o.EchoCountryAsSent, TaxWording: o.TaxWording, EarlyAddressEvent: o.EarlyAddressEvent,
	})
	s.kp = payments.New(s.state, s.calls, s.om, o.MerchantName)

	frontend.New(s.state, s.kco, s.kp, s.om).Routes(s.mux)
	own := control.New(s.state, s.kco, s.kp, s.calls, o.AllowHosts)
	s.mux.Handle("GET /{$}", http.RedirectHandler(control.Path, http.StatusFound)) // for who opens the address that it says
	s.mux.Handle(control.Path, own.Guard(pages.New(s.state, s.kco, s.kp, s.om, s.calls, own.Handler())))
	return s
}

// ServeHTTP answers the API, the iframe and the fake's own interface.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.state.CameFrom(r)
	if wire.APIOf(wire.SingleSlashes(r.URL.Path)) != "" { // not by the mux, which redirects doubled slashes
		s.state.ServeAPI(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Close ends callbacks and the delays of calls that wait for a fault's time to
// pass: their connections are closed.
func (s *Server) Close() { s.state.Close() }

// TB is the part of testing.TB that NewServer uses.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// TestServer is a fake that listens on a free port of 127.0.0.1.
type TestServer struct {
	*Server
	URL string // http://127.0.0.1:PORT/klarna: a base path, as API hosts may have one
}

// NewServer starts a fake for a test; it ends with the test. o.PublicURL is
// set to the server's URL unless the test names another.
func NewServer(t TB, o Options) *TestServer {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen for the fake Klarna: %v", err)
	}
	const base = "/klarna"
	at := "http://" + listener.Addr().String() + base
	o.PublicURL = cmp.Or(o.PublicURL, at)
	fake := New(o)
	server := &http.Server{
		Handler:           http.StripPrefix(base, fake),
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(fake.state.Logger.Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() {
		fake.Close()
		_ = server.Close()
		<-done
	})
	return &TestServer{Server: fake, URL: at}
}
