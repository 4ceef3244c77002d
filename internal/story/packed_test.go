package story_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/story"
)

// The story of a cart with many lines that is changed without an end takes a bounded part of Redis, and keeps the newest.
func TestLargeEntries(t *testing.T) {
	rdb := redistest.Start(t)
	p := start(t, rdb)
	const updates = 120
	for i := range updates {
		e := story.Entry{CartID: "cart", OrderID: "order", At: time.Now(), Kind: story.ToKlarna, Operation: "update kco order", Status: 200}
		for line := range 100 {
			sku := fmt.Sprintf("SKU-%d-%s", line, strings.Repeat("x", 20))
			e.Facts = append(e.Facts, story.Number("quantity "+sku, i), story.Number("total "+sku, 1000*i*line), story.Number("unit_price "+sku, 1000))
		}
		p.Record(e)
	}
	told := p.story("cart")
	var bytes int64
	for _, key := range []string{"shopd:inspect:cart:{cart}", "shopd:inspect:order:{order}"} {
		n, err := rdb.MemoryUsage(t.Context(), key, 0).Result()
		if err != nil {
			t.Fatal(err)
		}
		bytes += n
	}
	if bytes > 200<<10 || len(told) < 20 {
		t.Errorf("%d entries take %d bytes", len(told), bytes)
	}
	if last := told[len(told)-1]; len(last.Facts) != 300 || last.Facts[0].Value != fmt.Sprint(updates-1) {
		t.Errorf("the newest entry has %d facts, the first is %v", len(last.Facts), last.Facts[0])
	}
}
