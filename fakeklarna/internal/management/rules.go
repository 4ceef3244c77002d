package management

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/shopd/shopd/fakeklarna/internal/wire"
)

// What the bodies of Order Management may be.
// Source: docs.klarna.com, Order Management API reference.

const (
	maxAmount  = 200_000_000
	maxLines   = 1000
	maxParcels = 500
)

var authorizationRule = wire.Object("",
	wire.Integer("order_amount", 0, maxAmount).Must(),
	wire.Text("description", 0, 255),
	linesRule)

var referencesRule = wire.Object("",
	wire.Text("merchant_reference1", 0, 255),
	wire.Text("merchant_reference2", 0, 255))

var customerDetailsRule = wire.Object("",
	addressRule("billing_address"),
	addressRule("shipping_address"))

var shippingInfoRule = wire.Object("", parcelsRule(1).Must())

// captureRule: the lowest amount is documented only for finished captures.
var captureRule = wire.Object("",
	wire.Integer("captured_amount", 1, maxAmount).Must(),
	wire.Text("description", 0, 255),
	wire.Text("reference", 0, 255),
	linesRule,
	parcelsRule(0),
	wire.Integer("shipping_delay", 0, math.MaxInt64))

var refundRule = wire.Object("",
	wire.Integer("refunded_amount", 1, maxAmount).Must(),
	wire.Text("description", 0, 255),
	wire.Text("reference", 0, 255),
	linesRule)

var dueDateRule = wire.Object("", wire.Integer("number_of_days", math.MinInt32, math.MaxInt32).Must())

var linesRule = wire.List("order_lines", maxLines, new(wire.Object("",
	wire.Pattern("type", `physical|discount|shipping_fee|sales_tax|store_credit|gift_card|digital|surcharge|return_fee|package`),
	wire.Text("reference", 0, 255),
	wire.Text("name", 0, 255).Must(),
	wire.Integer("quantity", 0, math.MaxInt64).Must(),
	wire.Text("quantity_unit", 0, 10),
	wire.Integer("unit_price", math.MinInt64, maxAmount).Must(),
	wire.Integer("tax_rate", 0, math.MaxInt32),
	wire.Integer("total_amount", math.MinInt64, maxAmount).Must(),
	wire.Integer("total_discount_amount", 0, maxAmount),
	wire.Integer("total_tax_amount", math.MinInt64, maxAmount),
	wire.Text("merchant_data", 0, 1024),
	wire.Text("product_url", 0, 1024),
	wire.Text("image_url", 0, 1024),
	wire.IdentifiersRule,
	wire.SubscriptionRule(wire.Text("name", 0, 255).Must()))))

// parcelsRule: no member of an element is required. Source: recorded captures.
func parcelsRule(least int64) wire.Rule {
	return wire.List("shipping_info", maxParcels, new(wire.Object("",
		wire.Text("shipping_company", 0, 100),
		wire.Pattern("shipping_method", `PickUpStore|Home|BoxReg|BoxUnreg|PickUpPoint|Own|Postal|DHLPackstation|Digital|Undefined|PickUpWarehouse|ClickCollect|PalletDelivery`),
		wire.Text("tracking_number", 0, 100),
		wire.Text("tracking_uri", 0, 1024),
		wire.Text("return_shipping_company", 0, 100),
		wire.Text("return_tracking_number", 0, 100),
		wire.Text("return_tracking_uri", 0, 1024)))).Within(least, maxParcels)
}

func addressRule(name string) wire.Rule {
	return wire.Object(name,
		wire.Text("given_name", 0, 100), wire.Text("family_name", 0, 100), wire.Text("title", 0, 20),
		wire.Text("street_address", 0, 100), wire.Text("street_address2", 0, 100),
		wire.Text("postal_code", 0, 10), wire.Text("city", 0, 200), wire.Text("region", 0, 200),
		wire.LongText("country"), wire.Text("email", 0, 100), wire.Text("phone", 0, 100),
		wire.Text("organization_name", 0, 255), wire.Text("attention", 0, 255))
}

// readBody returns a body without unknown members, or its first error.
func readBody(r *wire.Rule, body []byte) (json.RawMessage, *wire.Error) {
	sent, err := wire.ParseBody(body)
	if err != nil {
		return nil, wire.BadValue("body")
	}
	checked, wrong := r.First(dialectOfAPI, "", sent)
	if wrong != nil {
		return nil, wrong
	}
	return wire.MustJSON(checked), nil
}

// dialectOfAPI: a number counts as a text, as in recorded answers.
// Source: docs.klarna.com, Error codes and messages for order management.
var dialectOfAPI = &wire.Dialect{Separator: "/", NumbersAsText: true, Refuse: func(r *wire.Rule, path string, f wire.Flaw) *wire.Error {
	switch f {
	case wire.OutOfRange:
		return wire.Unprocessable(fmt.Sprintf("The %s value must be between %d and %d", path, r.Min, r.Max))
	case wire.WrongSize:
		return wire.Unprocessable(fmt.Sprintf("The size of the %s value must be between %d and %d", path, r.Min, r.Max))
	case wire.WrongText:
		return wire.Unprocessable(fmt.Sprintf("The %s value is not valid", path))
	case wire.Missed:
		return wire.Unprocessable("'" + path + "' must not be null")
	default:
		return wire.BadValue(path)
	}
}}
