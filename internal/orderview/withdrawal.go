package orderview

import (
	"cmp"
	"net/url"
	"time"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// Right is what a consumer can withdraw from of an order now.
func (v View) Right(o order.Order) order.Right {
	return order.RightOf(v.Version, cmp.Or(v.Priced, v.Version), o, time.Now())
}

// right is what the order's page says of withdrawal.
func (v View) right(o order.Order) templates.RightNote {
	right := v.Right(o)
	note := templates.RightNote{Done: v.withdrawn(o)}
	switch right.Why {
	case "":
		note.URL, note.Says = WithdrawalPath(o, ""), v.Period(right)
	case order.NoRight:
	case order.ByCompany, order.AllFinal, order.AllWithdrawn, order.TooLate:
		note.Says = v.NoWithdrawal(right)
	}
	return note
}

// Period says until when one can withdraw.
func (v View) Period(r order.Right) string {
	switch {
	case r.Last.IsZero():
		return v.Voice.T("withdrawal.open", r.Days)
	case r.Sent:
		return v.Voice.T("withdrawal.until_sent", i18n.Date(v.Voice.Lang, r.Last))
	}
	return v.Voice.T("withdrawal.until_order", i18n.Date(v.Voice.Lang, r.Last))
}

// NoWithdrawal says why nobody can withdraw.
func (v View) NoWithdrawal(r order.Right) string {
	switch r.Why {
	case order.ByCompany:
		return v.Voice.T("withdrawal.company")
	case order.AllFinal:
		return v.Voice.T("withdrawal.final") + " " + v.Voice.T("withdrawal.final_body")
	case order.AllWithdrawn:
		return v.Voice.T("withdrawal.all")
	case order.TooLate:
		if !r.Last.IsZero() {
			return v.Voice.T("withdrawal.late", i18n.Date(v.Voice.Lang, r.Last))
		}
	case order.NoRight:
	}
	return v.Voice.T("withdrawal.no_right")
}

// withdrawn are the statements of withdrawal that were received, oldest first.
func (v View) withdrawn(o order.Order) (list []templates.Withdrawn) {
	for _, w := range o.Withdrawals {
		list = append(list, v.Withdrawn(o, w))
	}
	return list
}

// Withdrawn is a statement of withdrawal as it is acknowledged.
func (v View) Withdrawn(o order.Order, w order.Withdrawal) templates.Withdrawn {
	at := w.At.In(market.EEAZone(o.PurchaseCountry))
	shown := templates.Withdrawn{
		URL: WithdrawalPath(o, w.ID), At: i18n.Date(v.Voice.Lang, at) + ", " + at.Format("15:04 MST"), Name: w.Name, Email: w.Email,
	}
	for _, l := range w.Lines {
		shown.Goods = append(shown.Goods, templates.Goods{Name: templates.In(l.Name, i18n.LangOf(o.Locale)), Quantity: int(l.Quantity)})
	}
	return shown
}

// WithdrawalPath is the address of the function of withdrawal from an order, or of the
// acknowledgement of a statement. It contains the key, as Path does.
func WithdrawalPath(o order.Order, id string) string {
	path := "/orders/" + o.Number + "/withdrawal"
	if id != "" {
		path += "/" + id
	}
	return path + "?key=" + url.QueryEscape(o.Key)
}
