// Package klarnatest gives a client single answers. For a whole Klarna, use fakeklarna.
package klarnatest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/shopd/shopd/internal/klarna"
)

type answers string

func (a answers) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(a)))}, nil
}

// Answering returns a client that gets a 200 with this body for every call.
func Answering(t testing.TB, body string) *klarna.Client {
	t.Helper()
	c, err := klarna.NewClient(klarna.Config{BaseURL: "https://klarna.example", Password: "x", Transport: answers(body)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
