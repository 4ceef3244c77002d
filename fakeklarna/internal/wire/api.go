package wire

import "regexp"

// API is one of Klarna's APIs.
type API string

// The APIs, by the beginning of their paths. Any other path is of none.
const (
	Checkout      API = "/checkout/"
	Management    API = "/ordermanagement/"
	Payments      API = "/payments/"
	CustomerToken API = "/customer-token/"
)

var beginning = regexp.MustCompile(`^/[a-z-]+/`)

// APIOf returns the API that a path belongs to, "" if it belongs to none.
func APIOf(path string) API {
	switch api := API(beginning.FindString(path)); api {
	case Checkout, Management, Payments, CustomerToken:
		return api
	}
	return ""
}

var slashes = regexp.MustCompile(`/{2,}`)

// SingleSlashes returns a path in which several slashes count as one, as in Klarna's APIs.
// Source: recorded answers to //ordermanagement/v1/orders/….
func SingleSlashes(path string) string { return slashes.ReplaceAllString(path, "/") }

// serviceHeaders are those of the APIs outside the checkout.
// Source: recorded answers.
var serviceHeaders = map[string]string{
	"Cache-Control":          "no-cache, no-store, max-age=0, must-revalidate",
	"Pragma":                 "no-cache",
	"Expires":                "0",
	"X-Content-Type-Options": "nosniff",
	"X-Frame-Options":        "DENY",
	"X-Xss-Protection":       "1; mode=block",
}

var checkoutHeaders = map[string]string{"Cache-Control": "max-age=0, no-cache, no-store", "Pragma": "no-cache"}

// Headers returns what an API adds to each of its answers.
func (a API) Headers() map[string]string {
	if a == Checkout {
		return checkoutHeaders
	}
	return serviceHeaders
}

// Timed reports whether an API tells in Render-Time how long it took.
// Source: recorded answers.
func (a API) Timed() bool { return a != Management }
