package backoffice

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/web/templates"
)

// erasePath is the end of the address at which an order is erased.
const erasePath = "/erase"

// eraseRoutes mounts the question whether to erase an order, and its answer.
func (b *Backoffice) eraseRoutes(r chi.Router) {
	r.With(b.mayManage).Get("/admin/orders/{number}"+erasePath, b.eraseAsk)
	r.Post("/admin/orders/{number}"+erasePath, b.eraseDo)
}

const eraseTitle = "Erase personal data"

// erasedText says that there is no personal data any more.
func erasedText(o order.Order) string { return "Erased on " + form.Day(o.ErasedAt) + "." }

func (b *Backoffice) eraseAsk(w http.ResponseWriter, r *http.Request) {
	o, ok := b.theOrder(w, r)
	if !ok {
		return
	}
	if o.Erased() {
		http.Redirect(w, r, orderPath(o.Number), http.StatusSeeOther)
		return
	}
	if fresh, err := b.refresh(r.Context(), o.Ref()); err == nil {
		o = fresh
	}
	var notes []templates.ResultNote
	if _, before := b.typed(w, r); before {
		notes = append(notes, typedNote)
	}
	if why := o.Needed(); why != "" {
		b.eraseRefused(w, r, o, why)
		return
	}
	notes = append(notes, undoneNotes(o)...)
	keeps := "Klarna keeps its own copy."
	if o.Free() {
		keeps = "Klarna never had a copy."
	} else if o.CapturedAmount > o.RefundedAmount {
		keeps += " The order can still be refunded."
	}
	b.actionPage(w, r, http.StatusOK, eraseTitle+" "+o.Number, templates.ActionConfirm(templates.ActionConfirmView{
		Question: form.Question{
			Ask: "Erase the personal data of this order?", Button: "Erase for ever", Back: "Back to the order", Danger: true,
			Body: []string{
				"Names, addresses, e-mail, phone, tracking and what staff have written go, and cannot be brought back. Lines, amounts, dates and country stay.",
				keeps,
			},
		},
		Notes: notes, Number: o.Number, Title: eraseTitle, URL: orderPath(o.Number) + erasePath, Busy: "Erasing…", Currency: string(o.PurchaseCurrency),
	}))
}

// undoneNotes say what is left to do with an order, and needs its personal data.
func undoneNotes(o order.Order) (notes []templates.ResultNote) {
	if o.ToShip() {
		notes = append(notes, templates.ResultNote{
			Kind: templates.Warn, Title: "Goods of this order are not sent yet.",
			Body: aftersale.Contents(o, order.Shipment{OrderLines: aftersale.Unshipped(o, "")}) + ". Once it is erased nobody knows whereto.",
		})
	}
	if o.Flagged(order.WithdrawalRequested) {
		notes = append(notes, templates.ResultNote{
			Kind: templates.Warn, Title: "A withdrawal is not dealt with yet.", Body: "Once it is erased nobody knows who stated it, or where to write to.",
		})
	}
	return notes
}

// eraseDo erases the order; again it changes nothing.
func (b *Backoffice) eraseDo(w http.ResponseWriter, r *http.Request) {
	o, ok := b.theOrder(w, r)
	if !ok {
		return
	}
	erased, err := b.Book.Erase(r.Context(), o.Ref(), order.ByStaff)
	needed, isNeeded := errors.AsType[*order.NeededError](err)
	switch {
	case isNeeded:
		b.eraseRefused(w, r, o, needed.Why)
	case err != nil:
		b.fail(w, r, err)
	default:
		b.Logger.InfoContext(r.Context(), "personal data erased by staff", "staff", staffOf(r.Context()).Name, "order_id", o.Ref(), "order_number", o.Number)
		http.Redirect(w, r, orderPath(erased.Number), http.StatusSeeOther)
	}
}

func (b *Backoffice) eraseRefused(w http.ResponseWriter, r *http.Request, o order.Order, why string) {
	b.page(w, r, http.StatusConflict, eraseTitle+" "+o.Number, navOrders, templates.ActionRefused(templates.ActionRefusedView{
		Number: o.Number, Title: eraseTitle, Notes: []templates.ResultNote{{Kind: templates.Warn, Title: "Erasing is not possible: " + why}},
	}))
}
