package checkout_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// required are the paths of members that may not be left out.
var required = regexp.MustCompile(`^(purchase_country|purchase_currency|locale|order_amount|order_tax_amount|order_lines|merchant_urls` +
	`|merchant_urls\.(terms|checkout|confirmation|push)` +
	`|order_lines\[\d+\]\.(name|quantity|unit_price|tax_rate|total_amount|total_tax_amount|subscription\.(interval|interval_count))` +
	`|shipping_options\[0\]\.(id|name|price|tax_amount|tax_rate)|discount_lines\[0\]\.(name|quantity|unit_price|tax_rate|total_amount|total_tax_amount)` +
	`|external_payment_methods\[0\]\.(name|redirect_url)|external_checkouts\[0\]\.(name|redirect_url|image_url)` +
	`|attachment\.(content_type|body)|options\.additional_checkboxes\[0\]\.(id|text|checked|required))$`)

// longest are the limits of texts by their paths.
var longest = []struct {
	path *regexp.Regexp
	most int
}{
	{regexp.MustCompile(`^merchant_reference[12]$|\]\.reference$|^options\.shipping_details$|(order_lines|shipping_options|discount_lines|methods|checkouts)\[\d+\]\.name$`), 255},
	{regexp.MustCompile(`^merchant_data$`), 6000},
	{regexp.MustCompile(`\]\.(merchant_data|product_url)$`), 1024},
	{regexp.MustCompile(`\.quantity_unit$`), 8},
	{regexp.MustCompile(`\.product_identifiers\.brand$`), 70},
	{regexp.MustCompile(`\.product_identifiers\.size$`), 64},
	{regexp.MustCompile(`^options\.additional_checkboxes\[0\]\.text$`), 1000},
	{regexp.MustCompile(`^(external_payment_methods|external_checkouts)\[0\]\.description$`), 500},
}

// patterned are values that do not fit where they are put, by the path.
var patterned = []struct {
	path *regexp.Regexp
	bad  []any
	tail string // of the message
}{
	{regexp.MustCompile(`^purchase_country$`), []any{"XX", "SWE", "", "S1", "UK"}, ""},
	{regexp.MustCompile(`^purchase_currency$`), []any{"SE", "", "S€K", "SEKK"}, ""},
	{regexp.MustCompile(`^locale$`), []any{"sv_SE", "", "s", "swe", "sv-"}, ""},
	{regexp.MustCompile(`^merchant_urls\.(terms|checkout|confirmation|push)$`), []any{"ftp://x", "", "/a", "https://", "http://a b.example"}, " (must be a valid http or https URI)"},
	{regexp.MustCompile(`^merchant_urls\.validation$`), []any{"http://shop.example/v"}, " (must be a valid https URI)"},
	{regexp.MustCompile(`\.country$|^shipping_countries\[\d\]$`), []any{"SWE", "", "1"}, ""},
	{regexp.MustCompile(`^order_lines\[\d+\]\.type$`), []any{"", "Physical", "return_fee"}, ""},
	{regexp.MustCompile(`\.(quantity|total_discount_amount|weight|fee|interval_count)$|^shipping_options\[0\]\.price$`), []any{-1}, ""},
	{regexp.MustCompile(`\.tax_rate$`), []any{-1, 10001}, ""},
	{regexp.MustCompile(`^order_(tax_)?amount$`), []any{-1}, ""},
	{regexp.MustCompile(`^order_lines\[\d+\]\.(unit_price|total_amount)$`), []any{100_000_001}, ""},
	{regexp.MustCompile(`^discount_lines\[0\]\.(unit_price|total_amount|total_tax_amount)$`), []any{1}, ""},
	{regexp.MustCompile(`\.(redirect_url|image_url)$`), []any{"http://a.example", "", "x"}, ""},
	{regexp.MustCompile(`\.color_link$`), []any{"red", "#00ff7", "#00ff7g"}, ""},
	{regexp.MustCompile(`^customer\.type$|\.interval$|\.label$|\.shipping_method$`), []any{"", "x"}, ""},
	{regexp.MustCompile(`\]\.name$|\.quantity_unit$`), []any{""}, ""},
}

// mayBeEmpty are names without a shortest length.
var mayBeEmpty = regexp.MustCompile(`^external_\w+\[\d+\]\.name$`)

// spoil changes one thing in a valid order. It returns what the refusal says of
// it, and whether the fault is that a top-level member is missing, which an
// update allows.
func (d draw) spoil(o map[string]any) (message string, missing bool) {
	for {
		all := faketest.Spots("", o)[1:]
		at := pick(d, all...)
		switch d.IntN(6) {
		case 0: // left out, or null
			if !required.MatchString(at.Path) {
				continue
			}
			faketest.With(o, at.Path, pick[any](d, faketest.Gone{}, nil))
			return at.Path, !strings.Contains(at.Path, ".")
		case 1: // of another type; a number with a fraction
			put(o, at.Path, d.otherType(at.Value))
			return at.Path, false
		case 2: // too long
			for _, limit := range longest {
				if limit.path.MatchString(at.Path) {
					put(o, at.Path, longText(limit.most+1))
					return at.Path, false
				}
			}
		case 3: // not of the pattern or range
			for _, p := range patterned {
				if p.path.MatchString(at.Path) && !mayBeEmpty.MatchString(at.Path) {
					put(o, at.Path, pick(d, p.bad...))
					return at.Path + p.tail, false
				}
			}
		default:
			if message := d.miscount(o); message != "" {
				return message, false
			}
		}
	}
}

// otherType returns a value of another JSON type than v.
func (d draw) otherType(v any) any {
	var others []any
	switch v.(type) {
	case string:
		others = []any{1, true, []any{}, map[string]any{}}
	case bool:
		others = []any{1, "true", []any{}}
	case map[string]any:
		others = []any{1, "x", true, []any{}}
	case []any:
		others = []any{1, "x", true, map[string]any{}}
	default:
		others = []any{0.5, "1", true, []any{}, map[string]any{}}
	}
	return pick(d, others...)
}

// miscount makes a sum wrong. It returns the refusal, "" when the order has no
// line to do that with.
func (d draw) miscount(o map[string]any) string {
	lines := o["order_lines"].([]any)
	off := int64(pick(d, -1, 1)) * int64(1+d.IntN(50))
	add := func(in map[string]any, name string, n int64) { in[name] = in[name].(int64) + n }
	switch d.IntN(5) {
	case 0:
		add(o, "order_amount", off)
		return "order_amount"
	case 1:
		add(o, "order_tax_amount", off)
		return "order_tax_amount"
	case 2:
		o["purchase_currency"] = "JPY"
		country := o["purchase_country"].(string)
		return "purchase_currency (order billing country is: " + strings.ToUpper(country) + ", configured currencies are: " +
			"AUD, CAD, CHF, CZK, DKK, EUR, GBP, NOK, NZD, PLN, RON, SEK, USD)"
	}
	if len(lines) == 0 {
		return ""
	}
	line := pick(d, lines...).(map[string]any)
	if d.some() {
		add(line, "total_amount", off)
		return "total_amount"
	}
	add(line, "total_tax_amount", int64(pick(d, -1, 1))*int64(3+d.IntN(50))) // it may be 1 off already
	return "total_tax_amount"
}

// put is with that can also replace an element of a list.
func put(o map[string]any, path string, value any) {
	if !strings.HasSuffix(path, "]") {
		faketest.With(o, path, value)
		return
	}
	i := strings.LastIndexByte(path, '[')
	list, _ := faketest.Find(o, path[:i])
	var n int
	_, _ = fmt.Sscanf(path[i:], "[%d]", &n)
	list.([]any)[n] = value
}

// FuzzFaultyOrders: an order with one fault is refused for that fault, by create and
// by update, and changes nothing; eight faults by chance of each order by chance.
func FuzzFaultyOrders(f *testing.F) {
	for _, seed := range faultySeeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		call := faketest.NewCaller(t)
		created := call.Do("POST", faketest.OrdersPath, faketest.Text(newDraw(seed).order()))
		before := faketest.Text(call.Fake.Orders())
		for n := range uint64(8) {
			content := newDraw(seed).order()
			message, missing := newDraw(seed ^ n<<32).spoil(content)
			refused := func(got faketest.Answer) {
				t.Helper()
				wantError(t, got, 400, "BAD_VALUE", "Bad value: "+message)
				if after := faketest.Text(call.Fake.Orders()); after != before {
					t.Errorf("refused for %s, and the orders changed from %s to %s", message, before, after)
				}
			}
			refused(call.Do("POST", faketest.OrdersPath, faketest.Text(content)))
			if !missing {
				refused(call.Do("POST", faketest.OrdersPath+"/"+created.Order(t).OrderID, faketest.Text(content)))
			}
		}
	})
}
