package backoffice

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// bulkPath is where several orders are captured at once.
const bulkPath = "/admin/bulk"

// bulkLook is how often the page of a bulk capture looks again, in seconds.
const bulkLook = 3

// bulkRoutes mounts the capture of several orders. Everybody may look at one.
func (b *Backoffice) bulkRoutes(r chi.Router) {
	r.Get(bulkPath, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/admin/", http.StatusSeeOther) })
	r.With(b.mayManage).Post(bulkPath, b.bulkAsk)
	r.With(b.mayManage).Post(bulkPath+"/start", b.bulkStart)
	r.Get(bulkPath+"/start", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/admin/", http.StatusSeeOther) })
	r.Get(bulkPath+"/{id}", b.bulkProgress)
}

// selection are the orders that were ticked, and what a capture of all that
// remains of them comes to.
type selection struct {
	rows  []templates.BulkRow
	ids   []string // that can be captured
	sums  map[money.Currency]money.Amount
	state string // names orders and amounts
}

// selected reads the orders of a form. The error is of the book.
func (b *Backoffice) selected(r *http.Request) (selection, error) {
	s := selection{sums: map[money.Currency]money.Amount{}}
	hash, now := sha256.New(), time.Now()
	ids := slices.Compact(slices.Sorted(slices.Values(r.PostForm["order"])))
	for _, id := range ids[:min(len(ids), order.MaxBulk+1)] {
		o, found, err := b.Book.ByOrderID(r.Context(), id)
		if err != nil {
			return s, err
		}
		if !found {
			s.rows = append(s.rows, templates.BulkRow{Number: shortened(id), Why: "There is no such order."})
			continue
		}
		row := templates.BulkRow{Number: o.Number, URL: orderPath(o.Number)}
		switch impossible, ok := errors.AsType[*order.ImpossibleError](b.Book.Possible(o, order.ActionCapture, now)); {
		case ok:
			row.Why = impossibleText(o, impossible)
		case o.Running != nil:
			row.Why = "Something else is being done with this order."
		default:
			_, amount := o.Rest()
			row.Amount = moneyText(amount, o.PurchaseCurrency)
			s.ids = append(s.ids, o.OrderID)
			s.sums[o.PurchaseCurrency] += amount
			_, _ = fmt.Fprintln(hash, o.OrderID, amount, o.PurchaseCurrency) // to a hash: cannot fail
		}
		s.rows = append(s.rows, row)
	}
	slices.SortStableFunc(s.rows, func(a, b templates.BulkRow) int { return strings.Compare(b.Why, a.Why) })
	s.state = hex.EncodeToString(hash.Sum(nil)[:16])
	return s, nil
}

// sum writes what all comes to, each currency by itself.
func (s selection) sum() string {
	var parts []string
	for _, c := range sortedCurrencies(s.sums) {
		parts = append(parts, moneyText(s.sums[c], c))
	}
	return strings.Join(parts, " + ")
}

func sortedCurrencies(sums map[money.Currency]money.Amount) []money.Currency {
	var all []money.Currency
	for c := range sums {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

// bulkAsk asks whether the ticked orders shall be captured.
func (b *Backoffice) bulkAsk(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, formLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	s, err := b.selected(r)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.bulkQuestion(w, r, http.StatusOK, s)
}

// bulkQuestion answers with the question, or with what there is to ask.
func (b *Backoffice) bulkQuestion(w http.ResponseWriter, r *http.Request, status int, s selection, notes ...templates.ResultNote) {
	v := templates.BulkConfirmView{URL: bulkPath + "/start", Notes: notes, Rows: s.rows, Busy: "Starting…"}
	switch n := len(s.ids); {
	case len(s.rows) == 0:
		status, v.Question = http.StatusUnprocessableEntity, "No order is ticked"
		v.Body = []string{"Tick the orders you want to capture in the list."}
	case len(s.rows) > order.MaxBulk:
		status, v.Question, v.Rows = http.StatusUnprocessableEntity, "Too many orders", nil
		v.Body = []string{"At most " + strconv.Itoa(order.MaxBulk) + " orders can be captured at once."}
	case n == 0:
		status, v.Question = http.StatusConflict, "None of these orders can be captured"
	default:
		v.Question = "Capture " + s.sum() + " of " + count(n, "order") + "?"
		v.Button = "Capture " + s.sum()
		v.Body = []string{"All that remains of each. It cannot be undone, only refunded."}
		if left := len(s.rows) - n; left > 0 {
			v.Body = append(v.Body, count(left, "order")+" cannot be captured and stays as it is; the table says why.")
		}
		v.Hidden = []templates.Field{{Name: fieldKey, Value: uuid.NewString()}, {Name: fieldShown, Value: s.state}}
		for _, id := range s.ids {
			v.Hidden = append(v.Hidden, templates.Field{Name: "order", Value: id})
		}
	}
	title := v.Question
	if status >= http.StatusBadRequest {
		title = "Error: " + title
	}
	b.page(w, r, status, title, navOrders, templates.BulkConfirm(v))
}

// bulkStart starts what was asked for. The same form starts one job, however
// often it is sent.
func (b *Backoffice) bulkStart(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, formLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	id, err := uuid.Parse(r.PostForm.Get(fieldKey))
	known := false
	if err == nil {
		if _, known, err = b.Book.Bulk(r.Context(), id.String()); err != nil {
			b.fail(w, r, err)
			return
		}
	}
	if !known {
		s, selectErr := b.selected(r)
		if selectErr != nil {
			b.fail(w, r, selectErr)
			return
		}
		if err != nil || len(s.ids) == 0 || s.state != r.PostForm.Get(fieldShown) {
			b.bulkQuestion(w, r, http.StatusConflict, s, templates.ResultNote{
				Kind: templates.Warn, Title: "The orders changed while you were looking.", Body: "Nothing was sent. Check the amounts and try again.",
			})
			return
		}
		if err := b.Book.StartBulkAs(r.Context(), id.String(), staffOf(r.Context()).Name, s.ids); err != nil {
			b.fail(w, r, err)
			return
		}
	}
	http.Redirect(w, r, bulkPath+"/"+url.PathEscape(id.String()), http.StatusSeeOther)
}

// bulkProgress shows how far a bulk capture is. It may be left and found again.
func (b *Backoffice) bulkProgress(w http.ResponseWriter, r *http.Request) {
	job, found, err := b.Book.Bulk(r.Context(), chi.URLParam(r, "id"))
	switch {
	case err != nil:
		b.fail(w, r, err)
		return
	case !found:
		b.notFound(w, r)
		return
	}
	done, refused := job.Count(order.Done), job.Count(order.Refused)
	n := len(job.Items)
	v := templates.BulkProgressView{
		Title: "Capture of " + count(n, "order"), Started: job.Staff + " started it on " + dayText(job.At) + " at " + clock(job.At) + ".",
		Captured: done, Refused: refused, Total: n,
		Text: fmt.Sprintf("%d of %d captured, %d refused, %d to go.", done, n, refused, n-done-refused),
	}
	if job.Finished() {
		v.Text = fmt.Sprintf("%d of %d captured, %d refused.", done, n, refused)
	} else {
		v.Hint = "You can leave this page."
		w.Header().Set("Refresh", strconv.Itoa(bulkLook))
	}
	for _, item := range job.Items {
		v.Items = append(v.Items, b.bulkItem(r, item))
	}
	title := v.Text
	b.page(w, r, http.StatusOK, strings.TrimSuffix(title, "."), navOrders, templates.BulkProgress(v))
}

// bulkItem is a row of the progress.
func (b *Backoffice) bulkItem(r *http.Request, item order.BulkItem) templates.BulkItem {
	row := templates.BulkItem{Number: item.Number, URL: orderPath(item.Number), Amount: moneyText(item.Amount, item.Currency), Kind: templates.Info, State: "Waiting"}
	switch item.Result {
	case order.Done:
		row.Kind, row.State = templates.OK, "Captured"
	case order.Refused:
		row.Kind, row.State = templates.Bad, "Refused"
		row.Why, row.CorrelationID = b.bulkRefusal(r, item), item.CorrelationID
	case order.Unknown:
		row.Kind, row.State, row.Why = templates.Warn, "Not known yet", "Klarna has not answered. We keep asking with the same key, so it cannot happen twice."
	case order.Already, order.Sent:
	}
	if item.Number == "" {
		row.Number, row.URL, row.Amount = shortened(item.OrderID), "", ""
	}
	return row
}

// bulkRefusal says why an order was not captured.
func (b *Backoffice) bulkRefusal(r *http.Request, item order.BulkItem) string {
	if item.Reason == order.ReasonNoOrder {
		return "There is no such order."
	}
	o, _, err := b.Book.ByOrderID(r.Context(), item.OrderID)
	if err != nil {
		b.Logger.WarnContext(r.Context(), "order of a bulk capture not read", "error", err)
	}
	if item.Reason != "" {
		return impossibleText(o, &order.ImpossibleError{Action: order.ActionCapture, Reason: item.Reason})
	}
	return refusedNote(o, order.AuditEntry{
		Event: string(order.ActionCapture), Status: item.Status, Code: item.Code, Messages: item.Messages, Amount: item.Amount,
	}).Body
}
