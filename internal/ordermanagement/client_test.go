package ordermanagement_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/ordermanagement"
)

// recorder keeps the calls that were made.
type recorder struct{ requests []*http.Request }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.requests = append(r.requests, req)
	return http.DefaultTransport.RoundTrip(req)
}

// sale returns a client and the ID of an order that was bought, at a fake Klarna.
func sale(t *testing.T) (*ordermanagement.Client, *fakeklarna.TestServer, *recorder, string) {
	t.Helper()
	fake, calls := fakeklarna.NewServer(t, fakeklarna.Options{}), &recorder{}
	transport, err := klarna.NewClient(klarna.Config{BaseURL: fake.URL, Username: "demo", Password: "demo", Transport: calls})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := klarna.NewLines([]klarna.Item{
		{Type: klarna.Physical, Reference: "MUG-1", Name: "Mugg", Quantity: 2, UnitPrice: 14900, TaxRate: 2500, QuantityUnit: "pcs"},
		{Type: klarna.ShippingFee, Reference: "mailboat", Name: "Postbåt", Quantity: 1, UnitPrice: 4900, TaxRate: 2500},
	})
	if err != nil {
		t.Fatal(err)
	}
	order, err := kco.NewClient(transport).CreateOrder(t.Context(), kco.Content{
		PurchaseCountry: "SE", PurchaseCurrency: "SEK", Locale: "sv-SE", MerchantData: "v1.x.y",
		OrderAmount: lines.OrderAmount, OrderTaxAmount: lines.OrderTaxAmount, OrderLines: lines.OrderLines,
		MerchantURLs: kco.MerchantURLs{
			Terms: "https://s.example/terms", Checkout: "https://s.example/checkout", Confirmation: "https://s.example/thanks", Push: "https://s.example/push",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = fake.Shopper(order.OrderID, fakeklarna.Action{Type: map[string]string{"email": "eva@example.com"}, Buy: &fakeklarna.Buy{}})
	if err != nil {
		t.Fatal(err)
	}
	calls.requests = nil
	return ordermanagement.NewClient(transport), fake, calls, order.OrderID
}

func TestGetOrder(t *testing.T) {
	client, fake, _, id := sale(t)
	got, err := client.GetOrder(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	there, _ := fake.Order(id)
	want := there.Fake.OrderManagement
	text := func(at time.Time) string { return at.Format("2006-01-02T15:04:05.000Z") }
	if diff := cmp.Diff(
		[]any{id, "AUTHORIZED", "ACCEPTED", int64(34700), "SE", "SEK", "sv-SE", "v1.x.y", want.KlarnaReference, "eva@example.com", want.ShippingAddress.StreetAddress, want.CreatedAt, want.ExpiresAt, want.InitialPaymentMethod.Type},
		[]any{got.OrderID, string(got.Status), string(got.FraudStatus), int64(got.OrderAmount), got.PurchaseCountry, got.PurchaseCurrency, got.Locale, got.MerchantData, got.KlarnaReference, got.BillingAddress.Email, got.ShippingAddress.StreetAddress, text(got.CreatedAt.Time), text(got.ExpiresAt.Time), got.PaymentMethod.Type},
	); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(klarna.OrderLine{
		Type: klarna.Physical, Reference: "MUG-1", Name: "Mugg", Quantity: 2, UnitPrice: 14900, TaxRate: 2500, QuantityUnit: "pcs",
		TotalAmount: 29800, TotalTaxAmount: 5960,
	}, got.OrderLines[0]); diff != "" {
		t.Error(diff)
	}

	for name, tc := range map[string]struct {
		id     string
		status int
	}{
		"unknown": {"7c1d0b52-3a0e-4f11-9a57-0f2b6c9d1e44", 404},
		"no ID":   {"x", 400},
		"a path":  {"../../checkout/v3/orders/" + id, 404},
	} {
		_, err := client.GetOrder(t.Context(), tc.id)
		if apiErr, ok := errors.AsType[*klarna.Error](err); !ok || apiErr.Status != tc.status {
			t.Errorf("%s: got %v, want %d", name, err, tc.status)
		}
	}
	fake.AddFault(fakeklarna.Fault{Status: 200, Body: `{"order_id":""}`})
	if _, err := client.GetOrder(t.Context(), id); err == nil {
		t.Error("an answer that is no order: no error")
	}
	fake.AddFault(fakeklarna.Fault{Status: 503, Count: 2})
	if _, err := client.GetOrder(t.Context(), id); err != nil {
		t.Errorf("503 twice: got %v", err)
	}
}

// Writes have an effect once, however often they are sent: their key says so.
func TestWrites(t *testing.T) {
	client, fake, calls, id := sale(t)
	for _, tc := range []struct {
		name   string
		do     func() error
		method string
		path   string
		body   string
	}{
		{"references", func() error {
			_, err := client.SetMerchantReferences(t.Context(), id, ordermanagement.References{Reference1: new("SK-1")}, "key-1")
			return err
		}, "PATCH", "/merchant-references", `{"merchant_reference1":"SK-1"}`},
		{"both", func() error {
			_, err := client.SetMerchantReferences(t.Context(), id, ordermanagement.References{Reference1: new("SK-1"), Reference2: new("x")}, "key-2")
			return err
		}, "PATCH", "/merchant-references", `{"merchant_reference1":"SK-1","merchant_reference2":"x"}`},
		{"acknowledge", func() error { _, err := client.Acknowledge(t.Context(), id, "key-3"); return err }, "POST", "/acknowledge", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			calls.requests = nil
			fake.AddFault(fakeklarna.Fault{DropReply: true})
			if err := tc.do(); err != nil {
				t.Fatal(err)
			}
			keys := map[string]bool{}
			for _, r := range calls.requests {
				keys[r.Header.Get("Klarna-Idempotency-Key")] = true
				body := ""
				if r.GetBody != nil {
					b, _ := r.GetBody()
					text, _ := io.ReadAll(b)
					body = string(text)
				}
				if r.Method != tc.method || !strings.HasSuffix(r.URL.Path, id+tc.path) || body != tc.body {
					t.Errorf("sent %s %s %s", r.Method, r.URL.Path, body)
				}
			}
			if len(calls.requests) != 2 || len(keys) != 1 || keys[""] {
				t.Errorf("%d calls with keys %v, want 2 with one", len(calls.requests), keys)
			}
		})
	}
	there, _ := fake.Order(id)
	if m := there.Fake.OrderManagement; !there.Fake.Acknowledged || m.MerchantReference1 != "SK-1" || m.MerchantReference2 != "x" {
		t.Errorf("Klarna has acknowledged %v, %q, %q", there.Fake.Acknowledged, m.MerchantReference1, m.MerchantReference2)
	}
	if _, err := client.Acknowledge(t.Context(), "7c1d0b52-3a0e-4f11-9a57-0f2b6c9d1e44", "key-4"); err == nil {
		t.Error("an unknown order is acknowledged")
	}
}

// A date that cannot be read is no reason not to read the order.
func TestTime(t *testing.T) {
	for text, want := range map[string]time.Time{
		`"2026-09-29T14:39:58.000Z"`:      time.Date(2026, 9, 29, 14, 39, 58, 0, time.UTC),
		`"2026-09-29T16:39:58.123+02:00"`: time.Date(2026, 9, 29, 14, 39, 58, 123e6, time.UTC),
		`"2026-09-29T14:39:58Z"`:          time.Date(2026, 9, 29, 14, 39, 58, 0, time.UTC),
		`"29/09/2026"`:                    {},
		`""`:                              {},
		`null`:                            {},
		`17`:                              {},
		`{}`:                              {},
	} {
		got := ordermanagement.Time{Time: time.Unix(1, 0)}
		if err := json.Unmarshal([]byte(text), &got); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
}
