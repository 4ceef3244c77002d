package redistest

import (
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/redis/go-redis/v9"
)

// Lag lets the replica of a Sentinel follow its master by a line of its own. From
// the call of hold on, the replica hears nothing more, as when the network fails
// between the two: what the master acknowledges then is gone when it dies. Sentinel
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
		info, _ := c.Info(s.t.Context(), "replication").Result()
		return strings.Contains(info, "master_link_status:up")
	})
	return func() { held.Store(true) }
}

// valve lets nothing through when it is shut.
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
