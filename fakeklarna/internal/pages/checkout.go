package pages

import (
	crand "crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"regexp"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
)

// checkoutContent is the content of the page that shows an order's iframe
// without a shop around it.
type checkoutContent struct {
	ID, Short string
	Snippet   template.HTML
}

var (
	// inlineTag is a script or style element of the snippet. In the merchant's
	// texts there is no such thing: they stand in scripts as JSON, without <.
	inlineTag = regexp.MustCompile(`<(script|style)\b`)
	styleAttr = regexp.MustCompile(`(<div\b[^>]*?) style="[^"]*"`)
)

// showCheckout shows the snippet as a shop should: its scripts and styles by
// nonce, its style attribute in our own sheet.
func (s *Server) showCheckout(w http.ResponseWriter, _ *http.Request, id string) {
	v, err := s.kco.View(id)
	if err != nil {
		s.show(w, missingPage("orders", "There is no order "+cut(id, 60)+", or it has expired."), fakeCSP)
		return
	}
	nonce := crand.Text()
	s.Mu.Lock()
	at, err := url.Parse(s.BaseURL())
	s.Mu.Unlock()
	frames := "'self'"
	if err == nil {
		frames += " " + at.Scheme + "://" + at.Host
	}
	snippet := inlineTag.ReplaceAllString(v.HTMLSnippet, `<$1 nonce="`+nonce+`"`)
	snippet = styleAttr.ReplaceAllString(snippet, "$1")
	csp := "default-src 'none'; script-src 'nonce-" + nonce + "' 'strict-dynamic'; style-src 'self' 'nonce-" + nonce + "'; " +
		"img-src " + frames + "; frame-src " + frames + "; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
	c := checkoutContent{id, engine.Short(id), template.HTML(snippet)} //nolint:gosec // made by renderSnippet, which escapes
	s.show(w, page{template: "checkout.html", Title: "Checkout of order " + c.Short, Section: "orders", Content: c}, csp)
}
