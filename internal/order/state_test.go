package order_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
)

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// inState is an order of 25000 of which 0, 10000 or all is captured, as its
// state says, and nothing refunded.
func inState(status ordermanagement.Status, edits ...func(*order.Order)) order.Order {
	o := order.Order{
		OrderID: "o", Status: status, FraudStatus: ordermanagement.FraudAccepted, PlacedAt: noon.AddDate(0, 0, -9),
		PurchaseCountry: "SE", PurchaseCurrency: "SEK", PaymentMethod: ordermanagement.PaymentMethod{Type: "INVOICE"},
		OrderAmount: 25000, OriginalOrderAmount: 25000, RemainingAuthorizedAmount: 25000, ExpiresAt: noon.AddDate(0, 0, 19),
		OrderLines: []klarna.OrderLine{
			{Type: klarna.Physical, Reference: "MUG-1", Name: "Mugg", Quantity: 2, UnitPrice: 10000, TaxRate: 2500, TotalAmount: 20000, TotalTaxAmount: 4000},
			{Type: klarna.ShippingFee, Reference: "mailboat", Name: "Postbåt", Quantity: 1, UnitPrice: 5000, TaxRate: 2500, TotalAmount: 5000, TotalTaxAmount: 1000},
		},
	}
	if status == ordermanagement.PartCaptured {
		captured(&o, 10000)
	}
	if status == ordermanagement.Captured || status == ordermanagement.Closed {
		captured(&o, 25000)
	}
	for _, edit := range edits {
		edit(&o)
	}
	return o
}

// captured adds a capture without lines.
func captured(o *order.Order, amount int64) {
	o.Captures = append(o.Captures, ordermanagement.Capture{CaptureID: fmt.Sprintf("c%d", len(o.Captures)+1), CapturedAmount: moneyOf(amount)})
	o.CapturedAmount += moneyOf(amount)
	o.RemainingAuthorizedAmount -= moneyOf(amount)
}

// reasonOf is the reason of an *order.ImpossibleError, "ok" without an error.
func reasonOf(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return "ok"
	}
	impossible, ok := errors.AsType[*order.ImpossibleError](err)
	if !ok {
		t.Fatalf("got %v, want an ImpossibleError", err)
	}
	if impossible.Field != "" {
		return string(impossible.Reason) + " " + impossible.Field
	}
	return string(impossible.Reason)
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
		{order.ActionLines, "ok ok fully_captured cancelled expired closed"},
		{order.ActionReferences, "ok ok ok cancelled ok ok"},
		{order.ActionShippingAddress, "ok ok fully_captured cancelled expired closed"},
		{order.ActionShippingInfo, "ok ok ok ok ok ok"},
		{order.ActionCapture, "ok ok fully_captured cancelled expired closed"},
		{order.ActionRefund, "nothing_captured ok ok cancelled expired ok"},
		{order.ActionCancel, "ok part_captured fully_captured cancelled expired closed"},
		{order.ActionRelease, "nothing_captured ok fully_captured cancelled expired closed"},
		{order.ActionExtend, "ok ok fully_captured cancelled expired closed"},
		{order.ActionSendOut, "nothing_captured ok ok cancelled nothing_captured ok"},
		{order.ActionExtendDueDate, "nothing_captured ok ok cancelled nothing_captured ok"},
		{"dance", "invalid action invalid action invalid action invalid action invalid action invalid action"},
	} {
		var got []string
		for _, status := range states {
			got = append(got, reasonOf(t, inState(status).Possible(tc.action, noon)))
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
		return func(o *order.Order) { o.FraudStatus, o.FraudStatusAt = s, noon.Add(-ago) }
	}
	method := func(m, country string) edit {
		return func(o *order.Order) { o.PaymentMethod.Type, o.PurchaseCountry = m, country }
	}
	refunded := func(amount int64) edit {
		return func(o *order.Order) { o.RefundedAmount = moneyOf(amount) }
	}
	expires := func(at time.Time) edit { return func(o *order.Order) { o.ExpiresAt = at } }
	placed := func(daysAgo int) edit { return func(o *order.Order) { o.PlacedAt = noon.AddDate(0, 0, -daysAgo) } }
	partly := func(o *order.Order) { captured(o, 10000) }
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
		{"pending", authorized, []edit{fraud("PENDING", time.Hour)}, order.ActionCapture, "fraud_pending", ""},
		{"pending may be cancelled", authorized, []edit{fraud("PENDING", time.Hour)}, order.ActionCancel, "ok", ""},
		{"pending may be changed", authorized, []edit{fraud("PENDING", time.Hour)}, order.ActionLines, "ok", ""},
		{"rejected, overruled", authorized, []edit{fraud("REJECTED", 4*time.Hour-1)}, order.ActionCapture, "ok", ""},
		{"rejected for good", authorized, []edit{fraud("REJECTED", 4*time.Hour)}, order.ActionCapture, "fraud_rejected", ""},
		{"rejected long ago", authorized, []edit{func(o *order.Order) { o.FraudStatus = "REJECTED" }}, order.ActionCapture, "fraud_rejected", ""},
		{"expired meanwhile", authorized, []edit{expires(noon)}, order.ActionCapture, "expired", ""},
		{"expired meanwhile, cancel", authorized, []edit{expires(noon)}, order.ActionCancel, "expired", ""},
		{"expires in a second", authorized, []edit{expires(noon.Add(time.Second))}, order.ActionCapture, "ok", ""},
		{"fully captured does not expire", full, []edit{expires(noon)}, order.ActionRefund, "ok", ""},
		{"expires never said", authorized, []edit{expires(time.Time{})}, order.ActionCapture, "ok", ""},
		{"nothing remains", authorized, []edit{func(o *order.Order) { o.RemainingAuthorizedAmount = 0 }}, order.ActionCapture, "above_remaining", ""},
		{"a record of an older version", authorized, []edit{func(o *order.Order) { o.RemainingAuthorizedAmount, o.OriginalOrderAmount = 0, 0 }}, order.ActionCapture, "ok", ""},
		{"partly refunded", full, []edit{refunded(24999)}, order.ActionRefund, "ok", ""},
		{"fully refunded", full, []edit{refunded(25000)}, order.ActionRefund, "fully_refunded", ""},
		{"closed, partly refunded", closed, []edit{refunded(1)}, order.ActionRefund, "closed", "ok"},
		{"closed, fully refunded", closed, []edit{refunded(25000)}, order.ActionRefund, "fully_refunded", ""},
		{"expired, partly captured", expired, []edit{partly}, order.ActionRefund, "ok", "expired"},
		{"expired, partly captured, parcels", expired, []edit{partly}, order.ActionSendOut, "ok", "platform"},

		{"extend, card", authorized, []edit{method("CARD", "SE")}, order.ActionExtend, "method", ""},
		{"extend, pay by card", part, []edit{method("PAY_BY_CARD", "SE")}, order.ActionExtend, "method", ""},
		{"extend, financing in the US", authorized, []edit{method("FIXED_SUM_CREDIT", "US")}, order.ActionExtend, "method", ""},
		{"extend, financing elsewhere", authorized, []edit{method("FIXED_SUM_CREDIT", "DE")}, order.ActionExtend, "ok", ""},
		{"extend, not Klarna's money", authorized, []edit{method("SWISH", "SE")}, order.ActionExtend, "ok", "method"},
		{"extend, France", authorized, []edit{method("INVOICE", "FR")}, order.ActionExtend, "ok", "market"},
		{"extend, no more time", authorized, []edit{placed(100), expires(noon.AddDate(0, 0, 80))}, order.ActionExtend, "limit", ""},
		{"extend, a day more", authorized, []edit{placed(100), expires(noon.AddDate(0, 0, 79))}, order.ActionExtend, "ok", "limit"},
		{"extend, an order of before", authorized, []edit{func(o *order.Order) { o.PlacedAt = time.Date(2025, 9, 24, 23, 0, 0, 0, time.UTC) }, expires(noon.AddDate(0, 0, 1))}, order.ActionExtend, "ok", "platform"},

		{"send out", full, nil, order.ActionSendOut, "ok", "platform"},
		{"due date", full, nil, order.ActionExtendDueDate, "ok", "platform"},
		{"due date of a card", full, []edit{method("CARD", "SE")}, order.ActionExtendDueDate, "method", "platform"},
		{"due date of a company", full, []edit{method("INVOICE_BUSINESS", "SE")}, order.ActionExtendDueDate, "ok", "platform"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := inState(tc.status, tc.edits...)
			if tc.kustom == "" {
				tc.kustom = tc.klarna
			}
			for platform, want := range map[ordermanagement.Platform]string{ordermanagement.Klarna: tc.klarna, ordermanagement.Kustom: tc.kustom} {
				book := &order.Book{Management: ordermanagement.NewClient(nil, platform)}
				if got := reasonOf(t, book.Possible(o, tc.action, noon)); got != want {
					t.Errorf("%s: got %s, want %s", platform, got, want)
				}
				// On one platform at least: what is possible on either is possible.
				if anywhere := reasonOf(t, o.Possible(tc.action, noon)); want == "ok" && anywhere != "ok" {
					t.Errorf("anywhere: got %s", anywhere)
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
			o := inState(ordermanagement.Authorized)
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
			if got := reasonOf(t, o.MayRaise()); got != want {
				t.Errorf("%s in %s: got %s, want %s", method, country, got, want)
			}
		}
	}
}
