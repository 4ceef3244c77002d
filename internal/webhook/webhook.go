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
	receivers map[string]*event.Receiver
	off       map[string]Off // by endpoint, as it was a second ago
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

// Receivers are the endpoints as receivers of events.
func (w *Webhooks) Receivers(ctx context.Context) (list []*event.Receiver) {
	endpoints := w.Published.Now().Shop.Webhooks
	if len(endpoints) == 0 {
		return nil
	}
	off, err := w.Off(ctx)
	if err != nil && ctx.Err() == nil {
		w.Logger.WarnContext(ctx, "which webhooks are off cannot be read", "error", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.off = off
	}
	for _, e := range endpoints {
		r := w.receivers[e.ID]
		if r == nil {
			r = w.receiver(e.ID)
			w.receivers[e.ID] = r
		}
		list = append(list, r)
		_, isOff := w.off[e.ID]
		w.Observer.WebhookOff(e.ID, isOff)
	}
	return list
}

func (w *Webhooks) receiver(id string) *event.Receiver {
	return &event.Receiver{
		Name: receiverPrefix + id, AtOnce: atOnce, Keep: true,
		Wants: func(e event.Event) bool {
			to, there := w.Endpoint(id)
			return there && to.Wants(e.Type) && !w.isOff(id) && time.Since(e.At) < event.Patience
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

func (w *Webhooks) isOff(id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, off := w.off[id]
	return off
}

// deliver tells an endpoint of an event.
func (w *Webhooks) deliver(ctx context.Context, id string, e event.Event) error {
	to, there := w.Endpoint(id)
	switch {
	case !there:
		return errors.New("the shop file has the endpoint no more")
	case w.isOff(id):
		return fmt.Errorf("%w: the endpoint is switched off", event.ErrRefused)
	}
	start := time.Now()
	status, err := w.send(ctx, to, e)
	w.Observer.Webhook(id, resultOf(status, err), time.Since(start))
	if status == http.StatusGone {
		if err := w.switchOff(ctx, to, "it answered 410"); err != nil {
			return err
		}
		return fmt.Errorf("%w: answered 410", event.ErrRefused)
	}
	return err
}

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
	maps.DeleteFunc(off, func(id string, o Off) bool {
		to, there := w.Endpoint(id)
		return !there || to.URL != o.URL
	})
	return off, nil
}

// switchOff switches an endpoint off. What it did not get is not tried again by itself.
func (w *Webhooks) switchOff(ctx context.Context, to settings.Webhook, why string) error {
	err := w.DB.Tx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `insert into webhook_endpoints (id, url, off_at, why) values ($1, $2, $3, $4)
			on conflict (id) do update set url = excluded.url, off_at = excluded.off_at, why = excluded.why where webhook_endpoints.url <> excluded.url`,
			to.ID, to.URL, time.Now().UnixMilli(), why)
		if err == nil {
			_, err = tx.ExecContext(ctx, "update event_deliveries set due_at = null, problem = 'the endpoint is switched off' where receiver = $1 and due_at is not null", receiverPrefix+to.ID)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("switch webhook off: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.off = maps.Clone(w.off)
	if w.off == nil {
		w.off = map[string]Off{}
	}
	w.off[to.ID] = Off{to.URL, time.Now().UTC(), why}
	w.Logger.ErrorContext(ctx, "a webhook is switched off", "endpoint", to.ID, "why", why)
	return nil
}

// SwitchOn switches an endpoint on: it gets what happens from now on. What it missed can be
// sent again.
func (w *Webhooks) SwitchOn(ctx context.Context, id string) error {
	if _, err := w.DB.Exec(ctx, "delete from webhook_endpoints where id = $1", id); err != nil {
		return fmt.Errorf("switch webhook on: %w", err)
	}
	return nil
}
