// Package i18n has the shop's texts in every language it speaks. Each language
// is one JSON file in texts, compiled in; English is the source.
package i18n

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// Lang is a language of the shop, an ISO 639-1 code.
type Lang string

// The languages of the shop.
const (
	English   Lang = "en"
	Swedish   Lang = "sv"
	Norwegian Lang = "nb" // bokmål
	Danish    Lang = "da"
	Finnish   Lang = "fi"
	German    Lang = "de"
	Dutch     Lang = "nl"
)

var names = map[Lang]string{
	English: "English", Swedish: "Svenska", Norwegian: "Norsk bokmål", Danish: "Dansk",
	Finnish: "Suomi", German: "Deutsch", Dutch: "Nederlands",
}

// Langs lists the languages, the source first.
func Langs() []Lang {
	return []Lang{English, Swedish, Norwegian, Danish, Finnish, German, Dutch}
}

// Name is the language's name in itself: "Svenska".
func (l Lang) Name() string { return names[l] }

// LangOf returns the language of a locale such as "nb-NO" or "sv", without
// regard to case; English when we do not speak it. Every kind of Norwegian is bokmål.
func LangOf(locale string) Lang {
	language, _, _ := strings.Cut(strings.ReplaceAll(locale, "_", "-"), "-")
	l := Lang(strings.ToLower(language))
	switch {
	case l == "no" || l == "nn":
		return Norwegian
	case texts[l] == nil:
		return English
	}
	return l
}

// T returns the text of a key in a language. Arguments replace {0}, {1}…; a placeholder
// without argument stays. A text "one|many" has a singular and a plural form: the first
// int argument chooses. T panics on an unknown key: keys are in the program, and tests
// use them all.
func T(l Lang, key string, args ...any) string {
	text, ok := lookup(l, key)
	if !ok {
		panic(fmt.Sprintf("i18n: no text %q in %q", key, l))
	}
	return fill(text, args)
}

// CountryName returns the name of a country (alpha-2): "Norway". It also knows countries
// that we do not serve. It returns any other text unchanged.
func CountryName(l Lang, country string) string {
	if text, ok := lookup(l, "country."+country); ok {
		return text
	}
	region, err := language.ParseRegion(country)
	if err != nil || !region.IsCountry() {
		return country
	}
	if name := display.Regions(language.Make(string(l))).Name(region); name != "" {
		return name
	}
	return country
}

// CurrencyName returns the name of a currency as it follows "prices are in": "Norwegian
// kroner". For a currency that we do not use it returns the code.
func CurrencyName(l Lang, code string) string {
	if text, ok := lookup(l, "currency."+code); ok {
		return text
	}
	return code
}

func lookup(l Lang, key string) (string, bool) {
	lang, ok := texts[l]
	if !ok {
		lang = texts[English]
	}
	text, ok := lang[key]
	return text, ok
}

// fill chooses the plural form and puts the arguments in.
func fill(text string, args []any) string {
	if one, many, plural := strings.Cut(text, "|"); plural {
		text = many
		for _, arg := range args {
			if n, ok := arg.(int); ok {
				if n == 1 {
					text = one
				}
				break
			}
		}
	}
	if len(args) == 0 {
		return text
	}
	var b strings.Builder
	b.Grow(2 * len(text))
	for {
		before, rest, found := strings.Cut(text, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		number, after, closed := strings.Cut(rest, "}")
		i, err := strconv.Atoi(number)
		if !closed || err != nil || i < 0 || i >= len(args) {
			b.WriteByte('{')
			text = rest
			continue
		}
		if s, ok := args[i].(string); ok {
			b.WriteString(s)
		} else {
			fmt.Fprint(&b, args[i])
		}
		text = after
	}
}

// Percent is a number of percent as a language writes it.
func Percent(l Lang, n int) string {
	if l == English || l == Dutch {
		return strconv.Itoa(n) + "%"
	}
	return strconv.Itoa(n) + "\u00a0%"
}
