package engine

import (
	"bytes"
	"net/http"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// keptFor is how long an answer is kept, by the fake's clock.
// Source: docs.klarna.com, Order Management API reference.
const keptFor = 24 * time.Hour

// keptAnswer is the answer to a call with an idempotency key; a snapshot has it.
type keptAnswer struct {
	Since         time.Time
	CorrelationID string // of the call; the body of an error has it
	wire.Reply
}

// keptAnswers are the answers by method, path and key: a key is for one operation on one
// order.
type keptAnswers struct {
	ByKey map[string]keptAnswer
	Keys  []string // from the oldest answer to the newest
}

// Once makes an operation obey Klarna-Idempotency-Key. A second call with the same
// key has no effect and gets the first answer, whatever its body. A 5xx is not kept. A
// call waits for a running call with the same key.
// Source: docs.klarna.com, Order Management API reference, Escalation and retry policy.
func (s *State) Once(do Operation) Operation {
	return func(c *Call) (wire.Reply, *wire.Error) {
		if c.header.Get("Klarna-Idempotency-Key") == "" {
			return do(c)
		}
		key := c.scope + " " + c.header.Get("Klarna-Idempotency-Key")
		for s.running[key] != nil {
			if s.Await(s.running[key], nil) != nil {
				panic(http.ErrAbortHandler) // the fake was closed or reset
			}
		}
		if kept, ok := s.answers.ByKey[key]; ok && s.Time().Before(kept.Since.Add(keptFor)) {
			return kept.again(c.correlationID), nil
		}
		running := make(chan struct{})
		s.running[key] = running
		defer func() { // also when do panics
			close(running)
			if s.running[key] == running {
				delete(s.running, key)
			}
		}()
		out, err := do(c)
		if err != nil {
			out = err.Reply(wire.Reply{Path: c.path}, c.correlationID)
		}
		s.keep(key, c, out)
		return out, nil
	}
}

// keep stores an answer, unless the fake was reset meanwhile. It removes old answers, and
// the oldest of too many.
func (s *State) keep(key string, c *Call, out wire.Reply) {
	select {
	case <-c.forgot:
		return
	default:
	}
	if out.Status >= http.StatusInternalServerError {
		return
	}
	kept := &s.answers
	for len(kept.Keys) >= keptRequests || len(kept.Keys) > 0 && !s.Time().Before(kept.ByKey[kept.Keys[0]].Since.Add(keptFor)) {
		delete(kept.ByKey, kept.Keys[0])
		kept.Keys = kept.Keys[1:]
	}
	kept.Keys = append(kept.Keys, key)
	kept.ByKey[key] = keptAnswer{s.Time(), c.correlationID, out}
}

// again returns a kept answer, with the correlation ID of this call.
func (k keptAnswer) again(correlationID string) wire.Reply {
	out := k.Reply
	out.Body = bytes.ReplaceAll(k.Body, []byte(k.CorrelationID), []byte(correlationID))
	return out
}
