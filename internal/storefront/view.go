package storefront

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/identity"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/web/templates"
)

// view makes the view models of one request.
type view struct {
	*Storefront
	r       *http.Request
	cart    cart.Cart
	version *publish.Version
	market  market.Market
	lang    i18n.Lang
	voice   i18n.Voice
	stock   map[string]int // nil when Redis did not answer: then pages do not show stock
	quoted  *cart.Quote    // nil before the cart was priced
}

func (s *Storefront) view(r *http.Request, c cart.Cart) *view {
	version := s.Published.Now()
	m, _ := c.Market(version)
	stock, err := s.Stock.Levels(r.Context())
	if err != nil {
		s.Logger.WarnContext(r.Context(), "stock not readable, pages do without", "error", err)
	}
	voice := version.Shop.Voice(c.Locale)
	return &view{Storefront: s, r: r, cart: c, version: version, market: m, lang: voice.Lang, voice: voice, stock: stock}
}

// viewOf is view for a cart with a quote.
func (s *Storefront) viewOf(r *http.Request, c cart.Cart, quote cart.Quote) *view {
	v := s.view(r, c)
	v.quoted = &quote
	return v
}

// quote prices the cart, once.
func (v *view) quote() (cart.Quote, error) {
	if v.quoted != nil {
		return *v.quoted, nil
	}
	quote, err := v.Pricer.Offer(v.cart.Contents)
	if err == nil {
		v.quoted = &quote
	}
	return quote, err
}

func (v *view) price(a money.Amount) string { return money.Format(a, v.market.Currency, v.cart.Locale) }

func (v *view) amount(a money.Amount) templates.Amount {
	return templates.Amount{Text: v.price(a), Minor: int64(a)}
}

// name returns a product's name in the page's language.
func (v *view) name(sku string) string { return v.lastName(v.cart, sku) }

// lastName returns a product's name in the cart's language, else what it was called last,
// or its SKU.
func (s *Storefront) lastName(c cart.Cart, sku string) string {
	if p, known := s.Published.Now().Catalog.Product(sku); known {
		name, _ := p.Name.In(i18n.LangOf(c.Locale))
		return name
	}
	return cmp.Or(c.Names[sku], sku)
}

// items returns how many things in the cart can be sold.
func (v *view) items() int {
	quote, _ := v.quote() // filled as far as it came
	return quote.Items()
}

// shell returns the frame of a page, with the messages that the address asks for.
func (v *view) shell() templates.Shell {
	shell := templates.Shell{
		Shop:         identity.Of(v.version, v.lang),
		Locale:       v.cart.Locale,
		Country:      v.cart.Country,
		Currency:     string(v.market.Currency),
		SalesTax:     v.market.Scheme == market.SalesTax,
		CartCount:    v.items(),
		CartRevision: v.cart.Revision,
		CartIDHash:   cartIDHash(v.cart.ID),
		Path:         "/",
		Alone:        !v.version.Shop.Storefront,
		Withdrawal:   v.version.Shop.Withdrawal > 0 && v.version.Markets.AnyInEEA(),
	}
	ofClaim(v.r, &shell)
	if b := v.cart.Basket; b != nil { // its country and its lines are the merchant's
		shell.Base, shell.BasketRevision, shell.WayOut = v.cart.CheckoutPath(), b.Revision, b.WayOut
	}
	if found, ok := v.found(v.r); ok && found.Locale == v.cart.Locale && v.cart.Revision == 0 {
		shell.Asked, shell.Path = found.Locale, templates.InLocale("/", found.Locale)
	}
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
		shell.Path = withCodes(v.r.URL, nil)
	}
	v.say(&shell)
	return shell
}

// wrong is shell for a page that says that something is wrong.
func (v *view) wrong() templates.Shell {
	shell := v.shell()
	v.leadBack(v.r, &shell)
	return shell
}

// measured is shell for a page of the shop or the cart, where the shop may count what
// shoppers do. No other page may have it: nobody looks on who pays or reads an order.
func (v *view) measured(w http.ResponseWriter) templates.Shell {
	shell, measure := v.shell(), v.version.Shop.Measure
	if shell.Measure = measure.Script; measure.Script != "" {
		respond.AllowOrigins(w, measure.Origins, "connect-src", "img-src")
	}
	return shell
}

// cartIDHash returns a name for the cart that does not show its ID, for other tabs.
func cartIDHash(id string) string {
	if id == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("cart channel " + id))
	return hex.EncodeToString(sum[:8])
}

// say adds the messages that the codes in the address ask for. Anybody can write an
// address, so it adds only messages that fit the cart.
func (v *view) say(shell *templates.Shell) {
	query := v.r.URL.Query()
	if sku := query.Get("added"); v.cart.Quantity(sku) > 0 {
		shell.Added = &templates.Added{Name: v.name(sku), Count: v.items()}
	}
	if sku := query.Get("removed"); sku != "" && v.cart.Quantity(sku) == 0 {
		quantity, err := strconv.Atoi(query.Get("quantity"))
		if _, known := v.version.Catalog.Product(sku); known && err == nil && quantity > 0 && quantity <= cart.MaxQuantity {
			shell.Notes = append(shell.Notes, templates.Removed(v.voice, sku, v.name(sku), quantity, shell.Path))
		}
	}
	switch query.Get("market") {
	case "changed":
		shell.Notes = append(shell.Notes, v.marketChanged())
	case "delivery":
		shell.Notes = append(shell.Notes, v.deliveryChanged())
	}
	shell.Notes = append(shell.Notes, v.sentBack(query)...)
}

func (v *view) marketChanged() templates.Note {
	return templates.MarketChanged(v.voice, v.market.Country, string(v.market.Currency), v.total())
}

// deliveryChanged is the note about a country that was chosen in the payment form.
func (v *view) deliveryChanged() templates.Note {
	return templates.DeliveryChanged(v.voice, v.market.Country, string(v.market.Currency), v.total())
}

// total returns the total of the cart, "" when it is empty.
func (v *view) total() string {
	quote, err := v.quote()
	if err != nil || quote.Empty() {
		return ""
	}
	return v.price(quote.OrderAmount)
}

func (v *view) tiles(groups []*catalog.Group) []templates.Tile {
	tiles := make([]templates.Tile, len(groups))
	for i, g := range groups {
		tiles[i] = v.tile(g)
	}
	return tiles
}

func (v *view) tile(g *catalog.Group) templates.Tile {
	tile := templates.Tile{
		SKU: g.ID, Name: templates.In(g.Title.In(v.lang)), Picture: g.Picture(),
		Choice: len(g.Options) > 0, Digital: g.Digital, Voucher: g.Class == market.None,
	}
	for _, p := range g.Variants {
		left := v.left(p.SKU)
		if left == templates.Uncounted {
			tile.Stock = left
			break
		}
		tile.Stock += left
	}
	if lowest, highest, ok := g.Prices(v.market.Currency); ok {
		tile.Price, tile.From = v.price(lowest), lowest != highest
	}
	return tile
}

// left returns how many of a SKU can be sold, or templates.Uncounted.
func (v *view) left(sku string) int {
	n, limited := v.stock[sku]
	if p, known := v.version.Catalog.Product(sku); !limited || known && p.Digital {
		return templates.Uncounted
	}
	return max(n, 0)
}

// basketRevision is that of the basket of a checkout session, 0 of another cart.
func (v *view) basketRevision() int64 {
	if v.cart.Basket == nil {
		return 0
	}
	return v.cart.Basket.Revision
}

// basket returns the basket of a checkout session as its page shows it.
func (v *view) basket(quote cart.Quote) (templates.Order, []templates.Note) {
	order := templates.Order{Items: v.items(), Totals: v.totals(quote), Fixed: true}
	var notes []templates.Note
	for i, line := range v.cart.Basket.Lines {
		if i >= len(quote.Basket) {
			break
		}
		priced := quote.Basket[i]
		name := cmp.Or(priced.Name, line.Name, v.name(line.Reference))
		if !line.Own() && slices.Contains(quote.Unavailable, line.Reference) {
			notes = append(notes, v.ofLine(templates.Gone(v.voice, line.Reference, name, "")))
		}
		order.Lines = append(order.Lines, templates.Line{
			SKU: line.ID, Name: templates.Text{Text: name}, Quantity: int(line.Quantity),
			UnitPrice: v.price(priced.UnitPrice), Total: v.amount(priced.TotalAmount),
		})
	}
	notes = append(notes, v.undelivered(quote)...)
	if quote.Empty() && len(notes) == 0 { // its country or currency is none of the shop's any more
		notes = append(notes, templates.Note{ID: "not-sold", Kind: templates.Bad, Title: v.voice.T("purchase.declined")})
	}
	return order, notes
}

// order returns the cart as pages show it, with notes about its lines.
func (v *view) order() (templates.Order, []templates.Note, error) {
	quote, err := v.quote()
	if err != nil {
		return templates.Order{}, nil, err
	}
	if v.cart.Basket != nil {
		order, notes := v.basket(quote)
		return order, notes, nil
	}
	order := templates.Order{Items: v.items(), Totals: v.totals(quote)}
	order.Discount = templates.Discount{Code: v.cart.DiscountCode, Says: v.says(quote), Idle: quote.NoDiscount() != ""}
	var notes []templates.Note
	goods := quote.Goods
	for _, line := range v.cart.Lines {
		shown := templates.Line{SKU: line.SKU, Name: templates.Text{Text: v.name(line.SKU)}, Quantity: line.Quantity, Stock: v.left(line.SKU), Gone: true}
		if p, known := v.version.Catalog.Product(line.SKU); known {
			shown.Name, shown.Picture = templates.In(p.Name.In(v.lang)), p.Picture()
		}
		if len(goods) > 0 && goods[0].SKU == line.SKU {
			shown.Gone = false
			shown.UnitPrice, shown.Total = v.price(goods[0].UnitPrice), v.amount(goods[0].TotalAmount)
			goods = goods[1:]
			if before, now, changed := v.cart.PriceBefore(line.SKU, v.version); changed {
				notes = append(notes, templates.PriceChanged(v.lang, line.SKU, shown.Name.Text, v.price(before), v.price(now)))
			}
			if shown.Stock == 0 {
				notes = append(notes, templates.SoldOut(v.voice, line.SKU, shown.Name.Text, "/cart"))
			}
		} else {
			notes = append(notes, templates.Gone(v.voice, line.SKU, shown.Name.Text, "/cart"))
		}
		order.Lines = append(order.Lines, shown)
	}
	begun, over := v.cart.Changes(quote)
	for _, j := range begun {
		notes = append(notes, templates.CampaignBegun(v.voice, j.ID, j.Name, v.total()))
	}
	for _, j := range over {
		notes = append(notes, templates.CampaignOver(v.voice, j.ID, j.Name, v.total()))
	}
	return order, append(notes, v.undelivered(quote)...), nil
}

// undelivered says that nothing goes to the cart's place, or nothing goes at all now.
func (v *view) undelivered(quote cart.Quote) []templates.Note {
	switch {
	case quote.NoDelivery, quote.Unanswered:
		return []templates.Note{templates.NoDelivery(v.voice)}
	case quote.Unreached:
		to := v.cart.ShipTo
		return []templates.Note{templates.Unreached(v.voice, cmp.Or(to.PostalCode, to.Region), to.Country)}
	}
	return nil
}

// says is what the cart's code takes off, or why it takes nothing off.
func (v *view) says(q cart.Quote) string {
	if problem := q.Problem(v.voice, v.cart.Locale); problem != "" {
		return problem
	}
	j, ok := q.Coded()
	if !ok {
		return ""
	}
	off := i18n.Percent(v.lang, int(j.Percent/100))
	switch {
	case !j.OffGoods():
		return v.voice.T("discount.works_delivery", j.Code)
	case j.Buy > 0:
		return v.voice.T("discount.works_buy_pay", j.Code, j.Buy, j.Pay)
	case j.Percent == 0:
		off = v.price(j.Amount[q.Currency])
	}
	if j.Spared {
		return v.voice.T("discount.works_not_vouchers", j.Code, off)
	}
	return v.voice.T("discount.works", j.Code, off)
}

func (v *view) totals(q cart.Quote) templates.Totals {
	totals := templates.Totals{Goods: v.amount(q.GoodsAmount), Total: v.amount(q.OrderAmount)}
	for _, j := range q.Applied() {
		totals.Campaigns = append(totals.Campaigns, templates.Campaign{Name: j.Name, Amount: v.amount(-j.Off), Delivery: !j.OffGoods()})
	}
	if q.Shipping != nil {
		totals.Delivery = new(v.amount(q.Shipping.Price + q.Shipping.Saved))
		totals.DeliveryName, totals.DeliveryPlace, totals.DeliveryTime = q.Shipping.Name, q.Shipping.Location.Address.Line(), q.Shipping.Time
	}
	if v.market.Scheme == market.SalesTax {
		totals.SalesTax = new(v.amount(q.OrderTaxAmount))
	} else {
		totals.VAT = money.FormatExact(q.OrderTaxAmount, v.market.Currency, v.cart.Locale)
	}
	return totals
}

// summaryHTML returns the order summary of the open checkout page.
func (v *view) summaryHTML(ctx context.Context, unconfirmed bool, notes ...templates.Note) (string, error) {
	order, lineNotes, err := v.order()
	if err != nil {
		return "", err
	}
	var html strings.Builder
	// Without the deadline: late answers need the summary most.
	err = templates.OrderSummary(templates.SummaryView{
		Shop: identity.Of(v.version, v.lang), Voice: v.voice, Order: order, Notes: append(notes, lineNotes...), Unconfirmed: unconfirmed,
	}).Render(context.WithoutCancel(ctx), &html)
	return html.String(), err
}
