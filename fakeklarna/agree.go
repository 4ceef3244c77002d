package fakeklarna

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"path"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Agree returns an Options.CallbackTransport that agrees with everything, for tests that
// are not about callbacks. It answers callbacks about an address with the order in their
// body, upsell with no offers, all others with an empty 200. The last part of a callback's
// path must be its name in merchant_urls. The host must be this machine or one of
// Options.CallbackHosts.
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
		var order map[string]json.RawMessage
		if err := json.Unmarshal(told, &order); err != nil {
			return nil, err
		}
		delete(order, "merchant_data") // an answer may have less of it than an order
		told = wire.MustJSON(order)
	case "upsell":
		told = []byte(`{"upsell_lines":[],"empty":true}`)
	default:
		return answer, nil
	}
	answer.Header.Set("Content-Type", "application/json")
	answer.Body = io.NopCloser(bytes.NewReader(told))
	return answer, nil
}
