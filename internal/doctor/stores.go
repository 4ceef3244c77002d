package doctor

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
	"github.com/shopd/shopd/internal/redisconn"
)

// redis looks at each server that holds keys.
func (d *Doctor) redis(ctx context.Context, f *findings) {
	cluster, is := d.Redis.(*redis.ClusterClient)
	if !is {
		if one, ok := d.Redis.(*redis.Client); ok {
			lookAt(ctx, one, "", f)
		}
		return
	}
	var mu sync.Mutex
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, one *redis.Client) error {
		mine := &findings{about: f.about}
		lookAt(ctx, one, one.Options().Addr+": ", mine)
		mu.Lock()
		defer mu.Unlock()
		f.list = append(f.list, mine.list...)
		return nil
	})
	if err != nil {
		f.wrong("the Cluster does not answer: "+why(err), "see -redis-url (SHOPD_REDIS_URL), and the Cluster's state")
	}
}

// minRedis is the oldest version of Redis that the tests run on.
const minRedis = 7

func lookAt(ctx context.Context, one *redis.Client, at string, f *findings) {
	before := time.Now()
	now, err := one.Time(ctx).Result()
	switch {
	case redis.HasErrorPrefix(err, "NOPERM"): // who refuses has answered
		f.note(at+"it does not say what time it is", "let the user ask TIME, as the line in docs/operations.md does")
	case redis.HasErrorPrefix(err, "WRONGPASS"), redis.HasErrorPrefix(err, "NOAUTH"):
		f.wrong(at+"it does not take the user or the password: "+why(err), "see those of -redis-url (SHOPD_REDIS_URL); a user that ACL SETUSER made is gone after a restart, unless it was written down: see docs/operations.md")
		return
	case err != nil:
		f.wrong(at+"it does not answer: "+why(err), "see -redis-url (SHOPD_REDIS_URL), and whether it runs; every page with a cart waits for it")
		return
	default:
		f.clock(now, before, time.Now())
	}
	if err := write(ctx, one); err != nil {
		kind, _, _ := strings.Cut(err.Error(), " ")
		f.wrong(at+"it takes no writes: "+why(err), cmp.Or(refused[kind], "see its log; without writes no cart can be changed"))
	} else {
		f.right("%sit takes writes", at)
	}
	text, err := one.Info(ctx).Result()
	info := map[string]string{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		info[name] = value
	}
	version := info["redis_version"]
	if err != nil || version == "" {
		f.note(at+"it says nothing of itself", "let the user ask INFO; the demo's own Redis knows none")
		return
	}
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < minRedis {
		f.note(at+"it is Redis "+version+", older than what shopd is tested with", fmt.Sprintf("take Redis %d or newer, or Valkey", minRedis))
	} else {
		f.right("%sit is Redis %s", at, version)
	}
	if policy := info["maxmemory_policy"]; policy != "noeviction" {
		f.wrong(fmt.Sprintf("%sits maxmemory-policy is %s: with a full memory carts disappear", at, policy), "set maxmemory-policy noeviction")
	} else {
		f.right("%sit throws nothing away", at)
	}
	switch {
	case info["aof_enabled"] == "1" && info["aof_last_write_status"] != "ok", info["rdb_last_bgsave_status"] != "ok":
		f.wrong(at+"its last write to the disk has failed", "see its log, and whether the disk is full")
	case info["aof_enabled"] != "1":
		f.note(at+"it keeps no append-only file: a restart loses carts and sessions of the last minutes, or all", "set appendonly yes and appendfsync everysec; orders are in the database")
	default:
		f.right("%sit keeps carts and sessions over a restart", at)
	}
	used, limit := number(info["used_memory"]), number(info["maxmemory"])
	switch {
	case limit == 0:
		f.note(at+"it has no maxmemory: when the machine is full it is killed", "set maxmemory to half of the machine's memory")
	case used > limit/10*9:
		f.wrong(fmt.Sprintf("%sits memory is full to %d %%: at 100 %% it refuses writes", at, used*100/limit), "give it more memory and raise maxmemory")
	case used > limit/10*7:
		f.note(fmt.Sprintf("%sits memory is full to %d %%", at, used*100/limit), "plan for more memory")
	default:
		f.right("%sits memory is full to %d %%", at, used*100/limit)
	}
}

// refused says what to do where Redis refuses writes, by the first word of its answer.
var refused = map[string]string{
	"MISCONF":    "see its log, and whether the disk is full",
	"NOPERM":     "let the user do what the line in docs/operations.md does",
	"NOREPLICAS": "see its replicas: fewer keep up than min-replicas-to-write says",
	"OOM":        "give it more memory and raise maxmemory",
	"READONLY":   "it is a replica: give the master's address, or Sentinel's with ?master_name=",
}

// write has a server judge a write that changes nothing: of a key that is not there. In a Cluster
// only who has a key's slot judges, so keys are tried.
func write(ctx context.Context, one *redis.Client) (err error) {
	const keys = 100
	for n := range keys {
		err = one.SetXX(ctx, fmt.Sprint("shopd:doctor:", n), "", 0).Err()
		if !redisconn.Moving(err) {
			break
		}
	}
	if errors.Is(err, redis.Nil) || redisconn.Moving(err) {
		return nil
	}
	return err
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64)
	return n
}

// database looks at server, tables and rights.
func (d *Doctor) database(ctx context.Context, f *findings) {
	if errors.Is(d.DBProblem, db.ErrNoFile) {
		f.wrong("its file is not there", "before the first start that is right: serve makes it, or shopd migrate; else see -database-url (SHOPD_DATABASE_URL)")
		return
	}
	if d.DB == nil {
		f.wrong("it cannot be opened: "+why(d.DBProblem), "see -database-url (SHOPD_DATABASE_URL), and whether it runs; orders and stock are there. A SQLite file is open in one process only: ask the page Doctor of the back office then")
		return
	}
	before := time.Now()
	is, err := d.DB.Look(ctx)
	if err != nil {
		f.wrong("it does not answer: "+why(err), "see whether it runs, and its log; purchases are refused meanwhile")
		return
	}
	f.clock(is.Now, before, time.Now())
	if is.TooOld {
		f.wrong(is.Version+" is older than shopd needs", "take PostgreSQL 14 or newer")
	} else {
		f.right("it is %s", is.Version)
	}
	switch schema := db.Schema(); {
	case is.Schema < 0: // the right that is missing is told below
	case is.Schema < schema:
		f.wrong(fmt.Sprintf("its tables are at %d, this version needs %d", is.Schema, schema), "run shopd migrate, or let serve do it (-migrate)")
	case is.Schema > schema:
		f.note(fmt.Sprintf("its tables are at %d, this version knows %d: a newer shopd has been here", is.Schema, schema), "see docs/upgrade.md for what this version may still do")
	default:
		f.right("its tables are those of this version (%d)", schema)
	}
	if len(is.Forbidden) > 0 {
		f.wrong("the user may not read and write "+strings.Join(is.Forbidden, ", "), "grant what docs/operations.md lists for another user than their owner: PostgreSQL")
	}
	if !is.MayCreate {
		f.note("the user may make no tables", "so run shopd migrate as their owner before each upgrade, and serve with -migrate=false")
	}
	worth, err := d.DB.Durability(ctx)
	if err != nil {
		f.wrong("it does not say what a commit is worth: "+why(err), "see its log")
		return
	}
	for _, problem := range worth.Problems() {
		f.wrong(problem, "see docs/operations.md, PostgreSQL")
	}
	if len(worth.Problems()) == 0 {
		f.right("a commit is safe there")
	}
}
