package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// MustJSON encodes a value, without HTML escapes. It panics when that fails.
func MustJSON(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("fakeklarna: encode %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// AsJSON returns a body as JSON: unchanged, or as a string when it is not JSON. An empty
// one is nil.
func AsJSON(body []byte) json.RawMessage {
	switch {
	case len(body) == 0:
		return nil
	case json.Valid(body):
		return body
	}
	return MustJSON(string(body))
}

// ParseBody reads a request's body, which must be one JSON object.
func ParseBody(body []byte) (map[string]any, *Error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, BadRequest("Bad request: the body is not JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, BadRequest("Bad request: more than one JSON value")
	}
	sent, ok := v.(map[string]any)
	if !ok {
		return nil, BadRequest("Bad request: the body is not a JSON object")
	}
	return sent, nil
}

// Stamp formats a time as Klarna does.
func Stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// StampMillis formats a time as Order Management does.
func StampMillis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// SetDefault fills an empty text.
func SetDefault(s *string, text string) {
	if *s == "" {
		*s = text
	}
}

// AmountText returns an amount for events. All our currencies have two decimals.
func AmountText(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}
