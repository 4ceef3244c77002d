// Package until waits, in tests, for what happens by itself.
package until

import (
	"testing"
	"time"
)

// limit is so long that a busy machine does not fail a test: it says nothing of how fast a thing should be.
const limit = time.Minute

// Holds waits until something holds, and fails the test when it does not within a minute; what says what it is: "the
// order is placed". It must be called by the test's own goroutine.
func Holds(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after %s: %s", limit, what)
		}
	}
}
