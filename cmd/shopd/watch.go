package main

import (
	"net/http"

	"github.com/shopd/shopd/internal/callback"
	"github.com/shopd/shopd/internal/inspect"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/server"
)

// watcher tells metrics and story of what goes on between us and Klarna.
type watcher struct {
	metrics *server.Metrics
	story   *inspect.Log
}

func (w watcher) call(c klarna.Call) {
	w.metrics.ObserveKlarna(c)
	w.story.Call(c)
}

func (w watcher) callback(e callback.Event) {
	w.metrics.ObserveCallback(e.Callback, e.Result)
	w.story.Record(inspect.Entry{
		At: e.Start, Kind: inspect.FromKlarna, CartID: e.CartID, OrderID: e.OrderID, Operation: e.Callback,
		Method: http.MethodPost, Path: kco.CallbackPath + "{token}/" + e.Callback, Status: e.Status, Duration: e.Duration, Result: e.Result,
	})
}
