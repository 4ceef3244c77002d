package observe_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
)

func TestLogHandler(t *testing.T) {
	t.Parallel()
	var none *observe.Observer
	order := func(ctx context.Context, id string) context.Context {
		return observe.About(ctx, observe.Subject{OrderID: id})
	}
	answered := fmt.Errorf("sync: %w", &klarna.Error{Operation: "read kco order", Status: 500, Code: "X", CorrelationID: "c-1"})
	broken := fmt.Errorf("sync: %w", &klarna.CallError{Operation: "read kco order", Status: 200, CorrelationID: "c-2", Err: errors.New("decode answer")})
	for _, tt := range []struct {
		name string
		ctx  func(context.Context) context.Context
		args []any
		want string // after msg
	}{
		{"nothing", nil, nil, ""},
		{"an error of another kind", nil, []any{"error", errors.New("x")}, "error=x"},
		{"an answer of Klarna's", nil, []any{"error", answered},
			`error="sync: read kco order: klarna answered 500 X (correlation ID c-1)" operation="read kco order" klarna_status=500 klarna_code=X correlation_id=c-1`},
		{"an answer of no use", nil, []any{"error", broken},
			`error="sync: read kco order: decode answer (correlation ID c-2)" operation="read kco order" klarna_status=200 correlation_id=c-2`},
		{"no answer", nil, []any{"error", &klarna.CallError{Operation: "read kco order", Err: errors.New("EOF")}},
			`error="read kco order: EOF" operation="read kco order" klarna_status=0`},
		{"Klarna's answer beside another error", nil, []any{"error", errors.Join(errors.New("x"), answered), "operation", "own"},
			`error="x\nsync: read kco order: klarna answered 500 X (correlation ID c-1)" operation=own klarna_status=500 klarna_code=X correlation_id=c-1`},
		{"an order", func(ctx context.Context) context.Context { return order(ctx, "o-1") }, []any{"a", 1}, "a=1 order_id=o-1"},
		{"an order of the record's own", func(ctx context.Context) context.Context { return order(ctx, "o-1") }, []any{"order_id", "o-2"}, "order_id=o-2"},
		{"an order within another's", func(ctx context.Context) context.Context { return order(order(ctx, "o-1"), "o-2") }, nil, "order_id=o-2"},
		{"a callback", func(ctx context.Context) context.Context {
			return observe.About(ctx, observe.Subject{Callback: "push", OrderID: "o-1"})
		}, nil, "callback=push order_id=o-1"},
		{"a callback without an order", func(ctx context.Context) context.Context {
			return observe.About(ctx, observe.Subject{Callback: "push"})
		}, nil, "callback=push"},
		{"a round", func(ctx context.Context) context.Context { ctx, _ = none.Round(ctx, observe.LoopReconcile); return ctx }, nil, "loop=reconcile round_id=ID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			ctx := t.Context()
			if tt.ctx != nil {
				ctx = tt.ctx(ctx)
			}
			slog.New(observe.LogHandler(slog.NewTextHandler(&out, nil))).InfoContext(ctx, "m", tt.args...)
			_, got, _ := strings.Cut(strings.TrimSpace(out.String()), "msg=m")
			got = regexp.MustCompile(`round_id=\w{8}`).ReplaceAllString(strings.TrimSpace(got), "round_id=ID")
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// Records of machines in several time zones can be put together.
func TestLogIsInUTC(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	at := time.Date(2026, 12, 1, 13, 20, 46, 0, time.FixedZone("far", 14*3600))
	if err := observe.LogHandler(slog.NewTextHandler(&out, nil)).Handle(t.Context(), slog.NewRecord(at, slog.LevelInfo, "m", 0)); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "time=2026-11-30T23:20:46.000Z ") {
		t.Errorf("got %s", got)
	}
}

// Two contexts made of one do not see each other's, and both what the one was about.
func TestAboutIsolated(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(observe.LogHandler(slog.NewTextHandler(&out, nil)))
	base := observe.About(t.Context(), observe.Subject{RequestID: "r", CartID: "c"})
	first, second := observe.About(base, observe.Subject{OrderID: "1"}), observe.About(base, observe.Subject{OrderID: "2"})
	log.InfoContext(first, "m")
	log.InfoContext(second, "m")
	if got := out.String(); !strings.Contains(got, "request_id=r cart_id=c order_id=1\n") || !strings.Contains(got, "request_id=r cart_id=c order_id=2\n") {
		t.Errorf("got %s", got)
	}
}
