package backoffice

import (
	"errors"
	"net/http"
	netmail "net/mail"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/event"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/templates"
)

const (
	mailsPage = "/admin/mails"
	navMails  = "mails"
)

// mailNames are what staff call the kinds of mail.
var mailNames = map[settings.MailKind]string{
	settings.MailPlaced: "order placed", settings.MailShipped: "order shipped",
	settings.MailRefunded: "order refunded", settings.MailCancelled: "order cancelled", settings.MailWithdrawal: "withdrawal received",
}

func (b *Backoffice) mailRoutes(r chi.Router) {
	if b.Mailer == nil {
		return
	}
	const one = "/admin/orders/{number}/mails/{kind}"
	r.Get(one, b.mail)
	r.Get(one+"/body", b.mailBody)
	r.Post(one, b.mailAgain)
	if b.Shown != nil {
		r.Get(mailsPage, b.mails)
	}
}

func mailPath(number string, kind settings.MailKind) string {
	return orderPath(number) + "/mails/" + string(kind)
}

// mailActions are the mails that fit an order, to be looked at and sent again.
func (b *Backoffice) mailActions(o order.Order) (actions []templates.AdminAction) {
	if b.Mailer == nil || b.version().Shop.Mail.From.Address == "" {
		return nil
	}
	for _, kind := range mail.Kinds(o) {
		actions = append(actions, templates.AdminAction{Label: "Mail: " + mailNames[kind] + "…", URL: mailPath(o.Number, kind)})
	}
	return actions
}

// mails is the list of the demo, which sends none.
func (b *Backoffice) mails(w http.ResponseWriter, r *http.Request) {
	var v templates.AdminMailsView
	for _, m := range b.Shown.List() {
		v.Rows = append(v.Rows, templates.AdminMailRow{
			At: timeText(m.At.In(b.zone())), Number: m.Number, Name: mailNames[m.Kind], URL: mailPath(m.Number, m.Kind),
			Subject: m.Subject, Lang: i18n.Lang(m.Language),
		})
	}
	b.page(w, r, http.StatusOK, "Mails", navMails, templates.AdminMails(v))
}

// theMail writes the mail that an address asks for. Without one it answers the request, and
// ok is false.
func (b *Backoffice) theMail(w http.ResponseWriter, r *http.Request) (o order.Order, m *mail.Message, ok bool) {
	o, ok = b.theOrder(w, r)
	if !ok {
		return o, nil, false
	}
	kind := settings.MailKind(chi.URLParam(r, "kind"))
	if !slices.Contains(mail.Kinds(o), kind) {
		b.notFound(w, r)
		return o, nil, false
	}
	m, err := b.Mailer.Compose(r.Context(), o, kind, "preview", 0)
	switch {
	case errors.Is(err, event.ErrRefused):
		b.mailRefused(w, r, o, http.StatusConflict, "There is nobody to write to.", "The order has no e-mail address that can be written to, or the shop file does not say whom mails are from.")
	case err != nil:
		b.fail(w, r, err)
	}
	return o, m, err == nil
}

// mail shows a mail as it would be sent now, and asks whether to send it again.
func (b *Backoffice) mail(w http.ResponseWriter, r *http.Request) {
	o, m, ok := b.theMail(w, r)
	if !ok {
		return
	}
	v := templates.AdminMailView{
		Number: o.Number, Name: mailNames[m.Kind], From: fromText(m.From), Subject: m.Subject, Lang: i18n.Lang(m.Language), Text: m.Text,
		URL: mailPath(o.Number, m.Kind), Shown: b.Shown != nil,
	}
	if _, before := b.typed(w, r); before {
		v.Notes = append(v.Notes, typedNote)
	}
	if staffOf(r.Context()).May(permission.Change) {
		v.Key = uuid.NewString()
	}
	respond.AllowOrigins(w, []string{"'self'"}, "frame-src")
	b.page(w, r, http.StatusOK, "Mail "+o.Number, navOrders, templates.AdminMail(v))
}

// fromText is who wrote a mail, as mail programs show it: not as it is encoded in a header.
func fromText(a netmail.Address) string {
	if a.Name == "" {
		return a.Address
	}
	return a.Name + " <" + a.Address + ">"
}

// mailCSP lets a mail do nothing but be looked at, also when it is not in its frame.
const mailCSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; " +
	"sandbox allow-popups allow-popups-to-escape-sandbox"

// mailBody is the mail itself, in a frame.
func (b *Backoffice) mailBody(w http.ResponseWriter, r *http.Request) {
	_, m, ok := b.theMail(w, r)
	if !ok {
		return
	}
	w.Header().Set(respond.CSP, mailCSP)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(m.Preview())) //nolint:gosec // in which nothing may run; it fails only when the browser has left
}

// mailAgain sends a mail again.
func (b *Backoffice) mailAgain(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, formLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	o, m, ok := b.theMail(w, r)
	if !ok {
		return
	}
	key, err := uuid.Parse(r.PostForm.Get("key"))
	if err != nil {
		b.fail(w, r, errBadRequest)
		return
	}
	staff := staffOf(r.Context()).Name
	result, err := b.Mailer.Again(r.Context(), o, m.Kind, key.String(), staff)
	switch {
	case err != nil && result == order.Unknown:
		b.Logger.ErrorContext(r.Context(), "mail sent, and not written down", "staff", staff, "order_number", o.Number, "error", err)
		b.mailRefused(w, r, o, http.StatusServiceUnavailable, "The mail has probably been sent.",
			"The shop's database did not answer afterwards, so the order's page may not say so. Do not send it again.")
	case errors.Is(err, order.ErrUnavailable):
		b.fail(w, r, err)
	case errors.Is(err, event.ErrRefused):
		b.mailRefused(w, r, o, http.StatusConflict, "The mail server refused the mail.", "The e-mail address is probably wrong. Correct it and try again.")
	case err != nil:
		b.Logger.WarnContext(r.Context(), "mail not sent", "staff", staff, "order_number", o.Number, "error", err)
		b.mailRefused(w, r, o, http.StatusBadGateway, "The mail could not be sent now.", "Nothing was sent. Try again in a few minutes.")
	default:
		b.Logger.InfoContext(r.Context(), "mail sent by staff", "staff", staff, "order_number", o.Number, "result", string(result))
		http.Redirect(w, r, orderPath(o.Number), http.StatusSeeOther)
	}
}

func (b *Backoffice) mailRefused(w http.ResponseWriter, r *http.Request, o order.Order, status int, title, body string) {
	b.page(w, r, status, "Mail "+o.Number, navOrders, templates.ActionRefused(templates.ActionRefusedView{
		Number: o.Number, Title: "Mail", Notes: []templates.ResultNote{{Kind: templates.Warn, Title: title, Body: body}},
	}))
}

// tellMail returns the sentence of a mail in the timeline.
func tellMail(v *templates.AdminEvent, e order.AuditEntry) {
	name := mailNames[settings.MailKind(e.ID)]
	v.Text = "Mail sent: " + name
	if e.Source == order.ByStaff {
		v.Text = "sent a mail: " + name
	}
	switch e.Result { //nolint:exhaustive // the others are not of mails
	case order.Refused:
		v.Text = "Mail not sent: " + name
		if e.Source == order.ByStaff {
			v.Text, v.After = "tried to send a mail: "+name, "– it was not sent"
		}
	case order.Sent:
		v.After = "– no answer of the mail server yet"
	case order.Unknown:
		v.Text = strings.Replace(v.Text, "Mail sent", "Mail perhaps sent", 1)
		v.After = "– the mail server did not say whether it has taken it"
	}
}
