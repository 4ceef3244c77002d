// Package control is the fake's own interface below /fake/: JSON for programs, and the
// guard in front of it.
package control

import (
	_ "embed" // for the description
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/callback"
	"github.com/shopd/shopd/fakeklarna/internal/checkout"
	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/payments"
	"github.com/shopd/shopd/fakeklarna/internal/web"
)

// openAPI describes the fake's own interface, OpenAPI 3.1.
//
//go:embed openapi.json
var openAPI []byte

// Server is the fake's own interface below /fake/, as JSON.
type Server struct {
	*engine.State
	kco      *checkout.Service
	kp       *payments.Service
	calls    *callback.Sender
	hosts    []string      // by which it is reached, besides its own addresses
	watchers chan struct{} // has an element for each page that follows what happens
}

// New returns it. hosts are names by which it is reached, besides its own addresses.
func New(s *engine.State, kco *checkout.Service, kp *payments.Service, calls *callback.Sender, hosts []string) *Server {
	return &Server{State: s, kco: kco, kp: kp, calls: calls, hosts: hosts, watchers: make(chan struct{}, liveStreams)}
}

// maxSnapshot is the size of the largest snapshot that is read, in bytes.
const maxSnapshot = 256 << 20

// Path is where the fake's own interface is.
const Path = "/fake/"

// Handler answers below Path.
func (s *Server) Handler() *http.ServeMux {
	type methods map[string]func(*http.Request) (status int, answer any)
	control := http.NewServeMux()
	for path, handlers := range map[string]methods{
		"/fake/orders":                {"GET": listOf("orders", s.kco.Orders)},
		"/fake/orders/{id}":           {"GET": oneOf("order", s.kco.Order)},
		"/fake/orders/{id}/shopper":   {"POST": actOn(s.kco.Shopper)},
		"/fake/sessions":              {"GET": listOf("sessions", s.kp.Sessions)},
		"/fake/sessions/{id}":         {"GET": oneOf("session", s.kp.Session)},
		"/fake/sessions/{id}/shopper": {"POST": actOn(s.kp.Pay)},
		"/fake/requests":              {"GET": s.listRequests},
		"/fake/callbacks":             {"GET": s.listCallbacks},
		"/fake/faults":                {"GET": s.listFaults, "POST": s.postFault, "DELETE": s.deleteFaults},
		"/fake/faults/{id}":           {"DELETE": s.deleteFault},
		"/fake/clock":                 {"GET": s.readClock, "POST": s.moveClock},
		"/fake/reset":                 {"POST": s.postReset},
		"/fake/snapshot":              {"GET": s.getSnapshot, "POST": s.postSnapshot},
		"/fake/openapi.json":          {"GET": func(*http.Request) (int, any) { return http.StatusOK, json.RawMessage(openAPI) }},
	} {
		control.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			method := r.Method
			if method == http.MethodHead { // a server writes no body then
				method = http.MethodGet
			}
			if do := handlers[method]; do != nil {
				status, answer := do(r)
				web.WriteJSON(w, status, answer)
				return
			}
			allowed := strings.Join(slices.Sorted(maps.Keys(handlers)), ", ")
			w.Header().Set("Allow", allowed)
			sendRefusal(w, http.StatusMethodNotAllowed, "method_not_allowed", "this address takes "+allowed)
		})
	}
	control.HandleFunc("GET /fake/live", s.serveLive)
	control.HandleFunc(Path, func(w http.ResponseWriter, r *http.Request) {
		sendRefusal(w, http.StatusNotFound, "not_found", "there is nothing at "+r.URL.Path)
	})
	return control
}

// listOf returns a handler that answers a list.
func listOf[T any](name string, all func() []T) func(*http.Request) (int, any) {
	return func(*http.Request) (int, any) { return http.StatusOK, map[string][]T{name: all()} }
}

// oneOf returns a handler that answers one, by the ID in the path.
func oneOf[T any](what string, get func(id string) (T, bool)) func(*http.Request) (int, any) {
	return func(r *http.Request) (int, any) {
		if one, ok := get(r.PathValue("id")); ok {
			return http.StatusOK, one
		}
		return refuse(http.StatusNotFound, "no_such_"+what, "there is no "+what+" "+r.PathValue("id"))
	}
}

// actOn returns a handler that does the shopper's action in the body.
func actOn[Action, Outcome any](do func(id string, a Action) (Outcome, error)) func(*http.Request) (int, any) {
	return func(r *http.Request) (int, any) {
		var a Action
		if err := readJSON(r, &a); err != nil {
			return refuseError(err)
		}
		out, err := do(r.PathValue("id"), a)
		if err != nil {
			return refuseError(err)
		}
		return http.StatusOK, out
	}
}

func (s *Server) listRequests(r *http.Request) (int, any) {
	return http.StatusOK, map[string][]engine.Request{"requests": s.Requests(r.URL.Query().Get("order_id"))}
}

func (s *Server) listCallbacks(r *http.Request) (int, any) {
	q := r.URL.Query()
	return http.StatusOK, map[string][]callback.Callback{"callbacks": s.calls.Callbacks(q.Get("order_id"), q.Get("session_id"))}
}

func (s *Server) listFaults(*http.Request) (int, any) {
	return http.StatusOK, map[string][]engine.Fault{"faults": s.Faults()}
}

func (s *Server) postFault(r *http.Request) (int, any) {
	var f engine.Fault
	err := readJSON(r, &f)
	if err == nil {
		f, err = s.AddFault(f)
	}
	if err != nil {
		return refuseError(err)
	}
	return http.StatusCreated, f
}

func (s *Server) deleteFaults(r *http.Request) (int, any) {
	s.ClearFaults()
	return s.listFaults(r)
}

func (s *Server) deleteFault(r *http.Request) (int, any) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !s.RemoveFault(id) {
		return refuse(http.StatusNotFound, "no_such_fault", "there is no rule "+r.PathValue("id"))
	}
	return s.listFaults(r)
}

func (s *Server) readClock(*http.Request) (int, any) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	return http.StatusOK, struct {
		Now    time.Time       `json:"now"`
		Offset engine.Duration `json:"offset"` // ahead of real time
	}{s.Time().UTC(), engine.Duration(s.Offset)}
}

func (s *Server) moveClock(r *http.Request) (int, any) {
	var move struct {
		Advance *engine.Duration `json:"advance"`
	}
	err := readJSON(r, &move)
	if err == nil && move.Advance == nil {
		err = errors.New(`"advance" is missing; it is a duration such as "49h"`)
	}
	if err == nil {
		err = s.Advance(time.Duration(*move.Advance))
	}
	if err != nil {
		return refuseError(err)
	}
	return s.readClock(r)
}

func (s *Server) postReset(*http.Request) (int, any) {
	s.Reset()
	return http.StatusOK, struct{}{}
}

// readJSON reads a body that is one JSON object with known members only.
func readJSON(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("the body: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("the body: more than one JSON value")
	}
	return nil
}

func refuse(status int, code, message string) (int, any) {
	type details struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	return status, map[string]details{"error": {code, message}}
}

func sendRefusal(w http.ResponseWriter, status int, code, message string) {
	status, answer := refuse(status, code, message)
	web.WriteJSON(w, status, answer)
}

// refuseError returns the answer for an error.
func refuseError(err error) (int, any) {
	switch {
	case errors.Is(err, checkout.ErrNoOrder):
		return refuse(http.StatusNotFound, "no_such_order", err.Error())
	case errors.Is(err, payments.ErrNoSession):
		return refuse(http.StatusNotFound, "no_such_session", err.Error())
	}
	return refuse(http.StatusBadRequest, "bad_request", err.Error())
}

func (s *Server) getSnapshot(*http.Request) (int, any) {
	return http.StatusOK, json.RawMessage(s.Snapshot())
}

func (s *Server) postSnapshot(r *http.Request) (int, any) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxSnapshot+1))
	switch {
	case err != nil:
		return refuseError(fmt.Errorf("the body: %w", err))
	case len(text) > maxSnapshot:
		return refuse(http.StatusRequestEntityTooLarge, "too_large", "the body: more than 256 MiB")
	}
	if err := s.Restore(text); err != nil {
		return refuseError(err)
	}
	return s.readClock(r)
}
