package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/stock"
)

// published publishes the files of the command line if they are new, and returns what is
// published then.
func (e *env) published(ctx context.Context, d *db.DB, logger *slog.Logger) (*publish.Published, error) {
	p := publish.Publisher{DB: d, Stock: &stock.Store{DB: d}}
	v, err := p.PublishNew(ctx, e.ownShop, e.ownGoods)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	logger.InfoContext(ctx, "the shop is published", "version", v.Number)
	return publish.Follow(d, v, logger), nil
}

// readFiles reads the files of -shop and -catalog in place of the command's own.
func (e *env) readFiles(v *problems) {
	if e.shopFile != "" {
		shop, err := publish.LoadShop(e.shopFile)
		if err != nil {
			v.add("-shop", "%w", err)
		}
		e.ownShop = shop
	}
	if e.catalogFile != "" {
		content, err := catalog.Load(e.catalogFile)
		if err != nil {
			v.add("-catalog", "%w", err)
		}
		e.ownGoods = &publish.File{Name: e.catalogFile, Content: content}
	}
}

// publishMeant forgets what variables say of what is to be done where the command line says
// some of it: in a container they name the files that serve begins with.
func (e *env) publishMeant() {
	all := map[string]*string{"shop": &e.shopFile, "catalog": &e.catalogFile, "list": &e.publishList, "back": &e.publishBack}
	said := func(name string) bool { return e.given[name] }
	if !slices.ContainsFunc(slices.Collect(maps.Keys(all)), said) {
		return
	}
	for name, value := range all {
		if !said(name) {
			*value = ""
		}
	}
}

// publishFiles checks and publishes a shop file, a catalogue or both, lists what was
// published, or publishes an older version again.
func publishFiles(ctx context.Context, e *env) (err error) {
	e.publishMeant()
	v := e.problems()
	v.required("-database-url", e.databaseURL)
	list := v.onOff("-list", e.publishList)
	back := v.number("-back", e.publishBack)
	asked := 0
	for _, is := range []bool{e.shopFile != "" || e.catalogFile != "", list, back != 0} {
		if is {
			asked++
		}
	}
	if asked != 1 {
		v.list = append(v.list, errors.New("-shop or -catalog or both are wanted, or -list, or -back"))
	}
	e.readFiles(v)
	if err := v.err(); err != nil {
		return err
	}
	d, err := e.openBeside(ctx, "Stop the shop, or name the files to serve, which publishes them")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	p := publish.Publisher{DB: d, Stock: &stock.Store{DB: d}}
	if list {
		return e.listVersions(ctx, p)
	}
	var done *publish.Version
	if back != 0 {
		done, err = p.Back(ctx, int64(min(back, math.MaxInt64)))
	} else {
		done, err = p.Publish(ctx, e.ownShop, e.ownGoods)
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(e.stdout, "version %d is published\n", done.Number)
	return nil
}

func (e *env) listVersions(ctx context.Context, p publish.Publisher) error {
	entries, err := p.List(ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(out, "VERSION\tPUBLISHED\tSHOP\tCATALOGUE\tAS")
	for _, entry := range entries {
		as := ""
		if entry.BackTo != 0 {
			as = strconv.FormatInt(entry.BackTo, 10)
		}
		_, _ = fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\n", entry.Number, entry.PublishedAt.UTC().Format(time.RFC3339), entry.Shop, entry.Catalog, as)
	}
	return out.Flush()
}
