// Package skerry is the demo's shop: its shop file and its catalogue.
package skerry

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"net/mail"
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
	return publish.NewVersion(1, &shop, goods)
})

var shop = settings.Shop{
	Name: "Skerry", OrderPrefix: "SK", Zone: time.UTC, Storefront: true, Markets: market.All(),
	Contact: settings.Contact{Email: "hello@skerry.example"},
	Mail:    settings.Mail{From: mail.Address{Name: "Skerry", Address: "orders@skerry.example"}, Send: settings.MailKinds()},
}

// Files are what Version is read from, to be published.
func Files() (shopFile, goods *publish.File) {
	text, _ := json.Marshal(shop)
	return publish.ShopFile("skerry", settings.Source{File: text}), &publish.File{Name: "skerry", Content: catalogFile}
}
