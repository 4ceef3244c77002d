package backoffice

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// formLimit is the largest form, in bytes. An order of a thousand lines needs this much.
const formLimit = 512 << 10

// actionRoutes mounts the pages of the actions on one order.
func (b *Backoffice) actionRoutes(r chi.Router) {
	for _, a := range b.Desk.Actions {
		r.Group(func(r chi.Router) {
			r.Use(b.needs(a.Needs))
			at := "/admin/orders/{number}/" + a.Slug
			r.Get(at, func(w http.ResponseWriter, r *http.Request) { b.actionForm(w, r, a) })
			r.Post(at, func(w http.ResponseWriter, r *http.Request) { b.actionCheck(w, r, a) })
			r.Post(at+"/confirm", func(w http.ResponseWriter, r *http.Request) { b.actionDo(w, r, a) })
			// A sign-in on the way leads back here.
			r.Get(at+"/confirm", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, actionPath(chi.URLParam(r, "number"), a), http.StatusSeeOther) //nolint:gosec // a local path: the number is escaped
			})
		})
	}
	b.eraseRoutes(r)
	b.bulkRoutes(r)
}

// actionPath is the address of an action's form.
func actionPath(number string, a *aftersale.Action) string { return orderPath(number) + "/" + a.Slug }

func orderPath(number string) string { return "/admin/orders/" + url.PathEscape(number) }

// actionForm shows the form of an action. It reads the order at Klarna first.
func (b *Backoffice) actionForm(w http.ResponseWriter, r *http.Request, a *aftersale.Action) {
	o, ok := b.theOrder(w, r)
	if !ok {
		return
	}
	var notes []templates.ResultNote
	if fresh, err := b.refresh(r.Context(), o.Ref()); err == nil {
		o = fresh
	} else {
		b.Logger.WarnContext(r.Context(), "order not refreshed", "order_id", o.Ref(), "order_number", o.Number, "error", err)
		notes = append(notes, templates.ResultNote{Kind: templates.Warn, Title: "Klarna does not answer now.", Body: "This is the order as we last saw it."})
	}
	if impossible := b.Desk.Possible(o, a, time.Now()); impossible != nil {
		b.impossible(w, r, a, o, impossible, notes...)
		return
	}
	if values, before := b.typed(w, r); before {
		values.Del("back")
		d, ours := b.Desk.Posted(a, o, values)
		if ours && d.Moved() {
			b.stale(w, r, d)
			return
		}
		d.Renew()
		b.first(w, r, http.StatusOK, d, append(notes, typedNote)...)
		return
	}
	b.first(w, r, http.StatusOK, b.Desk.NewDraft(a, o, r.URL.Query().Get("shipment")), notes...)
}

// read reads the posted draft. Without such an order, or with an unreadable form, it
// answers itself and reports false.
func (b *Backoffice) read(w http.ResponseWriter, r *http.Request, a *aftersale.Action) (*aftersale.Draft, bool) {
	o, ok := b.orderOfForm(w, r, formLimit)
	if !ok {
		return nil, false
	}
	d, ok := b.Desk.Posted(a, o, r.PostForm)
	if !ok {
		d.Renew()
		b.first(w, r, http.StatusUnprocessableEntity, d, templates.ResultNote{
			Kind: templates.Bad, Title: "This form cannot be used any more.", Body: "Nothing was sent. Check the details below and continue from here.",
		})
		return nil, false
	}
	return d, true
}

// actionCheck takes the form and asks staff to confirm.
func (b *Backoffice) actionCheck(w http.ResponseWriter, r *http.Request, a *aftersale.Action) {
	d, ok := b.read(w, r, a)
	if !ok || !b.loaded(w, r, d) {
		return
	}
	switch {
	case a.Form != nil && (d.Values.Has("back") || d.WantsMore()):
		b.form(w, r, http.StatusOK, d)
	case d.Moved():
		b.stale(w, r, d)
	case b.parsed(w, r, d):
		b.question(w, r, http.StatusOK, d)
	}
}

// loaded reads what the form needs from Klarna. When Klarna does not answer, it answers
// itself and reports false.
func (b *Backoffice) loaded(w http.ResponseWriter, r *http.Request, d *aftersale.Draft) bool {
	err := b.Desk.Load(r.Context(), d)
	if err != nil {
		b.form(w, r, http.StatusServiceUnavailable, d, b.unreadable(r.Context(), d, err))
	}
	return err == nil
}

// parsed makes the command of the draft and checks it. When the command is not possible, it
// answers itself and reports false.
func (b *Backoffice) parsed(w http.ResponseWriter, r *http.Request, d *aftersale.Draft) bool {
	if impossible := b.Desk.Parse(r.Context(), d, time.Now()); impossible != nil {
		b.impossible(w, r, d.Action, d.Order, impossible)
		return false
	}
	if len(d.Errors) > 0 {
		b.form(w, r, http.StatusUnprocessableEntity, d)
		return false
	}
	return true
}

// actionDo carries out the confirmed command.
func (b *Backoffice) actionDo(w http.ResponseWriter, r *http.Request, a *aftersale.Action) {
	d, ok := b.read(w, r, a)
	if !ok {
		return
	}
	begun, err := b.begun(r.Context(), d)
	switch {
	case err != nil:
		b.fail(w, r, err)
		return
	case begun: // the form was sent before: what it says now does not count
	case d.Moved():
		b.stale(w, r, d)
		return
	case !b.loaded(w, r, d) || !b.parsed(w, r, d):
		return
	case d.Values.Get(aftersale.FieldShown) != d.Digest():
		b.question(w, r, http.StatusConflict, d, templates.ResultNote{
			Kind: templates.Warn, Title: "This is not what the page showed.", Body: "Nothing was sent. Check it once more.",
		})
		return
	}
	d.Command.Staff = staffOf(r.Context()).Name
	outcome, err := b.Desk.Do(r.Context(), d.Order.Ref(), d.Command)
	b.answer(w, r, d, begun, outcome, err)
}

// begun reports whether the draft's command was sent before.
func (b *Backoffice) begun(ctx context.Context, d *aftersale.Draft) (bool, error) {
	entries, err := b.Book.Entries(ctx, d.Order.Ref())
	return err == nil && aftersale.Knows(d.Order, entries, d.Command.Key), err
}

// stale shows the form again: the order has changed since the form was made.
func (b *Backoffice) stale(w http.ResponseWriter, r *http.Request, d *aftersale.Draft) {
	entries, err := b.Book.Entries(r.Context(), d.Order.Ref())
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.changed(w, r, d, b.Desk.Changed(d.Order, entries))
}

// changed shows the form again and tells of the change by somebody else.
func (b *Backoffice) changed(w http.ResponseWriter, r *http.Request, d *aftersale.Draft, e *aftersale.ChangedError) {
	d.Order = e.Order.In(b.zone())
	d.Renew()
	b.first(w, r, http.StatusConflict, d, b.fasterNote(d.Order, e))
}

// answer shows the outcome of a command.
func (b *Backoffice) answer(w http.ResponseWriter, r *http.Request, d *aftersale.Draft, begun bool, outcome aftersale.Outcome, err error) {
	if changed, ok := errors.AsType[*aftersale.ChangedError](err); ok {
		b.changed(w, r, d, changed)
		return
	}
	if impossible, ok := errors.AsType[*aftersale.ImpossibleError](err); ok {
		if d.Blame(impossible) {
			b.form(w, r, http.StatusUnprocessableEntity, d)
			return
		}
		b.impossible(w, r, d.Action, d.Order, impossible)
		return
	}
	switch {
	case errors.Is(err, order.ErrUnknown):
		b.notFound(w, r)
	case err != nil:
		// The command may have been stored. The same key asks again.
		b.Logger.ErrorContext(r.Context(), "command not done", "order_id", d.Order.Ref(), "order_number", d.Order.Number, "action", d.Action.Name, "error", err)
		w.Header().Set("Retry-After", "5")
		if begun {
			b.page(w, r, http.StatusServiceUnavailable, "Error: The shop's database did not answer.", navOrders, templates.AdminMessage(templates.AdminMessageView{
				Title: "The shop's database did not answer.", Body: "This was already sent and cannot happen twice. Look at the order in a moment.",
				BackURL: orderPath(d.Order.Number), Back: "See the order",
			}))
			return
		}
		b.question(w, r, http.StatusServiceUnavailable, d, templates.ResultNote{
			Kind: templates.Bad, Title: "The shop's database did not answer.",
			Body: "Try again in a moment: it cannot happen twice. If it goes on, quote " + observe.RequestID(r.Context()) + ".",
		})
	case outcome.Result == order.Refused:
		d.Order = outcome.Order.In(b.zone())
		d.Renew()
		b.first(w, r, http.StatusConflict, d, b.refusedNote(d.Order, outcome.Entry))
	case outcome.Result == order.Already:
		b.result(w, r, d, codeAlready)
	default:
		b.result(w, r, d, codeDone)
	}
}

// result redirects to the order's page, which reads the outcome from the audit.
func (b *Backoffice) result(w http.ResponseWriter, r *http.Request, d *aftersale.Draft, code string) {
	to := url.URL{Path: orderPath(d.Order.Number), RawQuery: url.Values{code: {d.Command.Key}}.Encode(), Fragment: "result"}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// first shows the action's first page: its form with the typed values, the question where
// nothing is typed, or the reason why the action is impossible.
func (b *Backoffice) first(w http.ResponseWriter, r *http.Request, status int, d *aftersale.Draft, notes ...templates.ResultNote) {
	if impossible := b.Desk.Possible(d.Order, d.Action, time.Now()); impossible != nil {
		b.impossible(w, r, d.Action, d.Order, impossible, notes...)
		return
	}
	if d.Action.Form == nil {
		d.Command = order.Command{Key: d.Values.Get(aftersale.FieldKey), Action: d.Action.Name, Revision: d.Order.Revision}
		b.question(w, r, status, d, notes...)
		return
	}
	if err := b.Desk.Load(r.Context(), d); err != nil {
		notes = append(notes, b.unreadable(r.Context(), d, err))
	}
	b.form(w, r, status, d, notes...)
}

func (b *Backoffice) form(w http.ResponseWriter, r *http.Request, status int, d *aftersale.Draft, notes ...templates.ResultNote) {
	b.actionPage(w, r, status, d.Action.Title+" "+d.Order.Number, templates.ActionForm(templates.ActionFormView{
		Form: d.Form(), Number: d.Order.Number, Title: d.Action.Title, URL: actionPath(d.Order.Number, d.Action),
		Notes: append(notes, b.stateNotes(d.Order)...), Errors: d.Errors, Hidden: d.Own(),
	}))
}

// question shows the second page.
func (b *Backoffice) question(w http.ResponseWriter, r *http.Request, status int, d *aftersale.Draft, notes ...templates.ResultNote) {
	v := templates.ActionConfirmView{
		Question: d.Question(), Number: d.Order.Number, Title: d.Action.Title, URL: actionPath(d.Order.Number, d.Action) + "/confirm", Busy: d.Action.Busy,
		Notes: append(notes, b.stateNotes(d.Order)...), Currency: string(d.Order.PurchaseCurrency),
		Hidden: append(d.Hidden(), form.Hidden{Name: aftersale.FieldShown, Value: d.Digest()}),
	}
	if d.Action.Form != nil {
		v.FormURL = actionPath(d.Order.Number, d.Action)
	}
	b.actionPage(w, r, status, v.Ask, templates.ActionConfirm(v))
}

// impossible answers that the order does not allow the action.
func (b *Backoffice) impossible(w http.ResponseWriter, r *http.Request, a *aftersale.Action, o order.Order, e *aftersale.ImpossibleError, notes ...templates.ResultNote) {
	notes = append(notes, templates.ResultNote{Kind: templates.Warn, Title: a.Impossible(o, e.Reason)})
	b.page(w, r, http.StatusConflict, a.Title+" "+o.Number, navOrders, templates.ActionRefused(templates.ActionRefusedView{
		Number: o.Number, Title: a.Title, Notes: slices.Concat(notes, b.stateNotes(o)),
	}))
}

// actionPage shows a page of an action. Its title says whether there is an error.
func (b *Backoffice) actionPage(w http.ResponseWriter, r *http.Request, status int, title string, content templ.Component) {
	if status >= http.StatusBadRequest {
		title = "Error: " + title
	}
	b.page(w, r, status, title, navOrders, content)
}

// unreadable answers that Klarna did not send what the form needs.
func (b *Backoffice) unreadable(ctx context.Context, d *aftersale.Draft, err error) templates.ResultNote {
	b.Logger.WarnContext(ctx, "form not filled by klarna", "order_id", d.Order.OrderID, "order_number", d.Order.Number, "action", d.Action.Name, "error", err)
	n := templates.ResultNote{Kind: templates.Bad, Title: "Klarna did not say what it offers.", Body: "Nothing was sent. Try again in a moment."}
	if refused, ok := errors.AsType[*klarna.Error](err); ok {
		n.CorrelationID = refused.CorrelationID
	}
	return n
}
