// Package doctor looks at all that a shop depends on and says what is right, what is wrong and
// what to do about it. It changes nothing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/webhook"
)

// Level is how a finding stands.
type Level string

// The levels.
const (
	Right Level = "right"
	Note  Level = "note" // it works, and may not be meant
	Wrong Level = "wrong"
)

// Finding is one thing that was looked at. It has no secret and nothing of a shopper.
type Finding struct {
	About string `json:"about"` // which part
	Level Level  `json:"level"`
	Says  string `json:"says"`
	Do    string `json:"do,omitempty"` // about it, "" where nothing is to be done
}

// Doctor has what is looked at. Safe for concurrent use.
type Doctor struct {
	Klarna      *klarna.Client
	KlarnaHost  string // of its API
	PublicURL   string
	CallbackURL string
	Signer      *kco.Signer
	Redis       redis.UniversalClient
	DB          *db.DB // nil: DBProblem says why
	DBProblem   error
	Published   *publish.Published // nil: Unread says why
	Unread      error              // publish.ErrNothing, or why it cannot be read; nil without DB
	Mail        func() mail.Sender // the server of this moment; it returns nil where there is none
	Webhooks    *webhook.Webhooks  // nil with Published
	Limit       time.Duration      // of each look; 0: 5 s
}

const defaultLimit = 5 * time.Second

// Examine looks at everything at once. The findings are in the order of the parts.
func (d *Doctor) Examine(ctx context.Context) []Finding {
	limit := d.Limit
	if limit == 0 {
		limit = defaultLimit
	}
	parts := []struct {
		about string
		look  func(context.Context, *findings)
	}{
		{"shop", d.shop}, {"klarna", d.klarna}, {"public address", d.public}, {"callbacks", d.callbacks},
		{"redis", d.redis}, {"database", d.database}, {"mail", d.mail}, {"webhooks", d.webhooks}, {"hooks", d.hooks},
	}
	found := make([]*findings, len(parts))
	var looking sync.WaitGroup
	for i, part := range parts {
		found[i] = &findings{about: part.about}
		looking.Go(func() {
			ctx, cancel := context.WithTimeout(observe.About(ctx, observe.Subject{Quiet: true}), limit)
			defer cancel()
			mine, done := &findings{about: part.about}, make(chan struct{})
			go func() {
				defer close(done)
				part.look(ctx, mine)
			}()
			select {
			case <-done:
				found[i] = mine
			case <-time.After(limit + time.Second): // one that does not look at its context
				found[i].wrong("no answer within "+limit.String(), "look whether it hangs")
			}
		})
	}
	looking.Wait()
	var all []Finding
	for _, f := range found {
		all = append(all, f.list...)
	}
	return all
}

// Healthy reports whether nothing is wrong.
func Healthy(all []Finding) bool {
	for _, f := range all {
		if f.Level == Wrong {
			return false
		}
	}
	return true
}

// findings are those of one part.
type findings struct {
	about string
	list  []Finding
}

func (f *findings) add(level Level, says, do string) {
	f.list = append(f.list, Finding{f.about, level, says, do})
}

func (f *findings) right(format string, args ...any) { f.add(Right, fmt.Sprintf(format, args...), "") }
func (f *findings) note(says, do string)             { f.add(Note, says, do) }
func (f *findings) wrong(says, do string)            { f.add(Wrong, says, do) }

// What a clock may differ by: the answer of a HTTP server has whole seconds.
const (
	clockNote  = 5 * time.Second
	clockWrong = time.Minute
)

// clock compares a clock with ours, that was read between two moments.
func (f *findings) clock(theirs, before, after time.Time) {
	var off time.Duration
	switch {
	case theirs.Before(before):
		off = before.Sub(theirs)
	case theirs.After(after):
		off = theirs.Sub(after)
	}
	off = off.Round(time.Second)
	const do = "run NTP here and there: what is due by time comes that much too early or too late"
	switch {
	case off > clockWrong:
		f.wrong(fmt.Sprintf("its clock and ours are %s apart", off), do)
	case off > clockNote:
		f.note(fmt.Sprintf("its clock and ours are %s apart", off), do)
	default:
		f.right("its clock is ours")
	}
}

// why is an error in few words. timeouts are told as such.
func why(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	return err.Error()
}
