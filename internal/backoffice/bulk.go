package backoffice

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/shopd/shopd/internal/aftersale"
	"github.com/shopd/shopd/internal/form"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/permission"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// bulkPath is the address of actions on several orders.
const bulkPath = "/admin/bulk"

// bulkLook is how often the page of a bulk job reloads, in seconds.
const bulkLook = 3

// bulkRoutes mounts the actions on several orders. All staff may look at a job.
func (b *Backoffice) bulkRoutes(r chi.Router) {
	r.Get(bulkPath, b.bulkAgain)
	r.Post(bulkPath, b.bulkAsk)
	r.Post(bulkPath+"/start", b.bulkStart)
	r.Get(bulkPath+"/start", b.bulkAgain)
	r.Get(bulkPath+"/{id}", b.bulkProgress)
}

// selection has the ticked orders, and the total of an action on all of them.
type selection struct {
	action *aftersale.Action
	rows   []templates.BulkRow
	ids    []string // with which it is possible and nothing warns of it
	warned int      // how many are left out unless they are ticked again
	sums   map[money.Currency]money.Amount
	states []string // of each order with which it is possible, what it is and comes to
}

// selected reads the action and the orders of a form. The error comes from the book, or
// there is no such action. What is confirmed was asked for, whatever warns of it.
func (b *Backoffice) selected(ctx context.Context, ticked url.Values, confirmed bool) (selection, error) {
	s := selection{sums: map[money.Currency]money.Amount{}, action: b.Desk.Actions.Bulk().Named(order.Action(ticked.Get("action")))}
	if s.action == nil {
		return s, errBadRequest
	}
	now := time.Now()
	ids := slices.Compact(slices.Sorted(slices.Values(ticked["order"])))
	ids = ids[:min(len(ids), aftersale.MaxBulk+1)]
	orders, err := b.Book.ByRefs(ctx, ids)
	if err != nil {
		return s, err
	}
	for _, id := range ids {
		i := slices.IndexFunc(orders, func(o order.Order) bool { return o.Ref() == id })
		if i < 0 {
			s.rows = append(s.rows, templates.BulkRow{Number: form.Shortened(id), Why: "There is no such order."})
			continue
		}
		o := orders[i].In(b.zone())
		row := templates.BulkRow{Number: o.Number, URL: orderPath(o.Number)}
		switch impossible := b.Desk.Possible(o, s.action, now); {
		case impossible != nil:
			row.Why = s.action.Impossible(o, impossible.Reason)
		case o.Running != nil:
			row.Why = "Something else is being done with this order."
		default:
			amount := s.action.All(o).Amount
			if amount != 0 {
				row.Amount = form.Money(amount, o.PurchaseCurrency)
			}
			row.Warnings = b.warnings(o)
			s.states = append(s.states, stateHash(o, amount, row.Warnings))
			if len(row.Warnings) > 0 && !confirmed {
				row.OrderID = o.Ref()
				s.warned++
				break
			}
			if amount != 0 {
				s.sums[o.PurchaseCurrency] += amount
			}
			s.ids = append(s.ids, o.Ref())
		}
		s.rows = append(s.rows, row)
	}
	slices.SortStableFunc(s.rows, func(a, b templates.BulkRow) int { return strings.Compare(b.Why, a.Why) })
	return s, nil
}

// warnings are what the question of one order warns of, and what its page does.
func (b *Backoffice) warnings(o order.Order) (texts []string) {
	for _, n := range b.stateNotes(o) {
		texts = append(texts, strings.TrimSpace(n.Title+" "+n.Body))
	}
	for _, n := range flagNotes(o) {
		texts = append(texts, strings.TrimSpace(n.Title+" "+n.Body))
	}
	return texts
}

// stateHash names what the question says of an order.
func stateHash(o order.Order, amount money.Amount, warnings []string) string {
	sum := sha256.Sum256(fmt.Append(nil, o.Ref(), " ", amount, " ", o.PurchaseCurrency, " ", warnings))
	state := hex.EncodeToString(sum[:16])
	if len(warnings) > 0 {
		state = leftOut + state
	}
	return state
}

// leftOut begins the state of an order that may be left out.
const leftOut = "-"

// what names the action and its totals, one for each currency: "Capture 100.00 SEK + 20.00
// EUR"; without a total the orders: "Cancel 3 orders".
func (s selection) what() string {
	var parts []string
	for _, c := range slices.Sorted(maps.Keys(s.sums)) {
		parts = append(parts, form.Money(s.sums[c], c))
	}
	if len(parts) == 0 {
		return s.action.AllTitle + " " + form.Count(len(s.ids), "order")
	}
	return s.action.AllTitle + " " + strings.Join(parts, " + ")
}

// bulkAsk asks staff to confirm an action on the ticked orders.
func (b *Backoffice) bulkAsk(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, formLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	b.bulkAbout(w, r, r.PostForm)
}

// bulkAgain asks about the orders that were ticked before who ticked them had to sign in
// again. Without any it leads to the orders.
func (b *Backoffice) bulkAgain(w http.ResponseWriter, r *http.Request) {
	ticked, before := b.typed(w, r)
	if !before || !staffOf(r.Context()).May(permission.Change) {
		http.Redirect(w, r, home, http.StatusSeeOther)
		return
	}
	b.bulkAbout(w, r, ticked, typedNote)
}

func (b *Backoffice) bulkAbout(w http.ResponseWriter, r *http.Request, ticked url.Values, notes ...templates.ResultNote) {
	s, err := b.selected(r.Context(), ticked, false)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.bulkQuestion(w, r, http.StatusOK, s, notes...)
}

// bulkQuestion shows the question, or why there is nothing to ask.
func (b *Backoffice) bulkQuestion(w http.ResponseWriter, r *http.Request, status int, s selection, notes ...templates.ResultNote) {
	v := templates.BulkConfirmView{URL: bulkPath + "/start", Notes: notes, Rows: s.rows, Busy: "Starting…"}
	switch n := len(s.ids); {
	case len(s.rows) == 0:
		status, v.Question = http.StatusUnprocessableEntity, "No order is ticked"
		v.Body = []string{"Tick the orders in the list."}
	case len(s.rows) > aftersale.MaxBulk:
		status, v.Question, v.Rows = http.StatusUnprocessableEntity, "Too many orders", nil
		v.Body = []string{"At most " + strconv.Itoa(aftersale.MaxBulk) + " orders can be ticked at once."}
	case n+s.warned == 0:
		status, v.Question = http.StatusConflict, "It is possible with none of these orders"
	default:
		v.Question, v.Button, v.Danger = s.what()+"?", s.what(), s.action.AllDanger
		switch {
		case n == 0:
			v.Question, v.Button = s.action.AllTitle+" what is left out?", s.action.AllTitle
		case len(s.sums) > 0:
			v.Question = s.what() + " of " + form.Count(n, "order") + "?"
		}
		v.Body = []string{s.action.AllBody}
		if s.warned > 0 {
			v.Body = append(v.Body, form.Count(s.warned, "order")+" left out: the table says why. Tick what is to be included all the same.")
		}
		if left := len(s.rows) - n - s.warned; left > 0 {
			v.Body = append(v.Body, "It is not possible with "+form.Count(left, "order")+": the table says why.")
		}
		v.Hidden = []form.Hidden{
			{Name: aftersale.FieldKey, Value: uuid.NewString()}, {Name: "action", Value: string(s.action.Name)},
		}
		for _, state := range s.states {
			v.Hidden = append(v.Hidden, form.Hidden{Name: aftersale.FieldShown, Value: state})
		}
		for _, id := range s.ids {
			v.Hidden = append(v.Hidden, form.Hidden{Name: "order", Value: id})
		}
	}
	title := v.Question
	if status >= http.StatusBadRequest {
		title = "Error: " + title
	}
	b.page(w, r, status, title, navOrders, templates.BulkConfirm(v))
}

// bulkStart starts the confirmed job. A form that is sent again starts no second job.
func (b *Backoffice) bulkStart(w http.ResponseWriter, r *http.Request) {
	if err := respond.ParseForm(w, r, formLimit); err != nil {
		b.fail(w, r, err)
		return
	}
	id, err := uuid.Parse(r.PostForm.Get(aftersale.FieldKey))
	known := false
	if err == nil {
		if _, known, err = b.Desk.Bulk(r.Context(), id.String()); err != nil {
			b.fail(w, r, err)
			return
		}
	}
	if !known {
		s, selectErr := b.selected(r.Context(), r.PostForm, true)
		if selectErr != nil {
			b.fail(w, r, selectErr)
			return
		}
		if err == nil && len(s.rows) == 0 {
			b.bulkQuestion(w, r, http.StatusUnprocessableEntity, s)
			return
		}
		shown := r.PostForm[aftersale.FieldShown]
		changed := slices.ContainsFunc(s.states, func(state string) bool { return !slices.Contains(shown, state) }) ||
			slices.ContainsFunc(shown, func(state string) bool {
				return !strings.HasPrefix(state, leftOut) && !slices.Contains(s.states, state)
			})
		if err != nil || len(s.ids) == 0 || changed || len(s.ids) != len(s.rows) {
			if s, selectErr = b.selected(r.Context(), r.PostForm, false); selectErr != nil {
				b.fail(w, r, selectErr)
				return
			}
			b.bulkQuestion(w, r, http.StatusConflict, s, templates.ResultNote{
				Kind: templates.Warn, Title: "The orders changed while you were looking.", Body: "Nothing was sent. Check the amounts and try again.",
			})
			return
		}
		if err := b.Desk.StartBulk(r.Context(), id.String(), s.action, staffOf(r.Context()).Name, s.ids); err != nil {
			b.fail(w, r, err)
			return
		}
	}
	http.Redirect(w, r, bulkPath+"/"+url.PathEscape(id.String()), http.StatusSeeOther)
}

// bulkProgress shows the progress of a bulk job. Staff can leave the page and come back.
func (b *Backoffice) bulkProgress(w http.ResponseWriter, r *http.Request) {
	job, found, err := b.Desk.Bulk(r.Context(), chi.URLParam(r, "id"))
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
	title := "Several orders"
	if a := b.Desk.Actions.Named(job.Action); a != nil {
		title = a.Title
	}
	at := job.At.In(b.zone())
	v := templates.BulkProgressView{
		Title: title + ": " + form.Count(n, "order"), Started: job.Staff + " started it on " + form.Day(at) + " at " + form.Clock(at) + ".",
		Done: done, Refused: refused, Total: n,
		Text: fmt.Sprintf("%d of %d done, %d refused, %d to go.", done, n, refused, n-done-refused),
	}
	if job.Finished() {
		v.Text = fmt.Sprintf("%d of %d done, %d refused.", done, n, refused)
	} else {
		v.Hint = "You can leave this page."
		w.Header().Set("Refresh", strconv.Itoa(bulkLook))
	}
	for _, item := range job.Items {
		v.Items = append(v.Items, bulkItem(item))
	}
	b.page(w, r, http.StatusOK, strings.TrimSuffix(v.Text, "."), navOrders, templates.BulkProgress(v))
}

// bulkItem returns one row of the progress.
func bulkItem(item aftersale.BulkItem) templates.BulkItem {
	row := templates.BulkItem{
		Number: item.Number, URL: orderPath(item.Number), Kind: templates.Info, State: "Waiting",
	}
	if item.Amount != 0 {
		row.Amount = form.Money(item.Amount, item.Currency)
	}
	switch item.Result {
	case order.Done:
		row.Kind, row.State = templates.OK, "Done"
	case order.Refused:
		row.Kind, row.State, row.Why, row.CorrelationID = templates.Bad, "Refused", item.Why, item.CorrelationID
	case order.Unknown:
		row.Kind, row.State, row.Why = templates.Warn, "Not known yet", "Klarna has not answered. We keep asking with the same key, so it cannot happen twice."
	case order.Already, order.Sent:
	}
	if item.Number == "" {
		row.Number, row.URL = form.Shortened(item.OrderID), ""
	}
	return row
}
