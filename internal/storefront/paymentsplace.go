package storefront

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// placeRequest is what the page sends when the shopper has approved. It has personal data
// and a credential, and is never logged.
type placeRequest struct {
	Token       string         `json:"authorization_token"`
	Form        string         `json:"form"`         // of the session that the page shows
	OrderAmount money.Amount   `json:"order_amount"` // that the page showed at the approval
	Address     klarna.Address `json:"billing_address"`
}

// errBadAddress: the address breaks the form's rules.
var errBadAddress = errors.New("the address is not right")

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
		redirectJSON(w, r, "/cart")
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
	c, wrong, err := s.approved(ctx, c, request, s.fallback(r))
	switch {
	case err == nil:
	case errors.Is(err, errBadAddress):
		s.Book.Withdraw(ctx, sessionID, request.Token)
		respond.JSONError(w, r, http.StatusUnprocessableEntity, "bad_address", "The address is not right.", map[string]any{"invalid_fields": wrong})
		return
	default:
		if errors.Is(err, order.ErrCartChanged) {
			s.Book.Withdraw(ctx, sessionID, request.Token)
		}
		s.notPlaced(w, r, request, c, err)
		return
	}
	bought, to, err := s.Book.PlaceAuthorized(ctx, order.Authorized{CartID: id, SessionID: sessionID, Token: request.Token})
	if err != nil {
		s.notPlaced(w, r, request, c, err)
		return
	}
	if to == "" {
		to = confirmationURL(bought.OrderID)
	}
	respond.JSON(w, r, http.StatusOK, map[string]string{"redirect": to})
}

// approved compares what the shopper approved with the cart: the amount that the page
// showed, and an address where we deliver. The tax depends on the address, so the cart
// takes over its place first. With errBadAddress it returns the wrong members of the
// address. The error is order.ErrCartChanged when the cart is not what was approved.
func (s *Storefront) approved(ctx context.Context, c cart.Cart, request placeRequest, f cart.Fallback) (cart.Cart, []string, error) {
	sold := s.Published.Now().Markets
	m, _ := sold.Lookup(c.Country)
	if request.Address.Country != c.Country {
		return c, nil, order.ErrCartChanged // the form was another country's
	}
	quote, err := s.Pricer.Quote(c.Contents)
	if err != nil {
		return c, nil, err
	}
	if wrong := wrongMembers(m.AddressFields(), quote, request.Address); len(wrong) > 0 {
		return c, wrong, errBadAddress
	}
	if place := (cart.Place{Region: request.Address.Region, PostalCode: request.Address.PostalCode}); !c.TaxedAs(place, sold) {
		c, err = s.change(ctx, c.ID, f, cart.Change{Place: &place}, func(*cart.Cart) error { return nil })
		if err != nil {
			return c, nil, err
		}
		if quote, err = s.Pricer.Quote(c.Contents); err != nil {
			return c, nil, err
		}
	}
	if quote.OrderAmount != request.OrderAmount {
		return c, nil, order.ErrCartChanged
	}
	return c, nil, nil
}

// wrongMembers returns the members of an address that break the rules of the fields of a
// form, or are not in it.
func wrongMembers(fields []market.Field, quote cart.Quote, a klarna.Address) []string {
	members := map[string]string{"other": a.Other}
	for _, member := range a.Members() {
		members[member.Name] = *member.Value
	}
	delete(members, "country")
	var wrong []string
	for _, f := range fields {
		text := members[f.Name]
		delete(members, f.Name)
		reached := f.Name != "postal_code" || quote.Reaches("", text)
		if !f.Accepts(text) || text != market.Clean(text) || !reached {
			wrong = append(wrong, f.Name)
		}
	}
	for name, text := range members {
		if text != "" {
			wrong = append(wrong, name)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// notPlaced answers why an approval brought no order. A page with an old cart gets the
// new one.
func (s *Storefront) notPlaced(w http.ResponseWriter, r *http.Request, request placeRequest, c cart.Cart, err error) {
	soldOut, short := errors.AsType[*cart.SoldOutError](err)
	if !short && !errors.Is(err, order.ErrCartChanged) {
		s.jsonError(w, r, err, nil)
		return
	}
	answer, ok := s.syncedPayments(w, r, request.Form, c, func(ctx context.Context, v *view) []templates.Note {
		if !short {
			return nil
		}
		v.countAnew(ctx)
		return v.soldOut(soldOut.SKU)
	})
	if !ok {
		return
	}
	f := failureOf(err)
	s.tell(r, f.code, nil)
	respond.JSON(w, r, http.StatusConflict, struct {
		paymentsAnswer
		Error respond.ErrorBody `json:"error"`
	}{answer, respond.NewError(r, f.code, f.message)})
}
