package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/until"
)

// The next test gets the same process, with nothing left of the test before, and out
// of the reach of what the test before left running.
func TestServerIsUsedAgain(t *testing.T) {
	var first *node
	var stray redis.UniversalClient
	t.Run("first", func(t *testing.T) {
		s := StartServer(t)
		first = s.nodes[0]
		var err error
		if stray, err = redisconn.Open(s.URL); err != nil {
			t.Fatal(err)
		}
		c := s.Client()
		for _, command := range [][]any{
			{"SET", "k", "v"},
			{"SCRIPT", "LOAD", "return 1"},
			{"CLIENT", "PAUSE", 100_000, "WRITE"},
		} {
			if err := c.Do(t.Context(), command...).Err(); err != nil {
				t.Fatalf("%v: %v", command, err)
			}
		}
		if err := stray.Get(t.Context(), "k").Err(); err != nil {
			t.Fatal(err)
		}
	})
	defer func() { _ = stray.Close() }()

	s := StartServer(t)
	if s.nodes[0] != first {
		t.Fatal("another server was started")
	}
	if err := stray.Set(t.Context(), "k", "v", 0).Err(); err == nil {
		t.Error("a client of the test before writes into this one's data")
	}
	c := s.Client()
	if got := c.DBSize(t.Context()).Val(); got != 0 {
		t.Errorf("%d keys are left", got)
	}
	if err := c.EvalSha(t.Context(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", nil).Err(); !redis.HasErrorPrefix(err, "NOSCRIPT") {
		t.Errorf("EVALSHA of a script of the test before: %v", err)
	}
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Errorf("SET: %v", err)
	}
}

func TestTwoAtOnce(t *testing.T) {
	a, b := Start(t), Start(t)
	if err := a.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := b.Exists(t.Context(), "k").Result(); n != 0 || err != nil {
		t.Errorf("the second server has the first one's key: %d, %v", n, err)
	}
}

// A server that a test has changed in a way that emptying does not mend ends with it.
func TestChangedServerIsNotUsedAgain(t *testing.T) {
	do := func(command ...any) func(*testing.T, *Server) {
		return func(t *testing.T, s *Server) {
			if err := s.Client().Do(t.Context(), command...).Err(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*testing.T, *Server)
	}{
		{"stopped", func(_ *testing.T, s *Server) { s.Stop() }},
		{"restarted", func(_ *testing.T, s *Server) { s.Stop(); s.Restart() }},
		{"frozen", func(_ *testing.T, s *Server) { s.Freeze(0) }},
		{"thawed", func(_ *testing.T, s *Server) { s.Freeze(0)() }},
		{"setting", do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")},
		{"user", do("ACL", "SETUSER", "shopd", "on", "nopass", "+get", "~*")},
		{"replica", do("REPLICAOF", "127.0.0.1", "1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var n *node
			t.Run("change", func(t *testing.T) {
				s := StartServer(t)
				n = s.nodes[0]
				tt.change(t, s)
			})
			if n.cmd != nil {
				t.Error("it runs on")
			}
			if _, err := os.Stat(n.dir); !os.IsNotExist(err) {
				t.Errorf("its folder is left: %v", err)
			}
			if c := Start(t); c.Ping(t.Context()).Err() != nil {
				t.Error("the next server does not answer")
			}
		})
	}
}

const asChild = "REDISTEST_CHILD"

// Servers and folders end with the test process, also when it is killed.
func TestEndsWithProcess(t *testing.T) {
	if os.Getenv(asChild) != "" {
		s := StartServer(t)
		fmt.Printf("\nchild %s\n", s.nodes[0].addr)
		_, _ = io.Copy(io.Discard, os.Stdin) // until the parent has seen enough
		return
	}
	needRedis(t)
	for _, how := range []string{"ends", "killed"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEndsWithProcess$")
			cmd.Env = append(os.Environ(), asChild+"=1")
			in, err := cmd.StdinPipe()
			must(t, err)
			out, err := cmd.StdoutPipe()
			must(t, err)
			must(t, cmd.Start())
			var addr string
			for lines := bufio.NewScanner(out); addr == "" && lines.Scan(); {
				addr, _ = strings.CutPrefix(lines.Text(), "child ")
				if addr == lines.Text() {
					addr = ""
				}
			}
			c, err := new(net.Dialer).DialContext(t.Context(), "unix", addr)
			must(t, err)
			defer func() { _ = c.Close() }()
			if how == "killed" {
				must(t, cmd.Process.Kill())
			}
			must(t, in.Close())
			_ = cmd.Wait()
			must(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
			if _, err := c.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the server runs on")
			}
			all := filepath.Dir(filepath.Dir(addr))
			until.Holds(t, "the folder "+all+" is gone", func() bool {
				_, err := os.Stat(all)
				return os.IsNotExist(err)
			})
		})
	}
}
