package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

var embeddedTime = flag.Duration("embedded.time", 4*time.Second, "how long shoppers of TestEmbeddedChaos come")

const (
	embeddedTabs  = 3               // at a time
	embeddedBuys  = 4 * time.Second // after so long a shopper buys
	embeddedLimit = 80 * time.Second
)

// embeddedPolicy is that of the merchant's page: the strictest that docs/embed.md promises.
const embeddedPolicy = "default-src 'none'; base-uri 'none'; script-src 'nonce-n0nce' 'strict-dynamic'; style-src 'nonce-n0nce'; " +
	"connect-src 'self' SHOPD; frame-src KLARNA; img-src 'self' KLARNA"

// embeddedHeld keeps in held when Klarna's form was held and let go.
const embeddedHeld = `if (window === top) {
	window.held = [];
	addEventListener("message", ({data}) => {
		const open = held.find((h) => h.length === 1);
		if (data?.held === true && !open) held.push([performance.now()]);
		if (data?.held === false) open?.push(performance.now());
	});
} else {
	let was;
	const look = () => {
		const is = document.body?.classList.contains("suspended") ?? false;
		if (is !== was) parent.postMessage({held: is}, "*");
		was = is;
	};
	new MutationObserver(look).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ["class"]});
	look();
}`

// embeddedShop is a merchant with a page that holds the checkout, and with a server that tells shopd of his baskets.
type embeddedShop struct {
	*sessionSoak
	site *httptest.Server

	mu      sync.Mutex
	mugs    map[string]int
	secrets map[string]string
	sold    []string // references
}

// Shoppers in real browsers have the checkout in a merchant's page, under a strict policy, while Klarna fails and
// processes of the shop are killed. Each form is let go within 15 s, shows in the end what Klarna has and the session
// says, and is bought once (invariants 2, 3, 7 and 13); no page has an uncaught error or breaks its policy.
func TestEmbeddedChaos(t *testing.T) {
	t.Parallel()
	seed := *sessionSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%s of shopping, -sessions.seed=%d", *embeddedTime, seed)
	s := &embeddedShop{sessionSoak: &sessionSoak{seed: seed, counts: map[string]int{}, told: map[string][]string{}}, mugs: map[string]int{}, secrets: map[string]string{}}
	s.site = httptest.NewServer(s)
	t.Cleanup(func() {
		s.site.CloseClientConnections()
		s.site.Close()
	})
	s.deployment = deploy(t, 0, fakeklarna.Options{Chaos: sessionChaos, Seed: seed, CallbackTransport: s, PushDelay: time.Second})
	s.balance()
	s.env = map[string]string{"SHOPD_SHOP": s.file()}
	for range 3 {
		s.shops = append(s.shops, s.start("127.0.0.1:0"))
	}
	up := append([]*process(nil), s.shops...)
	s.up.Store(&up)
	s.landLate()

	over := make(chan struct{})
	var operator, tabs sync.WaitGroup
	operator.Go(func() { s.operate(over) })
	until := time.Now().Add(*embeddedTime)
	for tab := range embeddedTabs {
		tabs.Go(func() {
			for n := 0; !t.Failed() && (n == 0 || time.Now().Before(until)); n++ {
				name := fmt.Sprintf("%d.%d", tab, n)
				t.Run(name, func(t *testing.T) { (&embeddedLife{s, t, name, nil}).live(chance(seed, uint64(100*n+tab))) })
			}
		})
	}
	tabs.Wait()
	close(over)
	operator.Wait()
	if t.Failed() {
		return
	}
	s.fake.SetChaos(0)
	s.fake.ClearFaults()
	shoptest.Landed(t, s.fake)
	s.judgeEmbedded()
	t.Logf("seed %d: %d sold, %v", seed, len(s.sold), s.counts)
}

// balance is the load balancer to which browsers come.
func (s *embeddedShop) balance() {
	s.t.Helper()
	at, err := url.Parse(s.url)
	if err != nil {
		s.t.Fatal(err)
	}
	port, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", "127.0.0.1:"+at.Port())
	if err != nil {
		s.t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", r.In.Host, r.In.Host
		},
		Transport: s, ErrorLog: log.New(io.Discard, "", 0),
	})
	_ = front.Listener.Close()
	front.Listener = port
	front.Start()
	s.t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
}

// file is the demo's shop file, with the merchant's page in it.
func (s *embeddedShop) file() string {
	s.t.Helper()
	dir := filepath.Join(s.t.TempDir(), "shop")
	if err := os.CopyFS(dir, os.DirFS("../../examples/skerry")); err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(dir, "shop.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		s.t.Fatal(err)
	}
	text = []byte(strings.Replace(string(text), "http://localhost:8001", s.site.URL, 1))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// put tells shopd what is in a basket until it is answered with 200 or 409, at most 10 s.
func (s *embeddedShop) put(name string) (status int, said sessionAnswer) {
	m := &sessionLife{sessionSoak: s.sessionSoak, reference: "e-" + name}
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
		s.mu.Lock()
		body := fmt.Sprintf(`{"mode": "embedded", "country": "SE", "locale": "en-SE", "success_url": "%[1]s/thanks?b=%[2]s", "checkout_url": "%[1]s/checkout?b=%[2]s",
			"delivery_options": [{"id": "parcel", "name": "Home", "price": 7900, "tax_rate": 2500}],
			"order_lines": [{"id": "m", "name": "Mug", "quantity": %[3]d, "unit_price": 1000, "tax_rate": 2500}]}`, s.site.URL, name, s.mugs[name]+1)
		s.mu.Unlock()
		status, said = m.api(http.MethodPut, body)
		if status/100 == 2 {
			s.mu.Lock()
			s.secrets[name] = said.ClientSecret
			s.mu.Unlock()
		}
		if status/100 == 2 || status == http.StatusConflict {
			break
		}
	}
	s.count(fmt.Sprint("put ", status, " ", said.Code))
	return status, said
}

// ServeHTTP is the merchant's site.
func (s *embeddedShop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := r.FormValue("b")
	klarna, _ := url.Parse(s.fake.URL)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", strings.NewReplacer("SHOPD", s.url, "KLARNA", "http://"+klarna.Host).Replace(embeddedPolicy))
	switch r.URL.Path {
	case "/basket/plus":
		s.mu.Lock()
		s.mugs[name]++
		s.mu.Unlock()
		if status, _ := s.put(name); status/100 != 2 {
			w.WriteHeader(http.StatusBadGateway)
		}
	case "/checkout":
		status, said := s.put(name)
		s.mu.Lock()
		secret, _ := json.Marshal(s.secrets[name])
		s.mu.Unlock()
		switch {
		case status == http.StatusConflict && said.Code == "complete":
			http.Redirect(w, r, "/thanks?b="+name, http.StatusSeeOther)
		case len(secret) > len(`""`):
			_, _ = fmt.Fprintf(w, `<!doctype html><html lang=en><title>Merchant</title><link rel=icon href=/icon><main><h1>Checkout</h1><div id=checkout></div></main>
<script type=module nonce=n0nce>
import { mountCheckout } from "%s/v1/checkout.js";
const plus = async () => {
	const answer = await fetch("/basket/plus?b=%s", { method: "POST" });
	if (!answer.ok) throw new Error("the basket answers " + answer.status);
};
window.press = () => checkout.update(plus).then(() => "updated", (error) => error.code ?? error.message);
try {
	window.checkout = await mountCheckout("#checkout", { clientSecret: %s, nonce: "n0nce" });
	window.mounted = "yes";
} catch (error) {
	window.mounted = error.code ?? String(error);
}
</script>`, s.url, name, secret)
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	case "/thanks":
		_, _ = io.WriteString(w, `<!doctype html><html lang=en><title>Thanks</title><link rel=icon href=/icon><h1>Thank you</h1>`)
	}
}

// embeddedLife is a shopper with a basket.
type embeddedLife struct {
	*embeddedShop
	t    *testing.T
	name string
	page *browsertest.Page
}

// ask evaluates a function in the page; "" where the page is being left.
func (l *embeddedLife) ask(function string) string {
	got, err := l.page.Timeout(20 * time.Second).Eval(function)
	if err != nil {
		return ""
	}
	return got.Value.Str()
}

// tab is a new tab of the shopper's.
func (l *embeddedLife) tab(p *browsertest.Page) {
	// What Klarna and killed processes do not answer; a shop's answer of them cannot name the page.
	p.Expect("Failed to load resource", "blocked by CORS policy")
	p.MustEvalOnNewDocument(embeddedHeld)
	l.page = p
}

// opens loads the merchant's page until it has the form; false: it is bought.
func (l *embeddedLife) opens() bool {
	for until := time.Now().Add(embeddedLimit); time.Now().Before(until); {
		l.ask(`() => { window.mounted = undefined; return "" }`)
		_ = l.page.Timeout(20 * time.Second).Navigate(l.site.URL + "/checkout?b=" + l.name)
		for wait := time.Now().Add(20 * time.Second); time.Now().Before(wait); time.Sleep(50 * time.Millisecond) {
			switch how := l.ask(`() => location.pathname === "/thanks" ? "bought" : window.mounted ?? ""`); how {
			case "":
				continue
			case "bought":
				return false
			case "yes":
				return true
			default:
				l.count("mounted: " + how)
			}
			break
		}
	}
	l.t.Fatal("the form is not to be had")
	return false
}

// letsGo demands that the form is let go within 15 s, and that it never was held for longer.
func (l *embeddedLife) letsGo() {
	l.t.Helper()
	for until := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		switch how := l.ask(`() => {
			if (!document.querySelector("#klarna-checkout-iframe")) return "";
			if (held.some((h) => h.length === 1)) return "still";
			return held.map(([from, to]) => to - from).filter((ms) => ms > 15000).join();
		}`); {
		case how == "":
			return
		case how != "still" || time.Now().After(until):
			l.t.Fatalf("the form is held: %s", how)
		}
	}
}

// form is the order whose form the page shows, and the total of it; "" and 0 while it shows none.
func (l *embeddedLife) form() (orderID string, total int64) {
	has, frame, err := l.page.Has("#klarna-checkout-iframe")
	if err != nil || !has {
		return "", 0
	}
	src, err := frame.Attribute("src")
	if err != nil || src == nil {
		return "", 0
	}
	_, rest, _ := strings.Cut(*src, "/orders/")
	orderID, _, _ = strings.Cut(rest, "/")
	form, err := frame.Frame()
	if err != nil {
		return orderID, 0
	}
	got, err := form.Eval(`() => document.querySelector("#checkout").hidden ? "" : document.querySelector("[data-testid=total]").dataset.amount ?? ""`)
	if err != nil {
		return orderID, 0
	}
	total, _ = strconv.ParseInt(got.Value.Str(), 10, 64)
	return orderID, total
}

// agrees waits until session, order and page say the same, and the form can be used.
func (l *embeddedLife) agrees() {
	l.t.Helper()
	for until := time.Now().Add(embeddedLimit); ; time.Sleep(200 * time.Millisecond) {
		l.letsGo()
		status, said := l.put(l.name)
		id, total := l.form()
		at := l.atKlarna(id)
		if status == http.StatusOK && said.OrderAmount == at && total == at {
			return
		}
		if time.Now().After(until) {
			l.t.Fatalf("%s: the session says %d (%d), Klarna's order %d, the form %d", l.name, said.OrderAmount, status, at, total)
		}
	}
}

// live takes a basket from its first mug to its sale.
func (l *embeddedLife) live(random *rand.Rand) {
	l.tab(browsertest.Open(l.t, browsertest.Options{}))
	if !l.opens() {
		l.t.Fatal("bought before anybody has")
	}
	for until := time.Now().Add(embeddedBuys); time.Now().Before(until); {
		l.count("press: " + l.ask(`() => press()`))
		l.letsGo()
		if random.IntN(4) == 0 {
			id, _ := l.form()
			_, _ = l.fake.Shopper(id, fakeklarna.Action{Type: map[string]string{"postal_code": fmt.Sprint(11120 + random.IntN(9))}})
		}
		if l.ask(`() => window.mounted ?? ""`) != "yes" && !l.opens() {
			l.t.Fatal("bought before anybody has")
		}
	}
	l.agrees()

	l.tab(l.page.Tab()) // a page has so much time in all
	for until := time.Now().Add(embeddedLimit); l.opens(); {
		if time.Now().After(until) {
			l.t.Fatal("not bought in time")
		}
		id, _ := l.form()
		_, _ = l.fake.Shopper(id, fakeklarna.Action{Type: map[string]string{
			"email": "ada@example.com", "given_name": "Ada", "family_name": "Lovelace", "street_address": "Storgatan 1", "postal_code": "111 47", "city": "Stockholm", "phone": "+46701234567",
		}})
		if !l.opens() {
			break
		}
		l.letsGo()
		if has, frame, err := l.page.Has("#klarna-checkout-iframe"); err == nil && has {
			if form, err := frame.Frame(); err == nil {
				_, _ = form.Timeout(5 * time.Second).Eval(`() => document.querySelector("[data-testid=pay]").click()`)
				l.count("pay pressed")
			}
		}
		for wait := time.Now().Add(5 * time.Second); time.Now().Before(wait) && l.ask(`() => location.pathname`) != "/thanks"; {
			time.Sleep(50 * time.Millisecond)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sold = append(l.sold, l.name)
}

// judgeEmbedded looks at all sessions when Klarna is well again: each is bought once, for what it says.
func (s *embeddedShop) judgeEmbedded() {
	s.t.Helper()
	for _, name := range s.sold {
		m := &sessionLife{sessionSoak: s.sessionSoak, reference: "e-" + name}
		var said sessionAnswer
		for until := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
			if _, said = m.api(http.MethodGet, ""); said.Status == "complete" && said.Order != nil || time.Now().After(until) {
				break
			}
		}
		bought := 0
		for _, o := range s.fake.Orders() {
			if o.MerchantReference2 == m.reference && o.Status == "checkout_complete" {
				bought++
				if o.OrderAmount != said.OrderAmount {
					s.t.Errorf("%s: the session says %d, %d was paid", m.reference, said.OrderAmount, o.OrderAmount)
				}
			}
		}
		if n := s.rows("select reference, count(*) from orders where reference = $1 group by reference", m.reference)[m.reference]; bought != 1 || n != 1 || said.Status != "complete" {
			s.t.Errorf("%s is %v, was bought %d times, and is in the book %d times", m.reference, said.Status, bought, n)
		}
	}
}
