package session

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/redis/go-redis/v9"
)

const (
	// FormLife is how long a form of staff is kept for who signs in again.
	FormLife = 15 * time.Minute

	staffWasPrefix  = "shopd:staff_was:"
	staffFormPrefix = "shopd:staff_form:"
	formSuffix      = "-form" // ends the name of the cookie with a form's key
)

// Form is what a member of staff has sent after the session had ended.
type Form struct {
	Staff  string     `json:"staff"` // who typed it
	Page   string     `json:"page"`  // path of the page that shows it again
	Values url.Values `json:"values"`
}

// Was returns whose session the request's token was or is, false when nobody was signed
// in with it, or who was has signed out. The error is ErrStore.
func (s *Staff) Was(r *http.Request) (name string, found bool, err error) {
	token := s.token(r)
	if token == "" {
		return "", false, nil
	}
	name, err = s.rdb.Get(r.Context(), wasKey(token)).Result()
	if errors.Is(err, redis.Nil) {
		return "", false, nil
	}
	return name, err == nil, storeError("read who was signed in", err)
}

// remember stores whose session a token is, for longer than the session lives.
func (s *Staff) remember(ctx context.Context, token, name string) error {
	return storeError("store who is signed in", s.rdb.Set(ctx, wasKey(token), name, StaffLifetime+staffAfter).Err())
}

func (s *Staff) forget(ctx context.Context, token string) error {
	return storeError("forget who was signed in", s.rdb.Del(ctx, wasKey(token)).Err())
}

func wasKey(token string) string {
	sum := sha256.Sum256([]byte("was " + token))
	return staffWasPrefix + hex.EncodeToString(sum[:])
}

// KeepForm keeps a form for FormLife. It is stored encrypted, and only the request's
// browser gets the key. A form that was kept before for this browser is deleted. The error
// is ErrStore.
func (s *Staff) KeepForm(w http.ResponseWriter, r *http.Request, f Form) error {
	s.dropForm(r)
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	plain, err := json.Marshal(f)
	if err != nil {
		return err
	}
	sealed := Sealing(key).Seal(nil, nil, plain, nil) //nolint:gosec // it makes its own random nonce
	if err := s.rdb.Set(r.Context(), formKey(key), sealed, FormLife).Err(); err != nil {
		return storeError("keep form", err)
	}
	s.Remember(w, formSuffix, base64.RawURLEncoding.EncodeToString(key), int(FormLife.Seconds()))
	return nil
}

// HasForm reports whether the request's browser has the key of a form.
func (s *Staff) HasForm(r *http.Request) bool { return s.keyOf(r) != nil }

// TakeForm returns the form that is kept for the request's browser if it is for this page,
// and deletes it. A form that somebody else has typed is deleted and not returned. The
// error is ErrStore.
func (s *Staff) TakeForm(w http.ResponseWriter, r *http.Request, staff, page string) (url.Values, bool, error) {
	key := s.keyOf(r)
	if key == nil {
		return nil, false, nil
	}
	sealed, err := s.rdb.Get(r.Context(), formKey(key)).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, false, storeError("read kept form", err)
	}
	var f Form
	plain, broken := Sealing(key).Open(nil, nil, sealed, nil)
	if broken == nil {
		broken = json.Unmarshal(plain, &f)
	}
	if broken == nil && f.Staff == staff && f.Page != page {
		return nil, false, nil // it waits for its page
	}
	s.dropForm(r)
	s.Remember(w, formSuffix, "", -1)
	return f.Values, broken == nil && f.Staff == staff, nil
}

// dropForm deletes the form of the request's browser. What stays ends by itself.
func (s *Staff) dropForm(r *http.Request) {
	if key := s.keyOf(r); key != nil {
		_ = s.rdb.Del(r.Context(), formKey(key)).Err()
	}
}

// Remember sets a cookie beside that of the session, for so many seconds: 0 = until the browser ends.
func (s *Staff) Remember(w http.ResponseWriter, suffix, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure with https, as the session's
		Name: s.scs.Cookie.Name + suffix, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: s.scs.Cookie.Secure, SameSite: http.SameSiteLaxMode,
	})
}

// Remembered is the value of such a cookie, "" without it.
func (s *Staff) Remembered(r *http.Request, suffix string) string {
	c, err := r.Cookie(s.scs.Cookie.Name + suffix)
	if err != nil {
		return ""
	}
	return c.Value
}

// keyOf returns the key that a browser has got from KeepForm, nil for none.
func (s *Staff) keyOf(r *http.Request) []byte {
	key, err := base64.RawURLEncoding.DecodeString(s.Remembered(r, formSuffix))
	if err != nil || len(key) != 32 {
		return nil
	}
	return key
}

// formKey names a form without telling its key.
func formKey(key []byte) string {
	sum := sha256.Sum256(append([]byte("form "), key...))
	return staffFormPrefix + hex.EncodeToString(sum[:])
}

// Sealing encrypts with a key of 16 or 32 bytes. Seal and Open take no nonce: each text has
// a random one of its own.
func Sealing(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err == nil {
		var sealed cipher.AEAD
		if sealed, err = cipher.NewGCMWithRandomNonce(block); err == nil {
			return sealed
		}
	}
	panic(err) // a key of another length
}
