package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/go-json-experiment/json/v1"
	"github.com/redis/go-redis/v9"

	"github.com/shopd/shopd/internal/db"
)

// The files of a demo with -data. Its database loses nothing that was committed, the fake
// nothing that it has told, and the carts what is younger than redisEvery, as a Redis with
// appendfsync everysec does. So a demo that is killed goes on as a shop does.
const (
	dataDatabase = "shop.db"
	dataRedis    = "redis.json"
	dataFake     = "klarna.json"
	dataSecret   = "secret"
	dataLock     = "lock.db"
)

// openData makes the directory of -data, if it is not there, takes it for this process alone
// and points those settings into it that are not given.
func (e *env) openData(ctx context.Context) (unlock func(), err error) {
	dir, err := filepath.Abs(e.dataDir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	release, err := db.Lock(ctx, filepath.Join(dir, dataLock))
	if errors.Is(err, db.ErrInUse) {
		return nil, fmt.Errorf("%s is in use by another process", dir)
	}
	if err != nil {
		return nil, err
	}
	e.dataDir = dir
	e.fakeState = filepath.Join(dir, dataFake)
	if e.databaseURL == "" {
		e.databaseURL = databaseIn(dir)
	}
	if e.secret == "" { // orders at the fake are signed with it
		e.secret, err = keptSecret(filepath.Join(dir, dataSecret))
	}
	return func() { _ = release() }, err
}

func databaseIn(dir string) string {
	return (&url.URL{Scheme: "sqlite", Path: filepath.ToSlash(filepath.Join(dir, dataDatabase))}).String()
}

func keptSecret(file string) (string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names the directory
	if errors.Is(err, fs.ErrNotExist) {
		secret := rand.Text()
		return secret, replaceFile(file, []byte(secret+"\n"))
	}
	return strings.TrimSpace(string(text)), err
}

// redisFile is the file of the embedded Redis, "" without -data.
func (e *env) redisFile() string {
	if e.dataDir == "" {
		return ""
	}
	return filepath.Join(e.dataDir, dataRedis)
}

// redisEvery is the time between two looks at whether the embedded Redis has changed.
const redisEvery = time.Second

// embeddedRedis is a Redis of this process.
type embeddedRedis struct {
	url  string
	stop func()
}

// startRedis starts an embedded Redis. With a file it has what is in there, and keeps it there.
func startRedis(ctx context.Context, file string, logger *slog.Logger) (*embeddedRedis, error) {
	mini := miniredis.NewMiniRedis()
	mini.ClockTTL(true) // keys expire as time passes
	if err := mini.Start(); err != nil {
		return nil, err
	}
	e := &embeddedRedis{url: "redis://" + mini.Addr(), stop: mini.Close}
	if file == "" {
		return e, nil
	}
	ctx = context.WithoutCancel(ctx)
	k := &redisKeeper{rdb: redis.NewClient(&redis.Options{Addr: mini.Addr()}), file: file}
	err := k.restore(ctx)
	if err == nil {
		err = k.keep(ctx)
	}
	if err != nil {
		mini.Close()
		return nil, err
	}
	ticks, stop, stopped := time.NewTicker(redisEvery), make(chan struct{}), make(chan struct{})
	keep := func() {
		if err := k.keep(ctx); err != nil {
			logger.ErrorContext(ctx, "the carts are not written", "error", err)
		}
	}
	go func() {
		defer close(stopped)
		for {
			select {
			case <-ticks.C:
				keep()
			case <-stop:
				return
			}
		}
	}()
	e.stop = func() {
		ticks.Stop()
		close(stop)
		<-stopped
		keep()
		_ = k.rdb.Close()
		mini.Close()
	}
	return e, nil
}

// redisKeeper keeps what a Redis has in a file.
type redisKeeper struct {
	rdb  *redis.Client
	file string
	last []byte
}

// redisKey is a key in the file, with what the command that makes it takes.
type redisKey struct {
	Command string    `json:"command"` // SET, HSET, ZADD, SADD or RPUSH
	Key     string    `json:"key"`
	Args    [][]byte  `json:"args"`
	Expires time.Time `json:"expires,omitzero"`
}

// all reads every key at one moment: [command, key, milliseconds left or -1, arguments]. Keys of
// another type are an error, so that none is forgotten in silence.
var all = redis.NewScript(`
local found = {}
local keys = redis.call('KEYS', '*')
table.sort(keys)
for _, key in ipairs(keys) do
	local type, command, args = redis.call('TYPE', key).ok, '', {}
	if type == 'string' then command, args = 'SET', {redis.call('GET', key)}
	elseif type == 'hash' then command, args = 'HSET', redis.call('HGETALL', key)
	elseif type == 'set' then command, args = 'SADD', redis.call('SMEMBERS', key)
	elseif type == 'list' then command, args = 'RPUSH', redis.call('LRANGE', key, 0, -1)
	elseif type == 'zset' then
		command = 'ZADD'
		local scored = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
		for i = 1, #scored, 2 do
			args[i], args[i + 1] = scored[i + 1], scored[i]
		end
	else return redis.error_reply('no keeping of ' .. type) end
	found[#found + 1] = {command, key, redis.call('PTTL', key), args}
end
return found`)

func (k *redisKeeper) keep(ctx context.Context) error {
	found, err := all.Run(ctx, k.rdb, nil).Slice()
	if err != nil {
		return err
	}
	keys := make([]redisKey, len(found))
	for i, f := range found {
		entry := f.([]any)                                                  //nolint:forcetypeassert // as the script makes it
		keys[i].Command, keys[i].Key = entry[0].(string), entry[1].(string) //nolint:forcetypeassert // the same
		if left := entry[2].(int64); left >= 0 {                            //nolint:forcetypeassert // the same
			// Rounded: the time that is left, read again, is not to the millisecond what it was.
			keys[i].Expires = time.Now().Add(time.Duration(left) * time.Millisecond).UTC().Round(time.Second)
		}
		for _, arg := range entry[3].([]any) { //nolint:forcetypeassert // the same
			keys[i].Args = append(keys[i].Args, []byte(arg.(string))) //nolint:forcetypeassert // the same
		}
	}
	text, err := json.Marshal(keys)
	if err != nil || bytes.Equal(text, k.last) {
		return err
	}
	k.last = text
	return replaceFile(k.file, text)
}

func (k *redisKeeper) restore(ctx context.Context) error {
	text, err := os.ReadFile(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var keys []redisKey
	if err == nil {
		err = json.Unmarshal(text, &keys)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", k.file, err)
	}
	for _, key := range keys {
		command := []any{key.Command, key.Key}
		for _, arg := range key.Args {
			command = append(command, arg)
		}
		err := k.rdb.Do(ctx, command...).Err()
		if err == nil && !key.Expires.IsZero() {
			err = k.rdb.PExpireAt(ctx, key.Key, key.Expires).Err() // what is over goes
		}
		if err != nil {
			return fmt.Errorf("%s: %s %s: %w", k.file, key.Command, key.Key, err)
		}
	}
	return nil
}
