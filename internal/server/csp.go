package server

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/respond"
)

// csp is the Content-Security-Policy, in three parts around the two nonces.
type csp struct{ scripts, styles, hosts string }

// newCSP allows frames, calls and pictures of Klarna's browser origins. The hosts of the
// catalogue's pictures follow at the end.
// A script needs the nonce; it may then load others.
func newCSP(klarna []string) csp {
	origins := strings.Join(klarna, " ")
	return csp{
		scripts: "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; " +
			"frame-ancestors 'none'; script-src 'strict-dynamic' 'nonce-",
		styles: "'; style-src 'self' 'nonce-",
		hosts: "'; frame-src " + origins + "; connect-src 'self' " + origins +
			"; img-src 'self' " + origins,
	}
}

func (c csp) header(nonce string, images []string) string {
	return c.scripts + nonce + c.styles + nonce + strings.Join(append([]string{c.hosts}, images...), " ")
}

// permissions switches off what neither the shop nor a payment form needs. Payment,
// camera (to read a card), clipboard and full screen keep the browser's defaults: the
// frame's allow attribute decides.
const permissions = "bluetooth=(), display-capture=(), geolocation=(), hid=(), microphone=(), midi=(), serial=(), usb=()"

// secure sets the security headers and puts the nonce where templates find it.
func (s *Server) secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		nonce := rand.Text()
		h := w.Header()
		h.Set(respond.CSP, s.csp.header(nonce, s.o.Published.Now().ImageOrigins))
		h.Set("X-Content-Type-Options", "nosniff")
		// No page, not even ours with a script that counts visits, learns the address that its
		// reader comes from: it may hold an order's key or what staff look for. With no-referrer
		// Chromium sends "Origin: null" on our own forms.
		h.Set("Referrer-Policy", "strict-origin")
		// Klarna's form opens windows, which it must be able to talk to.
		h.Set("Cross-Origin-Opener-Policy", "same-origin-allow-popups")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", permissions)
		h.Set("Cache-Control", "no-store") // for whatever does not say otherwise
		if s.https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r.WithContext(templ.WithNonce(r.Context(), nonce)))
	})
}
