package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/catalog"
)

// The goods of a cancelled order come back once, however often it is asked.
func TestReturn(t *testing.T) {
	onEach(t, func(t *testing.T, rdb redis.UniversalClient) {
		s := newShelf(t, rdb)
		must(t, s.reserve("a", "1", 0, mugs(2)...))
		s.settle("a", "1", true, mugs(2)...)
		lines := append(mugs(2), catalog.ReservedLine{SKU: "EBK-1", Quantity: 1}, catalog.ReservedLine{SKU: "GONE-1", Quantity: 3})
		for range 3 {
			must(t, s.Return(t.Context(), "1", lines))
			s.left(map[string]int{"MUG-1": 240})
		}
		must(t, s.Return(t.Context(), "2", mugs(1)))
		s.left(map[string]int{"MUG-1": 241})
		if diff := cmp.Diff(mugs(2), s.Limited(lines)); diff != "" {
			t.Error(diff)
		}
		if ttl := rdb.PTTL(t.Context(), "shopd:{stock}:returned:1").Val(); ttl <= 0 {
			t.Errorf("the mark lives for %v", ttl)
		}
	})
}
