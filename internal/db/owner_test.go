//go:build unix

package db_test

import (
	"net/url"
	"os"
	"syscall"
	"testing"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
)

// Root may look at a database of the shop's user before that user opens it, as `shopd doctor` and
// `shopd erase` do: what is made beside the file is that user's.
func TestRootLeavesTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can open what is another's")
	}
	const user = 65534
	address := dbtest.SQLiteURL(t)
	u, err := url.Parse(address)
	if err == nil {
		err = os.Chown(u.Path, user, user)
	}
	if err != nil {
		t.Fatal(err)
	}
	d := dbtest.Open(t, db.Config{URL: address, Existing: true})
	if _, err := d.Exec(t.Context(), "delete from cart_locks"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{".lock", "-wal", "-shm"} {
		info, err := os.Stat(u.Path + suffix)
		if err != nil {
			t.Error(err)
			continue
		}
		if of, _ := info.Sys().(*syscall.Stat_t); of == nil || of.Uid != user || of.Gid != user {
			t.Errorf("%s is of %+v", suffix, of)
		}
	}
}
