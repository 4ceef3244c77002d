package e2e_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopd/shopd/fakeklarna"
)

// crowdOptions say who comes to a shop and what may go wrong there.
type crowdOptions struct {
	visitors, tabs int  // tabs each, at most 8
	buys           bool // visitors buy, again and again
	fails          bool // Klarna does, so requests may
	busy           bool // a session has so many tabs that one may wait for too long, until they stop
}

// crowd is many visitors of a shop at once. They know what every answer has
// promised, hold the next one against it, and in the end all.
type crowd struct {
	*deployment
	crowdOptions
	visitors []*visitor
	up       atomic.Pointer[[]*process] // those that requests are sent to
	dead     sync.Map                   // *process → true: its answers may be missing
	away     outage                     // of Redis
	base     outage                     // of the database
	during   sync.Map                   // what was answered meanwhile: "POST /checkout/update 200" → *atomic.Int64
	resumed  atomic.Bool                // something was bought since
	answers  sync.Map                   // "POST /checkout/update 200" → *atomic.Int64
	refusals sync.Map                   // why a purchase was refused → *atomic.Int64
	kept     atomic.Int64               // changes of carts that were answered
	lost     atomic.Int64               // of these, those that were answered just before a master died and are gone
	strays   atomic.Int64               // orders that are open and that nobody will abort: their ID was never kept
	slowest  atomic.Int64               // of the updates, in ns
	killed   atomic.Pointer[time.Time]  // when a shop was
	awaited  atomic.Int64               // from then to the first checkout of the visitor who waited longest, in ns
	faulty   bool                       // Klarna failed
}

// visitor is a session: a cart, some tabs, what was bought.
type visitor struct {
	*crowd
	name   string
	client client
	cartID string
	tabs   []*tab

	// still is held by whoever asks for something; alone, by who must have all tabs stand still.
	still   sync.RWMutex
	windows int // purchases under way whose goods may be out of the cart, or not; guarded by still
	begun   int // purchases so far; guarded by still
	settled time.Time
	again   sync.Once    // the checkout was shown after a shop was killed
	buying  atomic.Int64 // purchases under way, their confirmations included
	bought  atomic.Int64 // when the last of them ended, ns

	mu    sync.Mutex
	sales []*sale
	shown map[string]bool // orders that a page of this visitor has shown
}

// sale is an order that Klarna's form said was bought.
type sale struct {
	orderID string
	goods   map[string]int
	number  string // on the confirmation, "" before
	// The button was pressed at, and Klarna said that it is bought.
	at, approved time.Time
}

// tab changes the quantities of products of its own, so that it knows what must be in the cart.
type tab struct {
	*visitor
	client  client
	skus    []string
	may     map[string][]int // quantities that a product may have, by what was answered
	past    map[string][]memory
	orderID string // of the page it shows
}

// memory is what a tab knew of a product from some time on.
type memory struct {
	began, answered time.Time // the request by which it knows
	may             []int
	made            bool // the change was answered
}

// confirmation is the one page of shoppers that needs the database.
const confirmation = "/checkout/confirmation"

// extra is the product that is in a cart at first, and of which nobody keeps count.
const extra = "FLT-1"

func newCrowd(d *deployment, o crowdOptions) *crowd {
	d.t.Helper()
	c := &crowd{deployment: d, crowdOptions: o, faulty: o.fails}
	c.up.Store(&d.shops)
	var skus []string
	for _, p := range d.published.Now().Catalog.Products() {
		if p.SKU != extra && (p.Digital || p.Stock > 10) {
			skus = append(skus, p.SKU)
		}
	}
	for i := range o.visitors {
		v := c.visitor(fmt.Sprintf("visitor%d@example.com", i), d.shops[i%len(d.shops)])
		for own := range slices.Chunk(skus, 3) {
			v.tab(own)
		}
		v.tabs = v.tabs[:o.tabs]
		c.visitors = append(c.visitors, v)
	}
	return c
}

// visitor comes to a shop and adds a first product.
func (c *crowd) visitor(name string, p *process) *visitor {
	c.t.Helper()
	v := &visitor{crowd: c, name: name, client: client{t: c.t}, shown: map[string]bool{}}
	if got := v.client.send(p, "POST", "/cart/lines", "sku="+extra, ""); got.status != http.StatusSeeOther || v.client.cookie == "" {
		c.t.Errorf("the first add: got %+v", got)
	}
	return v
}

// tab opens a tab of the visitor, with products of its own.
func (v *visitor) tab(skus []string) *tab {
	b := &tab{visitor: v, client: v.client, skus: skus, may: map[string][]int{}, past: map[string][]memory{}}
	v.tabs = append(v.tabs, b)
	return b
}

// crowdLimit is how much longer than it should a crowd waits for what it is to see.
const crowdLimit = time.Minute

// run lets all tabs act for some time, and on until all that they are to see has come.
func (c *crowd) run(d time.Duration, until ...func() bool) {
	end := time.Now().Add(d)
	goesOn := func() bool {
		now := time.Now()
		return now.Before(end) || now.Before(end.Add(crowdLimit)) && slices.ContainsFunc(until, func(seen func() bool) bool { return !seen() })
	}
	var wg sync.WaitGroup
	for _, v := range c.visitors {
		for _, b := range v.tabs {
			wg.Go(func() {
				for goesOn() && !c.t.Failed() {
					b.act()
					time.Sleep(rand.N(20 * time.Millisecond))
				}
			})
		}
	}
	wg.Wait()
}

// closed reports whether a channel is.
func closed(done <-chan struct{}) func() bool {
	return func() bool {
		select {
		case <-done:
			return true
		default:
			return false
		}
	}
}

// kill ends a process at once; a moment later nothing more is sent to it.
func (c *crowd) kill(p *process) {
	c.dead.Store(p, true)
	c.killed.Store(new(time.Now()))
	p.kill()
	time.Sleep(100 * time.Millisecond)
	c.leave(p)
}

// leave makes a process one that nothing more is sent to.
func (c *crowd) leave(p *process) {
	left := slices.DeleteFunc(slices.Clone(*c.up.Load()), func(one *process) bool { return one == p })
	c.up.Store(&left)
}

// any is one of the processes.
func (c *crowd) any() *process {
	up := *c.up.Load()
	return up[rand.IntN(len(up))]
}

// send asks any of the processes, and holds against the rules what must hold of
// every answer. began is when.
func (b *tab) send(method, path, body, accept string) (got reply, began time.Time) {
	p := b.any()
	began = time.Now()
	got = b.client.send(p, method, path, body, accept)
	took := time.Since(began)
	short, _, _ := strings.Cut(path, "?")
	if strings.HasPrefix(path, "/cart/lines/") {
		short = "/cart/lines/*"
	}
	what := fmt.Sprintf("%s %s %d", method, short, got.status)
	count(&b.answers, what)
	if b.base.goesOn(began) {
		count(&b.during, what)
	}
	if path == "/checkout/update" {
		raise(&b.slowest, took)
		if took > 15*time.Second {
			b.t.Errorf("an update was answered after %s", took)
		}
	}
	if path == "/checkout" && got.status == http.StatusOK {
		b.away.good(p, began)
		b.good(began)
	}
	if !b.excused(p, got, began) && !b.waits(short, got, began) {
		b.t.Errorf("%s: %s %s at %s, begun %s: got %d\n%s%.400s", b.name, method, path, p.ready["storefront"], began.Format(time.TimeOnly+".000"), got.status, p.recordsOf(got.header.Get("X-Request-Id")), got.body)
	}
	return got, began
}

// good notes that the visitor is shown the checkout.
func (v *visitor) good(began time.Time) {
	killed := v.killed.Load()
	if killed == nil || began.Before(*killed) {
		return
	}
	v.again.Do(func() { raise(&v.awaited, time.Since(*killed)) })
}

// raise makes a duration at least d.
func raise(longest *atomic.Int64, d time.Duration) {
	for old := longest.Load(); int64(d) > old && !longest.CompareAndSwap(old, int64(d)); old = longest.Load() {
	}
}

func count(in *sync.Map, what string) {
	n, _ := in.LoadOrStore(what, new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

// excused reports whether an answer is one that may be: below 500, or with a
// reason that the test has made. One that says come again says when.
func (c *crowd) excused(p *process, got reply, began time.Time) bool {
	_, dead := c.dead.Load(p)
	switch {
	case got.status == 0:
		return dead
	case got.status < 500:
		return true
	case got.status == http.StatusServiceUnavailable:
		c.away.refused(began)
		return got.helpful() && (c.fails || c.busy || c.away.covers(began))
	}
	return c.fails && got.status == http.StatusInternalServerError
}

// waits reports whether an answer tells to come again because there was no database: for
// the confirmation, or for the checkout while the same visitor bought. His order is locked
// at Klarna while the validation waits, so that only another order would do; and whether
// the first may be being bought, the database knows.
func (v *visitor) waits(path string, got reply, began time.Time) bool {
	return got.status == http.StatusServiceUnavailable && got.helpful() && v.base.covers(began) &&
		(path == confirmation || strings.HasPrefix(path, "/checkout") && (v.buying.Load() > 0 || v.bought.Load() > began.UnixNano()))
}

// helpful reports whether an answer tells what is the matter: a whole page, or
// JSON with a code, and when to come again.
func (got reply) helpful() bool {
	if got.header.Get("Retry-After") == "" {
		return false
	}
	if strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
		var e struct {
			Error struct{ Code, Message string }
		}
		return json.Unmarshal([]byte(got.body), &e) == nil && e.Error.Code != "" && e.Error.Message != ""
	}
	return strings.Count(got.body, "<h1") == 1 && strings.Contains(got.body, "</html>")
}

// act does one thing that visitors do.
func (b *tab) act() {
	switch {
	case b.unsettled():
		b.bear()
	case b.buys && rand.IntN(20) == 0:
		b.buy(rand.IntN(2) == 0)
	default:
		b.still.RLock()
		defer b.still.RUnlock()
		if !b.unsettled() { // it has perhaps waited
			b.browse()
		}
	}
}

func (b *tab) browse() {
	sku, quantity := b.skus[rand.IntN(len(b.skus))], rand.IntN(10)
	switch rand.IntN(6) {
	case 0:
		got, began := b.send("POST", "/cart/lines/"+sku, url.Values{"quantity": {fmt.Sprint(quantity)}}.Encode(), "")
		b.learn(sku, []int{quantity}, got, began, got.status == http.StatusSeeOther)
	case 1:
		var sums []int
		for _, n := range b.quantities(sku) {
			sums = append(sums, n+1)
		}
		got, began := b.send("POST", "/cart/lines", "sku="+sku, "")
		b.learn(sku, sums, got, began, got.status == http.StatusSeeOther)
	case 2, 3:
		b.update(sku, quantity)
	case 4:
		b.load()
	case 5:
		if got, _ := b.send("GET", "/cart", "", "application/json"); got.status == http.StatusOK {
			b.compare(got.body)
		}
	}
}

var shownOrder = regexp.MustCompile(`"order_id":"([^"]+)"`)

// load opens the checkout and returns the order it shows; false when there is none.
func (b *tab) load() (orderID string, ok bool) {
	got, _ := b.send("GET", "/checkout", "", "")
	id := shownOrder.FindStringSubmatch(got.body)
	switch {
	case got.status == http.StatusOK && id != nil:
		b.show(id[1])
		return id[1], true
	case got.status == http.StatusSeeOther && b.buys:
		// The cart is empty, or was bought: then the confirmation is shown.
		if to := got.header.Get("Location"); strings.HasPrefix(to, "/checkout/confirmation") {
			b.send("GET", to, "", "")
		}
	case got.status < 500 && got.status != 0:
		b.t.Errorf("%s: checkout: got %d\n%.300s", b.name, got.status, got.body)
	}
	return "", false
}

func (b *tab) show(orderID string) {
	b.orderID = orderID
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shown[orderID] = true
}

// update is a click on the open page. When it is answered 200, Klarna has it.
func (b *tab) update(sku string, quantity int) {
	got, began := b.send("POST", "/checkout/update", fmt.Sprintf(`{"order_id":%q,"lines":[{"sku":%q,"quantity":%d}]}`, b.orderID, sku, quantity), "application/json")
	var u struct {
		OrderID      string `json:"order_id"`
		CartRevision int64  `json:"cart_revision"`
		Redirect     string
	}
	if got.status != 0 && json.Unmarshal([]byte(got.body), &u) != nil {
		b.t.Errorf("update: got %d\n%.300s", got.status, got.body)
		return
	}
	// An error that has the cart's revision says that the change is saved.
	b.learn(sku, []int{quantity}, got, began, u.CartRevision > 0)
	switch {
	case got.status == http.StatusOK:
	case got.status == http.StatusConflict && b.buys && u.Redirect != "":
		b.orderID = "" // the page goes elsewhere
		return
	default:
		if got.status != 0 && got.status < 500 && got.status != http.StatusUnprocessableEntity {
			b.t.Errorf("update: got %d %s", got.status, got.body)
		}
		return
	}
	b.show(u.OrderID)
	order, _ := b.fake.Order(u.OrderID)
	if n := goodsOf(order)[sku]; n != quantity && b.windows == 0 && !b.unsettled() {
		b.t.Errorf("the update to %d of %s was answered 200, Klarna has %d", quantity, sku, n)
	}
}

// goodsOf are the quantities of an order by SKU.
func goodsOf(order fakeklarna.Order) map[string]int {
	goods := map[string]int{}
	for _, line := range order.OrderLines {
		if line.Type == "physical" || line.Type == "digital" {
			goods[line.Reference] += int(line.Quantity)
		}
	}
	return goods
}

// quantities are what a product of this tab may have now.
func (b *tab) quantities(sku string) []int {
	if b.may[sku] == nil {
		return []int{0}
	}
	return b.may[sku]
}

// learn takes in a change that was answered, or one that may have been made. What
// was refused was not made.
func (b *tab) learn(sku string, quantities []int, got reply, began time.Time, made bool) {
	switch {
	case got.status == http.StatusUnprocessableEntity: // sold out
		return
	case made:
		b.kept.Add(1)
	default:
		quantities = slices.Concat(b.quantities(sku), quantities)
	}
	b.know(sku, memory{began, time.Now(), quantities, made})
}

func (b *tab) know(sku string, m memory) {
	slices.Sort(m.may)
	m.may = slices.Compact(m.may)
	b.may[sku] = m.may
	b.past[sku] = append(b.past[sku], m)
}

// quantitiesIn are the quantities by SKU that GET /cart says.
func quantitiesIn(cartJSON string) (map[string]int, error) {
	var c struct {
		Lines []struct {
			SKU      string
			Quantity int
		}
	}
	err := json.Unmarshal([]byte(cartJSON), &c)
	have := map[string]int{}
	for _, line := range c.Lines {
		have[line.SKU] = line.Quantity
	}
	return have, err
}

// compare demands that the cart has what was answered (invariant 1). From then
// on the tab knows it for sure.
func (b *tab) compare(cartJSON string) {
	have, err := quantitiesIn(cartJSON)
	if err != nil {
		b.t.Error(err)
		return
	}
	if b.windows > 0 || b.unsettled() {
		return
	}
	for _, sku := range b.skus {
		if !slices.Contains(b.quantities(sku), have[sku]) {
			b.t.Errorf("%s: the cart has %d of %s; by what was answered it may be %v\n%s", b.name, have[sku], sku, b.quantities(sku), b.recall(sku))
		}
		if len(b.quantities(sku)) > 1 {
			now := time.Now()
			b.know(sku, memory{now, now, []int{have[sku]}, false})
		}
	}
}

// recall is what a tab knew of a product last.
func (b *tab) recall(sku string) string {
	var text strings.Builder
	for _, m := range b.past[sku][max(0, len(b.past[sku])-8):] {
		fmt.Fprintf(&text, "  begun %s, answered %s: %v, made %v\n", m.began.Format(time.TimeOnly+".000"), m.answered.Format(time.TimeOnly+".000"), m.may, m.made)
	}
	return text.String()
}

// summary prints what came of it.
func (c *crowd) summary() {
	c.t.Helper()
	var lines []string
	for name, in := range map[string]*sync.Map{"": &c.answers, "purchase refused: ": &c.refusals, "without database: ": &c.during} {
		in.Range(func(what, n any) bool {
			lines = append(lines, fmt.Sprintf("%6d × %s%s", n.(*atomic.Int64).Load(), name, what))
			return true
		})
	}
	slices.SortFunc(lines, func(a, b string) int { return cmp.Compare(a[6:], b[6:]) })
	sales := 0
	for _, v := range c.visitors {
		sales += len(v.sales)
	}
	again := ""
	if c.killed.Load() != nil {
		again = fmt.Sprintf(", all were shown the checkout again %s after a shop was killed", time.Duration(c.awaited.Load()).Round(time.Millisecond))
	}
	c.t.Logf("%d visitors with %d tabs each:\n%s\n%d purchases, %d changes acknowledged, %d of them lost, %d orders whose ID nobody kept, slowest update %s%s%s", len(c.visitors), c.tabs,
		strings.Join(lines, "\n"), sales, c.kept.Load(), c.lost.Load(), c.strays.Load(), time.Duration(c.slowest.Load()).Round(time.Millisecond), again, c.away.String())
}

// balancer carries Klarna's calls to any of the processes, as a load balancer
// does: where nobody listens it takes another one.
type balancer struct{ crowd atomic.Pointer[crowd] }

func (l *balancer) RoundTrip(r *http.Request) (*http.Response, error) {
	return carry(r, l.crowd.Load().any)
}

// carry sends a call to one of the processes.
func carry(r *http.Request, one func() *process) (*http.Response, error) {
	for try := 0; ; try++ {
		at, err := url.Parse(one().ready["storefront"])
		if err != nil {
			return nil, err
		}
		call := r.Clone(r.Context())
		call.URL.Host = at.Host
		if r.GetBody != nil {
			if call.Body, err = r.GetBody(); err != nil {
				return nil, err
			}
		}
		res, err := http.DefaultTransport.RoundTrip(call)
		if err == nil || try == 5 || !strings.Contains(err.Error(), "connection refused") {
			return res, err
		}
	}
}
