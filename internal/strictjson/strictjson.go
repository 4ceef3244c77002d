// Package strictjson reads JSON that others write, in which every parser would read the same.
package strictjson

import (
	"bytes"
	"errors"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Error is JSON that parsers read differently.
type Error struct {
	Pointer string // where, as in RFC 6901
	Reason  string // safe to show
}

// Error says where and why.
func (e *Error) Error() string { return e.Pointer + ": " + e.Reason }

// Read returns one JSON value, to be decoded: a whole number is written as one, which programs write as 2500.0 or 2.5e3,
// too. The error is an *Error where a name stands twice in an object or a text is not UTF-8, else it says that data is not
// one value of JSON.
func Read(data []byte) ([]byte, error) {
	value := jsontext.Value(bytes.Clone(data))
	err := value.Format(
		jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false),
		jsontext.CanonicalizeRawFloats(true), jsontext.PreserveRawStrings(true),
	)
	wrong, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok:
		return value, err
	case errors.Is(err, jsontext.ErrDuplicateName):
		return nil, &Error{Pointer: string(wrong.JSONPointer), Reason: "stands twice"}
	case strings.HasPrefix(wrong.Err.Error(), "invalid UTF-8"), strings.HasPrefix(wrong.Err.Error(), "invalid surrogate"):
		return nil, &Error{Pointer: string(wrong.JSONPointer), Reason: "is not UTF-8"}
	}
	return nil, err
}
