// Package frontend serves shoppers' browsers: of the checkout the bootstrap script that
// html_snippet loads, and the iframe; of Klarna Payments library, widget and dialog; with the
// JSON calls that they make.
package frontend

import (
	"net/http"

	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/management"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/web"
)

// frameCSP allows any shop to show the frame, which loads only its own files and the pictures
// of other providers.
const frameCSP = "default-src 'none'; script-src 'self'; img-src https:; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'"

// Server is what shoppers' browsers get.
type Server struct {
	*engine.State
	kco *checkout.Service
	kp  *payments.Service
	om  *management.Service
}

// New returns it.
func New(s *engine.State, kco *checkout.Service, kp *payments.Service, om *management.Service) *Server {
	return &Server{State: s, kco: kco, kp: kp, om: om}
}

// Routes adds what browsers ask for.
func (s *Server) Routes(mux *http.ServeMux) {
	mux.Handle("GET /kcoc/"+web.Version+"/", http.StripPrefix("/kcoc/"+web.Version+"/", serveAssets()))
	mux.HandleFunc("GET /v1/checkout/snippet/load", serveClientEvent)
	mux.HandleFunc("GET /kco/checkout/orders/{id}/frame", framePage("frame.html"))
	mux.HandleFunc("GET /kco/checkout/orders/{id}", s.frameAuthorised(s.serveFrameOrder))
	mux.HandleFunc("POST /kco/checkout/orders/{id}/shopper", s.frameAuthorised(s.serveFrameAction))
	s.widgetRoutes(mux)
	s.paymentsRoutes(mux)
}

func serveAssets() http.Handler {
	files := http.FileServerFS(web.Assets)
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
		web.WritePage(w, http.StatusOK, frameCSP, "no-referrer", web.Pages(), template, web.Version)
	}
}
