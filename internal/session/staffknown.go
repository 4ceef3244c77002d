package session

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// KnownLife is how long a browser stays known after a member of staff has signed in with it.
const KnownLife = 180 * 24 * time.Hour

// Know makes the browser known as one with which a member of staff has signed in. Its cookie
// is sealed for this member and this proof: see StaffValues.
func (s *Staff) Know(w http.ResponseWriter, key []byte, v StaffValues) {
	text := rand.Text() + " " + strconv.FormatInt(time.Now().Add(KnownLife).Unix(), 10)
	sealed := Sealing(key).Seal(nil, nil, []byte(text), v.seal()) //nolint:gosec // it makes its own random nonce
	s.Remember(w, knownSuffix(v.Name), base64.RawURLEncoding.EncodeToString(sealed), int(KnownLife.Seconds()))
}

// Known returns the ID of the request's browser where the member has signed in with it before, with
// the password of now; else "". Any of the keys opens its cookie.
func (s *Staff) Known(r *http.Request, keys [][]byte, v StaffValues) (browser string) {
	sealed, err := base64.RawURLEncoding.DecodeString(s.Remembered(r, knownSuffix(v.Name)))
	if err != nil {
		return ""
	}
	for _, key := range keys {
		text, err := Sealing(key).Open(nil, nil, sealed, v.seal())
		if err != nil {
			continue
		}
		id, until, _ := strings.Cut(string(text), " ")
		if end, err := strconv.ParseInt(until, 10, 64); err == nil && time.Now().Unix() < end {
			return id
		}
	}
	return ""
}

// seal is what the cookie of a known browser is sealed for.
func (v StaffValues) seal() []byte { return []byte("known browser\x00" + v.Name + "\x00" + v.Proof) }

// knownSuffix ends the cookie's name: a browser may be that of several members.
func knownSuffix(name string) string {
	sum := sha256.Sum256([]byte("known " + name))
	return "-known-" + hex.EncodeToString(sum[:8])
}
