package callback

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/order"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/internal/story"
)

// errUnseen: the merchant's server, or a publish, has changed the basket, and no open form has
// shown what it costs now.
var errUnseen = errors.New("no form has shown this revision of the basket")

// errAgrees ends an edit that has nothing to change: cart and order agree.
var errAgrees = errors.New("the order is what the cart wants")

// validation decides whether an order may be bought. The order must be what the cart wants
// at this moment, it may be bought only once, and the stock must be enough. Approving
// takes the stock and stores that a purchase may be running. It makes no call to Klarna.
// Source: docs.kustom.co, Validate order.
func (c *Callbacks) validation(w http.ResponseWriter, r *http.Request) {
	const name = "validation"
	var body kco.Order
	orderID, ok := c.decode(w, r, name, &body)
	if !ok {
		return
	}
	cartID, err := c.Signer.Verify(body.MerchantData)
	if err != nil || body.OrderID != "" && body.OrderID != orderID {
		c.redirect(w, r, name, new(cart.Cart), kco.UnknownOrder, "")
		return
	}
	toldOf(r).CartID = cartID
	address := body.Address()
	var approved stock.Approved
	var quote cart.Quote
	var bought cart.Cart // as the order has it: the place may be one that the stored cart does not know
	free, gone := false, false
	stored, err := c.Carts.UpdateFor(r.Context(), cartID, orderID, func(now *cart.Cart) error {
		// The order's language changes only the names of what is bought.
		next, content, found, err := c.Wants.Following(now, address, body.Locale, nil)
		quote, bought = found, next
		if errors.Is(err, kco.ErrUnanswered) { // the page that is loaded next asks what goes there
			*now = next
			return nil
		}
		if err != nil {
			return err
		}
		if now.Basket != nil && (now.Seen < now.Basket.Revision || c.Wants.Pricer.Outdated(now.Basket)) {
			return errUnseen
		}
		toldOf(r).Facts = factsOf(quote)
		free, gone = quote.Free(), givenUp(body.SelectedShippingOption, quote)
		if !free && !gone && len(kco.SaleDifferences(content, body)) == 0 {
			approved = quote.Approved(cartID, orderID)
			return errAgrees
		}
		// The iframe shows an address or option that the cart does not know, or what is no more. The cart takes
		// it over, so that the shopper's next try can succeed.
		*now = next
		return nil
	})
	if redisconn.Full(err) { // the page that is loaded next follows the form all the same
		c.Logger.WarnContext(r.Context(), "a cart does not know what its form shows: redis is full", "error", err)
		stored, err = bought, nil
	}
	switch text := unsupported(err, address, c.voice(body.Locale, stored.Locale)); {
	case text != "":
		c.refuse(w, r, name, text)
	case err == nil && free:
		c.free(w, r, name, c.voice(body.Locale, stored.Locale).T("free.reload"))
	case err == nil && gone:
		c.redirect(w, r, name, &stored, kco.DeliveryGone, "")
	case err == nil, errors.Is(err, kco.ErrEmpty), errors.Is(err, errUnseen):
		c.redirect(w, r, name, &stored, kco.CartChanged, "")
	case errors.Is(err, cart.ErrNotItsOrder):
		c.redirect(w, r, name, &stored, notItsOrder(&stored, orderID), "")
	case !errors.Is(err, errAgrees):
		c.fail(w, r, name, err)
	default:
		c.ask(w, r, name, &stored, bought, quote, approved, c.voice(body.Locale, stored.Locale))
	}
}

// ask asks the merchant's own server whether what is bought may be, and approves it if the
// stored cart is then what it was.
func (c *Callbacks) ask(w http.ResponseWriter, r *http.Request, name string, stored *cart.Cart, bought cart.Cart, q cart.Quote, a stock.Approved, voice i18n.Voice) {
	if q.Version.Shop.Hooks.Validate == nil || c.Hooks == nil {
		c.approve(w, r, name, stored, a, voice)
		return
	}
	verdict := c.Hooks.Validate(r.Context(), bought, q)
	text, _ := verdict.Message.In(voice.Lang)
	now, err := c.Carts.Get(r.Context(), stored.ID, cart.Fallback{})
	switch {
	case !verdict.OK:
		c.declined(w, r, name, cmp.Or(text, voice.T("purchase.declined")))
	case err != nil:
		c.again(w, r, name, voice.T("purchase.again"), err)
	case now.Revision != stored.Revision || now.OrderID != stored.OrderID:
		c.redirect(w, r, name, &now, kco.CartChanged, "")
	default:
		c.approve(w, r, name, stored, a, voice)
	}
}

// givenUp reports whether the shopper chose a way of delivery that was offered and is not any
// more. One of Klarna's shipping assistant is none of ours.
func givenUp(chosen *kco.SelectedOption, quote cart.Quote) bool {
	return chosen != nil && chosen.ID != "" && chosen.TMSReference == "" && quote.Shipping != nil && !quote.Offers(chosen.ID)
}

// approve approves the purchase if the stock does. Where it cannot be decided now, the
// iframe asks the shopper to press the button again: what Klarna does after a 5xx is not
// documented.
func (c *Callbacks) approve(w http.ResponseWriter, r *http.Request, name string, stored *cart.Cart, a stock.Approved, voice i18n.Voice) {
	err := c.Book.Approve(r.Context(), *stored, a)
	short, isShort := errors.AsType[*stock.ShortError](err)
	switch {
	case isShort:
		c.redirect(w, r, name, stored, kco.SoldOut, short.SKU)
	case errors.Is(err, order.ErrCartChanged):
		c.redirect(w, r, name, stored, kco.CartChanged, "")
	case errors.Is(err, stock.ErrPurchaseRunning):
		c.redirect(w, r, name, stored, kco.PurchaseRunning, "")
	case errors.Is(err, stock.ErrSold):
		c.redirect(w, r, name, stored, kco.AlreadyBought, "")
	case err != nil:
		c.again(w, r, name, voice.T("purchase.again"), err)
	default:
		if err := c.Carts.SetHeld(r.Context(), a.CartID, true); err != nil { // then it goes back after its time
			c.Logger.WarnContext(r.Context(), "a cart does not know that it holds stock", "error", err)
		}
		note(r, name, resultOK)
		w.WriteHeader(http.StatusOK)
	}
}

// factsOf are the campaigns that a cart has, and why that of its code takes nothing off: an
// order's lines do not say which made delivery free.
func factsOf(q cart.Quote) (facts []story.Fact) {
	for _, j := range q.Applied() {
		facts = append(facts, story.Number("campaign_"+j.ID, -j.Off))
	}
	if j, ok := q.Coded(); ok && j.Why != "" {
		facts = append(facts, story.Fact{Name: "campaign_" + j.ID, Value: string(j.Why)})
	}
	return facts
}
