package fakeklarna

import (
	"net/http"
	"strings"
	"time"
)

// apiError is an answer of one of Klarna's APIs other than 2xx.
// Source: docs.kustom.co, Errors in checkout; docs.klarna.com, Error codes and
// messages for order management.
type apiError struct {
	status  int
	code    string // "" = an empty body
	message string
	allow   string // of a 405
	raw     string // the body, where it is not Klarna's usual JSON
}

func badValue(path string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "BAD_VALUE", message: "Bad value: " + path}
}

func badRequest(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

// forbidden is the error when the state of an order does not allow a call.
func forbidden(code, message string) *apiError {
	return &apiError{status: http.StatusForbidden, code: code, message: message}
}

func missing(code, message string) *apiError {
	return &apiError{status: http.StatusNotFound, code: code, message: message}
}

// unprocessable is the error for a wrong member, outside the checkout.
func unprocessable(message string) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, code: "UNPROCESSABLE_ENTITY", message: message}
}

var (
	errNotFound = &apiError{status: http.StatusNotFound}
	// errNotActivated: only the status is documented, the body is this fake's choice.
	errNotActivated = &apiError{status: http.StatusForbidden, code: "MERCHANT_INACTIVE", message: "Merchant is not activated"}
	errReadOnly     = &apiError{status: http.StatusForbidden, code: "READ_ONLY_ORDER", message: "Resource is read-only"}
)

// inCheckout reports whether a path belongs to the checkout API, which has its own error
// bodies.
func inCheckout(path string) bool { return strings.HasPrefix(path, "/checkout/") }

// unauthorizedBody is how Klarna's gateways answer wrong credentials.
// Source: answers of Klarna's gateways; that of checkout is not documented.
const unauthorizedBody = `{"http_status_code":401,"http_status_message":"Unauthorized","internal_message":"authorization_error"}`

// unauthorized is the answer to wrong credentials. Outside the checkout it is an HTML page
// of the gateway. Source: recorded answers of Klarna's playground.
func unauthorized(path string) *apiError {
	body := htmlOf("401 Authorization Required")
	if inCheckout(path) {
		body = unauthorizedBody
	}
	return &apiError{status: http.StatusUnauthorized, raw: body}
}

// htmlOf is a gateway's page about an error.
func htmlOf(title string) string {
	return "<html>\n<head><title>" + title + "</title></head>\n<body><center><h1>" + title + "</h1></center></body>\n</html>\n"
}

// errTooLarge is the answer to a body over the limit.
func errTooLarge(path string) *apiError {
	if inCheckout(path) {
		return &apiError{status: http.StatusRequestEntityTooLarge, code: "BAD_REQUEST", message: "Bad request: the body is too large"}
	}
	return &apiError{status: http.StatusRequestEntityTooLarge, code: "REQUEST_TOO_LARGE", message: "Request is too large"}
}

// noSuchPath is the answer to an unknown path. In the checkout it is that to a wrong
// method, elsewhere that of the API's framework. Source: recorded answers to an empty order ID.
func noSuchPath(path string, now time.Time, wrongMethod *apiError) *apiError {
	if inCheckout(path) {
		return wrongMethod
	}
	return &apiError{status: http.StatusNotFound, raw: string(mustJSON(struct {
		Timestamp string `json:"timestamp"`
		Status    int    `json:"status"`
		Error     string `json:"error"`
		Message   string `json:"message"`
		Path      string `json:"path"`
	}{stampMillis(now), http.StatusNotFound, "Not Found", "No message available", path}))}
}

// typicalErrors are the errors of Order Management and Payments by status, for faults that
// name only the status.
// Source: docs.klarna.com, Error codes and messages for order management.
var typicalErrors = map[int]apiError{
	http.StatusBadRequest:            {code: "BAD_VALUE", message: "Bad value: order_lines"},
	http.StatusForbidden:             {code: "NOT_ALLOWED", message: "Update not allowed."},
	http.StatusNotFound:              {code: "NOT_FOUND", message: "Not found"},
	http.StatusConflict:              {code: "CONFLICT"},
	http.StatusRequestEntityTooLarge: {code: "REQUEST_TOO_LARGE", message: "Request is too large"},
	http.StatusUnprocessableEntity:   {code: "UNPROCESSABLE_ENTITY", message: "'order_lines' must not be null"},
	http.StatusTooManyRequests:       {code: "TOO_MANY_REQUESTS", message: "Too many requests"},
	http.StatusInternalServerError:   {code: "INTERNAL_SERVER_ERROR", message: "Unexpected server error"},
	http.StatusBadGateway:            {code: "TEMPORARILY_UNAVAILABLE", message: "Temporarily unavailable"},
	http.StatusServiceUnavailable:    {code: "TEMPORARILY_UNAVAILABLE", message: "Temporarily unavailable"},
	http.StatusGatewayTimeout:        {code: "TEMPORARILY_UNAVAILABLE", message: "Temporarily unavailable"},
}

// typicalError returns the error with a status, of the API that a path belongs to.
func typicalError(path string, status int) *apiError {
	switch {
	case status == http.StatusUnauthorized:
		return unauthorized(path)
	case !inCheckout(path):
		e := typicalErrors[status]
		e.status = status
		return &e
	case status == http.StatusForbidden:
		return errReadOnly
	case status == http.StatusBadRequest:
		return badValue("order_lines")
	case status == http.StatusInternalServerError:
		return &apiError{status: status, code: "INTERNAL_SERVER_ERROR", message: "Internal server error"}
	}
	return &apiError{status: status}
}

// reply returns out with the status, headers and body of the error.
func (e *apiError) reply(out reply, correlationID string) reply {
	out.status, out.body, out.header = e.status, e.body(out.path, correlationID), map[string]string{}
	if e.allow != "" {
		out.header["Allow"] = e.allow
	}
	if strings.HasPrefix(e.raw, "<") {
		out.header["Content-Type"] = "text/html"
		if e.status == http.StatusUnauthorized {
			out.header["WWW-Authenticate"] = `Basic realm="very closed site"`
		}
	}
	return out
}

// body returns the error's body, nil when it has none. path is that of the call.
func (e *apiError) body(path, correlationID string) []byte {
	if e.raw != "" {
		return []byte(e.raw)
	}
	if e.code == "" {
		return nil
	}
	v := struct {
		Code           string   `json:"error_code"`
		Messages       []string `json:"error_messages"`
		CorrelationID  string   `json:"correlation_id"`
		ServiceVersion string   `json:"service_version,omitempty"`
	}{Code: e.code, Messages: []string{e.message}, CorrelationID: correlationID}
	if inCheckout(path) {
		v.ServiceVersion = "SNAPSHOT"
	}
	if e.code == "CONFLICT" {
		v.Messages = []string{} // as documented
	}
	return mustJSON(v)
}

// reply is an answer of an API, not sent yet.
type reply struct {
	status    int
	header    map[string]string
	body      []byte
	orderID   string
	sessionID string // of Klarna Payments
	location  string // path below the fake's address, for the Location header
	path      string // of the call: each API has errors of its own
}
