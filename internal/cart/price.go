package cart

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

// Pricer turns carts into order lines and totals. Nothing else does.
type Pricer struct {
	Published *publish.Published
	PublicURL string // of the shop, for product links; no trailing slash
	// Now is the time by which campaigns begin and end; nil: time.Now.
	Now func() time.Time
}

// Quote is a cart at today's prices in its market. Amounts are minor units of
// Currency; in VAT markets they include tax.
type Quote struct {
	klarna.Lines // what Klarna is told

	Version  *publish.Version // that it was priced by
	Currency money.Currency
	Goods    []GoodsLine
	// Unavailable are the SKUs of the cart that cannot be sold: they left the catalogue or
	// have no price in this currency. They are not in Lines.
	Unavailable []string

	GoodsAmount    money.Amount // Σ Goods, before campaigns
	DiscountAmount money.Amount // ≤ 0
	Taxable        money.Amount // what the sales tax is on, where there is a line of it
	// Campaigns are all of the shop file, with what each does to the cart.
	Campaigns []Judged
	code      string // of the cart
	// Options are the ways of delivery, none when nothing is shipped. Shipping is the chosen
	// one, or the default.
	Options  []Option
	Shipping *Option
	// NoDelivery: there are goods to ship, and no way of delivery.
	NoDelivery bool
	// Unanswered: the merchant's server has not said what goes to the cart's place, and only he knows. So
	// nobody may be told that nothing goes there.
	Unanswered bool
	// Unreached: it is an offer, and nothing goes to the cart's place, as far as is known.
	Unreached bool
	// Basket are the lines of a checkout session, as they are in its basket. nil: it is none.
	Basket  []Priced
	asked   *Asked // what the merchant's server has said of the place
	asks    bool   // it is to be asked
	shipped parcel
	// Delivery is where the order goes. It knows the places that cannot be reached.
	Delivery market.Delivery
}

// Empty reports whether nothing of the cart can be sold.
func (q Quote) Empty() bool {
	if q.Basket != nil { // it is sold whole, or not at all
		return len(q.OrderLines) == 0 || q.NoDelivery || len(q.Unavailable) > 0
	}
	return len(q.Goods) == 0 || q.NoDelivery
}

// Shown is the ID of the shipping option that the order has, "" without one.
func (q Quote) Shown() string {
	if q.Shipping == nil {
		return ""
	}
	return q.Shipping.ID
}

// Offers reports whether the shipping option with an ID can be chosen.
func (q Quote) Offers(id string) bool {
	return slices.ContainsFunc(q.Options, func(o Option) bool { return o.ID == id })
}

// Free reports whether there is something to sell, and nothing to pay.
func (q Quote) Free() bool { return !q.Empty() && q.OrderAmount == 0 }

// Sale is what Klarna is told of the sale of a cart with these contents.
func (q Quote) Sale(c Contents) klarna.Sale {
	return klarna.Sale{PurchaseCountry: c.Country, PurchaseCurrency: string(q.Currency), Locale: c.Locale, Lines: q.Lines}
}

// Items is the number of things that can be sold.
func (q Quote) Items() int {
	n := 0
	for _, line := range q.Goods {
		n += line.Quantity
	}
	return n
}

// GoodsLine is a line of the cart with its product and prices.
type GoodsLine struct {
	Line
	Product     *catalog.Product // nil: the line has an item of its own
	UnitPrice   money.Amount
	TotalAmount money.Amount
}

// Quote prices the contents of a cart: goods, campaigns, delivery, tax. Delivery is a line
// of its own for each of its tax rates, for the chosen option or the market's default. A
// cart of digital goods has none. A campaign's discount is one line per tax rate. Vouchers
// (tax class none) are money and get none. In the US the tax is a sales_tax line. Prices
// and currency are those of the cart's market. Tax and delivery follow the place that the
// order goes to. With an error, the quote is filled as far as it came. The error is a
// *klarna.RuleError when Klarna would refuse the lines.
func (p *Pricer) Quote(c Contents) (Quote, error) {
	v := p.Published.Now()
	m, sold := c.Market(v)
	switch {
	case sold:
		return p.quote(c, v, m)
	case c.Basket != nil: // until the merchant's server says another one
		return p.unsold(c, v, m), nil
	}
	return Quote{Version: v}, fmt.Errorf("%w: %.16q", ErrUnknownMarket, c.Country)
}

// Offer is the quote of a cart for a form in which its shopper can say another place: where
// nothing goes to the one that it has, it is as for a place that is not known. By an offer
// that is Unreached nothing may be bought.
func (p *Pricer) Offer(c Contents) (Quote, error) {
	q, err := p.Quote(c)
	if err != nil || !q.NoDelivery {
		return q, err
	}
	c.ShipTo = nil
	offer, err := p.Quote(c)
	if err != nil || offer.NoDelivery {
		return q, nil
	}
	offer.Unreached, offer.Unanswered = true, q.Unanswered
	return offer, nil
}

// Cheapest is the quote of a cart by the cheapest way of delivery that its shopper can choose.
func (p *Pricer) Cheapest(c Contents) (Quote, error) {
	q, err := p.Quote(c)
	if len(q.Options) == 0 {
		return q, err
	}
	c.ShippingOption = slices.MinFunc(q.Options, func(a, b Option) int { return cmp.Compare(a.Price, b.Price) }).ID
	return p.Quote(c)
}

// quote is Quote in a market.
func (p *Pricer) quote(c Contents, v *publish.Version, m market.Market) (Quote, error) {
	to, served := m.DeliveryTo(c.shipTo().Country, c.shipTo().PostalCode)
	if !served { // any more
		to, _ = m.DeliveryTo("", c.shipTo().PostalCode)
	}
	lang := i18n.LangOf(c.Locale)
	q := Quote{Version: v, Currency: m.Currency, Delivery: to, asked: c.answered()}
	if c.Basket != nil {
		err := p.basket(c, v, m, &q)
		return q, err
	}
	voice := v.Shop.Voice(c.Locale)
	s := sale{quote: &q, cart: c, version: v, market: m, lang: lang, now: p.now()}
	var items []klarna.Item
	var taxable money.Amount // in the US: goods less vouchers

	for _, line := range c.Lines {
		product, known := v.Catalog.Product(line.SKU)
		if !known {
			q.Unavailable = append(q.Unavailable, line.SKU)
			continue
		}
		price, priced := product.Price(m.Currency)
		if !priced {
			q.Unavailable = append(q.Unavailable, line.SKU)
			continue
		}
		if !product.Digital {
			// Delivery is split by the prices that are usual.
			full, err := price.Mul(int64(line.Quantity))
			if err != nil {
				return q, err
			}
			if err := q.shipped.add(levy{class: product.Class}, full); err != nil {
				return q, err
			}
			q.shipped.grams += product.Weight * line.Quantity
		}
		price, err := untaxed(m, to, price, m.Rate(product.Class))
		if err != nil {
			return q, err
		}
		item := p.Item(to, lang, product, line.Quantity, price)
		items = append(items, item)
		total, err := price.Mul(int64(line.Quantity))
		if err != nil {
			return q, err
		}
		if q.GoodsAmount, err = q.GoodsAmount.Add(total); err != nil {
			return q, err
		}
		goods := GoodsLine{Line: line, Product: product, UnitPrice: price, TotalAmount: total}
		q.Goods = append(q.Goods, goods)
		if product.Class != market.None {
			taxable += total // part of GoodsAmount, which did not overflow
			s.lines = append(s.lines, saleLine{goods, item.TaxRate})
			if err := s.goods.Add(line.SKU, item.TaxRate, total); err != nil {
				return q, err
			}
		}
	}

	if err := s.campaigns(voice); err != nil {
		return q, err
	}
	items = append(items, s.items()...)
	taxable += q.DiscountAmount
	if q.Shipping != nil {
		items = append(items, q.Shipping.items()...)
		if q.shipped.taxedIn(to) {
			taxable += q.Shipping.Price
		}
	}
	if m.Scheme == market.SalesTax && len(items) > 0 {
		q.Taxable = taxable
		tax, err := to.SalesTaxRate(c.shipTo().Region).OnTop(taxable)
		if err != nil {
			return q, err
		}
		items = append(items, klarna.Item{
			Type: klarna.SalesTax, Name: voice.T("line.sales_tax"), Quantity: 1, UnitPrice: tax,
		})
	}
	var err error
	q.Lines, err = klarna.NewLines(items)
	return q, err
}

func (p *Pricer) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

// untaxed returns a price of a market as it is where the order goes: where no VAT is due
// perhaps without the VAT at a rate.
func untaxed(m market.Market, to market.Delivery, price money.Amount, rate money.TaxRate) (money.Amount, error) {
	if !to.Untaxed() || m.UntaxedPrices != market.WithoutVAT {
		return price, nil
	}
	tax, err := rate.Included(price)
	return price - tax, err
}

// Item returns the input for an order line: a quantity of a product at a unit price, on
// an order that goes to a place.
func (p *Pricer) Item(to market.Delivery, lang i18n.Lang, product *catalog.Product, quantity int, price money.Amount) klarna.Item {
	name, _ := product.Name.In(lang)
	item := klarna.Item{
		Type: klarna.Physical, Reference: product.SKU, Name: name,
		Quantity: int64(quantity), QuantityUnit: "pcs",
		UnitPrice: price, TaxRate: to.Rate(product.Class),
		ProductURL: p.PublicURL + "/products/" + product.SKU,
	}
	item.ProductIdentifiers = klarna.Identifiers{Brand: product.Brand, GlobalTradeItemNumber: product.GTIN}
	item.ShippingAttributes.Weight = product.Weight
	if product.Digital {
		item.Type = klarna.Digital
	}
	// Our own pictures have an address that changes with each release; Klarna shows none then.
	if picture := product.Picture(); strings.HasPrefix(picture, "https://") {
		item.ImageURL = picture
	}
	return item
}
