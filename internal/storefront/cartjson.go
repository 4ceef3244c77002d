package storefront

import (
	"net/http"
	"slices"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/respond"
)

// cartAnswer is the cart as JSON. Amounts are minor units. The totals are those of the
// order at Klarna, with delivery and discount; 0 for an empty cart.
type cartAnswer struct {
	Revision int64          `json:"revision"`
	Country  string         `json:"country"`
	Locale   string         `json:"locale"`
	Currency money.Currency `json:"currency"`
	Lines    []cartLine     `json:"lines"`
	// Unavailable are the lines that can no longer be sold, by what they were called last.
	// No total counts them.
	Unavailable  []goneLine `json:"unavailable,omitempty"`
	DiscountCode string     `json:"discount_code"`
	// DiscountProblem says why the code takes nothing off, in the cart's language; nil when
	// it does, or without a code.
	DiscountProblem *discountProblem `json:"discount_problem,omitempty"`
	// Campaigns are what takes something off goods or delivery.
	Campaigns      []cartCampaign `json:"campaigns,omitempty"`
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

type cartCampaign struct {
	Name   string       `json:"name"` // in the cart's language
	Amount money.Amount `json:"amount"`
}

type goneLine struct {
	SKU      string `json:"sku"`
	Name     string `json:"name"`
	Quantity int    `json:"quantity"`
}

type discountProblem struct {
	Code    cart.NoDiscount `json:"code"`
	Message string          `json:"message"`
}

func (s *Storefront) cartJSON(w http.ResponseWriter, r *http.Request, c cart.Cart) {
	quote, err := s.Pricer.Offer(c.Contents)
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
	for _, line := range c.Lines {
		if slices.Contains(quote.Unavailable, line.SKU) {
			answer.Unavailable = append(answer.Unavailable, goneLine{line.SKU, s.lastName(c, line.SKU), line.Quantity})
		}
	}
	for _, j := range quote.Applied() {
		answer.Campaigns = append(answer.Campaigns, cartCampaign{j.Name, j.Off})
	}
	if problem := quote.NoDiscount(); problem != "" {
		answer.DiscountProblem = &discountProblem{problem, quote.Problem(quote.Version.Shop.Voice(c.Locale), c.Locale)}
	}
	respond.JSON(w, r, http.StatusOK, answer)
}
