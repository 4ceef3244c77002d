package fakeklarna

import "math"

// What the members of an order may be.
// Source: docs.kustom.co, Checkout API reference, Create order.

// orderRules are the top-level members that a client may send. merchant_urls, and the
// elements of order_lines and discount_lines, are checked in other steps.
var orderRules = []rule{
	pattern("purchase_country", anyCountry).must(),
	pattern("purchase_currency", `[A-Za-z]{3}`).must(),
	pattern("locale", `[A-Za-z]{2}(?:-[A-Za-z]{2})*`).must(),
	integer("order_amount", 0, math.MaxInt64).must(),
	integer("order_tax_amount", 0, math.MaxInt64).must(),
	list("order_lines", maxLines, nil).must(),
	addressRule("billing_address"),
	addressRule("shipping_address"),
	object("customer",
		pattern("type", `person|organization`),
		pattern("gender", `male|female`),
		pattern("date_of_birth", `\d{4}-\d{2}-\d{2}`),
		longText("organization_registration_id"),
		longText("vat_id")),
	text("merchant_reference1", 0, 255),
	text("merchant_reference2", 0, 255),
	text("merchant_data", 0, 6000),
	optionsRule,
	object("gui", list("options", maxListed, new(longText("")))),
	list("shipping_countries", maxListed, new(pattern("", anyCountry))),
	list("billing_countries", maxListed, new(pattern("", anyCountry))),
	list("shipping_options", maxListed, &shippingOptionRule),
	list("external_payment_methods", maxListed, new(providerRule(false))),
	list("external_checkouts", maxListed, new(providerRule(true))),
	object("attachment", longText("content_type").must(), longText("body").must()),
	flag("recurring"),
	text("recurring_description", 0, 255),
	list("tags", maxListed, new(longText(""))),
	list("discount_lines", maxLines, nil),
}

// discountRule is for an element of discount_lines, which Klarna's discount service makes.
// Source: docs.kustom.co, Create order (discount_line).
var discountRule = object("",
	text("name", 1, 255).must(),
	integer("quantity", 0, math.MaxInt64).must(),
	integer("unit_price", math.MinInt64, 0).must(),
	integer("tax_rate", 0, wholeRate).must(),
	integer("total_amount", math.MinInt64, 0).must(),
	integer("total_tax_amount", math.MinInt64, 0).must(),
	text("reference", 0, 255),
	text("merchant_data", 0, 1024))

var lineRule = object("",
	pattern("type", `physical|digital|shipping_fee|surcharge|discount|gift_card|store_credit|sales_tax`),
	text("reference", 0, 255),
	text("name", 1, 255).must(),
	integer("quantity", 0, math.MaxInt64).must(),
	text("quantity_unit", 1, 8),
	integer("unit_price", math.MinInt64, maxAmount).must(),
	integer("tax_rate", 0, wholeRate).must(),
	integer("total_amount", math.MinInt64, maxAmount).must(),
	integer("total_discount_amount", 0, math.MaxInt64),
	integer("total_tax_amount", math.MinInt64, math.MaxInt64).must(),
	text("merchant_data", 0, 1024),
	text("product_url", 0, 1024),
	text("image_url", 0, 1024),
	identifiersRule,
	object("shipping_attributes",
		integer("weight", 0, math.MaxInt64),
		object("dimensions",
			integer("height", 0, math.MaxInt64), integer("width", 0, math.MaxInt64), integer("length", 0, math.MaxInt64)),
		list("tags", maxListed, new(longText("")))),
	subscriptionRule(longText("name")))

var optionsRule = object("options",
	pattern("acquiring_channel", `ECOMMERCE|MOTO|IN_STORE|TELESALES`),
	flag("allow_separate_shipping_address"),
	flag("date_of_birth_mandatory"),
	flag("title_mandatory"),
	flag("phone_mandatory"),
	flag("national_identification_number_mandatory"),
	flag("verify_national_identification_number"),
	flag("require_validate_callback_success"),
	flag("require_client_validation"),
	customerTypesRule,
	object("additional_checkbox", checkboxRules...),
	list("additional_checkboxes", maxListed, new(object("", append([]rule{longText("id").must()}, checkboxRules...)...))),
	longText("additional_merchant_terms"),
	text("shipping_details", 0, 255),
	pattern("color_button", anyColor),
	pattern("color_button_text", anyColor),
	pattern("color_checkbox", anyColor),
	pattern("color_checkbox_checkmark", anyColor),
	pattern("color_header", anyColor),
	pattern("color_link", anyColor),
	longText("radius_border"),
	flag("show_subtotal_detail"),
	flag("vat_removed"),
	flag("auto_capture"),
	flag("enable_discount_module"),
	flag("show_vat_registration_number_field"),
	// What plugins send and the reference does not list: kept as it is.
	anything("require_client_validation_callback_response"),
	anything("packstation_enabled"),
	anything("shipping_in_iframe"),
	anything("allow_global_billing_countries"),
	anything("vat_excluded"),
	anything("confirmation_page_upsell"))

var customerTypesRule = list("allowed_customer_types", 2, new(pattern("", `person|organization`))).within(1, 2)

var checkboxRules = []rule{text("text", 0, 1000).must(), flag("checked").must(), flag("required").must()}

var shippingOptionRule = object("",
	longText("id").must(),
	text("name", 1, 255).must(),
	longText("description"),
	longText("promo"),
	integer("price", 0, maxAmount).must(),
	integer("tax_amount", 0, maxAmount).must(),
	integer("tax_rate", 0, wholeRate).must(),
	flag("preselected"),
	pattern("shipping_method", `PickUpStore|Home|BoxReg|BoxUnreg|PickUpPoint|Own|Postal|DHLPackstation|Digital`),
	object("delivery_details",
		longText("carrier"), longText("class"),
		object("product", longText("name"), longText("identifier")),
		object("timeslot", longText("id"), longText("start"), longText("end")),
		object("pickup_location", longText("id"), longText("name"), addressRule("address"))),
	longText("tms_reference"),
	list("selected_addons", maxListed, new(object("",
		longText("type"), integer("price", math.MinInt64, maxAmount), longText("external_id"), longText("user_input")))))

func addressRule(name string) rule {
	members := []rule{pattern("country", anyCountry)}
	for _, member := range []string{
		"organization_name", "reference", "attention", "given_name", "family_name", "email", "title", "street_address", "street_address2", "street_name",
		"street_number", "house_extension", "care_of", "postal_code", "city", "region", "phone",
	} {
		members = append(members, longText(member))
	}
	return object(name, members...)
}

// providerRule is for an external payment method, or an external checkout, which needs an
// image.
func providerRule(needsImage bool) rule {
	image := securedLink("image_url")
	if needsImage {
		image = image.must()
	}
	return object("",
		text("name", 0, 255).must(),
		securedLink("redirect_url").must(),
		integer("fee", 0, maxAmount),
		text("description", 0, 500),
		list("countries", maxListed, new(pattern("", anyCountry))),
		pattern("label", `continue|complete`),
		image)
}

func securedLink(name string) rule { return pattern(name, `https://.+`).within(0, 2000) }

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
