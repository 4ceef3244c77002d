package i18n_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/i18n"
)

// The rules of docs/texts.md, as far as a program can check them.

// eachText calls check for every text of every language.
func eachText(t *testing.T, check func(t *testing.T, lang i18n.Lang, key, text string)) {
	t.Helper()
	for _, lang := range i18n.Langs() {
		t.Run(string(lang), func(t *testing.T) {
			for key, text := range i18n.Texts(lang) {
				check(t, lang, key, text)
			}
		})
	}
}

// buying finds the words by which a button asks for an order. "Te koop" is for sale.
var buying = map[i18n.Lang]*regexp.Regexp{
	i18n.English:   regexp.MustCompile(`(?i)\b(buy|purchase)\b`),
	i18n.Swedish:   regexp.MustCompile(`(?i)\bköp\b`),
	i18n.Norwegian: regexp.MustCompile(`(?i)\bkjøp\b`),
	i18n.Danish:    regexp.MustCompile(`(?i)\bkøb\b`),
	i18n.Finnish:   regexp.MustCompile(`(?i)\b(osta|ostaa)\b`),
	i18n.German:    regexp.MustCompile(`(?i)\b(kaufen|zahlungspflichtig)\b`),
	i18n.Dutch:     regexp.MustCompile(`(?i)\b(koop|kopen)\b`),
}

// TestOnlyTheOrderButtonSaysBuy: a sentence may speak of buying, a label may not.
func TestOnlyTheOrderButtonSaysBuy(t *testing.T) {
	eachText(t, func(t *testing.T, lang i18n.Lang, key, text string) {
		sentence := strings.HasSuffix(text, ".")
		if key == "payments.buy" || sentence || !buying[lang].MatchString(strings.ReplaceAll(text, "te koop", "")) {
			return
		}
		t.Errorf("%s: a label that is not the order button says buy: %q", key, text)
	})
}

// TestOrderButton: whoever presses it knows that it costs something.
func TestOrderButton(t *testing.T) {
	for lang, want := range map[i18n.Lang]string{
		i18n.English: "Buy for €1.00", i18n.Swedish: "Köp för €1.00", i18n.Norwegian: "Kjøp for €1.00", i18n.Danish: "Køb for €1.00",
		i18n.Finnish: "Tilaa ja maksa €1.00", i18n.German: withoutAmount, i18n.Dutch: "Bestellen en €1.00 betalen",
	} {
		if got := i18n.T(lang, "payments.buy", "€1.00"); got != want {
			t.Errorf("%s: got %q, want %q", lang, got, want)
		}
	}
}

// orders and bought find, in one sentence, an order that is bought.
var (
	orders = regexp.MustCompile(`(?i)\b(order|beställning|bestilling|tilau|bestellung|bestelling)`)
	bought = regexp.MustCompile(`(?i)\b(buy|bought|köp|kjøp|køb|osta|osti|kauf|gekauft|koop|kocht|gekocht)`)
	basket = regexp.MustCompile(`(?i)\bostosko\w*`) // a Finnish cart is named for what is bought
	stop   = regexp.MustCompile(`[.;|]\s*`)
)

// TestOrdersArePlaced: goods are bought, orders are placed.
func TestOrdersArePlaced(t *testing.T) {
	eachText(t, func(t *testing.T, _ i18n.Lang, key, text string) {
		for _, sentence := range stop.Split(basket.ReplaceAllString(text, ""), -1) {
			if orders.MatchString(sentence) && bought.MatchString(sentence) {
				t.Errorf("%s: an order is bought: %q", key, sentence)
			}
		}
	})
}

// named are the texts that tell something of a product or a country, and which
// argument its name is.
var named = map[string]string{
	"note.market.body": "{0}", "note.delivery.title": "{0}", "note.not_served.title": "{0}", "payments.country": "{0}", "payments.country_fixed": "{0}",
	"note.sold_out.title": "{0}", "note.gone.title": "{0}", "note.last_gone.title": "{0}", "note.few_left": "{1}", "note.left": "{1}", "note.limit": "{0}", "note.number": "{0}", "note.removed": "{0}", "note.added": "{0}",
}

// TestNamesStandApart: a name has a gender and a number that no text knows, so
// nothing may agree with it. It follows a colon, or one follows it.
func TestNamesStandApart(t *testing.T) {
	for _, lang := range i18n.Langs() {
		for key, name := range named {
			text := i18n.T(lang, key)
			if !strings.Contains(text, ": "+name+".") && !strings.HasPrefix(text, name+": ") {
				t.Errorf("%s: %s: %s stands in the middle of a sentence: %q", lang, key, name, text)
			}
		}
	}
}

// ranges are words that may follow a number, because it has no unit.
var ranges = []string{"to", "till", "til", "bis", "tot", "of", "av", "af", "ein", "in"}

var (
	loose   = regexp.MustCompile(`\d (\pL+)`)
	counted = regexp.MustCompile(`\{0\}\x{a0}\pL`)
)

// TestNumbersHoldTheirUnit: a line never ends between a number and what it counts.
func TestNumbersHoldTheirUnit(t *testing.T) {
	eachText(t, func(t *testing.T, _ i18n.Lang, key, text string) {
		for _, found := range loose.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(ranges, found[1]) {
				t.Errorf("%s: a plain space between number and unit: %q", key, found[0])
			}
		}
		one, many, plural := strings.Cut(text, "|")
		if !plural {
			return
		}
		for _, form := range []string{one, many} {
			if !counted.MatchString(form) {
				t.Errorf("%s: no no-break space between {0} and what it counts: %q", key, form)
			}
		}
	})
}

// providers are the names of who lends the money, and its products.
var providers = regexp.MustCompile(`(?i)klarna|kustom|kco`)

// TestNoProvider: the same texts serve shops of Klarna and of Kustom.
func TestNoProvider(t *testing.T) {
	eachText(t, func(t *testing.T, _ i18n.Lang, key, text string) {
		if providers.MatchString(text) {
			t.Errorf("%s: names the provider: %q", key, text)
		}
	})
}

// foreign are the forms of address that a language of the shop does not use.
var foreign = map[i18n.Lang]*regexp.Regexp{
	i18n.German:    regexp.MustCompile(`(?i)\b(du|dich|dir|dein\w*|euch|euer|eure\w*)\b`),
	i18n.Swedish:   regexp.MustCompile(`\b([Nn]i|Er|Ert|Era)\b`),
	i18n.Norwegian: regexp.MustCompile(`\b(De|Dem|Deres)\b`),
	i18n.Danish:    regexp.MustCompile(`\b(De|Dem|Deres)\b`),
	i18n.Finnish:   regexp.MustCompile(`(?i)\b(te|teidän|teille|teitä|antakaa|valitkaa|yrittäkää)\b`),
	i18n.Dutch:     regexp.MustCompile(`(?i)\b(u|uw)\b`),
}

// TestFormOfAddress: Sie in German, informal everywhere else.
func TestFormOfAddress(t *testing.T) {
	eachText(t, func(t *testing.T, lang i18n.Lang, key, text string) {
		if pattern := foreign[lang]; pattern != nil && pattern.MatchString(text) {
			t.Errorf("%s: %q in %q", key, pattern.FindString(text), text)
		}
	})
}

// visible are labels that stand in the accessible name of their button.
var visible = map[string]string{"tile.add_name": "tile.add", "line.update_name": "line.update", "line.remove_name": "line.remove"}

// TestNamesOfButtons: who says to a computer what a button says finds it (WCAG 2.5.3).
func TestNamesOfButtons(t *testing.T) {
	for _, lang := range i18n.Langs() {
		for name, label := range visible {
			got, want := i18n.T(lang, name), i18n.T(lang, label)
			if !strings.Contains(strings.ToLower(got), strings.ToLower(want)) {
				t.Errorf("%s: %s is %q, without the label %q", lang, name, got, want)
			}
		}
	}
}
