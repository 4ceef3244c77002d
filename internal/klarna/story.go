package klarna

import (
	"context"
	"net/url"
	"strconv"
	"strings"
)

// Subject is what the calls made with a context are about, as far as their
// paths do not say it.
type Subject struct {
	CartID string
	Quiet  bool // of somebody who only looks: no part of the cart's story
}

type subjectKey struct{}

// About returns a context whose calls are about s.
func About(ctx context.Context, s Subject) context.Context {
	return context.WithValue(ctx, subjectKey{}, s)
}

func subjectOf(ctx context.Context) Subject {
	s, _ := ctx.Value(subjectKey{}).(Subject)
	return s
}

// Fact is a member of an order with its value, for the story of the calls.
// Neither is ever personal data, a token or a URL.
type Fact struct {
	Name  string `json:"n"` // "order_amount", "quantity MUG-1"
	Value string `json:"v"`
}

// Teller is a body or an answer of which the story of the calls may know what
// it says.
type Teller interface {
	// Tell returns the order's ID, "" when it does not say it, and its facts.
	Tell() (orderID string, facts []Fact)
}

// SaleFacts are amounts, in minor units, country, currency and locale of what
// is sold, and the facts of its lines.
func SaleFacts(country, currency, locale string, lines Lines) []Fact {
	return append([]Fact{
		{"order_amount", strconv.FormatInt(int64(lines.OrderAmount), 10)},
		{"order_tax_amount", strconv.FormatInt(int64(lines.OrderTaxAmount), 10)},
		{"purchase_country", strings.ToUpper(country)},
		{"purchase_currency", strings.ToUpper(currency)},
		{"locale", locale},
	}, LineFacts(lines.OrderLines)...)
}

// maxFactLines is how many lines of an order are told.
const maxFactLines = 30

// LineFacts are quantity, price and tax rate of each line, by its reference.
func LineFacts(lines []OrderLine) []Fact {
	var facts []Fact
	for _, line := range lines[:min(len(lines), maxFactLines)] {
		name := line.Reference
		if name == "" {
			name = string(line.Type)
		}
		facts = append(facts,
			Fact{"quantity " + name, strconv.FormatInt(line.Quantity, 10)},
			Fact{"unit_price " + name, strconv.FormatInt(int64(line.UnitPrice), 10)},
			Fact{"tax_rate " + name, strconv.FormatInt(int64(line.TaxRate), 10)})
	}
	return facts
}

// tell is what is known of a try: of an answer that was understood what it
// says, else what was sent.
func tell(sent, answered any, err error) (orderID string, facts []Fact) {
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

// pattern is a path without its IDs and tokens, and the order that it names,
// if any.
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

// isWord reports whether a part of a path is one of the API's own: lower-case
// letters and hyphens, or a version.
func isWord(part string) bool {
	if version, ok := strings.CutPrefix(part, "v"); ok {
		if _, err := strconv.Atoi(version); err == nil {
			return true
		}
	}
	return len(part) < 32 && !strings.ContainsFunc(part, func(r rune) bool { return (r < 'a' || r > 'z') && r != '-' })
}
