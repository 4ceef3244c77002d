package shoptest

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Log collects the log of a world's processes. Safe for concurrent use.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String returns the log so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// identifiers matches UUIDs, the times of lines, and how long and how large a response was.
// Their digits may look like a postal code.
var identifiers = regexp.MustCompile(`[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\b(time|bytes|duration_ms)=\S+`)

// logsNothingPrivate checks invariant 9, no log says who bought, and that nothing panicked.
func (w *World) logsNothingPrivate() {
	log := identifiers.ReplaceAllString(w.Log.String(), "")
	if strings.Contains(log, "panic") {
		w.T.Errorf("a panic:\n%s", log)
	}
	looked := map[string]bool{} // the shoppers of ten thousand orders type the same
	for _, o := range w.Fake.Orders() {
		for member, typed := range o.Fake.Typed {
			if looked[typed] || member == "country" || len(typed) <= 2 {
				continue
			}
			looked[typed] = true
			if holds(log, typed) {
				w.T.Errorf("the log has the shopper's %s", member)
			}
		}
	}
}

// holds reports whether a log has what was typed. As a part of a longer number, of an address
// of a server or of a duration it is chance.
func holds(log, typed string) bool {
	return strings.Contains(log, typed) && regexp.MustCompile(`(^|[^\w.:])`+regexp.QuoteMeta(typed)+`($|[^\w.]|\.(\D|$))`).MatchString(log)
}

// tripCounter counts round trips: each command or pipeline is one.
type tripCounter struct{ n *atomic.Int64 }

func (tripCounter) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c tripCounter) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmd)
	}
}

func (c tripCounter) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		c.n.Add(1)
		return next(ctx, cmds)
	}
}
