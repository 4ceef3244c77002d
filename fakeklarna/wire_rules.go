package fakeklarna

import "math"

const (
	anyCountry = `[A-Za-z]{2}`
	anyColor   = `#[A-Fa-f0-9]{6}`
	maxAmount  = 100_000_000 // of unit_price and total_amount
	maxLines   = 1000
	maxListed  = 1000 // elements of the other lists; no limit is documented
)

var identifiersRule = object("product_identifiers",
	text("brand", 0, 70), text("color", 0, 64), text("category_path", 0, 750),
	text("global_trade_item_number", 0, 50), text("manufacturer_part_number", 0, 70), text("size", 0, 64))

func subscriptionRule(name rule) rule {
	return object("subscription", name,
		pattern("interval", `DAY|WEEK|MONTH|YEAR`).must(), integer("interval_count", 1, math.MaxInt64).must())
}

const wholeRate = 10000 // 100 % in hundredths of a percent
