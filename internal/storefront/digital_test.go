package storefront_test

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/stock"
)

// A product that was counted and is digital now never runs out: the numbers that it has from
// before count for nobody.
func TestDigitalAfterCounted(t *testing.T) {
	t.Parallel()
	s := withGoods(t, `
language: sv
currencies: [SEK, EUR, USD]
products:
  - {sku: SONG-1, category: trinkets, name: Visa, tax_class: standard, digital: true, prices: {SEK: 4900, EUR: 490, USD: 500}}
`)
	if err := s.DB.Tx(t.Context(), func(tx *sql.Tx) error {
		return s.Stock.Seed(t.Context(), tx, []stock.Line{{SKU: "SONG-1", Quantity: 1}})
	}); err != nil {
		t.Fatal(err)
	}
	b := s.browser()
	list := parsed(t, b.Get("/"))
	if got := spaced(list.Find(".tile")); got != "Nedladdning Visa 49 kr Lägg till" {
		t.Errorf("the tile is %q", got)
	}
	if page := parsed(t, b.Get("/products/SONG-1")); page.Find(".few, .gone").Length() > 0 || strings.Contains(page.Find("main").Text(), "kvar") {
		t.Errorf("the page is %q", spaced(page.Find("main")))
	}
	if got := b.Post("/cart/lines", "sku", "SONG-1", "quantity", "2"); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("add: %d", got.StatusCode)
	}
	bought := b.open(s)
	b.Get(s.buyAs(bought.OrderID, eva))
	o := s.Place(bought.OrderID)
	if o.OrderLines[0].Quantity != 2 || len(o.Flags) > 0 {
		t.Errorf("lines %+v, flags %v", o.OrderLines, o.Flags)
	}
	s.Levels("SONG-1", 1, 0, 0)
}
