package payments_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/redistest"
)

// refused is how Klarna's refusal is named in the tables: status and code.
func refused(err error) string {
	apiErr, ok := errors.AsType[*klarna.Error](err)
	if !ok {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%d %s", apiErr.Status, apiErr.Code)
}

// Each endpoint does what it is for.
func TestClient(t *testing.T) {
	w := newWorld(t, nil)
	ctx, c := t.Context(), w.Payments.Client
	content, _, err := w.Payments.Wants.Want(w.put("MUG-1", 2))
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.CreateSession(ctx, content, "")
	if err != nil || made.SessionID == "" || made.ClientToken == "" || len(made.Categories) == 0 || made.Categories[0].Identifier == "" || made.Categories[0].Name == "" {
		t.Fatalf("create: %+v, %v", made.Categories, err)
	}
	read, err := c.GetSession(ctx, made.SessionID)
	if err != nil || read.SessionID != made.SessionID || read.ClientToken != made.ClientToken || read.Status != payments.StatusIncomplete || read.BillingAddress != nil {
		t.Fatalf("read: %v, %v", read.LogValue(), err)
	}
	if diff := cmp.Diff(content, read.Content); diff != "" {
		t.Errorf("read: %s", diff)
	}
	if content, _, err = w.Payments.Wants.Want(w.put("MUG-1", 3)); err != nil {
		t.Fatal(err)
	}
	if unanswered, err := c.UpdateSession(ctx, made.SessionID, content, ""); err != nil || unanswered {
		t.Errorf("update: %v, %v", unanswered, err)
	}
	first := w.Authorize(made.SessionID)
	if err := c.CancelAuthorization(ctx, first); err != nil {
		t.Errorf("release: %v", err)
	}
	token := w.Authorize(made.SessionID)
	if read, err = c.GetSession(ctx, made.SessionID); err != nil || read.AuthorizationToken != token || !strings.Contains(string(read.BillingAddress), "eva@example.com") || read.OrderAmount != content.OrderAmount {
		t.Errorf("read once it is authorized: token %v, %v", read.AuthorizationToken == token, err)
	}
	request := w.order(made.SessionID)
	placed, unanswered, err := c.PlaceOrder(ctx, token, request)
	if err != nil || unanswered || placed.OrderID == "" || placed.RedirectURL == "" || placed.FraudStatus != payments.FraudAccepted {
		t.Fatalf("place: %+v, %v, %v", placed, unanswered, err)
	}
	if again, _, err := c.PlaceOrder(ctx, token, request); err != nil || again != placed {
		t.Errorf("the same order again: %+v, %v", again, err)
	}
}

// Each refusal that is documented comes out as a klarna.Error with its code.
func TestRefusals(t *testing.T) {
	rdb := redistest.StartServer(t)
	const completed, gone = "404 SESSION_COMPLETED", "404 NOT_FOUND"
	update := func(change func(*payments.Content)) func(*world, string) error {
		return func(w *world, id string) error {
			content := w.order(id)
			c := payments.Content{
				Sale:         content.Sale,
				MerchantURLs: content.MerchantURLs, MerchantData: content.MerchantData, Intent: payments.IntentBuy,
			}
			change(&c)
			_, err := w.Payments.Client.UpdateSession(w.T.Context(), id, c, "")
			return err
		}
	}
	place := func(change func(*payments.OrderRequest)) func(*world, string) error {
		return func(w *world, id string) error {
			token := w.Authorize(id)
			request := w.order(id) // with what was authorized
			change(&request)
			_, _, err := w.Payments.Client.PlaceOrder(w.T.Context(), token, request)
			return err
		}
	}
	buy := func(w *world, id string) (token string) {
		token = w.Authorize(id)
		if _, _, err := w.Payments.Client.PlaceOrder(w.T.Context(), token, w.order(id)); err != nil {
			w.T.Fatal(err)
		}
		return token
	}
	for _, tc := range []struct {
		name string
		do   func(w *world, sessionID string) error
		want string
	}{
		{"create without lines", func(w *world, _ string) error {
			_, err := w.Payments.Client.CreateSession(w.T.Context(), payments.Content{Sale: klarna.Sale{PurchaseCountry: "SE", PurchaseCurrency: "SEK", Locale: "sv-SE"}, Intent: payments.IntentBuy}, "")
			return err
		}, "400 BAD_VALUE"},
		{"create with a wrong password", func(w *world, _ string) error {
			_, err := w.client("wrong", http.DefaultTransport).CreateSession(w.T.Context(), payments.Content{}, "")
			return err
		}, "401 "},
		{"read unknown", func(w *world, _ string) error {
			_, err := w.Payments.Client.GetSession(w.T.Context(), "unknown")
			return err
		}, gone},
		{"read expired", func(w *world, id string) error {
			w.Fake.Advance(49 * time.Hour)
			_, err := w.Payments.Client.GetSession(w.T.Context(), id)
			return err
		}, gone},
		{"update: tax", update(func(c *payments.Content) { c.OrderTaxAmount += 100 }), "400 BAD_VALUE"},
		{"update: lines", update(func(c *payments.Content) { c.OrderLines[0].TotalAmount++ }), "400 BAD_VALUE"},
		{"update: currency", update(func(c *payments.Content) { c.PurchaseCurrency = "NOK" }), "400 BAD_VALUE"},
		{"update completed", func(w *world, id string) error { buy(w, id); return update(func(*payments.Content) {})(w, id) }, completed},
		{"place with an unknown token", func(w *world, id string) error {
			_, _, err := w.Payments.Client.PlaceOrder(w.T.Context(), "unknown", w.order(id))
			return err
		}, gone},
		{"place with a token of 61 minutes", func(w *world, id string) error {
			token := w.Authorize(id)
			w.Fake.Advance(61 * time.Minute)
			_, _, err := w.Payments.Client.PlaceOrder(w.T.Context(), token, w.order(id))
			return err
		}, gone},
		{"place with the token before", func(w *world, id string) error {
			token := w.Authorize(id)
			w.Authorize(id)
			_, _, err := w.Payments.Client.PlaceOrder(w.T.Context(), token, w.order(id))
			return err
		}, gone},
		{"place other lines", place(func(r *payments.OrderRequest) {
			r.OrderLines[0].Quantity, r.OrderLines[0].UnitPrice = 1, r.OrderLines[0].TotalAmount
		}), "409 BAD_VALUE"},
		{"place another address", place(func(r *payments.OrderRequest) {
			r.BillingAddress = payments.Personal(strings.Replace(string(r.BillingAddress), "Eva", "Ada", 1))
		}), "409 BAD_VALUE"},
		{"place without lines", place(func(r *payments.OrderRequest) { r.OrderLines = nil }), "400 BAD_VALUE"},
		{"place another body again", func(w *world, id string) error {
			token, request := buy(w, id), w.order(id)
			request.Locale = "en-SE"
			_, _, err := w.Payments.Client.PlaceOrder(w.T.Context(), token, request)
			return err
		}, "409 BAD_VALUE"},
		{"release a used one", func(w *world, id string) error {
			return w.Payments.Client.CancelAuthorization(w.T.Context(), buy(w, id))
		}, gone},
		{"release an unknown one", func(w *world, _ string) error { return w.Payments.Client.CancelAuthorization(w.T.Context(), "unknown") }, gone},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, rdb)
			if got := refused(tc.do(w, w.open().SessionID)); got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// A 2xx without what is asked for is no answer.
func TestIncompleteAnswers(t *testing.T) {
	w := newWorld(t, nil)
	id := w.open().SessionID
	content, _, _ := w.Payments.Wants.Want(w.cart())
	for name, do := range map[string]func() error{
		"create": func() error { _, err := w.Payments.Client.CreateSession(t.Context(), content, ""); return err },
		"read":   func() error { _, err := w.Payments.Client.GetSession(t.Context(), id); return err },
		"place": func() error {
			_, _, err := w.Payments.Client.PlaceOrder(t.Context(), "token", payments.OrderRequest{})
			return err
		},
	} {
		w.Fake.AddFault(fakeklarna.Fault{Status: 200, Body: `{"unknown":1}`, Count: -1})
		if err := do(); err == nil {
			t.Errorf("%s: no error", name)
		} else if _, refused := errors.AsType[*klarna.Error](err); refused {
			t.Errorf("%s: %v", name, err)
		}
		w.Fake.ClearFaults()
	}
}

// What Klarna says of the shopper is handed on to the member, and never logged.
func TestPersonal(t *testing.T) {
	var s payments.Session
	const said = `{"given_name":"Eva","title":"Fru","x_unknown":[1]}`
	if err := json.Unmarshal([]byte(`{"client_token":"secret","billing_address":`+said+`,"shipping_address":null}`), &s); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "session", s, "address", s.BillingAddress)
	if log := text.String(); strings.Contains(log, "Eva") || strings.Contains(log, "secret") {
		t.Errorf("the log: %s", log)
	}
	sent, err := json.Marshal(payments.OrderRequest{BillingAddress: s.BillingAddress, ShippingAddress: s.ShippingAddress})
	if err != nil || !strings.Contains(string(sent), `"billing_address":`+said) || strings.Contains(string(sent), "shipping_address") {
		t.Errorf("sent %s, %v", sent, err)
	}
}
