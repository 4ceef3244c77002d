package storefront

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/catalog"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/respond"
	"github.com/shopd/shopd/internal/settings"
	"github.com/shopd/shopd/web/templates"
)

// maxQuery is the longest search query, in bytes.
const maxQuery = 200

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
	shell := v.measured(w)
	shell.Category, shell.Query = category, q
	products := v.version.Catalog.Search(v.lang, q, category)
	v.sort(products, sort)
	page := templates.CatalogueView{Shell: shell, Sort: sort, Products: v.tiles(products)}
	respond.Page(w, r, http.StatusOK, templates.Catalogue(page))
}

// sort sorts products. An unknown order keeps that of the shelf.
func (v *view) sort(products []*catalog.Product, order string) {
	price := func(p *catalog.Product) int64 {
		amount, _ := p.Price(v.market.Currency)
		return int64(amount)
	}
	switch order {
	case templates.SortPrice:
		slices.SortStableFunc(products, func(a, b *catalog.Product) int { return cmp.Compare(price(a), price(b)) })
	case templates.SortPriceDown:
		slices.SortStableFunc(products, func(a, b *catalog.Product) int { return cmp.Compare(price(b), price(a)) })
	case templates.SortName:
		names := collate.New(language.Make(string(v.lang)))
		slices.SortStableFunc(products, func(a, b *catalog.Product) int {
			nameA, _ := a.Name.In(v.lang)
			nameB, _ := b.Name.In(v.lang)
			return names.CompareString(nameA, nameB)
		})
	}
}

func (s *Storefront) product(w http.ResponseWriter, r *http.Request, v *view) {
	product, known := v.version.Catalog.Product(chi.URLParam(r, "sku"))
	if !known {
		s.notFound(w, r, v)
		return
	}
	shell := v.measured(w)
	shell.Category = product.Category
	page := templates.ProductView{
		Shell:       shell,
		Tile:        v.tile(product),
		Description: templates.In(product.Description.In(v.lang)),
		Material:    templates.In(product.Material.In(v.lang)),
		Weight:      product.Weight,
	}
	switch {
	case product.Class == market.None:
		page.Tax = templates.TaxNone
	case v.market.Scheme == market.SalesTax:
		page.Tax = templates.TaxAdded
	}
	if option, ok := v.market.DefaultShipping(); ok && !product.Digital {
		page.Delivery = v.price(option.Price)
	}
	for _, other := range v.version.Catalog.Search(v.lang, "", product.Category) {
		if other.SKU != product.SKU && len(page.Related) < 4 {
			page.Related = append(page.Related, v.tile(other))
		}
	}
	respond.Page(w, r, http.StatusOK, templates.Product(page))
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
		page.Path, page.Notes = "/cart", nil
		if errors.Is(refused, cart.ErrBadDiscountCode) {
			page.Discount.Refused = strings.TrimSpace(r.PostFormValue("code"))
		}
		page.Notes = append(page.Notes, v.refusal(refused, page.Discount.Refused))
	}
	page.Notes = append(page.Notes, notes...)
	respond.Page(w, r, status, templates.Cart(page))
}

// refusal says why a form was refused.
func (v *view) refusal(err error, code string) templates.Note {
	if soldOut, ok := errors.AsType[*cart.SoldOutError](err); ok {
		if soldOut.Left == 0 {
			return templates.AddedSoldOut(v.voice, v.name(soldOut.SKU))
		}
		return templates.FewLeft(v.voice, v.name(soldOut.SKU), soldOut.Left)
	}
	switch {
	case errors.Is(err, cart.ErrUnknownSKU):
		return templates.UnknownProduct(v.voice)
	case errors.Is(err, cart.ErrBadDiscountCode):
		return templates.UnknownCode(v.voice, code)
	}
	return templates.QuantityLimit(v.voice)
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
	respond.Page(w, r, http.StatusNotFound, templates.NotFound(templates.NotFoundView{
		Shell: v.shell(), Offer: s.offer(chi.URLParam(r, "sku")),
	}))
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
