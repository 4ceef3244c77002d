package cart

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/publish"
)

// ShipTo is the part of the address that tax and delivery need. It never has a name or a
// street. Countries are alpha-2, upper case.
type ShipTo struct {
	Country    string `json:"country,omitempty"`     // "" = the purchase country
	Region     string `json:"region,omitempty"`      // where tax depends on it: a US state's two letters
	PostalCode string `json:"postal_code,omitempty"` // as typed
	// BillingCountry is what Klarna last said; "" = the purchase country.
	BillingCountry string `json:"billing_country,omitempty"`
}

// maxPostalCode is the length in bytes of the longest postal code that is kept.
const maxPostalCode = 32

// Why an address is refused. The cart stays as it is.
var (
	// ErrNotServed is a country to which the shop does not deliver.
	ErrNotServed = errors.New("no delivery to this country")
	// ErrUnknownRegion is a region that cannot be read, whose tax cannot be known.
	ErrUnknownRegion = errors.New("unknown region")
)

// Address is what Klarna says about a shopper's addresses and choice. The texts are as
// typed.
type Address struct {
	BillingCountry  string // alpha-2, in either case
	ShippingCountry string // "" = the billing country
	Region          string
	PostalCode      string
	Option          string // ID of the shipping option chosen in the iframe, "" = none
}

// shipTo returns where the cart goes, as far as known.
func (c *Contents) shipTo() ShipTo {
	if c.ShipTo == nil {
		return ShipTo{}
	}
	return *c.ShipTo
}

// Region returns the region that the order goes to, "" when it is not known or tax does
// not depend on it.
func (c *Contents) Region() string { return c.shipTo().Region }

// PostalCode returns the postal code that the order goes to, "" when it is not known or
// nothing depends on it.
func (c *Contents) PostalCode() string { return c.shipTo().PostalCode }

// ShipsAbroad reports whether the order goes to another country than the purchase
// country.
func (c *Contents) ShipsAbroad() bool { return c.shipTo().Country != "" }

// Place is the part of an address in the shop's own form that tax depends on; "" is not
// known yet. The postal code counts where the market has places without VAT, and where the
// merchant's own server says how it is delivered there.
type Place struct{ Region, PostalCode string }

// TaxedAs reports whether an order to a place in the purchase country has the tax that the
// cart has.
func (c *Contents) TaxedAs(p Place, v *publish.Version) bool {
	m, served := c.Market(v)
	region, read := m.Region(p.Region)
	if !served || !read || region != c.Region() || c.ShipsAbroad() {
		return false
	}
	now, _ := m.DeliveryTo("", c.shipTo().PostalCode)
	then, _ := m.DeliveryTo("", p.PostalCode)
	return now.Untaxed() == then.Untaxed() && (!c.asks(v) || cleanPostalCode(p.PostalCode) == c.shipTo().PostalCode)
}

// asks reports whether the merchant's own server says how the cart is delivered to a place, also where it has not yet.
func (c *Contents) asks(v *publish.Version) bool {
	return c.Asked != nil || v.Shop.Hooks.Delivery != nil
}

// shipWithin sends the order to a place in the purchase country, the only country of the
// shop's own form.
func (c *Contents) shipWithin(p Place, v *publish.Version) error {
	m, served := c.Market(v)
	if !served {
		return fmt.Errorf("%w: %.16q", ErrUnknownMarket, c.Country)
	}
	to := ShipTo{BillingCountry: c.shipTo().BillingCountry}
	if to.Region, served = m.Region(p.Region); !served {
		return ErrUnknownRegion
	}
	if len(m.Untaxed) > 0 || c.asks(v) {
		to.PostalCode = cleanPostalCode(p.PostalCode)
	}
	c.setShipTo(to)
	return nil
}

// setOption chooses a way of delivery; "" keeps it.
func (c *Contents) setOption(id string, v *publish.Version) error {
	if id == "" {
		return nil
	}
	if m, _ := c.Market(v); !c.offers(m, id) {
		return fmt.Errorf("%w: %.16q", ErrUnknownOption, id)
	}
	c.ShippingOption = id
	return nil
}

// KnownBilling returns the billing country that Klarna said last.
func (c *Contents) KnownBilling() string { return cmp.Or(c.shipTo().BillingCountry, c.Country) }

// Follow takes over what the shopper typed and chose in the iframe. The market follows
// the billing country only when Klarna says a new one: an old one must not undo a later
// change in the shop. The language is kept if the new market has it. The error wraps
// ErrNotServed, ErrUnknownRegion or ErrUnknownMarket. After an error c is unusable. Markets
// of the version in which the cart cannot be sold count as not served. shown is
// the shipping option that the order had: where the shopper did not choose it, it is no
// choice of theirs.
func (c *Contents) Follow(a Address, v *publish.Version, shown string) error {
	sold := c.sold(v)
	chosen := c.ShippingOption
	known := c.KnownBilling()
	billing := strings.ToUpper(cmp.Or(a.BillingCountry, known))
	m, served := sold.Lookup(billing)
	if served && billing != known && billing != c.Country {
		c.Country, c.Locale = m.Country, m.LocaleFor(i18n.LangOf(c.Locale))
		c.ShippingOption, c.Prices = "", nil // of another currency
	}
	to := ShipTo{Country: strings.ToUpper(cmp.Or(a.ShippingCountry, billing)), BillingCountry: billing}
	if served && billing != c.Country && to.Country == billing {
		// The address is older than the market that the shop set: it follows the market.
		to.Country, a.Region, a.PostalCode = c.Country, "", ""
	}
	if m, served = sold.Lookup(c.Country); !served {
		return fmt.Errorf("%w: %.16q", ErrUnknownMarket, c.Country)
	}
	delivery, served := m.DeliveryTo(to.Country, "")
	if !served && c.Basket != nil && (len(c.Basket.Options) > 0 || c.Asked.whole(m.ShippingOptions)) { // the merchant's own delivery goes further
		delivery, _ = m.DeliveryTo("", "")
		served = true
	}
	if !served || !c.Basket.delivers(to.Country) {
		return fmt.Errorf("%w: %.16q", ErrNotServed, to.Country)
	}
	var taxed bool
	if to.Region, taxed = delivery.Region(a.Region); !taxed {
		return ErrUnknownRegion
	}
	to.PostalCode = cleanPostalCode(a.PostalCode)
	c.setShipTo(to)
	if c.offers(m, a.Option) && (a.Option != shown || a.Option == chosen) {
		c.ShippingOption = a.Option
	}
	return nil
}

// cleanPostalCode returns a postal code as it is kept, "" where it is none.
func cleanPostalCode(text string) string {
	if len(text) > maxPostalCode {
		return ""
	}
	return strings.ToUpper(strings.Join(strings.Fields(text), " "))
}

// NoteBilling stores the billing country that Klarna has now. The order does not depend
// on it.
func (c *Contents) NoteBilling(country string) {
	if country == "" {
		return
	}
	to := c.shipTo()
	to.BillingCountry = strings.ToUpper(country)
	c.setShipTo(to)
}

// setShipTo stores only what differs from the purchase country. So opening the iframe
// does not change the cart.
func (c *Contents) setShipTo(to ShipTo) {
	if to.Country == c.Country {
		to.Country = ""
	}
	if to.BillingCountry == c.Country {
		to.BillingCountry = ""
	}
	c.ShipTo = nil
	if to != (ShipTo{}) {
		c.ShipTo = &to
	}
}

// Apply makes a change in the shop to c; see [Change.Apply]. When a cart with an order
// moves to another country, it remembers the billing country that Klarna still has.
func (c *Cart) Apply(ch Change, v *publish.Version, left map[string]int) error {
	country, billing := c.Country, c.KnownBilling()
	if err := ch.Apply(&c.Contents, v, left); err != nil {
		return err
	}
	if c.Country != country && c.OrderID != "" {
		c.NoteBilling(billing)
	}
	return nil
}
