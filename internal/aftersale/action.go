// Package aftersale is what staff can do with an order after it was sold. Each
// action stands in a file of its own with all that is particular to it; the
// registry lists them, and list, order page, timeline and bulk walk that. A Desk
// does their commands: once each, whatever fails meanwhile.
package aftersale

import (
	"context"
	"slices"
	"time"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/ordermanagement"
	"github.com/shopd/shopd/internal/permission"
)

// Action is something that staff can do with an order at Klarna. What is nil it
// does not need.
type Action struct {
	Name order.Action // in commands, audit and metrics
	Slug string       // in addresses
	// Needs is the right that one must have.
	Needs permission.Right

	Title string // of its pages: "Change lines"
	Busy  string // the button while it works: "Changing…"
	Noun  string // "change of the lines"
	// Did and Try tell of it, an amount follows where the command has one: who
	// "captured", who tried to "capture".
	Did, Try string
	// Offer is its link on the page of an order; nil: the title.
	Offer func(order.Order) string
	// Why is a reason in the action's own words, "" for those of all actions.
	Why func(order.Order, Reason) string
	// Result is what is said when it was done: of the order as it is then.
	Result func(order.Order, order.AuditEntry) (title, body string)
	// Refused is what is said when Klarna refused it, told by the code of the
	// answer and the order as it is then; "" for the words of all actions.
	Refused func(order.Order, order.AuditEntry) string

	// Personal: what it writes down may name a person, so an erased order takes it no more.
	Personal bool
	// OwnToo: it can be done with an order that Klarna never saw, too. Klarna is not asked then.
	OwnToo bool
	// Possible is why it cannot be done with an order in its state, "" when it can.
	Possible func(State) Reason
	// Limits is what Klarna would not take in whatever state: a *klarna.RuleError.
	Limits func(order.Order, order.Command) error
	// Check is what is wrong with what a command says: the reason and, of
	// ReasonInvalid, the member.
	Check func(State, order.Command) (reason Reason, member string)

	// Was is what a command keeps of the order that it is let in for, to put it back.
	Was func(order.Order) *order.Was
	// Send asks Klarna. id is that of the capture or refund that was made.
	Send func(context.Context, *ordermanagement.Client, order.Order, order.Command) (id string, a klarna.Answer, err error)
	// Apply makes the order what the command has made of it at Klarna, as far as
	// that follows: for as long as Klarna cannot be read, and for what it does not say (the reference of a refund).
	Apply func(*order.Order, order.Command, order.AuditEntry)
	// Own is what a command that was done changes in the book alone, whatever Klarna says. It gets the
	// markets by which the order was priced.
	Own func(market.List, *order.Order, order.Command, order.AuditEntry)

	// Whether an order at Klarna has what a command should have made of it is told
	// by what the action makes, by what the order says, or by what it said before;
	// where all are nil it cannot be seen.
	Makes func(ordermanagement.Order) []Made
	Has   func(ordermanagement.Order, order.Command) bool
	Since func(at ordermanagement.Order, o order.Order, c order.Command, audit []order.AuditEntry) bool
	// Settle ends what a command of several calls has left half done, before it is told how
	// it ended from an order at Klarna.
	Settle func(context.Context, *ordermanagement.Client, ordermanagement.Order, order.Command) error

	// The form: what a fresh one says, what it asks Klarna, how it looks, how the
	// command is made of what was typed, whether it asks for more of itself, and
	// which field a reason belongs to. Without Form there is only the question.
	Defaults func(*Draft)
	Load     func(context.Context, *ordermanagement.Client, *Draft) error
	Form     func(*Draft, *form.Form)
	Parse    func(*Draft)
	More     func(*Draft) bool
	Blame    func(d *Draft, e *ImpossibleError, text string) bool
	Confirm  func(*Draft, *form.Question)

	// All makes the command for all of an order, with nothing typed; with it the
	// action can be done with several orders at once. AllTitle and AllBody are its
	// words in the list and in the question; AllDanger: it ends them.
	All               func(order.Order) order.Command
	AllTitle, AllBody string
	AllDanger         bool
}

// State is an order at a time, on a platform.
type State struct {
	Order  order.Order
	Status ordermanagement.Status // at Now: the time of an order may be over
	Now    time.Time
	Rules  ordermanagement.Rules
	// Left is how many more of a product can be sold; false where that is not counted.
	// Only Check may ask.
	Left func(sku string) (left int, counted bool)
}

// Made is a capture or refund as an order at Klarna has it.
type Made struct {
	ID        string
	Amount    money.Amount
	Reference *string // nil: not told, as of a refund
	At        time.Time
}

// Registry is the list of the actions, in which the page of an order shows them.
type Registry []*Action

// Actions are the actions of the shop.
var Actions = Registry{
	Capture, Refund, Parcel, Correct, Release, Lines, Address, References, Extend, SendOut, DueDate, Cancel,
}

// Named returns the action with a name, nil when there is none.
func (r Registry) Named(name order.Action) *Action {
	return r.find(func(a *Action) bool { return a.Name == name })
}

// At returns the action with a slug, nil when there is none.
func (r Registry) At(slug string) *Action {
	return r.find(func(a *Action) bool { return a.Slug == slug })
}

func (r Registry) find(is func(*Action) bool) *Action {
	if i := slices.IndexFunc(r, is); i >= 0 {
		return r[i]
	}
	return nil
}

// Bulk returns the actions that can be done with several orders at once.
func (r Registry) Bulk() Registry {
	return slices.DeleteFunc(slices.Clone(r), func(a *Action) bool { return a.All == nil })
}
