package settings_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/settings"
)

// small is a merchant's file that uses much of what there is. Its lines are counted by the tests.
const small = `name: Fjällboden
order_prefix: FB
contact: {company: Fjällboden AB, registration: 556000-0000, email: hej@fjallboden.example, phone: "+46 8 000 00 00", address: "Kungsgatan 1, Stockholm"}
time_zone: Europe/Stockholm
storefront: true
look:
  logo: logo.svg
  accent: {light: "#0B5D3B", dark: "#6fd3a4"}
  radius: 6
  stylesheet: css/extra.css
pages:
  terms: {sv: villkor.md, en: terms.md}
  returns: https://fjallboden.example/returns
texts:
  cart.title: {sv: "Korgen", en: "The basket"}
markets:
  - country: SE
    currency: SEK
    locales: [sv-SE, en-SE]
    tax: {standard: 25, food: 6, none: 0}
    delivery_tax: 12.5
    delivery:
      - id: parcel
        name: {sv: Hem, en: Home}
        time: {sv: "2 dagar", en: "2 days"}
        price: [{up_to: 5000, price: 7900}, {up_to: 20000, price: 14900}]
        free_from: 80000
      - {id: store, name: {sv: I butik, en: In store}, price: 0, collect: true}
    deliver_to: {DK: {tax: {standard: 25}}, FI: {}}
  - country: FI
    currency: EUR
    locales: [sv-FI]
    tax: {standard: 25.5, food: 13.5}
    untaxed: [22*, "10 000"]
    untaxed_prices: without_vat
    no_delivery: [99999]
    delivery_tax: goods
    delivery: [{id: parcel, name: Posti, price: 690}]
  - country: US
    currency: USD
    locales: [en-US]
    sales_tax: {NJ: 6.625, OR: 0}
    delivery_tax: none
checkout: {product: payments, payments_flow: review}
withdrawal: {days: 30}
retention: {personal_data: 18m}
`

func files() map[string][]byte {
	return map[string][]byte{
		"logo.svg":      []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><path d="M0 0"/></svg>`),
		"css/extra.css": []byte("h1 { color: red }"),
		"villkor.md":    []byte("# Villkor\n\nHej *du*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"),
		"terms.md":      []byte("## Terms\n\n[us](https://shop.example) [run](javascript:alert(1))\n"),
	}
}

func TestRead(t *testing.T) {
	got, warnings, err := settings.Read(settings.Source{File: []byte(small), Files: files()})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v %q", err, warnings)
	}
	stockholm, _ := time.LoadLocation("Europe/Stockholm")
	finland := market.Market{
		Country: "FI", Currency: "EUR", Locales: []string{"sv-FI"},
		Rates:   map[market.TaxClass]money.TaxRate{market.Standard: 25500, market.Food: 13500},
		Untaxed: []string{"22*", "10000"}, UntaxedPrices: market.WithoutVAT, NoDelivery: []string{"99999"}, DeliveryTax: market.TaxAsGoods,
		ShippingOptions: []market.ShippingOption{{ID: "parcel", Name: i18n.Text{"sv": "Posti"}, Price: 690}},
	}
	want := &settings.Shop{
		Name: "Fjällboden", OrderPrefix: "FB", Zone: stockholm, Storefront: true,
		Contact: settings.Contact{Company: "Fjällboden AB", Registration: "556000-0000", Email: "hej@fjallboden.example", Phone: "+46 8 000 00 00", Address: "Kungsgatan 1, Stockholm"},
		Look: settings.Look{
			Logo:        &settings.File{Name: "logo.svg", Data: files()["logo.svg"]},
			AccentLight: "#0b5d3b", AccentDark: "#6fd3a4", Radius: new(6),
			Stylesheet: &settings.File{Name: "css/extra.css", Data: files()["css/extra.css"]},
		},
		Pages: settings.Pages{
			Terms: settings.Page{
				"sv": {HTML: "<h2>Villkor</h2>\n<p>Hej <em>du</em>.</p>\n<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n"},
				"en": {HTML: "<h2>Terms</h2>\n<p><a href=\"https://shop.example\">us</a> <a href=\"\">run</a></p>\n"},
			},
			Returns: settings.Page{"sv": {URL: "https://fjallboden.example/returns"}},
		},
		Texts: i18n.Overrides{"cart.title": {"sv": "Korgen", "en": "The basket"}},
		Markets: market.List{
			{
				Country: "SE", Currency: "SEK", Locales: []string{"sv-SE", "en-SE"},
				Rates:       map[market.TaxClass]money.TaxRate{market.Standard: 25000, market.Food: 6000, market.None: 0},
				DeliveryTax: market.TaxAtRate, DeliveryRate: 12500,
				ShippingOptions: []market.ShippingOption{
					{
						ID: "parcel", Name: i18n.Text{"sv": "Hem", "en": "Home"}, Time: i18n.Text{"sv": "2 dagar", "en": "2 days"},
						ByWeight: []market.WeightPrice{{UpTo: 5000, Price: 7900}, {UpTo: 20000, Price: 14900}}, FreeFrom: 80000,
					},
					{ID: "store", Name: i18n.Text{"sv": "I butik", "en": "In store"}, Pickup: true},
				},
				Abroad: []market.Market{{Country: "DK", Rates: map[market.TaxClass]money.TaxRate{market.Standard: 25000}}, finland},
			},
			finland,
			{
				Country: "US", Currency: "USD", Locales: []string{"en-US"}, Scheme: market.SalesTax,
				SalesTax: map[string]money.TaxRate{"NJ": 6625, "OR": 0}, DeliveryTax: market.TaxAtRate,
			},
		},
		Checkout: settings.Checkout{Payments: true, Review: true, Forms: map[string]settings.Form{"SE": {}, "FI": {}, "US": {}}}, Withdrawal: 30, Retention: settings.Retention{Months: 18},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Delivery to a country without a market follows the goods where it does at home; a rate is
// that of home's VAT. A country with a market has its own rule.
func TestDeliveryTaxAbroad(t *testing.T) {
	for home, want := range map[string]market.DeliveryTax{"standard": market.TaxStandard, "goods": market.TaxAsGoods, "12.5": market.TaxStandard} {
		file := strings.NewReplacer("delivery_tax: 12.5", "delivery_tax: "+home, "FI: {}", "FI: {tax: {standard: 20}}").Replace(small)
		s, _, err := settings.Read(settings.Source{File: []byte(file), Files: files()})
		if err != nil {
			t.Fatal(err)
		}
		if to := s.Markets[0].Abroad; to[0].DeliveryTax != want || to[0].DeliveryRate != 0 || to[1].DeliveryTax != market.TaxAsGoods {
			t.Errorf("%s: %+v", home, to)
		}
	}
}

// What a file may leave out.
func TestReadDefaults(t *testing.T) {
	const least = `{"name": "A", "contact": {"email": "a@b.example"}, "pages": {"terms": "https://a.example/terms"},
		"markets": [{"country": "CH", "currency": "CHF", "locales": ["de-CH"], "tax": {"standard": 8.1}}]}`
	got, warnings, err := settings.Read(settings.Source{File: []byte(least)})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v %q", err, warnings)
	}
	want := &settings.Shop{
		Name: "A", OrderPrefix: "ORD", Contact: settings.Contact{Email: "a@b.example"}, Zone: time.UTC, Storefront: true, Withdrawal: 14,
		Pages: settings.Pages{Terms: settings.Page{"de": {URL: "https://a.example/terms"}}}, Texts: i18n.Overrides{},
		Markets:  market.List{{Country: "CH", Currency: "CHF", Locales: []string{"de-CH"}, Rates: map[market.TaxClass]money.TaxRate{market.Standard: 8100}}},
		Checkout: settings.Checkout{Forms: map[string]settings.Form{"CH": {}}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestReadRefuses changes one thing of a good file at a time, without moving lines.
func TestReadRefuses(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"unknown member", "storefront: true", "shopfront: true", "line 5: shopfront: unknown member"},
		{"a member twice", "storefront: true", "name: B", "line 5: name: stands twice"},
		{"name missing", "name: Fjällboden", "# none", "line 2: name: is missing"},
		{"name too long", "name: Fjällboden", "name: " + strings.Repeat("å", 61), "line 1: name: longer than 60 characters"},
		{"order_prefix", "FB", "fb", `line 2: order_prefix: "fb" is not 1 to 4 capital letters`},
		{"order_prefix too long", "FB", "FJALL", `line 2: order_prefix: "FJALL" is not 1 to 4 capital letters`},
		{"contact without an address of e-mail", "email: hej@fjallboden.example, ", "", "line 3: contact.email: is missing"},
		{"contact.email", "hej@fjallboden.example", "Hej <hej@fjallboden.example>", `line 3: contact.email: "Hej <hej@fjallboden.example>" is not an e-mail address`},
		{"time_zone", "Europe/Stockholm", "Europe/Lund", `line 4: time_zone: "Europe/Lund" is not a time zone such as Europe/Stockholm`},
		{"time_zone of the machine", "Europe/Stockholm", "Local", `line 4: time_zone: "Local" is not a time zone such as Europe/Stockholm`},
		{"storefront", "storefront: true", "storefront: maybe", "line 5: storefront: want true or false"},
		{"logo that is not there", "logo: logo.svg", "logo: none.svg", `line 7: look.logo: there is no file "none.svg" that can be read`},
		{"logo of another kind", "logo: logo.svg", "logo: logo.gif", `line 7: look.logo: "logo.gif" does not end in .svg or .png`},
		{"logo that is no picture", "logo: logo.svg", "logo: text.svg", `line 7: look.logo: "text.svg" is not a picture in SVG`},
		{"logo that is no PNG", "logo: logo.svg", "logo: text.png", `line 7: look.logo: "text.png" is not a picture in PNG`},
		{"logo that is HTML", "logo: logo.svg", "logo: page.svg", `line 7: look.logo: "page.svg" is not a picture in SVG`},
		{"logo that runs", "logo: logo.svg", "logo: script.svg", `line 7: look.logo: "script.svg" has the element script, or an attribute of one, that runs a script`},
		{"logo that runs when it is loaded", "logo: logo.svg", "logo: onload.svg", `line 7: look.logo: "onload.svg" has the element svg, or an attribute of one, that runs a script`},
		{"icon that is no picture", "logo: logo.svg", "logo: logo.svg\n  icons: [text.png]", `line 8: look.icons[0]: "text.png" is not a picture in PNG`},
		{"icon that is no square", "logo: logo.svg", "logo: logo.svg\n  icons: [huge.png]", `line 8: look.icons[0]: "huge.png" has 5000 × 1 pixels, want a square of at most 1024 each way`},
		{"logo that is huge", "logo: logo.svg", "logo: huge.png", `line 7: look.logo: "huge.png" has 5000 × 1 pixels, at most 4096 each way`},
		{"logo elsewhere", "logo: logo.svg", "logo: ../logo.svg", `line 7: look.logo: "../logo.svg" is not a file in the directory of the shop file or below`},
		{"logo from the root", "logo: logo.svg", "logo: /etc/logo.svg", `line 7: look.logo: "/etc/logo.svg" is not a file in the directory of the shop file or below`},
		{"an accent that cannot be read", "#0B5D3B", "#6fd3a4", "line 8: look.accent.light: #6fd3a4 on the ground #f3f6f7 has a contrast of 1.7, want 4.5\n" +
			"line 8: look.accent.light: #6fd3a4 on the ground #ffffff has a contrast of 1.8, want 4.5\nline 8: look.accent.light: #6fd3a4 on the ground #e3edf9 has a contrast of 1.5, want 4.5"},
		{"an accent that nearly can", "#6fd3a4", "#4f8f70", "line 8: look.accent.dark: #4f8f70 on the ground #152333 has a contrast of 4.2, want 4.5\n" +
			"line 8: look.accent.dark: #4f8f70 on the ground #13304f has a contrast of 3.5, want 4.5"},
		{"an accent in words", `"#0B5D3B"`, "green", `line 8: look.accent.light: "green" is not a colour such as "#0b5d3b"`},
		{"an accent without quotes", `light: "#0B5D3B", dark`, `light: x, dark`, `line 8: look.accent.light: "x" is not a colour such as "#0b5d3b"`},
		{"one accent", `, dark: "#6fd3a4"`, "", "line 8: look.accent.dark: is missing"},
		{"radius", "radius: 6", "radius: 33", "line 9: look.radius: want a whole number from 0 to 32"},
		{"stylesheet that is not text", "css/extra.css", "bytes.css", `line 10: look.stylesheet: "bytes.css" is not text in UTF-8`},
		{"stylesheet too large", "css/extra.css", "large.css", `line 10: look.stylesheet: "large.css" is larger than 256 KiB`},
		{"terms missing", "terms: {sv: villkor.md, en: terms.md}", "privacy: {sv: villkor.md, en: terms.md}", "line 12: pages.terms: is missing"},
		{"terms in a strange language", "en: terms.md", "fr: terms.md", `line 12: pages.terms.fr: "fr" is not one of the languages [en sv nb da fi de nl]`},
		{"terms in no language", "{sv: villkor.md, en: terms.md}", "{}", "line 12: pages.terms: must not be empty"},
		{"terms of another kind", "sv: villkor.md", "sv: villkor.html", `line 12: pages.terms.sv: "villkor.html" does not end in .md`},
		{"terms that are not there", "sv: villkor.md", "sv: regler.md", `line 12: pages.terms.sv: there is no file "regler.md" that can be read`},
		{"terms with HTML", "sv: villkor.md", "sv: html.md", `line 12: pages.terms.sv: "html.md" has HTML in it: pages are Markdown alone`},
		{"terms with HTML in a line", "sv: villkor.md", "sv: inline.md", `line 12: pages.terms.sv: "inline.md" has HTML in it: pages are Markdown alone`},
		{"terms with a picture", "sv: villkor.md", "sv: picture.md", `line 12: pages.terms.sv: "picture.md" has a picture in it, which pages do not show`},
		{"terms without a word", "sv: villkor.md", "sv: empty.md", `line 12: pages.terms.sv: "empty.md" is empty`},
		{"terms that are not text", "sv: villkor.md", "sv: bytes.md", `line 12: pages.terms.sv: "bytes.md" is not text in UTF-8`},
		{"an address without TLS", "https://fjallboden.example", "http://fjallboden.example", `line 13: pages.returns: "http://fjallboden.example/returns" is not an https address`},
		{"a text with a place of its own", `sv: "Korgen"`, `sv: "Korgen {0}"`, `line 15: texts.cart.title: in "sv" it has {0}, which the text does not have: "Cart"`},
		{"a text with two forms", `sv: "Korgen"`, `sv: "Korg|Korgar"`, `line 15: texts.cart.title: in "sv" it has a |, which parts singular and plural: the text has one form`},
		{"a text that is none", `{sv: "Korgen", en: "The basket"}`, `[Korgen]`, `line 15: texts.cart.title: want a string`},
		{"a market twice", "country: US", "country: SE", `line 39: markets[2].tax: is missing` + "\n" + `line 39: markets[2].country: "SE" has a market already` + "\n" + `line 41: markets[2].locales[0]: "en-US" is not a locale of SE` + "\n" + `line 42: markets[2].sales_tax: is for the US alone` + "\n" + `line 43: markets[2].delivery_tax: "none" is none of: standard, goods, a rate such as 12`},
		{"no country", "country: FI", "country: XX", "line 29: markets[0].deliver_to.FI.tax: is missing: there is no market FI whose tax it could have\n" + `line 30: markets[1].country: "XX" is not the code of a country such as SE`},
		{"a country in lower case", "country: FI", "country: fi", "line 29: markets[0].deliver_to.FI.tax: is missing: there is no market FI whose tax it could have\n" + `line 30: markets[1].country: "fi" is not the code of a country such as SE`},
		{"a country in words", "country: FI", "country: Finland", "line 29: markets[0].deliver_to.FI.tax: is missing: there is no market FI whose tax it could have\n" + `line 30: markets[1].country: "Finland" is not the code of a country such as SE`},
		{"a currency in words", "currency: USD", "currency: Dollar", `line 40: markets[2].currency: "Dollar" is not the code of a currency with two decimals such as SEK`},
		{"a language in words", "[sv-FI]", "[Swedish]", `line 32: markets[1].locales[0]: "Swedish" is not a locale such as sv-SE`},
		{"no currency", "currency: USD", "currency: QQQ", `line 40: markets[2].currency: "QQQ" is not the code of a currency with two decimals such as SEK`},
		{"a currency without decimals", "currency: USD", "currency: JPY", `line 40: markets[2].currency: "JPY" is not the code of a currency with two decimals such as SEK`},
		{"a locale of another country", "sv-FI", "sv-SE", `line 32: markets[1].locales[0]: "sv-SE" is not a locale of FI`},
		{"a locale without texts", "sv-FI", "fr-FI", `line 32: markets[1].locales[0]: there are no texts in "fr": the languages are [en sv nb da fi de nl]`},
		{"no locale", "[sv-FI]", "[]", `line 32: markets[1].locales: must not be empty`},
		{"a language alone", "[sv-FI]", "[sv]", `line 32: markets[1].locales[0]: "sv" is not a locale such as sv-SE`},
		{"a locale twice", "[sv-SE, en-SE]", "[sv-SE, en-SE, sv-SE]", `line 19: markets[0].locales[2]: "sv-SE" stands twice`},
		{"no markets", "markets:", "markets: []\nmarket:", "line 16: markets: want 1 to 50 markets\nline 17: market: unknown member"},
		{"no standard rate", "tax: {standard: 25.5, food: 13.5}", "tax: {food: 13.5}", "line 33: markets[1].tax.standard: is missing"},
		{"no rates", "tax: {standard: 25.5, food: 13.5}", "untaxed_prices: same", "line 30: markets[1].tax: is missing\nline 35: markets[1].untaxed_prices: stands twice"},
		{"an unknown class", "food: 13.5}", "luxury: 13.5}", `line 33: markets[1].tax.luxury: "luxury" is not "standard", "food", "book" or "none"`},
		{"a rate with three decimals", "25.5,", "25.555,", "line 33: markets[1].tax.standard: want a percentage from 0 to 100 with at most 2 decimals"},
		{"a rate in words", "25.5,", "a quarter,", "line 33: markets[1].tax.standard: want a percentage from 0 to 100 with at most 2 decimals"},
		{"a tax on vouchers", "none: 0}", "none: 25}", "line 20: markets[0].tax.none: vouchers are taxed when they are used: want 0"},
		{"sales tax in Europe", "tax: {standard: 25, food: 6, none: 0}", "sales_tax: {NJ: 1}", "line 17: markets[0].tax: is missing\nline 20: markets[0].sales_tax: is for the US alone"},
		{"VAT in the US", "sales_tax: {NJ: 6.625, OR: 0}", "tax: {standard: 1}", "line 39: markets[2].sales_tax: is missing\nline 42: markets[2].tax: is not for a market with sales tax"},
		{"no state", "OR: 0}", "PR: 0}", `line 42: markets[2].sales_tax.PR: "PR" is not the code of a state such as CA`},
		{"no states", "{NJ: 6.625, OR: 0}", "{}", "line 42: markets[2].sales_tax: must not be empty: goods go to the states that are here"},
		{"sales tax with four decimals", "6.625", "6.6255", "line 42: markets[2].sales_tax.NJ: want a percentage from 0 to 100 with at most 3 decimals"},
		{"delivery_tax", "delivery_tax: goods", "delivery_tax: none", `line 37: markets[1].delivery_tax: "none" is none of: standard, goods, a rate such as 12`},
		{"delivery_tax in the US", "delivery_tax: none", "delivery_tax: 5", `line 43: markets[2].delivery_tax: "5" is none of: goods, none`},
		{"a rate of delivery", "delivery_tax: 12.5", "delivery_tax: 101", "line 21: markets[0].delivery_tax: want a percentage from 0 to 100 with at most 2 decimals"},
		{"untaxed", "22*,", "2A*,", `line 34: markets[1].untaxed[0]: "2A*" is neither a postal code of FI nor the start of one with a * behind`},
		{"no_delivery", "[99999]", "[9999]", `line 36: markets[1].no_delivery[0]: "9999" is neither a postal code of FI nor the start of one with a * behind`},
		{"no_delivery anywhere", "[99999]", `["*"]`, `line 36: markets[1].no_delivery[0]: "*" is neither a postal code of FI nor the start of one with a * behind`},
		{"untaxed_prices", "without_vat", "lower", `line 35: markets[1].untaxed_prices: "lower" is none of: same, without_vat`},
		{"an option without a name", "name: Posti, ", "", "line 38: markets[1].delivery[0].name: is missing"},
		{"an option without a price", ", price: 690", "", "line 38: markets[1].delivery[0].price: is missing"},
		{"a price with decimals", "price: 690", "price: 6.90", "line 38: markets[1].delivery[0].price: want a whole number from 0 to 100000000"},
		{"the ID of an option", "- id: parcel", "- id: a/b", `line 23: markets[0].delivery[0].id: "a/b" is not 1 to 50 of A-Z a-z 0-9 _ -, first a letter or digit`},
		{"the ID of an option twice", "id: store", "id: parcel", `line 28: markets[0].delivery[1].id: "parcel" stands twice`},
		{"prices by weight out of order", "up_to: 20000", "up_to: 5000", "line 26: markets[0].delivery[0].price[1].up_to: want more than the 5000 grams before it"},
		{"no price by weight", "[{up_to: 5000, price: 7900}, {up_to: 20000, price: 14900}]", "[]", "line 26: markets[0].delivery[0].price: want 1 to 50 prices"},
		{"free_from", "free_from: 80000", "free_from: 0", "line 27: markets[0].delivery[0].free_from: want a whole number from 1 to 100000000000"},
		{"collect", "collect: true", "collect: 1", "line 28: markets[0].delivery[1].collect: want true or false"},
		{"a destination without a tax", "{tax: {standard: 25}}", "{}", "line 29: markets[0].deliver_to.DK.tax: is missing: there is no market DK whose tax it could have"},
		{"a destination at home", "DK: {tax", "SE: {tax", `line 29: markets[0].deliver_to.SE: "SE" is not the code of another country`},
		{"a tax abroad of a market with sales tax", "delivery_tax: none", "delivery_tax: none\n    deliver_to: {SE: {}, DK: {tax: {standard: 25}}, NO: {}}", "line 44: markets[2].deliver_to.DK.tax: is not for a market with sales tax"},
		{"a postal code twice", `[22*, "10 000"]`, `[22*, "10 000", 10000]`, `line 34: markets[1].untaxed[2]: "10000" stands twice`},
		{"embed of none", "storefront: true", "embed: {origins: []}", "line 5: embed.origins: must not be empty"},
		{"embed twice", "storefront: true", "embed: {origins: ['https://a.example', 'https://a.example']}", `line 5: embed.origins[1]: "https://a.example" stands twice`},
		{"measure.origins twice", "storefront: true", `measure: {script: "https://a.example/s.js", origins: ["https://a.example", "https://a.example"]}`, `line 5: measure.origins[1]: "https://a.example" stands twice`},
		{"webhooks.events of none", "storefront: true", `webhooks: [{id: a, url: "https://a.example/", events: [], secret_file: /x}]`, "line 5: webhooks[0].events: must not be empty"},
		{"webhooks.events twice", "storefront: true", `webhooks: [{id: a, url: "https://a.example/", events: ["*", "*"], secret_file: /x}]`, `line 5: webhooks[0].events[1]: "*" stands twice`},
		{"a destination nowhere", "DK: {tax", "QQ: {tax", `line 29: markets[0].deliver_to.QQ: "QQ" is not the code of another country`},
		{"checkout.product", "product: payments", "product: klarna", `line 44: checkout.product: "klarna" is none of: kco, payments`},
		{"checkout.payments_flow", "payments_flow: review", "payments_flow: two", `line 44: checkout.payments_flow: "two" is none of: one-step, review`},
		{"withdrawal", "days: 30", "days: 7", "line 45: withdrawal.days: want 0, or at least the 14 days that the law of the EU gives"},
		{"retention", "18m", "18 months", `line 46: retention.personal_data: "18 months" is not a number of years, months or days such as 3y, 18m or 400d`},
		{"retention of nothing", "18m", "''", "line 46: retention.personal_data: must not be empty"},
		{"retention of none", "18m", "0d", `line 46: retention.personal_data: "0d" is not a number of years, months or days such as 3y, 18m or 400d`},
		{"embed without origins", "storefront: true", "embed: {}", "line 5: embed.origins: is missing"},
		{"embed by http", "storefront: true", "embed: {origins: ['http://shop.example']}", `line 5: embed.origins[0]: "http://shop.example" is not an origin such as https://www.example.com, or http://localhost:8000 to try`},
		{"embed with a path", "storefront: true", "embed: {origins: ['https://shop.example/']}", `line 5: embed.origins[0]: "https://shop.example/" is not an origin such as https://www.example.com, or http://localhost:8000 to try`},
		{"embed with a needless port", "storefront: true", "embed: {origins: ['https://shop.example:443']}", "line 5: embed.origins[0]: has a port that browsers leave out"},
		{"mail from nobody", "storefront: true", "mail: {}", "line 5: mail.from: is missing"},
		{"mail from two", "storefront: true", "mail: {from: 'a@b.example, c@d.example'}", `line 5: mail.from: "a@b.example, c@d.example" is not a sender such as Shop <order@shop.example>`},
		{"mail of an unknown kind", "storefront: true", "mail: {from: a@b.example, send: [order_lost]}", `line 5: mail.send[0]: "order_lost" is none of: order_placed, order_shipped, order_refunded, order_cancelled`},
		{"mail of a kind twice", "storefront: true", "mail: {from: a@b.example, send: [order_placed, order_placed]}", `line 5: mail.send[1]: "order_placed" stands twice`},
		{"mail.sessions", "storefront: true", "mail: {from: a@b.example, sessions: 1}", "line 5: mail.sessions: want true or false"},
		{"measure without a script", "storefront: true", "measure: {}", "line 5: measure.script: is missing"},
		{"measure.script", "storefront: true", "measure: {script: js/script.js}", `line 5: measure.script: "js/script.js" is not an https address of a script`},
		{"measure.origins", "storefront: true", `measure: {script: "https://a.example/s.js", origins: ["https://a.example; script-src *"]}`, `line 5: measure.origins[0]: "https://a.example; script-src *" is not an origin such as https://plausible.example`},
		{"measure.origins with a path", "storefront: true", `measure: {script: "https://a.example/s.js", origins: ["https://a.example/s"]}`, `line 5: measure.origins[0]: "https://a.example/s" is not an origin such as https://plausible.example`},
		{"checkout.confirmation", "payments_flow: review", "confirmation: mine", `line 44: checkout.confirmation: "mine" is none of: merchant, shop`},
		{"not YAML", "storefront: true", "storefront: [", "line 7: did not find expected ',' or ']' of what begins in line 5"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := strings.Replace(small, tc.old, tc.new, 1)
			if file == small {
				t.Fatalf("%s is not in the file", tc.old)
			}
			named := files()
			var huge bytes.Buffer
			_ = png.Encode(&huge, image.NewGray(image.Rect(0, 0, 5000, 1)))
			for name, data := range map[string]string{
				"text.svg": "a picture", "text.png": "a picture", "page.svg": "<html><svg/></html>", "script.svg": "<svg><script>1</script></svg>",
				"onload.svg": `<svg onload="1"/>`, "bytes.css": "\xff", "large.css": strings.Repeat(" ", 256<<10+1), "huge.png": huge.String(),
				"html.md": "a\n\n<div>b</div>\n", "inline.md": "a <b>c</b>", "picture.md": "![a](b.png)", "empty.md": " \n", "bytes.md": "\xff",
				"../logo.svg": "<svg/>", "/etc/logo.svg": "<svg/>",
			} {
				named[name] = []byte(data)
			}
			_, _, err := settings.Read(settings.Source{File: []byte(file), Files: named})
			if err == nil {
				t.Fatal("no error")
			}
			_, got, several := strings.Cut(err.Error(), " wrong:\n")
			if !several {
				got = err.Error()
			}
			if got != tc.want && (several || !strings.HasPrefix(got, tc.want)) {
				t.Errorf("error (-want +got):\n%s", cmp.Diff(tc.want, got))
			}
		})
	}
}

// What may be meant is said, and the shop is read all the same.
func TestReadWarns(t *testing.T) {
	for _, tc := range []struct{ name, old, new, want string }{
		{"an unknown text", "cart.title", "cart.titel", "line 15: texts.cart.titel: the shop has no text with this key"},
		{"a page that lacks a language", "{sv: villkor.md, en: terms.md}", "{en: terms.md}", `line 12: pages.terms: there is none in "sv", in which the shop sells`},
		{"an option that lacks a language", "{sv: Hem, en: Home}", "{sv: Hem}", `line 24: markets[0].delivery[0].name: there is none in "en", in which the shop sells`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			file := strings.Replace(small, tc.old, tc.new, 1)
			shop, warnings, err := settings.Read(settings.Source{File: []byte(file), Files: files()})
			if err != nil || shop == nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{tc.want}, warnings); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// All mistakes are told at once, in the order of the file.
func TestReadNamesAll(t *testing.T) {
	_, _, err := settings.Read(settings.Source{File: []byte("name: ''\nmarkets:\n- country: SE\n  tax: {food: 101}\npages: {terms: a.md}\n")})
	want := "7 wrong:\nline 1: contact: is missing\nline 1: name: must not be empty\nline 3: markets[0].currency: is missing\nline 3: markets[0].locales: is missing\n" +
		"line 4: markets[0].tax.food: want a percentage from 0 to 100 with at most 2 decimals\nline 4: markets[0].tax.standard: is missing\nline 5: pages.terms: there is no file \"a.md\" that can be read"
	if err == nil || cmp.Diff(want, err.Error()) != "" {
		t.Errorf("(-want +got):\n%s", cmp.Diff(want, err.Error()))
	}
}

func TestLoad(t *testing.T) {
	none := filepath.Join(t.TempDir(), "shop.yaml")
	if _, err := settings.Load(none); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), none) {
		t.Errorf("no such file: %v, want an error with its directory", err)
	}
	outside, dir := t.TempDir(), t.TempDir()
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(dir, "shop.yaml"), []byte(small))
	for name, data := range files() {
		write(filepath.Join(dir, name), data)
	}
	s, err := settings.Load(filepath.Join(dir, "shop.yaml"))
	if diff := cmp.Diff(settings.Source{File: []byte(small), Files: files()}, s); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, warnings, err := settings.Read(s); err != nil || len(warnings) > 0 {
		t.Errorf("%v %q", err, warnings)
	}

	// A link within the directory is followed, as in mounted volumes; one out of it is not.
	secret := filepath.Join(outside, "secret.md")
	write(secret, []byte("secret"))
	link := func(to, name string) {
		t.Helper()
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	link("villkor.md", "terms.md")
	if s, err = settings.Load(filepath.Join(dir, "shop.yaml")); err != nil || !bytes.Equal(s.Files["terms.md"], files()["villkor.md"]) {
		t.Errorf("a link within the directory: %v, %q", err, s.Files["terms.md"])
	}
	link(secret, "terms.md")
	s, err = settings.Load(filepath.Join(dir, "shop.yaml"))
	if _, read := s.Files["terms.md"]; read || err != nil {
		t.Errorf("a link out of the directory is followed: %v", err)
	}
	if _, _, err := settings.Read(s); err == nil || !strings.Contains(err.Error(), `there is no file "terms.md" that can be read`) {
		t.Errorf("got %v", err)
	}

	// Of a large file no more is read than shows that it is too large.
	large := fstest.MapFS{"shop.yaml": {Data: []byte(small)}, "logo.svg": {Data: make([]byte, 1<<20)}}
	if s, err = settings.LoadFS(large, "shop.yaml"); err != nil || len(s.Files["logo.svg"]) != 256<<10+1 {
		t.Errorf("%v, %d bytes of a large file", err, len(s.Files["logo.svg"]))
	}
	large["shop.yaml"] = &fstest.MapFile{Data: make([]byte, 2<<20)}
	if s, err = settings.LoadFS(large, "shop.yaml"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := settings.Read(s); err == nil || err.Error() != "larger than 1024 KiB" {
		t.Errorf("a large shop file: %v", err)
	}
}

// FuzzRead holds that no file makes Read panic, and that what it takes is usable.
func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("markets: [{country: SE, locales: [sv-SE], delivery: [{price: [{up_to: 1}]}]}]\nlook: {accent: {light: 1}}\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		shop, _, err := settings.Read(settings.Source{File: file, Files: files()})
		if err != nil {
			return
		}
		for _, m := range shop.Markets {
			if m.Country == "" || len(m.Locales) == 0 || !m.Currency.Known() || m.Scheme == market.VATIncluded && m.Rates == nil || shop.Pages.Terms == nil || shop.Zone == nil {
				t.Errorf("took %+v", shop)
			}
		}
	})
}
