package story_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/story"
)

// FuzzStored: whatever the story's keys hold, reading it is an error or a story in the
// order of time, never a panic.
func FuzzStored(f *testing.F) {
	f.Add(`{"operation":"create kco order","status":201,"facts":[{"n":"quantity MUG-1","v":"2"}]}`, `{"callback":"validation","status":200}`)
	f.Add(`{"at":"x"}`, `[]`)
	f.Add(`{"facts":[{"n":"order_amount","v":"x"}],"status":-1}`, `{"facts":null,"path":"/a/{b}","order_id":"o"}`)
	f.Add(``, "\xff")
	rdb := redistest.Start(f)
	p := start(f, rdb)
	f.Fuzz(func(t *testing.T, one, two string) {
		for _, key := range []string{"shopd:inspect:cart:{c}", "shopd:inspect:order:{o}"} {
			if err := rdb.Del(t.Context(), key).Err(); err != nil {
				t.Fatal(err)
			}
			if err := rdb.ZAdd(t.Context(), key, redis.Z{Score: 2, Member: one}, redis.Z{Score: 1, Member: two}).Err(); err != nil {
				t.Fatal(err)
			}
		}
		told, err := p.Story(t.Context(), "c", "o")
		if err != nil {
			return
		}
		for i := 1; i < len(told); i++ {
			if told[i].At.Before(told[i-1].At) {
				t.Errorf("event %d is before the one before it", i)
			}
		}
		_, _ = story.Orders(told), story.CartOf(told)
	})
}
