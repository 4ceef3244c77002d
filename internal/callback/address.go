package callback

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/respond"
)

// unsupported returns the text about an address that we do not deliver to, "" when err is
// about something else.
func unsupported(err error, a cart.Address, voice i18n.Voice) string {
	switch {
	case errors.Is(err, cart.ErrNotServed):
		country := i18n.CountryName(voice.Lang, strings.ToUpper(cmp.Or(a.ShippingCountry, a.BillingCountry)))
		return voice.T("note.not_served.title", country) + " " + voice.T("note.not_served.body")
	case errors.Is(err, kco.ErrUnreached) && a.PostalCode != "":
		return voice.T("note.unreached", a.PostalCode)
	case errors.Is(err, kco.ErrNoDelivery), errors.Is(err, kco.ErrUnreached):
		return voice.T("note.no_delivery")
	case errors.Is(err, cart.ErrUnknownRegion):
		return voice.T("note.region", a.Region)
	case errors.Is(err, kco.ErrUnreachableRegion):
		return voice.T("note.postal_code", a.Region)
	case errors.Is(err, kco.ErrUnreachable):
		return voice.T("note.postal_code", a.PostalCode)
	}
	if _, ok := errors.AsType[*klarna.RuleError](err); ok { // such as a sum below 0 by the delivery that was chosen
		return voice.T("purchase.declined")
	}
	return ""
}

// voice is how the shop speaks in the order's locale, else in its cart's.
func (c *Callbacks) voice(order, cart string) i18n.Voice {
	return c.Wants.Pricer.Published.Now().Shop.Voice(cmp.Or(order, cart))
}

// addressChange serves a new address, country or shipping option; the body does not say
// which. The cart takes over all of them. The answer is the order that the cart then
// needs. It makes no call to Klarna.
// Source: docs.kustom.co, Server side callbacks.
func (c *Callbacks) addressChange(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body kco.AddressChange
		orderID, ok := c.decode(w, r, name, &body)
		if !ok {
			return
		}
		cartID, err := c.Signer.Verify(body.MerchantData)
		if err != nil {
			c.notFound(w, r, name)
			return
		}
		toldOf(r).CartID = cartID
		address := body.Address()
		said, err := c.said(r.Context(), cartID, address)
		if err != nil {
			c.fail(w, r, name, err)
			return
		}
		var content kco.Content
		stored, err := c.Carts.UpdateFor(r.Context(), cartID, orderID, func(now *cart.Cart) error {
			next, wanted, _, err := c.Wants.Following(now, address, "", said)
			before := now.Contents
			moved := next.ShippingOption != now.ShippingOption || next.Country != now.Country
			if *now, content = next, wanted; err == nil && moved {
				c.Wants.Pricer.Note(&now.Contents, before)
			}
			return err
		})
		if redisconn.Full(err) {
			// The form goes on. The validation looks at what the form shows, whatever the cart knows of it.
			c.Logger.WarnContext(r.Context(), "a cart does not know what its form shows: redis is full", "error", err)
			err = nil
		}
		switch text := unsupported(err, address, c.voice(body.Locale, stored.Locale)); {
		case text != "":
			c.refuse(w, r, name, text)
		case errors.Is(err, cart.ErrNotItsOrder):
			c.redirect(w, r, name, &stored, notItsOrder(&stored, orderID), "")
		case errors.Is(err, kco.ErrEmpty):
			c.redirect(w, r, name, &stored, kco.CartChanged, "")
		case err != nil:
			c.fail(w, r, name, err)
		default:
			note(r, name, resultOK)
			respond.JSON(w, r, http.StatusOK, content.AddressAnswer())
		}
	}
}

// said asks the merchant's own server about the delivery of a cart to an address. nil: there
// is nothing new. The error is the store's.
func (c *Callbacks) said(ctx context.Context, cartID string, a cart.Address) (*cart.Asked, error) {
	if c.asking(addressChanges[0]) == 0 {
		return nil, nil
	}
	now, err := c.Carts.Get(ctx, cartID, cart.Fallback{})
	if err != nil {
		return nil, err
	}
	next, _, quote, err := c.Wants.Following(&now, a, "", nil)
	if quote.Version == nil || errors.Is(err, cart.ErrNotServed) || errors.Is(err, cart.ErrUnknownRegion) {
		return nil, nil // it goes nowhere
	}
	return c.Hooks.Delivery(ctx, next, quote), nil
}

// notItsOrder says why an order is not the cart's.
func notItsOrder(c *cart.Cart, orderID string) kco.Reason {
	if c.BoughtBy(orderID) {
		return kco.AlreadyBought
	}
	return kco.UnknownOrder
}
