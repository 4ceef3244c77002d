package market

import "golang.org/x/text/language"

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
