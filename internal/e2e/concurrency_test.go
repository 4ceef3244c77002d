package e2e_test

import (
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
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	kcoapi "github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
)

const crowdTime = 5 * time.Second

// Several processes on one Redis, eight tabs of one session that change the
// cart and load the checkout at random. In the end, after one more load, no
// change that was answered is lost, there is one order, and it says what the
// cart says (invariants 1 to 3 of design.md).
func TestCrowd(t *testing.T) {
	for _, tc := range []struct {
		name   string
		faults []fakeklarna.Fault
		kill   bool // a process, in the middle
	}{
		{name: "Klarna is well"},
		{name: "Klarna fails", faults: []fakeklarna.Fault{
			{Status: 500}, {Status: 404}, {Status: 409}, {Reset: true}, {DropReply: true}, {Truncate: true}, {NotJSON: true},
		}},
		{name: "a process is killed", kill: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := deploy(t, 3, fakeklarna.Options{})
			// Klarna's own time, before and after it stores: what is under way overtakes.
			d.fake.AddFault(fakeklarna.Fault{Jitter: fakeklarna.Duration(20 * time.Millisecond), JitterAfter: fakeklarna.Duration(20 * time.Millisecond), Count: -1})
			for _, f := range tc.faults {
				f.Probability, f.Count = 0.05, -1
				d.fake.AddFault(f)
			}
			c := newCrowd(d, len(tc.faults) > 0)
			if tc.kill {
				time.AfterFunc(crowdTime/2, func() {
					c.processes.Store(new(d.shops[1:]))
					d.shops[0].kill()
				})
			}
			c.run()
			d.fake.ClearFaults()
			c.check(tc.kill)
		})
	}
}

// crowd is the session of all tabs.
type crowd struct {
	*deployment
	client    client
	fails     bool // Klarna does, so requests may
	processes atomic.Pointer[[]*process]
	tabs      []*tab
	answers   sync.Map // "POST /checkout/update 200" → *atomic.Int64
}

// tab changes the quantities of products of its own, so that it knows what must be in the cart.
type tab struct {
	*crowd
	client  client
	skus    []string
	may     map[string][]int // quantities that a product may have, by what was answered
	orderID string           // of the page it shows
}

func newCrowd(d *deployment, fails bool) *crowd {
	d.t.Helper()
	c := &crowd{deployment: d, client: client{t: d.t}, fails: fails}
	c.processes.Store(&d.shops)
	if got := c.client.send(d.shops[0], "POST", "/cart/lines", "sku=FLT-1", ""); got.status != http.StatusSeeOther || c.client.cookie == "" {
		d.t.Fatalf("the first add: got %+v", got)
	}
	var skus []string
	for _, p := range catalog.Builtin().Products() {
		if p.SKU != "FLT-1" && (p.Digital || p.Stock > 10) {
			skus = append(skus, p.SKU)
		}
	}
	for own := range slices.Chunk(skus, 3) {
		c.tabs = append(c.tabs, &tab{crowd: c, client: c.client, skus: own, may: map[string][]int{}})
	}
	c.tabs = c.tabs[:8]
	return c
}

func (c *crowd) run() {
	end := time.Now().Add(crowdTime)
	var wg sync.WaitGroup
	for _, tab := range c.tabs {
		wg.Go(func() {
			for time.Now().Before(end) {
				tab.act()
				time.Sleep(rand.N(20 * time.Millisecond))
			}
		})
	}
	wg.Wait()
	c.answers.Range(func(what, n any) bool {
		c.t.Logf("%5d × %s", n.(*atomic.Int64).Load(), what)
		return true
	})
}

// send asks any of the processes that are there.
func (b *tab) send(method, path, body, accept string) reply {
	processes := *b.processes.Load()
	got := b.client.send(processes[rand.IntN(len(processes))], method, path, body, accept)
	b.count(method, path, got.status)
	return got
}

func (b *tab) count(method, path string, status int) {
	if strings.HasPrefix(path, "/cart/lines/") {
		path = "/cart/lines/*"
	}
	n, _ := b.answers.LoadOrStore(fmt.Sprintf("%s %s %d", method, path, status), new(atomic.Int64))
	n.(*atomic.Int64).Add(1)
}

// act does one thing that shoppers do.
func (b *tab) act() {
	sku, quantity := b.skus[rand.IntN(len(b.skus))], rand.IntN(10)
	switch rand.IntN(6) {
	case 0:
		got := b.send("POST", "/cart/lines/"+sku, url.Values{"quantity": {fmt.Sprint(quantity)}}.Encode(), "")
		b.learn(sku, []int{quantity}, got.status == http.StatusSeeOther)
	case 1:
		var sums []int
		for _, n := range b.quantities(sku) {
			sums = append(sums, n+1)
		}
		if got := b.send("POST", "/cart/lines", "sku="+sku, ""); got.status != http.StatusUnprocessableEntity { // sold out
			b.learn(sku, sums, got.status == http.StatusSeeOther)
		}
	case 2, 3:
		b.update(sku, quantity)
	case 4:
		got := b.send("GET", "/checkout", "", "")
		if id := shownOrder.FindStringSubmatch(got.body); got.status == http.StatusOK && id != nil {
			b.orderID = id[1]
		} else if !b.excused(got) {
			b.t.Errorf("checkout: got %d\n%.300s", got.status, got.body)
		}
	case 5:
		if got := b.send("GET", "/cart", "", "application/json"); got.status == http.StatusOK {
			b.compare(got.body)
		} else if !b.excused(got) {
			b.t.Errorf("cart: got %d\n%.300s", got.status, got.body)
		}
	}
}

var shownOrder = regexp.MustCompile(`"order_id":"([^"]+)"`)

// update is a click on the open page. When it is answered 200, Klarna has it.
func (b *tab) update(sku string, quantity int) {
	got := b.send("POST", "/checkout/update", fmt.Sprintf(`{"order_id":%q,"lines":[{"sku":%q,"quantity":%d}]}`, b.orderID, sku, quantity), "application/json")
	var u struct {
		OrderID      string `json:"order_id"`
		CartRevision int64  `json:"cart_revision"`
		Error        struct{ Code string }
	}
	if got.status != 0 && json.Unmarshal([]byte(got.body), &u) != nil {
		b.t.Errorf("update: got %d\n%.300s", got.status, got.body)
		return
	}
	// An error that has the cart's revision says that the change is saved.
	b.learn(sku, []int{quantity}, u.CartRevision > 0)
	if got.status != http.StatusOK {
		if !b.excused(got) {
			b.t.Errorf("update: got %d %s", got.status, got.body)
		}
		return
	}
	b.orderID = u.OrderID
	order, _ := b.fake.Order(u.OrderID)
	n := 0
	for _, line := range order.OrderLines {
		if line.Reference == sku {
			n = int(line.Quantity)
		}
	}
	if n != quantity {
		b.t.Errorf("the update to %d of %s was answered 200, Klarna has %d", quantity, sku, n)
	}
}

// excused reports whether an answer other than the one hoped for may be: a
// process was killed, or Klarna fails, or the session was busy.
func (b *tab) excused(got reply) bool {
	switch got.status {
	case 0:
		return len(*b.processes.Load()) < len(b.shops)
	case http.StatusServiceUnavailable:
		return true
	}
	return got.status == http.StatusInternalServerError && b.fails
}

// quantities are what a product of this tab may have now.
func (b *tab) quantities(sku string) []int {
	if b.may[sku] == nil {
		return []int{0}
	}
	return b.may[sku]
}

// learn takes in a change that was answered, or one that may have been made.
func (b *tab) learn(sku string, quantities []int, made bool) {
	if !made {
		quantities = slices.Concat(b.quantities(sku), quantities)
	}
	b.may[sku] = quantities
}

// compare demands that the cart has what was answered (invariant 1).
func (b *tab) compare(cartJSON string) {
	var c struct {
		Lines []struct {
			SKU      string
			Quantity int
		}
	}
	if err := json.Unmarshal([]byte(cartJSON), &c); err != nil {
		b.t.Error(err)
		return
	}
	have := map[string]int{}
	for _, line := range c.Lines {
		have[line.SKU] = line.Quantity
	}
	for _, sku := range b.skus {
		if !slices.Contains(b.quantities(sku), have[sku]) {
			b.t.Errorf("the cart has %d of %s; by what was answered it may be %v", have[sku], sku, b.quantities(sku))
		}
	}
}

// check holds the invariants after one more load.
func (c *crowd) check(killed bool) {
	c.t.Helper()
	b := &tab{crowd: c, client: c.client}
	page := b.send("GET", "/checkout", "", "")
	id := shownOrder.FindStringSubmatch(page.body)
	if page.status != http.StatusOK || id == nil {
		c.t.Fatalf("the last load: got %d\n%s", page.status, page.body)
	}
	got := b.send("GET", "/cart", "", "application/json")
	for _, tab := range c.tabs {
		tab.compare(got.body)
	}
	c.agrees(id[1])
	rdb := c.redis.Client()
	listed, err := (&kcoapi.LeftBehind{Redis: rdb}).Orders(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	unlisted := 0
	for _, call := range c.fake.Requests("") {
		order, known := c.fake.Order(call.OrderID)
		// Which answers reached the shop whole.
		if call.Method != "POST" || !strings.HasSuffix(call.Path, "/orders") || call.Status != http.StatusCreated || slices.ContainsFunc(call.Faults, isLoss) {
			continue
		}
		if known && call.OrderID != id[1] && !order.Fake.Aborted && !slices.Contains(listed, call.OrderID) {
			unlisted++
		}
	}
	// The one who is killed may have had an order that he could tell nobody of.
	if unlisted > 1 || unlisted > 0 && !killed {
		c.t.Errorf("%d further orders are open and nobody will abort them", unlisted)
	}
	c.t.Logf("%d orders were made, %d are to be aborted", len(c.fake.Orders()), len(listed))
	if !c.fails && len(c.fake.Orders()) > 1+unlisted {
		c.t.Errorf("got %d orders, want 1", len(c.fake.Orders()))
	}
}

func isLoss(fault string) bool {
	return fault == "drop_reply" || fault == "truncate" || fault == "not_json"
}

// agrees demands that an order is the one of its cart and says what it says.
func (d *deployment) agrees(orderID string) {
	d.t.Helper()
	transport, err := klarna.NewClient(klarna.Config{BaseURL: d.fake.URL, Username: "demo", Password: "demo"})
	if err != nil {
		d.t.Fatal(err)
	}
	order, err := kcoapi.NewClient(transport).GetOrder(d.t.Context(), orderID)
	if err != nil {
		d.t.Fatal(err)
	}
	signer, err := kcoapi.NewSigner(secret)
	if err != nil {
		d.t.Fatal(err)
	}
	cartID, err := signer.Verify(order.MerchantData)
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := cart.NewStore(d.redis.Client()).Get(d.t.Context(), cartID, cart.Fallback{})
	if err != nil {
		d.t.Fatal(err)
	}
	wants := kcoapi.Wants{Pricer: &cart.Pricer{Catalog: catalog.Builtin(), PublicURL: d.url}, Signer: signer, PublicURL: d.url, CallbackURL: d.url}
	want, _, err := wants.Want(c)
	if err != nil {
		d.t.Fatal(err)
	}
	if diff := kcoapi.Differences(want, order); len(diff) > 0 || c.OrderID != orderID {
		d.t.Errorf("cart and order %s differ in %v, the cart's order is %s", orderID, diff, c.OrderID)
	}
}
