package templates

import "github.com/shopd/shopd/internal/form"

// View models of the back office's actions. Each action has two pages: a form, and a
// question that repeats the command. The back office writes their texts, in English only.
// Amounts have two decimals.

// ResultNote is a message about an action: what happened, what to do, and Klarna's ID of
// the call.
type ResultNote struct {
	Kind          Kind
	Title         string // bold
	Body          string
	CorrelationID string // "" = there is none
	Links         []ActionLink
}

// ActionLink is a link to another page of the back office.
type ActionLink struct{ Label, URL string }

// ActionFormView is the first page of an action, its form.
type ActionFormView struct {
	form.Form
	Number string // of the order
	Title  string // "Capture"
	URL    string // of the form
	Notes  []ResultNote
	Errors []form.Error
	Hidden []form.Hidden
}

// ActionConfirmView is the second page of an action, the question.
type ActionConfirmView struct {
	form.Question
	Number   string
	Title    string // "Capture"
	Notes    []ResultNote
	Currency string // of the amounts in Facts and Items; "" = there are none
	Hidden   []form.Hidden
	URL      string // where the answer goes
	FormURL  string // of the first page; "" = there is none, Back leads to the order
	Busy     string // "Capturing…"
}

// ActionRefusedView is the page of an action that is not possible.
type ActionRefusedView struct {
	Number string // of the order; "" = of none
	Title  string
	Notes  []ResultNote
}

func orderURL(number string) string { return "/admin/orders/" + number }

// BulkRow is a ticked order.
type BulkRow struct {
	Number, URL string
	Amount      string   // that it comes to, with currency
	Why         string   // it is not possible; "" = it is
	Warnings    []string // why it is left out unless it is ticked again
	OrderID     string   // of an order that can be ticked again
}

// BulkConfirmView asks staff to confirm an action on several orders.
type BulkConfirmView struct {
	Question string
	Body     []string
	Notes    []ResultNote
	Rows     []BulkRow
	Hidden   []form.Hidden
	URL      string
	Button   string // "" = it is possible with none
	Danger   bool
	Busy     string
}

// BulkItem is an order of a bulk job, with its progress.
type BulkItem struct {
	Number, URL, Amount string
	Kind                Kind
	State, Why          string
	CorrelationID       string
}

// BulkProgressView is a bulk job and its progress.
type BulkProgressView struct {
	Title, Started       string
	Text, Hint           string
	Done, Refused, Total int
	Items                []BulkItem
}
