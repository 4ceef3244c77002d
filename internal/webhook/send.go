package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/standardwebhooks"
)

const (
	// answerTime is within what an endpoint answers.
	answerTime = 15 * time.Second
	// answerSize is what is read of an answer, so that its connection can be used again.
	answerSize = 64 << 10
)

// send tells an endpoint of an event. status is that of its answer, 0 without one.
func (w *Webhooks) send(ctx context.Context, to settings.Webhook, e event.Event) (status int, err error) {
	body, err := json.Marshal(e)
	if err != nil {
		return 0, fmt.Errorf("encode event: %w", err)
	}
	answer, err := w.caller.Post(ctx, to.URL, to.SecretFile, e.ID, body)
	if err != nil {
		return 0, plain(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, answerSize)) // the status is what counts
	if answer.StatusCode/100 == 2 {
		return answer.StatusCode, nil
	}
	err = fmt.Errorf("answered %d", answer.StatusCode)
	if answer.StatusCode/100 == 3 {
		err = fmt.Errorf("answered %d: redirects are not followed", answer.StatusCode)
	}
	if wait := klarna.RetryAfter(answer.Header.Get("Retry-After"), time.Now()); wait > 0 {
		err = &event.LaterError{Wait: wait, Err: err}
	}
	return answer.StatusCode, err
}

// plain is an error without the address, whose query may have a secret.
func plain(err error) error {
	var timeout interface{ Timeout() bool }
	name, isName := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, standardwebhooks.ErrNotSent):
		return err
	case isName && name.IsNotFound:
		return errors.New("there is no such host")
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("no answer within %v", answerTime)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the connection was refused")
	}
	return errors.New("no answer")
}
