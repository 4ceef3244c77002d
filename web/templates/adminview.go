package templates

// AdminShell is what the layout of the back office shows around a page. The back
// office speaks English only.
type AdminShell struct {
	Title   string // of the page, without the shop's name
	Active  string // "orders", "inspector" or "exports"; "" = none of the navigation
	Staff   string // who is signed in; "" = nobody
	Manages bool   // may change orders
}

// AdminMessageView is a page that says one thing.
type AdminMessageView struct {
	Kind          Kind // "" = neutral
	Title, Body   string
	BackURL, Back string // where to go from here
}

// AdminSignInView is the sign-in page.
type AdminSignInView struct {
	Name     string // as it was typed
	ReturnTo string // the page asked for, a local path; "" = the orders
	Note     *Note  // why this page is shown, or what was wrong; nil = none
}
