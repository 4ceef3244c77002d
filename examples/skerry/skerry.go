// Package skerry is the demo's shop: its shop file, its catalogue and what they name.
package skerry

import (
	"embed"
	"sync"

	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

//go:embed shop.yaml catalog.json logo.svg skerry.css *.md
var files embed.FS

// Version is the demo's shop and catalogue, as number 1.
var Version = sync.OnceValue(func() *publish.Version {
	source, goods := sources()
	v, err := publish.Read(1, source, goods)
	if err != nil {
		panic(err)
	}
	return v
})

// Files are what Version is read from, to be published.
func Files() (shopFile, goods *publish.File) {
	source, catalog := sources()
	return publish.ShopFile("skerry", source), &publish.File{Name: "skerry", Content: catalog}
}

func sources() (settings.Source, []byte) {
	source, err := settings.LoadFS(files, "shop.yaml")
	if err != nil {
		panic(err)
	}
	goods, err := files.ReadFile("catalog.json")
	if err != nil {
		panic(err)
	}
	return source, goods
}
