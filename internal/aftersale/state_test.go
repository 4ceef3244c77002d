package aftersale_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/shop/shoptest"
)

// deskAt is a desk of a merchant at a platform.
func deskAt(p ordermanagement.Platform) *aftersale.Desk {
	return &aftersale.Desk{
		Book: &order.Book{Management: ordermanagement.NewClient(nil, p)}, Actions: aftersale.Actions,
		Left: func(context.Context, string) (int, bool) { return 0, false },
	}
}

// verdict is the reason of an ImpossibleError, "ok" without one.
func verdict(e *aftersale.ImpossibleError) string {
	if e == nil {
		return "ok"
	}
	return strings.TrimSpace(string(e.Reason) + " " + e.Field)
}

// reasonOf is the reason of an *aftersale.ImpossibleError, "ok" without an error.
func reasonOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "ok"
	}
	impossible, ok := errors.AsType[*aftersale.ImpossibleError](err)
	if !ok {
		t.Fatalf("got %v, want an ImpossibleError", err)
	}
	return verdict(impossible)
}

// Every cell: what may be done in which state, and why not.
func TestPossible(t *testing.T) {
	states := []ordermanagement.Status{
		ordermanagement.Authorized, ordermanagement.PartCaptured, ordermanagement.Captured,
		ordermanagement.Cancelled, ordermanagement.Expired, ordermanagement.Closed,
	}
	for _, tc := range []struct {
		action order.Action
		want   string // by state
	}{
		{aftersale.Lines.Name, "ok ok fully_captured cancelled expired closed"},
		{aftersale.References.Name, "ok ok ok cancelled ok ok"},
		{aftersale.Address.Name, "ok ok fully_captured cancelled expired closed"},
		{aftersale.Parcel.Name, "ok ok ok ok ok ok"},
		{aftersale.Correct.Name, "nothing_shipped nothing_shipped nothing_shipped nothing_shipped nothing_shipped nothing_shipped"},
		{aftersale.Capture.Name, "ok ok fully_captured cancelled expired closed"},
		{aftersale.Refund.Name, "nothing_captured ok ok cancelled expired closed"},
		{aftersale.Cancel.Name, "ok part_captured fully_captured cancelled expired closed"},
		{aftersale.Release.Name, "nothing_captured ok fully_captured cancelled expired closed"},
		{aftersale.Extend.Name, "ok ok fully_captured cancelled expired closed"},
		{aftersale.SendOut.Name, "nothing_captured ok ok cancelled nothing_captured ok"},
		{aftersale.DueDate.Name, "nothing_captured ok ok cancelled nothing_captured ok"},
	} {
		var got []string
		for _, status := range states {
			got = append(got, verdict(deskAt(ordermanagement.Klarna).Possible(shoptest.InState(status), aftersale.Actions.Named(tc.action), shoptest.Noon)))
		}
		if text := strings.Join(got, " "); text != tc.want {
			t.Errorf("%s:\n got %s\nwant %s", tc.action, text, tc.want)
		}
	}
}

// What lies over the states: risk, time, money, payment method, market, platform.
func TestPossibleOverlays(t *testing.T) {
	type edit = func(*order.Order)
	fraud := func(s ordermanagement.FraudStatus, ago time.Duration) edit {
		return func(o *order.Order) { o.FraudStatus, o.FraudStatusAt = s, shoptest.Noon.Add(-ago) }
	}
	method := func(m, country string) edit {
		return func(o *order.Order) { o.PaymentMethod.Type, o.PurchaseCountry = m, country }
	}
	refunded := func(amount int64) edit {
		return func(o *order.Order) { o.RefundedAmount = moneyOf(amount) }
	}
	expires := func(at time.Time) edit { return func(o *order.Order) { o.ExpiresAt = at } }
	placed := func(daysAgo int) edit {
		return func(o *order.Order) { o.PlacedAt = shoptest.Noon.AddDate(0, 0, -daysAgo) }
	}
	partly := func(o *order.Order) { shoptest.Captured(o, 10000) }
	const (
		authorized = ordermanagement.Authorized
		part       = ordermanagement.PartCaptured
		full       = ordermanagement.Captured
		closed     = ordermanagement.Closed
		expired    = ordermanagement.Expired
	)
	for _, tc := range []struct {
		name           string
		status         ordermanagement.Status
		edits          []edit
		action         order.Action
		klarna, kustom string
	}{
		{"pending", authorized, []edit{fraud("PENDING", time.Hour)}, aftersale.Capture.Name, "fraud_pending", ""},
		{"pending may be cancelled", authorized, []edit{fraud("PENDING", time.Hour)}, aftersale.Cancel.Name, "ok", ""},
		{"pending may be changed", authorized, []edit{fraud("PENDING", time.Hour)}, aftersale.Lines.Name, "ok", ""},
		{"rejected, overruled", authorized, []edit{fraud("REJECTED", 4*time.Hour-1)}, aftersale.Capture.Name, "ok", ""},
		{"rejected for good", authorized, []edit{fraud("REJECTED", 4*time.Hour)}, aftersale.Capture.Name, "fraud_rejected", ""},
		{"rejected long ago", authorized, []edit{func(o *order.Order) { o.FraudStatus = "REJECTED" }}, aftersale.Capture.Name, "fraud_rejected", ""},
		{"expired meanwhile", authorized, []edit{expires(shoptest.Noon)}, aftersale.Capture.Name, "expired", ""},
		{"expired meanwhile, cancel", authorized, []edit{expires(shoptest.Noon)}, aftersale.Cancel.Name, "expired", ""},
		{"expires in a second", authorized, []edit{expires(shoptest.Noon.Add(time.Second))}, aftersale.Capture.Name, "ok", ""},
		{"fully captured does not expire", full, []edit{expires(shoptest.Noon)}, aftersale.Refund.Name, "ok", ""},
		{"expires never said", authorized, []edit{expires(time.Time{})}, aftersale.Capture.Name, "ok", ""},
		{"nothing remains", authorized, []edit{func(o *order.Order) { o.RemainingAuthorizedAmount = 0 }}, aftersale.Capture.Name, "above_remaining", ""},
		{"a record of an older version", authorized, []edit{func(o *order.Order) { o.RemainingAuthorizedAmount, o.OriginalOrderAmount = 0, 0 }}, aftersale.Capture.Name, "ok", ""},
		{"partly refunded", full, []edit{refunded(24999)}, aftersale.Refund.Name, "ok", ""},
		{"fully refunded", full, []edit{refunded(25000)}, aftersale.Refund.Name, "fully_refunded", ""},
		{"closed, partly refunded", closed, []edit{refunded(1)}, aftersale.Refund.Name, "closed", "ok"},
		{"closed, fully refunded", closed, []edit{refunded(25000)}, aftersale.Refund.Name, "fully_refunded", ""},
		{"expired, partly captured", expired, []edit{partly}, aftersale.Refund.Name, "ok", "expired"},
		{"expired, partly captured, parcels", expired, []edit{partly}, aftersale.SendOut.Name, "ok", "platform"},

		{"extend, card", authorized, []edit{method("CARD", "SE")}, aftersale.Extend.Name, "method", ""},
		{"extend, pay by card", part, []edit{method("PAY_BY_CARD", "SE")}, aftersale.Extend.Name, "method", ""},
		{"extend, financing in the US", authorized, []edit{method("FIXED_SUM_CREDIT", "US")}, aftersale.Extend.Name, "method", ""},
		{"extend, financing elsewhere", authorized, []edit{method("FIXED_SUM_CREDIT", "DE")}, aftersale.Extend.Name, "ok", ""},
		{"extend, not Klarna's money", authorized, []edit{method("SWISH", "SE")}, aftersale.Extend.Name, "ok", "method"},
		{"extend, France", authorized, []edit{method("INVOICE", "FR")}, aftersale.Extend.Name, "ok", "market"},
		{"extend, no more time", authorized, []edit{placed(100), expires(shoptest.Noon.AddDate(0, 0, 80))}, aftersale.Extend.Name, "limit", ""},
		{"extend, a day more", authorized, []edit{placed(100), expires(shoptest.Noon.AddDate(0, 0, 79))}, aftersale.Extend.Name, "ok", "limit"},
		{"extend, an order of before", authorized, []edit{func(o *order.Order) { o.PlacedAt = time.Date(2025, 9, 24, 23, 0, 0, 0, time.UTC) }, expires(shoptest.Noon.AddDate(0, 0, 1))}, aftersale.Extend.Name, "ok", "platform"},

		{"send out", full, nil, aftersale.SendOut.Name, "ok", "platform"},
		{"due date", full, nil, aftersale.DueDate.Name, "ok", "platform"},
		{"due date of a card", full, []edit{method("CARD", "SE")}, aftersale.DueDate.Name, "method", "platform"},
		{"due date of a company", full, []edit{method("INVOICE_BUSINESS", "SE")}, aftersale.DueDate.Name, "ok", "platform"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := shoptest.InState(tc.status, tc.edits...)
			if tc.kustom == "" {
				tc.kustom = tc.klarna
			}
			for platform, want := range map[ordermanagement.Platform]string{ordermanagement.Klarna: tc.klarna, ordermanagement.Kustom: tc.kustom} {
				if got := verdict(deskAt(platform).Possible(o, aftersale.Actions.Named(tc.action), shoptest.Noon)); got != want {
					t.Errorf("%s: got %s, want %s", platform, got, want)
				}
			}
		})
	}
}

// Which payment methods may raise the amount, in which markets.
func TestMayRaise(t *testing.T) {
	everywhere := []string{"INVOICE", "INVOICE_BUSINESS", "B2B_INVOICE", "ACCOUNT", "BASE_ACCOUNT", "DIRECT_DEBIT"}
	fixed := []string{"AT", "DE", "DK", "FI", "FR", "NL", "NO", "SE"}
	for _, method := range append(slices.Clone(everywhere), "FIXED_AMOUNT", "CARD", "BANK_TRANSFER", "SWISH", "PAY_IN_X", "OTHER", "") {
		for _, country := range append(slices.Clone(fixed), "CH", "GB", "US", "IT") {
			o := shoptest.InState(ordermanagement.Authorized)
			o.PaymentMethod.Type, o.PurchaseCountry = method, country
			want := "method"
			switch {
			case slices.Contains(everywhere, method):
				want = "ok"
				if country == "CH" {
					want = "market"
				}
			case method == "FIXED_AMOUNT":
				want = "market"
				if slices.Contains(fixed, country) {
					want = "ok"
				}
			}
			raised := slices.Clone(o.OrderLines)
			raised[0].Quantity, raised[0].TotalAmount = 3, 30000
			c := order.Command{Key: "k", Action: aftersale.Lines.Name, Amount: 35000, OrderLines: raised}
			if got := verdict(deskAt(ordermanagement.Klarna).Check(t.Context(), o, c, shoptest.Noon)); got != want {
				t.Errorf("%s in %s: got %s, want %s", method, country, got, want)
			}
		}
	}
}
