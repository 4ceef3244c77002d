package mail_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	shopmail "github.com/shopd/shopd/internal/mail"
)

// mailServer is a real SMTP server.
type mailServer struct {
	t       *testing.T
	address string // host:port
	roots   *x509.CertPool
	// Fault is asked at each step of a session ("mail", "rcpt", "data"), with the number of
	// the try; nil: all is well.
	fault func(step string, try int) error

	mu   sync.Mutex
	try  int
	got  []received
	auth []string // user names
}

// received is a mail that the server has taken.
type received struct{ from, to, data string }

var (
	errDrop = errors.New("the connection breaks after the message is taken")
	errHang = errors.New("the server stands still")
)

// serverOptions: the zero value is a server with STARTTLS that wants no credentials.
type serverOptions struct{ noTLS, implicitTLS, credentials bool }

func startServer(t *testing.T, o serverOptions) *mailServer {
	t.Helper()
	certified := httptest.NewTLSServer(nil) // for its certificate of 127.0.0.1
	certificate, roots := certified.TLS.Certificates[0], x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	certified.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailServer{t: t, address: l.Addr().String(), roots: roots}
	s := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: m, conn: c, wantsUser: o.credentials}, nil
	}))
	s.ErrorLog = quiet{}
	s.EnableSMTPUTF8 = true
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	switch {
	case o.implicitTLS:
		l = tls.NewListener(l, config)
	case !o.noTLS:
		s.TLSConfig = config
	}
	s.AllowInsecureAuth = true // a server that tempts
	var running sync.WaitGroup
	running.Go(func() { _ = s.Serve(l) })
	t.Cleanup(func() {
		_ = s.Close()
		running.Wait()
	})
	return m
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// sender is a client of the server. credentials are "user:password@" or "".
func (m *mailServer) sender(scheme, credentials, query string) *shopmail.SMTP {
	m.t.Helper()
	s, err := shopmail.ParseSMTP(scheme + "://" + credentials + m.address + query)
	if err != nil {
		m.t.Fatal(err)
	}
	s.Hello, s.TLS = "shop.example", &tls.Config{RootCAs: m.roots, MinVersion: tls.VersionTLS12}
	return s
}

func (m *mailServer) received() []received {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]received(nil), m.got...)
}

// session is one connection.
type session struct {
	server    *mailServer
	conn      *smtp.Conn
	wantsUser bool
	user      string
	mail      received
	try       int
}

func (s *session) AuthMechanisms() []string {
	if s.wantsUser {
		return []string{sasl.Plain}
	}
	return nil
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		s.server.mu.Lock()
		s.server.auth = append(s.server.auth, username)
		s.server.mu.Unlock()
		if username != "user" || password != "pass:word" {
			return smtp.ErrAuthFailed
		}
		s.user = username
		return nil
	}), nil
}

func (s *session) at(step string) error {
	if s.server.fault == nil {
		return nil
	}
	err := s.server.fault(step, s.try)
	if errors.Is(err, errHang) {
		<-s.server.t.Context().Done()
	}
	return err
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.wantsUser && s.user == "" {
		return smtp.ErrAuthRequired
	}
	s.server.mu.Lock()
	s.server.try++
	s.try = s.server.try
	s.server.mu.Unlock()
	s.mail = received{from: from}
	return s.at("mail")
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.to = to
	return s.at("rcpt")
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.data = string(b)
	fault := s.at("data")
	if fault == nil || errors.Is(fault, errDrop) {
		s.server.mu.Lock()
		s.server.got = append(s.server.got, s.mail)
		s.server.mu.Unlock()
	}
	if errors.Is(fault, errDrop) {
		_ = s.conn.Conn().Close()
	}
	return fault
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// parsed is a mail as a mail program reads it.
type parsed struct {
	header     mail.Header
	text, html string
	pictures   []string // their content IDs
}

func parse(t *testing.T, data string) (p parsed) {
	t.Helper()
	message, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	p.header = message.Header
	p.walk(t, message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body)
	return p
}

func (p *parsed) walk(t *testing.T, contentType, encoding string, body io.Reader) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		if encoding == "quoted-printable" {
			body = quotedprintable.NewReader(body)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		switch kind {
		case "text/plain":
			p.text = strings.ReplaceAll(string(text), "\r\n", "\n")
		case "text/html":
			p.html = string(text)
		}
		return
	}
	parts := multipart.NewReader(body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if id := part.Header.Get("Content-Id"); id != "" {
			p.pictures = append(p.pictures, id)
		}
		p.walk(t, part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part)
	}
}
