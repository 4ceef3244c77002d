// Package cart holds the shopper's cart. A cart is one Redis key with a revision that
// grows by one with each change. Only price.go turns a cart into Klarna's order lines and
// totals.
package cart

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

// Limits of a cart.
const (
	MaxQuantity = 99  // of one line
	MaxLines    = 100 // different SKUs
)

// Why a change is refused. A refused change changes nothing.
var (
	ErrUnknownSKU      = errors.New("unknown SKU")
	ErrQuantityLimit   = fmt.Errorf("quantity must be 0 to %d and a cart has at most %d lines", MaxQuantity, MaxLines)
	ErrBadDiscountCode = errors.New("unknown discount code")
	ErrUnknownMarket   = errors.New("unknown country or locale") // or nothing is sold there
	ErrUnknownOption   = errors.New("unknown way of delivery")
	ErrUnknownCustomer = errors.New("not a type of customer of this market")
)

// LineError refuses a change because of one of its lines.
type LineError struct {
	SKU string
	Err error // ErrUnknownSKU or ErrQuantityLimit
}

// Error names the reason and the SKU, which may be anything that a browser sends.
func (e *LineError) Error() string { return fmt.Sprintf("%s: %.64q", e.Err, e.SKU) }

// Unwrap returns the reason.
func (e *LineError) Unwrap() error { return e.Err }

// SoldOutError refuses more than there is.
type SoldOutError struct {
	SKU  string
	Left int // the most that the cart may have, 0 = sold out
}

// Error names SKU and stock.
func (e *SoldOutError) Error() string { return fmt.Sprintf("only %d left of %s", e.Left, e.SKU) }

// Cart is a cart at one revision. It decides what the order at Klarna must say.
type Cart struct {
	ID       string
	Revision int64 // 0 = there is no such key (yet)
	// OrderID is the newest order made for this cart: a KCO order, or one of the shop's own
	// (see NewOrderID). Setting OrderID, SessionID or Bought does not change the revision.
	OrderID string
	// SessionID is the newest Klarna Payments session made for this cart.
	SessionID string
	// SessionCustomer is who buys, a person or a company, as that session was told last.
	SessionCustomer string
	// Seen is the newest revision of the basket that a form of the newest order has shown.
	Seen   int64
	Bought []string // orders by which this cart was bought, oldest first
	// Held: stock was taken for it since it was let go last. It may have gone back by itself.
	Held bool
	Contents
}

// Contents is the part of a cart that its revision counts.
type Contents struct {
	Version        int    `json:"v"`
	Lines          []Line `json:"lines"` // in the order in which they were added
	DiscountCode   string `json:"discount_code,omitempty"`
	Country        string `json:"country"` // purchase country, alpha-2
	Locale         string `json:"locale"`
	ShippingOption string `json:"shipping_option,omitempty"` // "" = the market's default
	// CustomerType is what the shopper has chosen to be in the shop's own form; "" = the first
	// that the market has. Another one than the market has counts as no choice.
	CustomerType string `json:"customer_type,omitempty"`
	// Names is what the products of the lines were called when the cart changed last, by
	// SKU: who meets a withdrawn one must be told what it was.
	Names map[string]string `json:"names,omitempty"`
	// Prices is what they cost when they were put in the cart, in the market's currency, by SKU:
	// of a price that is another by now pages and answers tell for as long as the line is there.
	Prices map[string]money.Amount `json:"prices,omitempty"`
	// Campaigns are the IDs of those that the cart had when its shopper changed it last; nil:
	// not noted.
	Campaigns []string `json:"campaigns,omitzero"`
	// Turned are the IDs of those that had begun or ended by then without his doing.
	Turned []string `json:"turned,omitempty"`
	// UsedUp are the IDs of campaigns that others have used up.
	UsedUp []string `json:"used_up,omitempty"`
	// Published is the version that the cart was priced by last. A process that knows an
	// older one reads the newest first.
	Published int64 `json:"published,omitempty"`
	// ShipTo is nil while nothing but the country is known.
	ShipTo *ShipTo `json:"ship_to,omitempty"`
	// Basket is what a checkout session has in place of Lines; nil: it is a cart of the shop's.
	Basket *Basket `json:"basket,omitempty"`
	// Asked is what the merchant's server has said of the delivery; nil: nothing.
	Asked *Asked `json:"asked,omitempty"`
	// Unplaced is what it has said of a place that is not known, since nothing goes to the one that
	// is. By that an offer is made; nil: nothing.
	Unplaced *Asked `json:"unplaced,omitempty"`
	// Refused is why the merchant's server has refused the last purchase of what the cart has; nil: it has not.
	Refused *Refused `json:"refused,omitempty"`
}

// Refused is what the merchant's own server has said to a purchase that it refused.
type Refused struct {
	At      time.Time `json:"at"`
	Message i18n.Text `json:"message,omitempty"` // for the shopper, by language; empty: nothing
}

// Line is a SKU and how many of it, 1 to MaxQuantity.
type Line struct {
	SKU      string `json:"sku"`
	Quantity int    `json:"quantity"`
}

// NewID returns an unguessable cart ID of letters and digits.
func NewID() string { return strings.ToLower(rand.Text()) }

// ownOrder begins the IDs of orders that the shop makes. No ID of Klarna's begins so.
const ownOrder = "ord_"

// NewOrderID returns an unguessable ID for an order of the shop's own.
func NewOrderID() string { return ownOrder + rand.Text() }

// IsOwnOrder reports whether an ID is one of NewOrderID: Klarna knows no such order.
func IsOwnOrder(id string) bool { return strings.HasPrefix(id, ownOrder) }

// Quantity returns how many of sku are in the cart.
func (c *Contents) Quantity(sku string) int {
	for _, line := range c.Lines {
		if line.SKU == sku {
			return line.Quantity
		}
	}
	return 0
}

// BoughtBy reports whether the cart was bought by this order.
func (c *Cart) BoughtBy(orderID string) bool {
	return orderID != "" && slices.Contains(c.Bought, orderID)
}

// Change is a change that a shopper asks for. It is applied whole or not at all.
type Change struct {
	Add          []Line  // on top of what is there
	Set          []Line  // absolute; 0 removes
	DiscountCode *string // "" removes
	Country      string  // "" keeps
	Locale       string  // of the market; "" keeps the language, or takes Language
	// Language is taken where Locale is "" and the market has it; "" keeps it.
	Language i18n.Lang
	// Place is where the shop's own address form says that the order goes, within the
	// purchase country. nil keeps it.
	Place *Place
	// Region and PostalCode are what the form says of Place while it is typed, one by one. nil
	// keeps it.
	Region, PostalCode *string
	// ShippingOption is the ID of a way of delivery where the cart goes. "" keeps it.
	ShippingOption string
	// CustomerType is market.Person or market.Organization, where companies may buy. "" keeps it.
	CustomerType string
}

// Empty reports whether the change asks for nothing.
func (ch Change) Empty() bool {
	return len(ch.Add)+len(ch.Set) == 0 && ch.DiscountCode == nil &&
		ch.Country == "" && ch.Locale == "" && ch.Language == "" && !ch.Moves() && ch.ShippingOption == "" && ch.CustomerType == ""
}

// Moves reports whether the change says where the order goes, within the purchase country.
func (ch Change) Moves() bool { return ch.Place != nil || ch.Region != nil || ch.PostalCode != nil }

// place is where a cart goes after such a change.
func (ch Change) place(c *Contents) Place {
	place := Place{Region: c.Region(), PostalCode: c.PostalCode()}
	switch {
	case ch.Place != nil:
		place = *ch.Place
	case c.ShipsAbroad(): // what is known is of another country
		place = Place{}
	}
	if ch.Region != nil {
		place.Region = *ch.Region
	}
	if ch.PostalCode != nil {
		place.PostalCode = *ch.PostalCode
	}
	return place
}

// SKUs are the products whose stock the change needs to know.
func (ch Change) SKUs() []string {
	var skus []string
	for _, line := range slices.Concat(ch.Add, ch.Set) {
		skus = append(skus, line.SKU)
	}
	return skus
}

// Apply makes the change to c. left is the stock by SKU; an absent SKU is unlimited. The
// error is a *LineError or a *SoldOutError, or wraps ErrBadDiscountCode, ErrUnknownMarket,
// ErrUnknownRegion, ErrUnknownOption or ErrUnknownCustomer. After an error c is unusable.
// A shopper's change is made by Pricer.Apply.
func (ch Change) Apply(c *Contents, v *publish.Version, left map[string]int) error {
	c.Refused = nil
	noted := c.Prices // which other copies of the cart have too
	c.Prices = map[string]money.Amount{}
	for _, line := range c.Lines {
		if price, known := noted[line.SKU]; known {
			c.Prices[line.SKU] = price
		}
	}
	for _, add := range ch.Add {
		if add.Quantity < 1 {
			return &LineError{add.SKU, ErrQuantityLimit}
		}
		// Bounded before adding, so that absurd numbers cannot overflow.
		if err := c.set(add.SKU, c.Quantity(add.SKU)+min(add.Quantity, MaxQuantity+1), v.Catalog, left); err != nil {
			return err
		}
	}
	for _, set := range ch.Set {
		if err := c.set(set.SKU, set.Quantity, v.Catalog, left); err != nil {
			return err
		}
	}
	if ch.DiscountCode != nil {
		code := strings.ToUpper(strings.TrimSpace(*ch.DiscountCode))
		if code != "" && v.Shop.Campaigns.ByCode(code) == nil {
			return ErrBadDiscountCode
		}
		c.DiscountCode = code
	}
	if err := c.setMarket(c.sold(v), ch.Country, ch.Locale, ch.Language); err != nil {
		return err
	}
	c.note(v)
	c.count(v, left)
	if ch.Moves() {
		if err := c.shipWithin(ch.place(c), v); err != nil {
			return err
		}
	}
	if ch.CustomerType != "" {
		if types := v.Shop.Checkout.Forms[c.Country].CustomerTypes; !slices.Contains(types, ch.CustomerType) {
			return fmt.Errorf("%w: %.16q", ErrUnknownCustomer, ch.CustomerType)
		}
		c.CustomerType = ch.CustomerType
	}
	return c.setOption(ch.ShippingOption, v)
}

func (c *Contents) set(sku string, quantity int, products *catalog.Catalog, left map[string]int) error {
	i := slices.IndexFunc(c.Lines, func(l Line) bool { return l.SKU == sku })
	product, known := products.Product(sku)
	if !known && (i < 0 || quantity != 0) {
		// What has left the catalogue can still be removed.
		return &LineError{sku, ErrUnknownSKU}
	}
	switch {
	case quantity < 0 || quantity > MaxQuantity:
		return &LineError{sku, ErrQuantityLimit}
	case quantity == 0 && i < 0:
		return nil
	case quantity == 0:
		c.Lines = slices.Delete(c.Lines, i, i+1)
		delete(c.Prices, sku)
		return nil
	}
	// Asking for no more than is in the cart is always possible: less may be left by now.
	if n, limited := left[sku]; limited && (!known || !product.Digital) && quantity > max(n, 0) && quantity > c.Quantity(sku) {
		return &SoldOutError{SKU: sku, Left: max(n, 0)}
	}
	if i >= 0 {
		c.Lines[i].Quantity = quantity
		return nil
	}
	if len(c.Lines) >= MaxLines {
		return &LineError{sku, ErrQuantityLimit}
	}
	c.Lines = append(c.Lines, Line{SKU: sku, Quantity: quantity})
	return nil
}

// setMarket changes country and locale. It keeps the language if the new market has it.
// A new country removes the shipping option, the ship-to and the prices.
func (c *Contents) setMarket(sold market.List, country, locale string, language i18n.Lang) error {
	if country == "" && locale == "" && language == "" {
		return nil
	}
	if country == "" {
		country = c.Country
	}
	if language == "" {
		language = i18n.LangOf(c.Locale)
	}
	m, served := sold.Lookup(country)
	switch {
	case !served:
		return fmt.Errorf("%w: country %.16q", ErrUnknownMarket, country)
	case locale != "" && !m.HasLocale(locale):
		return fmt.Errorf("%w: locale %.16q in %s", ErrUnknownMarket, locale, country)
	case locale == "":
		locale = m.LocaleFor(language)
	}
	if m.Country != c.Country {
		c.ShippingOption, c.ShipTo = "", nil
		clear(c.Prices) // of another currency
	}
	c.Country, c.Locale = m.Country, locale
	return nil
}
