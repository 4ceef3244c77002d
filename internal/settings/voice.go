package settings

import "github.com/shopd/shopd/internal/i18n"

// Voice is how the shop speaks in the language of a locale.
func (s *Shop) Voice(locale string) i18n.Voice {
	return i18n.Voice{Lang: i18n.LangOf(locale), Own: s.Texts}
}

// Where pages of the shop's own are, below its address.
const (
	TermsPath   = "/terms"
	PrivacyPath = "/privacy"
	ReturnsPath = "/returns"
)

// Address returns where the page is for readers of a language: here, or elsewhere. "": there
// is none.
func (p Page) Address(l i18n.Lang, here string) string {
	text, _, found := p.In(l)
	switch {
	case !found:
		return ""
	case text.URL != "":
		return text.URL
	}
	return here
}

// In returns the page in a language, else as [i18n.In] does, and its language. False: there
// is none.
func (p Page) In(l i18n.Lang) (PageText, i18n.Lang, bool) {
	text, in := i18n.In(p, l)
	return text, in, len(p) > 0
}
