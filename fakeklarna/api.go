package fakeklarna

import (
	"cmp"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// endpoint is one operation of an API.
type endpoint struct {
	method string
	path   string // with {order_id} and the like in the place of one segment
	do     operation
}

// operation carries out a call of an API. It runs with s.mu held, and has made all its
// changes when it returns.
type operation func(*apiCall) (reply, *apiError)

// serve adds the operations of an API.
func (s *engineState) serve(endpoints ...endpoint) { s.endpoints = append(s.endpoints, endpoints...) }

// apiCall is a call of an API with right credentials.
type apiCall struct {
	ids    map[string]string // the values of {order_id} and the like in the path
	header http.Header
	body   []byte
	forgot <-chan struct{} // closed when the fake is reset

	correlationID string
	path          string
	scope         string // method and path, within which an idempotency key counts
}

// answer carries out a call of an API. known has the IDs of its path.
func (s *engineState) answer(r *http.Request, e *endpoint, notFound *apiError, known reply, c *apiCall) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.authorised(r.Header.Get("Authorization")):
		return unauthorized(known.path).reply(known, c.correlationID)
	case !inCheckout(known.path) && strings.ContainsAny(r.RequestURI, "{}"):
		return (&apiError{status: http.StatusBadRequest, raw: htmlOf("400 Bad Request")}).reply(known, c.correlationID)
	case notFound != nil && notFound.allow == "":
		return noSuchPath(known.path, s.now(), notFound).reply(known, c.correlationID)
	case notFound != nil:
		return notFound.reply(known, c.correlationID)
	}
	out, err := e.do(c)
	out.path, out.orderID, out.sessionID = known.path, cmp.Or(out.orderID, known.orderID), cmp.Or(out.sessionID, known.sessionID)
	if err != nil {
		return err.reply(out, c.correlationID)
	}
	return out
}

// authorised checks both forms of authentication: the plain API key, or base64 of user
// name and key. Source: docs.kustom.co, Authentication.
func (s *engineState) authorised(header string) bool {
	scheme, credentials, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return false
	}
	pair := base64.StdEncoding.EncodeToString([]byte(s.Username + ":" + s.Password))
	equal := func(want string) bool { return subtle.ConstantTimeCompare([]byte(credentials), []byte(want)) == 1 }
	return s.Username != "" && equal(pair) || s.Password != "" && equal(s.Password)
}

// route finds the endpoint for a method and path, and the values in the path. The error
// is for an unknown path or method.
func (s *engineState) route(method, path string) (*endpoint, map[string]string, *apiError) {
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
	return nil, ids, &apiError{status: http.StatusMethodNotAllowed, code: "HTTP_ERROR", allow: strings.Join(allowed, ", ")}
}

func (e *endpoint) match(segments []string) (map[string]string, bool) {
	want := strings.Split(e.path, "/")
	if len(want) != len(segments) {
		return nil, false
	}
	ids := map[string]string{}
	for i, segment := range want {
		if name, ok := strings.CutPrefix(segment, "{"); ok && segments[i] != "" {
			ids[strings.TrimSuffix(name, "}")] = segments[i]
		} else if segment != segments[i] {
			return nil, false
		}
	}
	return ids, true
}

// writeReply sends an answer with the headers that Klarna sends.
// Source: recorded answers to Create order.
func (s *engineState) writeReply(w http.ResponseWriter, r *http.Request, out reply, correlationID string) {
	h := w.Header()
	h.Set("Klarna-Correlation-Id", correlationID)
	h.Set("Cache-Control", "max-age=0, no-cache, no-store")
	h.Set("Pragma", "no-cache")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	h.Set("Server", "openresty")
	if len(out.body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	if out.location != "" {
		h.Set("Location", origin(r)+s.basePath()+out.location)
	}
	for name, value := range out.header {
		h.Set(name, value)
	}
	w.WriteHeader(cmp.Or(out.status, http.StatusOK))
	_, _ = w.Write(out.body)
}
