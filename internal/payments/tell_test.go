package payments_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/payments"
)

// The calls tell whose cart they are about, what is paid for and which order it
// became, and nothing that is a credential or about the shopper.
func TestCallsTellTheirStory(t *testing.T) {
	w := newWorld(t, nil)
	observer, told := observetest.New(t)
	api, err := klarna.NewClient(klarna.Config{BaseURL: w.Fake.URL, Username: "demo", Password: "demo", Observer: observer})
	if err != nil {
		t.Fatal(err)
	}
	w.Payments.Client = payments.NewClient(api)
	session := w.open()
	w.put("MUG-1", 3)
	if _, err := w.sync(cartsync.Load, ""); err != nil {
		t.Fatal(err)
	}
	token := w.Authorize(session.SessionID)
	request := w.order(session.SessionID)
	// A refusal tells what was asked for, an order which one it is.
	_, _, err = w.Payments.Client.PlaceOrder(t.Context(), "another", request)
	if err == nil {
		t.Fatal("Klarna took a token that nobody has")
	}
	placed, _, err := w.Payments.Client.PlaceOrder(t.Context(), token, request)
	if err != nil {
		t.Fatal(err)
	}
	calls := told.Entries()
	var got []string
	for _, c := range calls {
		facts := map[string]string{}
		for _, f := range c.Facts {
			facts[f.Name] = f.Value
		}
		got = append(got, fmt.Sprintf("%s, %s, cart %v, order %v, mugs %q, status %q, fraud %q", c.Operation, c.Path,
			c.CartID == w.cartID, c.OrderID == placed.OrderID, facts["quantity MUG-1"], facts["status"], facts["fraud_status"]))
	}
	const sessionPattern, orderPattern = "/payments/v1/sessions/{session_id}", "/payments/v1/authorizations/{token}/order"
	want := []string{
		`create payment session, /payments/v1/sessions, cart true, order false, mugs "2", status "", fraud ""`,
		`read payment session, ` + sessionPattern + `, cart true, order false, mugs "2", status "incomplete", fraud ""`,
		`update payment session, ` + sessionPattern + `, cart true, order false, mugs "3", status "", fraud ""`,
		`read payment session, ` + sessionPattern + `, cart true, order false, mugs "3", status "incomplete", fraud ""`,
		`read payment session, ` + sessionPattern + `, cart false, order false, mugs "3", status "incomplete", fraud ""`,
		`place payments order, ` + orderPattern + `, cart false, order false, mugs "3", status "", fraud ""`,
		`place payments order, ` + orderPattern + `, cart false, order true, mugs "", status "", fraud "ACCEPTED"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, c := range calls {
		text := strings.ToLower(fmt.Sprintf("%+v", c))
		for _, secret := range []string{token, session.ClientToken, session.MerchantData, request.MerchantData, "eva", "lind", "://"} {
			if strings.Contains(text, strings.ToLower(secret)) {
				t.Errorf("%s tells %q", c.Operation, secret)
			}
		}
	}
}
