package backoffice

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/web/templates"
)

// The codes by which an address tells the order's page to say how a command
// ended. What it says comes from the audit.
const (
	codeDone    = "done"    // + key of the command
	codeAlready = "already" // + key: it was sent once more
)

// words are what the messages call an action: what it makes, and what somebody did.
type words struct{ noun, did string }

var actionWords = map[order.Action]words{
	order.ActionLines:           {"change", "changed the lines"},
	order.ActionReferences:      {"change of the references", "changed the references"},
	order.ActionShippingAddress: {"change of the address", "changed the address"},
	order.ActionShippingInfo:    {"parcel", "added this parcel"},
	order.ActionCapture:         {"capture", "captured this"},
	order.ActionRefund:          {"refund", "refunded this"},
	order.ActionCancel:          {"cancellation", "cancelled this"},
	order.ActionRelease:         {"release", "released this"},
	order.ActionExtend:          {"extension", "extended this"},
	order.ActionSendOut:         {"message", "had this sent"},
	order.ActionExtendDueDate:   {"extension of the due date", "extended this"},
}

// entryOf is the newest entry of a command in an audit, which has the newest first.
func entryOf(audit []order.AuditEntry, key string) (order.AuditEntry, bool) {
	i := slices.IndexFunc(audit, func(e order.AuditEntry) bool { return key != "" && e.Key == key })
	if i < 0 {
		return order.AuditEntry{}, false
	}
	return audit[i], true
}

// resultNotes are the messages at the top of an order's page: how the command
// ended that its address names, and what state the order is in.
func resultNotes(query url.Values, o order.Order, audit []order.AuditEntry) []templates.ResultNote {
	notes := stateNotes(o)
	key, again := query.Get(codeDone), false
	if key == "" {
		key, again = query.Get(codeAlready), true
	}
	entry, found := entryOf(audit, key)
	switch {
	case !found: // nothing is said of what the audit does not know
	case entry.Result == order.Refused:
		return append([]templates.ResultNote{refusedNote(o, entry)}, notes...)
	case entry.Result != order.Done: // stateNotes says so while it runs
	case again:
		return append([]templates.ResultNote{alreadyNote(entry)}, notes...)
	default:
		return append([]templates.ResultNote{doneNote(o, entry)}, notes...)
	}
	return notes
}

// doneNote says what was done.
func doneNote(o order.Order, e order.AuditEntry) templates.ResultNote {
	n := templates.ResultNote{Kind: templates.OK}
	amount := moneyText(e.Amount, o.PurchaseCurrency)
	remaining := amountText(o.RemainingAuthorizedAmount)
	switch order.Action(e.Event) {
	case order.ActionCapture:
		n.Title, n.Body = "Captured "+amount+".", remaining+" remains."
	case order.ActionRefund:
		n.Title, n.Body = "Refunded "+amount+".", amountText(o.CapturedAmount-o.RefundedAmount)+" can still be refunded."
	case order.ActionCancel:
		n.Title, n.Body = "Cancelled order "+o.Number+".", "The shopper pays nothing."
	case order.ActionRelease:
		n.Title, n.Body = "Released the rest.", "Nothing more can be captured."
	case order.ActionExtend:
		n.Title = "Extended the authorization."
		if until := openUntil(o); until != "" {
			n.Body = "The order can be captured" + until + "."
		}
	case order.ActionLines:
		n.Title, n.Body = "Changed the order to "+amount+".", remaining+" remains."
	case order.ActionReferences:
		n.Title = "Changed the references."
	case order.ActionShippingAddress:
		n.Title = "Changed the address."
	case order.ActionShippingInfo:
		n.Title, n.Body = "Added the parcel.", "Klarna shows it to the shopper."
	case order.ActionSendOut:
		n.Title = "Klarna sends its message to the shopper again."
	case order.ActionExtendDueDate:
		n.Title = "The shopper has more time to pay."
	default:
		n.Title = "Done."
	}
	return n
}

// alreadyNote says that a form was sent twice.
func alreadyNote(e order.AuditEntry) templates.ResultNote {
	did := actionWords[order.Action(e.Event)].did
	n := templates.ResultNote{Kind: templates.Info, Title: "Already done.", Body: who(e) + " " + did + " at " + clock(e.At) + "."}
	switch order.Action(e.Event) {
	case order.ActionCapture:
		n.Body += " Nothing was captured twice."
	case order.ActionRefund:
		n.Body += " Nothing was refunded twice."
	default:
		n.Body += " Nothing was done twice."
	}
	return n
}

// who is who caused an entry.
func who(e order.AuditEntry) string {
	switch {
	case e.Staff != "":
		return e.Staff
	case e.Source == order.ByShopper:
		return "The shopper"
	case e.Source == order.ByKlarna:
		return "Klarna"
	}
	return "The shop"
}

func clock(t time.Time) string { return t.UTC().Format("15:04") + nbsp + "UTC" }

// stateNotes say what keeps an order from being acted on as usual.
func stateNotes(o order.Order) []templates.ResultNote {
	var notes []templates.ResultNote
	if o.Running != nil {
		noun := actionWords[o.Running.Action].noun
		notes = append(notes, templates.ResultNote{
			Kind: templates.Warn, Title: "We don't know yet whether Klarna made this " + noun + ".",
			Body:  "We keep asking with the same key, so it cannot happen twice. " + o.Running.Staff + " sent it at " + clock(o.Running.At) + ".",
			Links: []templates.ActionLink{{Label: "Look again", URL: orderPath(o.Number) + "?" + url.Values{codeDone: {o.Running.Key}}.Encode() + "#result"}},
		})
	}
	switch o.FraudStatus {
	case ordermanagement.FraudPending:
		if o.Pending() {
			notes = append(notes, templates.ResultNote{
				Kind: templates.Warn, Title: "Klarna is still checking this order.", Body: "Do not send the goods. You can capture once the check is done.",
			})
		}
	case ordermanagement.FraudRejected:
		notes = append(notes, templates.ResultNote{Kind: templates.Bad, Title: "Klarna rejected this order.", Body: "Do not send the goods."})
	case ordermanagement.FraudAccepted:
	}
	return notes
}

// fasterNote says that somebody else was faster, and with what.
func fasterNote(o order.Order, e *order.ChangedError) templates.ResultNote {
	n := templates.ResultNote{Kind: templates.Warn, Title: "The order changed while you were looking."}
	switch {
	case e.Running != nil:
		n.Title = "Something else is being done with this order."
		n.Body = e.Running.Staff + "'s " + actionWords[e.Running.Action].noun + " has no answer from Klarna yet."
	case e.Last.Event != "":
		n.Body = happened(o, e.Last) + " at " + clock(e.Last.At) + "."
	}
	n.Body = strings.TrimSpace(n.Body + " Nothing was sent. Check the amounts and try again.")
	return n
}

// happened tells an entry as half a sentence: "demo captured 745.00 SEK".
func happened(o order.Order, e order.AuditEntry) string {
	amount := moneyText(e.Amount, o.PurchaseCurrency)
	action := order.Action(e.Event)
	switch {
	case e.Source == order.ByKlarna:
		return "Klarna sent an update"
	case action == order.ActionCapture && e.Result == order.Done:
		return who(e) + " captured " + amount
	case action == order.ActionRefund && e.Result == order.Done:
		return who(e) + " refunded " + amount
	case action == order.ActionLines && e.Result == order.Done:
		return who(e) + " changed the order amount to " + amount
	case actionWords[action].did != "" && e.Result == order.Done:
		return who(e) + " " + strings.Replace(actionWords[action].did, " this", " the order", 1)
	case actionWords[action].did != "":
		return who(e) + " tried a " + actionWords[action].noun
	}
	return "The shop changed it"
}

// refusedNote says that Klarna refused, why as far as Klarna tells, and what to
// do. Source: docs.klarna.com, Error codes and messages for order management.
func refusedNote(o order.Order, e order.AuditEntry) templates.ResultNote {
	action := order.Action(e.Event)
	n := templates.ResultNote{
		Kind: templates.Bad, Title: "Klarna refused the " + actionWords[action].noun + ".", CorrelationID: e.CorrelationID,
	}
	says := strings.Join(e.Messages, " ")
	told := func(part string) bool { return strings.Contains(strings.ToLower(says), part) }
	left := moneyText(o.RemainingAuthorizedAmount, o.PurchaseCurrency)
	switch {
	case action == order.ActionLines && e.Code == "NOT_ALLOWED" && told("cannot be less"):
		n.Body = "The new amount is less than what is captured. Refund the difference instead."
	case action == order.ActionLines && e.Code == "NOT_ALLOWED" && e.Amount > o.OrderAmount:
		n.Title, n.Body = "Klarna did not approve the higher amount.", "The order is unchanged. Ask the shopper to order the extra items separately."
	case action == order.ActionShippingAddress && e.Code == "NOT_ALLOWED":
		n.Body = "The check of the order with the new address did not pass, and the order is unchanged. Send it to the old address, or ask the shopper to order again."
	case e.Code == "INVALID_ADDRESS":
		n.Body = "Klarna does not know this address. Check street, postal code and city with the shopper."
	case e.Code == "CAPTURE_NOT_ALLOWED" && told("higher than the remaining"):
		n.Body = "The amount is more than the " + left + " that remain. Lower the amount."
	case e.Code == "REFUND_NOT_ALLOWED" && told("over refund"):
		n.Body = "The amount is more than the " + moneyText(max(o.CapturedAmount-o.RefundedAmount, 0), o.PurchaseCurrency) + " that can be refunded. Lower the amount."
	case told("no captures"):
		n.Body = "Nothing of this order is captured. Cancel it instead."
	case told("previous captures"):
		n.Body = "Part of this order is captured. Refund it instead."
	case told("fully captured"):
		n.Body = "All of this order is captured. Refund it instead."
	case told("expired"):
		n.Body = "The time to capture this order is over. Ask the shopper to order again."
	case told("cancelled"):
		n.Body = "This order is cancelled. Ask the shopper to order again."
	case e.Code == "PAYMENT_METHOD_FAILED":
		n.Body = "The shopper's payment method could not be charged. Do not send the goods yet; try again tomorrow."
	case e.Code == "NO_SUCH_CAPTURE", e.Code == "NOT_FOUND":
		n.Body = "Klarna does not know this capture. Open the order again."
	case e.Code == "NO_SUCH_ORDER":
		n.Body = "Klarna does not know this order. Quote the correlation ID to Klarna's support."
	case e.Status == http.StatusUnauthorized:
		n.Body = "Klarna does not accept the shop's credentials. Tell whoever runs the shop."
	case e.Status == http.StatusConflict:
		n.Body = "Klarna is doing something else with this order. Try again in a minute."
	case e.Status == http.StatusTooManyRequests:
		n.Body = "Klarna has had too many requests from this shop. Try again in a minute."
	default:
		n.Body = unknownRefusal(action, says)
	}
	return n
}

// unknownRefusal is for what Klarna says in words that we do not know.
func unknownRefusal(action order.Action, says string) string {
	body := "Open the order again: it shows what Klarna says of it now. If that does not help, quote the correlation ID to Klarna's support."
	if action == order.ActionExtend {
		body = "The way this order is paid, or its age, allows no more time. Capture what is ready, or ask Klarna's support."
	}
	if says = strings.TrimSpace(says); says != "" {
		body = "Klarna says: \"" + says + "\" " + body
	}
	return body
}

// blame ties a reason to the field that is the cause. It reports false when
// there is none: then it is the order's state.
func (d *draft) blame(err error) bool {
	e, ok := errors.AsType[*order.ImpossibleError](err)
	if !ok {
		return false
	}
	text := reasonText(d.order, e)
	text = strings.ToUpper(text[:1]) + text[1:]
	feeOf := e.Action == order.ActionRefund && d.values.Get("fee") != ""
	switch {
	case (e.Reason == order.ReasonAboveRemaining || e.Reason == order.ReasonAboveCaptured) && d.values.Get("what") == whatAmount:
		d.failField("amount", text)
	case e.Reason == order.ReasonAboveRemaining || e.Reason == order.ReasonAboveCaptured:
		d.failField("what", text)
	case e.Reason == order.ReasonInvalid:
		d.blameMember(e.Field, text)
	case e.Reason == order.ReasonUnknownCapture:
		d.failField("capture", text)
	case e.Action == order.ActionLines && slices.Contains([]order.Reason{order.ReasonBelowCaptured, order.ReasonMethod, order.ReasonMarket}, e.Reason):
		d.failLines(text)
	case feeOf:
		d.failField("fee", text)
	default:
		return false
	}
	return true
}

// memberFields are the fields behind members of a command.
var memberFields = map[string]string{
	"amount": "amount", "description": "description", "reference": "reference",
	"reference1": "reference1", "reference2": "reference2", "capture_id": "capture", "days": "days",
}

// blameMember ties a member of a command that Klarna would not take to its field.
func (d *draft) blameMember(member, text string) {
	if name, known := memberFields[member]; known && (name != "amount" || d.values.Get("what") == whatAmount) {
		d.failField(name, text)
		return
	}
	switch {
	case strings.HasPrefix(member, "shipping_address."):
		for _, f := range addressFields {
			if member == "shipping_address."+f.wire {
				d.failField(f.name, text)
				return
			}
		}
	case strings.HasPrefix(member, "shipping_info"):
		d.failField("carrier", text)
		return
	}
	if d.kind.action == order.ActionLines {
		d.failLines(text)
		return
	}
	d.failField("what", text)
}

// failLines notes what is wrong with the lines as a whole, at the first.
func (d *draft) failLines(text string) {
	if names := quantityFields(d.order.OrderLines); len(names) > 0 {
		d.fail(names[0], lineID(0), text)
		return
	}
	d.fail(addField(fieldAddSKU, 0), addID(0, "sku"), text)
}

// dueDateLoad reads what Klarna offers for the capture that was chosen.
func dueDateLoad(ctx context.Context, b *Backoffice, d *draft) error {
	capture, known := d.order.Capture(d.values.Get("capture"))
	if !known {
		return nil
	}
	options, err := b.Book.Management.GetDueDateOptions(ctx, d.order.OrderID, capture.CaptureID)
	if err == nil {
		d.options = &options
	}
	return err
}

// unreadable says that Klarna did not tell what the form needs to know.
func (b *Backoffice) unreadable(ctx context.Context, d *draft, err error) templates.ResultNote {
	b.Logger.WarnContext(ctx, "form not filled by klarna", "order_id", d.order.OrderID, "order_number", d.order.Number, "action", d.kind.action, "error", err)
	n := templates.ResultNote{Kind: templates.Bad, Title: "Klarna did not say what it offers.", Body: "Nothing was sent. Try again in a moment."}
	if refused, ok := errors.AsType[*klarna.Error](err); ok {
		n.CorrelationID = refused.CorrelationID
	}
	return n
}
