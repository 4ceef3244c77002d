package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/yamlfile"
)

// Limits of markets.
const (
	maxMarkets  = 50
	maxOptions  = 20
	maxPoints   = 50
	maxWeights  = 50
	maxCodes    = 1000
	maxGrams    = 100_000_000
	maxFreeFrom = 100_000_000_000
	// maxPrice is the most that a line may cost, in minor units.
	// Source: docs.kustom.co, Checkout API reference, order_line (total_amount)
	maxPrice = 100_000_000
	// maxOption is the length of an option's name.
	// Source: docs.kustom.co, Checkout API reference, shipping_option (name)
	maxOption = 255
	maxPoint  = 100
)

// idForm says what optionID is.
const idForm = "1 to 50 of A-Z a-z 0-9 _ -, first a letter or digit"

var (
	localeLike = regexp.MustCompile(`^([a-z]{2})-([A-Z]{2})$`)
	optionID   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,49}$`)
)

// languages are those of the markets' locales, in their order, of what can be read.
func languages(root *yamlfile.Node) (langs []i18n.Lang) {
	r := &reader{}
	for _, m := range r.Array(root.Get("markets"), "") {
		for _, l := range r.spoken(m) {
			if !slices.Contains(langs, l) {
				langs = append(langs, l)
			}
		}
	}
	return langs
}

// spoken are the languages of a market's locales.
func (r *reader) spoken(m *yamlfile.Node) (langs []i18n.Lang) {
	for _, locale := range r.Array(m.Get("locales"), "") {
		lang, _, _ := strings.Cut(r.Text(locale, "", 5), "-")
		if l := i18n.Lang(lang); slices.Contains(i18n.Langs(), l) {
			langs = append(langs, l)
		}
	}
	return langs
}

func (r *reader) markets(n *yamlfile.Node) (list market.List) {
	items := r.Array(n, "markets")
	if n != nil && n.IsArray() && (len(items) == 0 || len(items) > maxMarkets) {
		r.Fail(n.Line, "markets", "want 1 to %d markets", maxMarkets)
		return nil
	}
	abroad := make([]*yamlfile.Node, 0, len(items))
	for i, item := range items {
		path := fmt.Sprintf("markets[%d]", i)
		m, deliverTo := r.market(item, path)
		if _, twice := list.Lookup(m.Country); twice { // "" finds none
			r.Fail(item.Line, path+".country", "%q has a market already", m.Country)
		}
		list = append(list, m)
		abroad = append(abroad, deliverTo)
	}
	for i, n := range abroad { // now that all markets are known
		list[i].Abroad = r.abroad(n, fmt.Sprintf("markets[%d].deliver_to", i), list[i], list)
	}
	return list
}

// market reads a market, save where else it delivers to.
func (r *reader) market(n *yamlfile.Node, path string) (m market.Market, deliverTo *yamlfile.Node) {
	o := r.Object(n, path, []string{"country", "currency", "locales"},
		"checkout", "tax", "sales_tax", "delivery_tax", "delivery", "untaxed", "untaxed_prices", "no_delivery", "deliver_to")
	m.Country = r.country(o["country"], path+".country")
	m.Currency = r.currency(o["currency"], path+".currency")
	m.Locales = r.locales(o["locales"], path+".locales", m.Country)
	if market.ByRegion(m.Country) {
		m.Scheme = market.SalesTax
		m.SalesTax = r.salesTax(o["sales_tax"], path+".sales_tax")
		if o["sales_tax"] == nil {
			r.Fail(n.Line, path+".sales_tax", "is missing")
		}
		r.none(o, path, "is not for a market with sales tax", "tax", "untaxed", "untaxed_prices")
	} else if n.IsObject() {
		m.Rates = r.tax(o["tax"], path+".tax")
		if o["tax"] == nil {
			r.Fail(n.Line, path+".tax", "is missing")
		}
		r.none(o, path, "is for the US alone", "sales_tax")
	}
	m.DeliveryTax, m.DeliveryRate = r.deliveryTax(o["delivery_tax"], path+".delivery_tax", m.Scheme)
	m.Untaxed = r.codes(o["untaxed"], path+".untaxed", m)
	m.NoDelivery = r.codes(o["no_delivery"], path+".no_delivery", m)
	if r.Choice(o["untaxed_prices"], path+".untaxed_prices", "same", "without_vat") == "without_vat" {
		m.UntaxedPrices = market.WithoutVAT
	}
	m.ShippingOptions = r.options(o["delivery"], path+".delivery", (&reader{}).spoken(n), m)
	return m, o["deliver_to"]
}

// none says of members that they do not belong where they are.
func (r *reader) none(o map[string]*yamlfile.Node, path, problem string, names ...string) {
	for _, name := range names {
		if o[name] != nil {
			r.Fail(o[name].Line, path+"."+name, "%s", problem)
		}
	}
}

func (r *reader) country(n *yamlfile.Node, path string) string {
	code := r.Text(n, path, maxWord)
	if code != "" && !market.IsCountry(code) {
		r.Fail(n.Line, path, "%q is not the code of a country such as SE", code)
		return ""
	}
	return code
}

func (r *reader) currency(n *yamlfile.Node, path string) money.Currency {
	code := r.Text(n, path, maxWord)
	if code != "" && !money.Currency(code).Known() {
		r.Fail(n.Line, path, "%q is not the code of a currency with two decimals such as SEK", code)
	}
	return money.Currency(code)
}

func (r *reader) locales(n *yamlfile.Node, path, country string) (locales []string) {
	for i, item := range r.Array(n, path) {
		path := fmt.Sprintf("%s[%d]", path, i)
		locale := r.Text(item, path, maxWord)
		parts := localeLike.FindStringSubmatch(locale)
		switch {
		case locale == "":
		case parts == nil:
			r.Fail(item.Line, path, "%q is not a locale such as sv-SE", locale)
		case !slices.Contains(i18n.Langs(), i18n.Lang(parts[1])):
			r.Fail(item.Line, path, "there are no texts in %q: the languages are %v", parts[1], i18n.Langs())
		case country != "" && parts[2] != country:
			r.Fail(item.Line, path, "%q is not a locale of %s", locale, country)
		}
		r.Once(item, path, locale, locales)
		locales = append(locales, locale)
	}
	r.NotEmpty(n, path)
	return locales
}

// tax reads VAT rates, which have two decimals at Klarna.
func (r *reader) tax(n *yamlfile.Node, path string) map[market.TaxClass]money.TaxRate {
	if n == nil {
		return nil
	}
	rates := map[market.TaxClass]money.TaxRate{}
	for _, m := range r.Members(n, path) {
		class, path := market.TaxClass(m.Name), path+"."+m.Name
		if !class.Valid() {
			r.Fail(m.Line, path, `%q is not "standard", "food", "book" or "none"`, m.Name)
		}
		rates[class] = r.rate(m.Node, path, 2)
		if class == market.None && rates[class] != 0 {
			r.Fail(m.Line, path, "vouchers are taxed when they are used: want 0")
		}
	}
	if _, there := rates[market.Standard]; !there && n.IsObject() {
		r.Fail(n.Line, path+".standard", "is missing")
	}
	return rates
}

func (r *reader) salesTax(n *yamlfile.Node, path string) map[string]money.TaxRate {
	rates := map[string]money.TaxRate{}
	for _, m := range r.Members(n, path) {
		if !market.IsState(m.Name) {
			r.Fail(m.Line, path+"."+m.Name, "%q is not the code of a state such as CA", m.Name)
		}
		rates[m.Name] = r.rate(m.Node, path+"."+m.Name, 3)
	}
	if n != nil && n.IsObject() && len(rates) == 0 {
		r.Fail(n.Line, path, "must not be empty: goods go to the states that are here")
	}
	return rates
}

func (r *reader) rate(n *yamlfile.Node, path string, decimals int) money.TaxRate {
	return money.TaxRate(r.Percent(n, path, decimals)) //nolint:gosec // at most 100000
}

// deliveryTax reads how delivery is taxed: by a word or at a rate.
func (r *reader) deliveryTax(n *yamlfile.Node, path string, scheme market.TaxScheme) (market.DeliveryTax, money.TaxRate) {
	if scheme == market.SalesTax {
		if r.Choice(n, path, "goods", "none") == "none" {
			return market.TaxAtRate, 0
		}
		return market.TaxAsGoods, 0
	}
	switch {
	case n == nil:
		return market.TaxStandard, 0
	case n.IsNumber():
		return market.TaxAtRate, r.rate(n, path, 2)
	}
	if r.Choice(n, path, "standard", "goods", "a rate such as 12") == "goods" {
		return market.TaxAsGoods, 0
	}
	return market.TaxStandard, 0
}

// codes reads postal codes, or starts of some with a * behind.
func (r *reader) codes(n *yamlfile.Node, path string, m market.Market) (codes []string) {
	items := r.Array(n, path)
	if len(items) > maxCodes {
		r.Fail(n.Line, path, "want at most %d", maxCodes)
		return nil
	}
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", path, i)
		text := r.Text(item, path, 12)
		if text == "" {
			continue
		}
		code, ok := m.PostalCode(text)
		if !ok {
			r.Fail(item.Line, path, "%q is neither a postal code of %s nor the start of one with a * behind", text, m.Country)
		}
		r.Once(item, path, code, codes)
		codes = append(codes, code)
	}
	return codes
}

func (r *reader) options(n *yamlfile.Node, path string, langs []i18n.Lang, home market.Market) (options []market.ShippingOption) {
	items := r.Array(n, path)
	if len(items) > maxOptions {
		r.Fail(n.Line, path, "want at most %d", maxOptions)
		return nil
	}
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", path, i)
		o := r.Object(item, path, []string{"id", "name", "price"}, "time", "free_from", "collect", "pickup_points")
		limit := maxOption
		if o["pickup_points"] != nil {
			limit -= maxPoint + len(": ") // the name of a pickup point follows it
		}
		option := market.ShippingOption{
			ID:     r.Pattern(o["id"], path+".id", optionID, idForm),
			Name:   r.text(o["name"], path+".name", limit, langs),
			Time:   r.text(o["time"], path+".time", maxOption, langs),
			Pickup: r.Boolean(o["collect"], path+".collect"),
		}
		if n := o["price"]; n != nil && n.IsArray() {
			option.ByWeight = r.weights(n, path+".price")
		} else {
			option.Price = money.Amount(r.Number(n, path+".price", 0, maxPrice))
		}
		if n := o["free_from"]; n != nil {
			option.FreeFrom = money.Amount(r.Number(n, path+".free_from", 1, maxFreeFrom))
		}
		if n := o["pickup_points"]; n != nil && n.IsText() && r.Text(n, path, maxPoint) == byHook {
			option.AskPoints = r.askPoints(n, path+".pickup_points", options)
		} else if n != nil {
			option.PickupPoints = r.pickupPoints(n, path+".pickup_points", langs, home)
		}
		if option.ID != "" && slices.ContainsFunc(options, func(other market.ShippingOption) bool { return other.ID == option.ID }) {
			r.Fail(o["id"].Line, path+".id", "%q stands twice", option.ID)
		}
		options = append(options, option)
	}
	return options
}

// pickupPoints reads places in the market's country.
func (r *reader) pickupPoints(n *yamlfile.Node, path string, langs []i18n.Lang, home market.Market) (points []market.PickupPoint) {
	items := r.Array(n, path)
	if n.IsArray() && len(items) == 0 || len(items) > maxPoints {
		r.Fail(n.Line, path, "want 1 to %d pickup points, or "+byHook, maxPoints)
		return nil
	}
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", path, i)
		o := r.Object(item, path, []string{"id", "name", "address"})
		a := r.Object(o["address"], path+".address", []string{"street_address", "postal_code", "city"}, "street_address2", "region")
		part := func(name string) string { return r.Text(a[name], path+".address."+name, maxPoint) }
		point := market.PickupPoint{
			ID: r.Pattern(o["id"], path+".id", optionID, idForm), Name: r.text(o["name"], path+".name", maxPoint, langs),
			StreetAddress: part("street_address"), StreetAddress2: part("street_address2"), PostalCode: part("postal_code"), City: part("city"), Region: part("region"),
		}
		if _, ok := home.PostalCode(point.PostalCode); point.PostalCode != "" && (!ok || strings.HasSuffix(point.PostalCode, "*")) {
			r.Fail(a["postal_code"].Line, path+".address.postal_code", "%q is not a postal code of %s", point.PostalCode, home.Country)
		}
		if point.ID != "" && slices.ContainsFunc(points, func(other market.PickupPoint) bool { return other.ID == point.ID }) {
			r.Fail(o["id"].Line, path+".id", "%q stands twice", point.ID)
		}
		points = append(points, point)
	}
	return points
}

// weights reads prices by weight, the lightest first.
func (r *reader) weights(n *yamlfile.Node, path string) (weights []market.WeightPrice) {
	items := r.Array(n, path)
	if len(items) == 0 || len(items) > maxWeights {
		r.Fail(n.Line, path, "want 1 to %d prices", maxWeights)
		return nil
	}
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", path, i)
		o := r.Object(item, path, []string{"up_to", "price"})
		w := market.WeightPrice{
			UpTo: r.Number(o["up_to"], path+".up_to", 1, maxGrams), Price: money.Amount(r.Number(o["price"], path+".price", 0, maxPrice)),
		}
		if w.UpTo > 0 && i > 0 && w.UpTo <= weights[i-1].UpTo {
			r.Fail(item.Line, path+".up_to", "want more than the %d grams before it", weights[i-1].UpTo)
		}
		weights = append(weights, w)
	}
	return weights
}

// abroad reads the other countries that a market delivers to. One without a tax has that of
// its own market; from a market with sales tax no tax is due. Where there is none, delivery follows the goods if it does at home; a rate
// of its own is the VAT of home.
func (r *reader) abroad(n *yamlfile.Node, path string, home market.Market, list market.List) (abroad []market.Market) {
	for _, m := range r.Members(n, path) {
		path := path + "." + m.Name
		if !market.IsCountry(m.Name) || m.Name == home.Country {
			r.Fail(m.Line, path, "%q is not the code of another country", m.Name)
			continue
		}
		tax := r.Object(m.Node, path, nil, "tax")["tax"]
		to, known := list.Lookup(m.Name)
		switch {
		case home.Scheme == market.SalesTax: // what leaves the country is untaxed
			if tax != nil {
				r.Fail(tax.Line, path+".tax", "is not for a market with sales tax")
			}
			to.Country = m.Name
		case tax != nil:
			to.Country, to.Scheme, to.Rates, to.SalesTax = m.Name, market.VATIncluded, r.tax(tax, path+".tax"), nil
		case !known:
			r.Fail(m.Line, path+".tax", "is missing: there is no market %s whose tax it could have", m.Name)
		}
		if !known && home.DeliveryTax == market.TaxAsGoods {
			to.DeliveryTax = market.TaxAsGoods
		}
		to.Abroad = nil
		abroad = append(abroad, to)
	}
	return abroad
}
