package cart_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/examples/skerry"
	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/money"
)

func full() (lines []cart.Line) {
	for i := range cart.MaxLines {
		lines = append(lines, cart.Line{SKU: fmt.Sprintf("OLD-%d", i), Quantity: 1})
	}
	return lines
}

func TestChangeApply(t *testing.T) {
	left := map[string]int{"BLK-1": 3, "TEA-1": 0, "MUG-1": 240}
	mugs := func(n int) []cart.Line { return []cart.Line{{SKU: "MUG-1", Quantity: n}} }
	lines := func(l ...cart.Line) cart.Contents { return cart.Contents{Country: "SE", Locale: "sv-SE", Lines: l} }
	for _, tc := range []struct {
		name   string
		before cart.Contents
		change cart.Change
		want   cart.Contents // looked at when there is no error
		err    error         // by errors.Is
		left   int           // of a SoldOutError, else 0
	}{
		{"add", lines(), cart.Change{Add: mugs(2)}, lines(mugs(2)...), nil, 0},
		{"add to what is there", lines(mugs(2)...), cart.Change{Add: mugs(3)}, lines(mugs(5)...), nil, 0},
		{"set", lines(mugs(2)...), cart.Change{Set: mugs(9)}, lines(mugs(9)...), nil, 0},
		{"set twice: the last counts", lines(), cart.Change{Set: append(mugs(9), mugs(4)...)}, lines(mugs(4)...), nil, 0},
		{"remove", lines(cart.Line{SKU: "HAT-1", Quantity: 1}, mugs(2)[0]), cart.Change{Set: mugs(0)}, lines(cart.Line{SKU: "HAT-1", Quantity: 1}), nil, 0},
		{"remove what is not there", lines(), cart.Change{Set: mugs(0)}, lines(), nil, 0},
		{"remove what has left the catalogue", lines(cart.Line{SKU: "OLD-1", Quantity: 1}), cart.Change{Set: []cart.Line{{SKU: "OLD-1"}}}, lines([]cart.Line{}...), nil, 0},
		{"99", lines(), cart.Change{Add: mugs(99)}, lines(mugs(99)...), nil, 0},
		{"digital goods do not run out", lines(), cart.Change{Add: []cart.Line{{SKU: "MAP-1", Quantity: 99}}}, lines(cart.Line{SKU: "MAP-1", Quantity: 99}), nil, 0},
		{"all that are left", lines(), cart.Change{Add: []cart.Line{{SKU: "BLK-1", Quantity: 3}}}, lines(cart.Line{SKU: "BLK-1", Quantity: 3}), nil, 0},
		{"fewer than before, although fewer are left", lines(cart.Line{SKU: "BLK-1", Quantity: 9}), cart.Change{Set: []cart.Line{{SKU: "BLK-1", Quantity: 8}}}, lines(cart.Line{SKU: "BLK-1", Quantity: 8}), nil, 0},

		{"100", lines(), cart.Change{Add: mugs(100)}, lines(), cart.ErrQuantityLimit, 0},
		{"100 together", lines(mugs(60)...), cart.Change{Add: mugs(40)}, lines(), cart.ErrQuantityLimit, 0},
		{"absurd", lines(mugs(1)...), cart.Change{Add: mugs(1<<63 - 1)}, lines(), cart.ErrQuantityLimit, 0},
		{"add none", lines(), cart.Change{Add: mugs(0)}, lines(), cart.ErrQuantityLimit, 0},
		{"add negative", lines(mugs(3)...), cart.Change{Add: mugs(-1)}, lines(), cart.ErrQuantityLimit, 0},
		{"set negative", lines(mugs(3)...), cart.Change{Set: mugs(-1)}, lines(), cart.ErrQuantityLimit, 0},
		{"line 101", lines(full()...), cart.Change{Add: mugs(1)}, lines(), cart.ErrQuantityLimit, 0},
		{"unknown", lines(), cart.Change{Add: []cart.Line{{SKU: "mug-1", Quantity: 1}}}, lines(), cart.ErrUnknownSKU, 0},
		{"one bad of two", lines(), cart.Change{Set: append(mugs(1), cart.Line{SKU: "x", Quantity: 1})}, lines(), cart.ErrUnknownSKU, 0},
		{"sold out", lines(), cart.Change{Add: []cart.Line{{SKU: "TEA-1", Quantity: 1}}}, lines(), new(cart.SoldOutError), 0},
		{"more than are left", lines(), cart.Change{Add: []cart.Line{{SKU: "BLK-1", Quantity: 4}}}, lines(), new(cart.SoldOutError), 3},

		{"discount", lines(mugs(1)...), cart.Change{DiscountCode: new(" fog10 ")}, cart.Contents{Country: "SE", Locale: "sv-SE", Lines: mugs(1), DiscountCode: "FOG10"}, nil, 0},
		{"no discount", cart.Contents{Country: "SE", Locale: "sv-SE", DiscountCode: "FOG10"}, cart.Change{DiscountCode: new("")}, lines(), nil, 0},
		{"unknown discount", lines(), cart.Change{DiscountCode: new("FOG11")}, lines(), cart.ErrBadDiscountCode, 0},

		{"country drops option and ship-to, and the language it does not have", cart.Contents{Country: "SE", Locale: "sv-SE", ShippingOption: "express", ShipTo: &cart.ShipTo{Country: "SE"}}, cart.Change{Country: "NO"}, cart.Contents{Country: "NO", Locale: "nb-NO"}, nil, 0},
		{"the language is kept where the market has it", cart.Contents{Country: "SE", Locale: "en-SE"}, cart.Change{Country: "NO"}, cart.Contents{Country: "NO", Locale: "en-NO"}, nil, 0},
		{"Swedish in Finland", lines(), cart.Change{Country: "FI"}, cart.Contents{Country: "FI", Locale: "sv-FI"}, nil, 0},
		{"language alone keeps the option", cart.Contents{Country: "SE", Locale: "sv-SE", ShippingOption: "express"}, cart.Change{Locale: "en-SE"}, cart.Contents{Country: "SE", Locale: "en-SE", ShippingOption: "express"}, nil, 0},
		{"the same country keeps the option", cart.Contents{Country: "SE", Locale: "sv-SE", ShippingOption: "express"}, cart.Change{Country: "SE"}, cart.Contents{Country: "SE", Locale: "sv-SE", ShippingOption: "express"}, nil, 0},
		{"preferred language", lines(), cart.Change{Country: "DE", Language: "en"}, cart.Contents{Country: "DE", Locale: "en-DE"}, nil, 0},
		{"preferred language that the market has not", lines(), cart.Change{Country: "DE", Language: "fi"}, cart.Contents{Country: "DE", Locale: "de-DE"}, nil, 0},
		{"unknown country", lines(), cart.Change{Country: "IS"}, lines(), cart.ErrUnknownMarket, 0},
		{"locale of another market", lines(), cart.Change{Country: "NO", Locale: "sv-SE"}, lines(), cart.ErrUnknownMarket, 0},
		{"locale of no market", lines(), cart.Change{Locale: "xx"}, lines(), cart.ErrUnknownMarket, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := tc.before
			got.Lines = append([]cart.Line(nil), tc.before.Lines...)
			err := tc.change.Apply(&got, skerry.Version(), left)
			if soldOut, ok := errors.AsType[*cart.SoldOutError](err); ok {
				if _, want := tc.err.(*cart.SoldOutError); !want || soldOut.Left != tc.left { //nolint:errorlint // the table's own value
					t.Errorf("got %v, want %v with %d left", err, tc.err, tc.left)
				}
				return
			}
			if !errors.Is(err, tc.err) {
				t.Fatalf("got %v, want %v", err, tc.err)
			}
			if line, ok := errors.AsType[*cart.LineError](err); ok != (errors.Is(err, cart.ErrUnknownSKU) || errors.Is(err, cart.ErrQuantityLimit)) {
				t.Errorf("%v names no line", err)
			} else if last := slices.Concat(tc.change.Add, tc.change.Set); ok && line.SKU != last[len(last)-1].SKU {
				t.Errorf("%v is not about the last line", err)
			}
			if len(got.Lines) == 0 {
				got.Lines, tc.want.Lines = nil, nil
			}
			for _, line := range got.Lines { // it is remembered what each is called
				if p, known := skerry.Version().Catalog.Product(line.SKU); tc.err == nil && known {
					if name, _ := p.Name.In(i18n.LangOf(got.Locale)); got.Names[line.SKU] != name {
						t.Errorf("%s is called %q, want %q", line.SKU, got.Names[line.SKU], name)
					}
					m, _ := skerry.Version().Markets.Lookup(got.Country)
					if price, _ := p.Price(m.Currency); got.Prices[line.SKU] != price {
						t.Errorf("%s costs %d, want %d", line.SKU, got.Prices[line.SKU], price)
					}
				}
			}
			got.Names, got.Prices = nil, nil
			if diff := cmp.Diff(tc.want, got); tc.err == nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What a product cost is noted when it is put in the cart, and stays until it is taken out or the country is another one.
func TestPricesNoted(t *testing.T) {
	const before = 100
	mugs := func(n int) []cart.Line { return []cart.Line{{SKU: "MUG-1", Quantity: n}} }
	for _, tc := range []struct {
		name   string
		has    []cart.Line
		change cart.Change
		kept   bool
	}{
		{"more of it", mugs(1), cart.Change{Add: mugs(1)}, true},
		{"another product", mugs(1), cart.Change{Add: []cart.Line{{SKU: "JAM-1", Quantity: 1}}}, true},
		{"it was bought, and is wanted again", nil, cart.Change{Add: mugs(1)}, false},
		{"out and in", mugs(1), cart.Change{Set: append(mugs(0), mugs(1)...)}, false},
		{"another country", mugs(1), cart.Change{Country: "NO"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			noted := map[string]money.Amount{"MUG-1": before}
			c := cart.Contents{Country: "SE", Locale: "sv-SE", Lines: slices.Clone(tc.has), Prices: noted}
			if err := tc.change.Apply(&c, skerry.Version(), nil); err != nil {
				t.Fatal(err)
			}
			if was, now, changed := c.PriceBefore("MUG-1", skerry.Version()); changed != tc.kept || (was == before) != tc.kept || len(c.Prices) != len(c.Lines) {
				t.Errorf("%d and now %d, %t: %v", was, now, changed, c.Prices)
			}
			if noted["MUG-1"] != before {
				t.Error("another copy of the cart has changed")
			}
		})
	}
}

func TestNewID(t *testing.T) {
	a, b := cart.NewID(), cart.NewID()
	if a == b || len(a) < 20 || strings.Trim(a, "abcdefghijklmnopqrstuvwxyz234567") != "" {
		t.Errorf("got %s, %s", a, b)
	}
}
