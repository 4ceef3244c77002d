package storefront

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/templates"
)

const (
	maxQuery = 200 // the longest search query, in bytes
	perPage  = 48  // products on a page of a list
)

// orders are the orders of lists by how addresses name them. Any other name is the shelf's.
var orders = map[string]catalog.Order{
	templates.SortPrice: catalog.ByPrice, templates.SortPriceDown: catalog.ByPriceDown, templates.SortName: catalog.ByName,
}

func (s *Storefront) catalogue(w http.ResponseWriter, r *http.Request, v *view) {
	query := r.URL.Query()
	category, q, sort := query.Get("category"), strings.ToValidUTF8(strings.TrimSpace(query.Get("q")), "\ufffd"), query.Get("sort")
	if category != "" && !slices.Contains(v.version.Catalog.Categories(), category) {
		s.notFound(w, r, v)
		return
	}
	if len(q) > maxQuery {
		s.PageError(w, r, errBadRequest)
		return
	}
	number, err := strconv.Atoi(cmp.Or(query.Get("page"), "1"))
	if err != nil || number < 1 || number > 1_000_000 {
		s.notFound(w, r, v)
		return
	}
	groups, total := v.version.Catalog.List(catalog.Query{
		Lang: v.lang, Text: q, Category: category, Order: orders[sort], Currency: v.market.Currency,
	}, (number-1)*perPage, perPage)
	if number > 1 && len(groups) == 0 { // there are fewer by now
		s.notFound(w, r, v)
		return
	}
	shell := v.measured(w)
	shell.Category, shell.Query = category, q
	v.public(&shell, templates.CatalogueURL(category, q, "", number))
	page := templates.CatalogueView{
		Shell: shell, Sort: sort, Products: v.tiles(groups), Total: total, Page: number, Pages: (total + perPage - 1) / perPage,
	}
	respond.Page(w, r, http.StatusOK, templates.Catalogue(page))
}

// product shows the page of a product. With the SKU of a variant as its name that one is
// chosen.
func (s *Storefront) product(w http.ResponseWriter, r *http.Request, v *view) {
	name := chi.URLParam(r, "sku")
	g, known := v.version.Catalog.Page(name)
	if !known {
		s.notFound(w, r, v)
		return
	}
	shell := v.measured(w)
	shell.Category = g.Category
	v.public(&shell, templates.ProductURL(g.ID))
	page := templates.ProductView{
		Shell:       shell,
		Tile:        v.tile(g),
		Description: templates.In(g.Description.In(v.lang)),
		Material:    templates.In(g.Material.In(v.lang)),
		Pictures:    g.Pictures,
	}
	if page.Choice {
		page.Options, page.Variants = v.choice(g, name)
	} else {
		page.Weight = g.Variants[0].Weight
	}
	page.Final = g.Final && v.version.Shop.Withdrawal > 0 && market.InEEA(v.market.Country)
	switch {
	case g.Class == market.None:
		page.Tax = templates.TaxNone
	case v.market.Scheme == market.SalesTax:
		page.Tax = templates.TaxAdded
	}
	for _, p := range g.Variants {
		if price, sold := p.Price(v.market.Currency); sold {
			page.Offers = append(page.Offers, templates.Offer{SKU: p.SKU, Price: price.Decimal(), Currency: string(v.market.Currency), Sold: v.left(p.SKU) == 0})
		}
	}
	if option, ok := v.market.DefaultShipping(); ok && !g.Digital {
		page.Delivery = v.price(option.Price)
		page.Takes, _ = option.Time.In(v.lang)
	}
	const related = 4
	others, _ := v.version.Catalog.List(catalog.Query{Lang: v.lang, Category: g.Category}, 0, related+1)
	others = slices.DeleteFunc(others, func(other *catalog.Group) bool { return other == g })
	page.Related = v.tiles(others[:min(len(others), related)])
	respond.Page(w, r, http.StatusOK, templates.Product(page))
}

// choice are what the variants of a group differ in, and the variants. The one with an SKU
// is chosen, or the only one that there is.
func (v *view) choice(g *catalog.Group, sku string) (options []string, variants []templates.Variant) {
	for _, option := range g.Options {
		options = append(options, v.voice.Option(option))
	}
	for _, p := range g.Variants {
		variant := templates.Variant{SKU: p.SKU, Stock: v.left(p.SKU), Weight: p.Weight, Chosen: p.SKU == sku || len(g.Variants) == 1}
		for _, value := range p.Values {
			variant.Values = append(variant.Values, templates.In(value.In(v.lang)))
		}
		if price, ok := p.Price(v.market.Currency); ok {
			variant.Price = v.price(price)
		}
		variant.Chosen = variant.Chosen && variant.Stock != 0
		variants = append(variants, variant)
	}
	return options, variants
}

func (s *Storefront) cart(w http.ResponseWriter, r *http.Request, v *view) {
	if wantsJSON(r) {
		s.cartJSON(w, r, v.cart)
		return
	}
	v.cartPage(w, r, http.StatusOK, nil)
}

// cartPage shows the cart. refused is why a form was refused, or nil.
func (v *view) cartPage(w http.ResponseWriter, r *http.Request, status int, refused error) {
	order, notes, err := v.order()
	if err != nil {
		v.PageError(w, r, err)
		return
	}
	page := templates.CartView{Shell: v.measured(w), Order: order, PaymentsToo: v.Payments.Both && !v.version.Shop.Checkout.Payments}
	if refused != nil {
		page.Path, page.Notes = page.To("/cart"), nil
		if errors.Is(refused, cart.ErrBadDiscountCode) {
			page.Discount.Refused = strings.TrimSpace(r.PostFormValue("code")) // its field says it
		} else {
			page.Notes = append(page.Notes, v.refusal(refused, cmp.Or(chi.URLParam(r, "sku"), r.PostFormValue("sku"))))
		}
	}
	page.Notes = append(page.Notes, notes...)
	respond.Page(w, r, status, templates.Cart(page))
}

// refusal says why a form about a product was refused.
func (v *view) refusal(err error, sku string) templates.Note {
	if soldOut, ok := errors.AsType[*cart.SoldOutError](err); ok {
		if soldOut.Left == 0 {
			return templates.AddedSoldOut(v.voice, sku, v.name(sku))
		}
		return templates.FewLeft(v.voice, sku, v.name(sku), soldOut.Left)
	}
	_, sold := v.version.Catalog.Product(sku)
	if errors.Is(err, cart.ErrUnknownSKU) || !sold && v.cart.Quantity(sku) == 0 {
		return templates.UnknownProduct(v.voice)
	}
	return templates.QuantityLimit(v.voice, sku, v.name(sku))
}

// shopPage returns the handler of a page of the shop's own. key is of its title.
func (s *Storefront) shopPage(key string, of func(settings.Pages) settings.Page) http.HandlerFunc {
	return s.page(func(w http.ResponseWriter, r *http.Request, v *view) {
		text, lang, found := of(v.version.Shop.Pages).In(v.lang)
		switch {
		case !found:
			s.notFound(w, r, v)
		case text.URL != "":
			http.Redirect(w, r, text.URL, http.StatusFound)
		default:
			respond.Page(w, r, http.StatusOK, templates.Page(templates.PageView{
				Shell: v.measured(w), Title: v.voice.T(key), HTML: text.HTML, Lang: lang,
			}))
		}
	})
}

// notFound is the 404 page. For an old product it offers a category.
func (s *Storefront) notFound(w http.ResponseWriter, r *http.Request, v *view) {
	page := templates.NotFoundView{Shell: v.wrong(), Offer: s.offer(chi.URLParam(r, "sku"))}
	respond.Page(w, r, http.StatusNotFound, templates.NotFound(page))
}

// offer returns the category of products with a similar SKU.
func (s *Storefront) offer(sku string) string {
	prefix, _, _ := strings.Cut(sku, "-")
	for _, p := range s.Published.Now().Catalog.Products() {
		if prefix != "" && strings.HasPrefix(p.SKU, strings.ToUpper(prefix)+"-") {
			return p.Category
		}
	}
	return ""
}
