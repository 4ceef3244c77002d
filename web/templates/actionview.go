package templates

import "github.com/shopd/shopd/internal/form"

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

// ActionFormView is the first page of an action: what it shall do.
type ActionFormView struct {
	form.Form
	Number string // of the order
	Title  string // "Capture"
	URL    string // of the form
	Notes  []ResultNote
	Errors []form.Error
	Hidden []form.Hidden
}

// ActionConfirmView is the second page of an action: the question.
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
	Amount      string // that it comes to, with currency
	Why         string // it is not possible; "" = it is
}

// BulkConfirmView asks whether an action shall be done with several orders.
type BulkConfirmView struct {
	Question string
	Body     []string
	Notes    []ResultNote
	Rows     []BulkRow
	Hidden   []form.Hidden
	URL      string
	Button   string // "" = it is possible with none
	Busy     string
}

// BulkItem is an order of a bulk job and how far it is.
type BulkItem struct {
	Number, URL, Amount string
	Kind                Kind
	State, Why          string
	CorrelationID       string
}

// BulkProgressView is a bulk job and how far it is.
type BulkProgressView struct {
	Title, Started       string
	Text, Hint           string
	Done, Refused, Total int
	Items                []BulkItem
}
