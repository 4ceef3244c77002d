package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/until"
)

func exec1(t *testing.T, d *db.DB, query string, args ...any) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *sql.Tx) error {
		_, err := tx.ExecContext(t.Context(), query, args...)
		return err
	}); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func one[T any](t *testing.T, q db.Queryer, query string, args ...any) (v T) {
	t.Helper()
	if err := q.QueryRowContext(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

const lockCart = `insert into cart_locks (cart_id, touched_at) values ($1, $2)
	on conflict (cart_id) do update set touched_at = excluded.touched_at`

// What a URL has wrong is said without showing it: it may have a password.
func TestURL(t *testing.T) {
	for _, text := range []string{
		"", "shop.db", "mysql://u:hush@h/d", "postgres://u:hush@h:port/d", "postgres://u:hush@%zz/d",
		"sqlite://hush", "sqlite:///", "sqlite:///tmp/hush/", "sqlite:///a?hush=1", "sqlite:///a#hush", "postgres://u:hush@h/d?sslmode=hush",
	} {
		d, err := db.Open(t.Context(), text)
		if err == nil {
			_ = d.Close()
		}
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, err := db.Open(t.Context(), "postgres://u:hush@127.0.0.1:1/d")
	if err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestCommitAndRollback(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec1(t, d, lockCart, "a", 1)
		stop := errors.New("stop")
		err := d.Tx(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(t.Context(), lockCart, "b", 1); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
		// A panic leaves no transaction behind that others wait for.
		func() {
			defer func() { _ = recover() }()
			_ = d.Tx(t.Context(), func(tx *sql.Tx) error {
				_, _ = tx.ExecContext(t.Context(), lockCart, "a", 2)
				panic("oops")
			})
		}()
		// Whoever leaves before the commit has changed nothing.
		ctx, leave := context.WithCancelCause(t.Context())
		err = d.Tx(ctx, func(tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, lockCart, "c", 1)
			leave(stop)
			return err
		})
		if !errors.Is(err, stop) {
			t.Errorf("left: %v", err)
		}
		exec1(t, d, lockCart, "a", 3)
		if n := one[int](t, d.Read, "select count(*) from cart_locks"); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

// The one text of queries relies on this.
func TestDialect(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if got := one[string](t, d.Read, "select cast($2 as text) || cast($1 as text) || cast($2 as text)", "a", "b"); got != "bab" {
			t.Errorf("arguments go by their numbers: got %q", got)
		}
		exec1(t, d, `insert into authorizations (session_id, agreed, replaced, touched_at) values ('s', $1, '[]', 1)`, true)
		if !one[bool](t, d.Read, "select agreed from authorizations where agreed and not (not agreed)") {
			t.Error("a boolean came back false")
		}
		if got := one[*int64](t, d.Read, "select due_at from authorizations"); got != nil {
			t.Errorf("null: got %d", *got)
		}
		for _, text := range []string{"å", "\"", "Ä\U0001F600", strings.Repeat("x", 1<<20)} {
			exec1(t, d, "update authorizations set replaced = $1", text)
			if got := one[string](t, d.Read, "select replaced from authorizations"); got != text {
				t.Errorf("%.10q came back as %.10q", text, got)
			}
		}
	})
}

// Words are found by their first letters, in the order of their bytes, by the key.
func TestPrefix(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		exec1(t, d, `insert into orders (id, number, status, pending, country, currency, order_amount, captured_amount, refunded_amount,
			acknowledged, placed_at, updated_at, revision, record) values ('o', 'n', '', false, 'SE', 'SEK', 1, 0, 0, false, 1, 1, 1, '{}')`)
		for _, word := range []string{"berg", "bergström", "bärg", "bez", "Berg"} {
			exec1(t, d, "insert into order_words (word, placed_at, order_id) values ($1, 1, 'o')", word)
		}
		const query = "select count(*) from order_words where word >= $1 and word < $2"
		if n := one[int](t, d.Read, query, "ber", "ber\U0010FFFF"); n != 2 {
			t.Errorf("%d words found", n)
		}
		if d.Engine == db.Postgres {
			exec1(t, d, "insert into order_words select 'w' || i, i, 'o' from generate_series(1, 5000) i")
			plan := explain(t, d, strings.NewReplacer("$1", "'ber'", "$2", "'bes'").Replace(query))
			if !strings.Contains(plan, "order_words_pkey") {
				t.Errorf("it is found without the index:\n%s", plan)
			}
		}
	})
}

func explain(t *testing.T, d *db.DB, query string) string {
	t.Helper()
	rows, err := d.Read.QueryContext(t.Context(), "explain "+query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		plan.WriteString(line + "\n")
	}
	return plan.String()
}

// All statements of a View see one moment, and none writes.
func TestView(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := d.View(t.Context(), func(tx *sql.Tx) error {
			const count = "select count(*) from cart_locks"
			before := one[int](t, tx, count)
			exec1(t, d, lockCart, "a", 1)
			if after := one[int](t, tx, count); after != before {
				t.Errorf("it sees %d rows, and then %d", before, after)
			}
			if _, err := tx.ExecContext(t.Context(), lockCart, "b", 1); err == nil {
				t.Error("it writes")
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// A deadlock is tried again, and nothing of the first time is left.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	exec1(t, d, lockCart, "a", 0)
	exec1(t, d, lockCart, "b", 0)
	const raise = "update cart_locks set touched_at = touched_at + 1 where cart_id = $1"
	var both, all sync.WaitGroup
	both.Add(2)
	runs := make([]int, 2)
	for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		all.Go(func() {
			if err := d.Tx(t.Context(), func(tx *sql.Tx) error {
				runs[i]++
				if _, err := tx.ExecContext(t.Context(), raise, order[0]); err != nil {
					return err
				}
				if runs[i] == 1 {
					both.Done()
					both.Wait()
				}
				_, err := tx.ExecContext(t.Context(), raise, order[1])
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs[0]+runs[1] < 3 { // at least one of them was the victim
		t.Errorf("they ran %v times", runs)
	}
	if n := one[int](t, d.Read, "select sum(touched_at) from cart_locks"); n != 4 {
		t.Errorf("sum %d", n)
	}
}

// Who waits for a lock for too long is told, and holds nothing.
func TestBusy(t *testing.T) {
	t.Parallel()
	for _, address := range []func(testing.TB) string{dbtest.PostgresURL, dbtest.SQLiteURL} {
		d := dbtest.Open(t, db.Config{URL: address(t), Lock: 50 * time.Millisecond})
		exec1(t, d, lockCart, "a", 0)
		if err := d.Tx(t.Context(), func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(t.Context(), lockCart, "a", 1); err != nil {
				return err
			}
			if d.Engine == db.SQLite {
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if err := d.Tx(ctx, func(*sql.Tx) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("sqlite: got %v", err)
				}
				return nil
			}
			if err := d.Tx(t.Context(), func(tx *sql.Tx) error {
				_, err := tx.ExecContext(t.Context(), lockCart, "a", 2)
				return err
			}); !errors.Is(err, db.ErrBusy) {
				t.Errorf("postgres: got %v", err)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

// Each connection has its limits, so that a client that stands still or is gone
// holds nobody for long.
func TestLimits(t *testing.T) {
	t.Parallel()
	d := dbtest.Open(t, db.Config{URL: dbtest.PostgresURL(t), Idle: 100 * time.Millisecond})
	for name, want := range map[string]string{
		"lock_timeout": "1500ms", "statement_timeout": "10s", "idle_in_transaction_session_timeout": "100ms",
		"client_connection_check_interval": "2s", "transaction_isolation": "read committed", "application_name": "shopd",
	} {
		if got := one[string](t, d.Read, "select current_setting($1)", name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	exec1(t, d, lockCart, "a", 0)
	err := d.Tx(t.Context(), func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(t.Context(), lockCart, "a", 1); err != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond) // it stands still
		exec1(t, d, lockCart, "a", 2)      // nobody waits for it
		_, err := tx.ExecContext(t.Context(), lockCart, "a", 3)
		return err
	})
	if err == nil || errors.Is(err, db.ErrCommitUnknown) {
		t.Errorf("got %v", err)
	}
	if n := one[int](t, d.Read, "select touched_at from cart_locks"); n != 2 {
		t.Errorf("%d was written last", n)
	}
}

// What a commit is worth, on a server that may be stopped.
func TestLasting(t *testing.T) {
	t.Parallel()
	s := dbtest.StartServer(t, "fsync=on")
	t.Run("killed", func(t *testing.T) { testKilled(t, s) })
	t.Run("standby away", func(t *testing.T) { testStandbyAway(t, s) })
}

// While the standby is away a commit can be given up by the server, which answers as
// if all were well; or by us, while it goes on there.
func testStandbyAway(t *testing.T, s *dbtest.Server) {
	d := dbtest.Open(t, db.Config{URL: s.Database(), Transaction: 1500 * time.Millisecond})
	exec1(t, d, lockCart, "before", 0)
	v, err := d.Durability(t.Context())
	if err != nil || len(v.Problems()) != 0 {
		t.Errorf("%v: %v, %v", v, v.Problems(), err)
	}
	s.Exec("alter system set synchronous_standby_names = 'nobody'")
	s.Exec("select pg_reload_conf()")
	write := func(cart string) error {
		return d.Tx(t.Context(), func(tx *sql.Tx) error {
			_, err := tx.ExecContext(t.Context(), lockCart, cart, 1)
			return err
		})
	}
	// The server takes the setting up when it comes to it; until then a commit waits for nobody.
	until.Holds(t, "a commit that is given up", func() bool { return errors.Is(write("given up"), db.ErrCommitUnknown) })
	waiting := func() int {
		return one[int](t, d.Read, "select count(*) from pg_stat_activity where wait_event = 'SyncRep'")
	}
	s.Exec("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'")
	until.Holds(t, "an end of it", func() bool { return waiting() == 0 })
	for _, end := range []string{"pg_cancel_backend", "pg_terminate_backend"} {
		done := make(chan error)
		go func() { done <- write(end) }()
		until.Holds(t, "a commit that waits", func() bool { return waiting() > 0 })
		s.Exec("select " + end + "(pid) from pg_stat_activity where wait_event = 'SyncRep'")
		if err := <-done; !errors.Is(err, db.ErrCommitUnknown) {
			t.Errorf("%s: got %v", end, err)
		}
	}
	v, err = d.Durability(t.Context())
	if err != nil || len(v.Problems()) != 1 {
		t.Errorf("%v: %v, %v", v, v.Problems(), err)
	}
	s.Exec("alter system reset synchronous_standby_names")
	s.Exec("select pg_reload_conf()")
	until.Holds(t, "a commit", func() bool { return write("after") == nil }) // the connection is as good as new
}

// What was acknowledged is there after a crash of the server under load, and after
// it the connections of before do no harm.
func testKilled(t *testing.T, s *dbtest.Server) {
	d := dbtest.Open(t, db.Config{URL: s.Database()})
	acknowledged := make([]map[string]bool, 8)
	var wg sync.WaitGroup
	for i := range acknowledged {
		acknowledged[i] = map[string]bool{}
		wg.Go(func() {
			for n := 0; ; n++ {
				cart := fmt.Sprint(i, ".", n)
				if err := d.Tx(t.Context(), func(tx *sql.Tx) error {
					_, err := tx.ExecContext(t.Context(), lockCart, cart, n)
					return err
				}); err != nil {
					return
				}
				acknowledged[i][cart] = true
			}
		})
	}
	time.Sleep(300 * time.Millisecond) // the load
	s.Kill()
	wg.Wait()
	s.Restart()
	n := 0
	for _, carts := range acknowledged {
		for cart := range carts {
			n++
			if one[int](t, d.Read, "select count(*) from cart_locks where cart_id = $1", cart) != 1 {
				t.Errorf("%s is lost", cart)
			}
		}
	}
	if n < 20 {
		t.Errorf("only %d were written before", n)
	}
	exec1(t, d, lockCart, "after", 1)
}

// Connections that the server has ended meanwhile cost nobody his purchase.
func TestEndedConnections(t *testing.T) {
	address := dbtest.PostgresURL(t)
	d := dbtest.Open(t, db.Config{URL: address})
	other := dbtest.Open(t, db.Config{URL: address + "&application_name=other"})
	for range 3 {
		exec1(t, d, lockCart, "a", 1)
		exec1(t, other, "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'shopd' and datname = current_database()")
	}
	exec1(t, d, lockCart, "a", 2)
}

// A second process is refused, whoever is killed frees the file, and its data is there.
func TestSQLiteIsForOneProcess(t *testing.T) {
	const variable = "SHOPD_DBTEST_CHILD"
	if address := os.Getenv(variable); address != "" {
		d, err := db.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		exec1(t, d, lockCart, "child", 1)
		fmt.Println("child has it")
		time.Sleep(time.Minute)
	}
	address := dbtest.SQLiteURL(t)
	child := exec.Command(os.Args[0], "-test.run=^TestSQLiteIsForOneProcess$", "-test.v")
	child.Env = append(os.Environ(), variable+"="+address)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	read := make([]byte, 4096)
	for text := ""; !strings.Contains(text, "child has it"); {
		n, err := out.Read(read)
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		text += string(read[:n])
	}
	if _, err := db.Open(t.Context(), address); !errors.Is(err, db.ErrInUse) {
		t.Errorf("got %v", err)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	d := dbtest.Open(t, db.Config{URL: address})
	if n := one[int](t, d.Read, "select count(*) from cart_locks"); n != 1 {
		t.Errorf("%d rows", n)
	}
	if _, err := db.Open(t.Context(), address); !errors.Is(err, db.ErrInUse) {
		t.Errorf("twice in one process: %v", err)
	}
	// Nobody else reads the buyers' names.
	file := filepath.Join(t.TempDir(), "new")
	fresh := dbtest.Open(t, db.Config{URL: "sqlite://" + file})
	if _, err := fresh.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, file + "-wal"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// The log does not grow for ever beside a reader who stays, and shrinks after him.
func TestCheckpoint(t *testing.T) {
	t.Parallel()
	address := dbtest.SQLiteURL(t)
	d := dbtest.Open(t, db.Config{URL: address, Checkpoint: 10 * time.Millisecond})
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(u.Path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if err := d.View(t.Context(), func(tx *sql.Tx) error {
		one[int](t, tx, "select count(*) from cart_locks")
		for i := range 50 {
			start := time.Now()
			exec1(t, d, lockCart, strings.Repeat("x", 10_000)+fmt.Sprint(i), 1)
			if took := time.Since(start); took > time.Second {
				t.Errorf("a writer waited %v for a reader", took)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	until.Holds(t, "an empty log", func() bool { return size() == 0 })
}

// What is deleted is nowhere in SQLite's files.
func TestSecureDelete(t *testing.T) {
	address := dbtest.SQLiteURL(t)
	d := dbtest.Open(t, db.Config{URL: address, Checkpoint: 5 * time.Millisecond})
	exec1(t, d, lockCart, "Sigrid Undset", 1)
	exec1(t, d, "delete from cart_locks")
	u, _ := url.Parse(address)
	until.Holds(t, "the name is gone", func() bool {
		var all strings.Builder
		for _, suffix := range []string{"", "-wal"} {
			data, err := os.ReadFile(u.Path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
		return !strings.Contains(all.String(), "Sigrid")
	})
}
