package backoffice

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// The products that are added to an order: each row has both fields.
const (
	fieldAddSKU      = "add_sku"
	fieldAddQuantity = "add_quantity"
)

func linesDefaults(d *draft) {
	d.setQuantities(d.order.OrderLines, func(l klarna.OrderLine) int64 { return l.Quantity })
	d.values[fieldAddSKU], d.values[fieldAddQuantity] = []string{""}, []string{""}
}

func linesParse(d *draft) {
	c, o := &d.command, d.order
	captured, names := d.captured(), quantityFields(o.OrderLines)
	for i, line := range o.OrderLines {
		if line.Type == klarna.SalesTax {
			c.OrderLines = append(c.OrderLines, line)
			continue
		}
		n := d.quantity(names[i], lineID(i), d.values.Get(names[i]), mostOf(line))
		if n < captured[i] {
			d.fail(names[i], lineID(i), strconv.FormatInt(captured[i], 10)+" of "+line.Name+" are captured. Enter that many or more.")
		}
		if changed, err := requantified(line, n); err != nil {
			d.fail(names[i], lineID(i), "That is more than Klarna takes.")
		} else if changed.Quantity > 0 {
			c.OrderLines = append(c.OrderLines, changed)
		}
	}
	d.addProducts()
	c.Description = d.text("description", "The description", maxNote)
	if len(d.errors) > 0 {
		return
	}
	if !d.computeSalesTax() {
		d.failLines("The sales tax of this order cannot be computed here. Cancel it, and ask the shopper to order again.")
		return
	}
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

// mostOf is the largest quantity that a line can have: of goods there may be
// more, of a fee or a discount there is one.
func mostOf(line klarna.OrderLine) int64 {
	if line.Type == klarna.Physical || line.Type == klarna.Digital {
		return max(maxQuantity, line.Quantity)
	}
	return line.Quantity
}

// captured are how many of each line are captured.
func (d *draft) captured() []int64 {
	quantities := make([]int64, len(d.order.OrderLines))
	left := d.order.Uncaptured()
	for i, line := range d.order.OrderLines {
		quantities[i] = line.Quantity
		at := slices.IndexFunc(left, func(l klarna.OrderLine) bool {
			return l.Type == line.Type && l.Reference == line.Reference && l.Name == line.Name && l.UnitPrice == line.UnitPrice
		})
		if at >= 0 {
			quantities[i] = max(line.Quantity-left[at].Quantity, 0)
			left = slices.Delete(left, at, at+1)
		}
	}
	return quantities
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
		UnitPrice: line.UnitPrice, TaxRate: line.TaxRate, TotalDiscount: line.TotalDiscountAmount,
		ProductURL: line.ProductURL, ImageURL: line.ImageURL,
	}})
	if err != nil {
		return klarna.OrderLine{}, err
	}
	return lines.OrderLines[0], nil
}

// addProducts adds the products that were typed, before a sales tax.
func (d *draft) addProducts() {
	c, to := &d.command, d.delivery()
	lang := i18n.LangOf(d.order.Locale)
	for i, row := range d.addRows() {
		sku, typed := strings.TrimSpace(row.SKU), strings.TrimSpace(row.Quantity)
		skuField, quantityField := addField(fieldAddSKU, i), addField(fieldAddQuantity, i)
		if sku == "" && typed == "" {
			continue
		}
		product, known := d.pricer.Catalog.Product(sku)
		if !known {
			d.fail(skuField, addID(i, "sku"), "There is no item "+shortened(sku)+". Choose one from the list.")
			continue
		}
		price, sold := product.Price(d.order.PurchaseCurrency)
		if !sold {
			d.fail(skuField, addID(i, "sku"), sku+" has no price in "+string(d.order.PurchaseCurrency)+".")
			continue
		}
		n := d.quantity(quantityField, addID(i, "quantity"), typed, maxQuantity)
		if n == 0 {
			d.fail(quantityField, addID(i, "quantity"), "Enter how many of "+sku+" to add.")
			continue
		}
		lines, err := klarna.NewLines([]klarna.Item{d.pricer.Item(to, lang, product, int(n), price)})
		if err != nil {
			d.fail(quantityField, addID(i, "quantity"), "That is more than Klarna takes.")
			continue
		}
		added := lines.OrderLines[0]
		if slices.ContainsFunc(c.OrderLines, func(l klarna.OrderLine) bool {
			return l.Type == added.Type && l.Reference == added.Reference && l.UnitPrice == added.UnitPrice
		}) {
			d.fail(skuField, addID(i, "sku"), sku+" is on the order already. Change its quantity instead.")
			continue
		}
		c.OrderLines = slices.Insert(c.OrderLines, d.beforeSalesTax(), added)
	}
}

// beforeSalesTax is where a line of goods is added.
func (d *draft) beforeSalesTax() int {
	lines := d.command.OrderLines
	if at := slices.IndexFunc(lines, func(l klarna.OrderLine) bool { return l.Type == klarna.SalesTax }); at >= 0 {
		return at
	}
	return len(lines)
}

// computeSalesTax makes the sales tax that of the new lines. It reports false
// when it would not come to what the order has now by the same rule.
func (d *draft) computeSalesTax() bool {
	lines := d.command.OrderLines
	at := d.beforeSalesTax()
	if at == len(lines) {
		return true
	}
	m, _ := market.Lookup(d.order.PurchaseCountry)
	region, known := m.Region(d.order.ShippingAddress.Region)
	if !known {
		return false
	}
	rate := d.delivery().SalesTaxRate(region)
	before, err := rate.OnTop(d.taxable(d.order.OrderLines))
	if err != nil || before != lines[at].TotalAmount {
		return false
	}
	after, err := rate.OnTop(d.taxable(lines))
	if err != nil {
		return false
	}
	lines[at].Quantity, lines[at].UnitPrice, lines[at].TotalAmount = 1, after, after
	return true
}

// taxable are the amounts on which sales tax is due: all but vouchers and the tax itself.
func (d *draft) taxable(lines []klarna.OrderLine) (sum money.Amount) {
	for _, line := range lines {
		product, known := d.pricer.Catalog.Product(line.Reference)
		if line.Type != klarna.SalesTax && (!known || product.Class != market.None) {
			sum += line.TotalAmount
		}
	}
	return sum
}

// addRows are the rows of added products as they were typed.
func (d *draft) addRows() []templates.AddRow {
	skus, quantities := d.values[fieldAddSKU], d.values[fieldAddQuantity]
	rows := make([]templates.AddRow, min(max(len(skus), len(quantities)), maxRows))
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

// maxRows bounds how many products can be added at once.
const maxRows = 50

func addField(name string, i int) string { return name + ":" + strconv.Itoa(i) }

// addID is the ID of the control of a row, as templates.AddTable numbers them.
func addID(i int, field string) string { return "add-" + strconv.Itoa(i) + "-" + field }

// shortened is what was typed as far as a message has room for it.
func shortened(text string) string {
	if runes := []rune(text); len(runes) > 40 {
		return `"` + string(runes[:40]) + `…"`
	}
	return `"` + text + `"`
}

func linesForm(d *draft, v *templates.ActionFormView) {
	o := d.order
	captured := d.captured()
	rows := d.quantityLines(o.OrderLines)
	for i, line := range o.OrderLines {
		rows[i].Max = mostOf(line)
		rows[i].Fixed = line.Type == klarna.SalesTax
		if captured[i] > 0 {
			rows[i].Note = strconv.FormatInt(captured[i], 10) + " captured"
		}
		if rows[i].Fixed {
			rows[i].Value, rows[i].Note = "1", "follows from the other lines"
		}
	}
	v.Lines = templates.NewQuantityTable("Lines of the order; 0 removes one", string(o.PurchaseCurrency), "Now", rows)
	var products []templates.Option
	lang := i18n.LangOf(o.Locale)
	for _, p := range d.pricer.Catalog.Products() {
		if price, sold := p.Price(o.PurchaseCurrency); sold {
			name, _ := p.Name.In(lang)
			products = append(products, templates.Option{Value: p.SKU, Label: name + ", " + moneyText(price, o.PurchaseCurrency)})
		}
	}
	v.Add = templates.NewAddTable(d.addRows(), products)
	v.Groups = append(v.Groups, templates.InputGroup{Title: "Notes", Inputs: []templates.Input{
		d.input(templates.Input{Name: "description", Label: "Description"}),
	}})
	if !slices.ContainsFunc(o.OrderLines, func(l klarna.OrderLine) bool { return l.Type == klarna.SalesTax }) {
		v.Sum = d.sum("Order amount, without added products:", o.OrderAmount, "")
	}
	v.Intro = append(v.Intro, "A lower amount goes through at once. For a higher one Klarna checks the risk again and may refuse; then nothing changes. "+raiseText(o))
	if slices.ContainsFunc(o.OrderLines, func(l klarna.OrderLine) bool { return l.Type == klarna.Discount }) {
		v.Intro = append(v.Intro, "Discounts stay as they are, whatever happens to the goods, unless you remove them.")
	}
}

// raiseText says whether the amount can be raised. Source: docs.klarna.com,
// View and change orders.
func raiseText(o order.Order) string {
	method := o.PaymentMethod.Description
	if method == "" {
		method = "The way this order is paid"
	}
	if o.MayRaise() == nil {
		return method + " allows a higher amount."
	}
	return method + " does not allow a higher amount in " + o.PurchaseCountry + ": only invoices, financing, direct debit and, in some countries, fixed amounts do. Ask the shopper to order the extra items separately."
}

func linesConfirm(d *draft, v *templates.ActionConfirmView) {
	o, c := d.order, d.command
	v.Question = "Change the order to " + moneyText(c.Amount, o.PurchaseCurrency) + "?"
	v.Button = "Change to " + moneyText(c.Amount, o.PurchaseCurrency)
	switch {
	case c.Amount > o.OrderAmount:
		v.Body = append(v.Body, "The amount grows by "+moneyText(c.Amount-o.OrderAmount, o.PurchaseCurrency)+". Klarna checks the risk again and may refuse; then nothing changes.")
	case c.Amount < o.OrderAmount:
		v.Body = append(v.Body, "The amount falls by "+moneyText(o.OrderAmount-c.Amount, o.PurchaseCurrency)+". Raising it again needs a new risk check by Klarna.")
	default:
		v.Body = append(v.Body, "The amount stays the same.")
	}
	v.Facts = []templates.Fact{
		{Name: "Order amount", Before: amountText(o.OrderAmount), After: amountText(c.Amount)},
		{Name: "Remaining", Before: amountText(o.RemainingAuthorizedAmount), After: amountText(c.Amount - o.CapturedAmount)},
	}
	v.Facts = append(v.Facts, changedQuantities(o.OrderLines, c.OrderLines)...)
	v.Caption, v.Items = "The lines after this change", confirmItems(c.OrderLines)
}

// changedQuantities are the lines whose quantity or amount changes.
func changedQuantities(before, after []klarna.OrderLine) []templates.Fact {
	names := func(lines []klarna.OrderLine) map[string]klarna.OrderLine {
		byName := map[string]klarna.OrderLine{}
		for i, name := range quantityFields(lines) {
			byName[name] = lines[i]
		}
		return byName
	}
	old, fresh := names(before), names(after)
	var facts []templates.Fact
	fact := func(name string, line klarna.OrderLine) {
		was, is := old[name], fresh[name]
		if line.Type == klarna.SalesTax {
			if was.TotalAmount != is.TotalAmount {
				facts = append(facts, templates.Fact{Name: line.Name, Before: amountText(was.TotalAmount), After: amountText(is.TotalAmount)})
			}
		} else if was.Quantity != is.Quantity {
			facts = append(facts, templates.Fact{
				Name: "Quantity of " + line.Name, Before: strconv.FormatInt(was.Quantity, 10), After: strconv.FormatInt(is.Quantity, 10),
			})
		}
	}
	for i, name := range quantityFields(before) {
		fact(name, before[i])
	}
	for i, name := range quantityFields(after) {
		if _, known := old[name]; !known {
			fact(name, after[i])
		}
	}
	return facts
}
