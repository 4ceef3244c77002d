package payments_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
)

// refusedPayments are the rules of a session's members: what was changed in a
// good one and which paths the message names.
func refusedPayments() []payRow {
	var rows []payRow
	long := func(n int) string { return strings.Repeat("é", n) }
	refuse := func(name, paths string, changes ...any) {
		rows = append(rows, payRow{
			name: "refused: " + name, state: "open", method: "POST", path: faketest.SessionsPath, body: faketest.Text(faketest.With(faketest.CartSE(), changes...)),
			status: 400, answer: "BAD_VALUE: Bad value: " + paths, after: "open",
		})
	}
	// Several at once, in one message.
	refuse("two lines", "order_lines[0].total_amount, order_lines[1].total_amount, order_amount",
		"order_lines[0].total_amount", 39801, "order_lines[1].total_amount", 4901)
	refuse("members of several objects", "locale, order_lines[0].name, order_lines[1].tax_rate, billing_address.given_name, merchant_reference1, billing_address.email, merchant_urls.push",
		"locale", "sv_SE", "order_lines[0].name", "", "order_lines[1].tax_rate", -1, "billing_address.given_name", "1", "merchant_reference1", long(256),
		"billing_address.email", "x", "merchant_urls.push", "x")

	// Required members and types.
	refuse("no country", "purchase_country", "purchase_country", faketest.Gone{})
	refuse("no currency", "purchase_currency", "purchase_currency", faketest.Gone{})
	refuse("no amount", "order_amount", "order_amount", faketest.Gone{})
	refuse("no lines", "order_lines", "order_lines", faketest.Gone{})
	refuse("null is none", "order_lines", "order_lines", nil)
	refuse("lines empty", "order_lines", "order_lines", []any{})
	refuse("1001 lines", "order_lines", "order_lines", make([]any, 1001))
	refuse("lines an object", "order_lines", "order_lines", map[string]any{})
	refuse("line a text", "order_lines[0]", "order_lines", []any{"x"})
	refuse("line without members", "order_lines[0].name, order_lines[0].quantity, order_lines[0].unit_price, order_lines[0].total_amount", "order_lines", []any{map[string]any{}})
	refuse("amount a text", "order_amount", "order_amount", "44700")
	refuse("amount a fraction", "order_amount", "order_amount", 447.5)
	refuse("amount beyond int64", "order_amount", "order_amount", json.Number("92233720368547758070"))
	refuse("amount negative", "order_amount", "order_amount", -1)
	refuse("tax negative", "order_tax_amount", "order_tax_amount", -1)

	// Market.
	refuse("country in three letters", "purchase_country", "purchase_country", "SWE")
	refuse("country where Klarna is not", "purchase_country", "purchase_country", "JP", "purchase_currency", "JPY")
	refuse("currency in two letters", "purchase_currency", "purchase_currency", "SE")
	refuse("currency of another country", "purchase_currency", "purchase_currency", "EUR")
	refuse("currency of the purchase, not the billing country", "purchase_currency", "billing_address.country", "FI")
	refuse("billing country where Klarna is not", "billing_address.country", "billing_address.country", "JP")
	refuse("locale with underscore", "locale", "locale", "sv_SE")
	refuse("intent", "intent", "intent", "sell")
	refuse("channel", "acquiring_channel", "acquiring_channel", "WEB")

	// Lines.
	refuse("name of 256", "order_lines[0].name", "order_lines[0].name", long(256))
	refuse("quantity negative", "order_lines[0].quantity", "order_lines[0].quantity", -1)
	refuse("unit of 9", "order_lines[0].quantity_unit", "order_lines[0].quantity_unit", long(9))
	refuse("unit empty", "order_lines[0].quantity_unit", "order_lines[0].quantity_unit", "")
	refuse("price above two million", "order_lines[0].unit_price", "order_lines[0].unit_price", 200000001)
	refuse("total above two million", "order_lines[0].total_amount", "order_lines[0].total_amount", 200000001)
	refuse("rate above 100 %", "order_lines[0].tax_rate", "order_lines[0].tax_rate", 10001)
	refuse("discount negative", "order_lines[0].total_discount_amount", "order_lines[0].total_discount_amount", -1)
	refuse("type unknown", "order_lines[0].type", "order_lines[0].type", "return_fee")
	refuse("reference of 256", "order_lines[0].reference", "order_lines[0].reference", long(256))
	refuse("line's data of 1025", "order_lines[0].merchant_data", "order_lines[0].merchant_data", long(1025))
	refuse("product URL of 1025", "order_lines[0].product_url", "order_lines[0].product_url", long(1025))
	refuse("image URL of 1025", "order_lines[0].image_url", "order_lines[0].image_url", long(1025))
	refuse("brand of 71", "order_lines[0].product_identifiers.brand", "order_lines[0].product_identifiers.brand", long(71))
	refuse("subscription's name missing", "order_lines[0].subscription.name", "order_lines[0].subscription", map[string]any{"interval": "DAY", "interval_count": 1})
	refuse("subscription every 0 days", "order_lines[0].subscription.interval_count", "order_lines[0].subscription", map[string]any{"name": "x", "interval": "DAY", "interval_count": 0})
	refuse("subscription by the fortnight", "order_lines[0].subscription.interval", "order_lines[0].subscription", map[string]any{"name": "x", "interval": "FORTNIGHT", "interval_count": 1})

	// Arithmetic.
	refuse("total of a line", "order_lines[0].total_amount, order_lines[0].total_tax_amount", "order_lines[0].total_amount", 39700, "order_amount", 44600)
	refuse("discount left out of the total", "order_lines[0].total_amount", "order_lines[0].total_discount_amount", 100)
	refuse("tax of a line 2 above", "order_lines[0].total_tax_amount", "order_lines[0].total_tax_amount", 7962)
	refuse("tax of a line 2 below", "order_lines[0].total_tax_amount", "order_lines[0].total_tax_amount", 7958)
	refuse("rate without tax", "order_lines[0].total_tax_amount", "order_lines[0].total_tax_amount", faketest.Gone{}, "order_tax_amount", 980)
	refuse("rate in percent", "order_lines[0].total_tax_amount", "order_lines[0].tax_rate", 25)
	refuse("sum 1 above", "order_amount", "order_amount", 44701)
	refuse("tax 3 above for two lines", "order_tax_amount", "order_tax_amount", 8943)
	refuse("tax 3 below for two lines", "order_tax_amount", "order_tax_amount", 8937)
	refuse("product beyond int64", "order_lines[0].total_amount, order_lines[0].total_tax_amount, order_amount", "order_lines[0].quantity", 1<<62, "order_lines[0].unit_price", 4, "order_lines[0].total_amount", 0)

	// Addresses and customer.
	refuse("name of one letter", "billing_address.given_name", "billing_address.given_name", "A")
	refuse("name of digits", "billing_address.family_name", "billing_address.family_name", "12")
	refuse("name with a sign", "shipping_address.given_name", "shipping_address.given_name", "A<b>")
	refuse("name of 100", "billing_address.given_name", "billing_address.given_name", long(100))
	refuse("e-mail", "billing_address.email", "billing_address.email", "ada@")
	refuse("e-mail of 100", "billing_address.email", "billing_address.email", strings.Repeat("a", 90)+"@a.example")
	refuse("postal code of 11", "billing_address.postal_code", "billing_address.postal_code", "12345678901")
	refuse("title of 21", "billing_address.title", "billing_address.title", long(21))
	refuse("phone of 100", "billing_address.phone", "billing_address.phone", long(100))
	refuse("attention of 100", "billing_address.attention", "billing_address.attention", long(100))
	refuse("address country in three letters", "shipping_address.country", "shipping_address.country", "SWE")
	refuse("address country unknown", "shipping_address.country", "shipping_address.country", "XX")
	refuse("no state in Australia", "shipping_address.region", "shipping_address.country", "AU", "shipping_address.street_address", "1 Test St")
	refuse("address a text", "billing_address", "billing_address", "x")
	refuse("customer type", "customer.type", "customer.type", "dog")
	refuse("gender", "customer.gender", "customer.gender", "x")
	refuse("date of birth", "customer.date_of_birth", "customer.date_of_birth", "21.3.1941")
	refuse("day of birth", "customer.date_of_birth", "customer.date_of_birth", "1990-02-30")
	refuse("digits of the SSN", "customer.last_four_ssn", "customer.last_four_ssn", "12345")

	// The rest.
	refuse("reference 2 of 256", "merchant_reference2", "merchant_reference2", long(256))
	refuse("merchant_data of 6001", "merchant_data", "merchant_data", long(6001))
	refuse("attachment's type", "attachment.content_type", "attachment", map[string]any{"content_type": "text/plain", "body": "{}"})
	refuse("attachment without body", "attachment.body", "attachment.content_type", "application/vnd.klarna.internal.emd-v2+json")
	refuse("colour", "options.color_text", "options.color_text", "red")
	refuse("promo codes a text", "custom_payment_method_ids", "custom_payment_method_ids", "x")
	refuse("confirmation no URL", "merchant_urls.confirmation", "merchant_urls.confirmation", "thanks")
	refuse("confirmation of 2001", "merchant_urls.confirmation", "merchant_urls.confirmation", "https://shop.example/"+strings.Repeat("a", 1980))
	refuse("push not https", "merchant_urls.push", "merchant_urls.push", "http://shop.example/push")
	refuse("notification no URL", "merchant_urls.notification", "merchant_urls.notification", "n")
	refuse("authorization not https", "merchant_urls.authorization", "merchant_urls.authorization", "http://shop.example/a")
	refuse("push is confirmation", "merchant_urls.push", "merchant_urls.push", "https://shop.example/thanks?session={session.id}&order={order.id}")

	// The US: tax is a line, lines have no rate.
	us := func(name, paths string, changes ...any) {
		refuse(name, paths)
		rows[len(rows)-1].body = faketest.Text(faketest.With(cartUS(), changes...))
	}
	us("rate on a line in the US", "order_lines[0].tax_rate", "order_lines[0].tax_rate", 1000)
	us("tax is not the line's in the US", "order_tax_amount", "order_tax_amount", 176)
	us("no state in the US", "billing_address.region", "billing_address", map[string]any{"country": "US", "street_address": "1 Test St"})
	return rows
}

// What is taken at the edges of the rules.
func TestAcceptedPayments(t *testing.T) {
	line := func(name string, price, tax int, pairs ...any) map[string]any {
		return faketest.With(map[string]any{"name": name, "quantity": 1, "unit_price": price, "total_amount": price, "tax_rate": 2500, "total_tax_amount": tax}, pairs...)
	}
	for name, content := range map[string]map[string]any{
		"country in lower case":         faketest.With(faketest.CartSE(), "purchase_country", "se", "purchase_currency", "sek"),
		"language only":                 faketest.With(cartUS(), "locale", "en"),
		"no locale":                     faketest.With(faketest.CartSE(), "locale", faketest.Gone{}),
		"no tax":                        faketest.With(faketest.CartSE(), "order_tax_amount", faketest.Gone{}),
		"tax of a line 1 off":           faketest.With(faketest.CartSE(), "order_lines[0].total_tax_amount", 7961),
		"tax as many off as lines":      faketest.With(faketest.CartSE(), "order_tax_amount", 8942),
		"tax as many below as lines":    faketest.With(faketest.CartSE(), "order_tax_amount", 8938),
		"lines without type, rate, tax": faketest.With(cartUS(), "order_lines[0].type", faketest.Gone{}),
		"channel in lower case":         faketest.With(faketest.CartSE(), "acquiring_channel", "ecommerce"),
		"intent of the guides":          faketest.With(faketest.CartSE(), "intent", "buy_and_link"),
		"discount in the line":          faketest.With(faketest.CartSE(), "order_lines", []any{faketest.CartSE()["order_lines"].([]any)[0], line("Frakt", 4900, 960, "total_discount_amount", 100, "total_amount", 4800)}, "order_amount", 44600, "order_tax_amount", 8920),
		"discount as a line":            faketest.With(faketest.CartSE(), "order_lines", []any{faketest.CartSE()["order_lines"].([]any)[0], line("Rabatt", -4900, -980, "type", "discount")}, "order_amount", 34900, "order_tax_amount", 6980),
		"gift card":                     faketest.With(faketest.CartSE(), "order_lines", []any{faketest.CartSE()["order_lines"].([]any)[0], line("Present", -4900, 0, "type", "gift_card", "tax_rate", 0)}, "order_amount", 34900, "order_tax_amount", 7960),
		"nothing to pay":                faketest.With(faketest.CartSE(), "order_lines", []any{line("Gåva", 0, 0)}, "order_amount", 0, "order_tax_amount", 0),
		"price of two million":          faketest.With(faketest.CartSE(), "order_lines", []any{line("Båt", 200000000, 40000000)}, "order_amount", 200000000, "order_tax_amount", 40000000),
		"names":                         faketest.With(faketest.CartSE(), "billing_address.given_name", "Åsa-Li Nº2", "billing_address.family_name", "O’Neil St."),
		"name empty":                    faketest.With(faketest.CartSE(), "billing_address.given_name", ""),
		"state in the US":               faketest.With(cartUS(), "billing_address", map[string]any{"country": "US", "street_address": "1 Test St", "region": "NY"}),
		"SSN":                           faketest.With(cartUS(), "customer.last_four_ssn", "1234"),
		"callbacks on this machine":     faketest.With(faketest.CartSE(), "merchant_urls", map[string]any{"push": "http://localhost/p", "authorization": "http://127.0.0.1:1/a", "notification": "https://shop.example/n"}),
		"app_return_url":                faketest.With(faketest.CartSE(), "merchant_urls.app_return_url", "skerry://back"),
		"unknown members":               faketest.With(faketest.CartSE(), "colour", "blue", "order_lines[0].shelf", 3),
	} {
		t.Run(name, func(t *testing.T) { newKPShop(t).start(content) })
	}
}
