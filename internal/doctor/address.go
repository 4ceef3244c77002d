package doctor

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/kco"
)

// Hello is the name of the address below the callback's token that proves whose shop it is.
const Hello = "hello"

// MaxNonce is the longest nonce that is answered, in bytes.
const MaxNonce = 64

// Proof is what a shop with this secret answers to a nonce: no other can.
func Proof(s *kco.Signer, nonce string) string { return proof(s.Keys("doctor")[0], nonce) }

func proof(key []byte, nonce string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(nonce))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// proven reports whether a proof is ours: while the secret is changed, by any of its lines.
func proven(s *kco.Signer, nonce, said string) (is bool) {
	for _, key := range s.Keys("doctor") {
		is = hmac.Equal([]byte(said), []byte(proof(key, nonce))) || is
	}
	return is
}

// certificateNote is how long before its end a certificate is told of.
const certificateNote = 14 * 24 * time.Hour

// public asks the shop as a browser does: the answer must come from a shop with our secret.
func (d *Doctor) public(ctx context.Context, f *findings) {
	d.ask(ctx, f, http.MethodGet, d.PublicURL, "-public-url (SHOPD_PUBLIC_URL)")
}

// callbacks asks the shop as Klarna's servers do: a POST without cookie and Origin.
func (d *Doctor) callbacks(ctx context.Context, f *findings) {
	d.ask(ctx, f, http.MethodPost, d.CallbackURL, "-callback-url (SHOPD_CALLBACK_URL)")
}

func (d *Doctor) ask(ctx context.Context, f *findings, method, base, setting string) {
	nonce := rand.Text()
	target := base + kco.CallbackPath + d.Signer.CallbackToken() + "/" + Hello
	var body io.Reader = http.NoBody
	if method == http.MethodGet {
		target += "?nonce=" + nonce
	} else {
		body = strings.NewReader(`{"nonce":"` + nonce + `"}`)
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		f.wrong(base+" is no address", "see "+setting)
		return
	}
	r.Header.Set("Content-Type", "application/json")
	transport := http.DefaultTransport.(*http.Transport).Clone()
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		says, do := unreached(err)
		f.wrong(base+" "+says, do+"; see "+setting)
		return
	}
	defer func() { _ = res.Body.Close() }()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	var said struct {
		Proof string `json:"proof"`
	}
	_ = json.Unmarshal(text, &said)
	switch {
	case res.StatusCode/100 == 3:
		to, _ := url.Parse(res.Header.Get("Location"))
		if to == nil {
			to = &url.URL{}
		}
		f.wrong(fmt.Sprintf("%s redirects (%d) to %s://%s", base, res.StatusCode, to.Scheme, to.Host), "give the address that it leads to: Klarna follows no redirect, and cookies are of one host; see "+setting)
	case res.StatusCode == http.StatusNotFound:
		f.wrong(base+" is not this shop (404)", "another server answers there, or shops with another SHOPD_SECRET; see "+setting)
	case res.StatusCode == http.StatusForbidden, res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusTooManyRequests:
		f.wrong(fmt.Sprintf("%s blocks a %s below %s (%d)", base, method, kco.CallbackPath, res.StatusCode), "let such requests without cookie and Origin pass: a firewall, bot protection or a password is in front")
	case res.StatusCode != http.StatusOK:
		f.wrong(fmt.Sprintf("%s answers %d", base, res.StatusCode), "see what stands in front of the shop, and whether shopd serve runs")
	case !proven(d.Signer, nonce, said.Proof):
		f.wrong(base+" is not this shop", "something else answers there; see "+setting)
	default:
		f.right("%s reaches this shop by %s", base, method)
	}
	if res.TLS != nil && len(res.TLS.PeerCertificates) > 0 {
		if left := time.Until(res.TLS.PeerCertificates[0].NotAfter); left < certificateNote {
			f.note(fmt.Sprintf("the certificate of %s ends in %d days", base, int(left.Hours()/24)), "renew it")
		}
	}
	if host := r.URL.Hostname(); r.URL.Scheme == "http" && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		f.note(base+" is plain http", "use https: else cookies and addresses of shoppers can be read on the way")
	}
}

// unreached says why nobody has answered, and what to do. It has nothing of the address, whose
// path is a secret.
func unreached(err error) (says, do string) {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		err = failed.Err
	}
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "has a certificate that has ended, or not begun", "renew it, and see the clock of this machine"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "has the certificate of another host", "get one for this name"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "has a certificate of an authority that nobody knows", "send the whole chain, from an authority that browsers and Klarna know"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "has a name that leads nowhere", "see DNS"
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "takes no connections", "start shopd serve and what stands in front of it"
	case errors.Is(err, context.DeadlineExceeded):
		return "does not answer in time", "see firewalls; where browsers do reach it, the network does not lead from here back to here (hairpin NAT), and this look can be left out"
	}
	return "cannot be asked: " + why(err), "see TLS and what stands in front of the shop"
}
