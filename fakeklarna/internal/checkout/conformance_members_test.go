package checkout_test

import (
	"strings"

	"github.com/shopd/shopd/fakeklarna"

	"github.com/shopd/shopd/fakeklarna/internal/faketest"
	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

func deliveryOption() map[string]any {
	return faketest.Decode(`{"id":"pickup","name":"Ombud","description":"3 dagar","promo":"Fri","price":4900,"tax_amount":980,"tax_rate":2500,
		"preselected":true,"shipping_method":"PickUpPoint","tms_reference":"tms-1",
		"delivery_details":{"carrier":"PostNord","class":"standard","product":{"name":"Collect","identifier":"19"},
			"timeslot":{"id":"t1","start":"10:00","end":"12:00"},
			"pickup_location":{"id":"p1","name":"ICA","address":{"street_address":"Gata 1","postal_code":"11147","city":"Stockholm","country":"SE"}}},
		"selected_addons":[{"type":"sms","price":100,"external_id":"s","user_input":"070"}]}`)
}

func provider() map[string]any {
	return faketest.Decode(`{"name":"PayPal","redirect_url":"https://shop.example/pp?kco={checkout.order.id}","fee":100,"description":"Pay there",
		"countries":["SE","NO"],"label":"continue","image_url":"https://shop.example/pp.png"}`)
}

func discountLine() map[string]any {
	return faketest.Decode(`{"name":"Summer","reference":"S1","quantity":1,"unit_price":-5000,"tax_rate":2500,"total_amount":-5000,"total_tax_amount":-1000,"merchant_data":"x"}`)
}

// memberRows: every member that may be sent is answered as it was sent, up to its
// limits, and one that is unknown, or the server's own, is not.
func memberRows() []kcoRow {
	var rows []kcoRow
	add := func(rule string, changes, shows []any) {
		if shows == nil {
			shows = changes
		}
		rows = append(rows, kcoRow{rule: rule, call: "POST " + faketest.OrdersPath, body: faketest.Text(faketest.With(faketest.CaseA(), changes...)),
			status: 201, shows: shows, after: "checkout_incomplete"})
	}
	for _, m := range members {
		add(m.rule, m.changes, m.shows)
	}
	for i := 0; i < len(optionValues); i += 2 {
		path := "options." + optionValues[i].(string)
		add(path, []any{path, optionValues[i+1]}, nil)
	}
	for _, name := range []string{"validation", "address_update", "shipping_option_update", "country_change", "notification", "cancellation_terms", "upsell", "upsell_validation"} {
		add("merchant_urls."+name, []any{"merchant_urls." + name, "https://shop.example/" + name + "?kco={checkout.order.id}"}, nil)
	}
	for _, kind := range []string{"physical", "digital", "shipping_fee", "surcharge", "discount", "gift_card", "store_credit", "sales_tax"} {
		add("line of type "+kind, []any{"order_lines[0].type", kind}, nil)
	}
	for _, path := range []string{"x", "merchant_urls.id", "order_lines[0].x", "options.x", "billing_address.x", "customer.x", "gui.x"} {
		add("unknown "+path, []any{path, "1"}, []any{path, faketest.Gone{}})
	}
	for _, name := range []string{"name", "completed_at", "merchant_requested", "recurring_token", "selected_shipping_option", "fake"} {
		add("the server's "+name, []any{name, map[string]any{"id": "x"}}, []any{name, faketest.Gone{}})
	}
	return rows
}

// optionValues are the options of the reference and those that plugins send.
var optionValues = []any{
	"acquiring_channel", "IN_STORE", "allow_separate_shipping_address", true, "date_of_birth_mandatory", true, "title_mandatory", false,
	"phone_mandatory", true, "national_identification_number_mandatory", true, "verify_national_identification_number", true,
	"require_validate_callback_success", true, "require_client_validation", true,
	"allowed_customer_types", []string{"person", "organization"},
	"additional_checkbox", map[string]any{"text": "[News](https://shop.example)", "checked": false, "required": true},
	"additional_checkboxes", []any{map[string]any{"id": "a", "text": "A", "checked": true, "required": false}},
	"additional_merchant_terms", "**All** is fine", "shipping_details", "2 days",
	"color_button", "#FF00aa", "color_button_text", "#000000", "color_checkbox", "#000000", "color_checkbox_checkmark", "#000000",
	"color_header", "#000000", "color_link", "#000000", "radius_border", "5", "show_subtotal_detail", true, "vat_removed", true,
	"auto_capture", true, "enable_discount_module", true, "show_vat_registration_number_field", true,
	"require_client_validation_callback_response", true, "packstation_enabled", true, "shipping_in_iframe", false,
	"allow_global_billing_countries", "1", "vat_excluded", true, "confirmation_page_upsell", map[string]any{"a": 1.5},
	"tms_configuration_override", map[string]any{"disabled": true},
}

var members = []struct {
	rule           string
	changes, shows []any // shows nil: the changes
}{
	{"whole billing address", []any{"billing_address", map[string]any{"given_name": "Ada", "family_name": "Lo", "email": "a@b.example", "title": "Ms", "street_address": "Gata 1",
		"street_address2": "2 tr", "street_name": "Gata", "street_number": "1", "house_extension": "B", "postal_code": "11147", "city": "Kiruna",
		"region": "BD", "phone": "070", "care_of": "Bo", "country": "se", "organization_name": "AB", "reference": "R", "attention": "A"}}, nil},
	{"shipping address of its own", []any{"options.allow_separate_shipping_address", true, "shipping_address", map[string]any{"city": "Umeå", "country": "no"}}, nil},
	{"customer, a person", []any{"customer", map[string]any{"type": "person", "gender": "female", "date_of_birth": "1941-03-21"}}, nil},
	{"customer, a company", []any{"customer", map[string]any{"type": "organization", "organization_registration_id": "556677-8899", "vat_id": "SE556677889901"}}, nil},
	{"references", []any{"merchant_reference1", longText(255), "merchant_reference2", longText(255)}, nil},
	{"merchant_data of 6000", []any{"merchant_data", longText(6000)}, nil},
	{"gui options", []any{"gui", map[string]any{"options": []any{"minimal_confirmation", "disable_autofocus"}}}, nil},
	{"countries", []any{"shipping_countries", []any{"SE", "NO"}, "billing_countries", []any{"SE", "gl"}}, nil},
	{"shipping option, preselected", []any{"shipping_options", []any{deliveryOption()}},
		[]any{"shipping_options[0]", deliveryOption(), "selected_shipping_option", deliveryOption(), "order_amount", 44700}},
	{"shipping option, not chosen", []any{"shipping_options", []any{faketest.With(deliveryOption(), "preselected", faketest.Gone{})}}, []any{"selected_shipping_option", faketest.Gone{}}},
	{"shipping method", []any{"shipping_options", []any{faketest.With(deliveryOption(), "shipping_method", "DHLPackstation")}}, nil},
	{"external payment method", []any{"external_payment_methods", []any{provider()}}, nil},
	{"external payment method, the least", []any{"external_payment_methods", []any{map[string]any{"name": "P", "redirect_url": "https://p.example"}}}, nil},
	{"external checkout", []any{"external_checkouts", []any{provider()}}, nil},
	{"attachment", []any{"attachment", map[string]any{"content_type": "application/vnd.klarna.internal.emd-v2+json", "body": `{"a":[]}`}}, nil},
	{"acquiring channel in any case", []any{"options.acquiring_channel", "ecommerce"}, nil},
	{"no date of birth", []any{"customer", map[string]any{"date_of_birth": ""}}, []any{"customer", map[string]any{}}},
	{"recurring", []any{"recurring", true, "recurring_description", longText(255)}, nil},
	{"not recurring", []any{"recurring", false}, nil},
	{"tags", []any{"tags", []any{"dangerous_goods", "bulky"}}, nil},
	{"discount line, apart from the sums", []any{"discount_lines", []any{discountLine()}}, []any{"discount_lines[0]", discountLine(), "order_amount", 44700, "order_tax_amount", 8940}},
	{"discount line's tax 1 off", []any{"discount_lines", []any{faketest.With(discountLine(), "total_tax_amount", -1001)}}, nil},
	{"product identifiers", []any{"order_lines[0].product_identifiers", map[string]any{"brand": longText(70), "color": longText(64), "category_path": longText(750),
		"global_trade_item_number": longText(50), "manufacturer_part_number": longText(70), "size": longText(64)}}, nil},
	{"shipping attributes", []any{"order_lines[0].shipping_attributes", map[string]any{"weight": 250,
		"dimensions": map[string]any{"height": 100, "width": 80, "length": 80}, "tags": []any{"fragile"}}}, nil},
	{"subscription", []any{"order_lines[0].subscription", map[string]any{"name": "Coffee", "interval": "MONTH", "interval_count": 1}}, nil},
	{"line's texts at their limits", []any{"order_lines[0].name", longText(255), "order_lines[0].reference", longText(255), "order_lines[0].quantity_unit", longText(8),
		"order_lines[0].merchant_data", longText(1024), "order_lines[0].product_url", longText(1024), "order_lines[0].image_url", longText(1024)}, nil},
	{"URL of 2000", []any{"merchant_urls.checkout", "https://shop.example/" + strings.Repeat("a", 1979)}, nil},
	{"http for four URLs", []any{"merchant_urls", map[string]any{"terms": "http://a.example", "checkout": "http://a.example", "confirmation": "http://a.example", "push": "http://a.example/p"}}, nil},
	{"locale of a language", []any{"locale", "sv"}, nil},
	{"locale of any country", []any{"locale", "fr-GB"}, nil},
	{"locale of three parts", []any{"locale", "zh-hk-cn"}, nil},
	{"country without a core market", []any{"purchase_country", "gl", "purchase_currency", "DKK"}, nil},
	{"core market with a foreign currency", []any{"purchase_currency", "EUR"}, nil},
	{"unknown in lists", []any{"shipping_options", []any{faketest.With(deliveryOption(), "x", 1)}, "external_payment_methods", []any{faketest.With(provider(), "x", 1)}, "attachment",
		map[string]any{"content_type": "x", "body": "{}", "x": 1}, "discount_lines", []any{faketest.With(discountLine(), "x", 1)}},
		[]any{"shipping_options[0].x", faketest.Gone{}, "external_payment_methods[0].x", faketest.Gone{}, "attachment.x", faketest.Gone{}, "discount_lines[0].x", faketest.Gone{}}},
	{"order_id and status are the server's", []any{"order_id", "mine", "status", "checkout_complete", "html_snippet", "x"}, []any{"order_id", "{id}", "status", "checkout_incomplete"}},
	{"defaults", nil, []any{"billing_address", map[string]any{"country": "se"}, "shipping_address", map[string]any{"country": "se"}, "customer", map[string]any{},
		"external_payment_methods", []any{}, "external_checkouts", []any{}, "order_lines[1].total_discount_amount", 0, "options",
		map[string]any{"allow_separate_shipping_address": false, "date_of_birth_mandatory": false, "require_validate_callback_success": false}}},
}

// echoRows are about the ways of answering that the options choose between, and
// what is not answered as it was sent.
func echoRows() []kcoRow {
	var rows []kcoRow
	for _, e := range echoes {
		rows = append(rows, kcoRow{rule: e.rule, options: e.options, call: "POST " + faketest.OrdersPath, body: faketest.Text(faketest.With(faketest.CaseA(), e.changes...)),
			status: 201, shows: e.shows, after: "checkout_incomplete"})
	}
	return rows
}

var echoes = []struct {
	rule           string
	options        fakeklarna.Options
	changes, shows []any
}{
	{"URL raw", fakeklarna.Options{}, nil, []any{"merchant_urls.push", "https://shop.example/kco/push?kco={checkout.order.id}"}},
	{"URL filled in", fakeklarna.Options{EchoFilledURLs: true}, nil, []any{"merchant_urls.push", "https://shop.example/kco/push?kco={id}"}},
	{"every URL filled in", fakeklarna.Options{EchoFilledURLs: true}, []any{"merchant_urls.upsell", "https://a.example/{checkout.order.id}"},
		[]any{"merchant_urls.upsell", "https://a.example/{id}", "merchant_urls.terms", "https://shop.example/terms"}},
	{"encoded placeholder filled in", fakeklarna.Options{EchoFilledURLs: true}, []any{"merchant_urls.push", "https://shop.example/%7Bcheckout.order.id%7D"},
		[]any{"merchant_urls.push", "https://shop.example/{id}"}},
	{"country in lower case", fakeklarna.Options{}, []any{"billing_address.country", "SE"}, []any{"purchase_country", "se", "billing_address.country", "se", "shipping_address.country", "se"}},
	{"country as sent", fakeklarna.Options{EchoCountryAsSent: true}, nil, []any{"purchase_country", "SE", "billing_address.country", "SE"}},
	{"type left out", fakeklarna.Options{}, []any{"order_lines[0].type", faketest.Gone{}}, []any{"order_lines[0].type", "physical"}},
	{"http callback on this machine", fakeklarna.Options{}, []any{"merchant_urls.validation", "http://127.0.0.1:1/v"}, []any{"merchant_urls.validation", "http://127.0.0.1:1/v"}},
	{"separate shipping in Germany", fakeklarna.Options{}, []any{"purchase_country", "DE"}, []any{"options.allow_separate_shipping_address", true}},
	{"separate shipping in Germany, refused", fakeklarna.Options{}, []any{"purchase_country", "DE", "options.allow_separate_shipping_address", false},
		[]any{"options.allow_separate_shipping_address", false}},
	{"own list of currencies", fakeklarna.Options{Currencies: []string{"JPY"}}, []any{"purchase_currency", "jpy"}, []any{"purchase_currency", "jpy"}},
	{"shipping mirrors billing", fakeklarna.Options{}, []any{"billing_address.email", "a@b.example", "shipping_address.city", "Bergen"},
		[]any{"shipping_address", wire.Address{Email: "a@b.example", Country: "se"}}},
	{"shipping apart", fakeklarna.Options{}, []any{"options.allow_separate_shipping_address", true, "shipping_address.city", "Bergen", "shipping_address.country", "NO"},
		[]any{"shipping_address", wire.Address{City: "Bergen", Country: "no"}}},
	{"the first preselected option", fakeklarna.Options{}, []any{"shipping_options", []any{faketest.With(deliveryOption(), "id", "a", "preselected", false), faketest.With(deliveryOption(), "id", "b"), deliveryOption()}},
		[]any{"selected_shipping_option.id", "b"}},
	{"null is as left out", fakeklarna.Options{}, []any{"merchant_reference1", nil, "order_lines[0].reference", nil},
		[]any{"merchant_reference1", faketest.Gone{}, "order_lines[0].reference", faketest.Gone{}}},
	{"markup stays as it is", fakeklarna.Options{}, []any{"merchant_data", `<a & "b">`}, []any{"merchant_data", `<a & "b">`}},
}
