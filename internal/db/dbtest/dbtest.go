// Package dbtest gives tests empty databases with all tables, in PostgreSQL and SQLite.
// Each test process has one PostgreSQL server, which ends with it.
package dbtest

import (
	"bytes"
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
)

// Each runs a test on an empty PostgreSQL and on an empty SQLite database.
func Each(t *testing.T, test func(*testing.T, *db.DB)) {
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
}

// Open opens a database with the test's settings and closes it at the test's end.
func Open(t testing.TB, c db.Config) *db.DB {
	t.Helper()
	d, err := c.Open(t.Context())
	must(t, err)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// Postgres returns an empty database on the process's server, closed at the test's end.
// Without PostgreSQL on the machine the test is skipped; where CI or SHOPD_TEST_ALL is set
// it fails.
func Postgres(t testing.TB) *db.DB {
	t.Helper()
	return Open(t, db.Config{URL: PostgresURL(t)})
}

// PostgresURL returns the URL of a new empty database, like that of Postgres.
func PostgresURL(t testing.TB) string {
	t.Helper()
	need(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		s := &Server{t: t}
		s.start(settingsOf(nil))
		shared.server = s
	}
	return shared.server.database(t)
}

// shared is the server of this process. No test stops it.
var shared struct {
	sync.Mutex
	server *Server
}

var template struct {
	sync.Mutex
	sqlite []byte
}

// SQLite returns an empty database in a temporary file.
func SQLite(t testing.TB) *db.DB {
	t.Helper()
	return Open(t, db.Config{URL: SQLiteURL(t)})
}

// SQLiteURL returns the URL of a new empty database, like that of SQLite.
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

// Server is a PostgreSQL server.
type Server struct {
	t    testing.TB
	dir  string
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{}
	// made counts databases. It makes their names unique.
	made atomic.Int64
}

// StartServer runs a server for one test. settings are lines of postgresql.conf, such as
// "fsync=on", added to ours. The server ends with the test.
func StartServer(t testing.TB, settings ...string) *Server {
	t.Helper()
	need(t)
	s := &Server{t: t}
	t.Cleanup(func() {
		s.stop()
		_ = os.RemoveAll(s.dir)
	})
	s.start(settingsOf(settings))
	return s
}

// settingsOf returns settings as arguments. The last one of a name counts.
func settingsOf(settings []string) (args []string) {
	for _, s := range append([]string{
		"listen_addresses=", "fsync=off", "max_connections=200",
		"shared_buffers=32MB", "recovery_init_sync_method=syncfs", "deadlock_timeout=100ms", "logging_collector=off", "log_min_messages=fatal",
	}, settings...) {
		args = append(args, "-c", s)
	}
	return args
}

// Database makes an empty database with all tables and returns its URL.
func (s *Server) Database() string {
	s.t.Helper()
	return s.database(s.t)
}

// database is Database, dropped at the test's end.
func (s *Server) database(t testing.TB) string {
	t.Helper()
	name := "t" + strconv.FormatInt(s.made.Add(1), 10)
	s.exec(t, "create database "+name+" template shop owner shop")
	t.Cleanup(func() {
		if s.cmd != nil {
			s.exec(t, "drop database "+name+" with (force)")
		}
	})
	return s.url(name, "shop")
}

// Exec runs a statement as the server's administrator.
func (s *Server) Exec(query string) {
	s.t.Helper()
	s.exec(s.t, query)
}

func (s *Server) exec(t testing.TB, query string) {
	t.Helper()
	admin, err := sql.Open("pgx", s.url("postgres", "postgres"))
	must(t, err)
	defer func() { _ = admin.Close() }()
	if _, err := admin.Exec(query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (s *Server) url(database, user string) string {
	return "postgres:///" + database + "?" + url.Values{"host": {s.dir}, "user": {user}}.Encode()
}

// Kill ends all processes of the server at once, like a crash.
func (s *Server) Kill() {
	s.t.Helper()
	pid := s.cmd.Process.Pid
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	must(s.t, err)
	must(s.t, syscall.Kill(pid, syscall.SIGKILL)) // first, or it would start the others again
	for child := range strings.FieldsSeq(string(list)) {
		n, err := strconv.Atoi(child)
		must(s.t, err)
		_ = syscall.Kill(n, syscall.SIGKILL) // it may have ended by itself
	}
	s.ended()
}

// stop ends the server and leaves no shared memory behind.
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

// Restart starts a killed server.
func (s *Server) Restart() {
	s.t.Helper()
	s.run()
	s.await()
}

// SIGQUIT leaves no shared memory behind. The servers run as another user.
var folder = sync.OnceValues(func() (lifeline.Folder, error) {
	all, err := lifeline.New("pg", "QUIT")
	if err != nil {
		return all, err
	}
	return all, os.Chmod(all.Dir, 0o755)
})

// start makes the server and its empty database "shop", the template of all others.
func (s *Server) start(args []string) {
	s.t.Helper()
	all, err := folder()
	must(s.t, err)
	s.dir, err = os.MkdirTemp(all.Dir, "")
	must(s.t, err)
	who, err := owner()
	must(s.t, err)
	if who != nil {
		must(s.t, os.Chown(s.dir, int(who.Uid), int(who.Gid)))
	}
	initdb := s.command("initdb", "-D", s.dir+"/data", "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")
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
	must(s.t, errors.Join(err, d.Close()))
}

func (s *Server) run() {
	s.t.Helper()
	s.out.Reset()
	cmd := s.command("postgres", append([]string{"-D", s.dir + "/data", "-k", s.dir}, s.args...)...)
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
	admin, err := sql.Open("pgx", s.url("postgres", "postgres"))
	must(s.t, err)
	defer func() { _ = admin.Close() }()
	for deadline := time.Now().Add(time.Minute); ; {
		if err = admin.Ping(); err == nil {
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

// command returns a program of PostgreSQL, run as another user when this one is root: it
// refuses root. It gets no signal from the terminal.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	s.t.Helper()
	dir, _ := programs()
	cmd := exec.Command(filepath.Join(dir, name), args...) // outlives the test's context
	cmd.Dir = s.dir
	who, err := owner()
	must(s.t, err)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: who}
	return cmd
}

// owner returns the user postgres when this process is root's, else nil.
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

// programs returns the folder of the newest installed PostgreSQL.
func programs() (dir string, found bool) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), true
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
