package fakeklarna

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/i18n"
)

// paymentCategories are the categories in the order in which they are offered,
// with their names by language. Which countries have which is this fake's choice.
var paymentCategories = []struct {
	identifier string
	names      map[i18n.Lang]string
}{
	{"pay_later", map[i18n.Lang]string{
		"en": "Pay in 30 days", "sv": "Betala inom 30 dagar", "nb": "Betal innen 30 dager", "da": "Betal inden 30 dage",
		"fi": "Maksa 30 päivän kuluessa", "de": "In 30 Tagen bezahlen", "nl": "Binnen 30 dagen betalen"}},
	{"pay_now", map[i18n.Lang]string{
		"en": "Card", "sv": "Kort", "nb": "Kort", "da": "Kort", "fi": "Kortti", "de": "Karte", "nl": "Kaart"}},
	{"pay_over_time", map[i18n.Lang]string{
		"en": "Pay in 3 parts", "sv": "Betala i 3 delar", "nb": "Betal i 3 deler", "da": "Betal i 3 dele",
		"fi": "Maksa 3 erässä", "de": "In 3 Raten bezahlen", "nl": "In 3 delen betalen"}},
}

// categoriesFor returns the identifiers of a session's categories. Companies have only
// the invoice. Outside the core markets there is no invoice.
func categoriesFor(v *Session) []string {
	switch {
	case v.customerType() == "organization":
		return []string{"pay_later"}
	case slices.Contains([]string{"SE", "NO", "DK", "FI", "DE", "AT", "NL", "CH", "GB", "US"}, v.market()):
		return []string{"pay_later", "pay_now", "pay_over_time"}
	}
	return []string{"pay_now", "pay_over_time"}
}

// categoriesOf returns a session's categories as the API answers them. The
// caller holds s.mu.
func (s *Server) categoriesOf(v *Session) []PaymentCategory {
	offered := categoriesFor(v)
	language := i18n.LangOf(v.Locale)
	var all []PaymentCategory
	for _, c := range paymentCategories {
		if !slices.Contains(offered, c.identifier) {
			continue
		}
		base := fmt.Sprintf("%s/kp/assets/%s/%s-", s.publicURL(), language, c.identifier)
		all = append(all, PaymentCategory{c.identifier, c.names[language], AssetURLs{base + "descriptive.svg", base + "standard.svg"}})
	}
	return all
}

// paymentsRoutes adds the routes for browsers: the redirect after the purchase and the
// categories' pictures.
func (s *Server) paymentsRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /kp/v1/sessions/{id}/redirect", s.serveRedirect)
	mux.HandleFunc("GET /kp/assets/{language}/{name}", serveCategory)
}

// serveRedirect sends a browser on to the merchant's confirmation page.
// Source: docs.klarna.com, Create an order (redirect_url).
func (s *Server) serveRedirect(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	to := ""
	if p := s.payments.Sessions[r.PathValue("id")]; p != nil {
		to = p.ConfirmationURL
	}
	s.mu.Unlock()
	if to == "" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where there is TLS
		Name: "klarna_client_id", Value: r.PathValue("id"), Path: s.basePath() + "/",
		HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// glyphs are the drawings of the categories: a sheet, a card, three parts.
var glyphs = map[string]string{
	"pay_later":     `<path d="M12 5h16v15H12zM15 9h10M15 12h10M15 15h6"/>`,
	"pay_now":       `<path d="M8 6h24v13H8zM8 10h24M11 15h6"/>`,
	"pay_over_time": `<path d="M8 6h6v13H8zM17 6h6v13h-6zM26 6h6v13h-6z"/>`,
}

// serveCategory serves a neutral picture of 40 × 25. The descriptive one has the name
// beside it.
func serveCategory(w http.ResponseWriter, r *http.Request) {
	identifier, form, _ := strings.Cut(strings.TrimSuffix(r.PathValue("name"), ".svg"), "-")
	glyph, width, label := glyphs[identifier], 40, ""
	if form == "descriptive" {
		for _, c := range paymentCategories {
			if c.identifier == identifier {
				label = c.names[i18n.LangOf(r.PathValue("language"))]
			}
		}
		width = 260
	}
	if glyph == "" || form != "descriptive" && form != "standard" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml")
	h.Set("Cache-Control", "public, max-age=86400")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="25" viewBox="0 0 %d 25">`+
		`<rect x=".5" y=".5" width="39" height="24" fill="#fff" stroke="#85858f"/><g fill="none" stroke="#33333d" stroke-width="1.5">%s</g>`+
		`<text x="50" y="17" font-family="sans-serif" font-size="14" fill="#85858f">%s</text></svg>`, width, width, glyph, html.EscapeString(label))
}
