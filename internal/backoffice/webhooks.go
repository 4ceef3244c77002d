package backoffice

import (
	"cmp"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/internal/webhook"
	"github.com/shopd/shopd/web/templates"
)

const (
	webhooksPage = "/admin/webhooks"
	navWebhooks  = "webhooks"
	webhookRows  = 50 // on a page
	// localTime is how a browser's field of a day and a time has it.
	localTime = "2006-01-02T15:04"
)

func (b *Backoffice) webhookRoutes(r chi.Router) {
	if b.Webhooks == nil {
		return
	}
	const one = webhooksPage + "/{id}"
	r.Get(webhooksPage, b.webhooks)
	r.Get(one, b.webhook)
	r.Group(func(r chi.Router) {
		r.Use(b.needs(permission.Operate))
		r.Post(one+"/on", b.webhookOn)
		r.Post(one+"/again", b.webhookAllAgain)
		r.Post(one+"/again/{event}", b.webhookAgain)
	})
}

// webhooks is the list of the endpoints.
func (b *Backoffice) webhooks(w http.ResponseWriter, r *http.Request) {
	var v templates.AdminWebhooksView
	off, err := b.Webhooks.Off(r.Context())
	for _, e := range b.version().Shop.Webhooks {
		if err == nil {
			var row templates.AdminWebhookRow
			row, err = b.webhookRow(r, e, off)
			v.Rows = append(v.Rows, row)
		}
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.page(w, r, http.StatusOK, "Webhooks", navWebhooks, templates.AdminWebhooks(v))
}

func (b *Backoffice) webhookRow(r *http.Request, e settings.Webhook, off map[string]webhook.Off) (templates.AdminWebhookRow, error) {
	counts, err := b.Webhooks.Count(r.Context(), e.ID)
	row := templates.AdminWebhookRow{
		ID: e.ID, URL: shownAddress(e.URL), Page: webhooksPage + "/" + e.ID, Events: strings.Join(e.Events, ", "),
		Waiting: quantity(counts.Waiting), GivenUp: quantity(counts.GivenUp), Delivered: quantity(counts.Delivered),
	}
	if !counts.Last.IsZero() {
		row.Last = timeText(counts.Last.In(b.zone()))
	}
	if o, is := off[e.ID]; is {
		row.Off = "Switched off since " + timeText(o.At.In(b.zone())) + ": " + o.Why + ". It is told of nothing meanwhile; what it missed can be sent again when it is on."
	}
	return row, err
}

// shownAddress is an address without its query, which may have a secret.
func shownAddress(text string) string {
	address, query, has := strings.Cut(text, "?")
	if has && query != "" {
		address += "?…"
	}
	return address
}

// theWebhook is the endpoint that an address names. Without one it answers the request, and ok
// is false.
func (b *Backoffice) theWebhook(w http.ResponseWriter, r *http.Request) (e settings.Webhook, ok bool) {
	if e, ok = b.Webhooks.Endpoint(chi.URLParam(r, "id")); !ok {
		b.notFound(w, r)
	}
	return e, ok
}

// stateNames are what staff call the states of deliveries, in the order of the filter.
var stateNames = []struct {
	state webhook.State
	name  string
	kind  templates.Kind
}{{"", "All", ""}, {webhook.Waiting, "Waiting", templates.Warn}, {webhook.GivenUp, "Given up", templates.Bad}, {webhook.Delivered, "Delivered", templates.OK}}

// webhook is an endpoint with what it was told.
func (b *Backoffice) webhook(w http.ResponseWriter, r *http.Request) {
	e, ok := b.theWebhook(w, r)
	if !ok {
		return
	}
	query := r.URL.Query()
	state := webhook.State(query.Get("state"))
	before, err := strconv.ParseInt(cmp.Or(query.Get("before"), "0"), 10, 64)
	if err != nil || before < 0 || state != "" && !state.Known() {
		b.fail(w, r, errBadRequest)
		return
	}
	off, err := b.Webhooks.Off(r.Context())
	v := templates.AdminWebhookView{Manages: staffOf(r.Context()).May(permission.Operate), Zone: b.zone().String(), Since: time.Now().In(b.zone()).Add(-time.Hour).Format(localTime)}
	if err == nil {
		v.Row, err = b.webhookRow(r, e, off)
	}
	var list []webhook.Sent
	if err == nil {
		list, err = b.Webhooks.History(r.Context(), e.ID, state, before, webhookRows)
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	for _, s := range stateNames {
		v.States = append(v.States, templates.AdminWebhookState{Name: s.name, URL: v.Row.Page + "?" + url.Values{"state": {string(s.state)}}.Encode(), Current: s.state == state})
	}
	for _, s := range list {
		row := b.webhookSent(s)
		if v.Manages && v.Row.Off == "" {
			row.Again = v.Row.Page + "/again/" + s.Event.ID
		}
		v.Sent = append(v.Sent, row)
	}
	if len(list) == webhookRows {
		v.Next = v.Row.Page + "?" + url.Values{"state": {string(state)}, "before": {strconv.FormatInt(list[len(list)-1].Event.Sequence, 10)}}.Encode()
	}
	if n := query.Get("again"); n != "" {
		v.Note = "What you asked for is sent again now."
	}
	if typed, before := b.typed(w, r); before {
		v.Note, v.Since, v.All = typedNote.Title+" Nothing was done yet.", cmp.Or(typed.Get("since"), v.Since), typed.Get("all") != ""
	}
	b.page(w, r, http.StatusOK, "Webhook "+e.ID, navWebhooks, templates.AdminWebhook(v))
}

func (b *Backoffice) webhookSent(s webhook.Sent) templates.AdminWebhookSent {
	row := templates.AdminWebhookSent{At: timeText(s.Event.At.In(b.zone())), Type: string(s.Event.Type), ID: s.Event.ID, About: s.Event.Subject, Answer: s.Problem}
	for _, n := range stateNames {
		if n.state == s.State {
			row.State = templates.Badge{Kind: n.kind, Text: n.name}
		}
	}
	switch s.State {
	case webhook.Delivered:
		row.Answer = "Taken " + timeText(s.DoneAt.In(b.zone()))
	case webhook.Waiting:
		if s.Tries > 0 && s.Problem != "" {
			row.Answer += "; next try " + timeText(s.DueAt.In(b.zone()))
		}
	case webhook.GivenUp:
	}
	var about struct{ Object, Number string }
	_ = json.Unmarshal(s.Event.Data, &about) // we wrote it
	if about.Object == "order" && about.Number != "" {
		row.About, row.AboutURL = about.Number, orderPath(about.Number)
	}
	if s.Event.Type == event.StockOversold {
		row.AboutURL = stockPage + "/" + url.PathEscape(s.Event.Subject)
	}
	return row
}

// webhookOn switches an endpoint on.
func (b *Backoffice) webhookOn(w http.ResponseWriter, r *http.Request) {
	e, ok := b.theWebhook(w, r)
	if !ok {
		return
	}
	if err := b.Webhooks.SwitchOn(r.Context(), e.ID); err != nil {
		b.fail(w, r, err)
		return
	}
	b.Logger.InfoContext(r.Context(), "a webhook is switched on", "staff", staffOf(r.Context()).Name, "endpoint", e.ID)
	http.Redirect(w, r, webhooksPage+"/"+e.ID, http.StatusSeeOther)
}

// webhookAgain sends one event again.
func (b *Backoffice) webhookAgain(w http.ResponseWriter, r *http.Request) {
	e, ok := b.theWebhook(w, r)
	if !ok {
		return
	}
	found, err := b.Webhooks.Again(r.Context(), e.ID, chi.URLParam(r, "event"))
	switch {
	case err != nil:
		b.fail(w, r, err)
	case !found:
		b.notFound(w, r)
	default:
		http.Redirect(w, r, webhooksPage+"/"+e.ID+"?again=1", http.StatusSeeOther)
	}
}

// webhookAllAgain sends all again that happened since a time.
func (b *Backoffice) webhookAllAgain(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	e, ok := b.theWebhook(w, r)
	if !ok {
		return
	}
	since, err := time.ParseInLocation(localTime, r.PostForm.Get("since"), b.zone())
	if err != nil {
		b.fail(w, r, errBadRequest)
		return
	}
	n, err := b.Webhooks.AllAgain(r.Context(), e, since, r.PostForm.Get("all") != "")
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.Logger.InfoContext(r.Context(), "webhooks are sent again", "staff", staffOf(r.Context()).Name, "endpoint", e.ID, "events", n)
	http.Redirect(w, r, webhooksPage+"/"+e.ID+"?again=1", http.StatusSeeOther)
}
