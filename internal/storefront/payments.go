package storefront

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// Payments is what the checkout of Klarna Payments needs. All members but the
// last three are required.
type Payments struct {
	Syncer  *payments.Syncer
	Library string // URL of Klarna's script
	// Origins are the hosts that the script frames, calls and takes pictures
	// from, as scheme://host[:port], further to those that all pages may.
	Origins []string
	Review  bool // two pages: details, then a review
	First   bool // it is the checkout at /checkout; KCO is not offered
}

// Where the pages are.
const (
	paymentsPath = "/checkout/payments"
	reviewPath   = "/checkout/payments/review"
)

// The flow of the page that is asked for.
func (p *Payments) page(r *http.Request) templates.PaymentsPage {
	switch {
	case !p.Review:
		return templates.OneStep
	case r.URL.Path == reviewPath:
		return templates.Review
	}
	return templates.Details
}

// payments shows the shop's own form with Klarna's widget beside the order.
func (s *Storefront) payments(w http.ResponseWriter, r *http.Request) {
	if prefetched(w, r) {
		return
	}
	s.Sessions.Locked(http.HandlerFunc(s.showPayments), s.lockError).ServeHTTP(w, r)
}

func (s *Storefront) showPayments(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id := s.Sessions.CartID(ctx)
	if id == "" {
		http.Redirect(w, r, "/cart", http.StatusSeeOther)
		return
	}
	if err := s.shipWithin(ctx, id, fallback(r)); err != nil {
		s.PageError(w, r, err)
		return
	}
	result, err := s.syncPayments(r, cartsync.Load)
	if err != nil {
		s.errorPage(w, r, err, result.Cart.Locale)
		return
	}
	if s.elsewhere(w, r, result.Outcome, result.OrderID) {
		return
	}
	v := s.viewOf(r, result.Cart, result.Quote)
	order, notes, err := v.order()
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	shell := v.shell()
	shell.Notes = append(shell.Notes, without(notes, shell.Notes)...)
	respond.AllowStyleAttributes(w)
	respond.AllowOrigins(w, s.Payments.Origins)
	respond.Page(w, r, http.StatusOK, templates.Payments(templates.PaymentsView{
		Shell: shell, Order: order, Page: s.Payments.page(r), Fields: fieldsOf(v.market, result.Quote),
		Methods: methodsOf(result.Session), Session: widgetOf(result.Session), Form: formOf(result.Session),
		ClientToken: result.Session.ClientToken, Library: s.Payments.Library, Region: result.Cart.Region(),
	}))
}

// shipWithin sends an order to the country in which it is bought: the form has
// no other, and KCO's, where the cart may have been before, has.
func (s *Storefront) shipWithin(ctx context.Context, id string, f cart.Fallback) error {
	c, err := s.Carts.Get(ctx, id, f)
	if err != nil || !c.ShipsAbroad() {
		return err
	}
	region := ""
	_, err = s.change(ctx, id, f, cart.Change{Region: &region}, func(*cart.Cart) error { return nil })
	return err
}

// syncPayments syncs the session's cart under the session's lock and, where it
// changed, stores the payment session's ID in the session.
func (s *Storefront) syncPayments(r *http.Request, mode cartsync.Mode) (payments.Result, error) {
	ctx := r.Context()
	known := s.Sessions.PaymentsSessionID(ctx)
	result, err := s.Payments.Syncer.Sync(ctx, payments.Request{
		CartID: s.Sessions.CartID(ctx), Fallback: fallback(r), Mode: mode, SessionID: known,
	})
	if err == nil && result.Outcome == cartsync.InSync && known != result.Session.SessionID {
		s.Sessions.SetPaymentsSessionID(ctx, result.Session.SessionID)
	}
	return result, err
}

// formOf names a payment session to the page without telling its ID.
func formOf(session payments.Session) string {
	sum := sha256.Sum256([]byte("payment form " + session.SessionID))
	return hex.EncodeToString(sum[:8])
}

// widget is what Klarna's library is told of the order: what it is to show, and
// what the shopper approves.
type widget struct {
	PurchaseCountry  string             `json:"purchase_country"`
	PurchaseCurrency string             `json:"purchase_currency"`
	Locale           string             `json:"locale"`
	OrderAmount      money.Amount       `json:"order_amount"`
	OrderTaxAmount   money.Amount       `json:"order_tax_amount"`
	OrderLines       []klarna.OrderLine `json:"order_lines"`
}

func widgetOf(s payments.Session) widget {
	return widget{s.PurchaseCountry, s.PurchaseCurrency, s.Locale, s.OrderAmount, s.OrderTaxAmount, s.OrderLines}
}

func methodsOf(s payments.Session) []templates.PaymentMethod {
	methods := make([]templates.PaymentMethod, len(s.Categories))
	for i, c := range s.Categories {
		methods[i] = templates.PaymentMethod{Identifier: c.Identifier, Name: c.Name}
	}
	return methods
}

// fieldsOf are the fields of the address form. What is not brought anywhere can
// be bought everywhere.
func fieldsOf(m market.Market, quote cart.Quote) []templates.AddressField {
	var fields []templates.AddressField
	for _, f := range m.AddressFields() {
		field := templates.AddressField{
			Name: f.Name, Autocomplete: f.Autocomplete, Pattern: f.Pattern, Optional: f.Optional, Digits: f.Digits, Length: f.Length,
		}
		if quote.Shipping != nil {
			field.Unreachable = f.Unreachable
		}
		for _, o := range f.Options {
			field.Options = append(field.Options, templates.AddressOption{Value: o.Value, Label: o.Name})
		}
		fields = append(fields, field)
	}
	return fields
}

// paymentsChange is what the open page with Klarna's widget sends.
type paymentsChange struct {
	Form   string  `json:"form"`   // names the session that the page shows
	Region *string `json:"region"` // of the address that is typed
	pageChange
}

func (u paymentsChange) change() (cart.Change, bool) {
	ch, ok := u.pageChange.change()
	ch.Region = u.Region
	return ch, ok && len(u.Form) <= maxForm
}

const maxForm = 64 // bytes

// paymentsAnswer is what that page is told.
type paymentsAnswer struct {
	Form    string `json:"form"`
	Session widget `json:"session"`
	// ClientToken and Methods are those of another session than the page shows;
	// Methods also when Klarna offers others.
	ClientToken string                    `json:"client_token,omitempty"`
	Methods     []templates.PaymentMethod `json:"payment_methods,omitempty"`
	pageAnswer
}

// updatePayments is the endpoint of the open page with Klarna's widget.
func (s *Storefront) updatePayments(w http.ResponseWriter, r *http.Request) {
	var request paymentsChange
	c, err := s.arrive(w, r, &request, func() (cart.Change, bool) { return request.change() }, func(*cart.Cart) bool { return false })
	switch {
	case errors.Is(err, errNoCart):
		redirectJSON(w, r, "/cart")
		return
	case err != nil:
		s.jsonError(w, r, err, nil)
		return
	}
	locked := func(w http.ResponseWriter, r *http.Request) {
		answer, ok := s.syncedPayments(w, r, request.Form, c, func(_ context.Context, v *view) []templates.Note { return request.notes(v) })
		if ok {
			respond.JSON(w, r, http.StatusOK, answer)
		}
	}
	s.Sessions.Locked(http.HandlerFunc(locked), func(w http.ResponseWriter, r *http.Request, err error) {
		s.jsonError(w, r, err, &c)
	}).ServeHTTP(w, r)
}

// syncedPayments syncs the session's cart and returns what the open page, which
// shows form, is told of it; false when it has answered something else. changed
// is the cart as far as it is known, for an answer without a sync.
func (s *Storefront) syncedPayments(w http.ResponseWriter, r *http.Request, form string, changed cart.Cart, notes func(context.Context, *view) []templates.Note) (paymentsAnswer, bool) {
	result, err := s.syncPayments(r, cartsync.Change)
	if result.Cart.Revision >= changed.Revision {
		changed = result.Cart
	}
	if err != nil {
		s.jsonError(w, r, err, &changed)
		return paymentsAnswer{}, false
	}
	switch result.Outcome {
	case cartsync.Empty:
		redirectJSON(w, r, "/cart")
		return paymentsAnswer{}, false
	case cartsync.Complete, cartsync.Bought:
		redirectJSON(w, r, confirmationURL(result.OrderID))
		return paymentsAnswer{}, false
	case cartsync.InSync:
	}
	v := s.viewOf(r, result.Cart, result.Quote)
	page, err := v.answer(r.Context(), result.Quote, notes(r.Context(), v))
	if err != nil {
		s.jsonError(w, r, err, nil)
		return paymentsAnswer{}, false
	}
	answer := paymentsAnswer{
		Form: formOf(result.Session), Session: widgetOf(result.Session), Methods: methodsOf(result.Session), pageAnswer: page,
	}
	if answer.Replaced = answer.Form != form; answer.Replaced {
		answer.ClientToken = result.Session.ClientToken
	}
	return answer, true
}

// prefetched answers a page that nobody looks at: it makes no order.
func prefetched(w http.ResponseWriter, r *http.Request) bool {
	if !strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, "The checkout is not loaded ahead of time.", http.StatusServiceUnavailable)
	return true
}
