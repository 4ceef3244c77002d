package mail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/shopd/shopd/internal/event"
)

// SMTP sends through a mail server, one connection for each message: how it ends then says
// what became of this one. Several messages may be sent at once.
type SMTP struct {
	// Hello is the host that we say to be.
	Hello string
	TLS   *tls.Config // nil: the system's

	host               string
	port               int
	username, password string
	ssl                bool           // TLS from the beginning
	starttls           mail.TLSPolicy // else
}

// smtpTime is how long the server may let us wait at each step. The whole is bounded by
// event.DeliverTime.
const smtpTime = 20 * time.Second

// starttls are the values of the parameter.
var starttls = map[string]mail.TLSPolicy{"required": mail.TLSMandatory, "optional": mail.TLSOpportunistic, "never": mail.NoTLS}

// ParseSMTP reads the address of a mail server: smtp://user:password@host:587 or
// smtps://…:465. Credentials need TLS. ?starttls=required, optional or never chooses for smtp;
// the default is required with credentials, else optional. The error does not quote it.
func ParseSMTP(address string) (*SMTP, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.Fragment != "" || u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errors.New("must be smtp:// or smtps://, user:password@, host, :port")
	}
	s := &SMTP{host: u.Hostname(), port: 587, username: u.User.Username(), ssl: u.Scheme == "smtps", starttls: mail.TLSOpportunistic}
	s.password, _ = u.User.Password()
	if s.ssl {
		s.port = 465
	}
	if text := u.Port(); text != "" {
		if s.port, err = strconv.Atoi(text); err != nil || s.port < 1 || s.port > 65535 {
			return nil, errors.New("the port must be 1 to 65535")
		}
	}
	if (s.username == "") != (s.password == "") {
		return nil, errors.New("user and password are wanted, or neither")
	}
	if s.username != "" && !s.ssl { // with smtps there is TLS already
		s.starttls = mail.TLSMandatory
	}
	for name, values := range u.Query() {
		policy, known := starttls[values[0]]
		switch {
		case name != "starttls" || !known || s.ssl:
			return nil, errors.New("has a parameter that is not known: ?starttls=required, optional or never is all there is, and only with smtp://")
		case s.username != "" && policy != mail.TLSMandatory:
			return nil, errors.New("credentials are sent with TLS only: ?starttls=required is all that they allow")
		}
		s.starttls = policy
	}
	return s, nil
}

// Send sends a message. After ErrUnsure the server may have it; ErrRefused is about this
// message, any other error about the server.
func (s *SMTP) Send(ctx context.Context, m *Message) error {
	wire, err := m.wire()
	if err != nil {
		return err
	}
	client, server, connection, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	defer context.AfterFunc(ctx, func() { _ = connection.Close() })()
	err = client.SendWithSMTPClient(server, wire)
	if wire.IsDelivered() { // whatever failed afterwards
		_ = server.Quit() // to be polite
		return nil
	}
	return verdict(cmp.Or(err, errors.New("nothing was sent")))
}

// Try connects and signs in as Send does, and sends nothing.
func (s *SMTP) Try(ctx context.Context) error {
	_, server, connection, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	defer context.AfterFunc(ctx, func() { _ = connection.Close() })()
	_ = server.Quit()
	return nil
}

// dial connects and signs in. The caller closes the connection.
func (s *SMTP) dial(ctx context.Context) (client *mail.Client, server *smtp.Client, connection net.Conn, err error) {
	options := []mail.Option{
		mail.WithPort(s.port), mail.WithTimeout(smtpTime), mail.WithTLSPolicy(s.starttls), mail.WithTLSConfig(s.config()), mail.WithoutNoop(), mail.WithoutRset(),
		mail.WithDialContextFunc(func(ctx context.Context, network, address string) (net.Conn, error) {
			var err error
			dialer := &net.Dialer{}
			if s.ssl {
				connection, err = (&tls.Dialer{NetDialer: dialer, Config: s.config()}).DialContext(ctx, network, address)
			} else {
				connection, err = dialer.DialContext(ctx, network, address)
			}
			return connection, err
		}),
	}
	if s.Hello != "" {
		options = append(options, mail.WithHELO(s.Hello))
	}
	if s.username != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.username), mail.WithPassword(s.password))
	}
	if client, err = mail.NewClient(s.host, options...); err != nil {
		return nil, nil, nil, fmt.Errorf("mail server: %w", err)
	}
	if server, err = client.DialToSMTPClientWithContext(ctx); err != nil {
		if connection != nil {
			_ = connection.Close()
		}
		return nil, nil, nil, verdict(err)
	}
	return client, server, connection, nil
}

func (s *SMTP) config() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.TLS != nil {
		c = s.TLS.Clone()
	}
	c.ServerName = s.host
	return c
}

// verdict is what an error means, without a word of the server's: it may quote the address.
func verdict(err error) error {
	failed, ok := errors.AsType[*mail.SendError](err)
	if !ok {
		if answer, ok := errors.AsType[*textproto.Error](err); ok {
			return fmt.Errorf("the mail server answered %d before the message", answer.Code)
		}
		return fmt.Errorf("mail server: %w", err)
	}
	code, status := failed.ErrorCode(), failed.EnhancedStatusCode()
	text := strings.TrimSpace(fmt.Sprintf("the mail server answered %d %s", code, status))
	if code == 0 {
		text = "the mail server did not answer"
	}
	text += ", " + failed.Reason.String()
	switch last := failed.Reason == mail.ErrSMTPDataClose; {
	case last && code == 0:
		return fmt.Errorf("%w: %s", event.ErrUnsure, text)
	case code >= 500 && (last || failed.Reason == mail.ErrSMTPRcptTo) && !strings.HasPrefix(status, "5.7.") && !strings.HasPrefix(status, "5.3."):
		// 5.7 and 5.3 are about the server's rules and state, which can be mended.
		return fmt.Errorf("%w: %s", event.ErrRefused, text)
	}
	return errors.New(text)
}

// wire is the message as it is sent.
func (m *Message) wire() (*mail.Msg, error) {
	w := mail.NewMsg(mail.WithNoDefaultUserAgent())
	w.FromMailAddress(&m.From)
	w.ToMailAddress(&m.To)
	if m.ReplyTo != "" {
		if err := w.ReplyTo(m.ReplyTo); err != nil {
			return nil, fmt.Errorf("%w: the address for replies cannot be used", event.ErrRefused)
		}
	}
	w.Subject(m.Subject)
	w.SetMessageIDWithValue(m.ID)
	w.SetDate()
	w.SetGenHeader("Auto-Submitted", "auto-generated")
	w.SetGenHeader("X-Auto-Response-Suppress", "All") // Exchange does not know Auto-Submitted
	w.SetGenHeader("Content-Language", m.Language)
	w.SetBodyString(mail.TypeTextPlain, m.Text)
	w.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	if m.Logo != nil {
		ending := strings.ToLower(path.Ext(m.Logo.Name))
		if err := w.EmbedReader("logo"+ending, bytes.NewReader(m.Logo.Data), mail.WithFileContentID("<"+logoID+">"),
			mail.WithFileContentType(mail.ContentType(pictures[ending]))); err != nil {
			return nil, fmt.Errorf("embed logo: %w", err)
		}
	}
	return w, nil
}
