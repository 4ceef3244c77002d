package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/campaign"
	"github.com/shopd/shopd/internal/market"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/internal/yamlfile"
)

// Limits of campaigns.
const (
	maxCampaigns = 200
	maxScope     = 1000 // categories, or SKUs, of one
	maxPieces    = 99   // as many as a cart has of one SKU
	maxUses      = 1_000_000_000
)

var codeLike = regexp.MustCompile(`^[A-Z0-9][A-Z0-9-]{0,31}$`)

// campaigns reads the campaigns. Whether the catalogue has what they name is judged where
// both files are known.
func (r *reader) campaigns(n *yamlfile.Node, s *Shop) (list campaign.List) {
	items := r.Array(n, "campaigns")
	if len(items) > maxCampaigns {
		r.Fail(n.Line, "campaigns", "want at most %d", maxCampaigns)
		return nil
	}
	seen := map[string]string{} // IDs and codes: order lines name a campaign by either
	for i, item := range items {
		path := fmt.Sprintf("campaigns[%d]", i)
		m := r.Object(item, path, []string{"id"}, "code", "percent", "amount", "free_delivery", "buy", "pay",
			"categories", "skus", "minimum", "from", "until", "uses")
		c := &campaign.Campaign{
			ID:         r.Pattern(m["id"], path+".id", optionID, idForm),
			Code:       r.Pattern(m["code"], path+".code", codeLike, "a code: 1 to 32 of A-Z 0-9 -, first a letter or digit"),
			Categories: r.list(m["categories"], path+".categories", maxScope),
			SKUs:       r.list(m["skus"], path+".skus", maxScope),
			Minimum:    r.amounts(m["minimum"], path+".minimum", maxFreeFrom, s),
		}
		for _, name := range []string{"id", "code"} {
			text := map[string]string{"id": c.ID, "code": c.Code}[name]
			switch other, twice := seen[text]; {
			case text == "" || name == "code" && text == c.ID && other == path+".id":
			case twice:
				r.Fail(m[name].Line, path+"."+name, "%q is %s already", text, other)
			default:
				seen[text] = path + "." + name
			}
		}
		r.takesOff(c, m, item, path, s)
		if n := m["uses"]; n != nil {
			c.Uses = r.Number(n, path+".uses", 1, maxUses)
		}
		c.From, c.Until = r.day(m["from"], path+".from", s.Zone, 0), r.day(m["until"], path+".until", s.Zone, 1)
		if !c.From.IsZero() && !c.Until.IsZero() && !c.From.Before(c.Until) {
			r.Fail(m["until"].Line, path+".until", "is before from")
		}
		list = append(list, c)
	}
	return list
}

// takesOff reads the one member, or two, that says what a campaign takes off.
func (r *reader) takesOff(c *campaign.Campaign, m map[string]*yamlfile.Node, item *yamlfile.Node, path string, s *Shop) {
	var kinds []string
	for _, name := range []string{"percent", "amount", "free_delivery", "buy"} {
		if m[name] != nil || name == "buy" && m["pay"] != nil {
			kinds = append(kinds, name)
		}
	}
	if item.IsObject() && len(kinds) != 1 {
		r.Fail(item.Line, path, "want one of: percent, amount, free_delivery, buy with pay")
	}
	if n := m["percent"]; n != nil {
		c.Percent = int32(100 * r.Number(n, path+".percent", 1, 100)) //nolint:gosec // at most 10000
	}
	c.Amount = r.amounts(m["amount"], path+".amount", maxPrice, s)
	if n := m["free_delivery"]; n != nil {
		c.FreeDelivery = r.list(n, path+".free_delivery", maxOptions*maxMarkets)
		for i, id := range c.FreeDelivery {
			if !s.delivers(id) && id != "" {
				r.Fail(r.Array(n, "")[i].Line, fmt.Sprintf("%s.free_delivery[%d]", path, i), "no market has a way of delivery %q", id)
			}
		}
		r.none(m, path, "is for goods: free delivery has none", "categories", "skus")
	}
	buy, pay := m["buy"], m["pay"]
	c.Buy, c.Pay = r.Number(buy, path+".buy", 2, maxPieces), r.Number(pay, path+".pay", 1, maxPieces)
	switch {
	case buy == nil && pay != nil:
		r.Fail(pay.Line, path+".buy", "is missing")
	case buy != nil && pay == nil:
		r.Fail(buy.Line, path+".pay", "is missing")
	case c.Buy > 0 && c.Pay >= c.Buy:
		r.Fail(pay.Line, path+".pay", "want less than the %d that are bought", c.Buy)
	}
}

// delivers reports whether a market has a way of delivery.
func (s *Shop) delivers(id string) bool {
	for _, m := range s.Markets {
		if slices.ContainsFunc(m.ShippingOptions, func(o market.ShippingOption) bool { return o.ID == id }) {
			return true
		}
	}
	return false
}

// list reads texts, each once and at least one.
func (r *reader) list(n *yamlfile.Node, path string, limit int) (texts []string) {
	items := r.Array(n, path)
	if n != nil && n.IsArray() && (len(items) == 0 || len(items) > limit) {
		r.Fail(n.Line, path, "want 1 to %d", limit)
		return nil
	}
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", path, i)
		text := r.Text(item, path, 64)
		r.Once(item, path, text, texts)
		texts = append(texts, text)
	}
	return texts
}

// amounts reads amounts by currency, nil without any.
func (r *reader) amounts(n *yamlfile.Node, path string, highest int, s *Shop) map[money.Currency]money.Amount {
	if n == nil {
		return nil
	}
	amounts := map[money.Currency]money.Amount{}
	for _, m := range r.Members(n, path) {
		path := path + "." + m.Name
		if !s.Markets.HasCurrency(money.Currency(m.Name)) {
			r.Fail(m.Line, path, "%q is the currency of no market", m.Name)
		}
		amounts[money.Currency(m.Name)] = money.Amount(r.Number(m.Node, path, 1, highest))
	}
	if n.IsObject() && len(amounts) == 0 {
		r.Fail(n.Line, path, "must not be empty")
	}
	return amounts
}

// day reads a day, and returns its start in the shop's time zone or that of one some days
// later; zero of nil.
func (r *reader) day(n *yamlfile.Node, path string, zone *time.Location, later int) time.Time {
	text := r.Text(n, path, 20)
	if text == "" || zone == nil {
		return time.Time{}
	}
	at, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil || strings.TrimSpace(text) != text {
		r.Fail(n.Line, path, "%q is not a day such as 2026-06-01", text)
		return time.Time{}
	}
	return at.AddDate(0, 0, later)
}
