// Package publish has the published shop file and catalogue. They are versions in the
// database; the newest counts in every process.
package publish

import (
	"net/url"
	"slices"
	"sync/atomic"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/settings"
)

// Version is a shop file and a catalogue that were published together. It never changes
// and is shared.
type Version struct {
	Number  int64 // counts from 1
	Shop    *settings.Shop
	Catalog *catalog.Catalog
	// Markets are those of the shop where something can be bought: a product has a price in
	// their currency.
	Markets market.List
	Served  settings.Served // the shop's files that pages link to
	// ImageOrigins are the hosts of the catalogue's pictures, without the shop itself.
	ImageOrigins []string
}

// NewVersion puts shop and catalogue together.
func NewVersion(number int64, shop *settings.Shop, goods *catalog.Catalog) *Version {
	sold := slices.DeleteFunc(slices.Clone(shop.Markets), func(m market.Market) bool {
		return !slices.ContainsFunc(goods.Products(), func(p *catalog.Product) bool { _, priced := p.Price(m.Currency); return priced })
	})
	return &Version{
		Number: number, Shop: shop, Catalog: goods, Markets: sold, Served: shop.Served(), ImageOrigins: imageOrigins(goods),
	}
}

func imageOrigins(goods *catalog.Catalog) (origins []string) {
	for _, p := range goods.Products() {
		u, err := url.Parse(p.Picture)
		if err != nil || u.Host == "" {
			continue
		}
		if origin := u.Scheme + "://" + u.Host; !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// Published knows the newest version. Safe for concurrent use.
type Published struct{ newest atomic.Pointer[Version] }

// Fixed has one version for ever, for tests and for what looks at files.
func Fixed(v *Version) *Published {
	p := &Published{}
	p.newest.Store(v)
	return p
}

// Now returns the newest version. One request should ask once.
func (p *Published) Now() *Version { return p.newest.Load() }
