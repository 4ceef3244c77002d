package backoffice_test

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/backoffice"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/server"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/story"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// staff are ada, who may manage, and bo, who may look. The password is "correct horse",
// with the lowest cost that there is.
const (
	staff = "ada:manage:$2a$04$kZYd2bmUqHnucHDybQk/3OSwZrOgNyGC6zCz2u.I0GIs2oyetlf1y\n" +
		"bo:view:$2a$04$ZSNPQ5qNa06grQNyg9pj7uaImC7uxHsPUK95SmjSgUxT3.abCEdMi"
	password = "correct horse"
)

// office is a back office on a fake Klarna and a Redis.
type office struct {
	t     testing.TB
	fake  *fakeklarna.TestServer
	redis *redistest.Server
	book  *order.Book
	wants *kco.Wants
	log   logBuffer
	url   string
}

// logBuffer is what all servers of an office log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newOffice(t testing.TB) *office { return newOfficeOn(t, redistest.StartServer(t)) }

func newOfficeOn(t testing.TB, rdb *redistest.Server) *office {
	t.Helper()
	o := &office{t: t, redis: rdb, fake: fakeklarna.NewServer(t, fakeklarna.Options{
		PushDelay: time.Hour, CallbackHosts: []string{"shop.internal"}, CallbackTransport: fakeklarna.Agree(),
	})}
	o.url = o.serve(staff)
	t.Cleanup(func() {
		if log := o.log.String(); strings.Contains(log, "panic") {
			t.Errorf("a panic:\n%s", log)
		}
	})
	return o
}

// pages is a storefront or callbacks without any.
type pages struct{}

func (pages) Routes(r chi.Router) { r.NotFound(http.NotFound) }

// serve starts one more process with a team.
func (o *office) serve(team string) string {
	o.t.Helper()
	rdb := o.redis.Client()
	logger := slog.New(observe.LogHandler(slog.NewTextHandler(&o.log, nil)))
	api, err := klarna.NewClient(klarna.Config{BaseURL: o.fake.URL, Username: "demo", Password: "demo"})
	if err != nil {
		o.t.Fatal(err)
	}
	signer, err := kco.NewSigner("a secret for the tests")
	if err != nil {
		o.t.Fatal(err)
	}
	stock, carts, checkout := catalog.NewStock(rdb, catalog.Builtin()), cart.NewStore(rdb), kco.NewClient(api)
	if err := stock.Seed(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	left := &kco.LeftBehind{Redis: rdb, Carts: carts, Stock: stock, Client: checkout, Logger: logger}
	o.book = &order.Book{
		Redis: rdb, Management: ordermanagement.NewClient(api), Checkout: checkout, Signer: signer, Carts: carts, Stock: stock, Logger: logger,
		LeftBehind: left,
	}
	o.wants = &kco.Wants{
		Pricer: &cart.Pricer{Catalog: catalog.Builtin(), PublicURL: "http://shop.example"}, Signer: signer,
		PublicURL: "http://shop.example", CallbackURL: "http://shop.internal",
	}
	members, err := backoffice.ParseTeam(team)
	if err != nil {
		o.t.Fatal(err)
	}
	listener := httptest.NewUnstartedServer(nil)
	publicURL := "http://" + listener.Listener.Addr().String()
	srv, err := server.New(server.Options{
		Storefront: pages{}, Callbacks: noRoutes{}, Redis: rdb, Observer: observetest.With(o.t, observe.Options{}), Logger: logger, PublicURL: publicURL,
		BrowserOrigins: []string{o.fake.URL}, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Backoffice: &backoffice.Backoffice{
			Book: o.book, Pricer: o.wants.Pricer, Team: members, Sessions: session.NewStaff(rdb, false), Redis: rdb, Logger: logger,
			Story:  story.New(story.Options{Redis: rdb, Logger: logger}),
			Syncer: &kco.Syncer{Client: checkout, Carts: carts, Stock: stock, LeftBehind: left, Logger: logger, Wants: o.wants},
		},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	listener.Config.Handler = srv.Handler()
	listener.Start()
	o.t.Cleanup(listener.Close)
	return publicURL
}

type noRoutes struct{}

func (noRoutes) Routes(chi.Router) {}

var sweden = cart.Fallback{Country: "SE", Locale: "en-SE"}

// sale is a purchase of so many mugs, a jam, a book and a download, placed in the book.
// typed are address members, by name and text.
func (o *office) sale(mugs int, typed ...string) order.Order {
	o.t.Helper()
	ctx, carts := o.t.Context(), o.book.Carts
	ch := cart.Change{Set: []cart.Line{{SKU: "MUG-1", Quantity: mugs}, {SKU: "JAM-1", Quantity: 1}, {SKU: "BOK-4", Quantity: 1}, {SKU: "AUD-1", Quantity: 1}}}
	c, err := carts.Update(ctx, cart.NewID(), sweden, func(c *cart.Cart) error { return ch.Apply(&c.Contents, catalog.Builtin(), nil) })
	if err != nil {
		o.t.Fatal(err)
	}
	content, _, err := o.wants.Want(c)
	if err != nil {
		o.t.Fatal(err)
	}
	made, err := o.book.Checkout.CreateOrder(ctx, content)
	if err != nil {
		o.t.Fatal(err)
	}
	if set, _, err := carts.SetOrderID(ctx, c.ID, "", made.OrderID, nil); err != nil || !set {
		o.t.Fatal(set, err)
	}
	buy := fakeklarna.Action{Type: map[string]string{}, Buy: &fakeklarna.Buy{}}
	for i := 0; i < len(typed); i += 2 {
		buy.Type[typed[i]] = typed[i+1]
	}
	if out, err := o.fake.Shopper(made.OrderID, buy); err != nil || out.Refused != nil {
		o.t.Fatalf("buy: %+v, %v", out, err)
	}
	placed, err := o.book.Place(ctx, made.OrderID)
	if err != nil {
		o.t.Fatal(err)
	}
	return placed
}

// visitor is a browser that follows no redirects.
type visitor struct {
	t      testing.TB
	base   string
	client *http.Client
	header http.Header
}

func (o *office) visitor() *visitor { return o.visitorOf(o.url) }

func (o *office) visitorOf(base string) *visitor {
	o.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		o.t.Fatal(err)
	}
	return &visitor{t: o.t, base: base, header: http.Header{}, client: &http.Client{
		Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// signedIn is a visitor who has signed in.
func (o *office) signedIn(name string) *visitor {
	o.t.Helper()
	v := o.visitor()
	if got := v.signIn(name, password, ""); got.StatusCode != http.StatusSeeOther {
		o.t.Fatalf("sign in: %d %s", got.StatusCode, got.body)
	}
	return v
}

// answer is a whole answer.
type answer struct {
	*http.Response
	body string
}

func (v *visitor) do(method, path string, form url.Values) answer {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	maps.Copy(r.Header, v.header)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return v.send(r)
}

func (v *visitor) send(r *http.Request) answer {
	v.t.Helper()
	res, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer{res, string(body)}
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil)
}

func (v *visitor) post(path string, form url.Values) answer {
	v.t.Helper()
	return v.do(http.MethodPost, path, form)
}

func (v *visitor) signIn(name, word, returnTo string) answer {
	v.t.Helper()
	return v.post("/admin/sign-in", url.Values{"name": {name}, "password": {word}, "return_to": {returnTo}})
}

// cookie is the token that the browser has, "" for none.
func (v *visitor) cookie() string {
	v.t.Helper()
	u, err := url.Parse(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	for _, c := range v.client.Jar.Cookies(u) {
		if c.Name == "shopd-staff" {
			return c.Value
		}
	}
	return ""
}
