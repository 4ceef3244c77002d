package aftersale

import (
	"context"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// SendOut has Klarna send its message about a capture again.
var SendOut = &Action{
	Name: "send_out", Slug: "send-out", Needs: permission.Change, Title: "Send Klarna's message again", Busy: "Sending…", Noun: "message",
	Did: "had Klarna's message sent again", Try: "send Klarna's message again",
	Result: func(order.Order, order.AuditEntry) (title, body string) {
		return "Klarna sends its message to the shopper again.", ""
	},
	Possible: func(s State) Reason {
		if !s.Rules.SendOut {
			return ReasonPlatform
		}
		return uncaptured(s)
	},
	Check: checkCaptureID,
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		a, err = m.TriggerSendOut(ctx, o.OrderID, c.CaptureID, c.Key)
		return "", a, err
	},
	Defaults: captureDefault, Form: sendOutForm, Confirm: sendOutConfirm,
	Parse: func(d *Draft) { d.Command.CaptureID = d.captureID(true) },
}

func sendOutForm(d *Draft, f *form.Form) {
	f.Intro = []string{"Klarna sends the shopper its message about a capture again: the invoice, or how to pay."}
	f.Groups = []form.Group{{Title: "Capture", Inputs: []form.Input{d.captureInput("Which capture", false)}}}
}

func sendOutConfirm(d *Draft, q *form.Question) {
	q.Ask, q.Button = "Send the shopper Klarna's message again?", "Send it again"
	q.Body = []string{"It is about the capture " + d.captureName() + "."}
}
