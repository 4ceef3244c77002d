package fakeklarna

import (
	"bytes"
	"io"
	"net/http"
	"path"
)

// Agree stands in for a merchant who agrees with everything, as
// Options.CallbackTransport: for tests that are not about callbacks. Callbacks
// about an address are answered with the order as it was told, all others with
// an empty 200. They are known by the last part of their path, which must be
// their name in merchant_urls; the host must be one of Options.CallbackHosts
// or this machine.
func Agree() http.RoundTripper { return agreeing{} }

type agreeing struct{}

// RoundTrip answers a callback.
func (agreeing) RoundTrip(r *http.Request) (*http.Response, error) {
	told, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := r.Body.Close(); err != nil {
		return nil, err
	}
	answer := &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: http.NoBody, Request: r,
	}
	switch path.Base(r.URL.Path) {
	case "address_update", "shipping_option_update", "country_change":
		answer.Header.Set("Content-Type", "application/json")
		answer.Body = io.NopCloser(bytes.NewReader(told))
	}
	return answer, nil
}
