package wire

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

// Rule says what a member of a request may be.
type Rule struct {
	Name     string
	kind     kind
	Required bool
	first    bool                  // see MustFirst
	Min, Max int64                 // a number's range; the length of a text in characters or of a list
	pattern  func() *regexp.Regexp // of a text, nil = any
	members  []Rule                // of an object
	element  *Rule                 // of a list, nil = anything
}

// Text is the rule for a text of some characters.
func Text(name string, minLength, maxLength int64) Rule {
	return Rule{Name: name, Min: minLength, Max: maxLength}
}

// LongText has no limit but that of the request.
func LongText(name string) Rule { return Text(name, 0, math.MaxInt64) }

// Pattern is the rule for a text that is wholly of a regular expression.
func Pattern(name, expr string) Rule {
	r := LongText(name)
	r.pattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(?:` + expr + `)$`) })
	return r
}

// Integer is the rule for a whole number.
func Integer(name string, low, high int64) Rule {
	return Rule{Name: name, kind: kindInteger, Min: low, Max: high}
}

// Flag is the rule for true or false.
func Flag(name string) Rule { return Rule{Name: name, kind: kindFlag} }

// Anything is the rule for any JSON.
func Anything(name string) Rule { return Rule{Name: name, kind: kindAny} }

// Object is the rule for an object of these members.
func Object(name string, members ...Rule) Rule {
	return Rule{Name: name, kind: kindObject, members: members}
}

// Members returns the rules of an object's members.
func (r Rule) Members() []Rule { return r.members }

// List is the rule for a list; a nil element is anything.
func List(name string, most int64, element *Rule) Rule {
	return Rule{Name: name, kind: kindList, Max: most, element: element}
}

// Within sets the range of a number, or of the size of a text or list.
func (r Rule) Within(low, high int64) Rule {
	r.Min, r.Max = low, high
	return r
}

// Must makes the member required.
func (r Rule) Must() Rule {
	r.Required = true
	return r
}

// MustFirst makes the member required. Where it is missing, no other missing member of the
// body is named, unless it is of these too. Source: recorded answers to {}.
func (r Rule) MustFirst() Rule {
	r.Required, r.first = true, true
	return r
}

// Flaw is what is wrong with a value.
type Flaw int

const (
	noFlaw Flaw = iota
	wrongType
	OutOfRange // a number
	WrongSize  // a text or a list
	WrongText  // it does not fit the pattern
	Missed     // a member that is required
)

// Dialect is how an API reads a body and reports its errors.
type Dialect struct {
	Separator     string // between the names of a path
	Numbered      bool   // elements of a list have their numbers in the path
	NumbersAsText bool   // a number counts as a text
	Refuse        func(r *Rule, path string, f Flaw) *Error
}

// PlainDialect is that of Checkout and Payments.
var PlainDialect = &Dialect{".", true, false, func(_ *Rule, path string, _ Flaw) *Error { return BadValue(path) }}

// read returns a value without unknown members. path is its place. A null member counts as
// missing. A wrong value becomes null in the result, and read calls wrong for it.
func (r *Rule) read(in *Dialect, path string, v any, wrong func(path string, err *Error)) any {
	if number, ok := v.(json.Number); ok && r.kind == kindText && in.NumbersAsText {
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
			v, found = n, r.rangeFlaw(n, OutOfRange)
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
			found = r.rangeFlaw(int64(len(value)), WrongSize)
		}
		if found == noFlaw && r.element != nil {
			return r.readElements(in, path, value, wrong)
		}
	}
	if found == noFlaw || r.kind == kindAny {
		return v
	}
	wrong(path, in.Refuse(r, path, found))
	return nil
}

func (r *Rule) rangeFlaw(n int64, is Flaw) Flaw {
	if n < r.Min || n > r.Max {
		return is
	}
	return noFlaw
}

func (r *Rule) textFlaw(text string) Flaw {
	size := r.rangeFlaw(int64(utf8.RuneCountInString(text)), WrongSize)
	if size == noFlaw && r.pattern != nil && !r.pattern().MatchString(text) {
		return WrongText
	}
	return size
}

func (r *Rule) readMembers(in *Dialect, path string, sent map[string]any, wrong func(string, *Error)) any {
	if path != "" {
		path += in.Separator
	}
	kept := map[string]any{}
	for i := range r.members {
		m := &r.members[i]
		if v := sent[m.Name]; v != nil {
			kept[m.Name] = m.read(in, path+m.Name, v, wrong)
		} else if m.Required {
			wrong(path+m.Name, in.Refuse(m, path+m.Name, Missed))
		}
	}
	return kept
}

func (r *Rule) readElements(in *Dialect, path string, sent []any, wrong func(string, *Error)) any {
	kept := make([]any, len(sent))
	for i, v := range sent {
		at := path
		if in.Numbered {
			at += "[" + strconv.Itoa(i) + "]"
		}
		kept[i] = r.element.read(in, at, v, wrong)
	}
	return kept
}

// First is read with the first error as its result.
func (r *Rule) First(in *Dialect, path string, v any) (any, *Error) {
	var first *Error
	kept := r.read(in, path, v, func(_ string, err *Error) { first = cmp.Or(first, err) })
	return kept, first
}

// Offenders are the paths of the wrong members in a request.
type Offenders []string

// Add adds a path once.
func (o *Offenders) Add(path string) {
	if !slices.Contains(*o, path) {
		*o = append(*o, path)
	}
}

// Err names all offenders in one message, nil when there are none.
// Source: docs.klarna.com, Error codes and messages for Klarna Payments.
func (o Offenders) Err() *Error {
	if len(o) == 0 {
		return nil
	}
	return BadValue(strings.Join(o, ", "))
}

// GatherMembers returns before with the sent members. It checks each member alone.
func GatherMembers(rules []Rule, before map[string]json.RawMessage, sent map[string]any) (map[string]json.RawMessage, Offenders) {
	after := map[string]json.RawMessage{}
	maps.Copy(after, before)
	var bad Offenders
	missing := func(r Rule) bool { return r.Required && sent[r.Name] == nil && after[r.Name] == nil }
	first := slices.ContainsFunc(rules, func(r Rule) bool { return r.first && missing(r) })
	for i := range rules {
		r := &rules[i]
		if v := sent[r.Name]; v != nil {
			after[r.Name] = MustJSON(r.read(PlainDialect, r.Name, v, func(path string, _ *Error) { bad.Add(path) }))
		} else if missing(*r) && (r.first || !first) {
			bad.Add(r.Name)
		}
	}
	return after, bad
}

const (
	AnyCountry = `[A-Za-z]{2}`
	AnyColor   = `#[A-Fa-f0-9]{6}`
	AnyDay     = `(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|[12]\d))` // mm-dd, of any year
	MaxAmount  = 100_000_000                                                                                              // of unit_price and total_amount
	MaxLines   = 1000
	MaxListed  = 1000 // elements of the other lists; no limit is documented
)

// IdentifiersRule is for product_identifiers.
var IdentifiersRule = Object("product_identifiers",
	Text("brand", 0, 70), Text("color", 0, 64), Text("category_path", 0, 750),
	Text("global_trade_item_number", 0, 50), Text("manufacturer_part_number", 0, 70), Text("size", 0, 64))

// BirthRule is for a customer's date_of_birth.
var BirthRule = Pattern("date_of_birth", `|\d{4}-`+AnyDay)

// IsBirthDate reports whether text can be a customer's date_of_birth.
func IsBirthDate(text string) bool { return BirthRule.textFlaw(text) == noFlaw }

// SubscriptionRule is for the subscription of a line.
func SubscriptionRule(name Rule) Rule {
	return Object("subscription", name,
		Pattern("interval", `DAY|WEEK|MONTH|YEAR`).Must(), Integer("interval_count", 1, math.MaxInt64).Must())
}

// WholeRate is a tax rate of 100 %.
const WholeRate = 10000 // in hundredths of a percent
