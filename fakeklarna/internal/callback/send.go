package callback

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/engine"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

const (
	// callbackLimit is how long the merchant has for an answer where Klarna's
	// documentation says nothing.
	callbackLimit = 10 * time.Second
	// maxAnswer is the size of the largest answer that is read, in bytes.
	maxAnswer = 1 << 20
	// reorderLimit is how long a callback waits to be overtaken by another one.
	reorderLimit = 10 * time.Second
)

// merchantTransport sends callbacks, without a proxy. Each has its own connection, so none
// stays open. Certificates are not checked: only this machine and named hosts are called,
// where plain http would do.
func merchantTransport() http.RoundTripper {
	return &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see above
	}
}

// Send sends a callback, waits for the answer and records both. The caller must
// not hold s.Mu.
func (s *Sender) Send(o Call) Answer {
	var body []byte
	if o.Body != nil {
		body = wire.MustJSON(o.Body)
	}
	s.Mu.Lock()
	if o.Forgot == nil {
		o.Forgot = s.Forgot
	}
	d := s.StrikeCallback(o.Kind, o.OrderID, o.SessionID)
	why, overtaken := s.unsent(o), s.sent
	s.Mu.Unlock()
	if d.Drop {
		why = cmp.Or(why, "not sent: dropped by a fault")
	}
	ctx, end := s.untilEnded(o.Forgot)
	defer end()
	if why == "" {
		if d.Reorder {
			sleep(ctx, reorderLimit, overtaken)
		}
		sleep(ctx, d.Before, nil)
	}
	if !d.Double || why != "" {
		return s.exchange(ctx, o, body, why, d.Names)
	}
	var first Answer
	var both sync.WaitGroup
	both.Go(func() { first = s.exchange(ctx, o, body, "", d.Names) })
	both.Go(func() { s.exchange(ctx, o, body, "", d.Names) })
	both.Wait()
	return first
}

// exchange sends a callback and records it. With a reason why, it only records it.
func (s *Sender) exchange(ctx context.Context, o Call, body []byte, why string, faults []string) Answer {
	s.Mu.Lock()
	if s.Forgot != o.Forgot {
		s.Mu.Unlock()
		return Answer{}
	}
	now := time.Now()
	e := s.Record.Add(now, Callback{
		Time: now.Add(s.Offset), Type: o.Kind, URL: o.URL, OrderID: o.OrderID, SessionID: o.SessionID,
		Request: wire.AsJSON(body), Error: why, Faults: faults,
	})
	s.Stir()
	s.Mu.Unlock()
	if why != "" {
		return Answer{}
	}
	reply, err := s.post(ctx, o, body)

	s.Mu.Lock()
	defer s.Mu.Unlock()
	told := &e.Told
	told.Status, told.DurationMS, told.Response = reply.Status, time.Since(e.Began).Milliseconds(), wire.AsJSON(reply.Body)
	if err != nil {
		told.Error = err.Error()
	} else {
		reply.told = told
	}
	e.Answered(told.Response)
	close(s.sent)
	s.sent = make(chan struct{})
	s.Stir()
	return reply
}

// post makes the request. A redirect is an answer: it is not followed.
func (s *Sender) post(ctx context.Context, o Call, body []byte) (Answer, error) {
	limit := cmp.Or(o.Limit, callbackLimit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.URL, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	r.Header.Set("User-Agent", "fake-klarna")
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := s.transport.RoundTrip(r)
	if err != nil {
		return Answer{}, cmp.Or(context.Cause(ctx), err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return Answer{}, cmp.Or(context.Cause(ctx), err)
	case len(answer) > maxAnswer:
		return Answer{}, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	reply := Answer{Status: response.StatusCode, Body: answer}
	if to, err := response.Location(); err == nil {
		reply.Location = to.String()
	}
	return reply, nil
}

// untilEnded returns a context that ends when the fake is closed or reset; the
// function frees it.
func (s *Sender) untilEnded(forgot <-chan struct{}) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case <-s.Closed:
			cancel(engine.ErrEnded)
		case <-forgot:
			cancel(engine.ErrEnded)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// sleep waits for d, until ctx ends, or until enough is closed.
func sleep(ctx context.Context, d time.Duration, enough <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-enough:
	}
}
