package backoffice

import (
	"strconv"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// timeline is what the audit says, newest first, by day.
func timeline(o order.Order, entries []order.AuditEntry, now time.Time) []templates.AdminDay {
	var days []templates.AdminDay
	for _, e := range entries {
		name := dayName(e.At, now)
		if n := len(days); n == 0 || days[n-1].Day != name {
			days = append(days, templates.AdminDay{Day: name})
		}
		last := &days[len(days)-1]
		last.Events = append(last.Events, event(o, e))
	}
	return days
}

func dayName(t, now time.Time) string {
	switch name := dayText(t); name {
	case dayText(now):
		return "Today"
	case dayText(now.AddDate(0, 0, -1)):
		return "Yesterday"
	default:
		return name
	}
}

// deed is how the timeline tells of an action: done, and what was tried.
type deed struct{ done, tried string }

var deeds = map[order.Action]deed{
	order.ActionLines:           {"changed the lines; the amount is", "change the lines to the amount"},
	order.ActionReferences:      {"changed the references", "change the references"},
	order.ActionShippingAddress: {"changed the address", "change the address"},
	order.ActionShippingInfo:    {"added shipping info", "add shipping info"},
	order.ActionCapture:         {"captured", "capture"},
	order.ActionRefund:          {"refunded", "refund"},
	order.ActionCancel:          {"cancelled the order", "cancel the order"},
	order.ActionRelease:         {"released what remained", "release what remained"},
	order.ActionExtend:          {"extended the time in which it can be captured", "extend the time in which it can be captured"},
	order.ActionSendOut:         {"had the invoice sent again", "have the invoice sent again"},
	order.ActionExtendDueDate:   {"extended the due date", "extend the due date"},
}

// event is one entry: a sentence, then the figures of the call.
func event(o order.Order, e order.AuditEntry) templates.AdminEvent {
	v := templates.AdminEvent{
		Source: string(e.Source), Time: e.At.UTC().Format("15:04"), ISO: e.At.UTC().Format(time.RFC3339), Who: e.Staff,
		Messages: e.Messages, CorrelationID: e.CorrelationID,
	}
	if d, known := deeds[order.Action(e.Event)]; known {
		tell(&v, d, e, o.PurchaseCurrency)
	} else {
		happen(&v, o, e)
	}
	if e.Status != 0 {
		v.Detail = append(v.Detail, strings.TrimSpace(strconv.Itoa(e.Status)+" "+e.Code))
	}
	if e.Duration > 0 {
		v.Detail = append(v.Detail, strconv.FormatInt(e.Duration.Milliseconds(), 10)+nbsp+"ms")
	}
	if e.Tries > 1 {
		v.Detail = append(v.Detail, "sent "+strconv.Itoa(e.Tries)+" times with the same key")
	}
	for _, c := range e.Changes {
		v.Changes = append(v.Changes, templates.AdminChange{Field: fieldName(c.Field), Before: valueOf(c.Field, c.Before), After: valueOf(c.Field, c.After)})
	}
	return v
}

// tell is the sentence of an action.
func tell(v *templates.AdminEvent, d deed, e order.AuditEntry, c money.Currency) {
	if e.Amount != 0 {
		v.Bold = moneyText(e.Amount, c)
	}
	switch {
	case e.Result == order.Refused:
		v.Text, v.After = "tried to "+d.tried, "– Klarna refused it"
	case e.Result == order.Unknown, e.Result == order.Sent:
		v.Text, v.After = "sent Klarna to "+d.tried, "– no answer yet"
	case e.Source == order.ByKlarna:
		v.Text = "Somebody " + d.done
		v.After = "– seen at Klarna"
	default:
		v.Text = d.done
	}
}

// happen is the sentence of what is no action.
func happen(v *templates.AdminEvent, o order.Order, e order.AuditEntry) {
	switch e.Event {
	case order.AuditPlaced:
		v.Text = "Shopper bought"
		if o.PaymentMethod.Description != "" {
			v.Text, v.Bold = "Shopper bought with", o.PaymentMethod.Description
		}
	case order.AuditAcknowledged:
		v.Text = "Order acknowledged"
	case order.AuditStatus:
		v.Text = "Klarna's state of the order changed"
	case order.AuditFlag:
		v.Text = "Flagged for review"
	case order.AuditStock:
		v.Text = "The items are back in stock"
	default:
		v.Text = e.Event
	}
}

// fieldName is a changed fact as people read it: "order amount".
func fieldName(field string) string { return strings.ReplaceAll(field, "_", " ") }

// valueOf is the value of a fact; amounts come as minor units in digits.
func valueOf(field, value string) string {
	if value == "" {
		return "–"
	}
	name, _, _ := strings.Cut(field, " ")
	if n, err := strconv.ParseInt(value, 10, 64); err == nil && strings.HasSuffix(name, "amount") {
		return amountText(money.Amount(n))
	}
	return value
}
