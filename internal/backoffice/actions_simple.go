package backoffice

import (
	"strconv"

	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/web/templates"
)

func cancelConfirm(d *draft, v *templates.ActionConfirmView) {
	o := d.order
	v.Question = "Cancel order " + o.Number + "?"
	v.Button, v.Back, v.Danger = "Cancel order", "Keep order", true
	v.Body = []string{moneyText(o.RemainingAuthorizedAmount, o.PurchaseCurrency) + " is released and the shopper pays nothing. This cannot be undone."}
	v.Facts = []templates.Fact{{Name: "Authorized", Before: amountText(o.RemainingAuthorizedAmount), After: amountText(0)}}
}

func releaseConfirm(d *draft, v *templates.ActionConfirmView) {
	o := d.order
	rest := moneyText(o.RemainingAuthorizedAmount, o.PurchaseCurrency)
	v.Question = "Release the remaining " + rest + "?"
	v.Button, v.Danger = "Release "+rest, true
	v.Body = []string{"Nothing more can be captured. This cannot be undone."}
	v.Facts = []templates.Fact{
		{Name: "Captured", Before: amountText(o.CapturedAmount), After: amountText(o.CapturedAmount)},
		{Name: "Remaining", Before: amountText(o.RemainingAuthorizedAmount), After: amountText(0)},
	}
}

func extendConfirm(d *draft, v *templates.ActionConfirmView) {
	o := d.order
	v.Question = "Give order " + o.Number + " more time?"
	v.Button = "Extend the authorization"
	v.Body = []string{"The time to capture it starts again today and lasts as long as your agreement with Klarna allows. Doing it twice on one day changes nothing."}
	if !o.ExpiresAt.IsZero() {
		v.Facts = []templates.Fact{{Name: "Authorized until", Before: dayText(o.ExpiresAt), After: "as Klarna says"}}
	}
}

func referencesDefaults(d *draft) {
	d.values.Set("reference1", d.order.MerchantReference1)
	d.values.Set("reference2", d.order.MerchantReference2)
}

func referencesParse(d *draft) {
	c := &d.command
	first := d.text("reference1", "The order number", maxNote)
	second := d.text("reference2", "The second reference", maxNote)
	if first != d.order.MerchantReference1 {
		c.Reference1 = &first
	}
	if second != d.order.MerchantReference2 {
		c.Reference2 = &second
	}
	if c.Reference1 == nil && c.Reference2 == nil && len(d.errors) == 0 {
		d.failField("reference1", "Nothing has changed. Change a field, or go back to the order.")
	}
}

func referencesForm(d *draft, v *templates.ActionFormView) {
	v.Groups = []templates.InputGroup{{Title: "Merchant references", Hint: "An empty field clears the reference at Klarna.", Inputs: []templates.Input{
		d.input(templates.Input{Name: "reference1", Label: "Order number at Klarna", Hint: "The shopper sees it in place of " + d.order.Number + "."}),
		d.input(templates.Input{Name: "reference2", Label: "Second reference", Hint: "Only you see it."}),
	}}}
}

func referencesConfirm(d *draft, v *templates.ActionConfirmView) {
	v.Question, v.Button = "Change the references?", "Change the references"
	if c := d.command; c.Reference1 != nil {
		v.Facts = append(v.Facts, templates.Fact{Name: "Order number at Klarna", Before: orNone(d.order.MerchantReference1), After: orNone(*c.Reference1)})
	}
	if c := d.command; c.Reference2 != nil {
		v.Facts = append(v.Facts, templates.Fact{Name: "Second reference", Before: orNone(d.order.MerchantReference2), After: orNone(*c.Reference2)})
	}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

// captureDefault chooses the newest capture.
func captureDefault(d *draft) {
	if n := len(d.order.Captures); n > 0 {
		d.values.Set("capture", d.order.Captures[n-1].CaptureID)
	}
}

func sendOutParse(d *draft) { d.command.CaptureID = d.captureID(true) }

func sendOutForm(d *draft, v *templates.ActionFormView) {
	v.Intro = []string{"Klarna sends the shopper its message about a capture again: the invoice, or how to pay."}
	v.Groups = []templates.InputGroup{{Title: "Capture", Inputs: []templates.Input{d.captureInput("Which capture", false)}}}
}

func sendOutConfirm(d *draft, v *templates.ActionConfirmView) {
	v.Question, v.Button = "Send the shopper Klarna's message again?", "Send it again"
	v.Body = []string{"It is about the capture " + d.captureName() + "."}
}

// captureName names the capture of the command.
func (d *draft) captureName() string {
	c, _ := d.order.Capture(d.command.CaptureID)
	return captureText(c, d.order)
}

func dueDateParse(d *draft) {
	c := &d.command
	if c.CaptureID = d.captureID(true); c.CaptureID == "" || d.options == nil {
		return
	}
	days, err := strconv.Atoi(d.values.Get("days"))
	if _, offered := d.offered(days); err != nil || !offered {
		d.failField("days", "Choose one of the offers.")
		return
	}
	c.Days = days
}

// offered is Klarna's offer of a number of days.
func (d *draft) offered(days int) (ordermanagement.DueDateOption, bool) {
	for _, option := range d.options.Options {
		if option.NumberOfDays == days {
			return option, true
		}
	}
	return ordermanagement.DueDateOption{}, false
}

func dueDateForm(d *draft, v *templates.ActionFormView) {
	v.Intro = []string{"The shopper gets more time to pay for a capture. Klarna charges you for it."}
	v.Groups = []templates.InputGroup{{Title: "Capture", Inputs: []templates.Input{d.captureInput("Which capture", false)}}}
	if d.options == nil {
		v.Submit = "See what Klarna offers"
		return
	}
	if len(d.options.Options) == 0 {
		v.Intro = append(v.Intro, "Klarna offers nothing for this capture.")
		v.Submit = "See what Klarna offers"
		return
	}
	choice := templates.Choice{Name: "days", Legend: "How much more time", Value: d.values.Get("days"), Error: d.byName["days"]}
	for _, option := range d.options.Options {
		choice.Options = append(choice.Options, templates.Option{
			Value: strconv.Itoa(option.NumberOfDays), Label: count(option.NumberOfDays, "day"), Hint: "costs you " + amountText(option.Amount) + nbsp + d.options.Currency,
		})
	}
	v.Choice = &choice
}

func dueDateConfirm(d *draft, v *templates.ActionConfirmView) {
	days := count(d.command.Days, "day")
	option, _ := d.offered(d.command.Days)
	v.Question = "Give the shopper " + days + " more to pay?"
	v.Button = "Give " + days + " more"
	v.Body = []string{
		"Klarna charges you " + amountText(option.Amount) + nbsp + d.options.Currency + " for it.",
		"It is about the capture " + d.captureName() + ".",
	}
}
