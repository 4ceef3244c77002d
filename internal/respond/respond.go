// Package respond decodes requests and writes answers: JSON, pages through a buffer,
// and errors with a text that is safe to show.
package respond

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"

	"github.com/a-h/templ"
)

type requestIDKey struct{}

// WithRequestID returns ctx with the ID of the request that it belongs to.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID returns the ID that logs and error answers name, "" outside a request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// JSON answers with v. It panics when v cannot be encoded.
func JSON(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("encode answer of %s: %w", r.Pattern, err))
	}
	send(w, status, "application/json", b)
}

// JSONError answers {"error":{"code","message","request_id"}} with the members of extra
// beside "error". The message is shown to the caller.
func JSONError(w http.ResponseWriter, r *http.Request, status int, code, message string, extra map[string]any) {
	body := map[string]any{"error": map[string]string{
		"code": code, "message": message, "request_id": RequestID(r.Context()),
	}}
	maps.Copy(body, extra)
	JSON(w, r, status, body)
}

// Page answers with a page. It is rendered whole before a byte is sent; a template that
// fails is a programmer's error and panics.
func Page(w http.ResponseWriter, r *http.Request, status int, page templ.Component) {
	var b bytes.Buffer
	// Without the cancellation: a browser that has left is not the template's fault.
	if err := page.Render(context.WithoutCancel(r.Context()), &b); err != nil {
		panic(fmt.Errorf("render page of %s: %w", r.Pattern, err))
	}
	send(w, status, "text/html; charset=utf-8", b.Bytes())
}

// send writes an answer that no cache may keep, unless the handler said otherwise.
func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only when the browser has left
}

// CSP is the name of the header that AllowStyleAttributes extends.
const CSP = "Content-Security-Policy"

// AllowStyleAttributes lets the page, which must not be sent yet, have style attributes:
// Klarna's snippet has one on its container. They run no script.
func AllowStyleAttributes(w http.ResponseWriter) {
	h := w.Header()
	h.Set(CSP, h.Get(CSP)+"; style-src-attr 'unsafe-inline'")
}
