package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/publish"
)

// check says what is wrong with a shop file and a catalogue, what may not be meant, and
// prints for a sample cart of each market the request that Klarna would get.
func check(_ context.Context, e *env) error {
	v := e.problems()
	v.required("-shop", e.shopFile)
	if err := v.err(); err != nil {
		return err
	}
	e.ownGoods = &publish.File{} // a shop without a storefront needs no catalogue
	version, err := e.version()
	if errors.Is(err, publish.ErrNoCatalog) && !v.required("-catalog", e.catalogFile) {
		return v.err()
	}
	if err != nil {
		return err
	}
	for _, warning := range slices.Concat(version.Warnings, mismatches(version)) {
		_, _ = fmt.Fprintln(e.stdout, "warning:", warning)
	}
	x, err := newExplainer(version)
	if err != nil {
		return err
	}
	var failed []error
	for _, m := range version.Markets {
		_, _ = fmt.Fprintf(e.stdout, "\n=== %s ===\n", m.Country)
		c, address := sample(version, m)
		if len(c.Lines) == 0 { // there is no storefront
			_, _ = fmt.Fprintf(e.stdout, "no product has a price in %s and a way of delivery: here is sold what a checkout session says\n", m.Currency)
			continue
		}
		if err := x.explain(e.stdout, c, address); err != nil {
			failed = append(failed, fmt.Errorf("a sample cart of market %s: %w", m.Country, err))
		}
	}
	return errors.Join(failed...)
}

// mismatches are what does not fit between shop file and catalogue and is no mistake of one.
func mismatches(v *publish.Version) (warnings []string) {
	warnings = optionsWithoutText(v)
	ships := slices.ContainsFunc(v.Catalog.Products(), func(p *catalog.Product) bool { return !p.Digital })
	for _, m := range v.Shop.Markets {
		if _, sold := v.Markets.Lookup(m.Country); !sold {
			warnings = append(warnings, fmt.Sprintf("market %s: nothing is sold there, no product has a price in %s", m.Country, m.Currency))
		} else if ships && len(m.ShippingOptions) == 0 {
			warnings = append(warnings, fmt.Sprintf("market %s: there is no way of delivery, so nothing that is shipped can be bought but by a checkout session that brings its own", m.Country))
		}
		for _, p := range v.Catalog.Products() {
			if _, rated := m.Rates[p.Class]; !rated && m.Scheme == market.VATIncluded && p.Class != market.None {
				warnings = append(warnings, fmt.Sprintf("market %s: tax class %q has no rate, so %s has the standard one", m.Country, p.Class, p.SKU))
				break
			}
		}
	}
	for _, c := range v.Shop.Campaigns {
		for _, id := range c.Categories {
			if !slices.Contains(v.Catalog.Categories(), id) {
				warnings = append(warnings, fmt.Sprintf("campaign %s: the catalogue has no category %q", c.ID, id))
			}
		}
		for _, sku := range c.SKUs {
			if _, known := v.Catalog.Product(sku); !known {
				warnings = append(warnings, fmt.Sprintf("campaign %s: the catalogue has no SKU %q", c.ID, sku))
			}
		}
	}
	return warnings
}

// optionsWithoutText are what variants differ in and no text names, and texts of what none
// differ in.
func optionsWithoutText(v *publish.Version) (warnings []string) {
	used := map[string]bool{}
	for _, g := range v.Catalog.Groups() {
		for _, option := range g.Options {
			key := "option." + option
			_, builtIn := i18n.Source(key)
			if !used[key] && !builtIn && v.Shop.Texts[key] == nil {
				warnings = append(warnings, fmt.Sprintf("%s has the option %q, and there is no text %s: the pages call it by that name", g.ID, option, key))
			}
			used[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v.Shop.Texts)) {
		if option, is := strings.CutPrefix(key, "option."); is && !used[key] {
			warnings = append(warnings, fmt.Sprintf("texts.%s: no product has the option %q", key, option))
		}
	}
	return warnings
}

// sample is a cart with one product of each tax class, two of the first, and where it goes. Without
// a storefront it has none of what only a checkout session's own ways of delivery bring there.
func sample(v *publish.Version, m market.Market) (cart.Cart, cart.Address) {
	c := cart.Cart{ID: "check", Contents: cart.Contents{Country: m.Country, Locale: m.Locales[0]}}
	var classes []market.TaxClass
	for _, p := range v.Catalog.Products() {
		_, sold := p.Price(m.Currency)
		delivered := v.Shop.Storefront || p.Digital || len(m.ShippingOptions) > 0
		if !sold || !delivered || slices.Contains(classes, p.Class) {
			continue
		}
		quantity := 1
		if len(classes) == 0 {
			quantity = 2
		}
		classes = append(classes, p.Class)
		c.Lines = append(c.Lines, cart.Line{SKU: p.SKU, Quantity: quantity})
	}
	address := cart.Address{BillingCountry: m.Country, ShippingCountry: m.Country}
	for _, state := range m.States() {
		if address.Region == "" || m.SalesTaxRate(state) > m.SalesTaxRate(address.Region) {
			address.Region = state
		}
	}
	return c, address
}
