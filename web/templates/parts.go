package templates

import (
	"bytes"
	"context"
	"crypto/rand"
	"hash/maphash"
	"io"
	"strings"
	"sync/atomic"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/i18n"
)

// parts remembers parts of pages that many pages have, so that they are made once. It belongs
// to a version of the shop and a language. A part is a function of its key: it is made from the
// key and the shop alone, without a request's context. So whoever has the same key gets the same
// bytes, and no nonce can be in them.
type parts struct {
	shop  Shop
	voice i18n.Voice
	// locale is that which the page's address asks for. Parts that are remembered have none.
	locale string

	links      memory[linksKey]
	alternates memory[alternatesKey]
	top        memory[topKey]
	market     memory[marketKey]
	shelves    memory[shelvesKey]
	bar        memory[barKey]
	tiles      memory[tileKey]
	lines      memory[lineKey]
	needs      memory[needsKey]
	footer     memory[footerKey]
}

// Remembering returns the shop of a version with a memory for parts of its pages in a language.
func (s Shop) Remembering(l i18n.Lang) Shop {
	p := &parts{shop: s, voice: i18n.Voice{Lang: l, Own: s.Texts}}
	p.links.places, p.alternates.places = make(places[linksKey], 4), make(places[alternatesKey], 256)
	p.top.places, p.market.places = make(places[topKey], 16), make(places[marketKey], 256)
	p.shelves.places, p.bar.places = make(places[shelvesKey], 64), make(places[barKey], 256)
	p.tiles.places, p.lines.places = make(places[tileKey], 2048), make(places[lineKey], 512)
	p.needs.places, p.footer.places = make(places[needsKey], 1), make(places[footerKey], 8)
	s.parts = p
	return s
}

// to is an address of the shop's as a page leads to it.
func (p *parts) to(address string) string { return Shell{Asked: p.locale}.To(address) }

// in are the parts of the shop's pages in a language. Where there is no memory each is made anew.
func (s Shop) in(l i18n.Lang) *parts {
	if s.parts != nil && s.parts.voice.Lang == l {
		return s.parts
	}
	return &parts{shop: s, voice: i18n.Voice{Lang: l, Own: s.Texts}}
}

// memory remembers parts of one kind. Each key has one place, where it replaces another; so
// memory is bounded, whatever is asked for.
type memory[K comparable] struct{ places places[K] }

type places[K comparable] []atomic.Pointer[part[K]]

// part is the HTML before and after the hole, if it has one.
type part[K comparable] struct {
	key           K
	before, after string
}

// hole is what a part has for the one attribute that is of the request: the address that a form
// returns to, what was searched for. No text of anybody's can contain it.
var hole = rand.Text()

var seed = maphash.MakeSeed()

// of is the part with a key; value goes into its hole.
func (m *memory[K]) of(p *parts, key K, value string, render func(*parts, K) templ.Component) templ.Component {
	return remembered[K]{m, p, key, value, render}
}

// remembered is a part that is made where it is not remembered.
type remembered[K comparable] struct {
	memory *memory[K]
	parts  *parts
	key    K
	value  string
	render func(*parts, K) templ.Component
}

// Render writes the part. It reads nothing of the request's context.
func (r remembered[K]) Render(_ context.Context, w io.Writer) error {
	known := r.part()
	_, err := io.WriteString(w, known.before)
	if err == nil && known.after != "" {
		_, err = io.WriteString(w, templ.EscapeString(r.value))
	}
	if err == nil {
		_, err = io.WriteString(w, known.after)
	}
	return err
}

func (r remembered[K]) part() *part[K] {
	if len(r.memory.places) == 0 {
		return r.made()
	}
	place := &r.memory.places[maphash.Comparable(seed, r.key)%uint64(len(r.memory.places))]
	known := place.Load()
	if known == nil || known.key != r.key {
		known = r.made()
		place.Store(known)
	}
	return known
}

func (r remembered[K]) made() *part[K] {
	var html bytes.Buffer
	if err := r.render(r.parts, r.key).Render(context.Background(), &html); err != nil {
		panic(err) // a buffer takes everything
	}
	before, after, _ := strings.Cut(html.String(), hole)
	return &part[K]{r.key, before, after}
}
