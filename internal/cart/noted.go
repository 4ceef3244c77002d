package cart

import (
	"slices"

	"github.com/shopd/shopd/internal/i18n"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/publish"
)

// What a cart notes with a change, so that pages and answers can tell its shopper what has become
// another without his doing. They do so for as long as it is so: nobody knows which he has seen.

// Apply makes a change that the cart's shopper asks for, and notes what pages tell him then; see
// [Cart.Apply].
func (p *Pricer) Apply(c *Cart, ch Change, left map[string]int) error {
	before := c.Contents
	before.Lines = slices.Clone(c.Lines)
	if err := c.Apply(ch, p.Published.Now(), left); err != nil {
		return err
	}
	p.Note(&c.Contents, before)
	return nil
}

// note stores what the products of the lines are called, and what those cost of which that is not
// noted, and keeps what withdrawn ones were called.
func (c *Contents) note(v *publish.Version) {
	names := c.Names
	if len(c.Lines) == 0 {
		c.Names, c.Prices = nil, nil
		return
	}
	c.Names = map[string]string{}
	m, _ := c.Market(v)
	for _, line := range c.Lines {
		c.Names[line.SKU] = names[line.SKU]
		if product, known := v.Catalog.Product(line.SKU); known {
			c.Names[line.SKU], _ = product.Name.In(i18n.LangOf(c.Locale))
			if price, priced := product.Price(m.Currency); priced {
				if _, noted := c.Prices[line.SKU]; !noted {
					c.Prices[line.SKU] = price
				}
			}
		}
	}
}

// PriceBefore returns what a product of the cart cost when it was put there, if it costs
// something else now.
func (c *Contents) PriceBefore(sku string, v *publish.Version) (before, now money.Amount, changed bool) {
	before, noted := c.Prices[sku]
	m, _ := c.Market(v)
	if product, known := v.Catalog.Product(sku); known && noted {
		now, changed = product.Price(m.Currency)
	}
	return before, now, changed && now != before
}

// Note stores which campaigns a cart has, after a change that its shopper made of what it was
// before: so that pages can say when others count. Of those that had begun or ended before his
// change they go on to do so: nobody may have seen that yet. A cart that cannot be priced has none.
func (p *Pricer) Note(c *Contents, before Contents) {
	before.UsedUp = c.UsedUp // that is no doing of his
	was, _ := p.Quote(before)
	begun, over := before.Changes(was)
	q, _ := p.Quote(*c)
	c.Campaigns, c.Turned = []string{}, nil
	for _, j := range q.Applied() {
		c.Campaigns = append(c.Campaigns, j.ID)
	}
	for _, j := range begun {
		if slices.Contains(c.Campaigns, j.ID) {
			c.Turned = append(c.Turned, j.ID)
		}
	}
	for _, j := range over { // who lets its code go wants it no more
		if !slices.Contains(c.Campaigns, j.ID) && (j.Code == "" || j.Code == c.DiscountCode) && len(c.Lines) > 0 {
			c.Turned = append(c.Turned, j.ID)
		}
	}
}

// Changes are the campaigns that have begun to count, and that count no more, without the
// shopper's doing: their days or uses are over or have begun, or others were published.
func (c *Contents) Changes(q Quote) (begun, over []Judged) {
	if c.Campaigns == nil {
		return nil, nil
	}
	for _, j := range q.Campaigns {
		switch counts := j.Why == ""; {
		case counts == slices.Contains(c.Campaigns, j.ID) && !slices.Contains(c.Turned, j.ID):
		case counts:
			begun = append(begun, j)
		default:
			over = append(over, j)
		}
	}
	return begun, over
}
