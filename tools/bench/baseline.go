package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// A baseline does nothing but the calls to Klarna that shopd makes for a
// request, by a bare httputil.ReverseProxy. It is asked with the same method,
// path, headers and body as shopd, and told by these headers what to do.
const (
	orderHeader = "Bench-Order" // the order that is read or updated
	readHeader  = "Bench-Read"  // "1": read the order
	bodyHeader  = "Bench-Body"  // the prepared body that is sent to create or update it
	pageHeader  = "Bench-Page"  // no call: the prepared body that is answered
)

// baseline is the server of that name.
type baseline struct {
	klarna *url.URL
	proxy  *httputil.ReverseProxy
	bodies map[string][]byte // prepared: before the first request, then only read
	calls  prometheus.Counter
	keys   map[string]bool // the hashes of the API's
}

// serveBaseline runs a baseline in front of the Klarna at args[0], with the
// bodies of the JSON file args[1], until ctx ends.
func serveBaseline(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: bench baseline KLARNA-URL FILE")
	}
	klarna, err := url.Parse(args[0])
	if err != nil {
		return err
	}
	text, err := os.ReadFile(args[1]) //nolint:gosec // the bench names the file
	if err != nil {
		return err
	}
	prepared := map[string]string{}
	if err := json.Unmarshal(text, &prepared); err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	b := newBaseline(klarna, prepared)
	registry := prometheus.NewRegistry()
	registry.MustRegister(b.calls, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/", b)
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(stdout, "baseline http://%s\n", l.Addr()); err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 30 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func newBaseline(klarna *url.URL, prepared map[string]string) *baseline {
	b := &baseline{klarna: klarna, bodies: map[string][]byte{}, keys: map[string]bool{}, calls: prometheus.NewCounter(prometheus.CounterOpts{
		Name: "bench_klarna_calls_total", Help: "Calls to Klarna.",
	})}
	for i := range apiKeys {
		b.keys[keyHash(apiKey(i))] = true
	}
	for name, body := range prepared {
		b.bodies[name] = []byte(body)
	}
	b.proxy = &httputil.ReverseProxy{Rewrite: b.rewrite, Transport: caller{b.calls, &http.Transport{
		DialContext:  (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		MaxIdleConns: 256, MaxIdleConnsPerHost: 256, IdleConnTimeout: 60 * time.Second, // as shopd's
	}}}
	return b
}

// caller counts the calls that are answered.
type caller struct {
	calls     prometheus.Counter
	transport *http.Transport
}

// RoundTrip implements http.RoundTripper.
func (c caller) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := c.transport.RoundTrip(r)
	if err == nil {
		c.calls.Inc()
	}
	return res, err
}

// ServeHTTP makes the calls that the headers ask for.
func (b *baseline) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if page := r.Header.Get(pageHeader); page != "" {
		_, _ = io.Copy(io.Discard, r.Body)
		if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && !b.keys[keyHash(key)] {
			http.Error(w, "no such key", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(b.bodies[page]) // fails only when the client has left
		return
	}
	if r.Header.Get(readHeader) != "" && r.Header.Get(bodyHeader) != "" {
		if err := b.read(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		r.Header.Del(readHeader)
	}
	b.proxy.ServeHTTP(w, r)
}

// read is the first of two calls, by the proxy's own transport.
func (b *baseline) read(r *http.Request) error {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, b.order(r).String(), nil) //nolint:gosec // the host is fixed at start
	if err != nil {
		return err
	}
	req.SetBasicAuth(klarnaUser, klarnaPassword)
	res, err := b.proxy.Transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// order is the address of the order that a request names, or of all orders.
func (b *baseline) order(r *http.Request) *url.URL {
	address := *b.klarna
	address.Path = strings.TrimSuffix(klarnaOrders+"/"+r.Header.Get(orderHeader), "/")
	return &address
}

// rewrite turns a request for shopd into the call to Klarna.
func (b *baseline) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL, p.Out.Host = b.order(p.In), ""
	p.Out.Method, p.Out.Body, p.Out.ContentLength = http.MethodGet, http.NoBody, 0
	if body := b.bodies[p.In.Header.Get(bodyHeader)]; body != nil {
		p.Out.Method, p.Out.Body, p.Out.ContentLength = http.MethodPost, io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	p.Out.Header = http.Header{"Content-Type": {"application/json"}}
	p.Out.SetBasicAuth(klarnaUser, klarnaPassword)
}

// baseline starts a baseline with its prepared bodies. Its address is
// ready["baseline"].
func (r *rig) baseline(ctx context.Context, klarnaURL string, bodies map[string]string) (*process, error) {
	text, err := json.Marshal(bodies)
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(r.dir, "bodies")
	if err != nil {
		return nil, err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return r.start(ctx, "baseline", "baseline", nil, self, "baseline", klarnaURL, file.Name())
}
