package management_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// limits are the bounds of all members: a call with a value in the place of
// the star, the member as messages name it and its range; a length where text
// is set.
var limits = []struct {
	call, body, member string
	min, max           int64
	text               bool
}{
	{authorization, `{"order_amount":*}`, "order_amount", 0, 200000000, false},
	{authorization, `{"order_amount":1,"description":*}`, "description", 0, 255, true},
	{references, `{"merchant_reference1":*}`, "merchant_reference1", 0, 255, true},
	{references, `{"merchant_reference2":*}`, "merchant_reference2", 0, 255, true},
	{captures, `{"captured_amount":1,"description":*}`, "description", 0, 255, true},
	{captures, `{"captured_amount":1,"reference":*}`, "reference", 0, 255, true},
	{captures, `{"captured_amount":1,"shipping_delay":*}`, "shipping_delay", 0, 9223372036854775807, false},
	{captures, `{"captured_amount":1,"shipping_info":[{"shipping_company":*}]}`, "shipping_info/shipping_company", 0, 100, true},
	{shipping, `{"shipping_info":[{"shipping_company":*}]}`, "shipping_info/shipping_company", 0, 100, true},
	{shipping, `{"shipping_info":[{"tracking_number":*}]}`, "shipping_info/tracking_number", 0, 100, true},
	{shipping, `{"shipping_info":[{"tracking_uri":*}]}`, "shipping_info/tracking_uri", 0, 1024, true},
	{shipping, `{"shipping_info":[{"return_shipping_company":*}]}`, "shipping_info/return_shipping_company", 0, 100, true},
	{shipping, `{"shipping_info":[{"return_tracking_number":*}]}`, "shipping_info/return_tracking_number", 0, 100, true},
	{shipping, `{"shipping_info":[{"return_tracking_uri":*}]}`, "shipping_info/return_tracking_uri", 0, 1024, true},
	{captures, lineWith("reference"), "order_lines/reference", 0, 255, true},
	{captures, lineWith("name"), "order_lines/name", 0, 255, true},
	{captures, lineWith("quantity"), "order_lines/quantity", 0, 9223372036854775807, false},
	{captures, lineWith("quantity_unit"), "order_lines/quantity_unit", 0, 10, true},
	{captures, lineWith("unit_price"), "order_lines/unit_price", -9223372036854775808, 200000000, false},
	{captures, lineWith("tax_rate"), "order_lines/tax_rate", 0, 2147483647, false},
	{captures, lineWith("total_amount"), "order_lines/total_amount", -9223372036854775808, 200000000, false},
	{captures, lineWith("total_discount_amount"), "order_lines/total_discount_amount", 0, 200000000, false},
	{captures, lineWith("total_tax_amount"), "order_lines/total_tax_amount", -9223372036854775808, 200000000, false},
	{captures, lineWith("merchant_data"), "order_lines/merchant_data", 0, 1024, true},
	{captures, lineWith("product_url"), "order_lines/product_url", 0, 1024, true},
	{captures, lineWith("image_url"), "order_lines/image_url", 0, 1024, true},
	{captures, identifierWith("brand"), "order_lines/product_identifiers/brand", 0, 70, true},
	{captures, identifierWith("category_path"), "order_lines/product_identifiers/category_path", 0, 750, true},
	{captures, identifierWith("global_trade_item_number"), "order_lines/product_identifiers/global_trade_item_number", 0, 50, true},
	{captures, identifierWith("manufacturer_part_number"), "order_lines/product_identifiers/manufacturer_part_number", 0, 70, true},
	{captures, identifierWith("color"), "order_lines/product_identifiers/color", 0, 64, true},
	{captures, identifierWith("size"), "order_lines/product_identifiers/size", 0, 64, true},
	{details, `{"shipping_address":{"title":*}}`, "shipping_address/title", 0, 20, true},
	{details, `{"shipping_address":{"street_address2":*}}`, "shipping_address/street_address2", 0, 100, true},
	{details, `{"shipping_address":{"region":*}}`, "shipping_address/region", 0, 200, true},
	{details, `{"shipping_address":{"email":*}}`, "shipping_address/email", 0, 100, true},
	{details, `{"shipping_address":{"phone":*}}`, "shipping_address/phone", 0, 100, true},
	{details, `{"shipping_address":{"organization_name":*}}`, "shipping_address/organization_name", 0, 255, true},
	{details, `{"shipping_address":{"attention":*}}`, "shipping_address/attention", 0, 255, true},
}

func lineWith(member string) string {
	line := map[string]any{"name": "x", "quantity": 1, "unit_price": 1, "total_amount": 1}
	delete(line, member)
	return `{"captured_amount":1,"order_lines":[` + strings.TrimSuffix(faketest.Text(line), "}") + `,"` + member + `":*}]}`
}

func identifierWith(member string) string {
	return strings.Replace(lineWith("product_identifiers"), "*", `{"`+member+`":*}`, 1)
}

// limitRows makes rows of the limits: at the most and, above it or below the
// least, refused. What no JSON number can be is of the wrong type.
func limitRows() []managedRow {
	var rows []managedRow
	add := func(call, body, value, want string) {
		rows = append(rows, managedRow{"", call, strings.Replace(body, "*", value, 1), want, "any"})
	}
	for _, l := range limits {
		fits := "204"
		if l.call == captures {
			fits = "201"
		}
		between := fmt.Sprintf(" value must be between %d and %d", l.min, l.max)
		if l.text {
			add(l.call, l.body, strconv.Quote(strings.Repeat("å", int(l.max))), fits)
			add(l.call, l.body, strconv.Quote(strings.Repeat("å", int(l.max)+1)), invalid+"The size of the "+l.member+between)
			continue
		}
		add(l.call, l.body, fmt.Sprint(l.max), fits)
		if over := l.max + 1; over > l.max {
			add(l.call, l.body, fmt.Sprint(over), invalid+"The "+l.member+between)
		} else {
			add(l.call, l.body, "9223372036854775808", "400 BAD_VALUE Bad value: "+l.member)
		}
		if under := l.min - 1; under < l.min {
			add(l.call, l.body, fmt.Sprint(under), invalid+"The "+l.member+between)
		}
	}
	for _, member := range []string{"name", "quantity", "unit_price", "total_amount"} {
		add(captures, lineWith(member), "null", invalid+"'order_lines/"+member+"' must not be null")
	}
	for _, member := range []string{"name", "interval", "interval_count"} {
		plan := map[string]any{"name": "x", "interval": "MONTH", "interval_count": 1}
		add(captures, lineWith("subscription"), faketest.Text(plan), "201")
		delete(plan, member)
		add(captures, lineWith("subscription"), faketest.Text(plan), invalid+"'order_lines/subscription/"+member+"' must not be null")
	}
	for _, kind := range []string{"physical", "discount", "shipping_fee", "sales_tax", "store_credit", "gift_card", "digital", "surcharge", "return_fee", "package"} {
		add(captures, lineWith("type"), strconv.Quote(kind), "201")
	}
	add(captures, lineWith("type"), `"barter"`, invalid+"The order_lines/type value is not valid")
	for member, most := range map[string]int{"order_lines": 1000, "shipping_info": 500} {
		element := `{"name":"x","quantity":1,"unit_price":1,"total_amount":1}`
		many := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]" }
		add(captures, `{"captured_amount":1,"`+member+`":*}`, many(most), "201")
		add(captures, `{"captured_amount":1,"`+member+`":*}`, many(most+1), fmt.Sprintf("%sThe size of the %s value must be between 0 and %d", invalid, member, most))
	}
	for call, member := range map[string]string{captures: "captured_amount", refunds: "refunded_amount"} {
		for _, n := range []int64{-1, 0, 200000001} {
			add(call, amount(member, -7), "", invalid+"The "+member+" value must be between 1 and 200000000")
			rows[len(rows)-1].body = amount(member, n)
		}
	}
	return rows
}
