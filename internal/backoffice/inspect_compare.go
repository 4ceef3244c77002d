package backoffice

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/web/templates"
)

// comparison is our copy beside Klarna's, and the differences in words.
type comparison struct {
	table templates.InspectTable
	words []string // "quantity of MUG-1 is 5 in the cart, 3 at Klarna"
}

// compare puts both copies side by side. names are the differing members outside the lines,
// from kco's comparison. place says where our copy is: "in the cart".
func compare(ours, klarnas kco.Content, names []string, table templates.InspectTable, place string) comparison {
	c := comparison{table: table}
	c.table.Currency = strings.ToUpper(ours.PurchaseCurrency)
	if theirs := strings.ToUpper(klarnas.PurchaseCurrency); theirs != c.table.Currency {
		c.table.Currency += " and " + theirs
	}
	say := func(name, what string, a, b string) {
		c.words = append(c.words, fmt.Sprintf("%s%s is %s %s, %s at Klarna", name, what, a, place, b))
	}
	c.market(ours, klarnas, names, say) // first: it may be why lines differ
	rest := slices.Clone(klarnas.OrderLines)
	for _, want := range ours.OrderLines {
		at := slices.IndexFunc(rest, func(l klarna.OrderLine) bool { return l.Type == want.Type && l.Reference == want.Reference })
		if at < 0 {
			row := lineRow(want)
			row.Differs, row.Klarna.Quantity.Differs = true, true
			c.table.Rows = append(c.table.Rows, row)
			c.words = append(c.words, lineName(want)+" is "+place+", not at Klarna")
			continue
		}
		got := rest[at]
		rest = slices.Delete(rest, at, at+1)
		differ := kco.LineDifferences(want, got)
		row := lineRow(want)
		row.Klarna = lineSide(got)
		mark := func(member string, a, b *templates.InspectCell) {
			if slices.Contains(differ, member) {
				a.Differs, b.Differs = true, true
			}
		}
		mark("quantity", &row.Ours.Quantity, &row.Klarna.Quantity)
		mark("unit_price", &row.Ours.Price, &row.Klarna.Price)
		mark("tax_rate", &row.Ours.Tax, &row.Klarna.Tax)
		mark("total_amount", &row.Ours.Total, &row.Klarna.Total)
		row.Differs = len(differ) > 0
		c.table.Rows = append(c.table.Rows, row)
		for _, member := range causes(differ) {
			switch member {
			case "quantity":
				say(member, " of "+lineName(want), row.Ours.Quantity.Text, row.Klarna.Quantity.Text)
			case "unit_price":
				say("price", " of "+lineName(want), row.Ours.Price.Text, row.Klarna.Price.Text)
			case "tax_rate":
				say("tax rate", " of "+lineName(want), row.Ours.Tax.Text, row.Klarna.Tax.Text)
			case "total_amount":
				say("total", " of "+lineName(want), row.Ours.Total.Text, row.Klarna.Total.Text)
			default:
				c.words = append(c.words, member+" of "+lineName(want)+" differs")
			}
		}
	}
	for _, got := range rest {
		row := lineRow(got)
		row.Ours, row.Klarna = templates.InspectSide{}, row.Ours
		row.Differs, row.Ours.Quantity.Differs = true, true
		c.table.Rows = append(c.table.Rows, row)
		c.words = append(c.words, lineName(got)+" is at Klarna, not "+place)
	}
	c.sums(ours, klarnas, names, say)
	c.others(names)
	return c
}

// causes leaves out each sum that follows from another member of its line.
func causes(differ []string) []string {
	follow := func(name string) bool { return name == "total_amount" || name == "total_tax_amount" }
	if first := slices.DeleteFunc(slices.Clone(differ), follow); len(first) > 0 {
		return first
	}
	return differ
}

// sums adds the order's sums. It tells of a difference only when no line explains it.
func (c *comparison) sums(ours, klarnas kco.Content, names []string, say func(name, what, a, b string)) {
	lines := len(c.words) > 0
	for _, sum := range []struct {
		member, name string
		a, b         money.Amount
	}{
		{"order_amount", "Order amount", ours.OrderAmount, klarnas.OrderAmount},
		{"order_tax_amount", "Tax", ours.OrderTaxAmount, klarnas.OrderTaxAmount},
	} {
		differs := slices.Contains(names, sum.member)
		a, b := form.Amount(sum.a), form.Amount(sum.b)
		c.table.Rows = append(c.table.Rows, templates.InspectRow{
			Name: sum.name, Sum: true, Differs: differs,
			Ours:   templates.InspectSide{Total: templates.InspectCell{Text: a, Differs: differs}},
			Klarna: templates.InspectSide{Total: templates.InspectCell{Text: b, Differs: differs}},
		})
		if differs && !lines {
			say(strings.ToLower(sum.name), "", a, b)
		}
	}
}

// market adds country, currency and language where they differ.
func (c *comparison) market(ours, klarnas kco.Content, names []string, say func(name, what, a, b string)) {
	for _, m := range []struct{ name, a, b string }{
		{"purchase_country", strings.ToUpper(ours.PurchaseCountry), strings.ToUpper(klarnas.PurchaseCountry)},
		{"purchase_currency", strings.ToUpper(ours.PurchaseCurrency), strings.ToUpper(klarnas.PurchaseCurrency)},
		{"locale", ours.Locale, klarnas.Locale},
	} {
		if slices.Contains(names, m.name) {
			c.table.Others = append(c.table.Others, templates.InspectOther{Name: m.name, Ours: m.a, Klarna: m.b})
			say(m.name, "", m.a, m.b)
		}
	}
}

// others adds all other differences by name, without values: our addresses have a token.
func (c *comparison) others(names []string) {
	for _, name := range names {
		switch member, _, _ := strings.Cut(name, "["); member {
		case "order_amount", "order_tax_amount", "order_lines", "purchase_country", "purchase_currency", "locale":
		default:
			c.table.Others = append(c.table.Others, templates.InspectOther{Name: name})
			c.words = append(c.words, name+" differs")
		}
	}
}

// maxWords is the number of differences that the verdict spells out.
const maxWords = 3

// verdict tells whether both copies agree. both names them: "Cart and order".
func (c *comparison) verdict(both string) templates.Note {
	if len(c.words) == 0 {
		return templates.Note{ID: "verdict", Kind: templates.OK, Title: both + " agree."}
	}
	title := "1 difference:"
	if len(c.words) > 1 {
		title = strconv.Itoa(len(c.words)) + " differences:"
	}
	body := strings.Join(c.words[:min(len(c.words), maxWords)], "; ")
	if len(c.words) > maxWords {
		body += "; and more"
	}
	return templates.Note{ID: "verdict", Kind: templates.Warn, Title: title, Body: body + "."}
}

// lineRow returns the row of a line, for now on our side only.
func lineRow(l klarna.OrderLine) templates.InspectRow {
	return templates.InspectRow{Name: l.Name, Reference: l.Reference, Ours: lineSide(l)}
}

func lineSide(l klarna.OrderLine) templates.InspectSide {
	return templates.InspectSide{
		Quantity: templates.InspectCell{Text: strconv.FormatInt(l.Quantity, 10)},
		Price:    templates.InspectCell{Text: form.Amount(l.UnitPrice)},
		Tax:      templates.InspectCell{Text: taxText(l.TaxRate)},
		Total:    templates.InspectCell{Text: form.Amount(l.TotalAmount)},
	}
}

// lineName returns the name of a line for a sentence.
func lineName(l klarna.OrderLine) string {
	if l.Reference != "" {
		return l.Reference
	}
	return l.Name
}
