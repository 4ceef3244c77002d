// Package templates renders the shop's pages. Each page has a view model. Amounts are
// strings in the page's locale, texts of products are [Text], and labels come from i18n.
package templates

import (
	"cmp"
	"strings"

	"github.com/shopd/shopd/internal/i18n"
)

// Shell is the frame of a page. Only Locale is required. A page without Country shows
// neither cart nor market panel: pages without a session (500, 503) need that.
type Shell struct {
	Shop         Shop
	Locale       string // of the page, BCP 47: "nb-NO"
	Country      string // purchase country, alpha-2
	Currency     string // ISO 4217
	SalesTax     bool   // prices are without tax (US)
	Category     string // ID of the one shown, "" = none
	Query        string // the text of the search field
	CartCount    int    // items in the cart
	CartRevision int64
	CartIDHash   string // a name of the cart for the shopper's other tabs; not its ID
	// Path is the local address of this page, without the codes that carry a message
	// (added, removed, market, error …). Forms return to it.
	Path string
	// Asked is the locale that the page's address asks for, of a shopper who has no cart yet. Links
	// keep it, so that the next page is of the same market.
	Asked string
	// Canonical is the whole address by which others should know this page; "" = any.
	Canonical string
	Site      string // the shop's whole address, where Canonical is set
	// Everywhere is the whole address of the page in whatever language, where Canonical is set.
	Everywhere string
	Added      *Added // something was just put in the cart
	Notes      []Note // shown at the top of the page; on the checkout in the summary
	// Measure is the address of the script that counts what shoppers do; "" = none here.
	Measure string
	// Base is the page of a checkout session, "" for the shopper's own cart; BasketRevision is
	// which revision of its basket the page shows.
	Base           string
	BasketRevision int64
	// Alone: the shop has no pages of its own to lead to.
	Alone bool
	// Withdrawal: consumers can withdraw from contracts with the shop.
	Withdrawal bool
	// Back is the merchant's page that a checkout session came from, "" where he has none. WayOut: it
	// is known that he has.
	Back   string
	WayOut bool
}

// To is an address of the shop's as the page leads to it.
func (s Shell) To(address string) string {
	if s.Asked == "" || !strings.HasPrefix(address, "/") {
		return address
	}
	return InLocale(address, s.Asked)
}

// base is the page that pays.
func (s Shell) base() string { return cmp.Or(s.Base, "/checkout") }

// deliveryURL takes another way of delivery for what the page pays for, customerURL who buys it.
func (s Shell) deliveryURL() string { return cmp.Or(s.Base, "/cart") + "/delivery" }
func (s Shell) customerURL() string { return cmp.Or(s.Base, "/cart") + "/customer" }

// own reports whether the page belongs to a shop with pages of its own, which it leads to.
func (s Shell) own() bool { return s.Base == "" && !s.Alone }

// payments is the page with Klarna's widget.
func (s Shell) payments() string { return s.base() + "/payments" }

// cartURL is where the shopper has chosen what to buy: the cart, or the merchant's own page. ""
// where that is not known.
func (s Shell) cartURL() string {
	if s.own() {
		return s.To("/cart")
	}
	return s.Back
}

// cartText is what a link there says; own is the text for the cart.
func (s Shell) cartText(own string) string {
	if s.own() {
		return s.t(own)
	}
	return s.t("nav.back")
}

// Again is where a shopper tries again whose form had no answer, "" for nowhere.
func (s Shell) Again() string { return cmp.Or(s.Base, s.cartURL()) }

// Text is a text that may be in another language than its page.
type Text struct {
	Text string
	Lang i18n.Lang // "" = the page's
}

// In makes a Text from the results of i18n.Text.In: In(p.Name.In(lang)).
func In(text string, lang i18n.Lang) Text { return Text{text, lang} }

// Amount is money as the page shows it, with the number that scripts compare.
type Amount struct {
	Text  string // in the page's locale: "1 152 kr"
	Minor int64  // the same in minor units
}

// Uncounted is the stock of a product that cannot run out or whose stock is unknown.
const Uncounted = -1

// Tile is a product on a shelf.
type Tile struct {
	SKU     string // of a product with variants its ID: the name of the page
	Name    Text
	Picture string // a file of static/pictures or an https URL; "" = none
	Price   string // "" = not for sale in this currency
	From    bool   // Price is that of the cheapest variants
	Choice  bool   // there are variants, one of which is chosen on the page
	Stock   int    // units left, of all variants, or Uncounted
	Digital bool
	Voucher bool // comes by e-mail
}

// Orders of the catalogue, the values of the query parameter "sort".
const (
	SortShelf      = "" // as on the shelf
	SortPrice      = "price"
	SortPriceDown  = "-price"
	SortName       = "name"
	lowStock       = 5 // from here on a tile says how many are left
	tilesAboveFold = 4 // pictures that are not loaded lazily
)

// CatalogueView is a page of products; Shell.Category and Shell.Query narrow it.
type CatalogueView struct {
	Shell
	Products []Tile // of this page
	Total    int    // products on all pages
	Page     int    // counts from 1
	Pages    int
	Sort     string // one of the Sort constants
}

// TaxNote is the note about tax under a price.
type TaxNote int

// The notes under a price.
const (
	TaxIncluded TaxNote = iota // "Includes VAT"
	TaxAdded                   // "Plus sales tax"
	TaxNone                    // a voucher: no VAT until it is used
)

// ProductView is the page of one product; Shell.Category is its category.
type ProductView struct {
	Shell
	Tile
	Description Text
	Material    Text     // Text "" = not told
	Weight      int      // grams; 0 = none, or each variant has its own
	Pictures    []string // as in Tile; the first is the tile's
	Options     []string // what the variants differ in, as the page calls it
	Variants    []Variant
	Tax         TaxNote
	Final       bool   // consumers have no right to withdraw from it, and would have elsewhere
	Delivery    string // the market's cheapest delivery; "" = nothing to deliver
	Offers      []Offer
	Takes       string // the time that it takes; "" = not told
	Related     []Tile // of the same shelf, up to four
}

// Variant is a product that can be chosen on the page of several.
type Variant struct {
	SKU    string
	Values []Text // for each of ProductView.Options
	Price  string // "" = not for sale in this currency
	Stock  int    // units left, or Uncounted
	Weight int    // grams; 0 = none
	Chosen bool
}

// Line is a line of an order or cart.
type Line struct {
	SKU       string
	Name      Text
	Picture   string // as in Tile
	Quantity  int
	Stock     int // units left, or Uncounted
	UnitPrice string
	Total     Amount
	Gone      bool // can no longer be sold here: it has no price and can only be removed
}

// Discount is the discount code of a cart.
type Discount struct {
	Code    string // in use; "" = none
	Says    string // what Code takes off, or why it takes nothing off
	Idle    bool   // it takes nothing off
	Refused string // a code that was tried and is not known; "" = none
}

// Campaign is what a campaign takes off an order: goods or delivery.
type Campaign struct {
	Name     string
	Amount   Amount // negative
	Delivery bool   // it is off the delivery
}

// taken are the campaigns that take something off goods, or off delivery.
func (t Totals) taken(delivery bool) (list []Campaign) {
	for _, c := range t.Campaigns {
		if c.Delivery == delivery {
			list = append(list, c)
		}
	}
	return list
}

// Sum is a row of the sums under a name that the merchant gave it.
type Sum struct {
	Name   string
	Amount Amount
}

// Totals are the sums of an order.
type Totals struct {
	Goods     Amount
	Campaigns []Campaign
	Fees      []Sum // surcharges of a checkout session
	Credits   []Sum // negative: gift cards and store credit
	// Delivery is nil when nothing is delivered. Its name, the address of its pickup point and
	// the time it takes are "" where they are not known.
	Delivery                                  *Amount
	DeliveryName, DeliveryPlace, DeliveryTime string
	SalesTax                                  *Amount // nil outside the US
	Total                                     Amount
	VAT                                       string // contained in Total; "" = not shown (US)
}

// Fact is something that is known, under its name.
type Fact struct {
	Name  string
	Lines []string
}

// Order is what is bought, as cart, checkout and confirmation show it.
type Order struct {
	Lines    []Line
	Items    int // things, not lines
	Discount Discount
	Totals   Totals
	Company  []string // that has bought, line by line; none before the purchase, and of a person
	Delivery []Fact   // of an order that is bought: where it is fetched, who brings it, when
	PaidWith string   // the way to pay of an order that is bought; "" = not told
	Fixed    bool     // its lines are the merchant's: a shopper cannot change them
}

// CartView is the cart page; no lines = the empty cart.
type CartView struct {
	Shell
	Order
	PaymentsToo bool // there is another checkout, of Klarna Payments
}

// SummaryView is the order summary beside the payment form.
type SummaryView struct {
	Shop  Shop // remembers lines; not needed
	Voice i18n.Voice
	Order
	Notes       []Note
	Unconfirmed bool // Klarna has not confirmed the total
}

// CheckoutView is the checkout page.
type CheckoutView struct {
	Shell
	Order
	OrderID     string // at Klarna, whose form the page shows
	Snippet     string // Klarna's HTML with this page's nonce
	Unconfirmed bool
}

// PaymentsPage is one of the pages of a checkout with Klarna Payments.
type PaymentsPage string

// The pages: one that does all, or two.
const (
	OneStep PaymentsPage = "one-step"
	Details PaymentsPage = "details" // address and way to pay, then to the review
	Review  PaymentsPage = "review"  // all of it to read once more, and the button
)

// AddressField is a field of the address form. Its label and what is said when
// it is wrong come by its name and the page's country.
type AddressField struct {
	Name, Autocomplete, Pattern string
	Example                     string // of what is to be typed; "" = none
	Delivery                    bool   // of the address that goods go to, where the bill goes elsewhere
	Optional, Digits            bool
	Length                      int // characters
	Options                     []AddressOption
	Unreachable                 []string // postal codes or states to which nothing is brought; a * at the end stands for any end

	// Of a form that comes back: what was typed, and whether the shop refuses it.
	Value string
	Wrong bool
	// Unreached is a postal code or a state to which nothing is delivered, as the shopper reads it.
	Unreached string
}

// Said is what the shopper reads in the field, "" where it is none of its choices.
func (f AddressField) Said() string {
	if f.Options == nil {
		return f.Value
	}
	for _, o := range f.Options {
		if o.Value == f.Value {
			return o.Label
		}
	}
	return ""
}

// AddressOption is a value of a field of the address form.
type AddressOption struct{ Value, Label string }

// PaymentMethod is a way to pay, as Klarna names it.
type PaymentMethod struct {
	Identifier string `json:"identifier"`
	Name       string `json:"name"`
}

// PaymentsView is a checkout page with the shop's own form and Klarna's widget.
type PaymentsView struct {
	Shell
	Order
	Page        PaymentsPage
	Details     DetailsView // not needed for the review
	Methods     []PaymentMethod
	Session     any    // what the widget is told of the order, as JSON
	Form        string // names the payment session; not its ID
	ClientToken string
	Library     string // URL of Klarna's script
	Regional    bool   // tax follows the region
	Region      string // that the tax is of, "" = not known
	// Untaxed are the postal codes without VAT, as [market.Market] has them. NoVAT: the order
	// goes to one.
	Untaxed []string
	NoVAT   bool
	// AsksPlace: delivery follows the postal code. PostalCode is the one that it is of, "" = not
	// known.
	AsksPlace  bool
	PostalCode string
}

// DetailsView is what the form with Klarna's widget asks for.
type DetailsView struct {
	CustomerTypes  []string       // that the shopper chooses from, "person" and "organization"; one is no choice
	CustomerType   string         // that is chosen
	Company        []AddressField // asked of companies; none where they cannot buy
	Person         []AddressField // asked of persons, for Klarna alone
	Fields         []AddressField // of the address, in their order, and of how to reach the shopper
	DeliveryFields []AddressField // of another address for the goods; none where there can be none
	Elsewhere      bool           // the goods go to another address than the bill, as far as is known
	Delivery       DeliveryView
}

// DeliveryView are the ways of delivery; none where nothing is delivered.
type DeliveryView struct {
	Voice   i18n.Voice
	Options []DeliveryOption
}

// DeliveryOption is a way of delivery, with its price.
type DeliveryOption struct {
	ID     string
	Name   Text
	Time   string // "" = not told
	Price  string
	Chosen bool
	// Anywhere: no place is out of reach by it, since the shopper collects the goods, say.
	Anywhere bool
	Place    string // the address of its pickup point; "" = none
}

// PlacedView says that an order is placed, to a visitor who may not be its buyer.
type PlacedView struct {
	Shell
	Mailed bool // its details are sent by e-mail
}

// FindView is the form by which a buyer finds an order again.
type FindView struct {
	Shell
	Number, Email string // as they were typed
	None          bool   // no order has them
	Withdraw      bool   // the way to the function of withdrawal
}

// CancelledView is the confirmation of an order that was cancelled before we had it.
type CancelledView struct{ Shell }

// PageView is a text of the shop's own: its terms, its privacy policy, its rules of returns.
type PageView struct {
	Shell
	Title string
	HTML  string    // made from the shop's Markdown
	Lang  i18n.Lang // of HTML
}

// NotFoundView is the 404 page.
type NotFoundView struct {
	Shell
	Offer string // ID of a category to look in instead; "" = none
}

// EndedView is the page of a checkout session that is over.
type EndedView struct{ Shell }

// RefusedView is the page for a request that we cannot take (400, 403, 405, 413).
type RefusedView struct{ Shell }

// TooManyView is the 429 page: the client has made too many requests.
type TooManyView struct {
	Shell
	Seconds int    // until there is another one
	TryURL  string // the page that was asked for; "" = a form was sent
}

// ErrorView is the 500 page.
type ErrorView struct {
	Shell
	Reference string // to quote, the request ID
}

// CheckoutErrorView is the checkout page when Klarna refuses what we ask, which is our mistake.
type CheckoutErrorView struct {
	Shell
	Reference string // to quote, the request ID
}

// Outage is what keeps a page from being shown for a while.
type Outage int

// The outages.
const (
	PaymentServiceDown Outage = iota // Klarna does not answer
	SessionBusy                      // another tab's request holds the session
	ShopDown                         // our own store does not answer
	OrderUnderWay                    // it is paid, and not in the order book yet
	BeingBought                      // the cart may be being bought
	Crowded                          // more requests than can be served
	CartsFull                        // our own store takes no changes: its memory is full
)

// UnavailableView is the 503 page. The Refresh header that makes it try again
// is the handler's.
type UnavailableView struct {
	Shell
	Outage  Outage
	Seconds int    // until it tries again by itself; 0 = it does not, only the link is there
	TryURL  string // what "Try now" leads to, a local path
}

// category is the category of an ID, one of the shop's.
func (s Shell) category(id string) Category {
	for _, c := range s.Shop.Categories {
		if c.ID == id {
			return c
		}
	}
	return Category{ID: id, Name: Text{Text: id}}
}

func (s Shell) lang() i18n.Lang { return i18n.LangOf(s.Locale) }

// parts are those of the pages that pages have in common.
func (s Shell) parts() *parts {
	p := s.Shop.in(s.lang())
	if s.Asked != "" { // links from elsewhere are few: their pages are not remembered
		p = &parts{shop: p.shop, voice: p.voice, locale: s.Asked}
	}
	return p
}

func (s Shell) voice() i18n.Voice { return i18n.Voice{Lang: s.lang(), Own: s.Shop.Texts} }

func (s Shell) t(key string, args ...any) string { return s.voice().T(key, args...) }
