package api_test

import (
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/api"
)

// Each name that is taken can be in an address: of dots alone browsers and clients make another one.
func TestNamesInAddresses(t *testing.T) {
	w := world(t)
	c := calls(w)
	for _, name := range []string{"-", "_", ".a", "a..", "..-", "...0", strings.Repeat("x", 64)} {
		made := c.want(c.put(name, basket(tent, home, `"order_number": "`+name+`"`)), 201, "").Session
		open(w, w.Browser(), made)
		if got := c.want(c.call("GET", "/checkout_sessions/"+name, ""), 200, "").Session; got.Reference != name || got.OrderNumber != name {
			t.Errorf("%s is read as %s with number %s", name, got.Reference, got.OrderNumber)
		}
	}
	for _, name := range []string{".", "..", "...", strings.Repeat("x", 65)} {
		c.want(c.put(name, basket(tent, home)), 422, api.CodeInvalid)
		c.want(c.put("a", basket(tent, home, `"order_number": "`+name+`"`)), 422, api.CodeInvalid)
	}
}
