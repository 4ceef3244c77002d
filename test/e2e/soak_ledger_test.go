package e2e_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// ledger is what a shopper can say of the cart by what was answered, while
// several tabs change it and purchases take goods out of it at a time that
// nobody tells. Each thing in the cart is changed by one tab, one change at a
// time; the rest may happen at once.
type ledger struct {
	mu        sync.Mutex
	cells     map[string][]held // how many there may be, by SKU
	deals     []*deal
	witnesses map[*witness]bool
}

// held is how many of a SKU may be in the cart, and which deals, one bit each,
// are out of it then.
type held struct {
	n   int
	out uint64
}

// deal is a purchase, made or perhaps made.
type deal struct {
	key     string // the order's ID, or the token of an authorization
	lines   map[string]int
	orderID string // that an authorization has become
	bit     uint64
	made    bool // it was made for certain
	closed  bool // and its goods are out of the cart
	void    bool // it was none
}

// witness remembers all that a cart may have been since it began to look.
type witness struct {
	seen map[string][]held
	made uint64 // deals that were made before
}

func newLedger() *ledger {
	return &ledger{cells: map[string][]held{}, witnesses: map[*witness]bool{}}
}

// of is all that may be of a SKU: deals that are not closed may be or not. The
// caller holds l.mu.
func (l *ledger) of(sku string) []held {
	all := slices.Clone(l.cells[sku])
	if len(all) == 0 {
		all = []held{{}}
	}
	for i := 0; i < len(all); i++ {
		for _, d := range l.deals {
			if d.void || all[i].out&d.bit != 0 || d.lines[sku] == 0 {
				continue
			}
			taken := held{max(0, all[i].n-d.lines[sku]), all[i].out | d.bit}
			if !slices.Contains(all, taken) {
				all = append(all, taken)
			}
		}
	}
	return slices.DeleteFunc(all, func(h held) bool { return !l.possible(sku, h) })
}

// possible reports whether closed deals are out of it and void ones are not.
func (l *ledger) possible(sku string, h held) bool {
	for _, d := range l.deals {
		out := h.out&d.bit != 0
		if d.closed && !out && d.lines[sku] > 0 || d.void && out {
			return false
		}
	}
	return true
}

// put makes cells what they may be, and lets the witnesses see it.
func (l *ledger) put(sku string, may []held) {
	var distinct []held
	for _, h := range may {
		if !slices.Contains(distinct, h) {
			distinct = append(distinct, h)
		}
	}
	l.cells[sku] = distinct
	for w := range l.witnesses {
		w.seen[sku] = append(w.seen[sku], l.of(sku)...)
	}
}

// change is one change of a SKU under way.
type change struct {
	l      *ledger
	sku    string
	to     func(int) int
	before []held // all that may have been when it was made
}

// begin notes that a change is being asked for; from now on it may be made.
func (l *ledger) begin(sku string, to func(int) int) *change {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &change{l, sku, to, l.of(sku)}
	l.put(sku, slices.Concat(c.before, c.made(c.before)))
	return c
}

func (c *change) made(of []held) []held {
	after := make([]held, len(of))
	for i, h := range of {
		after[i] = held{c.to(h.n), h.out}
	}
	return after
}

// How a change ended.
type ending int

const (
	unsure   ending = iota // it may have been made
	saved                  // it was
	rejected               // it was not
)

// end notes what was answered, and returns all that may be then. Meanwhile a deal
// may have taken goods out, before the change or after it.
func (c *change) end(how ending) []held {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	before := c.traded(c.before)
	switch how {
	case saved:
		c.l.put(c.sku, c.made(before))
	case rejected:
		c.l.put(c.sku, before)
	case unsure:
		c.l.put(c.sku, slices.Concat(before, c.made(before)))
	}
	return c.l.of(c.sku)
}

// traded adds to what may have been what it may have become by deals since.
func (c *change) traded(before []held) []held {
	kept := c.l.cells[c.sku]
	c.l.cells[c.sku] = before
	defer func() { c.l.cells[c.sku] = kept }()
	return slices.Concat(before, c.l.of(c.sku))
}

// sold notes that something was bought, or perhaps was, of which the ledger may
// know already.
func (l *ledger) sold(key string, lines map[string]int, made bool) *deal {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.deals {
		if d.key == key {
			d.made = d.made || made
			return d
		}
	}
	d := &deal{key: key, lines: lines, bit: 1 << len(l.deals), made: made}
	l.deals = append(l.deals, d)
	for w := range l.witnesses {
		for sku := range lines {
			w.seen[sku] = append(w.seen[sku], l.of(sku)...)
		}
	}
	return d
}

// close notes that what was bought is out of the cart.
func (l *ledger) close(d *deal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for sku := range d.lines {
		l.cells[sku] = l.of(sku) // with and without it, before it must be
	}
	d.made, d.closed = true, true
}

// forget notes that something was not bought, unless it is known that it was.
func (l *ledger) forget(d *deal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.void = !d.made
}

// cancel notes that something was bought and called off before the shop had it.
func (l *ledger) cancel(d *deal) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.made, d.void = false, !d.closed
}

// become notes that an authorization was bought, as an order.
func (l *ledger) become(d *deal, orderID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d.made, d.orderID = true, orderID
}

// dealOf is the deal that an order is, nil when none is known.
func (l *ledger) dealOf(orderID string) *deal {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.deals {
		if d.key == orderID || d.orderID == orderID {
			return d
		}
	}
	return nil
}

// boughtBy are the orders by which it was bought for certain.
func (l *ledger) boughtBy() (ids []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.deals {
		if d.made && !d.void {
			ids = append(ids, cmp.Or(d.orderID, d.key))
		}
	}
	return ids
}

// underWay is how many deals may be out of the cart, or not.
func (l *ledger) underWay() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range l.deals {
		if !d.closed && !d.void {
			n++
		}
	}
	return n
}

// undecided are the deals of which it is not known whether they were made.
func (l *ledger) undecided() []*deal {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.deals), func(d *deal) bool { return d.made || d.void })
}

// watch begins to look at all that the cart may be.
func (l *ledger) watch() *witness {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := &witness{seen: map[string][]held{}}
	for sku := range l.cells {
		w.seen[sku] = l.of(sku)
	}
	for _, d := range l.deals {
		if d.made {
			w.made |= d.bit
		}
	}
	l.witnesses[w] = true
	return w
}

// unwatch ends a look that saw nothing.
func (l *ledger) unwatch(w *witness) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.witnesses, w)
}

// saw ends a look, and says which quantities the cart cannot have had meanwhile.
// Where they were bought, what was bought before cannot be among them.
func (l *ledger) saw(w *witness, lines map[string]int, bought bool) (wrong []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.witnesses, w)
	skus := maps.Clone(lines)
	for sku := range l.cells {
		skus[sku] += 0
	}
	for _, sku := range slices.Sorted(maps.Keys(skus)) {
		if bought && sku == discount {
			continue // an order need not tell it
		}
		may, out := w.seen[sku], uint64(0)
		if may == nil {
			may = []held{{}}
		}
		if bought {
			out = l.touching(sku) & w.made
		}
		if !slices.ContainsFunc(may, func(h held) bool { return h.n == lines[sku] && h.out&out == out }) {
			wrong = append(wrong, fmt.Sprintf("%s: %d, may be %v, without %b", sku, lines[sku], may, out))
		}
	}
	return wrong
}

// touching are the deals that took something of a SKU.
func (l *ledger) touching(sku string) (bits uint64) {
	for _, d := range l.deals {
		if d.lines[sku] > 0 && !d.void {
			bits |= d.bit
		}
	}
	return bits
}
