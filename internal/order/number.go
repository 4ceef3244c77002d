package order

import (
	"crypto/rand"
	"regexp"
)

// letters has 32 signs that nobody mistakes for one another, on paper or on the phone.
const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// NewNumber makes an order number of the shop's prefix and 40 random bits. Whether it is
// free, the store decides.
func NewNumber(prefix string) string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	b := []byte(prefix)
	for i, r := range random {
		if i%4 == 0 {
			b = append(b, '-')
		}
		b = append(b, letters[int(r)%len(letters)])
	}
	return string(b)
}

// number is an order number as we write them, with any prefix: a shop may change its own.
var number = regexp.MustCompile(`^[A-Z]{1,4}-[` + letters + `]{4}-[` + letters + `]{4}$`)

// anyNumber are ours and those of merchants' own.
var anyNumber = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// isNumber reports whether text may be an order number.
func isNumber(text string) bool { return number.MatchString(text) }
