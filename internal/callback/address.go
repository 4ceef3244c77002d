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
	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/respond"
)

// Why an order cannot be what its cart wants, besides cart's errors.
var (
	errEmpty       = errors.New("there is nothing to sell in the cart")
	errUnreachable = errors.New("nothing is delivered to this postal code")
	// errNoDelivery: the country has no way of delivery.
	errNoDelivery = errors.New("nothing is delivered to this country now")
	// errUnreachableRegion is a territory of the US, say.
	errUnreachableRegion = errors.New("nothing is delivered to this region")
)

// Want returns the order that a cart needs when it goes to an address, with the chosen
// option. said is what the merchant's own server has said of the delivery there; nil: nothing
// new. Only Wants is used. next is the cart after that change. The texts are in locale if the market has
// it, else in the cart's locale. The error is errEmpty, errUnreachable, one of
// cart.Contents.Follow, or that of kco.Wants.Want.
func (c *Callbacks) Want(now *cart.Cart, a cart.Address, locale string, said *cart.Asked) (next cart.Cart, content kco.Content, quote cart.Quote, err error) {
	next = *now
	v := c.Wants.Pricer.Published.Now()
	if _, sold := now.Market(v); !sold {
		return next, content, quote, errEmpty
	}
	was, _ := c.Wants.Pricer.Quote(now.Contents) // without an error it has what the order shows
	if said != nil {
		next.Asked = said
	}
	if err := next.Follow(a, v, was.Shown()); err != nil {
		return next, content, quote, err
	}
	shown := next
	if m, _ := next.Market(v); m.HasLocale(locale) {
		shown.Locale = locale
	}
	content, quote, err = c.Wants.Want(shown)
	next.Published = quote.Version.Number
	switch {
	case err != nil:
	case quote.NoDelivery:
		err = errNoDelivery
	case quote.Empty(), next.Basket != nil && next.Basket.Ended:
		err = errEmpty
	case !quote.Reaches(next.Region(), ""):
		err = errUnreachableRegion
	case !quote.Reaches("", a.PostalCode):
		err = errUnreachable
	}
	return next, content, quote, err
}

// unsupported returns the text about an address that we do not deliver to, "" when err is
// about something else.
func unsupported(err error, a cart.Address, voice i18n.Voice) string {
	switch {
	case errors.Is(err, cart.ErrNotServed):
		country := i18n.CountryName(voice.Lang, strings.ToUpper(cmp.Or(a.ShippingCountry, a.BillingCountry)))
		return voice.T("note.not_served.title", country) + " " + voice.T("note.not_served.body")
	case errors.Is(err, errNoDelivery):
		return voice.T("note.no_delivery")
	case errors.Is(err, cart.ErrUnknownRegion):
		return voice.T("note.region", a.Region)
	case errors.Is(err, errUnreachableRegion):
		return voice.T("note.postal_code", a.Region)
	case errors.Is(err, errUnreachable):
		return voice.T("note.postal_code", a.PostalCode)
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
			next, wanted, _, err := c.Want(now, address, "", said)
			moved := next.ShippingOption != now.ShippingOption || next.Country != now.Country
			if *now, content = next, wanted; err == nil && moved {
				c.Wants.Pricer.Note(&now.Contents)
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
		case errors.Is(err, errEmpty):
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
	next, _, quote, err := c.Want(&now, a, "", nil)
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
