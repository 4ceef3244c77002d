package checkoutsession

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Links makes and reads secrets by which a session is opened, apart from its reference: the
// cart's ID, signed. Hosted pages and pages of the merchant's have keys of their own.
type Links struct {
	Keys func() [][]byte // of this moment: the first signs, all verify
}

// OpenPath is the path that opens a hosted page; the secret follows.
const OpenPath = "/checkout/open/"

// Secret opens the session of a cart. It must never be logged.
func (l Links) Secret(cartID string) string { return cartID + "." + sum(l.Keys()[0], cartID) }

// Cart is the cart of a secret; false: it is none of ours.
func (l Links) Cart(secret string) (cartID string, ok bool) {
	cartID, mac, _ := strings.Cut(secret, ".")
	for _, key := range l.Keys() {
		ok = hmac.Equal([]byte(mac), []byte(sum(key, cartID))) || ok
	}
	return cartID, ok && cartID != ""
}

func sum(key []byte, cartID string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(cartID))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
