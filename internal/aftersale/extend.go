package aftersale

import (
	"context"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Extend gives the order more time in which it can be captured.
var Extend = &Action{
	Name: "extend", Slug: "extend", Needs: permission.Change, Title: "Extend the authorization", Busy: "Extending…", Noun: "extension",
	Did: "extended the authorization", Try: "extend the authorization",
	Result: func(o order.Order, _ order.AuditEntry) (title, body string) {
		if until := openUntil(o); until != "" {
			body = "The order can be captured" + until + "."
		}
		return "Extended the authorization.", body
	},
	Refused: func(_ order.Order, e order.AuditEntry) string {
		if e.Code == "NOT_ALLOWED" {
			return "The way this order is paid, or its age, allows no more time. Capture what is ready, or ask Klarna's support."
		}
		return ""
	},
	Possible: extendPossible,
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		a, err = m.ExtendAuthorization(ctx, o.OrderID, c.Key)
		return "", a, err
	},
	Since: func(sold ordermanagement.Order, o order.Order, c order.Command, audit []order.AuditEntry) bool {
		return sold.ExpiresAt.After(expiryBefore(o, c, audit))
	},
	Confirm: extendConfirm,
}

// extendPossible: some ways to pay cannot be extended, and no order for ever.
// Source: docs.klarna.com, Extended authorization expiration; docs.kustom.co,
// Order management.
func extendPossible(s State) Reason {
	if reason := ended(s.Status); reason != "" {
		return reason
	}
	o := s.Order
	method := o.PaymentMethod.Type
	latest := o.PlacedAt.UTC().Truncate(24*time.Hour).AddDate(0, 0, s.Rules.ExtendDays)
	switch {
	case method == "CARD" || method == "PAY_BY_CARD" || method == "FIXED_SUM_CREDIT" && o.PurchaseCountry == "US":
		return ReasonMethod
	case slices.Contains(s.Rules.ExtendNotBy, method):
		return ReasonMethod
	case slices.Contains(s.Rules.ExtendNotIn, o.PurchaseCountry):
		return ReasonMarket
	case o.PlacedAt.Before(s.Rules.ExtendSince):
		return ReasonPlatform
	case !o.ExpiresAt.Before(latest):
		return ReasonLimit
	}
	return ""
}

// expiryBefore is until when an order could be captured before it was extended:
// the book may have read it since, and said so in the audit.
func expiryBefore(o order.Order, c order.Command, entries []order.AuditEntry) time.Time {
	sent := false
	for _, e := range entries {
		sent = sent || e.Key == c.Key
		for _, change := range e.Changes {
			if at, err := time.Parse(time.RFC3339, change.Before); sent && change.Field == "expires_at" && err == nil {
				return at
			}
		}
	}
	return o.ExpiresAt
}

// openUntil is the end of the time for captures, as the end of a sentence.
func openUntil(o order.Order) string {
	if o.ExpiresAt.IsZero() {
		return ""
	}
	return " until " + form.Day(o.ExpiresAt)
}

func extendConfirm(d *Draft, q *form.Question) {
	o := d.Order
	q.Ask = "Give order " + o.Number + " more time?"
	q.Button = "Extend the authorization"
	q.Body = []string{"The time to capture it starts again today and lasts as long as your agreement with Klarna allows. Doing it twice on one day changes nothing."}
	if !o.ExpiresAt.IsZero() {
		q.Facts = []form.Fact{{Name: "Authorized until", Before: form.Day(o.ExpiresAt), After: "as Klarna says"}}
	}
}
