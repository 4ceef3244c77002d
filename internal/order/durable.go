package order

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/redisconn"
)

const (
	// replicaWait is long for a replica that is in step. One that has just copied
	// the whole is sent nothing more until it says that it has: it does so once a second.
	replicaWait = 1500 * time.Millisecond
	// fileWait is that for the append-only file, which is written through to the
	// disk each second where appendfsync is everysec; a busy disk takes longer.
	fileWait = 2500 * time.Millisecond
	// slotPoll is how often the book's master is looked for while its slot moves
	// from one server of a Cluster to another.
	slotPoll = 20 * time.Millisecond
)

// ErrNotDurable means that the order was stored, but perhaps not to last.
var ErrNotDurable = errors.New("redis does not confirm that the order will last")

// durably runs write on one connection to the master that has the book, and
// returns when a replica, where there is one, has what was written, and the
// disk, as far as the server can tell: Redis knows WAITAOF from 7.2 on. While the
// book moves to another server of a Cluster, write is called again, until ctx
// ends: the connection is to one server, so nobody else follows its redirections.
func (b *Book) durably(ctx context.Context, write func(*redis.Conn) error) error {
	for {
		err := b.durablyAt(ctx, write)
		cluster, ok := b.Redis.(*redis.ClusterClient)
		if !ok || !redisconn.Moving(err) {
			return err
		}
		cluster.ReloadState(ctx)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(slotPoll):
		}
	}
}

// durablyAt is durably on the server that has the book as far as is known.
func (b *Book) durablyAt(ctx context.Context, write func(*redis.Conn) error) error {
	client, err := master(ctx, b.Redis)
	if err != nil {
		return err
	}
	conn := client.Conn() // Redis waits for what the same connection has written
	defer func() { _ = conn.Close() }()
	if err := write(conn); err != nil {
		return err
	}
	following, err := replicas(ctx, conn)
	if err != nil {
		return err
	}
	if following > 0 {
		n, err := conn.Wait(ctx, 1, replicaWait).Result()
		if err != nil && !refused(err) {
			return err
		}
		if err == nil && n < 1 {
			return fmt.Errorf("%w: no replica has it", ErrNotDurable)
		}
	}
	if b.noWaitAOF.Load() {
		return nil
	}
	synced, err := conn.WaitAOF(ctx, 1, 0, fileWait).Result()
	switch {
	case refused(err):
		// An older server, or one without a file, of which CheckDurability tells.
		b.noWaitAOF.Store(true)
		return nil
	case err != nil:
		return err
	case len(synced) < 1 || synced[0] < 1:
		return fmt.Errorf("%w: the disk has not", ErrNotDurable)
	}
	return nil
}

// master is the client of the server that has the book.
func master(ctx context.Context, rdb redis.UniversalClient) (*redis.Client, error) {
	switch c := rdb.(type) {
	case *redis.Client:
		return c, nil
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, openKey)
	}
	return nil, fmt.Errorf("a %T is neither a Redis nor a Cluster", rdb)
}

// replicas is how many replicas follow the server, 0 when it does not tell. No
// answer at all is an error: a master that died just now may have had one.
func replicas(ctx context.Context, conn *redis.Conn) (n int, err error) {
	info, err := conn.Info(ctx, "replication").Result()
	if _, answered := errors.AsType[redis.Error](err); answered {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(info) {
		if strings.HasPrefix(line, "slave") && strings.Contains(line, "state=online") {
			n++
		}
	}
	return n, nil
}

// refused reports whether the server does not have a command, or does not let
// us use it. Other errors, such as that it is still loading, pass.
func refused(err error) bool {
	for _, prefix := range []string{"unknown command", "WAITAOF cannot", "NOPERM"} {
		if redis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// CheckDurability asks the Redis servers whether they keep what they are told:
// an append-only file, and no eviction. Each warning is a sentence for the
// operator, also when a server does not let itself be asked. The error says
// that a server did not answer.
func CheckDurability(ctx context.Context, rdb redis.UniversalClient) (warnings []string, err error) {
	found := map[string]bool{}
	var mu sync.Mutex // ForEachMaster asks them at once
	check := func(ctx context.Context, c *redis.Client) error {
		says, err := settings(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case refused(err):
			found[cannotTell] = true
		case err != nil:
			return fmt.Errorf("ask redis for its settings: %w", err)
		default:
			for _, warning := range warningsOf(says) {
				found[warning] = true
			}
		}
		return nil
	}
	switch c := rdb.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, check)
	case *redis.Client:
		err = check(ctx, c)
	}
	return slices.Sorted(maps.Keys(found)), err
}

const cannotTell = "Redis does not tell its settings (CONFIG is refused): make sure that it has appendonly yes and maxmemory-policy noeviction, else orders can be lost"

// settings are those of a server that decide whether orders last.
func settings(ctx context.Context, c *redis.Client) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range []string{"appendonly", "appendfsync", "maxmemory-policy"} {
		says, err := c.ConfigGet(ctx, name).Result()
		if err != nil {
			return nil, err
		}
		maps.Copy(all, says)
	}
	return all, nil
}

// warningsOf says what is wrong with a server's settings.
func warningsOf(settings map[string]string) []string {
	var warnings []string
	if settings["appendonly"] != "yes" {
		warnings = append(warnings, "Redis has appendonly "+settings["appendonly"]+": orders are lost when it restarts; set appendonly yes")
	} else if settings["appendfsync"] != "always" {
		warnings = append(warnings, "Redis has appendfsync "+settings["appendfsync"]+": the newest orders can be lost when its machine fails; set appendfsync always, unless it has a replica or WAITAOF (Redis 7.2)")
	}
	if policy := settings["maxmemory-policy"]; policy != "noeviction" {
		warnings = append(warnings, "Redis has maxmemory-policy "+policy+": orders can be evicted; set maxmemory-policy noeviction")
	}
	return warnings
}
