package templates

import (
	"github.com/a-h/templ"

	"github.com/shopd/shopd/internal/form"
)

// AdminShell is the layout of the back office around a page. The back office is in English
// only. Its amounts have two decimals.
type AdminShell struct {
	Shop     Shop
	Title    string // of the page, without the shop's name
	Active   string // "orders", "stock", "inspector", "exports", "webhooks" or "mails"; "" = none of the navigation
	Staff    string // who is signed in; "" = nobody
	Manages  bool   // may change orders
	Webhooks bool   // the shop file names endpoints
	Mails    bool   // the demo, which shows its mails
	Zone     string // of all times: "Europe/Stockholm"
}

// AdminMessageView is a page with one message.
type AdminMessageView struct {
	Title, Body   string
	BackURL, Back string // where to go from here
}

// AdminSignInView is the sign-in page.
type AdminSignInView struct {
	Name     string // as it was typed
	ReturnTo string // the page asked for, a local path
	Note     *Note  // why this page is shown, or what was wrong; nil = none
}

// Badge is a short word. Its kind gives it a shape.
type Badge struct {
	Kind Kind // "" = neutral
	Text string
}

// AdminFilter is the current filter of the list of orders, and its order. What is "" is not
// asked for.
type AdminFilter struct {
	Query    string // what is searched for
	Sealed   string // the same, as it stands in addresses
	Status   string
	Risk     string
	Country  string
	From, To string // days, as 2006-01-02

	ToShip, Expiring, Flagged, Withdrawn string // "1" = only those

	Sort string
}

// Fields are the parts of the filter that are set, as fields of a form, without one of them.
func (f AdminFilter) Fields(without string) (fields []form.Hidden) {
	for _, field := range []form.Hidden{
		{Name: "q", Value: f.Sealed}, {Name: "status", Value: f.Status}, {Name: "risk", Value: f.Risk}, {Name: "country", Value: f.Country},
		{Name: "from", Value: f.From}, {Name: "to", Value: f.To}, {Name: "to_ship", Value: f.ToShip}, {Name: "expiring", Value: f.Expiring},
		{Name: "flagged", Value: f.Flagged}, {Name: "withdrawn", Value: f.Withdrawn}, {Name: "sort", Value: f.Sort},
	} {
		if field.Value != "" && field.Name != without {
			fields = append(fields, field)
		}
	}
	return fields
}

// Marks are the parts of the filter for which there is no field.
func (f AdminFilter) Marks() []form.Hidden {
	return AdminFilter{ToShip: f.ToShip, Expiring: f.Expiring, Flagged: f.Flagged, Withdrawn: f.Withdrawn}.Fields("")
}

// AdminChoice is a value in a select field of the filter.
type AdminChoice struct{ Value, Label string }

// AdminChip is a set part of the filter.
type AdminChip struct {
	Name, Value string
	URL         string // of the list without it
}

// AdminRow is an order in the list.
type AdminRow struct {
	Number     string
	URL        string
	Ref        string // "" = it cannot be ticked
	Placed     string
	PlacedISO  string
	Customer   string
	Market     string // "SE · SEK"
	State      Badge
	Total      string
	Currency   string
	Remaining  string // "" = nothing remains
	FlagReason string // why the merchant should look at it; "" = no reason
}

// AdminOrdersView is the list of orders.
type AdminOrdersView struct {
	Filter    AdminFilter
	Statuses  []AdminChoice
	Risks     []AdminChoice
	Countries []AdminChoice
	Sorts     []AdminChoice
	Sorted    string // how the list is ordered, in words
	Views     []AdminView
	Chips     []AdminChip
	Rows      []AdminRow
	Found     string // "1 order", "10 000+ orders"
	Manages   bool
	Bulk      []AdminBulk

	PreviousURL, NextURL string // "" = there is none
	OrdersURL, LinesURL  string // of the files with the same orders
}

// AdminBulk is an action on all ticked orders.
type AdminBulk struct{ Action, Label string }

// AdminView is a list of orders with something in common.
type AdminView struct {
	Name, Count string // Count "" = not counted
	URL         string
	Active      bool
}

// AdminFigure is a figure under the bar of amounts. Swatch names its part of the bar.
type AdminFigure struct{ Swatch, Label, Amount string }

// AdminSegment is a part of the bar, in hundredths of a percent of its width.
type AdminSegment struct {
	Class    string
	X, Width int
}

// AdminAmounts are the amounts of an order.
type AdminAmounts struct {
	Sentence string // the same in words
	Bar      []AdminSegment
	Figures  []AdminFigure
}

// AdminLine is a line of an order.
type AdminLine struct {
	Name              Text
	Reference         string
	Quantity          string
	Price, Tax, Total string
	States            []Badge
}

// AdminBooking is a capture or a refund.
type AdminBooking struct {
	What   Badge
	At     string
	Amount string
	Lines  string // what it is for
	Note   string // description and reference
	ID     string
}

// AdminShipment is a shipment.
type AdminShipment struct {
	For        string // the whole order, or a capture
	Contents   string // what is in it; "" = nobody said
	CorrectURL string // "" = who looks may not
	SlipURL    string // of its packing slip; "" = nobody said what is in it
	Carrier    string
	Method     string
	Number     string
	URL        string // "" = none
	Return     string // carrier and number of the way back; "" = none
	ReturnURL  string
}

// AdminEvent is an entry of the timeline.
type AdminEvent struct {
	Source        string // "staff", "shopper", "klarna" or "system"
	Time, ISO     string
	Who           string // bold, first; "" = nobody
	Text          string
	Bold          string // after Text
	After         string // after Bold
	Detail        []string
	Messages      []string // Klarna's words
	CorrelationID string
	Changes       []AdminChange
}

// AdminChange is one fact before and after.
type AdminChange struct{ Field, Before, After string }

// AdminDay is a day of the timeline, newest entry first.
type AdminDay struct {
	Day    string
	Events []AdminEvent
}

// AdminAction is a possible action on the order.
type AdminAction struct {
	Label, URL string
	Aside      bool // not what is to be done next, though it is the first
}

// AdminReason is the reason why some actions are not possible.
type AdminReason struct{ Actions, Why string }

// AdminTerm is a fact about an order.
type AdminTerm struct {
	Name, Value string
	Code        bool // an ID, with a button that copies it
}

// AdminNote is what a member of staff has written about an order.
type AdminNote struct{ Who, At, Text string }

// AdminOther is another order of the same customer.
type AdminOther struct {
	Number, URL, Placed, Total string
	State                      Badge
}

// AdminOrderView is the page of one order.
type AdminOrderView struct {
	Number     string
	State      Badge
	Market     string
	Currency   string
	Placed     string
	ListURL    string // of the list from which it comes
	Before     string // the address of the order before it in that list; "" = it is the first
	After      string
	NoteURL    string // where a note is sent; "" = who looks may not
	NoteKey    string
	NoteInput  form.Input
	Written    []AdminNote
	Others     []AdminOther    // the customer's other orders, the newest first
	OthersURL  string          // of all of them
	Result     templ.Component // what an action has done; nil = none
	Notes      []Note
	Amounts    AdminAmounts
	Lines      []AdminLine
	Bookings   []AdminBooking
	Shipments  []AdminShipment
	Days       []AdminDay
	Actions    []AdminAction // the first is the most likely
	Impossible []AdminReason
	MayNot     string // why there are no actions; "" = there are
	Customer   []string
	DeliverTo  []string
	BillTo     []string // nil = the same
	References []AdminTerm
	Delivery   []Fact      // how the goods come; nil = nothing is sent
	Checkboxes []AdminTerm // the shopper's answers to the shop's own questions
	Campaigns  []AdminTerm // what they take off
	// Withdrawals are the statements of consumers who withdrew: when, from what, who.
	Withdrawals []Fact
	SlipURL     string // of the packing slip; "" = nothing is sent
	InspectURL  string
}

// SlipLine is a line of a packing slip.
type SlipLine struct {
	Name      Text
	Reference string
	Quantity  string
}

// PackingSlipsView are the packing slips of several orders.
type PackingSlipsView struct {
	Title string
	Slips []PackingSlipView
	Left  []AdminReason // orders without one, and why
}

// PackingSlipView is a packing slip. It has no prices.
type PackingSlipView struct {
	Shop      Shop
	Number    string
	OrderURL  string
	Placed    string
	DeliverTo []string
	Phone     string
	Company   []AdminTerm // that has bought; none = a person
	Delivery  string      // "To your door"; "" = not told
	Facts     []Fact      // where it is fetched, who brings it, when
	Fetched   bool        // it does not go to the address
	Campaigns []AdminTerm
	Lines     []SlipLine
	Things    string // "7 items"
	Parcel    string // carrier and number; "" = what remains to be sent
	Stop      string // why nothing must be sent; "" = it may
}
