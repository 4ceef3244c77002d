// Package klarna holds what Klarna's three APIs share: the transport with its time
// limits and retries, the error type, the result of a call (Verdict), addresses, order
// lines, and Klarna's rules for lines and sums. It knows nothing of carts.
package klarna
