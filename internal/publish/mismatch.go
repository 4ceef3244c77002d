package publish

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
)

// Mismatches are what does not fit between shop file and catalogue and is no mistake of one, in sentences.
func (v *Version) Mismatches() (warnings []string) {
	warnings = v.optionsWithoutText()
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
	return append(warnings, v.untranslated()...)
}

// optionsWithoutText are what variants differ in and no text names, and texts of what none
// differ in.
func (v *Version) optionsWithoutText() (warnings []string) {
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

// untranslated are the languages of the markets in which products have no name.
func (v *Version) untranslated() (warnings []string) {
	for _, lang := range i18n.Langs() {
		var without []string
		var read i18n.Lang
		for _, p := range v.Catalog.Products() {
			if _, found := p.Name.In(lang); found != lang {
				without, read = append(without, p.SKU), found
			}
		}
		speaks := func(locale string) bool { return i18n.LangOf(locale) == lang }
		i := slices.IndexFunc(v.Markets, func(m market.Market) bool { return slices.ContainsFunc(m.Locales, speaks) })
		if i < 0 || len(without) == 0 {
			continue
		}
		of := without[0]
		if n := len(without) - 1; n > 0 {
			of += fmt.Sprintf(" and %d more", n)
		}
		warnings = append(warnings, fmt.Sprintf("market %s: %s has no name in %q, so its shoppers read the one in %q", v.Markets[i].Country, of, lang, read))
	}
	return warnings
}
