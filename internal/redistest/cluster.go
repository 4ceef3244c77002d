package redistest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

const (
	masters        = 3
	slots          = 16384
	masterName     = "shop"
	sentinelConfig = "sentinel.conf"
)

// Cluster runs a Cluster of three masters and waits until each of them knows all of it.
func Cluster(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	addrs := freeAddrs(t, 2*masters) // the second half for the cluster bus
	for i, addr := range addrs[:masters] {
		s.add(addr, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(port(addrs[masters+i])),
			"--cluster-node-timeout", "1000")
	}
	s.URL = "redis://" + strings.Join(addrs[:masters], ",")
	s.Restart()
	for i, n := range s.nodes {
		c := open(t, "redis://"+n.addr)
		must(t, c.ClusterAddSlotsRange(t.Context(), i*slots/masters, (i+1)*slots/masters-1).Err())
		must(t, c.Do(t.Context(), "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err())
		must(t, c.Do(t.Context(), "CLUSTER", "MEET", "127.0.0.1", port(addrs[0]), port(addrs[masters])).Err())
	}
	for _, n := range s.nodes {
		s.await(n, "join the cluster", func(c redis.UniversalClient) bool {
			info, _ := c.ClusterInfo(t.Context()).Result()
			return strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, fmt.Sprintf("cluster_slots_ok:%d", slots))
		})
	}
	return s
}

// Sentinel runs a master, a replica and a Sentinel. The Sentinel promotes the replica about
// 2 s after node 0 stops.
func Sentinel(t testing.TB) *Server {
	t.Helper()
	s := newServer(t)
	addrs := freeAddrs(t, 3)
	s.add(addrs[0], "--repl-diskless-sync-delay", "0")
	s.add(addrs[1], "--repl-diskless-sync-delay", "0", "--replicaof", "127.0.0.1 "+strconv.Itoa(port(addrs[0])))
	s.Restart()
	s.await(s.nodes[1], "follow the master", func(c redis.UniversalClient) bool {
		info, _ := c.Info(t.Context(), "replication").Result()
		return strings.Contains(info, "master_link_status:up")
	})
	watch := s.add("")
	watch.addr, watch.args = addrs[2], []string{sentinelConfig, "--sentinel"}
	config := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor %s 127.0.0.1 %d 1\n"+
		"sentinel down-after-milliseconds %[2]s 1000\nsentinel failover-timeout %[2]s 10000\n", port(addrs[2]), masterName, port(addrs[0]))
	must(t, os.WriteFile(filepath.Join(watch.dir, sentinelConfig), []byte(config), 0o600))
	s.URL = "redis://" + addrs[2] + "?master_name=" + masterName
	s.Restart()
	// A Sentinel that could not run for 2 s distrusts the clock and does nothing for 30 s. On
	// a busy machine the clock is right, but Redis 6 has no setting for this.
	_ = s.Node(2).Do(t.Context(), "SENTINEL", "DEBUG", "TILT-TRIGGER", 60_000, "TILT-PERIOD", 1000).Err()
	s.await(watch, "find the replica", func(c redis.UniversalClient) bool {
		info, _ := c.Info(t.Context(), "sentinel").Result()
		return strings.Contains(info, "slaves=1")
	})
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// AwaitMaster waits until the Sentinel names the node as the master.
func (s *Server) AwaitMaster(i int) {
	s.t.Helper()
	s.await(s.nodes[len(s.nodes)-1], "name the new master", func(c redis.UniversalClient) bool {
		named, _ := c.Do(s.t.Context(), "SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName).StringSlice()
		return len(named) == 2 && named[0]+":"+named[1] == s.nodes[i].addr
	})
}
