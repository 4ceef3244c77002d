// Package session stores which cart and which order belong to a shopper. It is scs on
// Redis with one more rule: only a request that holds the session's lock may write,
// because scs stores a session whole.
package session

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redisconn"
)

const (
	lifetime    = 30 * 24 * time.Hour
	renewAfter  = 24 * time.Hour   // a session older than this gets its lifetime anew
	requestTime = 12 * time.Second // from the request's arrival to its last command

	cartIDKey            = "cart_id"
	kcoOrderIDKey        = "kco_order_id"
	paymentsSessionIDKey = "payments_session_id"
)

var (
	// ErrBusy: another request of this session held the lock for too long, or the browser
	// left while this request waited.
	ErrBusy = errors.New("session is busy")
	// ErrStore: the session could not be loaded, locked or stored.
	ErrStore = errors.New("session store failed")
)

// FailFunc answers a request when its session cannot be loaded, locked or stored. err
// is ErrBusy or ErrStore.
type FailFunc func(w http.ResponseWriter, r *http.Request, err error)

// Options are what New needs; all but Keys, Observer and the times are required.
type Options struct {
	Redis  redis.UniversalClient
	Secure bool // the public URL is https: cookie __Host-shopd instead of shopd
	Logger *slog.Logger
	Fail   FailFunc
	// Keys are, at this moment, those that sign the identities of visitors: the first signs, all
	// verify. Nil: there are no identities.
	Keys func() [][]byte
	// Observer gets each wait for a session's lock; it may be nil.
	Observer *observe.Observer
	// LockWait is how long a request waits for the lock, 0 = DefaultLockWait.
	LockWait time.Duration
	// Lease is how long a killed process can block a session, 0 = DefaultLease. A living
	// process renews its lease after each quarter of that time.
	Lease time.Duration
}

// Default times of Options.
const (
	DefaultLockWait = 6 * time.Second
	DefaultLease    = 4 * time.Second
)

// Values are what a session holds; "" where there is none.
type Values struct {
	CartID     string
	KCOOrderID string // the order that this session's pages show
	// PaymentsSessionID is the session of Klarna Payments that they show.
	PaymentsSessionID string
	// Old: it was given its lifetime more than a day ago. A use of it is served by Renewing.
	Old bool
}

// Sessions loads, locks and stores the sessions of shoppers. Safe for concurrent use.
type Sessions struct {
	scs      *scs.SessionManager
	rdb      redis.UniversalClient
	log      *slog.Logger
	fail     FailFunc
	keys     func() [][]byte // of identities; nil: there are none
	observer *observe.Observer
	wait     time.Duration // for the lock
	lease    time.Duration
	queues   queues
}

// New returns the sessions kept in o.Redis.
func New(o Options) *Sessions {
	m := scs.New()
	m.Store, m.Codec = store{o.Redis, sessionPrefix}, codec{}
	m.Lifetime = lifetime
	m.HashTokenInStore = true
	m.Cookie.Name = "shopd"
	if o.Secure {
		m.Cookie.Name, m.Cookie.Secure = "__Host-shopd", true
	}
	return &Sessions{
		scs: m, rdb: o.Redis, log: o.Logger, fail: o.Fail, keys: o.Keys, observer: o.Observer,
		wait: cmp.Or(o.LockWait, DefaultLockWait), lease: cmp.Or(o.Lease, DefaultLease),
	}
}

// Peek reads the request's session without a lock. A later Locked loads it again. The
// error is ErrStore.
func (s *Sessions) Peek(r *http.Request) (Values, error) {
	ctx, err := s.load(r.Context(), s.token(r))
	if err != nil {
		return Values{}, err
	}
	return Values{CartID: s.CartID(ctx), KCOOrderID: s.KCOOrderID(ctx), PaymentsSessionID: s.PaymentsSessionID(ctx), Old: s.old(ctx)}, nil
}

// old reports whether a session gets its lifetime anew when it is used.
func (s *Sessions) old(ctx context.Context) bool {
	return time.Until(s.scs.Deadline(ctx)) < lifetime-renewAfter
}

// Renewing runs next without the session's lock, so at once, and then gives the session its
// lifetime anew. Where the lock is not to be had, whoever has it does so.
func (s *Sessions) Renewing(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	answer := newBuffer(w.Header())
	defer answer.free()
	next(answer, r)
	_ = s.locked(answer, r, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})) // else the next use renews it
	answer.sendTo(w)
}

// ReadOnly loads the session for next and never stores it; the Set methods panic.
func (s *Sessions) ReadOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		ctx, err := s.load(r.Context(), s.token(r))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Locked runs next under the session's lock. It locks, loads, runs next, stores a
// changed session, unlocks, and only then sends the answer of next. When a step fails,
// fail answers alone (nil: Options.Fail). A request without a cookie needs no lock:
// nobody else knows its session.
//
// The context of next is not cancelled when the browser leaves. Its deadline is the
// request context's, else 12 s from now.
func (s *Sessions) Locked(next http.Handler, fail FailFunc) http.Handler {
	if fail == nil {
		fail = s.fail
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Cookie")
		answer := newBuffer(w.Header())
		defer answer.free()
		if err := s.locked(answer, r, next); err != nil {
			fail(w, r, err)
			return
		}
		answer.sendTo(w)
	})
}

func (s *Sessions) locked(w http.ResponseWriter, r *http.Request, next http.Handler) error {
	deadline, ok := r.Context().Deadline()
	if !ok {
		deadline = time.Now().Add(requestTime)
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(r.Context()), deadline)
	defer cancel()

	token := s.token(r)
	loading := ctx
	if token != "" {
		var release func()
		var err error
		lease := leaseOf(token)
		if loading, release, err = s.obtain(ctx, lease, r.Context().Done()); err != nil {
			return err
		}
		defer release()
		loading = context.WithValue(loading, leaseKey{}, lease)
	}
	ctx, err := s.load(loading, token)
	if err != nil {
		return err
	}
	added := new(bool)
	ctx = context.WithValue(ctx, writable{}, added)
	next.ServeHTTP(w, r.WithContext(ctx))

	if s.scs.Status(ctx) == scs.Destroyed {
		s.scs.WriteSessionCookie(ctx, w, "", time.Time{})
		http.SetCookie(w, s.visitorCookie("", -1))
		return nil
	}
	if s.old(ctx) {
		s.scs.SetDeadline(ctx, time.Now().Add(lifetime).UTC())
	}
	if s.scs.Status(ctx) == scs.Unmodified {
		return nil
	}
	stored, expiry, err := s.scs.Commit(ctx)
	if redisconn.Full(err) && token != "" && !*added {
		// What the session was to forget it knows a little longer, which the next request finds out.
		s.log.WarnContext(ctx, "session not stored: redis is full", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	s.scs.WriteSessionCookie(ctx, w, stored, expiry)
	return nil
}

// CartID returns the session's cart, "" for none.
func (s *Sessions) CartID(ctx context.Context) string {
	return s.scs.GetString(ctx, named(ctx, cartIDKey))
}

// SetCartID makes id the session's cart; "" removes it. It panics outside Locked.
func (s *Sessions) SetCartID(ctx context.Context, id string) { s.set(ctx, cartIDKey, id) }

// KCOOrderID returns the order that the session's pages show, "" for none.
func (s *Sessions) KCOOrderID(ctx context.Context) string {
	return s.scs.GetString(ctx, named(ctx, kcoOrderIDKey))
}

// SetKCOOrderID makes id the order that the session's pages show; "" removes it. It
// panics outside Locked.
func (s *Sessions) SetKCOOrderID(ctx context.Context, id string) { s.set(ctx, kcoOrderIDKey, id) }

// PaymentsSessionID returns the session of Klarna Payments that the session's pages
// show, "" for none.
func (s *Sessions) PaymentsSessionID(ctx context.Context) string {
	return s.scs.GetString(ctx, named(ctx, paymentsSessionIDKey))
}

// SetPaymentsSessionID makes id the session of Klarna Payments that the session's pages
// show; "" removes it. It panics outside Locked.
func (s *Sessions) SetPaymentsSessionID(ctx context.Context, id string) {
	s.set(ctx, paymentsSessionIDKey, id)
}

// Forget ends the session: the browser is a new visitor. It panics outside Locked. The error is
// ErrStore.
func (s *Sessions) Forget(ctx context.Context) error {
	if ctx.Value(writable{}) == nil {
		panic("session: forgotten without the session's lock")
	}
	return s.scs.Destroy(ctx)
}

// writable marks the context of a request that holds the lock, with whether it has added a value.
type writable struct{}

func (s *Sessions) set(ctx context.Context, key, id string) {
	if ctx.Value(writable{}) == nil {
		panic("session: " + key + " set without the session's lock")
	}
	switch key = named(ctx, key); {
	case s.scs.GetString(ctx, key) == id:
	case id == "":
		s.scs.Remove(ctx, key)
	default:
		added, _ := ctx.Value(writable{}).(*bool)
		*added = true
		s.scs.Put(ctx, key, id)
	}
}

// load returns ctx with the session in it, a new one for an unknown token. A stored
// session that cannot be decoded is replaced by a new one: otherwise its owner would be
// locked out for a month.
func (s *Sessions) load(ctx context.Context, token string) (context.Context, error) {
	loaded, err := s.scs.Load(s.adopting(ctx, token), token)
	if err == nil || errors.Is(err, ErrStore) {
		return loaded, err
	}
	s.log.WarnContext(ctx, "stored session replaced by a new one", "error", err)
	return s.scs.Load(ctx, "")
}

// token is the session token of a request, or the identity from which its session will
// begin; "" for none.
func (s *Sessions) token(r *http.Request) string {
	if token := tokenOf(s.scs, r); token != "" {
		return token
	}
	if identity := cookieOf(r, s.scs.Cookie.Name+visitorSuffix); s.isIdentity(identity, time.Now()) {
		return identity
	}
	return ""
}

// tokenOf is the session token in a request's cookie, "" for none.
func tokenOf(m *scs.SessionManager, r *http.Request) string { return cookieOf(r, m.Cookie.Name) }

func cookieOf(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}
