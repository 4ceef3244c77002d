package payments

import (
	"math"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// Rules for a payment session, its order and a customer token. Members without a rule, and
// those that are only read, are accepted and dropped.
// Source: docs.klarna.com, Klarna Payments API reference.

const (
	maxAmount      = 200_000_000 // of a line's unit_price and total_amount
	anyName        = `[\p{L}\p{M}\d\-'’.°ºª ]`
	anyNameNoDigit = `[\p{L}\p{M}\-'’.°ºª ]`
	// PersonName: letters and few signs, more than one, not only digits.
	// Source: docs.klarna.com, Customer data requirements.
	PersonName = `|` + anyNameNoDigit + anyName + `+|` + anyName + `+` + anyNameNoDigit + anyName + `*`
)

// purchaseRules are the members of a session and of its order; must makes country and
// currency required.
func purchaseRules(must func(wire.Rule) wire.Rule) []wire.Rule {
	return []wire.Rule{
		must(wire.Pattern("purchase_country", wire.AnyCountry)),
		must(wire.Pattern("purchase_currency", `[A-Za-z]{3}`)),
		wire.Pattern("locale", `[A-Za-z]{2}(?:-[A-Za-z]{2})*`),
		wire.Integer("order_amount", 0, math.MaxInt64).Must(),
		wire.Integer("order_tax_amount", 0, math.MaxInt64),
		linesRule(1024).Must(),
		addressRule("billing_address", 0),
		addressRule("shipping_address", 0),
		customerRule,
		urlsRule,
		wire.Text("merchant_reference1", 0, 255),
		wire.Text("merchant_reference2", 0, 255),
		wire.Text("merchant_data", 0, 6000),
		wire.List("custom_payment_method_ids", wire.MaxListed, new(wire.LongText(""))),
	}
}

// sessionRules are the members of a session.
var sessionRules = append(purchaseRules(wire.Rule.MustFirst),
	wire.Pattern("intent", `buy|tokenize|buy_and_tokenize|buy_and_default_tokenize|buy_and_link`),
	wire.Pattern("acquiring_channel", `(?i:ECOMMERCE|IN_STORE|TELESALES)`),
	attachmentRule,
	wire.LongText("design"),
	wire.Object("options",
		wire.Pattern("color_border", wire.AnyColor),
		wire.Pattern("color_border_selected", wire.AnyColor),
		wire.Pattern("color_details", wire.AnyColor),
		wire.Pattern("color_text", wire.AnyColor),
		wire.LongText("radius_border")),
	wire.LongText("step_up_id"))

// placeRules are the members of an order placed with an authorization.
var placeRules = append(purchaseRules(wire.Rule.Must), wire.Flag("auto_capture"))

// tokenRules are the members of a request for a customer token.
var tokenRules = []wire.Rule{
	wire.Text("description", 1, 255).MustFirst(),
	wire.Pattern("intended_use", `(?i:SUBSCRIPTION)`).MustFirst(),
	wire.Pattern("locale", `[A-Za-z]{2}(?:-[A-Za-z]{2})*`).Must(),
	wire.Pattern("purchase_country", wire.AnyCountry).Must(),
	wire.Pattern("purchase_currency", `[A-Za-z]{3}`),
	addressRule("billing_address", 0),
	customerRule,
}

// chargeRules are the members of an order placed with a customer token.
var chargeRules = []wire.Rule{
	wire.Pattern("purchase_currency", `[A-Za-z]{3}`).Must(),
	wire.Integer("order_amount", 1, math.MaxInt64).Must(),
	wire.Integer("order_tax_amount", 0, math.MaxInt64).Must(),
	linesRule(255).Must(),
	addressRule("shipping_address", 5),
	urlsRule,
	wire.Text("merchant_reference1", 0, 255),
	wire.Text("merchant_reference2", 0, 255),
	wire.Text("merchant_data", 0, 6000),
	wire.Flag("auto_capture"),
	attachmentRule,
	wire.Pattern("step_up", `SUPPORTED|NOT_SUPPORTED`),
}

var attachmentRule = wire.Object("attachment",
	wire.Pattern("content_type", `application/vnd\.klarna\.internal\.emd-v2\+json`).Must(), wire.LongText("body").Must())

var customerRule = wire.Object("customer",
	wire.BirthRule,
	wire.Pattern("gender", `male|female`),
	wire.LongText("title"),
	wire.Pattern("type", `person|organization`),
	wire.Pattern("last_four_ssn", `\d{4}|\d{9}`),
	wire.LongText("national_identification_number"),
	wire.LongText("organization_registration_id"),
	wire.LongText("organization_entity_type"),
	wire.LongText("vat_id"),
	wire.LongText("customer_token"))

var urlsRule = wire.Object("merchant_urls",
	wire.Text("confirmation", 0, 2000),
	wire.Text("notification", 0, 2000),
	wire.Text("push", 0, 2000),
	wire.Text("authorization", 0, 2000),
	wire.Text("app_return_url", 0, 2000))

func linesRule(maxData int64) wire.Rule {
	return wire.List("order_lines", wire.MaxLines, new(wire.Object("",
		wire.Pattern("type", `physical|discount|shipping_fee|sales_tax|digital|gift_card|store_credit|surcharge`),
		wire.Text("reference", 0, 255),
		wire.Text("name", 1, 255).Must(),
		wire.Integer("quantity", 0, math.MaxInt64).Must(),
		wire.Text("quantity_unit", 1, 8),
		wire.Integer("unit_price", math.MinInt64, maxAmount).Must(),
		wire.Integer("tax_rate", 0, wire.WholeRate),
		wire.Integer("total_amount", math.MinInt64, maxAmount).Must(),
		wire.Integer("total_discount_amount", 0, math.MaxInt64),
		wire.Integer("total_tax_amount", math.MinInt64, math.MaxInt64),
		wire.Text("merchant_data", 0, maxData),
		wire.Text("product_url", 0, 1024),
		wire.Text("image_url", 0, 1024),
		wire.IdentifiersRule,
		wire.SubscriptionRule(wire.Text("name", 1, 255).Must())))).Within(1, wire.MaxLines)
}

func addressRule(name string, minPhone int64) wire.Rule {
	members := []wire.Rule{
		wire.Pattern("given_name", PersonName).Within(0, 99),
		wire.Pattern("family_name", PersonName).Within(0, 99),
		wire.Text("postal_code", 0, 10),
		wire.Text("title", 0, 20),
		wire.Text("phone", minPhone, 99),
		wire.Pattern("country", wire.AnyCountry),
	}
	for _, member := range []string{"attention", "city", "email", "organization_name", "region", "street_address", "street_address2"} {
		members = append(members, wire.Text(member, 0, 99))
	}
	return wire.Object(name, members...)
}
