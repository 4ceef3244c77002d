package backoffice

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// flagPath is the end of the address at which a flag is taken off an order.
const flagPath = "/flag"

// flagRoutes mounts the button by which staff say that what a flag is about is dealt with.
func (b *Backoffice) flagRoutes(r chi.Router) {
	r.Post("/admin/orders/{number}"+flagPath, b.flagDone)
}

// flagNotes tells the merchant of things to check.
func flagNotes(o order.Order) []templates.Note {
	var notes []templates.Note
	for _, f := range o.Flags {
		n := templates.Note{ID: string(f), Kind: templates.Warn}
		switch f {
		case order.NotCurrent:
			n.Title, n.Body = "Paid in an old tab.", "This was not the current order of its cart. Check that the shopper did not pay twice."
		case order.Oversold:
			n.Title, n.Body = "More was sold than there was.", "Refund what cannot be sent."
			if o.Remaining() > 0 {
				n.Title, n.Body = "More was sold than is in stock.", "Check the stock before you capture."
			}
		case order.NoCart:
			n.Title, n.Body = "The cart is not known.", "Klarna did not say which cart this order was made for. What was bought may still be in the shopper's cart."
		case order.DuplicateNumber:
			n.Title, n.Body = "Another order has the number that was meant for this one.", "The sale is right, and has a number of ours. See why your server gave one number twice."
		case order.WithdrawalRequested:
			n.Title, n.Body = withdrawalNote(o)
		default:
			n.Title = "Look at this order: " + string(f) + "."
		}
		notes = append(notes, n)
	}
	return notes
}

// flagActions are what the page of an order offers beside the note of a flag.
func (b *Backoffice) flagActions(o order.Order, f order.Flag, now time.Time) (actions []templates.Action) {
	if f == order.WithdrawalRequested {
		actions = b.withdrawalActions(o, now)
	}
	return append(actions, templates.Action{Label: "It is dealt with", URL: orderPath(o.Number) + flagPath, Fields: []form.Hidden{{Name: "done", Value: string(f)}}})
}

// flagDone takes a flag off an order: most stay until somebody has looked. A second press changes nothing.
func (b *Backoffice) flagDone(w http.ResponseWriter, r *http.Request) {
	o, ok := b.orderOfForm(w, r, respond.ShopperLimit)
	if !ok {
		return
	}
	staff, f := staffOf(r.Context()).Name, order.Flag(r.PostForm.Get("done"))
	_, err := b.Book.Update(r.Context(), o.Ref(), func(o *order.Order) ([]order.AuditEntry, error) {
		if !o.Flagged(f) {
			return nil, nil
		}
		o.Unflag(f)
		return []order.AuditEntry{{At: time.Now().UTC(), Source: order.ByStaff, Staff: staff, Event: order.AuditUnflag, ID: string(f)}}, nil
	})
	if err != nil {
		b.fail(w, r, err)
		return
	}
	http.Redirect(w, r, orderPath(o.Number), http.StatusSeeOther)
}
