package catalog

import "github.com/shopd/shopd/internal/redisconn"

// Queues are the reservations about which Klarna is to be asked, which are all,
// and those that hold stock.
func Queues() []redisconn.Queue {
	return []redisconn.Queue{
		{Name: "reservations", Key: askKey},
		{Name: "reserved_stock", Key: heldKey, After: StockHeld},
	}
}
