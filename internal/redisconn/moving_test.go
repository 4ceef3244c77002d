package redisconn_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redistest"
)

// While a slot moves, commands are redirected and scripts that miss a key are put
// off. Each is done once, and the caller hears nothing of it.
func TestSlotMoves(t *testing.T) {
	t.Parallel()
	s := redistest.Cluster(t)
	c := s.Client()
	const keys = 25 // moved in three batches
	for i := range keys {
		if err := c.Set(t.Context(), fmt.Sprint("{tag}:", i), "v", time.Minute).Err(); err != nil {
			t.Fatal(err)
		}
	}
	add := redis.NewScript(`return redis.call('INCR', KEYS[1]) + redis.call('EXISTS', KEYS[2])`)
	want := 0
	run := func() {
		t.Helper()
		want++
		if got, err := add.Run(t.Context(), c, []string{"{tag}:n", "{tag}:none"}).Int(); got != want || err != nil {
			t.Fatalf("script = %d, %v, want %d", got, err, want)
		}
		if got, err := c.Get(t.Context(), "{tag}:n").Int(); got != want || err != nil {
			t.Fatalf("read = %d, %v, want %d", got, err, want)
		}
	}
	run()
	for range 3 { // to each of the masters
		done := make(chan int, 1)
		go func() {
			defer close(done) // also where it fails, and has nothing to tell
			done <- s.MoveSlot("{tag}", 150*time.Millisecond)
		}()
		moved := -1
		for moved < 0 && !t.Failed() {
			run()
			select {
			case moved = <-done:
			default:
			}
		}
		if moved != keys+1 {
			t.Fatalf("%d keys were moved, want %d", moved, keys+1)
		}
	}
	run()
}
