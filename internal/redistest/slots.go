package redistest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"
)

// CheckSlots makes a client of a single Redis fail the test on what a Cluster refuses: a
// script, a transaction or a command whose keys have different hash tags, because these may
// lie on different servers. Plain pipelines may use any keys. All clients of this package
// have the check.
//
// It does not see keys that a script builds itself. TestTopologyCluster in test/e2e runs
// all scripts on a real Cluster.
func CheckSlots(t testing.TB, c redis.UniversalClient) {
	c.AddHook(slotHook{t})
}

type slotHook struct{ t testing.TB }

// DialHook implements redis.Hook. It changes nothing.
func (slotHook) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook refuses a single command.
func (h slotHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := oneSlot(cmd); err != nil {
			return h.refuse(err, cmd)
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook refuses a transaction with different hash tags, and a pipeline with a
// command that would be refused alone.
func (h slotHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		err := oneSlot(cmds...)
		if len(cmds) > 0 && cmds[0].Name() != "multi" {
			for _, cmd := range cmds {
				if err = oneSlot(cmd); err != nil {
					break
				}
			}
		}
		if err != nil {
			return h.refuse(err, cmds...)
		}
		return next(ctx, cmds)
	}
}

func (h slotHook) refuse(err error, cmds ...redis.Cmder) error {
	h.t.Errorf("a Redis Cluster refuses this: %v", err)
	for _, cmd := range cmds {
		cmd.SetErr(err)
	}
	return err
}

// oneSlot returns an error when the keys of commands have different hash tags.
func oneSlot(cmds ...redis.Cmder) error {
	first := ""
	for _, cmd := range cmds {
		found, err := keys(cmd.Args())
		if err != nil {
			return err
		}
		for _, key := range found {
			switch {
			case first == "":
				first = key
			case hashTag(first) != hashTag(key):
				return fmt.Errorf("%s: keys %q and %q have different hash tags", name(cmds), first, key)
			}
		}
	}
	return nil
}

func name(cmds []redis.Cmder) string {
	var names []string
	for _, cmd := range cmds {
		names = append(names, cmd.Name())
	}
	return strings.Join(names, " ")
}

// hashTag returns the part of a key that decides its slot. Two tags may share a slot by
// chance, but nothing may rely on that.
func hashTag(key string) string {
	_, after, found := strings.Cut(key, "{")
	if tag, _, closed := strings.Cut(after, "}"); found && closed && tag != "" {
		return tag
	}
	return key
}

// commands are Redis's commands by name, asked from a server once per process.
var commands atomic.Pointer[map[string]*redis.CommandInfo]

func learnCommands(ctx context.Context, c redis.UniversalClient) error {
	if commands.Load() != nil {
		return nil
	}
	infos, err := c.Command(ctx).Result()
	if err == nil {
		commands.Store(&infos)
	}
	return err
}

// counted are the commands with a number of keys as an argument, by that argument's
// position.
var counted = map[string]int{
	"eval": 2, "evalsha": 2, "eval_ro": 2, "evalsha_ro": 2, "fcall": 2, "fcall_ro": 2,
	"zunionstore": 2, "zinterstore": 2, "zdiffstore": 2, "blmpop": 2, "bzmpop": 2,
	"zunion": 1, "zinter": 1, "zdiff": 1, "sintercard": 1, "zintercard": 1, "lmpop": 1, "zmpop": 1,
}

// second are the commands of two words. Their key comes after both.
var second = map[string]bool{"memory": true, "object": true, "xgroup": true, "xinfo": true}

// keys returns the keys of a command. For a command that takes keys in an unknown way it
// returns an error: add it to the tables above. Redis itself refuses an unknown command, so
// that has no keys.
func keys(args []any) (found []string, err error) {
	command := strings.ToLower(text(args[0]))
	all := commands.Load()
	if all == nil {
		return nil, fmt.Errorf("%s before any server was started", command)
	}
	info := (*all)[command]
	if info == nil {
		return nil, nil
	}
	if second[command] {
		return texts(args[min(2, len(args)):min(3, len(args))]), nil
	}
	if first := int(info.FirstKeyPos); first > 0 {
		last := int(info.LastKeyPos)
		if last < 0 {
			last += len(args)
		}
		for i := first; i <= min(last, len(args)-1); i += max(int(info.StepCount), 1) {
			found = append(found, text(args[i]))
		}
	}
	if !slices.Contains(info.Flags, "movablekeys") {
		return found, nil
	}
	at, known := counted[command]
	if !known || at >= len(args) {
		return nil, fmt.Errorf("redistest does not know where the keys of %s are", command)
	}
	n, err := strconv.Atoi(text(args[at]))
	if err != nil || n < 0 || n >= len(args)-at {
		return nil, fmt.Errorf("%s says that it has %v keys", command, args[at])
	}
	return append(found, texts(args[at+1:at+1+n])...), nil
}

func texts(args []any) (all []string) {
	for _, arg := range args {
		all = append(all, text(arg))
	}
	return all
}

func text(arg any) string {
	if b, ok := arg.([]byte); ok {
		return string(b)
	}
	return fmt.Sprint(arg)
}
