package web_test

import (
	"testing"

	"github.com/shopd/shopd/internal/i18n"

	"github.com/shopd/shopd/fakeklarna/internal/web"
)

// The fake speaks the shop's languages, and English where the shop has learnt one that it has no texts in.
func TestLangOf(t *testing.T) {
	dutch := web.Texts()[i18n.Dutch]
	delete(web.Texts(), i18n.Dutch)
	defer func() { web.Texts()[i18n.Dutch] = dutch }()
	for locale, want := range map[string]i18n.Lang{"nl-NL": i18n.English, "fr-FR": i18n.English, "nn-NO": i18n.Norwegian, "de-AT": i18n.German, "": i18n.English} {
		if got := web.LangOf(locale); got != want {
			t.Errorf("%q: %s, want %s", locale, got, want)
		}
	}
}
