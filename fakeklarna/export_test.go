package fakeklarna

import (
	"maps"
	"reflect"
	"slices"
)

// StateParts returns the names of Server's members that a snapshot holds, and
// those of all its members.
func (s *Server) StateParts() (held, all []string) {
	v := reflect.ValueOf(s).Elem()
	at := map[uintptr]string{}
	for i := range v.NumField() {
		at[v.Field(i).UnsafeAddr()] = v.Type().Field(i).Name
	}
	for _, p := range s.parts() {
		held = append(held, at[reflect.ValueOf(p.at).Pointer()])
	}
	return held, slices.Sorted(maps.Values(at))
}

// Unsaved returns the unexported members of the structs that a snapshot is made
// of: JSON does not have them.
func (s *Server) Unsaved() []string {
	seen := map[reflect.Type]bool{}
	var found []string
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		if seen[t] {
			return
		}
		seen[t] = true
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
			walk(t.Elem())
		case reflect.Struct:
			if marshals(t) {
				return
			}
			for f := range t.Fields() {
				if !f.IsExported() && !f.Anonymous {
					found = append(found, t.Name()+"."+f.Name)
					continue
				}
				walk(f.Type)
			}
		default: // nothing in it
		}
	}
	for _, p := range s.parts() {
		walk(reflect.TypeOf(p.at))
	}
	slices.Sort(found)
	return found
}

// marshals reports whether a type has its own way into JSON.
func marshals(t reflect.Type) bool {
	_, json := reflect.PointerTo(t).MethodByName("MarshalJSON")
	_, text := reflect.PointerTo(t).MethodByName("MarshalText")
	return json || text
}
