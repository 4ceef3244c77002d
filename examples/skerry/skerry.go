// Package skerry is the demo's shop: its shop file and its catalogue.
package skerry

import (
	"bytes"
	"embed"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

//go:embed catalog.json logo.svg skerry.css texts.yaml *.md
var files embed.FS

// Version is the demo's shop and catalogue, as number 1.
var Version = sync.OnceValue(func() *publish.Version {
	goods, err := catalog.Read(bytes.NewReader(read("catalog.json")))
	if err != nil {
		panic(err)
	}
	var texts i18n.Overrides
	if err := yaml.Unmarshal(read("texts.yaml"), &texts); err != nil {
		panic(err)
	}
	return publish.NewVersion(1, &settings.Shop{
		Name: "Skerry", OrderPrefix: "SK", Zone: time.UTC, Storefront: true, Markets: market.All(),
		Contact: settings.Contact{Email: "hello@skerry.example"},
		Look:    settings.Look{Logo: file("logo.svg"), Stylesheet: file("skerry.css")},
		Pages:   settings.Pages{Terms: page("terms"), Privacy: page("privacy")},
		Texts:   texts,
	}, goods)
})

func read(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return data
}

func file(name string) *settings.File { return &settings.File{Name: name, Data: read(name)} }

// page reads a page in all languages. Its Markdown is headings and paragraphs.
func page(name string) settings.Page {
	p := settings.Page{}
	for _, l := range i18n.Langs() {
		var html strings.Builder
		for part := range strings.SplitSeq(strings.TrimSpace(string(read(name+"."+string(l)+".md"))), "\n\n") {
			if heading, is := strings.CutPrefix(part, "## "); is {
				html.WriteString("<h2>" + heading + "</h2>\n")
			} else {
				html.WriteString("<p>" + part + "</p>\n")
			}
		}
		p[l] = settings.PageText{HTML: html.String()}
	}
	return p
}
