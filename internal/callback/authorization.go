package callback

import (
	"net/http"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/payments"
)

// authorization tells that a shopper has authorized a purchase. The token is
// written down, no more: the browser brings it too, and the reconcile loop makes
// an order of it when that does not. Klarna waits 2 s, and calls three times.
// Source: docs.klarna.com, Authorization callback.
func (c *Callbacks) authorization(w http.ResponseWriter, r *http.Request) {
	const name = payments.AuthorizationCallback
	var body struct {
		Token     string `json:"authorization_token"`
		SessionID string `json:"session_id"`
	}
	switch {
	case !c.body(w, r, name, &body):
	case !kco.IsOrderID(body.Token) || !kco.IsOrderID(body.SessionID):
		c.bad(w, r, name, http.StatusBadRequest, "The body names no authorization.")
	default:
		if err := c.Book.Authorized(c.Observer.Join(r.Context(), body.SessionID), body.SessionID, body.Token); err != nil {
			c.fail(w, r, name, err)
			return
		}
		note(r, name, resultOK)
		w.WriteHeader(http.StatusNoContent)
	}
}
