package storefront

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/kco"
	"github.com/shopd/shopd/internal/stock"
	"github.com/shopd/shopd/web/templates"
)

// reasonNotFinished: the shopper asked for the confirmation of an open order.
const reasonNotFinished = "not_finished"

// reasonOf returns the query parameters that say why the shopper was sent here.
func reasonOf(r *http.Request) url.Values {
	kept := url.Values{}
	for _, name := range []string{"reason", "sku"} {
		if value := r.URL.Query().Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	return kept
}

// sentBack returns the note about why the shopper was sent back, by the query.
func (v *view) sentBack(query url.Values) []templates.Note {
	switch reason := query.Get("reason"); kco.Reason(reason) {
	case reasonNotFinished:
		return []templates.Note{templates.NotFinished(v.voice)}
	case kco.CartChanged:
		return []templates.Note{templates.Stopped(v.voice)}
	case kco.DeliveryGone:
		return []templates.Note{templates.DeliveryGone(v.voice)}
	case kco.AlreadyBought:
		return []templates.Note{templates.AlreadyBought(v.voice)}
	case kco.PurchaseRunning:
		return []templates.Note{templates.PurchaseRunning(v.voice)}
	case kco.UnknownOrder:
		return []templates.Note{templates.OldForm(v.voice)}
	case kco.SoldOut:
		return v.soldOut(query.Get("sku"))
	}
	return nil
}

// goods are what a purchase takes of the stock, each product once.
func (v *view) goods() []stock.Line {
	quote, _ := v.quote() // filled as far as it came
	var goods []stock.Line
	for _, g := range cart.Stocked(quote.OrderLines) {
		i := slices.IndexFunc(goods, func(l stock.Line) bool { return l.SKU == g.SKU })
		if i < 0 {
			goods = append(goods, g)
		} else { // a basket may name one twice
			goods[i].Quantity += g.Quantity
		}
	}
	return goods
}

// soldOut returns notes about products that others bought meanwhile. It is about sku if
// that is sold, else about all products.
func (v *view) soldOut(sku string) []templates.Note {
	var notes []templates.Note
	goods := v.goods()
	asked := slices.ContainsFunc(goods, func(l stock.Line) bool { return l.SKU == sku })
	for _, line := range goods {
		if asked && line.SKU != sku {
			continue
		}
		switch left := v.left(line.SKU); {
		case left == templates.Uncounted || left >= line.Quantity:
		case left > 0:
			notes = append(notes, v.ofLine(templates.LastFew(v.voice, line.SKU, v.name(line.SKU), left)))
		default:
			notes = append(notes, v.ofLine(templates.LastGone(v.voice, line.SKU, v.name(line.SKU), "/checkout")))
		}
	}
	if len(notes) == 0 && v.items() > 0 {
		// There is enough again: they can try once more.
		notes = append(notes, templates.Stopped(v.voice))
	}
	return notes
}

// ofLine is a note about a line: in a basket, which is the merchant's, it has no button.
func (v *view) ofLine(n templates.Note) templates.Note {
	if v.cart.Basket != nil {
		return n.AtMerchant(v.voice)
	}
	return n
}

// countAnew reads the stock of the cart's products as it is now: it has just decided about a
// purchase.
func (v *view) countAnew(ctx context.Context) {
	var skus []string
	for _, line := range v.goods() {
		skus = append(skus, line.SKU)
	}
	left, err := v.Stock.Left(ctx, skus...)
	if err != nil {
		v.Logger.WarnContext(ctx, "stock not readable, page does without", "error", err)
		return
	}
	v.stock = maps.Clone(v.stock)
	maps.Copy(v.stock, left)
}

// without returns the notes whose ID is not among those of said.
func without(notes, said []templates.Note) []templates.Note {
	return slices.DeleteFunc(notes, func(n templates.Note) bool {
		return slices.ContainsFunc(said, func(s templates.Note) bool { return s.ID == n.ID })
	})
}
