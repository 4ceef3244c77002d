package respond

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json/v1"
)

// ShopperLimit is the largest body of a shopper's request, in bytes.
const ShopperLimit = 64 << 10

// BadRequest is a body that cannot be used.
type BadRequest struct {
	Status  int    // 400; 413 for a body that is too large, 415 for one of another type
	Message string // safe to show
}

// Error returns the message.
func (e *BadRequest) Error() string { return e.Message }

// DecodeJSON reads one JSON object of at most limit bytes into dst. Unknown members,
// wrong types and anything after the object are refused. The error is a *BadRequest.
func DecodeJSON(w http.ResponseWriter, r *http.Request, dst any, limit int64) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return badBody(err)
	}
	if body = bytes.TrimSpace(body); len(body) == 0 || body[0] != '{' {
		return badRequest("The body must be a JSON object.")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(dst); err != nil {
		return badJSON(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badRequest("There is something after the JSON object.")
	}
	return nil
}

// CheckType refuses a body whose Content-Type is not mediaType. The error is a *BadRequest.
func CheckType(r *http.Request, mediaType string) error {
	if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != mediaType {
		return &BadRequest{Status: http.StatusUnsupportedMediaType, Message: "The body must be " + mediaType + "."}
	}
	return nil
}

// ParseForm reads a form of at most limit bytes into r.PostForm. It refuses any other
// type of body. The error is a *BadRequest.
func ParseForm(w http.ResponseWriter, r *http.Request, limit int64) error {
	if err := CheckType(r, "application/x-www-form-urlencoded"); err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		return badBody(err)
	}
	return nil
}

func badBody(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &BadRequest{Status: http.StatusRequestEntityTooLarge, Message: "The request is too large."}
	}
	return badRequest("The request's body could not be read.")
}

func badJSON(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return badRequest("The JSON object has a value of a wrong type.")
		}
		return badRequest(fmt.Sprintf("%q must not be a %s.", wrong.Field, wrong.Value))
	}
	if member, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return badRequest("There is no member " + member + ".")
	}
	return badRequest("The body is not valid JSON.")
}

func badRequest(message string) error {
	return &BadRequest{Status: http.StatusBadRequest, Message: message}
}
