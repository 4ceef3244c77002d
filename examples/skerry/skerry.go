// Package skerry is the demo's shop: its shop file, its catalogue and what they name.
package skerry

import (
	"bytes"
	"embed"
	"sync"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

//go:embed shop.yaml catalog.json logo.svg skerry.css *.md
var files embed.FS

// Version is the demo's shop and catalogue, as number 1.
var Version = sync.OnceValue(func() *publish.Version {
	source, err := settings.LoadFS(files, "shop.yaml")
	if err != nil {
		panic(err)
	}
	shop, _, err := settings.Read(source)
	if err != nil {
		panic(err)
	}
	goods, err := files.ReadFile("catalog.json")
	if err != nil {
		panic(err)
	}
	c, err := catalog.Read(bytes.NewReader(goods))
	if err != nil {
		panic(err)
	}
	return publish.NewVersion(1, shop, c)
})

// Files are what Version is read from, to be published.
func Files() (shopFile, goods *publish.File) {
	source, err := settings.LoadFS(files, "shop.yaml")
	if err != nil {
		panic(err)
	}
	content, err := files.ReadFile("catalog.json")
	if err != nil {
		panic(err)
	}
	return publish.ShopFile("skerry", source), &publish.File{Name: "skerry", Content: content}
}
