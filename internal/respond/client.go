package respond

import (
	"net/http"
	"net/netip"

	"github.com/go-chi/chi/v5/middleware"
)

// Client is where a request comes from, for what is counted by client: the address that
// a middleware of the server has found, else that of the connection. Of an IPv6 address
// it is the network, because a client has all of it. It is not for logs.
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
