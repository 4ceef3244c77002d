package mail_test

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/shopd/shopd/internal/event"
	shopmail "github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/settings"
)

// message is one without an order.
func message() *shopmail.Message {
	return &shopmail.Message{
		ID: "evt_1@shop.example", Kind: settings.MailPlaced, From: mail.Address{Name: "Fjäll & Co", Address: "order@shop.example"},
		To: mail.Address{Address: "anna@kund.example"}, ReplyTo: "hej@shop.example", Language: "sv", Subject: "Tack för din beställning (FB-1)",
		HTML: "<p>Hallå</p>", Text: "Hallå\n.\nMAIL FROM:<evil@x.example>\n",
	}
}

// A mail arrives whole, with TLS and credentials as the address says; credentials are never
// sent without TLS.
func TestSMTP(t *testing.T) {
	for _, tt := range []struct {
		name                       string
		server                     serverOptions
		scheme, credentials, query string
		problem                    string // "": it arrives
	}{
		{"STARTTLS", serverOptions{}, "smtp", "", "", ""},
		{"STARTTLS with credentials", serverOptions{credentials: true}, "smtp", "user:pass%3Aword@", "", ""},
		{"STARTTLS required", serverOptions{}, "smtp", "", "?starttls=required", ""},
		{"TLS from the beginning", serverOptions{implicitTLS: true}, "smtps", "", "", ""},
		{"TLS from the beginning with credentials", serverOptions{implicitTLS: true, credentials: true}, "smtps", "user:pass%3Aword@", "", ""},
		{"no TLS", serverOptions{noTLS: true}, "smtp", "", "", ""},
		{"TLS not wanted", serverOptions{}, "smtp", "", "?starttls=never", ""},
		{"required and not there", serverOptions{noTLS: true}, "smtp", "", "?starttls=required", "STARTTLS"},
		{"credentials without TLS", serverOptions{noTLS: true, credentials: true}, "smtp", "user:pass%3Aword@", "", "STARTTLS"},
		{"wrong password", serverOptions{credentials: true}, "smtp", "user:wrong@", "", "535"},
		{"credentials wanted", serverOptions{credentials: true}, "smtp", "", "", "502"},
		{"smtps on a port without TLS", serverOptions{noTLS: true}, "smtps", "", "", "mail server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := startServer(t, tt.server)
			err := server.sender(tt.scheme, tt.credentials, tt.query).Send(t.Context(), message())
			got := server.received()
			// A try goes as far as a sending does before its message, and sends nothing.
			tried := server.sender(tt.scheme, tt.credentials, tt.query).Try(t.Context())
			if want := tt.problem == "" || tt.name == "credentials wanted"; (tried == nil) != want || len(server.received()) != len(got) {
				t.Errorf("tried: %v", tried)
			}
			if tt.problem != "" {
				if err == nil || !strings.Contains(err.Error(), tt.problem) || errors.Is(err, event.ErrRefused) || errors.Is(err, event.ErrUnsure) || len(got) > 0 {
					t.Errorf("got %v, %d mails", err, len(got))
				}
				if tt.server.noTLS && len(server.auth) > 0 {
					t.Error("credentials were sent without TLS")
				}
				return
			}
			if err != nil || len(got) != 1 {
				t.Fatalf("%d mails arrived: %v", len(got), err)
			}
			if got[0].from != "order@shop.example" || got[0].to != "anna@kund.example" {
				t.Errorf("from %s to %s", got[0].from, got[0].to)
			}
			p := parse(t, got[0].data)
			if p.text != message().Text || p.html != message().HTML {
				t.Errorf("text %q, html %q", p.text, p.html)
			}
			for name, want := range map[string]string{
				"Message-Id": "<evt_1@shop.example>", "Auto-Submitted": "auto-generated", "To": "<anna@kund.example>", "Reply-To": "<hej@shop.example>",
				"Content-Language": "sv", "X-Mailer": "", "User-Agent": "",
			} {
				if p.header.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, p.header.Get(name), want)
				}
			}
			if at, err := p.header.Date(); err != nil || time.Since(at).Abs() > time.Minute {
				t.Errorf("date %v: %v", at, err)
			}
		})
	}
}

// What an answer of the server means: another try, none, or nobody knows. No error says whom
// it was for.
func TestSMTPFaults(t *testing.T) {
	answer := func(code int, status smtp.EnhancedCode) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: status, Message: "no <anna@kund.example>"}
	}
	for _, tt := range []struct {
		name, step string
		fault      error
		want       error // nil: it may be tried again
	}{
		{"an unknown mailbox", "rcpt", answer(550, smtp.EnhancedCode{5, 1, 1}), event.ErrRefused},
		{"a mailbox that is full for ever", "rcpt", answer(552, smtp.EnhancedCode{5, 2, 2}), event.ErrRefused},
		{"greylisting", "rcpt", answer(451, smtp.EnhancedCode{4, 7, 1}), nil},
		{"relaying is not allowed", "rcpt", answer(550, smtp.EnhancedCode{5, 7, 1}), nil},
		{"the sender is not allowed", "mail", answer(550, smtp.EnhancedCode{5, 1, 8}), nil},
		{"the queue is full", "mail", answer(452, smtp.EnhancedCode{4, 3, 1}), nil},
		{"the queue is full at the end", "data", answer(452, smtp.EnhancedCode{4, 3, 1}), nil},
		{"the queue is full, it says for ever", "data", answer(554, smtp.EnhancedCode{5, 3, 1}), nil},
		{"the content is refused", "data", answer(554, smtp.EnhancedCode{5, 6, 0}), event.ErrRefused},
		{"closing", "data", answer(421, smtp.EnhancedCode{4, 3, 2}), nil},
		{"it hangs at the beginning", "mail", errHang, nil},
		{"it hangs at the end", "data", errHang, event.ErrUnsure},
		{"it breaks at the end", "data", errDrop, event.ErrUnsure},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startServer(t, serverOptions{})
			server.fault = func(step string, _ int) error {
				if step == tt.step {
					return tt.fault
				}
				return nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			err := server.sender("smtp", "", "").Send(ctx, message())
			if err == nil || errors.Is(err, event.ErrRefused) != (tt.want == event.ErrRefused) || errors.Is(err, event.ErrUnsure) != (tt.want == event.ErrUnsure) { //nolint:errorlint // the wanted one
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err), "anna") {
				t.Errorf("the error says whom it was for: %v", err)
			}
		})
	}
	t.Run("nobody is there", func(t *testing.T) {
		s, _ := shopmail.ParseSMTP("smtp://127.0.0.1:1")
		if err := s.Send(t.Context(), message()); err == nil || errors.Is(err, event.ErrUnsure) || errors.Is(err, event.ErrRefused) {
			t.Errorf("got %v", err)
		}
	})
}

func TestParseSMTP(t *testing.T) {
	for _, address := range []string{
		"smtp://mail.example", "smtp://mail.example:25", "smtps://u:p@mail.example", "smtp://user%40shop.example:pass%2Fword@mail.example:587",
		"smtp://[::1]:25?starttls=never", "smtp://u:p@mail.example?starttls=required",
	} {
		if _, err := shopmail.ParseSMTP(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{
		"", "mail.example", "http://mail.example", "smtp://", "smtp://hunter2@mail.example", "smtp://u:hunter2@mail.example?starttls=optional",
		"smtp://u:hunter2@mail.example?starttls=never", "smtp://mail.example?starttls=perhaps", "smtp://mail.example?tls=never", "smtps://mail.example?starttls=never",
		"smtp://mail.example:0", "smtp://mail.example:65536", "smtp://u:hunter2@mail.example:x", "smtp://mail.example/inbox", "smtp://u:hun ter2@%zz",
	} {
		if _, err := shopmail.ParseSMTP(address); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
