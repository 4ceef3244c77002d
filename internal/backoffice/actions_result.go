package backoffice

import (
	"net/url"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// Query members of the order's page: they name the command whose outcome it shows. The
// outcome itself comes from the audit.
const (
	codeDone    = "done"    // + key of the command
	codeAlready = "already" // + key: it was sent once more
)

// entryOf returns the newest entry of a command. The audit is sorted, newest first.
func entryOf(audit []order.AuditEntry, key string) (order.AuditEntry, bool) {
	i := slices.IndexFunc(audit, func(e order.AuditEntry) bool { return key != "" && e.Key == key })
	if i < 0 {
		return order.AuditEntry{}, false
	}
	return audit[i], true
}

// resultNotes returns the messages at the top of an order's page: the outcome of the
// command in its address, and the state of the order.
func (b *Backoffice) resultNotes(query url.Values, o order.Order, audit []order.AuditEntry) []templates.ResultNote {
	notes := b.stateNotes(o)
	key, again := query.Get(codeDone), false
	if key == "" {
		key, again = query.Get(codeAlready), true
	}
	entry, found := entryOf(audit, key)
	switch {
	case !found: // nothing is said of what the audit does not know
	case entry.Result == order.Refused:
		return append([]templates.ResultNote{b.refusedNote(o, entry)}, notes...)
	case entry.Result != order.Done: // stateNotes says so while it runs
	case again:
		return append([]templates.ResultNote{b.alreadyNote(o, entry)}, notes...)
	default:
		return append([]templates.ResultNote{b.doneNote(o, entry)}, notes...)
	}
	return notes
}

// doneNote tells of a command that was done.
func (b *Backoffice) doneNote(o order.Order, e order.AuditEntry) templates.ResultNote {
	n := templates.ResultNote{Kind: templates.OK, Title: "Done."}
	if a := b.Desk.Actions.Named(order.Action(e.Event)); a != nil {
		n.Title, n.Body = a.Result(o, e)
	}
	return n
}

// alreadyNote tells that a form was sent twice.
func (b *Backoffice) alreadyNote(o order.Order, e order.AuditEntry) templates.ResultNote {
	return templates.ResultNote{
		Kind: templates.Info, Title: "Already done.", Body: b.happened(o, e) + " at " + form.Clock(e.At.In(b.zone())) + ". Nothing was done twice.",
	}
}

// nounOf returns the noun of an action.
func (b *Backoffice) nounOf(name order.Action) string {
	if a := b.Desk.Actions.Named(name); a != nil {
		return a.Noun
	}
	return "change"
}

// stateNotes tells of a state in which the order cannot be handled as usual.
func (b *Backoffice) stateNotes(o order.Order) []templates.ResultNote {
	var notes []templates.ResultNote
	if o.Running != nil {
		noun := b.nounOf(o.Running.Action)
		notes = append(notes, templates.ResultNote{
			Kind: templates.Warn, Title: "We don't know yet whether Klarna made this " + noun + ".",
			Body:  "We keep asking with the same key, so it cannot happen twice. " + o.Running.Staff + " sent it at " + form.Clock(o.Running.At) + ".",
			Links: []templates.ActionLink{{Label: "Look again", URL: orderPath(o.Number) + "?" + url.Values{codeDone: {o.Running.Key}}.Encode() + "#result"}},
		})
	}
	if why := stop(o); why != "" && !o.Erased() { // no parcel of an erased one can be told of, and its address says so
		n := templates.ResultNote{Kind: stateOf(o).Kind, Title: why, Body: "Do not send the goods."}
		if o.Pending() {
			n.Body += " You can capture once the check is done."
		}
		notes = append(notes, n)
	}
	return notes
}

// fasterNote tells of somebody else's command that came first.
func (b *Backoffice) fasterNote(o order.Order, e *aftersale.ChangedError) templates.ResultNote {
	n := templates.ResultNote{Kind: templates.Warn, Title: "The order changed while you were looking."}
	switch {
	case e.Running != nil:
		n.Title = "Something else is being done with this order."
		n.Body = e.Running.Staff + "'s " + b.nounOf(e.Running.Action) + " has no answer from Klarna yet."
	case e.Last.Event != "":
		n.Body = b.happened(o, e.Last) + " at " + form.Clock(e.Last.At.In(b.zone())) + "."
	}
	n.Body = strings.TrimSpace(n.Body + " Nothing was sent. Check the amounts and try again.")
	return n
}

// happened describes an entry in half a sentence: "demo captured 745.00 SEK".
func (b *Backoffice) happened(o order.Order, e order.AuditEntry) string {
	a := b.Desk.Actions.Named(order.Action(e.Event))
	switch {
	case e.Source == order.ByKlarna:
		return "Klarna sent an update"
	case e.Event == order.AuditWithdrawal:
		return "The shopper withdrew from the contract"
	case a == nil:
		return "The shop changed it"
	case e.Result == order.Done:
		return e.Staff + " " + a.Did + amountOf(o, e)
	}
	return e.Staff + " tried to " + a.Try + amountOf(o, e)
}

// amountOf returns the amount of an entry as the end of a sentence, "" without one.
func amountOf(o order.Order, e order.AuditEntry) string {
	if e.Amount == 0 {
		return ""
	}
	return " " + form.Money(e.Amount, o.PurchaseCurrency)
}

// refusedNote tells of a refusal, Klarna's reason, and what to do.
func (b *Backoffice) refusedNote(o order.Order, e order.AuditEntry) templates.ResultNote {
	n := templates.ResultNote{Kind: templates.Bad, Title: "Klarna refused it.", CorrelationID: e.CorrelationID}
	if a := b.Desk.Actions.Named(order.Action(e.Event)); a != nil {
		n.Title, n.Body = b.Desk.Refusal(a, o, e)
	}
	return n
}
