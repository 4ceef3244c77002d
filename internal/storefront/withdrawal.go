package storefront

import (
	"crypto/rand"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/mail"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/orderview"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/templates"
)

// The function by which consumers withdraw from a contract. Its pages are there whether the
// shop has pages of its own or not, and need no script. docs/shop.md has the rules.

// withdrawalPath is the page that leads to the function by number and e-mail address.
const withdrawalPath = "/withdrawal"

// maxBuyer is the longest name of somebody who withdraws, in characters.
const maxBuyer = 200

// statementID is how statements are named: by rand.Text.
var statementID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

func (s *Storefront) withdrawals(r chi.Router) {
	r.Get(withdrawalPath, s.page(s.withdrawalFind))
	r.Post(withdrawalPath, s.page(s.withdrawalFound))
	r.Get("/orders/{number}/withdrawal", s.page(s.withdrawalPage))
	r.Post("/orders/{number}/withdrawal", s.page(s.withdraw))
	r.Get("/orders/{number}/withdrawal/{id}", s.page(s.withdrawn))
}

// withdrawalFind asks for the order. A link may name its number.
func (s *Storefront) withdrawalFind(w http.ResponseWriter, r *http.Request, v *view) {
	page := templates.FindView{Shell: v.shell(), Withdraw: true}
	if number := r.URL.Query().Get("number"); len(number) <= maxQuery {
		page.Number = strings.ToValidUTF8(number, "")
	}
	if !page.Withdrawal {
		s.notFound(w, r, v)
		return
	}
	respond.Page(w, r, http.StatusOK, templates.Find(page))
}

func (s *Storefront) withdrawalFound(w http.ResponseWriter, r *http.Request, v *view) {
	s.lookUp(w, r, v, templates.FindView{Withdraw: true}, func(o order.Order) string { return orderview.WithdrawalPath(o, "") })
}

// withdrawalPage shows the statement to be filled in: all that can be withdrawn from is chosen.
func (s *Storefront) withdrawalPage(w http.ResponseWriter, r *http.Request, v *view) {
	o, shown, ok := s.keyed(w, r, v, r.URL.Query().Get("key"))
	if !ok {
		return
	}
	o = s.Book.Fresh(r.Context(), o)
	right := shown.Right(o)
	if right.Why != "" {
		v.noWithdrawal(w, r, http.StatusOK, o, shown, right)
		return
	}
	page := v.statement(o, shown, right)
	page.Name, page.Email = o.BillingAddress.Name(), o.BillingAddress.Email
	for i := range page.Lines {
		page.Lines[i].Value = strconv.FormatInt(page.Lines[i].Left, 10)
	}
	respond.Page(w, r, http.StatusOK, templates.Withdraw(page))
}

// statement is the form of a statement about an order.
func (v *view) statement(o order.Order, shown orderview.View, right order.Right) templates.WithdrawView {
	page := templates.WithdrawView{Shell: v.shell(), Number: o.Number, Key: o.Key, Says: shown.Period(right), OrderURL: orderview.Path(o)}
	page.Path = orderview.WithdrawalPath(o, "")
	for _, l := range right.Lines {
		page.Lines = append(page.Lines, templates.WithdrawLine{ID: l.ID, Name: templates.In(l.Line.Name, i18n.LangOf(o.Locale)), Left: l.Left, Final: l.Final})
	}
	return page
}

// withdraw takes the form of a statement. First it shows what is stated; when that is confirmed,
// it is stored, and the browser goes on to the acknowledgement.
func (s *Storefront) withdraw(w http.ResponseWriter, r *http.Request, v *view) {
	if err := respond.ParseForm(w, r, respond.ShopperLimit); err != nil {
		s.errorPage(w, r, err, v.cart.Locale)
		return
	}
	o, shown, ok := s.keyed(w, r, v, r.PostFormValue("key"))
	if !ok {
		return
	}
	id := r.PostFormValue("id")
	confirmed := id != "" && !r.PostForm.Has("change")
	if confirmed && !statementID.MatchString(id) {
		s.errorPage(w, r, errBadRequest, v.cart.Locale)
		return
	}
	if _, again := o.Withdrawal(id); confirmed && again {
		http.Redirect(w, r, orderview.WithdrawalPath(o, id), http.StatusSeeOther) //nolint:gosec // an address of ours
		return
	}
	right := shown.Right(o)
	if right.Why != "" {
		s.tell(r, "no_withdrawal", nil)
		v.noWithdrawal(w, r, http.StatusUnprocessableEntity, o, shown, right)
		return
	}
	page := v.statement(o, shown, right)
	stated := s.typedStatement(r, &page, right)
	switch {
	case page.NameWrong || page.EmailWrong || page.QuantityWrong:
		s.tell(r, "bad_withdrawal", nil)
		respond.Page(w, r, http.StatusUnprocessableEntity, templates.Withdraw(page))
		return
	case r.PostForm.Has("change"):
		respond.Page(w, r, http.StatusOK, templates.Withdraw(page))
		return
	case !confirmed:
		page.Confirm, page.ID = true, rand.Text()
		respond.Page(w, r, http.StatusOK, templates.Withdraw(page))
		return
	}
	stated.ID = id
	kept, err := s.Book.TakeWithdrawal(r.Context(), o.Ref(), stated, time.Now())
	if refused, is := errors.AsType[*order.WithdrawalError](err); is { // somebody else was faster
		s.tell(r, "no_withdrawal", nil)
		if fresh, _, err := s.Book.ByOrderID(r.Context(), o.Ref()); err == nil {
			o = fresh
		}
		right = shown.Right(o)
		right.Why = refused.Why
		v.noWithdrawal(w, r, http.StatusUnprocessableEntity, o, shown, right)
		return
	}
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	http.Redirect(w, r, orderview.WithdrawalPath(o, kept.ID), http.StatusSeeOther) //nolint:gosec // an address of ours
}

// typedStatement reads what was typed into a page's form.
func (s *Storefront) typedStatement(r *http.Request, page *templates.WithdrawView, right order.Right) order.Withdrawal {
	page.Name, page.Email = strings.TrimSpace(r.PostFormValue("name")), strings.TrimSpace(r.PostFormValue("email"))
	page.NameWrong = page.Name == "" || utf8.RuneCountInString(page.Name) > maxBuyer || !utf8.ValidString(page.Name) || strings.ContainsFunc(page.Name, unicode.IsControl)
	page.EmailWrong = !mail.Writable(page.Email)
	stated := order.Withdrawal{Name: page.Name, Email: page.Email}
	quantities := map[string]int64{}
	for i := range page.Lines {
		l := &page.Lines[i]
		if l.Left == 0 {
			continue
		}
		l.Value = strings.TrimSpace(r.PostFormValue("q:" + l.ID))
		n, err := strconv.ParseUint(l.Value, 10, 31)
		if err != nil {
			page.QuantityWrong = true
			continue
		}
		quantities[l.ID] = int64(n)
		stated.Lines = append(stated.Lines, order.WithdrawnLine{ID: l.ID, Quantity: int64(n)})
	}
	if _, some := right.Take(quantities); !some {
		page.QuantityWrong = true
	}
	return stated
}

// noWithdrawal says why nobody can withdraw from an order, and whom to write to.
func (v *view) noWithdrawal(w http.ResponseWriter, r *http.Request, status int, o order.Order, shown orderview.View, right order.Right) {
	page := templates.WithdrawRefusedView{Shell: v.shell(), Number: o.Number, OrderURL: orderview.Path(o), Says: shown.NoWithdrawal(right)}
	page.Path = orderview.WithdrawalPath(o, "")
	for _, stated := range o.Withdrawals {
		page.Done = append(page.Done, shown.Withdrawn(o, stated))
	}
	respond.Page(w, r, status, templates.WithdrawRefused(page))
}

// withdrawn shows the acknowledgement of a statement, as a page or, with file=1, as a file.
func (s *Storefront) withdrawn(w http.ResponseWriter, r *http.Request, v *view) {
	o, shown, ok := s.keyed(w, r, v, r.URL.Query().Get("key"))
	if !ok {
		return
	}
	stated, found := o.Withdrawal(chi.URLParam(r, "id"))
	if !found {
		s.notFound(w, r, v)
		return
	}
	page := templates.WithdrawnView{
		Shell: v.shell(), Withdrawn: shown.Withdrawn(o, stated), Number: o.Number, OrderURL: orderview.Path(o),
		Mailed: stated.Email != "" && v.Mailer.Writes(settings.MailWithdrawal),
	}
	page.FileURL = page.URL + "&file=1"
	if r.URL.Query().Get("file") == "" {
		respond.Page(w, r, http.StatusOK, templates.WithdrawalReceived(page))
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+o.Number+`.txt"`)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(page.Text())) // fails only when the browser has left
}
