package redistest

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/lifeline"
	"github.com/shopd/shopd/internal/redisconn"
)

// idle are the running servers of this process that no test uses. A test takes one and
// gives it back empty, so most packages start a single server. More are started only when
// several tests want one at once.
var idle struct {
	sync.Mutex
	nodes []*node
}

// take returns an idle server, or nil.
func take() *node {
	idle.Lock()
	defer idle.Unlock()
	last := len(idle.nodes) - 1
	if last < 0 {
		return nil
	}
	n := idle.nodes[last]
	idle.nodes = idle.nodes[:last]
	return n
}

// giveBack makes a test's server idle again. It ends a server that was stopped or frozen,
// or cannot be reset.
func (s *Server) giveBack() {
	if len(s.nodes) == 0 {
		return // it could not be started
	}
	n := s.nodes[0]
	if s.disturbed || n.reset() != nil {
		s.remove()
		return
	}
	idle.Lock()
	defer idle.Unlock()
	idle.nodes = append(idle.nodes, n)
}

const resetLimit = 5 * time.Second

var errSettings = errors.New("the test has changed settings or users")

// reset brings a server back to its start: no clients, keys, scripts and counts. It returns
// an error when settings or users differ.
//
// The socket moves first. So a forgotten goroutine or another process with the old URL
// cannot reach the next test's data.
func (n *node) reset() error {
	ctx, cancel := context.WithTimeout(context.Background(), resetLimit)
	defer cancel()
	n.leases++
	next := filepath.Join(n.dir, socket(n.leases))
	if err := os.Rename(n.addr, next); err != nil {
		return err
	}
	n.addr = next
	// Earlier connections have all been accepted before this client's. So this client is known
	// from all others.
	c, err := redisconn.Open(url(n))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Do(ctx, "CLIENT", "KILL", "SKIPME", "yes")
		p.Do(ctx, "CLIENT", "UNPAUSE")
		p.FlushAll(ctx)
		p.ScriptFlush(ctx)
		p.ConfigResetStat(ctx)
		return nil
	}); err != nil {
		return err
	}
	now, err := readSettings(ctx, c)
	if err == nil && !now.equal(n.settings) {
		err = errSettings
	}
	return err
}

// remember stores the settings of a newly started server.
func (n *node) remember(ctx context.Context) error {
	c, err := redisconn.Open(url(n))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	n.settings, err = readSettings(ctx, c)
	return err
}

func socket(lease int) string { return strconv.Itoa(lease) + ".sock" }

// settings returns the settings that a test may change and that emptying does not reset.
type settings struct {
	config map[string]string
	users  []string
}

func readSettings(ctx context.Context, c redis.UniversalClient) (s settings, err error) {
	if s.config, err = c.ConfigGet(ctx, "*").Result(); err != nil {
		return s, err
	}
	s.users, err = c.Do(ctx, "ACL", "LIST").StringSlice()
	return s, err
}

func (s settings) equal(other settings) bool {
	return maps.Equal(s.config, other.config) && slices.Equal(s.users, other.users)
}

var folder = sync.OnceValues(func() (lifeline.Folder, error) { return lifeline.New("redis", "KILL") })

// pidFile tells the watching process of a node's process.
func (n *node) pidFile() string { return filepath.Join(n.dir, lifeline.PIDFile) }
