package storefront

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/checkoutsession"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/templates"
)

// placeRequest is what the page sends when the shopper has approved. It has personal data
// and a credential, and is never logged.
type placeRequest struct {
	Token       string         `json:"authorization_token"`
	Form        string         `json:"form"`         // of the session that the page shows
	OrderAmount money.Amount   `json:"order_amount"` // that the page showed at the approval
	Billing     klarna.Address `json:"billing_address"`
	// Shipping is where the goods go; nil: where the bill goes.
	Shipping *klarna.Address `json:"shipping_address"`
	Customer klarna.Customer `json:"customer"`
}

var (
	// errBadAddress: the address breaks the form's rules.
	errBadAddress = errors.New("the address is not right")
	// errUnreached: the merchant's own server says that nothing goes there.
	errUnreached = errors.New("nothing is delivered there")
	// errUnanswered: he has not said what goes there, and nobody else knows.
	errUnanswered = errors.New("the merchant's server has not said what goes there")
)

// placePayments places the order that the shopper has approved.
func (s *Storefront) placePayments(w http.ResponseWriter, r *http.Request) {
	var request placeRequest
	err := decodeJSON(w, r, &request)
	if err == nil && (!kco.IsOrderID(request.Token) || len(request.Form) > maxForm) {
		err = errBadRequest
	}
	if err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	s.lockedJSON(w, r, nil, func(w http.ResponseWriter, r *http.Request) { s.placeLocked(w, r, request) })
}

func (s *Storefront) placeLocked(w http.ResponseWriter, r *http.Request, request placeRequest) {
	ctx := r.Context()
	id, sessionID := s.Sessions.CartID(ctx), s.Sessions.PaymentsSessionID(ctx)
	if id == "" {
		redirectJSON(w, r, cartPage(ctx))
		return
	}
	c, err := s.Carts.Get(ctx, id, s.fallback(r))
	if err == nil && sessionID == "" {
		err = order.ErrTokenGone // of somebody else's session, or of one long ago
	}
	if err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	in := order.Authorized{CartID: id, SessionID: sessionID, Token: request.Token, Asked: true}
	c, wrong, err := s.approved(ctx, c, request, s.fallback(r))
	if err == nil {
		err = s.asked(ctx, in, c)
	}
	bad := errors.Is(err, errBadAddress)
	if bad || errors.Is(err, errUnreached) || order.BuysNothing(err) {
		s.Book.Withdraw(ctx, sessionID, request.Token)
	}
	switch {
	case bad:
		respond.JSONError(w, r, http.StatusUnprocessableEntity, "bad_address", "The address is not right.", map[string]any{"invalid_fields": wrong})
		return
	case err != nil:
		s.notPlaced(w, r, request, c, err)
		return
	}
	bought, to, err := s.placeAuthorized(ctx, in)
	if err != nil {
		s.notPlaced(w, r, request, c, err)
		return
	}
	if to == "" {
		to = confirmationURL(bought.OrderID)
	}
	respond.JSON(w, r, http.StatusOK, map[string]string{"redirect": to})
}

// placeAuthorized places an order. That of a checkout session waits for what the merchant's
// server is telling Klarna at this moment, and his next call for it.
func (s *Storefront) placeAuthorized(ctx context.Context, a order.Authorized) (order.Order, string, error) {
	if session.Claimed(ctx) != "" {
		release, err := s.Sessions.LockCart(ctx, a.CartID)
		if err != nil {
			return order.Order{}, "", err
		}
		defer release()
	}
	return s.Book.PlaceAuthorized(ctx, a)
}

// asked asks the merchant's own server whether a cart may be bought. The error is that of Book.MayBuy.
func (s *Storefront) asked(ctx context.Context, in order.Authorized, c cart.Cart) error {
	quote, err := s.Pricer.Quote(c.Contents)
	if err != nil {
		return err
	}
	return s.Book.MayBuy(ctx, in, c, quote)
}

// refusedText is what the shopper reads of a purchase that the merchant's own server refuses.
func refusedText(message i18n.Text, voice i18n.Voice) string {
	text, _ := message.In(voice.Lang)
	return cmp.Or(text, voice.T("purchase.declined"))
}

// approved compares what the shopper approved with the cart: the amount that the page
// showed, and an address where we deliver. The tax depends on the address, so the cart
// takes over its place first. With errBadAddress it returns the wrong members of the
// address. The error is order.ErrCartChanged when the cart is not what was approved.
func (s *Storefront) approved(ctx context.Context, c cart.Cart, request placeRequest, f cart.Fallback) (cart.Cart, []string, error) {
	version := s.Published.Now()
	form := version.Shop.Checkout.Forms[c.Country]
	m, _ := c.Market(version)
	buyer := cmp.Or(request.Customer.Type, market.Person)
	if request.Billing.Country != c.Country || buyer != form.CustomerType(c.CustomerType) {
		return c, nil, order.ErrCartChanged // the form was another country's, or for other customers
	}
	quote, err := s.Pricer.Offer(c.Contents) // as the form's page has it
	if err != nil {
		return c, nil, err
	}
	if wrong := request.wrong(m, form, quote); len(wrong) > 0 {
		return c, wrong, errBadAddress
	}
	to := request.goesTo()
	if place := (cart.Place{Region: to.Region, PostalCode: to.PostalCode}); !c.TaxedAs(place, version) || quote.Unreached {
		there, err := s.moved(ctx, c.ID, f, cart.Change{Place: &place}, func(*cart.Cart) error { return nil })
		if err != nil {
			return c, nil, err
		}
		c = there
		if quote, err = s.Pricer.Quote(c.Contents); err != nil {
			return c, nil, err
		}
	}
	if quote.OrderAmount != request.OrderAmount {
		return c, nil, order.ErrCartChanged
	}
	return c, nil, nil
}

// moved makes a change of a cart that may go elsewhere by it, unless nothing goes there: then the cart keeps its place,
// and the error is errUnreached, or errUnanswered. What the merchant's own server says of the place is kept with it.
func (s *Storefront) moved(ctx context.Context, id string, f cart.Fallback, ch cart.Change, check func(*cart.Cart) error) (cart.Cart, error) {
	said, err := s.saidOf(ctx, id, f, ch)
	if err != nil {
		return cart.Cart{}, err
	}
	return s.change(ctx, id, f, ch, func(c *cart.Cart) error {
		if said != nil {
			c.Asked = said
		}
		return check(c)
	})
}

// saidOf is what the merchant's own server says of where a cart goes by a change, nil: nothing new.
func (s *Storefront) saidOf(ctx context.Context, id string, f cart.Fallback, ch cart.Change) (*cart.Asked, error) {
	version := s.Published.Now()
	if !ch.Moves() || version.Shop.Hooks.Delivery == nil {
		return nil, nil
	}
	c, err := s.Carts.Get(ctx, id, f)
	if err != nil {
		return nil, err
	}
	was, _ := s.Pricer.Offer(c.Contents)
	if c.Apply(ch, version, nil) != nil {
		return nil, nil // the change itself says why
	}
	quote, _ := s.Pricer.Quote(c.Contents) // with an error there is nothing to ask
	said := s.Hooks.Delivery(ctx, c, quote)
	if said != nil {
		c.Asked = said
		quote, _ = s.Pricer.Quote(c.Contents)
	}
	switch {
	case was.NoDelivery:
	case quote.Unanswered:
		return nil, errUnanswered
	case quote.NoDelivery:
		return nil, errUnreached
	}
	return said, nil
}

// goesTo is where the goods go.
func (p placeRequest) goesTo() klarna.Address {
	if p.Shipping != nil {
		return *p.Shipping
	}
	return p.Billing
}

// wrong returns the members that break the rules of the form, by the names of its fields.
// Only where the goods go must be a place that can be reached.
func (p placeRequest) wrong(m market.Market, form settings.Form, quote cart.Quote) (wrong []string) {
	company, fields, delivery := asked(m, form, quote)
	if p.Customer.Type == market.Organization {
		fields = append(fields, company...)
	}
	if p.Customer.VATID != "" { // it is not asked for
		wrong = append(wrong, "vat_id")
	}
	to := p.goesTo()
	if to == p.Billing {
		return append(wrong, wrongMembers(fields, quote, p.Billing, p.Customer)...)
	}
	anywhere := quote
	anywhere.Shipping = nil
	wrong = append(wrong, wrongMembers(fields, anywhere, p.Billing, p.Customer)...)
	// Who gets the bill is who is told of the delivery.
	if to.Country != p.Billing.Country || to.Email != p.Billing.Email || to.Phone != p.Billing.Phone {
		wrong = append(wrong, "shipping_country")
	}
	to.Email, to.Phone = "", ""
	for _, name := range wrongMembers(delivery, quote, to, klarna.Customer{}) {
		wrong = append(wrong, "shipping_"+name)
	}
	return wrong
}

// typedIn are the members of an address and of a customer by the names of their fields.
func typedIn(a *klarna.Address, by *klarna.Customer) map[string]*string {
	members := map[string]*string{market.Registration: &by.OrganizationRegistrationID}
	for _, member := range a.Members() {
		members[member.Name] = member.Value
	}
	delete(members, "country")
	return members
}

// wrongMembers returns the members of an address and of a customer that break the rules of the
// fields of a form, or are not in it.
func wrongMembers(fields []market.Field, quote cart.Quote, a klarna.Address, by klarna.Customer) []string {
	members := typedIn(&a, &by)
	members["other"] = &a.Other
	var wrong []string
	for _, f := range fields {
		text := *members[f.Name]
		delete(members, f.Name)
		if !f.Accepts(text) || text != market.Clean(text) || !reached(quote, f.Name, text) {
			wrong = append(wrong, f.Name)
		}
	}
	for name, text := range members {
		if *text != "" {
			wrong = append(wrong, name)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// reached reports whether goods can be brought to what is typed in a field of an address.
func reached(quote cart.Quote, field, text string) bool {
	switch field {
	case "region":
		return quote.Reaches(text, "")
	case "postal_code":
		return quote.Reaches("", text)
	}
	return true
}

// notPlaced answers why an approval brought no order. A page with an old cart gets the
// new one.
func (s *Storefront) notPlaced(w http.ResponseWriter, r *http.Request, request placeRequest, c cart.Cart, err error) {
	if errors.Is(err, checkoutsession.ErrNotOpen) { // its page says so
		redirectJSON(w, r, base(r.Context()))
		return
	}
	if refused, is := errors.AsType[*order.RefusedError](err); is {
		s.tell(r, "refused_by_shop", nil)
		respond.JSONError(w, r, http.StatusConflict, "refused_by_shop", refusedText(refused.Message, s.Published.Now().Shop.Voice(c.Locale)), nil)
		return
	}
	soldOut, short := errors.AsType[*cart.SoldOutError](err)
	if !short && !errors.Is(err, order.ErrCartChanged) {
		s.jsonError(w, r, err, nil)
		return
	}
	f := failureOf(err)
	answer, ok := s.syncedPayments(w, r, request.Form, c, func(ctx context.Context, v *view) []templates.Note {
		if !short {
			return nil
		}
		v.countAnew(ctx)
		notes := v.soldOut(soldOut.SKU)
		var says []string
		for _, n := range notes {
			says = append(says, n.Says())
		}
		f.message = strings.Join(says, " ") // the page says it at its button too
		return notes
	})
	if !ok {
		return
	}
	s.tell(r, f.code, nil)
	respond.JSON(w, r, http.StatusConflict, struct {
		paymentsAnswer
		Error respond.ErrorBody `json:"error"`
	}{answer, respond.NewError(r, f.code, f.message)})
}
