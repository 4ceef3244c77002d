package fakeklarna

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxBody is the size of the largest body that the API reads, in bytes: more
	// than 1000 lines with every text at its limit.
	maxBody = 8 << 20
	// serverLimit is how long Klarna works on a call before it answers 504.
	// Source: docs.kustom.co, Errors in checkout.
	serverLimit = 30 * time.Second
)

const htmlPage = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body></html>\n"

// serveAPI serves a call of the API. It records the call, applies the fitting faults,
// carries it out and answers. A client that leaves does not stop the call.
func (s *engineState) serveAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	if err != nil && !tooLarge {
		panic(http.ErrAbortHandler) // the client went away amid its request
	}
	endpoint, ids, notFound := s.route(r.Method, r.URL.Path)
	known := reply{path: r.URL.Path, orderID: ids["order_id"], sessionID: ids["session_id"]}
	s.mu.Lock()
	correlationID := s.newID()
	d := s.strike(r.Method, known.path, known.orderID)
	s.unsettle(&d)
	e := s.log.add(Request{
		Time: s.now(), Method: r.Method, Path: known.path, OrderID: known.orderID, SessionID: known.sessionID,
		CorrelationID: correlationID, Request: asJSON(body), Faults: d.names,
	})
	s.stir()
	forgot := s.forgot
	s.mu.Unlock()

	late := d.before > serverLimit
	s.wait(context.WithoutCancel(r.Context()), min(d.before, serverLimit), forgot)
	var out reply
	switch {
	case d.reset:
		s.note(r.Context(), e, 0, nil)
		reset(w)
	case late:
		out = known
		out.status = http.StatusGatewayTimeout
	case d.answer != nil:
		out = d.answer.reply(known, correlationID)
	case tooLarge:
		out = errTooLarge(known.path).reply(known, correlationID)
	default:
		out = s.answer(r, endpoint, notFound, known, &apiCall{
			ids: ids, header: r.Header, body: body, forgot: forgot,
			correlationID: correlationID, path: known.path, scope: r.Method + " " + known.path,
		})
	}
	s.mu.Lock()
	e.told.OrderID, e.told.SessionID = out.orderID, out.sessionID
	s.mu.Unlock()
	if left := serverLimit - d.before; d.after > left && !late {
		d.after, out = left, reply{status: http.StatusGatewayTimeout, orderID: out.orderID, sessionID: out.sessionID}
	}
	s.wait(r.Context(), d.after, forgot)
	s.send(w, r, e, d, out)
}

// send answers a call, as its faults allow.
func (s *engineState) send(w http.ResponseWriter, r *http.Request, e *entry[Request], d damage, out reply) {
	if d.notJSON {
		out.header, out.body = map[string]string{"Content-Type": "text/html"}, []byte(htmlPage)
	}
	if d.dropReply {
		s.note(r.Context(), e, 0, out.body)
		panic(http.ErrAbortHandler)
	}
	s.note(r.Context(), e, out.status, out.body)
	w.Header().Set("Render-Time", strconv.FormatInt(e.told.DurationMS, 10))
	if d.truncate && len(out.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
		out.body = out.body[:len(out.body)/2]
		s.writeReply(w, r, out, e.told.CorrelationID)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	s.writeReply(w, r, out, e.told.CorrelationID)
}

// note records how a call ended.
func (s *engineState) note(ctx context.Context, e *entry[Request], status int, response []byte) {
	s.mu.Lock()
	told := &e.told
	told.Status, told.DurationMS, told.Response = status, time.Since(e.began).Milliseconds(), asJSON(response)
	e.answered(told.Response)
	s.stir()
	s.mu.Unlock()
	s.Logger.InfoContext(ctx, "klarna call", slog.String("method", told.Method), slog.String("path", told.Path), slog.Int("status", status),
		slog.Int64("duration_ms", told.DurationMS), slog.String("correlation_id", told.CorrelationID), slog.Any("faults", told.Faults))
}

// wait waits for d, or until ctx ends. When the fake is closed or reset it ends the call
// without an answer.
func (s *engineState) wait(ctx context.Context, d time.Duration, forgot <-chan struct{}) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-forgot:
		panic(http.ErrAbortHandler)
	case <-s.closed:
		panic(http.ErrAbortHandler)
	}
}

// reset breaks the connection as a crashed server's kernel does, and the call.
func reset(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}
