// Package hook asks the merchant's own server what the shop file lets it decide: which ways
// of delivery there are to a place, and whether a purchase may go on. It is asked once, and
// what it does not answer well is answered by the shop.
package hook

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/standardwebhooks"
	"github.com/shopd/shopd/internal/strictjson"
)

const (
	maxAnswer = 64 << 10        // bytes that are read of an answer
	maxTime   = 5 * time.Second // more than any hook has
)

// Hooks asks. Safe for concurrent use.
type Hooks struct {
	Published *publish.Published
	Carts     *cart.Store
	Pricer    *cart.Pricer
	Logger    *slog.Logger
	Observer  *observe.Observer
	caller    *standardwebhooks.Caller
}

// Connect makes the connection to the merchant's server, for a shop at an address.
func (h *Hooks) Connect(publicURL string) *Hooks {
	h.caller = standardwebhooks.NewCaller(publicURL, maxTime, 16)
	return h
}

// Why there is no good answer.
var (
	errNotAsked = errors.New("the hook cannot be asked")
	errBad      = errors.New("the answer is not what it should be")
)

// ask asks a hook once and reads its answer, a JSON object. The error is told to the
// observer; it has nothing of question or answer.
func (h *Hooks) ask(ctx context.Context, name observe.Hook, of settings.Hook, question, answer any, check func() error) error {
	ctx, cancel := context.WithTimeout(ctx, of.Timeout)
	defer cancel()
	start := time.Now()
	err := h.post(ctx, of, question, answer)
	if err == nil {
		err = check()
	}
	result := observe.HookAnswered
	switch {
	case err == nil:
	case errors.Is(err, errNotAsked):
		result = observe.HookNotAsked
	case errors.Is(err, errBad):
		result = observe.HookBadAnswer
	default:
		result = observe.HookNoAnswer
	}
	h.Observer.Hook(name, result, time.Since(start))
	if err != nil {
		h.Logger.WarnContext(ctx, "no good answer of the merchant's server", "hook", string(name), "result", string(result),
			"duration_ms", time.Since(start).Milliseconds(), "error", err)
	}
	return err
}

func (h *Hooks) post(ctx context.Context, of settings.Hook, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotAsked, err)
	}
	res, err := h.caller.Post(ctx, of.URL, of.SecretFile, "msg_"+rand.Text(), body)
	if errors.Is(err, standardwebhooks.ErrNotSent) {
		return fmt.Errorf("%w: %w", errNotAsked, err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: status %d", errBad, res.StatusCode)
	}
	said, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return err
	case len(said) > maxAnswer:
		return fmt.Errorf("%w: it is larger than %d KiB", errBad, maxAnswer>>10)
	}
	if strict, err := strictjson.Read(said); err == nil { // else the one that counts is read: it makes no yes of a no
		said = strict
	}
	if err := json.Unmarshal(said, answer); err != nil {
		return fmt.Errorf("%w: it is no such JSON", errBad) // the error may have a part of it
	}
	return nil
}

// bad is an error about a member of an answer.
func bad(format string, args ...any) error {
	return fmt.Errorf("%w: %w", errBad, fmt.Errorf(format, args...))
}

// Time is how much longer an answer may take that asks the hook first.
func Time(of *settings.Hook) time.Duration {
	if of == nil {
		return 0
	}
	return of.Timeout
}
