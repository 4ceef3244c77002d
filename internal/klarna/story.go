package klarna

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"github.com/shopd/shopd/internal/story"
)

// Teller is a request body or an answer that has facts for the story of the calls.
type Teller interface {
	// Tell returns the order's ID, "" when it does not say it, and its facts.
	Tell() (orderID string, facts []story.Fact)
}

// Facts returns amounts in minor units, country, currency, locale, and the facts of the
// lines.
func (s Sale) Facts() []story.Fact {
	return append([]story.Fact{
		story.Number("order_amount", s.OrderAmount),
		story.Number("order_tax_amount", s.OrderTaxAmount),
		{Name: "purchase_country", Value: strings.ToUpper(s.PurchaseCountry)},
		{Name: "purchase_currency", Value: strings.ToUpper(s.PurchaseCurrency)},
		{Name: "locale", Value: s.Locale},
	}, LineFacts(s.OrderLines)...)
}

// maxFactLines is how many lines of an order have facts.
const maxFactLines = 30

// LineFacts returns quantity, price and tax rate of each line, by its reference.
func LineFacts(lines []OrderLine) []story.Fact {
	var facts []story.Fact
	for _, line := range lines[:min(len(lines), maxFactLines)] {
		name := cmp.Or(line.Reference, string(line.Type))
		facts = append(facts, story.Number("quantity "+name, line.Quantity),
			story.Number("unit_price "+name, line.UnitPrice), story.Number("tax_rate "+name, line.TaxRate))
	}
	return facts
}

// tell returns the facts of an understood answer, else those of the request.
func tell(sent, answered any, err error) (orderID string, facts []story.Fact) {
	said := sent
	if _, tells := answered.(Teller); tells && err == nil {
		said = answered
	}
	if teller, tells := said.(Teller); tells {
		return teller.Tell()
	}
	return "", nil
}

// collections are the parts of a path that are followed by an ID or a token.
var collections = map[string]string{
	"orders": "{order_id}", "captures": "{capture_id}", "refunds": "{refund_id}", "sessions": "{session_id}",
	"authorizations": "{token}", "tokens": "{token}",
}

// pattern returns a path without IDs and tokens, and the order ID in it, "" for none.
func pattern(path string) (pattern, orderID string) {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if i == 0 {
			continue
		}
		placeholder, follows := collections[parts[i-1]]
		switch {
		case follows:
			if parts[i-1] == "orders" {
				orderID, _ = url.PathUnescape(part) // one that cannot be read is none
			}
			parts[i] = placeholder
		case !isWord(part):
			parts[i] = "{id}"
		}
	}
	return strings.Join(parts, "/"), orderID
}

// isWord reports whether a part of a path is fixed, not an ID: lower-case letters and
// hyphens, or a version.
func isWord(part string) bool {
	if version, ok := strings.CutPrefix(part, "v"); ok {
		if _, err := strconv.Atoi(version); err == nil {
			return true
		}
	}
	return len(part) < 32 && !strings.ContainsFunc(part, func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' })
}
