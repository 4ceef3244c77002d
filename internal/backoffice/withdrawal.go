package backoffice

import (
	"strings"
	"time"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// withdrawalNote says from what consumers have withdrawn, and what is to be done.
func withdrawalNote(o order.Order) (title, body string) {
	var goods []string
	back := o.ToReturn()
	for _, l := range o.Lines() {
		if n := back[l.ID]; n > 0 && l.Line.IsGoods() {
			goods = append(goods, quantity(n)+form.Space+"×"+form.Space+l.Line.Name)
		}
	}
	do := "Refund them when they are back, with “Put the items back in stock”: the form has their quantities."
	switch {
	case o.CapturedAmount == 0 && o.AllWithdrawn():
		do = "That is all of the order, and nothing is captured: cancel it."
	case o.CapturedAmount == 0:
		do = "Nothing is captured: take them off the lines, and send the rest."
	case o.Remaining() > 0:
		do = "Take off the lines, or release, what is not captured. " + do
	}
	return "A consumer has withdrawn from the contract.", strings.Join(goods, ", ") + ". " + do + " Nothing happens by itself; the law gives 14" + form.Space + "days."
}

// withdrawals are the statements of consumers who withdrew: when, from what, who.
func withdrawals(o order.Order) (list []templates.Fact) {
	for _, w := range o.Withdrawals {
		f := templates.Fact{Name: timeText(w.At.In(o.PlacedAt.Location()))}
		for _, l := range w.Lines {
			f.Lines = append(f.Lines, quantity(l.Quantity)+form.Space+"×"+form.Space+l.Name)
		}
		f.Lines = append(f.Lines, nonEmpty(w.Name, w.Email)...)
		list = append(list, f)
	}
	return list
}

// withdrawalActions are what the page of an order offers beside that.
func (b *Backoffice) withdrawalActions(o order.Order, now time.Time) (actions []templates.Action) {
	add := func(is bool, a *aftersale.Action) {
		if is && b.Desk.Possible(o, a, now) == nil {
			actions = append(actions, templates.Action{Label: a.Title + "…", URL: actionPath(o.Number, a)})
		}
	}
	all := o.AllWithdrawn()
	add(all, aftersale.Cancel)
	add(all, aftersale.Release)
	add(!all && o.Remaining() > 0, aftersale.Lines)
	add(true, aftersale.Refund)
	return actions
}
