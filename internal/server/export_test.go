package server

import (
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Limiter is limiter.
type Limiter struct{ *limiter }

// NewLimiter is newLimiter.
func NewLimiter(perMinute, most int) Limiter { return Limiter{newLimiter(perMinute, most)} }

// Take is take.
func (l Limiter) Take(client netip.Prefix, now time.Time) time.Duration { return l.take(client, now) }

// Clients is how many are remembered.
func (l Limiter) Clients() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.clients) != l.order.Len() {
		return -1
	}
	return l.order.Len()
}

// Hasten shortens all time limits of a server to d.
func (s *Server) Hasten(d time.Duration) { s.limits = limits{d, d, d, d, d} }

// HastenBodies shortens the time limit of a request's body alone: on a busy machine its
// head must not be what is late.
func (s *Server) HastenBodies(d time.Duration) { s.limits.read = d }

// HastenAnswers shortens the time limit of an answer alone.
func (s *Server) HastenAnswers(d time.Duration) { s.limits.write = d }

// Servers is servers.
func (s *Server) Servers() (shop, ops *http.Server) { return s.servers() }

// BoundConnections is the ConnState of a server that keeps so many connections.
func BoundConnections(most int) func(net.Conn, http.ConnState) { return newConnections(most).follow }
