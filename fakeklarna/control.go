package fakeklarna

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
)

// openAPI describes the fake's own interface, OpenAPI 3.1.
//
//go:embed openapi.json
var openAPI []byte

// controlRoutes adds the fake's own interface below /fake/, as JSON and as pages.
func (s *Server) controlRoutes(mux *http.ServeMux) {
	type methods map[string]func(*http.Request) (status int, answer any)
	control := http.NewServeMux()
	for path, handlers := range map[string]methods{
		"/fake/orders":                {"GET": listOf("orders", s.Orders)},
		"/fake/orders/{id}":           {"GET": oneOf("order", s.Order)},
		"/fake/orders/{id}/shopper":   {"POST": actOn(s.Shopper)},
		"/fake/sessions":              {"GET": listOf("sessions", s.Sessions)},
		"/fake/sessions/{id}":         {"GET": oneOf("session", s.Session)},
		"/fake/sessions/{id}/shopper": {"POST": actOn(s.Pay)},
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
			if do := handlers[r.Method]; do != nil {
				status, answer := do(r)
				writeJSON(w, status, answer)
				return
			}
			allowed := strings.Join(slices.Sorted(maps.Keys(handlers)), ", ")
			w.Header().Set("Allow", allowed)
			status, answer := refuse(http.StatusMethodNotAllowed, "method_not_allowed", "this address takes "+allowed)
			writeJSON(w, status, answer)
		})
	}
	control.HandleFunc("GET /fake/live", s.serveLive)
	control.HandleFunc("/fake/", s.serveNothing)
	mux.Handle("/fake/", s.ownInterface(control))
}

// ownInterface serves pages to people, and refuses changes from pages of other sites.
func (s *Server) ownInterface(control http.Handler) http.HandlerFunc {
	protection := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if err := protection.Check(r); err != nil {
			status, answer := refuse(http.StatusForbidden, "cross_origin", "a page of another site must not do this")
			writeJSON(w, status, answer)
			return
		}
		forPeople := r.URL.Path == fakePath || asksForPage(r)
		if forPeople && s.servePeople(w, r) { //nolint:contextcheck // what a shopper has begun goes on when the browser leaves
			return
		}
		control.ServeHTTP(w, r)
	}
}

func (s *Server) serveNothing(w http.ResponseWriter, r *http.Request) {
	if asksForPage(r) {
		s.show(w, missingPage("", "There is no page at this address."), fakeCSP)
		return
	}
	status, answer := refuse(http.StatusNotFound, "not_found", "there is nothing at "+r.URL.Path)
	writeJSON(w, status, answer)
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
	return http.StatusOK, map[string][]Request{"requests": s.Requests(r.URL.Query().Get("order_id"))}
}

func (s *Server) listFaults(*http.Request) (int, any) {
	return http.StatusOK, map[string][]Fault{"faults": s.Faults()}
}

func (s *Server) postFault(r *http.Request) (int, any) {
	var f Fault
	err := readJSON(r, &f)
	if err == nil {
		f, err = s.addFault(f)
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
	s.mu.Lock()
	defer s.mu.Unlock()
	return http.StatusOK, struct {
		Now    time.Time `json:"now"`
		Offset Duration  `json:"offset"` // ahead of real time
	}{s.now().UTC(), Duration(s.offset)}
}

func (s *Server) moveClock(r *http.Request) (int, any) {
	var move struct {
		Advance *Duration `json:"advance"`
	}
	err := readJSON(r, &move)
	if err == nil && move.Advance == nil {
		err = errors.New(`"advance" is missing; it is a duration such as "49h"`)
	}
	if err == nil {
		err = s.advance(time.Duration(*move.Advance))
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

// refuseError returns the answer for an error.
func refuseError(err error) (int, any) {
	switch {
	case errors.Is(err, errNoOrder):
		return refuse(http.StatusNotFound, "no_such_order", err.Error())
	case errors.Is(err, errNoSession):
		return refuse(http.StatusNotFound, "no_such_session", err.Error())
	}
	return refuse(http.StatusBadRequest, "bad_request", err.Error())
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(mustJSON(answer), '\n'))
}
