// Package dbtest gives tests empty databases, with all tables: PostgreSQL, a server
// per test process, and SQLite. Servers end with the process, however it ends.
package dbtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/lifeline"
	"github.com/shopd/shopd/internal/until"
)

// Each runs a test on an empty database of either kind.
func Each(t *testing.T, test func(*testing.T, *db.DB)) {
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
}

// Open opens a database with settings of the test's, closed at its end.
func Open(t testing.TB, c db.Config) *db.DB {
	t.Helper()
	var d *db.DB
	var err error
	until.Holds(t, "the database answers", func() bool { // on a busy machine not always in the time that a shop has
		d, err = c.Open(t.Context())
		return !errors.Is(err, context.DeadlineExceeded)
	})
	must(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Postgres returns an empty database on the server of this process, closed at the
// test's end. Without PostgreSQL installed the test is skipped, or fails where CI or
// SHOPD_TEST_ALL is set.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return Open(t, db.Config{URL: PostgresURL(t)})
}

// PostgresURL is that of the database that Postgres opens.
func PostgresURL(t testing.TB) string {
	t.Helper()
	need(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s := &Server{t: t}
		s.start(settingsOf([]string{"full_page_writes=off"})) // no test kills it
		s.prepare(t)
		shared.server = s
	}
	d := shared.server.lend(t)
	t.Cleanup(func() { shared.server.free(t, d) })
	return shared.server.url(d.name, "shop")
}

// shared is the server of this process, for all tests that stop none.
var shared struct {
	sync.Mutex
	server *Server
	empty  []database // that wait for the next test
}

var template struct {
	sync.Mutex
	sqlite []byte
}

// SQLite returns an empty database in a file of the test's.
func SQLite(t testing.TB) *db.DB {
	t.Helper()
	return Open(t, db.Config{URL: SQLiteURL(t)})
}

// SQLiteURL is that of the database that SQLite opens.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	template.Lock()
	defer template.Unlock()
	if template.sqlite == nil {
		file := filepath.Join(t.TempDir(), "template")
		d, err := db.Open(t.Context(), fileURL(file))
		must(t, err)
		_, err = d.Migrate(t.Context())
		must(t, errors.Join(err, d.Close()))
		template.sqlite, err = os.ReadFile(file)
		must(t, err)
	}
	file := filepath.Join(t.TempDir(), "shop.db")
	must(t, os.WriteFile(file, template.sqlite, 0o600))
	return fileURL(file)
}

func fileURL(file string) string { return (&url.URL{Scheme: "sqlite", Path: file}).String() }

// StockAdds holds that the numbers of each product are the sums of its moves (invariant 15).
// It may be called at a test's end.
func StockAdds(t testing.TB, d *db.DB) {
	t.Helper()
	wrong, err := db.All(context.WithoutCancel(t.Context()), d.Read, func(rows *sql.Rows) (sku string, err error) {
		err = rows.Scan(&sku)
		return sku, err
	}, `select s.sku from stock s left join
		(select sku, sum(on_hand) as on_hand, sum(reserved) as reserved, sum(committed) as committed from stock_moves group by sku) m on m.sku = s.sku
		where m.sku is null or s.on_hand <> m.on_hand or s.reserved <> m.reserved or s.committed <> m.committed`)
	if err != nil || len(wrong) > 0 {
		t.Errorf("%q are not the sums of their moves, %v", wrong, err)
	}
}

// Server is a PostgreSQL server.
type Server struct {
	t     testing.TB
	dir   string
	args  []string
	small bool // its disk can be filled
	cmd   *exec.Cmd
	out   bytes.Buffer
	done  chan struct{}
	// made counts databases, whose names nobody has had before.
	made atomic.Int64

	copied          string // how databases are
	shape, emptying string // of the shared server's databases
}

// StartServer runs a server of the test's own, with settings of postgresql.conf,
// such as "fsync=on", besides ours. It ends with the test.
func StartServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	need(t)
	return startServer(&Server{t: t}, settings)
}

func startServer(s *Server, settings []string) *Server {
	s.t.Helper()
	s.t.Cleanup(s.end)
	s.start(settingsOf(settings))
	return s
}

// end stops the server and removes all that it has.
func (s *Server) end() {
	s.stop()
	if s.small {
		s.unmount()
	}
	_ = os.RemoveAll(s.dir)
}

// settingsOf are settings as arguments; the last of a name counts.
func settingsOf(settings []string) (args []string) {
	for _, s := range append([]string{
		"listen_addresses=", "fsync=off", "max_connections=400",
		"shared_buffers=32MB", "recovery_init_sync_method=syncfs", "deadlock_timeout=100ms", "logging_collector=off", "log_min_messages=fatal",
	}, settings...) {
		args = append(args, "-c", s)
	}
	return args
}

// Database makes an empty database with all tables and returns its URL.
func (s *Server) Database() string {
	s.t.Helper()
	return s.url(s.database(s.t), "shop")
}

func (s *Server) database(t testing.TB) (name string) {
	t.Helper()
	name = "t" + strconv.FormatInt(s.made.Add(1), 10)
	s.exec(t, "create database "+name+" template shop owner shop"+s.copied)
	return name
}

// Exec runs a statement as the server's administrator.
func (s *Server) Exec(query string) {
	s.t.Helper()
	s.exec(s.t, query)
}

func (s *Server) exec(t testing.TB, query string) {
	t.Helper()
	admin := s.admin(t, "postgres")
	defer func() { _ = admin.Close() }()
	if _, err := admin.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (s *Server) url(database, user string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {s.dir}, "user": {user}}.Encode()
}

// Kill ends all processes of the server at once, as a crash does.
func (s *Server) Kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	s.ended()
}

// Freeze makes all processes of the server stand still until thaw.
func (s *Server) Freeze() (thaw func()) {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	return func() { s.signal(syscall.SIGCONT) }
}

// signal is sent to all processes of the server, first to that which starts the others.
func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	pid := s.cmd.Process.Pid
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	must(s.t, err)
	must(s.t, syscall.Kill(pid, signal))
	for child := range strings.FieldsSeq(string(list)) {
		n, err := strconv.Atoi(child)
		must(s.t, err)
		_ = syscall.Kill(n, signal) // it may have ended by itself
	}
}

// stop ends the server in the way that leaves no shared memory behind.
func (s *Server) stop() {
	if s.cmd != nil {
		_ = syscall.Kill(s.cmd.Process.Pid, syscall.SIGQUIT)
		s.ended()
	}
}

func (s *Server) ended() {
	<-s.done
	s.cmd = nil
	_ = os.Remove(filepath.Join(s.dir, lifeline.PIDFile)) // the number may become that of another process
}

// Restart starts a server that was killed.
func (s *Server) Restart() {
	s.t.Helper()
	s.run()
	s.await()
}

// SIGQUIT leaves no shared memory behind, and another user than this one runs the servers.
var folder = sync.OnceValues(func() (lifeline.Folder, error) {
	all, err := lifeline.New("pg", "QUIT")
	if err != nil {
		return all, err
	}
	return all, os.Chmod(all.Dir, 0o755)
})

func (s *Server) makeFolder() {
	s.t.Helper()
	all, err := folder()
	must(s.t, err)
	s.dir, err = os.MkdirTemp(all.Dir, "")
	must(s.t, err)
}

// start makes the server, with an empty database "shop" that others are copied from.
func (s *Server) start(args []string) {
	s.t.Helper()
	s.makeFolder()
	if s.small {
		s.mount()
	}
	initdb := s.command("initdb", "-D", s.dir+"/data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "--wal-segsize=1")
	if out, err := initdb.CombinedOutput(); err != nil {
		s.t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.args = args
	s.run()
	s.await()
	s.Exec("create role shop login") // an ordinary user, as in production
	s.Exec("create database shop owner shop")
	d, err := db.Open(s.t.Context(), s.url("shop", "shop"))
	must(s.t, err)
	_, err = d.Migrate(s.t.Context())
	// As files they are copied in a third of the time, for fsync is off; before 15 there is no other way.
	must(s.t, errors.Join(err, d.Read.QueryRow("select case when current_setting('server_version_num')::int < 150000 then '' else ' strategy file_copy' end").Scan(&s.copied), d.Close()))
}

func (s *Server) run() {
	s.t.Helper()
	s.launch(s.command("postgres", append([]string{"-D", s.dir + "/data", "-k", s.dir}, s.args...)...))
}

func (s *Server) launch(cmd *exec.Cmd) {
	s.t.Helper()
	s.out.Reset()
	cmd.Stdout, cmd.Stderr = &s.out, &s.out
	must(s.t, cmd.Start())
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	s.cmd, s.done = cmd, done
	must(s.t, os.WriteFile(filepath.Join(s.dir, lifeline.PIDFile), []byte(strconv.Itoa(cmd.Process.Pid)+"\n"), 0o600))
}

// await waits until the server answers, at most a minute.
func (s *Server) await() {
	s.t.Helper()
	admin := s.admin(s.t, "postgres")
	defer func() { _ = admin.Close() }()
	for deadline := time.Now().Add(time.Minute); ; {
		err := admin.Ping()
		if err == nil {
			return
		}
		select {
		case <-s.done:
			s.t.Fatalf("postgres ended:\n%s", s.out.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("postgres does not answer: %v", err)
		}
	}
}

func (s *Server) command(name string, args ...string) *exec.Cmd {
	s.t.Helper()
	cmd, err := Command(s.dir, name, args...)
	must(s.t, err)
	return cmd
}

// Command is a program of PostgreSQL in a folder, such as initdb or a shell that runs
// some: it has them in its path. It runs as a user that they accept, for they refuse
// root, and to whom the folder is given. It gets no signal from the terminal, and lives
// on after the context of a test.
func Command(dir, name string, args ...string) (*exec.Cmd, error) {
	programs, found := programs()
	if !found {
		return nil, errors.New("PostgreSQL is not installed, such as the Debian package postgresql")
	}
	who, err := owner()
	if err != nil {
		return nil, err
	}
	if who != nil {
		if err := os.Chown(dir, int(who.Uid), int(who.Gid)); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(programs, name)
	if _, err := os.Stat(path); err != nil {
		if path, err = exec.LookPath(name); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who}
	return cmd, nil
}

// owner is the user postgres where this process is root's, else nil.
func owner() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, err
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(err1, err2)
}

// Program is the path of one of PostgreSQL's programs, such as pg_dump.
func Program(name string) (path string, err error) {
	dir, found := programs()
	if !found {
		return "", errors.New("PostgreSQL is not installed")
	}
	return filepath.Join(dir, name), nil
}

// programs is where the newest PostgreSQL that is installed has its programs.
func programs() (dir string, found bool) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), true
		}
	}
	const all = "/usr/lib/postgresql"
	list, _ := filepath.Glob(all + "/*/bin/initdb")
	newest := 0
	for _, path := range list {
		version, _ := strconv.Atoi(strings.Split(strings.TrimPrefix(path, all+"/"), "/")[0])
		newest = max(newest, version)
	}
	return fmt.Sprintf("%s/%d/bin", all, newest), newest > 0
}

func need(t testing.TB) {
	t.Helper()
	if _, found := programs(); found {
		return
	}
	if slices.ContainsFunc([]string{"CI", "SHOPD_TEST_ALL"}, func(name string) bool { return os.Getenv(name) != "" }) {
		t.Fatal("this test needs PostgreSQL, and all tests are to be run")
	}
	t.Skip("this test needs PostgreSQL")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
