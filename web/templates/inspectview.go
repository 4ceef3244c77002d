package templates

// InspectView is the inspector's page: a result, or the start page.
type InspectView struct {
	Query  string // as it was typed
	Notes  []Note // the verdict, and what came of a re-sync
	Facts  []InspectFact
	SyncID string // the cart that can be synced now, "" = none
	// Table is nil without anything to compare.
	Table *InspectTable
	Story []InspectEvent // oldest first
	// Searched: something was found, and Story is its story.
	Searched   bool
	LeftBehind []InspectLeft
	LeftTotal  int // of all; the list may be cut short
}

// InspectFact is a fact about a cart or an order. An empty URL is no link.
type InspectFact struct{ Name, Value, URL string }

// InspectTable shows our copy and Klarna's side by side.
type InspectTable struct {
	Ours     string // "Cart" or "Order book"
	Currency string
	Rows     []InspectRow
	// Others are differing members outside the lines.
	Others []InspectOther
}

// InspectRow is a line, or a sum, on both sides.
type InspectRow struct {
	Name, Reference string
	Sum             bool // a total of the order: it has no quantity and price
	Ours, Klarna    InspectSide
	Differs         bool // in anything
}

// InspectSide is one side's copy of a line. An empty Quantity means that this side lacks
// the line, except in a row of a sum.
type InspectSide struct{ Quantity, Price, Tax, Total InspectCell }

// InspectCell is a value.
type InspectCell struct {
	Text    string
	Differs bool
}

// InspectOther is a differing member. Values are "" where they must not be shown.
type InspectOther struct{ Name, Ours, Klarna string }

// InspectEvent is one call or callback.
type InspectEvent struct {
	Day, Time   string // Day only where it is another than before
	DateTime    string // machine-readable
	FromKlarna  bool
	Operation   string
	Method      string
	Path        string // pattern
	Status      string // "200"; "no answer"
	Failed      bool
	Duration    string // "84 ms"
	Try         int    // of a call; from 2 on it is told
	Result      string // "" = nothing to add
	Correlation string
	OrderID     string // "" = that of the page
	Changes     []InspectChange
}

// InspectChange is a member's value before ("": not known) and after.
type InspectChange struct{ Name, Before, After string }

// InspectLeft is a left-behind order.
type InspectLeft struct{ OrderID, CartID, Since, State string }
