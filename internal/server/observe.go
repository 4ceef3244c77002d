package server

import (
	"net/http"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe"
)

// observe reports each request to the observer.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, serving := s.o.Observer.Request(r.Context(), r.Header, kind(r.URL.Path))
		sent := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		r = r.WithContext(ctx)
		cut := true // by a panic, unless it comes back
		defer func() {
			served := observe.Served{Status: sent.Status(), Bytes: sent.BytesWritten()}
			if served.Status == 0 && !cut {
				served.Status = http.StatusOK
			}
			served.Method, served.Route = label(r)
			served.Kind = kind(served.Route)
			serving.End(ctx, served)
		}()
		next.ServeHTTP(sent, r)
		cut = false
	})
}

// kind returns how a request is traced, by its path or the pattern of its route.
func kind(path string) observe.Kind {
	switch {
	case path == "/healthz", path == "/readyz", strings.HasPrefix(path, "/static/"):
		return observe.Untraced
	case strings.HasPrefix(path, kco.CallbackPath):
		return observe.Joining
	}
	return observe.Traced
}

// label returns method and route, both from a bounded set. The route is known only after
// the handler has run.
func label(r *http.Request) (method, route string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut:
		method = r.Method
	default:
		method = "other"
	}
	return method, chi.RouteContext(r.Context()).RoutePattern()
}
