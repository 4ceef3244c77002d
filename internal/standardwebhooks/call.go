package standardwebhooks

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ErrNotSent: an address or a secret of the shop file is not right, and nothing was sent.
var ErrNotSent = errors.New("nothing was sent")

// ErrAddress is an ErrNotSent: an address is not https, or not public.
var ErrAddress = fmt.Errorf("%w: the address is not https, or not public", ErrNotSent)

// Caller calls servers of the merchant's: at https addresses of public networks, or, for a
// shop with a plain http address, as on a desk, at any. It follows no redirects and asks no
// proxy, which would connect for it. Safe for concurrent use.
type Caller struct {
	client *http.Client
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	any    bool
}

// NewCaller returns a caller for a shop. A call ends with its context, after limit at the
// latest; atOnce connections to a host are kept.
func NewCaller(publicURL string, limit time.Duration, atOnce int) *Caller {
	c := &Caller{any: strings.HasPrefix(publicURL, "http://")}
	dialer := &net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}
	if !c.any {
		// Asked of the address that is dialed, after its name was looked up: so a name that
		// is looked up anew, and then is another one, gains nothing.
		dialer.Control = func(_, address string, _ syscall.RawConn) error {
			if to, err := netip.ParseAddrPort(address); err != nil || !isPublic(to.Addr()) {
				return ErrAddress
			}
			return nil
		}
	}
	c.dial = dialer.DialContext
	c.client = &http.Client{
		Timeout:       limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: 3 * time.Second, ForceAttemptHTTP2: true,
			MaxIdleConnsPerHost: atOnce, IdleConnTimeout: 90 * time.Second, MaxResponseHeaderBytes: 64 << 10,
		},
	}
	return c
}

// Reach connects to an address and reads its secrets, as Post would, and sends nothing. The
// error is as Post's.
func (c *Caller) Reach(ctx context.Context, to, secretFile string) error {
	u, err := url.Parse(to)
	if err != nil || !c.any && u.Scheme != "https" {
		return ErrAddress
	}
	if _, err := readSecrets(secretFile); err != nil {
		return err
	}
	port := cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	connection, err := c.dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if errors.Is(err, ErrAddress) {
		return ErrAddress
	}
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	if u.Scheme == "https" {
		return tls.Client(connection, &tls.Config{ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}).HandshakeContext(ctx)
	}
	return nil
}

func readSecrets(file string) ([][]byte, error) {
	if strings.HasPrefix(file, "whsec_") { // what is said gets into logs
		return nil, fmt.Errorf("%w: the secret itself stands where the name of its file should", ErrNotSent)
	}
	path, err := filepath.Abs(file) // whoever reads the error did not start this process
	if err != nil {
		path = file
	}
	text, err := os.ReadFile(path) //nolint:gosec // the shop file names it
	if err != nil {
		return nil, fmt.Errorf("%w: the file with the secret cannot be read: %w", ErrNotSent, err)
	}
	secrets, err := ParseSecrets(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w: the file with the secret, %s: %w", ErrNotSent, path, err)
	}
	return secrets, nil
}

// Post sends JSON, signed by the secrets of a file, which is read each time. id is the
// message's. The error has nothing of address, secret or body; it is ErrNotSent, or why there
// is no answer.
func (c *Caller) Post(ctx context.Context, to, secretFile, id string, body []byte) (*http.Response, error) {
	if !c.any && !strings.HasPrefix(to, "https://") {
		return nil, ErrAddress
	}
	secrets, err := readSecrets(secretFile)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: the address cannot be called", ErrNotSent)
	}
	now := time.Now()
	signatures := make([]string, len(secrets))
	for i, secret := range secrets {
		signatures[i] = Sign(secret, id, now, body)
	}
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"application/json"}, "User-Agent": {"shopd"},
		"Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {strings.Join(signatures, " ")},
	}
	res, err := c.client.Do(r)
	if errors.Is(err, ErrAddress) {
		return nil, ErrAddress // without the address that was dialed
	}
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err // without the address, whose query may have a secret
	}
	return res, err
}

// notPublic are networks that the methods of netip.Addr do not know: 0.0.0.0/8, shared by
// providers, IETF, benchmarks, examples, reserved; the ways from IPv6 into IPv4 and into local
// networks. Source: IANA, special-purpose address registries.
var notPublic = func() (list []netip.Prefix) {
	for _, text := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}()

// isPublic reports whether an address is one that anybody can reach.
func isPublic(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() {
		return false
	}
	for _, network := range notPublic {
		if network.Contains(ip) {
			return false
		}
	}
	return true
}
