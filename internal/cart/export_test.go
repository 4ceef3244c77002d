package cart

import "github.com/shopd/shopd/internal/market"

// QuoteIn is Quote in a market that is not one of the shop's.
func (p *Pricer) QuoteIn(c Contents, m market.Market) (Quote, error) {
	return p.quote(c, p.Published.Now(), m)
}
