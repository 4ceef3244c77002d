package storefront

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/payments"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/templates"
)

// Payments is the checkout of Klarna Payments. The last three members are optional.
type Payments struct {
	Syncer  *payments.Syncer
	Library string // URL of Klarna's script
	// Origins are further hosts for the frames, calls and pictures of the script, as
	// scheme://host[:port].
	Origins []string
	Both    bool // it is offered beside Klarna Checkout, whatever the shop file says
}

// Where the pages are, and the end of the path of the second one.
const (
	paymentsPath = "/checkout/payments"
	reviewPart   = "/payments/review"
)

// isReview reports whether the second page of the flow is requested.
func isReview(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, reviewPart) }

// pageOf returns which page of the flow is requested.
func pageOf(r *http.Request, flow settings.Checkout) templates.PaymentsPage {
	switch {
	case !flow.Review:
		return templates.OneStep
	case isReview(r):
		return templates.Review
	}
	return templates.Details
}

// checkoutPage is /checkout: of the product that the shop has.
func (s *Storefront) checkoutPage(w http.ResponseWriter, r *http.Request) {
	if s.Published.Now().Shop.Checkout.Payments {
		s.payments(w, r)
		return
	}
	s.checkout(w, r)
}

// paying serves a page of Klarna Payments, or a change by one, where the shop offers it.
func (s *Storefront) paying(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		offered := s.Published.Now().Shop.Checkout
		if !offered.Payments && !s.Payments.Both || isReview(r) && !offered.Review {
			s.Sessions.ReadOnly(s.page(s.notFound)).ServeHTTP(w, r)
			return
		}
		next(w, r)
	}
}

// payments shows the shop's own form with Klarna's widget beside the order.
func (s *Storefront) payments(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	id, opened := s.opened(w, r)
	if !opened {
		return
	}
	known, err := s.knownBuyer(ctx, id)
	if err == nil {
		err = s.shipWithin(ctx, id, s.fallback(r))
	}
	if err == nil {
		_, err = s.beginAs(ctx, id, known.Type, s.fallback(r))
	}
	if err != nil {
		s.PageError(w, r, err)
		return
	}
	result, err := s.syncPayments(r, cartsync.Load)
	if err != nil {
		s.errorPage(w, r, err, result.Cart.Locale)
		return
	}
	if result.Outcome == cartsync.Free && strings.TrimSuffix(r.URL.Path, "/") == base(ctx) {
		s.freeAgain(w, r, freeForm{})
		return
	}
	if s.elsewhere(w, r, result.Outcome, result.OrderID, result.Cart, result.Quote) {
		return
	}
	if err := s.acknowledge(ctx, result.Cart); err != nil {
		s.errorPage(w, r, err, result.Cart.Locale)
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
	if refused := result.Cart.Refused; refused != nil {
		shell.Notes = append(shell.Notes, templates.Note{ID: "refused_by_shop", Kind: templates.Warn, Title: refusedText(refused.Message, v.voice)})
	}
	there := cart.Place{Region: result.Cart.Region(), PostalCode: result.Cart.PostalCode()}
	if result.Quote.Unreached {
		there = cart.Place{} // the page tells what is typed, and so says at the field that nothing goes there
	}
	respond.AllowStyleAttributes(w)
	respond.AllowOrigins(w, s.Payments.Origins, "frame-src", "connect-src", "img-src")
	respond.Page(w, r, http.StatusOK, templates.Payments(templates.PaymentsView{
		Shell: shell, Order: order, Page: pageOf(r, v.version.Shop.Checkout), Details: v.details(result.Quote, known),
		Methods: methodsOf(result.Session), Session: v.told(result.Session), Form: formOf(result.Session),
		ClientToken: result.Session.ClientToken, Library: s.Payments.Library, Region: there.Region,
		Regional: v.market.Scheme == market.SalesTax, Untaxed: v.market.Untaxed, NoVAT: result.Quote.Delivery.Untaxed(),
		AsksPlace: v.version.Shop.Hooks.Delivery != nil, PostalCode: there.PostalCode,
	}))
}

// shipWithin changes the delivery to the purchase country, the only country of this form.
// KCO may have set another one.
func (s *Storefront) shipWithin(ctx context.Context, id string, f cart.Fallback) error {
	c, err := s.Carts.Get(ctx, id, f)
	if err != nil || !c.ShipsAbroad() {
		return err
	}
	_, err = s.change(ctx, id, f, cart.Change{Place: &cart.Place{}}, func(*cart.Cart) error { return nil })
	return err
}

// syncPayments syncs the session's cart under the session's lock. It stores a new payment
// session's ID in the session.
func (s *Storefront) syncPayments(r *http.Request, mode cartsync.Mode) (payments.Result, error) {
	ctx := r.Context()
	known := s.Sessions.PaymentsSessionID(ctx)
	if known == "" {
		if err := s.beginCheckout(r); err != nil {
			return payments.Result{}, err
		}
	}
	if err := s.Hooks.Follow(ctx, s.Sessions.CartID(ctx), s.fallback(r)); err != nil {
		return payments.Result{}, err
	}
	request := payments.Request{CartID: s.Sessions.CartID(ctx), Fallback: s.fallback(r), Mode: mode, SessionID: known, Lease: s.Sessions.Lease(ctx)}
	if session.Claimed(ctx) != "" {
		release, err := s.Sessions.LockCart(ctx, request.CartID)
		if err != nil {
			return payments.Result{}, err
		}
		defer release()
		if _, err := s.renewed(r); err != nil {
			return payments.Result{}, err
		}
		request.Stranger, request.Lease = true, ""
	}
	result, err := s.Payments.Syncer.Sync(ctx, request)
	if err == nil && result.Outcome == cartsync.InSync && known != result.Session.SessionID {
		s.Sessions.SetPaymentsSessionID(ctx, result.Session.SessionID)
	}
	return result, err
}

// formOf returns a name for a payment session that does not show its ID.
func formOf(session payments.Session) string {
	sum := sha256.Sum256([]byte("payment form " + session.SessionID))
	return hex.EncodeToString(sum[:8])
}

func methodsOf(s payments.Session) []templates.PaymentMethod {
	methods := make([]templates.PaymentMethod, len(s.Categories))
	for i, c := range s.Categories {
		methods[i] = templates.PaymentMethod{Identifier: c.Identifier, Name: c.Name}
	}
	return methods
}

// fieldsOf returns the fields of the address form. A cart without shipping has no place
// that is out of reach.
func fieldsOf(asked []market.Field, quote cart.Quote) []templates.AddressField {
	var fields []templates.AddressField
	for _, f := range asked {
		field := templates.AddressField{
			Name: f.Name, Autocomplete: f.Autocomplete, Pattern: f.Pattern, Optional: f.Optional, Digits: f.Digits, Length: f.Length, Example: f.Example,
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
	Form string `json:"form"` // of the session that the page shows
	// Of the typed address, where tax or delivery depends on them.
	Region         *string `json:"region"`
	PostalCode     *string `json:"postal_code"`
	ShippingOption string  `json:"shipping_option"` // ID of a way of delivery
	CustomerType   string  `json:"customer_type"`   // person or organization
	pageChange
}

func (u paymentsChange) change() (cart.Change, bool) {
	ch, ok := u.pageChange.change()
	ch.ShippingOption, ch.CustomerType, ch.Region, ch.PostalCode = u.ShippingOption, u.CustomerType, u.Region, u.PostalCode
	return ch, ok && len(u.Form) <= maxForm
}

func (u paymentsChange) shows() string { return "" }

const maxForm = 64 // bytes

// paymentsAnswer is the answer to that page.
type paymentsAnswer struct {
	Form    string `json:"form"`
	Session told   `json:"session"` // what Klarna's library is told
	// ClientToken is that of a new session, "" when the page shows it already.
	ClientToken string                    `json:"client_token,omitempty"`
	Methods     []templates.PaymentMethod `json:"payment_methods,omitempty"`
	// DeliveryHTML are the ways of delivery.
	DeliveryHTML string `json:"delivery_html"`
	// Unreached: nothing goes to the cart's place. The page tells what is typed, and so says that at the field.
	Unreached bool `json:"unreached,omitempty"`
	pageAnswer
}

// told is what Klarna's library is told of a session.
type told struct {
	klarna.Sale
	Customer klarna.Customer `json:"customer"` // its type; the page adds what is typed
}

func (v *view) told(session payments.Session) told {
	return told{session.Sale, klarna.Customer{Type: v.form().CustomerType(v.cart.CustomerType)}}
}

// form is how the market's form is.
func (v *view) form() settings.Form { return v.version.Shop.Checkout.Forms[v.cart.Country] }

// asked are the fields of the shop's own form, whatever is to be paid: of a company, of the
// address, and of another address for the goods, as far as the market has them.
func asked(m market.Market, form settings.Form, quote cart.Quote) (company, address, delivery []market.Field) {
	address = append(m.AddressFields(), m.PhoneField(form.PhoneOptional))
	if form.Companies() {
		company = m.CompanyFields()
	}
	if form.SeparateAddress && quote.Shipping != nil {
		delivery = m.DeliveryFields(form.Companies())
	}
	return company, address, delivery
}

// details is what the form asks for.
func (v *view) details(quote cart.Quote, known kco.Prefill) templates.DetailsView {
	form := v.form()
	company, address, delivery := asked(v.market, form, quote)
	d := templates.DetailsView{
		CustomerTypes: form.CustomerTypes, CustomerType: form.CustomerType(v.cart.CustomerType), Company: fieldsOf(company, quote),
		Person: fieldsOf(v.market.PersonFields(form.BirthMandatory, form.IdentityMandatory), quote),
		Fields: fieldsOf(address, quote), DeliveryFields: fieldsOf(delivery, quote), Delivery: v.delivery(quote),
	}
	for i := range d.DeliveryFields {
		d.DeliveryFields[i].Delivery = true
	}
	fill(d.Company, known.Billing)
	fill(d.Fields, known.Billing)
	if known.Shipping != (klarna.Address{}) && len(d.DeliveryFields) > 0 {
		name := known.Shipping.Name()
		d.Elsewhere = known.Shipping.Line() != known.Billing.Line() || name != "" && name != known.Billing.Name()
		fill(d.DeliveryFields, known.Shipping)
	}
	return d
}

// fill puts what is known of an address into its fields.
func fill(fields []templates.AddressField, known klarna.Address) {
	for _, member := range known.Members() {
		for i := range fields {
			if fields[i].Name == member.Name {
				fields[i].Value = *member.Value
			}
		}
	}
}

// knownBuyer is what the form of a checkout session begins with: what the merchant says of his shopper. A cart of
// the shop's own knows nobody.
func (s *Storefront) knownBuyer(ctx context.Context, cartID string) (kco.Prefill, error) {
	if session.Claimed(ctx) == "" {
		return kco.Prefill{}, nil
	}
	return s.prefill(ctx, cartID)
}

// beginAs makes the cart that of a person or a company, as the merchant says, until the shopper chooses. It reports whether
// the cart was not yet.
func (s *Storefront) beginAs(ctx context.Context, id, customerType string, f cart.Fallback) (bool, error) {
	if customerType == "" {
		return false, nil
	}
	c, err := s.Carts.Get(ctx, id, f)
	if err != nil || c.CustomerType != "" || !slices.Contains(s.Published.Now().Shop.Checkout.Forms[c.Country].CustomerTypes, customerType) {
		return false, err
	}
	_, err = s.change(ctx, id, f, cart.Change{CustomerType: customerType}, func(*cart.Cart) error { return nil })
	return true, err
}

// delivery are the ways of delivery to choose from.
func (v *view) delivery(quote cart.Quote) templates.DeliveryView {
	d := templates.DeliveryView{Voice: v.voice}
	for _, o := range quote.Options {
		d.Options = append(d.Options, templates.DeliveryOption{
			ID: o.ID, Name: templates.Text{Text: o.Name}, Time: o.Time, Place: o.Location.Address.Line(), Price: v.price(o.Price), Chosen: o.ID == quote.Shipping.ID, Anywhere: o.Anywhere(),
		})
	}
	return d
}

// updatePayments is the endpoint of the open page with Klarna's widget.
func (s *Storefront) updatePayments(w http.ResponseWriter, r *http.Request) {
	var request paymentsChange
	c, ok := s.arrive(w, r, &request)
	if !ok {
		return
	}
	s.lockedJSON(w, r, &c, func(w http.ResponseWriter, r *http.Request) {
		answer, ok := s.syncedPayments(w, r, request.Form, c, func(_ context.Context, v *view) []templates.Note { return request.notes(v) })
		if ok {
			respond.JSON(w, r, http.StatusOK, answer)
		}
	})
}

// syncedPayments syncs the session's cart and returns the answer to the open page, which
// shows form. When it returns false, it has answered. changed is the cart with the page's
// change, for an answer without a sync.
func (s *Storefront) syncedPayments(w http.ResponseWriter, r *http.Request, form string, changed cart.Cart, notes func(context.Context, *view) []templates.Note) (paymentsAnswer, bool) {
	result, err := s.syncPayments(r, cartsync.Change)
	if !s.synced(w, r, result.Outcome, result.OrderID, err, changed, result.Cart) {
		return paymentsAnswer{}, false
	}
	v := s.viewOf(r, result.Cart, result.Quote)
	page, err := v.answer(r.Context(), result.Quote, notes(r.Context(), v))
	if err != nil {
		s.jsonError(w, r, err, nil)
		return paymentsAnswer{}, false
	}
	answer := paymentsAnswer{
		Form: formOf(result.Session), Session: v.told(result.Session), Methods: methodsOf(result.Session),
		Unreached: result.Quote.Unreached, pageAnswer: page,
	}
	var delivery strings.Builder
	if err := templates.DeliveryChoice(v.delivery(result.Quote)).Render(context.WithoutCancel(r.Context()), &delivery); err != nil {
		s.jsonError(w, r, err, nil)
		return paymentsAnswer{}, false
	}
	answer.DeliveryHTML = delivery.String()
	if answer.Replaced = answer.Form != form; answer.Replaced {
		answer.ClientToken = result.Session.ClientToken
	}
	return answer, true
}

// isPrefetch reports whether a browser loads a page that nobody has asked for yet, in the words of browsers of today and
// of before.
func isPrefetch(h http.Header) bool {
	return slices.ContainsFunc([]string{"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"}, func(name string) bool {
		value := strings.ToLower(h.Get(name))
		return strings.Contains(value, "prefetch") || strings.Contains(value, "preview")
	})
}

// locked shows a page of the checkout under the session's lock. It refuses a prefetch:
// that must not create an order.
func (s *Storefront) locked(show http.HandlerFunc) http.HandlerFunc {
	locked := s.Sessions.Locked(show, s.lockError)
	return func(w http.ResponseWriter, r *http.Request) {
		if isPrefetch(r.Header) {
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "The checkout is not loaded ahead of time.", http.StatusServiceUnavailable)
			return
		}
		locked.ServeHTTP(w, r)
	}
}
