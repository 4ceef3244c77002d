package e2e_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

var (
	soakTime = flag.Duration("soak.time", 8*time.Second, "how long the shoppers of TestSoak shop")
	soakSeed = flag.Uint64("soak.seed", 0, "of what the shoppers of TestSoak do; 0 draws one")
)

const (
	soakChaos  = 0.05
	soakGuests = 10 // at a time
	// soakLong is how long a soak is in which time passes at Klarna and processes are restarted again and again.
	soakLong = time.Minute
)

// Random shoppers of both products shop on several processes while Klarna fails
// now and then and a process is restarted. In the end Klarna is well, and every
// shopper's cart, order and purchases are what must be (invariants 1 to 6 and 8
// to 10 of design.md; what the iframe shows only a browser can tell).
func TestSoak(t *testing.T) {
	seed := *soakSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%s of shopping, -soak.seed=%d", *soakTime, seed)
	s := newSoak(t, seed)
	if *soakAdversary {
		s.shopAttacked(*soakTime)
	} else {
		s.shop(*soakTime)
	}
	s.fake.SetChaos(0)
	s.fake.ClearFaults()
	shoptest.Landed(s.t, s.fake)
	s.listen()
	s.settleAll()
	s.guestsReturn()
	s.judge()
	s.years()
	s.unharmed()
	s.report()
}

// soak is a shop with its shoppers.
type soak struct {
	*deployment
	seed uint64
	wire *http.Transport               // of all shoppers
	up   [2]atomic.Pointer[[]*process] // the processes of KCO and of Klarna Payments that are up

	halves [2]half              // without an adversary and with one
	half   atomic.Pointer[half] // the one that it is; nil: nobody asks

	lock    sync.Mutex // guards what follows
	guests  []*guest
	counts  map[string]int64
	seeded  map[string]int  // stock that there was or came, by SKU
	recent  []string        // orders that were shown last
	tokens  []string        // authorizations of the last purchases by Klarna Payments
	lossy   map[string]bool // orders whose making the shop may never have heard of
	calls   map[string]bool // correlation IDs of the calls that were looked at
	killed  []time.Time     // processes, by Klarna's clock
	watched map[*process]figures
}

func newSoak(t *testing.T, seed uint64) *soak {
	t.Helper()
	s := &soak{
		seed: seed, wire: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second},
		counts: map[string]int64{}, lossy: map[string]bool{}, calls: map[string]bool{}, watched: map[*process]figures{},
	}
	t.Cleanup(s.wire.CloseIdleConnections)
	var more []string
	if *soakAdversary {
		more = behindProxy
	}
	s.deployment = deploy(t, 3, fakeklarna.Options{
		Chaos: soakChaos, Seed: seed, MaxOrders: 1_000_000, CallbackTransport: s, PushDelay: time.Second,
	}, more...)
	// Besides, Klarna denies an order now and then that it has: then it is left behind.
	s.fake.AddFault(fakeklarna.Fault{Method: http.MethodGet, Path: "/checkout/v3/orders/*", Status: http.StatusForbidden, Probability: 0.02, Count: -1})
	s.landLate()
	kcoShops := slices.Clone(s.shops)
	s.command = "demo" // on the same stores, it offers both checkouts
	pays := []*process{s.start("127.0.0.1:0")}
	s.command = ""
	s.shops = append(s.shops, pays...)
	s.up[0].Store(&kcoShops)
	s.up[1].Store(&pays)
	s.deliver(func(sku string, left int) int {
		if left < 5 { // these stay scarce
			return 0
		}
		return 1_000_000
	})
	return s
}

// doors are the processes that are up: of Klarna Payments, or of KCO.
func (s *soak) doors(payments bool) []*process {
	if payments {
		return *s.up[1].Load()
	}
	return *s.up[0].Load()
}

// RoundTrip carries Klarna's calls to any of the processes, as a load balancer does.
func (s *soak) RoundTrip(r *http.Request) (*http.Response, error) {
	return carry(r, func() *process {
		doors := slices.Concat(s.doors(false), s.doors(true))
		return doors[rand.IntN(len(doors))]
	})
}

func (s *soak) count(what string, n int64) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.counts[what] += n
}

// chance is a source of random numbers that is the same with the same seeds.
func chance(seed, of uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, of)) }

// shop lets guests come and go for some time.
func (s *soak) shop(long time.Duration) {
	start := time.Now()
	until := start.Add(long)
	var guests, around sync.WaitGroup
	var next atomic.Uint64
	for range soakGuests {
		guests.Go(func() {
			for !s.closes(until) && !s.t.Failed() {
				s.newGuest(next.Add(1)).life(until)
			}
		})
	}
	over := make(chan struct{})
	around.Go(func() { s.each(over, time.Second, s.listen) })
	around.Go(func() {
		s.each(over, long/12, func() {
			s.deliver(func(_ string, left int) int {
				if left < 3 {
					return 1
				}
				return 0
			})
		})
	})
	around.Go(func() { s.operate(over, long) })
	guests.Wait()
	close(over)
	around.Wait()
	s.listen()
	s.count("guests", int64(len(s.guests)))
}

// closes reports whether it is over: the time is up, and something was sold, for which
// a slow machine gets a minute more.
func (s *soak) closes(until time.Time) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	now := time.Now()
	return now.After(until) && (s.counts["buy: sold"] > 0 || now.After(until.Add(time.Minute)))
}

// each does something again and again until over.
func (s *soak) each(over <-chan struct{}, every time.Duration, do func()) {
	for s.waits(over, every) {
		do()
	}
}

// waits reports false when it is over.
func (s *soak) waits(over <-chan struct{}, d time.Duration) bool {
	select {
	case <-over:
		return false
	case <-time.After(d):
		return true
	}
}

// operate is what happens to the shop meanwhile: a look at what the processes
// use, a restart of one; in a long soak again and again, and time passes at
// Klarna: pushes come again, orders expire, risks are decided.
func (s *soak) operate(over <-chan struct{}, long time.Duration) {
	if !s.waits(over, long/3) {
		return
	}
	for _, p := range s.lasting() {
		s.watched[p] = p.figures()
	}
	for i := 0; s.waits(over, min(long/6, soakLong/2)); i++ {
		s.restart(1+i%2, i%4 > 1)
		if long < soakLong {
			return
		}
		s.fake.Advance([]time.Duration{10 * time.Minute, 6 * time.Hour, 10 * time.Minute, 49 * time.Hour}[i%4])
	}
}

// lasting are the processes that are never restarted.
func (s *soak) lasting() []*process {
	return []*process{s.doors(false)[0], s.doors(true)[0]}
}

// restart stops a process, or kills it, and starts another in its place.
func (s *soak) restart(i int, kill bool) {
	all := s.doors(false)
	old := all[i]
	others := slices.Delete(slices.Clone(all), i, i+1)
	s.up[0].Store(&others)
	if kill {
		s.lock.Lock()
		s.killed = append(s.killed, s.fake.Now())
		s.lock.Unlock()
		old.kill()
		s.count("processes killed and started again", 1)
	} else {
		old.stop()
		s.count("processes stopped and started again", 1)
	}
	at, _ := url.Parse(old.ready["storefront"])
	p := s.start(at.Host)
	s.shops = append(s.shops, p)
	again := slices.Insert(slices.Clone(others), i, p)
	s.up[0].Store(&again)
}

// listen notes which orders Klarna made and may not have been able to tell.
func (s *soak) listen() {
	calls := s.fake.Requests("")
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, call := range calls {
		if call.Status == 0 && len(call.Faults) == 0 || shoptest.Landing(call) || s.calls[call.CorrelationID] {
			continue // under way, also after its client has gone; or known
		}
		s.calls[call.CorrelationID] = true
		s.counts["calls of Klarna"]++
		for _, fault := range call.Faults {
			if fault != "chaos" {
				name, _, _ := strings.Cut(fault, " ")
				s.counts["calls of Klarna that suffered "+name]++
			}
		}
		made := call.Method == http.MethodPost && strings.HasSuffix(call.Path, "/orders") && call.OrderID != ""
		if made && (slices.ContainsFunc(call.Faults, isLoss) || call.DurationMS > givenUp.Milliseconds()) {
			s.lossy[call.OrderID] = true
		}
	}
}

// soakRecent is how many of the last orders others may try to do something with.
const soakRecent = 50

// note keeps the last few of something.
func (s *soak) note(in *[]string, id string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	*in = append((*in)[max(0, len(*in)-soakRecent):], id)
}

// oneOf is one of what was noted, "" when nothing was.
func (p *pane) oneOf(in *[]string) string {
	p.lock.Lock()
	defer p.lock.Unlock()
	if len(*in) == 0 {
		return ""
	}
	return (*in)[p.IntN(len(*in))]
}

// deliver puts more of the goods on the shelves, as many as are asked for.
func (s *soak) deliver(more func(sku string, left int) int) {
	s.t.Helper()
	left := s.left()
	s.lock.Lock()
	defer s.lock.Unlock()
	first := s.seeded == nil
	if first {
		s.seeded = map[string]int{}
	}
	for sku, n := range left {
		if first {
			s.seeded[sku] = n
		}
		if add := more(sku, n); add > 0 {
			s.seeded[sku] += add
			if err := s.adjust(sku, add); err != nil {
				s.t.Error(err)
			}
		}
		if n < 0 {
			s.counts["looks at a product that was oversold"]++
		}
	}
}

// newGuest is the next shopper: which product he buys by, how many tabs he has
// and what of is by chance, the same with the same seed.
func (s *soak) newGuest(n uint64) *guest {
	r := chance(s.seed, n)
	g := &guest{
		soak: s, name: fmt.Sprintf("guest %d", n), payments: r.IntN(4) == 0, ledger: newLedger(),
		email: map[string]string{}, pays: map[string]string{}, seen: map[string]bool{},
	}
	var skus []string
	for _, p := range s.published.Now().Catalog.Products() {
		skus = append(skus, p.SKU)
	}
	r.Shuffle(len(skus), func(i, j int) { skus[i], skus[j] = skus[j], skus[i] })
	for i := range 1 + r.IntN(3) {
		own := skus[5*i : 5*i+5]
		g.panes = append(g.panes, &pane{guest: g, Rand: chance(r.Uint64(), uint64(i)), first: i == 0, skus: own})
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	s.guests = append(s.guests, g)
	return g
}

// report prints what came of it.
func (s *soak) report() {
	s.t.Helper()
	for _, p := range s.shops {
		for message, n := range complaints(p.logged()) {
			s.counts["logged "+message] += n
		}
	}
	s.t.Logf("seed %d:%s", s.seed, table(s.counts))
	if s.t.Failed() {
		return
	}
	for _, what := range []string{"buy: sold", "guests", "orders in the book"} {
		if s.counts[what] == 0 {
			s.t.Errorf("nothing counted: %s", what)
		}
	}
}

// landLate makes some of whatever the shop does at Klarna land after it was given up.
func (d *deployment) landLate() {
	for _, method := range []string{http.MethodPost, http.MethodPatch, http.MethodDelete} {
		d.fake.AddFault(fakeklarna.Fault{
			Method: method, Late: true, Delay: fakeklarna.Duration(100 * time.Millisecond), Jitter: fakeklarna.Duration(5 * time.Second), Probability: 0.03, Count: -1,
		})
	}
}
