package aftersale

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Lines gives the order other lines, and with them another amount.
var Lines = &Action{
	Name: "lines", Slug: "lines", Needs: permission.Change, Title: "Change lines", Busy: "Changing…", Noun: "change of the lines",
	Did: "changed the order to", Try: "change the order to",
	Why: func(o order.Order, r Reason) string {
		if r == ReasonMethod {
			return "the amount cannot be raised with " + methodOf(o, "this way to pay") + ". Ask the shopper to order the extra items separately."
		}
		return ""
	},
	Result: func(o order.Order, e order.AuditEntry) (title, body string) {
		return "Changed the order to " + form.Money(e.Amount, o.PurchaseCurrency) + ".", form.Amount(o.RemainingAuthorizedAmount) + " remains."
	},
	Refused: func(o order.Order, e order.AuditEntry) string {
		switch {
		case e.Code != "NOT_ALLOWED":
			return ""
		case e.Amount < o.CapturedAmount:
			return reasonText(o, ReasonBelowCaptured)
		case e.Amount > o.OrderAmount:
			return "Klarna did not approve the higher amount, and the order is unchanged. Ask the shopper to order the extra items separately."
		}
		return ""
	},
	Possible: open, Limits: func(_ order.Order, c order.Command) error { return authorization(c).Check() }, Check: linesCheck,
	Send: func(ctx context.Context, m *ordermanagement.Client, o order.Order, c order.Command) (_ string, a klarna.Answer, err error) {
		a, err = m.UpdateAuthorization(ctx, o.OrderID, authorization(c), c.Key)
		return "", a, err
	},
	Apply: func(o *order.Order, c order.Command, _ order.AuditEntry) {
		o.OrderAmount, o.RemainingAuthorizedAmount = c.Amount, c.Amount-o.CapturedAmount
		o.SetLines(c.OrderLines)
		o.Follow()
	},
	Own: func(markets market.List, o *order.Order, _ order.Command, _ order.AuditEntry) {
		o.Terms = o.Terms.At(markets, *o, o.ShippingAddress)
	},
	Has: func(sold ordermanagement.Order, c order.Command) bool {
		return sold.OrderAmount == c.Amount && slices.EqualFunc(sold.OrderLines, c.OrderLines, func(a, b klarna.OrderLine) bool {
			return a.Reference == b.Reference && a.Quantity == b.Quantity && a.TotalAmount == b.TotalAmount
		})
	},
	Defaults: linesDefaults, Form: linesForm, Parse: linesParse, Confirm: linesConfirm,
	More: func(d *Draft) bool {
		if !d.Values.Has("more") {
			return false
		}
		d.Values[fieldAddSKU] = append(d.Values[fieldAddSKU], "")
		d.Values[fieldAddQuantity] = append(d.Values[fieldAddQuantity], "")
		return true
	},
	Blame: func(d *Draft, e *ImpossibleError, text string) bool {
		if e.Reason == ReasonStock {
			d.failStock(e.Field, text)
			return true
		}
		of := slices.Contains([]Reason{ReasonBelowCaptured, ReasonMethod, ReasonMarket, ReasonInvalid}, e.Reason)
		if of && e.Field != "description" {
			d.failLines(text)
			return true
		}
		return false
	},
}

func authorization(c order.Command) ordermanagement.Authorization {
	return ordermanagement.Authorization{OrderAmount: c.Amount, Description: c.Description, OrderLines: c.OrderLines}
}

func linesCheck(s State, c order.Command) (Reason, string) {
	for _, line := range c.OrderLines {
		gross, err := line.UnitPrice.Mul(line.Quantity)
		if err != nil || gross-line.TotalDiscountAmount != line.TotalAmount || line.Type == klarna.ReturnFee {
			return ReasonInvalid, "order_lines"
		}
	}
	switch {
	case !order.SumsTo(c.OrderLines, c.Amount):
		return ReasonInvalid, "order_lines"
	case c.Amount < s.Order.CapturedAmount:
		return ReasonBelowCaptured, ""
	case c.Amount > s.Order.OrderAmount && raisable(s.Order) != "":
		return raisable(s.Order), ""
	case !c.Insist:
		return tooFew(s, c)
	}
	return "", ""
}

// tooFew is ReasonStock with the SKU of which a command wants more than there is.
func tooFew(s State, c order.Command) (Reason, string) {
	more := map[string]int{}
	for _, line := range cart.Stocked(s.Order.OrderLines) {
		more[line.SKU] -= line.Quantity
	}
	goods := cart.Stocked(c.OrderLines)
	for _, line := range goods {
		more[line.SKU] += line.Quantity
	}
	for _, line := range goods {
		if n := more[line.SKU]; n > 0 {
			if left, counted := s.Left(line.SKU); counted && n > left {
				return ReasonStock, line.SKU
			}
		}
	}
	return "", ""
}

// raisable is why the order's amount cannot be raised, "" when payment method
// and market allow it. Klarna checks the risk then, and may still refuse. What
// Klarna calls the methods differs from API to API.
// Source: docs.klarna.com, View and change orders.
func raisable(o order.Order) Reason {
	switch o.PaymentMethod.Type {
	case "INVOICE", "INVOICE_BUSINESS", "B2B_INVOICE", "ACCOUNT", "BASE_ACCOUNT", "DIRECT_DEBIT":
		if o.PurchaseCountry == "CH" {
			return ReasonMarket
		}
		return ""
	case "FIXED_AMOUNT":
		if !slices.Contains([]string{"AT", "DE", "DK", "FI", "FR", "NL", "NO", "SE"}, o.PurchaseCountry) {
			return ReasonMarket
		}
		return ""
	}
	return ReasonMethod
}

// failStock notes that there is too little of a product, at its line or where it is added.
func (d *Draft) failStock(sku, text string) {
	d.short = true
	names := quantityFields(d.Order.OrderLines)
	for i, line := range d.Order.OrderLines {
		if line.Reference == sku {
			d.fail(names[i], form.LineID(i), text)
			return
		}
	}
	for i, row := range d.addRows() {
		if strings.TrimSpace(row.SKU) == sku {
			d.fail(addField(fieldAddQuantity, i), form.AddID(i, "quantity"), text)
			return
		}
	}
}

// failLines notes what is wrong with the lines as a whole, at the first.
func (d *Draft) failLines(text string) {
	if names := quantityFields(d.Order.OrderLines); len(names) > 0 {
		d.fail(names[0], form.LineID(0), text)
		return
	}
	d.fail(addField(fieldAddSKU, 0), form.AddID(0, "sku"), text)
}

// The products that are added to an order: each row has both fields.
const (
	fieldAddSKU      = "add_sku"
	fieldAddQuantity = "add_quantity"
)

func linesDefaults(d *Draft) {
	d.setQuantities(d.Order.OrderLines, func(l klarna.OrderLine) int64 { return l.Quantity })
	d.Values[fieldAddSKU], d.Values[fieldAddQuantity] = []string{""}, []string{""}
}

func linesParse(d *Draft) {
	c, o := &d.Command, d.Order
	states, names := o.Lines(), quantityFields(o.OrderLines)
	for i, line := range o.OrderLines {
		if line.Type == klarna.SalesTax {
			c.OrderLines = append(c.OrderLines, line)
			continue
		}
		// Of a discount 0 removes it, and else it follows the goods.
		n := d.quantity(names[i], form.LineID(i), d.Values.Get(names[i]), mostOf(line))
		if least := captured(states[i]); n < least {
			d.fail(names[i], form.LineID(i), strconv.FormatInt(least, 10)+" of "+line.Name+" are captured. Enter that many or more.")
		}
		if changed, err := requantified(line, n); err != nil {
			d.fail(names[i], form.LineID(i), "That is more than Klarna takes.")
		} else if changed.Quantity > 0 {
			c.OrderLines = append(c.OrderLines, changed)
		}
	}
	d.addProducts()
	c.Description = d.text("description", "The description", maxNote)
	c.Insist = d.ticked("insist")
	if len(d.Errors) > 0 {
		return
	}
	terms := o.Terms.At(d.markets(), o, o.ShippingAddress)
	switch {
	case o.OwnSalesTax():
		// In proportion to the goods, and nobody here knows the tax of more of them.
		if goodsSum(c.OrderLines) > goodsSum(o.OrderLines) {
			d.failLines("The sales tax of this order came with it, so it cannot be computed for more. Ask the shopper to order the extra items separately.")
			return
		}
	case d.beforeSalesTax() < len(c.OrderLines) && terms.SalesTax == nil:
		d.failLines("The state of the address cannot be read, so the sales tax cannot be computed. Change the address first.")
		return
	}
	lines, err := o.Recomputed(c.OrderLines, terms)
	if err != nil {
		d.failLines("The order comes to more than Klarna takes.")
		return
	}
	c.OrderLines = lines
	amount, _, err := klarna.Sums(c.OrderLines)
	c.Amount = amount
	switch {
	case err != nil || amount > maxTyped:
		d.failLines("The order comes to more than Klarna takes.")
	case len(c.OrderLines) == 0 || amount <= 0:
		d.failLines("Nothing is left of the order. Cancel it instead.")
	case slices.Equal(c.OrderLines, o.OrderLines):
		d.failLines("Nothing has changed. Change a quantity, add a product, or go back to the order.")
	}
}

func goodsSum(lines []klarna.OrderLine) (sum money.Amount) {
	for _, line := range lines {
		if line.IsGoods() {
			sum += line.TotalAmount // each is within Klarna's limits
		}
	}
	return sum
}

// mostOf is the largest quantity that a line can have: of goods there may be
// more, of a fee or a discount there is one.
func mostOf(line klarna.OrderLine) int64 {
	if line.IsGoods() {
		return max(maxQuantity, line.Quantity)
	}
	return line.Quantity
}

// captured is how many of a line are captured, the whole of a discount of which a
// part is.
func captured(s order.LineState) int64 {
	if s.Open.UnitPrice != s.Line.UnitPrice {
		return s.Line.Quantity
	}
	return s.Captured
}

// requantified is a line with another quantity: of fewer its part of the
// amounts, of more the unit price for each that comes on top.
func requantified(line klarna.OrderLine, quantity int64) (klarna.OrderLine, error) {
	if quantity <= line.Quantity {
		parts, _, err := order.Take([]klarna.OrderLine{line}, []int64{quantity})
		if err != nil || len(parts) == 0 {
			return klarna.OrderLine{}, err
		}
		return parts[0], nil
	}
	lines, err := klarna.NewLines([]klarna.Item{{
		Type: line.Type, Reference: line.Reference, Name: line.Name, Quantity: quantity, QuantityUnit: line.QuantityUnit,
		UnitPrice: line.UnitPrice, TaxRate: line.TaxRate.Tax(), TotalDiscount: line.TotalDiscountAmount,
		ProductURL: line.ProductURL, ImageURL: line.ImageURL, Told: line.Told,
	}})
	if err != nil {
		return klarna.OrderLine{}, err
	}
	return lines.OrderLines[0], nil
}

// addProducts adds the products that were typed, before a sales tax.
func (d *Draft) addProducts() {
	c, to := &d.Command, d.delivery()
	lang := i18n.LangOf(d.Order.Locale)
	for i, row := range d.addRows() {
		sku, typed := strings.TrimSpace(row.SKU), strings.TrimSpace(row.Quantity)
		skuField, quantityField := addField(fieldAddSKU, i), addField(fieldAddQuantity, i)
		if sku == "" && typed == "" {
			continue
		}
		product, known := d.pricer.Published.Now().Catalog.Product(sku)
		if !known {
			d.fail(skuField, form.AddID(i, "sku"), "There is no item "+form.Shortened(sku)+". Look for it in Stock.")
			continue
		}
		price, sold := product.Price(d.Order.PurchaseCurrency)
		if !sold {
			d.fail(skuField, form.AddID(i, "sku"), sku+" has no price in "+string(d.Order.PurchaseCurrency)+".")
			continue
		}
		n := d.quantity(quantityField, form.AddID(i, "quantity"), typed, maxQuantity)
		if n == 0 {
			d.fail(quantityField, form.AddID(i, "quantity"), "Enter how many of "+sku+" to add.")
			continue
		}
		lines, err := klarna.NewLines([]klarna.Item{d.pricer.Item(to, lang, product, int(n), price)})
		if err != nil {
			d.fail(quantityField, form.AddID(i, "quantity"), "That is more than Klarna takes.")
			continue
		}
		added := lines.OrderLines[0]
		if slices.ContainsFunc(c.OrderLines, func(l klarna.OrderLine) bool {
			return l.Type == added.Type && l.Reference == added.Reference && l.UnitPrice == added.UnitPrice
		}) {
			d.fail(skuField, form.AddID(i, "sku"), sku+" is on the order already. Change its quantity instead.")
			continue
		}
		c.OrderLines = slices.Insert(c.OrderLines, d.beforeSalesTax(), added)
	}
}

// beforeSalesTax is where a line of goods is added.
func (d *Draft) beforeSalesTax() int {
	lines := d.Command.OrderLines
	if at := slices.IndexFunc(lines, func(l klarna.OrderLine) bool { return l.Type == klarna.SalesTax }); at >= 0 {
		return at
	}
	return len(lines)
}

// addRows are the rows of added products as they were typed.
func (d *Draft) addRows() []form.AddRow {
	skus, quantities := d.Values[fieldAddSKU], d.Values[fieldAddQuantity]
	rows := make([]form.AddRow, min(max(len(skus), len(quantities)), maxRows))
	for i := range rows {
		if i < len(skus) {
			rows[i].SKU = skus[i]
		}
		if i < len(quantities) {
			rows[i].Quantity = quantities[i]
		}
		rows[i].SKUError, rows[i].QuantityError = d.byName[addField(fieldAddSKU, i)], d.byName[addField(fieldAddQuantity, i)]
	}
	return rows
}

// maxSuggested bounds how many products the form suggests: any other can be typed.
const maxSuggested = 500

// maxRows bounds how many products can be added at once.
const maxRows = 50

func addField(name string, i int) string { return name + ":" + strconv.Itoa(i) }

func linesForm(d *Draft, f *form.Form) {
	o := d.Order
	states := o.Lines()
	rows, follows := d.quantityLines(o.OrderLines), following(o.OrderLines)
	for i, line := range o.OrderLines {
		rows[i].Max = mostOf(line)
		rows[i].Fixed = line.Type == klarna.SalesTax
		if n := captured(states[i]); n > 0 {
			rows[i].Note = strconv.FormatInt(n, 10) + " captured"
		}
		if rows[i].Follows = follows[i]; follows[i] {
			rows[i].Note = "follows the goods"
		}
		if rows[i].Fixed {
			rows[i].Value, rows[i].Note = "1", "follows from the other lines"
		}
	}
	f.Lines = form.NewTable("Lines of the order; 0 removes one", string(o.PurchaseCurrency), "Now", rows)
	var products []form.Option
	lang := i18n.LangOf(o.Locale)
	for _, p := range d.pricer.Published.Now().Catalog.Products() {
		if price, sold := p.Price(o.PurchaseCurrency); sold && len(products) < maxSuggested {
			name, _ := p.Name.In(lang)
			products = append(products, form.Option{Value: p.SKU, Label: name + ", " + form.Money(price, o.PurchaseCurrency)})
		}
	}
	f.Add = form.NewAddTable(d.addRows(), products)
	f.Groups = append(f.Groups, form.Group{Title: "Notes", Inputs: []form.Input{
		d.input(form.Input{Name: "description", Label: "Description"}),
	}})
	if d.short || d.ticked("insist") {
		f.Checks = append(f.Checks, d.check(form.Check{Name: "insist", Label: "Sell it all the same, although there is less in stock"}))
	}
	if !slices.ContainsFunc(o.OrderLines, func(l klarna.OrderLine) bool { return l.Type == klarna.SalesTax }) {
		f.Sum = d.sum("Order amount, without added products:", o.OrderAmount, "")
	}
	f.Intro = append(f.Intro, "A lower amount goes through at once. For a higher one Klarna checks the risk again and may refuse; then nothing changes. "+raiseText(o))
	if slices.ContainsFunc(o.OrderLines, func(l klarna.OrderLine) bool { return l.Type == klarna.Discount }) {
		f.Intro = append(f.Intro, "Discounts follow the goods, by the rules of the campaigns that gave them. 0 removes one.")
	}
}

// raiseText says whether the amount can be raised. Source: docs.klarna.com,
// View and change orders.
func raiseText(o order.Order) string {
	method := o.PaymentMethod.Description
	if method == "" {
		method = "The way this order is paid"
	}
	if raisable(o) == "" {
		return method + " allows a higher amount."
	}
	return method + " does not allow a higher amount in " + o.PurchaseCountry + ": only invoices, financing, direct debit and, in some countries, fixed amounts do. Ask the shopper to order the extra items separately."
}

func linesConfirm(d *Draft, q *form.Question) {
	o, c := d.Order, d.Command
	q.Ask = "Change the order to " + form.Money(c.Amount, o.PurchaseCurrency) + "?"
	q.Button = "Change to " + form.Money(c.Amount, o.PurchaseCurrency)
	switch {
	case c.Amount > o.OrderAmount:
		q.Body = append(q.Body, "The amount grows by "+form.Money(c.Amount-o.OrderAmount, o.PurchaseCurrency)+". Klarna checks the risk again and may refuse; then nothing changes.")
	case c.Amount < o.OrderAmount:
		q.Body = append(q.Body, "The amount falls by "+form.Money(o.OrderAmount-c.Amount, o.PurchaseCurrency)+". Raising it again needs a new risk check by Klarna.")
	default:
		q.Body = append(q.Body, "The amount stays the same.")
	}
	q.Facts = []form.Fact{
		{Name: "Order amount", Before: form.Amount(o.OrderAmount), After: form.Amount(c.Amount)},
		{Name: "Remaining", Before: form.Amount(o.RemainingAuthorizedAmount), After: form.Amount(c.Amount - o.CapturedAmount)},
	}
	q.Facts = append(q.Facts, changedQuantities(o, c.OrderLines)...)
	q.Caption, q.Items = "The lines after this change", confirmItems(c.OrderLines)
}

// changedQuantities are the lines whose quantity or amount changes, by their IDs then and now.
func changedQuantities(before order.Order, lines []klarna.OrderLine) []form.Fact {
	after := before
	after.SetLines(lines)
	byID := func(o order.Order) map[string]klarna.OrderLine {
		all := map[string]klarna.OrderLine{}
		for i, id := range o.LineIDs() {
			all[id] = o.OrderLines[i]
		}
		return all
	}
	old, fresh := byID(before), byID(after)
	var facts []form.Fact
	fact := func(id string, line klarna.OrderLine) {
		was, is := old[id], fresh[id]
		if line.Type == klarna.SalesTax {
			if was.TotalAmount != is.TotalAmount {
				facts = append(facts, form.Fact{Name: line.Name, Before: form.Amount(was.TotalAmount), After: form.Amount(is.TotalAmount)})
			}
		} else if was.Quantity != is.Quantity {
			facts = append(facts, form.Fact{
				Name: "Quantity of " + line.Name, Before: strconv.FormatInt(was.Quantity, 10), After: strconv.FormatInt(is.Quantity, 10),
			})
		}
	}
	for i, id := range before.LineIDs() {
		fact(id, before.OrderLines[i])
	}
	for i, id := range after.LineIDs() {
		if _, known := old[id]; !known {
			fact(id, lines[i])
		}
	}
	return facts
}
