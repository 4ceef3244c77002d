package engine

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// endpoint is one operation of an API.
type endpoint struct {
	method string
	path   []string // segments: {order_id} and the like in the place of one
	do     Operation
}

// Operation carries out a call of an API. It runs with s.Mu held, and has made all its
// changes when it returns.
type Operation func(*Call) (wire.Reply, *wire.Error)

// Serve adds an operation of an API. In the path, {order_id} and the like stand for one
// segment.
func (s *State) Serve(method, path string, do Operation) {
	s.endpoints = append(s.endpoints, endpoint{method, strings.Split(path, "/"), do})
}

// Patterns returns the paths of all operations as faults name them.
func (s *State) Patterns() []string {
	var all []string
	for _, e := range s.endpoints {
		segments := slices.Clone(e.path)
		for i, segment := range segments {
			if strings.HasPrefix(segment, "{") {
				segments[i] = "*"
			}
		}
		if pattern := strings.Join(segments, "/"); !slices.Contains(all, pattern) {
			all = append(all, pattern)
		}
	}
	return all
}

// Call is a call of an API with right credentials.
type Call struct {
	IDs    map[string]string // the values of {order_id} and the like in the path
	header http.Header
	Body   []byte
	forgot <-chan struct{} // closed when the fake is reset

	correlationID string
	path          string
	scope         string // method and path, however it is spelt, within which an idempotency key counts
}

// answer carries out a call of an API. known has the IDs of its path.
func (s *State) answer(r *http.Request, e *endpoint, notFound *wire.Error, known wire.Reply, c *Call) wire.Reply {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	switch {
	case !s.authorised(r.Header.Get("Authorization")):
		return wire.Unauthorized.Reply(known, c.correlationID)
	case !wire.InCheckout(known.Path) && wire.CannotRoute(known.Path):
		return wire.Unroutable.Reply(known, c.correlationID)
	case notFound != nil && notFound.Allow == "":
		return wire.NoSuchPath(known.Path, s.Time(), notFound).Reply(known, c.correlationID)
	case notFound != nil:
		notFound.Before = !wire.InCheckout(known.Path)
		return notFound.Reply(known, c.correlationID)
	}
	out, err := e.do(c)
	out.Path, out.OrderID, out.SessionID = known.Path, cmp.Or(out.OrderID, known.OrderID), cmp.Or(out.SessionID, known.SessionID)
	if err != nil {
		return err.Reply(out, c.correlationID)
	}
	return out
}

// authorised checks both forms of authentication: the plain API key, or base64 of user
// name and key. Any number of spaces is before them. Source: docs.kustom.co,
// Authentication; recorded answers.
func (s *State) authorised(header string) bool {
	scheme, credentials, _ := strings.Cut(header, " ")
	credentials = strings.TrimLeft(credentials, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return false
	}
	pair := base64.StdEncoding.EncodeToString([]byte(s.Username + ":" + s.Password))
	equal := func(want string) bool { return subtle.ConstantTimeCompare([]byte(credentials), []byte(want)) == 1 }
	return s.Username != "" && equal(pair) || s.Password != "" && equal(s.Password)
}

// route finds the endpoint for a method and path, and the values in the path. The error
// is for an unknown path or method.
func (s *State) route(method, path string) (*endpoint, map[string]string, *wire.Error) {
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	var ids map[string]string
	var allowed []string
	for i := range s.endpoints {
		e := &s.endpoints[i]
		found, ok := e.match(segments)
		if !ok {
			continue
		}
		ids = found
		if e.method == method {
			return e, ids, nil
		}
		allowed = append(allowed, e.method)
	}
	slices.Sort(allowed)
	return nil, ids, &wire.Error{Status: http.StatusMethodNotAllowed, Code: "HTTP_ERROR", Allow: strings.Join(allowed, ", ")}
}

func (e *endpoint) match(segments []string) (map[string]string, bool) {
	if len(e.path) != len(segments) {
		return nil, false
	}
	ids := map[string]string{}
	for i, segment := range e.path {
		if name, ok := strings.CutPrefix(segment, "{"); ok && segments[i] != "" {
			ids[strings.TrimSuffix(name, "}")] = segments[i]
		} else if segment != segments[i] {
			return nil, false
		}
	}
	return ids, true
}

// writeReply sends an answer with the headers that Klarna sends. The gateway, which looks
// at credentials and rates, and what is between it and the API add only their own.
// Source: recorded answers.
func (s *State) writeReply(w http.ResponseWriter, r *http.Request, out wire.Reply, told *Request) {
	h := w.Header()
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	h.Set("Server", "openresty")
	gateway := out.Status == http.StatusUnauthorized || out.Status == http.StatusTooManyRequests
	if !gateway {
		h.Set("Klarna-Correlation-Id", told.CorrelationID)
	}
	if api := wire.APIOf(told.Path); !gateway && !out.Before {
		for name, value := range api.Headers() {
			h.Set(name, value)
		}
		if api.Timed() {
			h.Set("Render-Time", strconv.FormatInt(told.DurationMS, 10))
		}
	}
	if len(out.Body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	if out.Location != "" {
		h.Set("Location", s.calledAt(r)+out.Location)
	}
	for name, value := range out.Header {
		h.Set(name, value)
	}
	w.WriteHeader(cmp.Or(out.Status, http.StatusOK))
	_, _ = w.Write(out.Body)
}
