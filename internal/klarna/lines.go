package klarna

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/shopd/shopd/internal/money"
)

// Limits of Klarna's order lines. Source: docs.kustom.co, Create order.
const (
	MaxLines      = 1000
	MaxLineAmount = money.Amount(100_000_000) // unit_price and total_amount, minor units
	maxText       = 255                       // name, reference; characters
	maxUnit       = 8                         // quantity_unit; characters
	maxURL        = 1024                      // product_url, image_url; characters
)

// Item is the input for an order line. The rest of the line is computed.
type Item struct {
	Type          LineType
	Reference     string
	Name          string
	Quantity      int64
	QuantityUnit  string
	UnitPrice     money.Amount // tax included (US: without); negative for a discount
	TaxRate       money.TaxRate
	TotalDiscount money.Amount // ≥ 0, of the whole line, tax included
	ProductURL    string
	ImageURL      string
	// TaxShift is added to the computed tax: who makes a line elsewhere may round it another
	// way. Klarna takes -1 to 1.
	TaxShift money.Amount
	Told
}

// Lines is an order's lines and their sums.
type Lines struct {
	OrderAmount    money.Amount `json:"order_amount"`
	OrderTaxAmount money.Amount `json:"order_tax_amount"`
	OrderLines     []OrderLine  `json:"order_lines"`
}

// Sale is what an order sells, where and for how much. All of Klarna's APIs call it
// the same.
type Sale struct {
	PurchaseCountry  string `json:"purchase_country"`  // alpha-2; Klarna may echo it in another case
	PurchaseCurrency string `json:"purchase_currency"` // ISO 4217
	Locale           string `json:"locale"`            // language only, such as sv-SE
	Lines
}

// RuleError says which rule of Klarna's an order breaks.
type RuleError struct {
	Field string // such as "order_lines[2].total_amount"
	Rule  string // in words, with the numbers
}

// Error names field and rule.
func (e *RuleError) Error() string { return e.Field + ": " + e.Rule }

// NewLines makes order lines and sums of items:
//
//	total_amount     = quantity × unit_price − discount
//	total_tax_amount = total_amount × rate / (100 % + rate), half away from zero
//	order_amount     = Σ total_amount
//	order_tax_amount = Σ total_tax_amount, or the sales_tax line's total
//
// Where a discount takes nearly all, the rounded taxes could sum to less than 0, which Klarna
// refuses: then some that were rounded down are rounded up. When Klarna would refuse the result, it returns the lines so far with a *RuleError or
// money.ErrOverflow.
// Source: docs.kustom.co, Create order; docs.klarna.com, Tax handling.
func NewLines(items []Item) (Lines, error) {
	l := Lines{OrderLines: make([]OrderLine, 0, len(items))}
	for i, item := range items {
		line, err := item.line()
		if err != nil {
			return l, fmt.Errorf("order_lines[%d]: %w", i, err)
		}
		l.OrderLines = append(l.OrderLines, line)
	}
	var err error
	if l.OrderAmount, l.OrderTaxAmount, err = Sums(l.OrderLines); err != nil {
		return l, err
	}
	for i := 0; i < len(l.OrderLines) && l.OrderAmount >= 0 && l.OrderTaxAmount < 0; i++ {
		if line := &l.OrderLines[i]; line.roundedDown() {
			line.TotalTaxAmount++
			l.OrderTaxAmount++
		}
	}
	return l, l.Check()
}

// roundedDown reports whether the line's tax is less than the exact one: then Klarna takes
// one more, but not one less.
func (line OrderLine) roundedDown() bool {
	rate := line.TaxRate.Tax()
	return rate.Accepts(line.TotalAmount, line.TotalTaxAmount+1) && !rate.Accepts(line.TotalAmount, line.TotalTaxAmount-1)
}

func (item Item) line() (OrderLine, error) {
	gross, err := item.UnitPrice.Mul(item.Quantity)
	if err != nil {
		return OrderLine{}, err
	}
	total, err := gross.Sub(item.TotalDiscount)
	if err != nil {
		return OrderLine{}, err
	}
	tax, err := item.TaxRate.Included(total)
	if err != nil {
		return OrderLine{}, err
	}
	rate, err := RateOf(item.TaxRate)
	if err != nil {
		return OrderLine{}, err
	}
	return OrderLine{
		Type: item.Type, Reference: item.Reference, Name: item.Name,
		Quantity: item.Quantity, QuantityUnit: item.QuantityUnit,
		UnitPrice: item.UnitPrice, TaxRate: rate,
		TotalAmount: total, TotalDiscountAmount: item.TotalDiscount, TotalTaxAmount: tax + item.TaxShift,
		ProductURL: item.ProductURL, ImageURL: item.ImageURL, Told: item.Told,
	}, nil
}

// Sums adds up the lines. In the US scheme the tax is only the amount of the sales_tax
// line.
func Sums(lines []OrderLine) (amount, tax money.Amount, err error) {
	var salesTax money.Amount
	hasSalesTax := false
	for _, line := range lines {
		if amount, err = amount.Add(line.TotalAmount); err != nil {
			return 0, 0, err
		}
		if tax, err = tax.Add(line.TotalTaxAmount); err != nil {
			return 0, 0, err
		}
		if line.Type == SalesTax {
			hasSalesTax = true
			if salesTax, err = salesTax.Add(line.TotalAmount); err != nil {
				return 0, 0, err
			}
		}
	}
	if hasSalesTax {
		tax = salesTax
	}
	return amount, tax, nil
}

// Check returns the first rule of Klarna's that the lines and sums break, as a *RuleError,
// or nil. Rules are checked in Klarna's order.
func (l Lines) Check() error {
	if n := len(l.OrderLines); n > MaxLines {
		return &RuleError{"order_lines", fmt.Sprintf("%d lines, Klarna takes at most %d", n, MaxLines)}
	}
	for i, line := range l.OrderLines {
		if field, rule := line.check(); rule != "" {
			return &RuleError{fmt.Sprintf("order_lines[%d].%s", i, field), rule}
		}
	}
	if slices.ContainsFunc(l.OrderLines, func(line OrderLine) bool { return line.Type == SalesTax }) {
		if i := slices.IndexFunc(l.OrderLines, func(line OrderLine) bool { return line.TaxRate != 0 }); i >= 0 {
			return &RuleError{fmt.Sprintf("order_lines[%d].tax_rate", i), "must be 0 beside a sales_tax line, which is all the tax there is"}
		}
	}
	amount, tax, err := Sums(l.OrderLines)
	if err != nil {
		return &RuleError{"order_amount", err.Error()}
	}
	switch {
	case l.OrderAmount != amount:
		return &RuleError{"order_amount", fmt.Sprintf("is %d, the lines sum to %d", l.OrderAmount, amount)}
	case amount < 0:
		return &RuleError{"order_amount", fmt.Sprintf("is %d, must not be negative", amount)}
	case l.OrderTaxAmount != tax:
		return &RuleError{"order_tax_amount", fmt.Sprintf("is %d, the lines sum to %d", l.OrderTaxAmount, tax)}
	case tax < 0:
		return &RuleError{"order_tax_amount", fmt.Sprintf("is %d, must not be negative", tax)}
	}
	return nil
}

func (line OrderLine) check() (field, rule string) {
	length := utf8.RuneCountInString
	switch {
	case length(line.Name) < 1 || length(line.Name) > maxText:
		return "name", fmt.Sprintf("has %d characters, must have 1 to %d", length(line.Name), maxText)
	case length(line.Reference) > maxText:
		return "reference", fmt.Sprintf("has %d characters, at most %d", length(line.Reference), maxText)
	case length(line.QuantityUnit) > maxUnit:
		return "quantity_unit", fmt.Sprintf("has %d characters, at most %d", length(line.QuantityUnit), maxUnit)
	case length(line.ProductURL) > maxURL:
		return "product_url", fmt.Sprintf("has %d characters, at most %d", length(line.ProductURL), maxURL)
	case length(line.ImageURL) > maxURL:
		return "image_url", fmt.Sprintf("has %d characters, at most %d", length(line.ImageURL), maxURL)
	case line.Quantity < 0:
		return "quantity", fmt.Sprintf("is %d, must not be negative", line.Quantity)
	case line.UnitPrice > MaxLineAmount:
		return "unit_price", fmt.Sprintf("is %d, at most %d", line.UnitPrice, MaxLineAmount)
	case line.TaxRate < 0 || line.TaxRate > 10000:
		return "tax_rate", fmt.Sprintf("is %d, must be 0 to 10000", line.TaxRate)
	case line.TotalDiscountAmount < 0:
		return "total_discount_amount", fmt.Sprintf("is %d, must not be negative", line.TotalDiscountAmount)
	case line.TotalAmount > MaxLineAmount:
		return "total_amount", fmt.Sprintf("is %d, at most %d", line.TotalAmount, MaxLineAmount)
	}
	want, err := Item{
		Quantity: line.Quantity, UnitPrice: line.UnitPrice,
		TotalDiscount: line.TotalDiscountAmount, TaxRate: line.TaxRate.Tax(),
	}.line()
	switch {
	case err != nil:
		return "total_amount", err.Error()
	case line.TotalAmount != want.TotalAmount:
		return "total_amount", fmt.Sprintf("is %d, %d × %d − %d = %d",
			line.TotalAmount, line.Quantity, line.UnitPrice, line.TotalDiscountAmount, want.TotalAmount)
	case line.Type == SalesTax && (line.TaxRate != 0 || line.TotalTaxAmount != 0):
		return "tax_rate", "a sales_tax line is the tax itself: its tax_rate and total_tax_amount are 0"
	case !line.TaxRate.Tax().Accepts(line.TotalAmount, line.TotalTaxAmount):
		return "total_tax_amount", fmt.Sprintf("is %d, %d at %d/100 %% holds %d",
			line.TotalTaxAmount, line.TotalAmount, line.TaxRate, want.TotalTaxAmount)
	}
	return "", ""
}
