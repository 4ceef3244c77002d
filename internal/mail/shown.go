package mail

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/shopd/shopd/internal/settings"
)

// Shown stands in place of a mail server in the demo: it remembers which mails were sent, for
// the back office, which writes each anew when somebody looks. So nothing that names anybody
// is kept here.
type Shown struct {
	mu   sync.Mutex
	list []Seen
}

// Seen is a mail that was sent, without who got it.
type Seen struct {
	ID       string // its Message-ID
	At       time.Time
	Number   string // of the order
	Kind     settings.MailKind
	Subject  string
	Language string
}

// shownMails is how many mails are remembered.
const shownMails = 200

// Send remembers a message.
func (s *Shown) Send(_ context.Context, m *Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list[max(0, len(s.list)-shownMails+1):], Seen{ID: m.ID, At: time.Now(), Number: m.Number, Kind: m.Kind, Subject: m.Subject, Language: m.Language})
	return nil
}

// List is what was sent, the newest first.
func (s *Shown) List() []Seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.Clone(s.list)
	slices.Reverse(list)
	return list
}
