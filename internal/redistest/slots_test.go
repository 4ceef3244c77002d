package redistest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

func TestHashTag(t *testing.T) {
	for key, want := range map[string]string{
		"":                 "",
		"a":                "a",
		"shopd:{stock}":    "stock",
		"shopd:{stock}:a}": "stock",
		"{a}{b}":           "a",
		"{{a}b":            "{a",
		"{}{a}":            "{}{a}",
		"a{":               "a{",
		"a}b{c}":           "c",
	} {
		if got := hashTag(key); got != want {
			t.Errorf("hash tag of %q = %q, want %q", key, got, want)
		}
	}
}

// Each command once with keys of one slot, written "{a}…", and once with a key of
// another in each place.
func TestOneSlot(t *testing.T) {
	Start(t) // tells what commands there are
	for _, command := range []string{
		"EVAL script 2 {a}1 {a}2 arg",
		"evalsha hash 3 {a}1 {a}2 {a}3",
		"EVAL_RO script 2 {a}1 {a}2",
		"FCALL f 2 {a}1 {a}2 arg",
		"MGET {a}1 {a}2 {a}3",
		"MSET {a}1 v {a}2 v",
		"MSETNX {a}1 v {a}2 v",
		"DEL {a}1 {a}2",
		"UNLINK {a}1 {a}2",
		"EXISTS {a}1 {a}2",
		"TOUCH {a}1 {a}2",
		"WATCH {a}1 {a}2",
		"RENAME {a}1 {a}2",
		"COPY {a}1 {a}2",
		"SMOVE {a}1 {a}2 v",
		"LMOVE {a}1 {a}2 LEFT LEFT",
		"RPOPLPUSH {a}1 {a}2",
		"BLPOP {a}1 {a}2 1",
		"SINTERSTORE {a}1 {a}2 {a}3",
		"SUNION {a}1 {a}2",
		"SINTERCARD 2 {a}1 {a}2",
		"ZUNIONSTORE {a}1 2 {a}2 {a}3 WEIGHTS 1 2",
		"ZINTER 2 {a}1 {a}2 WITHSCORES",
		"ZRANGESTORE {a}1 {a}2 0 -1",
		"LMPOP 2 {a}1 {a}2 LEFT",
		"BZMPOP 1 2 {a}1 {a}2 MIN",
		"PFMERGE {a}1 {a}2",
		"BITOP AND {a}1 {a}2",
		"MULTI | SET {a}1 v | HSET {a}2 f v | OBJECT ENCODING {a}3 | ZADD {a}4 1 m | EXEC",
		"MULTI | EVALSHA hash 1 {a}1 | EXPIRE {a}2 1 | PUBLISH channel text | EXEC",
	} {
		t.Run(command, func(t *testing.T) {
			if err := oneSlot(parse(command)...); err != nil {
				t.Errorf("refused: %v", err)
			}
			for i := 1; strings.Contains(command, fmt.Sprint("{a}", i)); i++ {
				wrong := strings.Replace(command, fmt.Sprint("{a}", i), fmt.Sprint("{b}", i), 1)
				if err := oneSlot(parse(wrong)...); err == nil || !strings.Contains(err.Error(), "different hash tags") {
					t.Errorf("%s: %v, want it refused", wrong, err)
				}
			}
		})
	}
}

func parse(text string) (cmds []redis.Cmder) {
	for command := range strings.SplitSeq(text, " | ") {
		var args []any
		for arg := range strings.FieldsSeq(command) {
			args = append(args, arg)
		}
		cmds = append(cmds, redis.NewCmd(context.Background(), args...))
	}
	return cmds
}

// Nothing passes because nobody knew where its keys are.
func TestKeysNotKnown(t *testing.T) {
	Start(t)
	for command, want := range map[string]string{
		"SORT {a} STORE {b}":              "keys of sort",
		"XREAD STREAMS {a} {b} 0 0":       "keys of xread",
		"GEORADIUS {a} 1 1 1 m STORE {b}": "keys of georadius",
		"EVAL script":                     "keys of eval",
		"EVAL script 2 {a}":               "has 2 keys",
		"EVAL script many {a}":            "has many keys",
		"EVAL script -1 {a}":              "has -1 keys",
		"PING":                            "",
		"CONFIG GET {a} {b}":              "",
		"NONSENSE {a} {b}":                "",
	} {
		if err := oneSlot(parse(command)...); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want an error with %q", command, err, want)
		}
	}
}

// told is a test that takes note of its failures instead of failing.
type told struct {
	testing.TB
	errors []string
}

func (t *told) Errorf(format string, args ...any) {
	t.errors = append(t.errors, fmt.Sprintf(format, args...))
}

// Neither does what is refused reach Redis, nor does the test pass.
func TestCheckSlots(t *testing.T) {
	ctx, s := t.Context(), StartServer(t)
	recorder := &told{TB: t}
	c := open(t, s.URL)
	CheckSlots(recorder, c)
	script := redis.NewScript(`return redis.call('SET', KEYS[1], 'v')`)
	for name, wrong := range map[string]func() error{
		"command": func() error { return c.MSet(ctx, "{a}1", "v", "{b}1", "v").Err() },
		"bytes":   func() error { return c.Do(ctx, []byte("MSET"), []byte("{a}1"), "v", []byte("{b}1"), "v").Err() },
		"script":  func() error { return script.Run(ctx, c, []string{"{a}1", "{b}1"}).Err() },
		"transaction": func() error {
			_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
				return errors.Join(p.Set(ctx, "{a}1", "v", 0).Err(), p.Set(ctx, "{b}1", "v", 0).Err())
			})
			return err
		},
		"pipelined command": func() error {
			_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
				return errors.Join(p.Set(ctx, "{a}1", "v", 0).Err(), p.MSet(ctx, "{a}2", "v", "{b}1", "v").Err())
			})
			return err
		},
		"watch": func() error {
			return c.Watch(ctx, func(*redis.Tx) error { return nil }, "{a}1", "{b}1")
		},
	} {
		recorder.errors = nil
		if err := wrong(); err == nil || !strings.Contains(err.Error(), "different hash tags") {
			t.Errorf("%s: %v, want it refused", name, err)
		}
		if len(recorder.errors) != 1 {
			t.Errorf("%s: the test was told %q", name, recorder.errors)
		}
	}
	if n := c.DBSize(ctx).Val(); n != 0 {
		t.Errorf("%d keys were written", n)
	}

	recorder.errors = nil
	if _, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		return errors.Join(p.Set(ctx, "{a}1", "v", 0).Err(), p.Set(ctx, "{b}1", "v", 0).Err())
	}); err != nil {
		t.Errorf("pipeline: %v", err)
	}
	if _, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		return errors.Join(p.Set(ctx, "{a}1", "v", 0).Err(), p.Set(ctx, "{a}2", "v", 0).Err())
	}); err != nil {
		t.Errorf("transaction: %v", err)
	}
	if len(recorder.errors) != 0 {
		t.Errorf("the test was told %q", recorder.errors)
	}
}
