package api

import (
	"maps"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/v1"
)

const schemasPath = "#/components/schemas/"

// documented has the schemas that calls are held against, and writes in the document what answers
// reach of them as objects that may have more members: one that is added later breaks nobody who
// made his client of the document before.
type documented struct {
	huma.Registry
	shown map[string]*huma.Schema
}

// MarshalJSON writes the schemas of the document.
func (d documented) MarshalJSON() ([]byte, error) { return json.Marshal(d.shown) }

// document completes a document whose operations are all there, and opens its answers.
func document(of *huma.OpenAPI) {
	strict := of.Components.Schemas
	shown := maps.Clone(strict.Map())
	var reach func(*huma.Schema) *huma.Schema
	reach = func(s *huma.Schema) *huma.Schema {
		if s == nil {
			return nil
		}
		if name := strings.TrimPrefix(s.Ref, schemasPath); s.Ref != "" {
			if shown[name] == strict.Map()[name] {
				shown[name] = new(*shown[name]) // known from here on
				*shown[name] = *reach(strict.Map()[name])
				orNull(shown, name, strict.TypeFromRef(s.Ref))
			}
			return s
		}
		open := *s
		open.Items, open.Properties = reach(s.Items), maps.Clone(s.Properties)
		for name, member := range open.Properties {
			open.Properties[name] = reach(member)
		}
		switch more := s.AdditionalProperties.(type) {
		case bool:
			if !more {
				open.AdditionalProperties = nil
			}
		case *huma.Schema:
			open.AdditionalProperties = reach(more)
		}
		return &open
	}
	for _, path := range of.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Put, path.Post} {
			if op == nil {
				continue
			}
			for status, answer := range op.Responses {
				for _, body := range answer.Content {
					body.Schema = reach(body.Schema)
				}
				switch {
				case status == "200" && op.Metadata[idempotent] != nil:
					header(answer, "Idempotency-Replayed", huma.TypeBoolean, "true: the answer is that of the first call.")
				case status == "409" || status == "429" || status == "503":
					header(answer, "Retry-After", huma.TypeInteger, "Seconds, where repeating helps.")
				}
			}
		}
	}
	of.Components.Schemas = documented{strict, shown}
}

// orNull says of the objects that a type always has and that may be null that they may; huma says
// it of other pointers. Such an object stands where the member is: null beside a reference can be
// said in OpenAPI 3.1 alone.
func orNull(shown map[string]*huma.Schema, name string, of reflect.Type) {
	for _, field := range reflect.VisibleFields(of) {
		member, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		is := shown[name].Properties[member]
		if is == nil || is.Ref == "" || field.Type.Kind() != reflect.Pointer || strings.Contains(options, "omitempty") {
			continue
		}
		object := *shown[strings.TrimPrefix(is.Ref, schemasPath)]
		object.Description, object.Nullable = is.Description, true
		shown[name].Properties[member] = &object
	}
}

// header adds a header to an answer.
func header(to *huma.Response, name, kind, description string) {
	if to.Headers == nil {
		to.Headers = map[string]*huma.Param{}
	}
	to.Headers[name] = &huma.Param{Schema: &huma.Schema{Type: kind}, Description: description}
}
