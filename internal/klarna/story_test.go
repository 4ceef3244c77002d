package klarna_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna"
)

// said is a body or an answer of which the story knows an amount.
type said struct {
	ID     string `json:"order_id"`
	Amount string `json:"amount"`
}

func (s said) Tell() (string, []klarna.Fact) {
	return s.ID, []klarna.Fact{{Name: "amount", Value: s.Amount}}
}

// What is told of a call: which order and cart, what it said, and no ID or
// token in its path.
func TestCallTellsItsStory(t *testing.T) {
	sent := said{Amount: "sent"}
	for _, tc := range []struct {
		name, method, path string
		answer             any
		out                any
		want               klarna.Call
	}{
		{"create", "POST", "/checkout/v3/orders", answer(201, `{"order_id":"ab-1","amount":"got"}`), &said{},
			klarna.Call{Path: "/checkout/v3/orders", OrderID: "ab-1", Facts: []klarna.Fact{{"amount", "got"}}}},
		{"update refused", "POST", "/checkout/v3/orders/ab-1", answer(400, `{}`), &said{},
			klarna.Call{Path: "/checkout/v3/orders/{order_id}", OrderID: "ab-1", Facts: []klarna.Fact{{"amount", "sent"}}}},
		{"answer not JSON", "POST", "/checkout/v3/orders/ab-1", answer(200, `{`), &said{},
			klarna.Call{Path: "/checkout/v3/orders/{order_id}", OrderID: "ab-1", Facts: []klarna.Fact{{"amount", "sent"}}}},
		{"no answer", "POST", "/checkout/v3/orders/abc/abort", errors.New("reset"), nil,
			klarna.Call{Path: "/checkout/v3/orders/{order_id}/abort", OrderID: "abc", Facts: []klarna.Fact{{"amount", "sent"}}}},
		{"capture", "POST", "/ordermanagement/v1/orders/ab%2D1/captures/c1/shipping-info", answer(204, ""), nil,
			klarna.Call{Path: "/ordermanagement/v1/orders/{order_id}/captures/{capture_id}/shipping-info", OrderID: "ab-1", Facts: []klarna.Fact{{"amount", "sent"}}}},
		{"token", "POST", "/payments/v1/authorizations/abcdef/order", answer(200, `{}`), nil,
			klarna.Call{Path: "/payments/v1/authorizations/{token}/order", Facts: []klarna.Fact{{"amount", "sent"}}}},
		{"unknown parts", "GET", "/new/v12/things/0d1f7c8e?secret=x", answer(200, `{}`), nil,
			klarna.Call{Path: "/new/v12/things/{id}", Facts: []klarna.Fact{{"amount", "sent"}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var calls []klarna.Call
			k := client(t, &roundTrips{answers: []any{tc.answer}}, klarna.Config{
				BaseURL: "https://klarna.example/base", Password: "x", Observe: func(c klarna.Call) { calls = append(calls, c) },
			})
			ctx := klarna.About(t.Context(), klarna.Subject{CartID: "cart"})
			_, _ = k.Do(ctx, klarna.Request{Operation: "op", Method: tc.method, Path: tc.path, Body: sent}, tc.out)
			if len(calls) != 1 {
				t.Fatalf("got %d calls", len(calls))
			}
			got := klarna.Call{Path: calls[0].Path, OrderID: calls[0].OrderID, Facts: calls[0].Facts}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the story of the call: %s", diff)
			}
			if calls[0].Subject.CartID != "cart" || calls[0].Method != tc.method || calls[0].Start.IsZero() {
				t.Errorf("got %+v", calls[0])
			}
		})
	}
}

// A try without an answer has no correlation ID, also when the one before had.
func TestCorrelationIDIsOfItsTry(t *testing.T) {
	var ids []string
	k := client(t, &roundTrips{answers: []any{answer(500, "", "Klarna-Correlation-Id", "c"), errors.New("reset")}}, klarna.Config{
		BaseURL: "https://klarna.example", Password: "x", Observe: func(c klarna.Call) { ids = append(ids, c.CorrelationID) },
	})
	_, _ = k.Do(t.Context(), klarna.Request{Operation: "op", Method: "GET", Path: "/", Retry: klarna.RetryRead}, nil)
	if got := strings.Join(ids, ","); got != "c,," {
		t.Errorf("got %q", got)
	}
}

// A long order is told in part.
func TestLineFacts(t *testing.T) {
	lines := []klarna.OrderLine{
		{Type: klarna.Physical, Reference: "MUG-1", Name: "Enamel mug", Quantity: 3, UnitPrice: 14900, TaxRate: 2500},
		{Type: klarna.SalesTax, Quantity: 1, UnitPrice: 99},
	}
	want := []klarna.Fact{
		{"quantity MUG-1", "3"}, {"unit_price MUG-1", "14900"}, {"tax_rate MUG-1", "2500"},
		{"quantity sales_tax", "1"}, {"unit_price sales_tax", "99"}, {"tax_rate sales_tax", "0"},
	}
	if diff := cmp.Diff(want, klarna.LineFacts(lines)); diff != "" {
		t.Error(diff)
	}
	if got := len(klarna.LineFacts(make([]klarna.OrderLine, 1000))); got > 100 {
		t.Errorf("got %d facts", got)
	}
}
