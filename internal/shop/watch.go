package shop

import (
	"net/http"

	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/inspect"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
)

// observeCall tells metrics and story of one try of a call to Klarna.
func (s *Shop) observeCall(c klarna.Call) {
	s.Metrics.ObserveKlarna(c)
	s.Story.Call(c)
}

// observeCallback tells them of a call from Klarna.
func (s *Shop) observeCallback(e callback.Event) {
	s.Metrics.ObserveCallback(e.Callback, e.Result)
	s.Story.Record(inspect.Entry{
		At: e.Start, Kind: inspect.FromKlarna, CartID: e.CartID, OrderID: e.OrderID, Operation: e.Callback,
		Method: http.MethodPost, Path: kco.CallbackPath + "{token}/" + e.Callback, Status: e.Status, Duration: e.Duration, Result: e.Result,
	})
}
