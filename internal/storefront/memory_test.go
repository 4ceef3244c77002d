package storefront_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/shopd/shopd/fakeklarna"
)

// What one shopper takes of Redis, as docs/operations.md has it.
func TestMemoryOfAShopper(t *testing.T) {
	s := newShop(t, fakeklarna.Options{})
	memory := func() (bytes int64) {
		t.Helper()
		keys, err := s.Client.Keys(t.Context(), "shopd:*").Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			n, err := s.Client.MemoryUsage(t.Context(), key, 0).Result()
			if err != nil {
				t.Fatal(err)
			}
			bytes += n
		}
		return bytes
	}
	// told runs the story until all that it waits for is written.
	told := func() {
		ended, end := context.WithCancel(t.Context())
		end()
		s.Story.Run(ended)
	}
	b := s.browser()
	b.Add("MUG-1", "1")
	begun := memory()
	order := b.open(s)
	told()
	opened := memory()
	for i := range 300 {
		if got := b.Update(fmt.Sprintf(`{"order_id":%q,"lines":[{"sku":"MUG-1","quantity":%d}]}`, order.OrderID, 1+i%5)); got.StatusCode != 200 {
			t.Fatalf("update %d: %d %s", i, got.StatusCode, got.Text)
		}
	}
	told()
	updated := memory()
	t.Logf("a new cart and session %d bytes, with an open checkout %d, after 300 updates %d", begun, opened, updated)
	if begun > 1000 || opened > 4500 || updated > 120_000 {
		t.Error("more than docs/operations.md says")
	}
}
