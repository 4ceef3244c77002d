package backoffice

import (
	"cmp"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/shopd/shopd/internal/klarna"
	"github.com/shopd/shopd/internal/money"
	"github.com/shopd/shopd/web/templates"
)

// notation is how a file is written: what stands between two cells, and before decimals.
type notation struct{ separator, decimal string }

const (
	comma, semicolon, point = "comma", "semicolon", "point"
	// notationCookie ends the name of the cookie with what was chosen last, for a year.
	notationCookie = "-csv"
)

var (
	separators = choices{{Value: comma, Label: "Comma ,"}, {Value: semicolon, Label: "Semicolon ;"}}
	decimals   = choices{{Value: point, Label: "1234.50"}, {Value: comma, Label: "1234,50"}}
)

// notationOf is what a request asks for, or else what its browser has asked for before.
func (b *Backoffice) notationOf(w http.ResponseWriter, r *http.Request) (notation, error) {
	query := r.URL.Query()
	n := notation{query.Get("separator"), query.Get("decimal")}
	if !separators.have(n.separator) || !decimals.have(n.decimal) {
		return n, errBadRequest
	}
	if n.separator != "" && n.decimal != "" {
		b.Sessions.Remember(w, notationCookie, n.separator+"-"+n.decimal, int((365 * 24 * time.Hour).Seconds()))
		return n, nil
	}
	separator, decimal, _ := strings.Cut(b.Sessions.Remembered(r, notationCookie), "-")
	if !separators.have(separator) || !decimals.have(decimal) {
		separator, decimal = "", ""
	}
	return notation{cmp.Or(n.separator, separator, comma), cmp.Or(n.decimal, decimal, point)}, nil
}

// view is the choice on a page.
func (n notation) view() templates.AdminNotation {
	return templates.AdminNotation{Separators: separators, Decimals: decimals, Separator: n.separator, Decimal: n.decimal}
}

func (n notation) rune() rune {
	if n.separator == semicolon {
		return ';'
	}
	return ','
}

// amount is a cell with an amount: digits, perhaps after a minus, so it needs no text.
func (n notation) amount(a money.Amount) string {
	if n.decimal == comma {
		return strings.Replace(a.Decimal(), ".", ",", 1)
	}
	return a.Decimal()
}

// percent is a tax rate in percent, "25.00": Klarna has them in hundredths, as amounts are.
func (n notation) percent(rate klarna.Rate) string { return n.amount(money.Amount(rate)) }

// What a spreadsheet would take for the beginning of a formula: at the beginning of a text, or after
// what may separate cells where the file is opened, whatever separates them here; quotes and spaces
// before it do not count. Or after a mere space, if a word follows.
var (
	formula      = regexp.MustCompile(`((?:^|[,;:|\t\r\n])[\s"]*)([=+\-@＝＋－＠])`)
	spaceFormula = regexp.MustCompile(`([\s"])([=+\-@＝＋－＠]\S)`)
)

// text returns a cell in which no spreadsheet finds a formula, whoever wrote it.
func text(s string) string {
	if !strings.ContainsAny(s, "=+-@＝＋－＠") {
		return s
	}
	return spaceFormula.ReplaceAllString(formula.ReplaceAllString(s, "$1'$2"), "$1'$2")
}
