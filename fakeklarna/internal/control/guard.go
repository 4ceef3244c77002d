package control

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
)

// Guard keeps pages of other sites out of the fake's own interface, which asks for no
// credentials. It refuses changes that they send, and everything under a name that is not
// the fake's: a site may let its own name lead to this machine (DNS rebinding), and is
// then of the same origin.
func (s *Server) Guard(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		switch {
		case !s.isNamed(r):
			sendRefusal(w, http.StatusMisdirectedRequest, "wrong_host",
				"the fake's own interface does not answer to the host "+r.Host+"; if that is its name, start it with -allow-hosts (in Go: Options.AllowHosts)")
		case protection.Check(r) != nil:
			sendRefusal(w, http.StatusForbidden, "cross_origin", "a page of another site must not do this")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// isNamed reports whether a request names the fake: by a loopback name, the address at
// which it listens, that of browsers, or one of s.hosts. A handler that is called without
// a connection is not asked by a browser.
func (s *Server) isNamed(r *http.Request) bool {
	local, connected := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !connected {
		return true
	}
	host := r.Host
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	is := func(name string) bool { return strings.EqualFold(name, host) }
	if callback.IsLoopback(host) || s.PublicURL != nil && is(s.PublicURL.Hostname()) || slices.ContainsFunc(s.hosts, is) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	tcp, ok := local.(*net.TCPAddr)
	return err == nil && ok && tcp.AddrPort().Addr().Unmap() == ip.Unmap()
}
