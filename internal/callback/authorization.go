package callback

import (
	"net/http"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/payments"
)

// authorization serves the call that a shopper authorized a purchase. It only stores the
// token. The browser sends the token too; when it does not, the reconcile loop places the
// order. Klarna waits 2 s and calls up to three times.
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
