package order

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/shopd/shopd/internal/money"
)

// How what staff type becomes a query. The words of a text must all be there, each by its
// beginning; what a planner guesses of them is wrong too often, so they are counted first,
// and no statement leaves it a choice by which a list takes long.

// limits are up to where a search does what. They are no constants for tests of few orders.
var limits = struct {
	// few is for how many orders other words are looked up one by one.
	few int
	// some is up to how many orders of a word are all listed at once. Where there are more,
	// so many as walked are tried first in the order of the list.
	some, walked int
	// compared is how many rows of all words together are compared at once.
	compared int
	// many is up to how many rows of a word are counted, or put in the order of the list.
	many int
}{few: 2000, some: 8000, walked: 8000, compared: 50_000, many: 100_000}

// span are the words from one to another, which is excluded.
type span struct{ from, to string }

// beginning is the span of the words that begin with one, which itself is enough where it
// is short or said to be whole.
func beginning(w string, whole bool) span {
	if whole || len([]rune(w)) < minPrefix {
		return span{w, w + " "} // no word has a sign before letters and digits
	}
	return span{w, w + "\U0010FFFF"}
}

// term is one of the things that were typed: orders have a word of one of the spans, or the
// amount.
type term struct {
	spans  []span
	amount *money.Amount
}

// rows are the times and IDs of a term's orders, some more than once.
func (t term) rows() clause {
	var parts []clause
	for _, s := range t.spans {
		parts = append(parts, sqlf("select placed_at, order_id as id from order_words where word >= $ and word < $", s.from, s.to))
	}
	if t.amount != nil {
		parts = append(parts, sqlf("select placed_at, id from orders where order_amount = $", int64(*t.amount)))
	}
	return joined(parts, " union all ")
}

// holds is that an order o has a term. The words of the order are read, which are few. For
// that the limit makes it a question of its own for each order, and "|| ”" hides that there
// is an index by words: else all orders that have the word are read, for each order anew.
func (t term) holds() clause {
	var words, either []clause
	for _, s := range t.spans {
		words = append(words, sqlf("w.word || '' >= $ and w.word || '' < $", s.from, s.to))
	}
	if len(words) > 0 {
		either = append(either, sqlf("(select 1 from order_words w where w.order_id = o.id and ($) limit 1) is not null", joined(words, " or ")))
	}
	if t.amount != nil {
		either = append(either, sqlf("o.order_amount = $", int64(*t.amount)))
	}
	return sqlf("($)", joined(either, " or "))
}

// termsOf understands a text. There are none in a text without letters and digits.
func termsOf(text string) (terms []term) {
	if amount, ok := amountOf(text); ok {
		// "1152" may be something else too; "11,52" where that is a whole word.
		return []term{{amount: &amount, spans: spansOf(text, strings.ContainsAny(text, ".,"))}}
	}
	fields := strings.Fields(text)
	for len(fields) > 0 {
		n := 1
		for isPhone(fields[0]) && n < len(fields) && isPhone(fields[n]) { // a number with spaces
			n++
		}
		if spans := spansOf(strings.Join(fields[:n], " "), false); spans != nil {
			terms = append(terms, term{spans: spans})
		}
		fields = fields[n:]
	}
	return terms
}

// amountOf is an amount that was typed, perhaps with one of our currencies.
func amountOf(text string) (money.Amount, bool) {
	amount, ok := money.ParseDecimal(text)
	unit := strings.ToUpper(strings.Trim(text, "0123456789 .,'€£$\u00a0"))
	known := unit == "" || unit == "KR" || money.Currency(unit).Known()
	number := len(text) > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9' // no amount begins so
	return amount, ok && known && !number
}

// spansOf are the words that a part of a text may stand for.
func spansOf(text string, whole bool) (spans []span) {
	add := func(w string) {
		if s := beginning(w, whole); w != "" && !slices.Contains(spans, s) {
			spans = append(spans, s)
		}
	}
	add(word(text))
	if isPhone(text) && !whole {
		for _, phone := range []string{text, "+" + digitsOf(text)} { // the country's code may be there without its sign
			if n := nationalNumber(phone); len(n) >= minPrefix && (phone == text || len(n) >= shortestNumber) {
				add(n)
			}
		}
	}
	return spans
}

// shortestNumber has as many digits as a phone number has at least within its country.
const shortestNumber = 7

// isPhone reports whether a text may be a phone number, or a part of one.
func isPhone(text string) bool {
	return text != "" && strings.Trim(text, "0123456789 +-()./") == ""
}

// lookUp makes a selection of the orders that have what was typed and pass the filters.
func lookUp(ctx context.Context, tx *sql.Tx, text string, filters []clause, byTime bool) (s selection, err error) {
	terms := termsOf(text)
	counts, err := countRows(ctx, tx, terms)
	if err != nil {
		return s, err
	}
	if slices.Contains(counts, 0) && len(strings.FieldsFunc(text, unicode.IsSpace)) > 1 { // "SK 7F3K 92AB": written apart
		terms = []term{{spans: []span{beginning(word(text), false)}}}
		if counts, err = countRows(ctx, tx, terms); err != nil {
			return s, err
		}
	}
	if len(terms) == 0 || slices.Contains(counts, 0) {
		return nothing, nil
	}
	// The rarest first.
	least := slices.Index(counts, slices.Min(counts))
	rarest, rows := terms[least], counts[least]
	terms[0], terms[least] = rarest, terms[0]
	var holds, all []clause
	sum := 0
	for i, t := range terms {
		holds, all = append(holds, t.holds()), append(all, sqlf("select placed_at, id from ($) as t", t.rows()))
		sum += counts[i]
	}
	found := sqlf("select distinct placed_at, id from ($) as o", joined(all, " intersect ")) // reads each word's rows once
	if rows <= limits.few {
		found = sqlf(fmt.Sprintf("select distinct o.placed_at, o.id from ($) as o$ limit %d", limits.few+1), rarest.rows(), where(holds[1:]))
	}
	s = selection{with: sqlf("with found as materialized ($)", found), from: "found"}
	if rows > limits.some || rows > limits.few && sum > limits.compared {
		s.walk, s.filters, s.amounts = holds, filters, rarest.amount != nil
		switch {
		case len(filters) > 0:
			s.countless = true
		case len(terms) == 1:
			s.many = rarest.rows()
		default:
			s.total, s.countless = sqlf("$ $", s.with, s.counted()), sum > limits.compared
			if byTime && rows <= limits.many {
				s.among = sqlf("($)", rarest.rows())
			}
		}
	}
	if len(filters) > 0 || !byTime {
		s.with, s.from = sqlf("$, hits as materialized (select o.id, o.placed_at, o.order_amount, o.state from found f cross join orders o where o.id = f.id$)",
			s.with, andAlso(filters)), "hits"
	}
	return s, nil
}

// countRows counts the rows of words that terms have, as far as one more than the limit.
func countRows(ctx context.Context, tx *sql.Tx, terms []term) ([]int, error) {
	counts := make([]int, len(terms))
	for i, t := range terms {
		c := sqlf(fmt.Sprintf("select count(*) from ($ limit %d) as part", limits.many+1), t.rows())
		if err := c.scan(ctx, tx, &counts[i]); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// clause is a part of a statement, in which each $ is an argument.
type clause struct {
	text string
	args []any
}

// sqlf puts arguments, or clauses, in the place of each $.
func sqlf(text string, args ...any) (c clause) {
	pieces := strings.Split(text, "$")
	c.text = pieces[0]
	for i, arg := range args {
		if part, ok := arg.(clause); ok {
			c.text, c.args = c.text+part.text, append(c.args, part.args...)
		} else {
			c.text, c.args = c.text+"$", append(c.args, arg)
		}
		c.text += pieces[i+1]
	}
	return c
}

func joined(parts []clause, between string) (c clause) {
	for i, part := range parts {
		if i > 0 {
			c.text += between
		}
		c.text, c.args = c.text+part.text, append(c.args, part.args...)
	}
	return c
}

// where are the terms of a condition, each of which must hold.
func where(terms []clause) clause {
	if len(terms) == 0 {
		return clause{}
	}
	return sqlf(" where $", joined(terms, " and "))
}

// andAlso goes on with a condition.
func andAlso(terms []clause) clause {
	if len(terms) == 0 {
		return clause{}
	}
	return sqlf(" and $", joined(terms, " and "))
}

// statement is the clause as the database takes it.
func (c clause) statement() string {
	var text strings.Builder
	for i, piece := range strings.Split(c.text, "$") {
		if i > 0 {
			fmt.Fprintf(&text, "$%d", i)
		}
		text.WriteString(piece)
	}
	return text.String()
}

func (c clause) scan(ctx context.Context, tx *sql.Tx, into ...any) error {
	return tx.QueryRowContext(ctx, c.statement(), c.args...).Scan(into...)
}
