package klarna

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/observe"
)

// maxAnswer bounds an answer's body in bytes; an order of 1000 lines stays far below.
const maxAnswer = 8 << 20

// Config says how to reach Klarna. BaseURL and Password are required.
type Config struct {
	BaseURL string // scheme, host and perhaps a path, such as https://api.playground.kustom.co

	// Username and Password are sent as Basic base64(username:password).
	// Without a username the password is a Kustom API key, sent as it is:
	// Basic <API key>. Source: docs.kustom.co, Authentication.
	Username, Password string

	UserAgent string            // default: "Library/shopd"
	Transport http.RoundTripper // default: own connection pool
	Observer  *observe.Observer // gets each try; may be nil
}

// Client sends requests to one Klarna environment. Safe for concurrent use.
type Client struct {
	base          *url.URL
	authorization atomic.Pointer[string]
	userAgent     string
	http          *http.Client
	observer      *observe.Observer
}

// NewClient checks c and returns a client. No connection is made.
func NewClient(c Config) (*Client, error) {
	base, err := url.Parse(c.BaseURL)
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" {
		return nil, fmt.Errorf("klarna URL %q: want http(s)://host", c.BaseURL)
	}
	client := &Client{
		base:      base,
		userAgent: cmp.Or(c.UserAgent, "Library/shopd"),
		observer:  c.Observer,
	}
	if err := client.Authorize(c.Username, c.Password); err != nil {
		return nil, err
	}
	if c.Transport == nil {
		c.Transport = newTransport()
	}
	client.http = &http.Client{
		Transport: c.Transport,
		// Klarna's APIs do not redirect; following one would send credentials elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return client, nil
}

// Authorize takes other credentials for all tries from now on. See Config.
func (c *Client) Authorize(username, password string) error {
	if password == "" {
		return errors.New("klarna password or API key is missing")
	}
	authorization := "Basic " + password
	if username != "" {
		authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
	}
	c.authorization.Store(&authorization)
	return nil
}

func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:   true,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     60 * time.Second,
		TLSHandshakeTimeout: 3 * time.Second,
	}
}

// Request is one call. It may take several tries.
type Request struct {
	Operation string // for errors, logs and metrics: "create kco order"
	Method    string
	Path      string // below the base URL, escaped, starting with "/"
	Body      any    // sent as JSON; nil sends none
	Retry     Retry
	// IdempotencyKey is sent with each try, so that Klarna acts once; "" sends none.
	// Each change needs its own key.
	IdempotencyKey string
}

// Answer is how a call ended.
type Answer struct {
	// Status, CorrelationID and Header are those of the last try, zero when it had no
	// answer.
	Status        int
	CorrelationID string
	Header        http.Header
	// Unanswered: a try had no answer, or that of a gateway which has given up waiting.
	// Klarna may still act on it, even after the last try.
	Unanswered bool
	Tries      int
}

// Do sends r until it has an answer, its retries are used up or ctx ends. It decodes a
// 2xx body into out unless out is nil. Each try takes at most 4 s. An answer outside 2xx
// is an *Error. A 2xx body that cannot be decoded counts as no answer: Klarna may have
// made the change.
func (c *Client) Do(ctx context.Context, r Request, out any) (Answer, error) {
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = json.Marshal(r.Body); err != nil {
			return Answer{}, fmt.Errorf("%s: %w", r.Operation, err)
		}
	}
	var answer Answer
	for try := 1; ; try++ {
		start := time.Now()
		answer.Tries, answer.Status, answer.CorrelationID, answer.Header = try, 0, "", nil
		sent, err := c.try(ctx, r, body, out, &answer)
		c.tell(ctx, r, out, observe.Call{
			Status: answer.Status, Try: try, Start: start, Duration: time.Since(start), CorrelationID: answer.CorrelationID, Err: err,
		})
		if err == nil {
			return answer, nil
		}
		apiErr, answered := errors.AsType[*Error](err)
		if !answered && sent || answered && gatewayStatus(apiErr.Status) {
			answer.Unanswered = true
		}
		var retryAfter time.Duration
		if answered {
			retryAfter = apiErr.RetryAfter
		}
		if !r.Retry.again(err, try, sent) || !pause(ctx, try, retryAfter) {
			return answer, err
		}
	}
}

// tell reports one try of r to the observer.
func (c *Client) tell(ctx context.Context, r Request, out any, call observe.Call) {
	if c.observer == nil {
		return
	}
	var said string
	call.Operation, call.Method = r.Operation, r.Method
	call.Path, call.OrderID = pattern(r.Path)
	said, call.Facts = tell(r.Body, out, call.Err)
	call.OrderID = cmp.Or(call.OrderID, said)
	c.observer.Call(ctx, call)
}

// try sends r once and stores its answer. sent: there was a connection, so Klarna may have
// seen the request.
func (c *Client) try(ctx context.Context, r Request, body []byte, out any, answer *Answer) (sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { sent = true },
	})
	req, err := http.NewRequestWithContext(ctx, r.Method, strings.TrimSuffix(c.base.String(), "/")+r.Path, bytes.NewReader(body))
	if err != nil {
		return false, fmt.Errorf("%s: %w", r.Operation, err)
	}
	req.Header.Set("Authorization", *c.authorization.Load())
	req.Header.Set("User-Agent", c.userAgent)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.IdempotencyKey != "" {
		req.Header.Set("Klarna-Idempotency-Key", r.IdempotencyKey)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return sent, &CallError{Operation: r.Operation, Err: withoutURL(err)}
	}
	defer func() { _ = res.Body.Close() }()
	answer.Status, answer.CorrelationID, answer.Header = res.StatusCode, res.Header.Get("Klarna-Correlation-Id"), res.Header
	// Reading to the end lets the connection be used again.
	var read bytes.Buffer
	read.Grow(int(min(max(res.ContentLength, 0), maxAnswer)) + bytes.MinRead)
	_, err = read.ReadFrom(io.LimitReader(res.Body, maxAnswer+1))
	data := read.Bytes()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return sent, newError(r.Operation, res, data)
	}
	switch {
	case err != nil:
		return sent, unusable(r.Operation, answer, fmt.Errorf("read answer: %w", err))
	case len(data) > maxAnswer:
		return sent, unusable(r.Operation, answer, fmt.Errorf("answer is over %d bytes", maxAnswer))
	case out == nil && len(bytes.TrimSpace(data)) > 0 && !json.Valid(data):
		// Something between us and Klarna has answered.
		return sent, unusable(r.Operation, answer, errors.New("the answer is no JSON"))
	case out == nil:
		return sent, nil
	}
	if err := json.Unmarshal(data, out); err != nil {
		return sent, unusable(r.Operation, answer, fmt.Errorf("decode answer: %w", err))
	}
	return sent, nil
}

// unusable is the error of a 2xx with an unusable body.
func unusable(operation string, answer *Answer, err error) error {
	return &CallError{Operation: operation, Status: answer.Status, CorrelationID: answer.CorrelationID, Err: err}
}

// withoutURL removes the URL from an error of net/http: it may hold IDs.
func withoutURL(err error) error {
	if urlErr, ok := errors.AsType[*url.Error](err); ok {
		return urlErr.Err
	}
	return err
}

// newError reads an error body. Gateways answer with HTML, and the 404 of an expired
// order is empty.
func newError(operation string, res *http.Response, data []byte) *Error {
	e := &Error{
		Operation:     operation,
		Status:        res.StatusCode,
		CorrelationID: res.Header.Get("Klarna-Correlation-Id"),
		RetryAfter:    RetryAfter(res.Header.Get("Retry-After"), time.Now()),
	}
	var body struct {
		Code          string   `json:"error_code"`
		Messages      []string `json:"error_messages"`
		Message       string   `json:"error_message"`
		CorrelationID string   `json:"correlation_id"`
	}
	if json.Unmarshal(data, &body) != nil {
		return e
	}
	e.Code, e.Messages = body.Code, body.Messages
	if body.Message != "" {
		e.Messages = append(e.Messages, body.Message)
	}
	e.CorrelationID = cmp.Or(e.CorrelationID, body.CorrelationID)
	return e
}
