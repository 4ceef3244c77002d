package api_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/api"
	"github.com/shopd/shopd/internal/shop"
)

var parcels = flag.Int("api.orders", 12, "orders of TestWarehouse")

// A warehouse on three processes: each of its loops asks for what is to be sent, ships and
// captures it, and is now and then killed before it has the answer. Each order is shipped and
// captured once: go test ./internal/api -run Warehouse -api.orders 10000 -timeout 60m
func TestWarehouse(t *testing.T) {
	w := keyed(t)
	for _, sku := range []string{"MUG-1", "JAM-1"} {
		w.Stocked(sku, 3**parcels+10)
	}
	for range *parcels {
		w.Placed()
	}
	urls := []string{w.URL}
	for range 2 {
		_, url := w.Listen(func(c *shop.Config) {
			keys, err := api.ParseKeys(api.KeyLine("all", "all", "sk_all"))
			if err != nil {
				t.Fatal(err)
			}
			c.Keys = keys
		})
		urls = append(urls, url)
	}
	start := time.Now()
	var all sync.WaitGroup
	for i, url := range urls {
		all.Go(func() {
			for round := 0; ; round++ {
				if warehouse(t, url, i+round) == 0 {
					return
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d orders in %v", *parcels, time.Since(start).Round(time.Millisecond))
	if n := w.Number("select count(*) from orders where status = 'CAPTURED'"); n != int64(*parcels) {
		t.Errorf("%d of %d are captured", n, *parcels)
	}
	for _, managed := range w.Fake.Orders() {
		o := w.InBook(managed.OrderID)
		if len(o.Captures) != 1 || len(o.Shipments) != 1 {
			t.Errorf("order %s has %d captures and %d shipments", o.Number, len(o.Captures), len(o.Shipments))
		}
	}
}

// warehouse is a round of a warehouse's loop, and returns how many orders it has seen. Every
// third call of its is broken off, as by a crash.
func warehouse(t *testing.T, url string, salt int) (seen int) {
	call := func(method, path, key, body string, into any) int {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if salt++; key != "" && salt%3 == 0 {
			killed, kill := context.WithTimeout(ctx, 3*time.Millisecond)
			defer kill()
			ctx = killed
		}
		r, err := http.NewRequestWithContext(ctx, method, url+"/v1"+path, strings.NewReader(body))
		if err != nil {
			t.Error(err)
			return 0
		}
		r.Header.Set("Authorization", "Bearer sk_all")
		r.Header.Set("Content-Type", "application/json")
		if key != "" {
			r.Header.Set("Idempotency-Key", key)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return 0 // killed
		}
		defer func() { _ = answer.Body.Close() }()
		_ = json.NewDecoder(answer.Body).Decode(into)
		return answer.StatusCode
	}
	var list api.OrderList
	if call("GET", "/orders?status=open&limit=200", "", "", &list) != 200 {
		return 1
	}
	for _, o := range list.Data {
		if !o.Shippable {
			continue
		}
		var done api.ActionResult
		status := call("POST", "/orders/"+o.ID+"/captures", "ship-"+o.ID, fmt.Sprintf(`{"shipments": [{"carrier": "PostNord", "tracking_number": "%s"}]}`, o.Number), &done)
		switch status {
		case 0, 200, 202, 409, 429, 503:
		default:
			t.Errorf("order %s: %d", o.Number, status)
		}
	}
	return len(list.Data)
}
