// Package permission says who may do what: staff by their role, the merchant's own servers
// by the scopes of their keys. There is no other such list.
package permission

import "slices"

// Right is something that not everybody may do.
type Right string

// The rights. Those that a key can have are scopes of the same name.
const (
	Checkout Right = "checkout" // checkout sessions
	Orders   Right = "orders"   // reading orders and events
	Fulfil   Right = "fulfil"   // capture, cancel, release, shipments
	Refund   Right = "refund"
	Stock    Right = "stock"
	Catalog  Right = "catalog" // publishing it
	Change   Right = "change"  // what an order says: lines, addresses, references, dates; what was sent of it again
	Operate  Right = "operate" // endpoints of webhooks
)

// Holder is a role of staff, or a scope of a key.
type Holder string

// The roles of staff, and the scope that is all the others.
const (
	View   Holder = "view"
	Manage Holder = "manage"
	All    Holder = "all"
)

// table is what each holder may do.
var table = map[Holder][]Right{
	View:   {Orders},
	Manage: {Orders, Fulfil, Refund, Stock, Change, Operate},

	Holder(Checkout): {Checkout},
	Holder(Orders):   {Orders},
	Holder(Fulfil):   {Fulfil},
	Holder(Refund):   {Refund},
	Holder(Stock):    {Stock},
	Holder(Catalog):  {Catalog},
	All:              {Checkout, Orders, Fulfil, Refund, Stock, Catalog},
}

// Has reports whether a holder has a right.
func (h Holder) Has(right Right) bool { return slices.Contains(table[h], right) }

// Scopes are the holders that a key may name.
func Scopes() []Holder {
	return []Holder{Holder(Checkout), Holder(Orders), Holder(Fulfil), Holder(Refund), Holder(Stock), Holder(Catalog), All}
}
