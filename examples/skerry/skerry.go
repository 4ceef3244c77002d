// Package skerry is the demo's shop: its shop file, its catalogue and what they name.
package skerry

import (
	"embed"
	"sync"

	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// FS has the files: shop.yaml with what it names, and catalog.json.
//
//go:embed shop.yaml catalog.json logo.svg icon-180.png icon-192.png icon-512.png skerry.css *.md
var FS embed.FS

// Version is the demo's shop and catalogue, as number 1.
var Version = sync.OnceValue(func() *publish.Version {
	source, goods := Sources()
	v, err := publish.Read(1, source, goods)
	if err != nil {
		panic(err)
	}
	return v
})

// Files are what Version is read from, to be published.
func Files() (shopFile, goods *publish.File) {
	source, catalog := Sources()
	return publish.ShopFile("skerry", source), &publish.File{Name: "skerry", Content: catalog}
}

// Sources are the shop file with what it names, and the catalogue.
func Sources() (settings.Source, []byte) {
	source, err := settings.LoadFS(FS, "shop.yaml")
	if err != nil {
		panic(err)
	}
	goods, err := FS.ReadFile("catalog.json")
	if err != nil {
		panic(err)
	}
	return source, goods
}
