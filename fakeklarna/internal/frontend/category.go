package frontend

import (
	"fmt"
	"html"
	"net/http"
	"strings"

	"github.com/shopd/shopd/internal/i18n"

	"github.com/shopd/shopd/fakeklarna/internal/payments"
)

// paymentsRoutes adds the routes for browsers: the redirect after the purchase and the
// categories' pictures.
func (s *Server) paymentsRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /kp/v1/sessions/{id}/redirect", s.serveRedirect)
	mux.HandleFunc("GET /kp/assets/{language}/{name}", serveCategory)
}

// serveRedirect sends a browser on to the merchant's confirmation page.
// Source: docs.klarna.com, Create an order (redirect_url).
func (s *Server) serveRedirect(w http.ResponseWriter, r *http.Request) {
	s.Mu.Lock()
	to := ""
	if p := s.kp.Kept.Sessions[r.PathValue("id")]; p != nil {
		to = p.ConfirmationURL
	}
	s.Mu.Unlock()
	if to == "" {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure where there is TLS
		Name: "klarna_client_id", Value: r.PathValue("id"), Path: s.BasePath() + "/",
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
		label, width = payments.CategoryName(identifier, i18n.LangOf(r.PathValue("language"))), 260
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
