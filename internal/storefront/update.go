package storefront

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/cartsync"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/session"
	"github.com/shopd/shopd/web/templates"
)

// pageChange is what an open checkout page sends: all changes since the last answer. Every
// member is optional. {} only asks for a sync.
type pageChange struct {
	Lines []struct {
		SKU      string `json:"sku"`
		Quantity *int   `json:"quantity"` // absolute; 0 removes
	} `json:"lines"`
	Country      string  `json:"country"`
	Locale       string  `json:"locale"`
	DiscountCode *string `json:"discount_code"` // "" removes
	// ShownCountry is the purchase country of the prices on the page. The answer has a note
	// when the payment form has changed the country.
	ShownCountry string `json:"shown_country"`
}

// change returns the change of the cart; false when the request is wrong.
func (u pageChange) change() (cart.Change, bool) {
	ch := cart.Change{Country: u.Country, Locale: u.Locale, DiscountCode: u.DiscountCode}
	if len(u.Lines) > cart.MaxLines {
		return ch, false
	}
	for _, line := range u.Lines {
		if line.SKU == "" || line.Quantity == nil {
			return ch, false
		}
		ch.Set = append(ch.Set, cart.Line{SKU: line.SKU, Quantity: *line.Quantity})
	}
	return ch, true
}

// notes returns the notes about the market for the summary.
func (u pageChange) notes(v *view) []templates.Note {
	switch {
	case u.Country != "":
		return []templates.Note{v.marketChanged()}
	case u.ShownCountry != "" && u.ShownCountry != v.market.Country:
		return []templates.Note{v.deliveryChanged()}
	}
	return nil
}

// updateRequest is what the page with KCO's form sends.
type updateRequest struct {
	OrderID string `json:"order_id"` // the order that the page shows
	// Declined: the form has said that nothing pays the order. If Klarna says that it is open
	// still, its stock is let go.
	Declined bool `json:"declined"`
	pageChange
}

func (u updateRequest) change() (cart.Change, bool) {
	ch, ok := u.pageChange.change()
	return ch, ok && len(u.OrderID) <= kco.MaxOrderID
}

// pageAnswer is the common part of the answers to open pages.
type pageAnswer struct {
	OrderAmount      money.Amount `json:"order_amount"`
	OrderTaxAmount   money.Amount `json:"order_tax_amount"`
	PurchaseCurrency string       `json:"purchase_currency"`
	PurchaseCountry  string       `json:"purchase_country"`
	Locale           string       `json:"locale"`
	CartRevision     int64        `json:"cart_revision"`
	Replaced         bool         `json:"replaced"`
	SummaryHTML      string       `json:"summary_html"`
	// BasketRevision is that of a checkout session's basket; 0: it is a cart of the shop's own.
	BasketRevision int64 `json:"basket_revision,omitempty"`
}

// updateAnswer is the answer to the page with KCO's form.
type updateAnswer struct {
	OrderID     string `json:"order_id"`
	HTMLSnippet string `json:"html_snippet,omitempty"` // only when replaced
	pageAnswer
}

// answer returns the common part of an answer, for a cart in sync.
func (v *view) answer(ctx context.Context, quote cart.Quote, notes []templates.Note) (pageAnswer, error) {
	summary, err := v.summaryHTML(ctx, false, notes...)
	return pageAnswer{
		BasketRevision:   v.basketRevision(),
		OrderAmount:      quote.OrderAmount,
		OrderTaxAmount:   quote.OrderTaxAmount,
		PurchaseCurrency: string(quote.Currency),
		PurchaseCountry:  v.cart.Country,
		Locale:           v.cart.Locale,
		CartRevision:     v.cart.Revision,
		SummaryHTML:      summary,
	}, err
}

// pageRequest is what an open page sends.
type pageRequest interface {
	change() (ch cart.Change, ok bool) // not ok: it cannot be one
	shows() (orderID string)           // "" for none
}

func (u updateRequest) shows() string { return u.OrderID }

// arrive reads what an open page sends and makes its change on arrival, so that
// the order of arrival decides. Not ok: it has answered.
func (s *Storefront) arrive(w http.ResponseWriter, r *http.Request, request pageRequest) (c cart.Cart, ok bool) {
	c, err := s.arrived(w, r, request)
	switch {
	case err == nil && c.ID == "": // there is no cart to change
		redirectJSON(w, r, cartPage(r.Context()))
	case errors.Is(err, errBought):
		redirectJSON(w, r, confirmationURL(request.shows()))
	case err != nil:
		s.jsonError(w, r, err, nil)
	default:
		return c, true
	}
	return c, false
}

func (s *Storefront) arrived(w http.ResponseWriter, r *http.Request, request pageRequest) (c cart.Cart, err error) {
	if err := decodeJSON(w, r, request); err != nil {
		return c, err
	}
	ch, ok := request.change()
	if !ok || session.Claimed(r.Context()) != "" && (len(ch.Set) > 0 || ch.Country != "" || ch.Locale != "" || ch.DiscountCode != nil) {
		return c, errBadRequest // the basket of a session is the merchant's
	}
	values, err := s.Sessions.Peek(r)
	if err != nil || values.CartID == "" {
		return c, err
	}
	return s.moved(r.Context(), values.CartID, s.fallback(r), ch, func(c *cart.Cart) error {
		if c.BoughtBy(request.shows()) {
			return errBought
		}
		return nil
	})
}

func decodeJSON(w http.ResponseWriter, r *http.Request, request any) error {
	if err := respond.CheckType(r, "application/json"); err != nil {
		return err
	}
	return respond.DecodeJSON(w, r, request, respond.ShopperLimit)
}

// lockedJSON runs next under the session's lock. Without the lock it answers with an error
// and the cart c, which is nil if it has not changed.
func (s *Storefront) lockedJSON(w http.ResponseWriter, r *http.Request, c *cart.Cart, next http.HandlerFunc) {
	s.Sessions.Locked(next, func(w http.ResponseWriter, r *http.Request, err error) {
		s.jsonError(w, r, err, c)
	}).ServeHTTP(w, r)
}

// update is the one endpoint of the open page with KCO's form. The cart changes
// on arrival; then, under the session's lock, the newest cart is synced.
func (s *Storefront) update(w http.ResponseWriter, r *http.Request) {
	var request updateRequest
	c, ok := s.arrive(w, r, &request)
	if !ok {
		return
	}
	s.lockedJSON(w, r, &c, func(w http.ResponseWriter, r *http.Request) { s.syncUpdate(w, r, request, c) })
}

// synced reports whether a sync ended with an order to show. False: it has answered.
// changed is the cart with the page's change, now the cart after the sync.
func (s *Storefront) synced(w http.ResponseWriter, r *http.Request, outcome cartsync.Outcome, orderID string, err error, changed, now cart.Cart) bool {
	if now.Revision >= changed.Revision {
		changed = now
	}
	switch {
	case err != nil:
		s.jsonError(w, r, err, &changed)
	case outcome == cartsync.Empty:
		redirectJSON(w, r, cartPage(r.Context()))
	case outcome == cartsync.Complete, outcome == cartsync.Bought:
		redirectJSON(w, r, confirmationURL(orderID))
	case outcome == cartsync.Free, outcome == cartsync.ToPay: // the page's form is the wrong one
		redirectJSON(w, r, base(r.Context()))
	default:
		return true
	}
	return false
}

// syncUpdate syncs the session's cart and answers the open page. changed is
// the cart with the page's change, for an answer without a sync.
func (s *Storefront) syncUpdate(w http.ResponseWriter, r *http.Request, request updateRequest, changed cart.Cart) {
	mode, own := cartsync.Change, cart.IsOwnOrder(request.OrderID)
	if own {
		mode = cartsync.OnlyFree
	}
	result, err := s.sync(r, mode, request.OrderID)
	if shown := own && err == nil && result.Outcome == cartsync.Free; !shown && !s.synced(w, r, result.Outcome, result.OrderID, err, changed, result.Cart) {
		return
	}
	if request.Declined && result.OrderID == request.OrderID {
		s.Book.LetGo(r.Context(), result.Cart)
	}
	v := s.viewOf(r, result.Cart, result.Quote)
	page, err := v.answer(r.Context(), result.Quote, request.notes(v))
	if err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	answer := updateAnswer{OrderID: result.OrderID, pageAnswer: page}
	answer.Replaced = result.OrderID != request.OrderID
	if request.OrderID == "" {
		answer.Replaced = result.Created
	}
	if answer.Replaced {
		answer.HTMLSnippet = kco.Snippet(result.Order.HTMLSnippet, "")
	}
	respond.JSON(w, r, http.StatusOK, answer)
}

// sync syncs the session's cart under the session's lock. It stores a new order's ID in
// the session.
func (s *Storefront) sync(r *http.Request, mode cartsync.Mode, pageOrderID string) (kco.Result, error) {
	ctx := r.Context()
	known := s.Sessions.KCOOrderID(ctx)
	request := kco.Request{
		CartID: s.Sessions.CartID(ctx), Fallback: s.fallback(r), Mode: mode,
		SessionOrderID: known, PageOrderID: pageOrderID, Lease: s.Sessions.Lease(ctx),
	}
	if known == "" {
		if err := s.beginCheckout(r); err != nil {
			return kco.Result{}, err
		}
	}
	// Before the cart is held: the merchant's one process may be in a call that waits for that.
	if err := s.Hooks.Follow(ctx, request.CartID, request.Fallback); err != nil {
		return kco.Result{}, err
	}
	if session.Claimed(ctx) != "" {
		release, err := s.Sessions.LockCart(ctx, request.CartID)
		if err != nil {
			return kco.Result{}, err
		}
		defer release()
		if _, err := s.renewed(r); err != nil {
			return kco.Result{}, err
		}
		request.Lease = ""
		if request.Stranger = true; known == "" {
			if request.Prefill, err = s.prefill(ctx, request.CartID); err != nil {
				return kco.Result{}, err
			}
		}
	}
	result, err := s.Syncer.Sync(ctx, request)
	if err != nil || result.Outcome != cartsync.InSync && result.Outcome != cartsync.Free {
		return result, err
	}
	if known != result.OrderID {
		s.Sessions.SetKCOOrderID(ctx, result.OrderID)
	}
	if result.Outcome == cartsync.Free {
		return result, nil
	}
	return result, s.Syncer.NoteBilling(ctx, &result)
}

// cartPage is where there is nothing to pay: the cart, or the page of the session.
func cartPage(ctx context.Context) string {
	if session.Claimed(ctx) != "" {
		return base(ctx)
	}
	return "/cart"
}

func confirmationURL(orderID string) string {
	return "/checkout/confirmation?order_id=" + url.QueryEscape(orderID)
}

func redirectJSON(w http.ResponseWriter, r *http.Request, to string) {
	respond.JSON(w, r, http.StatusConflict, map[string]string{"redirect": to})
}
