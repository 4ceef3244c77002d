package kco_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
)

// lateTransport hands over Klarna's answer to a create just after the time for it is up.
type lateTransport struct{}

func (lateTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	<-r.Context().Done()
	return res, err
}

// An order whose ID reaches us when there is no time left is given up, and listed to be aborted.
func TestCreateAnsweredAtTheEnd(t *testing.T) {
	w := newWorld(t, fakeklarna.Options{})
	w.put("MUG-1", 1)
	late, err := klarna.NewClient(klarna.Config{BaseURL: w.Fake.URL, Username: "demo", Password: "demo", Transport: lateTransport{}})
	if err != nil {
		t.Fatal(err)
	}
	inTime := w.KCO.Client
	w.KCO.Client = kco.NewClient(late)
	if got, err := w.syncWithin(200*time.Millisecond, cartsync.Load); !errors.Is(err, cartsync.ErrUnavailable) {
		t.Fatalf("got %+v, %v", got, err)
	}
	if diff := cmp.Diff([]string{w.Fake.Orders()[0].OrderID}, w.leftBehind()); diff != "" {
		t.Errorf("left behind: %s", diff)
	}
	w.KCO.Client = inTime
	got, err := w.sync(cartsync.Load)
	if err != nil {
		t.Fatal(err)
	}
	w.agrees(got.OrderID)
}
