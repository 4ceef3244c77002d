package fakeklarna

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
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

	// Seed makes IDs, tokens and the chance in faults the same in each run with
	// the same calls; 0 means that nobody can guess them.
	Seed uint64

	// PushDelay is the time from a purchase to its first push, 2 s when 0. Klarna
	// takes about two minutes.
	PushDelay time.Duration

	// CallbackHosts are the hosts, besides those of this machine, to which
	// callbacks are sent; for them, as for this machine, plain http will do.
	CallbackHosts []string

	// MaxOrders is how many orders are kept, 10,000 when 0, and as many in Order
	// Management, and as many payment sessions. Beyond it a new one takes the place
	// of the oldest; in the checkout of the oldest that is expired or aborted first.
	MaxOrders int

	// Chaos is the probability, from 0 to 1, with which a call of an API suffers
	// one of these, by the random sequence of Seed: a delay of up to 2.1 s, a 500,
	// a 503, a 429 with Retry-After, a connection reset, a reply dropped after the
	// change was stored, half of the answer. The fake's own interface, the iframe
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
	o         Options
	baseURL   *url.URL // of Options.PublicURL, nil if that is empty
	mux       *http.ServeMux
	closed    chan struct{}
	close     sync.Once
	merchants http.RoundTripper // carries callbacks
	watchers  chan struct{}     // has an element for each page that follows what happens

	mu        sync.Mutex // guards all that follows and the orders themselves
	orders    map[string]*order
	newest    []*order // in the order in which they were made
	payments  paymentState
	managed   map[string]*managedOrder // of Order Management
	answers   keptAnswers              // by idempotency key
	running   map[string]chan struct{} // calls with an idempotency key that run, closed when they end
	log       record[Request]
	callbacks record[Callback]
	sent      chan struct{} // closed and made anew when a callback was answered
	events    []Event
	stirred   chan struct{} // closed and made anew by stir
	jobs      []job
	jobTimer  *time.Timer // of the next job, nil before the first
	faults    []*Fault
	faultID   int
	chance    *chance
	offset    time.Duration // of the fake's clock from the real one
	origin    string        // scheme://host of the request that came last
	forgot    chan struct{} // closed and made anew by Reset
}

// New returns a fake without orders. It panics when PublicURL is not a URL
// with scheme and host, or Chaos is no probability.
func New(o Options) *Server {
	if o.Username == "" && o.Password == "" {
		o.Username, o.Password = "demo", "demo"
	}
	o.PushDelay = cmp.Or(o.PushDelay, 2*time.Second)
	o.MaxOrders = cmp.Or(max(o.MaxOrders, 0), 10_000)
	o.MerchantName = cmp.Or(o.MerchantName, "Demo merchant")
	if o.Currencies == nil {
		o.Currencies = coreCurrencies
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	checkChaos(o.Chaos)
	s := &Server{
		o: o, mux: http.NewServeMux(), closed: make(chan struct{}),
		stirred: make(chan struct{}), sent: make(chan struct{}), merchants: o.CallbackTransport,
		watchers: make(chan struct{}, liveStreams),
	}
	if s.merchants == nil {
		s.merchants = merchantTransport()
	}
	if o.PublicURL != "" {
		u, err := url.Parse(strings.TrimSuffix(o.PublicURL, "/"))
		if err != nil || u.Scheme == "" || u.Host == "" {
			panic("fakeklarna: PublicURL must be scheme://host with an optional path, not " + o.PublicURL)
		}
		s.baseURL = u
	}
	s.empty()
	for _, api := range []string{"/checkout/", "/ordermanagement/", "/payments/", "/customer-token/"} {
		s.mux.HandleFunc(api, s.serveAPI)
	}
	s.controlRoutes(s.mux)
	s.frontendRoutes(s.mux)
	s.paymentsRoutes(s.mux)
	return s
}

// ServeHTTP answers the API, the iframe and the fake's own interface.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.origin = origin(r)
	s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// Close ends callbacks and the delays of calls that wait for a fault's time to
// pass: their connections are closed.
func (s *Server) Close() { s.close.Do(func() { close(s.closed) }) }

// origin returns scheme://host by which a request reached the fake.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// publicURL returns the address under which browsers find the fake, without a
// slash at its end. The caller holds s.mu.
func (s *Server) publicURL() string {
	if s.baseURL != nil {
		return s.baseURL.String()
	}
	return s.origin
}

// basePath returns the path below which the fake is mounted, "" for the root.
func (s *Server) basePath() string {
	if s.baseURL == nil {
		return ""
	}
	return s.baseURL.Path
}

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
		ErrorLog:          slog.NewLogLogger(fake.o.Logger.Handler(), slog.LevelWarn),
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
