// Package callback serves Klarna's calls to us. They have no cookie and no signature, so
// their address has a secret token. Their bodies move no money: a signature protects the
// cart's ID, lines and amounts come from that cart, and a purchase is read from Klarna.
// Source: docs.kustom.co, Server side callbacks.
package callback

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/doctor"
	"github.com/shopd/shopd/internal/hook"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/stock"
)

const (
	answerTime = 2 * time.Second // of Callbacks.AnswerTime
	// bookTime is how long placing an order may take, also after the answer.
	bookTime = 12 * time.Second
	// bodyLimit is the size of the largest body, in bytes.
	bodyLimit = 1 << 20
)

// Callbacks serves Klarna's calls. Observer and AnswerTime are optional. Safe for
// concurrent use.
type Callbacks struct {
	Signer *kco.Signer
	Wants  *kco.Wants
	Carts  *cart.Store
	Stock  *stock.Store
	Book   *order.Book
	Logger *slog.Logger
	// Observer gets each callback that has been answered.
	Observer *observe.Observer
	// AnswerTime is how long a callback may take, from the arrival of its head to its
	// answer, beside what the merchant's own server may take; 0: 2 s. Klarna waits 10 s.
	AnswerTime time.Duration
	// Hooks are what the merchant's own server is asked; nil: nothing.
	Hooks *hook.Hooks

	working sync.WaitGroup // work that continues after the answer
}

// The results besides kco's reasons.
const (
	resultOK          = "ok"
	resultAddress     = "unsupported_address"
	resultFree        = "nothing_to_pay"
	resultDeclined    = "declined" // by the merchant's own server
	resultBad         = "bad_request"
	resultUnknown     = "not_found"
	resultUnavailable = "unavailable"
	resultCrowded     = "crowded" // too many want one product at this moment
)

// Routes mounts the callbacks. They need neither session nor cross-origin protection:
// they use no cookie.
func (c *Callbacks) Routes(r chi.Router) {
	r.Route(kco.CallbackPath+"{token}", func(r chi.Router) {
		r.Use(c.guard)
		r.Post("/push", c.booked("push", c.Book.Place))
		r.Post("/notification", c.notification)
		r.Post("/validation", c.validation)
		r.Post("/"+payments.AuthorizationCallback, c.authorization)
		r.Get("/"+doctor.Hello, c.hello)
		r.Post("/"+doctor.Hello, c.hello)
		for _, name := range addressChanges {
			r.Post("/"+name, c.addressChange(name))
		}
	})
}

// hello proves to shopd doctor that it has reached this shop.
func (c *Callbacks) hello(w http.ResponseWriter, r *http.Request) {
	asked := struct {
		Nonce string `json:"nonce"`
	}{r.URL.Query().Get("nonce")}
	if r.Method == http.MethodPost && !c.body(w, r, doctor.Hello, &asked) {
		return
	}
	if asked.Nonce == "" || len(asked.Nonce) > doctor.MaxNonce {
		c.bad(w, r, doctor.Hello, http.StatusBadRequest, "There is no nonce.")
		return
	}
	respond.JSON(w, r, http.StatusOK, map[string]string{"proof": doctor.Proof(c.Signer, asked.Nonce)})
}

// guard answers 404 to callers without the token. It reads and logs nothing of theirs.
func (c *Callbacks) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.Signer.IsCallbackToken(chi.URLParam(r, "token")) {
			http.NotFound(w, r)
			return
		}
		limit := cmp.Or(c.AnswerTime, answerTime)
		// A client that sends slowly is cut off too. A connection without deadlines has
		// the server's own limit. One that has sent all is not: it would be taken for
		// broken, and each further request on it for one whose client has left.
		if r.Body != http.NoBody {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(limit))
		}
		r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
		ctx, cancel := context.WithTimeout(r.Context(), limit+c.asking(path.Base(r.URL.Path)))
		defer cancel()
		c.observed(next).ServeHTTP(w, r.WithContext(ctx))
	})
}

// asking is how long the merchant's own server may take in a callback.
func (c *Callbacks) asking(name string) time.Duration {
	if c.Hooks == nil {
		return 0
	}
	switch hooks := c.Hooks.Published.Now().Shop.Hooks; {
	case name == "validation":
		return hook.Time(hooks.Validate)
	case slices.Contains(addressChanges, name):
		return hook.Time(hooks.Delivery)
	}
	return 0
}

// addressChanges are the callbacks that tell where the order goes, and how.
var addressChanges = []string{"address_update", "shipping_option_update", "country_change"}

// decode reads the body like body, and returns the order in the address.
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

// body reads the body, one JSON object, into dst. When it returns false, it has answered.
// It ignores unknown members.
func (c *Callbacks) body(w http.ResponseWriter, r *http.Request, name string, dst any) (ok bool) {
	body, err := io.ReadAll(r.Body)
	if err == nil { // see guard
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		c.bad(w, r, name, http.StatusRequestEntityTooLarge, "The request is too large.")
		return false
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.bad(w, r, name, http.StatusRequestTimeout, "The request did not come in time.")
		return false
	}
	switch {
	case err != nil:
		c.bad(w, r, name, http.StatusBadRequest, "The request could not be read.")
	case !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) || json.Unmarshal(body, dst) != nil:
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

// redirect sends the shopper to the checkout page of the cart, which shows the reason.
func (c *Callbacks) redirect(w http.ResponseWriter, r *http.Request, name string, of *cart.Cart, reason kco.Reason, sku string) {
	note(r, name, string(reason))
	c.Logger.InfoContext(r.Context(), "callback refused", "reason", reason)
	w.Header().Set("Location", c.Wants.CheckoutURL(&of.Contents, reason, sku))
	w.WriteHeader(http.StatusSeeOther)
}

// refuse shows the shopper a text in the iframe: we do not deliver to the address.
func (c *Callbacks) refuse(w http.ResponseWriter, r *http.Request, name, text string) {
	note(r, name, resultAddress)
	c.Logger.InfoContext(r.Context(), "callback refused", "reason", resultAddress)
	respond.JSON(w, r, http.StatusBadRequest, kco.Refusal{Type: kco.UnsupportedAddress, Text: text})
}

// free shows the shopper a text in the iframe: there is nothing to pay, and the checkout
// page has another form.
func (c *Callbacks) free(w http.ResponseWriter, r *http.Request, name, text string) {
	note(r, name, resultFree)
	c.Logger.InfoContext(r.Context(), "callback refused", "reason", resultFree)
	respond.JSON(w, r, http.StatusBadRequest, kco.Refusal{Type: kco.NotApproved, Text: text})
}

// again shows the shopper a text in the iframe: it cannot be decided now.
func (c *Callbacks) again(w http.ResponseWriter, r *http.Request, name, text string, err error) {
	if note(r, name, resultUnavailable); errors.Is(err, stock.ErrCrowded) {
		note(r, name, resultCrowded)
	}
	c.Logger.WarnContext(r.Context(), "purchase not approved now", "error", err)
	respond.JSON(w, r, http.StatusBadRequest, kco.Refusal{Type: kco.NotApproved, Text: text})
}

// declined shows the shopper a text in the iframe: the merchant's own server has refused the
// purchase.
func (c *Callbacks) declined(w http.ResponseWriter, r *http.Request, name, text string) {
	note(r, name, resultDeclined)
	c.Logger.InfoContext(r.Context(), "callback refused", "reason", resultDeclined)
	respond.JSON(w, r, http.StatusBadRequest, kco.Refusal{Type: kco.NotApproved, Text: text})
}

// notFound answers for an order that is not ours.
func (c *Callbacks) notFound(w http.ResponseWriter, r *http.Request, name string) {
	note(r, name, resultUnknown)
	c.Logger.WarnContext(r.Context(), "callback for an unknown order")
	respond.JSONError(w, r, http.StatusNotFound, resultUnknown, "There is no such order.", nil)
}

// fail answers after a fault of ours. Klarna then does not approve the purchase.
func (c *Callbacks) fail(w http.ResponseWriter, r *http.Request, name string, err error) {
	note(r, name, resultUnavailable)
	c.Logger.ErrorContext(r.Context(), "callback failed", "error", err)
	w.Header().Set("Retry-After", "5")
	respond.JSONError(w, r, http.StatusServiceUnavailable, resultUnavailable, "Try again.", nil)
}
