package fakeklarna

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// mustJSON encodes a value, without HTML escapes. It panics when that fails.
func mustJSON(v any) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(fmt.Sprintf("fakeklarna: encode %T: %v", v, err))
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// asJSON returns a body as JSON: unchanged, or as a string when it is not JSON. An empty
// one is nil.
func asJSON(body []byte) json.RawMessage {
	switch {
	case len(body) == 0:
		return nil
	case json.Valid(body):
		return body
	}
	return mustJSON(string(body))
}

// parseBody reads a request's body, which must be one JSON object.
func parseBody(body []byte) (map[string]any, *apiError) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, badRequest("Bad request: the body is not JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, badRequest("Bad request: more than one JSON value")
	}
	sent, ok := v.(map[string]any)
	if !ok {
		return nil, badRequest("Bad request: the body is not a JSON object")
	}
	return sent, nil
}

// stamp formats a time as Klarna does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// stampMillis formats a time as Order Management does.
func stampMillis(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func setDefault(s *string, text string) {
	if *s == "" {
		*s = text
	}
}

// amountText returns an amount for events. All our currencies have two decimals.
func amountText(minor int64) string {
	sign := ""
	if minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/100, minor%100)
}
