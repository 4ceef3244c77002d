package market

import "golang.org/x/text/language"

// homes are the markets for languages without a country that we serve.
var homes = map[string]string{
	"sv": "SE", "nb": "NO", "da": "DK", "fi": "FI", "de": "DE", "nl": "NL", "en": "GB",
}

// FromAcceptLanguage chooses country and locale for a new visitor by the Accept-Language
// header. The first useful entry, by preference, decides. An entry with a country that we
// serve gives that country. The locale is the entry's language, else the first language
// of the header that the market has, else the market's default. An entry with only a
// language gives the language's home market. Without a useful entry it is SE and en-SE.
func FromAcceptLanguage(header string) (country, locale string) {
	tags, _, _ := language.ParseAcceptLanguage(header)
	for _, tag := range tags {
		if region, confidence := tag.Region(); confidence == language.Exact {
			if m, served := Lookup(region.String()); served {
				return m.Country, m.firstSpoken(tag, tags)
			}
		}
		if home, known := homes[languageOf(tag)]; known {
			m, _ := Lookup(home)
			locale, _ := m.localeOf(languageOf(tag))
			return m.Country, locale
		}
	}
	return "SE", "en-SE"
}

// firstSpoken returns the market's locale for the first tag whose language it has, else
// its default locale.
func (m Market) firstSpoken(first language.Tag, others []language.Tag) string {
	for _, tag := range append([]language.Tag{first}, others...) {
		if locale, ok := m.localeOf(languageOf(tag)); ok {
			return locale
		}
	}
	return m.Locales[0]
}

// languageOf returns a tag's language in our codes: all Norwegian is "nb".
func languageOf(tag language.Tag) string {
	base, confidence := tag.Base()
	switch code := base.String(); {
	case confidence != language.Exact: // guessed from a country alone
		return ""
	case code == "no", code == "nn":
		return "nb"
	default:
		return code
	}
}
