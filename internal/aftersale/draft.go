package aftersale

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/v1"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/publish"
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

// Draft is a form of an action on its way to a command: what was typed, what is
// wrong with it, and what it says.
type Draft struct {
	Action  *Action
	Order   order.Order
	Values  url.Values // what was typed; of a fresh form its defaults
	Errors  []form.Error
	Command order.Command

	pricer *cart.Pricer
	priced *publish.Version  // by which the order was priced, once it is loaded
	byName map[string]string // what is wrong, by the name of the field
	short  bool              // there is too little of a product in stock
	// options are the ways to extend the due date of the capture that was chosen.
	options *ordermanagement.DueDateOptions
}

// voice is how the shop speaks to the buyer.
func (d *Draft) voice() i18n.Voice { return d.pricer.Published.Now().Shop.Voice(d.Order.Locale) }

// markets are those by which the order was priced: the shop may have other taxes by now, or have
// given up the market.
func (d *Draft) markets() market.List { return d.priced.Shop.Markets }

// The fields that every form has, beside those of its action.
const (
	FieldKey      = "key"      // of the command
	FieldRevision = "revision" // of the order that the form was made of
	FieldShown    = "shown"    // what the second page said, see Draft.Digest
	fieldShipment = "shipment" // that is corrected
)

// NewDraft is a fresh form of an action that is possible; shipment is the one that
// its address names, "" where it names none.
func (d *Desk) NewDraft(a *Action, o order.Order, shipment string) *Draft {
	f := d.draft(a, o, url.Values{})
	if shipment != "" {
		f.Values.Set(fieldShipment, shipment)
	}
	if a.Defaults != nil {
		a.Defaults(f)
	}
	f.Renew()
	f.Command = order.Command{Key: f.Values.Get(FieldKey), Action: a.Name, Revision: o.Revision}
	return f
}

func (d *Desk) draft(a *Action, o order.Order, values url.Values) *Draft {
	return &Draft{Action: a, Order: o, pricer: d.Pricer, priced: d.Pricer.Published.Now(), Values: values, byName: map[string]string{}}
}

// Posted is the form that was sent. It reports false when its key or revision
// cannot have come from a form of ours.
func (d *Desk) Posted(a *Action, o order.Order, values url.Values) (*Draft, bool) {
	f := d.draft(a, o, values)
	id, err := uuid.Parse(values.Get(FieldKey))
	revision, notANumber := strconv.ParseInt(values.Get(FieldRevision), 10, 64)
	if err != nil || notANumber != nil || id.String() != values.Get(FieldKey) {
		return f, false
	}
	f.Command = order.Command{Key: id.String(), Action: a.Name, Revision: revision}
	return f, true
}

// Load reads what the form needs to know: the version by which the order was priced, and
// from Klarna.
func (d *Desk) Load(ctx context.Context, f *Draft) error {
	priced, err := d.Pricer.Published.At(ctx, f.Order.Priced)
	if err != nil {
		return err
	}
	f.priced = priced
	if f.Action.Load == nil {
		return nil
	}
	return f.Action.Load(ctx, d.Book.Management, f)
}

// Parse makes the command of what was typed and checks it. Errors says what is
// wrong with fields; the error is why it cannot be done whatever is typed.
func (d *Desk) Parse(ctx context.Context, f *Draft, now time.Time) *ImpossibleError {
	if impossible := d.Possible(f.Order, f.Action, now); impossible != nil {
		return impossible
	}
	if f.Action.Parse != nil {
		f.Action.Parse(f)
	}
	if len(f.Errors) > 0 {
		return nil
	}
	if impossible := d.Check(ctx, f.Order, f.Command, now); impossible != nil && !f.Blame(impossible) {
		return impossible
	}
	return nil
}

// Renew makes what was typed the form of a new command on the order as it is now.
func (d *Draft) Renew() {
	d.Values.Set(FieldKey, uuid.NewString())
	d.Values.Set(FieldRevision, strconv.FormatInt(d.Order.Revision, 10))
}

// WantsMore reports whether the form asks for more of itself, not for the next page.
func (d *Draft) WantsMore() bool { return d.Action.More != nil && d.Action.More(d) }

// Moved reports whether something that matters has changed since the form was made.
func (d *Draft) Moved() bool {
	return d.Command.Revision < d.Order.MaterialRevision || d.Command.Revision > d.Order.Revision || d.Order.Running != nil
}

// Digest names what the second page shows: the command, and nothing that differs
// from one time to the next.
func (d *Draft) Digest() string {
	c := d.Command
	c.Staff, c.At = "", time.Time{}
	text, err := json.Marshal(c)
	if err != nil {
		panic(fmt.Errorf("encode command: %w", err)) // it has only texts and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// Form is the first page as it stands.
func (d *Draft) Form() form.Form {
	f := form.Form{Submit: "Continue"}
	d.Action.Form(d, &f)
	return f
}

// Question is the second page.
func (d *Draft) Question() form.Question {
	q := form.Question{Back: "Back"}
	d.Action.Confirm(d, &q)
	return q
}

// Blame ties a reason to the field that is the cause. It reports false when there
// is none: then it is the order's state.
func (d *Draft) Blame(e *ImpossibleError) bool {
	text := form.UpperFirst(d.Action.Reason(d.Order, e.Reason))
	if d.Action.Blame != nil && d.Action.Blame(d, e, text) {
		return true
	}
	_, typed := memberFields[e.Field]
	switch {
	case e.Reason == ReasonUnknownCapture:
		d.failField("capture", text)
	case e.Reason != ReasonInvalid && e.Reason != ReasonAboveRemaining && e.Reason != ReasonAboveCaptured:
		return false
	case typed:
		d.failField(memberFields[e.Field], text)
	case strings.HasPrefix(e.Field, "shipments"):
		d.failField("carrier", text)
	case d.Values.Get("what") == whatAmount:
		d.failField("amount", text)
	default:
		d.failField("what", text)
	}
	return true
}

// memberFields are the fields behind members of a command.
var memberFields = map[string]string{
	"description": "description", "reference": "reference",
	"reference1": "reference1", "reference2": "reference2", "capture_id": "capture", "days": "days",
}

// fail notes what is wrong with a field; of the first mistake only. id is that
// of the control, to which the summary leads.
func (d *Draft) fail(name, id, text string) {
	if d.byName[name] != "" {
		return
	}
	d.byName[name] = text
	d.Errors = append(d.Errors, form.Error{ID: id, Text: text})
}

// failField is fail for a field whose control is named after it.
func (d *Draft) failField(name, text string) {
	d.fail(name, form.Input{Name: name}.ID(), text)
}

// input is a field of the form as it stands.
func (d *Draft) input(f form.Input) form.Input {
	f.Value, f.Error = d.Values.Get(f.Name), d.byName[f.Name]
	return f
}

// check is a field to be ticked, as it stands.
func (d *Draft) check(c form.Check) form.Check {
	c.On, c.Error = d.ticked(c.Name), d.byName[c.Name]
	return c
}

// ticked reports whether a field to be ticked was.
func (d *Draft) ticked(name string) bool { return d.Values.Get(name) != "" }

// text reads a field of one line, without the spaces around it.
func (d *Draft) text(name, label string, limit int) string {
	text := strings.TrimSpace(d.Values.Get(name))
	switch n := utf8.RuneCountInString(text); {
	case !form.OneLine(text):
		d.failField(name, label+" has a character that cannot be sent.")
		return ""
	case n > limit:
		d.failField(name, label+" has "+strconv.Itoa(n)+" characters, at most "+strconv.Itoa(limit)+" can be sent.")
	}
	return text
}

// required is text that must not be empty.
func (d *Draft) required(name, label string, limit int) string {
	text := d.text(name, label, limit)
	if text == "" {
		d.failField(name, "Enter "+form.LowerFirst(label)+".")
	}
	return text
}

// amount reads an amount above 0.
func (d *Draft) amount(name, label string) money.Amount {
	amount, ok := money.ParseDecimal(d.Values.Get(name))
	if !ok || amount <= 0 || amount > maxTyped {
		d.failField(name, label+" must be an amount such as 229.00.")
		return 0
	}
	return amount
}

// quantity reads a quantity of at most the given number; nothing is 0.
func (d *Draft) quantity(name, id, typed string, most int64) int64 {
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
	names := order.LineIDs(lines)
	for i := range names {
		names[i] = "q:" + names[i]
	}
	return names
}

// taken reads how many of each line are meant, and whether that is all of them
// or none. Lines that follow from others, such as discounts, are not asked for.
func (d *Draft) taken(lines []klarna.OrderLine) (quantities []int64, all, none bool) {
	all, none = true, true
	names, follows := quantityFields(lines), following(lines)
	for i, line := range lines {
		if follows[i] {
			quantities = append(quantities, line.Quantity)
			continue
		}
		n := d.quantity(names[i], form.LineID(i), d.Values.Get(names[i]), line.Quantity)
		all, none = all && n == line.Quantity, none && n == 0
		quantities = append(quantities, n)
	}
	return quantities, all, none
}

// following are the lines of which as much is taken as of the goods, see
// order.Take.
func following(lines []klarna.OrderLine) []bool {
	goods := slices.ContainsFunc(lines, func(l klarna.OrderLine) bool { return l.IsGoods() })
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

// setQuantities are the defaults of the fields of lines.
func (d *Draft) setQuantities(lines []klarna.OrderLine, quantity func(klarna.OrderLine) int64) {
	for i, name := range quantityFields(lines) {
		d.Values.Set(name, strconv.FormatInt(quantity(lines[i]), 10))
	}
}

// quantityLines are the rows of the table in which quantities are entered.
func (d *Draft) quantityLines(lines []klarna.OrderLine) []form.Line {
	names := quantityFields(lines)
	rows := make([]form.Line, len(lines))
	for i, line := range lines {
		rows[i] = form.Line{
			Item: line.Name, SKU: line.Reference, Price: form.Amount(line.UnitPrice),
			Field: names[i], Value: d.Values.Get(names[i]), Error: d.byName[names[i]],
			Of: line.Quantity, Max: line.Quantity, Unit: int64(line.UnitPrice), Total: int64(line.TotalAmount),
			Rate: int64(line.TaxRate), Goods: line.IsGoods(),
			Voucher: slices.Contains(d.Order.Terms.Vouchers, line.Reference),
		}
		if line.Type == klarna.Discount {
			rows[i].Percent = int64(d.Order.Terms.Percent(line.Reference))
		}
	}
	return rows
}

// link reads an address on the web; "" is none.
func (d *Draft) link(name, label string) string {
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
func (d *Draft) option(name, label string, options []string) string {
	value := d.Values.Get(name)
	if slices.Contains(options, value) {
		return value
	}
	if value != "" {
		d.failField(name, label+": choose one of the list.")
	}
	return ""
}

// Hidden are all fields as hidden ones, for the page that asks.
func (d *Draft) Hidden() []form.Hidden {
	var fields []form.Hidden
	for _, name := range slices.Sorted(maps.Keys(d.Values)) {
		switch name {
		case "back", "more", FieldShown:
			continue
		}
		for _, value := range d.Values[name] {
			fields = append(fields, form.Hidden{Name: name, Value: value})
		}
	}
	return fields
}

// Own are the fields that a form does not show.
func (d *Draft) Own() []form.Hidden {
	var fields []form.Hidden
	for _, name := range []string{FieldKey, FieldRevision, fieldShipment} {
		if d.Values.Has(name) {
			fields = append(fields, form.Hidden{Name: name, Value: d.Values.Get(name)})
		}
	}
	return fields
}
