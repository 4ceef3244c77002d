// Package skerry is the demo's shop: its shop file and its catalogue.
package skerry

import (
	"bytes"
	_ "embed"
	"sync"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

//go:embed catalog.json
var catalogFile []byte

// Version is the demo's shop and catalogue, as number 1.
var Version = sync.OnceValue(func() *publish.Version {
	goods, err := catalog.Read(bytes.NewReader(catalogFile))
	if err != nil {
		panic(err)
	}
	return publish.NewVersion(1, &settings.Shop{
		Name: "Skerry", OrderPrefix: "SK", Zone: time.UTC, Storefront: true, Markets: market.All(),
		Contact: settings.Contact{Email: "hello@skerry.example"},
	}, goods)
})
