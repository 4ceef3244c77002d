// Package callback serves Klarna's calls to us. They come without cookie and
// without signature, so their address has a secret token, and what they say
// moves no money: which cart is meant is signed, lines and amounts come from
// that cart, and what was bought is read from Klarna.
// Source: docs.kustom.co, Server side callbacks.
package callback

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/respond"
)

const (
	answerTime = 2 * time.Second // of Callbacks.AnswerTime
	// bookTime is what placing an order may take, also after the answer.
	bookTime = 12 * time.Second
	// bodyLimit is the size of the largest body, in bytes.
	bodyLimit = 1 << 20
)

// Callbacks are Klarna's calls. All members without a remark are required. Safe
// for concurrent use.
type Callbacks struct {
	Signer *kco.Signer
	Wants  *kco.Wants
	Carts  *cart.Store
	Stock  *catalog.Stock
	Book   *order.Book
	Logger *slog.Logger
	// Observer is told of each callback when it has been answered. It may be nil.
	Observer *observe.Observer
	// AnswerTime is what a callback may take, from the arrival of its head to its
	// answer; 0: 2 s.
	AnswerTime time.Duration

	working sync.WaitGroup // what goes on after its answer
}

// The results beside kco's reasons.
const (
	resultOK          = "ok"
	resultAddress     = "unsupported_address"
	resultBad         = "bad_request"
	resultUnknown     = "not_found"
	resultUnavailable = "unavailable"
)

// Routes mounts the callbacks. They need neither session nor the protection
// against other sites: there is no cookie that could be misused.
func (c *Callbacks) Routes(r chi.Router) {
	r.Route(kco.CallbackPath+"{token}", func(r chi.Router) {
		r.Use(c.guard)
		r.Post("/push", c.booked("push", c.Book.Place))
		r.Post("/notification", c.notification)
		r.Post("/validation", c.validation)
		r.Post("/"+payments.AuthorizationCallback, c.authorization)
		for _, name := range []string{"address_update", "shipping_option_update", "country_change"} {
			r.Post("/"+name, c.addressChange(name))
		}
	})
}

// guard lets nobody pass who does not know the token: there is nothing for
// them, and nothing of theirs is read or logged.
func (c *Callbacks) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.Signer.IsCallbackToken(chi.URLParam(r, "token")) {
			http.NotFound(w, r)
			return
		}
		limit := cmp.Or(c.AnswerTime, answerTime)
		// A client that sends slowly is cut off with the rest. Where the
		// connection has no deadline, the server's own time limit holds.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit))
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		ctx, cancel := context.WithTimeout(r.Context(), limit)
		defer cancel()
		c.observed(next).ServeHTTP(w, r.WithContext(ctx))
	})
}

// decode is body for a call whose address names an order, which it returns.
func (c *Callbacks) decode(w http.ResponseWriter, r *http.Request, name string, dst any) (orderID string, ok bool) {
	if !c.body(w, r, name, dst) {
		return "", false
	}
	orderID = r.URL.Query().Get("order_id")
	if !kco.IsOrderID(orderID) {
		c.bad(w, r, name, http.StatusBadRequest, "The address names no order.")
		return "", false
	}
	return orderID, true
}

// body reads the body, one JSON object, into dst. Otherwise it has answered, and
// false is returned. Members that we do not know are Klarna's business.
func (c *Callbacks) body(w http.ResponseWriter, r *http.Request, name string, dst any) (ok bool) {
	body, err := io.ReadAll(r.Body)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		c.bad(w, r, name, http.StatusRequestEntityTooLarge, "The request is too large.")
		return false
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.bad(w, r, name, http.StatusRequestTimeout, "The request did not come in time.")
		return false
	}
	var members map[string]json.RawMessage
	switch {
	case err != nil:
		c.bad(w, r, name, http.StatusBadRequest, "The request could not be read.")
	case json.Unmarshal(body, &members) != nil || members == nil || json.Unmarshal(body, dst) != nil:
		c.bad(w, r, name, http.StatusBadRequest, "The body is not what it should be.")
	default:
		return true
	}
	return false
}

// bad answers a request that cannot be used.
func (c *Callbacks) bad(w http.ResponseWriter, r *http.Request, name string, status int, message string) {
	note(r, name, resultBad)
	c.Logger.WarnContext(r.Context(), "callback not usable", "status", status, "problem", message)
	respond.JSONError(w, r, status, resultBad, message, nil)
}

// redirect sends the shopper to the checkout page, which says why.
func (c *Callbacks) redirect(w http.ResponseWriter, r *http.Request, name string, reason kco.Reason, sku string) {
	note(r, name, string(reason))
	c.Logger.InfoContext(r.Context(), "callback refused", "reason", reason)
	w.Header().Set("Location", c.Wants.CheckoutURL(reason, sku))
	w.WriteHeader(http.StatusSeeOther)
}

// refuse shows the shopper a text in the iframe: the order cannot go there.
func (c *Callbacks) refuse(w http.ResponseWriter, r *http.Request, name, text string) {
	note(r, name, resultAddress)
	c.Logger.InfoContext(r.Context(), "callback refused", "reason", resultAddress)
	respond.JSON(w, r, http.StatusBadRequest, kco.Refusal{Type: kco.UnsupportedAddress, Text: text})
}

// notFound answers for an order that is none of ours.
func (c *Callbacks) notFound(w http.ResponseWriter, r *http.Request, name string) {
	note(r, name, resultUnknown)
	c.Logger.WarnContext(r.Context(), "callback for an unknown order")
	respond.JSONError(w, r, http.StatusNotFound, resultUnknown, "There is no such order.", nil)
}

// fail answers a fault of ours, which Klarna takes as no consent.
func (c *Callbacks) fail(w http.ResponseWriter, r *http.Request, name string, err error) {
	note(r, name, resultUnavailable)
	c.Logger.ErrorContext(r.Context(), "callback failed", "error", err)
	w.Header().Set("Retry-After", "5")
	respond.JSONError(w, r, http.StatusServiceUnavailable, resultUnavailable, "Try again.", nil)
}
