package storefront_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/redistest"
)

// lossyRedis stands between a shop and its Redis. It loses the reply to one
// command: Redis has carried it out, but the connection ends.
type lossyRedis struct {
	server string // unix socket

	mu    sync.Mutex
	after int      // so many commands that fit are let through first
	parts []string // what the command has in it, in lower case; nil = none is lost
}

// newLossyRedis returns a client that goes through it.
func newLossyRedis(t *testing.T, s *redistest.Server) (*lossyRedis, redis.UniversalClient) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lossy") //nolint:usetesting // t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "redis.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &lossyRedis{server: strings.TrimPrefix(s.URL, "unix://")}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(c)
		}
	}()
	rdb, err := redisconn.Open("unix://" + path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rdb.Close() })
	return p, rdb
}

// lose makes the reply to the next command with all the parts in it disappear,
// after a number of them that are answered.
func (p *lossyRedis) lose(after int, parts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after, p.parts = after, parts
}

// waits reports whether no command has fitted yet.
func (p *lossyRedis) waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.parts != nil
}

func (p *lossyRedis) hit(command []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parts == nil {
		return false
	}
	command = bytes.ToLower(command)
	for _, part := range p.parts {
		if !bytes.Contains(command, []byte(part)) {
			return false
		}
	}
	if p.after--; p.after >= 0 {
		return false
	}
	p.parts = nil
	return true
}

// serve passes a connection's commands on. A command of ours is small enough to come in one piece.
func (p *lossyRedis) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.server)
	if err != nil {
		return
	}
	defer server.Close()
	var lost atomic.Bool
	go func() {
		defer client.Close()
		pass(client, server, func([]byte) bool { return !lost.Load() })
	}()
	pass(server, client, func(command []byte) bool {
		lost.Store(lost.Load() || p.hit(command))
		return true
	})
}

// pass copies until a connection ends or allow says no.
func pass(to, from net.Conn, allow func([]byte) bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if err != nil || !allow(buf[:n]) {
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
