package fakeklarna

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

// send sends a callback, waits for the answer and records both. The caller must
// not hold s.mu.
func (s *callbackSender) send(o outgoing) merchantReply {
	var body []byte
	if o.body != nil {
		body = mustJSON(o.body)
	}
	s.mu.Lock()
	if o.forgot == nil {
		o.forgot = s.forgot
	}
	d := s.strikeCallback(o.kind, o.orderID, o.sessionID)
	why, overtaken := s.unsent(o), s.sent
	s.mu.Unlock()
	if d.drop {
		why = cmp.Or(why, "not sent: dropped by a fault")
	}
	ctx, end := s.untilEnded(o.forgot)
	defer end()
	if why == "" {
		if d.reorder {
			sleep(ctx, reorderLimit, overtaken)
		}
		sleep(ctx, d.before, nil)
	}
	if !d.double || why != "" {
		return s.exchange(ctx, o, body, why, d.names)
	}
	var first merchantReply
	var both sync.WaitGroup
	both.Go(func() { first = s.exchange(ctx, o, body, "", d.names) })
	both.Go(func() { s.exchange(ctx, o, body, "", d.names) })
	both.Wait()
	return first
}

// exchange sends a callback and records it. With a reason why, it only records it.
func (s *callbackSender) exchange(ctx context.Context, o outgoing, body []byte, why string, faults []string) merchantReply {
	s.mu.Lock()
	if s.forgot != o.forgot {
		s.mu.Unlock()
		return merchantReply{}
	}
	e := s.callbacks.add(Callback{
		Time: s.now(), Type: o.kind, URL: o.url, OrderID: o.orderID, SessionID: o.sessionID,
		Request: asJSON(body), Error: why, Faults: faults,
	})
	s.stir()
	s.mu.Unlock()
	if why != "" {
		return merchantReply{}
	}
	reply, err := s.post(ctx, o, body)

	s.mu.Lock()
	defer s.mu.Unlock()
	told := &e.told
	told.Status, told.DurationMS, told.Response = reply.status, time.Since(e.began).Milliseconds(), asJSON(reply.body)
	if err != nil {
		told.Error = err.Error()
	}
	e.answered(told.Response)
	close(s.sent)
	s.sent = make(chan struct{})
	s.stir()
	return reply
}

// post makes the request. A redirect is an answer: it is not followed.
func (s *callbackSender) post(ctx context.Context, o outgoing, body []byte) (merchantReply, error) {
	limit := cmp.Or(o.limit, callbackLimit)
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no answer within %v", limit))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return merchantReply{}, err
	}
	r.Header.Set("User-Agent", "fake-klarna")
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := s.transport.RoundTrip(r)
	if err != nil {
		return merchantReply{}, cmp.Or(context.Cause(ctx), err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return merchantReply{}, cmp.Or(context.Cause(ctx), err)
	case len(answer) > maxAnswer:
		return merchantReply{}, fmt.Errorf("the answer is larger than %d bytes", maxAnswer)
	}
	reply := merchantReply{status: response.StatusCode, body: answer}
	if to, err := response.Location(); err == nil {
		reply.location = to.String()
	}
	return reply, nil
}

// untilEnded returns a context that ends when the fake is closed or reset; the
// function frees it.
func (s *callbackSender) untilEnded(forgot <-chan struct{}) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		select {
		case <-s.closed:
			cancel(errEnded)
		case <-forgot:
			cancel(errEnded)
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
