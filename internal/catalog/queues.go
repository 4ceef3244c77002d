package catalog

import "github.com/shopd/shopd/internal/redisconn"

// Queues returns the queues of reservations: all, by when Klarna is asked, and those that
// hold stock.
func Queues() []redisconn.Queue {
	return []redisconn.Queue{
		{Name: "reservations", Key: askKey},
		{Name: "reserved_stock", Key: heldKey, After: StockHeld},
	}
}
