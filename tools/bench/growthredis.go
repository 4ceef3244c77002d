package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// redisInfo is one section of a server's INFO.
func redisInfo(ctx context.Context, rdb redis.UniversalClient, section string) (map[string]string, error) {
	text, err := rdb.Info(ctx, section).Result()
	if err != nil {
		return nil, fmt.Errorf("INFO %s: %w", section, err)
	}
	values := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			values[name] = value
		}
	}
	return values, nil
}

// memoryOf is how many bytes a server has taken for its data, without the buffers of
// those connected to it.
func memoryOf(ctx context.Context, rdb redis.UniversalClient) (int64, error) {
	info, err := redisInfo(ctx, rdb, "memory")
	if err != nil {
		return 0, err
	}
	used, err := strconv.ParseInt(info["used_memory"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("used_memory: %w", err)
	}
	clients, err := strconv.ParseInt(info["mem_clients_normal"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("mem_clients_normal: %w", err)
	}
	return used - clients, nil
}

// commandStat is what a server says of one command since CONFIG RESETSTAT.
type commandStat struct {
	Calls int64
	Time  float64 // µs of the server for one call, in the median
}

// ours are commands that the benchmark itself sends.
var ours = []string{"info", "config", "command", "memory", "client", "hello", "ping", "dbsize"}

// commandStats is what a server was asked, by command in lower case, without what the
// benchmark itself asks.
func commandStats(ctx context.Context, rdb redis.UniversalClient) (map[string]commandStat, error) {
	info, err := redisInfo(ctx, rdb, "commandstats")
	if err != nil {
		return nil, err
	}
	stats := map[string]commandStat{}
	times, err := redisInfo(ctx, rdb, "latencystats")
	if err != nil {
		return nil, err
	}
	for name, text := range info {
		command, isStat := strings.CutPrefix(name, "cmdstat_")
		base, _, _ := strings.Cut(command, "|")
		if !isStat || slices.Contains(ours, base) {
			continue
		}
		var stat commandStat
		if stat.Calls, err = strconv.ParseInt(field(text, "calls"), 10, 64); err != nil {
			return nil, fmt.Errorf("calls of %s: %w", name, err)
		}
		if stat.Time, err = strconv.ParseFloat(field(times["latency_percentiles_usec_"+command], "p50"), 64); err != nil {
			return nil, fmt.Errorf("time of %s: %w", name, err)
		}
		stat.Time = max(stat.Time, 1) // Redis' clock tells no less
		stats[command] = stat
	}
	return stats, nil
}

// field is a value of a line of INFO such as "calls=1,usec=2".
func field(text, name string) string {
	for pair := range strings.SplitSeq(text, ",") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			return value
		}
	}
	return ""
}

// walkers are the commands that look at every key, or at all of a collection. None may
// be needed for a request or for a round of the loops, however much there is. ZRANGE is
// not among them: a loop asks for so many by it.
var walkers = []string{
	"keys", "scan", "sscan", "hscan", "zscan", "randomkey", "sort", "sort_ro",
	"smembers", "hgetall", "hkeys", "hvals", "lrange", "zrevrange",
	"sunion", "sinter", "sdiff", "zunion", "zinter", "zdiff", "sunionstore", "sinterstore", "zunionstore", "zinterstore",
	"flushall", "flushdb", "swapdb",
}

// growthCommand is one command of a run: how often each server was asked, and what
// Redis says about its cost.
type growthCommand struct {
	Command    string  `json:"command"`
	Complexity string  `json:"complexity"` // by Redis' own documentation
	Calls      []int64 `json:"calls"`      // by size
	// Times is the median time of a call in Redis at the largest size against the
	// smallest; 0 where there were too few calls to tell.
	Times float64 `json:"times"`
	Walks bool    `json:"walks"` // it looks at every key or at all of a collection
}

// enoughCalls is how many of a command there must be to compare their times.
const enoughCalls = 50

// compareCommands puts the servers' statistics side by side, smallest first.
func compareCommands(ctx context.Context, rdb redis.UniversalClient, stats []map[string]commandStat) ([]growthCommand, error) {
	found := map[string]*growthCommand{}
	for i, of := range stats {
		for name, stat := range of {
			if found[name] == nil {
				c, err := complexityOf(ctx, rdb, name)
				if err != nil {
					return nil, err
				}
				found[name] = &growthCommand{
					Command: name, Complexity: c, Calls: make([]int64, len(stats)), Walks: slices.Contains(walkers, name),
				}
			}
			found[name].Calls[i] = stat.Calls
		}
	}
	var list []growthCommand
	for name, c := range found {
		few, many := stats[0][name], stats[len(stats)-1][name]
		if min(few.Calls, many.Calls) >= enoughCalls {
			c.Times = many.Time / few.Time
		}
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b growthCommand) int {
		return cmp.Or(cmp.Compare(b.Calls[len(stats)-1], a.Calls[len(stats)-1]), cmp.Compare(a.Command, b.Command))
	})
	return list, nil
}

// complexityOf is what Redis' documentation of a command says about its cost, such as
// "O(log(N))".
func complexityOf(ctx context.Context, rdb redis.UniversalClient, command string) (string, error) {
	reply, err := rdb.Do(ctx, "COMMAND", "DOCS", command).Result()
	if err != nil {
		return "", fmt.Errorf("COMMAND DOCS %s: %w", command, err)
	}
	docs, _ := reply.(map[any]any)
	doc, _ := docs[command].(map[any]any)
	text, _ := doc["complexity"].(string)
	if !strings.HasPrefix(text, "O(") {
		return "that of its commands", nil // a script, whose commands are counted too
	}
	bound, _, _ := strings.Cut(text, " ")
	for strings.Count(bound, "(") > strings.Count(bound, ")") { // O(log(N) + M)
		more := strings.TrimPrefix(text[len(bound):], " ")
		next, _, found := strings.Cut(more, " ")
		if bound = text[:len(text)-len(more)+len(next)]; !found {
			break
		}
	}
	return strings.TrimRight(bound, ".,;:"), nil
}
