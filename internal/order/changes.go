package order

import (
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/v1"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

// Changes are the facts in which two states of an order differ, for the audit:
// no personal data. Of an address they say that it changed.
func Changes(before, after Order) []Change {
	var list []Change
	add := func(field, was, is string) {
		if was != is {
			list = append(list, Change{Field: field, Before: was, After: is})
		}
	}
	amount := func(field string, was, is money.Amount) {
		add(field, strconv.FormatInt(int64(was), 10), strconv.FormatInt(int64(is), 10))
	}
	add("status", string(before.Status), string(after.Status))
	add("fraud_status", string(before.FraudStatus), string(after.FraudStatus))
	amount("order_amount", before.OrderAmount, after.OrderAmount)
	addQuantities(&list, "quantity ", before.OrderLines, after.OrderLines)
	if !slices.Equal(before.OrderLines, after.OrderLines) && len(list) == 0 {
		list = append(list, Change{Field: "order_lines", After: "changed"})
	}
	add("expires_at", day(before.ExpiresAt), day(after.ExpiresAt))
	if before.BillingAddress != after.BillingAddress {
		list = append(list, Change{Field: "billing_address", After: "changed"})
	}
	if before.ShippingAddress != after.ShippingAddress {
		list = append(list, Change{Field: "shipping_address", After: "changed"})
	}
	if !reflect.DeepEqual(before.Delivery, after.Delivery) {
		list = append(list, Change{Field: "delivery", After: "changed"})
	}
	if !before.Followed() {
		return list // what it had was not known
	}
	amount("captured_amount", before.CapturedAmount, after.CapturedAmount)
	amount("refunded_amount", before.RefundedAmount, after.RefundedAmount)
	amount("remaining_authorized_amount", before.RemainingAuthorizedAmount, after.RemainingAuthorizedAmount)
	addQuantities(&list, "captured ", before.capturedLines(), after.capturedLines())
	addQuantities(&list, "refunded ", before.refundedLines(), after.refundedLines())
	amount("shipments", money.Amount(len(before.Shipments)), money.Amount(len(after.Shipments)))
	for i := range min(len(before.Shipments), len(after.Shipments)) {
		if !reflect.DeepEqual(before.Shipments[i], after.Shipments[i]) {
			list = append(list, Change{Field: "shipment " + after.Shipments[i].ID, After: "changed"})
		}
	}
	for _, back := range after.Restocked[min(len(before.Restocked), len(after.Restocked)):] {
		for _, line := range back.Goods {
			add("returned "+line.SKU, "0", strconv.Itoa(line.Quantity))
		}
	}
	add("merchant_reference1", before.MerchantReference1, after.MerchantReference1)
	add("merchant_reference2", before.MerchantReference2, after.MerchantReference2)
	return list
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// addQuantities adds by reference what changed in the quantities of lines.
func addQuantities(list *[]Change, prefix string, before, after []klarna.OrderLine) {
	var names []string
	count := func(lines []klarna.OrderLine) map[string]int64 {
		quantities := map[string]int64{}
		for _, line := range lines {
			name := line.Reference
			if name == "" {
				name = line.Name
			}
			if quantities[name] += line.Quantity; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return quantities
	}
	was, is := count(before), count(after)
	for _, name := range names {
		if was[name] != is[name] {
			*list = append(*list, Change{
				Field: prefix + name, Before: strconv.FormatInt(was[name], 10), After: strconv.FormatInt(is[name], 10),
			})
		}
	}
}

// refundedLines are the lines of all refunds.
func (o Order) refundedLines() []klarna.OrderLine {
	var lines []klarna.OrderLine
	for _, refund := range o.Refunds {
		lines = append(lines, refund.OrderLines...)
	}
	return lines
}

// material reports whether two states of an order differ in what staff decide by.
func material(before, after Order) bool {
	if !before.Followed() { // what it had was not known
		before.OriginalOrderAmount = after.OriginalOrderAmount
		before.CapturedAmount, before.RefundedAmount = after.CapturedAmount, after.RefundedAmount
		before.RemainingAuthorizedAmount = after.RemainingAuthorizedAmount
		before.Captures, before.Refunds, before.ShippingInfo = after.Captures, after.Refunds, after.ShippingInfo
		before.Shipments = after.Shipments
		before.MerchantReference1, before.MerchantReference2 = after.MerchantReference1, after.MerchantReference2
	}
	return before.facts() != after.facts()
}

// facts are what staff decide by, as text. What of a refund Klarna has
// allocated to a capture may come late, and nobody decides by it.
func (o Order) facts() string {
	captures := slices.Clone(o.Captures)
	for i := range captures {
		captures[i].RefundedAmount = 0
	}
	text, _ := json.Marshal([]any{ // cannot fail: all are plain data
		o.Status, o.FraudStatus, o.OrderAmount, o.CapturedAmount, o.RefundedAmount, o.RemainingAuthorizedAmount,
		o.OrderLines, captures, o.Refunds, o.ShippingInfo, o.Shipments, o.ShippingAddress, o.BillingAddress, o.Delivery, o.ExpiresAt,
		o.MerchantReference1, o.MerchantReference2, o.Withdrawals,
	})
	return string(text)
}
