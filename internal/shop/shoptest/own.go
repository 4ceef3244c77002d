package shoptest

import (
	"bytes"
	"testing"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
)

// Own is a merchant's shop that is not the demo's, in all our languages, with everything
// that a shop file can say of who the shop is. Changes are made to its shop.
func Own(t testing.TB, changes ...func(*settings.Shop)) *publish.Version {
	t.Helper()
	shop, warnings, err := settings.Read(settings.Source{File: []byte(ownShop), Files: map[string][]byte{
		"logo.svg":      []byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40"><path fill="#0b5d3b" d="M0 0h40v40H0z"/><path fill="#fff" d="M6 30l10-18 6 10 4-6 8 14z"/></svg>`),
		"extra.css":     []byte(".price { font-style: italic; }\n"),
		"terms.md":      []byte("## Delivery\n\nWe send within two days.\n\n- by post\n- by bicycle\n\n| Country | Days |\n|---|---|\n| Sweden | 2 |\n"),
		"villkor.md":    []byte("## Leverans\n\nVi skickar inom två dagar.\n"),
		"integritet.md": []byte("Vi sparar din beställning i tre år.\n"),
	}})
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	goods, err := catalog.Read(bytes.NewReader([]byte(ownCatalog)))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		change(shop)
	}
	return publish.NewVersion(1, shop, goods)
}

const ownShop = `
name: Fjällboden
order_prefix: FB
contact: {company: Fjällboden AB, registration: 556000-0000, email: hej@fjallboden.example, phone: "+46 8 000 00 00", address: "Kungsgatan 1, 111 43 Stockholm"}
time_zone: Europe/Stockholm
look:
  logo: logo.svg
  accent: {light: "#0b5d3b", dark: "#6fd3a4"}
  radius: 12
  stylesheet: extra.css
pages:
  terms: {sv: villkor.md, en: terms.md, nb: terms.md, da: terms.md, fi: terms.md, de: terms.md, nl: terms.md}
  privacy: {sv: integritet.md, en: "https://fjallboden.example/privacy", nb: integritet.md, da: integritet.md, fi: integritet.md, de: integritet.md, nl: integritet.md}
  returns: {en: terms.md, sv: villkor.md, nb: terms.md, da: terms.md, fi: terms.md, de: terms.md, nl: terms.md}
campaigns: [{id: sommar, code: SOMMAR, percent: 15}]
texts:
  home.title: {sv: "Kläder för alla väder", en: "Clothes for all weathers", nb: "Klær for all slags vær", da: "Tøj til alt slags vejr", fi: "Vaatteita kaikkiin säihin", de: "Kleidung für jedes Wetter", nl: "Kleding voor elk weer"}
markets:
  - {country: SE, currency: SEK, locales: [sv-SE, en-SE], tax: {standard: 25}, no_delivery: ["99999"], delivery: [{id: parcel, name: {sv: Hem till dörren, en: To your door}, time: {sv: 2 dagar, en: 2 days}, price: 4900}]}
  - {country: NO, currency: NOK, locales: [nb-NO, en-NO], tax: {standard: 25}, delivery: [{id: parcel, name: {nb: Hjem til døren, en: To your door}, price: 5900}]}
  - {country: DK, currency: DKK, locales: [da-DK, en-DK], tax: {standard: 25}, delivery: [{id: parcel, name: {da: Til døren, en: To your door}, price: 3900}]}
  - {country: FI, currency: EUR, locales: [fi-FI, en-FI], tax: {standard: 25.5}, delivery: [{id: parcel, name: {fi: Kotiovelle, en: To your door}, price: 490}]}
  - {country: DE, currency: EUR, locales: [de-DE, en-DE], tax: {standard: 19}, delivery: [{id: parcel, name: {de: An die Haustür, en: To your door}, price: 490}]}
  - {country: NL, currency: EUR, locales: [nl-NL, en-NL], tax: {standard: 21}, delivery: [{id: parcel, name: {nl: Aan de deur, en: To your door}, price: 490}]}
  - {country: US, currency: USD, locales: [en-US], sales_tax: {CA: 7.25, NY: 4}, delivery: [{id: parcel, name: {en: To your door}, price: 900}]}
`

const ownCatalog = `{
  "categories": [{"id": "clothes", "name": {"en": "Clothes", "sv": "Kläder"}}, {"id": "cards", "name": {"en": "Cards", "sv": "Kort"}}],
  "products": [
    {"sku": "WOOL-1", "category": "clothes", "name": {"en": "Wool sweater", "sv": "Ylletröja"}, "description": {"en": "Warm, and grey.", "sv": "Varm och grå."},
     "tax_class": "standard", "weight": 600, "stock": 200, "prices": {"SEK": 89500, "NOK": 92900, "DKK": 59900, "EUR": 7990, "USD": 8900}},
    {"sku": "SOCK-1", "category": "clothes", "name": {"en": "Thick socks", "sv": "Tjocka sockor"}, "description": {"en": "Two of them.", "sv": "Två stycken."},
     "tax_class": "standard", "weight": 90, "stock": 0, "prices": {"SEK": 14900, "NOK": 15900, "DKK": 9900, "EUR": 1390, "USD": 1600}},
    {"sku": "CARD-1", "category": "cards", "name": {"en": "Gift card", "sv": "Presentkort"}, "description": {"en": "For somebody else.", "sv": "Till någon annan."},
     "tax_class": "none", "digital": true, "prices": {"SEK": 50000, "NOK": 50000, "DKK": 30000, "EUR": 5000, "USD": 5000}}
  ]
}`
