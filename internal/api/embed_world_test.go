package api_test

import (
	"encoding/json"
	"fmt"
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
)

// merchant is a shop of somebody's with a basket of mugs: its server tells shopd, its page holds the checkout.
type merchant struct {
	*shoptest.World
	api  caller
	site *httptest.Server

	mu     sync.Mutex
	number int    // of the basket
	mugs   int    // in it
	policy string // of its pages, with NONCE for the nonce
	secret string // in place of the session's
	seen   []string
}

const strictPolicy = "default-src 'none'; base-uri 'none'; form-action 'self'; script-src 'nonce-NONCE' 'strict-dynamic'; style-src 'nonce-NONCE'; " +
	"connect-src 'self' SHOPD; frame-src KLARNA; img-src 'self' KLARNA"

func newMerchant(t *testing.T) *merchant {
	t.Helper()
	t.Parallel() // they wait more than they work
	m := &merchant{mugs: 1, policy: strictPolicy}
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

// reference is the merchant's name of the basket.
func (m *merchant) reference() string { return "w-" + strconv.Itoa(m.number) }

// put tells shopd what is in the basket.
func (m *merchant) put() said {
	return m.api.put(m.reference(), fmt.Sprintf(`{"country": "SE", "locale": "en-SE", "mode": "embedded", "order_number": "W-%d",
		"success_url": "%s/thanks?basket={REFERENCE}", "checkout_url": "%[2]s/checkout?from=klarna", "order_lines": [
		{"id": "m", "reference": "OWN", "name": "Mug with a handle", "quantity": %d, "unit_price": 1000, "tax_rate": 2500}], %s}`,
		m.number, m.site.URL, m.mugs, pickup))
}

// set puts mugs in the basket by the merchant's server alone.
func (m *merchant) set(mugs int) api.Session {
	m.T.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mugs = mugs
	return m.api.want(m.put(), 200, "").Session
}

// ServeHTTP is the merchant's site.
func (m *merchant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, r.URL.String())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", strings.NewReplacer("NONCE", "n0nce", "SHOPD", m.URL, "KLARNA", originOf(m.Fake.URL)).Replace(m.policy))
	switch r.URL.Path {
	case "/basket/plus":
		m.mugs++
		answer := m.put()
		w.WriteHeader(answer.StatusCode)
		fmt.Fprint(w, m.mugs)
	case "/checkout":
		answer := m.put()
		for answer.StatusCode == http.StatusConflict && answer.Problem.Code == api.CodePurchaseRunning {
			m.mu.Unlock()
			time.Sleep(50 * time.Millisecond)
			m.mu.Lock()
			answer = m.put()
		}
		if answer.StatusCode >= 300 {
			http.Error(w, answer.Text, http.StatusBadGateway)
			return
		}
		m.page(w, *answer.Session.ClientSecret, `mountCheckout("#checkout", options)`)
	case "/thanks":
		answer := m.api.call(http.MethodGet, "/checkout_sessions/"+m.reference(), "")
		m.page(w, *answer.Session.ClientSecret, `mountConfirmation("#checkout", options)`)
	case "/away":
		fmt.Fprint(w, `<!doctype html><html lang=en><title>Away</title><link rel=icon href=data:,><p>away`)
	default:
		http.NotFound(w, r)
	}
}

// page is a page of the merchant's that mounts something.
func (m *merchant) page(w http.ResponseWriter, secret, mount string) {
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
Object.assign(window, { mountCheckout, mountConfirmation, options, told: [] });
try {
	const checkout = window.checkout = await %s;
	for (const event of ["change", "delivery", "address", "leaving", "complete", "expired", "error"]) {
		checkout.on?.(event, (data) => { told.push({ event, ...data, code: data?.code }) });
	}
	document.querySelector("#plus").onclick = () => checkout.update(() => fetch("/basket/plus", { method: "POST" }));
	window.mounted = "yes";
} catch (error) {
	window.mounted = error.code ?? String(error);
}
</script>`, m.URL, quoted, mount)
}

// embeddedPage is the merchant's page in a browser.
type embeddedPage struct {
	*hostedPage
	m *merchant
}

// opens opens the merchant's checkout in a browser of its own.
func (m *merchant) opens(o browsertest.Options) *embeddedPage {
	m.T.Helper()
	p := m.browser(o)
	p.Go(m.site.URL + "/checkout")
	p.mounted("yes")
	return p
}

// browser is a browser that has opened nothing yet.
func (m *merchant) browser(o browsertest.Options) *embeddedPage {
	m.T.Helper()
	p := &embeddedPage{&hostedPage{browsertest.Open(m.T, o), &hostedWorld{m.World, m.api, m.site.URL}}, m}
	p.MustEvalOnNewDocument(watch)
	p.Expect("/icon") // it has none
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
	p.eventually(fmt.Sprintf("the form to show %d", amount), func() bool { return p.formTotal() == strconv.Itoa(amount) })
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
