package server

import (
	"crypto/rand"
	"errors"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/go-chi/chi/v5/middleware"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/identity"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// requestID gives each request an ID, short enough to be read out on the phone.
func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := rand.Text()[:8]
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(observe.About(r.Context(), observe.Subject{RequestID: id})))
	})
}

// endAfterChunks closes the connection after a request with a chunked body. Such a
// request may also have a Content-Length, which net/http hides. A proxy that believes
// the length could pass on a second request that it has not seen. Browsers send no chunks.
// net/http hides the chunks of HTTP/1.0 as well, so such a connection ends after each request.
// Source: RFC 9112, 6.1.
func endAfterChunks(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 || !r.ProtoAtLeast(1, 1) {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// recover turns a panic into a 500, unless the answer has begun.
func (s *Server) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer s.recovered(sent, r)
		next.ServeHTTP(sent, r)
	})
}

func (s *Server) recovered(w middleware.WrapResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	s.o.Logger.ErrorContext(r.Context(), "panic", "value", v, "stack", string(debug.Stack()))
	if w.Status() == 0 {
		s.fail(w, r, http.StatusInternalServerError)
	}
}

// limitBody refuses bodies above limit bytes. Reading a body of unknown length ends there
// with a *http.MaxBytesError.
func (s *Server) limitBody(limit int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ContentLength > limit {
				s.fail(w, r, http.StatusRequestEntityTooLarge)
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, limit)
			next.ServeHTTP(w, r)
		})
	}
}

// failures are the errors that the server itself answers with.
var failures = map[int]struct{ code, message string }{
	http.StatusForbidden:             {"forbidden", "The request came from another site."},
	http.StatusMethodNotAllowed:      {"method_not_allowed", "This address does not take that method."},
	http.StatusRequestEntityTooLarge: {"bad_request", "The request is too large."},
	http.StatusTooManyRequests:       {"too_many_requests", "Too many requests from your connection. Nothing has changed."},
	http.StatusInternalServerError:   {"internal", "Something broke on our side."},
	http.StatusServiceUnavailable:    {"crowded", "More requests than can be served. Nothing has changed."},
}

// fail answers with JSON if the client wants it, else with a page that needs neither
// session nor store.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, status int) {
	if wantsJSON(r) {
		f := failures[status]
		respond.JSONError(w, r, status, f.code, f.message, nil)
		return
	}
	shell := s.shell(r)
	page := templates.Refused(templates.RefusedView{Shell: shell})
	if status == http.StatusInternalServerError {
		page = templates.ErrorPage(templates.ErrorView{Shell: shell, Reference: observe.RequestID(r.Context())})
	}
	respond.Page(w, r, status, page)
}

// shell is the frame of a page for somebody of whom only the browser's language is known.
func (s *Server) shell(r *http.Request) templates.Shell {
	version := s.o.Published.Now()
	_, locale := version.Markets.FromAcceptLanguage(r.Header.Get("Accept-Language"))
	shell := templates.Shell{Shop: identity.Of(version, i18n.LangOf(locale)), Locale: locale, Alone: !version.Shop.Storefront}
	if reference, _, ok := ofSession(r.URL.Path); ok { // nothing of a shop of ours is on it
		shell.Base = cart.SessionPath + reference
	}
	return shell
}

// ofSession reads the path of a page of a checkout session: whose it is, and what follows.
func ofSession(path string) (reference, page string, ok bool) {
	rest, ok := strings.CutPrefix(path, cart.SessionPath)
	reference, page, _ = strings.Cut(rest, "/")
	return reference, page, ok
}

// wantsJSON reports whether the client sends or accepts JSON.
func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json") ||
		strings.HasPrefix(r.Header.Get("Content-Type"), "application/json")
}
