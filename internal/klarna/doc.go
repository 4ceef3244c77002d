// Package klarna holds what Klarna's three APIs share: the transport with its
// time limits and retries, the error type, what a call came to (Verdict),
// addresses, order lines, and Klarna's rules for lines and sums. It imports
// nothing of carts.
package klarna
