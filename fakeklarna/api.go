package fakeklarna

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"
)

// reply is an answer of the API that has not been sent yet.
type reply struct {
	status   int
	header   map[string]string
	body     []byte
	orderID  string
	location string // path below the fake's address, for the Location header
}

// answer does what a call of the API asks for. All that it changes is changed
// when it returns.
func (s *Server) answer(r *http.Request, body []byte, correlationID string) reply {
	id := orderIDOf(r.URL.Path)
	if !s.authorised(r.Header.Get("Authorization")) {
		return failed(&apiError{status: http.StatusUnauthorized}, id, correlationID)
	}
	do, err := route(r.Method, r.URL.Path)
	if err != nil {
		return failed(err, id, correlationID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, err := do(s, id, body)
	if err != nil {
		return failed(err, id, correlationID)
	}
	done := reply{status: http.StatusOK, body: mustJSON(s.render(o)), orderID: o.id}
	if id == "" {
		done.status, done.location = http.StatusCreated, ordersPath+"/"+o.id
	}
	return done
}

func failed(err *apiError, id, correlationID string) reply {
	out := reply{status: err.status, body: err.body(correlationID), orderID: id}
	if err.allow != "" {
		out.header = map[string]string{"Allow": err.allow}
	}
	return out
}

// authorised checks both forms of authentication: the API key as it is, or
// base64 of user name and key. Source: docs.kustom.co, Authentication.
func (s *Server) authorised(header string) bool {
	scheme, credentials, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return false
	}
	pair := base64.StdEncoding.EncodeToString([]byte(s.o.Username + ":" + s.o.Password))
	equal := func(want string) bool { return subtle.ConstantTimeCompare([]byte(credentials), []byte(want)) == 1 }
	return s.o.Username != "" && equal(pair) || s.o.Password != "" && equal(s.o.Password)
}

const ordersPath = "/checkout/v3/orders"

// call is a request of the API. It runs with s.mu held.
type call func(s *Server, id string, body []byte) (*order, *apiError)

// route finds what a method on a path means.
func route(method, path string) (call, *apiError) {
	rest, _ := strings.CutPrefix(path, ordersPath)
	allowed := map[string]call{}
	segments := strings.Split(strings.TrimPrefix(rest, "/"), "/")
	switch {
	case !strings.HasPrefix(path, ordersPath) || rest != "" && rest[0] != '/':
	case rest == "" || rest == "/":
		allowed[http.MethodPost] = (*Server).create
	case segments[0] == "":
	case len(segments) == 1:
		allowed[http.MethodGet] = (*Server).read
		allowed[http.MethodPost] = (*Server).update
	case len(segments) == 2 && segments[1] == "abort":
		allowed[http.MethodPost] = (*Server).abort
	}
	if do := allowed[method]; do != nil {
		return do, nil
	}
	var names []string
	for _, name := range []string{http.MethodGet, http.MethodPost} {
		if allowed[name] != nil {
			names = append(names, name)
		}
	}
	return nil, &apiError{status: http.StatusMethodNotAllowed, code: "HTTP_ERROR", allow: strings.Join(names, ", ")}
}

// orderIDOf returns the order's ID in a path, "" if there is none.
func orderIDOf(path string) string {
	rest, ok := strings.CutPrefix(path, ordersPath+"/")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// create makes an order. Nothing makes a repeated create the same order.
// Source: docs.kustom.co, Create order.
func (s *Server) create(_ string, body []byte) (*order, *apiError) {
	sent, err := parseBody(body)
	if err != nil {
		return nil, err
	}
	content, err := s.merge(nil, sent)
	if err != nil {
		return nil, err
	}
	o := &order{
		id: uuid.NewString(), token: strings.ToLower(rand.Text()), status: StatusIncomplete,
		content: content, typed: map[string]string{},
		started: s.now(), modified: s.now(),
	}
	s.orders[o.id] = o
	s.newest = append(s.newest, o)
	return o, nil
}

// read returns an order. Source: docs.kustom.co, Read order.
func (s *Server) read(id string, _ []byte) (*order, *apiError) {
	o, err := s.live(id)
	if err != nil {
		return nil, errNotFound
	}
	return o, nil
}

// open returns an order that the merchant may still change.
func (s *Server) open(id string) (*order, *apiError) {
	o, err := s.live(id)
	switch {
	case err != nil:
		return nil, errNotFound
	case o.status != StatusIncomplete:
		return nil, errReadOnly
	}
	return o, nil
}

// update replaces the members sent. Addresses are not replaced once the shopper
// has entered something; where the purchase country changes, those that stay
// follow it.
// Source: docs.kustom.co, Update ongoing order.
func (s *Server) update(id string, body []byte) (*order, *apiError) {
	o, err := s.open(id)
	if err != nil {
		return nil, err
	}
	sent, err := parseBody(body)
	if err != nil {
		return nil, err
	}
	content, err := s.merge(o.content, sent)
	if err != nil {
		return nil, err
	}
	for _, name := range addressMembers {
		switch {
		case sent[name] != nil && !o.entered:
			continue
		case o.content[name] == nil:
			delete(content, name)
		case sameCountry(o.content, content):
			content[name] = o.content[name]
		default:
			content[name] = withoutCountry(o.content[name])
		}
	}
	o.content = content
	s.touch(o)
	return o, nil
}

func sameCountry(a, b map[string]json.RawMessage) bool {
	return strings.EqualFold(string(a["purchase_country"]), string(b["purchase_country"]))
}

// abort ends an order that was not bought. Source: docs.kustom.co, Abort order.
func (s *Server) abort(id string, _ []byte) (*order, *apiError) {
	o, err := s.open(id)
	if err != nil {
		return nil, err
	}
	o.status = StatusAborted
	s.touch(o)
	return o, nil
}

// writeReply sends an answer with the headers that Klarna sends.
// Source: recorded answers to Create order.
func (s *Server) writeReply(w http.ResponseWriter, r *http.Request, out reply, correlationID string) {
	h := w.Header()
	h.Set("Klarna-Correlation-Id", correlationID)
	h.Set("Cache-Control", "max-age=0, no-cache, no-store")
	h.Set("Pragma", "no-cache")
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
