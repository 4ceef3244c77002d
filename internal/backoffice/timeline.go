package backoffice

import (
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// timeline returns the audit, newest first, by day, in the zone of now.
func (b *Backoffice) timeline(o order.Order, entries []order.AuditEntry, now time.Time) []templates.AdminDay {
	var days []templates.AdminDay
	for _, e := range entries {
		e.At = e.At.In(now.Location())
		name := dayName(e.At, now)
		if n := len(days); n == 0 || days[n-1].Day != name {
			days = append(days, templates.AdminDay{Day: name})
		}
		last := &days[len(days)-1]
		last.Events = append(last.Events, b.event(o, e))
	}
	return days
}

func dayName(t, now time.Time) string {
	switch name := form.Day(t); name {
	case form.Day(now):
		return "Today"
	case form.Day(now.AddDate(0, 0, -1)):
		return "Yesterday"
	default:
		return name
	}
}

// event returns one entry: a sentence, then the figures of the call.
func (b *Backoffice) event(o order.Order, e order.AuditEntry) templates.AdminEvent {
	v := templates.AdminEvent{
		Source: string(e.Source), Time: e.At.Format("15:04"), ISO: e.At.UTC().Format(time.RFC3339), Who: e.Staff,
		Messages: e.Messages, CorrelationID: e.CorrelationID,
	}
	if e.Source == order.ByKey {
		v.Who = "Key " + e.Staff
	}
	if a := b.Desk.Actions.Named(order.Action(e.Event)); a != nil {
		tell(&v, a, e, o.PurchaseCurrency)
	} else {
		happen(&v, o, e)
	}
	if e.Status != 0 {
		v.Detail = append(v.Detail, strings.TrimSpace(strconv.Itoa(e.Status)+" "+e.Code))
	}
	if e.Duration > 0 {
		v.Detail = append(v.Detail, strconv.FormatInt(e.Duration.Milliseconds(), 10)+form.Space+"ms")
	}
	if e.Tries > 1 {
		v.Detail = append(v.Detail, "sent "+strconv.Itoa(e.Tries)+" times with the same key")
	}
	for _, c := range e.Changes {
		v.Changes = append(v.Changes, templates.AdminChange{Field: fieldName(c.Field), Before: valueOf(c.Field, c.Before, e.At.Location()), After: valueOf(c.Field, c.After, e.At.Location())})
	}
	return v
}

// tell returns the sentence of an action.
func tell(v *templates.AdminEvent, a *aftersale.Action, e order.AuditEntry, c money.Currency) {
	if e.Amount != 0 {
		v.Bold = form.Money(e.Amount, c)
	}
	switch {
	case e.Result == order.Refused:
		v.Text, v.After = "tried to "+a.Try, "– Klarna refused it"
	case e.Result == order.Unknown, e.Result == order.Sent:
		v.Text, v.After = "sent Klarna to "+a.Try, "– no answer yet"
	case e.Source == order.ByKlarna:
		v.Text = "Somebody " + a.Did
		v.After = "– seen at Klarna"
	default:
		v.Text = a.Did
	}
}

// happen returns the sentence of an entry that is no action.
func happen(v *templates.AdminEvent, o order.Order, e order.AuditEntry) {
	switch e.Event {
	case order.AuditPlaced:
		v.Text = "Shopper bought"
		if o.Free() {
			v.Text = "Shopper ordered: there was nothing to pay"
		}
		if o.PaymentMethod.Description != "" {
			v.Text, v.Bold = "Shopper bought with", o.PaymentMethod.Description
		}
	case order.AuditAcknowledged:
		v.Text = "Order acknowledged"
	case order.AuditStatus:
		v.Text = "Klarna's state of the order changed"
	case order.AuditErased:
		v.Text = "Personal data erased"
	case order.AuditFlag:
		v.Text = "Flagged for review"
	case order.AuditNote:
		v.Text = "wrote a note"
	case order.AuditWithdrawal:
		v.Text = "Shopper withdrew from the contract"
	case order.AuditUnflag:
		v.Text = "said that it is dealt with: " + fieldName(e.ID)
	case order.AuditMail:
		tellMail(v, e)
	case order.AuditStock:
		v.Text = "The items are back in stock"
	default:
		v.Text = e.Event
	}
}

// fieldName returns the words for a changed fact: "order amount".
func fieldName(field string) string { return strings.ReplaceAll(field, "_", " ") }

// valueOf formats the value of a fact. Amounts come as digits, in minor units, times as
// RFC 3339 has them.
func valueOf(field, value string, zone *time.Location) string {
	if value == "" {
		return "–"
	}
	name, _, _ := strings.Cut(field, " ")
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && strings.HasSuffix(name, "amount") {
		return form.Amount(money.Amount(n))
	}
	if at, err := time.Parse(time.RFC3339, value); err == nil {
		return timeText(at.In(zone))
	}
	return value
}
