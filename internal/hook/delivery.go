package hook

import (
	"cmp"
	"context"
	"errors"
	"regexp"

	"github.com/shopd/shopd/internal/cart"
	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/observe"
)

// maxOptions and maxPoints are how many ways of delivery an answer has, and how many of them
// are pickup points: a form shows them all.
const (
	maxOptions = 20
	maxPoints  = 5
	maxPrice   = 100_000_000
	maxRate    = 10_000
	maxText    = 255
)

var idLike = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// delivery is the answer of the delivery hook.
type delivery struct {
	Options *[]option `json:"delivery_options"`
	Lines   []struct {
		ID      string `json:"id"`
		TaxRate *int64 `json:"tax_rate"`
	} `json:"order_lines"`
}

type option struct {
	ID          string       `json:"id"`
	Name        string       `json:"name"`
	Description string       `json:"description"`
	Price       money.Amount `json:"price"`
	TaxRate     int64        `json:"tax_rate"`
	Preselected bool         `json:"preselected"`
	PickupPoint *struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Address struct {
			StreetAddress  string `json:"street_address"`
			StreetAddress2 string `json:"street_address2"`
			PostalCode     string `json:"postal_code"`
			City           string `json:"city"`
			Region         string `json:"region"`
			Country        string `json:"country"`
		} `json:"address"`
	} `json:"pickup_point"`
}

// Delivery asks which ways of delivery there are for a cart with this quote, unless that is
// answered already. nil: there is nothing new.
func (h *Hooks) Delivery(ctx context.Context, c cart.Cart, q cart.Quote) *cart.Asked {
	question, due := q.Question(c.Contents)
	if h == nil || !due {
		return nil
	}
	ctx = observe.About(ctx, observe.Subject{CartID: c.ID})
	sold, _ := c.Market(q.Version)
	var answer delivery
	var said *cart.Asked
	if err := h.ask(ctx, observe.HookDelivery, *q.Version.Shop.Hooks.Delivery, question, &answer, func() error {
		options, rates, err := answer.read(sold.Scheme)
		if err != nil {
			return err
		}
		said = question.Answered(options, rates)
		return h.sells(c, said)
	}); err != nil {
		return nil
	}
	return said
}

// sells says why a cart cannot be sold by what was said of its delivery, and could without: Klarna would refuse its sums, such
// as one below 0 by the cheapest way.
func (h *Hooks) sells(c cart.Cart, said *cart.Asked) error {
	if _, err := h.Pricer.Cheapest(c.Contents); err != nil {
		return nil
	}
	c.Asked = said
	q, err := h.Pricer.Cheapest(c.Contents)
	if rule, ok := errors.AsType[*klarna.RuleError](err); ok && !q.NoDelivery {
		return bad("by it the order cannot be: %v", rule)
	}
	return nil
}

// Follow asks about a cart and keeps the answer with it. Where there is no good answer the
// cart keeps the last one. The error is the store's.
func (h *Hooks) Follow(ctx context.Context, cartID string, f cart.Fallback) error {
	if h == nil || h.Published.Now().Shop.Hooks.Delivery == nil || cartID == "" {
		return nil
	}
	c, err := h.Carts.Get(ctx, cartID, f)
	if err != nil {
		return err
	}
	q, _ := h.Pricer.Quote(c.Contents) // with an error there is nothing to ask
	said := h.Delivery(ctx, c, q)
	with := c
	keep(&with, said, nil)
	unplaced := h.unplaced(ctx, with)
	if said == nil && unplaced == nil {
		return nil
	}
	_, err = h.Carts.Update(ctx, cartID, f, func(now *cart.Cart) error {
		overtaken := h.overtakes(*now, said, unplaced) // a form may have shown it while the answer was waited for
		keep(now, said, unplaced)
		if overtaken {
			now.Basket = now.Basket.Overtaken()
		}
		return nil
	})
	return err
}

// keep keeps answers in a cart; nil is none.
func keep(c *cart.Cart, said, unplaced *cart.Asked) {
	c.Asked, c.Unplaced = cmp.Or(said, c.Asked), cmp.Or(unplaced, c.Unplaced)
}

// overtakes reports whether by what was said a basket comes to something else than a form has
// shown of its revision: the answer came late, and other pages have to follow.
func (h *Hooks) overtakes(c cart.Cart, said, unplaced *cart.Asked) bool {
	if c.Basket == nil || c.Seen < c.Basket.Revision {
		return false
	}
	was, _ := h.Pricer.Offer(c.Contents)
	keep(&c, said, unplaced)
	is, err := h.Pricer.Offer(c.Contents)
	return err == nil && !is.Alike(was)
}

// unplaced is the answer about a place that is not known, where by what is known nothing goes to
// the cart's: its form goes on, for another place to be typed. nil: there is nothing new.
func (h *Hooks) unplaced(ctx context.Context, c cart.Cart) *cart.Asked {
	if q, _ := h.Pricer.Quote(c.Contents); !q.NoDelivery || c.ShipTo == nil {
		return nil
	}
	c.ShipTo = nil
	q, _ := h.Pricer.Quote(c.Contents)
	return h.Delivery(ctx, c, q)
}

// read checks an answer about a purchase whose prices are with tax, or without: then no rate is more than 0.
func (d delivery) read(scheme market.TaxScheme) (options []cart.BasketOption, rates map[string]klarna.Rate, err error) {
	topRate := int64(maxRate)
	if scheme == market.SalesTax {
		topRate = 0
	}
	if d.Options == nil && d.Lines == nil {
		return nil, nil, bad("it has neither delivery_options nor order_lines")
	}
	if d.Options != nil {
		options = make([]cart.BasketOption, 0, len(*d.Options))
		points, ids, preselected := 0, map[string]bool{}, false
		for i, o := range *d.Options {
			switch {
			case !idLike.MatchString(o.ID) || ids[o.ID]:
				return nil, nil, bad("delivery_options[%d].id is none, or there twice", i)
			case o.Name == "" || len(o.Name) > maxText || len(o.Description) > maxText:
				return nil, nil, bad("delivery_options[%d].name or description has not 1 to %d bytes", i, maxText)
			case o.Price < 0 || o.Price > maxPrice || o.TaxRate < 0 || o.TaxRate > topRate:
				return nil, nil, bad("delivery_options[%d].price is not 0 to %d, or tax_rate not 0 to %d", i, maxPrice, topRate)
			case o.Preselected && preselected:
				return nil, nil, bad("delivery_options[%d].preselected is true twice", i)
			}
			ids[o.ID], preselected = true, preselected || o.Preselected
			made := cart.BasketOption{
				ID: o.ID, Name: o.Name, Description: o.Description, Price: o.Price, TaxRate: klarna.Rate(o.TaxRate), Preselected: o.Preselected, //nolint:gosec // 0 to 10000
			}
			if p := o.PickupPoint; p != nil {
				points++
				if !idLike.MatchString(p.ID) || p.Name == "" || len(p.Name) > maxText || len(p.Address.StreetAddress) > maxText || len(p.Address.City) > maxText {
					return nil, nil, bad("delivery_options[%d].pickup_point has no id, no name, or a text that is too long", i)
				}
				made.Location = klarna.PickupLocation{ID: p.ID, Name: p.Name, Address: klarna.Address{
					StreetAddress: p.Address.StreetAddress, StreetAddress2: p.Address.StreetAddress2, PostalCode: p.Address.PostalCode,
					City: p.Address.City, Region: p.Address.Region, Country: p.Address.Country,
				}}
			}
			options = append(options, made)
		}
		if points > maxPoints || len(options) > maxOptions {
			return nil, nil, bad("it has more than %d delivery_options, or more than %d with a pickup_point", maxOptions, maxPoints)
		}
	}
	for i, line := range d.Lines {
		if line.ID == "" || line.TaxRate == nil || *line.TaxRate < 0 || *line.TaxRate > topRate {
			return nil, nil, bad("order_lines[%d] has no id, or no tax_rate from 0 to %d", i, topRate)
		}
		if rates == nil {
			rates = map[string]klarna.Rate{}
		}
		rates[line.ID] = klarna.Rate(*line.TaxRate) //nolint:gosec // 0 to 10000
	}
	return options, rates, nil
}
