package catalog

import (
	"context"

	"github.com/redis/go-redis/v9"
	"github.com/shopd/shopd/internal/redisconn"
)

// returnedKey marks an order whose goods have come back.
func returnedKey(orderID string) string { return "shopd:{stock}:returned:" + orderID }

// returnSold gives goods back, once: KEYS what is left, the order's mark; ARGV
// lines, life of the mark in ms.
var returnSold = redis.NewScript(`
if not redis.call('SET', KEYS[2], 1, 'NX', 'PX', ARGV[2]) then return 0 end
for _, line in ipairs(cjson.decode(ARGV[1])) do
  redis.call('HSETNX', KEYS[1], line.sku, line.stock)
  redis.call('HINCRBY', KEYS[1], line.sku, line.quantity)
end
return 1
`)

// Return gives back the stock of an order that was bought and settled, and then
// cancelled. Of an order it does so once within 35 days, whoever asks and how
// often.
func (s *Stock) Return(ctx context.Context, orderID string, lines []ReservedLine) error {
	taken, err := s.taken(lines)
	if err == nil {
		err = returnSold.Run(ctx, s.rdb, []string{stockKey, returnedKey(orderID)}, taken, reservationLife.Milliseconds()).Err()
	}
	return redisconn.Wrap("return stock", err)
}

// Limited returns those of the lines whose stock counts: not digital goods, nor
// what the catalogue does not have.
func (s *Stock) Limited(lines []ReservedLine) []ReservedLine {
	var limited []ReservedLine
	for _, line := range lines {
		if p, known := s.catalog.Product(line.SKU); known && !p.Digital && line.Quantity > 0 {
			limited = append(limited, line)
		}
	}
	return limited
}
