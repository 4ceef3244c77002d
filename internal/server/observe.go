package server

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/shopd/shopd/internal/logs"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/trace"
)

// observe logs and measures each request by the pattern of its route. The path itself,
// its query and the client's address are not kept: they may hold tokens or personal
// data.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		s.o.Metrics.inFlight.Inc()
		defer s.o.Metrics.inFlight.Dec()
		sent := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(sent, r)

		took := time.Since(start)
		method, route := label(r)
		status := sent.Status()
		if status == 0 {
			status = http.StatusOK
		}
		s.o.Metrics.requests.WithLabelValues(method, route, codeLabel(status)).Observe(took.Seconds())
		level := slog.LevelInfo
		switch route {
		case "/healthz", "/readyz", "/static/*":
			level = slog.LevelDebug
		}
		s.o.Logger.LogAttrs(r.Context(), level, "request",
			slog.String("method", method), slog.String("route", route), slog.Int("status", status),
			slog.Int("bytes", sent.BytesWritten()), slog.Float64("duration_ms", float64(took.Microseconds())/1000))
	})
}

// noRoute is the route of a request that has none.
const noRoute = "none"

// label returns method and route, both from a bounded set. The pattern is complete only
// after the handler has run.
func label(r *http.Request) (method, route string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		method = r.Method
	default:
		method = "other"
	}
	if route = chi.RouteContext(r.Context()).RoutePattern(); route == "" {
		route = noRoute
	}
	return method, route
}

// LogHandler returns h with the request's ID, and that of its trace where there is one,
// added to each record, beside what [logs.Handler] adds.
func LogHandler(h slog.Handler) slog.Handler { return logHandler{logs.Handler(h)} }

type logHandler struct{ slog.Handler }

func (h logHandler) Handle(ctx context.Context, rec slog.Record) error {
	if id := respond.RequestID(ctx); id != "" {
		rec.AddAttrs(slog.String("request_id", id))
	}
	rec.AddAttrs(trace.LogAttrs(ctx)...)
	return h.Handler.Handle(ctx, rec)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs)}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name)}
}
