package fakeklarna

import (
	"encoding/json"
	"fmt"
	"math"
)

// What the bodies of Order Management may be.
// Source: docs.klarna.com, Order Management API reference.

const (
	maxManagedAmount = 200_000_000
	maxManagedLines  = 1000
	maxParcels       = 500
)

var authorizationRule = object("",
	integer("order_amount", 0, maxManagedAmount).must(),
	text("description", 0, 255),
	managedLinesRule)

var referencesRule = object("",
	text("merchant_reference1", 0, 255),
	text("merchant_reference2", 0, 255))

var customerDetailsRule = object("",
	managedAddressRule("billing_address"),
	managedAddressRule("shipping_address"))

var shippingInfoRule = object("", parcelsRule(1).must())

// captureRule: the lowest amount is documented only for finished captures.
var captureRule = object("",
	integer("captured_amount", 1, maxManagedAmount).must(),
	text("description", 0, 255),
	text("reference", 0, 255),
	managedLinesRule,
	parcelsRule(0),
	integer("shipping_delay", 0, math.MaxInt64))

var refundRule = object("",
	integer("refunded_amount", 1, maxManagedAmount).must(),
	text("description", 0, 255),
	text("reference", 0, 255),
	managedLinesRule)

var dueDateRule = object("", integer("number_of_days", math.MinInt32, math.MaxInt32).must())

var managedLinesRule = list("order_lines", maxManagedLines, new(object("",
	pattern("type", `physical|discount|shipping_fee|sales_tax|store_credit|gift_card|digital|surcharge|return_fee|package`),
	text("reference", 0, 255),
	text("name", 0, 255).must(),
	integer("quantity", 0, math.MaxInt64).must(),
	text("quantity_unit", 0, 10),
	integer("unit_price", math.MinInt64, maxManagedAmount).must(),
	integer("tax_rate", 0, math.MaxInt32),
	integer("total_amount", math.MinInt64, maxManagedAmount).must(),
	integer("total_discount_amount", 0, maxManagedAmount),
	integer("total_tax_amount", math.MinInt64, maxManagedAmount),
	text("merchant_data", 0, 1024),
	text("product_url", 0, 1024),
	text("image_url", 0, 1024),
	identifiersRule,
	subscriptionRule(text("name", 0, 255).must()))))

// parcelsRule: no member of an element is required. Source: recorded captures.
func parcelsRule(least int64) rule {
	return list("shipping_info", maxParcels, new(object("",
		text("shipping_company", 0, 100),
		pattern("shipping_method", `PickUpStore|Home|BoxReg|BoxUnreg|PickUpPoint|Own|Postal|DHLPackstation|Digital|Undefined|PickUpWarehouse|ClickCollect|PalletDelivery`),
		text("tracking_number", 0, 100),
		text("tracking_uri", 0, 1024),
		text("return_shipping_company", 0, 100),
		text("return_tracking_number", 0, 100),
		text("return_tracking_uri", 0, 1024)))).within(least, maxParcels)
}

func managedAddressRule(name string) rule {
	return object(name,
		text("given_name", 0, 100), text("family_name", 0, 100), text("title", 0, 20),
		text("street_address", 0, 100), text("street_address2", 0, 100),
		text("postal_code", 0, 10), text("city", 0, 200), text("region", 0, 200),
		longText("country"), text("email", 0, 100), text("phone", 0, 100),
		text("organization_name", 0, 255), text("attention", 0, 255))
}

// readManagedBody returns a body without unknown members, or its first error.
func readManagedBody(r *rule, body []byte) (json.RawMessage, *apiError) {
	sent, err := parseBody(body)
	if err != nil {
		return nil, badValue("body")
	}
	checked, wrong := r.first(managementDialect, "", sent)
	if wrong != nil {
		return nil, wrong
	}
	return mustJSON(checked), nil
}

// managementDialect: a number counts as a text, as in recorded answers.
// Source: docs.klarna.com, Error codes and messages for order management.
var managementDialect = &dialect{"/", false, true, func(r *rule, path string, f flaw) *apiError {
	switch f {
	case outOfRange:
		return unprocessable(fmt.Sprintf("The %s value must be between %d and %d", path, r.min, r.max))
	case wrongSize:
		return unprocessable(fmt.Sprintf("The size of the %s value must be between %d and %d", path, r.min, r.max))
	case wrongText:
		return unprocessable(fmt.Sprintf("The %s value is not valid", path))
	case missed:
		return unprocessable("'" + path + "' must not be null")
	default:
		return badValue(path)
	}
}}
