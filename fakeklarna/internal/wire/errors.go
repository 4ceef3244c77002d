// Package wire has what Klarna's APIs share: bodies and the rules for them, lines and their
// arithmetic, and answers that are errors.
package wire

import (
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// Error is an answer of one of Klarna's APIs other than 2xx.
// Source: docs.kustom.co, Errors in checkout; docs.klarna.com, Error codes and
// messages for order management.
type Error struct {
	Status  int
	Code    string // "" = an empty body
	Message string
	Allow   string `json:",omitempty"` // of a 405
	Raw     string `json:",omitempty"` // the body, where it is not Klarna's usual JSON
	Before  bool   `json:",omitempty"` // see Reply.Before
}

// BadValue is the error for a wrong member.
func BadValue(path string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "BAD_VALUE", Message: "Bad value: " + path}
}

// BadRequest is the error for a wrong body.
func BadRequest(message string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "BAD_REQUEST", Message: message}
}

// Forbidden is the error when the state of an order does not allow a call.
func Forbidden(code, message string) *Error {
	return &Error{Status: http.StatusForbidden, Code: code, Message: message}
}

// Missing is the error when there is no such thing.
func Missing(code, message string) *Error {
	return &Error{Status: http.StatusNotFound, Code: code, Message: message}
}

// Unprocessable is the error for a wrong member, outside the checkout.
func Unprocessable(message string) *Error {
	return &Error{Status: http.StatusUnprocessableEntity, Code: "UNPROCESSABLE_ENTITY", Message: message}
}

var (
	ErrNotFound = &Error{Status: http.StatusNotFound}
	// ErrNotActivated: only the status is documented, the body is this fake's choice.
	ErrNotActivated = &Error{Status: http.StatusForbidden, Code: "MERCHANT_INACTIVE", Message: "Merchant is not activated"}
	ErrReadOnly     = &Error{Status: http.StatusForbidden, Code: "READ_ONLY_ORDER", Message: "Resource is read-only"}
)

// InCheckout reports whether a path belongs to the checkout API, which has its own error
// bodies.
func InCheckout(path string) bool { return APIOf(path) == Checkout }

var (
	// Unauthorized is the answer to wrong credentials: a page of the gateway.
	// Source: recorded answers.
	Unauthorized = &Error{Status: http.StatusUnauthorized, Raw: "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n<body>\r\n" +
		"<center><h1>401 Authorization Required</h1></center>\r\n<hr><center>openresty</center>\r\n</body>\r\n</html>\r\n"}
	// tooMany is the answer of the gateway beyond the rate limit. Source: recorded answers.
	tooMany = &Error{Status: http.StatusTooManyRequests}
	// Unroutable is the answer to a path that no router takes: the page of Tomcat, which is
	// in front of the APIs outside the checkout. Source: recorded answers.
	Unroutable = &Error{Status: http.StatusBadRequest, Before: true, Raw: `<!doctype html><html lang="en"><head><title>HTTP Status 400 – Bad Request</title>` +
		`<style type="text/css">body {font-family:Tahoma,Arial,sans-serif;} h1, h2, h3, b {color:white;background-color:#525D76;} h1 {font-size:22px;} ` +
		`h2 {font-size:16px;} h3 {font-size:14px;} p {font-size:12px;} a {color:black;} .line {height:1px;background-color:#525D76;border:none;}</style></head>` +
		`<body><h1>HTTP Status 400 – Bad Request</h1></body></html>`}
)

// CannotRoute reports whether a path, decoded, has a sign that Tomcat refuses.
func CannotRoute(path string) bool {
	return strings.ContainsAny(path, "{}<>|\\^`\"") || strings.ContainsFunc(path, unicode.IsControl)
}

// TooLarge is the answer to a body over the limit.
func TooLarge(path string) *Error {
	if InCheckout(path) {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "BAD_REQUEST", Message: "Bad request: the body is too large"}
	}
	return &Error{Status: http.StatusRequestEntityTooLarge, Code: "REQUEST_TOO_LARGE", Message: "Request is too large"}
}

// NoSuchPath is the answer to an unknown path. In the checkout it is that to a wrong
// method, elsewhere that of the API's framework. Source: recorded answers to an empty order ID.
func NoSuchPath(path string, now time.Time, wrongMethod *Error) *Error {
	if InCheckout(path) {
		return wrongMethod
	}
	return &Error{Status: http.StatusNotFound, Raw: string(MustJSON(struct {
		Timestamp string `json:"timestamp"`
		Status    int    `json:"status"`
		Error     string `json:"error"`
		Message   string `json:"message"`
		Path      string `json:"path"`
	}{StampMillis(now), http.StatusNotFound, "Not Found", "No message available", path}))}
}

// typical is the error of the calls whose path a pattern fits, for faults that name only the status.
type typical struct {
	path *regexp.Regexp
	Error
}

// of is a row of the errors of the paths that a pattern fits.
func of(pattern string, status int, code, message string) typical {
	return typical{regexp.MustCompile(pattern), Error{Status: status, Code: code, Message: message}}
}

// typicalErrors are read from the first that fits: what an endpoint says comes before what its API says.
// Sources: docs.klarna.com, Error codes and messages for order management, and for Klarna Payments; Customer token API.
var typicalErrors = []typical{
	of(`^/checkout/v3/orders/?$`, http.StatusForbidden, ErrNotActivated.Code, ErrNotActivated.Message),
	of(`^/checkout/`, http.StatusForbidden, ErrReadOnly.Code, ErrReadOnly.Message),
	of(`^/checkout/`, http.StatusBadRequest, "BAD_VALUE", "Bad value: order_lines"),
	of(`^/checkout/`, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "Internal server error"),
	of(`^/checkout/`, 0, "", ""),

	of(`^/payments/v1/authorizations/[^/]+/order$`, http.StatusForbidden, "REJECTED", "Order is rejected"),
	of(`^/payments/v1/authorizations/`, http.StatusForbidden, "INVALID_OPERATION", "Authorization token already consumed"),
	of(`^/payments/v1/authorizations/`, http.StatusNotFound, "NOT_FOUND", "Invalid authorization token"),
	of(`^/payments/v1/authorizations/`, http.StatusConflict, "BAD_VALUE", "Not matching fields: [order_amount]"),
	of(`^/payments/`, http.StatusForbidden, ErrNotActivated.Code, ErrNotActivated.Message),
	of(`^/payments/`, http.StatusNotFound, "NOT_FOUND", "Invalid session id"),
	of(`^/(payments|customer-token)/`, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "Internal error"),
	of(`^/customer-token/`, http.StatusForbidden, "PAYMENT_METHOD_FAILED", "Payment method failed"),
	of(`^/customer-token/`, http.StatusNotFound, "TOKEN_NOT_FOUND", "Customer token not found"),
	of(`^/customer-token/`, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "Service unavailable"),

	of(`^/ordermanagement/.*/captures$`, http.StatusForbidden, "CAPTURE_NOT_ALLOWED", "Capture not allowed"),
	of(`^/ordermanagement/.*/refunds$`, http.StatusForbidden, "REFUND_NOT_ALLOWED", "Refund not allowed."),
	of(`^/ordermanagement/.*/cancel$`, http.StatusForbidden, "CANCEL_NOT_ALLOWED", "Cancel not possible."),
	of(`^/ordermanagement/.*/refunds`, http.StatusNotFound, "NOT_FOUND", "Not found"),
	of(`^/ordermanagement/`, http.StatusNotFound, "NO_SUCH_ORDER", "Order cannot be found."),
	of(`^/ordermanagement/`, http.StatusBadRequest, "INVALID_ORDER_ID", "Order ID must be a valid UUID."),
	of(`^/ordermanagement/.*/captures$`, http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", "'captured_amount' must not be null"),
	of(`^/ordermanagement/.*/refunds$`, http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", "'refunded_amount' must not be null"),
	of(``, http.StatusBadRequest, "BAD_VALUE", "Bad value: order_lines"),
	of(``, http.StatusForbidden, "NOT_ALLOWED", "Update not allowed."),
	of(``, http.StatusNotFound, "NOT_FOUND", "Not found"),
	of(``, http.StatusConflict, "CONFLICT", ""),
	of(``, http.StatusRequestEntityTooLarge, "REQUEST_TOO_LARGE", "Request is too large"),
	of(``, http.StatusUnprocessableEntity, "UNPROCESSABLE_ENTITY", "'order_lines' must not be null"),
	of(``, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "Unexpected server error"),
	of(``, http.StatusBadGateway, "TEMPORARILY_UNAVAILABLE", "Temporarily unavailable"),
	of(``, http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE", "Temporarily unavailable"),
	of(``, http.StatusGatewayTimeout, "TEMPORARILY_UNAVAILABLE", "Temporarily unavailable"),
}

// TypicalError returns the error with a status, of the API that a path belongs to.
func TypicalError(path string, status int) *Error {
	switch status {
	case http.StatusUnauthorized:
		return Unauthorized
	case http.StatusTooManyRequests:
		return tooMany
	}
	e := Error{}
	for _, t := range typicalErrors {
		if (t.Status == status || t.Status == 0) && t.path.MatchString(path) { // 0: the API's others have no body
			e = t.Error
			break
		}
	}
	e.Status = status
	return &e
}

// Reply returns out with the status, headers and body of the error.
func (e *Error) Reply(out Reply, correlationID string) Reply {
	out.Status, out.Body, out.Header, out.Before = e.Status, e.body(out.Path, correlationID), map[string]string{}, e.Before
	if e.Allow != "" {
		out.Header["Allow"] = e.Allow
	}
	switch e {
	case Unauthorized:
		out.Header["Content-Type"], out.Header["WWW-Authenticate"] = "text/html", `Basic realm="very closed site"`
	case tooMany:
		out.Header["X-Envoy-Ratelimited"] = "true"
	case Unroutable:
		out.Header["Content-Type"], out.Header["Content-Language"] = "text/html;charset=utf-8", "en"
	}
	return out
}

// body returns the error's body, nil when it has none. path is that of the call.
func (e *Error) body(path, correlationID string) []byte {
	if e.Raw != "" {
		return []byte(e.Raw)
	}
	if e.Code == "" {
		return nil
	}
	v := struct {
		Code           string   `json:"error_code"`
		Messages       []string `json:"error_messages"`
		CorrelationID  string   `json:"correlation_id"`
		ServiceVersion string   `json:"service_version,omitempty"`
	}{Code: e.Code, Messages: []string{e.Message}, CorrelationID: correlationID}
	if InCheckout(path) {
		v.ServiceVersion = "SNAPSHOT"
	}
	if e.Code == "CONFLICT" {
		v.Messages = []string{} // as documented
	}
	return MustJSON(v)
}

// Reply is an answer of an API, not sent yet.
type Reply struct {
	Status    int
	Header    map[string]string
	Body      []byte
	OrderID   string
	SessionID string // of Klarna Payments
	Location  string // path below the fake's address, for the Location header
	Path      string `json:"-"`          // of the call: each API has errors of its own
	Before    bool   `json:",omitempty"` // what is in front of the API answers, without the API's headers
}
