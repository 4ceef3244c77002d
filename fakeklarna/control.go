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

// controlServer is the fake's own interface below /fake/, as JSON.
type controlServer struct {
	*engineState
	kco      *checkoutService
	kp       *paymentsService
	calls    *callbackSender
	watchers chan struct{} // has an element for each page that follows what happens
}

func newControlServer(s *engineState, kco *checkoutService, kp *paymentsService, calls *callbackSender) *controlServer {
	return &controlServer{engineState: s, kco: kco, kp: kp, calls: calls, watchers: make(chan struct{}, liveStreams)}
}

// maxSnapshot is the size of the largest snapshot that is read, in bytes.
const maxSnapshot = 256 << 20

// fakePath is where the fake's own interface is.
const fakePath = "/fake/"

// handler answers below fakePath.
func (s *controlServer) handler() *http.ServeMux {
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
	control.HandleFunc(fakePath, func(w http.ResponseWriter, r *http.Request) {
		status, answer := refuse(http.StatusNotFound, "not_found", "there is nothing at "+r.URL.Path)
		writeJSON(w, status, answer)
	})
	return control
}

// guard refuses changes from pages of other sites.
func (s *controlServer) guard(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Vary", "Accept")
		if err := protection.Check(r); err != nil {
			status, answer := refuse(http.StatusForbidden, "cross_origin", "a page of another site must not do this")
			writeJSON(w, status, answer)
			return
		}
		next.ServeHTTP(w, r)
	})
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

func (s *controlServer) listRequests(r *http.Request) (int, any) {
	return http.StatusOK, map[string][]Request{"requests": s.Requests(r.URL.Query().Get("order_id"))}
}

func (s *controlServer) listCallbacks(r *http.Request) (int, any) {
	q := r.URL.Query()
	return http.StatusOK, map[string][]Callback{"callbacks": s.calls.Callbacks(q.Get("order_id"), q.Get("session_id"))}
}

func (s *controlServer) listFaults(*http.Request) (int, any) {
	return http.StatusOK, map[string][]Fault{"faults": s.Faults()}
}

func (s *controlServer) postFault(r *http.Request) (int, any) {
	var f Fault
	err := readJSON(r, &f)
	if err == nil {
		f, err = s.AddFault(f)
	}
	if err != nil {
		return refuseError(err)
	}
	return http.StatusCreated, f
}

func (s *controlServer) deleteFaults(r *http.Request) (int, any) {
	s.ClearFaults()
	return s.listFaults(r)
}

func (s *controlServer) deleteFault(r *http.Request) (int, any) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || !s.RemoveFault(id) {
		return refuse(http.StatusNotFound, "no_such_fault", "there is no rule "+r.PathValue("id"))
	}
	return s.listFaults(r)
}

func (s *controlServer) readClock(*http.Request) (int, any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return http.StatusOK, struct {
		Now    time.Time `json:"now"`
		Offset Duration  `json:"offset"` // ahead of real time
	}{s.now().UTC(), Duration(s.offset)}
}

func (s *controlServer) moveClock(r *http.Request) (int, any) {
	var move struct {
		Advance *Duration `json:"advance"`
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

func (s *controlServer) postReset(*http.Request) (int, any) {
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

func (s *controlServer) getSnapshot(*http.Request) (int, any) {
	return http.StatusOK, json.RawMessage(s.Snapshot())
}

func (s *controlServer) postSnapshot(r *http.Request) (int, any) {
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
