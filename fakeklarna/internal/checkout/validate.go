package checkout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// merge checks the sent members and returns before with them. before is nil for a new
// order. The error is the first broken rule: members and patterns, then URLs, each line,
// sums, country and currency.
// Source: docs.kustom.co, Update order; the sequence is this fake's choice.
func (s *Service) merge(before map[string]json.RawMessage, sent map[string]any) (map[string]json.RawMessage, *wire.Error) {
	after, bad := wire.GatherMembers(orderRules, before, sent)
	if len(bad) > 0 {
		return nil, wire.BadValue(bad[0])
	}
	if err := s.checkURLs(after, sent["merchant_urls"]); err != nil {
		return nil, err
	}
	for _, lines := range []struct {
		name string
		rule *wire.Rule
	}{{"order_lines", &lineRule}, {"discount_lines", &discountRule}} {
		if sent, ok := sent[lines.name].([]any); ok {
			checked, err := s.checkLines(lines.name, lines.rule, sent)
			if err != nil {
				return nil, err
			}
			after[lines.name] = wire.MustJSON(checked)
		}
	}
	return after, s.checkWhole(after, sent)
}

// checkURLs checks merchant_urls, if sent, and puts them into content.
func (s *Service) checkURLs(content map[string]json.RawMessage, sent any) *wire.Error {
	const path = "merchant_urls"
	if sent == nil && content[path] != nil {
		return nil
	}
	members, ok := sent.(map[string]any)
	if !ok {
		return wire.BadValue(path)
	}
	urls := map[string]string{}
	for _, r := range urlRules {
		v := members[r.name]
		if v == nil {
			if r.required {
				return wire.BadValue(path + "." + r.name)
			}
			continue
		}
		u, ok := v.(string)
		if !ok || utf8.RuneCountInString(u) > 2000 {
			return wire.BadValue(path + "." + r.name)
		}
		if err := s.checkURL(u, r.callback); err != "" {
			return wire.BadValue(path + "." + r.name + err)
		}
		urls[r.name] = u
	}
	if urls["push"] == urls["checkout"] || urls["push"] == urls["confirmation"] {
		return wire.BadValue(path + ".push")
	}
	content[path] = wire.MustJSON(urls)
	return nil
}

// checkURL returns what is wrong with a merchant URL, "" for nothing. Callbacks need https,
// except to this machine and the callback hosts.
func (s *Service) checkURL(text string, callback bool) string {
	const wrong, insecure = " (must be a valid http or https URI)", " (must be a valid https URI)"
	filled := FillOrderID(text, "00000000-0000-0000-0000-000000000000")
	u, err := url.Parse(filled)
	switch {
	case err != nil || u.Host == "" || strings.ContainsFunc(filled, unicode.IsSpace):
		return wrong
	case u.Scheme != "http" && u.Scheme != "https":
		return wrong
	case callback && u.Scheme == "http" && !s.calls.MayCall(u.Hostname()):
		return insecure
	}
	return ""
}

// checkLines checks each line by itself. The messages about the sums of
// order_lines do not say which line it was. discount_lines are not part of the
// order's sums. Source: recorded answers to Create order; docs.kustom.co, Checkout
// API reference (discount_line, order_amount).
func (s *Service) checkLines(name string, r *wire.Rule, sent []any) ([]any, *wire.Error) {
	kept := make([]any, len(sent))
	for i, v := range sent {
		at := fmt.Sprintf("%s[%d]", name, i)
		checked, err := r.First(wire.PlainDialect, at, v)
		if err != nil {
			return nil, err
		}
		var line wire.OrderLine
		_ = json.Unmarshal(wire.MustJSON(checked), &line) // was checked
		if at += "."; name == "order_lines" {
			at = ""
		}
		switch {
		case !line.TotalFits():
			return nil, wire.BadValue(at + "total_amount")
		case !line.TaxFits():
			return nil, wire.BadValue(at + "total_tax_amount" + s.taxWords(&line))
		}
		kept[i] = checked
	}
	return kept, nil
}

// taxWords returns what follows the member's name where a line's tax is wrong. Of the wording
// of 2026 only this end is known.
func (s *Service) taxWords(l *wire.OrderLine) string {
	if s.TaxWording != "2026" {
		return ""
	}
	return fmt.Sprintf(" [%d] differs from the calculated value [%v] by more than [1]", l.TotalTaxAmount, l.Tax())
}

// checkWhole checks a whole order after a request. It checks the sums only if the request
// changed them.
func (s *Service) checkWhole(content map[string]json.RawMessage, sent map[string]any) *wire.Error {
	v := decodeContent(content)
	aboutSums := func(name string) bool { return sent[name] != nil }
	if slices.ContainsFunc([]string{"order_lines", "order_amount", "order_tax_amount", "purchase_country"}, aboutSums) {
		amount, tax := wire.Sums(v.PurchaseCountry, v.OrderLines)
		if amount.Cmp(big.NewInt(v.OrderAmount)) != 0 {
			return wire.BadValue("order_amount")
		}
		if tax.Cmp(big.NewInt(v.OrderTaxAmount)) != 0 {
			return wire.BadValue("order_tax_amount")
		}
	}
	if !wire.IsCountry(v.PurchaseCountry) {
		return wire.BadValue("purchase_country")
	}
	if !slices.Contains(s.Currencies, strings.ToUpper(v.PurchaseCurrency)) {
		return wire.BadValue(fmt.Sprintf("purchase_currency (order billing country is: %s, configured currencies are: %s)",
			strings.ToUpper(cmp.Or(v.BillingAddress.Country, v.PurchaseCountry)), strings.Join(s.Currencies, ", ")))
	}
	return nil
}
