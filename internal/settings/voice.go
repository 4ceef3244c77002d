package settings

import "github.com/shopd/shopd/internal/i18n"

// Voice is how the shop speaks in the language of a locale.
func (s *Shop) Voice(locale string) i18n.Voice {
	return i18n.Voice{Lang: i18n.LangOf(locale), Own: s.Texts}
}

// In returns the page in a language, else as [i18n.In] does, and its language. False: there
// is none.
func (p Page) In(l i18n.Lang) (PageText, i18n.Lang, bool) {
	text, in := i18n.In(p, l)
	return text, in, len(p) > 0
}
