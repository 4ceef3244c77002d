package wire

import "math"

const (
	AnyCountry = `[A-Za-z]{2}`
	AnyColor   = `#[A-Fa-f0-9]{6}`
	MaxAmount  = 100_000_000 // of unit_price and total_amount
	MaxLines   = 1000
	MaxListed  = 1000 // elements of the other lists; no limit is documented
)

var IdentifiersRule = Object("product_identifiers",
	Text("brand", 0, 70), Text("color", 0, 64), Text("category_path", 0, 750),
	Text("global_trade_item_number", 0, 50), Text("manufacturer_part_number", 0, 70), Text("size", 0, 64))

func SubscriptionRule(name Rule) Rule {
	return Object("subscription", name,
		Pattern("interval", `DAY|WEEK|MONTH|YEAR`).Must(), Integer("interval_count", 1, math.MaxInt64).Must())
}

const WholeRate = 10000 // 100 % in hundredths of a percent
