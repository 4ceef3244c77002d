package stafflog_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/stafflog"
)

// The newest entries come first, and what is too old goes with the next one.
func TestLog(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := time.Now().UTC().Truncate(time.Millisecond)
		old := stafflog.Entry{At: now.Add(-stafflog.Kept - time.Second), Staff: "ada", Event: stafflog.SignIn, Outcome: "wrong"}
		first := stafflog.Entry{At: now.Add(-stafflog.Kept + time.Minute), Event: stafflog.SignIn, Outcome: "wrong"}
		second := stafflog.Entry{At: now, Staff: "ada", Event: stafflog.Export, Outcome: "begun", Detail: "orders"}
		for _, e := range []stafflog.Entry{old, first, second} {
			if err := stafflog.Add(t.Context(), d, e); err != nil {
				t.Fatal(err)
			}
		}
		for limit, want := range map[int][]stafflog.Entry{1: {second}, 9: {second, first}} {
			got, err := stafflog.Newest(t.Context(), d, limit)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		}
	})
}
