// Package redistest runs real Redis servers for tests: a single node on a unix socket, a
// Cluster of three masters, a master with a replica and a Sentinel.
//
// Single nodes are used again: each test gets an empty one, like a new one. All servers end
// with the test process, even when it is killed.
package redistest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
)

// Server is one or more redis-server processes of one test. Data survives Stop and Restart.
type Server struct {
	URL string // for redisconn.Open, until the test's end

	t         testing.TB
	nodes     []*node
	disturbed bool // a node was stopped or frozen
}

// node is one redis-server process.
type node struct {
	addr string // "host:port", or the path of a unix socket
	dir  string
	args []string
	cmd  *exec.Cmd
	out  bytes.Buffer
	done chan struct{} // closed when the process has ended

	leases   int      // how many tests have had it before
	settings settings // at its start
}

// Start returns a client for an empty redis-server, closed at the test's end. Without
// redis-server on the machine the test is skipped; where CI or SHOPD_TEST_ALL is set it
// fails.
func Start(t testing.TB) redis.UniversalClient {
	t.Helper()
	return StartServer(t).Client()
}

// StartServer is Start for tests that need the URL or an outage.
func StartServer(t testing.TB) *Server {
	t.Helper()
	needRedis(t)
	s := &Server{t: t}
	t.Cleanup(s.giveBack)
	if n := take(); n != nil {
		s.nodes = []*node{n}
	} else {
		must(t, s.single().remember(t.Context()))
	}
	s.URL = url(s.nodes[0])
	return s
}

// StartServerWith is StartServer with other arguments of redis-server, such as
// "--appendfsync", "always". No other test gets this server.
func StartServerWith(t testing.TB, settings ...string) *Server {
	t.Helper()
	s := newServer(t)
	s.URL = url(s.single(settings...))
	return s
}

// single starts a node on a unix socket.
func (s *Server) single(settings ...string) *node {
	s.t.Helper()
	n := s.add("", append([]string{"--port", "0"}, settings...)...)
	n.addr = filepath.Join(n.dir, socket(n.leases))
	s.Restart()
	return n
}

// Client returns a new client, closed at the test's end. It refuses what a Cluster would
// refuse, see CheckSlots.
func (s *Server) Client() redis.UniversalClient {
	s.t.Helper()
	c := open(s.t, s.URL)
	if _, isCluster := c.(*redis.ClusterClient); !isCluster {
		CheckSlots(s.t, c)
	}
	return c
}

// Stop kills all running nodes. No other test gets a server that was stopped or frozen.
func (s *Server) Stop() {
	for i := range s.nodes {
		s.StopNode(i)
	}
}

// StopNode kills one node. Node 0 of a Sentinel is the master, 1 the replica.
func (s *Server) StopNode(i int) {
	s.disturbed = true
	s.nodes[i].kill()
}

func (n *node) kill() {
	if n.cmd != nil {
		_ = n.cmd.Process.Kill()
		<-n.done
		n.cmd = nil
		_ = os.Remove(n.pidFile()) // the number may become that of another process
	}
}

func (s *Server) remove() {
	for _, n := range s.nodes {
		n.kill()
		_ = os.RemoveAll(n.dir)
	}
}

// Freeze stops a node without killing it. It returns the function that lets the node go on.
func (s *Server) Freeze(i int) (thaw func()) {
	s.t.Helper()
	s.disturbed = true
	send := func(signal syscall.Signal) {
		s.t.Helper()
		if err := s.nodes[i].cmd.Process.Signal(signal); err != nil {
			s.t.Fatal(err)
		}
	}
	send(syscall.SIGSTOP)
	return func() { send(syscall.SIGCONT) }
}

// Restart starts every stopped node and waits until each answers.
func (s *Server) Restart() {
	s.t.Helper()
	for _, n := range s.nodes {
		if n.cmd == nil {
			s.start(n)
		}
	}
	for _, n := range s.nodes {
		s.await(n, "answer", func(c redis.UniversalClient) bool { return c.Ping(s.t.Context()).Err() == nil })
	}
	c, err := redisconn.Open(url(s.nodes[0]))
	must(s.t, err)
	defer func() { _ = c.Close() }()
	must(s.t, learnCommands(s.t.Context(), c))
}

func needRedis(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" || os.Getenv("SHOPD_TEST_ALL") != "" {
			t.Fatal("this test needs redis-server, and all tests are to be run")
		}
		t.Skip("this test needs redis-server")
	}
}

// newServer returns a server without nodes. Its nodes end with the test.
func newServer(t testing.TB) *Server {
	t.Helper()
	needRedis(t)
	s := &Server{t: t}
	t.Cleanup(s.remove)
	return s
}

// add declares a node. With addr "" the caller sets the address.
func (s *Server) add(addr string, args ...string) *node {
	s.t.Helper()
	all, err := folder()
	must(s.t, err)
	dir, err := os.MkdirTemp(all.Dir, "")
	must(s.t, err)
	if addr != "" {
		_, port, _ := net.SplitHostPort(addr)
		args = append([]string{"--port", port, "--bind", "127.0.0.1"}, args...)
	}
	n := &node{addr: addr, dir: dir, args: args}
	s.nodes = append(s.nodes, n)
	return n
}

func (s *Server) start(n *node) {
	s.t.Helper()
	// Without fsync the file survives the end of the process, and tests kill nothing else.
	args := []string{"--save", "", "--appendonly", "yes", "--appendfsync", "no"}
	if filepath.IsAbs(n.addr) {
		args = append(args, "--unixsocket", filepath.Base(n.addr))
	}
	args = append(args, n.args...)
	if len(n.args) > 0 && n.args[0] == sentinelConfig {
		args = n.args
	}
	n.out.Reset()
	cmd := exec.Command("redis-server", args...) // outlives the test's context
	cmd.Dir, cmd.Stdout, cmd.Stderr = n.dir, &n.out, &n.out
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
	n.cmd, n.done = cmd, done
	must(s.t, os.WriteFile(n.pidFile(), []byte(strconv.Itoa(cmd.Process.Pid)), 0o600))
}

// url returns the URL of one node.
func url(n *node) string {
	if filepath.IsAbs(n.addr) {
		return "unix://" + n.addr
	}
	return "redis://" + n.addr
}

// await polls one node until ready returns true, at most a minute.
func (s *Server) await(n *node, what string, ready func(redis.UniversalClient) bool) {
	s.t.Helper()
	c, err := redisconn.Open(url(n))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	deadline := time.Now().Add(time.Minute)
	for !ready(c) {
		select {
		case <-n.done:
			s.t.Fatalf("redis-server ended:\n%s", n.out.String())
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("redis-server %v did not %s in time", n.args, what)
		}
	}
}

func open(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	c, err := redisconn.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// freeAddrs returns n free addresses of loopback.
func freeAddrs(t testing.TB, n int) []string {
	t.Helper()
	var addrs []string
	for _, port := range FreePorts(t, n) {
		addrs = append(addrs, net.JoinHostPort("127.0.0.1", port))
	}
	return addrs
}

func port(addr string) int {
	_, p, _ := net.SplitHostPort(addr)
	n, err := strconv.Atoi(p)
	if err != nil {
		panic(fmt.Sprintf("address %q has no port", addr))
	}
	return n
}
