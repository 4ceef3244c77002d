package redistest

import (
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// batch is the number of keys moved at once, the same as redis-cli's.
const batch = 10

// Keys returns the keys that match a pattern, on all nodes.
func (s *Server) Keys(pattern string) []string {
	s.t.Helper()
	var keys []string
	for i := range s.nodes {
		found, err := s.Node(i).Keys(s.t.Context(), pattern).Result()
		must(s.t, err)
		keys = append(keys, found...)
	}
	return keys
}

// Node returns a client for one node alone, closed at the test's end. It does not check
// slots.
func (s *Server) Node(i int) redis.UniversalClient {
	s.t.Helper()
	return open(s.t, url(s.nodes[i]))
}

// MoveSlot moves the slot of a key to the next master of a Cluster in use, as resharding
// does: keys in batches with pauses, then all masters learn the new owner. It returns the
// number of moved keys.
func (s *Server) MoveSlot(key string, pause time.Duration) (moved int) {
	s.t.Helper()
	ctx, nodes, ids := s.t.Context(), make([]redis.UniversalClient, masters), make([]string, masters)
	for i := range nodes {
		var err error
		nodes[i] = s.Node(i)
		ids[i], err = nodes[i].Do(ctx, "CLUSTER", "MYID").Text()
		must(s.t, err)
	}
	slot, err := nodes[0].ClusterKeySlot(ctx, key).Result()
	must(s.t, err)
	from := s.owner(nodes[0], ids, int(slot))
	to := (from + 1) % masters
	must(s.t, nodes[to].Do(ctx, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from]).Err())
	must(s.t, nodes[from].Do(ctx, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to]).Err())
	for {
		keys, err := nodes[from].ClusterGetKeysInSlot(ctx, int(slot), batch).Result()
		must(s.t, err)
		if len(keys) == 0 {
			break
		}
		command := []any{"MIGRATE", "127.0.0.1", strconv.Itoa(port(s.nodes[to].addr)), "", 0, 5000, "KEYS"}
		for _, key := range keys {
			command = append(command, key)
		}
		must(s.t, nodes[from].Do(ctx, command...).Err())
		moved += len(keys)
		time.Sleep(pause)
	}
	for i := range masters { // the new owner first, so that nobody is sent in a circle
		must(s.t, nodes[(to+i)%masters].Do(ctx, "CLUSTER", "SETSLOT", slot, "NODE", ids[to]).Err())
	}
	return moved
}

// owner returns the node that has a slot, according to one of them.
func (s *Server) owner(node redis.UniversalClient, ids []string, slot int) int {
	s.t.Helper()
	all, err := node.ClusterSlots(s.t.Context()).Result()
	must(s.t, err)
	for _, r := range all {
		for i, id := range ids {
			if slot >= r.Start && slot <= r.End && r.Nodes[0].ID == id {
				return i
			}
		}
	}
	s.t.Fatalf("nobody has slot %d", slot)
	return 0
}
