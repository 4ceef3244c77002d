package kco

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// ErrForeign is merchant_data that none of our keys has signed.
var ErrForeign = errors.New("merchant_data is not ours")

// Signer writes and reads merchant_data, "v1.<cart ID>.<HMAC>": it tells, in
// callbacks and in Order Management, which cart an order belongs to.
type Signer struct{ keys []string }

// NewSigner takes the secret, one key a line: the first signs, all verify.
func NewSigner(secret string) (*Signer, error) {
	s := new(Signer)
	for line := range strings.Lines(secret) {
		key := strings.TrimSpace(line)
		switch {
		case key == "":
			continue
		case len(key) < 16:
			return nil, errors.New("each line of the secret needs at least 16 characters")
		}
		s.keys = append(s.keys, key)
	}
	if len(s.keys) == 0 {
		return nil, errors.New("the secret is empty")
	}
	return s, nil
}

// Sign returns the merchant_data of a cart.
func (s *Signer) Sign(cartID string) string {
	return "v1." + cartID + "." + mac(s.keys[0], dataPurpose+cartID)
}

// Verify returns the cart that data names, or ErrForeign.
func (s *Signer) Verify(data string) (cartID string, err error) {
	rest, found := strings.CutPrefix(data, "v1.")
	cartID, sum, cut := strings.Cut(rest, ".")
	if !found || !cut || cartID == "" {
		return "", ErrForeign
	}
	for _, key := range s.keys {
		if hmac.Equal([]byte(sum), []byte(mac(key, dataPurpose+cartID))) {
			return cartID, nil
		}
	}
	return "", ErrForeign
}

// CallbackToken is the unguessable part of the addresses that Klarna's servers
// call. It must never be logged.
func (s *Signer) CallbackToken() string { return mac(s.keys[0], "callback token v1") }

// dataPurpose keeps signatures of merchant_data apart from anything else made with the key.
const dataPurpose = "merchant_data v1 "

func mac(key, message string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(message))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
