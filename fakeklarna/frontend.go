package fakeklarna

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"sync"

	"github.com/shopd/shopd/internal/i18n"
)

// For browsers: the bootstrap script that html_snippet loads, and the iframe's page with
// its scripts and JSON calls.

//go:embed web
var webFiles embed.FS

// Slow parts are read at first use: a shop in production is the same program and does not
// need them.
var (
	pages        = sync.OnceValue(func() *template.Template { return template.Must(template.ParseFS(webFiles, "web/*.html")) })
	assets       = must(fs.Sub(webFiles, "web/assets"))
	assetVersion = versionOf(assets)
	frameTexts   = sync.OnceValue(func() map[i18n.Lang]map[string]string { return readTexts(assets) })
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// versionOf returns a short hash of all assets. It is part of their address, so browsers
// may cache them for ever.
func versionOf(files fs.FS) string {
	h := sha256.New()
	for _, entry := range must(fs.ReadDir(files, ".")) {
		h.Write([]byte(entry.Name()))
		h.Write(must(fs.ReadFile(files, entry.Name())))
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func readTexts(files fs.FS) map[i18n.Lang]map[string]string {
	var texts map[i18n.Lang]map[string]string
	if err := json.Unmarshal(must(fs.ReadFile(files, "texts.json")), &texts); err != nil {
		panic(err)
	}
	return texts
}

// frameCSP allows any shop to show the frame, which loads only its own files.
const frameCSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"

// frontendServer is what browsers get: snippet and iframe of the checkout, library, widget
// and dialog of Klarna Payments.
type frontendServer struct {
	*engineState
	kco *checkoutService
	kp  *paymentsService
	om  *managementService
}

func newFrontendServer(s *engineState, kco *checkoutService, kp *paymentsService, om *managementService) *frontendServer {
	return &frontendServer{engineState: s, kco: kco, kp: kp, om: om}
}

// routes adds what browsers ask for.
func (s *frontendServer) routes(mux *http.ServeMux) {
	mux.Handle("GET /kcoc/"+assetVersion+"/", http.StripPrefix("/kcoc/"+assetVersion+"/", serveAssets()))
	mux.HandleFunc("GET /v1/checkout/snippet/load", serveClientEvent)
	mux.HandleFunc("GET /kco/checkout/orders/{id}/frame", framePage("frame.html"))
	mux.HandleFunc("GET /kco/checkout/orders/{id}", s.frameAuthorised(s.serveFrameOrder))
	mux.HandleFunc("POST /kco/checkout/orders/{id}/shopper", s.frameAuthorised(s.serveFrameAction))
	s.widgetRoutes(mux)
	s.paymentsRoutes(mux)
}

func serveAssets() http.Handler {
	files := http.FileServerFS(assets)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // the bootstrap script runs in the shop's page
		files.ServeHTTP(w, r)
	})
}

// onePixel is a transparent GIF.
var onePixel = []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")

// serveClientEvent answers the image request by which the snippet reports that it ran.
func serveClientEvent(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "image/gif")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Cross-Origin-Resource-Policy", "cross-origin")
	_, _ = w.Write(onePixel)
}

// framePage serves the page of a frame. It is the same for all orders: the order's token
// is in the fragment, which browsers do not send.
func framePage(template string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writePage(w, http.StatusOK, frameCSP, "no-referrer", pages(), template, assetVersion)
	}
}

// writePage sends a page made from a template.
func writePage(w http.ResponseWriter, status int, csp, referrer string, templates *template.Template, name string, data any) {
	var body bytes.Buffer
	if err := templates.ExecuteTemplate(&body, name, data); err != nil {
		panic(err) // the template does not fit its data: a mistake in this package
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", csp)
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", referrer)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes())
}
