package mail_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	shopmail "github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/settings"
)

// Staff send a mail again: with a Message-ID of its own, once for each form.
func TestMailAgain(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed()
	p.round(1, 0)
	key := uuid.NewString()
	for _, want := range []order.Result{order.Done, order.Already} {
		if got, err := p.Mailer.Again(t.Context(), o, settings.MailPlaced, key, "ada"); got != want || err != nil {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	p.server.fault = func(string, int) error { return errors.New("not now") }
	if _, err := p.Mailer.Again(t.Context(), o, settings.MailPlaced, uuid.NewString(), "ada"); err == nil {
		t.Error("no error")
	}
	got := p.server.received()
	if len(got) != 2 || parse(t, got[0].data).header.Get("Message-Id") == parse(t, got[1].data).header.Get("Message-Id") {
		t.Errorf("%d mails, or two with one Message-ID", len(got))
	}
	if diff := cmp.Diff([]string{"order_placed done", "order_placed sent ada", "order_placed done ada", "order_placed sent ada", "order_placed refused ada"}, p.told(o)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]settings.MailKind{settings.MailPlaced}, shopmail.Kinds(o)); diff != "" {
		t.Error(diff)
	}
}

// A form that is sent many times at once, while the server still thinks, is one mail.
func TestMailAgainAtOnce(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed()
	p.round(1, 0)
	p.server.fault = func(string, int) error {
		time.Sleep(50 * time.Millisecond)
		return nil
	}
	key := uuid.NewString()
	var wg sync.WaitGroup
	var mu sync.Mutex
	results := map[order.Result]int{}
	for range 20 {
		wg.Go(func() {
			got, err := p.Mailer.Again(t.Context(), o, settings.MailPlaced, key, "ada")
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			results[got]++
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[order.Result]int{order.Done: 1, order.Already: 19}, results); diff != "" || len(p.server.received()) != 2 {
		t.Errorf("%d mails in all, want 2; %s", len(p.server.received()), diff)
	}
	// What was not sent may be tried again with the same form.
	p.server.fault = func(string, int) error { return errors.New("not now") }
	key = uuid.NewString()
	if _, err := p.Mailer.Again(t.Context(), o, settings.MailPlaced, key, "ada"); err == nil {
		t.Error("no error")
	}
	p.server.fault = nil
	if got, err := p.Mailer.Again(t.Context(), o, settings.MailPlaced, key, "ada"); got != order.Done || err != nil || len(p.server.received()) != 3 {
		t.Errorf("got %s, %v, %d mails in all", got, err, len(p.server.received()))
	}
}

// senderFunc is a Sender.
type senderFunc func()

func (f senderFunc) Send(context.Context, *shopmail.Message) error {
	f()
	return nil
}

// A database that is gone when the mail is out: the mail is not said to be unsent, and the form sends it no more.
func TestMailAgainNotWrittenDown(t *testing.T) {
	p := newPost(t, nil)
	o := p.Placed()
	n := 0
	p.Mailer.Sender = senderFunc(func() {
		n++
		p.Exec("alter table audit rename to audit_away")
	})
	key := uuid.NewString()
	got, err := p.Mailer.Again(t.Context(), o, settings.MailPlaced, key, "ada")
	if got != order.Unknown || !errors.Is(err, order.ErrUnavailable) {
		t.Errorf("got %q, %v", got, err)
	}
	p.Exec("alter table audit_away rename to audit")
	if got, err = p.Mailer.Again(t.Context(), o, settings.MailPlaced, key, "ada"); got != order.Already || err != nil || n != 1 {
		t.Errorf("again: %q, %v, %d mails", got, err, n)
	}
	if diff := cmp.Diff([]string{"order_placed sent ada"}, p.told(o)); diff != "" {
		t.Error(diff)
	}
}
