package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/shopd/shopd/internal/cart"
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
	for _, warning := range slices.Concat(version.Warnings, version.Mismatches()) {
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
