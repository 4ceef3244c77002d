package order

import (
	"crypto/rand"
	"strings"
)

// letters has 32 signs that nobody mistakes for one another, on paper or on the phone.
const letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

const (
	numberPrefix = "SK-"
	numberLength = len("SK-7F3K-92AB")
)

// newNumber makes an order number of 40 random bits. Whether it is free, the store decides.
func newNumber() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	b := []byte(numberPrefix)
	for i, r := range random {
		if i == 4 {
			b = append(b, '-')
		}
		b = append(b, letters[int(r)%len(letters)])
	}
	return string(b)
}

// isNumber reports whether text may be an order number, as we write them.
func isNumber(text string) bool {
	if len(text) != numberLength || !strings.HasPrefix(text, numberPrefix) || text[7] != '-' {
		return false
	}
	return strings.Trim(text[3:7]+text[8:], letters) == ""
}
