package checkout_test

import (
	"github.com/shopd/shopd/fakeklarna"
	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// number is a worked example of Klarna's rules, or what lies just inside or just
// outside of one.
type number struct {
	rule, country, currency string
	amount, tax             int64
	refused                 string // message, "" = accepted
	lines                   []faketest.Line
}

// numberRows are the creates of numbers.
func numberRows() []kcoRow {
	var rows []kcoRow
	for _, n := range numbers {
		r := kcoRow{rule: n.rule, call: "POST " + faketest.OrdersPath, status: 201, after: "checkout_incomplete",
			shows: []any{"order_lines", n.lines, "order_amount", n.amount, "order_tax_amount", n.tax},
			body: faketest.Text(faketest.With(faketest.CaseA(), "purchase_country", n.country, "purchase_currency", n.currency,
				"order_amount", n.amount, "order_tax_amount", n.tax, "order_lines", n.lines))}
		if n.refused != "" {
			r.status, r.says, r.shows, r.after = 400, "BAD_VALUE Bad value: "+n.refused, nil, ""
		}
		rows = append(rows, r)
	}
	return append(rows, taxWordingRows()...)
}

// taxWordingRows are the words of 2026 about a line's tax.
func taxWordingRows() []kcoRow {
	var rows []kcoRow
	for message, lines := range map[string][]faketest.Line{
		"[-2900] differs from the calculated value [-2990] by more than [1]": {of("physical", 1, 14950, 0, 2500, 14950, 2990), of("discount", 1, -14950, 0, 2500, -14950, -2900)},
		"[1002] differs from the calculated value [1000] by more than [1]":   {of("physical", 3, 1999, 0, 2000, 5997, 1002)},
		"[0] differs from the calculated value [1000] by more than [1]":      {of("physical", 1, 5000, 0, 2500, 5000, 0)},
	} {
		row := kcoRow{rule: "tax in the wording of 2026, " + message[:6], options: fakeklarna.Options{TaxWording: "2026"}, call: "POST " + faketest.OrdersPath, status: 400,
			body: faketest.Text(faketest.With(faketest.CaseA(), "order_lines", lines)), says: "BAD_VALUE Bad value: total_tax_amount " + message}
		rows = append(rows, row)
	}
	return rows
}

// numbers are the worked examples of Klarna's rules and their neighbours.
// Source: docs.kustom.co, Checkout API reference (order_line); docs.klarna.com, Tax handling.
var numbers = []number{
	{"A Sweden 25 %", "SE", "SEK", 44700, 8940, "", []faketest.Line{
		of("physical", 2, 19900, 0, 2500, 39800, 7960), of("shipping_fee", 1, 4900, 0, 2500, 4900, 980)}},
	{"A a line's tax 1 above", "SE", "SEK", 44700, 8941, "", []faketest.Line{
		of("physical", 2, 19900, 0, 2500, 39800, 7961), of("shipping_fee", 1, 4900, 0, 2500, 4900, 980)}},
	{"A a line's tax 1 below", "SE", "SEK", 44700, 8939, "", []faketest.Line{
		of("physical", 2, 19900, 0, 2500, 39800, 7959), of("shipping_fee", 1, 4900, 0, 2500, 4900, 980)}},
	{"B Great Britain 20 %", "GB", "GBP", 6392, 1066, "", []faketest.Line{
		of("physical", 3, 1999, 0, 2000, 5997, 1000), of("shipping_fee", 1, 395, 0, 2000, 395, 66)}},
	{"B rounded down", "GB", "GBP", 6392, 1065, "", []faketest.Line{
		of("physical", 3, 1999, 0, 2000, 5997, 999), of("shipping_fee", 1, 395, 0, 2000, 395, 66)}},
	{"C line discount", "SE", "SEK", 25000, 5000, "", []faketest.Line{
		of("physical", 1, 30000, 5000, 2500, 25000, 5000)}},
	{"D discount line", "SE", "SEK", 29900, 5980, "", []faketest.Line{
		of("physical", 1, 30000, 0, 2500, 30000, 6000), of("discount", 1, -5000, 0, 2500, -5000, -1000),
		of("shipping_fee", 1, 4900, 0, 2500, 4900, 980)}},
	{"E several rates", "SE", "SEK", 77790, 11709, "", []faketest.Line{
		of("physical", 1, 49900, 0, 2500, 49900, 9980), of("physical", 2, 1495, 0, 1200, 2990, 320),
		of("physical", 1, 24900, 0, 600, 24900, 1409)}},
	{"F gift card", "SE", "SEK", 49900, 11980, "", []faketest.Line{
		of("physical", 1, 59900, 0, 2500, 59900, 11980), of("gift_card", 1, -10000, 0, 0, -10000, 0)}},
	{"G Germany 19 and 7 %", "DE", "EUR", 6388, 935, "", []faketest.Line{
		of("physical", 1, 4999, 0, 1900, 4999, 798), of("digital", 1, 899, 0, 700, 899, 59), of("shipping_fee", 1, 490, 0, 1900, 490, 78)}},
	{"H Finland 25.5 %", "FI", "EUR", 13290, 2700, "", []faketest.Line{
		of("physical", 1, 12900, 0, 2550, 12900, 2621), of("surcharge", 1, 390, 0, 2550, 390, 79)}},
	{"I Norway, free freight", "NO", "NOK", 89910, 17982, "", []faketest.Line{
		of("physical", 1, 99900, 9990, 2500, 89910, 17982), of("shipping_fee", 1, 0, 0, 2500, 0, 0)}},
	{"J United States", "US", "USD", 11366, 866, "", []faketest.Line{
		of("physical", 2, 5000, 0, 0, 10000, 0), of("shipping_fee", 1, 500, 0, 0, 500, 0), of("sales_tax", 1, 866, 0, 0, 866, 0)}},
	{"J without address yet", "US", "USD", 10500, 0, "", []faketest.Line{
		of("physical", 2, 5000, 0, 0, 10000, 0), of("shipping_fee", 1, 500, 0, 0, 500, 0), of("sales_tax", 1, 0, 0, 0, 0, 0)}},
	{"K documentation's own sample", "SE", "SEK", 50000, 4545, "", []faketest.Line{of("physical", 5, 10000, 0, 1000, 50000, 4545)}},
	{"L coupon over mixed rates", "SE", "SEK", 45540, 7740, "", []faketest.Line{
		of("physical", 1, 40000, 0, 2500, 40000, 8000), of("physical", 1, 10600, 0, 600, 10600, 600),
		of("discount", 1, -4000, 0, 2500, -4000, -800), of("discount", 1, -1060, 0, 600, -1060, -60)}},
	{"M free order", "SE", "SEK", 0, 0, "", []faketest.Line{of("physical", 1, 25000, 25000, 2500, 0, 0)}},
	{"N SDK sample", "SE", "SEK", 9000, 818, "", []faketest.Line{
		of("physical", 1, 10000, 0, 1000, 10000, 909), of("discount", 1, -1000, 0, 1000, -1000, -91)}},
	{"no lines", "SE", "SEK", 0, 0, "", []faketest.Line{}},
	{"negative physical line", "SE", "SEK", 20000, 4000, "", []faketest.Line{
		of("physical", 1, 25000, 0, 2500, 25000, 5000), of("physical", 1, -5000, 0, 2500, -5000, -1000)}},

	{"B two off", "GB", "GBP", 6392, 1064, "total_tax_amount", []faketest.Line{
		of("physical", 3, 1999, 0, 2000, 5997, 998), of("shipping_fee", 1, 395, 0, 2000, 395, 66)}},
	{"B two above", "GB", "GBP", 6392, 1067, "total_tax_amount", []faketest.Line{
		of("physical", 3, 1999, 0, 2000, 5997, 1001), of("shipping_fee", 1, 395, 0, 2000, 395, 66)}},
	{"B below, sum above", "GB", "GBP", 6392, 1066, "order_tax_amount", []faketest.Line{
		of("physical", 3, 1999, 0, 2000, 5997, 999), of("shipping_fee", 1, 395, 0, 2000, 395, 66)}},
	{"C discount left out", "SE", "SEK", 30000, 6000, "total_amount", []faketest.Line{of("physical", 1, 30000, 5000, 2500, 30000, 6000)}},
	{"D discount's tax positive", "SE", "SEK", 25000, 7000, "total_tax_amount", []faketest.Line{
		of("physical", 1, 30000, 0, 2500, 30000, 6000), of("discount", 1, -5000, 0, 2500, -5000, 1000)}},
	{"J tax in the sum only", "US", "USD", 10500, 866, "order_tax_amount", []faketest.Line{
		of("physical", 2, 5000, 0, 0, 10000, 0), of("shipping_fee", 1, 500, 0, 0, 500, 0)}},
	{"J tax not in the sum", "US", "USD", 11366, 0, "order_tax_amount", []faketest.Line{
		of("physical", 2, 5000, 0, 0, 10000, 0), of("shipping_fee", 1, 500, 0, 0, 500, 0), of("sales_tax", 1, 866, 0, 0, 866, 0)}},
	{"sales tax outside the US", "SE", "SEK", 10866, 866, "order_tax_amount", []faketest.Line{
		of("physical", 2, 5000, 0, 0, 10000, 0), of("sales_tax", 1, 866, 0, 0, 866, 0)}},
	{"below nothing", "SE", "SEK", -1000, -200, "order_amount", []faketest.Line{of("discount", 1, -1000, 0, 2500, -1000, -200)}},
}

// of is a line: kind, quantity × price − discount, rate, its total and tax.
func of(kind string, quantity, price, discount, rate, total, tax int64) faketest.Line {
	return faketest.Line{Type: kind, Name: "x", Quantity: quantity, UnitPrice: price, TotalDiscountAmount: discount,
		TaxRate: rate, TotalAmount: total, TotalTaxAmount: tax}
}
