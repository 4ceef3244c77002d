package storefront

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// updateRequest is what the open checkout page sends: everything that changed
// since the last answer. Every member is optional; {} asks for a sync only.
type updateRequest struct {
	OrderID string `json:"order_id"` // the order that the page shows
	Lines   []struct {
		SKU      string `json:"sku"`
		Quantity *int   `json:"quantity"` // absolute; 0 removes
	} `json:"lines"`
	Country      string  `json:"country"`
	Locale       string  `json:"locale"`
	DiscountCode *string `json:"discount_code"` // "" removes
	// ShownCountry is the purchase country of the prices that the page shows: it
	// is told when the payment form has changed it.
	ShownCountry string `json:"shown_country"`
}

// change returns the request as a change of a cart; false when it cannot be one.
func (u updateRequest) change() (cart.Change, bool) {
	ch := cart.Change{Country: u.Country, Locale: u.Locale, DiscountCode: u.DiscountCode}
	if len(u.Lines) > cart.MaxLines || len(u.OrderID) > kco.MaxOrderID {
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

// updateAnswer is the answer to an update that is in sync.
type updateAnswer struct {
	OrderID          string       `json:"order_id"`
	OrderAmount      money.Amount `json:"order_amount"`
	OrderTaxAmount   money.Amount `json:"order_tax_amount"`
	PurchaseCurrency string       `json:"purchase_currency"`
	PurchaseCountry  string       `json:"purchase_country"`
	Locale           string       `json:"locale"`
	CartRevision     int64        `json:"cart_revision"`
	Replaced         bool         `json:"replaced"`
	HTMLSnippet      string       `json:"html_snippet,omitempty"` // only when replaced
	SummaryHTML      string       `json:"summary_html"`
}

// update is the open checkout page's one endpoint. The cart changes on
// arrival, so that the order of arrival decides; then, under the session's
// lock, the newest cart is synced.
func (s *Storefront) update(w http.ResponseWriter, r *http.Request) {
	var request updateRequest
	if err := respond.CheckType(r, "application/json"); err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	if err := respond.DecodeJSON(w, r, &request, respond.ShopperLimit); err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	change, ok := request.change()
	if !ok {
		s.jsonError(w, r, errBadRequest, nil)
		return
	}
	values, err := s.Sessions.Peek(r)
	if err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	if values.CartID == "" {
		redirectJSON(w, r, "/cart")
		return
	}
	c, err := s.change(r.Context(), values.CartID, fallback(r), change, func(c *cart.Cart) error {
		if c.BoughtBy(request.OrderID) {
			return errBought
		}
		return nil
	})
	switch {
	case errors.Is(err, errBought):
		redirectJSON(w, r, confirmationURL(request.OrderID))
		return
	case err != nil:
		s.jsonError(w, r, err, nil)
		return
	}
	locked := func(w http.ResponseWriter, r *http.Request) { s.syncUpdate(w, r, request, c) }
	s.Sessions.Locked(http.HandlerFunc(locked), func(w http.ResponseWriter, r *http.Request, err error) {
		s.jsonError(w, r, err, &c)
	}).ServeHTTP(w, r)
}

// syncUpdate syncs the session's cart and answers the open page. changed is
// the cart with the page's change, for an answer without a sync.
func (s *Storefront) syncUpdate(w http.ResponseWriter, r *http.Request, request updateRequest, changed cart.Cart) {
	result, err := s.sync(r, kco.Change, request.OrderID)
	if result.Cart.Revision >= changed.Revision {
		changed = result.Cart
	}
	if err != nil {
		s.jsonError(w, r, err, &changed)
		return
	}
	switch result.Outcome {
	case kco.Empty:
		redirectJSON(w, r, "/cart")
		return
	case kco.Complete, kco.Bought:
		redirectJSON(w, r, confirmationURL(result.OrderID))
		return
	case kco.InSync:
	}
	v := s.view(r, changed)
	var notes []templates.Note
	switch {
	case request.Country != "":
		notes = append(notes, v.marketChanged())
	case request.ShownCountry != "" && request.ShownCountry != v.market.Country:
		notes = append(notes, v.deliveryChanged())
	}
	summary, err := v.summaryHTML(r.Context(), false, notes...)
	if err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	answer := updateAnswer{
		OrderID:          result.OrderID,
		OrderAmount:      result.Quote.OrderAmount,
		OrderTaxAmount:   result.Quote.OrderTaxAmount,
		PurchaseCurrency: string(result.Quote.Currency),
		PurchaseCountry:  result.Cart.Country,
		Locale:           result.Cart.Locale,
		CartRevision:     result.Cart.Revision,
		Replaced:         result.OrderID != request.OrderID,
		SummaryHTML:      summary,
	}
	if request.OrderID == "" {
		answer.Replaced = result.Created
	}
	if answer.Replaced {
		answer.HTMLSnippet = result.Order.HTMLSnippet
	}
	respond.JSON(w, r, http.StatusOK, answer)
}

// sync syncs the session's cart under the session's lock and, where it
// changed, stores the order's ID in the session.
func (s *Storefront) sync(r *http.Request, mode kco.Mode, pageOrderID string) (kco.Result, error) {
	ctx := r.Context()
	known := s.Sessions.KCOOrderID(ctx)
	result, err := s.Syncer.Sync(ctx, kco.Request{
		CartID: s.Sessions.CartID(ctx), Fallback: fallback(r), Mode: mode,
		SessionOrderID: known, PageOrderID: pageOrderID,
	})
	if err != nil || result.Outcome != kco.InSync {
		return result, err
	}
	if known != result.OrderID {
		s.Sessions.SetKCOOrderID(ctx, result.OrderID)
	}
	return result, s.noteBilling(ctx, &result)
}

// noteBilling takes down which billing country the payment form shows after
// the shop has changed the market: from now on another one is the shopper's
// choice there, which the cart follows.
func (s *Storefront) noteBilling(ctx context.Context, result *kco.Result) error {
	billing := result.Order.BillingAddress.Country
	if billing == "" || strings.EqualFold(billing, result.Cart.KnownBilling()) {
		return nil
	}
	noted := false
	c, err := s.Carts.UpdateFor(ctx, result.Cart.ID, result.OrderID, func(c *cart.Cart) error {
		if noted = c.Revision == result.Cart.Revision; noted { // else a callback may have brought a later one
			c.NoteBilling(billing)
		}
		return nil
	})
	switch {
	case errors.Is(err, cart.ErrNotItsOrder):
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", kco.ErrUnavailable, err)
	case noted:
		result.Cart = c
	}
	return nil
}

func confirmationURL(orderID string) string {
	return "/checkout/confirmation?order_id=" + url.QueryEscape(orderID)
}

func redirectJSON(w http.ResponseWriter, r *http.Request, to string) {
	respond.JSON(w, r, http.StatusConflict, map[string]string{"redirect": to})
}
