package backoffice

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/web/templates"
)

// Limits of what staff type. Source: docs.klarna.com, Order Management API reference.
const (
	maxNote     = 255  // description and references; characters
	maxTracking = 100  // carrier and tracking number; characters
	maxLink     = 1024 // tracking link; characters
	maxQuantity = 9999 // of a line; ours
	// maxTyped is the largest amount that is read, in minor units: Klarna's.
	maxTyped = ordermanagement.MaxAmount
)

// draft is a form of an action on its way to a command: what was typed, what is
// wrong with it, and what it says.
type draft struct {
	kind   *kind
	order  order.Order
	pricer *cart.Pricer
	values url.Values // what was typed; of a fresh form its defaults
	errors []templates.FieldError
	byName map[string]string // what is wrong, by the name of the field
	// options are the ways to extend the due date of the capture that was
	// chosen, of ActionExtendDueDate.
	options *ordermanagement.DueDateOptions

	command order.Command
	// begun: the command was sent before, and was not made again of what was typed.
	begun bool
}

// The fields that every form has, beside those of its kind.
const (
	fieldKey      = "key"      // of the command
	fieldRevision = "revision" // of the order that the form was made of
	fieldShown    = "shown"    // what the second page said, see draft.digest
)

// newDraft is a fresh form.
func newDraft(k *kind, o order.Order, p *cart.Pricer) *draft {
	d := &draft{kind: k, order: o, pricer: p, values: url.Values{}, byName: map[string]string{}}
	if k.defaults != nil {
		k.defaults(d)
	}
	d.renew()
	return d
}

// renew makes what was typed the form of a new command on the order as it is
// now.
func (d *draft) renew() {
	d.values.Set(fieldKey, uuid.NewString())
	d.values.Set(fieldRevision, strconv.FormatInt(d.order.Revision, 10))
}

// posted is the form that was sent. It reports false when its key or revision
// cannot have come from a form of ours.
func posted(k *kind, o order.Order, p *cart.Pricer, values url.Values) (*draft, bool) {
	d := &draft{kind: k, order: o, pricer: p, values: values, byName: map[string]string{}}
	id, err := uuid.Parse(values.Get(fieldKey))
	revision, notANumber := strconv.ParseInt(values.Get(fieldRevision), 10, 64)
	if err != nil || notANumber != nil || id.String() != values.Get(fieldKey) {
		return d, false
	}
	d.command = order.Command{Key: id.String(), Action: k.action, Revision: revision}
	return d, true
}

// fail notes what is wrong with a field; of the first mistake only. id is that
// of the control, to which the summary leads.
func (d *draft) fail(name, id, text string) {
	if d.byName[name] != "" {
		return
	}
	d.byName[name] = text
	d.errors = append(d.errors, templates.FieldError{ID: id, Text: text})
}

// failField is fail for a field whose control is named after it.
func (d *draft) failField(name, text string) {
	d.fail(name, templates.Input{Name: name}.ID(), text)
}

// input is a field of the form as it stands.
func (d *draft) input(f templates.Input) templates.Input {
	f.Value, f.Error = d.values.Get(f.Name), d.byName[f.Name]
	return f
}

// text reads a field of one line, without the spaces around it.
func (d *draft) text(name, label string, limit int) string {
	text := strings.TrimSpace(d.values.Get(name))
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		d.failField(name, label+" has a character that cannot be sent.")
		return ""
	case n > limit:
		d.failField(name, label+" has "+strconv.Itoa(n)+" characters, at most "+strconv.Itoa(limit)+" can be sent.")
	}
	return text
}

// required is text that must not be empty.
func (d *draft) required(name, label string, limit int) string {
	text := d.text(name, label, limit)
	if text == "" {
		d.failField(name, "Enter "+lowerFirst(label)+".")
	}
	return text
}

// amount reads an amount above 0.
func (d *draft) amount(name, label string) money.Amount {
	amount, ok := money.ParseDecimal(d.values.Get(name))
	if !ok || amount <= 0 || amount > maxTyped {
		d.failField(name, label+" must be an amount such as 229.00.")
		return 0
	}
	return amount
}

// quantity reads a quantity of at most the given number; nothing is 0.
func (d *draft) quantity(name, id, typed string, most int64) int64 {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return 0
	}
	n, err := strconv.ParseInt(typed, 10, 64)
	if err != nil || n < 0 || n > most {
		d.fail(name, id, "Enter a whole number from 0 to "+strconv.FormatInt(most, 10)+".")
		return 0
	}
	return n
}

// quantityFields name the fields of lines: a line keeps its name when others
// come or go.
func quantityFields(lines []klarna.OrderLine) []string {
	names, seen := make([]string, len(lines)), map[string]int{}
	for i, line := range lines {
		name := "q:" + string(line.Type) + ":" + line.Reference
		if seen[name]++; seen[name] > 1 {
			name += ":" + strconv.Itoa(seen[name])
		}
		names[i] = name
	}
	return names
}

// taken reads how many of each line are meant, and whether that is all of them
// or none. Lines that follow from others, such as discounts, are not asked for.
func (d *draft) taken(lines []klarna.OrderLine) (quantities []int64, all, none bool) {
	all, none = true, true
	names, follows := quantityFields(lines), following(lines)
	for i, line := range lines {
		if follows[i] {
			quantities = append(quantities, line.Quantity)
			continue
		}
		n := d.quantity(names[i], lineID(i), d.values.Get(names[i]), line.Quantity)
		all, none = all && n == line.Quantity, none && n == 0
		quantities = append(quantities, n)
	}
	return quantities, all, none
}

// following are the lines of which as much is taken as of the goods, see
// order.Take.
func following(lines []klarna.OrderLine) []bool {
	goods := slices.ContainsFunc(lines, func(l klarna.OrderLine) bool { return l.Type == klarna.Physical || l.Type == klarna.Digital })
	follows := make([]bool, len(lines))
	for i, line := range lines {
		switch line.Type {
		case klarna.Discount, klarna.GiftCard, klarna.StoreCredit, klarna.SalesTax:
			follows[i] = goods
		case klarna.Physical, klarna.Digital, klarna.ShippingFee, klarna.Surcharge, klarna.ReturnFee:
		}
	}
	return follows
}

// lineID is the ID of the control of a line, as templates.QuantityTable numbers them.
func lineID(i int) string { return "line-" + strconv.Itoa(i) }

// setQuantities are the defaults of the fields of lines.
func (d *draft) setQuantities(lines []klarna.OrderLine, quantity func(klarna.OrderLine) int64) {
	for i, name := range quantityFields(lines) {
		d.values.Set(name, strconv.FormatInt(quantity(lines[i]), 10))
	}
}

// quantityLines are the rows of the table in which quantities are entered.
func (d *draft) quantityLines(lines []klarna.OrderLine) []templates.QuantityLine {
	names := quantityFields(lines)
	rows := make([]templates.QuantityLine, len(lines))
	for i, line := range lines {
		rows[i] = templates.QuantityLine{
			Item: line.Name, SKU: line.Reference, Price: amountText(line.UnitPrice),
			Field: names[i], Value: d.values.Get(names[i]), Error: d.byName[names[i]],
			Of: line.Quantity, Max: line.Quantity, Unit: int64(line.UnitPrice), Total: int64(line.TotalAmount),
			Rate: int64(line.TaxRate), Goods: line.Type == klarna.Physical || line.Type == klarna.Digital,
		}
	}
	return rows
}

// link reads an address on the web; "" is none.
func (d *draft) link(name, label string) string {
	text := d.text(name, label, maxLink)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		d.failField(name, label+" must be an address that begins with https://.")
	}
	return text
}

// option reads a value that must be one of those given; "" is none.
func (d *draft) option(name, label string, options []string) string {
	value := d.values.Get(name)
	if slices.Contains(options, value) {
		return value
	}
	if value != "" {
		d.failField(name, label+": choose one of the list.")
	}
	return ""
}

// hidden are all fields as hidden ones, for the page that asks.
func (d *draft) hidden() []templates.Field {
	var fields []templates.Field
	for _, name := range sortedNames(d.values) {
		switch name {
		case "back", "more", fieldShown:
			continue
		}
		for _, value := range d.values[name] {
			fields = append(fields, templates.Field{Name: name, Value: value})
		}
	}
	return fields
}

// own are the fields that a form does not show.
func (d *draft) own() []templates.Field {
	return []templates.Field{
		{Name: fieldKey, Value: d.values.Get(fieldKey)},
		{Name: fieldRevision, Value: d.values.Get(fieldRevision)},
	}
}

// openUntil is the end of the time for captures, as the end of a sentence.
func openUntil(o order.Order) string {
	if o.ExpiresAt.IsZero() {
		return ""
	}
	return " until " + dayText(o.ExpiresAt)
}
