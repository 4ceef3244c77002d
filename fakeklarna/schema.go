package fakeklarna

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
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

func (r rule) must() rule {
	r.required = true
	return r
}

// check returns a value without unknown members, or what is wrong with it. path
// is where it stands. A null member counts as left out.
func (r *rule) check(path string, v any) (any, *apiError) {
	if r.kind == kindAny {
		return v, nil
	}
	switch value := v.(type) {
	case string:
		n := int64(utf8.RuneCountInString(value))
		if r.kind == kindText && n >= r.min && n <= r.max && (r.pattern == nil || r.pattern().MatchString(value)) {
			return value, nil
		}
	case json.Number:
		n, err := strconv.ParseInt(value.String(), 10, 64)
		if r.kind == kindInteger && err == nil && n >= r.min && n <= r.max {
			return n, nil
		}
	case bool:
		if r.kind == kindFlag {
			return value, nil
		}
	case map[string]any:
		if r.kind == kindObject {
			return checkMembers(r.members, path, value)
		}
	case []any:
		if n := int64(len(value)); r.kind == kindList && n >= r.min && n <= r.max {
			return r.checkElements(path, value)
		}
	}
	return nil, badValue(path)
}

func checkMembers(rules []rule, path string, sent map[string]any) (any, *apiError) {
	kept := map[string]any{}
	for i := range rules {
		r := &rules[i]
		at := path + "." + r.name
		v, ok := sent[r.name]
		switch {
		case ok && v != nil:
			checked, err := r.check(at, v)
			if err != nil {
				return nil, err
			}
			kept[r.name] = checked
		case r.required:
			return nil, badValue(at)
		}
	}
	return kept, nil
}

func (r *rule) checkElements(path string, sent []any) (any, *apiError) {
	kept := make([]any, len(sent))
	for i, v := range sent {
		if r.element == nil {
			kept[i] = v
			continue
		}
		checked, err := r.element.check(path+"["+strconv.Itoa(i)+"]", v)
		if err != nil {
			return nil, err
		}
		kept[i] = checked
	}
	return kept, nil
}
