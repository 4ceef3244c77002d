package api

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
)

// Each body and each answer has an example; answers may get members later, and calls have none
// that nobody knows.
func TestWholeDocument(t *testing.T) {
	r := chi.NewRouter()
	r.Route(Path, (&API{PublicURL: "https://shop.example", Logger: slog.New(slog.DiscardHandler)}).Routes)
	for _, path := range []string{"/v1/openapi.json", "/v1/openapi-3.0.json"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		var document struct {
			Paths map[string]map[string]struct {
				RequestBody struct{ Content map[string]described } `json:"requestBody"`
				Responses   map[string]struct{ Content map[string]described }
			}
			Components struct{ Schemas map[string]any }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
			t.Fatal(err)
		}
		answered, asked := map[string]bool{}, map[string]bool{}
		for path, operations := range document.Paths {
			for method, op := range operations {
				for kind, body := range op.RequestBody.Content {
					if body.Example == nil {
						t.Errorf("%s %s: a body %s has no example", method, path, kind)
					}
					reach(document.Components.Schemas, body.Schema, asked, nil)
				}
				for status, answer := range op.Responses {
					for kind, body := range answer.Content {
						if body.Example == nil && status < "300" {
							t.Errorf("%s %s: an answer %s %s has no example", method, path, status, kind)
						}
						reach(document.Components.Schemas, body.Schema, answered, func(what string) {
							t.Errorf("%s %s: %s of an answer %s allows no member that is added later", method, path, what, status)
						})
					}
				}
			}
		}
		for _, name := range []string{"SessionRequest", "LineRequest", "CaptureRequest"} {
			if !asked[name] || answered[name] || document.Components.Schemas[name].(map[string]any)["additionalProperties"] != false {
				t.Errorf("%s takes members that nobody knows", name)
			}
		}
		if !answered["Session"] || !answered["OrderLine"] || !answered["AddressBody"] || !asked["AddressBody"] {
			t.Errorf("answers reach %v", answered)
		}
	}
}

// described is a body in the document.
type described struct{ Schema, Example any }

// reach looks at all schemas that a schema of the document leads to, and names those that forbid
// further members.
func reach(components map[string]any, schema any, seen map[string]bool, closed func(string)) {
	switch s := schema.(type) {
	case map[string]any:
		if s["additionalProperties"] == false && closed != nil {
			closed(fmt.Sprint(slices.Sorted(maps.Keys(s))))
		}
		if ref, ok := s["$ref"].(string); ok {
			name := strings.TrimPrefix(ref, "#/components/schemas/")
			if !seen[name] {
				seen[name] = true
				reach(components, components[name], seen, closed)
			}
		}
		for _, member := range s {
			reach(components, member, seen, closed)
		}
	case []any:
		for _, member := range s {
			reach(components, member, seen, closed)
		}
	}
}
