// Package form is what the forms of staff are made of, without how they look:
// fields, tables of quantities, and the question that repeats what a form will
// do. Texts are in English, and amounts come as texts.
package form

import "strconv"

// Form is the first page of an action: what it shall do.
type Form struct {
	Intro  []string
	Choice *Choice
	Lines  *Table
	Add    *AddTable
	Groups []Group
	Checks []Check
	Sum    *Sum
	Submit string // label of the button
}

// Question is the second page of an action: what it will do, and the button that does it.
type Question struct {
	Ask     string // "Capture 1 103.00 SEK?"
	Body    []string
	Facts   []Fact
	Caption string // of Items
	Items   []Item
	Button  string // "Capture 1 103.00 SEK"
	Back    string
	Danger  bool // it cannot be undone
}

// Error says what is wrong with a field that was filled in.
type Error struct {
	ID   string // of the control
	Text string
}

// Hidden is a field that is not shown.
type Hidden struct{ Name, Value string }

// Option is one value of a select, of radio buttons or of suggestions.
type Option struct{ Value, Label, Hint string }

// Input is one field of a form.
type Input struct {
	Name, Label, Hint string
	Value             string // as it was typed
	Error             string
	Kind              string // type of the control: "text", "decimal", "number", "email", "tel", "url", "select", "area"
	Class             string // of the field: "short"
	Options           []Option
}

// ID is that of the field's control.
func (f Input) ID() string { return "f-" + f.Name }

// Group are fields with a heading.
type Group struct {
	Title, Hint string
	Inputs      []Input
}

// Check is something to be ticked.
type Check struct {
	Name, Label, Hint string
	On                bool
	Error             string
}

// ID is that of the control.
func (c Check) ID() string { return "f-" + c.Name }

// Choice is a question with radio buttons.
type Choice struct {
	Name, Legend string
	Value        string // of the one chosen
	Error        string
	Options      []Option
}

// ID is that of the first button.
func (c Choice) ID() string { return "f-" + c.Name }

// Line is a line of an order of which a quantity is asked for.
type Line struct {
	Item, SKU string
	Note      string // such as "2 are captured"
	Price     string
	Field     string // name of the control
	Value     string // as it was typed
	Error     string
	Of        int64 // how many there are
	Max       int64 // the most that can be entered
	Unit      int64 // minor units: the price of one more than Of
	Total     int64 // minor units: of Of
	Rate      int64 // tax rate, hundredths of a percent
	Goods     bool
	Voucher   bool // goods without discount
	Fixed     bool // follows from the goods and cannot be entered
	Follows   bool // follows from the goods; the quantity says whether it stays
	// Percent is what a discount takes off its goods, hundredths of a percent; 0: it is in
	// proportion to them. Before is what of these goods was taken before; of a refund all.
	Percent, Before int64
	Back            bool // what is taken of the goods is given back
	index           int
}

// ID is that of the line's control.
func (l Line) ID() string { return LineID(l.index) }

// LineID is the ID of the control of the line at an index.
func LineID(i int) string { return "line-" + strconv.Itoa(i) }

// Table are the lines of an order of which quantities are asked for.
type Table struct {
	Caption  string
	Currency string
	Head     string // over what there is: "Left"
	Lines    []Line
}

// NewTable numbers the lines.
func NewTable(caption, currency, head string, lines []Line) *Table {
	for i := range lines {
		lines[i].index = i
	}
	return &Table{Caption: caption, Currency: currency, Head: head, Lines: lines}
}

// Sum is the amount that the form comes to, which a script keeps. The server
// computes it anyway.
type Sum struct {
	Label    string
	Text     string // what the page came with: "1 103.00"
	Currency string
	All      int64  // minor units: of the choice "all"
	Minus    string // name of a field that is taken off; "" = none
}

// AddRow is a product that is added to an order.
type AddRow struct {
	SKU, Quantity           string // as they were typed
	SKUError, QuantityError string
	index                   int
}

// SKUID is that of the control for the row's SKU.
func (r AddRow) SKUID() string { return AddID(r.index, "sku") }

// QuantityID is that of the control for the row's quantity.
func (r AddRow) QuantityID() string { return AddID(r.index, "quantity") }

// AddID is the ID of a control of the row at an index.
func AddID(i int, field string) string { return "add-" + strconv.Itoa(i) + "-" + field }

// AddTable are products that are added to an order.
type AddTable struct {
	Rows     []AddRow
	Products []Option // SKU, and name with price
}

// NewAddTable numbers the rows.
func NewAddTable(rows []AddRow, products []Option) *AddTable {
	for i := range rows {
		rows[i].index = i
	}
	return &AddTable{Rows: rows, Products: products}
}

// Fact is something that an action changes.
type Fact struct{ Name, Before, After string }

// Item is a line that an action is about.
type Item struct{ Item, SKU, Quantity, Amount string }
