package redisconn_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
	"github.com/shopd/shopd/internal/redistest"
	"github.com/shopd/shopd/internal/until"
)

func TestOpenChoosesClient(t *testing.T) {
	for _, tt := range []struct {
		name, url string
		addrs     []string
	}{
		{"one node", "redis://u:p@db.example:7000/2", []string{"db.example:7000"}},
		{"default port", "redis://db.example", []string{"db.example:6379"}},
		{"tls", "rediss://db.example:7000", []string{"db.example:7000"}},
		{"socket", "unix:///run/redis.sock", []string{"/run/redis.sock"}},
		{"cluster by addresses", "redis://a:1,b,c:3", []string{"a:1", "b:6379", "c:3"}},
		{"cluster by parameter", "redis://a:1?cluster=true", []string{"a:1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := redisconn.Open(tt.url)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			var got []string
			switch c := c.(type) {
			case *redis.Client:
				got = []string{c.Options().Addr}
				if o := c.Options(); o.MaxRetries != 0 || !o.ContextTimeoutEnabled || o.DialerRetries != 1 || o.ReadTimeout != time.Second {
					t.Errorf("options = %+v", o)
				}
				if (c.Options().TLSConfig != nil) != strings.HasPrefix(tt.url, "rediss") {
					t.Errorf("TLS = %v", c.Options().TLSConfig)
				}
			case *redis.ClusterClient:
				got = c.Options().Addrs
			}
			if d := cmp.Diff(tt.addrs, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, tt := range []struct{ name, url, want string }{
		{"not a URL", "redis://:hunter2@h:1:2:x%", "parse"},
		{"scheme", "http://hunter2@h", "scheme"},
		{"no socket", "unix://", "socket"},
		{"no host", "redis://", "address"},
		{"empty host", "redis://a:1,,b:2", "address"},
		{"database", "redis://h/hunter2", "database"},
		{"cluster database", "redis://a,b/1", "database 0"},
		{"parameter", "redis://h?max_retries=3", "max_retries"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := redisconn.Open(tt.url)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error shows the password: %v", err)
			}
		})
	}
}

// In a Cluster, go-redis sends a command again when its reply is lost, whatever
// MaxRetries says. An INCR must arrive once.
func TestLostReplyIsNotRepeated(t *testing.T) {
	direct := func(ctx context.Context, c redis.UniversalClient) error { return c.Incr(ctx, "n").Err() }
	pipeline := func(ctx context.Context, c redis.UniversalClient) error {
		_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error { return p.Incr(ctx, "n").Err() })
		return err
	}
	for _, tt := range []struct {
		name, query string
		do          func(context.Context, redis.UniversalClient) error
	}{
		{"one node", "", direct},
		{"one node, pipeline", "", pipeline},
		{"cluster", "?cluster=true", direct},
		{"cluster, pipeline", "?cluster=true", pipeline},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var seen atomic.Int32
			c, err := redisconn.Open("redis://" + deafServer(t, &seen) + tt.query)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if err := tt.do(t.Context(), c); err == nil {
				t.Error("a lost reply gave no error")
			}
			if got := seen.Load(); got != 1 {
				t.Errorf("INCR arrived %d times, want 1", got)
			}
		})
	}
}

// deafServer answers as a Cluster of one node, but hangs up on INCR.
func deafServer(t *testing.T, incrs *atomic.Int32) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ := net.SplitHostPort(l.Addr().String())
	slots := "*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:" + port + "\r\n$1\r\nx\r\n"
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				lines := bufio.NewScanner(conn)
				for lines.Scan() {
					answer := ""
					switch strings.ToLower(lines.Text()) {
					case "hello":
						answer = "-ERR unknown command\r\n"
					case "slots":
						answer = slots
					case "incr":
						incrs.Add(1)
						return
					}
					if _, err := io.WriteString(conn, answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func TestReadWrite(t *testing.T) {
	for _, tt := range []struct {
		name  string
		start func(testing.TB) *redistest.Server
	}{
		{"one node", redistest.StartServer},
		{"cluster", redistest.Cluster},
		{"sentinel", redistest.Sentinel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := tt.start(t).Client()
			for _, key := range []string{"a", "b", "c", "d", "e"} {
				if err := c.Set(t.Context(), key, key, time.Minute).Err(); err != nil {
					t.Fatal(err)
				}
				if got, err := c.Get(t.Context(), key).Result(); got != key || err != nil {
					t.Errorf("Get(%s) = %q, %v", key, got, err)
				}
			}
		})
	}
}

func TestOutageEnds(t *testing.T) {
	t.Parallel()
	s := redistest.StartServer(t)
	c := s.Client()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s.Stop()
	start := time.Now()
	if err := c.Get(t.Context(), "k").Err(); err == nil {
		t.Error("a stopped Redis answered")
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("the error came after %s", took)
	}
	s.Restart()
	if got, err := c.Get(t.Context(), "k").Result(); got != "v" || err != nil {
		t.Errorf("after the restart Get = %q, %v", got, err)
	}
}

func TestSentinelFailover(t *testing.T) {
	t.Parallel()
	s := redistest.Sentinel(t)
	c := s.Client()
	if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	until.Holds(t, "the replica has it", func() bool {
		n, err := c.Do(t.Context(), "WAIT", 1, 200).Int() // before the client itself gives up, after 1 s
		return n == 1 && err == nil
	})
	s.StopNode(0)
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for c.Set(ctx, "k2", "v2", 0).Err() != nil && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	if got, err := c.Get(ctx, "k").Result(); got != "v" || err != nil {
		t.Errorf("after the failover Get = %q, %v", got, err)
	}
}
