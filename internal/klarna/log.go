package klarna

import (
	"context"
	"log/slog"
	"net/http"
)

// log writes down a try that failed, also one that is repeated: what comes of the
// call in the end is its caller's to tell.
func (c Call) log(ctx context.Context, logger *slog.Logger) {
	attrs := []slog.Attr{
		slog.String("operation", c.Operation), slog.Int("klarna_status", c.Status), slog.Int("try", c.Try),
		slog.Int64("duration_ms", c.Duration.Milliseconds()),
	}
	for _, id := range []struct{ key, value string }{
		{"correlation_id", c.CorrelationID}, {"order_id", c.OrderID}, {"cart_id", c.Subject.CartID},
	} {
		if id.value != "" {
			attrs = append(attrs, slog.String(id.key, id.value))
		}
	}
	logger.LogAttrs(ctx, c.level(), "klarna call failed", append(attrs, slog.Any("error", c.Err))...)
}

// level is that of a failed try: an order that is gone, finished or refused is an
// answer like others, of which the caller makes something.
func (c Call) level() slog.Level {
	if c.Status < http.StatusBadRequest || c.Status >= http.StatusInternalServerError {
		return slog.LevelWarn
	}
	switch c.Status {
	case http.StatusUnauthorized, http.StatusTooManyRequests:
		return slog.LevelWarn
	}
	return slog.LevelInfo
}
