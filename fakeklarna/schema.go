package fakeklarna

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// kind is the JSON type that a member must have.
type kind int

const (
	kindText kind = iota
	kindInteger
	kindFlag
	kindObject
	kindList
	kindAny // whatever JSON has
)

// rule says what a member of a request may be.
type rule struct {
	name     string
	kind     kind
	required bool
	min, max int64                 // a number's range; the length of a text in characters or of a list
	pattern  func() *regexp.Regexp // of a text, nil = any
	members  []rule                // of an object
	element  *rule                 // of a list, nil = anything
}

func text(name string, minLength, maxLength int64) rule {
	return rule{name: name, min: minLength, max: maxLength}
}

// longText has no limit but that of the request.
func longText(name string) rule { return text(name, 0, math.MaxInt64) }

func pattern(name, expr string) rule {
	r := longText(name)
	r.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + expr + `)$`) })
	return r
}

func integer(name string, low, high int64) rule {
	return rule{name: name, kind: kindInteger, min: low, max: high}
}

func flag(name string) rule { return rule{name: name, kind: kindFlag} }

func anything(name string) rule { return rule{name: name, kind: kindAny} }

func object(name string, members ...rule) rule {
	return rule{name: name, kind: kindObject, members: members}
}

func list(name string, most int64, element *rule) rule {
	return rule{name: name, kind: kindList, max: most, element: element}
}

// within sets the range of a number, or of the size of a text or list.
func (r rule) within(low, high int64) rule {
	r.min, r.max = low, high
	return r
}

func (r rule) must() rule {
	r.required = true
	return r
}

// flaw is what is wrong with a value.
type flaw int

const (
	noFlaw flaw = iota
	wrongType
	outOfRange // a number
	wrongSize  // a text or a list
	wrongText  // it does not fit the pattern
	missed     // a member that is required
)

// dialect is how an API reads a body and reports its errors.
type dialect struct {
	separator     string // between the names of a path
	numbered      bool   // elements of a list have their numbers in the path
	numbersAsText bool   // a number counts as a text
	refuse        func(r *rule, path string, f flaw) *apiError
}

// plainDialect is that of Checkout and Payments.
var plainDialect = &dialect{".", true, false, func(_ *rule, path string, _ flaw) *apiError { return badValue(path) }}

// read returns a value without unknown members. path is its place. A null member counts as
// missing. A wrong value becomes null in the result, and read calls wrong for it.
func (r *rule) read(in *dialect, path string, v any, wrong func(path string, err *apiError)) any {
	if number, ok := v.(json.Number); ok && r.kind == kindText && in.numbersAsText {
		v = number.String()
	}
	found := wrongType
	switch value := v.(type) {
	case string:
		if r.kind == kindText {
			found = r.textFlaw(value)
		}
	case json.Number:
		if n, err := strconv.ParseInt(value.String(), 10, 64); r.kind == kindInteger && err == nil {
			v, found = n, r.rangeFlaw(n, outOfRange)
		}
	case bool:
		if r.kind == kindFlag {
			found = noFlaw
		}
	case map[string]any:
		if r.kind == kindObject {
			return r.readMembers(in, path, value, wrong)
		}
	case []any:
		if r.kind == kindList {
			found = r.rangeFlaw(int64(len(value)), wrongSize)
		}
		if found == noFlaw && r.element != nil {
			return r.readElements(in, path, value, wrong)
		}
	}
	if found == noFlaw || r.kind == kindAny {
		return v
	}
	wrong(path, in.refuse(r, path, found))
	return nil
}

func (r *rule) rangeFlaw(n int64, is flaw) flaw {
	if n < r.min || n > r.max {
		return is
	}
	return noFlaw
}

func (r *rule) textFlaw(text string) flaw {
	size := r.rangeFlaw(int64(utf8.RuneCountInString(text)), wrongSize)
	if size == noFlaw && r.pattern != nil && !r.pattern().MatchString(text) {
		return wrongText
	}
	return size
}

func (r *rule) readMembers(in *dialect, path string, sent map[string]any, wrong func(string, *apiError)) any {
	if path != "" {
		path += in.separator
	}
	kept := map[string]any{}
	for i := range r.members {
		m := &r.members[i]
		if v := sent[m.name]; v != nil {
			kept[m.name] = m.read(in, path+m.name, v, wrong)
		} else if m.required {
			wrong(path+m.name, in.refuse(m, path+m.name, missed))
		}
	}
	return kept
}

func (r *rule) readElements(in *dialect, path string, sent []any, wrong func(string, *apiError)) any {
	kept := make([]any, len(sent))
	for i, v := range sent {
		at := path
		if in.numbered {
			at += "[" + strconv.Itoa(i) + "]"
		}
		kept[i] = r.element.read(in, at, v, wrong)
	}
	return kept
}

// first is read with the first error as its result.
func (r *rule) first(in *dialect, path string, v any) (any, *apiError) {
	var first *apiError
	kept := r.read(in, path, v, func(_ string, err *apiError) { first = cmp.Or(first, err) })
	return kept, first
}

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
