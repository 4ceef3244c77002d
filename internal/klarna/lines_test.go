package klarna_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
)

func item(t klarna.LineType, quantity int64, price money.Amount, discount money.Amount, rate klarna.Rate) klarna.Item {
	return klarna.Item{Type: t, Name: "x", Quantity: quantity, UnitPrice: price, TotalDiscount: discount, TaxRate: rate.Tax()}
}

// The worked examples; the arithmetic is that of Klarna's documentation.
func TestNewLines(t *testing.T) {
	const (
		physical, digital, fee = klarna.Physical, klarna.Digital, klarna.ShippingFee
		discount, giftCard     = klarna.Discount, klarna.GiftCard
	)
	for _, tc := range []struct {
		name        string
		items       []klarna.Item
		totals      []money.Amount // total_amount, total_tax_amount of each line
		amount, tax money.Amount
	}{
		{"A SE 25 %", []klarna.Item{item(physical, 2, 19900, 0, 2500), item(fee, 1, 4900, 0, 2500)}, []money.Amount{39800, 7960, 4900, 980}, 44700, 8940},
		{"B GB 20 %", []klarna.Item{item(physical, 3, 1999, 0, 2000), item(fee, 1, 395, 0, 2000)}, []money.Amount{5997, 1000, 395, 66}, 6392, 1066},
		{"C line discount", []klarna.Item{item(physical, 1, 30000, 5000, 2500)}, []money.Amount{25000, 5000}, 25000, 5000},
		{"D discount line", []klarna.Item{item(physical, 1, 30000, 0, 2500), item(discount, 1, -5000, 0, 2500), item(fee, 1, 4900, 0, 2500)}, []money.Amount{30000, 6000, -5000, -1000, 4900, 980}, 29900, 5980},
		{"E SE multi-rate", []klarna.Item{item(physical, 1, 49900, 0, 2500), item(physical, 2, 1495, 0, 1200), item(physical, 1, 24900, 0, 600)}, []money.Amount{49900, 9980, 2990, 320, 24900, 1409}, 77790, 11709},
		{"F gift card", []klarna.Item{item(physical, 1, 59900, 0, 2500), item(giftCard, 1, -10000, 0, 0)}, []money.Amount{59900, 11980, -10000, 0}, 49900, 11980},
		{"G DE 19/7 %", []klarna.Item{item(physical, 1, 4999, 0, 1900), item(digital, 1, 899, 0, 700), item(fee, 1, 490, 0, 1900)}, []money.Amount{4999, 798, 899, 59, 490, 78}, 6388, 935},
		{"H FI 25.5 %", []klarna.Item{item(physical, 1, 12900, 0, 2550), item(klarna.Surcharge, 1, 390, 0, 2550)}, []money.Amount{12900, 2621, 390, 79}, 13290, 2700},
		{"I NO, free freight", []klarna.Item{item(physical, 1, 99900, 9990, 2500), item(fee, 1, 0, 0, 2500)}, []money.Amount{89910, 17982, 0, 0}, 89910, 17982},
		{"J US", []klarna.Item{item(physical, 2, 5000, 0, 0), item(fee, 1, 500, 0, 0), item(klarna.SalesTax, 1, 866, 0, 0)}, []money.Amount{10000, 0, 500, 0, 866, 0}, 11366, 866},
		{"K docs' own sample", []klarna.Item{item(physical, 5, 10000, 0, 1000)}, []money.Amount{50000, 4545}, 50000, 4545},
		{"L mixed-rate coupon", []klarna.Item{item(physical, 1, 40000, 0, 2500), item(physical, 1, 10600, 0, 600), item(discount, 1, -4000, 0, 2500), item(discount, 1, -1060, 0, 600)}, []money.Amount{40000, 8000, 10600, 600, -4000, -800, -1060, -60}, 45540, 7740},
		{"M free order", []klarna.Item{item(physical, 1, 25000, 25000, 2500)}, []money.Amount{0, 0}, 0, 0},
		{"N SDK sample", []klarna.Item{item(physical, 1, 10000, 0, 1000), item(discount, 1, -1000, 0, 1000)}, []money.Amount{10000, 909, -1000, -91}, 9000, 818},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := klarna.NewLines(tc.items)
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range got.OrderLines {
				if line.TotalAmount != tc.totals[2*i] || line.TotalTaxAmount != tc.totals[2*i+1] {
					t.Errorf("line %d: got %d / %d, want %d / %d", i, line.TotalAmount, line.TotalTaxAmount, tc.totals[2*i], tc.totals[2*i+1])
				}
			}
			if got.OrderAmount != tc.amount || got.OrderTaxAmount != tc.tax {
				t.Errorf("order: got %d / %d, want %d / %d", got.OrderAmount, got.OrderTaxAmount, tc.amount, tc.tax)
			}
		})
	}
}

// caseA is the first worked example, as lines.
func caseA(t *testing.T) klarna.Lines {
	t.Helper()
	lines, err := klarna.NewLines([]klarna.Item{item(klarna.Physical, 2, 19900, 0, 2500), item(klarna.ShippingFee, 1, 4900, 0, 2500)})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestCheck(t *testing.T) {
	long := string(make([]rune, 256))
	for _, tc := range []struct {
		name   string
		change func(*klarna.Lines)
		field  string // "" = accepted
	}{
		{"unchanged", func(*klarna.Lines) {}, ""},
		{"tax one off", func(l *klarna.Lines) { l.OrderLines[0].TotalTaxAmount++; l.OrderTaxAmount++ }, ""},
		{"tax two off", func(l *klarna.Lines) { l.OrderLines[0].TotalTaxAmount += 2; l.OrderTaxAmount += 2 }, "order_lines[0].total_tax_amount"},
		{"order tax", func(l *klarna.Lines) { l.OrderTaxAmount++ }, "order_tax_amount"},
		{"order amount", func(l *klarna.Lines) { l.OrderAmount -= 100 }, "order_amount"},
		{"line total", func(l *klarna.Lines) { l.OrderLines[0].TotalAmount -= 100; l.OrderAmount -= 100 }, "order_lines[0].total_amount"},
		{"rate 25 for 25 %", func(l *klarna.Lines) { l.OrderLines[0].TaxRate = 25 }, "order_lines[0].total_tax_amount"},
		{"rate over 100 %", func(l *klarna.Lines) { l.OrderLines[0].TaxRate = 10001 }, "order_lines[0].tax_rate"},
		{"no name", func(l *klarna.Lines) { l.OrderLines[1].Name = "" }, "order_lines[1].name"},
		{"long name", func(l *klarna.Lines) { l.OrderLines[1].Name = long }, "order_lines[1].name"},
		{"long reference", func(l *klarna.Lines) { l.OrderLines[1].Reference = long }, "order_lines[1].reference"},
		{"long unit", func(l *klarna.Lines) { l.OrderLines[1].QuantityUnit = "kilograms" }, "order_lines[1].quantity_unit"},
		{"negative quantity", func(l *klarna.Lines) { l.OrderLines[0].Quantity = -2 }, "order_lines[0].quantity"},
		{"unit price", func(l *klarna.Lines) { l.OrderLines[0].UnitPrice = klarna.MaxLineAmount + 1 }, "order_lines[0].unit_price"},
		{"negative discount", func(l *klarna.Lines) { l.OrderLines[0].TotalDiscountAmount = -1 }, "order_lines[0].total_discount_amount"},
		{"negative sum", func(l *klarna.Lines) {
			l.OrderLines[1].UnitPrice, l.OrderLines[1].TotalAmount, l.OrderLines[1].TotalTaxAmount = -50000, -50000, -10000
			l.OrderAmount, l.OrderTaxAmount = -10200, -2040
		}, "order_amount"},
		{"a rate beside sales tax", func(l *klarna.Lines) {
			l.OrderLines[1] = klarna.OrderLine{Type: klarna.SalesTax, Name: "Tax", Quantity: 1, UnitPrice: 800, TotalAmount: 800}
			l.OrderAmount, l.OrderTaxAmount = 40600, 800
		}, "order_lines[0].tax_rate"},
		{"sales tax with a rate", func(l *klarna.Lines) { l.OrderLines[1].Type = klarna.SalesTax }, "order_lines[1].tax_rate"},
		{"too many lines", func(l *klarna.Lines) { l.OrderLines = make([]klarna.OrderLine, klarna.MaxLines+1) }, "order_lines"},
		{"overflow", func(l *klarna.Lines) { l.OrderLines[0].Quantity = 1 << 62 }, "order_lines[0].total_amount"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			lines := caseA(t)
			tc.change(&lines)
			err := lines.Check()
			rule, broken := errors.AsType[*klarna.RuleError](err)
			if tc.field == "" && err != nil {
				t.Fatalf("got %v, want no error", err)
			}
			if tc.field != "" && (!broken || rule.Field != tc.field) {
				t.Fatalf("got %v, want field %s", err, tc.field)
			}
		})
	}
}

// Whatever the goods, what NewLines accepts satisfies the rules, and it refuses only what is too large or negative.
func TestNewLinesRandom(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	rates := []klarna.Rate{0, 250, 600, 700, 1000, 1200, 1350, 1900, 2000, 2500, 2550, 10000}
	for range 20000 {
		var items []klarna.Item
		for range 1 + random.IntN(20) {
			items = append(items, item(klarna.Physical, random.Int64N(100), money.Amount(random.Int64N(519001)), 0, rates[random.IntN(len(rates))]))
		}
		lines, err := klarna.NewLines(items)
		if err != nil {
			t.Fatalf("%+v: %v", items, err)
		}
		var sum, tax money.Amount
		for _, line := range lines.OrderLines {
			sum += line.TotalAmount
			tax += line.TotalTaxAmount
		}
		if sum != lines.OrderAmount || tax != lines.OrderTaxAmount {
			t.Fatalf("%+v: sums %d / %d, lines %d / %d", items, lines.OrderAmount, lines.OrderTaxAmount, sum, tax)
		}
	}
}

// A discount that takes all leaves no tax, however the taxes of the lines were rounded.
func TestNewLinesDiscountOfAll(t *testing.T) {
	var items []klarna.Item
	for range 9 {
		items = append(items, klarna.Item{Type: klarna.Physical, Name: "Pin", Quantity: 1, UnitPrice: 12, TaxRate: 4000}) // 0.46 of tax
	}
	items = append(items, klarna.Item{Type: klarna.Discount, Name: "All", Quantity: 1, UnitPrice: -9 * 12, TaxRate: 4000}) // 4.15
	lines, err := klarna.NewLines(items)
	if err != nil {
		t.Fatal(err)
	}
	var tax money.Amount
	for _, line := range lines.OrderLines {
		tax += line.TotalTaxAmount
	}
	if lines.OrderAmount != 0 || lines.OrderTaxAmount != 0 || tax != 0 {
		t.Errorf("the order is %d with tax %d, of its lines %d; want 0", lines.OrderAmount, lines.OrderTaxAmount, tax)
	}
}
