package fakeklarna

import "net/http"

// apiError is an answer of Klarna's API other than 2xx.
// Source: docs.kustom.co, Errors in checkout.
type apiError struct {
	status  int
	code    string // "" = an empty body
	message string
	allow   string // of a 405
}

func badValue(path string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "BAD_VALUE", message: "Bad value: " + path}
}

func badRequest(message string) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "BAD_REQUEST", message: message}
}

var (
	errNotFound = &apiError{status: http.StatusNotFound}
	// errNotActivated: the body is this fake's choice, only the status is documented.
	errNotActivated = &apiError{status: http.StatusForbidden, code: "MERCHANT_INACTIVE", message: "Merchant is not activated"}
	errReadOnly     = &apiError{status: http.StatusForbidden, code: "READ_ONLY_ORDER", message: "Resource is read-only"}
)

// unauthorizedBody is how Klarna's gateways answer wrong credentials.
// Source: answers of Klarna's gateways; that of checkout is not documented.
const unauthorizedBody = `{"http_status_code":401,"http_status_message":"Unauthorized","internal_message":"authorization_error"}`

// body returns the error's JSON, nil when it has none.
func (e *apiError) body(correlationID string) []byte {
	if e.status == http.StatusUnauthorized {
		return []byte(unauthorizedBody)
	}
	if e.code == "" {
		return nil
	}
	return mustJSON(struct {
		Code           string   `json:"error_code"`
		Messages       []string `json:"error_messages"`
		CorrelationID  string   `json:"correlation_id"`
		ServiceVersion string   `json:"service_version"`
	}{e.code, []string{e.message}, correlationID, "SNAPSHOT"})
}
