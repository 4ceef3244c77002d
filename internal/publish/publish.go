// Package publish has the published shop file and catalogue. They are versions in the
// database; the newest counts in every process.
package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/settings"
	"golang.org/x/sync/singleflight"
)

// Version is a shop file and a catalogue that were published together. It never changes
// and is shared.
type Version struct {
	Number  int64 // counts from 1
	Shop    *settings.Shop
	Catalog *catalog.Catalog
	// Markets are those of the shop where something of the catalogue can be bought: a product has a price in
	// their currency. They do not deliver to a market where nothing can be.
	Markets market.List
	Served  settings.Served // the shop's files that pages link to
	// ImageOrigins are the hosts of the catalogue's pictures, without the shop itself.
	ImageOrigins []string
	// Warnings are what is odd in the shop file and does no harm.
	Warnings []string

	once sync.Map
}

// Once returns what is made of a version: the first time, and then it is kept with the version.
// key is of the caller's own type.
func Once[K comparable, T any](v *Version, key K, make func() T) T {
	made, known := v.once.Load(key)
	if !known {
		made, _ = v.once.LoadOrStore(key, make())
	}
	return made.(T)
}

// NewVersion puts shop and catalogue together. Without a storefront all markets are sold in:
// checkout sessions have lines of their own.
func NewVersion(number int64, shop *settings.Shop, goods *catalog.Catalog) *Version {
	sold := shop.Markets
	if shop.Storefront {
		sold = slices.DeleteFunc(slices.Clone(sold), func(m market.Market) bool {
			return !slices.ContainsFunc(goods.Products(), func(p *catalog.Product) bool { _, priced := p.Price(m.Currency); return priced })
		})
		for i, m := range sold {
			sold[i].Abroad = slices.DeleteFunc(slices.Clone(m.Abroad), func(to market.Market) bool {
				_, own := shop.Markets.Lookup(to.Country)
				_, open := sold.Lookup(to.Country)
				return own && !open
			})
		}
	}
	return &Version{
		Number: number, Shop: shop, Catalog: goods, Markets: sold, Served: shop.Served(), ImageOrigins: imageOrigins(goods),
	}
}

func imageOrigins(goods *catalog.Catalog) (origins []string) {
	for _, g := range goods.Groups() {
		for _, picture := range g.Pictures {
			u, err := url.Parse(picture)
			if err != nil || u.Host == "" {
				continue
			}
			if origin := u.Scheme + "://" + u.Host; !slices.Contains(origins, origin) {
				origins = append(origins, origin)
			}
		}
	}
	return origins
}

// Published knows the newest version, and follows the database. Safe for concurrent use.
type Published struct {
	newest  atomic.Pointer[Version]
	db      *db.DB // nil: it never changes
	logger  *slog.Logger
	loading singleflight.Group

	mu    sync.Mutex
	older map[int64]*Version // that were asked for, at most maxOlder
}

// maxOlder is how many older versions a process has in memory.
const maxOlder = 8

// Fixed has one version for ever, for tests and for what looks at files.
func Fixed(v *Version) *Published {
	p := &Published{}
	p.newest.Store(v)
	return p
}

// Follow begins with a version that was just read.
func Follow(d *db.DB, v *Version, logger *slog.Logger) *Published {
	p := &Published{db: d, logger: logger}
	p.newest.Store(v)
	return p
}

// Open reads the newest version. The error is ErrNothing where there is none.
func Open(ctx context.Context, d *db.DB, logger *slog.Logger) (*Published, error) {
	p := &Published{db: d, logger: logger}
	if err := p.load(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Now returns the newest version that this process has read. One request should ask once.
func (p *Published) Now() *Version { return p.newest.Load() }

// Reach reads the newest version if that of this process is older than a number, which
// another process has used. A number that nobody has published any more, after a restore,
// is no error.
func (p *Published) Reach(ctx context.Context, number int64) error {
	if p.db == nil || p.Now().Number >= number {
		return nil
	}
	_, err, _ := p.loading.Do("", func() (any, error) { return nil, p.load(context.WithoutCancel(ctx)) })
	return err
}

// At returns the version of a number, by which an order was priced. Where there is none, because
// the order names none, after a restore, or because this program cannot read it any more,
// it is the newest. The error is the database's.
func (p *Published) At(ctx context.Context, number int64) (*Version, error) {
	if err := p.Reach(ctx, number); err != nil {
		return nil, err
	}
	now := p.Now()
	if p.db == nil || number == 0 || number >= now.Number {
		return now, nil
	}
	p.mu.Lock()
	v := p.older[number]
	p.mu.Unlock()
	if v != nil {
		return v, nil
	}
	read, err, _ := p.loading.Do(strconv.FormatInt(number, 10), func() (any, error) { return p.loadOlder(context.WithoutCancel(ctx), number) })
	if err != nil {
		return nil, fmt.Errorf("version %d: %w", number, err)
	}
	if v, ok := read.(*Version); ok && v != nil {
		return v, nil
	}
	return now, nil
}

// loadOlder reads an older version; nil where there is none that can be read.
func (p *Published) loadOlder(ctx context.Context, number int64) (*Version, error) {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	h, err := numbered(ctx, p.db.Read, number)
	if errors.Is(err, ErrNoVersion) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	shop, goods, err := contents(ctx, p.db, h, nil)
	if err != nil {
		return nil, err
	}
	v, err := readContents(number, shop, goods, catalog.ReadPublished)
	if err != nil { // it was right when it was published
		p.logger.ErrorContext(ctx, "an older version cannot be read any more, the newest is used for its orders", "version", number, "error", err)
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.older == nil || len(p.older) >= maxOlder {
		p.older = map[int64]*Version{}
	}
	p.older[number] = v
	return v, nil
}

// load reads the newest version, unless it is read already.
func (p *Published) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTime)
	defer cancel()
	h, err := newest(ctx, p.db.Read)
	if err != nil {
		return fmt.Errorf("read what is published: %w", err)
	}
	if h.number == 0 {
		return ErrNothing
	}
	now := p.Now()
	if now != nil && now.Number == h.number {
		return nil
	}
	v, err := read(ctx, p.db, h, nil)
	if err != nil {
		return fmt.Errorf("version %d: %w", h.number, err)
	}
	for now = p.Now(); now == nil || now.Number < v.Number; now = p.Now() { // none goes back
		if p.newest.CompareAndSwap(now, v) {
			return nil
		}
	}
	return nil
}

const (
	loadTime    = 10 * time.Second
	followEvery = 500 * time.Millisecond
)

// Run follows what is published until ctx ends. Where that cannot be read, the version stays.
func (p *Published) Run(ctx context.Context) {
	if p.db == nil {
		return
	}
	failing := false
	for {
		select {
		case <-time.After(followEvery):
		case <-ctx.Done():
			return
		}
		before := p.Now().Number
		_, err, _ := p.loading.Do("", func() (any, error) { return nil, p.load(ctx) })
		if err != nil && ctx.Err() == nil && !failing {
			p.logger.ErrorContext(ctx, "what is published cannot be read, the shop stays as it is", "version", before, "error", err)
		}
		failing = err != nil
		if now := p.Now().Number; now != before {
			p.logger.InfoContext(ctx, "a new version is published", "version", now)
		}
	}
}
