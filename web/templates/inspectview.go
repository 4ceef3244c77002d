package templates

// InspectView is the inspector: what was searched for, or the start page.
type InspectView struct {
	Query  string // as it was typed
	Notes  []Note // the verdict, and what came of a re-sync
	Facts  []InspectFact
	SyncID string // the cart that can be synced now, "" = none
	// Table is nil when there is nothing to compare.
	Table *InspectTable
	Story []InspectEvent // oldest first
	// Searched is whether Story is of something that was found.
	Searched   bool
	LeftBehind []InspectLeft
	LeftTotal  int // of all; the list may be cut short
}

// InspectFact is one thing known of a cart or an order; URL "" = no link.
type InspectFact struct{ Name, Value, URL string }

// InspectTable is what we want and what Klarna has, side by side.
type InspectTable struct {
	Ours     string // "Cart" or "Order book"
	Currency string
	Rows     []InspectRow
	// Others are members outside the lines that differ.
	Others []InspectOther
}

// InspectRow is a line, or a sum, on both sides.
type InspectRow struct {
	Name, Reference string
	Sum             bool // a total of the order: it has no quantity and price
	Ours, Klarna    InspectSide
	Differs         bool // in anything
}

// InspectSide is what one side says of a line. An empty Quantity in a row that is no
// sum is a line that this side does not have.
type InspectSide struct{ Quantity, Price, Tax, Total InspectCell }

// InspectCell is a value.
type InspectCell struct {
	Text    string
	Differs bool
}

// InspectOther is a member that differs; values are "" where they are not to be shown.
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

// InspectChange is a member with the value before, "" = none is known, and after.
type InspectChange struct{ Name, Before, After string }

// InspectLeft is an order that was left behind.
type InspectLeft struct{ OrderID, CartID, Since, State string }
