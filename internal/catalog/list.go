package catalog

import (
	"cmp"
	"slices"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/money"
)

// Order is an order of a list.
type Order int

// The orders. Groups that are equal in one stand as on the shelf.
const (
	ByShelf Order = iota // of a search: names that fit first, then descriptions
	ByPrice              // the cheapest variant counts
	ByPriceDown
	ByName
)

// Query says what of the catalogue a list has.
type Query struct {
	Lang     i18n.Lang
	Text     string // in SKU, name, brand, values of options and description; "" is everything
	Category string // "" is all
	Order    Order
	Currency money.Currency // of prices
}

// index is what lists are made from. It is made once, when a catalogue is read.
type index struct {
	words  map[i18n.Lang]*words
	shelf  []int32                     // the groups' places on it
	orders map[orderKey]func() []int32 // the same in other orders
}

// orderKey names an order, of a currency or a language.
type orderKey struct {
	order Order
	of    string
}

// List returns the groups that a query asks for, at most count of them after the first
// skip, and how many there are in all. Each word must be there, in the language of the
// query: perhaps as a part of a longer one, in the plural, without accents or with one
// mistake.
func (c *Catalog) List(q Query, skip, count int) (groups []*Group, total int) {
	var fits []uint8
	if w := cmp.Or(c.index.words[q.Lang], c.index.words[i18n.English]); w != nil {
		fits = w.search(q.Text, len(c.groups))
	}
	rounds := [][]uint8{{inName, inDescription}}
	if q.Order == ByShelf {
		rounds = [][]uint8{{inName}, {inDescription}}
	}
	if fits == nil {
		rounds = rounds[:1]
	}
	for _, round := range rounds {
		for _, i := range c.index.order(q) {
			g := c.groups[i]
			if q.Category != "" && q.Category != g.Category || fits != nil && !slices.Contains(round, fits[i]) {
				continue
			}
			if total++; total > skip && len(groups) < count {
				groups = append(groups, g)
			}
		}
	}
	return groups, total
}

// order returns the places of all groups in the order of a query.
func (x *index) order(q Query) []int32 {
	if order, ok := x.orders[q.key()]; ok {
		return order()
	}
	return x.shelf
}

func (q Query) key() orderKey {
	of := string(q.Currency)
	if q.Order == ByName {
		of = string(q.Lang)
	}
	return orderKey{q.Order, of}
}

// newIndex makes the index of groups. Languages in which no text is share the words of
// English: there they fall back to the same.
func newIndex(groups []*Group, currencies []money.Currency) index {
	x := index{words: map[i18n.Lang]*words{}, shelf: ordered(groups, func(int32, int32) int { return 0 }), orders: map[orderKey]func() []int32{}}
	written := map[i18n.Lang]bool{i18n.English: true}
	for _, g := range groups {
		texts := []i18n.Text{g.Title, g.Description}
		for _, p := range g.Variants {
			texts = append(texts, p.Values...)
		}
		for _, text := range texts {
			for l := range text {
				written[l] = true
			}
		}
	}
	var made sync.Mutex
	var making sync.WaitGroup
	for l := range written {
		making.Go(func() {
			w := newWords(l, groups)
			made.Lock()
			defer made.Unlock()
			x.words[l] = w
		})
	}
	making.Wait()
	for _, l := range i18n.Langs() {
		if !written[l] {
			x.words[l] = x.words[i18n.English]
		}
		// Comparing names takes long, and few ask for it.
		x.orders[orderKey{ByName, string(l)}] = sync.OnceValue(func() []int32 { return byName(groups, l) })
	}
	for _, currency := range currencies {
		prices := make([]money.Amount, len(groups))
		for i, g := range groups {
			prices[i], _, _ = g.Prices(currency)
		}
		up := ordered(groups, func(a, b int32) int { return cmp.Compare(prices[a], prices[b]) })
		down := ordered(groups, func(a, b int32) int { return cmp.Compare(prices[b], prices[a]) })
		x.orders[orderKey{ByPrice, string(currency)}] = func() []int32 { return up }
		x.orders[orderKey{ByPriceDown, string(currency)}] = func() []int32 { return down }
	}
	return x
}

func byName(groups []*Group, l i18n.Lang) []int32 {
	names, keys := collate.New(language.Make(string(l))), make([][]byte, len(groups))
	var buffer collate.Buffer
	for i, g := range groups {
		name, _ := g.Title.In(l)
		keys[i] = slices.Clone(names.KeyFromString(&buffer, name))
		buffer.Reset()
	}
	return ordered(groups, func(a, b int32) int { return slices.Compare(keys[a], keys[b]) })
}

func ordered(groups []*Group, compare func(a, b int32) int) []int32 {
	order := make([]int32, len(groups))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, compare)
	return order
}
