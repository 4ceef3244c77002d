package aftersale

import (
	"cmp"
	"context"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// References changes the merchant references.
var References = &Action{
	Name: "references", Slug: "references", Needs: permission.Change, Title: "Change references", Busy: "Changing…", Noun: "change of the references",
	Did: "changed the references", Try: "change the references",
	Result:   func(order.Order, order.AuditEntry) (title, body string) { return "Changed the references.", "" },
	Personal: true,
	Possible: func(s State) Reason {
		if s.Status == ordermanagement.Cancelled {
			return ReasonCancelled
		}
		return ""
	},
	Limits: func(_ order.Order, c order.Command) error { return referencesOf(c).Check() },
	Check: func(_ State, c order.Command) (Reason, string) {
		if c.Reference1 == nil && c.Reference2 == nil {
			return ReasonInvalid, "reference1"
		}
		return "", ""
	},
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		a, err = m.SetMerchantReferences(ctx, o.OrderID, referencesOf(c), c.Key)
		return "", a, err
	},
	Apply: func(o *order.Order, c order.Command, _ order.AuditEntry) {
		if c.Reference1 != nil {
			o.MerchantReference1 = *c.Reference1
		}
		if c.Reference2 != nil {
			o.MerchantReference2 = *c.Reference2
		}
	},
	Has: func(sold ordermanagement.Order, c order.Command) bool {
		return (c.Reference1 == nil || *c.Reference1 == sold.MerchantReference1) &&
			(c.Reference2 == nil || *c.Reference2 == sold.MerchantReference2)
	},
	Defaults: func(d *Draft) {
		d.Values.Set("reference1", d.Order.MerchantReference1)
		d.Values.Set("reference2", d.Order.MerchantReference2)
	},
	Form: referencesForm, Parse: referencesParse, Confirm: referencesConfirm,
}

func referencesOf(c order.Command) ordermanagement.References {
	return ordermanagement.References{Reference1: c.Reference1, Reference2: c.Reference2}
}

func referencesParse(d *Draft) {
	c := &d.Command
	first := d.text("reference1", "The order number", maxNote)
	second := d.text("reference2", "The second reference", maxNote)
	if first != d.Order.MerchantReference1 {
		c.Reference1 = &first
	}
	if second != d.Order.MerchantReference2 {
		c.Reference2 = &second
	}
	if c.Reference1 == nil && c.Reference2 == nil && len(d.Errors) == 0 {
		d.failField("reference1", "Nothing has changed. Change a field, or go back to the order.")
	}
}

func referencesForm(d *Draft, f *form.Form) {
	f.Groups = []form.Group{{Title: "Merchant references", Hint: "An empty field clears the reference at Klarna.", Inputs: []form.Input{
		d.input(form.Input{Name: "reference1", Label: "Order number at Klarna", Hint: "The shopper sees it in place of " + d.Order.Number + "."}),
		d.input(form.Input{Name: "reference2", Label: "Second reference", Hint: "Only you see it."}),
	}}}
}

func referencesConfirm(d *Draft, q *form.Question) {
	q.Ask, q.Button = "Change the references?", "Change the references"
	if c := d.Command; c.Reference1 != nil {
		q.Facts = append(q.Facts, form.Fact{Name: "Order number at Klarna", Before: cmp.Or(d.Order.MerchantReference1, "none"), After: cmp.Or(*c.Reference1, "none")})
	}
	if c := d.Command; c.Reference2 != nil {
		q.Facts = append(q.Facts, form.Fact{Name: "Second reference", Before: cmp.Or(d.Order.MerchantReference2, "none"), After: cmp.Or(*c.Reference2, "none")})
	}
}
