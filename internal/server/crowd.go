package server

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// How many requests of a lane are served at once, for each processor. What is more is sent away
// at once: whoever has a place is answered before p99 reaches 3 s (docs/performance.md), and
// the memory that requests take is bounded.
const (
	shoppersPerProcessor = 200
	othersPerProcessor   = 100
)

// lane is requests of one kind that share places.
type lane struct {
	name observe.Lane
	most int
	each int // of one client; 0: as many as there are

	mu sync.Mutex
	n  int
	of map[netip.Prefix]int // by client
}

func newLane(name observe.Lane, most, each int) *lane {
	return &lane{name: name, most: most, each: each, of: map[netip.Prefix]int{}}
}

// lanes are apart, so that shoppers do not take the places of a purchase that is under way,
// of Klarna's calls about it, or of the merchant.
type lanes struct{ shoppers, purchases, callbacks, merchant *lane }

// newLanes gives shoppers so many places, and each other lane half as many; 0: by the processors.
// One client has at most half of a lane of browsers.
func newLanes(shoppers int) lanes {
	others := shoppers / 2
	if shoppers == 0 {
		shoppers, others = shoppersPerProcessor*runtime.GOMAXPROCS(0), othersPerProcessor*runtime.GOMAXPROCS(0)
	}
	others = max(others, 1)
	return lanes{
		shoppers: newLane(observe.LaneShoppers, shoppers, max(shoppers/2, 1)), purchases: newLane(observe.LanePurchases, others, max(others/2, 1)),
		callbacks: newLane(observe.LaneCallbacks, others, 0), merchant: newLane(observe.LaneMerchant, others, 0),
	}
}

// enter takes a place; false: there is none.
func (l *lane) enter(client netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.n >= l.most || l.each > 0 && !near(client) && l.of[client] >= l.each {
		return false
	}
	l.n++
	l.of[client]++
	return true
}

func (l *lane) leave(client netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n--
	if l.of[client]--; l.of[client] == 0 {
		delete(l.of, client)
	}
}

// near reports whether a client is a proxy that is not trusted, or of the merchant's own network:
// many may be behind it.
func near(client netip.Prefix) bool {
	return !client.IsValid() || client.Addr().IsPrivate() || client.Addr().IsLoopback()
}

// ofShopper is the lane of a request to the storefront.
func (l lanes) ofShopper(r *http.Request) *lane {
	if strings.HasSuffix(r.URL.Path, "/place") || strings.HasSuffix(r.URL.Path, "/confirmation") {
		return l.purchases
	}
	return l.shoppers
}

// admit serves a request when its lane has a place for it, and else sends it away.
func (s *Server) admit(of func(*http.Request) *lane) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			l, client := of(r), respond.Client(r)
			if !l.enter(client) {
				s.o.Observer.Shed(l.name)
				s.crowded(w, r, l)
				return
			}
			defer l.leave(client)
			next.ServeHTTP(w, r)
		})
	}
}

func always(l *lane) func(*http.Request) *lane { return func(*http.Request) *lane { return l } }

// crowded answers a request for which there is no place. They come again at different times.
func (s *Server) crowded(w http.ResponseWriter, r *http.Request, l *lane) {
	seconds := 3 + rand.N(5) //nolint:gosec // no secret
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	if l == s.lanes.merchant && strings.HasPrefix(r.URL.Path, api.Path+"/") {
		api.Crowded(w, r, time.Duration(seconds)*time.Second)
		return
	}
	if wantsJSON(r) || r.Method != http.MethodGet && r.Method != http.MethodPost {
		f := failures[http.StatusServiceUnavailable]
		respond.JSONError(w, r, http.StatusServiceUnavailable, f.code, f.message, nil)
		return
	}
	shell := s.shell(r)
	v := templates.UnavailableView{Shell: shell, Outage: templates.Crowded, TryURL: shell.Again()}
	if r.Method == http.MethodGet {
		v.Seconds, v.TryURL = seconds, r.URL.RequestURI()
		w.Header().Set("Refresh", strconv.Itoa(seconds))
	}
	respond.Page(w, r, http.StatusServiceUnavailable, templates.Unavailable(v))
}
