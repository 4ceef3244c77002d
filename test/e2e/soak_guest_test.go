package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// guest is a shopper of the soak: a session, its tabs, and what it knows.
type guest struct {
	*soak
	name     string
	payments bool // buys by Klarna Payments, else by KCO
	cookie   string
	panes    []*pane
	*ledger

	approving sync.Mutex // held from an authorization until it is noted

	now   sync.Mutex        // guards what follows
	email map[string]string // what was typed last in the form, by order
	pays  map[string]string // payment session by authorization token
	seen  map[string]bool   // orders that a page has shown

	current string // order in the end, "" for none
}

// pane is a tab. What it changes nobody else does: SKUs, and the first tab the
// discount code and the market.
type pane struct {
	*guest
	*rand.Rand
	first bool
	skus  []string
	shows string   // order on the page, "" before
	older []string // orders that it showed before
	page  paymentPage
}

// discount is the discount code as a thing in the cart: how far down codes it
// stands. Whoever buys takes it out.
const discount = "discount code"

var codes = []string{"", "FOG10", "LANTERN25"}

// life is all that a guest does, from the first thing in the cart on.
func (g *guest) life(until time.Time) {
	if !g.enter(g.panes[0]) {
		return
	}
	var tabs sync.WaitGroup
	for _, p := range g.panes {
		tabs.Go(func() {
			for range 10 + p.IntN(40) {
				if g.closes(until) || g.t.Failed() {
					return
				}
				p.act()
				p.pause(60 * time.Millisecond)
			}
		})
	}
	tabs.Wait()
}

// twin does something beside the tab, as the tab: the answers come in any order.
func (p *pane) twin() *pane {
	q := *p
	q.Rand, q.older = chance(p.Uint64(), p.Uint64()), slices.Clip(p.older)
	return &q
}

// pause is up to so long.
func (p *pane) pause(most time.Duration) { time.Sleep(time.Duration(p.Int64N(int64(most)))) }

// enter makes the session. It reports false when the shop had no time for that.
func (g *guest) enter(p *pane) bool {
	for range 20 {
		if p.add(p.sku()); g.cookie != "" {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

// asked is an answer, and the process that gave it.
type asked struct {
	reply
	by *process
}

// ask sends a request to one of the processes, and holds against the rules what
// must hold of each answer.
func (p *pane) ask(method, path, contentType string, body io.Reader, accept string) asked {
	doors := p.doors(p.payments)
	by := doors[p.IntN(len(doors))]
	got := asked{p.exchange(by, method, path, contentType, body, accept), by}
	p.discover()
	route := pathIDs.ReplaceAllString(strings.SplitN(path, "?", 2)[0], "$1/*")
	p.count(fmt.Sprintf("%s %s: %s", method, route, got.outcome()), 1)
	switch {
	case got.status == 0:
		if slices.Contains(p.doors(p.payments), by) {
			p.t.Errorf("%s: %s %s has no answer", p.name, method, path)
		}
	case got.status == http.StatusServiceUnavailable && got.helpful():
	case got.status >= 500:
		p.t.Errorf("%s: %s %s: got %d\n%.400s", p.name, method, path, got.status, got.body)
	}
	return got
}

// discover notes which of the orders that were shown are bought by now: what was
// answered may follow from it, and whoever has bought may not have noted it yet.
func (g *guest) discover() {
	g.now.Lock()
	shown := slices.Collect(maps.Keys(g.seen))
	g.now.Unlock()
	for _, id := range shown {
		if g.dealOf(id) != nil {
			continue
		}
		if order, _ := g.fake.Order(id); order.Status == fakeklarna.StatusComplete {
			g.sold(id, withCode(goodsOf(order)), true)
		}
	}
}

var (
	pathIDs   = regexp.MustCompile(`^(/products|/cart/lines)/.+`)
	errorCode = regexp.MustCompile(`"error":\{"code":"([a-z_]+)"`)
)

// outcome is an answer as it is counted.
func (a asked) outcome() string {
	text := fmt.Sprint(a.status)
	if found := errorCode.FindStringSubmatch(a.body); found != nil {
		text += " " + found[1]
	}
	if to, _, _ := strings.Cut(a.header.Get("Location"), "?"); to == "/cart" || strings.HasPrefix(to, "/checkout") {
		text += " to " + to
	}
	return text
}

// from is the guest's address: a name of its own.
func (g *guest) from() string {
	var n int
	_, _ = fmt.Sscanf(g.name, "guest %d", &n)
	return fmt.Sprintf("203.0.%d.%d", 113+n/250%100, 1+n%250)
}

func (p *pane) exchange(by *process, method, path, contentType string, body io.Reader, accept string) reply {
	req, err := http.NewRequestWithContext(p.t.Context(), method, by.ready["storefront"]+path, body)
	if err != nil {
		p.t.Error(err)
		return reply{}
	}
	req.Header.Set("Accept-Language", "sv-SE")
	req.Header.Set("Accept", accept)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if p.cookie != "" {
		req.Header.Set("Cookie", p.cookie)
	}
	req.Header.Set("X-Forwarded-For", p.from())
	start := time.Now()
	res, err := p.wire.RoundTrip(req) // follows no redirect
	if half := p.half.Load(); half != nil {
		status := 0
		if err == nil {
			status = res.StatusCode
		}
		half.note(time.Since(start), status)
	}
	if err != nil {
		return reply{}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return reply{}
	}
	if cookies := res.Cookies(); len(cookies) > 0 && p.cookie == "" {
		p.cookie = cookies[0].Name + "=" + cookies[0].Value
	}
	return reply{res.StatusCode, string(data), res.Header}
}

func (p *pane) get(path, accept string) asked { return p.ask(http.MethodGet, path, "", nil, accept) }

func (p *pane) form(path string, values url.Values) asked {
	return p.ask(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(values.Encode()), "")
}

func (p *pane) json(path string, body any) asked {
	text, err := json.Marshal(body)
	if err != nil {
		p.t.Error(err)
	}
	return p.ask(http.MethodPost, path, "application/json", strings.NewReader(string(text)), "application/json")
}

// add puts one of a SKU in the cart.
func (p *pane) add(sku string) {
	c := p.begin(sku, func(n int) int { return n + 1 })
	got := p.form("/cart/lines", url.Values{"sku": {sku}})
	c.end(ended(got))
}

// ended says what became of a form's change.
func ended(got asked) ending {
	switch {
	case got.status == http.StatusSeeOther:
		return saved
	case got.status >= 400 && got.status < 500:
		return rejected
	}
	return unsure
}

func to(n int) func(int) int { return func(int) int { return n } }

func (p *pane) set(sku string, n int) {
	c := p.begin(sku, to(n))
	c.end(ended(p.form("/cart/lines/"+sku, url.Values{"quantity": {fmt.Sprint(n)}})))
}

func (p *pane) discount() {
	n := p.IntN(len(codes) + 1)
	if n == len(codes) {
		if got := p.form("/cart/discount", url.Values{"code": {"SUNSHINE"}}); got.status < 400 {
			p.t.Errorf("%s: a code that there is not: got %d", p.name, got.status)
		}
		return
	}
	c := p.begin(discount, to(n))
	c.end(ended(p.form("/cart/discount", url.Values{"code": {codes[n]}})))
}

// inCart is the cart as the shop shows it, the discount code among the rest.
type inCart struct {
	Revision     int64
	DiscountCode string `json:"discount_code"`
	Lines        []struct {
		SKU      string
		Quantity int
	}
}

func (c inCart) quantities() map[string]int {
	have := map[string]int{}
	for _, line := range c.Lines {
		have[line.SKU] = line.Quantity
	}
	if n := slices.Index(codes, c.DiscountCode); n > 0 {
		have[discount] = n
	}
	return have
}

// look holds the cart against what was answered (invariant 1).
func (p *pane) look() (c inCart, ok bool) {
	w := p.watch()
	got := p.get("/cart", "application/json")
	if got.status == http.StatusOK {
		if err := json.Unmarshal([]byte(got.body), &c); err != nil {
			p.t.Errorf("%s: the cart: %v", p.name, err)
		}
		ok = true
	}
	if !ok {
		p.unwatch(w)
		return c, false
	}
	if wrong := p.saw(w, c.quantities(), false); len(wrong) > 0 {
		p.t.Errorf("%s: the cart at revision %d (invariant 1): %s", p.name, c.Revision, strings.Join(wrong, "; "))
	}
	return c, true
}

// withCode is what goes out of a cart with a purchase: any discount code too.
func withCode(lines map[string]int) map[string]int {
	all := maps.Clone(lines)
	all[discount] = len(codes)
	return all
}
