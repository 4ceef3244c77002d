package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"bytes"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/standardwebhooks"
)

const (
	// answerTime is within what an endpoint answers.
	answerTime = 15 * time.Second
	// answerSize is what is read of an answer, so that its connection can be used again.
	answerSize = 64 << 10
)

var (
	errAddress = errors.New("the address is not public")
	errHTTP    = errors.New("the address is not https")
)

// newClient makes the client of all endpoints. private lets it call addresses that are not
// public: for a shop that is tried out.
func newClient(private bool) *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	if !private {
		// Asked of the address that is dialed, after its name was looked up: so a name that
		// is looked up anew, and then is another one, gains nothing.
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil || !public(at.Addr()) {
				return errAddress
			}
			return nil
		}
	}
	return &http.Client{
		Timeout:       answerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		}, // without a proxy: it would dial for us
	}
}

// notPublic are networks that the methods of netip.Addr do not know.
// Source: IANA, special-purpose address registries.
var notPublic = func() (list []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}()

// public reports whether an address is one of the internet's.
func public(at netip.Addr) bool {
	at = at.Unmap()
	if !at.IsGlobalUnicast() || at.IsPrivate() || at.IsLoopback() || at.IsLinkLocalUnicast() {
		return false
	}
	for _, network := range notPublic {
		if network.Contains(at) {
			return false
		}
	}
	return true
}

// send tells an endpoint of an event. status is that of its answer, 0 without one.
func (w *Webhooks) send(ctx context.Context, to settings.Webhook, e event.Event) (status int, err error) {
	if !strings.HasPrefix(to.URL, "https://") && !w.private {
		return 0, errHTTP
	}
	text, err := os.ReadFile(to.SecretFile)
	if err != nil {
		return 0, errors.New("the file with the secret cannot be read")
	}
	secrets, err := standardwebhooks.ParseSecrets(string(text))
	if err != nil {
		return 0, fmt.Errorf("the file with the secret: %w", err)
	}
	body, err := json.Marshal(e)
	if err != nil {
		return 0, fmt.Errorf("encode event: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return 0, errors.New("the address cannot be called")
	}
	now := time.Now()
	var signatures []string
	for _, secret := range secrets {
		signatures = append(signatures, standardwebhooks.Sign(secret, e.ID, now, body))
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "shopd")
	r.Header.Set("Webhook-Id", e.ID)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Webhook-Signature", strings.Join(signatures, " "))
	answer, err := w.client.Do(r)
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
	if wait := retryAfter(answer.Header.Get("Retry-After"), now); wait > 0 {
		err = &event.LaterError{Wait: wait, Err: err}
	}
	return answer.StatusCode, err
}

// plain is an error without the address, whose query may have a secret.
func plain(err error) error {
	var timeout interface{ Timeout() bool }
	name, isName := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(err, errAddress):
		return errAddress
	case isName && name.IsNotFound:
		return errors.New("there is no such host")
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("no answer within %v", answerTime)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("the connection was refused")
	}
	return errors.New("no answer")
}

// retryAfter reads how long an endpoint asks to wait: seconds, or a time.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return 0
}
