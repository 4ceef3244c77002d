// Package respond decodes requests and writes answers: JSON, pages through a buffer,
// and errors with a text that is safe to show.
package respond

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/observe"
)

// JSON answers with v. It panics when v cannot be encoded.
func JSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("encode answer of %s: %w", r.Pattern, err))
	}
	send(w, status, "application/json", b)
}

// ErrorBody is what a JSON answer says of an error.
type ErrorBody struct {
	Code      string `json:"code"`
	Message   string `json:"message"` // shown to the caller
	RequestID string `json:"request_id"`
}

// NewError is an error of a request.
func NewError(r *http.Request, code, message string) ErrorBody {
	return ErrorBody{Code: code, Message: message, RequestID: observe.RequestID(r.Context())}
}

// JSONError answers {"error":{"code","message","request_id"}} with the members of extra
// beside "error". The message is shown to the caller.
func JSONError(w http.ResponseWriter, r *http.Request, status int, code, message string, extra map[string]any) {
	body := map[string]any{"error": NewError(r, code, message)}
	maps.Copy(body, extra)
	JSON(w, r, status, body)
}

// Page answers with a page. The page is rendered before the first byte is sent. It panics
// when the template fails: that is a programmer's error.
func Page(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	b := pages.Get().(*bytes.Buffer)
	defer pages.Put(b)
	b.Reset()
	// Without the cancellation: a browser that has left is not the template's fault.
	if err := page.Render(context.WithoutCancel(r.Context()), b); err != nil {
		panic(fmt.Errorf("render page of %s: %w", r.Pattern, err))
	}
	send(w, status, "text/html; charset=utf-8", b.Bytes())
}

// pages are used buffers, of about the size of a page.
var pages = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// send writes an answer that no cache may keep, unless the handler said otherwise.
func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("Content-Length", strconv.Itoa(len(body))) // else the answer is sent in chunks
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only when the browser has left
}

// CSP is the name of the header that AllowStyleAttributes and AllowOrigins extend.
const CSP = "Content-Security-Policy"

// AllowStyleAttributes allows style attributes in the page: Klarna Payments' library may set some.
// They run no script. It must be called before the page is sent.
func AllowStyleAttributes(w http.ResponseWriter) {
	h := w.Header()
	h.Set(CSP, h.Get(CSP)+"; style-src-attr 'unsafe-inline'")
}

// AllowOrigins adds hosts to some of the page's directives, such as "connect-src", for a
// script on it. Scripts still need the nonce. It must be called before the page is sent.
func AllowOrigins(w http.ResponseWriter, origins []string, directives ...string) {
	if len(origins) == 0 {
		return
	}
	all := strings.Split(w.Header().Get(CSP), "; ")
	for i, directive := range all {
		if name, _, _ := strings.Cut(directive, " "); slices.Contains(directives, name) {
			all[i] += " " + strings.Join(origins, " ")
		}
	}
	w.Header().Set(CSP, strings.Join(all, "; "))
}

// Deadline sets the deadline of each request's context.
func Deadline(d time.Duration) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), d)
			defer cancel()
			next.ServeHTTP(w, r.WithContext(ctx))
		})
	}
}
