package fakeklarna

import "net/http"

// writeJSON answers a browser or a program that is not a client of the APIs.
func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(mustJSON(answer), '\n'))
}
