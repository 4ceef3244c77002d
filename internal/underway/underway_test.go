package underway_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/observe"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/underway"
)

// An update stays on the list until its answer, and for as long as it is to be looked at;
// what is no update of this version is cleared away.
func TestList(t *testing.T) {
	rdb := redistest.StartServer(t).Client()
	list, ctx := &underway.List{Redis: rdb}, t.Context()
	due := func(after time.Duration, want ...underway.Update) {
		t.Helper()
		got, err := list.Due(ctx, time.Now().Add(after), 10)
		if err != nil || len(got) != len(want) {
			t.Fatalf("after %v: %v, want %v, %v", after, got, want, err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("after %v: %+v, want %+v", after, got[i], want[i])
			}
		}
	}
	begin := func() underway.Update {
		t.Helper()
		u, err := list.Begin(ctx, underway.Update{Product: observe.KCO, CartID: "c", Lease: "l"})
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	rdb.ZAdd(ctx, "shopd:{underway}", redis.Z{Score: 1, Member: "nonsense"}, redis.Z{Score: 1, Member: `{"v":99}`})
	lost, agreed, refused := begin(), begin(), begin()
	if list.Ended(ctx, lost, true, true)(rdb.Pipeline()); lost == agreed {
		t.Error("two updates are one")
	}
	pipe := rdb.Pipeline()
	list.Ended(ctx, agreed, false, true)(pipe)
	if _, err := pipe.Exec(ctx); err != nil {
		t.Fatal(err)
	}
	list.Ended(ctx, refused, false, false)
	due(0)
	due(underway.FirstLook, lost)
	if n := rdb.ZCard(ctx, "shopd:{underway}").Val(); n != 1 {
		t.Errorf("%d entries, want 1", n)
	}
	if err := list.Again(ctx, lost, time.Now().Add(underway.LastLook)); err != nil {
		t.Fatal(err)
	}
	due(underway.FirstLook)
	due(underway.LastLook, lost)
	if err := list.End(ctx, lost); err != nil {
		t.Fatal(err)
	}
	if err := list.Again(ctx, lost, time.Now()); err != nil { // it was ended meanwhile
		t.Fatal(err)
	}
	due(time.Hour)
	if n, _, err := list.Queue().Length(ctx); n != 0 || err != nil {
		t.Errorf("%d wait, %v", n, err)
	}
}
