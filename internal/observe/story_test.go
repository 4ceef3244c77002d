package observe_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/v1"
	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/observe/observetest"
	"github.com/shopd/shopd/internal/story"
)

// A call and a callback are entries of the story; what somebody asks who only looks is none.
func TestStory(t *testing.T) {
	t.Parallel()
	o, told := observetest.New(t)
	start := time.Now()
	ctx := observe.About(t.Context(), observe.Subject{CartID: "cart"})
	call := observe.Call{
		Operation: "read kco order", Method: "GET", Path: "/checkout/v3/orders/{order_id}", Status: 200, Try: 2, Start: start, Duration: time.Second,
		CorrelationID: strings.Repeat("c", 100), OrderID: "order", Facts: []story.Fact{{Name: "status", Value: "x"}},
	}
	o.Call(ctx, call)
	o.Call(observe.About(ctx, observe.Subject{Quiet: true}), call)
	o.Callback(t.Context(), observe.Callback{
		Name: "push", Result: "ok", Path: "/klarna/{token}/push", CartID: "cart", OrderID: "order", Status: 200, Start: start, Duration: time.Second,
	})
	want := []story.Entry{
		{
			At: start, Kind: story.ToKlarna, CartID: "cart", OrderID: "order", Operation: "read kco order", Method: "GET", Path: call.Path,
			Status: 200, Duration: time.Second, Try: 2, CorrelationID: strings.Repeat("c", 64), Facts: call.Facts,
		},
		{
			At: start, Kind: story.FromKlarna, CartID: "cart", OrderID: "order", Operation: "push", Method: http.MethodPost,
			Path: "/klarna/{token}/push", Status: 200, Duration: time.Second, Result: "ok",
		},
	}
	if diff := cmp.Diff(want, told.Entries()); diff != "" {
		t.Error(diff)
	}
}

// Why a call failed is told in words of ours: Klarna's may repeat what was sent.
func TestProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, want string
		err        error
	}{
		{"none", "", nil},
		{"refused", "BAD_VALUE", &klarna.Error{Status: 400, Code: "BAD_VALUE", Messages: []string{"ada@example.com"}}},
		{"empty", "", &klarna.Error{Status: 404}},
		{"long code", strings.Repeat("X", 64), &klarna.Error{Status: 404, Code: strings.Repeat("X", 100)}},
		{"time-out", "no answer in time", &klarna.CallError{Err: fmt.Errorf("read: %w", context.DeadlineExceeded)}},
		{"given up", "given up", fmt.Errorf("read: %w", context.Canceled)},
		{"reset", "connection failed", errors.New("connection reset by ada@example.com")},
		{"not JSON", "unreadable answer", &klarna.CallError{Status: 200, Err: new(json.SyntaxError)}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			o, told := observetest.New(t)
			o.Call(t.Context(), observe.Call{Operation: "x", Err: tc.err})
			if got := told.Entries(); len(got) != 1 || got[0].Result != tc.want {
				t.Errorf("got %+v", got)
			}
		})
	}
}
