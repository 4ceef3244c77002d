package e2e_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// forgetful is how long before its death a master may have acknowledged what
	// its replica never heard of.
	forgetful = time.Second
	// notice is how long a shop may need, on a slow machine, to notice a new master.
	notice = 10 * time.Second
)

// outage is the time without a master of a crowd's Redis, or without its database;
// zero: there was none.
type outage struct {
	mu   sync.Mutex
	from time.Time // the master died
	safe time.Time // what was acknowledged until then is not lost
	to   time.Time // there is a new one
	last time.Time // when the last request began that was answered 503
	back map[string]time.Duration
}

// begin notes that the master dies; it has been behind since then, zero: never.
func (o *outage) begin(behind time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.from, o.back = time.Now(), map[string]time.Duration{}
	if o.safe = behind; behind.IsZero() {
		o.safe = o.from.Add(-forgetful)
	}
}

func (o *outage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.to = time.Now()
}

// since is when the master died, zero when none did.
func (o *outage) since() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.from
}

// goesOn reports whether a request that began then is answered before the end.
func (o *outage) goesOn(began time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.from.IsZero() && o.to.IsZero() && began.After(o.from)
}

// covers reports whether a request that began then and is answered now may have found no master.
func (o *outage) covers(began time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.from.IsZero() && (o.to.IsZero() || began.Before(o.to.Add(notice)))
}

// forgot reports whether what was stored then, to the second, may have been
// forgotten: just before the master died, or while there was none.
func (o *outage) forgot(stored time.Time) bool {
	o.mu.Lock()
	safe := o.safe.Add(-time.Second)
	o.mu.Unlock()
	return o.covers(stored) && stored.After(safe)
}

// refused notes a request that was answered 503.
func (o *outage) refused(began time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if began.After(o.last) {
		o.last = began
	}
}

// good notes that a process has shown the checkout.
func (o *outage) good(p *process, began time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	at := p.ready["storefront"]
	if _, known := o.back[at]; !o.from.IsZero() && began.After(o.from) && !known {
		o.back[at] = time.Since(o.from)
	}
}

// seen returns how many of the processes have shown the checkout since.
func (o *outage) seen() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.back)
}

func (o *outage) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.from.IsZero() {
		return ""
	}
	var text strings.Builder
	fmt.Fprintf(&text, "\nnew master %s after the old one was gone, last request without begun at %s; first checkout of each shop at",
		o.to.Sub(o.from).Round(time.Millisecond), o.last.Sub(o.from).Round(time.Millisecond))
	for _, at := range slices.Sorted(maps.Values(o.back)) {
		fmt.Fprintf(&text, " %s", at.Round(time.Millisecond))
	}
	return text.String()
}

// unsettled reports whether a master has died and the visitor has not yet seen
// what became of his cart.
func (v *visitor) unsettled() bool {
	from := v.away.since()
	if from.IsZero() {
		return false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.settled != from
}

// bear goes on clicking while Redis has no master, on what nobody keeps count of.
// When it is back, the visitor looks what is there.
func (b *tab) bear() {
	b.still.RLock()
	var got reply
	switch rand.IntN(4) {
	case 0:
		got, _ = b.send("GET", "/checkout", "", "")
	case 1:
		got, _ = b.send("POST", "/checkout/update", fmt.Sprintf(`{"order_id":%q}`, b.orderID), "application/json")
	case 2:
		got, _ = b.send("POST", "/cart/lines", "sku="+extra, "")
	case 3:
		got, _ = b.send("GET", "/cart", "", "application/json")
	}
	b.still.RUnlock()
	if got.status != 0 && got.status < 500 && !b.away.over().IsZero() {
		b.settle()
	}
}

// over is when there was a new master, zero before.
func (o *outage) over() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.to
}

// settle looks what a failover has left of the cart. Changes that were
// acknowledged in the last second before the master died may be gone: they are
// counted. Nothing older may.
func (b *tab) settle() {
	b.still.Lock()
	defer b.still.Unlock()
	from := b.away.since()
	if !b.unsettled() || b.windows > 0 {
		return
	}
	// A cart whose closing was lost is closed by whoever asks next.
	for _, s := range b.sales {
		if s.at.After(from.Add(-10*time.Second)) && !b.confirmed(s) {
			return
		}
	}
	got, _ := b.send("GET", "/cart", "", "application/json")
	if got.status != http.StatusOK {
		return
	}
	have, err := quantitiesIn(got.body)
	if err != nil {
		b.t.Error(err)
		return
	}
	now := time.Now()
	for _, other := range b.tabs {
		for _, sku := range other.skus {
			if !slices.Contains(other.quantities(sku), have[sku]) {
				b.lost.Add(other.forgotten(sku, have[sku], from, b.away.safe))
			}
			other.know(sku, memory{now, now, []int{have[sku]}, false})
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled = from
}

// forgotten counts the changes of a product that were acknowledged just before
// a master died and are gone, by what the cart has now.
func (b *tab) forgotten(sku string, have int, died, safe time.Time) (n int64) {
	recent := true
	for _, m := range slices.Backward(b.past[sku]) {
		if slices.Contains(m.may, have) {
			return n
		}
		if m.made {
			n++
		}
		if recent = m.answered.After(safe) && (!m.made || m.began.Before(died)); !recent {
			break
		}
	}
	if !recent || have != 0 { // before all this there was none
		b.t.Errorf("%s: %d of %s are in the cart, a master died at %s\n%s", b.name, have, sku, died.Format(time.TimeOnly+".000"), b.recall(sku))
	}
	return n
}
