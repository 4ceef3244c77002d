package backoffice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// formLimit is the largest form, in bytes: an order of a thousand lines has as
// many fields.
const formLimit = 512 << 10

// kind is an action as staff meet it: a form, and a question that repeats what
// it will do. One without a form is only the question.
type kind struct {
	slug     string // in addresses
	action   order.Action
	title    string
	busy     string                                  // label of the button while it works
	defaults func(*draft)                            // what a fresh form says
	parse    func(*draft)                            // makes the command of what was typed
	form     func(*draft, *templates.ActionFormView) // nil: nothing is typed
	confirm  func(*draft, *templates.ActionConfirmView)
	// load reads from Klarna what the form needs to know.
	load func(context.Context, *Backoffice, *draft) error
}

var kinds = []kind{
	{
		slug: "capture", action: order.ActionCapture, title: "Capture", busy: "Capturing…",
		defaults: captureDefaults, parse: captureParse, form: captureForm, confirm: captureConfirm,
	},
	{
		slug: "refund", action: order.ActionRefund, title: "Refund", busy: "Refunding…",
		defaults: refundDefaults, parse: refundParse, form: refundForm, confirm: refundConfirm,
	},
	{slug: "cancel", action: order.ActionCancel, title: "Cancel", busy: "Cancelling…", confirm: cancelConfirm},
	{slug: "release", action: order.ActionRelease, title: "Release the rest", busy: "Releasing…", confirm: releaseConfirm},
	{slug: "extend", action: order.ActionExtend, title: "Extend the authorization", busy: "Extending…", confirm: extendConfirm},
	{
		slug: "lines", action: order.ActionLines, title: "Change lines", busy: "Changing…",
		defaults: linesDefaults, parse: linesParse, form: linesForm, confirm: linesConfirm,
	},
	{
		slug: "references", action: order.ActionReferences, title: "Change references", busy: "Changing…",
		defaults: referencesDefaults, parse: referencesParse, form: referencesForm, confirm: referencesConfirm,
	},
	{
		slug: "shipping-address", action: order.ActionShippingAddress, title: "Change the address", busy: "Changing…",
		defaults: addressDefaults, parse: addressParse, form: addressForm, confirm: addressConfirm,
	},
	{
		slug: "shipping-info", action: order.ActionShippingInfo, title: "Add shipping info", busy: "Adding…",
		defaults: captureDefault, parse: shippingInfoParse, form: shippingInfoForm, confirm: shippingInfoConfirm,
	},
	{
		slug: "send-out", action: order.ActionSendOut, title: "Send Klarna's message again", busy: "Sending…",
		defaults: captureDefault, parse: sendOutParse, form: sendOutForm, confirm: sendOutConfirm,
	},
	{
		slug: "extend-due-date", action: order.ActionExtendDueDate, title: "Extend the due date", busy: "Extending…",
		defaults: captureDefault, parse: dueDateParse, form: dueDateForm, confirm: dueDateConfirm, load: dueDateLoad,
	},
}

// actionRoutes mounts the pages with which staff act on an order.
func (b *Backoffice) actionRoutes(r chi.Router) {
	r.Group(func(r chi.Router) {
		r.Use(b.mayManage)
		for i := range kinds {
			k := &kinds[i]
			at := "/admin/orders/{number}/" + k.slug
			r.Get(at, func(w http.ResponseWriter, r *http.Request) { b.actionForm(w, r, k) })
			r.Post(at, func(w http.ResponseWriter, r *http.Request) { b.actionCheck(w, r, k) })
			r.Post(at+"/confirm", func(w http.ResponseWriter, r *http.Request) { b.actionDo(w, r, k) })
			// Where a sign-in on the way leads back to.
			r.Get(at+"/confirm", func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, k.url(chi.URLParam(r, "number")), http.StatusSeeOther) //nolint:gosec // a local path: the number is escaped
			})
		}
	})
	b.bulkRoutes(r)
}

// url is the address of the action's form.
func (k *kind) url(number string) string { return orderPath(number) + "/" + k.slug }

func orderPath(number string) string { return "/admin/orders/" + url.PathEscape(number) }

// actionForm shows the form of an action on the order as Klarna has it now.
func (b *Backoffice) actionForm(w http.ResponseWriter, r *http.Request, k *kind) {
	o, found, err := b.Book.ByNumber(r.Context(), chi.URLParam(r, "number"))
	if err != nil {
		b.fail(w, r, err)
		return
	}
	if !found {
		b.notFound(w, r)
		return
	}
	var notes []templates.ResultNote
	if fresh, err := b.refresh(r.Context(), o.OrderID); err == nil {
		o = fresh
	} else {
		b.Logger.WarnContext(r.Context(), "order not refreshed", "order_id", o.OrderID, "order_number", o.Number, "error", err)
		notes = append(notes, templates.ResultNote{Kind: templates.Warn, Title: "Klarna does not answer now.", Body: "This is the order as we last saw it."})
	}
	d := newDraft(k, o, b.Pricer)
	if err := b.Book.Possible(o, k.action, time.Now()); err != nil {
		b.impossible(w, r, d, err)
		return
	}
	if err := b.load(r.Context(), d); err != nil {
		notes = append(notes, b.unreadable(r.Context(), d, err))
	}
	d.command = order.Command{Key: d.values.Get(fieldKey), Action: k.action, Revision: o.Revision}
	if k.form == nil {
		b.question(w, r, http.StatusOK, d, notes...)
		return
	}
	b.form(w, r, http.StatusOK, d, notes...)
}

// load reads what the form needs to know from Klarna.
func (b *Backoffice) load(ctx context.Context, d *draft) error {
	if d.kind.load == nil {
		return nil
	}
	return d.kind.load(ctx, b, d)
}

// read is the draft that was posted. It answers by itself, and reports false,
// when there is no such order or nothing can be made of the form.
func (b *Backoffice) read(w http.ResponseWriter, r *http.Request, k *kind) (*draft, bool) {
	if err := respond.ParseForm(w, r, formLimit); err != nil {
		b.fail(w, r, err)
		return nil, false
	}
	o, found, err := b.Book.ByNumber(r.Context(), chi.URLParam(r, "number"))
	switch {
	case err != nil:
		b.fail(w, r, err)
		return nil, false
	case !found:
		b.notFound(w, r)
		return nil, false
	}
	d, ok := posted(k, o, b.Pricer, r.PostForm)
	if !ok {
		d.renew()
		note := templates.ResultNote{Kind: templates.Bad, Title: "This form cannot be used any more.", Body: "Nothing was sent. Check the details below and continue from here."}
		b.again(w, r, http.StatusUnprocessableEntity, d, note)
		return nil, false
	}
	return d, true
}

// actionCheck takes the form and asks whether what it says shall be done.
func (b *Backoffice) actionCheck(w http.ResponseWriter, r *http.Request, k *kind) {
	d, ok := b.read(w, r, k)
	if !ok {
		return
	}
	if err := b.load(r.Context(), d); err != nil {
		b.form(w, r, http.StatusServiceUnavailable, d, b.unreadable(r.Context(), d, err))
		return
	}
	if k.form != nil && (d.values.Has("back") || d.wantsMore()) {
		b.form(w, r, http.StatusOK, d)
		return
	}
	if d.moved() {
		b.stale(w, r, d)
		return
	}
	if b.parsed(w, r, d) {
		b.question(w, r, http.StatusOK, d)
	}
}

// wantsMore reports whether the form asks for more of itself, not for the next page.
func (d *draft) wantsMore() bool {
	if d.values.Has("more") {
		d.values[fieldAddSKU] = append(d.values[fieldAddSKU], "")
		d.values[fieldAddQuantity] = append(d.values[fieldAddQuantity], "")
		return true
	}
	return d.kind.action == order.ActionExtendDueDate && !d.values.Has("days")
}

// parsed makes the command of the draft and checks it. It answers by itself,
// and reports false, when it cannot be done.
func (b *Backoffice) parsed(w http.ResponseWriter, r *http.Request, d *draft) bool {
	if err := b.Book.Possible(d.order, d.kind.action, time.Now()); err != nil {
		b.impossible(w, r, d, err)
		return false
	}
	if d.kind.parse != nil {
		d.kind.parse(d)
	}
	if len(d.errors) == 0 {
		if err := b.Book.Check(d.order, d.command, time.Now()); err != nil {
			if !d.blame(err) {
				b.impossible(w, r, d, err)
				return false
			}
		}
	}
	if len(d.errors) > 0 {
		b.form(w, r, http.StatusUnprocessableEntity, d)
		return false
	}
	return true
}

// actionDo does what the second page asked.
func (b *Backoffice) actionDo(w http.ResponseWriter, r *http.Request, k *kind) {
	d, ok := b.read(w, r, k)
	if !ok {
		return
	}
	var err error
	d.begun, err = b.begun(r.Context(), d)
	switch {
	case err != nil:
		b.fail(w, r, err)
		return
	case d.begun: // the form was sent before: what it says now does not count
	case d.moved():
		b.stale(w, r, d)
		return
	default:
		if err := b.load(r.Context(), d); err != nil {
			b.form(w, r, http.StatusServiceUnavailable, d, b.unreadable(r.Context(), d, err))
			return
		}
		if !b.parsed(w, r, d) {
			return
		}
		if d.values.Get(fieldShown) != d.digest() {
			b.question(w, r, http.StatusConflict, d, templates.ResultNote{
				Kind: templates.Warn, Title: "This is not what the page showed.", Body: "Nothing was sent. Check it once more.",
			})
			return
		}
	}
	d.command.Staff = staffOf(r.Context()).Name
	outcome, err := b.Book.Do(r.Context(), d.order.OrderID, d.command)
	b.answer(w, r, d, outcome, err)
}

// moved reports whether something that matters has changed since the form was made.
func (d *draft) moved() bool {
	return d.command.Revision < d.order.MaterialRevision || d.command.Revision > d.order.Revision || d.order.Running != nil
}

// digest names what the second page shows: the command, and nothing that
// differs from one time to the next.
func (d *draft) digest() string {
	c := d.command
	c.Staff, c.At = "", time.Time{}
	text, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Errorf("encode command: %w", err)) // it has only texts and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// begun reports whether the draft's command was sent before.
func (b *Backoffice) begun(ctx context.Context, d *draft) (bool, error) {
	if d.order.Running != nil && d.order.Running.Key == d.command.Key {
		return true, nil
	}
	audit, err := b.Book.Audit(ctx, d.order.OrderID)
	if err != nil {
		return false, err
	}
	_, found := entryOf(audit, d.command.Key)
	return found, nil
}

// stale shows the form again: the order is no longer what it was made of.
func (b *Backoffice) stale(w http.ResponseWriter, r *http.Request, d *draft) {
	audit, err := b.Book.Audit(r.Context(), d.order.OrderID)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	changed := &order.ChangedError{Order: d.order, Running: d.order.Running}
	if i := slices.IndexFunc(audit, func(e order.AuditEntry) bool { return e.Result != order.Sent }); i >= 0 {
		changed.Last = audit[i]
	}
	b.changed(w, r, d, changed)
}

// changed shows the form again with what somebody else did.
func (b *Backoffice) changed(w http.ResponseWriter, r *http.Request, d *draft, e *order.ChangedError) {
	d.order = e.Order
	d.renew()
	b.again(w, r, http.StatusConflict, d, fasterNote(d.order, e))
}

// answer shows how a command ended.
func (b *Backoffice) answer(w http.ResponseWriter, r *http.Request, d *draft, outcome order.Outcome, err error) {
	if changed, ok := errors.AsType[*order.ChangedError](err); ok {
		b.changed(w, r, d, changed)
		return
	}
	if impossible, ok := errors.AsType[*order.ImpossibleError](err); ok {
		if d.blame(impossible) {
			b.form(w, r, http.StatusUnprocessableEntity, d)
			return
		}
		b.impossible(w, r, d, impossible)
		return
	}
	switch {
	case errors.Is(err, order.ErrUnknown):
		b.notFound(w, r)
	case err != nil:
		// The command may have been stored: the same key asks again.
		b.Logger.ErrorContext(r.Context(), "command not done", "order_id", d.order.OrderID, "order_number", d.order.Number, "action", d.kind.action, "error", err)
		w.Header().Set("Retry-After", "5")
		if d.begun {
			b.page(w, r, http.StatusServiceUnavailable, "Error: The shop's database did not answer.", navOrders, templates.AdminMessage(templates.AdminMessageView{
				Title: "The shop's database did not answer.", Body: "This was already sent and cannot happen twice. Look at the order in a moment.",
				BackURL: orderPath(d.order.Number), Back: "See the order",
			}))
			return
		}
		b.question(w, r, http.StatusServiceUnavailable, d, templates.ResultNote{
			Kind: templates.Bad, Title: "The shop's database did not answer.",
			Body: "Try again in a moment: it cannot happen twice. If it goes on, quote " + observe.RequestID(r.Context()) + ".",
		})
	case outcome.Result == order.Refused:
		d.order = outcome.Order
		d.renew()
		b.again(w, r, http.StatusConflict, d, refusedNote(d.order, outcome.Entry))
	case outcome.Result == order.Already:
		b.result(w, r, d, codeAlready)
	default:
		b.result(w, r, d, codeDone)
	}
}

// result leads to the order, where the result is told by its audit.
func (b *Backoffice) result(w http.ResponseWriter, r *http.Request, d *draft, code string) {
	to := url.URL{Path: orderPath(d.order.Number), RawQuery: url.Values{code: {d.command.Key}}.Encode(), Fragment: "result"}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// again shows the first page of the action with all that was typed, and why.
func (b *Backoffice) again(w http.ResponseWriter, r *http.Request, status int, d *draft, notes ...templates.ResultNote) {
	if err := b.Book.Possible(d.order, d.kind.action, time.Now()); err != nil {
		b.impossible(w, r, d, err, notes...)
		return
	}
	if d.kind.form == nil {
		d.command = order.Command{Key: d.values.Get(fieldKey), Action: d.kind.action, Revision: d.order.Revision}
		b.question(w, r, status, d, notes...)
		return
	}
	if err := b.load(r.Context(), d); err != nil {
		notes = append(notes, b.unreadable(r.Context(), d, err))
	}
	b.form(w, r, status, d, notes...)
}

// form answers with the first page.
func (b *Backoffice) form(w http.ResponseWriter, r *http.Request, status int, d *draft, notes ...templates.ResultNote) {
	v := templates.ActionFormView{
		Number: d.order.Number, Title: d.kind.title, URL: d.kind.url(d.order.Number), Submit: "Continue",
		Notes: append(notes, stateNotes(d.order)...), Errors: d.errors, Hidden: d.own(),
	}
	d.kind.form(d, &v)
	title := d.kind.title + " " + d.order.Number
	if status >= http.StatusBadRequest {
		title = "Error: " + title
	}
	b.page(w, r, status, title, navOrders, templates.ActionForm(v))
}

// question answers with the second page.
func (b *Backoffice) question(w http.ResponseWriter, r *http.Request, status int, d *draft, notes ...templates.ResultNote) {
	v := templates.ActionConfirmView{
		Number: d.order.Number, Title: d.kind.title, URL: d.kind.url(d.order.Number) + "/confirm", Busy: d.kind.busy, Back: "Back",
		Notes: append(notes, stateNotes(d.order)...), Currency: string(d.order.PurchaseCurrency),
		Hidden: append(d.hidden(), templates.Field{Name: fieldShown, Value: d.digest()}),
	}
	if d.kind.form != nil {
		v.FormURL = d.kind.url(d.order.Number)
	}
	d.kind.confirm(d, &v)
	title := v.Question
	if status >= http.StatusBadRequest {
		title = "Error: " + title
	}
	b.page(w, r, status, title, navOrders, templates.ActionConfirm(v))
}

// impossible answers that the action cannot be done with the order as it is.
func (b *Backoffice) impossible(w http.ResponseWriter, r *http.Request, d *draft, err error, notes ...templates.ResultNote) {
	reason, ok := errors.AsType[*order.ImpossibleError](err)
	if !ok {
		b.fail(w, r, err)
		return
	}
	notes = append(notes, templates.ResultNote{Kind: templates.Warn, Title: impossibleText(d.order, reason)})
	b.page(w, r, http.StatusConflict, d.kind.title+" "+d.order.Number, navOrders, templates.ActionRefused(templates.ActionRefusedView{
		Number: d.order.Number, Title: d.kind.title, Notes: slices.Concat(notes, stateNotes(d.order)),
	}))
}
