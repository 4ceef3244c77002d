package engine

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

const (
	// maxBody is the size of the largest body that the API reads, in bytes: more
	// than 1000 lines with every text at its limit.
	maxBody = 8 << 20
	// ServerLimit is how long Klarna works on a call before it answers 504.
	// Source: docs.kustom.co, Errors in checkout.
	ServerLimit = 30 * time.Second
)

const htmlPage = "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head>\n<body><h1>502 Bad Gateway</h1></body></html>\n"

// ServeAPI serves a call of the API. It records the call, applies the fitting faults,
// carries it out and answers. A client that leaves does not stop the call.
func (s *State) ServeAPI(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_, tooLarge := errors.AsType[*http.MaxBytesError](err)
	if err != nil && !tooLarge {
		panic(http.ErrAbortHandler) // the client went away amid its request
	}
	path := wire.SingleSlashes(r.URL.Path)
	endpoint, ids, notFound := s.route(r.Method, path)
	known := wire.Reply{Path: path, OrderID: ids["order_id"], SessionID: ids["session_id"]}
	s.Mu.Lock()
	correlationID := s.NewID()
	d := s.strike(r.Method, known.Path, known.OrderID)
	s.unsettle(&d)
	now := time.Now()
	e := s.Log.Add(now, Request{
		Time: now.Add(s.Offset), Method: r.Method, Path: known.Path, OrderID: known.OrderID, SessionID: known.SessionID,
		CorrelationID: correlationID, Request: wire.AsJSON(body), Faults: d.Names,
	})
	s.Stir()
	forgot := s.Forgot
	s.Mu.Unlock()

	carryOut := func(r *http.Request) wire.Reply {
		return s.answer(r, endpoint, notFound, known, &Call{
			IDs: ids, header: r.Header, Body: body, forgot: forgot,
			correlationID: correlationID, path: known.Path,
			scope: r.Method + " " + strings.ToLower(strings.TrimSuffix(known.Path, "/")), // as they are served: one
		})
	}
	if d.late {
		go s.land(r.WithContext(context.WithoutCancel(r.Context())), e, d.Before, forgot, carryOut)
		reset(w)
	}
	late := d.Before > ServerLimit
	s.wait(context.WithoutCancel(r.Context()), min(d.Before, ServerLimit), forgot)
	var out wire.Reply
	switch {
	case d.reset:
		s.note(r.Context(), e, 0, nil)
		reset(w)
	case late:
		out = known
		out.Status = http.StatusGatewayTimeout
	case d.answer != nil:
		out = d.answer.reply(known, correlationID)
	case tooLarge:
		out = wire.TooLarge(path).Reply(known, correlationID)
	default:
		out = carryOut(r)
	}
	s.isAbout(e, out)
	if left := ServerLimit - d.Before; d.after > left && !late {
		d.after, out = left, wire.Reply{Status: http.StatusGatewayTimeout, OrderID: out.OrderID, SessionID: out.SessionID}
	}
	s.wait(r.Context(), d.after, forgot)
	s.send(w, r, e, d, out)
}

// land carries out a call whose client has no connection any more.
func (s *State) land(r *http.Request, e *entry[Request], after time.Duration, forgot <-chan struct{}, carryOut func(*http.Request) wire.Reply) {
	defer func() {
		switch why := recover(); why {
		case nil, http.ErrAbortHandler: // the fake was closed or reset
		default:
			panic(why)
		}
	}()
	s.wait(r.Context(), min(after, ServerLimit), forgot)
	if after > ServerLimit { // Klarna has given it up
		return
	}
	out := carryOut(r)
	s.isAbout(e, out)
	s.note(r.Context(), e, 0, out.Body)
}

// isAbout records which order or session a call has turned out to be about.
func (s *State) isAbout(e *entry[Request], out wire.Reply) {
	s.Mu.Lock()
	defer s.Mu.Unlock()
	e.Told.OrderID, e.Told.SessionID = out.OrderID, out.SessionID
}

// send answers a call, as its faults allow.
func (s *State) send(w http.ResponseWriter, r *http.Request, e *entry[Request], d damage, out wire.Reply) {
	if d.notJSON {
		out.Header, out.Body = map[string]string{"Content-Type": "text/html"}, []byte(htmlPage)
	}
	if d.dropReply {
		s.note(r.Context(), e, 0, out.Body)
		panic(http.ErrAbortHandler)
	}
	s.note(r.Context(), e, out.Status, out.Body)
	if d.truncate && len(out.Body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(out.Body)))
		out.Body = out.Body[:len(out.Body)/2]
		s.writeReply(w, r, out, &e.Told)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	s.writeReply(w, r, out, &e.Told)
}

// note records how a call ended.
func (s *State) note(ctx context.Context, e *entry[Request], status int, response []byte) {
	s.Mu.Lock()
	told := &e.Told
	told.Status, told.DurationMS, told.Response = status, time.Since(e.Began).Milliseconds(), wire.AsJSON(response)
	e.Answered(told.Response)
	s.Stir()
	s.Mu.Unlock()
	s.Logger.InfoContext(ctx, "klarna call", slog.String("method", told.Method), slog.String("path", told.Path), slog.Int("status", status),
		slog.Int64("duration_ms", told.DurationMS), slog.String("correlation_id", told.CorrelationID), slog.Any("faults", told.Faults))
}

// wait waits for d, or until ctx ends. When the fake is closed or reset it ends the call
// without an answer.
func (s *State) wait(ctx context.Context, d time.Duration, forgot <-chan struct{}) {
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
	case <-s.Closed:
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
