package respond

import (
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"
)

// Client returns the client of a request, for counting. It is the address that the
// server's middleware has found, else that of the connection. For IPv6 it is the /64
// network, because one client has all of it. It must not be logged.
func Client(r *http.Request) netip.Prefix {
	address := middleware.GetClientIPAddr(r.Context())
	if !address.IsValid() {
		connection, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil { // on a unix socket: all are one client
			return netip.Prefix{}
		}
		address = connection.Addr()
	}
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	client, _ := address.Prefix(bits) // bits are never more than the address has
	return client
}
