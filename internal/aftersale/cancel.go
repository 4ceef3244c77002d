package aftersale

import (
	"context"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Cancel ends an order of which nothing is captured.
var Cancel = &Action{
	Name: "cancel", Slug: "cancel", Needs: permission.Fulfil, Title: "Cancel the order", Busy: "Cancelling…", Noun: "cancellation", Did: "cancelled the order", Try: "cancel the order",
	Why: func(_ order.Order, r Reason) string {
		if r == ReasonFullyCaptured {
			return "this order is captured. Refund it instead."
		}
		return ""
	},
	Result: func(o order.Order, _ order.AuditEntry) (title, body string) {
		if o.Free() {
			return "Cancelled order " + o.Number + ".", ""
		}
		return "Cancelled order " + o.Number + ".", "The shopper pays nothing."
	},
	OwnToo: true,
	Possible: func(s State) Reason {
		switch {
		case s.Status == ordermanagement.PartCaptured:
			return ReasonPartCaptured
		case s.Order.Free() && s.Status != ordermanagement.Cancelled && len(s.Order.Shipments) > 0:
			return ReasonShipped
		}
		return ended(s.Status)
	},
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		a, err = m.Cancel(ctx, o.OrderID, c.Key)
		return "", a, err
	},
	Apply: func(o *order.Order, _ order.Command, _ order.AuditEntry) { o.Status = ordermanagement.Cancelled },
	Has: func(sold ordermanagement.Order, _ order.Command) bool {
		return sold.Status == ordermanagement.Cancelled
	},
	Confirm:  cancelConfirm,
	All:      func(order.Order) order.Command { return order.Command{} },
	AllTitle: "Cancel", AllBody: "What they hold is released, the shoppers pay nothing, the goods are available again. This cannot be undone.", AllDanger: true,
}

func cancelConfirm(d *Draft, q *form.Question) {
	o := d.Order
	q.Ask = "Cancel order " + o.Number + "?"
	q.Button, q.Back, q.Danger = "Cancel order", "Keep order", true
	if o.Free() {
		q.Body = []string{"Nothing was to be paid. The goods are available again. This cannot be undone."}
		return
	}
	q.Body = []string{form.Money(o.RemainingAuthorizedAmount, o.PurchaseCurrency) + " is released and the shopper pays nothing. This cannot be undone."}
	q.Facts = []form.Fact{{Name: "Authorized", Before: form.Amount(o.RemainingAuthorizedAmount), After: form.Amount(0)}}
}
