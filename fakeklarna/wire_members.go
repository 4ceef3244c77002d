package fakeklarna

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// offenders are the paths of the wrong members in a request.
type offenders []string

func (o *offenders) add(path string) {
	if !slices.Contains(*o, path) {
		*o = append(*o, path)
	}
}

// err names all offenders in one message, nil when there are none.
// Source: docs.klarna.com, Error codes and messages for Klarna Payments.
func (o offenders) err() *apiError {
	if len(o) == 0 {
		return nil
	}
	return badValue(strings.Join(o, ", "))
}

// gatherMembers returns before with the sent members. It checks each member alone.
func gatherMembers(rules []rule, before map[string]json.RawMessage, sent map[string]any) (map[string]json.RawMessage, offenders) {
	after := map[string]json.RawMessage{}
	maps.Copy(after, before)
	var bad offenders
	for i := range rules {
		r := &rules[i]
		if v := sent[r.name]; v != nil {
			after[r.name] = mustJSON(r.read(plainDialect, r.name, v, func(path string, _ *apiError) { bad.add(path) }))
		} else if r.required && after[r.name] == nil {
			bad.add(r.name)
		}
	}
	return after, bad
}
