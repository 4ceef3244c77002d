package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"time"
)

// A browser gets an identity with the first page from which it can fill a cart. Nothing is
// stored for it. Its first change makes the session of that token, so that two tabs which
// change the cart at once make one session between them: the lease of the token orders them.
//
// The identity has a cookie of its own: a page that comes late does not take the place of the
// session's. It is ours, made by chance, signed and a day old at most, so that nobody can make
// one up, or keep one in store to put into another's browser.

const (
	visitorSuffix = "-visitor" // of the name of the session's cookie
	identityLife  = 24 * time.Hour
	identityTime  = 4 // bytes: when it was made, in Unix seconds
	identityBytes = 16
)

// Visitor gives a browser that has neither session nor identity an identity, with the answer
// of next.
func (s *Sessions) Visitor(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.keys != nil && r.Method == http.MethodGet && s.token(r) == "" {
			http.SetCookie(w, s.visitorCookie(s.newIdentity(time.Now()), 0))
		}
		next.ServeHTTP(w, r)
	})
}

// visitorCookie ends with the browser; maxAge -1: at once.
func (s *Sessions) visitorCookie(value string, maxAge int) *http.Cookie {
	c := s.scs.Cookie
	return &http.Cookie{ //nolint:gosec // as the session's: Secure where the shop is
		Name: c.Name + visitorSuffix, Value: value, Path: c.Path, MaxAge: maxAge, HttpOnly: c.HttpOnly, Secure: c.Secure, SameSite: c.SameSite,
	}
}

// newIdentity is a new token, of the time, of chance, and of the signature of both.
func (s *Sessions) newIdentity(now time.Time) string {
	b := binary.BigEndian.AppendUint32(nil, uint32(now.Unix())) //nolint:gosec // until 2106
	b = append(b, make([]byte, identityBytes)...)
	_, _ = rand.Read(b[identityTime:]) // it never fails
	return base64.RawURLEncoding.EncodeToString(append(b, signature(s.keys()[0], b)...))
}

// isIdentity reports whether a token is an identity that still counts.
func (s *Sessions) isIdentity(token string, now time.Time) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != identityTime+identityBytes+sha256.Size {
		return false
	}
	signed, sum := b[:identityTime+identityBytes], b[identityTime+identityBytes:]
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint32(signed)), 0))
	if age < -time.Minute || age > identityLife { // clocks differ
		return false
	}
	if s.keys == nil {
		return false
	}
	for _, key := range s.keys() {
		if hmac.Equal(sum, signature(key, signed)) {
			return true
		}
	}
	return false
}

func signature(key, signed []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(signed)
	return h.Sum(nil)
}

type adopts struct{}

// adopting is the context for loading the session of a token: one that is not stored yet
// begins under the token when that is an identity.
func (s *Sessions) adopting(ctx context.Context, token string) context.Context {
	return context.WithValue(ctx, adopts{}, s.isIdentity(token, time.Now()))
}

// begun is the session of an identity of which nothing is stored yet; found: it is one.
func begun(ctx context.Context) (b []byte, found bool, err error) {
	if identity, _ := ctx.Value(adopts{}).(bool); !identity {
		return nil, false, nil
	}
	b, err = codec{}.Encode(time.Now().Add(lifetime).UTC(), nil)
	return b, err == nil, err
}
