package aftersale

import (
	"context"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Release gives up what is not captured of a partly captured order.
var Release = &Action{
	Name: "release", Slug: "release", Needs: permission.Fulfil, Title: "Release the rest", Busy: "Releasing…", Noun: "release", Did: "released the rest", Try: "release the rest",
	Why: func(_ order.Order, r Reason) string {
		if r == ReasonNothingCaptured {
			return "nothing of this order is captured. Cancel it instead."
		}
		return ""
	},
	Result: func(order.Order, order.AuditEntry) (title, body string) {
		return "Released the rest.", "Nothing more can be captured."
	},
	Possible: func(s State) Reason {
		if s.Status == ordermanagement.Authorized {
			return ReasonNothingCaptured
		}
		return ended(s.Status)
	},
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		a, err = m.Release(ctx, o.OrderID, c.Key)
		return "", a, err
	},
	Apply: func(o *order.Order, _ order.Command, _ order.AuditEntry) {
		o.RemainingAuthorizedAmount = 0
		o.Follow()
	},
	Has:     func(sold ordermanagement.Order, _ order.Command) bool { return sold.RemainingAuthorizedAmount == 0 },
	Confirm: releaseConfirm,
}

func releaseConfirm(d *Draft, q *form.Question) {
	o := d.Order
	rest := form.Money(o.RemainingAuthorizedAmount, o.PurchaseCurrency)
	q.Ask = "Release the remaining " + rest + "?"
	q.Button, q.Danger = "Release "+rest, true
	q.Body = []string{"Nothing more can be captured. This cannot be undone."}
	q.Facts = []form.Fact{
		{Name: "Captured", Before: form.Amount(o.CapturedAmount), After: form.Amount(o.CapturedAmount)},
		{Name: "Remaining", Before: form.Amount(o.RemainingAuthorizedAmount), After: form.Amount(0)},
	}
}
