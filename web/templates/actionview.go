package templates

import "strconv"

// The back office's actions are two pages: a form, and a question that repeats
// what it will do. These are their view models; the texts are made by the
// back office, in English only, and amounts come with two decimals.

// ResultNote is a message about an action: what happened, what to do, and the
// ID under which Klarna finds the call.
type ResultNote struct {
	Kind          Kind
	Title         string // bold
	Body          string
	CorrelationID string // "" = there is none
	Links         []ActionLink
}

// ActionLink leads to another page of the back office.
type ActionLink struct{ Label, URL string }

// FieldError says what is wrong with a field that was filled in.
type FieldError struct {
	ID   string // of the control
	Text string
}

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

// InputGroup are fields with a heading.
type InputGroup struct {
	Title, Hint string
	Inputs      []Input
}

// Choice is a question with radio buttons.
type Choice struct {
	Name, Legend string
	Value        string // of the one chosen
	Error        string
	Options      []Option
}

// ID is that of the first button.
func (c Choice) ID() string { return "f-" + c.Name }

// QuantityLine is a line of an order of which a quantity is asked for.
type QuantityLine struct {
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
	Fixed     bool // follows from the goods and cannot be entered
	index     int
}

// ID is that of the line's control.
func (l QuantityLine) ID() string { return "line-" + strconv.Itoa(l.index) }

// QuantityTable are the lines of an order of which quantities are asked for.
type QuantityTable struct {
	Caption  string
	Currency string
	Head     string // over what there is: "Left"
	Lines    []QuantityLine
}

// NewQuantityTable numbers the lines.
func NewQuantityTable(caption, currency, head string, lines []QuantityLine) *QuantityTable {
	for i := range lines {
		lines[i].index = i
	}
	return &QuantityTable{Caption: caption, Currency: currency, Head: head, Lines: lines}
}

// LiveSum is the amount that the form comes to, which a script keeps. The
// server computes it anyway.
type LiveSum struct {
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

// SKUID and QuantityID are those of the row's controls.
func (r AddRow) SKUID() string      { return "add-" + strconv.Itoa(r.index) + "-sku" }
func (r AddRow) QuantityID() string { return "add-" + strconv.Itoa(r.index) + "-quantity" }

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

// ActionFormView is the first page of an action: what it shall do.
type ActionFormView struct {
	Number string // of the order
	Title  string // "Capture"
	URL    string // of the form
	Notes  []ResultNote
	Errors []FieldError
	Intro  []string
	Hidden []Field
	Choice *Choice
	Lines  *QuantityTable
	Add    *AddTable
	Groups []InputGroup
	Sum    *LiveSum
	Submit string // label of the button
}

// Fact is something that an action changes.
type Fact struct{ Name, Before, After string }

// ActionConfirmView is the second page of an action: the question.
type ActionConfirmView struct {
	Number   string
	Title    string // "Capture"
	Question string // "Capture 1 103.00 SEK?"
	Body     []string
	Notes    []ResultNote
	Currency string // of the amounts in Facts and Items; "" = there are none
	Facts    []Fact
	Caption  string // of Items
	Items    []ConfirmItem
	Hidden   []Field
	URL      string // where the answer goes
	FormURL  string // of the first page; "" = there is none, Back leads to the order
	Button   string // "Capture 1 103.00 SEK"
	Busy     string // "Capturing…"
	Back     string
	Danger   bool
}

// ConfirmItem is a line that an action is about.
type ConfirmItem struct{ Item, SKU, Quantity, Amount string }

// ActionRefusedView is the page for an action that cannot be done.
type ActionRefusedView struct {
	Number string // of the order; "" = of none
	Title  string
	Notes  []ResultNote
}

func orderURL(number string) string { return "/admin/orders/" + number }

// BulkRow is a ticked order.
type BulkRow struct {
	Number, URL string
	Amount      string // what remains of it, with currency
	Why         string // it cannot be captured; "" = it can
}

// BulkConfirmView asks whether several orders shall be captured.
type BulkConfirmView struct {
	Question string
	Body     []string
	Notes    []ResultNote
	Rows     []BulkRow
	Hidden   []Field
	URL      string
	Button   string // "" = there is nothing to capture
	Busy     string
}

// BulkItem is an order of a bulk capture and how far it is.
type BulkItem struct {
	Number, URL, Amount string
	Kind                Kind
	State, Why          string
	CorrelationID       string
}

// BulkProgressView is a bulk capture and how far it is.
type BulkProgressView struct {
	Title, Started           string
	Text, Hint               string
	Captured, Refused, Total int
	Items                    []BulkItem
}
