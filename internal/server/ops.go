package server

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/respond"
)

// opsHandler serves the pages for operators only.
func (s *Server) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.o.Observer.Metrics())
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return opsHeaders(mux)
}

// opsHeaders keeps other sites in the operator's browser from reading the answers, also one
// whose name leads here: operators come by an address or a name of their own network.
func opsHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !ownNetwork(r.Host) {
			state(w, http.StatusMisdirectedRequest, "not a name of this port; use an address\n")
			return
		}
		h := w.Header()
		h.Set(respond.CSP, "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'") // pprof's index has styles
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// ownNetwork reports whether a Host is an address, or a name that no public DNS has.
func ownNetwork(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	labels := strings.Split(strings.TrimSuffix(strings.ToLower(host), "."), ".")
	return len(labels) == 1 || slices.Contains([]string{"localhost", "local", "internal", "svc", "test"}, labels[len(labels)-1])
}

// healthz says that the process answers.
func (s *Server) healthz(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, "ok\n") }

// readyz says whether requests should be sent here. It ignores an outage of Klarna: the
// shop tells its shoppers about that.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	if s.draining.Load() {
		state(w, http.StatusServiceUnavailable, "stopping\n")
		return
	}
	if s.o.Unready != nil {
		if why := s.o.Unready(); why != "" {
			state(w, http.StatusServiceUnavailable, why+"\n")
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), pingTime)
	defer cancel()
	if err := s.o.Redis.Ping(ctx).Err(); err != nil {
		s.o.Logger.WarnContext(ctx, "not ready: redis does not answer", "error", err)
		state(w, http.StatusServiceUnavailable, "redis does not answer\n")
		return
	}
	if err := s.o.Database(ctx); err != nil {
		// Pages and carts go on, and a process that takes no requests would not make it better.
		s.o.Logger.WarnContext(ctx, "degraded: the database takes no orders", "error", err)
		state(w, http.StatusOK, "degraded: the database takes no orders\n")
		return
	}
	state(w, http.StatusOK, "ready\n")
}

func state(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}
