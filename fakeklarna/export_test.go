package fakeklarna

import (
	"path"
	"reflect"
	"slices"
)

// StateParts returns, as room.member, the members that a snapshot holds, and all members of
// the rooms that have state.
func (s *Server) StateParts() (held, all []string) {
	at := map[uintptr]bool{}
	parts := reflect.ValueOf(s.state).Elem().FieldByName("parts")
	for i := range parts.Len() {
		at[parts.Index(i).FieldByName("at").Elem().Pointer()] = true
	}
	for _, room := range []any{s.state, s.calls, s.om, s.kco, s.kp} {
		v := reflect.ValueOf(room).Elem()
		for i := range v.NumField() {
			name := path.Base(v.Type().PkgPath()) + "." + v.Type().Field(i).Name
			if all = append(all, name); at[v.Field(i).UnsafeAddr()] {
				held = append(held, name)
			}
		}
	}
	return held, all
}

// Unsaved returns the unexported members of the structs that a snapshot is made of: JSON
// does not have them.
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
			if ownJSON(t) {
				if orders, ok := t.FieldByName("Newest"); ok {
					walk(orders.Type)
				}
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
	parts := reflect.ValueOf(s.state).Elem().FieldByName("parts")
	for i := range parts.Len() {
		walk(parts.Index(i).FieldByName("at").Elem().Type())
	}
	slices.Sort(found)
	return found
}

// ownJSON reports whether a type has its own way into JSON.
func ownJSON(t reflect.Type) bool {
	_, json := reflect.PointerTo(t).MethodByName("MarshalJSON")
	_, text := reflect.PointerTo(t).MethodByName("MarshalText")
	return json || text
}
