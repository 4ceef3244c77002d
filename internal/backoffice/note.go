package backoffice

import (
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

const (
	noteField = "note"
	maxNote   = 2000 // characters
)

// noteRoutes mounts the form with which staff write something down for one another: its page is the order's.
func (b *Backoffice) noteRoutes(r chi.Router) {
	r.Post("/admin/orders/{number}", b.writeNote)
}

// writeNote adds a note to the audit of an order. A form that is sent twice adds one.
func (b *Backoffice) writeNote(w http.ResponseWriter, r *http.Request) {
	o, ok := b.orderOfForm(w, r, respond.ShopperLimit)
	if !ok {
		return
	}
	key, err := uuid.Parse(r.PostForm.Get("key"))
	if err != nil {
		b.fail(w, r, errBadRequest)
		return
	}
	typed := strings.ReplaceAll(r.PostForm.Get(noteField), "\r\n", "\n")
	wrong := ""
	switch {
	case o.Erased():
		wrong = "The order is erased: nothing more is written down of it."
	case strings.TrimSpace(typed) == "" || utf8.RuneCountInString(typed) > maxNote || !utf8.ValidString(typed) ||
		strings.ContainsFunc(typed, func(c rune) bool { return unicode.IsControl(c) && c != '\n' && c != '\t' }):
		wrong = "Enter a note of at most " + strconv.Itoa(maxNote) + " characters."
	}
	if wrong != "" {
		b.showOrder(w, r, http.StatusUnprocessableEntity, o, typed, wrong)
		return
	}
	staff := staffOf(r.Context()).Name
	_, err = b.Book.Once(r.Context(), o.Ref(), order.AuditEntry{
		At: time.Now().UTC(), Source: order.ByStaff, Staff: staff, Event: order.AuditNote, Key: key.String(), Note: strings.TrimSpace(typed),
	})
	if err != nil {
		b.fail(w, r, err)
		return
	}
	http.Redirect(w, r, orderPath(o.Number)+"#h-notes", http.StatusSeeOther)
}

// written are the notes of an audit.
func (b *Backoffice) written(audit []order.AuditEntry) (notes []templates.AdminNote) {
	for _, e := range audit {
		if e.Event == order.AuditNote {
			text := e.Note
			if text == "" {
				text = "Erased."
			}
			notes = append(notes, templates.AdminNote{Who: e.Staff, At: timeText(e.At.In(b.zone())), Text: text})
		}
	}
	return notes
}

// noteInput is the field of a note.
func noteInput(typed, wrong string) form.Input {
	return form.Input{Name: noteField, Label: "Add a note", Hint: "For colleagues only: neither the shopper nor Klarna sees it.", Kind: "area", Value: typed, Error: wrong}
}
