package checkout

import (
	"math"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// What the members of an order may be.
// Source: docs.kustom.co, Checkout API reference, Create order.

// orderRules are the top-level members that a client may send. merchant_urls, and the
// elements of order_lines and discount_lines, are checked in other steps.
var orderRules = []wire.Rule{
	wire.Pattern("purchase_country", wire.AnyCountry).Must(),
	wire.Pattern("purchase_currency", `[A-Za-z]{3}`).Must(),
	wire.Pattern("locale", `[A-Za-z]{2}(?:-[A-Za-z]{2})*`).Must(),
	wire.Integer("order_amount", 0, math.MaxInt64).Must(),
	wire.Integer("order_tax_amount", 0, math.MaxInt64).Must(),
	wire.List("order_lines", wire.MaxLines, nil).Must(),
	addressRule("billing_address"),
	addressRule("shipping_address"),
	wire.Object("customer",
		wire.Pattern("type", `person|organization`),
		wire.Pattern("gender", `male|female`),
		wire.BirthRule,
		wire.LongText("organization_registration_id"),
		wire.LongText("vat_id")),
	wire.Text("merchant_reference1", 0, 255),
	wire.Text("merchant_reference2", 0, 255),
	wire.Text("merchant_data", 0, 6000),
	optionsRule,
	wire.Object("gui", wire.List("options", wire.MaxListed, new(wire.LongText("")))),
	wire.List("shipping_countries", wire.MaxListed, new(wire.Pattern("", wire.AnyCountry))),
	wire.List("billing_countries", wire.MaxListed, new(wire.Pattern("", wire.AnyCountry))),
	wire.List("shipping_options", wire.MaxListed, &shippingOptionRule),
	wire.List("external_payment_methods", wire.MaxListed, new(providerRule(false))),
	wire.List("external_checkouts", wire.MaxListed, new(providerRule(true))),
	wire.Object("attachment", wire.LongText("content_type").Must(), wire.LongText("body").Must()),
	wire.Flag("recurring"),
	wire.Text("recurring_description", 0, 255),
	wire.List("tags", wire.MaxListed, new(wire.LongText(""))),
	wire.List("discount_lines", wire.MaxLines, nil),
}

// discountRule is for an element of discount_lines, which Klarna's discount service makes.
// Source: docs.kustom.co, Create order (discount_line).
var discountRule = wire.Object("",
	wire.Text("name", 1, 255).Must(),
	wire.Integer("quantity", 0, math.MaxInt64).Must(),
	wire.Integer("unit_price", math.MinInt64, 0).Must(),
	wire.Integer("tax_rate", 0, wire.WholeRate).Must(),
	wire.Integer("total_amount", math.MinInt64, 0).Must(),
	wire.Integer("total_tax_amount", math.MinInt64, 0).Must(),
	wire.Text("reference", 0, 255),
	wire.Text("merchant_data", 0, 1024))

var lineRule = wire.Object("",
	wire.Pattern("type", `physical|digital|shipping_fee|surcharge|discount|gift_card|store_credit|sales_tax`),
	wire.Text("reference", 0, 255),
	wire.Text("name", 1, 255).Must(),
	wire.Integer("quantity", 0, math.MaxInt64).Must(),
	wire.Text("quantity_unit", 1, 8),
	wire.Integer("unit_price", math.MinInt64, wire.MaxAmount).Must(),
	wire.Integer("tax_rate", 0, wire.WholeRate).Must(),
	wire.Integer("total_amount", math.MinInt64, wire.MaxAmount).Must(),
	wire.Integer("total_discount_amount", 0, math.MaxInt64),
	wire.Integer("total_tax_amount", math.MinInt64, math.MaxInt64).Must(),
	wire.Text("merchant_data", 0, 1024),
	wire.Text("product_url", 0, 1024),
	wire.Text("image_url", 0, 1024),
	wire.IdentifiersRule,
	wire.Object("shipping_attributes",
		wire.Integer("weight", 0, math.MaxInt64),
		wire.Object("dimensions",
			wire.Integer("height", 0, math.MaxInt64), wire.Integer("width", 0, math.MaxInt64), wire.Integer("length", 0, math.MaxInt64)),
		wire.List("tags", wire.MaxListed, new(wire.LongText("")))),
	wire.SubscriptionRule(wire.LongText("name")))

var optionsRule = wire.Object("options",
	wire.Pattern("acquiring_channel", `(?i:ECOMMERCE|MOTO|IN_STORE|TELESALES)`),
	wire.Flag("allow_separate_shipping_address"),
	wire.Flag("date_of_birth_mandatory"),
	wire.Flag("title_mandatory"),
	wire.Flag("phone_mandatory"),
	wire.Flag("national_identification_number_mandatory"),
	wire.Flag("verify_national_identification_number"),
	wire.Flag("require_validate_callback_success"),
	wire.Flag("require_client_validation"),
	customerTypesRule,
	wire.Object("additional_checkbox", checkboxRules...),
	wire.List("additional_checkboxes", wire.MaxListed, new(wire.Object("", append([]wire.Rule{wire.LongText("id").Must()}, checkboxRules...)...))),
	wire.LongText("additional_merchant_terms"),
	wire.Text("shipping_details", 0, 255),
	wire.Pattern("color_button", wire.AnyColor),
	wire.Pattern("color_button_text", wire.AnyColor),
	wire.Pattern("color_checkbox", wire.AnyColor),
	wire.Pattern("color_checkbox_checkmark", wire.AnyColor),
	wire.Pattern("color_header", wire.AnyColor),
	wire.Pattern("color_link", wire.AnyColor),
	wire.LongText("radius_border"),
	wire.Flag("show_subtotal_detail"),
	wire.Flag("vat_removed"),
	wire.Flag("auto_capture"),
	wire.Flag("enable_discount_module"),
	wire.Flag("show_vat_registration_number_field"),
	// What plugins send and the reference does not list: kept as it is.
	wire.Anything("require_client_validation_callback_response"),
	wire.Anything("packstation_enabled"),
	wire.Anything("shipping_in_iframe"),
	wire.Anything("allow_global_billing_countries"),
	wire.Anything("vat_excluded"),
	wire.Anything("confirmation_page_upsell"),
	wire.Object("tms_configuration_override", wire.Flag("disabled")))

var customerTypesRule = wire.List("allowed_customer_types", 2, new(wire.Pattern("", `person|organization`))).Within(1, 2)

var checkboxRules = []wire.Rule{wire.Text("text", 0, 1000).Must(), wire.Flag("checked").Must(), wire.Flag("required").Must()}

var shippingOptionRule = wire.Object("",
	wire.LongText("id").Must(),
	wire.Text("name", 1, 255).Must(),
	wire.LongText("description"),
	wire.LongText("promo"),
	wire.Integer("price", 0, wire.MaxAmount).Must(),
	wire.Integer("tax_amount", 0, wire.MaxAmount).Must(),
	wire.Integer("tax_rate", 0, wire.WholeRate).Must(),
	wire.Flag("preselected"),
	wire.Pattern("shipping_method", `PickUpStore|Home|BoxReg|BoxUnreg|PickUpPoint|Own|Postal|DHLPackstation|Digital`),
	wire.Object("delivery_details",
		wire.LongText("carrier"), wire.LongText("class"),
		wire.Object("product", wire.LongText("name"), wire.LongText("identifier")),
		wire.Object("timeslot", wire.LongText("id"), wire.LongText("start"), wire.LongText("end")),
		wire.Object("pickup_location", wire.LongText("id"), wire.LongText("name"), addressRule("address"))),
	wire.LongText("tms_reference"),
	wire.List("selected_addons", wire.MaxListed, new(wire.Object("",
		wire.LongText("type"), wire.Integer("price", math.MinInt64, wire.MaxAmount), wire.LongText("external_id"), wire.LongText("user_input")))))

func addressRule(name string) wire.Rule {
	members := []wire.Rule{wire.Pattern("country", wire.AnyCountry)}
	for _, member := range []string{
		"organization_name", "reference", "attention", "given_name", "family_name", "email", "title", "street_address", "street_address2", "street_name",
		"street_number", "house_extension", "care_of", "postal_code", "city", "region", "phone",
	} {
		members = append(members, wire.LongText(member))
	}
	return wire.Object(name, members...)
}

// providerRule is for an external payment method, or an external checkout, which needs an
// image.
func providerRule(needsImage bool) wire.Rule {
	image := securedLink("image_url")
	if needsImage {
		image = image.Must()
	}
	return wire.Object("",
		wire.Text("name", 0, 255).Must(),
		securedLink("redirect_url").Must(),
		wire.Integer("fee", 0, wire.MaxAmount),
		wire.Text("description", 0, 500),
		wire.List("countries", wire.MaxListed, new(wire.Pattern("", wire.AnyCountry))),
		wire.Pattern("label", `continue|complete`),
		image)
}

func securedLink(name string) wire.Rule { return wire.Pattern(name, `https://.+`).Within(0, 2000) }

// urlRules are the members of merchant_urls. Callbacks must be https.
var urlRules = []struct {
	name               string
	required, callback bool
}{
	{"terms", true, false},
	{"checkout", true, false},
	{"confirmation", true, false},
	{"push", true, false},
	{"validation", false, true},
	{"address_update", false, true},
	{"shipping_option_update", false, true},
	{"country_change", false, true},
	{"notification", false, false},
	{"cancellation_terms", false, false},
	{"upsell", false, false},
	{"upsell_validation", false, false},
}
