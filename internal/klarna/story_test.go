package klarna_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/story"
)

// said is a body or an answer of which the story knows an amount.
type said struct {
	ID     string `json:"order_id"`
	Amount string `json:"amount"`
}

func (s said) Tell() (string, []story.Fact) {
	return s.ID, []story.Fact{{Name: "amount", Value: s.Amount}}
}

// What is told of a call: which order and cart, what it said, and no ID or
// token in its path.
func TestCallTellsItsStory(t *testing.T) {
	sent := said{Amount: "sent"}
	for _, tc := range []struct {
		name, method, path string
		answer             any
		out                any
		want               story.Entry
	}{
		{"create", "POST", "/checkout/v3/orders", answer(201, `{"order_id":"ab-1","amount":"got"}`), &said{},
			story.Entry{Path: "/checkout/v3/orders", OrderID: "ab-1", Facts: []story.Fact{{Name: "amount", Value: "got"}}}},
		{"update refused", "POST", "/checkout/v3/orders/ab-1", answer(400, `{}`), &said{},
			story.Entry{Path: "/checkout/v3/orders/{order_id}", OrderID: "ab-1", Facts: []story.Fact{{Name: "amount", Value: "sent"}}}},
		{"answer not JSON", "POST", "/checkout/v3/orders/ab-1", answer(200, `{`), &said{},
			story.Entry{Path: "/checkout/v3/orders/{order_id}", OrderID: "ab-1", Facts: []story.Fact{{Name: "amount", Value: "sent"}}}},
		{"no answer", "POST", "/checkout/v3/orders/abc/abort", errors.New("reset"), nil,
			story.Entry{Path: "/checkout/v3/orders/{order_id}/abort", OrderID: "abc", Facts: []story.Fact{{Name: "amount", Value: "sent"}}}},
		{"capture", "POST", "/ordermanagement/v1/orders/ab%2D1/captures/c1/shipping-info", answer(204, ""), nil,
			story.Entry{Path: "/ordermanagement/v1/orders/{order_id}/captures/{capture_id}/shipping-info", OrderID: "ab-1", Facts: []story.Fact{{Name: "amount", Value: "sent"}}}},
		{"token", "POST", "/payments/v1/authorizations/abcdef/order", answer(200, `{}`), nil,
			story.Entry{Path: "/payments/v1/authorizations/{token}/order", Facts: []story.Fact{{Name: "amount", Value: "sent"}}}},
		{"unknown parts", "GET", "/new/v12/things/0d1f7c8e?secret=x", answer(200, `{}`), nil,
			story.Entry{Path: "/new/v12/things/{id}", Facts: []story.Fact{{Name: "amount", Value: "sent"}}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			observer, told := observetest.New(t)
			k := client(t, &roundTrips{answers: []any{tc.answer}}, klarna.Config{
				BaseURL: "https://klarna.example/base", Password: "x", Observer: observer,
			})
			ctx := observe.About(t.Context(), observe.Subject{CartID: "cart"})
			_, _ = k.Do(ctx, klarna.Request{Operation: "op", Method: tc.method, Path: tc.path, Body: sent}, tc.out)
			calls := told.Entries()
			if len(calls) != 1 {
				t.Fatalf("got %d calls", len(calls))
			}
			got := story.Entry{Path: calls[0].Path, OrderID: calls[0].OrderID, Facts: calls[0].Facts}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("the story of the call: %s", diff)
			}
			if calls[0].CartID != "cart" || calls[0].Method != tc.method || calls[0].At.IsZero() {
				t.Errorf("got %+v", calls[0])
			}
		})
	}
}

// A try without an answer has no correlation ID, also when the one before had.
func TestCorrelationIDIsOfItsTry(t *testing.T) {
	observer, told := observetest.New(t)
	k := client(t, &roundTrips{answers: []any{answer(500, "", "Klarna-Correlation-Id", "c"), errors.New("reset")}}, klarna.Config{
		BaseURL: "https://klarna.example", Password: "x", Observer: observer,
	})
	_, _ = k.Do(t.Context(), klarna.Request{Operation: "op", Method: "GET", Path: "/", Retry: klarna.RetryRead}, nil)
	var ids []string
	for _, call := range told.Entries() {
		ids = append(ids, call.CorrelationID)
	}
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
	want := []story.Fact{
		story.Number("quantity MUG-1", 3), story.Number("unit_price MUG-1", 14900), story.Number("tax_rate MUG-1", 2500),
		story.Number("quantity sales_tax", 1), story.Number("unit_price sales_tax", 99), story.Number("tax_rate sales_tax", 0),
	}
	if diff := cmp.Diff(want, klarna.LineFacts(lines)); diff != "" {
		t.Error(diff)
	}
	if got := len(klarna.LineFacts(make([]klarna.OrderLine, 1000))); got > 100 {
		t.Errorf("got %d facts", got)
	}
}
