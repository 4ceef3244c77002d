// Package webhook tells endpoints of the merchant's of events, as the Standard Webhooks
// specification says. Each endpoint is a receiver of events.
package webhook

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/standardwebhooks"
)

// atOnce is how many calls of one endpoint a process has under way.
const atOnce = 100

// Webhooks are the endpoints of the shop file. Made by New; safe for concurrent use.
type Webhooks struct {
	DB        *db.DB
	Published *publish.Published
	Logger    *slog.Logger
	Observer  *observe.Observer

	caller *standardwebhooks.Caller

	mu        sync.Mutex
	receivers map[string]*event.Receiver // of the endpoints of the shop file
	on        []*event.Receiver          // those that are on, as far as it is known
}

// Off says that an endpoint was switched off.
type Off struct {
	URL string // that is off
	At  time.Time
	Why string
}

// New makes the webhooks of a shop at an address: where that is plain http, endpoints may be
// anywhere.
func New(d *db.DB, p *publish.Published, publicURL string, logger *slog.Logger, o *observe.Observer) *Webhooks {
	caller := standardwebhooks.NewCaller(publicURL, answerTime, atOnce)
	return &Webhooks{DB: d, Published: p, Logger: logger, Observer: o, caller: caller, receivers: map[string]*event.Receiver{}}
}

// receiverPrefix begins the name of a receiver; the endpoint's ID follows.
const receiverPrefix = "webhook_"

// Receivers are the endpoints that are on, as receivers of events. Nobody hands anything to one that is off: what
// happens meanwhile stays beyond its cursor.
func (w *Webhooks) Receivers(ctx context.Context) []*event.Receiver {
	endpoints := w.Published.Now().Shop.Webhooks
	var off map[string]Off
	var err error
	if len(endpoints) > 0 {
		off, err = w.switchedOff(ctx)
	}
	for _, e := range endpoints {
		if o, is := off[e.ID]; is && o.URL != e.URL && err == nil {
			delete(off, e.ID)
			err = w.moved(ctx, e, o.URL)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			w.Logger.WarnContext(ctx, "which webhooks are off is not known", "error", err)
		}
		return w.on
	}
	before := w.receivers
	w.receivers, w.on = map[string]*event.Receiver{}, nil
	for _, e := range endpoints {
		r := before[e.ID]
		if r == nil {
			r = w.receiver(e.ID)
		}
		w.receivers[e.ID] = r
		_, isOff := off[e.ID]
		if !isOff {
			w.on = append(w.on, r)
		}
		w.Observer.WebhookOff(e.ID, isOff)
	}
	for id := range before {
		if w.receivers[id] == nil {
			w.Observer.WebhookGone(id)
		}
	}
	return w.on
}

func (w *Webhooks) receiver(id string) *event.Receiver {
	return &event.Receiver{
		Name: receiverPrefix + id, AtOnce: atOnce, Keep: true,
		Wants: func(e event.Event) bool {
			to, there := w.Endpoint(id)
			return there && to.Wants(e.Type) && time.Since(e.At) < event.Patience
		},
		Deliver: func(ctx context.Context, e event.Event) error { return w.deliver(ctx, id, e) },
		GiveUp:  func(context.Context, event.Event, error) error { return nil }, // its row says so
	}
}

// Endpoint is that of the shop file with an ID.
func (w *Webhooks) Endpoint(id string) (settings.Webhook, bool) {
	list := w.Published.Now().Shop.Webhooks
	i := slices.IndexFunc(list, func(e settings.Webhook) bool { return e.ID == id })
	if i < 0 {
		return settings.Webhook{}, false
	}
	return list[i], true
}

// deliver tells an endpoint of an event.
func (w *Webhooks) deliver(ctx context.Context, id string, e event.Event) error {
	to, there := w.Endpoint(id)
	if !there {
		return errors.New("the shop file has the endpoint no more")
	}
	start := time.Now()
	status, err := w.send(ctx, to, e)
	w.Observer.Webhook(id, resultOf(status, err), time.Since(start))
	if status == http.StatusGone {
		if err := w.switchOff(ctx, to, "it answered 410"); err != nil {
			return err
		}
		return errGone
	}
	return err
}

// Why an endpoint has not got an event: what its next address gets.
var (
	errGone    = fmt.Errorf("%w: answered 410", event.ErrRefused)
	problemOff = "the endpoint is switched off"
)

var classes = []string{"", "1xx", "2xx", "3xx", "4xx", "5xx"}

// resultOf is an answer as metrics count it.
func resultOf(status int, err error) string {
	switch {
	case status/100 < len(classes) && status >= 100:
		return classes[status/100]
	case errors.Is(err, standardwebhooks.ErrAddress):
		return "refused_address"
	}
	return "no_answer"
}

// Off are the endpoints that are switched off: at another address than that which was, an
// endpoint is on.
func (w *Webhooks) Off(ctx context.Context) (map[string]Off, error) {
	off, err := w.switchedOff(ctx)
	maps.DeleteFunc(off, func(id string, o Off) bool {
		to, there := w.Endpoint(id)
		return !there || to.URL != o.URL
	})
	return off, err
}

// switchedOff are the endpoints that were switched off at whatever address.
func (w *Webhooks) switchedOff(ctx context.Context) (map[string]Off, error) {
	off := map[string]Off{}
	_, err := db.All(ctx, w.DB.Read, func(rows *sql.Rows) (id string, err error) {
		var o Off
		var at int64
		err = rows.Scan(&id, &o.URL, &at, &o.Why)
		o.At = time.UnixMilli(at).UTC()
		off[id] = o
		return id, err
	}, "select id, url, off_at, why from webhook_endpoints")
	if err != nil {
		return nil, fmt.Errorf("read webhooks: %w", err)
	}
	return off, nil
}

// moved notes that an endpoint that was switched off at an address has another one. That was never told that it is gone: it
// gets what the other has not got, if it is young enough to be tried at all.
func (w *Webhooks) moved(ctx context.Context, to settings.Webhook, from string) error {
	err := w.DB.Tx(ctx, func(tx *sql.Tx) error {
		was, err := tx.ExecContext(ctx, "delete from webhook_endpoints where id = $1 and url = $2", to.ID, from)
		if err != nil {
			return err
		}
		if n, err := was.RowsAffected(); err != nil || n == 0 { // another process has done it
			return err
		}
		now := time.Now()
		_, err = tx.ExecContext(ctx, `update event_deliveries set due_at = $2, tries = 0
			where receiver = $1 and due_at is null and done_at is null and problem in ($3, $4) and at > $5`,
			receiverPrefix+to.ID, now.UnixMilli(), problemOff, errGone.Error(), now.Add(-event.Patience).UnixMilli())
		return err
	})
	if err != nil {
		return fmt.Errorf("move webhook: %w", err)
	}
	return nil
}

// switchOff switches an endpoint off: within a second, no process tells it anything. What it did not get is not tried
// again by itself, but at another address.
func (w *Webhooks) switchOff(ctx context.Context, to settings.Webhook, why string) error {
	err := w.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into webhook_endpoints (id, url, off_at, why) values ($1, $2, $3, $4)
			on conflict (id) do update set url = excluded.url, off_at = excluded.off_at, why = excluded.why where webhook_endpoints.url <> excluded.url`,
			to.ID, to.URL, time.Now().UnixMilli(), why)
		if err == nil {
			_, err = tx.ExecContext(ctx, "update event_deliveries set due_at = null, problem = $2 where receiver = $1 and due_at is not null", receiverPrefix+to.ID, problemOff)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("switch webhook off: %w", err)
	}
	w.Logger.ErrorContext(ctx, "a webhook is switched off", "endpoint", to.ID, "why", why)
	return nil
}

// SwitchOn switches an endpoint on: it gets what happens from now on. What it missed can be
// sent again. One that is on again by a new address goes on where its cursor is.
func (w *Webhooks) SwitchOn(ctx context.Context, id string) error {
	to, _ := w.Endpoint(id)
	err := w.DB.Tx(ctx, func(tx *sql.Tx) error {
		was, err := tx.ExecContext(ctx, "delete from webhook_endpoints where id = $1 and url = $2", id, to.URL)
		if err != nil {
			return err
		}
		if n, err := was.RowsAffected(); err != nil || n == 0 { // it is on already: nothing is passed over
			return err
		}
		_, err = tx.ExecContext(ctx, "update event_cursors set after = (select last from event_numbers) where receiver = $1", receiverPrefix+id)
		return err
	})
	if err != nil {
		return fmt.Errorf("switch webhook on: %w", err)
	}
	return nil
}
