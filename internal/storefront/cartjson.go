package storefront

import (
	"net/http"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/respond"
)

// cartAnswer is the cart as JSON. Amounts are minor units. The totals are those of the
// order at Klarna, with delivery and discount; 0 for an empty cart.
type cartAnswer struct {
	Revision       int64          `json:"revision"`
	Country        string         `json:"country"`
	Locale         string         `json:"locale"`
	Currency       money.Currency `json:"currency"`
	Lines          []cartLine     `json:"lines"`
	DiscountCode   string         `json:"discount_code"`
	TotalAmount    money.Amount   `json:"total_amount"`
	TotalTaxAmount money.Amount   `json:"total_tax_amount"`
}

type cartLine struct {
	SKU         string       `json:"sku"`
	Name        string       `json:"name"`
	Quantity    int          `json:"quantity"`
	UnitPrice   money.Amount `json:"unit_price"`
	TotalAmount money.Amount `json:"total_amount"`
}

func (s *Storefront) cartJSON(w http.ResponseWriter, r *http.Request, c cart.Cart) {
	quote, err := s.Pricer.Quote(c.Contents)
	if err != nil {
		s.jsonError(w, r, err, nil)
		return
	}
	answer := cartAnswer{
		Revision: c.Revision, Country: c.Country, Locale: c.Locale, Currency: quote.Currency,
		Lines: make([]cartLine, len(quote.Goods)), DiscountCode: c.DiscountCode,
		TotalAmount: quote.OrderAmount, TotalTaxAmount: quote.OrderTaxAmount,
	}
	lang := i18n.LangOf(c.Locale)
	for i, g := range quote.Goods {
		name, _ := g.Product.Name.In(lang)
		answer.Lines[i] = cartLine{SKU: g.SKU, Name: name, Quantity: g.Quantity, UnitPrice: g.UnitPrice, TotalAmount: g.TotalAmount}
	}
	respond.JSON(w, r, http.StatusOK, answer)
}
