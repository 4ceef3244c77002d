package session

import (
	"bytes"
	"maps"
	"net/http"
)

// buffer is a ResponseWriter that keeps an answer until the session is stored.
type buffer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// newBuffer returns a buffer whose header starts as the one set so far.
func newBuffer(header http.Header) *buffer { return &buffer{header: header.Clone()} }

func (b *buffer) Header() http.Header { return b.header }

func (b *buffer) WriteHeader(status int) {
	if b.status == 0 {
		b.status = status
	}
}

func (b *buffer) Write(p []byte) (int, error) {
	b.WriteHeader(http.StatusOK)
	return b.body.Write(p)
}

func (b *buffer) sendTo(w http.ResponseWriter) {
	clear(w.Header())
	maps.Copy(w.Header(), b.header)
	b.WriteHeader(http.StatusOK)
	w.WriteHeader(b.status)
	_, _ = w.Write(b.body.Bytes()) // fails only when the browser has left
}
