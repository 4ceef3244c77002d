package kco

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"strings"
	"sync/atomic"
)

// ErrForeign is merchant_data that none of our keys has signed.
var ErrForeign = errors.New("merchant_data is not ours")

// Signer writes and reads merchant_data, "v1.<cart ID>.<HMAC>". It tells callbacks and
// Order Management which cart an order belongs to. An order outside KCO has
// "v2.<cart ID>.<HMAC>.<origin>"; the origin names its purchase. Safe for concurrent use.
type Signer struct{ ring atomic.Pointer[keyring] }

// keyring is the secret in parts.
type keyring struct {
	keys   []string
	tokens []string // the callback token of each key
}

// NewSigner takes the secret, one key per line. The first key signs, all verify.
func NewSigner(secret string) (*Signer, error) {
	s := new(Signer)
	return s, s.Change(secret)
}

// Change takes another secret for all that is signed and verified from now on. After an
// error the former stays.
func (s *Signer) Change(secret string) error {
	ring := new(keyring)
	for line := range strings.Lines(secret) {
		key := strings.TrimSpace(line)
		switch {
		case key == "":
			continue
		case len(key) < 16:
			return errors.New("each line of the secret needs at least 16 characters")
		}
		ring.keys, ring.tokens = append(ring.keys, key), append(ring.tokens, mac(key, tokenPurpose))
	}
	if len(ring.keys) == 0 {
		return errors.New("the secret is empty")
	}
	s.ring.Store(ring)
	return nil
}

// Keys are keys of 32 bytes for another purpose, one for each of the secret's lines.
func (s *Signer) Keys(purpose string) (keys [][]byte) {
	for _, key := range s.ring.Load().keys {
		h := hmac.New(sha256.New, []byte(key))
		h.Write([]byte("shopd " + purpose))
		keys = append(keys, h.Sum(nil))
	}
	return keys
}

// Sign returns the merchant_data of a cart.
func (s *Signer) Sign(cartID string) string {
	return "v1." + cartID + "." + mac(s.ring.Load().keys[0], dataPurpose+cartID)
}

// SignOrigin returns the merchant_data of an order outside KCO. origin must not be empty;
// cartID may be.
func (s *Signer) SignOrigin(cartID, origin string) string {
	return "v2." + cartID + "." + mac(s.ring.Load().keys[0], originPurpose+cartID+" "+origin) + "." + origin
}

// Verify returns the cart in data, or ErrForeign.
func (s *Signer) Verify(data string) (cartID string, err error) {
	cartID, _, err = s.VerifyOrigin(data)
	return cartID, err
}

// VerifyOrigin returns the cart in data, "" for none, and the origin, "" for KCO; or
// ErrForeign.
func (s *Signer) VerifyOrigin(data string) (cartID, origin string, err error) {
	version, rest, _ := strings.Cut(data, ".")
	cartID, sum, _ := strings.Cut(rest, ".")
	signed := dataPurpose + cartID
	switch version {
	case "v1":
		if cartID == "" {
			return "", "", ErrForeign
		}
	case "v2":
		sum, origin, _ = strings.Cut(sum, ".")
		signed = originPurpose + cartID + " " + origin
	default:
		return "", "", ErrForeign
	}
	for _, key := range s.ring.Load().keys {
		if hmac.Equal([]byte(sum), []byte(mac(key, signed))) {
			return cartID, origin, nil
		}
	}
	return "", "", ErrForeign
}

// CallbackToken returns the secret part of the addresses that Klarna's servers call. It
// must never be logged.
func (s *Signer) CallbackToken() string { return s.ring.Load().tokens[0] }

// IsCallbackToken reports whether token belongs to one of the keys, in constant time.
// Klarna still calls about orders of older keys.
func (s *Signer) IsCallbackToken(token string) bool {
	is := 0
	for _, own := range s.ring.Load().tokens {
		is |= subtle.ConstantTimeCompare([]byte(token), []byte(own))
	}
	return is == 1
}

// A purpose keeps the signatures of one key apart.
const (
	dataPurpose   = "merchant_data v1 "
	originPurpose = "merchant_data v2 "
	tokenPurpose  = "callback token v1"
)

func mac(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
