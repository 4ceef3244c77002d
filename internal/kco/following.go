package kco

import (
	"errors"

	"github.com/shopd/shopd/internal/cart"
)

// Why an order cannot be what its cart wants, besides cart's errors.
var (
	ErrEmpty       = errors.New("there is nothing to sell in the cart")
	ErrUnreachable = errors.New("nothing is delivered to this postal code")
	// ErrUnreached: nothing of the cart goes to this place, and it may go to others.
	ErrUnreached = errors.New("nothing of the cart is delivered to this place")
	// ErrUnanswered: what goes to this place the merchant's own server alone knows, and he has not said it.
	ErrUnanswered = errors.New("the merchant's server has not said what goes to this place")
	// ErrNoDelivery: the country has no way of delivery.
	ErrNoDelivery = errors.New("nothing is delivered to this country now")
	// ErrUnreachableRegion is a territory of the US, say.
	ErrUnreachableRegion = errors.New("nothing is delivered to this region")
)

// Following returns the order that a cart needs when it goes to an address, with the chosen
// option. said is what the merchant's own server has said of the delivery there; nil: nothing
// new. next is the cart after that change. The texts are in locale if the market has it, else
// in the cart's locale. The error is ErrEmpty, ErrUnreachable or another of these, one of
// cart.Contents.Follow, or that of cart.Pricer.Quote.
func (w *Wants) Following(now *cart.Cart, a cart.Address, locale string, said *cart.Asked) (next cart.Cart, content Content, quote cart.Quote, err error) {
	next = *now
	v := w.Pricer.Published.Now()
	if _, sold := now.Market(v); !sold {
		return next, content, quote, ErrEmpty
	}
	was, _ := w.Pricer.Offer(now.Contents) // without an error it has what the order shows
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
	quote, err = w.Pricer.Quote(shown.Contents) // no offer: it may be bought
	content, quote, err = w.content(shown, quote, err)
	next.Published = quote.Version.Number
	switch {
	case err != nil:
	case quote.Unanswered:
		err = ErrUnanswered
	case quote.NoDelivery:
		err = ErrNoDelivery
		if offer, _ := w.Pricer.Offer(next.Contents); offer.Unreached {
			err = ErrUnreached
		}
	case quote.Empty(), next.Basket != nil && next.Basket.Ended:
		err = ErrEmpty
	case !quote.Reaches(next.Region(), ""):
		err = ErrUnreachableRegion
	case !quote.Reaches("", a.PostalCode):
		err = ErrUnreachable
	}
	return next, content, quote, err
}
