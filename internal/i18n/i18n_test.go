package i18n_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/i18n"
)

func TestLangOf(t *testing.T) {
	for _, test := range []struct {
		locale string
		want   i18n.Lang
	}{
		{"nb-NO", i18n.Norwegian},
		{"no", i18n.Norwegian},
		{"nn-NO", i18n.Norwegian},
		{"SV_se", i18n.Swedish},
		{"fi", i18n.Finnish},
		{"en-SE", i18n.English},
		{"fr-FR", i18n.English},
		{"", i18n.English},
	} {
		t.Run(test.locale, func(t *testing.T) {
			if got := i18n.LangOf(test.locale); got != test.want {
				t.Errorf("LangOf(%q) = %q, want %q", test.locale, got, test.want)
			}
		})
	}
}

func TestT(t *testing.T) {
	for _, test := range []struct {
		name string
		lang i18n.Lang
		key  string
		args []any
		want string
	}{
		{"plain", i18n.Swedish, "cart.title", nil, "Varukorg"},
		{"argument", i18n.English, "note.removed", []any{"Enamel mug"}, "Removed: Enamel mug."},
		{"two arguments", i18n.German, "discount.works", []any{"FOG10", "10 %"}, "FOG10: 10 % Rabatt."},
		{"argument used twice", i18n.English, "note.left", []any{3, "Tea"}, "Only 3 left: Tea. The quantity is now 3."},
		{"one", i18n.English, "order.items", []any{1}, "1\u00a0item"},
		{"none", i18n.English, "order.items", []any{0}, "0\u00a0items"},
		{"many", i18n.Finnish, "order.items", []any{7}, "7\u00a0tuotetta"},
		{"no arguments: a template for scripts", i18n.English, "note.removed", nil, "Removed: {0}."},
		{"too few arguments", i18n.English, "discount.works", []any{"FOG10"}, "FOG10: {1} off."},
		{"an argument is not a template", i18n.English, "discount.works", []any{"{1}", "{0}"}, "{1}: {0} off."},
		{"unknown language", "xx", "cart.title", nil, "Cart"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := i18n.T(test.lang, test.key, test.args...); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTPanicsOnUnknownKey(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	i18n.T(i18n.English, "no.such.key")
}

func TestNames(t *testing.T) {
	for _, test := range []struct{ name, got, want string }{
		{"language", i18n.Norwegian.Name(), "Norsk bokmål"},
		{"country", i18n.CountryName(i18n.German, "NL"), "Niederlande"},
		{"country that is not served", i18n.CountryName(i18n.German, "IS"), "Island"},
		{"no country", i18n.CountryName(i18n.German, "EU"), "EU"},
		{"no two letters", i18n.CountryName(i18n.German, "Island"), "Island"},
		{"currency", i18n.CurrencyName(i18n.English, "NOK"), "Norwegian kroner"},
		{"currency that is not used", i18n.CurrencyName(i18n.English, "ISK"), "ISK"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.got != test.want {
				t.Errorf("got %q, want %q", test.got, test.want)
			}
		})
	}
}

func TestDate(t *testing.T) {
	day := time.Date(2026, time.April, 6, 23, 59, 0, 0, time.UTC)
	for lang, want := range map[i18n.Lang]string{
		i18n.English: "6 April 2026", i18n.Swedish: "2026-04-06", i18n.Norwegian: "06.04.2026", i18n.Danish: "06.04.2026",
		i18n.Finnish: "6.4.2026", i18n.German: "06.04.2026", i18n.Dutch: "06-04-2026", "xx": "6 April 2026",
	} {
		if got := i18n.Date(lang, day); got != want {
			t.Errorf("%s: got %q, want %q", lang, got, want)
		}
	}
}

var placeholder = regexp.MustCompile(`\{\d\}`)

// placeholders lists those of a text, or of each of its plural forms.
func placeholders(text string) [][]string {
	var all [][]string
	for form := range strings.SplitSeq(text, "|") {
		found := placeholder.FindAllString(form, -1)
		slices.Sort(found)
		all = append(all, found)
	}
	return all
}

// same are the texts that other languages share with English by right.
var same = regexp.MustCompile(`^(home\.title|title\.page|line\.times|totals\.option|country\..*|currency\..*)$`)

// abbreviation ends a text with a full stop that ends no sentence.
var abbreviation = regexp.MustCompile(`(mva|MwSt|stk)\.$`)

// loans are words that a language took over from English, or has in common with it.
var loans = []string{"Postcode", "Material", "Name", "Express", "Reference {0}.", "Shop", "(optional)", "Contact", "Privacy", "{0} for {1}", "{0}: {1} for {2}."}

// optional is the text that a shop may have, and has none of ours.
const optional = "footer.note"

// withoutAmount is the German order button: the law wants these words and
// nothing else, so it alone leaves out what English says. The amount stands above it.
const withoutAmount = "Zahlungspflichtig bestellen"

func TestTextsOfAllLanguages(t *testing.T) {
	english := i18n.Texts(i18n.English)
	for _, lang := range i18n.Langs() {
		t.Run(string(lang), func(t *testing.T) {
			texts := i18n.Texts(lang)
			for key := range texts {
				if _, ok := english[key]; !ok {
					t.Errorf("%s: not in English", key)
				}
			}
			for key, source := range english {
				text, ok := texts[key]
				switch {
				case key == optional && ok:
					if text != "" {
						t.Errorf("%s: every shop says %q", key, text)
					}
				case !ok || strings.TrimSpace(text) == "":
					t.Errorf("%s: missing", key)
					continue
				case lang != i18n.English && text == source && !same.MatchString(key) && !slices.Contains(loans, text):
					t.Errorf("%s: still English: %q", key, text)
				case strings.ContainsAny(text, `'"<>`) || strings.TrimSpace(text) != text || strings.Contains(text, "  "):
					t.Errorf("%s: typewriter quotes, markup or odd spaces: %q", key, text)
				case strings.HasSuffix(source, ".") != strings.HasSuffix(text, ".") && !abbreviation.MatchString(text):
					t.Errorf("%s: a sentence in one language only: %q, %q", key, source, text)
				}
				if lang == i18n.German && key == "payments.buy" && text == withoutAmount {
					continue
				}
				if diff := cmp.Diff(placeholders(source), placeholders(text)); diff != "" {
					t.Errorf("%s: placeholders (-English +%s):\n%s", key, lang, diff)
				}
			}
		})
	}
}
