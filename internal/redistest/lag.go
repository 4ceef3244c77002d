package redistest

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Lag makes the replica of a Sentinel follow its master over a line that can fail. It
// returns when the replica has all earlier writes. hold cuts the line, like a network
// failure: what the master acknowledges after it is lost when the master dies. The Sentinel
// mends the line after 10 s.
func (s *Server) Lag() (hold func()) {
	s.t.Helper()
	master, replica := s.nodes[0], s.nodes[1]
	listener, err := new(net.ListenConfig).Listen(s.t.Context(), "tcp", "127.0.0.1:0")
	must(s.t, err)
	s.t.Cleanup(func() { _ = listener.Close() })
	var held atomic.Bool
	go func() {
		for {
			down, err := listener.Accept()
			if err != nil {
				return
			}
			up, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", master.addr)
			if err != nil {
				_ = down.Close()
				continue
			}
			go func() { _, _ = io.Copy(up, down) }()
			go func() {
				_, _ = io.Copy(&valve{down, &held}, up)
				_ = down.Close()
			}()
		}
	}()
	must(s.t, s.Node(1).Do(s.t.Context(), "REPLICAOF", "127.0.0.1", strconv.Itoa(port(listener.Addr().String()))).Err())
	s.await(replica, "follow by the line", func(c redis.UniversalClient) bool {
		return strings.Contains(replication(s.t, c), "master_link_status:up")
	})
	info, err := s.Node(0).Info(s.t.Context(), "replication").Result()
	must(s.t, err)
	written := offset(info, "master_repl_offset")
	s.await(replica, "catch up", func(c redis.UniversalClient) bool {
		return offset(replication(s.t, c), "slave_repl_offset") >= written
	})
	return func() { held.Store(true) }
}

// replication returns a server's replication info, "" without an answer.
func replication(t testing.TB, c redis.UniversalClient) string {
	info, _ := c.Info(t.Context(), "replication").Result()
	return info
}

// offset returns a position in the master's stream, 0 when info has none.
func offset(info, name string) (n int64) {
	for line := range strings.Lines(info) {
		_, _ = fmt.Sscanf(line, name+":%d", &n)
	}
	return n
}

// valve passes bytes on until it is shut.
type valve struct {
	net.Conn
	shut *atomic.Bool
}

func (v *valve) Write(p []byte) (int, error) {
	if v.shut.Load() {
		return len(p), nil
	}
	return v.Conn.Write(p)
}
