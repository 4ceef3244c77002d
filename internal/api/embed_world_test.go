package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/browsertest"
	"github.com/shopd/shopd/internal/shop"
	"github.com/shopd/shopd/internal/shop/shoptest"
	"github.com/shopd/shopd/internal/until"
)

// merchant is a shop of somebody's with a basket of mugs: its server tells shopd, its page holds the checkout.
type merchant struct {
	*shoptest.World
	api  caller
	site *httptest.Server

	mu     sync.Mutex
	mugs   map[string]int // in each basket
	policy string         // of its pages, with NONCE, SHOPD and KLARNA to be filled in
	secret string         // in place of the session's
	slow   bool           // it takes up to 20 ms for a basket
	seen   []string       // addresses that were asked for
}

const strictPolicy = "default-src 'none'; base-uri 'none'; form-action 'self'; script-src 'nonce-NONCE' 'strict-dynamic'; style-src 'nonce-NONCE'; " +
	"connect-src 'self' SHOPD; frame-src KLARNA; img-src 'self' KLARNA"

func newMerchant(t *testing.T) *merchant {
	t.Helper()
	t.Parallel() // they wait more than they work
	m := &merchant{mugs: map[string]int{}, policy: strictPolicy}
	m.site = httptest.NewServer(m)
	t.Cleanup(func() {
		m.site.CloseClientConnections()
		m.site.Close()
	})
	version, about := *skerry.Version(), *skerry.Version().Shop
	about.Embed = []string{m.site.URL}
	version.Shop = &about
	m.World = worldOf(t, shoptest.Options{Version: &version}, func(c *shop.Config) {
		c.Klarna.BrowserOrigins = []string{originOf(c.Klarna.URL)}
	})
	m.api = calls(m.World)
	return m
}

func originOf(address string) string {
	u, _ := url.Parse(address)
	return u.Scheme + "://" + u.Host
}

// put tells shopd what is in a basket: its reference is w- and its name.
func (m *merchant) put(basket string) said {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.slow {
		time.Sleep(rand.N(20 * time.Millisecond))
	}
	return m.api.put("w-"+basket, fmt.Sprintf(`{"country": "SE", "locale": "en-SE", "mode": "embedded", "order_number": "W-%[1]s",
		"success_url": "%[2]s/thanks?b=%[1]s", "checkout_url": "%[2]s/checkout?b=%[1]s", "order_lines": [
		{"id": "m", "reference": "OWN", "name": "Mug with a handle", "quantity": %[3]d, "unit_price": 1000, "tax_rate": 2500}], %[4]s}`,
		basket, m.site.URL, m.mugs[basket]+1, pickup))
}

// more puts mugs in a basket.
func (m *merchant) more(basket string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mugs[basket] += n
}

// set puts mugs in the basket "a", beside the first one, by the merchant's server alone.
func (m *merchant) set(mugs int) api.Session {
	m.T.Helper()
	m.mu.Lock()
	m.mugs["a"] = mugs
	m.mu.Unlock()
	return m.api.want(m.put("a"), 200, "").Session
}

// atKlarna is what the open order of a basket comes to, 0 where there is none.
func (m *merchant) atKlarna(basket string) (amount int) {
	for _, o := range m.Fake.Orders() {
		if o.MerchantReference2 == "w-"+basket && o.Status == "checkout_incomplete" {
			amount = int(o.OrderAmount)
		}
	}
	return amount
}

// ServeHTTP is the merchant's site.
func (m *merchant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	m.seen = append(m.seen, r.URL.String(), r.Header.Get("Referer"))
	policy := strings.NewReplacer("NONCE", "n0nce", "SHOPD", m.URL, "KLARNA", originOf(m.Fake.URL)).Replace(m.policy)
	m.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	basket := r.FormValue("b")
	switch r.URL.Path {
	case "/basket/plus":
		m.more(basket, 1)
		w.WriteHeader(m.put(basket).StatusCode)
	case "/basket/agrees":
		m.mu.Lock()
		defer m.mu.Unlock()
		fmt.Fprintf(w, "%d %d", 1000*(m.mugs[basket]+1), m.atKlarna(basket))
	case "/checkout":
		answer := m.put(basket)
		if answer.Problem.Code == api.CodeComplete || answer.Problem.Code == api.CodePurchaseRunning {
			answer = m.api.call(http.MethodGet, "/checkout_sessions/w-"+basket, "")
		}
		if answer.Session.ClientSecret == nil {
			http.Error(w, answer.Text, http.StatusBadGateway)
			return
		}
		m.page(w, basket, *answer.Session.ClientSecret, `mountCheckout("#checkout", options)`)
	case "/thanks":
		answer := m.api.call(http.MethodGet, "/checkout_sessions/w-"+basket, "")
		m.page(w, basket, *answer.Session.ClientSecret, `mountConfirmation("#checkout", options)`)
	case "/away":
		fmt.Fprint(w, `<!doctype html><html lang=en><title>Away</title><link rel=icon href=/icon><p>away`)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

// page is a page of the merchant's that mounts something.
func (m *merchant) page(w http.ResponseWriter, basket, secret, mount string) {
	if m.secret != "" {
		secret = m.secret
	}
	quoted, _ := json.Marshal(secret)
	fmt.Fprintf(w, `<!doctype html><html lang=en><meta name=viewport content="width=device-width"><title>Merchant</title><link rel=icon href=/icon>
<style nonce=n0nce>body { margin: 0 } #checkout { min-width: 320px }</style>
<main><h1>Checkout</h1><button id=plus>One more mug</button><p id=total></p><div id=checkout></div></main>
<script type=module nonce=n0nce>
import { mountCheckout, mountConfirmation } from "%s/v1/checkout.js";
const options = { clientSecret: %s, nonce: "n0nce" };
const plus = async () => {
	const answer = await fetch("/basket/plus?b=%s", { method: "POST" });
	if (!answer.ok) throw new Error("the basket answers " + answer.status);
};
Object.assign(window, { mountCheckout, mountConfirmation, options, plus, told: [] });
try {
	const checkout = window.checkout = await %s;
	for (const event of ["change", "delivery", "address", "leaving", "complete", "expired", "error"]) {
		checkout.on?.(event, (data) => { told.push({ event, ...data, code: data?.code }) });
	}
	document.querySelector("#plus").onclick = () => checkout.update(plus);
	window.mounted = "yes";
} catch (error) {
	window.mounted = error.code ?? String(error);
}
</script>`, m.URL, quoted, basket, mount)
}

// embeddedPage is the merchant's page in a browser.
type embeddedPage struct {
	*hostedPage
	m *merchant
}

// opens opens the checkout of a basket in a browser of its own.
func (m *merchant) opens(basket string, o browsertest.Options) *embeddedPage {
	m.T.Helper()
	p := m.browser(o)
	p.Go(m.site.URL + "/checkout?b=" + basket)
	p.mounted("yes")
	return p
}

// browser is a browser that has opened nothing yet.
func (m *merchant) browser(o browsertest.Options) *embeddedPage {
	m.T.Helper()
	p := &embeddedPage{&hostedPage{browsertest.Open(m.T, o), &hostedWorld{m.World, m.api, m.site.URL}}, m}
	p.MustEvalOnNewDocument(watch)
	return p
}

// mounted waits until the page has mounted what it holds, or has the error of a code.
func (p *embeddedPage) mounted(how string) {
	p.m.T.Helper()
	p.Wait("the page to mount", `() => window.mounted`)
	if got := p.MustEval(`() => mounted`).Str(); got != how {
		p.m.T.Fatalf("mounted: %s, want %s", got, how)
	}
}

// showsTotal waits until the form shows an amount.
func (p *embeddedPage) showsTotal(amount int) {
	p.m.T.Helper()
	until.Holds(p.w.T, fmt.Sprintf("the form shows %d", amount), func() bool { return p.formTotal() == strconv.Itoa(amount) })
}

// formTotal is what the form says that is to be paid, "" while it shows nothing.
func (p *embeddedPage) formTotal() string {
	has, frame, err := p.Has("#klarna-checkout-iframe")
	if err != nil || !has {
		return ""
	}
	form, err := frame.Frame()
	if err != nil {
		return ""
	}
	got, err := form.Eval(`() => document.querySelector("#checkout").hidden ? "" : document.querySelector("[data-testid=total]").dataset.amount ?? ""`)
	if err != nil {
		return ""
	}
	return got.Value.Str()
}

// told demands that the page is told of an event whose members fulfil a condition.
func (p *embeddedPage) told(event, condition string) {
	p.m.T.Helper()
	members := "order_amount, order_tax_amount, currency, revision, country, postal_code, id, price, code"
	defer func() {
		if p.m.T.Failed() {
			p.m.T.Logf("told: %s", p.MustEval(`() => JSON.stringify(told)`))
		}
	}()
	p.WaitFor(followed, "the event "+event, `(name) => told.some(({ event, `+members+` }) => event === name && `+condition+`)`, event)
}

// keepsSecrets demands that no secret stands in an address that anybody was asked for, or in a log.
func (m *merchant) keepsSecrets(secrets ...string) {
	m.T.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	everywhere := strings.Join(m.seen, "\n") + m.Log.String()
	for _, secret := range secrets {
		_, mac, _ := strings.Cut(secret, ".")
		if mac == "" || strings.Contains(everywhere, mac) {
			m.T.Errorf("the secret of %.3s… stands somewhere", secret)
		}
	}
}
