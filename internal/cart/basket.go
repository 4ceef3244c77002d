package cart

import (
	"reflect"
	"slices"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

// Basket is the basket of a checkout session: what the merchant's server has put in a cart,
// in place of SKUs that a shopper chooses. Its shopper changes nothing but address and
// delivery.
type Basket struct {
	Reference   string `json:"reference"` // the merchant's, of the session
	OrderNumber string `json:"order_number"`
	Country     string `json:"country"` // that the merchant has said; an address may lead to another
	// Currency is that of all its amounts: a market may have another one later. "": not noted.
	Currency money.Currency `json:"currency,omitempty"`
	Locale   string         `json:"locale"`
	// Revision rises with lines, totals and options, not with the shopper's address or choice.
	Revision          int64          `json:"revision"`
	Lines             []BasketLine   `json:"lines"`
	Options           []BasketOption `json:"options,omitempty"` // none: those of the shop file
	ShippingCountries []string       `json:"shipping_countries"`
	BillingCountries  []string       `json:"billing_countries"`
	Terms             Terms          `json:"terms,omitzero"` // of the revision
	// Back names the session, signed, on the way back to the merchant's page that holds the
	// form. "": a page of ours holds it.
	Back string `json:"back,omitempty"`
	// WayOut: the merchant has said where a shopper goes who does not buy. Baskets of before do not say.
	WayOut bool `json:"way_out,omitempty"`
	// Ended: the merchant has ended the session, or it has expired.
	Ended bool `json:"ended,omitempty"`
}

// BasketLine is a line as the merchant's server has said it. Amounts are minor units, tax
// included (US: without).
type BasketLine struct {
	ID        string          `json:"id"` // unique in the basket
	Type      klarna.LineType `json:"type"`
	Reference string          `json:"reference,omitempty"` // the SKU, where it has no price of its own
	Name      string          `json:"name,omitempty"`
	Quantity  int64           `json:"quantity"`
	UnitPrice *money.Amount   `json:"unit_price,omitempty"` // nil: the catalogue's
	TaxRate   *klarna.Rate    `json:"tax_rate,omitempty"`   // nil of a discount: it is split over the rates of the goods
	Discount  money.Amount    `json:"discount,omitempty"`   // ≥ 0, of the whole line
	TaxShift  money.Amount    `json:"tax_shift,omitempty"`  // to the tax that we compute, -1 to 1
	// ShiftRate is the rate at which TaxShift was said, of a discount that is split the first one:
	// it counts at no other, which the place or the catalogue may say.
	ShiftRate *klarna.Rate `json:"shift_rate,omitempty"`
	Image     string       `json:"image,omitempty"`
	Page      string       `json:"page,omitempty"`
	klarna.Told
}

// Own reports whether the line has a price of its own.
func (l BasketLine) Own() bool { return l.UnitPrice != nil }

// BasketOption is a way of delivery as the merchant's server has said it.
type BasketOption struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description,omitempty"`
	Price       money.Amount `json:"price"`
	TaxRate     klarna.Rate  `json:"tax_rate"`
	Preselected bool         `json:"preselected,omitempty"`
	// Location is where the shopper fetches the goods; zero: they are brought.
	Location klarna.PickupLocation `json:"location,omitzero"`
}

// Put makes a basket that of a cart. What the shopper has chosen stays, unless the merchant
// says another country, or nothing is sold any more where an address has led it; a way of
// delivery that is offered no more is forgotten.
func (c *Cart) Put(b *Basket, v *publish.Version) {
	country, billing := c.Country, c.KnownBilling()
	said := c.Basket == nil || c.Basket.Country != b.Country || c.Basket.Locale != b.Locale
	c.Basket, c.Refused = b, nil
	if _, sold := c.Market(v); said || !sold {
		if c.Country != b.Country {
			c.ShippingOption, c.ShipTo = "", nil
		}
		c.Country, c.Locale = b.Country, b.Locale
	}
	if m, _ := c.Market(v); c.ShippingOption != "" && !c.offers(m, c.ShippingOption) {
		c.ShippingOption = ""
	}
	if c.Country != country && c.OrderID != "" {
		c.NoteBilling(billing)
	}
}

// Same reports whether two baskets say the same, but for their revision and its terms, and for what no
// form shows.
func (b *Basket) Same(other *Basket) bool {
	if b == nil || other == nil {
		return b == other
	}
	x, y := *b, *other
	x.Revision, y.Revision, x.Terms, y.Terms, x.WayOut, y.WayOut = 0, 0, Terms{}, Terms{}, false, false
	return reflect.DeepEqual(x, y)
}

// chosenOf is which of some ways of delivery is taken: the one with an ID, the preselected or
// the first.
func chosenOf(options []BasketOption, id string) int {
	if i := slices.IndexFunc(options, func(o BasketOption) bool { return o.ID == id }); i >= 0 {
		return i
	}
	return max(slices.IndexFunc(options, func(o BasketOption) bool { return o.Preselected }), 0)
}

// CheckoutPath is the page that pays the cart.
func (c *Contents) CheckoutPath() string {
	if c.Basket == nil {
		return "/checkout"
	}
	return SessionPath + c.Basket.Reference
}

// RefusedPath is the page to which the browser comes back when Klarna or we refuse the
// purchase: the one that pays, or the way back to the merchant's that holds the form.
func (c *Contents) RefusedPath() string {
	if c.Basket != nil && c.Basket.Back != "" {
		return BackPath + c.Basket.Back
	}
	return c.CheckoutPath()
}

// ConfirmationPath is the page to which Klarna sends the browser after the purchase.
func (c *Contents) ConfirmationPath() string {
	if c.Basket != nil && c.Basket.Back != "" {
		return BackPath + c.Basket.Back + "/confirmation"
	}
	return "/checkout/confirmation"
}

// BackPath is the path of the ways back to a merchant's page that holds the form.
const BackPath = "/checkout/back/"

// SessionPath is the path of the hosted pages; the session's reference follows.
const SessionPath = "/checkout/s/"

// Priced is what a line of a basket comes to.
type Priced struct {
	ID          string
	Type        klarna.LineType
	Name        string
	UnitPrice   money.Amount
	TaxRate     *klarna.Rate // nil: it is split over several
	TotalAmount money.Amount
	TotalTax    money.Amount
	ShiftRate   *klarna.Rate `json:"-"` // at which a TaxShift would be said; nil: the line is not in the order
	Less, More  bool         `json:"-"` // whether its tax may be shifted by -1, by 1
}

// delivers reports whether a basket may go to a country.
func (b *Basket) delivers(country string) bool {
	return b == nil || slices.Contains(b.ShippingCountries, country)
}

// offers reports whether a way of delivery may be chosen.
func (c *Contents) offers(m market.Market, option string) bool {
	said := c.answered()
	switch {
	case c.Basket != nil && len(c.Basket.Options) > 0:
		return has(c.Basket.Options, option)
	case said.whole(m.ShippingOptions):
		return has(said.Options, option)
	}
	m.ShippingOptions = said.filled(m.ShippingOptions, i18n.LangOf(c.Locale))
	_, ok := m.Option(option)
	return ok
}

func has(options []BasketOption, id string) bool {
	return slices.ContainsFunc(options, func(o BasketOption) bool { return o.ID == id })
}

// basketQuote prices the basket of a checkout session.
type basketQuote struct {
	*Quote
	pricer  *Pricer
	market  market.Market
	lang    i18n.Lang
	items   []klarna.Item
	of      []int // of each item: which line of the basket it belongs to, -1 for none
	rates   []money.TaxRate
	byRate  map[money.TaxRate]money.Amount // goods, by rate
	taxable money.Amount                   // in the US
	fee     bool                           // a line is the delivery
	taxed   bool                           // a line is the sales tax
}

// basket is quote for the basket of a checkout session: its lines in their order, delivery,
// sales tax, and last what is paid with gift cards and store credit. No campaign touches it.
func (p *Pricer) basket(c Contents, v *publish.Version, m market.Market, q *Quote) error {
	b := basketQuote{Quote: q, pricer: p, market: m, lang: i18n.LangOf(c.Locale), byRate: map[money.TaxRate]money.Amount{}}
	lines := q.asked.rated(c.Basket.Lines)
	q.Basket = make([]Priced, len(lines))
	for i, line := range lines {
		if err := b.goods(i, line, v); err != nil {
			return err
		}
	}
	for i, line := range lines {
		if err := b.discount(i, line); err != nil {
			return err
		}
	}
	if b.shipped.any && !b.fee {
		if err := b.deliver(c); err != nil {
			return err
		}
	}
	if q.Shipping != nil {
		for _, item := range q.Shipping.items() {
			b.add(-1, item)
		}
		if b.shipped.taxedIn(q.Delivery) {
			b.taxable += q.Shipping.Price
		}
	}
	if m.Scheme == market.SalesTax && !b.taxed && len(b.items) > 0 {
		tax, err := q.Delivery.SalesTaxRate(c.shipTo().Region).OnTop(max(b.taxable, 0))
		if err != nil {
			return err
		}
		b.add(-1, klarna.Item{Type: klarna.SalesTax, Name: v.Shop.Voice(c.Locale).T("line.sales_tax"), Quantity: 1, UnitPrice: tax})
	}
	if err := b.credit(lines); err != nil {
		return err
	}
	var err error
	q.Lines, err = klarna.NewLines(b.items)
	b.tell(lines)
	return err
}

// unsold is the quote of a basket in whose market, or currency, nothing is sold any more: its
// lines come to nothing.
func (p *Pricer) unsold(c Contents, v *publish.Version, m market.Market) Quote {
	q := Quote{Version: v, Currency: m.Currency, Basket: make([]Priced, len(c.Basket.Lines))}
	(&basketQuote{Quote: &q}).tell(c.Basket.Lines)
	return q
}

func (b *basketQuote) add(line int, item klarna.Item) {
	b.items, b.of = append(b.items, item), append(b.of, line)
}

// goods adds what is neither a discount nor credit.
func (b *basketQuote) goods(i int, line BasketLine, v *publish.Version) error {
	class, item := market.TaxClass(""), klarna.Item{
		Type: line.Type, Reference: line.Reference, Name: line.Name, Quantity: line.Quantity,
		ProductURL: line.Page, ImageURL: line.Image, TotalDiscount: line.Discount, TaxShift: line.TaxShift, Told: line.Told,
	}
	if line.Type == klarna.GiftCard || line.Type == klarna.StoreCredit || line.Type == klarna.Discount && line.TaxRate == nil {
		return nil
	}
	goods := GoodsLine{Line: Line{SKU: line.Reference, Quantity: int(line.Quantity)}}
	grams := line.ShippingAttributes.Weight
	if line.Own() {
		item.UnitPrice = *line.UnitPrice
		if line.TaxRate != nil {
			item.TaxRate = line.TaxRate.Tax()
		}
	} else {
		product, known := v.Catalog.Product(line.Reference)
		price, priced := money.Amount(0), false
		if known {
			price, priced = product.Price(b.market.Currency)
		}
		if !priced {
			b.Unavailable = append(b.Unavailable, line.Reference)
			return nil
		}
		price, err := untaxed(b.market, b.Delivery, price, b.market.Rate(product.Class))
		if err != nil {
			return err
		}
		own := b.pricer.Item(b.Delivery, b.lang, product, int(line.Quantity), price)
		own.MerchantData, own.TaxShift, own.TotalDiscount = line.MerchantData, line.TaxShift, line.Discount
		item, class, grams, goods.Product = own, product.Class, product.Weight, product
		if line.TaxRate != nil && class != market.None { // of the place
			item.TaxRate, class = line.TaxRate.Tax(), ""
		}
	}
	if line.ShiftRate == nil || line.ShiftRate.Tax() != item.TaxRate {
		item.TaxShift = 0
	}
	gross, err := item.UnitPrice.Mul(item.Quantity)
	if err != nil {
		return err
	}
	total, err := gross.Sub(item.TotalDiscount)
	if err != nil {
		return err
	}
	b.add(i, item)
	switch item.Type {
	case klarna.ShippingFee:
		b.fee = true
		b.taxable += total
	case klarna.SalesTax:
		b.taxed = true
	case klarna.Physical, klarna.Digital:
		if item.Type == klarna.Physical {
			if err := b.shipped.add(levy{class, item.TaxRate}, total); err != nil {
				return err
			}
			b.shipped.grams += grams * int(line.Quantity)
		}
		if b.GoodsAmount, err = b.GoodsAmount.Add(total); err != nil {
			return err
		}
		if class != market.None {
			if !slices.Contains(b.rates, item.TaxRate) {
				b.rates = append(b.rates, item.TaxRate)
			}
			b.byRate[item.TaxRate] += total
			b.taxable += total
		}
		goods.UnitPrice, goods.TotalAmount = item.UnitPrice, total
		b.Goods = append(b.Goods, goods)
	case klarna.Discount:
		b.DiscountAmount += total
		b.taxable += total
	case klarna.Surcharge, klarna.GiftCard, klarna.StoreCredit, klarna.ReturnFee:
		b.taxable += total
	}
	return nil
}

// discount adds a discount that has no rate, split over the rates of the goods.
func (b *basketQuote) discount(i int, line BasketLine) error {
	if line.Type != klarna.Discount || line.TaxRate != nil {
		return nil
	}
	total, err := line.UnitPrice.Mul(line.Quantity)
	if err != nil {
		return err
	}
	rates := b.rates
	if len(rates) == 0 {
		rates = []money.TaxRate{0}
	}
	weights := make([]money.Amount, len(rates))
	for i, rate := range rates {
		weights[i] = b.byRate[rate]
	}
	parts, err := money.Split(-total, weights)
	if err != nil {
		return err
	}
	said, shift := line.ShiftRate, line.TaxShift
	for j, part := range parts {
		if part == 0 {
			continue
		}
		item := klarna.Item{
			Type: klarna.Discount, Reference: line.Reference, Name: line.Name, Quantity: 1, UnitPrice: -part, TaxRate: rates[j],
			ProductURL: line.Page, ImageURL: line.Image, Told: line.Told,
		}
		if said != nil && said.Tax() != rates[j] {
			shift = 0
		}
		said = nil // the first has it
		// The first part that Klarna takes so.
		if tax, err := rates[j].Included(-part); shift != 0 && err == nil && rates[j].Accepts(-part, tax+shift) {
			item.TaxShift, shift = shift, 0
		}
		b.add(i, item)
	}
	b.DiscountAmount += total
	b.taxable += total
	return nil
}

// deliver sets the ways of delivery: the merchant's, else those of the shop file.
func (b *basketQuote) deliver(c Contents) error {
	if len(c.Basket.Options) == 0 {
		return b.Quote.deliver(b.market, b.lang, c.ShippingOption, nil)
	}
	return b.merchants(c.Basket.Options, c.ShippingOption, nil)
}

// credit adds what is paid with gift cards and store credit: no more than there is to pay.
func (b *basketQuote) credit(lines []BasketLine) error {
	left := money.Amount(0)
	for _, item := range b.items {
		gross, err := item.UnitPrice.Mul(item.Quantity)
		if err != nil {
			return err
		}
		if left, err = left.Add(gross - item.TotalDiscount); err != nil {
			return err
		}
	}
	for i, line := range lines {
		if line.Type != klarna.GiftCard && line.Type != klarna.StoreCredit {
			continue
		}
		total, err := line.UnitPrice.Mul(line.Quantity)
		if err != nil {
			return err
		}
		take := min(-total, max(left, 0))
		if left -= take; take == 0 {
			continue
		}
		b.add(i, klarna.Item{
			Type: line.Type, Reference: line.Reference, Name: line.Name, Quantity: 1, UnitPrice: -take,
			ProductURL: line.Page, ImageURL: line.Image, Told: line.Told,
		})
	}
	return nil
}

// tell says what each line of the basket has come to.
func (b *basketQuote) tell(lines []BasketLine) {
	for i, line := range lines {
		b.Basket[i] = Priced{ID: line.ID, Type: line.Type, Name: line.Name, TaxRate: line.TaxRate}
		if line.Own() {
			b.Basket[i].UnitPrice = *line.UnitPrice
		}
	}
	for i, line := range b.OrderLines {
		if b.of[i] < 0 {
			continue
		}
		of := &b.Basket[b.of[i]]
		of.TotalAmount += line.TotalAmount
		of.TotalTax += line.TotalTaxAmount
		if of.ShiftRate == nil {
			of.ShiftRate = new(line.TaxRate)
		}
		rate := line.TaxRate.Tax()
		of.Less = of.Less || rate.Accepts(line.TotalAmount, line.TotalTaxAmount-1)
		of.More = of.More || rate.Accepts(line.TotalAmount, line.TotalTaxAmount+1)
		if !lines[b.of[i]].Own() {
			of.Type, of.Name, of.UnitPrice, of.TaxRate = line.Type, line.Name, line.UnitPrice, new(line.TaxRate)
		}
	}
}
