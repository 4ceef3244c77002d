package order

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/shopd/shopd/internal/klarna"
)

const (
	// maxWord is the length of the longest word, in letters; more of a text does not count.
	maxWord = 40
	// maxParts is of how many parts of a text a word begins.
	maxParts = 6
	// minPrefix is from how many letters on a word is found by its beginning; a shorter one
	// is found as it is.
	minPrefix = 3
)

// words are what an order is found by, beside its amounts; find.go reads what is typed in
// the same way.
func words(o Order) []string {
	if o.Erased() {
		o = Order{ID: o.ID, Number: o.Number, OrderID: o.OrderID, KlarnaReference: o.KlarnaReference, Reference: o.Reference, OrderLines: o.OrderLines}
	}
	list := []string{word(o.ID), word(o.OrderID)}
	texts := []string{o.Number, o.Reference, o.KlarnaReference, o.MerchantReference1, o.MerchantReference2, o.Delivery.TMSReference}
	for _, c := range o.Captures {
		list = append(list, word(c.CaptureID))
		texts = append(texts, c.KlarnaReference, c.Reference)
	}
	for _, r := range o.Refunds {
		list = append(list, word(r.RefundID))
		texts = append(texts, r.Reference)
	}
	for _, s := range o.Shipments {
		_, back, _ := s.Back()
		texts = append(texts, s.TrackingNumber, back)
	}
	for _, line := range o.OrderLines {
		if line.IsGoods() {
			texts = append(texts, line.Reference)
		}
	}
	texts = append(texts, o.BillingAddress.OrganizationName, o.ShippingAddress.OrganizationName)
	list = append(list, word(o.Customer.OrganizationRegistrationID), word(o.Customer.VATID))
	for _, a := range []klarna.Address{o.BillingAddress, o.ShippingAddress} {
		texts = append(texts, a.GivenName, a.FamilyName, a.City, a.PostalCode)
		list = append(list, nationalNumber(a.Phone))
	}
	for _, w := range o.Withdrawals {
		texts = append(texts, w.Name)
	}
	for _, email := range o.emails() {
		list = append(list, word(email))
	}
	for _, text := range texts {
		parts := parts(text)
		for i := range min(len(parts), maxParts) {
			if w := word(strings.Join(parts[i:], "")); i == 0 || len(w) > 1 {
				list = append(list, w)
			}
		}
	}
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(word string) bool { return word == "" })
}

// emails are all e-mail addresses of an order: of its addresses, and to which a withdrawal is acknowledged.
func (o Order) emails() []string {
	list := []string{o.BillingAddress.Email, o.ShippingAddress.Email}
	for _, w := range o.Withdrawals {
		list = append(list, w.Email)
	}
	return list
}

// parts are what stands between spaces, dashes and other signs of a text.
func parts(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return !inWord(r) })
}

func inWord(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) }

// plain are letters that Unicode does not take apart.
var plain = strings.NewReplacer("ß", "ss", "æ", "ae", "ø", "o", "œ", "oe", "ð", "d", "đ", "d", "þ", "th", "ł", "l", "ı", "i")

// word is the form in which a text is stored and looked for: its letters and digits alone,
// in lower case, without accents. Those who have no key for ä, ö, ü, å write ae, oe, ue,
// aa, or leave the accent out; so the second letter of these pairs goes too. The beginning
// of a text gives the beginning of its word.
func word(text string) string {
	var w []rune
	single := false // the last letter may begin a pair
	for _, r := range plain.Replace(norm.NFKD.String(strings.ToLower(text))) {
		if !unicode.In(r, unicode.L, unicode.N) {
			continue
		}
		if single && isPair(w[len(w)-1], r) {
			single = false
			continue
		}
		if len(w) == maxWord {
			break
		}
		w, single = append(w, r), true
	}
	return string(w)
}

func isPair(first, second rune) bool {
	switch first {
	case 'a':
		return second == 'a' || second == 'e'
	case 'o', 'u':
		return second == 'e'
	}
	return false
}

// nationalNumber are the digits of a phone number within its country, without the 0 before
// them: so it is one word, however it was written.
func nationalNumber(phone string) string {
	phone = strings.TrimSpace(strings.ReplaceAll(phone, "(0)", ""))
	digits := digitsOf(phone)
	if abroad, ok := strings.CutPrefix(digits, "00"); ok || strings.HasPrefix(phone, "+") {
		digits = abroad
		if !ok {
			digits = digitsOf(phone)
		}
		digits = digits[min(countryCode(digits), len(digits)):]
	}
	return strings.TrimLeft(digits, "0")
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// twoDigits are the country codes of two digits; 1 and 7 have one, all others three.
// Source: ITU, list of Recommendation E.164 assigned country codes.
const twoDigits = "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98"

// countryCode is how many of the digits are a country's code.
func countryCode(digits string) int {
	switch {
	case strings.HasPrefix(digits, "1"), strings.HasPrefix(digits, "7"):
		return 1
	case len(digits) >= 2 && strings.Contains(twoDigits, digits[:2]):
		return 2
	}
	return 3
}

// setWords makes the words of an order those that it has now.
func setWords(ctx context.Context, tx *sql.Tx, o Order) error {
	_, err := tx.ExecContext(ctx, "delete from order_words where order_id = $1", o.ID)
	if list := words(o); err == nil && len(list) > 0 {
		args := []any{o.PlacedAt.UnixMilli(), o.ID}
		rows := make([]string, len(list))
		for i, word := range list {
			args = append(args, word)
			rows[i] = fmt.Sprintf("($%d, $1, $2)", i+3)
		}
		// PostgreSQL takes the types of the first row's arguments from there.
		_, err = tx.ExecContext(ctx, "insert into order_words (word, placed_at, order_id) values "+strings.Join(rows, ", "), args...) //nolint:gosec // places of arguments
	}
	if err != nil {
		return fmt.Errorf("write words of order: %w", err)
	}
	return nil
}
