package catalog

import (
	"context"

	"github.com/redis/go-redis/v9"
	"github.com/shopd/shopd/internal/redisconn"
)

// returnedKey marks an order whose goods have come back.
func returnedKey(orderID string) string { return "shopd:{stock}:returned:" + orderID }

// returnSold gives goods back, once. KEYS stock left, the order's mark; ARGV lines, life
// of the mark in ms.
var returnSold = redis.NewScript(`
if not redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[2]) then return 0 end
for _, line in ipairs(cjson.decode(ARGV[1])) do
  redis.call('HSETNX', KEYS[1], line.sku, line.stock)
  redis.call('HINCRBY', KEYS[1], line.sku, line.quantity)
end
return 1
`)

// Return gives back the stock of a settled order that was cancelled. Repeating it within
// 35 days changes nothing.
func (s *Stock) Return(ctx context.Context, orderID string, lines []ReservedLine) error {
	taken, err := s.taken(lines)
	if err == nil {
		err = returnSold.Run(ctx, s.rdb, []string{stockKey, returnedKey(orderID)}, taken, reservationLife.Milliseconds()).Err()
	}
	return redisconn.Wrap("return stock", err)
}

// Limited returns the lines whose stock is counted: no digital goods, and no products
// outside the catalogue.
func (s *Stock) Limited(lines []ReservedLine) []ReservedLine {
	var limited []ReservedLine
	for _, line := range lines {
		if p, known := s.catalog.Product(line.SKU); known && !p.Digital && line.Quantity > 0 {
			limited = append(limited, line)
		}
	}
	return limited
}
