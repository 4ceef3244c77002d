package aftersale

import (
	"context"
	"slices"
	"strconv"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// DueDate gives the shopper more time to pay for a capture.
var DueDate = &Action{
	Name: "extend_due_date", Slug: "extend-due-date", Needs: permission.Change, Title: "Extend the due date", Busy: "Extending…", Noun: "extension of the due date",
	Did: "extended the due date", Try: "extend the due date",
	Result: func(order.Order, order.AuditEntry) (title, body string) {
		return "The shopper has more time to pay.", ""
	},
	Possible: dueDatePossible,
	Check: func(s State, c order.Command) (Reason, string) {
		if c.Days < 1 {
			return ReasonInvalid, "days"
		}
		return checkCaptureID(s, c)
	},
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		a, err = m.ExtendDueDate(ctx, o.OrderID, c.CaptureID, c.Days, c.Key)
		return "", a, err
	},
	Defaults: captureDefault, Load: dueDateLoad, Form: dueDateForm, Parse: dueDateParse, Confirm: dueDateConfirm,
	More: func(d *Draft) bool { return !d.Values.Has("days") },
}

// dueDatePossible: only who pays later has a due date.
// Source: docs.klarna.com, Refund orders and manage authorizations.
func dueDatePossible(s State) Reason {
	if !s.Rules.DueDates {
		return ReasonPlatform
	}
	if reason := uncaptured(s); reason != "" {
		return reason
	}
	if !slices.Contains([]string{"INVOICE", "INVOICE_BUSINESS", "PAY_LATER_BY_CARD"}, s.Order.PaymentMethod.Type) {
		return ReasonMethod
	}
	return ""
}

// dueDateLoad reads what Klarna offers for the capture that was chosen.
func dueDateLoad(ctx context.Context, m *ordermanagement.Client, d *Draft) error {
	capture, known := d.Order.Capture(d.Values.Get("capture"))
	if !known {
		return nil
	}
	options, err := m.GetDueDateOptions(ctx, d.Order.OrderID, capture.CaptureID)
	if err == nil {
		d.options = &options
	}
	return err
}

func dueDateParse(d *Draft) {
	c := &d.Command
	if c.CaptureID = d.captureID(true); c.CaptureID == "" || d.options == nil {
		return
	}
	days, err := strconv.Atoi(d.Values.Get("days"))
	if _, offered := d.offered(days); err != nil || !offered {
		d.failField("days", "Choose one of the offers.")
		return
	}
	c.Days = days
}

// offered is Klarna's offer of a number of days.
func (d *Draft) offered(days int) (ordermanagement.DueDateOption, bool) {
	for _, option := range d.options.Options {
		if option.NumberOfDays == days {
			return option, true
		}
	}
	return ordermanagement.DueDateOption{}, false
}

func dueDateForm(d *Draft, f *form.Form) {
	f.Intro = []string{"The shopper gets more time to pay for a capture. Klarna charges you for it."}
	f.Groups = []form.Group{{Title: "Capture", Inputs: []form.Input{d.captureInput("Which capture", false)}}}
	if d.options != nil && len(d.options.Options) == 0 {
		f.Intro = append(f.Intro, "Klarna offers nothing for this capture.")
	}
	if d.options == nil || len(d.options.Options) == 0 {
		f.Submit = "See what Klarna offers"
		return
	}
	choice := form.Choice{Name: "days", Legend: "How much more time", Value: d.Values.Get("days"), Error: d.byName["days"]}
	for _, option := range d.options.Options {
		choice.Options = append(choice.Options, form.Option{
			Value: strconv.Itoa(option.NumberOfDays), Label: form.Count(option.NumberOfDays, "day"), Hint: "costs you " + form.Amount(option.Amount) + form.Space + d.options.Currency,
		})
	}
	f.Choice = &choice
}

func dueDateConfirm(d *Draft, q *form.Question) {
	days := form.Count(d.Command.Days, "day")
	option, _ := d.offered(d.Command.Days)
	q.Ask = "Give the shopper " + days + " more to pay?"
	q.Button = "Give " + days + " more"
	q.Body = []string{
		"Klarna charges you " + form.Amount(option.Amount) + form.Space + d.options.Currency + " for it.",
		"It is about the capture " + d.captureName() + ".",
	}
}
