package shoptest

import (
	"encoding/json"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/payments"
)

// Buyer is the buyer's data, as JSON, that a page gives Klarna Payments with the approval.
const Buyer = `{"given_name":"Eva","family_name":"Lind","title":"Fru","email":"eva@example.com",` +
	`"street_address":"Storgatan 1","postal_code":"11122","city":"Stockholm","country":"SE"}`

// Session syncs a cart's payment session, like its page.
func (w *World) Session(cartID string) payments.Session {
	w.T.Helper()
	got, err := w.Payments.Sync(w.T.Context(), payments.Request{CartID: cartID, Fallback: Sweden})
	if err != nil || got.Session.SessionID == "" {
		w.T.Fatalf("sync: outcome %d, %v", got.Outcome, err)
	}
	return got.Session
}

// Authorize approves a payment session, like the shopper in the browser. Klarna's callback of
// it has come then: one that came later would take the session from whoever looks after it.
func (w *World) Authorize(sessionID string) (token string) {
	w.T.Helper()
	out, err := w.Fake.Pay(sessionID, fakeklarna.PaymentAction{Authorize: &fakeklarna.Authorize{
		Data: json.RawMessage(`{"billing_address":` + Buyer + `}`),
	}})
	if err != nil || !out.Approved || out.AuthorizationToken == "" {
		w.T.Fatalf("authorize: %+v, %v", out, err)
	}
	if err := w.Fake.Wait(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
	return out.AuthorizationToken
}
