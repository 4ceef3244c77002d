package callback

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
)

// booked serves a call about an order: the book reads the order from Klarna. Work that
// takes longer than the answer may take continues after it, and Klarna calls again.
func (c *Callbacks) booked(name string, tell func(context.Context, string) (order.Order, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		orderID := r.URL.Query().Get("order_id")
		if !kco.IsOrderID(orderID) {
			c.bad(w, r, name, http.StatusBadRequest, "The address names no order.")
			return
		}
		// What was begun is not cut off when Klarna hangs up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), bookTime)
		done, ended := make(chan error, 1), c.Observer.Push()
		c.working.Go(func() {
			defer cancel()
			defer ended()
			done <- c.safely(ctx, orderID, tell)
		})
		var err error
		select {
		case err = <-done:
		case <-r.Context().Done():
			err = errors.New("not done in time; it goes on")
		}
		switch {
		case errors.Is(err, order.ErrNotBought), errors.Is(err, order.ErrNotOurs):
			c.notFound(w, r, name)
		case err != nil:
			c.fail(w, r, name, err)
		default:
			note(r, name, resultOK)
			w.WriteHeader(http.StatusOK)
		}
	}
}

// Run returns when ctx has ended and all begun work is done, at most 12 s later. The
// server must have stopped by then.
func (c *Callbacks) Run(ctx context.Context) {
	<-ctx.Done()
	c.working.Wait()
}

// safely turns a panic into an error: no server would catch it here.
func (c *Callbacks) safely(ctx context.Context, orderID string, tell func(context.Context, string) (order.Order, error)) (err error) {
	defer func() {
		if v := recover(); v != nil {
			c.Logger.ErrorContext(ctx, "panic", "value", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	_, err = tell(ctx, orderID)
	return err
}

// notification serves the call that Klarna has decided about a pending order. The body
// has the decision, but the book asks Order Management.
// Source: docs.kustom.co, Server side callbacks.
func (c *Callbacks) notification(w http.ResponseWriter, r *http.Request) {
	const name = "notification"
	var body struct {
		OrderID string `json:"order_id"`
	}
	orderID, ok := c.decode(w, r, name, &body)
	switch {
	case !ok:
	case body.OrderID != "" && body.OrderID != orderID:
		c.bad(w, r, name, http.StatusBadRequest, "Address and body name different orders.")
	default:
		c.booked(name, c.Book.Refresh)(w, r)
	}
}
