package e2e_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/db/dbtest"
	"github.com/shopd/shopd/internal/redistest"
)

// make test-upgrade sets it: the test builds another version out of the repository's history.
var upgrade = flag.Bool("upgrade", false, "run the last release beside this version")

// upgradeTime is how long each stage of an upgrade lasts, under load.
const upgradeTime = 5 * time.Second

// base is the version that this one must get on with: the last release, or until there is one
// the commit that test/upgrade/base names.
func base(t *testing.T) string {
	t.Helper()
	if out, err := git(t, "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^"); err == nil {
		return out
	}
	return strings.TrimSpace(read(t, "../upgrade/base"))
}

func git(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", "../.."}, args...)...).Output()
	return strings.TrimSpace(string(out)), err
}

// buildOf builds shopd of a commit. Nothing is fetched.
func buildOf(t *testing.T, commit string) string {
	t.Helper()
	if _, err := git(t, "cat-file", "-e", commit+"^{commit}"); err != nil {
		t.Fatalf("this clone has no commit %s: it is shallow, or no clone. `git fetch --unshallow --tags` brings the history", commit)
	}
	dir := t.TempDir()
	archive, source := filepath.Join(dir, "source.tar"), filepath.Join(dir, "source")
	if _, err := git(t, "archive", "--output", archive, commit); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(source, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "shopd")
	for _, command := range [][]string{{"tar", "-xf", archive, "-C", source}, append(append([]string{"go", "-C", source, "build"}, buildFlags...), "-o", path, "./cmd/shopd")} {
		if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command[0], err, out)
		}
	}
	return path
}

// bareDatabase is the URL of a database without a table.
func bareDatabase(t *testing.T) string {
	t.Helper()
	data := dbtest.PostgresURL(t)
	d := dbtest.Open(t, db.Config{URL: data})
	for _, statement := range []string{"drop schema public cascade", "create schema public"} {
		if _, err := d.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// retire ends a process as a deployment does: nothing is sent there any more, then it stops.
func (c *crowd) retire(p *process) {
	c.t.Helper()
	c.leave(p)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		c.t.Error(err)
	}
	select {
	case <-p.ended:
	case <-time.After(40 * time.Second):
		c.t.Error("the process does not end")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		c.t.Errorf("the process ended with %d", code)
	}
}

// join makes a process one that requests are sent to.
func (c *crowd) join(p *process) {
	c.shops = append(c.shops, p)
	up := append((*c.up.Load())[:len(*c.up.Load()):len(*c.up.Load())], p)
	c.up.Store(&up)
}

// An upgrade and its way back while shoppers buy: the last release alone, its tables brought to
// this version under it, both side by side, this version alone, both again, and the last release
// alone on what this version has written. Every answer is held against the rules, and in the end
// every cart, order and count.
func TestUpgrade(t *testing.T) {
	if !*upgrade {
		t.Skip("it builds another version: make test-upgrade")
	}
	from := base(t)
	old := buildOf(t, from)
	t.Logf("from %s", from)
	shopFile := filepath.Join(filepath.Dir(old), "source", "examples", "skerry", "shop.yaml") // both can read that
	c := topologyOf(t, old, redistest.StartServer(t), bareDatabase(t), "-drain", "1s", "-shop", shopFile)
	stages := []struct {
		name string
		do   func()
	}{
		{"the last release alone", func() {}},
		{"its tables are migrated under it", func() {
			this, err := binary()
			if err != nil {
				t.Fatal(err)
			}
			migrate := exec.CommandContext(t.Context(), this, "migrate")
			migrate.Env = []string{"SHOPD_DATABASE_URL=" + c.data}
			if out, err := migrate.CombinedOutput(); err != nil {
				t.Errorf("migrate: %v\n%s", err, out)
			} else {
				t.Logf("migrate: %s", out)
			}
		}},
		{"this version beside it", func() { c.path = ""; c.join(c.start("127.0.0.1:0")); c.join(c.start("127.0.0.1:0")) }},
		{"this version alone", func() {
			for _, p := range c.shops[:3] {
				c.retire(p)
			}
		}},
		{"back: the last release beside it", func() { c.path = old; c.join(c.start("127.0.0.1:0")); c.join(c.start("127.0.0.1:0")) }},
		{"back: the last release alone", func() {
			for _, p := range c.shops[3:5] {
				c.retire(p)
			}
		}},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, stage := range stages {
			before := c.kept.Load()
			stage.do()
			time.Sleep(upgradeTime)
			t.Logf("%s: %d changes of carts", stage.name, c.kept.Load()-before)
		}
	}()
	c.run(time.Duration(len(stages))*upgradeTime, closed(done))
	<-done
	c.check()
	c.summary()
	for _, p := range c.shops {
		for _, r := range p.records() {
			if r.Level == "ERROR" && !strings.Contains(r.Msg, "orders are not safe") {
				t.Errorf("a record: %s", r.line)
			}
		}
	}
}
