package shop

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/mail"
)

// Change takes over what may change while the shop runs: the secret, Klarna's credentials, the
// team, the keys of the API and the mail server. The error names the setting; then nothing has
// changed.
func (s *Shop) Change(c Config) error {
	if _, err := kco.NewSigner(c.Secret); err != nil {
		return fmt.Errorf("SHOPD_SECRET: %w", err)
	}
	// An empty file is rather one that is being written than the wish to lock everybody out.
	var problems []error
	for setting, differs := range map[string]bool{
		"SHOPD_STAFF: the back office":        (len(c.Team) > 0) != (s.Backoffice != nil),
		"SHOPD_API_KEYS: the API":             (len(c.Keys) > 0) != s.hasAPI(),
		"SHOPD_SMTP_URL: the sending of mail": (c.Mail != nil) != (s.Mailer != nil),
	} {
		if differs {
			problems = append(problems, fmt.Errorf("%s is switched on and off by a restart only", setting))
		}
	}
	if c.Klarna.Password == "" {
		problems = append(problems, errors.New("SHOPD_KLARNA_PASSWORD is missing"))
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if err := errors.Join(s.Signer.Change(c.Secret), s.credentials.change(c.Klarna)); err != nil {
		return err
	}
	s.team.Store(&c.Team)
	s.apiKeys.Store(&c.Keys)
	s.sender.now.Store(&c.Mail)
	return nil
}

// hasAPI reports whether anybody may call the API.
func (s *Shop) hasAPI() bool { return len(s.config.Keys) > 0 }

// keys are the keys for a purpose, of the secret of the moment.
func (s *Shop) keys(purpose string) func() [][]byte {
	return func() [][]byte { return s.Signer.Keys(purpose) }
}

// sender sends by the mail server of the moment.
type sender struct{ now atomic.Pointer[mail.Sender] }

// Send implements mail.Sender.
func (s *sender) Send(ctx context.Context, m *mail.Message) error {
	return (*s.now.Load()).Send(ctx, m)
}
