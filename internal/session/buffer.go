package session

import (
	"bytes"
	"maps"
	"net/http"
	"sync"
)

// buffer is a ResponseWriter that keeps an answer until the session is stored.
type buffer struct {
	header http.Header
	status int
	body   *bytes.Buffer
}

// bodies are buffers that have grown to the size of an answer.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// newBuffer returns a buffer that starts with a copy of header. The caller must free it.
func newBuffer(header http.Header) *buffer {
	body := bodies.Get().(*bytes.Buffer)
	body.Reset()
	return &buffer{header: header.Clone(), body: body}
}

// free gives the memory of the body back.
func (b *buffer) free() { bodies.Put(b.body) }

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
