package rounds_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopd/shopd/internal/rounds"
)

func TestEach(t *testing.T) {
	odd := errors.New("odd")
	for name, c := range map[string]struct{ items, done []int }{
		"nothing":         {nil, nil},
		"all is well":     {[]int{2, 4}, []int{2, 4}},
		"one fails":       {[]int{1, 2, 4}, []int{1, 2, 4}},
		"too many failed": {[]int{1, 2, 3, 4, 5}, []int{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			var done []int
			err := rounds.Each(c.items, 2, func(n int) error {
				done = append(done, n)
				if n%2 == 1 {
					return odd
				}
				return nil
			})
			if !slices.Equal(done, c.done) {
				t.Errorf("done: %v, want %v", done, c.done)
			}
			if failed := slices.Contains(c.items, 1); errors.Is(err, odd) != failed || err == nil == failed {
				t.Errorf("error: %v", err)
			}
		})
	}
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		start := time.Now()
		var at []time.Duration
		rounds.Every(ctx, 5*time.Second, func() {
			if at = append(at, time.Since(start)); len(at) == 2 {
				stop()
			}
		})
		if want := []time.Duration{5 * time.Second, 10 * time.Second}; !slices.Equal(at, want) {
			t.Errorf("rounds at %v, want %v", at, want)
		}
	})
}
