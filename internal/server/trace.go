package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/trace"
)

// traced are the middlewares that make each request a span: none without traces.
// Health checks and assets would drown the others.
func (s *Server) traced() []func(http.Handler) http.Handler {
	if s.o.Trace == nil {
		return nil
	}
	return []func(http.Handler) http.Handler{func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch path := r.URL.Path; {
			case path == "/healthz", path == "/readyz", strings.HasPrefix(path, "/static/"):
				next.ServeHTTP(w, r)
				return
			}
			ctx, span := s.o.Trace.Request(r.Context(), r.Header, strings.HasPrefix(r.URL.Path, kco.CallbackPath))
			sent := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			r = r.WithContext(ctx)
			cut := true // by a panic, unless it comes back
			defer func() {
				method, route := label(r)
				served := trace.Served{Method: method, Route: route, Status: sent.Status(), RequestID: w.Header().Get("X-Request-Id")}
				if served.Status == 0 && !cut {
					served.Status = http.StatusOK
				}
				span.End(ctx, served)
			}()
			next.ServeHTTP(sent, r)
			cut = false
		})
	}}
}
