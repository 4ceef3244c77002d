package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// client keeps connections to one server open and counts what goes over them.
// Safe for concurrent use.
type client struct {
	http     *http.Transport
	sent     atomic.Int64 // bytes, heads included
	received atomic.Int64 // bytes, heads included
}

// newClient returns a client with at most so many connections.
func newClient(connections int) *client {
	c := &client{}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	c.http = &http.Transport{
		MaxConnsPerHost: connections, MaxIdleConns: connections, MaxIdleConnsPerHost: connections, DisableCompression: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			return counted{conn, c}, err
		},
	}
	return c
}

// counted is a connection whose bytes are counted.
type counted struct {
	net.Conn
	by *client
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.by.received.Add(int64(n))
	return n, err
}

func (c counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.by.sent.Add(int64(n))
	return n, err
}

// request is one request, whose answer must have the status and the texts.
type request struct {
	method, url string
	body        string // JSON where it begins like it, else a form
	header      http.Header
	status      int      // wanted
	texts       []string // that the answer must have
}

// answer is what a request got.
type answer struct {
	header http.Header
	body   []byte
}

// do sends a request, follows no redirect, and reads the whole answer. An
// answer that is not the wanted one is an error.
func (c *client) do(ctx context.Context, r request) (answer, error) {
	req, err := http.NewRequestWithContext(ctx, r.method, r.url, strings.NewReader(r.body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept-Language", "sv-SE")
	switch {
	case strings.HasPrefix(r.body, "{"):
		req.Header.Set("Content-Type", "application/json")
	case r.body != "":
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	maps.Copy(req.Header, r.header)
	res, err := c.http.RoundTrip(req)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: %w", r.method, req.URL.Path, err)
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	switch {
	case err != nil:
		return answer{}, fmt.Errorf("%s %s: %w", r.method, req.URL.Path, err)
	case res.StatusCode != r.status:
		return answer{}, fmt.Errorf("%s %s: got %d, want %d: %.300s", r.method, req.URL.Path, res.StatusCode, r.status, body)
	}
	for _, text := range r.texts {
		if !bytes.Contains(body, []byte(text)) {
			return answer{}, fmt.Errorf("%s %s: the answer has no %q", r.method, req.URL.Path, text)
		}
	}
	return answer{res.Header, body}, nil
}

// json sends a request and decodes its answer into out.
func (c *client) json(ctx context.Context, r request, out any) error {
	got, err := c.do(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(got.body, out); err != nil {
		return fmt.Errorf("%s %s: %w", r.method, r.url, err)
	}
	return nil
}
