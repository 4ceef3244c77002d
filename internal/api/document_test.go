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

// Each body and each answer has an example, which fits its schema; answers may get members later,
// and calls have none that nobody knows.
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
						if status < "300" {
							fits(document.Components.Schemas, body.Schema, body.Example, "body", func(where, what string) {
								t.Errorf("%s %s: the example of %s %s: %s %s", method, path, status, kind, where, what)
							})
						}
						reach(document.Components.Schemas, body.Schema, answered, func(what string) {
							t.Errorf("%s %s: %s of an answer %s allows no member that is added later", method, path, what, status)
						})
					}
				}
			}
		}
		for name, answers := range map[string][]string{
			"Session":       {`{"order": null}`, `{"delivery_option": null}`},
			"Order":         {`{"payment_method": null}`, `{"delivery": null}`},
			"OrderDelivery": {`{"pickup_point": null}`},
			"Problem":       {`{"code": "of_a_later_version"}`},
			"EventList":     {`{"data": [{"type": "of.a_later_version", "data": {"object": "of_a_later_version"}}]}`},
		} {
			for _, answer := range answers {
				var value any
				if err := json.Unmarshal([]byte(answer), &value); err != nil {
					t.Fatal(err)
				}
				fits(document.Components.Schemas, map[string]any{"$ref": "#/components/schemas/" + name}, value, name, func(where, what string) {
					if !strings.HasPrefix(what, "has no ") {
						t.Errorf("%s: %s %s", path, where, what)
					}
				})
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

// fits holds a value against a schema of the document: types, null, enums and required members.
func fits(components map[string]any, schema, value any, where string, wrong func(where, what string)) {
	s, _ := schema.(map[string]any)
	if ref, ok := s["$ref"].(string); ok {
		fits(components, components[strings.TrimPrefix(ref, "#/components/schemas/")], value, where, wrong)
		return
	}
	is := map[bool]string{true: "null"}[value == nil]
	switch v := value.(type) {
	case bool:
		is = "boolean"
	case string:
		is = "string"
	case float64:
		is = "integer"
	case []any:
		is = "array"
		for i, item := range v {
			fits(components, s["items"], item, fmt.Sprintf("%s[%d]", where, i), wrong)
		}
	case map[string]any:
		is = "object"
		required, _ := s["required"].([]any)
		for _, name := range required {
			if _, there := v[name.(string)]; !there {
				wrong(where, fmt.Sprintf("has no %s", name))
			}
		}
		members, _ := s["properties"].(map[string]any)
		for name, member := range v {
			of, named := members[name]
			if !named {
				of = s["additionalProperties"]
			}
			fits(components, of, member, where+"."+name, wrong)
		}
	}
	types, several := s["type"].([]any)
	if !several && s["type"] != nil {
		types = []any{s["type"]}
	}
	if s["nullable"] == true {
		types = append(types, "null")
	}
	if len(types) > 0 && !slices.Contains(types, any(is)) {
		wrong(where, fmt.Sprintf("is %s, and must be %v", is, types))
	}
	if enum, ok := s["enum"].([]any); ok && value != nil && !slices.Contains(enum, value) {
		wrong(where, fmt.Sprintf("is %v, and must be one of %v", value, enum))
	}
}
