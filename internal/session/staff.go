package session

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/redis/go-redis/v9"
)

const (
	// StaffIdle is how long the session of staff lives without a request.
	StaffIdle = 30 * time.Minute
	// StaffLifetime is how long it lives at most.
	StaffLifetime = 12 * time.Hour

	// staffAfter is how much longer the browser keeps the token: who sends a form after the
	// session has ended gets it back; see Form.
	staffAfter = 12 * time.Hour

	staffPrefix = "shopd:staff:"

	staffNameKey  = "name"
	staffProofKey = "proof"
)

// StaffValues are what the session of a member of staff holds.
type StaffValues struct {
	Name string
	// Proof is made from the password at sign-in. When the password changes, the session
	// is over.
	Proof string
}

// Staff keeps the sessions of the back office. Their cookie and keys are not those of
// shoppers. They end after 30 minutes without a request, 12 hours after sign-in, and at
// sign-out. Safe for concurrent use.
type Staff struct {
	scs *scs.SessionManager
	rdb redis.UniversalClient
}

// NewStaff returns the sessions of staff kept in rdb. secure as in Options.
func NewStaff(rdb redis.UniversalClient, secure bool) *Staff {
	m := scs.New()
	m.Store = staffStore{store{rdb, staffPrefix}}
	m.Lifetime, m.IdleTimeout = StaffLifetime, StaffIdle
	m.HashTokenInStore = true
	m.Cookie.Name = "shopd-staff"
	m.Cookie.SameSite = http.SameSiteLaxMode
	if secure {
		m.Cookie.Name, m.Cookie.Secure = "__Host-shopd-staff", true
	}
	return &Staff{scs: m, rdb: rdb}
}

// HasCookie reports whether the request has a session token, known or not. The browser
// drops it 24 hours after sign-in, and at sign-out.
func (s *Staff) HasCookie(r *http.Request) bool { return s.token(r) != "" }

// Find returns the values of the request's session, false when there is none. The
// session then lives for another 30 minutes. The error is ErrStore.
func (s *Staff) Find(r *http.Request) (StaffValues, bool, error) {
	token := s.token(r)
	if token == "" {
		return StaffValues{}, false, nil
	}
	ctx, err := s.scs.Load(r.Context(), token)
	if errors.Is(err, ErrStore) {
		return StaffValues{}, false, err
	}
	if err != nil || s.scs.Token(ctx) == "" {
		return StaffValues{}, false, nil // never stored, ended, or not to be decoded
	}
	if _, _, err := s.scs.Commit(ctx); errors.Is(err, errEnded) {
		return StaffValues{}, false, nil
	} else if err != nil {
		return StaffValues{}, false, err
	}
	return StaffValues{Name: s.scs.GetString(ctx, staffNameKey), Proof: s.scs.GetString(ctx, staffProofKey)}, true, nil
}

// SignIn opens a session with a new token. The request's old session ends. The error is
// ErrStore.
func (s *Staff) SignIn(w http.ResponseWriter, r *http.Request, v StaffValues) error {
	if err := s.end(r); err != nil {
		return err
	}
	ctx, err := s.scs.Load(context.WithValue(r.Context(), opening{}, true), "")
	if err != nil {
		return err
	}
	s.scs.Put(ctx, staffNameKey, v.Name)
	s.scs.Put(ctx, staffProofKey, v.Proof)
	token, _, err := s.scs.Commit(ctx)
	if err != nil {
		return err
	}
	if err := s.remember(ctx, token, v.Name); err != nil {
		return err
	}
	s.scs.WriteSessionCookie(ctx, w, token, s.scs.Deadline(ctx).Add(staffAfter))
	return nil
}

// SignOut ends the request's session, in the store and in the browser. The error is
// ErrStore.
func (s *Staff) SignOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.end(r); err != nil {
		return err
	}
	s.scs.WriteSessionCookie(r.Context(), w, "", time.Time{}) // the browser drops its token
	return nil
}

func (s *Staff) end(r *http.Request) error {
	token := s.token(r)
	if token == "" {
		return nil
	}
	if err := s.forget(r.Context(), token); err != nil {
		return err
	}
	ctx, err := s.scs.Load(r.Context(), token)
	if errors.Is(err, ErrStore) {
		return err
	}
	if err != nil || s.scs.Token(ctx) == "" {
		return nil
	}
	return s.scs.Destroy(ctx)
}

func (s *Staff) token(r *http.Request) string { return tokenOf(s.scs, r) }

// opening marks the context of a sign-in: only a sign-in may store a new session.
type opening struct{}

var errEnded = errors.New("the session has ended")

// staffStore is a store that never brings an ended session back: a request under way at
// sign-out may still try to store its session. Only a sign-in stores what a session holds; a
// use of it moves its end, which a full Redis does, too.
type staffStore struct{ store }

// CommitCtx moves the end of a stored session, or returns errEnded when there is none. A
// sign-in stores a new one.
func (s staffStore) CommitCtx(ctx context.Context, token string, b []byte, expiry time.Time) error {
	key, left := s.prefix+token, time.Until(expiry)
	if ctx.Value(opening{}) != nil {
		return storeError("store staff session", s.rdb.Set(ctx, key, b, left).Err())
	}
	there, err := s.rdb.PExpire(ctx, key, left).Result() // what has no time left is deleted
	if err == nil && (!there || left <= 0) {
		return errEnded
	}
	return storeError("keep staff session", err)
}
