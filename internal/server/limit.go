package server

import (
	"container/list"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"golang.org/x/time/rate"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// maxClients bounds the memory of the limiter to about 20 MiB. It forgets the client
// that has not written for longest.
const maxClients = 100_000

// limiter bounds how often each client writes, in this process only. It protects this
// process and its calls to Klarna; a limit in Redis would cost a round trip per write.
type limiter struct {
	limit rate.Limit
	burst int
	most  int // clients that are remembered

	mu      sync.Mutex
	clients map[netip.Prefix]*list.Element // of counted
	order   *list.List                     // the one that wrote last first
}

type counted struct {
	client netip.Prefix
	bucket *rate.Limiter
}

// newLimiter allows perMinute writes, a sixth of them at once.
func newLimiter(perMinute, most int) *limiter {
	return &limiter{
		limit: rate.Limit(float64(perMinute) / 60), burst: max(1, perMinute/6), most: most,
		clients: map[netip.Prefix]*list.Element{}, order: list.New(),
	}
}

// take counts a write of a client and returns 0. Over the limit it counts nothing and
// returns how long the client must wait.
func (l *limiter) take(client netip.Prefix, now time.Time) (wait time.Duration) {
	bucket := l.bucket(client)
	if bucket.AllowN(now, 1) {
		return 0
	}
	return time.Duration((1 - bucket.TokensAt(now)) / float64(l.limit) * float64(time.Second))
}

func (l *limiter) bucket(client netip.Prefix) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.clients[client]; ok {
		l.order.MoveToFront(known)
		return known.Value.(*counted).bucket
	}
	if l.order.Len() >= l.most {
		oldest := l.order.Back()
		delete(l.clients, l.order.Remove(oldest).(*counted).client)
	}
	c := &counted{client, rate.NewLimiter(l.limit, l.burst)}
	l.clients[client] = l.order.PushFront(c)
	return c.bucket
}

// clientAddress finds the address of the client. It is the address of the connection.
// If that is a trusted proxy, it is the last address in X-Forwarded-For that is not one.
// The client may have invented the addresses before it.
func clientAddress(trusted []netip.Prefix) func(http.Handler) http.Handler {
	if len(trusted) == 0 {
		return middleware.ClientIPFromRemoteAddr
	}
	prefixes := make([]string, len(trusted))
	for i, p := range trusted {
		prefixes[i] = p.String()
	}
	return middleware.ClientIPFromXFF(prefixes...)
}

// isLook reports whether an open page looks whether its basket has changed, as it does every 5 s. It
// asks Klarna nothing.
func isLook(path string) bool {
	_, page, hosted := ofSession(path)
	return hosted && page == "state" || path == api.Path+"/embed/state"
}

// isWrite reports whether a request counts for the limit: it changes something, or is a
// checkout page, which asks Klarna and may create an order. Looks are too many to count.
func isWrite(r *http.Request) bool {
	if isLook(r.URL.Path) {
		return false
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return r.URL.Path == "/checkout" || strings.HasPrefix(r.URL.Path, "/checkout/")
	}
	return true
}

// limitWrites refuses a client's writes above the limit, before anything is read or
// changed.
func (s *Server) limitWrites(next http.Handler) http.Handler {
	if s.o.WriteLimit == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isWrite(r) {
			if wait := s.writes.take(respond.Client(r), time.Now()); wait > 0 {
				s.tooMany(w, r, int(math.Ceil(wait.Seconds())))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// client is clientAddress with a warning to the operator when that cannot work.
func (s *Server) client(next http.Handler) http.Handler {
	return s.address(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != "" {
			s.warnOfProxy(r)
		}
		next.ServeHTTP(w, r)
	}))
}

// warnOfProxy warns the operator, once, that all clients behind a proxy count as one. The
// proxy looks like the shop's own and is not trusted, or it names no readable client.
func (s *Server) warnOfProxy(r *http.Request) {
	problem := ""
	if len(s.o.TrustedProxies) > 0 {
		if !middleware.GetClientIPAddr(r.Context()).IsValid() {
			problem = "no address of a client can be read from X-Forwarded-For: all are one client"
		}
	} else if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && (peer.Addr().Unmap().IsPrivate() || peer.Addr().Unmap().IsLoopback()) {
		problem = "a proxy is not trusted: all who come through it are one client"
	}
	if problem != "" && s.warned.CompareAndSwap(false, true) {
		s.o.Logger.WarnContext(r.Context(), problem, "setting", "-trusted-proxies")
	}
}

// tooMany answers a write over the limit.
func (s *Server) tooMany(w http.ResponseWriter, r *http.Request, seconds int) {
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	if wantsJSON(r) {
		s.fail(w, r, http.StatusTooManyRequests)
		return
	}
	v := templates.TooManyView{Shell: s.shell(r), Seconds: seconds}
	if r.Method == http.MethodGet {
		v.TryURL = r.URL.RequestURI()
	}
	respond.Page(w, r, http.StatusTooManyRequests, templates.TooMany(v))
}
