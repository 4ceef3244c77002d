package server

import (
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
