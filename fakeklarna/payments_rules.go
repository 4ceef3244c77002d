package fakeklarna

import (
	"math"
	"slices"
)

// Rules for a payment session, its order and a customer token. Members without a rule, and
// those that are only read, are accepted and dropped.
// Source: docs.klarna.com, Klarna Payments API reference.

const (
	maxPaymentAmount = 200_000_000 // of a line's unit_price and total_amount
	anyName          = `[\p{L}\p{M}\d\-'’.°ºª ]`
	anyNameNoDigit   = `[\p{L}\p{M}\-'’.°ºª ]`
	// personName: letters and few signs, more than one, not only digits.
	// Source: docs.klarna.com, Customer data requirements.
	personName = `|` + anyNameNoDigit + anyName + `+|` + anyName + `+` + anyNameNoDigit + anyName + `*`
)

var purchaseRules = []rule{
	pattern("purchase_country", anyCountry).must(),
	pattern("purchase_currency", `[A-Za-z]{3}`).must(),
	pattern("locale", `[A-Za-z]{2}(?:-[A-Za-z]{2})*`),
	integer("order_amount", 0, math.MaxInt64).must(),
	integer("order_tax_amount", 0, math.MaxInt64),
	paymentLinesRule(1024).must(),
	paymentAddressRule("billing_address", 0),
	paymentAddressRule("shipping_address", 0),
	paymentCustomerRule,
	paymentURLsRule,
	text("merchant_reference1", 0, 255),
	text("merchant_reference2", 0, 255),
	text("merchant_data", 0, 6000),
	list("custom_payment_method_ids", maxListed, new(longText(""))),
}

// sessionRules are the members of a session.
var sessionRules = append(slices.Clip(purchaseRules),
	pattern("intent", `buy|tokenize|buy_and_tokenize|buy_and_default_tokenize|buy_and_link`),
	pattern("acquiring_channel", `(?i:ECOMMERCE|IN_STORE|TELESALES)`),
	attachmentRule,
	longText("design"),
	object("options",
		pattern("color_border", anyColor),
		pattern("color_border_selected", anyColor),
		pattern("color_details", anyColor),
		pattern("color_text", anyColor),
		longText("radius_border")),
	longText("step_up_id"))

// placeRules are the members of an order placed with an authorization.
var placeRules = append(slices.Clip(purchaseRules), flag("auto_capture"))

// tokenRules are the members of a request for a customer token.
var tokenRules = []rule{
	text("description", 1, 255).must(),
	pattern("intended_use", `(?i:SUBSCRIPTION)`).must(),
	pattern("locale", `[A-Za-z]{2}(?:-[A-Za-z]{2})*`).must(),
	pattern("purchase_country", anyCountry).must(),
	pattern("purchase_currency", `[A-Za-z]{3}`),
	paymentAddressRule("billing_address", 0),
	paymentCustomerRule,
}

// chargeRules are the members of an order placed with a customer token.
var chargeRules = []rule{
	pattern("purchase_currency", `[A-Za-z]{3}`).must(),
	integer("order_amount", 1, math.MaxInt64).must(),
	integer("order_tax_amount", 0, math.MaxInt64).must(),
	paymentLinesRule(255).must(),
	paymentAddressRule("shipping_address", 5),
	paymentURLsRule,
	text("merchant_reference1", 0, 255),
	text("merchant_reference2", 0, 255),
	text("merchant_data", 0, 6000),
	flag("auto_capture"),
	attachmentRule,
	pattern("step_up", `SUPPORTED|NOT_SUPPORTED`),
}

var attachmentRule = object("attachment",
	pattern("content_type", `application/vnd\.klarna\.internal\.emd-v2\+json`).must(), longText("body").must())

var paymentCustomerRule = object("customer",
	pattern("date_of_birth", `\d{4}-\d{2}-\d{2}`),
	pattern("gender", `male|female`),
	longText("title"),
	pattern("type", `person|organization`),
	pattern("last_four_ssn", `\d{4}|\d{9}`),
	longText("national_identification_number"),
	longText("organization_registration_id"),
	longText("organization_entity_type"),
	longText("vat_id"),
	longText("customer_token"))

var paymentURLsRule = object("merchant_urls",
	text("confirmation", 0, 2000),
	text("notification", 0, 2000),
	text("push", 0, 2000),
	text("authorization", 0, 2000),
	text("app_return_url", 0, 2000))

func paymentLinesRule(maxData int64) rule {
	return list("order_lines", maxLines, new(object("",
		pattern("type", `physical|discount|shipping_fee|sales_tax|digital|gift_card|store_credit|surcharge`),
		text("reference", 0, 255),
		text("name", 1, 255).must(),
		integer("quantity", 0, math.MaxInt64).must(),
		text("quantity_unit", 1, 8),
		integer("unit_price", math.MinInt64, maxPaymentAmount).must(),
		integer("tax_rate", 0, wholeRate),
		integer("total_amount", math.MinInt64, maxPaymentAmount).must(),
		integer("total_discount_amount", 0, math.MaxInt64),
		integer("total_tax_amount", math.MinInt64, math.MaxInt64),
		text("merchant_data", 0, maxData),
		text("product_url", 0, 1024),
		text("image_url", 0, 1024),
		identifiersRule,
		subscriptionRule(text("name", 1, 255).must())))).within(1, maxLines)
}

func paymentAddressRule(name string, minPhone int64) rule {
	members := []rule{
		pattern("given_name", personName).within(0, 99),
		pattern("family_name", personName).within(0, 99),
		text("postal_code", 0, 10),
		text("title", 0, 20),
		text("phone", minPhone, 99),
		pattern("country", anyCountry),
	}
	for _, member := range []string{"attention", "city", "email", "organization_name", "region", "street_address", "street_address2"} {
		members = append(members, text(member, 0, 99))
	}
	return object(name, members...)
}
