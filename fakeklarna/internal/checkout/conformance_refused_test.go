package checkout_test

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// kcoRefusal is a change that makes a good order a bad one.
type kcoRefusal struct {
	rule    string
	message string // after "Bad value: "
	changes []any
}

func longText(n int) string { return strings.Repeat("é", n) }

// refusedRows are the kcoRefusals of content: by a create and, where the change is
// not to leave something out, by an update.
func refusedRows() []kcoRow {
	var rows []kcoRow
	for _, r := range kcoRefusals {
		body := faketest.Text(faketest.With(faketest.CaseA(), r.changes...))
		one := kcoRow{rule: r.rule, call: "POST " + faketest.OrdersPath, body: body, status: http.StatusBadRequest, says: "BAD_VALUE Bad value: " + r.message}
		rows = append(rows, one)
		if !leavesOut(r.changes) { // what an update leaves out stays as it is
			one.rule += ", update"
			one.given, one.call, one.after = "open", "POST "+faketest.KCOOrder, "checkout_incomplete"
			rows = append(rows, one)
		}
	}
	return rows
}

// leavesOut reports whether changes take away a top-level member.
func leavesOut(changes []any) bool {
	for i := 0; i < len(changes); i += 2 {
		topLevel := !strings.Contains(changes[i].(string), ".")
		if topLevel && (changes[i+1] == nil || changes[i+1] == any(faketest.Gone{})) {
			return true
		}
	}
	return false
}

// kcoRefusals are those of content, one per rule. Source: docs.kustom.co, Create order; what
// follows a field's path in the messages was chosen.
var kcoRefusals = []kcoRefusal{
	// Documented texts.
	{"tax of a line 2 above", "total_tax_amount", []any{"order_lines[0].total_tax_amount", 7962, "order_tax_amount", 8942}},
	{"sum of tax 1 above", "order_tax_amount", []any{"order_tax_amount", 8941}},
	{"sum below", "order_amount", []any{"order_amount", 44600}},
	{"total of a line", "total_amount", []any{"order_lines[0].total_amount", 39700}},
	{"total of a line, sums adapted", "total_amount", []any{"order_lines[0].total_amount", 39700, "order_amount", 44600}},
	{"rate in percent", "total_tax_amount", []any{"order_lines[0].tax_rate", 25}},
	{"locale with underscore", "locale", []any{"locale", "sv_SE"}},
	{"terms not http", "merchant_urls.terms (must be a valid http or https URI)", []any{"merchant_urls.terms", "ftp://x"}},
	{"currency not configured", "purchase_currency (order billing country is: SE, configured currencies are: " +
		"AUD, CAD, CHF, CZK, DKK, EUR, GBP, NOK, NZD, PLN, RON, SEK, USD)", []any{"purchase_currency", "JPY"}},

	// Required members.
	{"no country", "purchase_country", []any{"purchase_country", faketest.Gone{}}},
	{"no currency", "purchase_currency", []any{"purchase_currency", faketest.Gone{}}},
	{"no locale", "locale", []any{"locale", faketest.Gone{}}},
	{"no amount", "order_amount", []any{"order_amount", faketest.Gone{}}},
	{"no tax", "order_tax_amount", []any{"order_tax_amount", faketest.Gone{}}},
	{"no lines", "order_lines", []any{"order_lines", faketest.Gone{}}},
	{"null is none", "order_lines", []any{"order_lines", nil}},
	{"no URLs", "merchant_urls", []any{"merchant_urls", faketest.Gone{}}},
	{"no terms", "merchant_urls.terms", []any{"merchant_urls.terms", faketest.Gone{}}},
	{"no checkout", "merchant_urls.checkout", []any{"merchant_urls.checkout", faketest.Gone{}}},
	{"no confirmation", "merchant_urls.confirmation", []any{"merchant_urls.confirmation", faketest.Gone{}}},
	{"no push", "merchant_urls.push", []any{"merchant_urls.push", faketest.Gone{}}},
	{"line without name", "order_lines[0].name", []any{"order_lines[0].name", faketest.Gone{}}},
	{"line without quantity", "order_lines[0].quantity", []any{"order_lines[0].quantity", faketest.Gone{}}},
	{"line without price", "order_lines[0].unit_price", []any{"order_lines[0].unit_price", faketest.Gone{}}},
	{"line without rate", "order_lines[0].tax_rate", []any{"order_lines[0].tax_rate", faketest.Gone{}}},
	{"line without total", "order_lines[0].total_amount", []any{"order_lines[0].total_amount", faketest.Gone{}}},
	{"line without tax", "order_lines[1].total_tax_amount", []any{"order_lines[1].total_tax_amount", faketest.Gone{}}},
	{"misspelt member", "order_tax_amount", []any{"order_tax_amount", faketest.Gone{}, "Order_Tax_Amount", 8940}},

	// Types and patterns.
	{"country in three letters", "purchase_country", []any{"purchase_country", "SWE"}},
	{"country unknown", "purchase_country", []any{"purchase_country", "XX"}},
	{"currency in two letters", "purchase_currency", []any{"purchase_currency", "SE"}},
	{"locale a number", "locale", []any{"locale", 1}},
	{"amount a text", "order_amount", []any{"order_amount", "44700"}},
	{"amount a fraction", "order_amount", []any{"order_amount", 44700.5}},
	{"amount beyond int64", "order_amount", []any{"order_amount", json.Number("92233720368547758070")}},
	{"amount negative", "order_amount", []any{"order_amount", -1}},
	{"lines an object", "order_lines", []any{"order_lines", map[string]any{}}},
	{"line a text", "order_lines[0]", []any{"order_lines", []any{"x"}}},
	{"1001 lines", "order_lines", []any{"order_lines", make([]any, 1001)}},
	{"fraction of a piece", "order_lines[0].quantity", []any{"order_lines[0].quantity", 1.5}},
	{"quantity negative", "order_lines[0].quantity", []any{"order_lines[0].quantity", -1}},
	{"line of no known type", "order_lines[0].type", []any{"order_lines[0].type", "phsyical"}},
	{"type of Order Management", "order_lines[0].type", []any{"order_lines[0].type", "return_fee"}},
	{"discount negative", "order_lines[0].total_discount_amount", []any{"order_lines[0].total_discount_amount", -1}},
	{"rate above 100 %", "order_lines[0].tax_rate", []any{"order_lines[0].tax_rate", 10001}},
	{"rate negative", "order_lines[0].tax_rate", []any{"order_lines[0].tax_rate", -1}},
	{"recurring a text", "recurring", []any{"recurring", "true"}},
	{"e-mail a number", "billing_address.email", []any{"billing_address.email", 1}},
	{"address country in three letters", "billing_address.country", []any{"billing_address.country", "swe"}},
	{"customer type", "customer.type", []any{"customer.type", "dog"}},
	{"date of birth", "customer.date_of_birth", []any{"customer.date_of_birth", "21.3.1941"}},
	{"month of birth", "customer.date_of_birth", []any{"customer.date_of_birth", "1990-13-01"}},
	{"day of birth", "customer.date_of_birth", []any{"customer.date_of_birth", "1990-04-31"}},
	{"colour", "options.color_button", []any{"options.color_button", "red"}},
	{"acquiring channel", "options.acquiring_channel", []any{"options.acquiring_channel", "WEB"}},
	{"no customer type allowed", "options.allowed_customer_types", []any{"options.allowed_customer_types", []string{}}},
	{"checkbox without text", "options.additional_checkbox.text", []any{"options.additional_checkbox", map[string]any{"checked": true, "required": true}}},
	{"attachment without body", "attachment.body", []any{"attachment.content_type", "x"}},
	{"shipping country", "shipping_countries[1]", []any{"shipping_countries", []string{"SE", "NOR"}}},
	{"shipping option without rate", "shipping_options[0].tax_rate", []any{"shipping_options", []any{map[string]any{
		"id": "a", "name": "A", "price": 1, "tax_amount": 0}}}},
	{"external payment not https", "external_payment_methods[0].redirect_url", []any{"external_payment_methods", []any{map[string]any{
		"name": "A", "redirect_url": "http://a.example"}}}},
	{"external checkout without image", "external_checkouts[0].image_url", []any{"external_checkouts", []any{map[string]any{
		"name": "A", "redirect_url": "https://a.example"}}}},
	{"discount line positive", "discount_lines[0].unit_price", []any{"discount_lines", []any{map[string]any{
		"name": "A", "quantity": 1, "unit_price": 1, "tax_rate": 0, "total_amount": 0, "total_tax_amount": 0}}}},
	{"subscription interval", "order_lines[0].subscription.interval", []any{"order_lines[0].subscription", map[string]any{
		"interval": "FORTNIGHT", "interval_count": 1}}},

	{"option of a plugin in a list", "options", []any{"options", []any{"packstation_enabled"}}},
	{"gender", "customer.gender", []any{"customer.gender", "x"}},
	{"checkbox without an ID", "options.additional_checkboxes[0].id", []any{"options.additional_checkboxes", []any{map[string]any{"text": "A", "checked": true, "required": true}}}},
	{"three customer types", "options.allowed_customer_types", []any{"options.allowed_customer_types", []string{"person", "person", "person"}}},
	{"attachment's body an object", "attachment.body", []any{"attachment", map[string]any{"content_type": "x", "body": map[string]any{}}}},
	{"tag a number", "tags[0]", []any{"tags", []any{1}}},
	{"gui option a number", "gui.options[0]", []any{"gui.options", []any{1}}},
	{"billing country", "billing_countries[0]", []any{"billing_countries", []string{"NOR"}}},
	{"subscription without a count", "order_lines[0].subscription.interval_count", []any{"order_lines[0].subscription", map[string]any{"interval": "DAY"}}},
	{"subscription every 0 days", "order_lines[0].subscription.interval_count", []any{"order_lines[0].subscription", map[string]any{"interval": "DAY", "interval_count": 0}}},
	{"weight a text", "order_lines[0].shipping_attributes.weight", []any{"order_lines[0].shipping_attributes", map[string]any{"weight": "1 kg"}}},
	{"height a text", "order_lines[0].shipping_attributes.dimensions.height", []any{"order_lines[0].shipping_attributes", map[string]any{"dimensions": map[string]any{"height": "1"}}}},
	{"shipping method", "shipping_options[0].shipping_method", []any{"shipping_options", []any{faketest.With(deliveryOption(), "shipping_method", "Drone")}}},
	{"shipping option without an ID", "shipping_options[0].id", []any{"shipping_options", []any{faketest.With(deliveryOption(), "id", faketest.Gone{})}}},
	{"shipping option without a name", "shipping_options[0].name", []any{"shipping_options", []any{faketest.With(deliveryOption(), "name", "")}}},
	{"shipping option's price a fraction", "shipping_options[0].price", []any{"shipping_options", []any{faketest.With(deliveryOption(), "price", 0.5)}}},
	{"delivery details a text", "shipping_options[0].delivery_details", []any{"shipping_options", []any{faketest.With(deliveryOption(), "delivery_details", "x")}}},
	{"pickup location's country", "shipping_options[0].delivery_details.pickup_location.address.country", []any{"shipping_options", []any{
		faketest.With(deliveryOption(), "delivery_details.pickup_location.address.country", "SWE")}}},
	{"external payment's label", "external_payment_methods[0].label", []any{"external_payment_methods", []any{faketest.With(provider(), "label", "go")}}},
	{"external payment's fee a text", "external_payment_methods[0].fee", []any{"external_payment_methods", []any{faketest.With(provider(), "fee", "1")}}},
	{"external payment's description of 501", "external_payment_methods[0].description", []any{"external_payment_methods", []any{faketest.With(provider(), "description", longText(501))}}},
	{"external payment's country", "external_payment_methods[0].countries[0]", []any{"external_payment_methods", []any{faketest.With(provider(), "countries", []string{"SWE"})}}},
	{"external payment without a name", "external_payment_methods[0].name", []any{"external_payment_methods", []any{faketest.With(provider(), "name", faketest.Gone{})}}},

	// Discount lines: as lines, and not above zero.
	{"discount line's total", "discount_lines[0].total_amount", []any{"discount_lines", []any{faketest.With(discountLine(), "total_amount", -5001)}}},
	{"discount line's tax 2 off", "discount_lines[0].total_tax_amount", []any{"discount_lines", []any{faketest.With(discountLine(), "total_tax_amount", -1002)}}},
	{"discount line's tax positive", "discount_lines[0].total_tax_amount", []any{"discount_lines", []any{faketest.With(discountLine(), "total_tax_amount", 1000)}}},
	{"discount line without a name", "discount_lines[0].name", []any{"discount_lines", []any{faketest.With(discountLine(), "name", faketest.Gone{})}}},
	{"discount line's rate", "discount_lines[0].tax_rate", []any{"discount_lines", []any{faketest.With(discountLine(), "tax_rate", 10001)}}},
	{"discount line's reference of 256", "discount_lines[0].reference", []any{"discount_lines", []any{faketest.With(discountLine(), "reference", longText(256))}}},
	{"discount lines are not in the sums", "order_amount", []any{"discount_lines", []any{discountLine()}, "order_amount", 39700, "order_tax_amount", 7940}},

	// Limits.
	{"recurring_description of 256", "recurring_description", []any{"recurring_description", longText(256)}},
	{"shipping_details of 256", "options.shipping_details", []any{"options.shipping_details", longText(256)}},
	{"checkbox of 1001", "options.additional_checkbox.text", []any{"options.additional_checkbox", map[string]any{"text": longText(1001), "checked": true, "required": true}}},
	{"colour of a part", "order_lines[0].product_identifiers.color", []any{"order_lines[0].product_identifiers.color", longText(65)}},
	{"category path of 751", "order_lines[0].product_identifiers.category_path", []any{"order_lines[0].product_identifiers.category_path", longText(751)}},
	{"GTIN of 51", "order_lines[0].product_identifiers.global_trade_item_number", []any{"order_lines[0].product_identifiers.global_trade_item_number", longText(51)}},
	{"part number of 71", "order_lines[0].product_identifiers.manufacturer_part_number", []any{"order_lines[0].product_identifiers.manufacturer_part_number", longText(71)}},
	{"size of 65", "order_lines[0].product_identifiers.size", []any{"order_lines[0].product_identifiers.size", longText(65)}},
	{"name empty", "order_lines[0].name", []any{"order_lines[0].name", ""}},
	{"name of 256", "order_lines[0].name", []any{"order_lines[0].name", longText(256)}},
	{"reference of 256", "order_lines[0].reference", []any{"order_lines[0].reference", longText(256)}},
	{"unit empty", "order_lines[0].quantity_unit", []any{"order_lines[0].quantity_unit", ""}},
	{"unit of 9", "order_lines[0].quantity_unit", []any{"order_lines[0].quantity_unit", longText(9)}},
	{"price above a million", "order_lines[0].unit_price", []any{"order_lines[0].unit_price", 100000001}},
	{"total above a million", "order_lines[0].total_amount", []any{"order_lines[0].total_amount", 100000001}},
	{"product URL of 1025", "order_lines[0].product_url", []any{"order_lines[0].product_url", longText(1025)}},
	{"image URL of 1025", "order_lines[0].image_url", []any{"order_lines[0].image_url", longText(1025)}},
	{"line's data of 1025", "order_lines[0].merchant_data", []any{"order_lines[0].merchant_data", longText(1025)}},
	{"brand of 71", "order_lines[0].product_identifiers.brand", []any{"order_lines[0].product_identifiers.brand", longText(71)}},
	{"merchant_data of 6001", "merchant_data", []any{"merchant_data", longText(6001)}},
	{"reference 1 of 256", "merchant_reference1", []any{"merchant_reference1", longText(256)}},
	{"reference 2 of 256", "merchant_reference2", []any{"merchant_reference2", longText(256)}},
	{"URL of 2001", "merchant_urls.checkout", []any{"merchant_urls.checkout", "https://shop.example/" + strings.Repeat("a", 1980)}},

	// Products beyond int64 are no way around the arithmetic.
	{"product overflows to the total", "total_amount", []any{"order_lines", []faketest.Line{
		{Type: "physical", Name: "x", Quantity: 1 << 62, UnitPrice: 4, TotalAmount: 0}}, "order_amount", 0, "order_tax_amount", 0}},
	{"tax overflows", "total_tax_amount", []any{"order_lines", []faketest.Line{
		{Type: "physical", Name: "x", Quantity: 1, UnitPrice: 0, TaxRate: 2500, TotalTaxAmount: 1 << 62}}, "order_amount", 0, "order_tax_amount", 1 << 62}},

	// URLs.
	{"checkout relative", "merchant_urls.checkout (must be a valid http or https URI)", []any{"merchant_urls.checkout", "/checkout"}},
	{"confirmation empty", "merchant_urls.confirmation (must be a valid http or https URI)", []any{"merchant_urls.confirmation", ""}},
	{"push with a space", "merchant_urls.push (must be a valid http or https URI)", []any{"merchant_urls.push", "https://shop.example/a b"}},
	{"push is checkout", "merchant_urls.push", []any{"merchant_urls.push", "https://shop.example/checkout?kco={checkout.order.id}"}},
	{"push is confirmation", "merchant_urls.push", []any{"merchant_urls.push", "https://shop.example/thanks?kco={checkout.order.id}"}},
	{"validation not https", "merchant_urls.validation (must be a valid https URI)", []any{"merchant_urls.validation", "http://shop.example/v"}},
	{"address_update not https", "merchant_urls.address_update (must be a valid https URI)", []any{"merchant_urls.address_update", "http://shop.example/v"}},
	{"shipping_option_update not https", "merchant_urls.shipping_option_update (must be a valid https URI)", []any{"merchant_urls.shipping_option_update", "http://shop.example/v"}},
	{"country_change not https", "merchant_urls.country_change (must be a valid https URI)", []any{"merchant_urls.country_change", "http://shop.example/v"}},

	{"notification no URL", "merchant_urls.notification (must be a valid http or https URI)", []any{"merchant_urls.notification", "x"}},
	{"cancellation terms no URL", "merchant_urls.cancellation_terms (must be a valid http or https URI)", []any{"merchant_urls.cancellation_terms", "x"}},
	{"upsell no URL", "merchant_urls.upsell (must be a valid http or https URI)", []any{"merchant_urls.upsell", "x"}},
	{"URLs a text", "merchant_urls", []any{"merchant_urls", "https://shop.example"}},
	{"URL a number", "merchant_urls.terms", []any{"merchant_urls.terms", 1}},
	{"currency, by the billing country", "purchase_currency (order billing country is: NO, configured currencies are: " +
		"AUD, CAD, CHF, CZK, DKK, EUR, GBP, NOK, NZD, PLN, RON, SEK, USD)", []any{"purchase_currency", "JPY", "billing_address.country", "no"}},
	{"country of days gone by", "purchase_country", []any{"purchase_country", "SU"}},
	{"country's colloquial letters", "purchase_country", []any{"purchase_country", "UK"}},

	// The sequence: members, URLs, line by line, sums, country and currency.
	{"locale before URLs", "locale", []any{"locale", "sv_SE", "merchant_urls.terms", "ftp://x"}},
	{"URLs before lines", "merchant_urls.push", []any{"merchant_urls.push", faketest.Gone{}, "order_lines[0].quantity", -1}},
	{"first line's tax before second line's name", "total_tax_amount", []any{"order_lines[0].total_tax_amount", 1, "order_lines[1].name", ""}},
	{"line's total before its tax", "total_amount", []any{"order_lines[0].total_amount", 1, "order_lines[0].total_tax_amount", 7000}},
	{"lines before sums", "total_tax_amount", []any{"order_lines[1].total_tax_amount", 1, "order_amount", 1}},
	{"amount before tax", "order_amount", []any{"order_amount", 1, "order_tax_amount", 1}},
	{"sums before currency", "order_tax_amount", []any{"order_tax_amount", 1, "purchase_currency", "JPY"}},
}
